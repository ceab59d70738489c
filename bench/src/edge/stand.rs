//! One run: a paper server on a thread, the engine before it, and what both of them saw.

use super::heard::{Heard, Written};
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
/// As `auto` has it where there are two cores.
const IDLE: Idle = Idle::Spin;
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

/// What the sample needs to stand before a broker, with slots that are given at once.
const BEFORE_A_BROKER: Changes<'static> = &[
    ("session.calendar", "continuous"),
    ("feed.kind", "ibkr"),
    ("gateway.broker", "ibkr"),
    ("ibkr.account", ACCOUNT),
    ("slots.min_hold", "1s"),
    ("slots.confirm", "1"),
    ("slots.warm_up", "100ms"),
    ("slots.score_min", "0"),
];

struct Running {
    address: SocketAddr,
    stopper: Stopper,
    thread: JoinHandle<std::io::Result<()>>,
}

/// Runs once, measured for so long. All threads but the lane keep off its core, the server's too.
pub fn run(bench: &Bench, time: Duration) -> Result<Heard> {
    let layout = live::layout(&bench.cores, 1)?;
    let dir = bench.temp()?;
    let wire = Shared::default();
    let broker = aside(&layout, IDLE, || serve(&wire))?;
    let result = stand(&layout, dir.path(), (&broker, &wire), time);
    broker.stopper.stop();
    let ended = broker.thread.join();
    ended.map_err(|_| anyhow!("the paper server broke"))??;
    result
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

fn setup(address: SocketAddr) -> Result<Setup> {
    let symbols = synthetic::Config::demo(1, utc(), Nanos::SECOND).symbols;
    let symbols = symbols[..SYMBOLS].iter().map(|own| own.name.clone());
    let symbols: Vec<String> = symbols.collect();
    let port = address.port().to_string();
    let port = [("ibkr.port", port.as_str())];
    let changes = [UNTHROTTLED, BEFORE_A_BROKER, &port];
    let mut setup = live::setup(&symbols, Some("hold"), &changes)?;
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

fn stand(
    layout: &Layout,
    dir: &std::path::Path,
    (broker, wire): (&Running, &Shared),
    time: Duration,
) -> Result<Heard> {
    let setup = setup(broker.address)?;
    let ibkr = setup
        .ibkr
        .clone()
        .context("the sample has a table [ibkr]")?;
    let api = aside(layout, IDLE, || connect(&ibkr, 1_000))?;
    let checked = check(&setup, &ibkr, api)?;
    let from = utc() + WARM_UP;
    let until = from + Nanos(time.as_nanos() as u64);
    let stance = Stance {
        speed_milli: 1_000,
        observe: false,
        final_at: until,
        tell: Arc::new(|_| {}),
    };
    let (mut line, source) = open(&setup, &ibkr, checked, stance);
    wire.begin(line.clock());
    let written = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&written);
    line.on_written(Box::new(move |passed, now| {
        let one = Written {
            id: passed.id,
            at: passed.at,
            written: now,
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
        idle: IDLE,
        line: Some(line),
        pace: Pace::Live { until },
        facts: String::new(),
    };
    engine::run::run(plan, |_| {}).context("a run before the paper server")?;
    let written = core::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    Heard::fold(dir, from, &symbols, (wire.take(), &written))
}
