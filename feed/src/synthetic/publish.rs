//! From what happened to frames: what each symbol's subscribers know, and the frames that wait to
//! be taken.
//!
//! The true market never looks in here. A symbol in a feed gap publishes nothing; what it would
//! have published is counted.

use super::config::Publish;
use super::ladder::{Effect, Ladder, ORDERS_MAX};
use super::letter::{Change, Letter, Print, Top};
use super::rows::Rows;
use stream::payload::{DepthSnapshot, Gap, GapReason, HaltState, Quote, flags};
use stream::{Draft, InstrumentId, Nanos, Price, Side, SourceId};

/// One event's log is at most a whole book deleted and a whole book added.
pub(super) const LOG_MAX: usize = 2 * ORDERS_MAX;
/// Frames that one event may publish at most: its log in order mode; prints, a quote and rows
/// otherwise.
const PENDING_MAX: usize = LOG_MAX + 64;

/// What one symbol's subscribers know.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    instrument: InstrumentId,
    tick: Price,
    top: Top,
    halt: HaltState,
    halt_known: HaltState,
    /// A depth slot is on it.
    subscribed: bool,
    /// Subscribers have rows, be they of a slot that ended in the gap.
    shown: bool,
    rows: [Rows; 2],
    in_gap: bool,
    /// Messages so far, those lost in the gap included.
    messages: u64,
    /// `messages` when the gap began.
    gap_from: u64,
}

/// A frame that waits to be taken.
#[derive(Clone, Copy, Debug)]
enum Item {
    Effect(Effect, u8),
    Print(Print),
    Quote(Top, u8),
    Row(Change),
    Snapshot,
    Halt(HaltState),
    Gap(Gap),
    Clear,
    /// The whole book by id, the order at this index next.
    Rebuild(u16),
}

#[derive(Clone, Debug)]
pub(super) struct Publisher {
    source: SourceId,
    mode: Publish,
    conflated: bool,
    channels: Vec<Channel>,
    /// All of one event, so one symbol's.
    pending: Vec<Item>,
    taken: usize,
    symbol: usize,
    now: Nanos,
    trades: u64,
}

impl Publisher {
    pub(super) fn new(
        source: SourceId,
        mode: Publish,
        conflated: bool,
        symbols: impl Iterator<Item = (InstrumentId, Price)>,
    ) -> Self {
        let channel = |(instrument, tick)| Channel {
            instrument,
            tick,
            top: Top::default(),
            halt: HaltState::Trading,
            halt_known: HaltState::Trading,
            subscribed: false,
            shown: false,
            rows: [Rows::default(); 2],
            in_gap: false,
            messages: 0,
            gap_from: 0,
        };
        Self {
            source,
            mode,
            conflated,
            channels: symbols.map(channel).collect(),
            pending: Vec::with_capacity(PENDING_MAX),
            taken: 0,
            symbol: 0,
            now: Nanos::ZERO,
            trades: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.pending.capacity()
    }

    /// True when no frame waits.
    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.pending.len()
    }

    /// An event of `symbol` at `now` begins to be published. All earlier frames must be taken.
    pub(super) fn begin(&mut self, symbol: usize, now: Nanos) {
        assert!(self.is_empty(), "a frame was overtaken");
        self.pending.clear();
        self.taken = 0;
        self.symbol = symbol;
        self.now = now;
    }

    fn channel(&mut self) -> &mut Channel {
        &mut self.channels[self.symbol]
    }

    fn push(&mut self, item: Item) {
        let channel = self.channel();
        channel.messages += 1;
        if channel.in_gap {
            return;
        }
        assert!(
            self.pending.len() < PENDING_MAX,
            "one event published too much"
        );
        self.pending.push(item);
    }

