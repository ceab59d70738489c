//! Data, a bracket's life, `kill -9` in the middle of it, and a server that goes away.

use crate::scene::{Scene, Server, Told, told};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use stream::Kind;
use stream::payload::{LegState, LinkState, RestartFrom, SentOutcome};

const ACCOUNT: &str = "DU1234567";
/// Looks at a journal, a tenth of a second apart, before a run is given up.
const LOOKS_MAX: usize = 400;

fn replay_is_identical(dir: &Path) {
    let checked = engine::replay::check(dir).expect("it folds");
    assert!(checked.identical, "{:?}", checked.first);
}

/// Every command is answered once, every execution is told once.
fn nothing_twice(told: &Told) {
    for command in &told.commands {
        let answers = told.sents.get(command).map_or(0, Vec::len);
        assert_eq!(answers, 1, "{command} is answered once");
    }
    for (id, (times, ..)) in &told.fills {
        assert_eq!(*times, 1, "execution {id} is told once");
    }
}

fn nothing_sent_twice(told: &Told) {
    for (command, outcomes) in &told.sents {
        let sent_again = outcomes.contains(&SentOutcome::Sent) && outcomes.len() > 1;
        assert!(!sent_again, "{command} was sent twice");
    }
}

/// Looks at a journal until it tells enough.
fn wait_for(dir: &Path, enough: impl Fn(&Told) -> bool) -> Told {
    for _ in 0..LOOKS_MAX {
        if journal::Reader::open(dir).is_ok() {
            let now = told(dir);
            if enough(&now) {
                return now;
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("nothing of the sort happened: {:?}", told(dir));
}

#[test]
fn observing_reads_everything_and_sends_no_order() {
    let server = Server::start(ACCOUNT, 0);
    let scene = Scene::new(server.port, ACCOUNT, "");
    let run = scene.run("observe", &["--seconds", "6"]);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{stderr}");
    let told = told(&scene.journal());
    // Connected twice: once its executions are read, the broker is seen again.
    let connected = LinkState::Connected;
    let links = [LinkState::Down, connected, connected, LinkState::Ready];
    assert_eq!(told.links[..4], links);
    assert_eq!(told.commands, []);
    for (kind, least) in [
        (Kind::Quote, 10),
        (Kind::Trade, 10),
        (Kind::DepthSnapshot, 1),
        (Kind::DepthRow, 10),
        (Kind::AccountValue, 4),
        (Kind::Position, 3),
    ] {
        assert!(told.count(kind) >= least, "{kind}: {}", told.count(kind));
    }
    replay_is_identical(&scene.journal());
}

#[test]
fn brackets_are_placed_filled_and_protected_and_survive_a_kill() {
    let server = Server::start(ACCOUNT, 0);
    let scene = Scene::new(server.port, ACCOUNT, "");
    let dir = scene.journal();
    // Killed as soon as a command is out, behind its answers, behind a fill, and when all is
    // protected; in between it starts again, armed.
    let moments: [fn(&Told) -> bool; 4] = [
        |told| !told.commands.is_empty(),
        |told| told.sents.len() >= 6,
        |told| !told.fills.is_empty(),
        |told| {
            let working = told.legs.values().filter(|s| **s == LegState::Working);
            told.fills.len() >= 2 && working.count() >= 2
        },
    ];
    for (epoch, moment) in moments.into_iter().enumerate() {
        let mut engine = scene
            .command("paper", &["--seconds", "120", "--arm"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        wait_for(&dir, |told| told.restarts.len() > epoch && moment(told));
        engine.kill().expect("it ran");
        engine.wait().expect("it has ended");
    }
    let before = told(&dir);

    let again = scene.run("paper", &["--seconds", "12"]);
    let stderr = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(0), "{stderr}");
    let after = told(&dir);
    assert_eq!(after.restarts.len(), 5);
    let restart = after.restarts[4];
    assert_eq!((restart.from, restart.disarmed), (RestartFrom::Fold, 1));
    assert_eq!(after.links.last(), Some(&LinkState::Ready));
    nothing_twice(&after);
    nothing_sent_twice(&after);
    for (instrument, words) in &after.positions {
        // An execution may be on its way while the position is asked for: once, not twice.
        let last = &words[words.len().saturating_sub(2)..];
        let agrees = last.iter().any(|(broker, own)| broker == own);
        assert!(agrees, "position of instrument {}: {words:?}", instrument.0);
    }
    assert!(after.fills.len() >= before.fills.len());
    replay_is_identical(&dir);
}

#[test]
fn a_session_has_one_journal_begins_with_the_last_ones_and_old_ones_go() {
    let server = Server::start(ACCOUNT, 0);
    let more = "[journal]\nretain_days = 30\n[risk]\ncheckpoint_every = \"1s\"\n\
                [gateway]\ncheckpoint_every = \"1s\"\n";
    let scene = Scene::new(server.port, ACCOUNT, more);
    let run = |codes: &[i32]| {
        let run = scene.unnamed("paper").args(["--seconds", "8"]).output();
        let run = run.expect("it runs");
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        let code = run.status.code().expect("it ends by itself");
        assert!(codes.contains(&code), "{code}: {stderr}");
        stderr
    };
    run(&[0]);
    let today = scene.journals();
    assert_eq!(today.len(), 1, "{today:?}");
    run(&[0]);
    assert_eq!(scene.journals(), today, "the session's own journal goes on");
    let first = told(&today[0]);
    assert_eq!(first.restarts.len(), 2);

    // The same journal as that of an earlier session, and one that was kept long enough.
    let root = today[0].parent().expect("a folder").to_owned();
    let earlier = root.join(format!("{ACCOUNT}-20200103"));
    let old = root.join(format!("{ACCOUNT}-20200102"));
    std::fs::rename(&today[0], &earlier).expect("renamed");
    std::fs::create_dir(&old).expect("made");
    std::fs::copy(earlier.join("identity"), old.join("identity")).expect("copied");
    // What the earlier session left at the broker, if anything, is no order of this one's.
    let stderr = run(&[0, 3]);
    assert!(stderr.contains("20200102 was removed"), "{stderr}");
    assert_eq!(scene.journals(), [earlier, today[0].clone()]);
    let next = told(&today[0]);
    assert_eq!(next.restarts[0].from, RestartFrom::Checkpoint);
    let before = first.restarts[1].previous_seq;
    assert!(
        next.restarts[0].previous_seq > before,
        "no number is given twice"
    );
    replay_is_identical(&today[0]);
}

#[test]
fn a_server_that_goes_away_is_waited_for_and_read_anew() {
    let first = Server::start(ACCOUNT, 0);
    let port = first.port;
    let scene = Scene::new(port, ACCOUNT, "");
    let dir = scene.journal();
    let mut engine = scene
        .command("observe", &["--seconds", "60"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let ready = |times: usize| {
        move |told: &Told| {
            let ready = told.links.iter().filter(|s| **s == LinkState::Ready);
            ready.count() >= times
        }
    };
    wait_for(&dir, ready(1));
    drop(first);
    wait_for(&dir, |told| told.links.last() == Some(&LinkState::Down));
    let _second = Server::start(ACCOUNT, port);
    let back = wait_for(&dir, ready(2));
    engine.kill().expect("it ran");
    engine.wait().expect("it has ended");
    assert!(back.count(Kind::Gap) >= 2, "what was lost is said");
}

#[test]
fn a_server_that_hangs_shuts_entries_is_given_up_and_is_caught_up_with() {
    let server = Server::start(ACCOUNT, 0);
    let scene = Scene::new(server.port, ACCOUNT, "");
    let dir = scene.journal();
    let mut engine = scene
        .command("paper", &["--seconds", "120"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for(&dir, |told| !told.fills.is_empty());
    server.hang(true);
    let dark = wait_for(&dir, |told| told.links.last() == Some(&LinkState::Down));
    assert!(
        dark.links.contains(&LinkState::Degraded),
        "{:?}",
        dark.links
    );
    server.hang(false);
    let ready = |told: &Told| told.links.last() == Some(&LinkState::Ready);
    wait_for(&dir, ready);
    // What became of orders meanwhile is known: no leg stays in doubt for long.
    let settled = wait_for(&dir, |told| {
        let unknown = told.legs.values().filter(|s| **s == LegState::Unknown);
        ready(told) && unknown.count() == 0
    });
    engine.kill().expect("it ran");
    engine.wait().expect("it has ended");
    nothing_sent_twice(&settled);
    replay_is_identical(&dir);
}
