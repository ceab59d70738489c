//! Units: prices and money in 1e-9 of a currency unit, whole quantities, nanoseconds.
//!
//! All arithmetic is checked: an overflow is a broken invariant and ends the run, it never wraps.
//! Products go through `i128`.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Fixed-point parts in one currency unit: 1e9, the scale of Databento's DBN.
pub const SCALE: i64 = 1_000_000_000;

macro_rules! int_unit {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            FromBytes, IntoBytes, Immutable, KnownLayout,
        )]
        #[repr(transparent)]
        pub struct $name(pub $int);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0);
            /// The largest value.
            pub const MAX: Self = Self(<$int>::MAX);
            /// The smallest value.
            pub const MIN: Self = Self(<$int>::MIN);

            /// Sum, or `None` on overflow.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// Difference, or `None` on overflow.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }

            /// Difference, clamped to the type's range.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// Sum, clamped to the type's range.
            #[must_use]
            pub const fn saturating_add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl core::ops::Add for $name {
            type Output = Self;
            /// # Panics
            /// On overflow.
            fn add(self, other: Self) -> Self {
                self.checked_add(other).expect(concat!(stringify!($name), " sum overflows"))
            }
        }

        impl core::ops::Sub for $name {
            type Output = Self;
            /// # Panics
            /// On overflow.
            fn sub(self, other: Self) -> Self {
                self.checked_sub(other).expect(concat!(stringify!($name), " difference overflows"))
            }
        }

        impl core::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl core::ops::SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    };
}

int_unit!(
    /// A price in 1e-9 of a currency unit per share or contract.
    Price, i64
);
int_unit!(
    /// An amount of money in 1e-9 of a currency unit.
    Money, i64
);
int_unit!(
    /// Whole shares or contracts; negative is short where a sign makes sense.
    Qty, i64
);
int_unit!(
    /// Nanoseconds, UTC, since 1970-01-01; also used for spans.
    Nanos, u64
);

impl core::ops::Neg for Qty {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("Qty negation overflows"))
    }
}

impl core::ops::Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.checked_neg().expect("Money negation overflows"))
    }
}

impl Price {
    /// Value of `qty` at this price with a contract `multiplier`, or `None` on overflow.
    #[must_use]
    pub const fn checked_value(self, qty: Qty, multiplier: u32) -> Option<Money> {
        // Price times quantity always fits into 127 bits; with the multiplier it may not.
        let per_unit = self.0 as i128 * qty.0 as i128;
        let Some(value) = per_unit.checked_mul(multiplier as i128) else {
            return None;
        };
        if value > i64::MAX as i128 || value < i64::MIN as i128 {
            return None;
        }
        Some(Money(value as i64))
    }

    /// Value of `qty` at this price with a contract `multiplier`.
    ///
    /// # Panics
    /// On overflow (beyond about 9.2e9 currency units).
    #[must_use]
    pub const fn value(self, qty: Qty, multiplier: u32) -> Money {
        self.checked_value(qty, multiplier)
            .expect("value overflows Money")
    }

    /// The nearest multiple of `tick` at or below.
    ///
    /// # Panics
    /// If `tick` is not positive, or on overflow.
    #[must_use]
    pub const fn floor_to(self, tick: Price) -> Self {
        assert!(tick.0 > 0, "tick must be positive");
        Self(self.0 - self.0.rem_euclid(tick.0))
    }

    /// The nearest multiple of `tick` at or above.
    ///
    /// # Panics
    /// If `tick` is not positive, or on overflow.
    #[must_use]
    pub const fn ceil_to(self, tick: Price) -> Self {
        let floor = self.floor_to(tick);
        if floor.0 == self.0 {
            self
        } else {
            Self(floor.0 + tick.0)
        }
    }

    /// True when the price lies on the tick grid.
    #[must_use]
    pub const fn is_on(self, tick: Price) -> bool {
        tick.0 > 0 && self.0.rem_euclid(tick.0) == 0
    }

    /// The price on the tick grid nearest to `value` currency units: the only way from a float
    /// to a price. `None` when `value` is not finite or out of range.
    #[must_use]
    pub fn nearest(value: f64, tick: Price) -> Option<Self> {
        let scaled = value * SCALE as f64;
        if !scaled.is_finite() || scaled.abs() >= 9.0e18 || tick.0 <= 0 {
            return None;
        }
        let raw = scaled as i64;
        Some(Self(raw.checked_add(tick.0 / 2)?).floor_to(tick))
    }

