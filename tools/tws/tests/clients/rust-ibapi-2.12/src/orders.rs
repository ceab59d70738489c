//! Orders, executions and the account.

use crate::data::{stock, Quote};
use crate::report::{patience, rounded, wait, Report};
use ibapi::accounts::types::{AccountGroup, AccountId, ContractId};
use ibapi::accounts::{AccountSummaryResult, AccountUpdate, PositionUpdate};
use ibapi::client::blocking::{Client, Subscription};
use ibapi::contracts::Contract;
use ibapi::orders::{Action, ExecutionFilter, Executions, Order, OrderUpdate, Orders, TimeInForce};
use std::collections::{BTreeMap, BTreeSet};

/// What the server's account begins with: enough for `MANY`.
const CASH: f64 = 1_000_000.0;
/// More shares than one level of the market offers, and fewer than those within a percent of its
/// best.
const MANY: f64 = 40_000.0;

#[derive(Debug, Default)]
struct Known {
    status: String,
    filled: f64,
    remaining: f64,
    average: f64,
    quantity: f64,
    parent: i32,
    limit: f64,
    margin: f64,
    fee: f64,
}

#[derive(Debug)]
struct Done {
    order: i32,
    side: String,
    shares: f64,
    price: f64,
    cumulative: f64,
    reference: String,
}

/// Everything that the client-wide stream said.
pub struct Desk<'a> {
    client: &'a Client,
    contract: Contract,
    stream: Option<Subscription<OrderUpdate>>,
    next: i32,
    orders: BTreeMap<i32, Known>,
    executions: BTreeMap<String, Done>,
    commissions: BTreeMap<String, f64>,
    codes: BTreeSet<i32>,
}

impl<'a> Desk<'a> {
    pub fn new(client: &'a Client, symbol: &str) -> Self {
        Self {
            client,
            contract: stock(symbol),
            stream: client.order_update_stream().ok(),
            next: client.next_valid_order_id().unwrap_or(1),
            orders: BTreeMap::new(),
            executions: BTreeMap::new(),
            commissions: BTreeMap::new(),
            codes: BTreeSet::new(),
        }
    }

    fn sweep(&mut self) {
        while let Some(update) = self.stream.as_ref().and_then(|stream| stream.try_next()) {
            match update {
                OrderUpdate::OrderStatus(status) => {
                    let known = self.orders.entry(status.order_id).or_default();
                    known.status = status.status;
                    known.filled = status.filled;
                    known.remaining = status.remaining;
                    known.average = status.average_fill_price;
                }
                OrderUpdate::OpenOrder(open) => {
                    let known = self.orders.entry(open.order_id).or_default();
                    known.status = open.order_state.status;
                    known.quantity = open.order.total_quantity;
                    known.parent = open.order.parent_id;
                    known.limit = open.order.limit_price.unwrap_or(0.0);
                    known.margin = open.order_state.initial_margin_change.unwrap_or(0.0);
                    known.fee = open.order_state.commission.unwrap_or(0.0);
                }
                OrderUpdate::ExecutionData(data) => {
                    let e = data.execution;
                    let done = Done {
                        order: e.order_id,
                        side: e.side,
                        shares: e.shares,
                        price: e.price,
                        cumulative: e.cumulative_quantity,
                        reference: e.order_reference,
                    };
                    self.executions.insert(e.execution_id, done);
                }
                OrderUpdate::CommissionReport(paid) => {
                    self.commissions.insert(paid.execution_id, paid.commission);
                }
                OrderUpdate::Message(notice) => {
                    self.codes.insert(notice.code);
                }
            }
        }
    }

    fn until(&mut self, holds: impl Fn(&Self) -> bool) -> bool {
        wait(|| {
            self.sweep();
            holds(self).then_some(())
        })
        .is_some()
    }

    fn status(&self, order: i32) -> &str {
        self.orders.get(&order).map_or("", |known| &known.status)
    }

    fn all(&self, orders: &[i32], status: &str) -> bool {
        orders.iter().all(|order| self.status(*order) == status)
    }

    fn place(&mut self, order: &Order) -> i32 {
        let id = self.next;
        self.next += 1;
        let order = Order {
            order_id: id,
            ..order.clone()
        };
        if let Err(error) = self.client.submit_order(id, &self.contract, &order) {
            eprintln!("order {id} was not sent: {error}");
        }
        id
    }

