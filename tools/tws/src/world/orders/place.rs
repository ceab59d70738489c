//! New orders, and the way of a chain to the exchange.

use super::check::{expiry_of, prices, rejected, tif_of};
use super::{Stage, Ticket};
use crate::model::{Contract, Order};
use crate::world::{Link, World};
use gateway::sim::GROUP_CANCELS;
use stream::hash;
use stream::payload::{Command, CommandOp, LegRole, OrderType, TimeInForce};
use stream::{FrameId, Nanos, Price};

impl World {
    /// Message 3: a new order, or a changed one.
    pub(in crate::world) fn place_order(
        &mut self,
        (link, client): (Link, i32),
        id: i32,
        contract: &Contract,
        order: &Order,
    ) {
        if order.what_if {
            self.what_if((link, client), id, contract, order);
            return;
        }
        if let Some(index) = self.orders.find(client, id) {
            self.modify_order(link, index, contract, order);
            return;
        }
        if id < self.sessions.next_order_id(client) {
            self.complain(link, id, 103, "Duplicate order id");
            return;
        }
        self.sessions.raise_floor(client, id);
        let ticket = match self.draft_ticket(client, id, contract, order) {
            Ok(ticket) => ticket,
            Err((code, text)) => {
                self.complain(link, id, code, &text);
                return;
            }
        };
        if !self.has_room(&ticket) {
            let reason = format!(
                "You already have {} working orders on the same contract and side.",
                self.limits.orders_per_side
            );
            let (code, text) = rejected(&reason);
            self.complain(link, id, code, &text);
            return;
        }
        let index = self.orders.add(ticket);
        if self.orders.tickets[index].order.transmit {
            self.transmit(index);
        }
    }

    /// An order leaves, and with a child all of its chain that is still here, parents first.
    pub(super) fn transmit(&mut self, index: usize) {
        let root = self.orders.root(index);
        if root == index {
            self.release(index);
            return;
        }
        let kept = |w: &Self, i: usize| w.orders.tickets[i].stage == Stage::Kept;
        for member in root..self.orders.tickets.len() {
            if kept(self, member) && self.orders.root(member) == root {
                self.release(member);
            }
        }
    }

    /// One order goes to the exchange, or waits for the next session.
    pub(in crate::world) fn release(&mut self, index: usize) {
        let ticket = &self.orders.tickets[index];
        let closed = self.exchange.session().close <= self.now
            && tif_of(&ticket.order) != Some(TimeInForce::GoodTillCancelled);
        if closed {
            self.orders.tickets[index].stage = Stage::Waiting;
            self.tell_waiting(index);
            return;
        }
        if self.orders.is_orphaned(index) {
            self.end_ticket(index, Stage::Cancelled, 202, "Its parent has ended.");
            return;
        }
        if self.script_release(index) {
            return;
        }
        let command = self.command_of(index);
        let instrument = self.orders.tickets[index].instrument;
        let leg = self.exchange.command(instrument, command);
        self.orders.name(index, leg);
        self.orders.tickets[index].stage = Stage::Sent;
    }

    /// A session begins: what waited for it leaves.
    pub(in crate::world) fn release_waiting(&mut self) {
        for index in 0..self.orders.tickets.len() {
            if self.orders.tickets[index].stage == Stage::Waiting {
                self.release(index);
            }
        }
    }

    /// The order as a command that places it.
    pub(super) fn command_of(&self, index: usize) -> Command {
        let ticket = &self.orders.tickets[index];
        let tick = self.catalog.item(ticket.instrument).tick;
        let [limit, trigger] = prices(ticket.kind, &ticket.order, tick).unwrap_or_default();
        let parent = ticket.parent.map(|parent| &self.orders.tickets[parent]);
        Command {
            parent_leg: parent.map_or(FrameId::NONE, |parent| parent.leg),
            oca: group_of(ticket, parent),
            limit,
            trigger,
            expire: expiry_of(&ticket.order).unwrap_or(Nanos::ZERO),
            market_ts: self.exchange.edge().books().market_ts(),
            qty: ticket.qty - ticket.withheld,
            op: CommandOp::Place,
            order_type: ticket.kind,
            side: ticket.side,
            tif: tif_of(&ticket.order).unwrap_or_default(),
            role: role_of(ticket),
            price_high: Price::MAX,
            ..Command::zeroed()
        }
    }
}

/// What the exchange takes it for: attached orders need no funds of their own.
fn role_of(ticket: &Ticket) -> LegRole {
    match (ticket.parent, ticket.kind) {
        (None, _) => LegRole::Entry,
        (Some(_), OrderType::Stop | OrderType::StopLimit) => LegRole::Stop,
        (Some(_), OrderType::Limit | OrderType::Market) => LegRole::Target,
    }
}

/// The group whose orders end or shrink by each other's fills: the one that the client names, else
/// that of all children of one parent, which shrink.
fn group_of(ticket: &Ticket, parent: Option<&Ticket>) -> u64 {
    if !ticket.order.oca_group.is_empty() {
        let name = hash::bytes(ticket.order.oca_group.as_bytes()) & !GROUP_CANCELS | 1;
        let cancels = matches!(ticket.order.oca_type, 0 | 1);
        return if cancels { name | GROUP_CANCELS } else { name };
    }
    parent.map_or(0, |parent| parent.perm_id as u64)
}
