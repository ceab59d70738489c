//! What the edge makes of the broker's words beside orders: shares to borrow, comparisons at the
//! end, profit, currencies, contracts.

use crate::scene::{Scene, Server, ask};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;
use stream::payload::{
    AccountField, AccountValue, Borrow, BorrowState, Connectivity, Instrument, LinkState, Reason,
    Reconciled, Refused, RoundCause, RoundResult, read_text,
};
use stream::{FrameRef, InstrumentId, Kind, Money, SourceId};

const ACCOUNT: &str = "DU1234567";
/// Looks at a journal, a tenth of a second apart, before a run is given up.
const LOOKS_MAX: usize = 600;

/// A server with a socket over which it is told what goes wrong.
struct Told {
    server: Server,
    control: PathBuf,
    _folder: tempfile::TempDir,
}

impl Told {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let control = folder.path().join("control");
        let path = control.to_str().expect("text").to_owned();
        let server = Server::with(ACCOUNT, 0, &[&["--control", &path], more].concat());
        Self {
            server,
            control,
            _folder: folder,
        }
    }

    /// One line to the server; its answer.
    fn say(&self, line: &str) -> String {
        ask(&self.control, line)
    }

    fn scene(&self, more: &str) -> Scene {
        Scene::new(self.server.port, ACCOUNT, more)
    }
}

fn start(scene: &Scene, mode: &str, args: &[&str]) -> Child {
    let mut command = scene.command(mode, args);
    let said = std::fs::File::create(said(&scene.journal())).expect("made");
    command.stdout(Stdio::null()).stderr(said);
    command.spawn().expect("it starts")
}

/// Where what a run says is kept, beside its journal.
fn said(journal: &Path) -> PathBuf {
    journal.with_file_name("said.txt")
}

fn end(mut engine: Child) {
    engine.kill().expect("it ran");
    engine.wait().expect("it has ended");
}

