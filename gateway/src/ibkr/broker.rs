//! What we need of a client of the broker, in our own words: whole numbers, our instruments, no
//! type of the library that speaks the protocol.
//!
//! One implementation talks through `ibapi` ([`super::api`]). Everything behind this trait is
//! ours to test without a socket.

use super::decimal::BadNumber;
use super::profit::{PositionProfit, Profit, Seen};
use core::fmt;
use core::time::Duration;
use stream::payload::{AccountField, OrderType, RowOp, TimeInForce};
use stream::{InstrumentId, Money, Nanos, Price, Qty, Side};

/// A contract, as we ask for it and as the broker knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// Our number of it.
    pub instrument: InstrumentId,
    /// The broker's number, 0 before it is known.
    pub con_id: i32,
    /// Symbol; the underlying's for futures.
    pub symbol: String,
    /// True for futures, false for stocks.
    pub future: bool,
    /// Listing venue.
    pub venue: String,
    /// Three letters.
    pub currency: String,
    /// Units of the underlying.
    pub multiplier: u32,
    /// Least price change.
    pub tick: Price,
    /// `YYYYMM` or `YYYYMMDD` of a future; empty: the nearest that trades.
    pub month: String,
}

/// What the broker says of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// The contract in full.
    pub contract: Contract,
    /// Trading zone of the hours.
    pub zone: String,
    /// Regular hours, one entry for each day: `20261120:0930-20261120:1600`, `20261121:CLOSED`.
    pub hours: Vec<String>,
    /// All hours in which it trades, likewise.
    pub trading: Vec<String>,
}

/// An order to place, or to replace under the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The order's number.
    pub order_id: i32,
    /// The number of the order that must fill first, 0 for none.
    pub parent_id: i32,
    /// What is traded.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// The whole quantity.
    pub qty: u32,
    /// What sort.
    pub order_type: OrderType,
    /// Limit price, 0 for plain stops.
    pub limit: Price,
    /// Trigger price, 0 for plain limits.
    pub trigger: Price,
    /// How long.
    pub tif: TimeInForce,
    /// When the broker is to end it, with `GoodTillDate`.
    pub expire: Nanos,
    /// Orders of the same group reduce each other; empty for none.
    pub group: String,
    /// Our name of it.
    pub reference: String,
    /// False holds it, and its parent, until a child comes that says true.
    pub transmit: bool,
}

/// An order's state in the broker's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// On its way.
    Pending,
    /// Accepted; waits for its parent, its trigger or the open.
    PreSubmitted,
    /// Working.
    Submitted,
    /// A cancel is on its way.
    PendingCancel,
    /// Over, with whatever it filled.
    Cancelled,
    /// All of it filled.
    Filled,
    /// Refused, or shut down by the broker.
    Inactive,
    /// A word that we do not know.
    Other,
}

/// How an order stands, from a status or from an open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The order's number with its client.
    pub order_id: i32,
    /// Whose order it is.
    pub client_id: i32,
    /// The broker's own number, 0 where it says none.
    pub perm_id: i64,
    /// Its state.
    pub stand: Stand,
    /// Filled; unknown where the message does not say.
    pub filled: Option<u32>,
    /// Still to fill.
    pub remaining: Option<u32>,
}

/// An order as the broker has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How it stands.
    pub standing: Standing,
    /// What is traded; none where it is not in the universe.
    pub instrument: Option<InstrumentId>,
    /// Symbol, for people.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// Its whole quantity, where it is a whole number.
    pub qty: Option<u32>,
    /// Limit price, 0 for none, or one that cannot be read.
    pub limit: Price,
    /// Trigger price, likewise.
    pub trigger: Price,
    /// Its reference.
    pub reference: String,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its id.
    pub id: String,
    /// The order's number with its client.
    pub order_id: i32,
    /// Whose order it was.
    pub client_id: i32,
    /// The broker's own number of the order.
    pub perm_id: i64,
    /// What was traded; none where it is not in the universe.
    pub instrument: Option<InstrumentId>,
    /// Buy or sell.
    pub side: Side,
    /// Quantity; 0 takes the execution back.
    pub qty: u32,
    /// Price.
    pub price: Price,
    /// When; 0 where the broker's text could not be read.
    pub at: Nanos,
    /// The order's reference.
    pub reference: String,
    /// True where it added liquidity, false where it took some.
    pub maker: Option<bool>,
}

