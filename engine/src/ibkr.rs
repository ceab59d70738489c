//! A run in front of Interactive Brokers: what is checked before anything is journaled, and what
//! joins the edge's threads to the lanes.

mod contracts;
mod patient;

use crate::broker::Broker;
use crate::clock::Clock;
use crate::lane::{Idle, stand_beside};
use crate::layout::Layout;
use crate::setup::{Ibkr, Scanner, Setup};
use contracts::{Roll, agree, choose, contract_of};
use gateway::ibkr::api::{Api, NoConnection, VERSION_MIN};
use gateway::ibkr::broker::{Broker as _, Details, NoAnswer};
pub use gateway::ibkr::currency::Exchange;
use gateway::ibkr::currency::convert;
use gateway::ibkr::desk::Desk;
use gateway::ibkr::edge::{COMMANDS, IbkrEdge, IbkrSource};
pub use gateway::ibkr::shell::Closing;
use gateway::ibkr::shell::{self, Config, Connect, Meter, Parts, Shell, SlotAsk, Tell};
use hdrhistogram::Histogram;
use patient::patiently;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use stream::limits::ANSWERS_MAX;
use stream::payload::{Instrument, InstrumentType, read_text};
use stream::{InstrumentId, Nanos, Source};

/// Lines of market frames that may wait for the head (4 MiB).
const MARKET_LINES: usize = 1 << 16;
/// Depth slots that may change at a time.
const SLOT_ASKS: usize = 1_024;
/// Between two questions for contracts: well below the broker's own limit.
const PACE: Duration = Duration::from_millis(40);
/// How long a look at a connection waits for an answer.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Why a connection cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// Nothing listens.
    #[error(
        "nothing listens at {0} ({1}): start TWS or IB Gateway, log in, switch its API on \
         (Configure > Settings > API > Settings), and compare ibkr.port with the port shown there"
    )]
    Nobody(String, String),
    /// Something else listens.
    #[error(
        "{0} does not speak the TWS protocol ({1}): another program listens there, or the Gateway \
         is still starting; compare ibkr.host and ibkr.port with its API settings"
    )]
    Foreign(String, String),
    /// It hung up.
    #[error(
        "{0} hung up in the handshake ({1}): add this machine's address to the Gateway's trusted \
         IPs, or switch \"Allow connections from localhost only\" off"
    )]
    Rejected(String, String),
    /// The client id is taken.
    #[error(
        "client id {1} is in use at {0}: another engine or tool has it; end that one, or set \
         another ibkr.client_id (orders belong to the client id that placed them)"
    )]
    ClientId(String, i32),
    /// Too old.
    #[error(
        "{0} speaks version {1} of the protocol; {VERSION_MIN} is needed: install TWS or IB \
         Gateway 10.45 or newer"
    )]
    TooOld(String, i32),
    /// The account is not there.
    #[error("ibkr.account is {wanted}, but {address} has {found}: log in with the right user")]
    Account {
        /// Where.
        address: String,
        /// Configured.
        wanted: String,
        /// Managed there.
        found: String,
    },
    /// Paper and live are not what was asked for.
    #[error("{0}")]
    Mode(String),
    /// A contract is not what the configuration says.
    #[error("{0}")]
    Contract(String),
    /// A question was not answered.
    #[error("{what} could not be asked at {address}: {why}")]
    Unanswered {
        /// Where.
        address: String,
        /// What.
        what: String,
        /// Why.
        why: String,
    },
}

impl BrokerError {
    /// The broker's code for it, for the stream.
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self {
            Self::Nobody(..) => 502,
            Self::Foreign(..) | Self::Rejected(..) => 507,
            Self::ClientId(..) => 326,
            Self::TooOld(..) => 503,
            Self::Account { .. } | Self::Mode(_) => 321,
            Self::Contract(_) => 200,
            Self::Unanswered { .. } => 504,
        }
    }
}

/// True for an account without real money.
#[must_use]
pub fn is_paper(account: &str) -> bool {
    account.starts_with("DU") || account.starts_with("DF")
}

/// A connection that was checked.
#[derive(Debug)]
pub struct Checked {
    /// The connection.
    pub api: Arc<Api>,
    /// Version of the protocol.
    pub version: i32,
    /// The server's time when it was asked.
    pub time: Nanos,
    /// The run's clock. That of a session faster than the clock is set by the server's time, at the
    /// moment of its answer: what a start takes behind it would be a difference for good.
    clock: Clock,
    /// The universe as the broker knows it.
    pub universe: Vec<Details>,
    /// How the account's currency becomes the one that is traded in.
    pub exchange: Exchange,
}

