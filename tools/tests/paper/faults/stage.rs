//! A paper server with a control socket, an engine before it, and bounded looks at both.

use super::pass::{self, Allow};
use super::story::Story;
use crate::scene::{Scene, Server, ask};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;
use tws::world::Truth;

const ACCOUNT: &str = "DU1234567";
/// Looks at a journal and the truth before a run is given up, and the pause between two.
const LOOKS_MAX: usize = 500;
const PAUSE: Duration = Duration::from_millis(40);
/// Looks in a row at which the pass line must hold before all is taken for being at rest.
const AT_REST: usize = 3;

/// When the server's clock begins: an hour and a half into a session, so that the market trades,
/// and hours before the day's end of the engine's own session, whatever hour it is here.
const START: &str = "2026-11-23T16:00:00Z";

/// What is played.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many times as fast as the host's clock.
    pub speed: &'static str,
    /// What is traded, as TOML.
    pub symbols: &'static str,
    /// Entries of each symbol.
    pub entries: u32,
    /// Whether entries go through the far touch and are held, or rest and are cancelled.
    pub holds: bool,
    /// How far stop and target lie from the entry, in per cent.
    pub stop_percent: &'static str,
    /// How far behind the touch the stop follows, in per cent; 0 never moves it.
    pub follow_percent: &'static str,
    /// Further lines, as TOML with their tables.
    pub more: &'static str,
}

impl Plan {
    /// One entry whose stop and target are out of reach.
    pub const HELD: Self = Self {
        speed: "20",
        symbols: "[\"ALDR\"]",
        entries: 1,
        holds: true,
        stop_percent: "4",
        follow_percent: "0",
        more: "",
    };

    /// One round trip: its stop or its target is soon reached.
    pub const TRIP: Self = Self {
        stop_percent: "0.05",
        ..Self::HELD
    };

    /// Round trips, one after the other.
    pub const fn trips(entries: u32) -> Self {
        Self {
            entries,
            ..Self::TRIP
        }
    }

    /// Entries that rest until the quote changes, and are cancelled.
    pub const RESTING: Self = Self {
        holds: false,
        ..Self::HELD
    };

    fn toml(&self) -> String {
        let kind = if self.holds { "hold" } else { "rest" };
        format!(
            "[universe]\nsymbols = {}\n[throttle]\nentries_per_instrument = {}\n\
             entries_per_strategy = 1000\nintents_per_session = 1000\n\
             cool_down_refused = \"1s\"\ncool_down_unfilled = \"1s\"\nlosses = 1000\n\
             [strategy.1]\nentries = \"{kind}\"\nstop_percent = {}\nfollow_percent = {}\n\
             [journal]\nsegment_mib = 4\n[ibkr]\nclock_skew_max = \"60s\"\n{}",
            self.symbols, self.entries, self.stop_percent, self.follow_percent, self.more
        )
    }
}

/// Server, engine, and where they put things.
pub struct Stage {
    scene: Scene,
    folder: tempfile::TempDir,
    plan: Plan,
    _server: Server,
    engine: Option<Child>,
}

