//! What must hold for any market and any commands: cash, fees, positions and pairs add up, no fill
//! is worse than ordered, and the same stream brings the same answers.

use crate::desk::{CASH, Desk, cents, place};
use proptest::prelude::*;
use std::collections::BTreeMap;
use stream::payload::*;
use stream::{FrameId, Nanos, Price, Side};

#[derive(Clone, Debug)]
enum Act {
    Add { buy: bool, price: i64, qty: u32 },
    Gone { which: usize },
    Trade { which: usize, qty: u32 },
    Limit { buy: bool, price: i64, qty: u32 },
    Bracket { buy: bool, qty: u32, width: i64 },
    Modify { which: usize, price: i64, qty: u32 },
    Cancel { which: usize },
    Time { millis: u64 },
    Clear { all: bool },
}

fn act() -> impl Strategy<Value = Act> {
    let price = 9_980i64..10_020;
    prop_oneof![
        6 => (any::<bool>(), 0i64..20, 1u32..300)
            .prop_map(|(buy, away, qty)| Act::Add {
                buy,
                price: if buy { 9_999 - away } else { 10_001 + away },
                qty,
            }),
        4 => any::<usize>().prop_map(|which| Act::Gone { which }),
        4 => (any::<usize>(), 1u32..200).prop_map(|(which, qty)| Act::Trade { which, qty }),
        3 => (any::<bool>(), price.clone(), 1u32..400)
            .prop_map(|(buy, price, qty)| Act::Limit { buy, price, qty }),
        2 => (any::<bool>(), 1u32..200, 1i64..15)
            .prop_map(|(buy, qty, width)| Act::Bracket { buy, qty, width }),
        1 => (any::<usize>(), price, 1u32..400)
            .prop_map(|(which, price, qty)| Act::Modify { which, price, qty }),
        2 => any::<usize>().prop_map(|which| Act::Cancel { which }),
        1 => (1u64..2_000).prop_map(|millis| Act::Time { millis }),
        1 => any::<bool>().prop_map(|all| Act::Clear { all }),
    ]
}

/// Lets the act happen; `book` holds what is left of each recorded order, and `number` names a new
/// one.
fn play(desk: &mut Desk, book: &mut BTreeMap<u64, u32>, number: u64, act: &Act) {
    match *act {
        Act::Add { buy, price, qty } => {
            desk.add(number, side(buy), price, qty);
            book.insert(number, qty);
        }
        Act::Gone { which } => {
            if let Some((id, _)) = recorded(book, which) {
                desk.delete(id);
                book.remove(&id);
            }
        }
        Act::Trade { which, qty } => {
            if let Some((id, left)) = recorded(book, which) {
                let qty = qty.min(left);
                desk.execute(id, qty);
                if qty == left {
                    book.remove(&id);
                } else {
                    book.insert(id, left - qty);
                }
            }
        }
        Act::Limit { buy, price, qty } => {
            desk.limit(side(buy), price, qty);
        }
        Act::Bracket { buy, qty, width } => bracket(desk, side(buy), qty, width),
        Act::Modify { which, price, qty } => {
            if let Some(old) = earlier(desk, which)
                && old.order_type == OrderType::Limit
            {
                desk.command(Command {
                    op: CommandOp::Modify,
                    limit: cents(price),
                    qty,
                    ..old
                });
            }
        }
        Act::Cancel { which } => {
            if let Some(old) = earlier(desk, which) {
                desk.command(Command {
                    op: CommandOp::Cancel,
                    ..old
                });
            }
        }
        Act::Time { millis } => desk.now += Nanos::from_millis(millis),
        Act::Clear { all } => {
            desk.clear(all);
            book.clear();
        }
    }
    desk.settle();
}

fn side(buy: bool) -> Side {
    if buy { Side::Buy } else { Side::Sell }
}

/// One of the recorded orders and what is left of it.
fn recorded(book: &BTreeMap<u64, u32>, which: usize) -> Option<(u64, u32)> {
    book.iter()
        .nth(which % book.len().max(1))
        .map(|(&id, &qty)| (id, qty))
}

/// One of the commands so far.
fn earlier(desk: &Desk, which: usize) -> Option<Command> {
    let commands = &desk.commands;
    commands.get(which % commands.len().max(1)).copied()
}

/// An entry at the touch and its pair, `width` ticks to either side.
fn bracket(desk: &mut Desk, entry: Side, qty: u32, width: i64) {
    let sign = entry.sign();
    let price = 10_000 + sign;
    let parent = desk.limit(entry, price, qty);
    let child = |order_type, price, role| Command {
        parent_leg: parent,
        oca: parent.0,
        role,
        ..place(entry.opposite(), order_type, price, qty)
    };
    desk.command(child(OrderType::Stop, price - sign * width, LegRole::Stop));
    desk.command(child(
        OrderType::Limit,
        price + sign * width,
        LegRole::Target,
    ));
}

