//! A demo that is asked to stop in the middle of its session, and goes on.

use crate::followed::{Seen, follow, seen};
use crate::{run, spindle, text};
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Child, Stdio};
use stream::payload::RestartFrom;

/// A demo with other settings than the first one's.
fn demo(dir: &Path, more: &[&str]) -> Child {
    let name = dir.to_str().unwrap();
    spindle()
        .args(["demo", "--seconds", "40", "--journal", name])
        .args(more)
        .env("SPINDLE__RISK__RESUME_COOLOFF", "0s")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Follows it until there is enough, and has it stop.
fn stop(mut demo: Child, dir: &Path, enough: impl Fn(&Seen) -> bool) {
    follow(&mut demo, dir, enough);
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    let ended = demo.wait_with_output().unwrap();
    let told = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(0), "all was closed: {told}");
}

#[test]
fn a_demo_that_was_stopped_goes_on_with_another_configuration_once_a_person_resumes() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("journal");
    let name = dir.to_str().unwrap();
    let first = spindle()
        .args(["demo", "--seconds", "40", "--journal", name])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    stop(first, &dir, |seen| seen.entries_since > 0);

    // What the stop latched holds on, armed or not.
    let bars = |seen: &Seen| seen.restarts.len() == 2 && seen.refused_since > 0;
    stop(demo(&dir, &["--arm"]), &dir, bars);
    let armed = seen(&dir);
    let restart = armed.restarts[1];
    let how = (restart.from, restart.disarmed);
    assert_eq!(how, (RestartFrom::Checkpoint, 1));
    assert_eq!(armed.entries_since, 0, "an entry behind a flatten");

    let words = ["--resume", "all is well", "--arm"];
    let enters = |seen: &Seen| seen.restarts.len() == 3 && seen.entries_since > 0;
    stop(demo(&dir, &words), &dir, enters);
    let check = run(&["replay", name, "--check"]);
    assert_eq!(check.status.code(), Some(0), "{}", text(&check.stdout));
    let other = run(&["demo", "--journal", name, "--resume", " "]);
    assert_eq!(other.status.code(), Some(2), "a cause is needed");
}
