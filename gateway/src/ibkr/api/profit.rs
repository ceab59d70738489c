//! The crate's subscriptions to profit as gauges of ours.

use super::super::broker::{Answer, Gauge};
use super::super::decimal::{self, amount};
use super::super::profit::{PositionProfit, Profit};
use super::no_answer;
use ibapi::Error;
use ibapi::accounts::{PnL, PnLSingle};
use ibapi::client::blocking::Subscription;
use ibapi::subscriptions::SubscriptionItem;

/// Of the account.
pub struct Total {
    pub(super) stream: Subscription<PnL>,
}

/// Of one position.
pub struct Single {
    pub(super) stream: Subscription<PnLSingle>,
}

type Item<T> = Option<Result<SubscriptionItem<T>, Error>>;

/// Everything that came, and of it the last that can be used.
fn newest<T, U>(
    mut next: impl FnMut() -> Item<T>,
    read: impl Fn(&T) -> Option<U>,
) -> Answer<Option<U>> {
    let mut last = None;
    loop {
        match next() {
            Some(Ok(SubscriptionItem::Data(data))) => last = read(&data).or(last),
            Some(Ok(SubscriptionItem::Notice(_))) => {}
            Some(Err(error)) => return Err(no_answer(error)),
            None => return Ok(last),
        }
    }
}

fn total(said: &PnL) -> Option<Profit> {
    Some(Profit {
        daily: amount(said.daily_pnl)?,
        unrealised: said.unrealized_pnl.and_then(amount),
        realised: said.realized_pnl.and_then(amount),
    })
}

fn single(said: &PnLSingle) -> Option<PositionProfit> {
    let (qty, fraction) = decimal::position(said.position).ok()?;
    (fraction == 0).then_some(())?;
    Some(PositionProfit {
        qty: qty.0,
        value: amount(said.value)?,
        profit: Profit {
            daily: amount(said.daily_pnl)?,
            unrealised: amount(said.unrealized_pnl),
            realised: amount(said.realized_pnl),
        },
    })
}

impl Gauge<Profit> for Total {
    fn newest(&mut self) -> Answer<Option<Profit>> {
        newest(|| self.stream.try_next(), total)
    }
}

impl Gauge<PositionProfit> for Single {
    fn newest(&mut self) -> Answer<Option<PositionProfit>> {
        newest(|| self.stream.try_next(), single)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Money;

    #[test]
    fn what_is_not_reckoned_yet_is_none_and_not_zero() {
        let said = PnL {
            daily_pnl: -12.34,
            unrealized_pnl: None,
            realized_pnl: Some(1.797e308),
        };
        let read = total(&said).expect("the day's is there");
        assert_eq!(read.daily, Money(-12_340_000_000));
        assert_eq!((read.unrealised, read.realised), (None, None));
        let unset = PnL {
            daily_pnl: 1.797e308,
            ..said
        };
        assert_eq!(total(&unset), None);
    }

    #[test]
    fn a_fraction_of_a_share_is_no_position_of_ours() {
        let said = |position| PnLSingle {
            position,
            daily_pnl: 1.0,
            unrealized_pnl: 1.0,
            realized_pnl: 0.0,
            value: 500.0,
        };
        let five = single(&said(5.0)).expect("whole");
        assert_eq!((five.qty, five.value), (5, Money(500_000_000_000)));
        assert_eq!(single(&said(5.5)), None);
    }
}
