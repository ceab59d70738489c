//! Orders and what became of them: the longest messages of all. Clients unpack them by place, so
//! every field that the server does not know is there as nothing.

use crate::model::{Answer, Contract, Execution, OpenOrder, Order, OrderState, OrderStatus};
use crate::text::message::Message;
use crate::text::{NO_PROFILES, PRICE_REVISION};

/// From here on open orders tell how long they live, in seconds.
const DURATION: i32 = 159;
/// From here on there is whether an order goes to an alternative venue.
const POST_TO_ATS: i32 = 160;
/// From here on an order may cancel its parent.
const CANCELS_PARENT: i32 = 162;
/// From here on there are five fields of pegged orders.
const PEG_FIELDS: i32 = 170;

/// Appends the answer, if it is one of these.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::OpenOrder(told) => open(version, told, out),
        Answer::OpenOrderEnd => begin(53, out).int(1).end(),
        Answer::OrderStatus(told) => status(begin(3, out), told),
        Answer::Execution(req, contract, told) => {
            execution(begin(11, out).int(*req), contract, told);
        }
        Answer::ExecutionEnd(req) => begin(55, out).int(1).int(*req).end(),
        Answer::Commission {
            exec_id,
            amount,
            currency,
            realized,
        } => {
            let message = begin(59, out).int(1).text(exec_id).double(*amount);
            let message = message.text(currency).unset(*realized);
            // Yield and its date, bonds only.
            message.unset(None).nothing(1).end();
        }
        Answer::CompletedOrder(told) => completed(version, told, out),
        Answer::CompletedOrderEnd => begin(102, out).end(),
        Answer::OrderBound(perm_id, client, order) => {
            begin(100, out).int(*perm_id).int(*client).int(*order).end();
        }
        _ => return false,
    }
    true
}

fn status(message: Message<'_>, told: &OrderStatus) {
    message
        .int(told.order_id)
        .text(&told.status)
        .size(told.filled)
        .size(told.remaining)
        .double(told.average_price)
        .int(told.perm_id)
        .int(told.parent_id)
        .double(told.last_price)
        .int(told.client_id)
        .text(&told.why_held)
        .double(told.market_cap_price)
        .end();
}

fn execution(message: Message<'_>, contract: &Contract, told: &Execution) {
    let message = message
        .int(told.order_id)
        .contract(contract)
        .text(&told.exec_id)
        .text(&told.time)
        .text(&told.account)
        .text(&told.exchange)
        .text(&told.side)
        .size(told.shares)
        .double(told.price)
        .int(told.perm_id)
        .int(told.client_id)
        .int(i32::from(told.liquidation))
        .size(told.cumulative)
        .double(told.average_price)
        .text(&told.order_ref)
        // Rule and multiplier of economic value, model.
        .nothing(3)
        .int(told.last_liquidity);
    if message.version() >= PRICE_REVISION {
        message.flag(false).end();
    } else {
        message.end();
    }
}

fn open(version: i32, told: &OpenOrder, out: &mut Vec<u8>) {
    let order = &told.order;
    let message = Message::begin(version, 5, out)
        .int(order.order_id)
        .contract(&told.contract);
    let message = terms(message, order)
        .int(order.client_id)
        .int(order.perm_id)
        .flag(order.outside_rth)
        .flag(order.hidden)
        // Discretionary amount.
        .double(0.0)
        .text(&order.good_after)
        // Allocation of shares.
        .nothing(1);
    let message = advised(message, order)
        // Auction strategy.
        .int(0);
    let message = pegged_and_shown(message, order)
        // Block order, sweep to fill.
        .flag(false)
        .flag(false)
        .flag(order.all_or_none)
        .blank_int(order.min_qty)
        .int(order.oca_type)
        // Electronic trade only, firm quote only, cap.
        .flag(false)
        .flag(false)
        .nothing(1)
        .int(order.parent_id)
        .int(order.trigger_method);
    let message = volatility(message, order)
        // Basis points and their type, legs in words.
        .nothing(3);
    let message = legs_and_scale(message)
        // Opting out of smart routing.
        .flag(false);
    let message = clearing(message, order)
        // Solicited.
        .flag(false)
        .flag(order.what_if);
    let message = adjusted(state(message, &told.state), order);
    open_tail(message, order).end();
}

/// From action to order ref.
fn terms<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    message
        .text(&order.action)
        .size(order.quantity)
        .text(&order.order_type)
        .blank(order.limit)
        .blank(order.aux)
        .text(&order.tif)
        .text(&order.oca_group)
        .text(&order.account)
        // Open or close, origin.
        .nothing(1)
        .int(0)
        .text(&order.order_ref)
}

