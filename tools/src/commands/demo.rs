//! `spindle demo`: everything at once, with nothing to set up.

use super::common::{
    Base, Progress, facts, idle, journal_dir, journal_options, layout, print_summary, settings,
    summarise,
};
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::config::Value;
use engine::run::{Pace, Plan};
use engine::setup::Setup;
use feed::head::Merge;
use feed::synthetic::{Config, Synthetic};
use stream::Nanos;
use stream::payload::read_text;

/// After the close the last fees come in.
const TAIL: Nanos = Nanos::from_millis(700);
/// The market opens a moment after the lanes have started.
const LEAD: Nanos = Nanos::from_millis(600);

pub fn run(args: &cli::Demo) -> Outcome {
    let seed = args.settings.seed.unwrap_or(1);
    let length = Nanos::from_secs(args.seconds).saturating_sub(TAIL).saturating_sub(LEAD);
    let start = utc().saturating_add(LEAD);
    let market = Synthetic::new(Config::demo(seed, start, length)).map_err(Failure::bad)?;
    let session = market.session();
    let symbols = market
        .instruments()
        .map(|(_, instrument)| read_text(&instrument.symbol).to_owned())
        .collect();
    let mut settings = settings(&args.settings, Base::Demo);
    settings.add_flag("demo", "universe.symbols", Value::List(symbols));
    let venues: Vec<(String, String)> = market
        .instruments()
        .map(|(_, own)| (read_text(&own.symbol).to_owned(), read_text(&own.venue).to_owned()))
        .collect();
    for (symbol, venue) in venues {
        let key = format!("instrument.{symbol}.venue");
        settings.add_flag("demo", &key, Value::Text(venue));
    }
    let mut setup = Setup::read(&settings)?;
    setup.session = Some(session);
    let dir = journal_dir(args.journal.as_ref(), &setup, "demo");
    let layout = layout(&setup)?;
    let idle = idle(&setup, &layout);
    let until = session.close.saturating_add(TAIL);
    let plan = Plan {
        journal: journal_options(&setup, &dir, "DEMO"),
        sources: Merge::new(vec![Box::new(market)]),
        facts: facts(&layout, "live", &[format!("synthetic seed {seed}")]),
        layout,
        idle,
        pace: Pace::Live { until },
        setup,
    };
    if !args.json {
        eprintln!(
            "spindle demo: a synthetic market of {} seconds, by the clock; journal in {}",
            args.seconds,
            dir.display()
        );
    }
    let progress = Progress::new(args.seconds, "trading");
    let begun = start.saturating_sub(LEAD);
    engine::run::run(plan, |_| progress.at(utc().saturating_sub(begun).0 / Nanos::SECOND.0))?;
    drop(progress);
    print_summary(&summarise(&dir)?, args.json)
}
