//! What ties our names to the broker's: our leg in the order's reference, executions and their
//! corrections.
//!
//! Our name for an order is its leg, the frame id of the command that placed it: it is in the
//! journal before anything leaves. The order carries it in its reference, together with the
//! journal's number, so that another session or process recognises it and never takes it for an
//! order of another journal. The broker's numbers (order id, permanent id) are joined to it as they
//! are learned.

use core::fmt;
use stream::{FrameId, hash};

/// Orders of this program begin with this.
const MARK: &str = "sp1";

/// An order's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRef {
    /// The journal's number: when its first epoch began, in nanoseconds.
    pub journal: u64,
    /// The leg.
    pub leg: FrameId,
}

impl fmt::Display for OrderRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}.{:x}.{:x}", self.journal, self.leg.0)
    }
}

impl OrderRef {
    /// Reads a reference; `None` where it is not one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        if parts.next() != Some(MARK) {
            return None;
        }
        let mut number = || {
            let part = parts.next().filter(|part| !part.is_empty())?;
            // No sign, no upper case: one spelling only.
            let plain = part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            plain.then(|| u64::from_str_radix(part, 16).ok()).flatten()
        };
        let (journal, leg) = (number()?, number()?);
        (parts.next().is_none() && leg != 0).then_some(Self {
            journal,
            leg: FrameId(leg),
        })
    }
}

/// An execution's id: what stays, and which correction of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecName<'a> {
    /// All before the last dot: the same for every correction.
    pub base: &'a str,
    /// The number behind it: 1, and higher ones for corrections.
    pub revision: u32,
}

impl<'a> ExecName<'a> {
    /// Takes an execution's id apart. One without a number at its end is its own first revision.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let split = text
            .rsplit_once('.')
            .and_then(|(base, number)| Some((base, number.parse().ok()?)));
        match split {
            Some((base, revision)) if !base.is_empty() => Self { base, revision },
            _ => Self {
                base: text,
                revision: 1,
            },
        }
    }
}

/// The number that an execution has in the stream. The same id has the same number in every
/// session, so that it is applied once.
#[must_use]
pub fn exec_number(text: &str) -> u64 {
    hash::bytes(text.as_bytes()).max(1)
}

/// The number of the frame that takes an execution back.
#[must_use]
pub fn reversal_number(text: &str) -> u64 {
    hash::fold(exec_number(text), TAKEN_BACK).max(1)
}

const TAKEN_BACK: u64 = 0x7461_6b65_6e20_6261;

/// Text for a frame: what fits, ASCII, the rest zero.
#[must_use]
pub fn fixed<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().zip(text.bytes().filter(u8::is_ascii)) {
        *place = byte;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn corrections_share_their_base() {
        let first = ExecName::parse("0000e0d5.5fbd1b4d.01.01");
        let second = ExecName::parse("0000e0d5.5fbd1b4d.01.02");
        assert_eq!(first.base, second.base);
        assert_eq!((first.revision, second.revision), (1, 2));
        let bare = ExecName::parse("abc");
        assert_eq!((bare.base, bare.revision), ("abc", 1));
        let odd = ExecName::parse("abc.x");
        assert_eq!((odd.base, odd.revision), ("abc.x", 1));
        assert_ne!(exec_number("a.01"), exec_number("a.02"));
        assert_ne!(exec_number("a.01"), reversal_number("a.01"));
    }

    #[test]
    fn other_peoples_references_are_not_ours() {
        for text in [
            "",
            "sp1",
            "sp1.",
            "sp1..",
            "sp1.1",
            "sp1.1.0",
            "sp1.1.2.3",
            "sp2.1.2",
            "SP1.1.2",
            "sp1.+1.2",
            "sp1.1.A",
            "sp1.1.10000000000000000",
            "my order",
        ] {
            assert_eq!(OrderRef::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_reference_survives_the_wire(journal: u64, leg in 1_u64..) {
            let own = OrderRef { journal, leg: FrameId(leg) };
            let text = own.to_string();
            prop_assert!(text.len() <= 40);
            prop_assert_eq!(OrderRef::parse(&text), Some(own));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = (OrderRef::parse(&text), ExecName::parse(&text).revision);
        }
    }
}
