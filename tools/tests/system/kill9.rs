//! `kill -9` of a running demo, and the start behind it.

use crate::followed::{follow, seen};
use crate::{run, spindle, text};
use journal::State;
use std::process::Stdio;
use stream::payload::RestartFrom;

/// Commands that must have been journaled before the demo is killed.
const COMMANDS: usize = 6;

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
    let followed = follow(&mut demo, &dir, |seen| seen.commands.len() >= COMMANDS);
    demo.kill().unwrap();
    demo.wait().unwrap();

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
