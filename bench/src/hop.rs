//! One hop: lines of 64 bytes from one pinned thread to another, ours beside other people's.
//!
//! All take turns, run by run, so that a bad minute of the box falls on all of them. The paced hop
//! is open-loop: what counts is when a message was due, not when its turn came.

#[cfg(feature = "peers")]
mod disruptor;
#[cfg(feature = "peers")]
mod java;
mod ours;
pub mod peers;
#[cfg(feature = "peers")]
mod queues;
#[cfg(feature = "peers")]
mod rings;
pub mod task;

use crate::benches::Bench;
use crate::distribution::{Distribution, Since, nanoseconds, told};
use crate::floors::{one_way, raw_reading};
use crate::measure::{Effort, Run, Spread, mega_rates};
use crate::report::Report;
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use peers::{Peer, Role};
use std::time::Duration;
use task::{Load, Outcome, Task};

/// One message falls due each microsecond.
const EVERY_NS: u64 = 1_000;
/// Sizes of rings, in lines.
const SLOTS: [usize; 2] = [1_024, 65_536];
/// Share of a run's time in which a ring is saturated, each size.
const SATURATED_SHARE: u32 = 8;

/// Everything that one way from thread to thread was measured to be.
#[derive(Debug)]
struct Measured {
    name: String,
    role: Role,
    p50: Vec<f64>,
    response: Histogram<u64>,
    service: Histogram<u64>,
    saturated: [Vec<Run>; SLOTS.len()],
}

impl Measured {
    fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
            p50: Vec::new(),
            response: nanoseconds(),
            service: nanoseconds(),
            saturated: Default::default(),
        }
    }

    fn paced(&mut self, response: &Histogram<u64>, service: &Histogram<u64>) {
        self.p50.push(response.value_at_quantile(0.5) as f64);
        // The bounds are the same.
        let _ = self.response.add(response);
        let _ = self.service.add(service);
    }

    fn median_p50(&self) -> Option<f64> {
        (!self.p50.is_empty()).then(|| Spread::of(self.p50.iter().copied()).median)
    }

    fn median_rate(&self, size: usize) -> Option<f64> {
        let runs = &self.saturated[size];
        (!runs.is_empty()).then(|| mega_rates(runs).median)
    }
}

/// Runs the bench.
///
/// # Errors
/// When a message got lost, doubled or out of order.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("hop");
    if let Some(why) = bench.cores.why_not_two() {
        report.note(format!("hop: {why}"));
        return Ok(report);
    }
    report.note(
        "paced: one message each microsecond, latency from when it was due, one reading of the \
         counter included; saturated: as fast as it goes",
    );
    if !cfg!(feature = "peers") {
        report.note("peers: not in this build, see above");
    }
    let reading = raw_reading(&bench.effort);
    let mut ways = Vec::new();
    let all = measure(bench, &mut report, &mut ways)?;
    let line = (!ways.is_empty()).then(|| Spread::of(ways));
    let runs = bench.effort.runs;
    if let Some(line) = &line {
        let detail = "half of there and back; what a ring takes at best";
        report.figure("floor: cache line one way", "ns", runs, *line, detail);
    }
    let detail = "what timing adds to each latency, once; and as long again until the sender sees \
                  that a message is due, half of it on average";
    report.figure("floor: counter reading", "ns", runs, reading, detail);
    tell_paced(&all, &mut report);
    tell_saturated(&all, &mut report);
    targets(
        &all,
        line.map(|line| [line.median, reading.median]),
        &mut report,
    );
    Ok(report)
}

fn measure(bench: &Bench, report: &mut Report, ways: &mut Vec<f64>) -> Result<Vec<Measured>> {
    let peers = peers::all();
    let mut all: Vec<Measured> = (peers.iter())
        .map(|peer| Measured::new(peer.name, peer.role))
        .collect();
    #[cfg(feature = "peers")]
    let mut lmax = match java::Lmax::start(&bench.cores, &bench.effort) {
        Ok(lmax) => Some(lmax),
        Err(why) => {
            report.note(why);
            None
        }
    };
    #[cfg(feature = "peers")]
    let mut java = [
        Measured::new("LMAX Disruptor (Java)", Role::Lmax),
        Measured::new("LMAX Disruptor (Java), 64 at once", Role::Lmax),
    ];
    let once = Effort {
        runs: 1,
        ..bench.effort
    };
    for _ in 0..bench.effort.runs {
        // Each time anew: a hypervisor may move the two cores apart or together meanwhile.
        ways.extend(one_way(&bench.cores, &once).map(|way| way.two_lines.median));
        for (peer, measured) in peers.iter().zip(&mut all) {
            turn(bench, peer, measured)?;
        }
        #[cfg(feature = "peers")]
        if let Some(Err(why)) = lmax.as_mut().map(|lmax| lmax.turn(bench, &mut java)) {
            report.note(format!("LMAX Disruptor (Java): not measured, {why}"));
            lmax = None;
        }
    }
    #[cfg(feature = "peers")]
    if lmax.is_some() {
        all.extend(java);
    }
    #[cfg(not(feature = "peers"))]
    report.note("LMAX Disruptor: not in this build");
    Ok(all)
}

