//! Lists of orders that clients ask for.

use super::Stage;
use crate::model::Answer;
use crate::world::{Link, World};

impl World {
    /// Messages 5 and 16: open orders of one client, or of all. Whoever sees another client's ids
    /// must go above them.
    pub(in crate::world) fn open_orders(&mut self, link: Link, client: i32, all: bool) {
        let shown = |index: &usize| {
            let ticket = &self.orders.tickets[*index];
            ticket.stage != Stage::Kept && (all || ticket.client == client)
        };
        let shown: Vec<usize> = self.orders.live().filter(shown).collect();
        for index in shown {
            let id = self.orders.tickets[index].id;
            self.sessions.raise_floor(client, id);
            self.tell_order_to(link, index);
        }
        self.say(link, Answer::OpenOrderEnd);
    }

    /// Message 15: client 0 asks for orders typed by hand; nobody types any here.
    pub(in crate::world) fn auto_open_orders(&mut self, link: Link, client: i32) {
        if client != 0 {
            let text = "Only the default client (i.e 0) can auto bind orders";
            self.complain(link, -1, 327, text);
        }
    }

    /// Message 99: orders that have ended today.
    pub(in crate::world) fn completed_orders(&mut self, link: Link) {
        for index in 0..self.orders.tickets.len() {
            let ticket = &self.orders.tickets[index];
            if ticket.stage.is_final() && ticket.told {
                let completed = self.completed(index);
                self.say(link, Answer::CompletedOrder(Box::new(completed)));
            }
        }
        self.say(link, Answer::CompletedOrderEnd);
    }
}
