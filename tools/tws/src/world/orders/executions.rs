//! Executions and their commissions.

use super::check::side_of;
use crate::model::{Answer, Contract, Decimal, Execution, ExecutionFilter};
use crate::world::{Link, World, stamp};
use stream::payload::{Commission, Fill, Liquidity, read_text};
use stream::{InstrumentId, Money, Nanos, Price, Side};

/// An execution as the broker keeps it.
#[derive(Clone, Debug)]
pub(in crate::world) struct Exec {
    /// The order that it belongs to; `None` for a trade by hand.
    pub(in crate::world) ticket: Option<usize>,
    pub(in crate::world) instrument: InstrumentId,
    pub(in crate::world) side: Side,
    pub(in crate::world) qty: u32,
    pub(in crate::world) price: Price,
    /// The exchange's number of it; 0 for a trade by hand.
    pub(in crate::world) number: u64,
    pub(in crate::world) ts: Nanos,
    pub(in crate::world) contract: Contract,
    pub(in crate::world) execution: Execution,
    /// Its fee, once it was told.
    pub(in crate::world) fee: Option<Money>,
    /// Profit that it realized before fees; `None` where it opened.
    pub(in crate::world) realized: Option<Money>,
    /// A later correction stands for it.
    pub(in crate::world) replaced: bool,
}

impl World {
    /// An order has traded.
    pub(in crate::world) fn on_fill(&mut self, instrument: InstrumentId, fill: &Fill) {
        let Some(index) = self.orders.find_leg(fill.leg) else {
            return;
        };
        let ticket = &mut self.orders.tickets[index];
        ticket.filled = fill.filled;
        ticket.remaining = fill.ordered.saturating_sub(fill.filled) + ticket.withheld;
        ticket.value += i128::from(fill.price.0) * i128::from(fill.qty);
        ticket.last_price = fill.price;
        let (average, cumulative) = (ticket.average(), fill.filled);
        let execution = Execution {
            order_id: ticket.id,
            exec_id: self.exec_id(fill.exec_id, 1),
            time: stamp::full(fill.venue_ts),
            account: self.account.clone(),
            exchange: self
                .catalog
                .item(instrument)
                .contract
                .primary_exchange
                .clone(),
            side: word(fill.side).to_owned(),
            shares: Decimal::from(fill.qty),
            price: fill.price.to_f64(),
            perm_id: self.orders.tickets[index].perm_id,
            client_id: self.orders.tickets[index].client,
            cumulative: Decimal::from(cumulative),
            average_price: average,
            order_ref: self.orders.tickets[index].order.order_ref.clone(),
            last_liquidity: match fill.liquidity {
                Liquidity::Unknown => 0,
                Liquidity::Maker => 1,
                Liquidity::Taker => 2,
            },
            ..Execution::default()
        };
        let trade = (fill.side, fill.qty, fill.price);
        let multiplier = self.catalog.item(instrument).multiplier;
        let realized = self.ledger.trade(instrument, trade, multiplier);
        let exec = Exec {
            ticket: Some(index),
            instrument,
            side: fill.side,
            qty: fill.qty,
            price: fill.price,
            number: fill.exec_id,
            ts: fill.venue_ts,
            contract: self.orders.tickets[index].contract.clone(),
            execution,
            fee: None,
            realized,
            replaced: false,
        };
        self.tell_execution(exec);
        self.position_changed(instrument);
    }

    /// Keeps an execution and tells those who hear of its order.
    pub(in crate::world) fn tell_execution(&mut self, exec: Exec) {
        let links = match exec.ticket {
            Some(index) => self.hearers(index),
            None => self.sessions.link_of(0).into_iter().collect(),
        };
        for link in links {
            let execution = Box::new(exec.execution.clone());
            self.say(
                link,
                Answer::Execution(-1, exec.contract.clone(), execution),
            );
        }
        self.orders.execs.push(exec);
    }

    /// The fee of an execution.
    pub(in crate::world) fn on_commission(&mut self, commission: &Commission) {
        let is = |exec: &&mut Exec| exec.number == commission.exec_id && !exec.replaced;
        let Some(exec) = self.orders.execs.iter_mut().find(is) else {
            return;
        };
        exec.fee = Some(commission.fee);
        let exec = exec.clone();
        let currency = read_text(&commission.currency).to_owned();
        let links = exec.ticket.map_or(Vec::new(), |index| self.hearers(index));
        for link in links {
            self.say(link, commission_of(&exec, &currency));
        }
    }

    /// Message 7: executions that pass a filter, each with its commission.
    pub(in crate::world) fn executions(&mut self, link: Link, req: i32, filter: &ExecutionFilter) {
        let since = if filter.time.is_empty() {
            Some(Nanos::ZERO)
        } else {
            stamp::parse(&filter.time)
        };
        let Some(since) = since else {
            let text = "Error validating request.-'bG' : cause - Invalid time format";
            self.complain(link, req, 321, text);
            return;
        };
        let passes = |exec: &&Exec| {
            let says = |asked: &str, own: &str| asked.is_empty() || asked == own;
            let side = filter.side.as_str();
            let side = match side {
                "BOT" => Some(Side::Buy),
                "SLD" => Some(Side::Sell),
                other => side_of(other),
            };
            !exec.replaced
                && exec.ts >= since
                && (filter.client_id == 0 || filter.client_id == exec.execution.client_id)
                && says(&filter.account, &exec.execution.account)
                && says(&filter.symbol, &exec.contract.symbol)
                && says(&filter.sec_type, &exec.contract.sec_type)
                && (says(&filter.exchange, &exec.execution.exchange)
                    || filter.exchange == exec.contract.exchange)
                && (filter.side.is_empty() || side == Some(exec.side))
        };
        let found: Vec<Exec> = self.orders.execs.iter().filter(passes).cloned().collect();
        for exec in found {
            let execution = Box::new(exec.execution.clone());
            self.say(
                link,
                Answer::Execution(req, exec.contract.clone(), execution),
            );
            if exec.fee.is_some() {
                self.say(link, commission_of(&exec, "USD"));
            }
        }
        self.say(link, Answer::ExecutionEnd(req));
    }

    /// The broker's id of an execution; `version` counts its corrections.
    pub(in crate::world) fn exec_id(&self, number: u64, version: u32) -> String {
        format!(
            "{:08x}.{number:08x}.01.{version:02}",
            self.seed & 0xFFFF_FFFF
        )
    }
}

/// Our side in the words of executions.
pub(in crate::world) const fn word(side: Side) -> &'static str {
    match side {
        Side::Sell => "SLD",
        _ => "BOT",
    }
}

pub(in crate::world) fn commission_of(exec: &Exec, currency: &str) -> Answer {
    let fee = exec.fee.unwrap_or(Money::ZERO);
    Answer::Commission {
        exec_id: exec.execution.exec_id.clone(),
        amount: fee.to_f64(),
        currency: currency.to_owned(),
        realized: exec.realized.map(|gross| (gross - fee).to_f64()),
    }
}
