//! What an order would bind and cost, without placing it.

use super::check::prices;
use crate::model::{Answer, Contract, OpenOrder, Order, OrderState};
use crate::world::{Link, World};
use stream::{Money, Price, Qty};

impl World {
    pub(super) fn what_if(
        &mut self,
        (link, client): (Link, i32),
        id: i32,
        contract: &Contract,
        order: &Order,
    ) {
        self.sessions.raise_floor(client, id);
        match self.draft_ticket(client, id, contract, order) {
            Err((code, text)) => self.complain(link, id, code, &text),
            Ok(ticket) => {
                let item = self.catalog.item(ticket.instrument);
                let known = prices(ticket.kind, &ticket.order, item.tick);
                let [limit, trigger] = known.unwrap_or_default();
                let likely = self.exchange.edge().books().book(item.id);
                let likely = likely.best(ticket.side.opposite()).map(|best| best.0);
                let price = [limit, trigger, likely.unwrap_or(Price::ZERO)];
                let price = price.into_iter().find(|price| *price > Price::ZERO);
                let price = price.unwrap_or(Price::ZERO);
                let edge = self.exchange.edge();
                let before = edge.values();
                let held = edge.position(item.id).0;
                let after = held + ticket.side.sign() * i64::from(ticket.qty);
                let margin = |qty: i64| {
                    let qty = u32::try_from(qty.unsigned_abs()).unwrap_or(u32::MAX);
                    edge.margin_of(item.id, qty, price)
                };
                let change = margin(after).saturating_sub(margin(held));
                let traded = price.checked_value(Qty(i64::from(ticket.qty)), item.multiplier);
                let value = traded.unwrap_or(Money::MAX);
                let qty = u64::from(ticket.qty);
                let fee = self.fees.of(item.what, ticket.side, qty, value).to_f64();
                let base = &self.base;
                let bound = three(base.of(before.margin), base.of(change));
                let equity = base.with_first(before.equity, self.cash_start);
                let state = OrderState {
                    status: "PreSubmitted".to_owned(),
                    initial_margin: bound,
                    maintenance_margin: bound,
                    equity_with_loan: three(equity, Money::ZERO),
                    commission: Some(fee),
                    commission_min: Some(fee),
                    commission_max: Some(fee),
                    commission_currency: ticket.contract.currency.clone(),
                    ..OrderState::default()
                };
                let open = OpenOrder {
                    contract: ticket.contract,
                    order: ticket.order,
                    state,
                };
                self.say(link, Answer::OpenOrder(Box::new(open)));
            }
        }
    }
}

/// Before, change and after.
fn three(before: Money, change: Money) -> [Option<f64>; 3] {
    [before, change, before.saturating_add(change)].map(|money| Some(money.to_f64()))
}