/// What a connection shows at first sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Version of the protocol.
    pub version: i32,
    /// Accounts that it manages.
    pub accounts: Vec<String>,
    /// How far its clock is from ours, in milliseconds; positive: it is ahead.
    pub skew_ms: i64,
    /// How long the answer took.
    pub round_trip: Duration,
    /// What it said of itself: code and text.
    pub notices: Vec<(i32, String)>,
}

/// Connects as `client_id`, asks the time, listens a moment, and leaves.
///
/// # Errors
/// See [`BrokerError`].
pub fn look(address: &str, client_id: i32) -> Result<Look, BrokerError> {
    let api = Api::connect(address, client_id, "", LOOK_WITHIN);
    let api = api.map_err(|why| refused(address, client_id, why))?;
    let before = crate::clock::utc();
    let time = patiently(|| api.time()).map_err(|why| BrokerError::Unanswered {
        address: address.to_owned(),
        what: "the time".to_owned(),
        why: why.to_string(),
    })?;
    let after = crate::clock::utc();
    let round_trip = after.saturating_sub(before);
    let middle = i128::from(before.0 + round_trip.0 / 2);
    let mut notices = Vec::new();
    while let Some(notice) = api.next_notice(Duration::from_millis(300)) {
        notices.push((notice.code, notice.text));
    }
    Ok(Look {
        version: api.version(),
        accounts: api.accounts(),
        skew_ms: ((i128::from(time.0) - middle) / 1_000_000) as i64,
        round_trip: Duration::from_nanos(round_trip.0),
        notices,
    })
}

fn refused(address: &str, client_id: i32, why: NoConnection) -> BrokerError {
    let address = address.to_owned();
    match why {
        NoConnection::Nobody(what) => BrokerError::Nobody(address, what),
        NoConnection::Foreign(what) => BrokerError::Foreign(address, what),
        NoConnection::Rejected(what) => BrokerError::Rejected(address, what),
        NoConnection::ClientId => BrokerError::ClientId(address, client_id),
        NoConnection::TooOld(found) => BrokerError::TooOld(address, found),
    }
}

/// Connects and looks for the account. A question may take the configured time of a session that
/// passes `speed_milli` thousandths as fast as the clock.
///
/// # Errors
/// See [`BrokerError`].
pub fn connect(ibkr: &Ibkr, speed_milli: u64) -> Result<Api, BrokerError> {
    let address = ibkr.address();
    let within = shell::answer_within(ibkr.answer_within, speed_milli);
    let api = Api::connect(&address, ibkr.client_id, &ibkr.account, within);
    let api = api.map_err(|why| refused(&address, ibkr.client_id, why))?;
    let found = api.accounts();
    if !found.contains(&ibkr.account) {
        return Err(BrokerError::Account {
            address,
            wanted: ibkr.account.clone(),
            found: found.join(", "),
        });
    }
    Ok(api)
}

/// As [`connect`], at a start. A client id that is in use is asked for again for five seconds,
/// because an engine that has just died may still hold it.
///
/// # Errors
/// See [`BrokerError`].
pub fn connect_at_start(ibkr: &Ibkr, speed_milli: u64) -> Result<Api, BrokerError> {
    patient::behind_the_dead(|| connect(ibkr, speed_milli))
}

/// What a scan of the market finds, the first first. It may take the configured time of a session
/// that passes `speed_milli` thousandths as fast as the clock.
///
/// # Errors
/// See [`BrokerError`].
pub fn scan(
    api: &Api,
    (ibkr, speed_milli): (&Ibkr, u64),
    scanner: &Scanner,
) -> Result<Vec<String>, BrokerError> {
    let within = shell::answer_within(ibkr.answer_within, speed_milli);
    let found = patiently(|| api.scan(&scanner.scan, within));
    found.map_err(|why| BrokerError::Unanswered {
        address: ibkr.address(),
        what: format!(
            "universe.scanner ({} of {} at {})",
            scanner.scan.code, scanner.scan.instrument, scanner.scan.location
        ),
        why: why.to_string(),
    })
}