/// Messages of a paced run.
fn paced_count(bench: &Bench) -> u64 {
    (bench.effort.run.as_nanos() as u64 / 4 / EVERY_NS).max(100)
}

/// Time of a saturated run.
fn saturated_time(bench: &Bench) -> Duration {
    bench.effort.run / SATURATED_SHARE
}

fn turn(bench: &Bench, peer: &Peer, measured: &mut Measured) -> Result<()> {
    let hop = |slots, load| -> Result<Outcome> {
        let outcome = (peer.hop)(&Task::new(&bench.cores, slots, load));
        let (name, wrong) = (peer.name, outcome.wrong);
        ensure!(wrong == 0, "{name}: {wrong} messages out of order or lost");
        Ok(outcome)
    };
    if peer.paced {
        let (every, count) = (EVERY_NS, paced_count(bench));
        let outcome = hop(SLOTS[0], Load::Paced { every, count })?;
        measured.paced(&outcome.response, &outcome.service);
    }
    if peer.saturated {
        for (slots, runs) in SLOTS.into_iter().zip(&mut measured.saturated) {
            runs.push(hop(slots, Load::Saturated(saturated_time(bench)))?.run);
        }
    }
    Ok(())
}

fn tell_paced(all: &[Measured], report: &mut Report) {
    let ours = all.first().and_then(Measured::median_p50);
    for one in all.iter().filter(|one| !one.p50.is_empty()) {
        let spread = Spread::of(one.p50.iter().copied());
        let times = ours.map_or(f64::NAN, |ours| spread.median / ours);
        report.figure(
            format!("paced p50, {}", one.name),
            "ns",
            one.p50.len(),
            spread,
            format!("{times:.2} x ours; all runs: {}", told(&one.response)),
        );
        for (since, histogram) in [(Since::Due, &one.response), (Since::Begun, &one.service)] {
            if !histogram.is_empty() {
                report.distribution(Distribution {
                    group: "one message each microsecond".to_owned(),
                    name: one.name.clone(),
                    since,
                    histogram: histogram.clone(),
                });
            }
        }
    }
}

fn tell_saturated(all: &[Measured], report: &mut Report) {
    for (size, slots) in SLOTS.into_iter().enumerate() {
        let ours = all.first().and_then(|ours| ours.median_rate(size));
        for one in all.iter().filter(|one| !one.saturated[size].is_empty()) {
            let rates = mega_rates(&one.saturated[size]);
            let times = ours.map_or(f64::NAN, |ours| rates.median / ours);
            report.figure(
                format!("saturated, {slots} slots, {}", one.name),
                "M/s",
                one.saturated[size].len(),
                rates,
                format!("{times:.2} x ours"),
            );
        }
    }
}

fn targets(all: &[Measured], floors: Option<[f64; 2]>, report: &mut Report) {
    let Some(ours) = all.first() else { return };
    let is_peer = |one: &&Measured| !matches!(one.role, Role::Ours | Role::Floor);
    if let Some(p50) = ours.median_p50() {
        let peers = all.iter().filter(is_peer).filter_map(Measured::median_p50);
        let best = peers.reduce(f64::min);
        if let Some([line, reading]) = floors {
            let target = report.at_most("hop p50, paced", "ns", p50, 1.1 * line);
            (target.floor, target.peer) = (Some(line), best);
            let name = "hop p50, paced, less one reading of the counter";
            let target = report.at_most(name, "ns", p50 - reading, 1.1 * line);
            target.floor = Some(line);
        }
        if let Some(best) = best {
            let name = "hop p50, paced, beside the best peer";
            report.at_most(name, "ns", p50, best).peer = Some(best);
        }
    }
    for (size, slots) in SLOTS.into_iter().enumerate() {
        let Some(rate) = ours.median_rate(size) else {
            continue;
        };
        for (role, share, whom) in [
            (Role::Rtrb, 1.0, "rtrb at its best"),
            (Role::Disruptor, 0.95, "the Rust Disruptor at its best"),
            (Role::Lmax, 1.0, "LMAX at its best"),
        ] {
            let rates = all.iter().filter(|one| one.role == role);
            let best = rates
                .filter_map(|one| one.median_rate(size))
                .reduce(f64::max);
            if let Some(best) = best {
                let name = format!("saturated, {slots} slots, beside {whom}");
                report.at_least(name, "M/s", rate, share * best, None).peer = Some(best);
            }
        }
    }
}
