//! What risk knows of one instrument: definition, quote, position, working entries, and how far
//! the closing of it has come.

use crate::config::{Config, InstrumentLimits, MULTIPLIER_MAX};
use crate::controls::Quote;
use crate::holding::{Holding, POSITION_BOUND, is_believable};
use stream::payload::{Borrow, BorrowState, Instrument, Reason, quality};
use stream::{FrameId, Nanos, Price, hash};

/// Whose position it is, as it would be closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    // Definition. All zero until an `Instrument` frame came.
    pub(crate) symbol: [u8; 16],
    pub(crate) allowed: bool,
    pub(crate) shortable: bool,
    /// Shares that can be borrowed, and one more; 0 where nobody speaks of it.
    pub(crate) borrow: u64,
    pub(crate) limits: InstrumentLimits,
    pub(crate) multiplier: u32,
    pub(crate) tick: Price,
    pub(crate) lot: u32,

    // Market.
    pub(crate) quote: Quote,
    /// Last sound bid and ask; kept when a side is empty.
    pub(crate) mark_bid: Price,
    pub(crate) mark_ask: Price,

    // Position.
    pub(crate) holding: Holding,
    /// What of it no order of ours made.
    pub(crate) others: i64,
    pub(crate) fees: i128,
    pub(crate) fills: u32,
    pub(crate) fees_awaited: u32,
    /// The open round trip, 0 for none.
    pub(crate) trip: u32,
    /// Reserved by entries.
    pub(crate) working_buy: i64,
    pub(crate) working_sell: i64,

    // Reconciliation.
    pub(crate) frozen: bool,
    /// The broker's position, as long as no execution came after it.
    pub(crate) broker: Option<i64>,
    /// Since when the broker's position differs; 0 while it does not.
    pub(crate) differs_since: Nanos,

    // Closing.
    /// Why it must be closed, beyond kill levels and the session's end.
    pub(crate) due: Reason,
    /// The flatten at work, none for none.
    pub(crate) flatten: FrameId,
    pub(crate) flatten_step: u8,
    pub(crate) flatten_limit: Price,
    pub(crate) retry_at: Nanos,

    // Shares of the account's totals, in 1e-9.
    pub(crate) unrealised: i128,
    pub(crate) gross: i128,
    pub(crate) exposure: i128,

    /// Its profit changed since the last report.
    pub(crate) changed: bool,
    /// Its hash is out of date.
    pub(crate) dirty: bool,
    pub(crate) hash: u64,
}

impl Slot {
    pub(crate) fn new(limits: InstrumentLimits) -> Self {
        Self {
            symbol: [0; 16],
            allowed: false,
            shortable: false,
            borrow: 0,
            limits,
            multiplier: 1,
            tick: Price::ZERO,
            lot: 1,
            quote: Quote::default(),
            mark_bid: Price::ZERO,
            mark_ask: Price::ZERO,
            holding: Holding::default(),
            others: 0,
            fees: 0,
            fills: 0,
            fees_awaited: 0,
            trip: 0,
            working_buy: 0,
            working_sell: 0,
            frozen: false,
            broker: None,
            differs_since: Nanos::ZERO,
            due: Reason::None,
            flatten: FrameId::NONE,
            flatten_step: 0,
            flatten_limit: Price::ZERO,
            retry_at: Nanos::ZERO,
            unrealised: 0,
            gross: 0,
            exposure: 0,
            changed: false,
            dirty: false,
            hash: 0,
        }
    }

    /// Takes a definition and looks it up on the allow-list.
    pub(crate) fn define(&mut self, definition: &Instrument, config: &Config) {
        self.symbol = definition.symbol;
        self.shortable = definition.shortable != 0;
        self.tick = definition.tick_size;
        self.lot = definition.lot;
        let listed = config.instruments.iter().find(|allowed| {
            allowed.symbol == definition.symbol
                && allowed.venue.is_none_or(|venue| venue == definition.venue)
        });
        let sane = definition.tick_size.0 > 0
            && definition.lot > 0
            && (1..=MULTIPLIER_MAX).contains(&definition.multiplier);
        self.allowed = sane
            && definition.currency == config.currency
            && listed.is_some_and(|allowed| {
                allowed
                    .multiplier
                    .is_none_or(|pinned| pinned == definition.multiplier)
            });
        self.limits = listed
            .and_then(|allowed| allowed.limits)
            .unwrap_or(config.limits);
        if (1..=MULTIPLIER_MAX).contains(&definition.multiplier) {
            self.multiplier = definition.multiplier;
        }
    }

    /// The broker's word on shares to borrow; what is not known is none.
    pub(crate) const fn on_borrow(&mut self, borrow: &Borrow) {
        self.borrow = match borrow.state {
            BorrowState::Available => borrow.shares.saturating_add(1),
            BorrowState::Unknown | BorrowState::Unavailable => 1,
        };
    }

