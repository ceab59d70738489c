//! The broker behind the wire: sessions, market data, orders. It knows no socket and no clock.

use crate::model::{Answer, Problem, Request};
use stream::Nanos;

/// A connection's number, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);

/// What leaves the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A message for a connection.
    Say(Link, Box<Answer>),
    /// The connection is closed behind what was said before.
    Close(Link),
}

#[derive(Debug)]
struct Session {
    link: Link,
    client_id: Option<i32>,
    next_order_id: i32,
}

/// The broker.
#[derive(Debug)]
pub struct World {
    account: String,
    sessions: Vec<Session>,
}

impl World {
    /// A broker with one account.
    #[must_use]
    pub fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            sessions: Vec::new(),
        }
    }

    /// A client has finished its handshake.
    pub fn join(&mut self, link: Link) {
        self.sessions.push(Session {
            link,
            client_id: None,
            next_order_id: 1,
        });
    }

    /// A connection is gone.
    pub fn leave(&mut self, link: Link) {
        self.sessions.retain(|session| session.link != link);
    }

    /// When there is next something to do of the world's own accord.
    #[must_use]
    pub const fn due(&self) -> Option<Nanos> {
        None
    }

    /// Does what is due until `now`.
    pub fn advance(&mut self, _now: Nanos, _out: &mut Vec<Out>) {}

    /// A client asks.
    pub fn request(&mut self, now: Nanos, link: Link, request: Request, out: &mut Vec<Out>) {
        let taken = |id: i32| self.sessions.iter().any(|s| s.client_id == Some(id));
        match request {
            Request::StartApi { client_id, .. } if taken(client_id) => {
                let text = "Unable to connect as the client id is already in use.";
                out.push(say(link, problem(now, 326, text)));
                out.push(Out::Close(link));
            }
            Request::StartApi { client_id, .. } => {
                let accounts = self.account.clone();
                if let Some(session) = self.sessions.iter_mut().find(|s| s.link == link) {
                    session.client_id = Some(client_id);
                    let next = session.next_order_id;
                    out.push(say(link, Answer::ManagedAccounts(accounts)));
                    out.push(say(link, Answer::NextValidId(next)));
                }
            }
            Request::CurrentTime => {
                let seconds = (now.0 / Nanos::SECOND.0) as i64;
                out.push(say(link, Answer::CurrentTime(seconds)));
            }
            _ => {}
        }
    }
}

fn say(link: Link, answer: Answer) -> Out {
    Out::Say(link, Box::new(answer))
}

fn problem(now: Nanos, code: i32, text: &str) -> Answer {
    Answer::Problem(Problem {
        id: -1,
        time: (now.0 / 1_000_000) as i64,
        code,
        text: text.to_owned(),
        advanced: String::new(),
    })
}
