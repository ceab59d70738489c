//! `kill -9` of a running demo, and the start behind it.

use crate::{run, spindle, text};
use journal::{Reader, State};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use stream::payload::{Command, Restart, RestartFrom, Sent};
use stream::{FrameId, Kind};

/// Commands that must have been journaled before the demo is killed.
const COMMANDS: usize = 6;
/// Looks at the journal, a hundredth of a second apart, before the demo is given up.
const LOOKS_MAX: usize = 3_000;

/// Commands, and answers to commands, as far as the journal goes.
#[derive(Debug, Default)]
struct Seen {
    commands: Vec<FrameId>,
    sents: BTreeMap<FrameId, usize>,
    restarts: Vec<Restart>,
    entries_since: usize,
    last: FrameId,
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
            Kind::Restart => {
                seen.restarts.push(*frame.read());
                seen.entries_since = 0;
            }
            _ => {}
        }
    }
}

fn seen(dir: &Path) -> Seen {
    let mut seen = Seen::default();
    look(&mut Reader::open(dir).expect("a journal"), &mut seen);
    seen
}

#[test]
fn a_killed_demo_loses_nothing_and_goes_on_disarmed() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("journal");
    let name = dir.to_str().unwrap();
    let mut demo = spindle()
        .args(["demo", "--seconds", "40", "--journal", name, "--json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut followed = Seen::default();
    let mut reader = None;
    for _ in 0..LOOKS_MAX {
        if reader.is_none() {
            reader = Reader::open(&dir).ok();
        }
        if let Some(reader) = &mut reader {
            look(reader, &mut followed);
        }
        if followed.commands.len() >= COMMANDS || demo.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert!(
        followed.commands.len() >= COMMANDS,
        "the demo hardly trades: {followed:?}"
    );

    // A tail, and nothing that anyone has ever seen is lost.
    let report = journal::verify(&dir).unwrap();
    assert!(matches!(report.state, State::Tail { .. }), "{report:?}");
    let verify = run(&["journal", "verify", name, "--json"]);
    assert_eq!(verify.status.code(), Some(3));
    assert!(
        text(&verify.stdout).contains("\"class\":\"tail\""),
        "{}",
        text(&verify.stdout)
    );
    let left = seen(&dir);
    assert!(
        left.commands.starts_with(&followed.commands),
        "a command that was seen is gone"
    );
    assert!(left.last >= followed.last, "a frame that was seen is gone");
    for sent in left.sents.keys() {
        assert!(
            left.commands.contains(sent),
            "{sent} was answered and is not in the journal"
        );
    }
    let check = run(&["replay", name, "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));

    let again = run(&["demo", "--seconds", "10", "--journal", name, "--json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    let whole = seen(&dir);
    assert_eq!(whole.restarts.len(), 2);
    let restart = whole.restarts[1];
    assert_eq!((restart.from, restart.disarmed), (RestartFrom::Fold, 1));
    assert!(restart.previous_seq >= followed.last.seq());
    assert_eq!(whole.entries_since, 0, "an entry while disarmed");
    for command in &whole.commands {
        assert_eq!(
            whole.sents.get(command),
            Some(&1),
            "{command} is answered once"
        );
    }
    let check = run(&["replay", name, "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    assert_eq!(run(&["journal", "verify", name]).status.code(), Some(0));
}
