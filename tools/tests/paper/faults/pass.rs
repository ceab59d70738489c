//! The pass line: what holds at rest, whatever was done to the engine before.
//!
//! Invariants 1 to 3, 5, 6 and 9 of the ten. The seventh is asked of the closed journal, the others
//! of the tests that are about them.

use super::story::Story;
use std::collections::{BTreeMap, BTreeSet};
use stream::payload::{LegState, Pnl};
use tws::world::{ExecutionTruth, OrderTruth, Truth};

/// What a fault makes besides.
#[derive(Clone, Debug, Default)]
pub struct Allow {
    /// Positions that the account had before the journal's first execution.
    pub before: BTreeMap<String, i64>,
    /// One reference has two orders at the broker, because the broker made a second one.
    pub twins: bool,
    /// Shares came or went without a trade: nobody's executions explain them.
    pub transfers: BTreeMap<String, i64>,
    /// Orders that others have there are left alone.
    pub others: bool,
}

/// A decimal as the truth writes it, in 1e-9.
pub fn nanos(text: &str) -> i128 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i128 = whole.parse().expect("a whole number");
    let part: i128 = format!("{part:0<9}").parse().expect("nine places");
    sign * (whole * 1_000_000_000 + part)
}

const OURS: &str = "sp1.";

fn is_live(order: &OrderTruth) -> bool {
    !order.kept && !matches!(order.status.as_str(), "Filled" | "Cancelled" | "Inactive")
}

/// What of the pass line does not hold; nothing where all of it does.
pub fn faults(story: &Story, truth: &Truth, allow: &Allow) -> Vec<String> {
    let mut found = story.wrongs.clone();
    commands(story, truth, allow, &mut found);
    executions(story, truth, allow, &mut found);
    money(story, truth, allow, &mut found);
    protection(story, truth, allow, &mut found);
    legs(story, truth, &mut found);
    if !story.is_ready() {
        found.push(format!("the link is {:?}", story.links.last()));
    }
    found
}

/// Every command answered once; no reference twice at the broker; none there that is not ours.
fn commands(story: &Story, truth: &Truth, allow: &Allow, found: &mut Vec<String>) {
    for id in story.commands.keys() {
        let answers = story.sents.get(id).map_or(0, Vec::len);
        if answers != 1 {
            found.push(format!("command {id} has {answers} answers"));
        }
    }
    let mut references: BTreeMap<&str, usize> = BTreeMap::new();
    for order in &truth.orders {
        if order.order_ref.starts_with(OURS) {
            *references.entry(&order.order_ref).or_default() += 1;
        } else if !allow.others {
            found.push(format!("an order without our reference: {order:?}"));
        }
    }
    let most = if allow.twins { 2 } else { 1 };
    for (reference, count) in references {
        if count > most {
            found.push(format!("{reference} became {count} orders"));
        }
        if leg_of(reference).is_none_or(|leg| !story.legs.keys().any(|own| own.0 == leg)) {
            found.push(format!("{reference} is not in the journal"));
        }
    }
}

fn leg_of(reference: &str) -> Option<u64> {
    u64::from_str_radix(reference.rsplit('.').next()?, 16).ok()
}

/// An execution's id without the number of its correction.
fn base(id: &str) -> &str {
    id.rsplit_once('.').map_or(id, |(base, _)| base)
}

/// What others did before the journal began is in the positions that it began with.
fn counts(exec: &ExecutionTruth, allow: &Allow) -> bool {
    exec.order_ref.starts_with(OURS) || !allow.before.contains_key(&exec.symbol)
}

/// Every execution of the truth is in the journal once, at its last word, and no other.
fn executions(story: &Story, truth: &Truth, allow: &Allow, found: &mut Vec<String>) {
    let mut own: BTreeMap<&str, (i64, i128)> = BTreeMap::new();
    for fill in &story.fills {
        let entry = own.entry(base(&fill.id)).or_default();
        entry.0 += fill.qty;
        entry.1 += i128::from(fill.qty) * i128::from(fill.price);
    }
    let mut there: BTreeMap<&str, (i64, i128)> = BTreeMap::new();
    for exec in truth.executions.iter().filter(|exec| counts(exec, allow)) {
        let sign = if exec.side == "BOT" { 1 } else { -1 };
        let qty = sign * i64::from(exec.shares);
        let entry = there.entry(base(&exec.exec_id)).or_default();
        if !exec.replaced {
            *entry = (qty, i128::from(qty) * nanos(&exec.price));
        }
    }
    for (id, theirs) in &there {
        let ours = own.get(id).copied().unwrap_or_default();
        if ours != *theirs {
            found.push(format!("execution {id}: {ours:?} here, {theirs:?} there"));
        }
    }
    for id in own.keys().filter(|id| !there.contains_key(*id)) {
        found.push(format!("execution {id} is not the broker's"));
    }
}