/// An execution whose figures cannot be used, such as one of half a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its id.
    pub id: String,
    /// What was traded; none where it is not in the universe.
    pub instrument: Option<InstrumentId>,
    /// Symbol, for people.
    pub symbol: String,
    /// When; 0 where the broker's text could not be read.
    pub at: Nanos,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id, symbol, why, ..
        } = self;
        let then = match self.instrument {
            Some(_) => "it takes no entry",
            None => "it is not in the universe",
        };
        write!(
            f,
            "execution {id} of {symbol} cannot be read ({why}): {then}"
        )
    }
}

/// The fee of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The execution.
    pub exec: String,
    /// Paid; negative is a rebate.
    pub amount: Money,
    /// Three letters.
    pub currency: String,
}

/// A position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Of what; none where it is not in the universe.
    pub instrument: Option<InstrumentId>,
    /// The broker's number of the contract.
    pub con_id: i32,
    /// Symbol, for people.
    pub symbol: String,
    /// Whole shares or contracts.
    pub qty: Qty,
    /// The fraction beyond, in 1e-9.
    pub fraction: i64,
    /// Average price.
    pub average: Price,
}

/// Today's executions, as far as they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Those that can.
    pub executions: Vec<Execution>,
    /// The fees that are known.
    pub fees: Vec<Fee>,
    /// Those that cannot: one of them says nothing about the others.
    pub unread: Vec<Unread>,
}

/// An account value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Which.
    pub field: AccountField,
    /// How much.
    pub value: Money,
    /// Three letters.
    pub currency: String,
}

/// What a scan of the market looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The figure that decides the order, such as `HOT_BY_VOLUME`.
    pub code: String,
    /// The sort of instrument, such as `STK`.
    pub instrument: String,
    /// Where, such as `STK.US.MAJOR`.
    pub location: String,
    /// Nothing cheaper.
    pub above_price: Price,
    /// Nothing dearer.
    pub below_price: Price,
    /// Nothing that traded less today.
    pub above_volume: u32,
}

/// What the account has of one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Three letters.
    pub currency: String,
    /// Cash.
    pub cash: Option<Money>,
    /// What one unit costs in the account's own currency.
    pub rate: Option<Money>,
}

/// The account as the broker tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Values, in the account's own currency.
    pub values: Vec<Value>,
    /// What it has of each currency.
    pub ledgers: Vec<Ledger>,
}

/// An error, a warning or news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Order or request that it names, if any.
    pub id: Option<i32>,
    /// The broker's code.
    pub code: i32,
    /// For people.
    pub text: String,
}

/// What the stream of orders brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// How an order stands.
    Standing(Standing),
    /// An order as the broker has it.
    Open(Box<Known>),
    /// An execution.
    Execution(Box<Execution>),
    /// An execution that cannot be read.
    Unread(Box<Unread>),
    /// A fee.
    Fee(Fee),
    /// Something about an order.
    Notice(Notice),
    /// A message that cannot be used: what it was about must be looked up.
    Unusable(String),
}

/// What became of an attempt to hand something over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It was written to the socket.
    Yes,
    /// It was not, and never will be.
    No,
    /// It may have been, in part or whole.
    Maybe,
}

/// What a data subscription brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Best bid; zero: there is none.
    Bid(Price),
    /// Best ask; zero: there is none.
    Ask(Price),
    /// Quantity at the best bid.
    BidQty(u32),
    /// Quantity at the best ask.
    AskQty(u32),
    /// A trade.
    Trade {
        /// Price.
        price: Price,
        /// Quantity.
        qty: u32,
        /// When, by the venue; zero where it is not said.
        at: Nanos,
    },
    /// 0 trades, 1 halted, 2 volatility pause.
    Halted(i64),
    /// Shares to borrow: 3 a thousand and more, 2 perhaps, below none.
    Shortable(i64),
    /// Shares to borrow: so many.
    ShortShares(u32),
    /// Whether live data follow; delayed and frozen ones are not used.
    Live(bool),
    /// A row of depth.
    Row {
        /// From the top, from 0.
        position: u16,
        /// Insert, update or delete.
        op: RowOp,
        /// Side.
        side: Side,
        /// Price; zero for a deletion.
        price: Price,
        /// Quantity; zero for a deletion.
        qty: u32,
        /// Market maker or venue.
        maker: [u8; 8],
    },
    /// Depth begins anew.
    Reset,
    /// A code that names the subscription.
    Notice(Notice),
    /// A number that cannot be used.
    Bad(BadNumber),
    /// Something that we have no use for.
    Other,
}

/// What came of looking at a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// This.
    Tick(Tick),
    /// Two at once: a price with its size.
    Pair(Tick, Tick),
    /// Nothing at the moment.
    Empty,
    /// It has ended, with the code that ended it.
    Ended(Option<Notice>),
}

/// A data subscription: dropped, it is cancelled. It never waits.
pub trait Feed: Send {
    /// What it has next.
    fn poll(&mut self) -> Polled;
}

