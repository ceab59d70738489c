//! Payloads field by field, for decoders and explanations.

use super::*;
use crate::frame::FrameRef;
use crate::id::{FrameId, InstrumentId, SourceId};
use crate::units::{Money, Nanos, Price, Qty, Side};
use crate::with_payloads;

/// One field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A count, a code or a flag set.
    Unsigned(u64),
    /// A signed number.
    Signed(i64),
    /// A feature or a score.
    Float(f64),
    /// A price.
    Price(Price),
    /// An amount of money.
    Money(Money),
    /// A time or a span in nanoseconds.
    Nanos(Nanos),
    /// Another frame.
    Id(FrameId),
    /// An enumeration's value by name.
    Name(&'static str),
    /// Text in a fixed field.
    Text(&'a str),
    /// Raw bytes of a chunk.
    Bytes(&'a [u8]),
    /// Features.
    Floats(&'a [f64]),
    /// Prices of rows.
    Prices(&'a [Price]),
    /// Quantities of rows.
    Quantities(&'a [u32]),
    /// Makers of rows.
    Makers(&'a [[u8; 8]]),
}

/// A field type that can be shown.
pub trait AsValue {
    /// Permitted numbers of an enumeration with their names; empty where every bit pattern is a
    /// value.
    const VALUES: &'static [(u8, &'static str)] = &[];

    /// The value to show.
    fn as_value(&self) -> Value<'_>;
}

/// A payload that can be shown field by field.
pub trait Describe {
    /// Calls `each` with every field's name and value, in the layout's order, spare bytes left
    /// out.
    fn fields(&self, each: &mut dyn FnMut(&'static str, Value<'_>));
}

macro_rules! as_value {
    ($($ty:ty => $make:expr,)*) => {
        $(impl AsValue for $ty {
            fn as_value(&self) -> Value<'_> {
                let make: fn(&$ty) -> Value<'_> = $make;
                make(self)
            }
        })*
    };
}

as_value! {
    u8 => |value| Value::Unsigned(u64::from(*value)),
    u16 => |value| Value::Unsigned(u64::from(*value)),
    u32 => |value| Value::Unsigned(u64::from(*value)),
    u64 => |value| Value::Unsigned(*value),
    i32 => |value| Value::Signed(i64::from(*value)),
    i64 => |value| Value::Signed(*value),
    f64 => |value| Value::Float(*value),
    Price => |value| Value::Price(*value),
    Money => |value| Value::Money(*value),
    Nanos => |value| Value::Nanos(*value),
    Qty => |value| Value::Signed(value.0),
    FrameId => |value| Value::Id(*value),
    InstrumentId => |value| Value::Unsigned(u64::from(value.0)),
    SourceId => |value| Value::Unsigned(u64::from(value.0)),
    [u8; 4] => |value| Value::Text(read_text(value)),
    [u8; 8] => |value| Value::Text(read_text(value)),
    [u8; 16] => |value| Value::Text(read_text(value)),
    [u8; 24] => |value| Value::Text(read_text(value)),
    [u8; 32] => |value| Value::Text(read_text(value)),
    [u8; 64] => |value| Value::Text(read_text(value)),
    [u8; CHUNK] => |value| Value::Bytes(value),
    [f64; COMPONENTS] => |value| Value::Floats(value),
    [Price; 2 * SNAPSHOT_ROWS] => |value| Value::Prices(value),
    [u32; 2 * SNAPSHOT_ROWS] => |value| Value::Quantities(value),
    [[u8; 8]; 2 * SNAPSHOT_ROWS] => |value| Value::Makers(value),
}

impl AsValue for Side {
    const VALUES: &'static [(u8, &'static str)] = &[
        (Self::None as u8, Self::None.name()),
        (Self::Buy as u8, Self::Buy.name()),
        (Self::Sell as u8, Self::Sell.name()),
    ];

    fn as_value(&self) -> Value<'_> {
        Value::Name(self.name())
    }
}

// Spare fields have these sizes too; they are skipped by name before the value is asked for.
macro_rules! spare {
    ($($size:literal)*) => {
        $(impl AsValue for [u8; $size] {
            fn as_value(&self) -> Value<'_> {
                Value::Bytes(self)
            }
        })*
    };
}

spare!(2 3 5 6 7 11 12 13 15 10 14 21 25 36 38 42 54);

macro_rules! describe {
    ($($name:ident)*) => {
        /// Shows a frame's payload field by field. False when the kind is unknown or the payload
        /// does not fit it; nothing was shown then.
        pub fn describe(
            frame: FrameRef<'_>,
            each: &mut dyn FnMut(&'static str, Value<'_>),
        ) -> bool {
            match frame.kind() {
                $(Kind::$name => match frame.try_read::<$name>() {
                    Some(payload) => payload.fields(each),
                    None => return false,
                },)*
                _ => return false,
            }
            true
        }
    };
}

with_payloads!(describe);