fn check(desk: &Desk) -> Result<(), TestCaseError> {
    let fills = desk.all::<Fill>();
    let mut cash = i128::from(CASH.0);
    let mut filled: BTreeMap<FrameId, u32> = BTreeMap::new();
    let mut position = 0;
    for fill in &fills {
        let sum = filled.entry(fill.leg).or_default();
        *sum += fill.qty;
        prop_assert_eq!(*sum, fill.filled);
        was_ordered(desk, fill)?;
        cash -= i128::from(fill.price.0) * i128::from(fill.side.sign()) * i128::from(fill.qty);
        position += fill.side.sign() * i64::from(fill.qty);
    }
    let fees: i128 = desk
        .all::<Commission>()
        .iter()
        .map(|c| i128::from(c.fee.0))
        .sum();
    let truth = desk.edge.truth();
    prop_assert_eq!(desk.all::<Commission>().len(), fills.len());
    prop_assert_eq!(i128::from(truth.fees.0), fees);
    prop_assert_eq!(i128::from(truth.cash.0), cash - fees);
    prop_assert_eq!(desk.position(), position);
    prop_assert_eq!(desk.all::<Sent>().len(), desk.commands.len());
    pairs_close_no_more_than_they_opened(desk, &filled)?;
    what_has_ended_stays(desk)
}

/// No fill is worse than a limit that its order ever had, nor do they sum to more than its largest
/// quantity.
fn was_ordered(desk: &Desk, fill: &Fill) -> Result<(), TestCaseError> {
    let places = desk
        .commands
        .iter()
        .filter(|c| c.leg == fill.leg && c.op != CommandOp::Cancel);
    let most = places.clone().map(|c| c.qty).max().expect("a command");
    let limits = places.filter(|c| c.limit > Price::ZERO).map(|c| c.limit.0);
    let worst = match fill.side {
        Side::Buy => limits.max(),
        _ => limits.min(),
    };
    if let Some(worst) = worst {
        prop_assert!(
            (worst - fill.price.0) * fill.side.sign() >= 0,
            "worse than its limit"
        );
    }
    prop_assert!(
        fill.filled <= fill.ordered && fill.filled <= most,
        "more than ordered"
    );
    Ok(())
}

/// A pair never closes more than its entry opened.
fn pairs_close_no_more_than_they_opened(
    desk: &Desk,
    filled: &BTreeMap<FrameId, u32>,
) -> Result<(), TestCaseError> {
    let of = |leg: &FrameId| filled.get(leg).copied().unwrap_or(0);
    let mut pairs: BTreeMap<u64, (u32, u32)> = BTreeMap::new();
    for child in desk
        .commands
        .iter()
        .filter(|c| c.oca != 0 && c.op == CommandOp::Place)
    {
        let pair = pairs.entry(child.oca).or_insert((of(&child.parent_leg), 0));
        pair.1 += of(&child.leg);
    }
    let modified = desk
        .commands
        .iter()
        .any(|c| c.op == CommandOp::Modify && c.oca != 0);
    for (opened, closed) in pairs.values() {
        prop_assert!(closed <= opened || modified, "{closed} of {opened}");
    }
    Ok(())
}

/// What has ended stays as it ended.
fn what_has_ended_stays(desk: &Desk) -> Result<(), TestCaseError> {
    let mut ends: BTreeMap<FrameId, LegState> = BTreeMap::new();
    for status in desk.all::<Status>() {
        if let Some(&end) = ends.get(&status.leg) {
            prop_assert_eq!(end, status.state);
        } else if status.state.is_final() {
            ends.insert(status.leg, status.state);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_market_and_any_commands_keep_the_books_straight(
        acts in prop::collection::vec(act(), 1..80),
        reject_ppm in prop_oneof![Just(0u32), Just(300_000)],
    ) {
        let run = || {
            let mut desk = Desk::new(|config| config.reject_ppm = reject_ppm);
            let mut book = BTreeMap::new();
            for (n, act) in acts.iter().enumerate() {
                play(&mut desk, &mut book, n as u64 + 1, act);
            }
            desk
        };
        let desk = run();
        check(&desk)?;
        let bytes = |desk: &Desk| -> Vec<u8> {
            desk.answers.iter().flat_map(|draft| draft.frame().bytes().to_vec()).collect()
        };
        prop_assert!(bytes(&desk) == bytes(&run()), "the same stream, the same answers");
    }
}
