//! Unit arithmetic against `i128`, where nothing here can overflow; decimals against an exact
//! reader.

use proptest::prelude::*;
use stream::units::SCALE;
use stream::{Money, Nanos, Price, Qty, Side};

/// Small, large and extreme numbers, each often enough.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        -1_000_000i64..1_000_000,
        any::<i64>(),
        Just(0),
        i64::MIN..i64::MIN + 3,
        i64::MAX - 2..=i64::MAX,
        -1_000_000_000_000_000i64..1_000_000_000_000_000,
    ]
}

fn fits(value: i128) -> Option<i64> {
    i64::try_from(value).ok()
}

fn clamped(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Reads a decimal exactly, in 1e-9, or not at all.
fn exact(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.')?;
    if !(2..=9).contains(&fraction.len()) || (fraction.len() > 2 && fraction.ends_with('0')) {
        return None;
    }
    if whole != "0" && whole.starts_with('0') {
        return None;
    }
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits(whole) && all_digits(fraction)).then_some(())?;
    let whole: i128 = whole.parse().ok()?;
    let fraction: i128 = format!("{fraction:0<9}").parse().ok()?;
    let magnitude = whole * i128::from(SCALE) + fraction;
    Some(if negative { -magnitude } else { magnitude })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn sums_and_differences_are_exact_or_refused(a in number(), b in number()) {
        let (sum, difference) = (i128::from(a) + i128::from(b), i128::from(a) - i128::from(b));
        macro_rules! check {
            ($($unit:ident)*) => {$(
                let (x, y) = ($unit(a), $unit(b));
                prop_assert_eq!(x.checked_add(y).map(|sum| sum.0), fits(sum));
                prop_assert_eq!(x.checked_sub(y).map(|difference| difference.0), fits(difference));
                prop_assert_eq!(x.saturating_add(y).0, clamped(sum));
                prop_assert_eq!(x.saturating_sub(y).0, clamped(difference));
                if let Some(sum) = fits(sum) {
                    let mut changing = x;
                    changing += y;
                    prop_assert_eq!((x + y, changing), ($unit(sum), $unit(sum)));
                }
                if let Some(difference) = fits(difference) {
                    let mut changing = x;
                    changing -= y;
                    prop_assert_eq!((x - y, changing), ($unit(difference), $unit(difference)));
                }
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            )*};
        }
        check!(Price Money Qty);
        if a != i64::MIN {
            prop_assert_eq!((-Money(a), -Qty(a)), (Money(-a), Qty(-a)));
        }
    }

    #[test]
    fn times_never_go_below_zero_or_beyond_their_end(a: u64, b: u64) {
        prop_assert_eq!(Nanos(a).checked_add(Nanos(b)).map(|sum| sum.0), a.checked_add(b));
        prop_assert_eq!(Nanos(a).checked_sub(Nanos(b)).map(|span| span.0), a.checked_sub(b));
        let span = i128::from(a) - i128::from(b);
        prop_assert_eq!(i128::from(Nanos(a).saturating_sub(Nanos(b)).0), span.max(0));
        let sum = u128::from(a) + u128::from(b);
        prop_assert_eq!(u128::from(Nanos(a).saturating_add(Nanos(b)).0), sum.min(u64::MAX.into()));
    }

    #[test]
    fn a_value_is_the_whole_product_or_refused(
        price in number(),
        qty in number(),
        multiplier: u32,
    ) {
        let by = i128::from(qty) * i128::from(multiplier);
        let product = i128::from(price).checked_mul(by);
        let expected = product.and_then(fits).map(Money);
        prop_assert_eq!(Price(price).checked_value(Qty(qty), multiplier), expected);
        if let Some(value) = expected {
            prop_assert_eq!(Price(price).value(Qty(qty), multiplier), value);
        }
    }

    #[test]
    fn the_grid_is_the_nearest_multiple_on_either_side(
        price in -4_000_000_000_000_000_000i64..4_000_000_000_000_000_000,
        tick in prop_oneof![1i64..1_000, Just(10_000_000), Just(250_000_000), 1..i64::MAX / 4],
    ) {
        let (floor, ceil) = (Price(price).floor_to(Price(tick)), Price(price).ceil_to(Price(tick)));
        prop_assert_eq!(i128::from(floor.0) % i128::from(tick), 0);
        prop_assert_eq!(i128::from(ceil.0) % i128::from(tick), 0);
        prop_assert!(floor.0 <= price && i128::from(price) - i128::from(floor.0) < tick.into());
        prop_assert!(ceil.0 >= price && i128::from(ceil.0) - i128::from(price) < tick.into());
        prop_assert!(floor.is_on(Price(tick)) && ceil.is_on(Price(tick)));
        prop_assert_eq!(Price(price).is_on(Price(tick)), floor == ceil);
        prop_assert!(!Price(price).is_on(Price(-tick)) && !Price(price).is_on(Price(0)));
    }

    /// Prices on a grid survive the way through a float, as far as a float can tell ticks apart.
    #[test]
    fn a_float_comes_back_to_its_own_tick(
        ticks in -1_000_000_000i64..1_000_000_000,
        tick in prop_oneof![Just(100_000), Just(10_000_000), Just(250_000_000)],
    ) {
        let price = Price(ticks * tick);
        prop_assert_eq!(Price::nearest(price.to_f64(), Price(tick)), Some(price));
    }

    #[test]
    fn a_float_becomes_the_nearest_tick_or_none(value: f64, tick in 2i64..1_000_000_000) {
        match Price::nearest(value, Price(tick)) {
            None => prop_assert!(!value.is_finite() || value.abs() >= 8.9e9),
            Some(price) => {
                prop_assert!(price.is_on(Price(tick)));
                // `value` in 1e-9 is exact to a part in 2^52; truncation costs one unit more.
                let scaled = value * SCALE as f64;
                let slack = 1.0 + scaled.abs() * f64::EPSILON;
                let distance = (price.0 as f64 - scaled).abs();
                prop_assert!(distance <= tick as f64 / 2.0 + slack, "{} {}", value, price);
            }
        }
    }

    #[test]
    fn decimals_say_the_number_exactly(value in number()) {
        prop_assert_eq!(exact(&Price(value).to_string()), Some(value.into()));
        prop_assert_eq!(exact(&Money(value).to_string()), Some(value.into()));
        prop_assert_eq!(Qty(value).to_string(), value.to_string());
    }
}

