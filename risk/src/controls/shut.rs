//! Control 21: whatever shuts entries lets exits through, and every control of the table can shut.

use super::fixture::{Fixture, cents, entry, exit};
use super::{Gate, Phase, Proposal, TABLE, Window, check};
use crate::config::Mode;
use stream::payload::{KillLevel, Reason};
use stream::{Money, Nanos, Price};

fn verdict(fixture: &Fixture, proposal: &Proposal) -> Result<(), Reason> {
    let view = fixture.view();
    check(Phase::Before, proposal, &view)
        .and_then(|()| check(Phase::Sized, proposal, &view))
        .map_err(|breach| breach.reason)
}

#[test]
fn exits_pass_in_every_state_that_shuts_entries() {
    type Shut = fn(&mut Fixture);
    let states: [(Reason, Shut); 18] = [
        (Reason::NotAllowed, |f| f.allowed = false),
        (Reason::Disarmed, |f| f.armed = false),
        (Reason::KillLevel, |f| f.kill = KillLevel::Pause),
        (Reason::KillLevel, |f| f.kill = KillLevel::Kill),
        (Reason::DailyLoss, |f| f.loss = f.loss_limit),
        (Reason::Link, |f| f.link_ready = false),
        (Reason::SessionWindow, |f| f.window = Window::default()),
        (Reason::Frozen, |f| f.frozen = true),
        (Reason::SelfTrade, |f| f.working_sell = 1),
        (Reason::BookQuality, |f| f.quote.quality = 8),
        (Reason::Stale, |f| f.quote.market_ts = Nanos::ZERO),
        (Reason::Equity, |f| f.equity.as_of = Nanos::ZERO),
        (Reason::PriceCollar, |f| f.quote.ask = Price::ZERO),
        (Reason::TableFull, |f| f.brackets_free = 0),
        (Reason::PositionLimit, |f| f.position = 200),
        (Reason::GrossLimit, |f| {
            f.gross_others = f.config.gross_max.0.into()
        }),
        (Reason::OrderQuantity, |f| {
            f.config.limits.order_quantity_max = 9
        }),
        (Reason::OrderValue, |f| {
            f.config.limits.order_value_max = Money(1)
        }),
    ];
    for (reason, shut) in states {
        let mut fixture = Fixture::new();
        let adding = Proposal { qty: 10, ..entry() };
        assert_eq!(verdict(&fixture, &adding), Ok(()));
        shut(&mut fixture);
        assert_eq!(verdict(&fixture, &adding), Err(reason));
        assert_eq!(verdict(&fixture, &exit()), Ok(()), "{reason:?}");
    }
}

/// Every control but these two is for entries alone: nonsense and observing stop everything.
#[test]
fn only_nonsense_and_observing_can_stop_an_exit() {
    for control in TABLE {
        let any = matches!(control.reason, Reason::BadIntent | Reason::Observe);
        assert_eq!(control.gate == Gate::Any, any, "{}", control.name);
    }
    let mut fixture = Fixture::new();
    fixture.config.mode = Mode::Observe;
    assert_eq!(verdict(&fixture, &exit()), Err(Reason::Observe));
    let nonsense = Proposal {
        limit: Price(cents(9_950).0 + 1),
        ..exit()
    };
    assert_eq!(verdict(&Fixture::new(), &nonsense), Err(Reason::BadIntent));
}

/// A control that is taken out of the table, or asked elsewhere, is missed here.
#[test]
fn the_table_is_complete_and_in_order() {
    let names: Vec<&str> = TABLE.iter().map(|control| control.name).collect();
    let before = [
        "observe",
        "not_allowed",
        "bad_intent",
        "disarmed",
        "kill_level",
        "daily_loss",
        "link",
        "session_window",
        "frozen",
        "self_trade",
        "short_sale",
        "book_quality",
        "stale",
        "equity",
        "price_collar",
        "table_full",
    ];
    let sized = [
        "order_quantity",
        "order_value",
        "position_limit",
        "borrow",
        "gross",
    ];
    assert_eq!(names, [&before[..], &sized[..]].concat());
    for control in TABLE {
        let phase = if sized.contains(&control.name) {
            Phase::Sized
        } else {
            Phase::Before
        };
        assert_eq!(control.phase, phase, "{}", control.name);
        assert_ne!(control.reason, Reason::None);
    }
}