/// Everything that is to be known before a run begins: account, time, contracts, hours. A question
/// may take as long as for [`scan`].
///
/// # Errors
/// See [`BrokerError`].
pub fn check(
    setup: &Setup,
    (ibkr, speed_milli): (&Ibkr, u64),
    api: Api,
) -> Result<Checked, BrokerError> {
    let within = shell::answer_within(ibkr.answer_within, speed_milli);
    let unanswered = |what: &str, why: &NoAnswer| BrokerError::Unanswered {
        address: ibkr.address(),
        what: what.to_owned(),
        why: why.to_string(),
    };
    let mut universe = Vec::with_capacity(setup.instruments.len());
    let time = patiently(|| api.time()).map_err(|why| unanswered("the time", &why))?;
    let futures = setup.instruments.iter().any(is_future);
    let held = if futures {
        let held = patiently(|| api.positions(within));
        held.map_err(|why| unanswered("the positions", &why))?
    } else {
        Vec::new()
    };
    let roll = Roll {
        date: setup.session_of(time).map_or(0, |session| session.date),
        days: ibkr.roll_days,
        held: &held,
    };
    for (id, own) in &setup.instruments {
        let symbol = read_text(&own.symbol);
        let asked = contract_of(*id, own);
        let found = patiently(|| api.details(&asked))
            .map_err(|why| unanswered(&format!("the contract of {symbol}"), &why))?;
        let details = choose(symbol, own, found, &roll)?;
        agree(setup, symbol, own, &details, time)?;
        universe.push(details);
        std::thread::sleep(PACE);
    }
    let values = patiently(|| api.values(within));
    let values = values.map_err(|why| unanswered("the account's values", &why))?;
    let (_, exchange) = convert(&values, read_text(&setup.currency()));
    let time = patiently(|| api.time()).map_err(|why| unanswered("the time", &why))?;
    let clock = if speed_milli == 1_000 {
        Clock::new()
    } else {
        Clock::scaled(time, speed_milli)
    };
    Ok(Checked {
        version: api.version(),
        api: Arc::new(api),
        time,
        clock,
        universe,
        exchange,
    })
}

fn is_future((_, own): &(InstrumentId, Instrument)) -> bool {
    own.what == InstrumentType::Future
}

impl Checked {
    /// Futures with the month that was chosen, for people.
    pub fn months(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.universe.iter().map(|details| &details.contract);
        all.filter(|contract| contract.future)
            .map(|contract| (contract.symbol.as_str(), contract.month.as_str()))
    }

    /// The broker's number of each contract into its definition, which is journaled.
    pub fn pin(&self, setup: &mut Setup) {
        for (id, own) in &mut setup.instruments {
            let known = self.universe.iter().map(|details| &details.contract);
            if let Some(contract) = known.into_iter().find(|known| known.instrument == *id) {
                own.venue_id = contract.con_id.unsigned_abs().into();
            }
        }
    }
}

/// What joins a run to the broker: the rings' far ends, and what the threads need.
pub struct Line {
    ibkr: Ibkr,
    universe: Vec<Details>,
    first: Option<Arc<Api>>,
    tell: Tell,
    /// The run's clock, set by the server's time.
    pub(crate) clock: Clock,
    speed_milli: u64,
    rows: u16,
    observe: bool,
    final_at: Nanos,
    until: Nanos,
    currency: String,
    closing: Arc<Closing>,
    market: Producer<stream::Line>,
    slots: Consumer<SlotAsk>,
    sent: Sent,
    on_written: Option<Meter>,
}

impl core::fmt::Debug for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Line")
            .field("ibkr", &self.ibkr)
            .finish_non_exhaustive()
    }
}

/// How long commands took from the gate to the socket, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Sent(Arc<Mutex<Histogram<u64>>>);

impl Default for Sent {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3);
        let histogram = histogram.expect("the bounds are sound");
        Self(Arc::new(Mutex::new(histogram)))
    }
}

impl Sent {
    fn record(&self, took: Nanos) {
        let mut histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(took.0.max(1));
    }

    /// What was recorded so far.
    #[must_use]
    pub fn histogram(&self) -> Histogram<u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// How a run stands before the broker.
#[derive(Clone)]
pub struct Stance {
    /// Thousandths of the clock on the wall that the session runs at.
    pub speed_milli: u64,
    /// Sends no order.
    pub observe: bool,
    /// When the run's last comparison with the broker is made.
    pub final_at: Nanos,
    /// When the run ends.
    pub until: Nanos,
    /// Tells people.
    pub tell: Tell,
}

/// Joins a run to a connection that was checked: what the run needs, and the source of market data.
#[must_use]
pub fn open(setup: &Setup, ibkr: &Ibkr, checked: Checked, stance: Stance) -> (Line, IbkrSource) {
    let (market, market_out) = RingBuffer::new(MARKET_LINES);
    let (slots_in, slots) = RingBuffer::new(SLOT_ASKS);
    let line = Line {
        ibkr: ibkr.clone(),
        universe: checked.universe,
        first: Some(checked.api),
        tell: stance.tell,
        clock: checked.clock,
        speed_milli: stance.speed_milli,
        rows: setup.depth_rows(),
        observe: stance.observe,
        final_at: stance.final_at,
        until: stance.until,
        currency: read_text(&setup.currency()).to_owned(),
        closing: Arc::default(),
        market,
        slots,
        sent: Sent::default(),
        on_written: None,
    };
    (line, IbkrSource::new(market_out, slots_in))
}

/// The running edge: its lane's side, its threads, and the way of its answers.
pub(crate) struct Running {
    pub(crate) edge: Broker,
    pub(crate) shell: Shell,
    pub(crate) answers: Consumer<stream::Line>,
}

impl Line {
    /// The leading clock, for the head; what stays here follows it.
    pub(crate) fn lend_clock(&mut self) -> Clock {
        let follower = self.clock.clone();
        core::mem::replace(&mut self.clock, follower)
    }