    pub fn single_orders(&mut self, report: &mut Report, quote: Quote) {
        let far = rounded(quote.bid * 0.9);
        let wish = limit(Action::Buy, 10.0, far);
        let order = self.place(&wish);
        let rests = self.until(|desk| desk.status(order) == "Submitted");
        report.check("order.rests", rests, self.status(order));
        let dearer = Order {
            order_id: order,
            ..limit(Action::Buy, 10.0, rounded(far + 0.5))
        };
        let sent = self.client.submit_order(order, &self.contract, &dearer);
        let moved = sent.is_ok()
            && self.until(|desk| {
                let known = desk.orders.get(&order);
                known.is_some_and(|k| (k.limit - rounded(far + 0.5)).abs() < 1e-9)
            });
        report.check("order.modify", moved, self.orders.get(&order));
        let cancel = self.client.cancel_order(order, "");
        let ended = cancel.is_ok() && self.until(|desk| desk.status(order) == "Cancelled");
        report.check("order.cancel-202", ended, self.status(order));
        let off = self.place(&limit(Action::Buy, 10.0, far + 0.0037));
        let told = self.until(|desk| desk.codes.contains(&110) || desk.status(off) == "Inactive");
        report.check("order.off-tick-110", told, &self.codes);
        let unknown = self.client.cancel_order(off + 400_000, "");
        let told = unknown.is_ok() && self.until(|desk| desk.codes.contains(&10_147));
        report.check("order.cancel-unknown-10147", told, &self.codes);
        let mut wish = limit(Action::Buy, 100.0, quote.ask);
        wish.what_if = true;
        let asked = self.place(&wish);
        self.until(|desk| desk.orders.contains_key(&asked));
        let answer = self.orders.get(&asked).map(|k| (k.margin, k.fee));
        let bound = answer.is_some_and(|(margin, fee)| margin > 0.0 && fee > 0.0);
        report.check("order.what-if", bound, answer);
        let two = [0, 1].map(|_| self.place(&limit(Action::Buy, 5.0, far)));
        self.until(|desk| desk.all(&two, "Submitted"));
        let cancelled = self.client.global_cancel().is_ok();
        let gone = cancelled && self.until(|desk| desk.all(&two, "Cancelled"));
        report.check("order.global-cancel", gone, two.map(|o| self.status(o)));
    }

    fn place_bracket(&mut self, qty: f64, prices: [f64; 3], reference: &str) -> [i32; 3] {
        let [entry, stop, target] = prices;
        let named = |order: Order| Order {
            order_ref: reference.to_owned(),
            ..order
        };
        let first = Order {
            transmit: false,
            ..named(limit(Action::Buy, qty, entry))
        };
        let parent = self.place(&first);
        let out = Order {
            order_type: "STP".to_owned(),
            aux_price: Some(stop),
            limit_price: None,
            parent_id: parent,
            transmit: false,
            ..named(limit(Action::Sell, qty, stop))
        };
        let out = self.place(&out);
        let aim = Order {
            parent_id: parent,
            ..named(limit(Action::Sell, qty, target))
        };
        [parent, out, self.place(&aim)]
    }

    pub fn far_bracket(&mut self, report: &mut Report, quote: Quote) {
        let prices = [0.92, 0.9, 0.95].map(|share| rounded(quote.bid * share));
        let every = self.place_bracket(10.0, prices, "far");
        let [parent, stop, target] = every;
        self.until(|desk| {
            desk.status(parent) == "Submitted" && desk.all(&[stop, target], "PreSubmitted")
        });
        let parents = [stop, target].map(|o| self.orders.get(&o).map(|known| known.parent));
        let ours = parents.iter().all(|p| *p == Some(parent));
        report.check("bracket.parents", ours, parents);
        let held = self.all(&[stop, target], "PreSubmitted");
        report.check("bracket.children-held", held, every.map(|o| self.status(o)));
        let cancel = self.client.cancel_order(parent, "");
        let ended = cancel.is_ok() && self.until(|desk| desk.all(&every, "Cancelled"));
        let seen = every.map(|o| self.status(o));
        report.check("bracket.cancelled-with-parent", ended, seen);
    }

