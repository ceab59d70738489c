//! `spindle demo`: everything at once, with nothing to set up.

use super::common::{
    Base, Progress, facts, idle, idle_virtual, journal_dir, journal_options, layout,
    layout_virtual, print_summary, settings, summarise,
};
use super::stop::Stop;
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::config::{Settings, Value};
use engine::run::{Pace, Plan};
use engine::setup::Setup;
use feed::head::Merge;
use feed::synthetic::{Config, Synthetic};
use stream::payload::read_text;
use stream::{Nanos, SourceId};

/// After the close the last fees come in.
const TAIL: Nanos = Nanos::from_millis(700);
/// The market opens a moment after the lanes have started.
const LEAD: Nanos = Nanos::from_millis(600);
/// When the market of a demo in virtual time opens: a Wednesday, 2026-01-07 14:30 UTC.
const FAST_OPEN: Nanos = Nanos::from_secs(1_767_796_200);

pub fn run(args: &cli::Demo) -> Outcome {
    let seed = args.settings.seed.unwrap_or(1);
    let length = Nanos::from_secs(args.seconds)
        .saturating_sub(TAIL)
        .saturating_sub(LEAD);
    let start = if args.fast {
        FAST_OPEN
    } else {
        utc().saturating_add(LEAD)
    };
    let config = Config {
        source: SourceId(1),
        ..Config::demo(seed, start, length)
    };
    let market = Synthetic::new(config).map_err(Failure::bad)?;
    let session = market.session();
    let mut settings = settings(&args.settings, Base::Demo);
    add_universe(&mut settings, &market);
    let mut setup = Setup::read(&settings)?;
    setup.session = Some(session);
    let dir = journal_dir(args.journal.as_ref(), &setup, "demo");
    let until = session.close.saturating_add(TAIL);
    let (pace, time, layout, idle) = if args.fast {
        let layout = layout_virtual(&setup)?;
        let idle = idle_virtual(&setup, &layout);
        (Pace::Virtual, "virtual", layout, idle)
    } else {
        let layout = layout(&setup)?;
        let idle = idle(&setup, &layout);
        (Pace::Live { until }, "live", layout, idle)
    };
    let plan = Plan {
        line: None,
        journal: journal_options(&setup, &dir, "DEMO"),
        sources: Merge::new(vec![Box::new(market)]),
        facts: facts(&layout, time, &[format!("synthetic seed {seed}")]),
        idle,
        layout,
        pace,
        setup,
    };
    if !args.json {
        let paced = if args.fast {
            "as fast as it goes"
        } else {
            "by the clock"
        };
        eprintln!(
            "spindle demo: a synthetic market of {} seconds, {paced}; journal in {}",
            args.seconds,
            dir.display()
        );
    }
    let progress = Progress::new(args.seconds, "trading");
    let begun = start.saturating_sub(LEAD);
    let mut stop = Stop::new(&args.words)?;
    let finished = engine::run::run(plan, |handle| {
        progress.at(utc().saturating_sub(begun).0 / Nanos::SECOND.0);
        stop.watch(handle);
    })?;
    drop(progress);
    print_summary(&summarise(&dir)?, args.json)?;
    stop.judge(finished.flat, false, &dir)
}

/// The synthetic market's symbols and venues.
pub(super) fn add_universe(settings: &mut Settings, market: &Synthetic) {
    let mut symbols = Vec::new();
    for (_, definition) in market.instruments() {
        let symbol = read_text(&definition.symbol).to_owned();
        let key = format!("instrument.{symbol}.venue");
        let venue = read_text(&definition.venue).to_owned();
        settings.add_flag("synthetic market", &key, Value::Text(venue));
        symbols.push(symbol);
    }
    settings.add_flag("synthetic market", "universe.symbols", Value::List(symbols));
}
