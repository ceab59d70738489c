//! What a configuration means: typed settings for every part, and the parts made from them.

mod bars;
mod feed;
mod gateway;
mod ibkr;
mod instruments;
mod risk;
mod scanner;
mod signal;
mod sim;

pub use self::feed::{FeedKind, MoldUdp};
pub use self::ibkr::Ibkr;
pub use self::scanner::Scanner;
use crate::broker::Shade;
use crate::chain::Stages;
use crate::config::{Fault, Faults, Origin, Settings};
use crate::layout::Layout;
use ::feed::calendar::Calendar;
use ::feed::head::{EndOfData, Timers};
use ::gateway::GatewayStage;
use ::gateway::ibkr::desk::Desk;
use ::gateway::sim::SimEdge;
use ::risk::RiskStage;
use ::signal::SignalStage;
use book::{BookStage, Books};
use std::path::PathBuf;
use stream::limits::{EVALUATE_PERIOD, RING_LINES_MAX};
use stream::payload::{Instrument, InstrumentType, Session, text};
use stream::{InstrumentId, Nanos};

/// The embedded sample: a complete configuration.
pub const SAMPLE: &str = include_str!("config/sample.toml");
/// What the demo changes in the sample.
pub const DEMO: &str = include_str!("config/demo.toml");

const SECOND: Nanos = Nanos::SECOND;
const DAY: Nanos = Nanos::from_secs(86_400);

/// Where the journals of a run go, and how they are written.
#[derive(Clone, Debug)]
pub struct JournalSetup {
    /// Folder under which a journal gets a folder of its own.
    pub dir: String,
    /// Whose journal it is.
    pub account: String,
    /// When a frame counts as written.
    pub durability: journal::Durability,
    /// Size of a segment in bytes.
    pub segment_bytes: u64,
    /// How often it is synced behind the head.
    pub sync_every: Nanos,
    /// Days after which the journals of earlier sessions are removed; 0 for never.
    pub retain_days: u64,
}

/// Which broker stands behind the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerKind {
    /// The one inside the process.
    Sim,
    /// Interactive Brokers, by TWS or IB Gateway.
    Ibkr,
}

/// A configuration's meaning.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The effective configuration: what the journal keeps. Without the tables that say only where
    /// a run takes place: they decide nothing, and the same inputs are to give the same stream.
    pub config_text: String,
    /// Whose trading days.
    pub calendar: Calendar,
    /// The session that replaces the calendar's (the synthetic market has its own).
    pub session: Option<Session>,
    /// Whether a first start may trade at once.
    pub armed_at_start: bool,
    /// The journal of the session before, whose state a new journal begins with.
    pub carry: Option<PathBuf>,
    /// The universe: ids from 1, in the order of `universe.symbols`.
    pub instruments: Vec<(InstrumentId, Instrument)>,
    /// Delay of what goes round by the head.
    pub loopback_delay: Nanos,
    /// Which parts run on which lanes, as written.
    pub layout: String,
    /// What lanes do when idle, as written.
    pub idle: String,
    /// The journal.
    pub journal: JournalSetup,
    /// Where the market comes from when no file is named.
    pub feed: FeedKind,
    /// Which broker stands behind the gate.
    pub broker: BrokerKind,
    /// The connection to Interactive Brokers, where that is configured.
    pub ibkr: Option<Ibkr>,
    /// A scan that adds to the universe at a start, where that is configured.
    pub scanner: Option<Scanner>,
    /// How bar files are read, where that is configured.
    pub bars: Option<::feed::bars::Config>,
    book: book::Config,
    pub(crate) signal: ::signal::Config,
    pub(crate) risk: ::risk::Config,
    pub(crate) gateway: ::gateway::Config,
    sim: ::gateway::sim::Config,
}

impl Setup {
    /// Reads settings; every fault is collected.
    ///
    /// # Errors
    /// All faults, each with its origin, key and what was expected.
    pub fn read(settings: &Settings) -> Result<Self, Faults> {
        let instruments = instruments::read(settings);
        let count = instruments.len().max(1);
        let calendar = settings.choice(
            "session.calendar",
            &[
                ("us_equity", Calendar::UsEquity),
                ("cme_globex", Calendar::CmeGlobex),
                ("continuous", Calendar::Continuous),
            ],
        );
        let currency = text(&settings.text("risk.currency", "a currency such as USD"));
        let setup = Self {
            config_text: settings
                .to_toml(|key| !is_placement(key) && !is_elsewhere(key, &instruments)),
            calendar,
            session: None,
            carry: None,
            armed_at_start: settings.flag("session.armed_at_start"),
            loopback_delay: settings.span("gateway.loopback_delay", Nanos(1_000)..=SECOND),
            layout: settings.text("lanes.layout", "a layout of lanes"),
            idle: settings.text("lanes.idle", "auto, spin or backoff"),
            journal: read_journal(settings),
            feed: feed::read(settings),
            broker: read_broker(settings),
            ibkr: ibkr::read(settings),
            scanner: scanner::read(settings),
            bars: bars::read(settings),
            book: read_book(settings, count),
            signal: signal::read(settings, count),
            risk: risk::read(settings, currency, &instruments),
            gateway: gateway::read(settings, count),
            sim: sim::read(settings, currency),
            instruments,
        };
        if let Err(what) = setup.layout.parse::<Layout>() {
            settings.fault("lanes.layout", what);
        }
        if !["auto", "spin", "yield", "backoff"].contains(&setup.idle.as_str()) {
            settings.fault("lanes.idle", "expected auto, spin or backoff");
        }
        if let (Some(scanner), Some(ibkr)) = (&setup.scanner, &setup.ibkr) {
            let (most, named) = (scanner.count, setup.instruments.len());
            if most + named > ibkr.lines {
                let what = format!(
                    "is {most} beside {named} named symbols; ibkr.data_lines has {}",
                    ibkr.lines
                );
                settings.fault("universe.scanner.count", what);
            }
        }
        settings.finish()?;
        Ok(setup)
    }

