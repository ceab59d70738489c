//! Throttles: how often a strategy may give signals and intents.
//!
//! A signal is edge-triggered: once given for an instrument and side it is not repeated before the
//! score has fallen below `rearm_share` of its threshold *and* `signal_quiet` has passed. An
//! instrument rests after a round trip, longer after a loss. A strategy rests after a streak of
//! losing round trips (before fees). Entries are counted when intended, and uncounted when nothing
//! filled. A session's counts start over with its date; rests and streaks do not.

use crate::codec::{Reader, Writer};
use crate::gates;
use crate::session::side_index;
use stream::hash::fold;
use stream::{InstrumentId, Nanos, Side};

/// Limits of the throttles.
#[derive(Clone, Debug, PartialEq)]
pub struct ThrottleConfig {
    /// Signals in one evaluation at most; the rest waits for the next. Default 8.
    pub signals_per_evaluation: usize,
    /// Intents in one evaluation at most. Default 2.
    pub intents_per_evaluation: usize,
    /// Signals in one session at most, all strategies; none is given beyond. Default 2,000.
    pub signals_per_session: u32,
    /// Intents in one session at most, all strategies. Default 100.
    pub intents_per_session: u32,
    /// Entries of one instrument in a session. Default 20.
    pub entries_per_instrument: u16,
    /// Entries of one strategy in a session. Default 60.
    pub entries_per_strategy: u32,
    /// Time between two signals of a strategy on an instrument. Default 30 s.
    pub signal_quiet: Nanos,
    /// The score must fall below this share of the threshold first. Default 0.7.
    pub rearm_share: f64,
    /// Rest of an instrument after a round trip. Default 60 s.
    pub cool_down: Nanos,
    /// The same after a losing one. Default 180 s.
    pub cool_down_loss: Nanos,
    /// Rest of an instrument after a refused intent. Default 30 s.
    pub cool_down_refused: Nanos,
    /// Rest of an instrument after an entry that did not fill. Default 10 s.
    pub cool_down_unfilled: Nanos,
    /// Losing round trips in a row after which a strategy rests; 0 is never. Default 4.
    pub losses: u32,
    /// How long it rests then. Default 30 min.
    pub loss_pause: Nanos,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            signals_per_evaluation: 8,
            intents_per_evaluation: 2,
            signals_per_session: 2_000,
            intents_per_session: 100,
            entries_per_instrument: 20,
            entries_per_strategy: 60,
            signal_quiet: Nanos::from_secs(30),
            rearm_share: 0.7,
            cool_down: Nanos::from_secs(60),
            cool_down_loss: Nanos::from_secs(180),
            cool_down_refused: Nanos::from_secs(30),
            cool_down_unfilled: Nanos::from_secs(10),
            losses: 4,
            loss_pause: Nanos::from_secs(1_800),
        }
    }
}

