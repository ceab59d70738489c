//! What the server says.

use super::{Contract, Order};
use rust_decimal::Decimal;

/// A server's message. `req` is the number of the request that it answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// 15: accounts, comma-separated.
    ManagedAccounts(String),
    /// 9: the lowest order id that may be used.
    NextValidId(i32),
    /// 4: an error, a warning or news of the connection.
    Problem(Problem),
    /// 49: seconds since the epoch.
    CurrentTime(i64),
    /// 109: milliseconds since the epoch.
    CurrentTimeMillis(i64),
    /// 107: the user's white-branding id.
    UserInfo(i32, String),
    /// 10: a contract.
    ContractData(i32, Box<ContractDetails>),
    /// 52: no further contract.
    ContractDataEnd(i32),
    /// 79: symbols that match, each with the types of its derivatives.
    SymbolSamples(i32, Vec<(Contract, Vec<String>)>),
    /// 93: the increments of a rule.
    MarketRule(MarketRule),
    /// 1: a price, with its size.
    TickPrice {
        /// Request.
        req: i32,
        /// 1 bid, 2 ask, 4 last, 6 high, 7 low, 9 close, 14 open; 66 to 76 delayed.
        tick: i32,
        /// The price; −1 or 0 says that there is none.
        price: f64,
        /// Its size.
        size: Decimal,
        /// Bit 0 automatic execution, 1 past limit, 2 before the open.
        attributes: i32,
    },
    /// 2: a size.
    TickSize(i32, i32, Decimal),
    /// 45: a number.
    TickGeneric(i32, i32, f64),
    /// 46: a text.
    TickString(i32, i32, String),
    /// 57: the snapshot is complete.
    TickSnapshotEnd(i32),
    /// 58: which data follow for a request: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    MarketDataType(i32, i32),
    /// 81: parameters of a stream.
    TickReqParams {
        /// Request.
        req: i32,
        /// Least price change.
        min_tick: f64,
        /// Name to ask [`Request::SmartComponents`](super::Request::SmartComponents) with.
        bbo_exchange: String,
        /// What snapshots are permitted.
        snapshot_permissions: i32,
    },
    /// 12: a row of depth, aggregated.
    Depth(i32, DepthRow),
    /// 13: a row of depth with its market maker or exchange.
    DepthL2(i32, DepthRow),
    /// 80: exchanges that have depth.
    DepthExchanges(Vec<DepthExchange>),
    /// 82: bit, name and letter of each exchange.
    SmartComponents(i32, Vec<(i32, String, String)>),
    /// 99: a trade; true: `AllLast`.
    TickByTickLast(i32, bool, LastTick),
    /// 99: a quote.
    TickByTickBidAsk(i32, BidAskTick),
    /// 99: a middle: seconds and price.
    TickByTickMid(i32, i64, f64),
    /// 50: a five-second bar, its time in seconds since the epoch.
    RealTimeBar(i32, i64, Bar),
    /// 17: bars, with the range that they cover.
    HistoricalBars {
        /// Request.
        req: i32,
        /// From.
        start: String,
        /// To.
        end: String,
        /// Bars, oldest first.
        bars: Vec<Bar>,
    },
    /// 106: sessions, with the range that they cover and the zone of all times.
    HistoricalSchedule {
        /// Request.
        req: i32,
        /// From, `YYYYMMDD-HH:MM:SS` as all times here.
        start: String,
        /// To.
        end: String,
        /// The zone.
        zone: String,
        /// From, to and date of each session, oldest first.
        sessions: Vec<(String, String, String)>,
    },
    /// 90: the last bar has changed.
    HistoricalBarUpdate(i32, Bar),
    /// 88: when the data begins.
    HeadTimestamp(i32, String),
    /// 96: middles; the last part says that it is all.
    HistoricalMids(i32, Vec<HistoricalTick>, bool),
    /// 97: quotes.
    HistoricalBidAsks(i32, Vec<BidAskTick>, bool),
    /// 98: trades.
    HistoricalLasts(i32, Vec<LastTick>, bool),
    /// 19: XML.
    ScannerParameters(String),
    /// 20: the rows of a scan.
    Scanner(i32, Vec<ScannerRow>),
    /// 5: an open order.
    OpenOrder(Box<OpenOrder>),
    /// 53: no further open order.
    OpenOrderEnd,
    /// 3: where an order is in its life.
    OrderStatus(OrderStatus),
    /// 11: an execution. `req` is −1 when it was not asked for.
    Execution(i32, Contract, Box<Execution>),
    /// 55: no further execution.
    ExecutionEnd(i32),
    /// 59: the commission of an execution: id, amount, currency, realized profit.
    Commission {
        /// The execution.
        exec_id: String,
        /// Amount; unset is the largest double.
        amount: f64,
        /// Three letters.
        currency: String,
        /// Profit that it realized; unset where it opened.
        realized: Option<f64>,
    },
    /// 101: an order that has ended.
    CompletedOrder(Box<CompletedOrder>),
    /// 102: no further one.
    CompletedOrderEnd,
    /// 100: an order typed by hand was bound: permanent id, client, order id.
    OrderBound(i64, i32, i32),
    /// 61: a position: account, contract, size, average cost.
    Position(String, Contract, Decimal, f64),
    /// 62: no further position.
    PositionEnd,
    /// 71: a position of an account or model.
    PositionMulti(i32, String, String, Contract, Decimal, f64),
    /// 72: no further one.
    PositionMultiEnd(i32),
    /// 63: an account value: account, tag, value, currency.
    AccountSummary(i32, String, String, String, String),
    /// 64: no further one.
    AccountSummaryEnd(i32),
    /// 6: an account value: key, value, currency, account.
    AccountValue(String, String, String, String),
    /// 7: a position with its value.
    PortfolioValue(Box<PortfolioValue>),
    /// 8: time of the account's figures, `HH:MM`.
    AccountTime(String),
    /// 54: the first set is complete.
    AccountEnd(String),
    /// 73: an account value by request: account, model, key, value, currency.
    AccountUpdateMulti(i32, String, String, String, String, String),
    /// 74: the first set is complete.
    AccountUpdateMultiEnd(i32),
    /// 94: profit of the day, unrealized, realized.
    Pnl(i32, f64, Option<f64>, Option<f64>),
    /// 95: profit of one position.
    PnlSingle {
        /// Request.
        req: i32,
        /// Size.
        position: Decimal,
        /// Of the day.
        daily: f64,
        /// Not yet realized.
        unrealized: Option<f64>,
        /// Realized.
        realized: Option<f64>,
        /// Value.
        value: f64,
    },
    /// 14: a bulletin: id, type, text, exchange.
    NewsBulletin(i32, i32, String, String),
    /// 85: providers: code and name.
    NewsProviders(Vec<(String, String)>),
    /// 83: an article.
    NewsArticle(i32, NewsArticle),
    /// 86: a headline of the past: time, provider, id, headline.
    HistoricalNews(i32, String, String, String, String),
    /// 87: no further one; true: there would be more.
    HistoricalNewsEnd(i32, bool),
    /// 84: a headline: milliseconds, provider, id, headline, extra data.
    TickNews(i32, i64, String, String, String, String),
}

