//! Orders as clients place them.

use super::{Outcome, Payload, int};
use crate::model::{Decimal, ExecutionFilter, Order, Request};
use crate::proto::contract::read;
use crate::proto::known;
use crate::proto::schema::order as wire;
use crate::wire::What;

/// One of these.
pub fn decode(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        3 => {
            let m: wire::PlaceOrderRequest = p.read()?;
            let order_id = int(m.order_id);
            Request::PlaceOrder {
                order_id,
                contract: read(m.contract),
                order: Box::new(order(p, order_id, m.order.unwrap_or_default())?),
            }
        }
        4 => Request::CancelOrder(int(p.read::<wire::CancelOrderRequest>()?.order_id)),
        7 => executions(p.read()?),
        15 => {
            let m: wire::AutoOpenOrdersRequest = p.read()?;
            Request::AutoOpenOrders(m.auto_bind.unwrap_or_default())
        }
        99 => {
            let m: wire::CompletedOrdersRequest = p.read()?;
            Request::CompletedOrders(m.api_only.unwrap_or_default())
        }
        number => Request::Unserved(number),
    })
}

fn executions(m: wire::ExecutionRequest) -> Request {
    let filter = m.execution_filter.unwrap_or_default();
    let filter = ExecutionFilter {
        client_id: int(filter.client_id),
        account: filter.acct_code.unwrap_or_default(),
        time: filter.time.unwrap_or_default(),
        symbol: filter.symbol.unwrap_or_default(),
        sec_type: filter.sec_type.unwrap_or_default(),
        exchange: filter.exchange.unwrap_or_default(),
        side: filter.side.unwrap_or_default(),
    };
    Request::Executions(int(m.req_id), filter)
}

fn order(p: &Payload<'_>, order_id: i32, m: wire::Order) -> Outcome<Order> {
    let decimal = |text: Option<String>, name| decimal(p, text.as_deref(), name);
    let conditions = i32::try_from(m.conditions.len()).unwrap_or(i32::MAX);
    Ok(Order {
        order_id,
        client_id: int(m.client_id),
        perm_id: m.perm_id.unwrap_or_default(),
        parent_id: int(m.parent_id),
        action: m.action.unwrap_or_default(),
        quantity: decimal(m.total_quantity, "totalQuantity")?,
        display_size: int(m.display_size.filter(|&size| size != i32::MAX)),
        order_type: m.order_type.unwrap_or_default(),
        limit: known(m.lmt_price),
        aux: known(m.aux_price),
        tif: m.tif.unwrap_or_default(),
        good_till: m.good_till_date.unwrap_or_default(),
        good_after: m.good_after_time.unwrap_or_default(),
        account: m.account.unwrap_or_default(),
        oca_group: m.oca_group.unwrap_or_default(),
        oca_type: int(m.oca_type),
        order_ref: m.order_ref.unwrap_or_default(),
        transmit: m.transmit.unwrap_or_default(),
        outside_rth: m.outside_rth.unwrap_or_default(),
        hidden: m.hidden.unwrap_or_default(),
        all_or_none: m.all_or_none.unwrap_or_default(),
        min_qty: m.min_qty.filter(|&least| least != i32::MAX),
        trailing_percent: known(m.trailing_percent),
        trail_stop: known(m.trail_stop_price),
        limit_offset: known(m.lmt_price_offset),
        trigger_method: int(m.trigger_method),
        what_if: m.what_if.unwrap_or_default(),
        cash_qty: known(m.cash_qty),
        auto_cancel_parent: m.auto_cancel_parent.unwrap_or_default(),
        algo: m.algo_strategy.unwrap_or_default(),
        conditions,
        model_code: m.model_code.unwrap_or_default(),
        filled: decimal(m.filled_quantity, "filledQuantity")?,
        parent_perm_id: m.parent_perm_id.unwrap_or_default(),
    })
}

fn decimal(p: &Payload<'_>, text: Option<&str>, name: &'static str) -> Outcome<Decimal> {
    match text {
        None | Some("") => Ok(Decimal::ZERO),
        Some(text) => text
            .parse()
            .or_else(|_| Decimal::from_scientific(text))
            .map_err(|_| p.malformed(What::ProtoField(name, "a decimal number"))),
    }
}
