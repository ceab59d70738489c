//! Payloads: the fixed layouts behind the header, one module for each group of kinds.
//!
//! Every payload fills its lines to the last byte: 32 bytes in the first line and 64 in each
//! further one. Fields are ordered so that no padding is left to the compiler; spare bytes are
//! named `spare` and zero. Enumerations are validated when a payload is read.

pub mod answers;
mod field;
pub mod from_book;
pub mod from_gateway;
pub mod from_risk;
pub mod from_signal;
pub mod market;
pub mod reference;
mod value;

pub use answers::*;
pub use field::{Field, fields_of, lines_of};
pub use from_book::*;
pub use from_gateway::*;
pub use from_risk::*;
pub use from_signal::*;
pub use market::*;
pub use reference::*;
pub use value::{AsValue, Describe, Value, describe};

use crate::frame::Line;
use crate::kind::Kind;
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// What stands behind a header of one kind.
pub trait Payload: TryFromBytes + IntoBytes + Immutable + KnownLayout + Copy {
    /// Its kind.
    const KIND: Kind;
    /// The frame's length in lines, 1 to 8.
    const LINES: usize;
    /// Its fields in the layout's order.
    const FIELDS: &'static [Field];

    /// The payload in a frame's lines, or `None` when their number or an enum's value does not fit.
    fn of_lines(lines: &[Line]) -> Option<&Self>;
}

macro_rules! payload {
    (
        $(#[$doc:meta])*
        $name:ident, $lines:literal {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, TryFromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        const _: () = assert!(
            size_of::<$name>() == $lines * 64 - 32,
            concat!(stringify!($name), " must fill its lines exactly")
        );

        impl Payload for $name {
            const KIND: Kind = Kind::$name;
            const LINES: usize = $lines;
            const FIELDS: &'static [$crate::payload::Field] = &[$($crate::payload::Field {
                name: stringify!($field),
                ty: stringify!($ty),
                offset: $crate::Header::BYTES + core::mem::offset_of!($name, $field),
                bytes: size_of::<$ty>(),
                values: <$ty as $crate::payload::AsValue>::VALUES,
            }),*];

            #[inline(always)]
            fn of_lines(lines: &[$crate::Line]) -> Option<&Self> {
                // As words behind a header: their alignment is known when this is compiled.
                #[derive(zerocopy::FromBytes, Immutable)]
                #[repr(C)]
                struct Whole([u64; $crate::Header::BYTES / 8], [u64; $lines * 8 - 4]);
                let lines: &[$crate::Line; $lines] = lines.try_into().ok()?;
                let whole: &Whole = zerocopy::transmute_ref!(lines);
                zerocopy::try_transmute_ref!(&whole.1).ok()
            }
        }

        impl $crate::payload::Describe for $name {
            fn fields(&self, each: &mut dyn FnMut(&'static str, $crate::payload::Value<'_>)) {
                $(
                    if !stringify!($field).starts_with("spare") {
                        each(stringify!($field), $crate::payload::AsValue::as_value(&self.$field));
                    }
                )*
            }
        }

        impl $name {
            /// Every byte zero: a start for `..Self::zeroed()` where most fields stay empty.
            #[must_use]
            pub fn zeroed() -> Self {
                let bytes = [0u8; $lines * 64 - 32];
                Self::try_read_from_bytes(&bytes).expect("zero is valid in every field")
            }
        }
    };
}
pub(crate) use payload;

macro_rules! wire_enum {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $number:literal => $text:literal,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            TryFromBytes, IntoBytes, Immutable, KnownLayout,
        )]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $crate::payload::AsValue for $name {
            const VALUES: &'static [(u8, &'static str)] = &[$(($number, $text)),*];

            fn as_value(&self) -> $crate::payload::Value<'_> {
                $crate::payload::Value::Name(self.name())
            }
        }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Lower-case name, as in decoded journals.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}
pub(crate) use wire_enum;

/// A short ASCII text in a fixed field, padded with zeros.
#[must_use]
pub const fn text<const N: usize>(value: &str) -> [u8; N] {
    let mut field = [0; N];
    let bytes = value.as_bytes();
    let mut i = 0;
    while i < N && i < bytes.len() {
        field[i] = bytes[i];
        i += 1;
    }
    field
}

/// Reads a fixed text field up to its first zero; bytes that are not UTF-8 read as empty.
#[must_use]
pub fn read_text(field: &[u8]) -> &str {
    let end = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    core::str::from_utf8(&field[..end]).unwrap_or("")
}
