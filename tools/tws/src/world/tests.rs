//! Clients without a wire: they ask, time passes, and all that they hear is kept.

mod account;
mod data;
mod faults;
mod history;
mod orders;
mod sessions;

use super::*;
use crate::model::Contract;

/// A Monday, 10:00 in New York.
pub(super) fn monday() -> Nanos {
    stamp::parse("20261123 10:00:00").expect("a time")
}

/// A broker, its clock, and what has left it.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) now: Nanos,
    pub(super) out: Vec<Out>,
}

impl Scene {
    /// A seeded synthetic market; client 7 is connected by link 1.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let length = Nanos::from_secs(3_600);
        let mut config = Config::synthetic("DU1234567", 7, monday(), length).expect("sound");
        change(&mut config);
        let mut scene = Self {
            now: config.start,
            world: World::open(config),
            out: Vec::new(),
        };
        scene.connect(1, 7);
        scene.out.clear();
        scene
    }

    pub(super) fn connect(&mut self, link: u64, client_id: i32) {
        self.world.join(Link(link));
        let capabilities = String::new();
        self.ask(
            link,
            Request::StartApi {
                client_id,
                capabilities,
            },
        );
    }

    /// Asks; what is answered at once.
    pub(super) fn ask(&mut self, link: u64, request: Request) -> Vec<Answer> {
        let before = self.out.len();
        self.world
            .request(self.now, Link(link), request, &mut self.out);
        said(&self.out[before..], link)
    }

    /// Time passes, from one thing that is due to the next; what a client hears meanwhile.
    pub(super) fn pass(&mut self, millis: u64) -> Vec<Answer> {
        let end = self.now + Nanos::from_millis(millis);
        let before = self.out.len();
        while let Some(due) = self.world.due().filter(|due| *due <= end) {
            assert!(due >= self.now, "time runs backwards");
            self.now = due;
            self.world.advance(due, &mut self.out);
        }
        self.now = end;
        self.world.advance(end, &mut self.out);
        said(&self.out[before..], 1)
    }

    /// Everything that a client has heard.
    pub(super) fn heard(&self, link: u64) -> Vec<Answer> {
        said(&self.out, link)
    }
}

pub(super) fn said(out: &[Out], link: u64) -> Vec<Answer> {
    let to = |out: &Out| match out {
        Out::Say(to, answer) if *to == Link(link) => Some((**answer).clone()),
        _ => None,
    };
    out.iter().filter_map(to).collect()
}

/// Codes of problems, with what they are about.
pub(super) fn problems(answers: &[Answer]) -> Vec<(i32, i32)> {
    let problem = |answer: &Answer| match answer {
        Answer::Problem(problem) => Some((problem.id, problem.code)),
        _ => None,
    };
    answers.iter().filter_map(problem).collect()
}

pub(super) fn share(symbol: &str) -> Contract {
    Contract {
        symbol: symbol.to_owned(),
        sec_type: "STK".to_owned(),
        exchange: "SMART".to_owned(),
        currency: "USD".to_owned(),
        ..Contract::default()
    }
}
