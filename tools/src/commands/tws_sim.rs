//! `spindle tws-sim`: a paper server that TWS clients take for a Gateway.

use super::common::print_line;
use crate::cli;
use crate::failure::{Failure, Outcome};
use feed::calendar::Calendar;
use rust_decimal::Decimal;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;
use stream::{Money, Nanos};
use tws::World;
use tws::corrupt::Group;
use tws::server::{Clock, Notice, Options, Server};
use tws::world::{Base, Config, Market};

/// How long the synthetic market lasts.
const LENGTH: Nanos = Nanos::from_secs(7 * 86_400);

/// Serves until it is interrupted.
pub fn run(args: &cli::TwsSim) -> Outcome {
    let speed_milli = super::run::read_speed(&args.speed)?;
    let address = SocketAddr::new(args.listen, args.port);
    let start =
        match args.start {
            Some(start) => Nanos(u64::try_from(start.as_nanosecond()).map_err(|_| {
                Failure::bad(format!("--start {start}: expected a time after 1970"))
            })?),
            None => host_now(),
        };
    let mut config = config(args, start)?;
    config.base = base(args)?;
    config.sim.cash = cash(args.cash)?;
    let clock = if args.stepped {
        Clock::stepped(config.start)
    } else {
        Clock::scaled(config.start, speed_milli)
    };
    let mut world = World::open(config);
    for path in &args.script {
        script(&mut world, path)?;
    }
    let options = Options {
        corrupt: args.corrupt.as_deref().and_then(Group::from_name),
        ..Options::default()
    };
    let mut server = Server::bind(address, world, clock, options).map_err(|error| {
        let remedy = "is another server there? choose another with --port";
        Failure::failed(format!(
            "{address} cannot be listened on: {error}; {remedy}"
        ))
    })?;
    if let Some(path) = &args.control {
        server.control(path).map_err(|error| {
            let path = path.display();
            Failure::failed(format!(
                "{path}: the control socket cannot be made: {error}; remove what is there, or \
                 name another place"
            ))
        })?;
    }
    let stopping = server.stopping();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal only sets the flag, the second one finds it set.
        let code = i32::from(crate::failure::FAILED);
        flag::register_conditional_shutdown(signal, code, Arc::clone(&stopping))
            .and_then(|_| flag::register(signal, Arc::clone(&stopping)))
            .map_err(Failure::failed)?;
    }
    let address = server.local_addr().map_err(Failure::failed)?;
    // Who waits for the server waits for this line; what comes behind it is a log.
    print_line(&format!(
        "tws-sim: account {} on {address}; Ctrl-C ends it",
        args.account
    ))?;
    server.run(|notice| log(&notice)).map_err(Failure::failed)?;
    match &args.truth {
        Some(path) => std::fs::write(path, server.world().truth_json()).map_err(|error| {
            let path = path.display();
            Failure::failed(format!("{path}: what happened cannot be written: {error}"))
        }),
        None => Ok(()),
    }
}

/// Faults on purpose, from a file.
fn script(world: &mut World, path: &Path) -> Outcome {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::bad(format!("{shown}: the script cannot be read: {error}")))?;
    let bad = |error| Failure::bad(format!("{shown}: {error}"));
    world.script(&text).map_err(bad)
}

/// A decimal in billionths, where it has so many.
fn money(amount: Decimal) -> Option<Money> {
    let nano = amount.checked_mul(Decimal::from(1_000_000_000))?;
    i64::try_from(nano).ok().map(Money)
}

/// What the account begins with.
fn cash(dollars: Decimal) -> Outcome<Money> {
    let most = Decimal::from(1_000_000_000);
    let fits = Decimal::ZERO < dollars && dollars <= most;
    money(dollars).filter(|_| fits).ok_or_else(|| {
        Failure::bad(format!(
            "--cash {dollars}: expected dollars above 0 and at most {most}, such as 25000"
        ))
    })
}

/// What the account is kept in.
fn base(args: &cli::TwsSim) -> Outcome<Base> {
    let code = args.currency.trim().to_uppercase();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Failure::bad(format!(
            "--currency {code}: expected three letters such as EUR"
        )));
    }
    let rate = money(args.rate).filter(|rate| rate.0 > 0);
    let rate = rate.ok_or_else(|| {
        let rate = args.rate;
        Failure::bad(format!(
            "--rate {rate}: expected what a dollar costs, such as 0.9"
        ))
    })?;
    Ok(Base::new(&code, rate))
}

/// The broker's market, which begins then.
fn config(args: &cli::TwsSim, now: Nanos) -> Outcome<Config> {
    if args.data.is_empty() {
        let (opens, length) = match args.start {
            Some(start) => session_of(start, now)?,
            None => (now, LENGTH),
        };
        let config = Config::usual(&args.account, args.seed, opens, length);
        // Before the open the server is there, and nothing is quoted.
        return config
            .map(|config| Config {
                start: now,
                ..config
            })
            .map_err(Failure::failed);
    }
    let market = Market::files(&args.data, None, Calendar::UsEquity)?;
    let opens = market.opens();
    let mut config = Config::new(&args.account, market.moved(opens, now));
    config.sim.seed = args.seed;
    Ok(config)
}

/// When the market opens, or is found open, and how long it then trades.
fn session_of(start: jiff::Timestamp, now: Nanos) -> Outcome<(Nanos, Nanos)> {
    let calendar = Calendar::UsEquity;
    let session = calendar
        .session_at(now)
        .or_else(|| calendar.next_session(now))
        .ok_or_else(|| {
            Failure::bad(format!(
                "--start {start}: the calendar knows no US session from then on"
            ))
        })?;
    let opens = session.open.max(now);
    Ok((opens, session.close.saturating_sub(opens)))
}

fn host_now() -> Nanos {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Nanos(now.map_or(0, |since| since.as_nanos() as u64))
}

/// A log that nobody reads any more is no reason to end: clients are served.
fn log(notice: &Notice) {
    let _ = writeln!(std::io::stderr(), "tws-sim: {}", told(notice));
}

fn told(notice: &Notice) -> String {
    match notice {
        Notice::Joined(link, peer, version) => {
            format!("connection {}: {peer} speaks version {version}", link.0)
        }
        Notice::Left(link, why) => format!("connection {} ended: {why}", link.0),
        Notice::Unread(link, malformed) => format!("connection {}: {malformed}", link.0),
    }
}
