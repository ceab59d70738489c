//! A run's summary for people.

use engine::tally::{Percentiles, Summary};
use std::io::{self, Write};

/// Prints a summary.
pub fn print(summary: &Summary) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write(&mut out, summary) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn write(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    evaluations(out, summary)?;
    latency(out, summary)?;
    trading(out, summary)?;
    writeln!(out, "\njournal      {}", summary.journal)?;
    writeln!(
        out,
        "             {} inputs, {} frames",
        summary.inputs, summary.frames
    )
}

fn evaluations(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let evaluations = &summary.evaluations;
    writeln!(
        out,
        "evaluations  {} done, {} missed",
        evaluations.done, evaluations.missed
    )?;
    let depth = &summary.depth;
    writeln!(
        out,
        "depth slots  {} at most at a time, {} subscriptions, {} rotations, {} of {} refused \
         candidates were missed opportunities",
        depth.slots,
        depth.subscriptions,
        depth.rotations,
        depth.missed_opportunities,
        depth.refused_candidates
    )
}

fn latency(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let rows = [
        ("evaluation lateness", summary.evaluations.lateness_ns),
        ("evaluation, all stages", summary.evaluations.duration_ns),
        ("tick to command", summary.tick_to_command_ns),
        ("market age at command", summary.market_age_ns),
    ];
    if rows.iter().all(|(_, row)| row.is_none()) {
        return writeln!(out, "latency      none in virtual time");
    }
    writeln!(
        out,
        "\nlatency                        p50        p99      p99.9        max   share of {} ms",
        summary.budget_ms
    )?;
    for (name, row) in rows {
        match row {
            Some(row) => percentiles(out, name, row, summary.budget_ms)?,
            None => writeln!(out, "  {name:<24} none happened")?,
        }
    }
    if summary.speed_milli != 1_000 {
        writeln!(
            out,
            "  (by the clock on the wall; the session passed {} times as fast, and the order round \
             trip is in its time)",
            summary.speed_milli as f64 / 1e3
        )?;
    }
    for (part, (p50, p99, max)) in &summary.service_ns {
        writeln!(
            out,
            "  service of {part:<13} {:>10} {:>10}            {:>10}",
            span(*p50),
            span(*p99),
            span(*max)
        )?;
    }
    if let Some(trip) = summary.order_round_trip_ns {
        percentiles(out, "order round trip", trip, summary.budget_ms)?;
    }
    Ok(())
}

fn percentiles(
    out: &mut impl Write,
    name: &str,
    row: Percentiles,
    budget_ms: u64,
) -> io::Result<()> {
    let share = row.max as f64 / (budget_ms as f64 * 1e6) * 100.0;
    writeln!(
        out,
        "  {name:<24} {:>10} {:>10} {:>10} {:>10}   {share:.3} %",
        span(row.p50),
        span(row.p99),
        span(row.p999),
        span(row.max)
    )
}

fn trading(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let signals = &summary.signals;
    let ended: Vec<String> = signals
        .ended
        .iter()
        .map(|(how, count)| format!("{how} {count}"))
        .collect();
    writeln!(
        out,
        "\nsignals      {}, of which {} became intents; {} outcomes: {}",
        signals.seen,
        signals.intents,
        signals.outcomes,
        if ended.is_empty() {
            "none".to_owned()
        } else {
            ended.join(", ")
        }
    )?;
    let refused: Vec<String> = summary
        .refused
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    writeln!(
        out,
        "refused      {}",
        if refused.is_empty() {
            "none".to_owned()
        } else {
            refused.join(", ")
        }
    )?;
    writeln!(
        out,
        "commands     {}, fills {}",
        summary.commands, summary.fills
    )?;
    if let Some(millis) = summary.first_fill_ms {
        writeln!(
            out,
            "first fill   {:.1} s after the start",
            millis as f64 / 1e3
        )?;
    }
    write!(out, "trades       {}", summary.trades)?;
    if let Some(rate) = summary.win_rate {
        write!(out, ", {:.0} % won", rate * 100.0)?;
    }
    if let Some(factor) = summary.profit_factor {
        write!(out, ", profit factor {factor:.2}")?;
    }
    writeln!(out, "; {} positions open", summary.open_positions)?;
    if let Some((level, reason)) = summary.kill {
        writeln!(out, "kill level   reached {level}: {reason}")?;
    }
    let pnl = &summary.pnl;
    writeln!(
        out,
        "P&L          gross {}, fees {}, net {}",
        pnl.gross, pnl.fees, pnl.net
    )
}

/// A span in its natural unit.
pub fn span(ns: u64) -> String {
    match ns {
        0..=9_999 => format!("{ns} ns"),
        10_000..=9_999_999 => format!("{:.1} us", ns as f64 / 1e3),
        10_000_000..=9_999_999_999 => format!("{:.1} ms", ns as f64 / 1e6),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}
