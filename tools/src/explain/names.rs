//! What a journal says about itself: symbols, sessions, and whether it was measured.

use journal::decode::Symbols;
use stream::payload::Session;
use stream::{FrameRef, InstrumentId, Kind, Nanos};

/// Facts gathered on the way to the frame that was asked for.
#[derive(Debug, Default)]
pub struct Names {
    symbols: Symbols,
    /// Sessions with the `seq` from which they hold.
    sessions: Vec<(u64, Session)>,
    /// True when lanes noted ages: the journal of a live run.
    pub measured: bool,
    /// The last input seen.
    pub last_seq: u64,
}

impl Names {
    /// Learns from a frame.
    pub fn on_frame(&mut self, frame: FrameRef<'_>) {
        self.last_seq = frame.seq();
        match frame.kind() {
            Kind::Instrument => self.symbols.on_frame(frame),
            Kind::Session => self.sessions.push((frame.seq(), *frame.read())),
            Kind::Note => self.measured = true,
            _ => {}
        }
    }

    /// The symbol that a frame is about; its number where that is unknown.
    pub fn symbol(&self, frame: FrameRef<'_>) -> String {
        match self.symbols.of(frame) {
            "" if frame.instrument() == InstrumentId::NONE => "-".to_owned(),
            "" => format!("instrument {}", frame.instrument().0),
            symbol => symbol.to_owned(),
        }
    }

    /// The session that held at an input.
    pub fn session(&self, seq: u64) -> Option<&Session> {
        let count = self.sessions.partition_point(|(from, _)| *from <= seq);
        self.sessions[..count].last().map(|(_, session)| session)
    }
}

/// A time as UTC, to the microsecond.
pub fn utc(ts: Nanos) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(ts.0)) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        Err(_) => format!("{ts} ns"),
    }
}

/// Nanoseconds from `from` to `to`, negative where `to` is earlier.
pub fn nanos_between(from: Nanos, to: Nanos) -> i64 {
    let difference = i128::from(to.0) - i128::from(from.0);
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

/// An offset as `h:mm:ss.micro`, with its sign.
pub fn clock(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    let micros = ns.unsigned_abs() / 1_000;
    let seconds = micros / 1_000_000;
    format!(
        "{sign}{}:{:02}:{:02}.{:06}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        micros % 1_000_000
    )
}

/// A signed span in its natural unit.
pub fn signed_span(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "+" };
    format!("{sign}{}", crate::report::span(ns.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_the_open_and_in_utc() {
        assert_eq!(
            utc(Nanos(1_340_286_593_750_000_000)),
            "2012-06-21T13:49:53.750000Z"
        );
        assert_eq!(clock(3_723_000_001_000), "+1:02:03.000001");
        assert_eq!(clock(-1_500_000_000), "-0:00:01.500000");
        assert_eq!(nanos_between(Nanos(7), Nanos(5)), -2);
        assert_eq!(nanos_between(Nanos(0), Nanos::MAX), i64::MAX);
        assert_eq!(signed_span(-12_300), "-12.3 us");
    }

    #[test]
    fn the_session_is_the_one_that_held_at_the_input() {
        let session = |date| Session {
            date,
            ..Session::zeroed()
        };
        let names = Names {
            sessions: vec![(3, session(1)), (9, session(2))],
            ..Names::default()
        };
        let date = |seq| names.session(seq).map(|session| session.date);
        assert_eq!(
            [date(2), date(3), date(8), date(9)],
            [None, Some(1), Some(1), Some(2)]
        );
    }
}
