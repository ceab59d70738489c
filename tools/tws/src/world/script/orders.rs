//! Faults of orders: what clients are told is not, or not yet, what happens.

use super::Trick;
use crate::model::{Contract, Decimal, Execution, Order};
use crate::world::orders::{Exec, Stage, commission_of, word};
use crate::world::{World, stamp};
use stream::payload::{Command, CommandOp, OrderType};
use stream::{InstrumentId, Money, Price, Side};

/// Executions that no order of the exchange made are numbered from here.
const NUMBER_BASE: u64 = 0xF000_0000;

impl World {
    pub(super) fn perform_trick(&mut self, trick: &Trick) {
        match trick {
            Trick::Correct(by) => self.correct(Some(*by)),
            Trick::Bust => self.correct(None),
            Trick::Fill => self.fill_protection(),
            Trick::Trade(symbol, qty) => self.trade_by_hand(symbol, *qty),
            Trick::Transfer(symbol, qty) => self.transfer(symbol, *qty),
            Trick::Manual(symbol, qty, price) => self.type_order(symbol, *qty, Price(*price)),
            waits => self.script.tricks.push(waits.clone()),
        }
    }

    /// An order is about to leave for the exchange. True when it does not.
    pub(in crate::world) fn script_release(&mut self, index: usize) -> bool {
        let child = self.orders.tickets[index].parent.is_some();
        let rejects = |trick: &Trick| match trick {
            Trick::Reject { child: only } => child || !only,
            _ => false,
        };
        if self.script.take(rejects).is_some() {
            let reason = "Rejected by the exchange.";
            self.end_ticket(index, Stage::Inactive, 201, reason);
            return true;
        }
        if self
            .script
            .take(|trick| *trick == Trick::RewriteTif)
            .is_some()
        {
            let ticket = &mut self.orders.tickets[index];
            "DAY".clone_into(&mut ticket.order.tif);
            let text = "Order TIF was set to DAY based on order preset.";
            self.complain_about(index, 10_349, text);
        }
        let ticket = &mut self.orders.tickets[index];
        if ticket.qty > 1
            && self
                .script
                .take(|trick| *trick == Trick::PartialThenReject)
                .is_some()
        {
            ticket.withheld = ticket.qty - ticket.qty / 2;
        }
        false
    }

    /// An order is to be cancelled. True when the exchange is not to hear of it: the client is
    /// told that it is done, and the order trades all the same.
    pub(in crate::world) fn script_cancel(&mut self, index: usize) -> bool {
        let Some(Trick::FillAfterCancel(after)) = self
            .script
            .take(|trick| matches!(trick, Trick::FillAfterCancel(_)))
        else {
            return false;
        };
        self.end_ticket(index, Stage::Cancelled, 202, "");
        let key = (self.now.saturating_add(after), self.script.next());
        self.script.chores.insert(key, index);
        true
    }

    /// The oldest attached order that works is made to trade.
    fn fill_protection(&mut self) {
        let mut tickets = self.orders.tickets.iter();
        let works = tickets.position(|own| own.parent.is_some() && own.stage == Stage::Working);
        if let Some(index) = works {
            self.fill_anyway(index);
        }
    }

    /// An order is made to trade, whatever its price.
    pub(super) fn fill_anyway(&mut self, index: usize) {
        let ticket = &self.orders.tickets[index];
        let (instrument, side) = (ticket.instrument, ticket.side);
        let tick = self.catalog.item(instrument).tick;
        let best = self.exchange.edge().books().book(instrument);
        let Some((best, _)) = best.best(side.opposite()) else {
            return;
        };
        let through = Price(best.0 + best.0 / 20 * side.sign()).floor_to(tick);
        let command = Command {
            op: CommandOp::Modify,
            leg: ticket.leg,
            origin: ticket.leg,
            limit: match ticket.kind {
                OrderType::Limit | OrderType::StopLimit => through,
                _ => Price::ZERO,
            },
            trigger: match ticket.kind {
                OrderType::Stop | OrderType::StopLimit => {
                    Price(best.0 - best.0 / 20 * side.sign()).floor_to(tick)
                }
                _ => Price::ZERO,
            },
            qty: ticket.qty,
            order_type: ticket.kind,
            side,
            ..Command::zeroed()
        };
        self.exchange.command(instrument, command);
    }