/// An error, a warning or news of the connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// Request or order that it is about; −1 for none.
    pub id: i32,
    /// Milliseconds since the epoch.
    pub time: i64,
    /// The broker's code.
    pub code: i32,
    /// For people.
    pub text: String,
    /// Why an order was rejected, JSON, or empty.
    pub advanced: String,
}

/// A contract in full.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContractDetails {
    /// The contract.
    pub contract: Contract,
    /// Name of its market.
    pub market_name: String,
    /// Least price change.
    pub min_tick: f64,
    /// Comma-separated.
    pub order_types: String,
    /// Comma-separated.
    pub valid_exchanges: String,
    /// Divides prices; 1.
    pub price_magnifier: i32,
    /// The underlying's number, 0 for none.
    pub under_con_id: i32,
    /// Company or product.
    pub long_name: String,
    /// `YYYYMM`, futures only.
    pub contract_month: String,
    /// Industry.
    pub industry: String,
    /// Category.
    pub category: String,
    /// Subcategory.
    pub subcategory: String,
    /// Zone of the hours below.
    pub time_zone: String,
    /// `YYYYMMDD:HHMM-YYYYMMDD:HHMM;…`, `YYYYMMDD:CLOSED`.
    pub trading_hours: String,
    /// The same, regular hours.
    pub liquid_hours: String,
    /// Price rules of the valid exchanges, comma-separated numbers.
    pub market_rules: String,
    /// `COMMON`, `ETF`, …
    pub stock_type: String,
    /// Last trading day of a future, `YYYYMMDD`, with its time.
    pub real_expiration: String,
    /// Least order.
    pub min_size: Decimal,
    /// Step of orders.
    pub size_increment: Decimal,
    /// Step that is advised.
    pub suggested_size_increment: Decimal,
    /// Aggregation group, 0 for none.
    pub agg_group: i32,
    /// Pairs such as `ISIN` and its value.
    pub sec_ids: Vec<(String, String)>,
}

/// Increments from a price on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarketRule {
    /// Number of the rule.
    pub id: i32,
    /// From this price on, this increment.
    pub steps: Vec<(f64, f64)>,
}

/// A change of a row of depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DepthRow {
    /// Row from the top, from 0.
    pub position: i32,
    /// Market maker or exchange; not sent for aggregated rows.
    pub market_maker: String,
    /// 0 insert, 1 update, 2 delete.
    pub operation: i32,
    /// 0 ask, 1 bid.
    pub side: i32,
    /// Price.
    pub price: f64,
    /// Size.
    pub size: Decimal,
    /// Aggregated over exchanges.
    pub smart: bool,
}

/// An exchange with depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DepthExchange {
    /// Its name.
    pub exchange: String,
    /// `STK`, `FUT`, …
    pub sec_type: String,
    /// Listing exchange.
    pub listing: String,
    /// `Deep`, `Deep2`.
    pub service: String,
    /// Aggregation group.
    pub agg_group: Option<i32>,
}

