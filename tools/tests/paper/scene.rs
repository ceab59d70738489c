//! The paper server, a configuration for it, and what a journal tells of a run before it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use stream::payload::{
    Connectivity, Fill, LegState, LinkState, Position, Restart, Sent, SentOutcome, Status,
};
use stream::{FrameId, InstrumentId, Kind, SourceId};

/// The command, free of the settings of whoever runs the tests.
pub fn spindle() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spindle"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPINDLE__") {
            command.env_remove(name);
        }
    }
    command
}

/// A paper server that runs until it is dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Server {
    /// Starts one for an account, on a free port or on the one that is named.
    pub fn start(account: &str, port: u16) -> Self {
        Self::with(account, port, &[])
    }

    /// The same with further arguments.
    pub fn with(account: &str, port: u16, more: &[&str]) -> Self {
        let mut child = spindle()
            .args(["tws-sim", "--account", account, "--port", &port.to_string()])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let out = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(out).lines();
        let first = lines.next().expect("a line").expect("text");
        let port = first
            .split(&[':', ';'][..])
            .find_map(|part| part.trim().parse().ok())
            .unwrap_or_else(|| panic!("{first} names no port"));
        // Nobody reads what it says of its connections; its pipe must not fill up all the same.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port }
    }
}

impl Server {
    /// It hangs, connections and all, or goes on.
    pub fn hang(&self, hangs: bool) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = Pid::from_child(&self.child);
        let signal = if hangs { Signal::STOP } else { Signal::CONT };
        kill_process(pid, signal).expect("it is ours");
    }
}

impl Server {
    /// It is asked to end, and has ended.
    pub fn end(mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it is ours");
        let ended = self.child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a server answers to words over its control socket.
pub fn ask(control: &Path, words: &str) -> String {
    let mut socket = UnixStream::connect(control).expect("it listens");
    socket.write_all(words.as_bytes()).expect("it reads");
    socket.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    answer
}

/// A folder with a configuration for a server.
pub struct Scene {
    folder: tempfile::TempDir,
}

/// The embedded sample without its strategy, and one that trades at every occasion.
const STRATEGY: &str = r#"
[strategy.1]
kind = "probe"
entries = "hold"
rest_percent = 1
stop_percent = 0.2
follow_percent = 0
ttl = "5s"
"#;

impl Scene {
    /// A configuration that names a port and an account, with more lines behind it. Its lanes
    /// yield: several of these runs share few cores.
    pub fn new(port: u16, account: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut inside = false;
        let mut base = String::new();
        for line in engine::setup::SAMPLE.lines() {
            if line.starts_with('[') {
                inside = line.starts_with("[strategy");
            }
            // The session that never ends has a day's end at midnight UTC, and these tests run by
            // the clock on the wall: entries stop so late that they trade at any hour.
            let key = line.split(" = ").next().unwrap_or_default();
            let late = match key {
                "entries_before_close" => Some("3s"),
                "entries_stop_before_close" => Some("2s"),
                "flat_before_close" => Some("1s"),
                _ => None,
            };
            match late {
                _ if inside => {}
                Some(late) => base.push_str(&format!("{key} = \"{late}\"\n")),
                None => {
                    base.push_str(line);
                    base.push('\n');
                }
            }
        }
        base.push_str(STRATEGY);
        std::fs::write(folder.path().join("base.toml"), base).expect("written");
        let over = format!(
            "[lanes]\nidle = \"backoff\"\n[session]\ncalendar = \"continuous\"\n\
             [feed]\nkind = \"ibkr\"\n\
             [universe]\nsymbols = [\"ALDR\", \"BRKN\", \"CYGN\"]\n[signal]\nneed_depth = false\n\
             [throttle]\ncool_down = \"1s\"\ncool_down_loss = \"1s\"\nsignal_quiet = \"1s\"\n\
             [ibkr]\nport = {port}\naccount = \"{account}\"\nreconcile_every = \"5s\"\n\
             heartbeat = \"2s\"\n{more}"
        );
        std::fs::write(folder.path().join("over.toml"), over).expect("written");
        Self { folder }
    }

    /// It outlives the test, for people to look at.
    pub fn keep(&mut self) {
        self.folder.disable_cleanup(true);
    }

    /// The journal's folder.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// `spindle run` with these arguments behind the configuration.
    pub fn command(&self, mode: &str, args: &[&str]) -> Command {
        let mut command = self.unnamed(mode);
        command.args(["--journal", "journal"]).args(args);
        command
    }

    /// `spindle run` without a name for its journal.
    pub fn unnamed(&self, mode: &str) -> Command {
        let mut command = spindle();
        command.current_dir(self.folder.path()).args([
            "run",
            "--mode",
            mode,
            "-c",
            "base.toml",
            "-c",
            "over.toml",
        ]);
        command
    }

    /// The journals of runs that named none, sorted.
    pub fn journals(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("journals")).expect("journals");
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.expect("listed").path()).collect();
        all.sort();
        all
    }