/// Positions, cash and fees, to the last place; and risk's own sums say the same.
fn money(story: &Story, truth: &Truth, allow: &Allow, found: &mut Vec<String>) {
    let known = story.traded();
    let symbols: BTreeSet<&String> = known.iter().chain(truth.positions.keys()).collect();
    for symbol in symbols {
        let given = |of: &BTreeMap<String, i64>| of.get(symbol).copied().unwrap_or(0);
        let ours = story.held(symbol) + given(&allow.before) + given(&allow.transfers);
        let theirs = truth.positions.get(symbol).copied().unwrap_or(0);
        if ours != theirs {
            found.push(format!("{symbol}: {ours} here, {theirs} there"));
        }
    }
    let earlier = truth.executions.iter().filter(|exec| !counts(exec, allow));
    let earlier: i128 = earlier
        .filter_map(|exec| exec.fee.as_deref())
        .map(nanos)
        .sum();
    let fees = nanos(&truth.fees) - earlier;
    if story.fees != fees {
        found.push(format!("fees: {}e-9 here, {fees}e-9 there", story.fees));
    }
    let cash = nanos(&truth.cash) - nanos(&truth.cash_start);
    let own = story.moved - story.fees;
    if own != cash && allow.before.is_empty() {
        found.push(format!("cash: {own}e-9 here, {cash}e-9 there"));
    }
    let sum = |part: fn(&Pnl) -> i64| -> i128 {
        story.pnl.values().map(|pnl| i128::from(part(pnl))).sum()
    };
    if sum(|pnl| pnl.fees.0) != fees {
        let risk = sum(|pnl| pnl.fees.0);
        found.push(format!("fees: risk has {risk}e-9, there {fees}e-9"));
    }
    // What a part of a position has cost depends on the order in which its trades were heard of;
    // of what is closed it does not.
    let risk = sum(|pnl| pnl.realised.0);
    if truth.positions.is_empty() && risk != nanos(&truth.realized) {
        let there = &truth.realized;
        found.push(format!("realized: risk has {risk}e-9, there {there}"));
    }
}

/// What is held by orders of ours has a live stop of its size; what is flat has no order at all.
fn protection(story: &Story, truth: &Truth, allow: &Allow, found: &mut Vec<String>) {
    let own = |order: &&OrderTruth| order.order_ref.starts_with(OURS) && is_live(order);
    let live: Vec<&OrderTruth> = truth.orders.iter().filter(own).collect();
    let symbols: BTreeSet<&String> = truth
        .positions
        .keys()
        .chain(live.iter().map(|order| &order.symbol))
        .collect();
    for symbol in symbols {
        let of = |order: &&&OrderTruth| order.symbol == *symbol;
        let held = story.held(symbol);
        if held == 0 {
            let orders: Vec<_> = live.iter().filter(of).collect();
            if !orders.is_empty() {
                found.push(format!("{symbol} is flat and has {orders:?}"));
            }
            continue;
        }
        let closing = if held > 0 { "SELL" } else { "BUY" };
        let stops = live
            .iter()
            .filter(of)
            .filter(|order| order.order_type == "STP" && order.works && order.action == closing);
        let protected: u32 = stops.map(|order| order.remaining).sum();
        // What others traded is theirs to protect; the symbol is out of bounds for us.
        let theirs = allow.others && story.frozen.contains(symbol);
        if i64::from(protected) != held.abs() && !theirs {
            found.push(format!("{symbol}: {held} held, stops for {protected}"));
        }
    }
}

/// A leg that we take for open is open there, and the other way round.
fn legs(story: &Story, truth: &Truth, found: &mut Vec<String>) {
    let live: BTreeSet<u64> = truth
        .orders
        .iter()
        .filter(|order| is_live(order))
        .filter_map(|order| leg_of(&order.order_ref))
        .collect();
    let ours = story.legs.iter().filter(|(id, (_, state))| {
        !id.is_none() && !state.is_final() && *state != LegState::Queued
    });
    let ours: BTreeSet<u64> = ours.map(|(id, _)| id.0).collect();
    if ours != live {
        found.push(format!("open legs: {ours:x?} here, {live:x?} there"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_to_the_last_place() {
        assert_eq!(nanos("12.5"), 12_500_000_000);
        assert_eq!(nanos("-0.000000001"), -1);
        assert_eq!(nanos("7"), 7_000_000_000);
    }
}