/// From the adviser's group to the exemption.
fn advised<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    let profile = usize::from(message.version() < NO_PROFILES);
    message
        // Group, method, percentage, profile.
        .nothing(3 + profile)
        .text(&order.model_code)
        .text(&order.good_till)
        // Rule 80A, percent offset, settling firm.
        .nothing(3)
        // Short sale slot, location, exemption.
        .int(0)
        .nothing(1)
        .int(-1)
}

/// From the starting price to the size shown.
fn pegged_and_shown<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    // Starting price, reference price, delta, range.
    message.nothing(5).int(order.display_size)
}

/// From volatility to the trailing percentage.
fn volatility<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    message
        // Volatility and its type, delta-neutral type and price.
        .nothing(1)
        .int(0)
        .nothing(2)
        // Continuous update, type of reference price.
        .flag(false)
        .int(0)
        .blank(order.trail_stop)
        .blank(order.trailing_percent)
}

/// Legs, their prices, routing, the scale and the hedge: none.
fn legs_and_scale(message: Message<'_>) -> Message<'_> {
    message.int(0).int(0).int(0).nothing(4)
}

/// From the clearing account to the algorithm.
fn clearing<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    let message = message
        .nothing(2)
        // Not held, delta-neutral contract.
        .flag(false)
        .flag(false)
        .text(&order.algo);
    // Its parameters.
    if order.algo.is_empty() {
        message
    } else {
        message.int(0)
    }
}

fn state<'a>(message: Message<'a>, state: &OrderState) -> Message<'a> {
    let margins = |m: Message<'a>, at: usize| {
        m.unset(state.initial_margin[at])
            .unset(state.maintenance_margin[at])
            .unset(state.equity_with_loan[at])
    };
    let message = message.text(&state.status);
    margins(margins(margins(message, 0), 1), 2)
        .unset(state.commission)
        .unset(state.commission_min)
        .unset(state.commission_max)
        .text(&state.commission_currency)
        .text(&state.warning)
        // Random size and price.
        .flag(false)
        .flag(false)
}

/// The benchmark of orders pegged to one, and no conditions.
fn benchmark<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    let pegged = matches!(order.order_type.as_str(), "PEG BENCH" | "PEGBENCH");
    message.nothing(if pegged { 5 } else { 0 }).int(0)
}

/// From the benchmark to the adjusted trailing unit.
fn adjusted<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    benchmark(message, order)
        // Adjusted order type, trigger price.
        .nothing(2)
        .blank(order.trail_stop)
        .blank(order.limit_offset)
        // Adjusted stop, limit, trailing amount and unit.
        .nothing(3)
        .int(0)
}

/// From soft dollars to the end.
fn open_tail<'a>(message: Message<'a>, order: &Order) -> Message<'a> {
    let version = message.version();
    let mut message = message
        // Soft dollars.
        .nothing(3)
        .blank(order.cash_qty)
        // Price of hedges, container, discretionary limit, price management.
        .flag(false)
        .flag(false)
        .flag(false)
        .nothing(1);
    if version >= DURATION {
        message = message.nothing(1);
    }
    if version >= POST_TO_ATS {
        message = message.nothing(1);
    }
    if version >= CANCELS_PARENT {
        message = message.flag(order.auto_cancel_parent);
    }
    message.nothing(if version >= PEG_FIELDS { 5 } else { 0 })
}

fn completed(version: i32, told: &OpenOrder, out: &mut Vec<u8>) {
    let (order, state) = (&told.order, &told.state);
    let message = Message::begin(version, 101, out).contract(&told.contract);
    let message = terms(message, order)
        .int(order.perm_id)
        .flag(order.outside_rth)
        .flag(order.hidden)
        // Discretionary amount.
        .double(0.0)
        .text(&order.good_after);
    let message = pegged_and_shown(advised(message, order), order)
        // Sweep to fill.
        .flag(false)
        .flag(order.all_or_none)
        .blank_int(order.min_qty)
        .int(order.oca_type)
        .int(order.trigger_method);
    let message = volatility(message, order)
        // Legs in words.
        .nothing(1);
    let message = clearing(legs_and_scale(message), order)
        // Solicited.
        .flag(false)
        .text(&state.status)
        // Random size and price.
        .flag(false)
        .flag(false);
    let message = benchmark(message, order)
        .blank(order.trail_stop)
        .blank(order.limit_offset)
        .blank(order.cash_qty)
        // Price of hedges, container.
        .flag(false)
        .flag(false)
        // Date of automatic cancel.
        .nothing(1)
        .size(order.filled)
        // Contract of reference futures.
        .int(0)
        .flag(order.auto_cancel_parent)
        // Shareholder, imbalance only, marketable to the best.
        .nothing(1)
        .flag(false)
        .flag(false)
        .int(order.parent_perm_id)
        .text(&state.completed_time)
        .text(&state.completed_status);
    message
        .nothing(if version >= PEG_FIELDS { 5 } else { 0 })
        .end();
}
