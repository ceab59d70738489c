//! The broker's floating-point numbers to whole ones, exactly: the one place of the edge that may
//! calculate with floats.
//!
//! Guarantee: what comes out is the price on the contract's grid (or the amount, or the quantity)
//! whose nearest double is what came in; everything else is a typed [`BadNumber`]. Nothing is
//! rounded to fit.

use stream::{Money, Price, Qty};

/// Why a number is none that we can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadNumber {
    /// NaN or infinite.
    NotFinite,
    /// The largest double: the broker's way to say that there is none.
    Unset,
    /// Zero or below where a price or quantity is wanted; −1 is the broker's "no data".
    NotPositive,
    /// Beyond what our units hold.
    TooLarge,
    /// Not a multiple of the contract's tick.
    OffGrid,
    /// A fraction where whole shares or contracts are wanted.
    Fraction,
    /// Text that is no decimal number.
    NotANumber,
}

const SCALE: i64 = 1_000_000_000;
/// From here on the broker means "unset".
const UNSET: f64 = 1e300;
const MOST: f64 = 9.2e9;

/// The number in 1e-9, and by how much (in 1e-9) its double may be off.
fn nano(value: f64) -> Result<(i64, i64), BadNumber> {
    if !value.is_finite() {
        return Err(BadNumber::NotFinite);
    }
    if value.abs() >= UNSET {
        return Err(BadNumber::Unset);
    }
    if value.abs() > MOST {
        return Err(BadNumber::TooLarge);
    }
    let scaled = value * SCALE as f64;
    // Half a unit in the last place of the double, the product's rounding, and our own.
    let slack = 1 + (scaled.abs() * 2.0 * f64::EPSILON) as i64;
    Ok((scaled.round() as i64, slack))
}

/// A price above zero on the grid of `tick`; a `tick` of zero has no grid.
///
/// # Errors
/// See [`BadNumber`].
pub fn price(value: f64, tick: Price) -> Result<Price, BadNumber> {
    let price = signed_price(value, tick)?;
    if price.0 <= 0 {
        return Err(BadNumber::NotPositive);
    }
    Ok(price)
}

/// A price of either sign, or zero, on the grid.
///
/// # Errors
/// See [`BadNumber`].
pub fn signed_price(value: f64, tick: Price) -> Result<Price, BadNumber> {
    let (nano, slack) = nano(value)?;
    let step = tick.0.max(1);
    let below = nano.rem_euclid(step);
    let above = step - below;
    if below <= slack {
        Ok(Price(nano - below))
    } else if above <= slack {
        Ok(Price(nano + above))
    } else {
        Err(BadNumber::OffGrid)
    }
}

/// An average price or cost: on no grid, rounded to 1e-9.
///
/// # Errors
/// When it is not finite, unset or too large.
pub fn average(value: f64) -> Result<Price, BadNumber> {
    nano(value).map(|(nano, _)| Price(nano))
}

/// An amount of money, rounded to 1e-9 (fees come in fractions of a cent).
///
/// # Errors
/// When it is not finite, unset or too large.
pub fn money(value: f64) -> Result<Money, BadNumber> {
    nano(value).map(|(nano, _)| Money(nano))
}

/// An amount of money; none where the broker has not reckoned it yet.
#[must_use]
pub fn amount(value: f64) -> Option<Money> {
    money(value).ok()
}

/// A quantity of at least one whole share or contract.
///
/// # Errors
/// See [`BadNumber`].
pub fn quantity(value: f64) -> Result<u32, BadNumber> {
    let (qty, fraction) = position(value)?;
    if fraction != 0 {
        return Err(BadNumber::Fraction);
    }
    match u32::try_from(qty.0) {
        Ok(0) => Err(BadNumber::NotPositive),
        Ok(qty) => Ok(qty),
        Err(_) if qty.0 < 0 => Err(BadNumber::NotPositive),
        Err(_) => Err(BadNumber::TooLarge),
    }
}

/// A filled or remaining quantity: zero or more whole ones.
///
/// # Errors
/// See [`BadNumber`].
pub fn count(value: f64) -> Result<u32, BadNumber> {
    match quantity(value) {
        Err(BadNumber::NotPositive) if value.abs() < 0.5 => Ok(0),
        other => other,
    }
}

/// A displayed size: whole ones, what is beyond cut off, and no more than a frame holds.
///
/// # Errors
/// When it is not finite, unset or below zero.
pub fn size(value: f64) -> Result<u32, BadNumber> {
    if !value.is_finite() {
        return Err(BadNumber::NotFinite);
    }
    if value.abs() >= UNSET {
        return Err(BadNumber::Unset);
    }
    if value < 0.0 {
        return Err(BadNumber::NotPositive);
    }
    // A cast of a float saturates.
    Ok(value as u32)
}

/// A position: whole ones, and the fraction beyond in 1e-9 with the position's sign.
///
/// # Errors
/// When it is not finite, unset or too large.
pub fn position(value: f64) -> Result<(Qty, i64), BadNumber> {
    let (nano, slack) = nano(value)?;
    let (whole, fraction) = (nano / SCALE, nano % SCALE);
    if fraction.abs() <= slack {
        return Ok((Qty(whole), 0));
    }
    if SCALE - fraction.abs() <= slack {
        return Ok((Qty(whole + fraction.signum()), 0));
    }
    Ok((Qty(whole), fraction))
}