    /// Reads the configuration that a journal keeps.
    ///
    /// # Errors
    /// As [`Setup::read`].
    pub fn from_journal(text: &str) -> Result<Self, Faults> {
        let mut sample = Settings::default();
        sample.add_sample(SAMPLE);
        let mut settings = Settings::default();
        settings.add_sample(&sample.to_toml(is_placement));
        settings.add_journal(text);
        Self::read(&settings)
    }

    /// The stages, new.
    ///
    /// # Panics
    /// Never: what a stage could refuse was checked when the settings were read.
    #[must_use]
    pub fn stages(&self) -> Stages {
        let books = self.new_books();
        for part in books.memory_first() {
            // Else its lane waits for a page of memory now and then, and for nothing worse.
            let _ = crate::pages::make_ready(part);
        }
        Stages {
            book: BookStage::of(&self.book, books),
            signal: SignalStage::new(self.signal.clone()).expect("the configuration was checked"),
            risk: RiskStage::new(self.risk.clone()),
            gateway: GatewayStage::new(self.gateway),
        }
    }

    /// Whether these stages can be spread over that layout's lanes: a ring takes the largest burst
    /// of the lane before it twice, and many instruments can make large ones.
    ///
    /// # Errors
    /// A fault of the configuration when a ring would need more than [`RING_LINES_MAX`] lines.
    pub fn check_layout(&self, layout: &Layout) -> Result<(), Faults> {
        let lines = crate::wiring::largest_ring(layout, self.stages());
        if lines <= RING_LINES_MAX {
            return Ok(());
        }
        let what = format!(
            "{layout} needs a ring of {lines} lines for {} symbols; at most {RING_LINES_MAX} are \
             made: watch fewer symbols, lower gateway.brackets_max, or use fewer lanes",
            self.instruments.len()
        );
        let (origin, key) = (Origin::Unset, "lanes.layout".to_owned());
        Err(Faults(vec![Fault { origin, key, what }]))
    }

    /// Empty books, in large pages where the system gives them.
    fn new_books(&self) -> Books {
        Books::with_memory(&self.book, &mut |table| {
            // Smaller pages are slower and nothing worse: `doctor` tells when there are no others.
            let _ = crate::pages::ask_large(table);
        })
    }

    /// The in-process broker, new.
    #[must_use]
    pub fn edge(&self) -> SimEdge {
        SimEdge::of(self.sim, self.new_books())
    }

    /// What a fold begins with on the broker's side.
    #[must_use]
    pub fn shade(&self) -> Shade {
        match self.broker {
            BrokerKind::Sim => Shade::Sim(Box::new(self.edge())),
            BrokerKind::Ibkr => {
                let client_id = self.ibkr.as_ref().map_or(0, |ibkr| ibkr.client_id);
                let mut desk = Desk::new(0, client_id);
                for (id, own) in &self.instruments {
                    let future = own.what == InstrumentType::Future;
                    desk.set_units(*id, own.multiplier, future);
                }
                Shade::Ibkr(Box::new(desk))
            }
        }
    }

    /// The currency that everything is reckoned in.
    #[must_use]
    pub const fn currency(&self) -> [u8; 4] {
        self.risk.currency
    }

    /// Rows a side of depth subscriptions.
    #[must_use]
    pub const fn depth_rows(&self) -> u16 {
        self.signal.slots.rows
    }

    /// The sizes of the books.
    #[must_use]
    pub const fn books(&self) -> &book::Config {
        &self.book
    }

    /// The smallest delay of anything that comes back to the head or to a source.
    #[must_use]
    pub fn lookahead(&self) -> Nanos {
        self.loopback_delay
            .min(self.sim.latency_min())
            .min(::feed::synthetic::DEPTH_DELAY_MIN)
    }

    /// The session that contains a time, or else the first one after it.
    #[must_use]
    pub fn session_of(&self, ts: Nanos) -> Option<Session> {
        if let Some(session) = self.session {
            return (ts <= session.close).then_some(session);
        }
        let calendar = self.calendar;
        let session = calendar
            .session_at(ts)
            .or_else(|| calendar.next_session(ts))?;
        let previous = calendar.previous_close(session.open).unwrap_or(Nanos::ZERO);
        Some(session.payload(previous))
    }

