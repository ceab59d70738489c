//! A demo that somebody follows while it runs.

use journal::Reader;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;
use std::time::Duration;
use stream::payload::{Command, Reason, Refused, Restart, Sent};
use stream::{FrameId, Kind};

/// Looks at the journal, a hundredth of a second apart, before a demo is given up.
const LOOKS_MAX: usize = 3_000;

/// Commands, and answers to commands, as far as the journal goes.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) commands: Vec<FrameId>,
    pub(crate) sents: BTreeMap<FrameId, usize>,
    pub(crate) restarts: Vec<Restart>,
    /// Commands behind the last restart that add risk.
    pub(crate) entries_since: usize,
    /// Intents behind it that were refused because of a kill level.
    pub(crate) refused_since: usize,
    pub(crate) last: FrameId,
}

fn look(reader: &mut Reader, seen: &mut Seen) {
    while let Some(next) = reader.next() {
        let (_, frame) = next.expect("what has been journaled verifies");
        if frame.header().class() == Some(stream::Class::Note) {
            continue;
        }
        seen.last = frame.id();
        match frame.kind() {
            Kind::Command => {
                let command: &Command = frame.read();
                seen.entries_since += usize::from(command.adds_risk != 0);
                seen.commands.push(frame.id());
            }
            Kind::Sent => {
                let sent: &Sent = frame.read();
                *seen.sents.entry(sent.command).or_default() += 1;
            }
            Kind::Refused => {
                let refused: &Refused = frame.read();
                seen.refused_since += usize::from(refused.reason == Reason::KillLevel);
            }
            Kind::Restart => {
                seen.restarts.push(*frame.read());
                (seen.entries_since, seen.refused_since) = (0, 0);
            }
            _ => {}
        }
    }
}

/// All of a journal.
pub(crate) fn seen(dir: &Path) -> Seen {
    let mut seen = Seen::default();
    look(&mut Reader::open(dir).expect("a journal"), &mut seen);
    seen
}

/// Follows a demo's journal until there is enough in it.
///
/// # Panics
/// When it ends before that, or never comes to it.
pub(crate) fn follow(demo: &mut Child, dir: &Path, enough: impl Fn(&Seen) -> bool) -> Seen {
    let mut followed = Seen::default();
    let mut reader = None;
    for _ in 0..LOOKS_MAX {
        if reader.is_none() {
            reader = Reader::open(dir).ok();
        }
        if let Some(reader) = &mut reader {
            look(reader, &mut followed);
        }
        if enough(&followed) {
            return followed;
        }
        if demo.try_wait().expect("a child").is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = demo.kill();
    panic!("the demo hardly trades: {followed:?}");
}