/// What a journal says of something, frame by frame.
fn gather<T>(dir: &Path, mut of: impl FnMut(FrameRef<'_>) -> Option<T>) -> Vec<T> {
    let mut all = Vec::new();
    let Ok(mut reader) = journal::Reader::open(dir) else {
        return all;
    };
    while let Some(next) = reader.next() {
        let (_, frame) = next.expect("what was journaled verifies");
        all.extend(of(frame));
    }
    all
}

/// Looks at a journal until it says enough.
fn wait_for<T: core::fmt::Debug>(
    dir: &Path,
    of: impl Fn(FrameRef<'_>) -> Option<T>,
    enough: impl Fn(&[T]) -> bool,
) -> Vec<T> {
    for _ in 0..LOOKS_MAX {
        let all = gather(dir, &of);
        if enough(&all) {
            return all;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = std::fs::read_to_string(said(dir)).unwrap_or_default();
    let all = gather(dir, &of);
    panic!("nothing of the sort happened: {all:?}; it said:\n{said}");
}

fn replay_is_identical(dir: &Path) {
    let checked = engine::replay::check(dir).expect("it folds");
    assert!(checked.identical, "{:?}", checked.first);
}

fn borrow(frame: FrameRef<'_>) -> Option<(InstrumentId, BorrowState, u64)> {
    (frame.kind() == Kind::Borrow).then(|| {
        let borrow = frame.read::<Borrow>();
        (frame.instrument(), borrow.state, borrow.shares)
    })
}

#[test]
fn lanes_that_yield_share_their_cores_with_the_edge() {
    let told = Told::start(&[]);
    let scene = told.scene("");
    let yields = with(&scene, "[lanes]\nidle = \"yield\"\n", &["--seconds", "12"]);
    for layout in ["auto", "2"] {
        let args = [&yields[..], &["--lanes", layout]].concat();
        let (code, said) = run(&scene, "paper", &args);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("end of day: the broker agrees"), "{said}");
    }
    let dir = scene.journal();
    let fills = gather(&dir, |frame| (frame.kind() == Kind::Fill).then_some(()));
    assert!(fills.len() > 1, "it trades");
    replay_is_identical(&dir);
}

#[test]
fn what_cannot_be_borrowed_is_not_sold_short() {
    let told = Told::start(&["--speed", "10"]);
    assert!(told.say("short symbol=ALDR shares=0").contains("ok"));
    assert!(told.say("short symbol=BRKN shares=3").contains("ok"));
    let scene = told.scene("");
    let dir = scene.journal();
    // Entries out of reach, on the two sides in turn, and the next one soon behind the last.
    let soon = with(
        &scene,
        "[throttle]\nlosses = 1000\nentries_per_instrument = 400\nentries_per_strategy = 1000\n\
         intents_per_session = 1000\ncool_down_refused = \"1s\"\ncool_down_unfilled = \"1s\"\n\
         [strategy.1]\nentries = \"rest\"\n",
        &["--speed", "10", "--seconds", "1200"],
    );
    let engine = start(&scene, "paper", &soon);
    let refused = |frame: FrameRef<'_>| {
        (frame.kind() == Kind::Refused).then(|| {
            let refused = frame.read::<Refused>();
            (frame.instrument(), refused.reason, refused.limit)
        })
    };
    let said = wait_for(&dir, refused, |all| {
        let lacks = |id, limit| all.contains(&(InstrumentId(id), Reason::Borrow, limit));
        lacks(1, 0) && lacks(2, 3)
    });
    let third =
        |(id, reason, _): &(InstrumentId, Reason, i64)| id.0 == 3 && *reason == Reason::Borrow;
    let lent = gather(&dir, borrow);
    for id in [1, 2, 3] {
        let first = lent.iter().find(|(of, ..)| of.0 == id);
        let unknown = (InstrumentId(id), BorrowState::Unknown, 0);
        assert_eq!(first, Some(&unknown), "nothing is known at first");
    }
    assert!(lent.contains(&(InstrumentId(1), BorrowState::Unavailable, 0)));
    assert!(lent.contains(&(InstrumentId(2), BorrowState::Available, 3)));
    let last = lent
        .iter()
        .rfind(|(of, ..)| of.0 == 3)
        .expect("it was told");
    assert_eq!(last.1, BorrowState::Available);
    assert!(
        !said.iter().any(third),
        "there are enough of the third: {said:?}"
    );
    told.say("short symbol=ALDR shares=5000000");
    let back = (InstrumentId(1), BorrowState::Available, 5_000_000);
    wait_for(&dir, borrow, |all| all.last() == Some(&back));
    end(engine);
    replay_is_identical(&dir);
}

fn reconciled(frame: FrameRef<'_>) -> Option<Reconciled> {
    (frame.kind() == Kind::Reconciled).then(|| *frame.read::<Reconciled>())
}

fn value(frame: FrameRef<'_>, wanted: AccountField) -> Option<(Money, String)> {
    let value = frame.try_read::<AccountValue>()?;
    let whole = frame.instrument() == InstrumentId::NONE && value.field == wanted;
    whole.then(|| (value.value, read_text(&value.currency).to_owned()))
}

fn run(scene: &Scene, mode: &str, args: &[&str]) -> (Option<i32>, String) {
    let run = scene.run(mode, args);
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.code(), said)
}

#[test]
fn the_end_of_the_day_is_compared_journaled_and_said() {
    let told = Told::start(&[]);
    let scene = told.scene("");
    let dir = scene.journal();
    let (code, said) = run(&scene, "paper", &["--seconds", "16"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("end of day: the broker agrees"), "{said}");
    assert!(said.contains("profit of the day"), "{said}");
    let rounds = gather(&dir, reconciled);
    assert_eq!(rounds[0].cause, RoundCause::Connected);
    assert!(
        rounds
            .iter()
            .any(|round| round.cause == RoundCause::Periodic)
    );
    let last = rounds.last().expect("the last one");
    assert_eq!(last.cause, RoundCause::EndOfDay);
    assert_eq!(last.result, RoundResult::Agrees);
    assert_eq!((last.cash, last.positions, last.missed), (0, 0, 0));
    assert_eq!(last.profit_compared, 1);
    let off = last.profit.0.abs_diff(last.own_profit.0);
    assert!(off <= 5_000_000_000, "{last:?}");
    replay_is_identical(&dir);
}

#[test]
fn what_differs_at_the_end_of_the_day_is_exit_code_three() {
    let told = Told::start(&[]);
    let scene = told.scene("");
    let dir = scene.journal();
    let mut command = scene.command("observe", &["--seconds", "12"]);
    let engine = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for(&dir, reconciled, |all| !all.is_empty());
    // Somebody types an order into TWS and leaves it there. A comparison takes more than a second
    // from now on, and its result is journaled before the run ends all the same.
    told.say("manual symbol=ALDR qty=1 price=1.00");
    told.say("slow ms=250");
    let run = engine.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{said}");
    let line = "end of day: the broker differs: an order that is not ours";
    assert!(said.contains(line), "{said}");
    let rounds = gather(&dir, reconciled);
    let last = rounds.last().expect("the last one");
    assert_eq!((last.cause, last.foreign), (RoundCause::EndOfDay, 1));
    assert_eq!(last.result, RoundResult::Differs);
}

#[test]
fn an_account_in_euros_is_converted_and_without_a_rate_enters_nothing() {
    let told = Told::start(&["--cash", "120000", "--currency", "EUR", "--rate", "0.8"]);
    let scene = told.scene("");
    let dir = scene.journal();
    let engine = start(&scene, "paper", &["--seconds", "120"]);
    let equity = |frame: FrameRef<'_>| value(frame, AccountField::Equity);
    wait_for(
        &dir,
        |frame| (frame.kind() == Kind::Fill).then_some(()),
        |all| all.len() > 1,
    );
    let (first, currency) = gather(&dir, equity)[0].clone();
    // 120,000 dollars' worth of euros are 120,000 dollars again.
    assert_eq!(
        (first.0 / 1_000_000_000, currency.as_str()),
        (120_000, "USD")
    );
    let rate = gather(&dir, |frame| value(frame, AccountField::ExchangeRate));
    assert_eq!(rate[0], (Money(800_000_000), "EUR".to_owned()));
    // Dollars move with trades alone, and euros that become dearer change no comparison.
    told.say("rate value=0.75");
    let dearer = (Money(750_000_000), "EUR".to_owned());
    wait_for(
        &dir,
        |frame| value(frame, AccountField::ExchangeRate),
        |all| all.last() == Some(&dearer),
    );
    // An execution may pass the answer on its way: then the next round, at once, agrees.
    let rounds = gather(&dir, reconciled);
    assert!(rounds.iter().any(|one| one.cash == 0), "to the dollar");
    let lasts = |pair: &[Reconciled]| pair.iter().all(|one| one.cash > 0);
    assert!(!rounds.windows(2).any(lasts), "cash differs: {rounds:?}");
    told.say("rate value=0");
    let links = |frame: FrameRef<'_>| {
        let link = frame.try_read::<Connectivity>()?;
        (link.source == SourceId(0)).then_some((link.state, link.code))
    };
    let shut = (LinkState::Degraded, -3);
    wait_for(&dir, links, |all| all.last() == Some(&shut));
    told.say("rate value=0.8");
    wait_for(&dir, links, |all| {
        all.last() == Some(&(LinkState::Ready, 0))
    });
    end(engine);
    replay_is_identical(&dir);
}

#[test]
fn a_clock_that_is_not_the_brokers_shuts_entries_from_the_first() {
    // A day that has passed: no clock says that any more.
    let server = Server::with(ACCOUNT, 0, &["--start", "2026-11-20T15:00:00Z"]);
    let scene = Scene::new(server.port, ACCOUNT, "");
    let (code, said) = run(&scene, "paper", &["--seconds", "8"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("more than ibkr.clock_skew_max"), "{said}");
    let links = gather(&scene.journal(), |frame| {
        let link = frame.try_read::<Connectivity>()?;
        (link.source == SourceId(0)).then_some((link.state, link.code))
    });
    assert!(links.contains(&(LinkState::Degraded, -1)), "{links:?}");
    assert!(!links.contains(&(LinkState::Ready, 0)), "{links:?}");
    let dir = scene.journal();
    let placed = gather(&dir, |frame| (frame.kind() == Kind::Command).then_some(()));
    assert_eq!(placed, []);
}

#[test]
fn an_account_in_euros_agrees_at_the_end() {
    let told = Told::start(&["--currency", "EUR", "--rate", "0.8"]);
    let scene = told.scene("");
    let (code, said) = run(&scene, "paper", &["--seconds", "14"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the account is kept in EUR"), "{said}");
    assert!(said.contains("end of day: the broker agrees"), "{said}");
    let rounds = gather(&scene.journal(), reconciled);
    assert_eq!(rounds.last().map(|last| last.profit_compared), Some(1));
}

/// Further settings for a scene, in a file of their own.
fn with<'a>(scene: &Scene, text: &str, args: &[&'a str]) -> Vec<&'a str> {
    let folder = scene.journal();
    let folder = folder.parent().expect("it lies in one");
    std::fs::write(folder.join("also.toml"), text).expect("written");
    [args, &["-c", "also.toml"]].concat()
}

/// One future by its root, and a fund beside it.
const FUTURE: &str = "[session]\ncalendar = \"cme_globex\"\n\
    [universe]\nsymbols = [\"ES\", \"SPY\"]\n\
    [instrument.ES]\ntype = \"future\"\nvenue = \"CME\"\nmultiplier = 50\ntick = 0.25\n\
    [instrument.SPY]\nvenue = \"ARCA\"\n";

#[test]
fn a_future_is_traded_in_the_month_that_the_roll_says() {
    // On a day of which it is known how far the months' ends are.
    let monday = ["--start", "2026-11-23T15:00:00Z", "--speed", "2"];
    let server = Server::with(ACCOUNT, 0, &monday);
    let month = |days: u32| {
        let scene = Scene::new(server.port, ACCOUNT, "");
        let also = format!("[ibkr]\nroll_days_before_end = {days}\n{FUTURE}");
        let args = with(&scene, &also, &["--seconds", "8", "--speed", "2"]);
        let (code, said) = run(&scene, "observe", &args);
        assert_eq!(code, Some(0), "{said}");
        let line = said.lines().find(|line| line.contains("ES is traded"));
        let last = line.and_then(|line| line.split_whitespace().last());
        let last: u32 = last.and_then(|day| day.parse().ok()).expect("a date");
        let pinned = gather(&scene.journal(), |frame| {
            let own = frame.try_read::<Instrument>()?;
            (read_text(&own.symbol) == "ES").then_some(own.venue_id)
        });
        let quotes = gather(&scene.journal(), |frame| {
            (frame.kind() == Kind::Quote && frame.instrument() == InstrumentId(1)).then_some(())
        });
        assert!(quotes.len() > 3, "it is quoted");
        let told = gather(&scene.journal(), borrow);
        assert!(
            told.iter().all(|(id, ..)| id.0 == 2),
            "futures are not borrowed"
        );
        (last, pinned[0])
    };
    let (near, first) = month(0);
    let (far, second) = month(60);
    assert_eq!((near, far), (20_261_218, 20_270_319));
    assert_ne!(first, second, "each month has a number of its own");
    assert!(first > 1_000, "the broker's number is in the journal");
}

#[test]
fn around_the_clock_must_be_true_of_the_market() {
    // A Monday's regular session: the server's shares trade until eight in the evening.
    let args = ["--seconds", "2", "--speed", "2"];
    let at = |time| Server::with(ACCOUNT, 0, &["--start", time, "--speed", "2"]);
    let monday = at("2026-11-23T15:00:00Z");
    let scene = Scene::new(monday.port, ACCOUNT, "");
    let globex = with(&scene, "[session]\ncalendar = \"cme_globex\"\n", &args);
    let (code, said) = run(&scene, "observe", &globex);
    assert_eq!(code, Some(0), "shares trade until Globex closes: {said}");
    let half = at("2026-11-27T17:00:00Z");
    let scene = Scene::new(half.port, ACCOUNT, "");
    let (code, said) = run(&scene, "observe", &args);
    assert_eq!(code, Some(2), "half a day ends before midnight: {said}");
    assert!(said.contains("session.calendar is continuous"), "{said}");
    assert!(said.contains("2026-11-27 22:00 UTC"), "{said}");
    assert!(!scene.journal().exists(), "nothing is journaled");
}

#[test]
fn a_scan_adds_what_it_may_and_a_restart_keeps_it() {
    let server = Server::with(ACCOUNT, 0, &[]);
    let scene = Scene::new(server.port, ACCOUNT, "");
    let also = |code: &str| {
        format!(
            "[universe.scanner]\ncode = \"{code}\"\ninstrument = \"STK\"\n\
             location = \"STK.US.MAJOR\"\nabove_price = 50\nbelow_price = 1000\n\
             above_volume = 0\ncount = 2\nallowed = [\"INTC\", \"AAPL\", \"NVDA\", \"ALDR\"]\n\
             [instrument.AAPL]\nlot = 2\n"
        )
    };
    // The market needs a moment before there is something to be found.
    let quiet = Scene::new(server.port, ACCOUNT, "");
    run(&quiet, "observe", &["--seconds", "3"]);
    let args = with(&scene, &also("MOST_ACTIVE"), &["--seconds", "4"]);
    let (code, said) = run(&scene, "observe", &args);
    assert_eq!(code, Some(0), "{said}");
    let universe = || {
        let all = gather(&scene.journal(), |frame| {
            let own = frame.try_read::<Instrument>()?;
            Some((read_text(&own.symbol).to_owned(), own.lot))
        });
        let mut first: Vec<(String, u32)> = Vec::new();
        for one in all {
            if !first.contains(&one) {
                first.push(one);
            }
        }
        first
    };
    let begun = universe();
    let names: Vec<&str> = begun.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names[..3],
        ["ALDR", "BRKN", "CYGN"],
        "what is named comes first"
    );
    let mut added = names[3..].to_vec();
    added.sort_unstable();
    // INTC is too cheap, ALDR is named already, and nothing else is allowed.
    assert_eq!(added, ["AAPL", "NVDA"]);
    let apple = begun.iter().find(|(name, _)| name == "AAPL");
    assert_eq!(
        apple.map(|(_, lot)| *lot),
        Some(2),
        "defined as a named one is"
    );
    let quotes = gather(&scene.journal(), |frame| {
        (frame.kind() == Kind::Quote && frame.instrument().0 > 3).then_some(frame.instrument())
    });
    assert!(quotes.len() > 3, "what was added is watched");
    // Another scan would find others; the journal's universe stays.
    let args = with(&scene, &also("TOP_PERC_GAIN"), &["--seconds", "3"]);
    let (code, said) = run(&scene, "observe", &args);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nothing is scanned"), "{said}");
    assert_eq!(universe(), begun);
    let other = Scene::new(server.port, ACCOUNT, "");
    let args = with(&other, &also("NO_SUCH_SCAN"), &["--seconds", "3"]);
    let (code, said) = run(&other, "observe", &args);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("universe.scanner (NO_SUCH_SCAN"), "{said}");
}

#[test]
fn a_run_that_is_interrupted_closes_compares_and_says_so() {
    use rustix::process::{Pid, Signal, kill_process};
    let told = Told::start(&[]);
    let scene = told.scene("");
    let dir = scene.journal();
    let mut command = scene.command("paper", &["--seconds", "120"]);
    let engine = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let fills = |frame: FrameRef<'_>| (frame.kind() == Kind::Fill).then_some(());
    wait_for(&dir, fills, |all| !all.is_empty());
    kill_process(Pid::from_child(&engine), Signal::INT).expect("it is ours");
    let run = engine.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(said.contains("end of day: the broker agrees"), "{said}");
    assert!(said.contains(" 0 held"), "everything was closed: {said}");
    let rounds = gather(&dir, reconciled);
    let last = rounds.last().expect("the last one");
    let agrees = (RoundCause::EndOfDay, RoundResult::Agrees);
    assert_eq!((last.cause, last.result), agrees, "it is journaled too");
    replay_is_identical(&dir);
}