    /// The head's timers over the calendar, or over the one session that replaces it.
    #[must_use]
    pub fn timers(&self) -> Timers {
        let own = self.clone();
        Timers::new(Box::new(move |ts| own.session_of(ts)))
    }

    /// How virtual time ends behind the data: a signal of the first evaluation behind it still
    /// gets its outcome, where the session is open for so long.
    #[must_use]
    pub fn end_of_data(&self) -> EndOfData {
        let end = EndOfData::default();
        let told = self.signal.outcome_told_within();
        EndOfData {
            grace: end.grace.max(told.saturating_add(EVALUATE_PERIOD)),
            ..end
        }
    }

    /// Symbols by instrument id.
    pub fn symbols(&self) -> impl Iterator<Item = (InstrumentId, &str)> {
        self.instruments
            .iter()
            .map(|(id, instrument)| (*id, stream::payload::read_text(&instrument.symbol)))
    }
}

/// Tables that say where a run takes place, and nothing of what it does.
const PLACEMENT: [&str; 4] = ["lanes.", "journal.", "ibkr.", "universe.scanner."];

fn is_placement(key: &str) -> bool {
    PLACEMENT.iter().any(|table| key.starts_with(table))
}

/// True for sections of symbols that a scan might have added and did not.
fn is_elsewhere(key: &str, universe: &[(InstrumentId, Instrument)]) -> bool {
    let symbol = ["instrument.", "risk.instrument."]
        .iter()
        .find_map(|table| key.strip_prefix(table)?.rsplit_once('.'))
        .map(|(symbol, _)| symbol);
    symbol.is_some_and(|symbol| {
        !universe
            .iter()
            .any(|(_, own)| stream::payload::read_text(&own.symbol) == symbol)
    })
}

/// Journals of before there was a choice were the simulated broker's.
fn read_broker(settings: &Settings) -> BrokerKind {
    const KEY: &str = "gateway.broker";
    if !settings.has(KEY) {
        return BrokerKind::Sim;
    }
    settings.choice(KEY, &[("sim", BrokerKind::Sim), ("ibkr", BrokerKind::Ibkr)])
}

fn read_book(settings: &Settings, instruments: usize) -> book::Config {
    book::Config {
        instruments,
        orders_max: settings.whole("book.orders_max", 1..=16_000_000) as usize,
        levels_max: settings.whole("book.levels_max", 1..=1_000_000) as usize,
        stale: settings.span("book.stale_after", Nanos::from_millis(250)..=DAY),
    }
}

fn read_journal(settings: &Settings) -> JournalSetup {
    use journal::Durability::{Power, Process};
    JournalSetup {
        dir: settings.text("journal.dir", "a folder"),
        account: settings.text("journal.account", "an account name of at most 64 bytes"),
        durability: settings.choice(
            "journal.durability",
            &[("process", Process), ("power", Power)],
        ),
        segment_bytes: settings.whole("journal.segment_mib", 1..=4_096) << 20,
        sync_every: settings.span("journal.sync_every", Nanos::MILLI..=SECOND),
        retain_days: settings.whole("journal.retain_days", 0..=36_500),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Value;

    #[test]
    fn a_universe_whose_bursts_fit_no_ring_is_a_fault_of_the_configuration() {
        let mut settings = Settings::default();
        settings.add_sample(SAMPLE);
        let symbols = (0..600).map(|index| format!("S{index}")).collect();
        settings.add_flag("test", "universe.symbols", Value::List(symbols));
        settings.add_flag("test", "signal.outcomes", Value::Number("512".to_owned()));
        let setup = Setup::read(&settings).expect("600 symbols are sound");
        let check = |layout: &str| {
            let layout: Layout = layout.parse().expect("the layout is sound");
            setup.check_layout(&layout)
        };
        assert_eq!(check("1"), Ok(()));
        assert_eq!(check("3"), Ok(()));
        let fault = check("feed|book+signal+risk+gateway|journal");
        let fault = fault.expect_err("every view may bring orders, and every order commands");
        assert!(fault.to_string().contains("watch fewer symbols"), "{fault}");
    }

    #[test]
    fn behind_the_data_there_is_time_for_the_longest_horizon_and_the_word_on_its_intent() {
        let end_with = |horizon: &str| {
            let mut settings = Settings::default();
            settings.add_sample(SAMPLE);
            let key = "strategy.1.horizon";
            settings.add_flag("test", key, Value::Text(horizon.to_owned()));
            let setup = Setup::read(&settings).expect("the horizon is sound");
            setup.end_of_data().grace
        };
        let slack = Nanos(3 * EVALUATE_PERIOD.0);
        assert_eq!(end_with("10m"), Nanos::from_secs(630).saturating_add(slack));
        assert_eq!(
            end_with("1h"),
            Nanos::from_secs(3_630).saturating_add(slack)
        );
    }
}