    /// Runs it to its end.
    pub fn run(&self, mode: &str, args: &[&str]) -> Output {
        self.command(mode, args).output().expect("it runs")
    }
}

/// What a journal tells.
#[derive(Debug, Default)]
pub struct Told {
    /// How the link to the broker was, in order.
    pub links: Vec<LinkState>,
    /// Commands in order.
    pub commands: Vec<FrameId>,
    /// Answers to each.
    pub sents: BTreeMap<FrameId, Vec<SentOutcome>>,
    /// Executions by their ids: how often each was told, and what it did.
    pub fills: BTreeMap<String, (usize, InstrumentId, i64)>,
    /// The furthest state that each leg's status told.
    pub legs: BTreeMap<FrameId, LegState>,
    /// The broker's words on each position, with what our executions made it at that place.
    pub positions: BTreeMap<InstrumentId, Vec<(i64, i64)>>,
    /// Epochs.
    pub restarts: Vec<Restart>,
    /// Frames of each kind.
    pub kinds: BTreeMap<u8, usize>,
}

/// Reads a journal whole.
pub fn told(dir: &Path) -> Told {
    let mut told = Told::default();
    let mut reader = journal::Reader::open(dir).expect("a journal");
    while let Some(next) = reader.next() {
        let (_, frame) = next.expect("what was journaled verifies");
        *told.kinds.entry(frame.kind().0).or_default() += 1;
        match frame.kind() {
            Kind::Connectivity => {
                let link = frame.read::<Connectivity>();
                if link.source == SourceId(0) {
                    told.links.push(link.state);
                }
            }
            Kind::Command => told.commands.push(frame.id()),
            Kind::Sent => {
                let sent = frame.read::<Sent>();
                told.sents
                    .entry(sent.command)
                    .or_default()
                    .push(sent.outcome);
            }
            Kind::Fill => {
                let fill = frame.read::<Fill>();
                let id = stream::payload::read_text(&fill.exec_text).to_owned();
                let signed = fill.side.sign() * i64::from(fill.qty);
                let entry = told
                    .fills
                    .entry(id)
                    .or_insert((0, frame.instrument(), signed));
                entry.0 += 1;
            }
            Kind::Status => {
                let status = frame.read::<Status>();
                let state = told.legs.entry(status.leg).or_default();
                *state = status.state;
            }
            Kind::Position => {
                let position = frame.read::<Position>();
                let own = told.held(frame.instrument());
                let words = told.positions.entry(frame.instrument()).or_default();
                words.push((position.qty.0, own));
            }
            Kind::Restart => told.restarts.push(*frame.read()),
            _ => {}
        }
    }
    told
}

impl Told {
    /// Position by distinct executions.
    pub fn held(&self, of: InstrumentId) -> i64 {
        let fills = self.fills.values().filter(|fill| fill.1 == of);
        fills.map(|fill| fill.2).sum()
    }

    /// Frames of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.kinds.get(&kind.0).copied().unwrap_or(0)
    }
}
