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
    let states: [(Reason, Shut); 15] = [
        (Reason::NotAllowed, |f| f.allowed = false),
        (Reason::Disarmed, |f| f.armed = false),
        (Reason::KillLevel, |f| f.kill = KillLevel::Pause),
        (Reason::KillLevel, |f| f.kill = KillLevel::Kill),
        (Reason::DailyLoss, |f| f.loss = f.loss_limit),
        (Reason::Link, |f| f.link_ready = false),
        (Reason::SessionWindow, |f| f.window = Window::default()),
        (Reason::Frozen, |f| f.frozen = true),
        (Reason::BookQuality, |f| f.quote.quality = 8),
        (Reason::Stale, |f| f.quote.market_ts = Nanos::ZERO),
        (Reason::Equity, |f| f.equity.as_of = Nanos::ZERO),
        (Reason::PriceCollar, |f| f.quote.ask = Price::ZERO),
        (Reason::TableFull, |f| f.brackets_free = 0),
        (Reason::PositionLimit, |f| f.position = 200),
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

#[test]
fn names_and_reasons_are_told_apart() {
    for (index, control) in TABLE.iter().enumerate() {
        assert!(
            TABLE[..index]
                .iter()
                .all(|other| other.name != control.name)
        );
        assert_ne!(control.reason, Reason::None);
    }
}