#[test]
fn the_ends_of_the_range_print_too() {
    assert_eq!(Price::MAX.to_string(), "9223372036.854775807");
    assert_eq!(Price::MIN.to_string(), "-9223372036.854775808");
    assert_eq!(Money::ZERO.to_string(), "0.00");
    assert_eq!(Nanos::MAX.to_string(), u64::MAX.to_string());
}

#[test]
fn a_side_is_its_opposites_opposite() {
    for side in [Side::None, Side::Buy, Side::Sell] {
        assert_eq!(side.opposite().opposite(), side);
        assert_eq!(side.sign() + side.opposite().sign(), 0);
    }
    assert_eq!((Side::Buy.sign(), Side::Sell.sign()), (1, -1));
}

macro_rules! ends_the_run {
    ($($test:ident: $expected:literal, $overflows:expr;)*) => {$(
        #[test]
        #[should_panic(expected = $expected)]
        fn $test() {
            let _ = $overflows;
        }
    )*};
}

ends_the_run! {
    a_price_sum_beyond_the_range: "Price sum overflows", Price::MAX + Price(1);
    a_price_difference_beyond_the_range: "Price difference overflows", Price::MIN - Price(1);
    a_money_difference_beyond_the_range: "Money difference overflows", Money::MIN - Money(1);
    a_quantity_sum_beyond_the_range: "Qty sum overflows", Qty::MAX + Qty(1);
    a_time_before_the_epoch: "Nanos difference overflows", Nanos::ZERO - Nanos(1);
    a_time_beyond_its_end: "Nanos sum overflows", Nanos::MAX + Nanos(1);
    a_quantity_without_its_negative: "Qty negation overflows", -Qty::MIN;
    an_amount_without_its_negative: "Money negation overflows", -Money::MIN;
    a_value_beyond_money: "value overflows Money", Price::MAX.value(Qty(1), 2);
    a_grid_without_a_step: "tick must be positive", Price(1).floor_to(Price(0));
    a_multiple_beyond_the_range: "overflow", Price::MAX.ceil_to(Price(10));
    a_multiple_below_the_range: "overflow", Price::MIN.floor_to(Price(10));
}