    /// The price in currency units as a float, for features and scores only.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

impl Money {
    /// The amount in currency units as a float, for features, scores and reports only.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / SCALE as f64
    }
}

impl Nanos {
    /// One millisecond.
    pub const MILLI: Self = Self(1_000_000);
    /// One second.
    pub const SECOND: Self = Self(1_000_000_000);

    /// A span of whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A span of whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }
}

fn fmt_scaled(value: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let magnitude = value.unsigned_abs();
    let (whole, mut fraction) = (magnitude / SCALE as u64, magnitude % SCALE as u64);
    let sign = if value < 0 { "-" } else { "" };
    let mut digits = 9;
    while digits > 2 && fraction % 10 == 0 {
        fraction /= 10;
        digits -= 1;
    }
    write!(f, "{sign}{whole}.{fraction:0digits$}")
}

impl fmt::Display for Price {
    /// Decimal, two to nine places.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_scaled(self.0, f)
    }
}

impl fmt::Display for Money {
    /// Decimal, two to nine places.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_scaled(self.0, f)
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A side of the book or the direction of an order.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TryFromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(u8)]
pub enum Side {
    /// Not known, or both.
    #[default]
    None = 0,
    /// Bid side; buying.
    Buy = 1,
    /// Ask side; selling.
    Sell = 2,
}

impl Side {
    /// The other side; `None` stays `None`.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for buy, −1 for sell, 0 for none.
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// `buy`, `sell` or `none`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// What of a position, in shares or contracts, our own orders made, as far as it is still there,
/// where `others` of it came or went by trades that no order of ours made. Only this is ours to
/// protect and to close; it has the position's sign, or is 0.
#[must_use]
pub const fn own_position(position: i64, others: i64) -> i64 {
    let made = position.saturating_sub(others);
    if made.signum() != position.signum() {
        0
    } else if made.unsigned_abs() < position.unsigned_abs() {
        made
    } else {
        position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_hold_is_not_ours() {
        for (position, others, own) in [
            (100, 0, 100),
            (-100, 0, -100),
            (107, 7, 100),
            (7, 7, 0),
            (60, -40, 60),
            (0, -100, 0),
            (-50, -100, 0),
            (-57, -50, -7),
            (50, 100, 0),
            (i64::MAX, i64::MIN, i64::MAX),
        ] {
            assert_eq!(own_position(position, others), own, "{position} {others}");
            // What one closed of the other may be forgotten.
            let left = position.saturating_sub(own);
            assert_eq!(own_position(position, left), own, "{position} {others}");
        }
    }

    #[test]
    fn prices_snap_to_the_grid_in_both_directions() {
        let tick = Price(10_000_000);
        assert_eq!(
            Price(585_335_000_000).floor_to(tick),
            Price(585_330_000_000)
        );
        assert_eq!(Price(585_335_000_000).ceil_to(tick), Price(585_340_000_000));
        assert_eq!(Price(-5).floor_to(tick), Price(-10_000_000));
        assert_eq!(Price::nearest(585.336, tick), Some(Price(585_340_000_000)));
        assert_eq!(Price::nearest(f64::NAN, tick), None);
        assert_eq!(Price::nearest(1e300, tick), None);
    }

    #[test]
    fn values_are_exact_or_refused() {
        assert_eq!(
            Price(585_330_000_000).value(Qty(-3), 1),
            Money(-1_755_990_000_000)
        );
        assert_eq!(Price::MAX.checked_value(Qty(2), 1), None);
        assert_eq!(Price::MIN.checked_value(Qty::MIN, u32::MAX), None);
        assert_eq!(Price::MIN.checked_value(Qty::MIN, 0), Some(Money::ZERO));
    }

    #[test]
    fn decimals_print_exactly() {
        assert_eq!(Price(585_330_000_000).to_string(), "585.33");
        assert_eq!(Money(-1).to_string(), "-0.000000001");
        assert_eq!(Money(5_000_000).to_string(), "0.005");
    }

    #[test]
    #[should_panic(expected = "overflows")]
    fn sums_never_wrap() {
        let _ = Money::MAX + Money(1);
    }
}