    /// Shares that can be borrowed; `None` where nobody speaks of it.
    pub(crate) const fn borrowable(&self) -> Option<u64> {
        self.borrow.checked_sub(1)
    }

    /// Takes a quote; true when the mark of what is held changed. A side that is empty, and a
    /// book that is crossed, gapped or between two states, leave the marks as they were.
    #[inline]
    pub(crate) fn on_quote(&mut self, bid: Price, ask: Price, flags: u8) -> bool {
        self.quote.bid = bid;
        self.quote.ask = ask;
        self.quote.quality = flags;
        if flags & (quality::CROSSED | quality::GAPPED | quality::EMPTY) != 0 {
            return false;
        }
        let before = self.mark();
        if is_believable(bid) {
            self.mark_bid = bid;
        }
        if is_believable(ask) {
            self.mark_ask = ask;
        }
        self.mark() != before
    }

    /// What is held and was never quoted is marked at the price that it traded at.
    pub(crate) fn mark_at_least(&mut self, price: Price) {
        if self.holding.qty != 0 && self.mark() == Price::ZERO {
            let mark = if self.holding.qty > 0 {
                &mut self.mark_bid
            } else {
                &mut self.mark_ask
            };
            *mark = price;
        }
    }

    /// A trade that no order of ours made.
    pub(crate) fn add_others(&mut self, signed: i64) {
        let others = self.others.saturating_add(signed);
        self.others = others.clamp(-POSITION_BOUND, POSITION_BOUND);
    }

    /// What is held is ours and others' from now on; what one closed of the other is forgotten.
    pub(crate) fn settle_others(&mut self) {
        self.others = self.holding.qty.saturating_sub(self.own());
    }

    /// The price at which what is held would be closed; 0 when flat or never quoted.
    pub(crate) const fn mark(&self) -> Price {
        match self.holding.qty {
            0 => Price::ZERO,
            1.. => self.mark_bid,
            _ => self.mark_ask,
        }
    }

    /// Most that could be held, long or short, with every working entry filled.
    pub(crate) fn worst(&self) -> i64 {
        let long = self.holding.qty.max(0) + self.working_buy;
        let short = (-self.holding.qty).max(0) + self.working_sell;
        long.max(short)
    }

    /// True while the broker says something else than our own executions.
    pub(crate) fn differs(&self) -> bool {
        self.differs_since > Nanos::ZERO
    }

    /// What of the position our orders made, as far as it is still there. The rest is others', and
    /// never ours to close.
    pub(crate) fn own(&self) -> i64 {
        stream::own_position(self.holding.qty, self.others)
    }

    /// How much of the position may be closed: all that is ours, unless the broker disagrees; then
    /// what both agree on.
    pub(crate) fn closable(&self) -> i64 {
        let own = self.own();
        match self.broker {
            Some(broker) if self.differs() => {
                if own.signum() == broker.signum() {
                    own.abs().min(broker.abs())
                } else {
                    0
                }
            }
            _ => own.abs(),
        }
    }

    /// Nothing is held any more: whatever was to be closed is closed.
    pub(crate) fn closed(&mut self) {
        self.due = Reason::None;
        self.flatten = FrameId::NONE;
        self.flatten_step = 0;
        self.retry_at = Nanos::ZERO;
    }

    /// Worth saving.
    pub(crate) fn has_state(&self) -> bool {
        self.holding != Holding::default()
            || self.others != 0
            || self.fees != 0
            || self.fills != 0
            || self.fees_awaited != 0
            || self.working_buy != 0
            || self.working_sell != 0
            || self.frozen
            || self.due != Reason::None
            || !self.flatten.is_none()
    }

    pub(crate) fn compute_hash(&self, index: usize) -> u64 {
        let values = [
            self.quote.bid.0 as u64,
            self.quote.ask.0 as u64,
            self.quote.last.0 as u64,
            self.quote.market_ts.0,
            u64::from(self.quote.quality)
                | u64::from(self.frozen) << 8
                | u64::from(self.allowed) << 9
                | u64::from(self.shortable) << 10
                | (self.due as u64) << 16
                | u64::from(self.flatten_step) << 24
                | u64::from(self.changed) << 32,
            self.mark_bid.0 as u64,
            self.mark_ask.0 as u64,
            self.holding.qty as u64,
            self.others as u64,
            self.holding.cost as u64,
            self.holding.realised as u64,
            self.fees as u64,
            u64::from(self.fills) << 32 | u64::from(self.fees_awaited),
            u64::from(self.trip) << 32 | u64::from(self.multiplier),
            self.working_buy as u64,
            self.working_sell as u64,
            self.broker.map_or(u64::MAX, |qty| qty as u64),
            self.differs_since.0,
            self.flatten.0,
            self.flatten_limit.0 as u64,
            self.retry_at.0,
            self.tick.0 as u64 ^ u64::from(self.lot) << 48 ^ self.borrow.rotate_right(8),
        ];
        hash::fold_all(hash::mix(index as u64), values)
    }
}
