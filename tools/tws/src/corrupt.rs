//! A switch for tests of clients: one group of fields is wrong, whatever the encoding, so that a
//! test which does not notice is known to look away.

use crate::model::{Answer, Bar, Decimal, MarketRule};

/// A group of fields that can be made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group(usize);

type Spoil = fn(&mut Answer) -> bool;

/// Name of each group, and what makes it wrong; false where the answer has no such field.
const TABLE: &[(&str, Spoil)] = &[
    ("account-summary", account_summary),
    ("account-value", account_value),
    ("bar-close", bar_close),
    ("commission", commission),
    ("completed-order-filled", completed_order_filled),
    ("contract-hours", contract_hours),
    ("contract-min-tick", contract_min_tick),
    ("current-time", current_time),
    ("depth-price", depth_price),
    ("depth-size", depth_size),
    ("execution-price", execution_price),
    ("execution-shares", execution_shares),
    ("head-timestamp", head_timestamp),
    ("historical-tick", historical_tick),
    ("managed-accounts", managed_accounts),
    ("market-rule", market_rule),
    ("next-valid-id", next_valid_id),
    ("open-order-limit", open_order_limit),
    ("open-order-parent", open_order_parent),
    ("open-order-quantity", open_order_quantity),
    ("order-status-average", order_status_average),
    ("order-status-filled", order_status_filled),
    ("order-status-remaining", order_status_remaining),
    ("pnl", pnl),
    ("pnl-single", pnl_single),
    ("portfolio-value", portfolio_value),
    ("position-cost", position_cost),
    ("position-size", position_size),
    ("problem-code", problem_code),
    ("real-time-bar", real_time_bar),
    ("scanner-rank", scanner_rank),
    ("symbol-sample", symbol_sample),
    ("tick-by-tick", tick_by_tick),
    ("tick-generic", tick_generic),
    ("tick-price", tick_price),
    ("tick-size", tick_size),
    ("tick-string", tick_string),
];

impl Group {
    /// The group of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let found = TABLE.iter().position(|(known, _)| *known == name);
        found.map(Self)
    }

    /// The names of all groups.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(name, _)| *name)
    }

    /// Makes the group's field wrong, where the answer has it.
    pub fn spoil(self, answer: &mut Answer) -> bool {
        let (_, spoil) = TABLE[self.0];
        spoil(answer)
    }
}

/// A function for each group: the pattern that has the field, and what is done to it.
macro_rules! spoils {
    ($($name:ident: $pattern:pat => $spoil:expr;)*) => {
        $(
            fn $name(answer: &mut Answer) -> bool {
                match answer {
                    $pattern => {
                        $spoil;
                        true
                    }
                    _ => false,
                }
            }
        )*
    };
}

