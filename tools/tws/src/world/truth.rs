//! What really happened, kept by the broker for itself: tests compare with it what clients
//! believe.

use super::World;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stream::{Money, Price};

/// Counters that nothing else remembers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) messages: u64,
    pub(super) messages_per_second_max: u32,
    pub(super) depth_slots_max: usize,
    pub(super) lines_max: usize,
}

impl Counters {
    pub(super) fn depth_slots(&mut self, used: usize) {
        self.depth_slots_max = self.depth_slots_max.max(used);
    }

    pub(super) fn lines(&mut self, used: usize) {
        self.lines_max = self.lines_max.max(used);
    }
}

/// The broker's truth at a time. Amounts are exact decimals, written as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The account.
    pub account: String,
    /// Nanoseconds since the epoch.
    pub now_ns: u64,
    /// Every order of the day, in the order of their coming.
    pub orders: Vec<OrderTruth>,
    /// Every execution of the day, corrected ones too.
    pub executions: Vec<ExecutionTruth>,
    /// Positions that are not zero, by symbol.
    pub positions: BTreeMap<String, i64>,
    /// Connections.
    pub clients: usize,
    /// Faults of the script that have not happened yet.
    pub faults_waiting: usize,
    /// Orders that work or wait for their parent at the exchange.
    pub orders_live: usize,
    /// Cash at the start.
    pub cash_start: String,
    /// Cash after all trades and fees.
    pub cash: String,
    /// Cash and positions at the price at which they would be closed.
    pub equity: String,
    /// Fees so far, also those that no client was told of.
    pub fees: String,
    /// Profit realized before fees.
    pub realized: String,
    /// Messages of clients so far.
    pub messages: u64,
    /// The most of them within one second.
    pub messages_per_second_max: u32,
    /// The most depth slots in use at a time.
    pub depth_slots_max: usize,
    /// The most streams of quotes at a time.
    pub lines_max: usize,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderTruth {
    /// Who placed it.
    pub client: i32,
    /// Its id there.
    pub order_id: i32,
    /// The broker's id.
    pub perm_id: i64,
    /// The parent's id, 0 for none.
    pub parent_id: i32,
    /// The client's text.
    pub order_ref: String,
    /// Of what.
    pub symbol: String,
    /// `BUY` or `SELL`.
    pub action: String,
    /// `LMT`, …
    pub order_type: String,
    /// Wished for.
    pub quantity: u32,
    /// Filled.
    pub filled: u32,
    /// Still to fill.
    pub remaining: u32,
    /// Its chain is not transmitted: nothing of it has left the broker's desk.
    pub kept: bool,
    /// At the exchange, where it may trade or be triggered.
    pub works: bool,
    /// In the protocol's words.
    pub status: String,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionTruth {
    /// The broker's id of it.
    pub exec_id: String,
    /// Its order at its client, 0 for a trade by hand.
    pub order_id: i32,
    /// That client.
    pub client: i32,
    /// The order's text.
    pub order_ref: String,
    /// Of what.
    pub symbol: String,
    /// `BOT` or `SLD`.
    pub side: String,
    /// How many.
    pub shares: u32,
    /// At what price.
    pub price: String,
    /// The fee that was told, if one was.
    pub fee: Option<String>,
    /// A later execution corrects or cancels it.
    pub replaced: bool,
    /// Nanoseconds since the epoch.
    pub at_ns: u64,
}

fn price(price: Price) -> String {
    Decimal::from_i128_with_scale(i128::from(price.0), 9)
        .normalize()
        .to_string()
}

fn money(money: Money) -> String {
    Decimal::from_i128_with_scale(i128::from(money.0), 9)
        .normalize()
        .to_string()
}

impl World {
    /// What really happened so far.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let edge = self.exchange.edge();
        let held = self.catalog.items().iter().filter_map(|item| {
            let qty = edge.position(item.id).0;
            (qty != 0).then(|| (item.contract.local_symbol.clone(), qty))
        });
        Truth {
            account: self.account.clone(),
            now_ns: self.now.0,
            orders: self.orders.tickets.iter().map(order_of).collect(),
            executions: self.orders.execs.iter().map(execution_of).collect(),
            positions: held.collect(),
            clients: self.sessions.len(),
            faults_waiting: self.script.waiting(),
            orders_live: edge.orders_live(),
            cash_start: money(self.cash_start),
            cash: money(edge.truth().cash),
            equity: money(edge.values().equity),
            fees: money(edge.truth().fees),
            realized: money(super::ledger::money(self.ledger.realized())),
            messages: self.counters.messages,
            messages_per_second_max: self.counters.messages_per_second_max,
            depth_slots_max: self.counters.depth_slots_max,
            lines_max: self.counters.lines_max,
        }
    }

    /// [`World::truth`] as JSON.
    #[must_use]
    pub fn truth_json(&self) -> String {
        serde_json::to_string(&self.truth()).expect("plain data is JSON")
    }
}

fn order_of(ticket: &super::orders::Ticket) -> OrderTruth {
    OrderTruth {
        client: ticket.client,
        order_id: ticket.id,
        perm_id: ticket.perm_id,
        parent_id: ticket.order.parent_id,
        order_ref: ticket.order.order_ref.clone(),
        symbol: ticket.contract.local_symbol.clone(),
        action: ticket.order.action.clone(),
        order_type: ticket.order.order_type.clone(),
        quantity: ticket.qty,
        filled: ticket.filled,
        remaining: ticket.remaining,
        kept: ticket.stage == super::orders::Stage::Kept,
        works: ticket.stage == super::orders::Stage::Working,
        status: ticket.status().to_owned(),
    }
}

fn execution_of(exec: &super::orders::Exec) -> ExecutionTruth {
    ExecutionTruth {
        exec_id: exec.execution.exec_id.clone(),
        order_id: exec.execution.order_id,
        client: exec.execution.client_id,
        order_ref: exec.execution.order_ref.clone(),
        symbol: exec.contract.local_symbol.clone(),
        side: exec.execution.side.clone(),
        shares: exec.qty,
        price: price(exec.price),
        fee: exec.fee.map(money),
        replaced: exec.replaced,
        at_ns: exec.ts.0,
    }
}
