//! One hop: lines of 64 bytes from one pinned thread to another, ours beside other people's.
//!
//! All take turns, and turns are short: a hypervisor moves the two cores together or apart every
//! few seconds, and a cache line takes up to four times as long between them. What is judged is
//! the median, over all turns, of ratios within one turn. The paced hop is open-loop: what counts
//! is when a message was due, not when its turn came.

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
use crate::floors::{one_way, ordered_reading};
use crate::measure::{Effort, Run, Spread, mega_rates, quotient, rates};
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
/// Turns that a run is cut into.
const TURNS: u32 = 5;
/// Share of a turn's time in which a ring is saturated, each size.
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

    /// Rates of each turn, in a ring of that size.
    fn rates(&self, size: usize) -> Vec<f64> {
        rates(&self.saturated[size])
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
        "paced: one message each microsecond, latency from when it was due until it has been read, \
         one reading of the counter behind it included; saturated: as fast as it goes; every \
         reading end pauses a moment where it found nothing",
    );
    if !cfg!(feature = "peers") {
        report.note("peers: not in this build, see above");
    }
    let reading = ordered_reading(&bench.effort);
    let mut ways = Vec::new();
    let all = measure(bench, &mut report, &mut ways)?;
    let runs = bench.effort.runs;
    if !ways.is_empty() {
        let detail = "half of there and back; what a ring takes at best";
        let line = Spread::of(ways.iter().copied());
        report.figure("floor: cache line one way", "ns", ways.len(), line, detail);
    }
    let detail = "what timing adds to each latency, once: it waits until the message is there as \
                  a whole; and about as long again until the sender sees that one is due";
    report.figure("floor: counter reading", "ns", runs, reading, detail);
    tell_paced(&all, &mut report);
    tell_saturated(&all, &mut report);
    paced_targets(&all, &ways, reading.median, &mut report);
    saturated_targets(&all, &mut report);
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
        run: bench.effort.run / TURNS,
        ..bench.effort
    };
    for _ in 0..bench.effort.runs * TURNS as usize {
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

/// Messages of a paced turn.
fn paced_count(bench: &Bench) -> u64 {
    let turn = bench.effort.run / TURNS;
    (turn.as_nanos() as u64 / 4 / EVERY_NS).max(100)
}

/// Time of a saturated turn.
fn saturated_time(bench: &Bench) -> Duration {
    bench.effort.run / TURNS / SATURATED_SHARE
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
    let Some(ours) = all.first() else { return };
    for one in all.iter().filter(|one| !one.p50.is_empty()) {
        let spread = Spread::of(one.p50.iter().copied());
        let times = quotient(&one.p50, &ours.p50).unwrap_or(f64::NAN);
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
    let Some(ours) = all.first() else { return };
    for (size, slots) in SLOTS.into_iter().enumerate() {
        for one in all.iter().filter(|one| !one.saturated[size].is_empty()) {
            let rates = mega_rates(&one.saturated[size]);
            let times = quotient(&one.rates(size), &ours.rates(size)).unwrap_or(f64::NAN);
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

fn paced_targets(all: &[Measured], ways: &[f64], reading: f64, report: &mut Report) {
    let Some(ours) = all.first() else { return };
    let bare: Vec<f64> = ours.p50.iter().map(|p50| p50 - reading).collect();
    for (name, own) in [
        ("hop p50, paced, of the one-way of its turn", &ours.p50),
        (
            "hop p50, paced, less one reading of the counter, of the same",
            &bare,
        ),
    ] {
        if let Some(times) = quotient(own, ways) {
            report.at_most(name, "x", times, 1.1).floor = Some(1.0);
        }
    }
    let peers = all
        .iter()
        .filter(|one| !matches!(one.role, Role::Ours | Role::Floor));
    let each = peers.filter_map(|one| quotient(&ours.p50, &one.p50));
    if let Some(times) = each.reduce(f64::max) {
        let name = "hop p50, paced, of the best peer's";
        report.at_most(name, "x", times, 1.0).peer = Some(1.0);
    }
}

fn saturated_targets(all: &[Measured], report: &mut Report) {
    let Some(ours) = all.first() else { return };
    for (size, slots) in SLOTS.into_iter().enumerate() {
        for (role, share, whom) in [
            (Role::Rtrb, 1.0, "rtrb at its best"),
            (Role::Disruptor, 0.95, "the Rust Disruptor at its best"),
            (Role::Lmax, 1.0, "LMAX at its best"),
        ] {
            let peers = all.iter().filter(|one| one.role == role);
            let each = peers.filter_map(|one| quotient(&ours.rates(size), &one.rates(size)));
            if let Some(times) = each.reduce(f64::min) {
                let name = format!("saturated, {slots} slots, of {whom}");
                report.at_least(name, "x", times, share, None).peer = Some(1.0);
            }
        }
    }
}
