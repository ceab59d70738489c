//! `spindle run --mode paper|live`, and `observe` on the broker's own data.
//!
//! Everything is checked before a journal is opened: connection, version, account, contracts,
//! hours. Paper and live are told apart by the account that the broker manages, never by a port.

use super::super::common::{
    facts, idle, journal_dir, journal_options, layout, print_summary, summarise_at,
};
use super::super::days;
use super::super::stop::Stop;
use super::close::{self, Ends};
use super::{live, scan};
use crate::cli::{self, Mode};
use crate::failure::{Failure, Outcome};
use engine::clock::utc;
use engine::config::{Settings, Value};
use engine::ibkr::{
    BrokerError, Checked, Exchange, Sent, Stance, boxed, check, connect_at_start, is_paper, open,
};
use engine::lane::{Idle, aside};
use engine::layout::Layout;
use engine::run::{Pace, Plan};
use engine::setup::{FeedKind, Ibkr, Setup};
use feed::head::Merge;
use hdrhistogram::Histogram;
use std::path::Path;
use std::sync::Arc;
use stream::{Kind, Kinds};

/// True when the run stands before the broker.
pub fn is_meant(args: &cli::Run, settings: &Settings) -> bool {
    let data = args.data.is_empty() && settings.peek("feed.kind") == Some("ibkr");
    matches!(args.mode, Mode::Paper | Mode::Live) || (args.mode == Mode::Observe && data)
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        match error {
            // What a person has to correct; what may pass by itself is a failure.
            BrokerError::Account { .. } | BrokerError::Mode(_) | BrokerError::Contract(_) => {
                Self::bad(error)
            }
            _ => Self::failed(error),
        }
    }
}

pub fn run(args: &cli::Run, mut settings: Settings, speed_milli: u64) -> Outcome {
    let mode = match args.mode {
        Mode::Paper => "--mode paper",
        Mode::Live => "--mode live",
        Mode::Observe | Mode::Sim => "--mode observe",
    };
    settings.add_flag(mode, "gateway.broker", Value::Text("ibkr".to_owned()));
    let mut setup = Setup::read(&settings)?;
    let Some(ibkr) = setup.ibkr.clone() else {
        return Err(Failure::bad(format!(
            "{mode} needs a table [ibkr] in the configuration; `spindle init` writes one, and \
             docs/IBKR.md says what belongs into it"
        )));
    };
    if !matches!(setup.feed, FeedKind::Ibkr) {
        return Err(Failure::bad(format!(
            "{mode} takes the market from the broker: set feed.kind to \"ibkr\""
        )));
    }
    stand(args.mode, &ibkr)?;
    if args.mode == Mode::Live {
        live::enable(args, &settings, &setup, &ibkr)?;
    }
    let layout = layout(&setup)?;
    let idle = idle(&setup, &layout);
    let api = aside(&layout, idle, || connect_at_start(&ibkr, speed_milli))?;
    if let Some(scanner) = setup.scanner.clone() {
        let named: Vec<String> = setup
            .symbols()
            .map(|(_, symbol)| symbol.to_owned())
            .collect();
        let journal = scan::journal(args, &setup, &ibkr.account, speed_milli);
        let all = scan::universe(&scanner, named, journal.as_deref(), || {
            engine::ibkr::scan(&api, (&ibkr, speed_milli), &scanner)
        })?;
        settings.add_flag("universe.scanner", "universe.symbols", Value::List(all));
        setup = Setup::read(&settings)?;
    }
    let checked = check(&setup, (&ibkr, speed_milli), api)?;
    let now = if speed_milli == 1_000 {
        utc()
    } else {
        checked.time
    };
    tell_checked(&ibkr, &checked);
    for (root, month) in checked.months() {
        eprintln!("spindle run: {root} is traded in the contract that ends on {month}");
    }
    checked.pin(&mut setup);
    if let Exchange::At { base, rate } = &checked.exchange {
        eprintln!(
            "spindle run: the account is kept in {base}: what it says is converted, at {rate} \
             {base} for what is traded in; limits are in the latter"
        );
    }
    let ends = Ends::of(args, &setup, now, speed_milli)?;
    // A session that is observed, or faster than the clock, is one among many of its date.
    let of_the_day = args.mode != Mode::Observe && speed_milli == 1_000;
    let dir = match &args.journal {
        None if of_the_day => days::open(&mut setup, &ibkr.account, now)?,
        named => journal_dir(named.as_ref(), &setup, "run"),
    };
    let pace = (speed_milli, ends, dir.as_path());
    go(args, (setup, ibkr), (checked, layout, idle), pace)
}

