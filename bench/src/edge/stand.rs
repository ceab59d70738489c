//! One run: a paper server on a thread, the engine before it, and what both of them saw.

use super::bare::{self, Bare};
use super::core_time::CoreTime;
use super::heard::{Heard, Seen, Written};
use super::library;
use super::wire::Shared;
use crate::benches::Bench;
use crate::live::{self, Changes, UNTHROTTLED};
use anyhow::{Context, Result, anyhow};
use engine::clock::utc;
use engine::ibkr::{Stance, boxed, check, connect, open};
use engine::lane::{Idle, aside};
use engine::layout::Layout;
use engine::run::{Pace, Plan};
use engine::setup::Setup;
use feed::head::Merge;
use feed::synthetic;
use gateway::ibkr::budget;
use gateway::sim::Latency;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use stream::Nanos;
use tws::World;
use tws::server::{self, Options, Server, Stopper};
use tws::world::{Config, Limits, Market};

/// Shares that are traded, each with a depth slot.
pub const SYMBOLS: usize = 3;
/// Market events a second, all shares together.
pub const EVENTS: f64 = 300.0;
/// Loss at which risk would end the run: it trades all the time, and pays the spread each time.
const LOSS_MAX: &str = "100000000";
const ACCOUNT: &str = "DU1234567";
/// Until positions are there, and caches warm.
const WARM_UP: Nanos = Nanos::from_millis(2_500);
/// Quotes are sampled this often, for more of them than the broker's 250 ms bring.
const SAMPLING: Nanos = Nanos::from_millis(10);
/// The simulator's delay each way.
const DELAY: Latency = Latency {
    base: Nanos(20_000),
    jitter: Nanos::ZERO,
};

/// How the lanes run, and what the probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// What becomes of its entries: `hold` or `rest`.
    pub entries: &'static str,
    /// How many.
    pub lanes: usize,
    /// What they do when there is nothing to do.
    pub idle: Idle,
}

/// What the sample needs to stand before a broker, with slots that are given at once. Stops and
/// targets stand close, so that positions end and begin all the time.
const BEFORE_A_BROKER: Changes<'static> = &[
    ("session.calendar", "continuous"),
    ("feed.kind", "ibkr"),
    ("gateway.broker", "ibkr"),
    ("ibkr.account", ACCOUNT),
    ("slots.min_hold", "1s"),
    ("slots.confirm", "1"),
    ("slots.warm_up", "100ms"),
    ("slots.score_min", "0"),
    ("strategy.1.stop_percent", "0.02"),
    ("strategy.1.follow_percent", "0.01"),
    ("risk.loss_max", LOSS_MAX),
    ("risk.loss_max_percent", "50"),
];

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    thread: JoinHandle<std::io::Result<()>>,
}

/// Runs once, measured for so long. All threads but the lanes keep off their cores, the server's
/// too, where there are others.
pub fn run(bench: &Bench, shape: Shape, bare: Nanos, time: Duration) -> Result<Heard> {
    let layout = live::layout(&bench.cores, shape.lanes)?;
    let dir = bench.temp()?;
    let wire = Shared::default();
    let broker = aside(&layout, shape.idle, || serve(&wire))?;
    let stage = Stage {
        layout: &layout,
        shape,
        dir: dir.path(),
        bare,
    };
    let result = stand(&stage, (&broker, &wire), time);
    broker.stopper.stop();
    let ended = broker.thread.join();
    ended.map_err(|_| anyhow!("the paper server broke"))??;
    result
}

/// A socket without an engine, where the edge's threads run beside one lane.
pub fn bare(bench: &Bench, count: u32) -> Result<Bare> {
    let layout = live::layout(&bench.cores, 1)?;
    aside(&layout, Idle::Spin, || bare::measure(count))
}

/// Where a run takes place.
struct Stage<'a> {
    layout: &'a Layout,
    shape: Shape,
    dir: &'a std::path::Path,
    bare: Nanos,
}

/// The market outlasts our session, whose calendar is continuous: what is held can be closed.
const LENGTH: Nanos = Nanos::from_secs(7 * 86_400);