    /// The run's clock; it follows the head's.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Is told of each command when the socket has taken it, on the writer's thread.
    pub fn on_written(&mut self, meter: Meter) {
        self.on_written = Some(meter);
    }

    /// Takes how long commands take to the socket.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// Takes what the run's last comparison with the broker finds.
    #[must_use]
    pub fn closing(&self) -> Arc<Closing> {
        Arc::clone(&self.closing)
    }

    /// Starts the threads. `begin`: when a journal that is new begins; `idle`: what lanes do.
    /// Threads that poll do so beside the lane that they are joined to.
    pub(crate) fn start(
        mut self,
        mut desk: Desk,
        begin: Nanos,
        (layout, idle): (&Layout, Idle),
    ) -> std::io::Result<Running> {
        let (commands_in, commands) = RingBuffer::new(COMMANDS);
        let (answers_in, answers) = RingBuffer::new(ANSWERS_MAX);
        desk.set_client(self.ibkr.client_id);
        if desk.journal() == 0 {
            desk.set_journal(begin.0);
        }
        let leader = self.clock.clone();
        let clocks: shell::Clocks = Arc::new({
            let leader = Mutex::new(leader);
            move || -> shell::Clock {
                let mut own = leader
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                Box::new(move || own.now())
            }
        });
        let (sent, mut further) = (self.sent.clone(), self.on_written.take());
        let meter: Meter = Box::new(move |passed, called, written| {
            sent.record(written.saturating_sub(passed.at));
            if let Some(further) = &mut further {
                further(passed, called, written);
            }
        });
        let config = self.config(idle);
        let beside = layout.clone();
        let place: shell::Place = Arc::new(move |seat| match seat {
            shell::Seat::Data => stand_beside(&beside, 0),
            shell::Seat::Writer => stand_beside(&beside, beside.lanes() - 1),
        });
        let shell = Shell::start(Parts {
            config,
            contracts: self.universe,
            desk,
            commands,
            answers: answers_in,
            market: self.market,
            slots: self.slots,
            clocks: Arc::clone(&clocks),
            connect: again(self.ibkr, self.first, self.speed_milli),
            closing: self.closing,
            tell: self.tell,
            meter,
            place,
        })?;
        let edge = IbkrEdge::new(commands_in, shell.writer(), clocks());
        Ok(Running {
            edge: Broker::Ibkr(Box::new(edge)),
            shell,
            answers,
        })
    }

    fn config(&self, idle: Idle) -> Config {
        let own = &self.ibkr;
        Config {
            address: own.address(),
            client_id: own.client_id,
            account: own.account.clone(),
            currency: self.currency.clone(),
            budget: own.budget,
            lines: own.lines,
            depth: own.depth,
            rows: self.rows,
            trades: own.trades,
            reconcile_every: own.reconcile_every,
            heartbeat: own.heartbeat,
            answer_within: own.answer_within,
            final_at: self.final_at,
            until: self.until,
            profit_slack: own.profit_slack,
            window: own.window,
            skew_max: own.skew_max,
            speed_milli: self.speed_milli,
            idle: match idle {
                Idle::Spin => shell::Idle::Look,
                Idle::Yield => shell::Idle::Poll,
                Idle::Backoff => shell::Idle::Park,
            },
            observe: self.observe,
        }
    }
}

/// The connection that was checked, and behind it new ones.
fn again(ibkr: Ibkr, mut first: Option<Arc<Api>>, speed_milli: u64) -> Connect {
    Box::new(move || {
        if let Some(api) = first.take().filter(|api| api.is_connected()) {
            return Ok(api);
        }
        match connect(&ibkr, speed_milli) {
            Ok(api) => Ok(Arc::new(api)),
            Err(why) => Err((why.code(), why.to_string())),
        }
    })
}

/// The market data as a source of the head's.
#[must_use]
pub fn boxed(source: IbkrSource) -> Box<dyn Source + Send> {
    Box::new(source)
}
