//! Orders and what became of them.

use super::req;
use crate::model::{Answer, Execution, OpenOrder, Order, OrderState, OrderStatus};
use crate::proto::schema::order as wire;
use crate::proto::schema::session::Empty;
use crate::proto::{contract, known, size, text, write};

/// Appends the answer, if it is one of these.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::OpenOrder(told) => write(5, &open(told), out),
        Answer::OpenOrderEnd => write(53, &Empty {}, out),
        Answer::OrderStatus(told) => write(3, &status(told), out),
        Answer::Execution(req, traded, told) => {
            let message = wire::ExecutionDetails {
                req_id: Some(*req),
                contract: contract::write(traded),
                execution: Some(execution(told)),
            };
            write(11, &message, out);
        }
        Answer::ExecutionEnd(number) => write(55, &req(*number), out),
        Answer::Commission {
            exec_id,
            amount,
            currency,
            realized,
        } => {
            let message = wire::CommissionAndFeesReport {
                exec_id: text(exec_id),
                commission_and_fees: known(Some(*amount)),
                currency: text(currency),
                realized_pnl: known(*realized),
            };
            write(59, &message, out);
        }
        Answer::CompletedOrder(told) => {
            let message = wire::CompletedOrder {
                contract: contract::write(&told.contract),
                order: Some(completed(&told.order)),
                order_state: Some(state(&told.state)),
            };
            write(101, &message, out);
        }
        Answer::CompletedOrderEnd => write(102, &Empty {}, out),
        Answer::OrderBound(perm_id, client, order) => {
            let message = wire::OrderBound {
                perm_id: Some(*perm_id),
                client_id: Some(*client),
                order_id: Some(*order),
            };
            write(100, &message, out);
        }
        _ => return false,
    }
    true
}

fn open(told: &OpenOrder) -> wire::OpenOrder {
    wire::OpenOrder {
        order_id: Some(told.order.order_id),
        contract: contract::write(&told.contract),
        order: Some(order(&told.order)),
        order_state: Some(state(&told.state)),
    }
}

fn order(told: &Order) -> wire::Order {
    wire::Order {
        client_id: Some(told.client_id),
        order_id: Some(told.order_id),
        perm_id: Some(told.perm_id),
        parent_id: Some(told.parent_id),
        action: text(&told.action),
        total_quantity: size(told.quantity),
        display_size: Some(told.display_size),
        order_type: text(&told.order_type),
        lmt_price: known(told.limit),
        aux_price: known(told.aux),
        tif: text(&told.tif),
        account: text(&told.account),
        all_or_none: Some(told.all_or_none),
        hidden: Some(told.hidden),
        outside_rth: Some(told.outside_rth),
        trailing_percent: known(told.trailing_percent),
        trail_stop_price: known(told.trail_stop),
        min_qty: told.min_qty,
        good_after_time: text(&told.good_after),
        good_till_date: text(&told.good_till),
        oca_group: text(&told.oca_group),
        order_ref: text(&told.order_ref),
        oca_type: Some(told.oca_type),
        trigger_method: Some(told.trigger_method),
        algo_strategy: text(&told.algo),
        what_if: Some(told.what_if),
        transmit: Some(told.transmit),
        lmt_price_offset: known(told.limit_offset),
        conditions: Vec::new(),
        model_code: text(&told.model_code),
        cash_qty: known(told.cash_qty),
        filled_quantity: None,
        auto_cancel_parent: Some(told.auto_cancel_parent),
        parent_perm_id: None,
    }
}

/// An order that has ended has no number of its client any more.
fn completed(told: &Order) -> wire::Order {
    wire::Order {
        order_id: None,
        parent_id: None,
        filled_quantity: size(told.filled),
        parent_perm_id: Some(told.parent_perm_id),
        ..order(told)
    }
}

fn state(told: &OrderState) -> wire::OrderState {
    let [initial, maintenance, equity] = [
        told.initial_margin,
        told.maintenance_margin,
        told.equity_with_loan,
    ];
    wire::OrderState {
        status: text(&told.status),
        init_margin_before: known(initial[0]),
        maint_margin_before: known(maintenance[0]),
        equity_with_loan_before: known(equity[0]),
        init_margin_change: known(initial[1]),
        maint_margin_change: known(maintenance[1]),
        equity_with_loan_change: known(equity[1]),
        init_margin_after: known(initial[2]),
        maint_margin_after: known(maintenance[2]),
        equity_with_loan_after: known(equity[2]),
        commission_and_fees: known(told.commission),
        min_commission_and_fees: known(told.commission_min),
        max_commission_and_fees: known(told.commission_max),
        commission_and_fees_currency: text(&told.commission_currency),
        warning_text: text(&told.warning),
        completed_time: text(&told.completed_time),
        completed_status: text(&told.completed_status),
    }
}

fn status(told: &OrderStatus) -> wire::OrderStatus {
    wire::OrderStatus {
        order_id: Some(told.order_id),
        status: text(&told.status),
        filled: size(told.filled),
        remaining: size(told.remaining),
        avg_fill_price: Some(told.average_price),
        perm_id: Some(told.perm_id),
        parent_id: Some(told.parent_id),
        last_fill_price: Some(told.last_price),
        client_id: Some(told.client_id),
        why_held: text(&told.why_held),
        mkt_cap_price: Some(told.market_cap_price),
    }
}

fn execution(told: &Execution) -> wire::Execution {
    wire::Execution {
        order_id: Some(told.order_id),
        exec_id: text(&told.exec_id),
        time: text(&told.time),
        acct_number: text(&told.account),
        exchange: text(&told.exchange),
        side: text(&told.side),
        shares: size(told.shares),
        price: Some(told.price),
        perm_id: Some(told.perm_id),
        client_id: Some(told.client_id),
        is_liquidation: Some(told.liquidation),
        cum_qty: size(told.cumulative),
        avg_price: Some(told.average_price),
        order_ref: text(&told.order_ref),
        last_liquidity: Some(told.last_liquidity),
    }
}
