//! One followed signal: how its hypothetical trade is judged, told of, and saved.

use super::{Followed, NONE, Touch, UNDECIDED_MAX};
use crate::codec::{Reader, Writer};
use stream::payload::{Outcome, OutcomeKind};
use stream::{InstrumentId, Nanos, Price, Side};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Open {
    pub(super) what: Followed,
    pub(super) entered: bool,
    pub(super) traded: bool,
    pub(super) undecided: bool,
    /// How it ended and when, once it has.
    pub(super) ended: Option<(OutcomeKind, Nanos)>,
    /// The near touch when it was last looked at; the entry before that.
    pub(super) exit: Price,
    pub(super) favourable: Price,
    pub(super) adverse: Price,
    pub(super) next: u16,
}

impl Open {
    pub(super) fn new(what: Followed) -> Self {
        Self {
            what,
            entered: false,
            traded: false,
            undecided: !what.intent.is_none(),
            ended: None,
            exit: what.entry,
            favourable: Price::ZERO,
            adverse: Price::ZERO,
            next: NONE,
        }
    }

    /// Signed distance from the entry in the signal's favour.
    fn gain(&self, price: Price) -> Price {
        match self.what.side {
            Side::Sell => self.what.entry.saturating_sub(price),
            _ => price.saturating_sub(self.what.entry),
        }
    }

    /// Looks at the touch, then at the time.
    pub(super) fn judge(&mut self, ts: Nanos, touch: Option<Touch>) {
        if self.ended.is_some() {
            return;
        }
        if ts < self.what.deadline
            && let Some(touch) = touch
        {
            self.look(ts, touch);
        }
        if self.ended.is_none() {
            self.expire(ts);
        }
    }

    fn look(&mut self, ts: Nanos, touch: Touch) {
        let side = self.what.side;
        if !self.entered {
            if self.gain(touch.enter(side)).0 > 0 || ts > self.what.fill_by {
                return;
            }
            self.entered = true;
        }
        self.exit = touch.exit(side);
        let gain = self.gain(self.exit);
        self.favourable = self.favourable.max(gain);
        self.adverse = self.adverse.min(gain);
        if gain <= self.gain(self.what.stop) {
            self.ended = Some((OutcomeKind::Stop, ts));
        } else if gain >= self.gain(self.what.target) {
            self.ended = Some((OutcomeKind::Target, ts));
        }
    }

    fn expire(&mut self, ts: Nanos) {
        let what = &self.what;
        if !self.entered && ts >= what.fill_by.min(what.deadline) {
            self.ended = Some((OutcomeKind::Unfilled, ts));
        } else if ts >= what.deadline {
            let kind = if what.session_end {
                OutcomeKind::SessionEnd
            } else {
                OutcomeKind::Horizon
            };
            self.ended = Some((kind, ts));
        }
    }

    /// When time alone ends it; never, once it has ended.
    pub(super) fn next_end(&self) -> Nanos {
        match (self.ended, self.entered) {
            (Some(_), _) => Nanos::MAX,
            (None, true) => self.what.deadline,
            (None, false) => self.what.fill_by.min(self.what.deadline),
        }
    }

    /// When it is to be told of: ended, and decided or waited for long enough.
    pub(super) fn is_due(&self, ts: Nanos) -> bool {
        match self.ended {
            Some((_, at)) => !self.undecided || ts >= at.saturating_add(UNDECIDED_MAX),
            None => false,
        }
    }

    pub(super) fn tell(&self) -> Outcome {
        let what = &self.what;
        let (kind, at) = self.ended.expect("only an ended outcome is told");
        Outcome {
            signal: what.signal,
            kind,
            traded: u8::from(self.traded),
            side: what.side,
            strategy: what.strategy,
            exit: self.exit,
            favourable: self.favourable,
            adverse: self.adverse,
            result_ppm: if self.entered {
                result_ppm(self.gain(self.exit), self.gain(what.stop))
            } else {
                0
            },
            elapsed: at.saturating_sub(what.since),
            gates: what.gates,
            ..Outcome::zeroed()
        }
    }
}

/// `gain` over the risk (the loss at the stop, negative) in parts per million, clamped.
fn result_ppm(gain: Price, at_stop: Price) -> i64 {
    let risk = i128::from(at_stop.0).abs().max(1);
    let ppm = i128::from(gain.0) * 1_000_000 / risk;
    ppm.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// Appends it, [`OUTCOME_BYTES`](super::OUTCOME_BYTES) long.
pub(super) fn save_open(open: &Open, writer: &mut Writer<'_>) {
    let what = &open.what;
    writer.u64(what.signal.0);
    writer.u64(what.intent.0);
    writer.u16(what.instrument.0);
    writer.u16(what.strategy);
    writer.u8(what.side as u8);
    writer.u32(what.gates);
    for price in [what.entry, what.stop, what.target] {
        writer.i64(price.0);
    }
    for time in [what.since, what.fill_by, what.deadline] {
        writer.u64(time.0);
    }
    let flags = [what.session_end, open.entered, open.traded, open.undecided];
    let bits = flags
        .iter()
        .rev()
        .fold(0, |bits, &flag| bits << 1 | u8::from(flag));
    writer.u8(bits);
    let (kind, at) = open
        .ended
        .map_or((u8::MAX, Nanos::ZERO), |(kind, at)| (kind as u8, at));
    writer.u8(kind);
    writer.u64(at.0);
    for price in [open.exit, open.favourable, open.adverse] {
        writer.i64(price.0);
    }
}

/// Reads what [`save_open`] wrote.
pub(super) fn load_open(reader: &mut Reader<'_>) -> Result<Open, &'static str> {
    let mut what = Followed {
        signal: reader.frame()?,
        intent: reader.frame()?,
        instrument: InstrumentId(reader.u16()?),
        strategy: reader.u16()?,
        side: reader.side()?,
        gates: reader.u32()?,
        entry: reader.price()?,
        stop: reader.price()?,
        target: reader.price()?,
        since: reader.nanos()?,
        fill_by: reader.nanos()?,
        deadline: reader.nanos()?,
        session_end: false,
    };
    let bits = reader.u8()?;
    what.session_end = bits & 1 != 0;
    let (kind, at) = (reader.u8()?, reader.nanos()?);
    let ended = match kind {
        u8::MAX => None,
        kind => {
            let kind = OutcomeKind::ALL
                .iter()
                .find(|known| **known as u8 == kind)
                .ok_or("a saved outcome ended in a way that does not exist")?;
            Some((*kind, at))
        }
    };
    Ok(Open {
        what,
        entered: bits & 2 != 0,
        traded: bits & 4 != 0,
        undecided: bits & 8 != 0,
        ended,
        exit: reader.price()?,
        favourable: reader.price()?,
        adverse: reader.price()?,
        next: NONE,
    })
}