/// A trade.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastTick {
    /// Seconds since the epoch.
    pub time: i64,
    /// Bit 0 past limit, 1 unreported.
    pub attributes: i32,
    /// Price.
    pub price: f64,
    /// Size.
    pub size: Decimal,
    /// Where.
    pub exchange: String,
    /// Special conditions.
    pub conditions: String,
}

/// A quote.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BidAskTick {
    /// Seconds since the epoch.
    pub time: i64,
    /// Bit 0 bid past low, 1 ask past high.
    pub attributes: i32,
    /// Bid.
    pub bid: f64,
    /// Ask.
    pub ask: f64,
    /// Its size.
    pub bid_size: Decimal,
    /// Its size.
    pub ask_size: Decimal,
}

/// A middle of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoricalTick {
    /// Seconds since the epoch.
    pub time: i64,
    /// Price.
    pub price: f64,
    /// Size.
    pub size: Decimal,
}

/// A bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Its start as the request's format wants it; empty in real-time bars.
    pub date: String,
    /// First price.
    pub open: f64,
    /// Highest.
    pub high: f64,
    /// Lowest.
    pub low: f64,
    /// Last.
    pub close: f64,
    /// Volume, −1 where it means nothing.
    pub volume: Decimal,
    /// Average price by volume.
    pub wap: Decimal,
    /// Trades.
    pub count: i32,
}

/// A row of a scan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScannerRow {
    /// From 0.
    pub rank: i32,
    /// What.
    pub contract: Contract,
    /// Name of its market.
    pub market_name: String,
    /// What was measured, as text.
    pub distance: String,
    /// Against what.
    pub benchmark: String,
    /// Forecast.
    pub projection: String,
}

/// An open order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenOrder {
    /// Of what.
    pub contract: Contract,
    /// The order.
    pub order: Order,
    /// How it stands.
    pub state: OrderState,
}

/// An order that has ended: `order.quantity` is what was not filled, `order.filled` what was.
pub type CompletedOrder = OpenOrder;

/// How an order stands, or what it would bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderState {
    /// `PendingSubmit`, `PreSubmitted`, `Submitted`, `Filled`, `Cancelled`, `Inactive`.
    pub status: String,
    /// Initial margin before, by its change, and after: what-if only.
    pub initial_margin: [Option<f64>; 3],
    /// Maintenance margin before, change, after.
    pub maintenance_margin: [Option<f64>; 3],
    /// Equity with loan before, change, after.
    pub equity_with_loan: [Option<f64>; 3],
    /// Commission and fees.
    pub commission: Option<f64>,
    /// The least that they may be.
    pub commission_min: Option<f64>,
    /// The most.
    pub commission_max: Option<f64>,
    /// Their currency.
    pub commission_currency: String,
    /// What the broker warns of.
    pub warning: String,
    /// When it ended, `YYYYMMDD HH:MM:SS ZONE`: completed orders only.
    pub completed_time: String,
    /// How it ended.
    pub completed_status: String,
}

/// Where an order is in its life.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OrderStatus {
    /// The client's number of it.
    pub order_id: i32,
    /// As in [`OrderState::status`], and `PendingCancel`, `ApiCancelled`.
    pub status: String,
    /// Filled.
    pub filled: Decimal,
    /// Still to fill.
    pub remaining: Decimal,
    /// Average price of the fills.
    pub average_price: f64,
    /// The broker's number.
    pub perm_id: i64,
    /// The parent's order id.
    pub parent_id: i32,
    /// Price of the last fill.
    pub last_price: f64,
    /// Who placed it.
    pub client_id: i32,
    /// `locate`, `trigger`, …
    pub why_held: String,
    /// Price at which the exchange capped it.
    pub market_cap_price: f64,
}

/// An execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Execution {
    /// The client's number of the order.
    pub order_id: i32,
    /// Its id; a correction changes the digits behind the last dot.
    pub exec_id: String,
    /// `YYYYMMDD HH:MM:SS ZONE`.
    pub time: String,
    /// Account.
    pub account: String,
    /// Where.
    pub exchange: String,
    /// `BOT` or `SLD`.
    pub side: String,
    /// How many.
    pub shares: Decimal,
    /// At what price.
    pub price: f64,
    /// The broker's number of the order.
    pub perm_id: i64,
    /// Who placed it.
    pub client_id: i32,
    /// The broker closed the position itself.
    pub liquidation: bool,
    /// Filled so far.
    pub cumulative: Decimal,
    /// At what average.
    pub average_price: f64,
    /// The order's text.
    pub order_ref: String,
    /// 0 none, 1 added, 2 removed, 3 routed out.
    pub last_liquidity: i32,
}

/// A position with its value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PortfolioValue {
    /// Of what.
    pub contract: Contract,
    /// Size.
    pub position: Decimal,
    /// Price.
    pub price: f64,
    /// Value.
    pub value: f64,
    /// Average cost.
    pub average_cost: f64,
    /// Profit not yet realized.
    pub unrealized: f64,
    /// Profit realized today.
    pub realized: f64,
    /// Account.
    pub account: String,
}

/// An article.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewsArticle {
    /// 0 text, 1 binary.
    pub kind: i32,
    /// The text.
    pub text: String,
}
