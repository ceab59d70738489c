//! `spindle backtest`: historical data through the same stages, as fast as it goes.

use super::common::{
    Base, facts, idle_virtual, journal_dir, journal_options, layout_virtual, print_summary,
    settings, summarise,
};
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::config::{Settings, Value};
use engine::feeds;
use engine::run::{Pace, Plan};
use engine::setup::Setup;
use feed::file::Format;
use feed::head::Merge;

pub fn run(args: &cli::Backtest) -> Outcome {
    let mut settings = settings(&args.settings, Base::Sample);
    choose_universe(args, &mut settings)?;
    let setup = Setup::read(&settings)?;
    let dir = journal_dir(args.out.as_ref(), &setup, "backtest");
    if dir.join("identity").exists() {
        return Err(Failure::bad(format!(
            "{} holds a journal already; a backtest begins an empty one: name another folder",
            dir.display()
        )));
    }
    let ending = feeds::Ending::default();
    let sources = feeds::open(&args.data, &setup, &ending)?;
    let layout = layout_virtual(&setup)?;
    let names: Vec<String> = args
        .data
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let plan = Plan {
        line: None,
        journal: journal_options(&setup, &dir, "BACKTEST"),
        sources: Merge::new(sources),
        facts: facts(&layout, "virtual", &names),
        idle: idle_virtual(&setup, &layout),
        layout,
        pace: Pace::Virtual,
        setup,
    };
    engine::run::run(plan, |_| {})?;
    if let Some(error) = ending.lock().ok().and_then(|mut ending| ending.take()) {
        return Err(Failure::bad(format!(
            "{error}; the journal in {} ends there",
            dir.display()
        )));
    }
    print_summary(&summarise(&dir)?, args.json)
}

/// Without `-c` the universe is what was named, or what the files hold; and the calendar is the
/// one that fits their format.
fn choose_universe(args: &cli::Backtest, settings: &mut Settings) -> Outcome {
    let own = args.settings.config.is_empty();
    if !args.symbol.is_empty() {
        settings.add_flag(
            "--symbol",
            "universe.symbols",
            Value::List(args.symbol.clone()),
        );
    } else if own {
        let symbols = feeds::symbols_in(&args.data, None)?;
        settings.add_flag("--data", "universe.symbols", Value::List(symbols));
    }
    if own && feeds::format_of(&args.data[0], None)? == Format::Dbn {
        settings.add_flag(
            "--data",
            "session.calendar",
            Value::Text("cme_globex".to_owned()),
        );
    }
    Ok(())
}
