//! Layouts as data: where every field of every kind lies, and what its numbers mean.
//!
//! It is taken from the structs themselves, so it cannot differ from them. `LAYOUT.md` beside
//! this crate's manifest is written from it, and a test compares the two. It reads no frame:
//! that is [`describe`](super::describe).

use super::Payload;
use crate::kind::Kind;

/// One field of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; spare bytes begin with `spare` and are zero.
    pub name: &'static str,
    /// Its type, as written in the source.
    pub ty: &'static str,
    /// First byte, counted from the start of the frame (the header takes the first 32).
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Permitted numbers of an enumeration with their names; empty where every bit pattern is a
    /// value.
    pub values: &'static [(u8, &'static str)],
}

impl Field {
    /// True for bytes that are kept zero for later use.
    #[must_use]
    pub fn is_spare(&self) -> bool {
        self.name.starts_with("spare")
    }
}

/// Hands the names of all payload types, in the order of their kinds, to another macro:
/// `with_payloads!(mine)` becomes `mine! { Add Modify … }`. For tests and tools that must not
/// forget a kind.
#[macro_export]
macro_rules! with_payloads {
    ($then:ident) => {
        $then! {
            Add Modify Delete Execute Level DepthRow DepthSnapshot Quote Trade Bar Halt Clear Gap
            Fault
            Tick Instrument Session Blob Restart Checkpoint
            Sent Status Fill Commission Position AccountValue Connectivity Borrow
            Verdict Requested Control Reconciled
            Best BookView Evaluate
            Signal Intent Outcome DepthSlot Missed Protect
            Refused Order Kill Pnl RoundTrip
            Request Command Leg
            StateHash Note
        }
    };
}

macro_rules! tables {
    ($($name:ident)*) => {
        /// Length in lines of a kind's frames; `None` for unknown kinds.
        #[must_use]
        pub const fn lines_of(kind: Kind) -> Option<usize> {
            match kind {
                $(Kind::$name => Some(<super::$name as Payload>::LINES),)*
                _ => None,
            }
        }

        /// The fields of a kind in the layout's order, without gaps; `None` for unknown kinds.
        #[must_use]
        pub const fn fields_of(kind: Kind) -> Option<&'static [Field]> {
            match kind {
                $(Kind::$name => Some(<super::$name as Payload>::FIELDS),)*
                _ => None,
            }
        }
    };
}

with_payloads!(tables);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Header;
    use crate::units::Side;

    #[test]
    fn the_fields_of_every_kind_fill_its_lines_without_a_gap() {
        for &kind in Kind::ALL {
            let (lines, fields) = (lines_of(kind).unwrap(), fields_of(kind).unwrap());
            let mut end = Header::BYTES;
            for field in fields {
                assert_eq!(field.offset, end, "{kind} {}", field.name);
                end += field.bytes;
            }
            assert_eq!(end, lines * 64, "{kind}");
        }
        assert_eq!((lines_of(Kind(0)), fields_of(Kind(0))), (None, None));
    }

    #[test]
    fn an_enumeration_tells_its_numbers_and_a_number_tells_none() {
        let fields = fields_of(Kind::Add).unwrap();
        let side = fields.iter().find(|field| field.name == "side").unwrap();
        let told: Vec<_> = side.values.iter().map(|&(_, name)| name).collect();
        let sides = [Side::None, Side::Buy, Side::Sell];
        assert_eq!(told, sides.map(Side::name));
        assert!(fields[0].values.is_empty());
    }
}