    /// An order's sibling has filled and ended it. True when it fills as well, instead.
    pub(in crate::world) fn script_race(&mut self, index: usize) -> bool {
        let ticket = &self.orders.tickets[index];
        let filled = |other: &crate::world::orders::Ticket| {
            other.parent == ticket.parent && other.stage == Stage::Filled
        };
        // A client may have made it smaller than what it has filled: then nothing is left to fill.
        let left = ticket.qty > ticket.filled;
        let raced = left && ticket.parent.is_some() && self.orders.tickets.iter().any(filled);
        if !raced || self.script.take(|trick| *trick == Trick::Race).is_none() {
            return false;
        }
        let ticket = &mut self.orders.tickets[index];
        let qty = ticket.qty - ticket.filled;
        let price = ticket.order.aux.or(ticket.order.limit);
        let price = price.and_then(crate::world::orders::exact);
        let (instrument, side) = (ticket.instrument, ticket.side);
        let mark = self.exchange.edge().mark(instrument);
        let price = price.unwrap_or(mark);
        ticket.filled += qty;
        ticket.remaining = 0;
        ticket.value += i128::from(price.0) * i128::from(qty);
        ticket.last_price = price;
        self.book_execution(Some(index), instrument, (side, qty, price));
        self.end_ticket(index, Stage::Filled, 0, "");
        true
    }

    /// The broker books a trade that the exchange's matching did not make, and tells of it.
    fn book_execution(
        &mut self,
        ticket: Option<usize>,
        instrument: InstrumentId,
        (side, qty, price): (Side, u32, Price),
    ) {
        let fee = Money(1_000_000_000);
        let edge = self.exchange.edge_mut();
        if !edge.book_trade(instrument, side, (qty, price), fee) {
            return;
        }
        let item = self.catalog.item(instrument);
        let number = NUMBER_BASE + self.script.next();
        let own = ticket.map(|index| &self.orders.tickets[index]);
        let execution = Execution {
            order_id: own.map_or(0, |ticket| ticket.id),
            exec_id: self.exec_id(number, 1),
            time: stamp::full(self.now),
            account: self.account.clone(),
            exchange: item.contract.primary_exchange.clone(),
            side: word(side).to_owned(),
            shares: Decimal::from(qty),
            price: price.to_f64(),
            perm_id: own.map_or(900_000_000 + number as i64, |ticket| ticket.perm_id),
            client_id: own.map_or(0, |ticket| ticket.client),
            cumulative: Decimal::from(own.map_or(qty, |ticket| ticket.filled)),
            average_price: own.map_or(price.to_f64(), |ticket| ticket.average()),
            order_ref: own.map_or(String::new(), |ticket| ticket.order.order_ref.clone()),
            last_liquidity: 2,
            ..Execution::default()
        };
        let contract = item.contract.clone();
        let trade = (side, qty, price);
        let realized = self.ledger.trade(instrument, trade, item.multiplier);
        let exec = Exec {
            ticket,
            instrument,
            side,
            qty,
            price,
            number,
            ts: self.now,
            contract,
            execution,
            fee: Some(fee),
            realized,
            replaced: false,
        };
        self.tell_execution(exec.clone());
        self.tell_fee(&exec);
        self.position_changed(instrument);
    }

    fn tell_fee(&mut self, exec: &Exec) {
        let links = exec.ticket.map_or(Vec::new(), |index| self.hearers(index));
        for link in links {
            self.say(link, commission_of(exec, "USD"));
        }
    }

