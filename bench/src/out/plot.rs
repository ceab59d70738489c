//! A percentile plot: time over percentile, both logarithmic, each nine as wide as the one before.

use crate::distribution::time;
use hdrhistogram::Histogram;
use std::fmt::Write;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 50.0;
/// Colours of the page; further lines have them again, in dots.
pub(super) const COLOURS: usize = 8;
/// Points for each halving of the distance to 100 %.
const TICKS: u32 = 8;
/// Names of the percentiles that are marked, by the number of their nines.
const MARKS: [&str; 8] = [
    "0 %",
    "90 %",
    "99 %",
    "99.9 %",
    "99.99 %",
    "99.999 %",
    "99.9999 %",
    "99.99999 %",
];

/// One line of a plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// What is drawn.
    pub(super) name: &'a str,
    /// Its histogram, in nanoseconds.
    pub(super) histogram: &'a Histogram<u64>,
    /// Its place among the colours.
    pub(super) colour: usize,
    /// Drawn in dashes: service time.
    pub(super) dashed: bool,
}

/// The plot as an `svg` element, coloured by the page's classes.
pub(super) fn svg(lines: &[Line<'_>], title: &str) -> String {
    let axes = Axes::around(lines);
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n");
    axes.draw(&mut svg);
    // The first ones are drawn last, above the others.
    for line in lines.iter().rev() {
        let Line { name, colour, .. } = line;
        let dotted = if *colour >= COLOURS { " dotted" } else { "" };
        let dashed = if line.dashed { " dashed" } else { dotted };
        let first = if *colour == 0 { " first" } else { "" };
        let colour = colour % COLOURS;
        let points = axes.points(line.histogram);
        let median = time(line.histogram.value_at_quantile(0.5));
        // Writing into a string cannot fail.
        let _ = writeln!(
            svg,
            "<polyline class=\"line c{colour}{first}{dashed}\" points=\"{points}\">\
             <title>{name}: p50 {median}, max {}</title></polyline>",
            time(line.histogram.max())
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Ranges of both axes: nines, and powers of ten of nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axes {
    nines: f64,
    low: i32,
    high: i32,
}

impl Axes {
    fn around(lines: &[Line<'_>]) -> Self {
        let all = lines.iter().map(|line| line.histogram);
        let count = all.clone().map(Histogram::len).max().unwrap_or(1).max(10);
        let min = all.clone().map(Histogram::min).min().unwrap_or(1).max(1);
        let max = all.map(Histogram::max).max().unwrap_or(1).max(2);
        let low = (min as f64).log10().floor() as i32;
        let high = (max as f64).log10().ceil() as i32;
        Self {
            nines: (count as f64).log10().min((MARKS.len() - 1) as f64),
            low,
            high: high.max(low + 1),
        }
    }

    fn x(&self, nines: f64) -> f64 {
        LEFT + nines.min(self.nines) / self.nines * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, ns: f64) -> f64 {
        let share = (ns.max(1.0).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
    }

    fn points(&self, histogram: &Histogram<u64>) -> String {
        let mut points = String::new();
        // All that is left stands at the last of them.
        let last = (histogram.len().max(1) as f64).log10();
        for step in histogram.iter_quantiles(TICKS) {
            let left = 1.0 - step.quantile_iterated_to();
            let nines = if left > 0.0 { -left.log10() } else { last };
            let (x, y) = (
                self.x(nines.min(last)),
                self.y(step.value_iterated_to() as f64),
            );
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        points
    }

    fn draw(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for power in self.low..=self.high {
            let ns = 10_f64.powi(power);
            let y = self.y(ns);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                whole(power)
            );
        }
        for (nines, mark) in MARKS.into_iter().enumerate() {
            if nines as f64 > self.nines {
                break;
            }
            let x = self.x(nines as f64);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
                bottom + 20.0
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"tick\" x=\"{right}\" y=\"{}\" text-anchor=\"end\">percentile</text>",
            bottom + 42.0
        );
    }
}

/// A power of ten of nanoseconds.
fn whole(power: i32) -> String {
    let unit = ["ns", "µs", "ms", "s"][(power.max(0) as usize / 3).min(3)];
    let scale = 10_u64.pow((power.max(0) - (power.max(0) / 3).min(3) * 3) as u32);
    format!("{scale} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::nanoseconds;

    #[test]
    fn each_nine_and_each_power_of_ten_is_as_wide_as_the_next() {
        let mut histogram = nanoseconds();
        histogram.record_n(100, 9_900).unwrap();
        histogram.record_n(10_000, 100).unwrap();
        let line = Line {
            name: "ring",
            histogram: &histogram,
            colour: 0,
            dashed: false,
        };
        let axes = Axes::around(&[line]);
        assert_eq!(
            (axes.low, axes.high),
            (2, 5),
            "10,000 stands for up to 10,007"
        );
        assert!((axes.nines - 4.0).abs() < 1e-9);
        let wide = axes.x(1.0) - axes.x(0.0);
        assert!((axes.x(3.0) - axes.x(2.0) - wide).abs() < 1e-9);
        assert!((axes.y(1e3) - axes.y(1e4) - (axes.y(1e2) - axes.y(1e3))).abs() < 1e-9);
        let svg = svg(&[line], "hop");
        assert!(svg.contains("99.9 %") && !svg.contains("99.999 %"));
        assert!(
            svg.contains("<title>ring: p50 100 ns, max 10.0 µs</title>"),
            "{svg}"
        );
        assert_eq!(
            (whole(2), whole(4), whole(9)),
            ("100 ns".into(), "10 µs".into(), "1 s".into())
        );
    }
}
