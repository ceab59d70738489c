//! The jitter meter: what a thread that does nothing but read the clock sees of a lane's core.
//!
//! The meter is the harness's ([`bench::floors::hiccup`]): no stall is left out because nobody
//! looked. All cores are measured at once, because lanes run at once.

use super::check::Check;
use super::system::stolen;
use crate::commands::common::Progress;
use crate::host::Host;
use crate::report::span;
use bench::floors::hiccup;
use hdrhistogram::Histogram;
use serde_json::json;
use std::time::Duration;

/// A core of its own, isolated and awake, keeps within these.
const P999_MAX_NS: u64 = 2_000;
const LONGEST_MAX_NS: u64 = 100_000;
/// How often progress is shown.
const SHOWN_EVERY: Duration = Duration::from_millis(100);

/// What one core's meter saw.
struct Seen {
    core: Option<usize>,
    pinned: bool,
    delays: Histogram<u64>,
}

/// One check for each lane, on its core or, where it has none, on no core in particular.
pub fn checks(host: &Host, lanes: &[Option<usize>], time: Duration) -> Vec<Check> {
    let before = host.read("proc/stat").and_then(|text| stolen(&text));
    let seen = measure(lanes, time);
    let after = host.read("proc/stat").and_then(|text| stolen(&text));
    let steal = before.zip(after).map(|(before, after)| {
        let whole = after.1.saturating_sub(before.1).max(1);
        after.0.saturating_sub(before.0) as f64 * 100.0 / whole as f64
    });
    let load = host.read("proc/loadavg");
    let load = load.and_then(|text| Some(text.split_whitespace().next()?.to_owned()));
    let load = load.as_deref().unwrap_or("not visible");
    seen.iter()
        .map(|seen| judge(seen, time, steal, load))
        .collect()
}

fn measure(lanes: &[Option<usize>], time: Duration) -> Vec<Seen> {
    let steps = u64::try_from(time.as_millis() / SHOWN_EVERY.as_millis()).unwrap_or(0);
    let progress = Progress::new(steps, "jitter of the lanes' cores");
    std::thread::scope(|scope| {
        let meters: Vec<_> = lanes
            .iter()
            .map(|core| scope.spawn(move || watch(*core, time)))
            .collect();
        let mut step = 0;
        while meters.iter().any(|meter| !meter.is_finished()) {
            std::thread::sleep(SHOWN_EVERY.min(time));
            step += 1;
            progress.at(step.min(steps));
        }
        let seen = meters.into_iter().filter_map(|meter| meter.join().ok());
        seen.collect()
    })
}

fn watch(core: Option<usize>, time: Duration) -> Seen {
    // Pinning takes no number that no system has; the configuration's check tells of those.
    let usable = engine::lane::cores();
    let pinned = core.is_some_and(|core| usable.contains(&core) && engine::lane::pin(core));
    Seen {
        core,
        pinned,
        delays: hiccup::watch(time),
    }
}

fn judge(seen: &Seen, time: Duration, steal_percent: Option<f64>, load: &str) -> Check {
    let check = Check::new(
        "jitter",
        format!(
            "p99.9 within {}, no gap beyond {}",
            span(P999_MAX_NS),
            span(LONGEST_MAX_NS)
        ),
        "this is what the box itself takes from a lane that only reads the clock; no lane can be \
         better than this",
        "isolate the lanes' cores, stop their interrupts and deep sleep (the checks above; \
         `spindle tune plan`), end other programs, and measure again; what then remains is the \
         hypervisor's or the firmware's",
    );
    let at = |quantile| seen.delays.value_at_quantile(quantile);
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    let longest = seen.delays.max();
    let place = match (seen.core, seen.pinned) {
        (Some(core), true) => format!("core {core}"),
        (Some(core), false) => format!("core {core} (pinning was refused, so wherever it ran)"),
        (None, _) => "no core in particular (the lane names none)".to_owned(),
    };
    let steal = steal_percent.map_or_else(
        || "steal not visible".to_owned(),
        |percent| format!("{percent:.1} % of the box stolen"),
    );
    let found = format!(
        "{place}: p50 {}, p99 {}, p99.9 {}, longest gap {} in {:.1} s; {steal}, load average \
         {load}",
        span(p50),
        span(p99),
        span(p999),
        span(longest),
        time.as_secs_f64()
    );
    check
        .ok_if(p999 <= P999_MAX_NS && longest <= LONGEST_MAX_NS, found)
        .numbers(json!({
            "core": seen.core, "pinned": seen.pinned, "seconds": time.as_secs_f64(),
            "samples": seen.delays.len(), "p50_ns": p50, "p99_ns": p99, "p999_ns": p999,
            "longest_gap_ns": longest, "steal_percent": steal_percent,
        }))
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;

    fn seen(delays: &[(u64, u64)]) -> Seen {
        let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("bounds");
        for (delay, count) in delays {
            histogram.record_n(*delay, *count).expect("within bounds");
        }
        Seen {
            core: Some(3),
            pinned: true,
            delays: histogram,
        }
    }

    #[test]
    fn a_quiet_core_is_fine_and_one_long_gap_is_not() {
        let time = Duration::from_secs(5);
        let quiet = judge(&seen(&[(20, 5_000_000)]), time, Some(0.0), "0.01");
        assert_eq!(quiet.severity, Severity::Ok, "{}", quiet.found);
        assert!(
            quiet.found.starts_with("core 3: p50 20 ns, p99 20 ns"),
            "{}",
            quiet.found
        );
        let gap = judge(
            &seen(&[(20, 5_000_000), (2_000_000, 1)]),
            time,
            None,
            "0.01",
        );
        assert_eq!(gap.severity, Severity::Warn);
        let end = "us in 5.0 s; steal not visible, load average 0.01";
        assert!(gap.found.ends_with(end), "{}", gap.found);
        let late = judge(&seen(&[(20, 99_000), (50_000, 1_000)]), time, None, "9");
        assert_eq!(late.severity, Severity::Warn, "{}", late.found);
        assert!(late.numbers.is_some());
    }

    #[test]
    fn each_microsecond_counts_once_and_a_core_that_is_not_there_is_no_panic() {
        let seen = measure(&[None, Some(usize::MAX)], Duration::from_millis(20));
        assert_eq!(seen.len(), 2);
        for seen in seen {
            assert!(!seen.pinned, "no such core");
            assert_eq!(seen.delays.len(), 20_000);
        }
    }
}