    /// What an order-flow event did.
    pub(super) fn event(&mut self, ladder: &Ladder, log: &[Effect]) {
        if self.mode == Publish::Orders {
            for (index, effect) in log.iter().enumerate() {
                let more = if index + 1 < log.len() {
                    flags::MORE
                } else {
                    0
                };
                self.push(Item::Effect(*effect, more));
            }
            return;
        }
        for effect in log {
            if let Effect::Execute {
                tick, qty, side, ..
            } = *effect
            {
                self.print(tick, qty, side.opposite(), 0);
            }
        }
        if !self.conflated {
            self.quote(ladder, 0);
        }
        self.depth(ladder);
    }

    fn print(&mut self, tick: i64, qty: u32, side: Side, flags: u8) {
        self.trades += 1;
        let id = self.trades;
        self.push(Item::Print(Print {
            tick,
            qty,
            side,
            flags,
            id,
        }));
    }

    /// An opening or reopening auction: one print between the quotes, counted by nobody.
    pub(super) fn cross(&mut self, ladder: &Ladder, tick: i64, qty: u32) {
        let top = Top::of(ladder);
        let tick = tick.clamp(top.bid, top.ask);
        self.print(tick, qty, Side::None, flags::NON_PRINTABLE);
    }

    /// The best quotes, if they changed.
    pub(super) fn quote(&mut self, ladder: &Ladder, flags: u8) {
        let top = Top::of(ladder);
        if self.mode == Publish::Orders || self.channel().top == top {
            return;
        }
        self.push(Item::Quote(top, flags));
        self.channel().top = top;
    }

    /// Positional rows, while a depth slot is on.
    fn depth(&mut self, ladder: &Ladder) {
        let channel = self.channel();
        if !channel.subscribed || channel.in_gap {
            return;
        }
        let goal = [Rows::of(ladder, Side::Buy), Rows::of(ladder, Side::Sell)];
        let mut rows = channel.rows;
        // The side that retreats goes first, so that the picture is never crossed in between.
        let best = |rows: &Rows| rows.as_slice().first().map_or(i64::MIN, |row| row.tick);
        let bids_retreat = best(&goal[0]) < best(&rows[0]);
        let order = if bids_retreat { [0, 1] } else { [1, 0] };
        let first = self.pending.len();
        for half in order {
            let side = [Side::Buy, Side::Sell][half];
            rows[half].turn_into(&goal[half], |op, position, row| {
                self.push(Item::Row(Change {
                    row,
                    position: position as u16,
                    op,
                    side,
                    flags: flags::MORE,
                }));
            });
        }
        self.channel().rows = rows;
        if let Some(Item::Row(change)) = self.pending[first..].last_mut() {
            change.flags = 0;
        }
    }

    /// The book was built anew while trading was halted.
    pub(super) fn rebuilt(&mut self, ladder: &Ladder) {
        match self.mode {
            Publish::Orders => self.picture(ladder),
            Publish::Broker => {
                self.quote(ladder, 0);
                self.depth(ladder);
            }
        }
    }

    /// The whole book anew, after which all is known again.
    pub(super) fn picture(&mut self, ladder: &Ladder) {
        if self.mode == Publish::Orders {
            self.push(Item::Clear);
            if let Some(first) = ladder.front(Side::Buy).or(ladder.front(Side::Sell)) {
                self.push(Item::Rebuild(first));
            }
            return;
        }
        // No true best is all zero, so the quote is told whether it changed or not.
        self.channel().top = Top::default();
        self.quote(ladder, flags::SNAPSHOT);
        self.positional(ladder);
    }

    /// The whole positional depth, or that there is none any more.
    fn positional(&mut self, ladder: &Ladder) {
        let channel = self.channel();
        if channel.subscribed {
            channel.rows = [Rows::of(ladder, Side::Buy), Rows::of(ladder, Side::Sell)];
        } else if channel.shown {
            channel.rows = [Rows::default(); 2];
        } else {
            return;
        }
        channel.shown = channel.subscribed;
        self.push(Item::Snapshot);
    }

    /// A depth slot begins or ends. In a gap, subscribers learn it when the gap ends.
    pub(super) fn slot(&mut self, ladder: &Ladder, subscribe: bool) {
        let before = core::mem::replace(&mut self.channel().subscribed, subscribe);
        if subscribe != before && !self.channel().in_gap {
            self.positional(ladder);
        }
    }

