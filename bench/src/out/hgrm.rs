//! Percentiles as text, as HdrHistogram's `outputPercentileDistribution` writes them.

use hdrhistogram::Histogram;
use std::fmt::Write;

/// Lines for each halving of the distance to 100 %, as the original has by default.
const TICKS: u32 = 5;

/// The text; values in nanoseconds.
pub(super) fn text(histogram: &Histogram<u64>) -> String {
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut count = 0;
    // Writing into a string cannot fail.
    for step in histogram.iter_quantiles(TICKS) {
        count += step.count_since_last_iteration();
        let (value, quantile) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        let _ = write!(text, "{value:12.3} {quantile:.12} {count:10}");
        let _ = if quantile < 1.0 {
            writeln!(text, " {:14.2}", 1.0 / (1.0 - quantile))
        } else {
            writeln!(text)
        };
    }
    let (mean, deviation) = (histogram.mean(), histogram.stdev());
    let (max, all) = (histogram.max() as f64, histogram.len());
    let buckets = histogram.buckets();
    let parts = (2 * 10_u64.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    let _ = writeln!(
        text,
        "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]"
    );
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {all:12}]");
    let _ = writeln!(
        text,
        "#[Buckets = {buckets:12}, SubBuckets     = {parts:12}]"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::nanoseconds;

    #[test]
    fn a_known_distribution_reads_as_the_original_would_write_it() {
        let mut histogram = nanoseconds();
        for value in 1..=1_000 {
            histogram.record(value).unwrap();
        }
        let text = text(&histogram);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "       Value     Percentile TotalCount 1/(1-Percentile)"
        );
        assert_eq!(lines[1], "");
        assert_eq!(
            lines[2],
            "       1.000 0.000000000000          1           1.00"
        );
        assert_eq!(
            lines[3],
            "     100.000 0.100000000000        100           1.11"
        );
        assert!(lines.contains(&"     500.000 0.500000000000        500           2.00"));
        for line in lines[2..].iter().filter(|line| !line.starts_with('#')) {
            let fields: Vec<f64> = line
                .split_whitespace()
                .map(|f| f.parse().unwrap())
                .collect();
            let [value, quantile, count] = fields[..3] else {
                panic!("{line}");
            };
            assert!((value - count).abs() < 1e-9, "as many as the value: {line}");
            assert!((count - quantile * 1_000.0).abs() <= 1.0, "{line}");
        }
        assert!(lines.contains(&"    1000.000 1.000000000000       1000"));
        assert!(lines.contains(&"#[Mean    =      500.500, StdDeviation   =      288.675]"));
        assert!(lines.contains(&"#[Max     =     1000.000, Total count    =         1000]"));
    }
}