fn tell_checked(ibkr: &Ibkr, checked: &Checked) {
    eprintln!(
        "spindle run: {} at {}, protocol {}, {} contracts",
        ibkr.account,
        ibkr.address(),
        checked.version,
        checked.universe.len()
    );
}

/// Paper or live, by the account alone.
fn stand(mode: Mode, ibkr: &Ibkr) -> Outcome {
    let paper = is_paper(&ibkr.account);
    match mode {
        Mode::Paper if !paper => Err(BrokerError::Mode(format!(
            "ibkr.account {} has real money: --mode paper trades accounts that begin with DU or \
             DF only; use --mode live, or the paper account's number",
            ibkr.account
        ))
        .into()),
        Mode::Live if paper => Err(BrokerError::Mode(format!(
            "ibkr.account {} is a paper account: use --mode paper",
            ibkr.account
        ))
        .into()),
        Mode::Live if !ibkr.live_accounts.contains(&ibkr.account) => {
            Err(BrokerError::Mode(format!(
                "ibkr.account {} is not among ibkr.live_accounts: name it there to trade it",
                ibkr.account
            ))
            .into())
        }
        _ => Ok(()),
    }
}

fn go(
    args: &cli::Run,
    (setup, ibkr): (Setup, Ibkr),
    (checked, layout, idle): (Checked, Layout, Idle),
    (speed_milli, ends, dir): (u64, Ends, &Path),
) -> Outcome {
    let stance = Stance {
        speed_milli,
        observe: args.mode == Mode::Observe,
        final_at: ends.final_at,
        until: ends.until,
        tell: Arc::new(|what: &str| eprintln!("spindle: {what}")),
    };
    let (line, source) = open(&setup, &ibkr, checked, stance);
    let (sent, closing) = (line.sent(), line.closing());
    let names = vec![format!("ibkr {}", ibkr.address())];
    let time = match speed_milli {
        1_000 => "live".to_owned(),
        milli => format!("live, {} times as fast", milli as f64 / 1e3),
    };
    let plan = Plan {
        journal: journal_options(&setup, dir, &ibkr.account),
        sources: Merge::new(vec![boxed(source)]),
        facts: facts(&layout, &time, &names),
        idle,
        layout,
        pace: Pace::Live { until: ends.until },
        setup,
        line: Some(line),
    };
    eprintln!("spindle run: journal in {}", dir.display());
    let mut stop = Stop::new(&args.words)?.behind(Arc::clone(&closing));
    let finished = engine::run::run(plan, |handle| stop.watch(handle))?;
    tell_sent(&sent, speed_milli);
    tell_heard(dir, speed_milli)?;
    print_summary(&summarise_at(dir, speed_milli)?, args.json)?;
    close::tell(&closing, args.mode == Mode::Observe)?;
    stop.judge(finished.flat, args.seconds.is_none(), dir)
}

/// How long commands took from the gate to the socket, by the clock on the wall.
fn tell_sent(sent: &Sent, speed_milli: u64) {
    let histogram = sent.histogram();
    if histogram.is_empty() {
        return;
    }
    tell("commands, gate to socket", &histogram, speed_milli);
}

/// How long what the broker said waited for the head, from where the client library gave it to us:
/// its own reading of the socket stands before that and is not seen from here.
fn tell_heard(dir: &Path, speed_milli: u64) -> Outcome {
    let mut histogram = engine::meter::histogram();
    let mut reader = journal::Reader::open(dir)?;
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if frame.is_input() && HEARD.has(frame.kind()) {
            histogram.saturating_record(u64::from(frame.header().ingress_age_ns));
        }
    }
    if !histogram.is_empty() {
        tell("answers, heard to numbered", &histogram, speed_milli);
    }
    Ok(())
}

/// Spans of the session as the clock on the wall has them.
fn tell(what: &str, histogram: &Histogram<u64>, speed_milli: u64) {
    let at = |quantile| {
        let micros = histogram.value_at_quantile(quantile) as f64 / speed_milli as f64;
        format!("{micros:.1} us")
    };
    eprintln!(
        "spindle run: {} {what}: p50 {}, p99 {}, max {}",
        histogram.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// What the broker says of orders.
const HEARD: Kinds = Kinds::of(&[Kind::Status, Kind::Fill, Kind::Commission]);