    pub fn bracket(&mut self, report: &mut Report) {
        let symbol = self.contract.symbol.to_string();
        let now = crate::data::quote(self.client, &symbol);
        let qty = MANY;
        let prices = [now.ask * 1.01, now.bid * 0.9, now.bid * 0.99].map(rounded);
        let [parent, stop, target] = self.place_bracket(qty, prices, "fills");
        // An open order says "Filled" a message before its status says how much.
        let filled = self.until(|desk| {
            let known = desk.orders.get(&parent);
            desk.status(parent) == "Filled" && known.is_some_and(|k| k.filled > 0.0)
        });
        let total = |desk: &Self, order: i32| -> (usize, f64) {
            let own = desk.executions.values().filter(|e| e.order == order);
            own.fold((0, 0.0), |(count, sum), e| (count + 1, sum + e.shares))
        };
        let bought = total(self, parent);
        let whole = (bought.1 - qty).abs() < 1e-9 && bought.0 > 1;
        report.check("bracket.partial-fills", filled && whole, (bought, qty));
        self.bought(report, parent, qty, now);
        let done = self.until(|desk| desk.status(target) == "Filled");
        report.check("bracket.target-filled", done, self.status(target));
        let ended = self.until(|desk| desk.status(stop) == "Cancelled");
        report.check("bracket.stop-cancelled", ended, self.status(stop));
        let sold = total(self, target);
        report.check(
            "bracket.flat",
            (sold.1 - bought.1).abs() < 1e-9,
            (bought, sold),
        );
        let own = |e: &&Done| e.order == parent || e.order == target;
        let sides: BTreeSet<&str> = self
            .executions
            .values()
            .filter(own)
            .map(|e| e.side.as_str())
            .collect();
        let both = sides.len() == 2 && sides.contains("BOT") && sides.contains("SLD");
        report.check("execution.sides", both, &sides);
        let named = self.executions.values().filter(own);
        let named = named.clone().count() > 0 && named.clone().all(|e| e.reference == "fills");
        report.check("execution.order-ref", named, named);
        let last = self.executions.values().filter(|e| e.order == parent);
        let last = last.map(|e| e.cumulative).fold(0.0, f64::max);
        report.check("execution.cumulative", (last - qty).abs() < 1e-9, last);
        let all = |desk: &Self| {
            let paid = |id: &String| desk.commissions.contains_key(id);
            desk.executions.keys().all(paid)
        };
        let paid = self.until(all) && self.commissions.values().all(|f| *f > 0.0 && *f < 1_000.0);
        report.check("commission.each", paid, &self.commissions);
        // Fixed schedule: half a cent a share, at least a dollar, at most 1 % of the value.
        let own = || self.executions.iter().filter(|(_, e)| e.order == parent);
        let value: f64 = own().map(|(_, e)| e.shares * e.price).sum();
        let due = (0.005 * qty).max(1.0).min(0.01 * value);
        let fees: f64 = own().filter_map(|(id, _)| self.commissions.get(id)).sum();
        report.check(
            "commission.schedule",
            (fees - due).abs() < 0.01,
            (fees, due),
        );
        let again = self.executions_again();
        let ids: BTreeSet<String> = self.executions.keys().cloned().collect();
        report.check("execution.again", again == ids, (again.len(), ids.len()));
    }

    /// What the entry's order and executions say of each other.
    fn bought(&self, report: &mut Report, parent: i32, qty: f64, now: Quote) {
        let zero = Known::default();
        let known = self.orders.get(&parent).unwrap_or(&zero);
        let is = |value: f64, wanted: f64| (value - wanted).abs() < 1e-9;
        report.check("bracket.quantity", is(known.quantity, qty), known);
        report.check("bracket.filled", is(known.filled, qty), known);
        report.check("bracket.remaining", is(known.remaining, 0.0), known);
        let own = || self.executions.values().filter(|e| e.order == parent);
        let value: f64 = own().map(|e| e.shares * e.price).sum();
        let shares: f64 = own().map(|e| e.shares).sum();
        let mean = value / shares.max(1.0);
        let average = known.average;
        report.check(
            "bracket.average",
            (average - mean).abs() < 0.001,
            (average, mean),
        );
        let most = rounded(now.ask * 1.01);
        let inside = own().all(|e| now.ask * 0.97 < e.price && e.price <= most);
        report.check("execution.prices", inside && shares > 0.0, (mean, most));
    }

    fn executions_again(&self) -> BTreeSet<String> {
        let Ok(stream) = self.client.executions(ExecutionFilter::default()) else {
            return BTreeSet::new();
        };
        let ids = stream.iter().filter_map(|item| match item {
            Executions::ExecutionData(data) => Some(data.execution.execution_id),
            _ => None,
        });
        ids.collect()
    }

