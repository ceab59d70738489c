//! What clients are told of orders: open orders, statuses, refusals.

use super::check::expiry_of;
use super::{Stage, Ticket};
use crate::model::{Answer, Decimal, OpenOrder, OrderState, OrderStatus};
use crate::world::{Link, World, stamp};
use stream::Nanos;
use stream::payload::{LegState, Status};

impl World {
    /// The exchange's word on an order.
    pub(in crate::world) fn on_status(&mut self, status: &Status) {
        let Some(index) = self.orders.find_leg(status.leg) else {
            return;
        };
        let ticket = &mut self.orders.tickets[index];
        if let Some(trail) = &mut ticket.trail {
            trail.moving = false;
        }
        let refused = status.state == LegState::Rejected;
        if matches!(status.state, LegState::Unknown)
            || (status.code > 202 || status.code < 200) && status.code != 0 && !refused
        {
            // A command came too late: nothing has changed.
            let text = too_late(status.code, ticket);
            ticket.cancelling = false;
            self.complain_about(index, status.code, &text);
            return;
        }
        ticket.remaining = status.remaining + ticket.withheld;
        match status.state {
            LegState::Held => ticket.stage = Stage::Held,
            LegState::Working | LegState::PartlyFilled => ticket.stage = Stage::Working,
            LegState::Filled if ticket.withheld > 0 => {
                let reason = "The rest of the order was rejected by the exchange.";
                return self.end_ticket(index, Stage::Inactive, 201, reason);
            }
            LegState::Filled => return self.end_ticket(index, Stage::Filled, 0, ""),
            LegState::Cancelled if self.script_race(index) => return,
            LegState::Cancelled => return self.end_ticket(index, Stage::Cancelled, 202, ""),
            LegState::Rejected => {
                let late = expiry_of(&self.orders.tickets[index].order)
                    .is_some_and(|expiry| expiry > Nanos::ZERO && expiry <= self.now);
                let (code, reason) = match refusal(status.code) {
                    (201, _) if late => (201, "Its good-till date is in the past."),
                    other => other,
                };
                return self.end_ticket(index, Stage::Inactive, code, reason);
            }
            _ => {}
        }
        self.tell_order(index);
    }

    /// An order has ended; whoever is to hear it hears it once.
    pub(in crate::world) fn end_ticket(
        &mut self,
        index: usize,
        stage: Stage,
        code: i32,
        reason: &str,
    ) {
        let ticket = &mut self.orders.tickets[index];
        ticket.stage = stage;
        ticket.ended = self.now;
        reason.clone_into(&mut ticket.why);
        match stage {
            Stage::Inactive => {
                self.complain_about(index, code, &format!("Order rejected - reason:{reason}"));
                self.tell_order(index);
            }
            Stage::Cancelled => {
                self.tell_order(index);
                self.complain_about(index, code, &format!("Order Canceled - reason:{reason}"));
            }
            _ => self.tell_order(index),
        }
    }

    /// Those who hear of an order: its client and the master.
    pub(in crate::world) fn hearers(&self, index: usize) -> Vec<Link> {
        let ticket = &self.orders.tickets[index];
        let own = self.sessions.link_of(ticket.client);
        let master = self.master.and_then(|master| self.sessions.link_of(master));
        let mut links: Vec<Link> = own.into_iter().collect();
        links.extend(master.filter(|link| Some(*link) != own));
        links
    }

    /// A problem about an order, to its client.
    pub(in crate::world) fn complain_about(&mut self, index: usize, code: i32, text: &str) {
        let ticket = &self.orders.tickets[index];
        let id = ticket.id;
        if let Some(link) = self.sessions.link_of(ticket.client) {
            self.complain(link, id, code, text);
        }
    }

    /// The order and its status, to all who hear of it.
    pub(in crate::world) fn tell_order(&mut self, index: usize) {
        self.orders.tickets[index].told = true;
        for link in self.hearers(index) {
            self.tell_order_to(link, index);
        }
    }

    pub(in crate::world) fn tell_order_to(&mut self, link: Link, index: usize) {
        let order = self.open_order(index);
        let status = self.order_status(index);
        self.say(link, Answer::OpenOrder(Box::new(order)));
        self.say(link, Answer::OrderStatus(status));
    }

