//! What clients ask for.

use super::{Contract, Order};

/// A client's message behind the handshake. `req` is the client's number of the request.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// 71: the session begins.
    StartApi {
        /// The client's number.
        client_id: i32,
        /// Capabilities, space-separated.
        capabilities: String,
    },
    /// 8: the next order id is asked for.
    Ids,
    /// 17: managed accounts.
    ManagedAccounts,
    /// 49: the time in seconds.
    CurrentTime,
    /// 105: the time in milliseconds.
    CurrentTimeMillis,
    /// 14: how much the server is to log.
    LogLevel(i32),
    /// 104: who the user is.
    UserInfo(i32),
    /// 9: contract details.
    ContractDetails(i32, Contract),
    /// 106: no more details.
    CancelContractDetails(i32),
    /// 81: symbols that match a text.
    MatchingSymbols(i32, String),
    /// 91: the price increments of a rule.
    MarketRule(i32),
    /// 1: streaming quotes.
    MarketData(MarketData),
    /// 2: no more quotes.
    CancelMarketData(i32),
    /// 59: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    MarketDataType(i32),
    /// 10: depth.
    Depth {
        /// Request.
        req: i32,
        /// Of what.
        contract: Contract,
        /// Rows a side.
        rows: i32,
        /// Aggregated over exchanges.
        smart: bool,
        /// The client moves the rows behind one that comes in or goes; not all of them do.
        moves: bool,
    },
    /// 11: no more depth.
    CancelDepth {
        /// Request.
        req: i32,
        /// As it was asked for.
        smart: bool,
    },
    /// 82: which exchanges have depth.
    DepthExchanges,
    /// 83: the exchanges behind the letters of a smart quote.
    SmartComponents(i32, String),
    /// 97: every tick.
    TickByTick(TickByTick),
    /// 98: no more ticks.
    CancelTickByTick(i32),
    /// 50: five-second bars.
    RealTimeBars {
        /// Request.
        req: i32,
        /// Of what.
        contract: Contract,
        /// Seconds; only 5 exists.
        seconds: i32,
        /// `TRADES`, `MIDPOINT`, `BID`, `ASK`.
        what: String,
        /// Regular hours only.
        use_rth: bool,
    },
    /// 51: no more bars.
    CancelRealTimeBars(i32),
    /// 20: bars of the past.
    HistoricalBars(HistoricalBars),
    /// 25: no more bars.
    CancelHistoricalBars(i32),
    /// 87: when the data begins.
    HeadTimestamp {
        /// Request.
        req: i32,
        /// Of what.
        contract: Contract,
        /// Which data.
        what: String,
        /// Regular hours only.
        use_rth: bool,
        /// 1 text, 2 seconds since the epoch.
        format_date: i32,
    },
    /// 90: never mind.
    CancelHeadTimestamp(i32),
    /// 96: ticks of the past.
    HistoricalTicks(HistoricalTicks),
    /// 107: never mind.
    CancelHistoricalTicks(i32),
    /// 24: what scanners there are.
    ScannerParameters,
    /// 22: a scanner.
    Scanner(i32, ScannerSubscription),
    /// 23: no more of it.
    CancelScanner(i32),
    /// 3: a new order, or a changed one.
    PlaceOrder {
        /// The order's id.
        order_id: i32,
        /// Of what.
        contract: Contract,
        /// The order.
        order: Box<Order>,
    },
    /// 4: the end of an order.
    CancelOrder(i32),
    /// 58: the end of all orders of all clients.
    GlobalCancel,
    /// 5: this client's open orders.
    OpenOrders,
    /// 16: every client's open orders.
    AllOpenOrders,
    /// 15: client 0 only: bind orders typed by hand.
    AutoOpenOrders(bool),
    /// 99: orders that ended today; true: only those placed by a program.
    CompletedOrders(bool),
    /// 7: executions.
    Executions(i32, ExecutionFilter),
    /// 61: positions, then changes.
    Positions,
    /// 64: no more.
    CancelPositions,
    /// 74: positions of an account or model.
    PositionsMulti(i32, String, String),
    /// 75: no more.
    CancelPositionsMulti(i32),
    /// 62: account values.
    AccountSummary {
        /// Request.
        req: i32,
        /// `All`.
        group: String,
        /// Comma-separated tags, or `$LEDGER…`.
        tags: String,
    },
    /// 63: no more.
    CancelAccountSummary(i32),
    /// 6: account values and portfolio, then changes.
    AccountUpdates {
        /// Begin or end.
        subscribe: bool,
        /// Account, empty for the only one.
        account: String,
    },
    /// 76: the same by request: account, model, ledger and NLV only.
    AccountUpdatesMulti(i32, String, String, bool),
    /// 77: no more.
    CancelAccountUpdatesMulti(i32),
    /// 92: profit of an account (and model).
    Pnl(i32, String, String),
    /// 93: no more.
    CancelPnl(i32),
    /// 94: profit of one position: account, model, contract.
    PnlSingle(i32, String, String, i32),
    /// 95: no more.
    CancelPnlSingle(i32),
    /// 12: bulletins; true: also those of today so far.
    NewsBulletins(bool),
    /// 13: no more.
    CancelNewsBulletins,
    /// 85: who sends news.
    NewsProviders,
    /// 84: one article: provider and id.
    NewsArticle(i32, String, String),
    /// 86: headlines of the past: contract, providers, most.
    HistoricalNews(i32, i32, String, i32),
    /// A message of a number that the server does not serve.
    Unserved(i32),
    /// One that its client waits for an answer to: its number, and the request's.
    Declined(i32, i32),
}