    /// Trading halts, or goes on.
    pub(super) fn halt(&mut self, state: HaltState) {
        self.push(Item::Halt(state));
        let channel = self.channel();
        channel.halt = state;
        if !channel.in_gap {
            channel.halt_known = state;
        }
    }

    /// Messages are lost from here on.
    pub(super) fn gap_begin(&mut self) {
        let source = self.source;
        let from = self.channel().messages + 1;
        self.channel().gap_from = from;
        self.push_gap(Gap {
            from,
            to: 0,
            lost: 0,
            source,
            reason: GapReason::Lost,
            spare: [0; 5],
        });
        self.channel().in_gap = true;
    }

    /// Messages arrive again: what changed meanwhile is told, then that all is told.
    pub(super) fn gap_end(&mut self, ladder: &Ladder) {
        let source = self.source;
        let channel = self.channel();
        channel.in_gap = false;
        let (from, to) = (channel.gap_from, channel.messages + 1);
        let missed_halt = (channel.halt != channel.halt_known).then_some(channel.halt);
        if let Some(state) = missed_halt {
            self.halt(state);
        }
        self.picture(ladder);
        self.push_gap(Gap {
            from,
            to,
            lost: to - from,
            source,
            reason: GapReason::Recovered,
            spare: [0; 5],
        });
    }

    /// A gap's own frames are not among the messages that it counts.
    fn push_gap(&mut self, gap: Gap) {
        self.push(Item::Gap(gap));
        self.channel().messages -= 1;
    }

    /// The symbol that the waiting frames are about.
    pub(super) const fn symbol(&self) -> usize {
        self.symbol
    }

    /// Writes the next waiting frame; `ladder` is the symbol's. False when there is none.
    pub(super) fn take(&mut self, ladder: &Ladder, draft: &mut Draft) -> bool {
        let letter = self.letter(self.symbol);
        let Some(item) = self.pending.get_mut(self.taken) else {
            return false;
        };
        let rows = &self.channels[self.symbol].rows;
        let mut done = true;
        match *item {
            Item::Effect(effect, flags) => letter.effect(effect, flags, draft),
            Item::Print(print) => letter.print(print, draft),
            Item::Quote(top, flags) => letter.quote(top, flags, draft),
            Item::Row(change) => letter.row(change, draft),
            Item::Snapshot => letter.snapshot(rows, draft),
            Item::Halt(state) => letter.halt(state, draft),
            Item::Gap(gap) => draft.write(letter.instrument, &gap),
            Item::Clear => letter.clear(draft),
            Item::Rebuild(at) => {
                let next = following(ladder, at);
                letter.standing(ladder, at, next.is_some(), draft);
                if let Some(next) = next {
                    *item = Item::Rebuild(next);
                    done = false;
                }
            }
        }
        self.taken += usize::from(done);
        true
    }

    /// The best quotes as they truly are.
    pub(super) fn true_quote(&self, symbol: usize, ladder: &Ladder) -> Quote {
        self.letter(symbol).top(Top::of(ladder), 0)
    }

    /// The whole positional depth as it truly is.
    pub(super) fn true_depth(&self, symbol: usize, ladder: &Ladder) -> DepthSnapshot {
        let rows = [Rows::of(ladder, Side::Buy), Rows::of(ladder, Side::Sell)];
        self.letter(symbol).depth(&rows)
    }

    fn letter(&self, symbol: usize) -> Letter {
        let channel = &self.channels[symbol];
        Letter {
            source: self.source,
            instrument: channel.instrument,
            tick: channel.tick,
            now: self.now,
        }
    }
}

/// The next order of a whole book: bids from the best, then asks.
fn following(ladder: &Ladder, at: u16) -> Option<u16> {
    ladder.behind(at).or_else(|| match ladder.order(at).side {
        Side::Buy => ladder.front(Side::Sell),
        _ => None,
    })
}
