//! The account: positions, values, summaries, profit, and who hears of them.

use super::base::TRADED;
use super::ledger::money;
use super::{Link, World, stamp};
use crate::model::{Answer, Decimal, PortfolioValue};
use stream::{InstrumentId, Money, Nanos};

/// How often account values are told without a trade.
const EVERY: Nanos = Nanos::from_secs(180);

/// A currency's own figures, asked for as `$LEDGER`.
const LEDGER: [&str; 7] = [
    "CashBalance",
    "ExchangeRate",
    "NetLiquidationByCurrency",
    "RealizedPnL",
    "StockMarketValue",
    "TotalCashBalance",
    "UnrealizedPnL",
];

/// A request by number that goes on.
#[derive(Clone, Debug, PartialEq)]
struct Asked<T> {
    link: Link,
    req: i32,
    what: T,
}

/// Who hears of what.
#[derive(Debug, Default)]
pub(super) struct Account {
    positions: Vec<Link>,
    positions_multi: Vec<Asked<String>>,
    updates: Vec<Link>,
    updates_multi: Vec<Asked<String>>,
    summaries: Vec<Asked<String>>,
    pnl: Vec<Asked<[Money; 3]>>,
    pnl_single: Vec<Asked<(InstrumentId, [i128; 5])>>,
    /// When values are told next.
    next: Nanos,
}

impl Account {
    pub(super) fn leave(&mut self, link: Link) {
        self.positions.retain(|other| *other != link);
        self.updates.retain(|other| *other != link);
        self.positions_multi.retain(|asked| asked.link != link);
        self.updates_multi.retain(|asked| asked.link != link);
        self.summaries.retain(|asked| asked.link != link);
        self.pnl.retain(|asked| asked.link != link);
        self.pnl_single.retain(|asked| asked.link != link);
    }
}

/// An amount with two places.
fn cents(amount: Money) -> String {
    let exact = Decimal::from_i128_with_scale(i128::from(amount.0), 9);
    format!("{:.2}", exact.round_dp(2))
}

fn is<T>(asked: &Asked<T>, link: Link, req: i32) -> bool {
    asked.link == link && asked.req == req
}

impl World {
    /// Every value of the account: key, value, currency.
    pub(super) fn account_values(&self) -> Vec<(&'static str, String, String)> {
        let values = self.exchange.edge().values();
        let gross = self.sum_of_positions(|value| value.abs());
        let net = self.sum_of_positions(|value| value);
        let cushion = if values.equity.0 > 0 {
            values.available.to_f64() / values.equity.to_f64()
        } else {
            0.0
        };
        let ratio = i128::from(self.stock_margin_ppm.max(1));
        let base = &self.base;
        let whole = |dollars| base.with_first(dollars, self.cash_start);
        let power = money(i128::from(whole(values.available).0) * 1_000_000 / ratio);
        let text = |key, text: &str, currency: &str| (key, text.to_owned(), currency.to_owned());
        let amount = |key, amount: Money| (key, cents(amount), base.code().to_owned());
        let mut all = vec![
            text("AccountCode", &self.account, ""),
            text("AccountReady", "true", ""),
            text("AccountType", "INDIVIDUAL", ""),
            amount("AvailableFunds", whole(values.available)),
            amount("BuyingPower", power),
            text("Currency", base.code(), base.code()),
            text("Cushion", &format!("{cushion:.6}"), ""),
            text("DayTradesRemaining", "-1", ""),
            amount("EquityWithLoanValue", whole(values.equity)),
            amount("ExcessLiquidity", whole(values.available)),
            amount("FullAvailableFunds", whole(values.available)),
            amount("FullInitMarginReq", base.of(values.margin)),
            amount("FullMaintMarginReq", base.of(values.margin)),
            amount("GrossPositionValue", base.of(gross)),
            amount("InitMarginReq", base.of(values.margin)),
            text("Leverage", "0.00", ""),
            amount("MaintMarginReq", base.of(values.margin)),
            amount("NetLiquidation", whole(values.equity)),
            amount("SettledCash", whole(values.cash)),
            amount("TotalCashValue", whole(values.cash)),
        ];
        self.ledgers(values.cash, net, &mut all);
        all
    }