/// Requests that the server does not serve and whose clients would wait for ever: fundamentals,
/// option prices, chains and exercises, rebates, histograms, event calendars. True where text has a
/// version before the request's number.
const WAITED_FOR: [(i32, bool); 9] = [
    (21, true),
    (52, true),
    (54, true),
    (55, true),
    (78, false),
    (79, false),
    (88, false),
    (100, false),
    (102, false),
];

impl Request {
    /// Whether a message's client waits for an answer that the server does not have, and whether
    /// the text of it has a version.
    pub(crate) fn is_waited_for(number: i32) -> Option<bool> {
        let found = WAITED_FOR.iter().find(|(known, _)| *known == number);
        found.map(|(_, versioned)| *versioned)
    }
}

/// Streaming quotes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarketData {
    /// Request.
    pub req: i32,
    /// Of what.
    pub contract: Contract,
    /// Further tick types, comma-separated numbers.
    pub generic_ticks: String,
    /// Once only.
    pub snapshot: bool,
    /// Once only, at a fee.
    pub regulatory_snapshot: bool,
}

/// Every tick.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TickByTick {
    /// Request.
    pub req: i32,
    /// Of what.
    pub contract: Contract,
    /// `Last`, `AllLast`, `BidAsk`, `MidPoint`.
    pub what: String,
    /// So many past ones first.
    pub past: i32,
    /// Changes of size alone are not ticks.
    pub ignore_size: bool,
}

/// Bars of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoricalBars {
    /// Request.
    pub req: i32,
    /// Of what.
    pub contract: Contract,
    /// `YYYYMMDD HH:MM:SS ZONE`, `YYYYMMDD-HH:MM:SS` (UTC), or empty for now.
    pub end: String,
    /// `1 min`, `5 secs`, `1 day`, …
    pub bar_size: String,
    /// `1 D`, `3600 S`, …
    pub duration: String,
    /// Regular hours only.
    pub use_rth: bool,
    /// `TRADES`, `MIDPOINT`, `BID`, `ASK`, `BID_ASK`, `ADJUSTED_LAST`, `SCHEDULE`, …
    pub what: String,
    /// 1 text, 2 seconds since the epoch.
    pub format_date: i32,
    /// Goes on with updates of the last bar.
    pub keep_up_to_date: bool,
}

/// Ticks of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoricalTicks {
    /// Request.
    pub req: i32,
    /// Of what.
    pub contract: Contract,
    /// From then, or empty.
    pub start: String,
    /// Until then, or empty.
    pub end: String,
    /// At most so many, up to 1,000.
    pub count: i32,
    /// `TRADES`, `BID_ASK`, `MIDPOINT`.
    pub what: String,
    /// Regular hours only.
    pub use_rth: bool,
    /// Changes of size alone are not ticks.
    pub ignore_size: bool,
}

/// What a scanner looks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScannerSubscription {
    /// At most so many rows; `None` for the default, 50.
    pub rows: Option<i32>,
    /// `STK`, `FUT.US`, …
    pub instrument: String,
    /// `STK.US.MAJOR`, …
    pub location: String,
    /// `TOP_PERC_GAIN`, `MOST_ACTIVE`, …
    pub scan_code: String,
    /// Least price.
    pub above_price: Option<f64>,
    /// Highest price.
    pub below_price: Option<f64>,
    /// Least volume.
    pub above_volume: Option<i32>,
}

/// Which executions; empty fields and 0 mean any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutionFilter {
    /// Of this client.
    pub client_id: i32,
    /// Of this account.
    pub account: String,
    /// Since `YYYYMMDD HH:MM:SS` or `YYYYMMDD-HH:MM:SS`.
    pub time: String,
    /// Of this symbol.
    pub symbol: String,
    /// Of this type.
    pub sec_type: String,
    /// At this exchange.
    pub exchange: String,
    /// `BUY` or `SELL`.
    pub side: String,
}
