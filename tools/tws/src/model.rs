//! What is said over the wire, whatever the encoding.
//!
//! Doubles of the protocol are `f64` here, and nowhere deeper: the world converts them to prices
//! on the tick grid where they enter. `None` is the protocol's *unset* (the largest double, the
//! largest integer, or an absent field). Sizes are decimals.

mod answer;
mod contract;
mod order;
mod request;

pub use answer::{
    Answer, Bar, BidAskTick, CompletedOrder, ContractDetails, DepthExchange, DepthRow, Execution,
    HistoricalTick, LastTick, MarketRule, NewsArticle, OpenOrder, OrderState, OrderStatus,
    PortfolioValue, Problem, ScannerRow,
};
pub use contract::{ComboLeg, Contract};
pub use order::Order;
pub use request::{
    ExecutionFilter, HistoricalBars, HistoricalTicks, MarketData, Request, ScannerSubscription,
    TickByTick,
};
pub use rust_decimal::Decimal;