/// A figure that the broker keeps telling: dropped, it is cancelled. It never waits.
pub trait Gauge<T>: Send {
    /// The newest that came since the last look; `Ok(None)` when nothing did.
    ///
    /// # Errors
    /// When it has ended.
    fn newest(&mut self) -> Answer<Option<T>>;
}

/// Why a question has no answer. Never the same as an empty answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The connection is gone.
    Lost,
    /// It did not come in time.
    Late,
    /// The broker refused it.
    Refused {
        /// The broker's code.
        code: i32,
        /// For people.
        text: String,
    },
    /// It came and cannot be used.
    Unusable(String),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the connection was lost"),
            Self::Late => f.write_str("no answer came in time"),
            Self::Refused { code, text } => write!(f, "the broker refused it ({code}: {text})"),
            Self::Unusable(what) => write!(f, "the answer cannot be used: {what}"),
        }
    }
}

/// A question's answer, or why there is none.
pub type Answer<T> = Result<T, NoAnswer>;

/// What the broker knows of orders and executions; each part by itself may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Orders that are open.
    pub open: Answer<Vec<Known>>,
    /// Orders that ended today.
    pub ended: Answer<Vec<Known>>,
    /// Executions of today with the fees that are known.
    pub executions: Answer<Executed>,
    /// Positions.
    pub positions: Answer<Vec<Held>>,
    /// Account values.
    pub values: Answer<Vec<Value>>,
    /// The day's profit, where the broker tells it: its absence is no missing answer.
    pub profit: Option<Seen>,
}

impl Snapshot {
    /// True when every question about orders was answered.
    #[must_use]
    pub const fn has_orders(&self) -> bool {
        self.open.is_ok() && self.ended.is_ok() && self.executions.is_ok()
    }

    /// True when every question was answered.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.has_orders() && self.positions.is_ok() && self.values.is_ok()
    }
}

/// A connection to the broker.
pub trait Broker: Send + Sync {
    /// The protocol's version that was agreed on.
    fn version(&self) -> i32;
    /// Accounts that the connection may use.
    fn accounts(&self) -> Vec<String>;
    /// The lowest order number that may be used next.
    fn next_order_id(&self) -> i32;
    /// False once the socket is gone.
    fn is_connected(&self) -> bool;
    /// Ends the connection; what others wait for ends too.
    fn disconnect(&self);

    /// The server's time.
    ///
    /// # Errors
    /// See [`NoAnswer`]; so for the other questions.
    fn time(&self) -> Answer<Nanos>;
    /// What the broker knows of a contract; several where it is not clear.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn details(&self, contract: &Contract) -> Answer<Vec<Details>>;
    /// Every client's open orders.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn open_orders(&self, within: Duration) -> Answer<Vec<Known>>;
    /// Orders that ended today.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn ended_orders(&self, within: Duration) -> Answer<Vec<Known>>;
    /// Today's executions and their fees.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn executions(&self, within: Duration) -> Answer<Executed>;
    /// Positions of the account.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn positions(&self, within: Duration) -> Answer<Vec<Held>>;
    /// Values of the account.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn values(&self, within: Duration) -> Answer<Account>;
    /// The day's profit of the account, as it changes.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn profit(&self) -> Answer<Box<dyn Gauge<Profit>>>;
    /// The day's profit of one position, as it changes.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn profit_of(&self, instrument: InstrumentId) -> Answer<Box<dyn Gauge<PositionProfit>>>;

    /// Hands an order over.
    fn submit(&self, wish: &Wish) -> Handed;
    /// Asks for the end of an order.
    fn cancel(&self, order_id: i32) -> Handed;
    /// The next piece of news about orders: `Ok(None)` when none came in time.
    ///
    /// # Errors
    /// [`NoAnswer::Lost`] when the stream has ended.
    fn next_update(&self, within: Duration) -> Answer<Option<Update>>;
    /// The next notice that names no order and no request.
    fn next_notice(&self, within: Duration) -> Option<Notice>;

    /// From now on this is what its instrument means.
    fn learn(&self, details: &Details);
    /// Level 1 of an instrument: quotes, trades, halts, shares to borrow.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn quotes(&self, instrument: InstrumentId) -> Answer<Box<dyn Feed>>;
    /// Depth of an instrument, so many rows a side.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn depth(&self, instrument: InstrumentId, rows: u16) -> Answer<Box<dyn Feed>>;
    /// Every trade of an instrument.
    ///
    /// # Errors
    /// See [`NoAnswer`].
    fn trades(&self, instrument: InstrumentId) -> Answer<Box<dyn Feed>>;
}