/// Why an instrument rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// A round trip that won or broke even.
    Win,
    /// A round trip that lost.
    Loss,
    /// A refused intent.
    Refused,
    /// An entry that did not fill.
    Unfilled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pair {
    fired: [bool; 2],
    quiet_until: Nanos,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PerInstrument {
    rest_until: Nanos,
    entries: u16,
    date: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct PerStrategy {
    losses: u32,
    rest_until: Nanos,
    entries: u32,
}

/// Bytes of the throttles in a checkpoint at most.
#[must_use]
pub fn bytes_max(instruments: usize, strategies: usize) -> usize {
    let per_instrument = 2 + 14 + strategies * 9;
    14 + strategies * 16 + (instruments + 1) * per_instrument
}

/// All throttles.
#[derive(Clone, Debug)]
pub struct Throttles {
    config: ThrottleConfig,
    date: u32,
    signals: u32,
    intents: u32,
    intents_now: usize,
    strategies: Vec<PerStrategy>,
    instruments: Vec<PerInstrument>,
    /// Row by instrument, column by strategy.
    pairs: Vec<Pair>,
    /// The hash of all this, where it is known.
    known: Option<u64>,
}

impl Throttles {
    /// Fresh throttles for instruments 1 to `instruments` and strategies 1 to `strategies`.
    #[must_use]
    pub fn new(config: ThrottleConfig, instruments: usize, strategies: usize) -> Self {
        Self {
            config,
            date: 0,
            signals: 0,
            intents: 0,
            intents_now: 0,
            strategies: vec![PerStrategy::default(); strategies],
            instruments: vec![PerInstrument::default(); instruments + 1],
            pairs: vec![Pair::default(); (instruments + 1) * strategies],
            known: None,
        }
    }

    fn pair(&mut self, instrument: InstrumentId, strategy: u16) -> &mut Pair {
        let strategies = self.strategies.len();
        &mut self.pairs[instrument.index() * strategies + usize::from(strategy) - 1]
    }

    fn strategy(&mut self, strategy: u16) -> Option<&mut PerStrategy> {
        self.strategies
            .get_mut(usize::from(strategy).checked_sub(1)?)
    }

    /// A session began for one instrument, or for all with `InstrumentId::NONE`; only a new date
    /// starts counts over.
    pub fn begin_session(&mut self, instrument: InstrumentId, date: u32) {
        self.known = None;
        let all = instrument == InstrumentId::NONE;
        for (i, one) in self.instruments.iter_mut().enumerate() {
            if (all || i == instrument.index()) && one.date != date {
                one.date = date;
                one.entries = 0;
            }
        }
        if date > self.date {
            self.date = date;
            self.signals = 0;
            self.intents = 0;
            for strategy in &mut self.strategies {
                strategy.entries = 0;
            }
        }
    }

    /// An evaluation begins.
    pub fn begin_evaluation(&mut self) {
        self.intents_now = 0;
    }

    /// Takes both sides' scores; the side that may signal now, if any, is returned.
    pub fn trigger(
        &mut self,
        instrument: InstrumentId,
        strategy: u16,
        ts: Nanos,
        scores: [f64; 2],
        threshold: f64,
    ) -> Option<Side> {
        let rearm = threshold * self.config.rearm_share;
        let pair = self.pair(instrument, strategy);
        let before = pair.fired;
        for (fired, score) in pair.fired.iter_mut().zip(scores) {
            *fired &= score >= rearm;
        }
        let is_rearmed = pair.fired != before;
        let side = if scores[0] >= scores[1] {
            Side::Buy
        } else {
            Side::Sell
        };
        let i = side_index(side);
        let ready = scores[i] >= threshold && !pair.fired[i] && ts >= pair.quiet_until;
        if is_rearmed {
            self.known = None;
        }
        ready.then_some(side)
    }

    /// True while the session's signals are not used up.
    #[must_use]
    pub fn may_signal(&self) -> bool {
        self.signals < self.config.signals_per_session
    }

    /// A signal was given.
    pub fn on_signal(&mut self, instrument: InstrumentId, strategy: u16, side: Side, ts: Nanos) {
        let quiet_until = ts.saturating_add(self.config.signal_quiet);
        self.known = None;
        self.signals += 1;
        let pair = self.pair(instrument, strategy);
        pair.fired[side_index(side)] = true;
        pair.quiet_until = quiet_until;
    }

    /// The gates that the throttles close for an intent now.
    #[must_use]
    pub fn gates(&self, instrument: InstrumentId, strategy: u16, ts: Nanos) -> u32 {
        let config = &self.config;
        let one = self.instruments[instrument.index()];
        let own = self.strategies[usize::from(strategy) - 1];
        let closed = [
            (ts < one.rest_until, gates::COOL_DOWN),
            (
                one.entries >= config.entries_per_instrument,
                gates::ENTRIES_INSTRUMENT,
            ),
            (
                own.entries >= config.entries_per_strategy,
                gates::ENTRIES_STRATEGY,
            ),
            (
                self.intents >= config.intents_per_session,
                gates::INTENTS_SESSION,
            ),
            (
                self.intents_now >= config.intents_per_evaluation,
                gates::INTENTS_EVALUATION,
            ),
            (ts < own.rest_until, gates::LOSS_STREAK),
        ];
        closed
            .iter()
            .filter(|(is_closed, _)| *is_closed)
            .fold(0, |gates, (_, gate)| gates | gate)
    }

    /// An intent was made.
    pub fn on_intent(&mut self, instrument: InstrumentId, strategy: u16) {
        self.known = None;
        self.intents += 1;
        self.intents_now += 1;
        self.instruments[instrument.index()].entries += 1;
        if let Some(own) = self.strategy(strategy) {
            own.entries += 1;
        }
    }

    /// An instrument's bracket or intent is over. A refused or unfilled entry is given back.
    pub fn on_end(&mut self, instrument: InstrumentId, strategy: u16, ts: Nanos, rest: Rest) {
        let config = &self.config;
        let span = match rest {
            Rest::Win => config.cool_down,
            Rest::Loss => config.cool_down_loss,
            Rest::Refused => config.cool_down_refused,
            Rest::Unfilled => config.cool_down_unfilled,
        };
        let (limit, pause) = (config.losses, config.loss_pause);
        self.known = None;
        let one = &mut self.instruments[instrument.index()];
        one.rest_until = one.rest_until.max(ts.saturating_add(span));
        let entry_unused = matches!(rest, Rest::Refused | Rest::Unfilled);
        if strategy != 0 && entry_unused {
            one.entries = one.entries.saturating_sub(1);
        }
        let Some(own) = self.strategy(strategy) else {
            return;
        };
        match rest {
            Rest::Win => own.losses = 0,
            Rest::Loss => {
                own.losses += 1;
                if limit > 0 && own.losses >= limit {
                    own.losses = 0;
                    own.rest_until = own.rest_until.max(ts.saturating_add(pause));
                }
            }
            Rest::Refused | Rest::Unfilled => own.entries = own.entries.saturating_sub(1),
        }
    }

    /// Signals and intents given in this session.
    #[must_use]
    pub fn counts(&self) -> (u32, u32) {
        (self.signals, self.intents)
    }

    /// A hash of everything; asked again, it is at hand until something changes.
    #[must_use]
    pub fn hash(&self) -> u64 {
        debug_assert!(self.known.is_none_or(|known| known == self.compute_hash()));
        self.known.unwrap_or_else(|| self.compute_hash())
    }

    /// Keeps the hash of everything at hand.
    pub fn settle_hash(&mut self) {
        if self.known.is_none() {
            self.known = Some(self.compute_hash());
        }
    }

    fn compute_hash(&self) -> u64 {
        let mut hash = fold(u64::from(self.date), u64::from(self.signals));
        hash = fold(hash, u64::from(self.intents));
        for own in &self.strategies {
            let counts = u64::from(own.losses) << 32 | u64::from(own.entries);
            hash = fold(hash, own.rest_until.0 ^ counts.rotate_left(13));
        }
        let mut sum = 0_u64;
        for (i, one) in self.instruments.iter().enumerate() {
            let row = self.row(i);
            if self.is_fresh(i) {
                continue;
            }
            let mut own = fold(
                i as u64,
                one.rest_until.0 ^ u64::from(one.date) << 32 ^ u64::from(one.entries),
            );
            for pair in row {
                let fired = u64::from(pair.fired[0]) | u64::from(pair.fired[1]) << 1;
                own = fold(own, pair.quiet_until.0 << 2 | fired);
            }
            sum = sum.wrapping_add(own);
        }
        fold(hash, sum)
    }

    fn row(&self, instrument: usize) -> &[Pair] {
        let strategies = self.strategies.len();
        &self.pairs[instrument * strategies..(instrument + 1) * strategies]
    }

    fn is_fresh(&self, instrument: usize) -> bool {
        self.instruments[instrument] == PerInstrument::default()
            && self
                .row(instrument)
                .iter()
                .all(|pair| *pair == Pair::default())
    }

    /// Appends everything; instruments that are as fresh as new are left out.
    pub fn save(&self, writer: &mut Writer<'_>) {
        writer.u32(self.date);
        writer.u32(self.signals);
        writer.u32(self.intents);
        for own in &self.strategies {
            writer.u32(own.losses);
            writer.u64(own.rest_until.0);
            writer.u32(own.entries);
        }
        let used = (0..self.instruments.len()).filter(|&i| !self.is_fresh(i));
        writer.u16(used.clone().count() as u16);
        for i in used {
            writer.u16(i as u16);
            writer.u64(self.instruments[i].rest_until.0);
            writer.u16(self.instruments[i].entries);
            writer.u32(self.instruments[i].date);
            for pair in self.row(i) {
                writer.u8(u8::from(pair.fired[0]) | u8::from(pair.fired[1]) << 1);
                writer.u64(pair.quiet_until.0);
            }
        }
    }

    /// Takes what [`Throttles::save`] wrote with as many strategies.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn load(&mut self, reader: &mut Reader<'_>) -> Result<(), &'static str> {
        let strategies = self.strategies.len();
        *self = Self::new(self.config.clone(), self.instruments.len() - 1, strategies);
        self.date = reader.u32()?;
        self.signals = reader.u32()?;
        self.intents = reader.u32()?;
        for own in &mut self.strategies {
            own.losses = reader.u32()?;
            own.rest_until = reader.nanos()?;
            own.entries = reader.u32()?;
        }
        for _ in 0..reader.u16()? {
            let i = usize::from(reader.u16()?);
            let one = self
                .instruments
                .get_mut(i)
                .ok_or("a saved throttle is about an instrument beyond the universe")?;
            one.rest_until = reader.nanos()?;
            one.entries = reader.u16()?;
            one.date = reader.u32()?;
            for pair in &mut self.pairs[i * strategies..(i + 1) * strategies] {
                let bits = reader.u8()?;
                pair.fired = [bits & 1 != 0, bits & 2 != 0];
                pair.quiet_until = reader.nanos()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: InstrumentId = InstrumentId(1);

    fn throttles() -> Throttles {
        let config = ThrottleConfig {
            signal_quiet: Nanos(100),
            losses: 2,
            loss_pause: Nanos(1_000),
            ..ThrottleConfig::default()
        };
        Throttles::new(config, 2, 1)
    }

    #[test]
    fn a_hash_at_hand_is_forgotten_with_every_change() {
        type Change = fn(&mut Throttles);
        let changes: [(&str, Change); 6] = [
            ("a session", |all| all.begin_session(ONE, 20_261_123)),
            ("a signal", |all| all.on_signal(ONE, 1, Side::Buy, Nanos(5))),
            ("rearmed", |all| {
                let side = all.trigger(ONE, 1, Nanos(6), [-0.9, -0.9], 0.5);
                assert_eq!(side, None);
            }),
            ("an intent", |all| all.on_intent(ONE, 1)),
            ("an end", |all| all.on_end(ONE, 1, Nanos(7), Rest::Loss)),
            ("loaded", |all| {
                let mut bytes = Vec::new();
                throttles().save(&mut Writer::new(&mut bytes));
                all.load(&mut Reader::new(&bytes)).expect("it was saved");
            }),
        ];
        let mut all = throttles();
        for (what, change) in changes {
            all.settle_hash();
            let before = all.hash();
            change(&mut all);
            assert_ne!(all.hash(), before, "{what}");
            assert_eq!(all.known, None, "{what}");
        }
    }

    #[test]
    fn a_signal_is_given_once_until_the_score_has_fallen_and_time_has_passed() {
        let mut throttles = throttles();
        let high = [0.9, -0.9];
        assert_eq!(
            throttles.trigger(ONE, 1, Nanos(0), high, 0.5),
            Some(Side::Buy)
        );
        throttles.on_signal(ONE, 1, Side::Buy, Nanos(0));
        assert_eq!(throttles.trigger(ONE, 1, Nanos(500), high, 0.5), None);
        assert_eq!(throttles.trigger(ONE, 1, Nanos(510), [0.3, 0.0], 0.5), None);
        assert_eq!(
            throttles.trigger(ONE, 1, Nanos(520), high, 0.5),
            Some(Side::Buy)
        );
        throttles.on_signal(ONE, 1, Side::Buy, Nanos(520));
        assert_eq!(throttles.trigger(ONE, 1, Nanos(530), [0.3, 0.9], 0.5), None);
        assert_eq!(
            throttles.trigger(ONE, 1, Nanos(620), [0.3, 0.9], 0.5),
            Some(Side::Sell)
        );
    }

    #[test]
    fn a_streak_of_losses_rests_the_strategy_and_a_win_breaks_it() {
        let mut throttles = throttles();
        throttles.on_end(ONE, 1, Nanos(0), Rest::Loss);
        throttles.on_end(ONE, 1, Nanos(1), Rest::Win);
        throttles.on_end(ONE, 1, Nanos(2), Rest::Loss);
        let two = InstrumentId(2);
        assert_eq!(throttles.gates(two, 1, Nanos(3)), 0);
        throttles.on_end(ONE, 1, Nanos(4), Rest::Loss);
        assert_eq!(throttles.gates(two, 1, Nanos(1_003)), gates::LOSS_STREAK);
        assert_eq!(throttles.gates(two, 1, Nanos(1_004)), 0);
    }

    #[test]
    fn entries_are_counted_and_given_back_when_nothing_filled() {
        let mut throttles = throttles();
        for _ in 0..20 {
            throttles.begin_evaluation();
            throttles.on_intent(ONE, 1);
        }
        throttles.begin_evaluation();
        let late = Nanos(u64::MAX / 2);
        assert_eq!(throttles.gates(ONE, 1, late), gates::ENTRIES_INSTRUMENT);
        throttles.on_end(ONE, 1, Nanos(0), Rest::Unfilled);
        assert_eq!(throttles.gates(ONE, 1, late), 0);
        throttles.on_intent(ONE, 1);
        throttles.begin_session(InstrumentId::NONE, 20_260_101);
        assert_eq!(throttles.counts(), (0, 0));
        throttles.begin_evaluation();
        assert_eq!(throttles.gates(ONE, 1, late), 0);
    }

    #[test]
    fn they_come_back_whole() {
        let mut throttles = throttles();
        throttles.begin_session(InstrumentId::NONE, 20_260_101);
        throttles.on_signal(ONE, 1, Side::Sell, Nanos(50));
        throttles.on_intent(ONE, 1);
        throttles.on_end(ONE, 1, Nanos(60), Rest::Loss);
        let mut bytes = Vec::new();
        throttles.save(&mut Writer::new(&mut bytes));
        assert!(bytes.len() <= bytes_max(2, 1));
        let mut back = self::throttles();
        back.load(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(back.hash(), throttles.hash());
        assert!(back.load(&mut Reader::new(&bytes[..20])).is_err());
    }
}