    /// An order that waits for the next session, and that it does.
    pub(super) fn tell_waiting(&mut self, index: usize) {
        let ticket = &self.orders.tickets[index];
        let text = format!(
            "Order Message:\n{} {} {}\nWarning: Your order will not be placed at the exchange \
             until the next session opens.",
            ticket.order.action, ticket.qty, ticket.contract.local_symbol
        );
        self.complain_about(index, 399, &text);
        self.tell_order(index);
    }

    pub(in crate::world) fn open_order(&self, index: usize) -> OpenOrder {
        let ticket = &self.orders.tickets[index];
        let mut order = ticket.order.clone();
        order.perm_id = ticket.perm_id;
        order.quantity = Decimal::from(match ticket.stage {
            Stage::Held | Stage::Working | Stage::Filled => ticket.filled + ticket.remaining,
            _ => ticket.qty,
        });
        order.filled = Decimal::from(ticket.filled);
        if let Some(trail) = &ticket.trail {
            order.aux = trail.aux();
        }
        if let Some(parent) = ticket.parent {
            let parent = &self.orders.tickets[parent];
            order.parent_perm_id = parent.perm_id;
            if order.oca_group.is_empty() {
                order.oca_group = parent.perm_id.to_string();
                order.oca_type = 3;
            }
        }
        OpenOrder {
            contract: ticket.contract.clone(),
            order,
            state: OrderState {
                status: ticket.status().to_owned(),
                ..OrderState::default()
            },
        }
    }

    pub(in crate::world) fn order_status(&self, index: usize) -> OrderStatus {
        let ticket = &self.orders.tickets[index];
        OrderStatus {
            order_id: ticket.id,
            status: ticket.status().to_owned(),
            filled: Decimal::from(ticket.filled),
            remaining: Decimal::from(ticket.remaining),
            average_price: ticket.average(),
            perm_id: ticket.perm_id,
            parent_id: ticket.order.parent_id,
            last_price: ticket.last_price.to_f64(),
            client_id: ticket.client,
            why_held: ticket.why_held().to_owned(),
            market_cap_price: 0.0,
        }
    }

    /// An order that has ended, as it stands in the list of completed ones.
    pub(super) fn completed(&self, index: usize) -> OpenOrder {
        let ticket = &self.orders.tickets[index];
        let mut completed = self.open_order(index);
        // What is left; nothing of a filled one, also where the exchange had it smaller.
        completed.order.quantity = match ticket.stage {
            Stage::Filled => Decimal::ZERO,
            _ => Decimal::from(ticket.qty.saturating_sub(ticket.filled)),
        };
        completed.state.completed_time = stamp::full(ticket.ended);
        completed.state.completed_status = match ticket.stage {
            Stage::Filled => format!("Filled Size: {}", ticket.filled),
            Stage::Cancelled => "Cancelled by Trader".to_owned(),
            _ => format!("Rejected: {}", ticket.why),
        };
        completed
    }
}

/// Code and reason of what the exchange refuses.
const fn refusal(code: i32) -> (i32, &'static str) {
    match code {
        110 => (
            110,
            "The price does not conform to the minimum price variation for this contract.",
        ),
        434 => (434, "The order size cannot be zero."),
        200 => (200, "No security definition has been found for the request"),
        _ => (
            201,
            "The exchange or the account does not permit the order.",
        ),
    }
}

fn too_late(code: i32, ticket: &Ticket) -> String {
    match code {
        104 => "Cannot modify a filled order.".to_owned(),
        110 => "The price does not conform to the minimum price variation for this contract."
            .to_owned(),
        135 => format!("Can't find order with id ={}", ticket.id),
        161 => format!(
            "Cancel attempted when order is not in a cancellable state. Order permId = {}",
            ticket.perm_id
        ),
        10_147 => format!(
            "OrderId {} that needs to be cancelled is not found.",
            ticket.id
        ),
        10_148 => format!(
            "OrderId {} that needs to be cancelled cannot be cancelled, state: {}.",
            ticket.id,
            ticket.status()
        ),
        _ => "The order could not be changed.".to_owned(),
    }
}
