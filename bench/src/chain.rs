//! The five stages as 1, 2, 3 and 5 lanes: what they get through, and how late their commands are.

use crate::backtest::{task, times_for};
use crate::benches::Bench;
use crate::distribution::{Distribution, Since, add_each, nanoseconds, told};
use crate::hop::{self, peers};
use crate::latency::{Case, protected};
use crate::load::{Rhythm, merged};
use crate::market::Day;
use crate::measure::{Spread, quotient};
use crate::pipeline::{self, Task};
use crate::report::Report;
use anyhow::{Result, ensure};
use journal::Durability;

/// The layouts.
const LANES: [usize; 4] = [1, 2, 3, 5];
/// The paced load.
const RHYTHM: Rhythm = Rhythm::even(100_000);

/// Messages that go there and back fall due so far apart.
const TRIP_EVERY_NS: u64 = 2_000;
/// Of a run's time each ring has one part in so many.
const TRIPS_SHARE: u64 = 4;
/// Lines of their rings.
const SLOTS: usize = 1_024;

/// Runs the bench.
///
/// # Errors
/// When the data or the disk cannot be used.
pub fn run(bench: &Bench) -> Result<Report> {
    let mut report = Report::new("chain");
    report.note(&bench.place.how);
    let days = bench.place.days(&bench.effort)?;
    // The shortest real day: lanes that share cores take long over it.
    let Some(day) = days.iter().min_by_key(|day| day.frames) else {
        return Ok(report);
    };
    let cores = bench.cores.allowed.len();
    for lanes in LANES {
        saturated(bench, day, lanes, &mut report)?;
    }
    report.note(
        "saturated is virtual time: the head runs at most the loop-back's millisecond of the \
         data's time ahead of what has drained, so that more lanes bring less than their number",
    );
    let frames = merged(day);
    for lanes in LANES {
        if lanes > cores || (lanes > 1 && !bench.cores.are_two()) {
            report.note(format!(
                "{lanes} lanes, paced: not measured, needs {lanes} free cores and this process \
                 may use {cores}"
            ));
            continue;
        }
        let case = Case {
            lanes,
            rhythm: RHYTHM,
            durability: Durability::Process,
            time: bench.effort.run / 2,
        };
        let (mut ages, mut p50s) = (nanoseconds(), Vec::new());
        for _ in 0..bench.effort.side_runs() {
            let run = protected(bench, day, &frames, &case)?;
            let own = run.heard.protect.response;
            add_each([(&mut ages, &own)]);
            if !own.is_empty() {
                p50s.push(own.value_at_quantile(0.5) as f64);
            }
        }
        if p50s.is_empty() {
            report.note(format!("{lanes} lanes, paced: no command, too short a run"));
            continue;
        }
        let name = format!("{}, {}", named(lanes), RHYTHM.name());
        let detail = format!("best to protective command: {}", told(&ages));
        report.figure(&name, "ns p50", p50s.len(), Spread::of(p50s), detail);
        report.distribution(Distribution {
            group: "best to protective command by lanes".to_owned(),
            name,
            since: Since::Due,
            histogram: ages,
        });
    }
    there_and_back(bench, &mut report)?;
    Ok(report)
}

/// Two hops between two lanes without any work, beside other people's rings.
fn there_and_back(bench: &Bench, report: &mut Report) -> Result<()> {
    if let Some(why) = bench.cores.why_not_two() {
        report.note(format!("two hops, there and back: {why}"));
        return Ok(());
    }
    let peers: Vec<_> = peers::all()
        .into_iter()
        .filter(|peer| peer.and_back)
        .collect();
    let mut p50s = vec![Vec::new(); peers.len()];
    let mut all: Vec<_> = peers.iter().map(|_| nanoseconds()).collect();
    let (every, turns) = (TRIP_EVERY_NS, bench.effort.runs);
    let count = (bench.effort.run.as_nanos() as u64 / TRIPS_SHARE / every).max(100);
    for _ in 0..turns {
        for ((peer, p50s), all) in peers.iter().zip(&mut p50s).zip(&mut all) {
            let load = hop::task::Load::Paced { every, count };
            let trip = hop::task::Task::new(&bench.cores, SLOTS, load).and_back();
            let outcome = (peer.hop)(&trip);
            let (name, wrong) = (peer.name, outcome.wrong);
            ensure!(wrong == 0, "{name}: {wrong} messages out of order or lost");
            p50s.push(outcome.response.value_at_quantile(0.5) as f64);
            add_each([(all, &outcome.response)]);
        }
    }
    for ((peer, own), all) in peers.iter().zip(&p50s).zip(&all) {
        let times = quotient(own, &p50s[0]).unwrap_or(f64::NAN);
        let spread = Spread::of(own.iter().copied());
        let detail = format!("{times:.2} x ours; {}", told(all));
        let name = format!("two hops, there and back, {}", peer.name);
        report.figure(name, "ns p50", own.len(), spread, detail);
    }
    report.note(
        "two hops: one message each 2 µs to the other core and back through a second ring, without \
         stages; the Disruptors read on threads of their own, three on two cores: not measured",
    );
    Ok(())
}

fn named(lanes: usize) -> String {
    format!("{lanes} lane{}", if lanes == 1 { "" } else { "s" })
}

fn saturated(bench: &Bench, day: &Day, lanes: usize, report: &mut Report) -> Result<()> {
    let shares = lanes > bench.cores.allowed.len();
    let times = if shares { 1 } else { times_for(bench, day)? };
    let mut rates = Vec::new();
    for _ in 0..if shares { 1 } else { bench.effort.side_runs() } {
        let dir = bench.temp()?;
        let task = Task {
            lanes,
            ..task(day, times, dir.path())
        };
        let done = pipeline::run(&task, || {})?;
        let events = day.events * u64::from(times);
        rates.push(events as f64 / done.stream.as_secs_f64().max(1e-9) / 1e6);
    }
    let cores = bench.cores.allowed.len();
    let detail = if shares {
        format!("time-sharing of {cores} cores, not what {lanes} lanes can do")
    } else {
        format!("{} x{times}, journal included", day.name)
    };
    report.figure(
        format!("{}, saturated", named(lanes)),
        "M events/s",
        rates.len(),
        Spread::of(rates),
        detail,
    );
    Ok(())
}
