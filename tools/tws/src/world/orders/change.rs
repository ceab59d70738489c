//! Changes and cancels.

use super::check::{prices, quantity, rejected, side_of};
use super::{Stage, Ticket};
use crate::model::{Contract, Order};
use crate::world::{Link, World};
use stream::Price;
use stream::payload::{Command, CommandOp};

impl World {
    /// A known id was placed again.
    pub(super) fn modify_order(
        &mut self,
        link: Link,
        index: usize,
        contract: &Contract,
        order: &Order,
    ) {
        if let Err((code, text)) = self.try_modify(index, contract, order) {
            let id = self.orders.tickets[index].id;
            self.complain(link, id, code, &text);
        }
    }

    fn try_modify(
        &mut self,
        index: usize,
        contract: &Contract,
        order: &Order,
    ) -> Result<(), (i32, String)> {
        let ticket = &self.orders.tickets[index];
        match ticket.stage {
            Stage::Filled => return Err((104, "Cannot modify a filled order.".to_owned())),
            Stage::Cancelled | Stage::Inactive => {
                let text = format!("Cannot modify an order in state {}.", ticket.status());
                return Err((161, text));
            }
            _ => {}
        }
        let item = self.ordered_item(contract)?;
        if item.id != ticket.instrument || !same(ticket, order) {
            let text = "Order being modified does not match original order";
            return Err((105, text.to_owned()));
        }
        let qty = quantity(order)?;
        let known = match ticket.trail {
            None => prices(ticket.kind, order, item.tick)?,
            Some(_) => [Price::ZERO; 2],
        };
        self.worth(item, qty, known)?;
        if qty <= ticket.withheld {
            let gone = ticket.withheld;
            let reason = format!("{gone} of the order are not to be had: it cannot be less.");
            return Err(rejected(&reason));
        }
        if !self.script_twin(index, order) {
            self.apply_change(index, order, qty);
        }
        Ok(())
    }

    /// The order is as the client wishes from now on; the exchange hears of it if it has it. The
    /// distance of a trailing stop stays as it was placed.
    fn apply_change(&mut self, index: usize, changed: &Order, qty: u32) {
        let ticket = &mut self.orders.tickets[index];
        let resized = qty != ticket.qty;
        ticket.qty = qty;
        let order = &mut ticket.order;
        order.quantity = changed.quantity;
        if ticket.trail.is_none() {
            order.limit = changed.limit;
            order.aux = changed.aux;
        }
        order.outside_rth = changed.outside_rth;
        order.transmit = changed.transmit;
        if !changed.order_ref.is_empty() {
            order.order_ref.clone_from(&changed.order_ref);
        }
        match ticket.stage {
            Stage::Kept => {
                ticket.remaining = qty;
                if changed.transmit {
                    self.transmit(index);
                }
            }
            Stage::Waiting => {
                ticket.remaining = qty;
                self.tell_order(index);
            }
            _ => self.send_change(index, resized),
        }
    }

    /// Tells the exchange limit, trigger and quantity as they are now. An attached order that works
    /// what its parent has filled so far keeps that quantity unless the client changed it. What
    /// the exchange never hears of, it does not hear of now.
    pub(super) fn send_change(&mut self, index: usize, resized: bool) {
        let ticket = &self.orders.tickets[index];
        let known = ticket.filled + ticket.remaining;
        let whole = if resized { ticket.qty } else { known };
        let command = Command {
            op: CommandOp::Modify,
            leg: ticket.leg,
            origin: ticket.leg,
            qty: whole.saturating_sub(ticket.withheld).max(1),
            ..self.command_of(index)
        };
        let instrument = ticket.instrument;
        self.exchange.command(instrument, command);
    }

    /// Message 4.
    pub(in crate::world) fn cancel_order(&mut self, link: Link, client: i32, id: i32) {
        let Some(index) = self.orders.find(client, id) else {
            let text = format!("OrderId {id} that needs to be cancelled is not found.");
            self.complain(link, id, 10_147, &text);
            return;
        };
        let ticket = &self.orders.tickets[index];
        if ticket.stage.is_final() {
            let text = format!(
                "OrderId {id} that needs to be cancelled cannot be cancelled, state: {}.",
                ticket.status()
            );
            self.complain(link, id, 10_148, &text);
            return;
        }
        if ticket.cancelling {
            let text = format!(
                "Cancel attempted when order is not in a cancellable state. Order permId = {}",
                ticket.perm_id
            );
            self.complain(link, id, 161, &text);
            return;
        }
        self.cancel_ticket(index);
    }

    /// Message 58: the end of all orders of all clients.
    pub(in crate::world) fn global_cancel(&mut self) {
        let live: Vec<usize> = self.orders.live().collect();
        for index in live {
            let ticket = &self.orders.tickets[index];
            if ticket.is_live() && !ticket.cancelling {
                self.cancel_ticket(index);
            }
        }
    }

    /// An order is to end: here at once, or by the exchange.
    pub(in crate::world) fn cancel_ticket(&mut self, index: usize) {
        let ticket = &mut self.orders.tickets[index];
        if matches!(ticket.stage, Stage::Kept | Stage::Waiting) {
            self.end_ticket(index, Stage::Cancelled, 202, "");
            return;
        }
        ticket.cancelling = true;
        if !self.script_cancel(index) {
            self.send_cancel(index);
        }
    }

    pub(in crate::world) fn send_cancel(&mut self, index: usize) {
        let ticket = &self.orders.tickets[index];
        let command = Command {
            op: CommandOp::Cancel,
            leg: ticket.leg,
            origin: ticket.leg,
            ..self.command_of(index)
        };
        let instrument = ticket.instrument;
        self.exchange.command(instrument, command);
    }
}

/// A change must leave these alone.
fn same(ticket: &Ticket, order: &Order) -> bool {
    let own = &ticket.order;
    let tif = if order.tif.is_empty() {
        "DAY"
    } else {
        &order.tif
    };
    side_of(&order.action) == Some(ticket.side)
        && order.order_type == own.order_type
        && tif == own.tif
        && order.parent_id == own.parent_id
        && (order.account.is_empty() || order.account == own.account)
        && order.oca_group == own.oca_group
}