impl Stage {
    /// Starts a server; the script is in force from the beginning.
    pub fn new(plan: Plan, script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("script.toml"), script).expect("written");
        std::fs::write(at("plan.toml"), plan.toml()).expect("written");
        let (script, control) = (at("script.toml"), at("control"));
        let paths = [&script, &control].map(|path| path.to_str().expect("text"));
        let more = [
            "--start",
            START,
            "--speed",
            plan.speed,
            "--script",
            paths[0],
            "--control",
            paths[1],
        ];
        let server = Server::with(ACCOUNT, 0, &more);
        Self {
            scene: Scene::new(server.port, ACCOUNT, ""),
            folder,
            plan,
            _server: server,
            engine: None,
        }
    }

    /// A server, and an engine before it.
    pub fn play(plan: Plan, script: &str) -> Self {
        let mut stage = Self::new(plan, script);
        stage.start();
        stage
    }

    /// Starts the engine, armed.
    pub fn start(&mut self) {
        self.start_with(&["--arm"]);
    }

    /// Starts the engine with these arguments.
    pub fn start_with(&mut self, args: &[&str]) {
        assert!(self.engine.is_none(), "one engine at a time");
        let mut said = File::options();
        let said = said.create(true).append(true).open(self.said_path());
        let said = said.expect("a file");
        let plan = self.folder.path().join("plan.toml");
        let engine = self
            .scene
            .command("paper", &["--speed", self.plan.speed])
            .args(["--seconds", "100000", "-c"])
            .arg(plan)
            .args(args)
            .stdout(Stdio::null())
            .stderr(said)
            .spawn();
        self.engine = Some(engine.expect("it starts"));
    }

    /// Starts the engine as a supervisor does: again, while it ends because it finds no Gateway.
    pub fn supervise(&mut self, args: &[&str]) {
        let before = self.story().restarts.len();
        self.start_with(args);
        for _ in 0..LOOKS_MAX {
            if self.story().restarts.len() > before {
                return;
            }
            let engine = self.engine.as_mut().expect("it was started");
            if let Some(ended) = engine.try_wait().expect("it is ours") {
                assert_eq!(ended.code(), Some(1), "{}", self.said());
                self.engine = None;
                self.start_with(args);
            }
            std::thread::sleep(PAUSE);
        }
        panic!("it does not start\n{}", self.said());
    }

    fn said_path(&self) -> PathBuf {
        self.folder.path().join("said")
    }

    /// What the engine told people, all starts together.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.said_path()).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let mut engine = self.engine.take().expect("it runs");
        engine.kill().expect("it ran");
        engine.wait().expect("it has ended");
    }

    /// `kill -9` while the server holds still. What the engine had written arrives behind its
    /// death, and then its connection is gone: nothing of it meets what is scripted next.
    pub fn bury(&mut self) {
        self.kill();
        self.script("go");
        self.wait("its connection is gone", |_, truth| truth.clients == 0);
    }

    /// Kills the engine and starts it again, disarmed: what is open ends, nothing is begun.
    pub fn disarm(&mut self) {
        self.kill();
        let before = self.story().restarts.len();
        self.start_with(&[]);
        self.wait("disarmed", |story, _| {
            story.restarts.len() > before && story.is_ready()
        });
    }

    fn ask(&self, text: &str) -> String {
        ask(&self.folder.path().join("control"), text)
    }

    /// A further fault, or several, one in a line.
    pub fn script(&self, text: &str) {
        let said = self.ask(text);
        assert_eq!(said.trim(), "ok", "{text}");
    }

    /// What really happened.
    pub fn truth(&self) -> Truth {
        serde_json::from_str(&self.ask("truth")).expect("the truth is JSON")
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.scene.journal()
    }

    /// What the journal tells.
    pub fn story(&self) -> Story {
        Story::read(&self.scene.journal()).unwrap_or_default()
    }

    /// Looks until something is so.
    pub fn wait(&mut self, what: &str, enough: impl Fn(&Story, &Truth) -> bool) -> (Story, Truth) {
        for _ in 0..LOOKS_MAX {
            let (truth, story) = (self.truth(), self.story());
            if enough(&story, &truth) {
                return (story, truth);
            }
            self.lives();
            std::thread::sleep(PAUSE);
        }
        self.give_up(&format!("never: {what}"));
    }

    /// The engine has not ended by itself.
    fn lives(&mut self) {
        if let Some(engine) = &mut self.engine {
            let ended = engine.try_wait().expect("it is ours");
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", self.said());
        }
    }

    /// Waits until the engine has ended by itself; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        for _ in 0..LOOKS_MAX {
            let engine = self.engine.as_mut().expect("it was started");
            if let Some(ended) = engine.try_wait().expect("it is ours") {
                self.engine = None;
                return ended.code();
            }
            std::thread::sleep(PAUSE);
        }
        self.give_up("it does not end");
    }

    /// What another process may do to the journal at hand: no segment is longer any more.
    pub fn cut_journal(&self, bytes: u64) {
        for entry in std::fs::read_dir(self.scene.journal()).expect("a journal") {
            let path = entry.expect("listed").path();
            if path.extension().is_some_and(|extension| extension == "seg") {
                let file = File::options().write(true).open(path).expect("a segment");
                let length = file.metadata().expect("its length").len();
                file.set_len(bytes.min(length)).expect("cut");
            }
        }
    }

    /// Waits until the script has done all that it had to do.
    pub fn done(&mut self) -> (Story, Truth) {
        self.wait("the script is done", |_, truth| truth.faults_waiting == 0)
    }

    /// Looks until all is at rest and the pass line holds.
    pub fn rest(&mut self, allow: &Allow) -> (Story, Truth) {
        let (mut good, mut last) = (0, Vec::new());
        for _ in 0..LOOKS_MAX {
            let (truth, story) = (self.truth(), self.story());
            last = pass::faults(&story, &truth, allow);
            good = if last.is_empty() { good + 1 } else { 0 };
            if good == AT_REST {
                return (story, truth);
            }
            self.lives();
            std::thread::sleep(PAUSE);
        }
        self.give_up(&format!("the pass line does not hold: {last:#?}"));
    }

    /// Tells all there is to know, and leaves the journal behind.
    fn give_up(&mut self, why: &str) -> ! {
        self.scene.keep();
        let (story, truth, said) = (self.story(), self.truth(), self.said());
        let journal = self.scene.journal();
        let journal = journal.display();
        panic!("{why}\n{said}\n{story:#?}\n{truth:#?}\n{why}; the journal: {journal}");
    }

    /// The end: the engine is killed, and its journal folds to the same, frame by frame.
    pub fn end(mut self) {
        if self.engine.is_some() {
            self.kill();
        }
        let checked = engine::replay::check(&self.scene.journal()).expect("it folds");
        assert!(checked.identical, "{:?}", checked.first);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(engine) = &mut self.engine {
            let _ = engine.kill();
            let _ = engine.wait();
        }
    }
}
