//! `spindle run`: the engine by the clock, on a live feed, recorded data or the synthetic market.

mod broker;
mod close;
mod live;
mod scan;

use super::common::{
    Base, Progress, end_of_run, facts, idle, journal_dir, journal_options, layout, print_summary,
    settings, summarise,
};
use super::demo::add_universe;
use super::stop::Stop;
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::config::{Settings, Value};
use engine::feeds;
use engine::run::{Pace, Plan};
use engine::setup::{FeedKind, Setup};
use feed::head::Merge;
use feed::synthetic::{Config, Synthetic};
use stream::payload::Session;
use stream::{Nanos, Next, Source, SourceId};

/// The lanes need a moment before the first event of a market that we start ourselves.
const LEAD: Nanos = Nanos::from_millis(600);

/// A market by the clock.
struct Market {
    sources: Vec<Box<dyn Source + Send>>,
    /// The session that replaces the calendar's.
    session: Option<Session>,
    names: Vec<String>,
    ending: feeds::Ending,
}

pub fn run(args: &cli::Run) -> Outcome {
    if args.settings.config.is_empty() {
        return Err(Failure::bad(
            "run needs a configuration: -c FILE; `spindle init` writes a first one",
        ));
    }
    let speed_milli = read_speed(&args.speed)?;
    let mut settings = settings(&args.settings, Base::Files);
    if args.mode == cli::Mode::Observe {
        let observe = Value::Text("observe".to_owned());
        settings.add_flag("--mode observe", "risk.mode", observe);
    }
    if broker::is_meant(args, &settings) {
        return broker::run(args, settings, speed_milli);
    }
    if args.data.is_empty() && args.speed != "1" {
        return Err(Failure::bad(
            "--speed needs recorded data (--data PATH), or a paper server in front of the run",
        ));
    }
    let now = utc();
    let synthetic = synthetic(args, &mut settings, now)?;
    let mut setup = Setup::read(&settings)?;
    let market = match synthetic {
        Some(market) => Market {
            session: Some(market.session()),
            names: vec![format!("synthetic seed {}", market.config().seed)],
            sources: vec![Box::new(market)],
            ending: feeds::Ending::default(),
        },
        None if args.data.is_empty() => live(&setup)?,
        None => recorded(args, &setup, now, speed_milli)?,
    };
    setup.session = market.session.or(setup.session);
    let until = end_of_run(args.seconds, &setup, now.saturating_add(LEAD))?;
    let dir = journal_dir(args.journal.as_ref(), &setup, "run");
    let layout = layout(&setup)?;
    let plan = Plan {
        journal: journal_options(&setup, &dir, &setup.journal.account),
        sources: Merge::new(market.sources),
        line: None,
        facts: facts(&layout, "live", &market.names),
        idle: idle(&setup, &layout),
        layout,
        pace: Pace::Live { until },
        setup,
    };
    eprintln!("spindle run: journal in {}", dir.display());
    let seconds = until.saturating_sub(now).0 / Nanos::SECOND.0;
    let progress = Progress::new(seconds, "running");
    let mut stop = Stop::new(&args.words)?;
    let finished = engine::run::run(plan, |handle| {
        progress.at(utc().saturating_sub(now).0 / Nanos::SECOND.0);
        stop.watch(handle);
    })?;
    drop(progress);
    if let Some(error) = market
        .ending
        .lock()
        .ok()
        .and_then(|mut ending| ending.take())
    {
        return Err(Failure::bad(format!(
            "{error}; the journal in {} ends there",
            dir.display()
        )));
    }
    print_summary(&summarise(&dir)?, args.json)?;
    stop.judge(finished.flat, args.seconds.is_none(), &dir)
}

/// A multiple such as 2 or 0.5, in thousandths.
pub fn read_speed(text: &str) -> Outcome<u64> {
    let bad = || {
        Failure::bad(format!(
            "--speed {text}: expected a multiple from 0.001 to 1000"
        ))
    };
    let speed = rust_decimal::Decimal::from_str_exact(text).map_err(|_| bad())?;
    let milli = u64::try_from(speed * rust_decimal::Decimal::ONE_THOUSAND).map_err(|_| bad())?;
    if (1..=1_000_000).contains(&milli) {
        Ok(milli)
    } else {
        Err(bad())
    }
}

/// The synthetic market, where it is configured and no data was named.
fn synthetic(args: &cli::Run, settings: &mut Settings, now: Nanos) -> Outcome<Option<Synthetic>> {
    if !args.data.is_empty() || settings.peek("feed.kind") != Some("synthetic") {
        return Ok(None);
    }
    let seconds = args.seconds.unwrap_or(23_400);
    let seed = args.settings.seed.unwrap_or(1);
    let length = Nanos::from_secs(seconds);
    let config = Config {
        source: SourceId(1),
        ..Config::demo(seed, now.saturating_add(LEAD), length)
    };
    let market = Synthetic::new(config).map_err(Failure::bad)?;
    add_universe(settings, &market);
    Ok(Some(market))
}

fn live(setup: &Setup) -> Outcome<Market> {
    match &setup.feed {
        FeedKind::MoldUdp(config) => {
            let source = feeds::open_moldudp(config, setup)?;
            Ok(Market {
                sources: vec![source],
                session: None,
                names: vec!["moldudp64".to_owned()],
                ending: feeds::Ending::default(),
            })
        }
        FeedKind::Ibkr => Err(Failure::bad(
            "feed.kind is \"ibkr\": the broker's data come with --mode observe, paper or live",
        )),
        FeedKind::Files | FeedKind::Synthetic => Err(Failure::bad(
            "feed.kind is \"files\" and no file was named: give --data PATH, or set feed.kind to \
             synthetic or moldudp",
        )),
    }
}

/// Recorded data, moved to now.
fn recorded(args: &cli::Run, setup: &Setup, now: Nanos, speed_milli: u64) -> Outcome<Market> {
    let ending = feeds::Ending::default();
    let mut sources = feeds::open(&args.data, setup, &ending)?;
    let first = sources
        .iter_mut()
        .filter_map(|source| match source.next() {
            Next::At(ts) => Some(ts),
            Next::Idle | Next::End => None,
        })
        .min()
        .ok_or_else(|| Failure::bad("the named files hold no frame at all"))?;
    let to = now.saturating_add(LEAD);
    let session = setup.session_of(first).ok_or_else(|| {
        Failure::bad(format!(
            "the data begins at {first} ns, when the {} calendar has no session; set \
             session.calendar",
            setup.calendar.name()
        ))
    })?;
    Ok(Market {
        session: Some(feeds::paced_session(session, first, to, speed_milli)),
        names: args
            .data
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        sources: sources
            .into_iter()
            .map(|source| -> Box<dyn Source + Send> {
                Box::new(feeds::Paced::new(source, first, to, speed_milli))
            })
            .collect(),
        ending,
    })
}