    /// What is held of each currency, under the account's keys for that. An account in dollars has
    /// dollars; another one has its own, the dollars that its trades moved, and their sum.
    fn ledgers(&self, cash: Money, net: Money, all: &mut Vec<(&'static str, String, String)>) {
        let base = &self.base;
        let [_, unrealized, realized] = self.profit();
        let mut ledger = |currency: &str, rate: Option<String>, own: [Money; 4]| {
            let [cash, stock, realized, unrealized] = own;
            let mut tell = |key, text: String| all.push((key, text, currency.to_owned()));
            tell("CashBalance", cents(cash));
            if let Some(rate) = rate {
                tell("ExchangeRate", rate);
            }
            tell(
                "NetLiquidationByCurrency",
                cents(cash.saturating_add(stock)),
            );
            tell("RealizedPnL", cents(realized));
            tell("StockMarketValue", cents(stock));
            tell("TotalCashBalance", cents(cash));
            tell("UnrealizedPnL", cents(unrealized));
        };
        let one = Some("1.00".to_owned());
        if base.is_traded() {
            ledger(TRADED, one, [cash, net, realized, unrealized]);
            return;
        }
        let whole = base.with_first(cash, self.cash_start);
        let sums = [whole, base.of(net), base.of(realized), base.of(unrealized)];
        ledger("BASE", one.clone(), sums);
        let none = Money::ZERO;
        let own = base.first_cash(self.cash_start);
        ledger(base.code(), one, [own, none, none, none]);
        let moved = cash.saturating_sub(self.cash_start);
        let rate = base.rate().map(|rate| rate.to_string());
        ledger(TRADED, rate, [moved, net, realized, unrealized]);
    }

    fn sum_of_positions(&self, of: impl Fn(i128) -> i128) -> Money {
        let edge = self.exchange.edge();
        let value = |item: &super::catalog::Item| {
            let holding = self.ledger.holding(item.id);
            of(holding.value(edge.mark(item.id), item.multiplier))
        };
        money(self.catalog.items().iter().map(value).sum())
    }

    /// Profit of the day, not yet realized, and realized with all fees taken off.
    fn profit(&self) -> [Money; 3] {
        let edge = self.exchange.edge();
        let of = |item: &super::catalog::Item| {
            let mark = edge.mark(item.id);
            self.ledger
                .holding(item.id)
                .unrealized(mark, item.multiplier)
        };
        let unrealized: i128 = self.catalog.items().iter().map(of).sum();
        let realized = self.ledger.realized() - i128::from(edge.truth().fees.0);
        [
            money(unrealized + realized),
            money(unrealized),
            money(realized),
        ]
    }

    fn own_position(&self, instrument: InstrumentId) -> (crate::model::Contract, Decimal, f64) {
        let mut contract = self.catalog.item(instrument).contract.clone();
        // Positions are of a contract, not of a destination.
        contract.exchange = String::new();
        let holding = self.ledger.holding(instrument);
        (contract, Decimal::from(holding.qty), holding.average_cost())
    }

    fn held(&self) -> Vec<InstrumentId> {
        let items = self.catalog.items().iter().map(|item| item.id);
        items
            .filter(|id| self.ledger.holding(*id).qty != 0)
            .collect()
    }

    pub(super) fn positions(&mut self, link: Link) {
        if !self.holders.positions.contains(&link) {
            self.holders.positions.push(link);
        }
        for instrument in self.held() {
            let (contract, qty, cost) = self.own_position(instrument);
            let account = self.account.clone();
            self.say(link, Answer::Position(account, contract, qty, cost));
        }
        self.say(link, Answer::PositionEnd);
    }

    pub(super) fn cancel_positions(&mut self, link: Link) {
        self.holders.positions.retain(|other| *other != link);
    }

    pub(super) fn positions_multi(&mut self, link: Link, req: i32, model: String) {
        for instrument in self.held() {
            self.tell_position_multi(link, req, &model, instrument);
        }
        self.say(link, Answer::PositionMultiEnd(req));
        self.holders.positions_multi.push(Asked {
            link,
            req,
            what: model,
        });
    }

    fn tell_position_multi(&mut self, link: Link, req: i32, model: &str, of: InstrumentId) {
        let (contract, qty, cost) = self.own_position(of);
        let (account, model) = (self.account.clone(), model.to_owned());
        self.say(
            link,
            Answer::PositionMulti(req, account, model, contract, qty, cost),
        );
    }

    pub(super) fn cancel_positions_multi(&mut self, link: Link, req: i32) {
        self.holders
            .positions_multi
            .retain(|asked| !is(asked, link, req));
    }

    /// A position has changed: everybody who follows the account hears it.
    pub(super) fn position_changed(&mut self, instrument: InstrumentId) {
        for link in self.holders.positions.clone() {
            let (contract, qty, cost) = self.own_position(instrument);
            let account = self.account.clone();
            self.say(link, Answer::Position(account, contract, qty, cost));
        }
        for asked in self.holders.positions_multi.clone() {
            self.tell_position_multi(asked.link, asked.req, &asked.what, instrument);
        }
        for link in self.holders.updates.clone() {
            self.tell_portfolio(link, instrument);
        }
        self.tell_values();
    }

    fn tell_portfolio(&mut self, link: Link, instrument: InstrumentId) {
        let (contract, position, average_cost) = self.own_position(instrument);
        let item = self.catalog.item(instrument);
        let mark = self.exchange.edge().mark(instrument);
        let holding = self.ledger.holding(instrument);
        let value = PortfolioValue {
            contract,
            position,
            price: mark.to_f64(),
            value: money(holding.value(mark, item.multiplier)).to_f64(),
            average_cost,
            unrealized: money(holding.unrealized(mark, item.multiplier)).to_f64(),
            realized: money(holding.realized).to_f64(),
            account: self.account.clone(),
        };
        self.say(link, Answer::PortfolioValue(Box::new(value)));
    }

    pub(super) fn account_updates(&mut self, link: Link, subscribe: bool, account: &str) {
        self.holders.updates.retain(|other| *other != link);
        if !subscribe {
            return;
        }
        if !account.is_empty() && account != self.account {
            let text = "Error validating request.-'bV' : cause - Invalid account code";
            self.complain(link, -1, 321, text);
            return;
        }
        self.holders.updates.push(link);
        self.tell_account(link);
        for instrument in self.held() {
            self.tell_portfolio(link, instrument);
        }
        self.say(link, Answer::AccountTime(stamp::minutes(self.now)));
        self.say(link, Answer::AccountEnd(self.account.clone()));
    }

    fn tell_account(&mut self, link: Link) {
        for (key, value, currency) in self.account_values() {
            let account = self.account.clone();
            let key = key.to_owned();
            self.say(link, Answer::AccountValue(key, value, currency, account));
        }
    }

    pub(super) fn account_updates_multi(&mut self, link: Link, req: i32, model: String) {
        self.tell_account_multi(link, req, &model);
        self.say(link, Answer::AccountUpdateMultiEnd(req));
        self.holders.updates_multi.push(Asked {
            link,
            req,
            what: model,
        });
    }

    fn tell_account_multi(&mut self, link: Link, req: i32, model: &str) {
        for (key, value, currency) in self.account_values() {
            let (account, model) = (self.account.clone(), model.to_owned());
            let key = key.to_owned();
            self.say(
                link,
                Answer::AccountUpdateMulti(req, account, model, key, value, currency),
            );
        }
    }

    pub(super) fn cancel_account_updates_multi(&mut self, link: Link, req: i32) {
        self.holders
            .updates_multi
            .retain(|asked| !is(asked, link, req));
    }

    pub(super) fn account_summary(&mut self, link: Link, req: i32, tags: String) {
        if self
            .holders
            .summaries
            .iter()
            .any(|asked| is(asked, link, req))
        {
            self.complain(link, req, 322, "Duplicate ticker ID.");
            return;
        }
        if self.holders.summaries.len() >= self.limits.summaries {
            let text = "Error processing request.-'bL' : cause - Maximum number of account \
                        summary requests exceeded";
            self.complain(link, req, 322, text);
            return;
        }
        self.tell_summary(link, req, &tags);
        self.say(link, Answer::AccountSummaryEnd(req));
        self.holders.summaries.push(Asked {
            link,
            req,
            what: tags,
        });
    }

    fn tell_summary(&mut self, link: Link, req: i32, tags: &str) {
        let base = self.base.code().to_owned();
        let wanted = |key: &str, currency: &str| {
            let own = currency.is_empty() || currency == base;
            tags.split(',')
                .map(str::trim)
                .any(|tag| match tag.strip_prefix("$LEDGER") {
                    Some("") => LEDGER.contains(&key) && own,
                    Some(":ALL") => LEDGER.contains(&key),
                    Some(of) => LEDGER.contains(&key) && of.strip_prefix(':') == Some(currency),
                    None => own && (tag == key || tag == "All"),
                })
        };
        for (key, value, currency) in self.account_values() {
            if wanted(key, &currency) {
                let account = self.account.clone();
                let key = key.to_owned();
                self.say(
                    link,
                    Answer::AccountSummary(req, account, key, value, currency),
                );
            }
        }
    }

    /// The end of a summary; one that is not there is no error, as the broker has it.
    pub(super) fn cancel_account_summary(&mut self, link: Link, req: i32) {
        self.holders.summaries.retain(|asked| !is(asked, link, req));
    }

    /// All who follow account values hear them anew.
    pub(super) fn tell_values(&mut self) {
        for link in self.holders.updates.clone() {
            self.tell_account(link);
            self.say(link, Answer::AccountTime(stamp::minutes(self.now)));
        }
        for asked in self.holders.updates_multi.clone() {
            self.tell_account_multi(asked.link, asked.req, &asked.what);
        }
        for asked in self.holders.summaries.clone() {
            self.tell_summary(asked.link, asked.req, &asked.what);
        }
        self.holders.next = self.now + EVERY;
    }

    pub(super) fn pnl(&mut self, link: Link, req: i32) {
        let profit = self.profit();
        self.holders.pnl.push(Asked {
            link,
            req,
            what: profit,
        });
        self.say(link, self.pnl_of(req, profit));
    }

    pub(super) fn cancel_pnl(&mut self, link: Link, req: i32) {
        self.holders.pnl.retain(|asked| !is(asked, link, req));
    }

    pub(super) fn pnl_single(&mut self, link: Link, req: i32, con_id: i32) {
        let Some(instrument) = self.catalog.by_con_id(con_id).map(|item| item.id) else {
            let text = "Invalid position trade derived value";
            self.complain(link, req, 2_150, text);
            return;
        };
        let figures = self.figures(instrument);
        self.say(link, self.pnl_single_of(req, figures));
        self.holders.pnl_single.push(Asked {
            link,
            req,
            what: (instrument, figures),
        });
    }

    pub(super) fn cancel_pnl_single(&mut self, link: Link, req: i32) {
        self.holders
            .pnl_single
            .retain(|asked| !is(asked, link, req));
    }

    /// Position, profit of the day, not realized, realized before fees, value.
    fn figures(&self, instrument: InstrumentId) -> [i128; 5] {
        let holding = self.ledger.holding(instrument);
        let mark = self.exchange.edge().mark(instrument);
        let multiplier = self.catalog.item(instrument).multiplier;
        let unrealized = holding.unrealized(mark, multiplier);
        [
            i128::from(holding.qty),
            unrealized + holding.realized,
            unrealized,
            holding.realized,
            holding.value(mark, multiplier),
        ]
    }

    /// A second has passed: profit that has changed is told, and values now and then.
    pub(super) fn account_second(&mut self) {
        let mut pnl = core::mem::take(&mut self.holders.pnl);
        for asked in &mut pnl {
            let profit = self.profit();
            if profit != asked.what {
                asked.what = profit;
                self.say(asked.link, self.pnl_of(asked.req, profit));
            }
        }
        self.holders.pnl = pnl;
        let mut single = core::mem::take(&mut self.holders.pnl_single);
        for asked in &mut single {
            let figures = self.figures(asked.what.0);
            if figures != asked.what.1 {
                asked.what.1 = figures;
                self.say(asked.link, self.pnl_single_of(asked.req, figures));
            }
        }
        self.holders.pnl_single = single;
        if self.now >= self.holders.next {
            for link in self.holders.updates.clone() {
                for instrument in self.held() {
                    self.tell_portfolio(link, instrument);
                }
            }
            self.tell_values();
        }
    }
}

impl World {
    fn pnl_of(&self, req: i32, profit: [Money; 3]) -> Answer {
        let [daily, unrealized, realized] = profit.map(|amount| self.base.of(amount).to_f64());
        Answer::Pnl(req, daily, Some(unrealized), Some(realized))
    }

    fn pnl_single_of(&self, req: i32, figures: [i128; 5]) -> Answer {
        let amount = |index: usize| self.base.of(money(figures[index])).to_f64();
        Answer::PnlSingle {
            req,
            position: Decimal::from(figures[0] as i64),
            daily: amount(1),
            unrealized: Some(amount(2)),
            realized: Some(amount(3)),
            value: amount(4),
        }
    }
}