    pub fn account(&mut self, report: &mut Report, con_id: i32, quote: Quote) {
        let market = |action| Order {
            order_type: "MKT".to_owned(),
            limit_price: None,
            order_ref: "holds".to_owned(),
            ..limit(action, 7.0, 0.0)
        };
        let order = self.place(&market(Action::Buy));
        self.until(|desk| desk.status(order) == "Filled");
        let (mut held, mut cost) = (0.0, 0.0);
        if let Ok(stream) = self.client.positions() {
            while let Some(PositionUpdate::Position(position)) = stream.next_timeout(patience()) {
                if position.contract.contract_id == con_id {
                    (held, cost) = (position.position, position.average_cost);
                }
            }
        }
        report.check("position.size", (held - 7.0).abs() < 1e-9, held);
        report.check("position.cost", quote.is_near(cost), cost);
        let mut values = BTreeMap::new();
        let group = AccountGroup("All".to_owned());
        let tags = ["NetLiquidation", "BuyingPower"];
        if let Ok(stream) = self.client.account_summary(&group, &tags) {
            while let Some(AccountSummaryResult::Summary(row)) = stream.next_timeout(patience()) {
                values.insert(row.tag, row.value.parse::<f64>().unwrap_or(0.0));
            }
        }
        let value = |tag: &str| values.get(tag).copied().unwrap_or(0.0);
        let (net, power) = (value("NetLiquidation"), value("BuyingPower"));
        let sound = (net - CASH).abs() < 0.05 * CASH;
        report.check("account.net-liquidation", sound, net);
        report.check("account.buying-power", power > net, power);
        let accounts = self.client.managed_accounts().unwrap_or_default();
        let account = AccountId(accounts.first().cloned().unwrap_or_default());
        let (updated, worth) = self.updates(&account, con_id);
        let agrees = (updated - net).abs() < 0.01 * net;
        report.check("account.updates", agrees, (updated, net));
        report.check("portfolio.value", quote.is_near(worth / 7.0), worth);
        let daily = self.client.pnl(&account, None).ok();
        let daily = daily.and_then(|stream| stream.next_timeout(patience()));
        let sound = daily
            .as_ref()
            .is_some_and(|p| p.daily_pnl.abs() < 0.1 * net);
        report.check("pnl.daily", sound, &daily);
        let single = self.client.pnl_single(&account, ContractId(con_id), None);
        let single = single
            .ok()
            .and_then(|stream| stream.next_timeout(patience()));
        let sound = single
            .as_ref()
            .is_some_and(|p| (p.position - 7.0).abs() < 1e-9);
        report.check("pnl.single", sound, &single);
        let worth = single.as_ref().map_or(0.0, |p| p.value);
        report.check("pnl.single-value", quote.is_near(worth / 7.0), worth);
        let mut ended = BTreeSet::new();
        let mut filled = Vec::new();
        if let Ok(stream) = self.client.completed_orders(true) {
            for item in stream.iter() {
                if let Orders::OrderData(data) = item {
                    if data.order.order_ref == "holds" {
                        filled.push(data.order.filled_quantity);
                    }
                    ended.insert(data.order_state.status);
                }
            }
        }
        let both = ended.contains("Filled") && ended.contains("Cancelled");
        report.check("completed.orders", both, &ended);
        report.check("completed.filled", filled == [7.0], &filled);
        self.place(&market(Action::Sell));
    }

    /// Net liquidation and the position's value as account updates have them.
    fn updates(&self, account: &AccountId, con_id: i32) -> (f64, f64) {
        let (mut net, mut worth) = (0.0, 0.0);
        if let Ok(stream) = self.client.account_updates(account) {
            while net == 0.0 || worth == 0.0 {
                match stream.next_timeout(patience()) {
                    Some(AccountUpdate::AccountValue(v)) if v.key == "NetLiquidation" => {
                        net = v.value.parse().unwrap_or(0.0);
                    }
                    Some(AccountUpdate::PortfolioValue(v)) if v.contract.contract_id == con_id => {
                        worth = v.market_value;
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        }
        (net, worth)
    }
}

fn limit(action: Action, quantity: f64, price: f64) -> Order {
    Order {
        action,
        total_quantity: quantity,
        order_type: "LMT".to_owned(),
        limit_price: Some(price),
        tif: TimeInForce::Day,
        transmit: true,
        ..Order::default()
    }
}