    /// The last execution gets another price, or is cancelled: its id's last digits count up.
    fn correct(&mut self, by: Option<i64>) {
        let Some(at) = self.orders.execs.iter().rposition(|exec| !exec.replaced) else {
            return;
        };
        self.orders.execs[at].replaced = true;
        let mut exec = self.orders.execs[at].clone();
        exec.replaced = false;
        let (instrument, side, qty) = (exec.instrument, exec.side, exec.qty);
        let multiplier = self.catalog.item(instrument).multiplier;
        let back = (side.opposite(), qty, exec.price);
        // Who takes a trade back gives its fee back.
        let given = match (by, exec.fee) {
            (None, Some(fee)) => Money(-fee.0),
            _ => Money::ZERO,
        };
        let edge = self.exchange.edge_mut();
        edge.book_trade(instrument, side.opposite(), (qty, exec.price), given);
        self.ledger.trade(instrument, back, multiplier);
        if let Some(by) = by {
            exec.price = Price(exec.price.0 + by).max(Price(1));
            let edge = self.exchange.edge_mut();
            edge.book_trade(instrument, side, (qty, exec.price), Money::ZERO);
            let again = (side, qty, exec.price);
            exec.realized = self.ledger.trade(instrument, again, multiplier);
        } else {
            exec.qty = 0;
            exec.realized = None;
            exec.fee = None;
        }
        let version = exec.execution.exec_id.rsplit('.').next();
        let version = version
            .and_then(|digits| digits.parse::<u32>().ok())
            .unwrap_or(1);
        exec.execution.exec_id = self.exec_id(exec.number, version + 1);
        exec.execution.shares = Decimal::from(exec.qty);
        exec.execution.price = exec.price.to_f64();
        self.tell_execution(exec.clone());
        if exec.fee.is_some() {
            self.tell_fee(&exec);
        }
        self.position_changed(instrument);
    }

    /// Somebody trades in the same account by hand.
    fn trade_by_hand(&mut self, symbol: &str, qty: i64) {
        let Some(id) = self.catalog.by_symbol(symbol).map(|item| item.id) else {
            return;
        };
        let side = if qty < 0 { Side::Sell } else { Side::Buy };
        let price = self.exchange.edge().mark(id);
        let qty = u32::try_from(qty.unsigned_abs()).unwrap_or(u32::MAX);
        if qty > 0 && price > Price::ZERO {
            self.book_execution(None, id, (side, qty, price));
        }
    }

    /// Shares come from another account, or go there: no trade, no cash.
    fn transfer(&mut self, symbol: &str, qty: i64) {
        let Some(id) = self.catalog.by_symbol(symbol).map(|item| item.id) else {
            return;
        };
        let side = if qty < 0 { Side::Sell } else { Side::Buy };
        let count = u32::try_from(qty.unsigned_abs()).unwrap_or(u32::MAX);
        let mark = self.exchange.edge().mark(id);
        let edge = self.exchange.edge_mut();
        if edge.book_trade(id, side, (count, Price::ZERO), Money::ZERO) {
            self.ledger.transfer(id, qty, mark);
            self.position_changed(id);
        }
    }

    /// An order is to be changed. True when the broker makes a second one of it instead, and the
    /// first one works on as it was.
    pub(in crate::world) fn script_twin(&mut self, index: usize, order: &Order) -> bool {
        if self.orders.tickets[index].stage != Stage::Working
            || self.script.take(|trick| *trick == Trick::Twin).is_none()
        {
            return false;
        }
        let first = &self.orders.tickets[index];
        let (client, id, contract) = (first.client, first.id, first.contract.clone());
        let twin = Order {
            parent_id: 0,
            oca_group: String::new(),
            transmit: true,
            ..order.clone()
        };
        let Ok(ticket) = self.draft_ticket(client, id, &contract, &twin) else {
            return false;
        };
        let index = self.orders.add(ticket);
        self.release(index);
        // As clients see it, it is the order that they changed.
        let twin = &mut self.orders.tickets[index].order;
        twin.parent_id = order.parent_id;
        twin.oca_group.clone_from(&order.oca_group);
        true
    }

    /// Somebody types an order into the broker's own window: it belongs to client 0 and has no
    /// id there.
    fn type_order(&mut self, symbol: &str, qty: i64, price: Price) {
        let Some(contract) = self.catalog.by_symbol(symbol).map(|i| i.contract.clone()) else {
            return;
        };
        let order = Order {
            action: if qty < 0 { "SELL" } else { "BUY" }.to_owned(),
            quantity: Decimal::from(qty.unsigned_abs()),
            order_type: "LMT".to_owned(),
            limit: Some(price.to_f64()),
            transmit: true,
            ..Order::default()
        };
        let id = -1 - self.orders.tickets.len() as i32;
        let contract = Contract {
            exchange: "SMART".to_owned(),
            ..contract
        };
        if let Ok(ticket) = self.draft_ticket(0, id, &contract, &order) {
            let index = self.orders.add(ticket);
            self.release(index);
        }
    }
}
