//! What messages are called in scripts, and what they are about.

use crate::model::{Answer, Request};

/// The name of a message that leaves.
pub(super) const fn answer_kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::ManagedAccounts(_) => "managedAccounts",
        Answer::NextValidId(_) => "nextValidId",
        Answer::Problem(_) => "error",
        Answer::CurrentTime(_) | Answer::CurrentTimeMillis(_) => "currentTime",
        Answer::ContractData(..) => "contractDetails",
        Answer::ContractDataEnd(_) => "contractDetailsEnd",
        Answer::TickPrice { .. }
        | Answer::TickSize(..)
        | Answer::TickGeneric(..)
        | Answer::TickString(..) => "tick",
        Answer::MarketDataType(..) => "marketDataType",
        Answer::Depth(..) | Answer::DepthL2(..) => "depth",
        Answer::TickByTickLast(..) | Answer::TickByTickBidAsk(..) | Answer::TickByTickMid(..) => {
            "tickByTick"
        }
        Answer::RealTimeBar(..) => "realtimeBar",
        Answer::HistoricalBars { .. } => "historicalData",
        Answer::HistoricalBarUpdate(..) => "historicalDataUpdate",
        Answer::Scanner(..) => "scannerData",
        Answer::OpenOrder(_) => "openOrder",
        Answer::OpenOrderEnd => "openOrderEnd",
        Answer::OrderStatus(_) => "orderStatus",
        Answer::Execution(..) => "execDetails",
        Answer::ExecutionEnd(_) => "execDetailsEnd",
        Answer::Commission { .. } => "commissionReport",
        Answer::CompletedOrder(_) => "completedOrder",
        Answer::CompletedOrderEnd => "completedOrdersEnd",
        Answer::Position(..) => "position",
        Answer::PositionEnd => "positionEnd",
        Answer::AccountSummary(..) => "accountSummary",
        Answer::AccountSummaryEnd(_) => "accountSummaryEnd",
        Answer::AccountValue(..) | Answer::AccountTime(_) => "accountValue",
        Answer::AccountEnd(_) => "accountDownloadEnd",
        Answer::PortfolioValue(_) => "portfolioValue",
        Answer::Pnl(..) => "pnl",
        Answer::PnlSingle { .. } => "pnlSingle",
        _ => "other",
    }
}

/// Messages that leave, by name.
pub(super) const ANSWERS: [&str; 38] = [
    "any",
    "orders",
    "other",
    "managedAccounts",
    "nextValidId",
    "error",
    "currentTime",
    "contractDetails",
    "contractDetailsEnd",
    "tick",
    "marketDataType",
    "depth",
    "tickByTick",
    "realtimeBar",
    "historicalData",
    "historicalDataUpdate",
    "scannerData",
    "openOrder",
    "openOrderEnd",
    "orderStatus",
    "execDetails",
    "execDetailsEnd",
    "commissionReport",
    "completedOrder",
    "completedOrdersEnd",
    "position",
    "positionEnd",
    "accountSummary",
    "accountSummaryEnd",
    "accountValue",
    "accountDownloadEnd",
    "portfolioValue",
    "pnl",
    "pnlSingle",
    // Messages that come.
    "placeOrder",
    "cancelOrder",
    "globalCancel",
    "request",
];

/// The name of a message that comes.
pub(super) const fn request_kind(request: &Request) -> &'static str {
    match request {
        Request::PlaceOrder { .. } => "placeOrder",
        Request::CancelOrder(_) => "cancelOrder",
        Request::GlobalCancel => "globalCancel",
        _ => "request",
    }
}

/// The order or request that a message that comes is about.
pub(super) const fn request_id(request: &Request) -> Option<i32> {
    match request {
        Request::PlaceOrder { order_id, .. } => Some(*order_id),
        Request::CancelOrder(id) => Some(*id),
        _ => None,
    }
}

/// The order or request that a message that leaves is about.
pub(super) const fn answer_id(answer: &Answer) -> Option<i32> {
    Some(match answer {
        Answer::Problem(problem) => problem.id,
        Answer::OpenOrder(order) | Answer::CompletedOrder(order) => order.order.order_id,
        Answer::OrderStatus(status) => status.order_id,
        Answer::Execution(_, _, execution) => execution.order_id,
        Answer::TickPrice { req, .. }
        | Answer::TickSize(req, ..)
        | Answer::TickGeneric(req, ..)
        | Answer::TickString(req, ..)
        | Answer::MarketDataType(req, _)
        | Answer::Depth(req, _)
        | Answer::DepthL2(req, _)
        | Answer::TickByTickLast(req, ..)
        | Answer::TickByTickBidAsk(req, _)
        | Answer::TickByTickMid(req, ..)
        | Answer::RealTimeBar(req, ..)
        | Answer::HistoricalBars { req, .. }
        | Answer::HistoricalBarUpdate(req, _)
        | Answer::ContractData(req, _)
        | Answer::ContractDataEnd(req)
        | Answer::ExecutionEnd(req)
        | Answer::AccountSummary(req, ..)
        | Answer::AccountSummaryEnd(req)
        | Answer::Pnl(req, ..) => *req,
        _ => return None,
    })
}

/// The status that a message tells, or its code as text.
pub(super) fn answer_status(answer: &Answer) -> Option<String> {
    Some(match answer {
        Answer::OpenOrder(order) => order.state.status.clone(),
        Answer::OrderStatus(status) => status.status.clone(),
        Answer::Problem(problem) => problem.code.to_string(),
        _ => return None,
    })
}