/// The paper server, on a thread.
fn serve(wire: &Shared) -> Result<Running> {
    let now = utc();
    let mut market = synthetic::Config {
        halts: Vec::new(),
        gap: None,
        events_per_second: EVENTS,
        ..synthetic::Config::demo(1, now, LENGTH)
    };
    market.symbols.truncate(SYMBOLS);
    let mut config = Config::new(ACCOUNT, Market::synthetic(market)?);
    config.sim.outbound = DELAY;
    config.sim.response = DELAY;
    config.sim.commission = DELAY;
    config.limits = Limits {
        messages_per_second: 0,
        sampling: SAMPLING,
        ..Limits::default()
    };
    let clock = server::Clock::scaled(config.start, 1_000);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut server = Server::bind(address, World::open(config), clock, Options::default())
        .context("the paper server finds no socket")?;
    server.tap(wire.tap());
    let (address, stopper) = (server.local_addr()?, server.stopper());
    let thread = std::thread::Builder::new()
        .name("tws-sim".to_owned())
        .spawn(move || server.run(|_| {}))?;
    Ok(Running {
        address,
        stopper,
        thread,
    })
}

fn setup(address: SocketAddr, entries: &str) -> Result<Setup> {
    let symbols = synthetic::Config::demo(1, utc(), Nanos::SECOND).symbols;
    let symbols = symbols[..SYMBOLS].iter().map(|own| own.name.clone());
    let symbols: Vec<String> = symbols.collect();
    let port = address.port().to_string();
    let port = [("ibkr.port", port.as_str())];
    let changes = [UNTHROTTLED, BEFORE_A_BROKER, &port];
    let mut setup = live::setup(&symbols, Some(entries), &changes)?;
    if let Some(ibkr) = &mut setup.ibkr {
        // More than the broker allows: what is measured is not its limit.
        ibkr.budget = budget::Config {
            messages: 10_000,
            orders: 5_000,
            reserve: 10,
        };
    }
    Ok(setup)
}

fn stand(stage: &Stage<'_>, (broker, wire): (&Running, &Shared), time: Duration) -> Result<Heard> {
    let (layout, dir) = (stage.layout, stage.dir);
    let Shape { idle, entries, .. } = stage.shape;
    let setup = setup(broker.address, entries)?;
    let ibkr = setup
        .ibkr
        .clone()
        .context("the sample has a table [ibkr]")?;
    library::listen();
    let api = aside(layout, idle, || connect(&ibkr, 1_000))?;
    let checked = check(&setup, (&ibkr, 1_000), api)?;
    let from = utc() + WARM_UP;
    let until = from + Nanos(time.as_nanos() as u64);
    let stance = Stance {
        speed_milli: 1_000,
        observe: false,
        final_at: until,
        until,
        tell: Arc::new(|_| {}),
    };
    let (mut line, source) = open(&setup, &ibkr, checked, stance);
    wire.begin(line.clock());
    library::begin(line.clock());
    let written = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&written);
    // With one core for all that is no lane, the server's turns on it are nobody's latency but its
    // own.
    let shared = (engine::lane::cores().len() == layout.lanes() + 1).then(|| wire.core_time());
    line.on_written(Box::new(move |passed, called, written| {
        let one = Written {
            id: passed.id,
            at: passed.at,
            called,
            encoded: library::encoded(),
            written,
            taken: shared.as_ref().and_then(CoreTime::of_other),
        };
        list.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(one);
    }));
    let symbols: Vec<_> = setup
        .symbols()
        .map(|(id, own)| (id, own.to_owned()))
        .collect();
    let mut journal = ::journal::Options::new(dir);
    ACCOUNT.clone_into(&mut journal.account);
    let plan = Plan {
        setup,
        sources: Merge::new(vec![boxed(source)]),
        journal,
        layout: layout.clone(),
        idle,
        line: Some(line),
        pace: Pace::Live { until },
        facts: String::new(),
    };
    engine::run::run(plan, |_| {}).context("a run before the paper server")?;
    let written = core::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    let seen = Seen {
        from,
        symbols: &symbols,
        wire: wire.take(),
        reads: &library::reads(),
        written: &written,
        bare: stage.bare,
    };
    Heard::fold(dir, seen)
}
