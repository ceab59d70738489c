//! Kinds: what a frame says. Numbers are stable on disk and never reused.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What a frame says: an open number, so that a reader of a newer journal can skip what it does
/// not know. The associated constants read and match like an enum's variants.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Kind(pub u8);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        #[allow(non_upper_case_globals, reason = "the constants stand in for enum variants")]
        impl Kind {
            $($(#[$doc])* pub const $name: Kind = Kind($number);)*
        }

        impl Kind {
            /// Every known kind, by number.
            pub const ALL: &'static [Kind] = &[$(Kind($number)),*];

            /// The name as written here, or `Unknown`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self.0 {
                    $($number => stringify!($name),)*
                    _ => "Unknown",
                }
            }
        }
    };
}

kinds! {
    // Market, from sources.
    /// A new displayed order.
    Add = 1,
    /// A displayed order changes, shrinks or is replaced.
    Modify = 2,
    /// A displayed order leaves.
    Delete = 3,
    /// A resting order trades.
    Execute = 4,
    /// A price level's whole quantity, for feeds without order ids and for revealed levels.
    Level = 5,
    /// One positional row of a broker's depth.
    DepthRow = 6,
    /// A whole positional depth, at most ten rows a side.
    DepthSnapshot = 7,
    /// A level-1 quote.
    Quote = 8,
    /// A trade that names no resting order.
    Trade = 9,
    /// An open-high-low-close bar.
    Bar = 10,
    /// Trading halts, pauses or resumes.
    Halt = 11,
    /// The venue empties its book.
    Clear = 12,
    /// The source lost something: the books it touches are not to be trusted.
    Gap = 13,
    /// Bad bytes or values from outside, counted and skipped.
    Fault = 14,

    // Time and reference, from the head.
    /// A timer is due.
    Tick = 16,
    /// An instrument's definition.
    Instrument = 17,
    /// A trading session begins.
    Session = 18,
    /// A chunk of something long.
    Blob = 19,
    /// An epoch begins.
    Restart = 20,
    /// A chunk of a stage's saved state.
    Checkpoint = 21,

    // The broker's answers.
    /// What became of a command at the edge.
    Sent = 32,
    /// The broker's word on an order.
    Status = 33,
    /// An execution.
    Fill = 34,
    /// The fee of an execution.
    Commission = 35,
    /// The broker's word on a position.
    Position = 36,
    /// The broker's word on the account.
    AccountValue = 37,
    /// State of a connection.
    Connectivity = 38,
    /// The broker's word on shares to borrow.
    Borrow = 39,

    // What a later stage told an earlier one, by way of the head.
    /// An intent was refused.
    Verdict = 40,
    /// The gateway asked for a wider envelope.
    Requested = 41,

    // The operator.
    /// An operator's or policy's control.
    Control = 44,

    // The broker's answers, further ones.
    /// What came of comparing the broker's word with ours.
    Reconciled = 48,

    // Derived by book.
    /// The best quote or the quality changed.
    Best = 64,
    /// An instrument's book and tape at an evaluation.
    BookView = 65,
    /// All views of an evaluation are out.
    Evaluate = 66,

    // Derived by signal.
    /// A strategy sees a set-up.
    Signal = 72,
    /// What a set-up is wished to become.
    Intent = 73,
    /// What became of a signal.
    Outcome = 74,
    /// A depth subscription begins or ends.
    DepthSlot = 75,
    /// What a candidate without a depth slot went on to do.
    Missed = 76,
    /// Where a strategy wants the stop of its open bracket from now on.
    Protect = 77,

    // Derived by risk.
    /// An intent was refused, and why.
    Refused = 80,
    /// A permitted order with its envelope.
    Order = 81,
    /// The kill level changed.
    Kill = 82,
    /// A position and its profit.
    Pnl = 83,
    /// A position was opened and closed again.
    RoundTrip = 84,

    // Derived by gateway.
    /// A wish for a wider envelope.
    Request = 88,
    /// What leaves for the broker.
    Command = 89,
    /// A leg's life-cycle state changed.
    Leg = 90,

    // Derived by every stage.
    /// The hash of a stage's state.
    StateHash = 96,

    // Put in by lanes.
    /// Lane timings.
    Note = 112,
}

impl Kind {
    /// The kind with that name, whatever its case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// True for frames that report the market itself.
    #[must_use]
    pub const fn is_market(self) -> bool {
        self.0 >= Self::Add.0 && self.0 <= Self::Fault.0
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds([u64; 4]);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self([0; 4]);
    /// What reports the market itself, see [`Kind::is_market`].
    pub const MARKET: Self = {
        let mut all = Self::NONE;
        let mut number = Kind::Add.0;
        while number <= Kind::Fault.0 {
            all = all.with(Kind(number));
            number += 1;
        }
        all
    };

    /// These kinds.
    #[must_use]
    pub const fn of(kinds: &[Kind]) -> Self {
        let mut all = Self::NONE;
        let mut index = 0;
        while index < kinds.len() {
            all = all.with(kinds[index]);
            index += 1;
        }
        all
    }

    const fn with(mut self, kind: Kind) -> Self {
        self.0[(kind.0 / 64) as usize] |= 1 << (kind.0 % 64);
        self
    }

    /// The kinds of either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// True when the kind is one of them.
    #[must_use]
    #[inline]
    pub const fn has(&self, kind: Kind) -> bool {
        self.0[(kind.0 / 64) as usize] & 1 << (kind.0 % 64) != 0
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "Unknown" => write!(f, "Unknown({})", self.0),
            name => f.write_str(name),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        let some = [Kind(0), Kind(63), Kind(64), Kind(200), Kind(255)];
        let set = Kinds::of(&some[..3]).or(Kinds::of(&some[3..]));
        for number in 0..=u8::MAX {
            let kind = Kind(number);
            assert_eq!(set.has(kind), some.contains(&kind), "{number}");
            assert_eq!(Kinds::MARKET.has(kind), kind.is_market(), "{number}");
            assert!(!Kinds::NONE.has(kind));
        }
    }
}
