//! What the broker says of the account to whoever asks, and what it corrects by itself.

use super::{SimBroker, SimEdge};
use stream::{InstrumentId, Money, Price, Side};

/// The account as the broker values it now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Cash and positions, each at the price at which it would be closed.
    pub equity: Money,
    /// Cash, with what futures gained or lost.
    pub cash: Money,
    /// Free for new positions.
    pub available: Money,
    /// Bound by open positions.
    pub margin: Money,
}

impl SimEdge {
    /// The account's values now.
    #[must_use]
    pub fn values(&self) -> Values {
        self.venue.account.valued(&self.books, &self.config)
    }

    /// Price at which a position would be closed now; for a flat one, at which it would be sold.
    /// 0 for instruments that the broker does not know.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Price {
        let account = &self.venue.account;
        let known = account.holding(instrument);
        known.map_or(Price::ZERO, |_| account.mark(&self.books, instrument))
    }
}

impl SimBroker {
    /// Average entry price of a position; 0 when flat.
    #[must_use]
    pub fn average(&self, instrument: InstrumentId) -> Price {
        let holding = self.venue.account.holding(instrument);
        holding.map_or(Price::ZERO, |holding| holding.average())
    }

    /// What a position of that size would bind; 0 for instruments that the broker does not know.
    #[must_use]
    pub fn margin_of(&self, instrument: InstrumentId, qty: u32, price: Price) -> Money {
        let account = &self.venue.account;
        let known = account.holding(instrument);
        known.map_or(Money::ZERO, |_| {
            let margin = account.margin_of(&self.config, instrument, (qty, price));
            Money(i64::try_from(margin).unwrap_or(i64::MAX))
        })
    }

    /// The broker books a trade that none of its orders made: a correction, a bust, a trade by
    /// hand. False for instruments that it does not know, and for no side or quantity.
    pub fn book_trade(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        (qty, price): (u32, Price),
        fee: Money,
    ) -> bool {
        let account = &mut self.venue.account;
        let sound = account.holding(instrument).is_some() && side != Side::None && qty > 0;
        if sound {
            account.trade(instrument, side, (qty, price), fee);
        }
        sound
    }
}