spoils! {
    account_summary: Answer::AccountSummary(_, _, _, value, _) => value.insert(0, '9');
    account_value: Answer::AccountValue(_, value, ..)
        | Answer::AccountUpdateMulti(_, _, _, _, value, _) => value.insert(0, '9');
    bar_close: Answer::HistoricalBars { bars, .. } => bars.iter_mut().for_each(close);
    commission: Answer::Commission { amount, .. } => *amount += 1.0;
    completed_order_filled: Answer::CompletedOrder(told) => told.order.filled += Decimal::ONE;
    contract_hours: Answer::ContractData(_, told) => told.liquid_hours = "19990101:CLOSED".into();
    contract_min_tick: Answer::ContractData(_, told) => told.min_tick += 1.0;
    current_time: Answer::CurrentTime(time) | Answer::CurrentTimeMillis(time) => *time += 86_400;
    depth_price: Answer::Depth(_, row) | Answer::DepthL2(_, row) => row.price += 1_000.0;
    depth_size: Answer::Depth(_, row) | Answer::DepthL2(_, row) => row.size = -Decimal::ONE;
    execution_price: Answer::Execution(_, _, told) => told.price += 1.0;
    execution_shares: Answer::Execution(_, _, told) => told.shares += Decimal::ONE;
    head_timestamp: Answer::HeadTimestamp(_, time) => *time = "1".to_owned();
    managed_accounts: Answer::ManagedAccounts(accounts) => accounts.push('X');
    market_rule: Answer::MarketRule(MarketRule { steps, .. }) =>
        steps.iter_mut().for_each(|step| step.1 += 1.0);
    next_valid_id: Answer::NextValidId(id) => *id += 1_000;
    open_order_limit: Answer::OpenOrder(told) =>
        told.order.limit = told.order.limit.map(|limit| limit + 1.0);
    open_order_parent: Answer::OpenOrder(told) => told.order.parent_id += 1;
    open_order_quantity: Answer::OpenOrder(told) => told.order.quantity += Decimal::ONE;
    order_status_average: Answer::OrderStatus(told) => told.average_price += 1.0;
    order_status_filled: Answer::OrderStatus(told) => told.filled += Decimal::ONE;
    order_status_remaining: Answer::OrderStatus(told) => told.remaining += Decimal::ONE;
    pnl: Answer::Pnl(_, daily, ..) => *daily += 1_000_000.0;
    pnl_single: Answer::PnlSingle { value, .. } => *value += 1_000_000.0;
    portfolio_value: Answer::PortfolioValue(told) => told.value += 1_000_000.0;
    position_cost: Answer::Position(_, _, _, cost) => *cost += 1_000.0;
    position_size: Answer::Position(_, _, size, _) => *size += Decimal::ONE;
    problem_code: Answer::Problem(told) => told.code += 10_000;
    real_time_bar: Answer::RealTimeBar(_, _, bar) => close(bar);
    scanner_rank: Answer::Scanner(_, rows) => rows.iter_mut().for_each(|row| row.rank += 1_000);
    symbol_sample: Answer::SymbolSamples(_, samples) =>
        samples.iter_mut().for_each(|sample| sample.0.symbol.push('X'));
    tick_generic: Answer::TickGeneric(_, _, value) => *value += 1_000.0;
    tick_price: Answer::TickPrice { price, .. } => *price += 1_000.0;
    tick_size: Answer::TickPrice { size, .. } | Answer::TickSize(_, _, size) =>
        *size = -Decimal::ONE;
    tick_string: Answer::TickString(_, _, text) => *text = format!("X{}", text.replace(';', ":"));
}

fn close(bar: &mut Bar) {
    bar.close = -bar.close - 1.0;
}

fn tick_by_tick(answer: &mut Answer) -> bool {
    match answer {
        Answer::TickByTickLast(_, _, tick) => tick.price += 1_000.0,
        Answer::TickByTickBidAsk(_, tick) => tick.ask += 1_000.0,
        Answer::TickByTickMid(_, _, price) => *price += 1_000.0,
        _ => return false,
    }
    true
}

fn historical_tick(answer: &mut Answer) -> bool {
    match answer {
        Answer::HistoricalLasts(_, ticks, _) => ticks.iter_mut().for_each(|t| t.price += 1_000.0),
        Answer::HistoricalBidAsks(_, ticks, _) => ticks.iter_mut().for_each(|t| t.ask += 1_000.0),
        Answer::HistoricalMids(_, ticks, _) => ticks.iter_mut().for_each(|t| t.price += 1_000.0),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_sorted() {
        let names: Vec<&str> = Group::names().collect();
        assert!(names.is_sorted());
        for name in names {
            let group = Group::from_name(name).expect(name);
            assert_eq!(TABLE[group.0].0, name);
        }
        assert_eq!(Group::from_name("nothing"), None);
    }

    #[test]
    fn a_group_changes_its_own_field_and_no_other() {
        let group = Group::from_name("tick-price").expect("known");
        let mut told = Answer::TickSize(1, 0, Decimal::ONE);
        assert!(!group.spoil(&mut told));
        assert_eq!(told, Answer::TickSize(1, 0, Decimal::ONE));
        let mut told = Answer::Pnl(1, 5.0, None, None);
        assert!(Group::from_name("pnl").expect("known").spoil(&mut told));
        assert_eq!(told, Answer::Pnl(1, 1_000_005.0, None, None));
    }
}