/// A small whole number such as the state of a halt or a tick's parameter.
///
/// # Errors
/// When it is none.
pub fn whole(value: f64) -> Result<i64, BadNumber> {
    match position(value)? {
        (whole, 0) => Ok(whole.0),
        _ => Err(BadNumber::Fraction),
    }
}

/// A price for the wire: the double nearest to it.
#[must_use]
pub fn to_wire(price: Price) -> f64 {
    price.to_f64()
}

/// A quantity for the wire; exact.
#[must_use]
pub fn quantity_to_wire(qty: u32) -> f64 {
    f64::from(qty)
}

/// A decimal in text, such as an account value, in 1e-9; digits beyond are cut off.
///
/// # Errors
/// When it is none, or too large.
pub fn text(value: &str) -> Result<Money, BadNumber> {
    let value = value.trim();
    let (negative, digits) = match value.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_float = digits.ends_with("E308");
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        // The largest double in text is how an unset value comes.
        return Err(if is_float {
            BadNumber::Unset
        } else {
            BadNumber::NotANumber
        });
    }
    let whole: i64 = whole.parse().map_err(|_| BadNumber::TooLarge)?;
    let mut nano: i64 = 0;
    for place in 0..9 {
        let digit = fraction.as_bytes().get(place).map_or(0, |byte| byte - b'0');
        nano = nano * 10 + i64::from(digit);
    }
    let value = whole
        .checked_mul(SCALE)
        .and_then(|whole| whole.checked_add(nano))
        .ok_or(BadNumber::TooLarge)?;
    Ok(Money(if negative { -value } else { value }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CENT: Price = Price(10_000_000);

    #[test]
    fn what_is_no_number_is_named() {
        assert_eq!(price(f64::NAN, CENT), Err(BadNumber::NotFinite));
        assert_eq!(price(f64::INFINITY, CENT), Err(BadNumber::NotFinite));
        assert_eq!(price(f64::MAX, CENT), Err(BadNumber::Unset));
        assert_eq!(price(1e30, CENT), Err(BadNumber::TooLarge));
        for none in [0.0, -0.0, -1.0, -187.5] {
            assert_eq!(price(none, CENT), Err(BadNumber::NotPositive), "{none}");
        }
        for off in [187.321, 187.3200001, 0.005, 5e-324 + 0.004] {
            assert_eq!(price(off, CENT), Err(BadNumber::OffGrid), "{off}");
        }
        assert_eq!(price(f64::from_bits(1), CENT), Err(BadNumber::NotPositive));
        assert_eq!(quantity(0.0), Err(BadNumber::NotPositive));
        assert_eq!(quantity(0.5), Err(BadNumber::Fraction));
        assert_eq!(quantity(5e9), Err(BadNumber::TooLarge));
        assert_eq!(count(0.0), Ok(0));
        assert_eq!(count(-3.0), Err(BadNumber::NotPositive));
        assert_eq!(size(-1.0), Err(BadNumber::NotPositive));
        assert_eq!(size(1e12), Ok(u32::MAX));
        assert_eq!(money(f64::MAX), Err(BadNumber::Unset));
    }

    #[test]
    fn fractions_of_a_position_are_kept_apart() {
        assert_eq!(position(100.0), Ok((Qty(100), 0)));
        assert_eq!(position(-7.25), Ok((Qty(-7), -250_000_000)));
        assert_eq!(position(0.5), Ok((Qty(0), 500_000_000)));
        assert_eq!(position(0.1 + 0.2 - 0.3), Ok((Qty(0), 0)));
    }

    #[test]
    fn text_is_read_digit_by_digit() {
        assert_eq!(text("100000.00"), Ok(Money(100_000 * SCALE)));
        assert_eq!(text("-0.05"), Ok(Money(-50_000_000)));
        assert_eq!(text("1.0000000019"), Ok(Money(1_000_000_001)));
        assert_eq!(text("1.7976931348623157E308"), Err(BadNumber::Unset));
        assert_eq!(text("99999999999999"), Err(BadNumber::TooLarge));
        for bad in ["", "-", ".", "1.2.3", "1,5", "NaN", "true"] {
            assert_eq!(text(bad), Err(BadNumber::NotANumber), "{bad}");
        }
    }

    proptest! {
        /// Every price that we can send comes back as itself, also by way of its text.
        #[test]
        fn the_grid_survives_the_wire(ticks in 1_i64..900_000_000, tick in prop::sample::select(
            vec![10_000_000_i64, 100_000, 250_000_000, 5_000_000, 1_562_500]
        )) {
            let own = Price(ticks.saturating_mul(tick).min(9_000_000_000 * SCALE / tick * tick));
            prop_assert_eq!(price(to_wire(own), Price(tick)), Ok(own));
            let text: f64 = own.to_string().parse().expect("a number");
            prop_assert_eq!(price(text, Price(tick)), Ok(own));
        }

        /// What lies clearly between two steps of the grid is refused.
        #[test]
        fn what_lies_between_is_refused(ticks in 1_i64..100_000_000, off in 100_000..9_900_000_i64)
        {
            let between = Price(ticks * CENT.0 + off);
            prop_assert_eq!(price(to_wire(between), CENT), Err(BadNumber::OffGrid));
        }

        #[test]
        fn no_double_makes_it_panic(bits: u64) {
            let value = f64::from_bits(bits);
            let _ = (price(value, CENT), quantity(value), count(value), size(value));
            let _ = (position(value), money(value), whole(value), average(value));
        }

        #[test]
        fn no_text_makes_it_panic(value: String) {
            let _ = text(&value);
        }
    }
}
