//! Latencies as a whole: a histogram with what it is of.

use hdrhistogram::Histogram;
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// A histogram of nanoseconds: 1 ns to 60 s, three significant digits, allocated once.
///
/// # Panics
/// Never: the bounds are valid.
#[must_use]
pub fn nanoseconds() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid")
}

/// Adds to each histogram another one of the same thing.
///
/// # Panics
/// Never with histograms made by [`nanoseconds`]: their bounds are the same.
pub fn add_each<'a>(pairs: impl IntoIterator<Item = (&'a mut Histogram<u64>, &'a Histogram<u64>)>) {
    for (own, other) in pairs {
        own.add(other).expect("their bounds are the same");
    }
}

/// Records a span; what took less than a nanosecond counts as one.
pub fn record(histogram: &mut Histogram<u64>, ns: u64) {
    histogram.saturating_record(ns.max(1));
}

/// From when a time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From when something was due: waiting for one's turn counts, and a stall is told by all that
    /// it made late (*response time*).
    Due,
    /// From when it was begun: what stood behind a stall does not tell (*service time*).
    Begun,
}

impl Since {
    /// The field's own words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Due => "response",
            Self::Begun => "service",
        }
    }
}

/// Latencies of one thing.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// What it is to be compared with: distributions of one group share a plot.
    pub group: String,
    /// Of what. The same thing's response and service time have the same name.
    pub name: String,
    /// From when.
    pub since: Since,
    /// In nanoseconds.
    pub histogram: Histogram<u64>,
}

/// The quantiles that are told, with their names.
pub const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
    ("max", 1.0),
];

/// Values that lie beyond a quantile that is told, at least; fewer are an accident.
const BEYOND_MIN: f64 = 5.0;

/// The quantiles in one line, such as `p50 140 ns, p90 …`: those that there are values enough for,
/// and the largest.
#[must_use]
pub fn told(histogram: &Histogram<u64>) -> String {
    let count = histogram.len() as f64;
    let is_told = |quantile: f64| quantile >= 1.0 || count * (1.0 - quantile) >= BEYOND_MIN;
    let value = |(name, quantile): &(&str, f64)| {
        format!("{name} {}", time(histogram.value_at_quantile(*quantile)))
    };
    let told = QUANTILES.iter().filter(|(_, quantile)| is_told(*quantile));
    told.map(value).collect::<Vec<_>>().join(", ")
}

/// A time with a unit that suits it.
#[must_use]
pub fn time(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{:.1} µs", ns as f64 / 1e3),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Distribution", 5 + QUANTILES.len())?;
        out.serialize_field("group", &self.group)?;
        out.serialize_field("name", &self.name)?;
        out.serialize_field("since", self.since.name())?;
        out.serialize_field("unit", "ns")?;
        out.serialize_field("count", &self.histogram.len())?;
        for (name, quantile) in QUANTILES {
            out.serialize_field(name, &self.histogram.value_at_quantile(quantile))?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_told_with_units_that_suit_them() {
        let mut histogram = nanoseconds();
        histogram.record_n(140, 990).unwrap();
        histogram.record_n(12_300_000, 10).unwrap();
        // One value in a thousand says nothing of the slowest thousandth.
        assert_eq!(
            told(&histogram),
            "p50 140 ns, p90 140 ns, p99 140 ns, max 12.3 ms"
        );
        let one = Distribution {
            group: "hop".to_owned(),
            name: "ring".to_owned(),
            since: Since::Due,
            histogram,
        };
        let json = serde_json::to_value(&one).unwrap();
        assert_eq!(
            (&json["p50"], &json["since"]),
            (&140.into(), &"response".into())
        );
    }
}
