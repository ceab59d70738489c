//! One frame in words.

use super::names::utc;
use crate::report::span;
use std::fmt::Write;
use stream::payload::{
    BookView, Command, CommandOp, Commission, Evaluate, Fill, Intent, KillLevel, Leg, Order,
    OrderType, Outcome, Pnl, Quote, Reason, Refused, Request, Requested, RoundTrip, Sent, Signal,
    Status, Tick, TimeInForce, Trade, Value, Verdict, describe, quality,
};
use stream::{FrameRef, Kind, Nanos, Price};

/// How deep a frame stands in the tree: causes to the left of what they bring about.
pub fn depth(kind: Kind) -> usize {
    match kind {
        Kind::BookView | Kind::Best | Kind::Evaluate => 1,
        Kind::Signal => 2,
        Kind::Intent | Kind::Outcome => 3,
        Kind::Order | Kind::Refused | Kind::RoundTrip => 4,
        Kind::Command | Kind::Request | Kind::Verdict => 5,
        Kind::Sent | Kind::Status | Kind::Fill | Kind::Commission | Kind::Requested => 6,
        Kind::Leg | Kind::Pnl => 7,
        _ => 0,
    }
}

/// A frame in words: kind first, prices as decimals.
pub fn of(frame: FrameRef<'_>) -> String {
    match frame.kind() {
        Kind::Tick => tick(frame.read()),
        Kind::BookView => view(frame.read()),
        Kind::Evaluate => evaluate(frame.read()),
        Kind::Signal => signal(frame.read()),
        Kind::Intent => intent(frame.read()),
        Kind::Outcome => outcome(frame.read()),
        Kind::Order => order(frame.read()),
        Kind::Refused => {
            let refused = frame.read::<Refused>();
            refusal("refused", refused.reason, refused.limit, refused.observed)
        }
        Kind::Verdict => {
            let verdict = frame.read::<Verdict>();
            refusal(
                "verdict, back at signal:",
                verdict.reason,
                verdict.limit,
                verdict.observed,
            )
        }
        Kind::Command => command(frame.read()),
        Kind::Leg => leg(frame.read()),
        _ => answer(frame),
    }
}

fn answer(frame: FrameRef<'_>) -> String {
    match frame.kind() {
        Kind::Sent => sent(frame.read()),
        Kind::Status => status(frame.read()),
        Kind::Fill => fill(frame.read()),
        Kind::Commission => {
            let fee = frame.read::<Commission>();
            let currency = stream::payload::read_text(&fee.currency);
            format!(
                "commission {} {currency} for execution {}",
                fee.fee, fee.exec_id
            )
        }
        Kind::Request => {
            let wish = frame.read::<Request>();
            format!(
                "request {}: {} {} at {}",
                wish.why.name(),
                wish.side.name(),
                wish.qty,
                wish.limit
            )
        }
        Kind::Requested => {
            let wish = frame.read::<Requested>();
            format!("requested, back at risk: {}", wish.why.name())
        }
        Kind::Pnl => pnl(frame.read()),
        Kind::RoundTrip => trip(frame.read()),
        Kind::Quote => {
            let quote = frame.read::<Quote>();
            let (bid, ask) = (quote.bid, quote.ask);
            format!(
                "quote {bid} × {} / {ask} × {}",
                quote.bid_qty, quote.ask_qty
            )
        }
        Kind::Trade => {
            let trade = frame.read::<Trade>();
            format!("trade {} at {}", trade.qty, trade.price)
        }
        _ => plain(frame),
    }
}

/// Field by field, without what only machines want to know.
fn plain(frame: FrameRef<'_>) -> String {
    let mut text = kind_words(frame.kind());
    describe(frame, &mut |name, value| {
        let idle = matches!(name, "source" | "flags" | "venue_ts" | "new_order_id")
            || matches!(value, Value::Unsigned(0));
        if !idle {
            let mut shown = Vec::new();
            journal::decode::plain(&mut shown, value);
            let _ = write!(text, " {name} {}", String::from_utf8_lossy(&shown));
        }
    });
    text
}

/// `DepthRow` as `depth row`.
fn kind_words(kind: Kind) -> String {
    let mut text = String::new();
    for letter in kind.name().chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn tick(tick: &Tick) -> String {
    let late = if tick.missed > 0 {
        format!(", {} missed before it", tick.missed)
    } else {
        String::new()
    };
    format!("tick {} {}{late}", tick.timer.name(), tick.number)
}

fn view(view: &BookView) -> String {
    format!(
        "book {} × {} / {} × {}, microprice {}, imbalance {:+.2} best {:+.2} depth; tape since the \
         last view: {} trades, {} bought, {} sold; last {}, vwap {}; {}",
        view.bid,
        view.bid_qty,
        view.ask,
        view.ask_qty,
        view.microprice,
        f64::from(view.imbalance_best_ppm) / 1e6,
        f64::from(view.imbalance_depth_ppm) / 1e6,
        view.trades,
        view.volume_buy,
        view.volume_sell,
        view.last,
        view.vwap,
        quality_of(view.quality)
    )
}

/// A book's quality in words.
pub fn quality_of(bits: u8) -> String {
    let all = [
        (quality::CROSSED, "crossed"),
        (quality::STALE, "stale"),
        (quality::GAPPED, "gapped"),
        (quality::ONE_SIDED, "one-sided"),
        (quality::HALTED, "halted"),
        (quality::EMPTY, "empty"),
    ];
    let named: Vec<&str> = all
        .iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    if named.is_empty() {
        "tradable".to_owned()
    } else {
        named.join(", ")
    }
}

fn evaluate(evaluate: &Evaluate) -> String {
    format!(
        "evaluate {}: {} books changed",
        evaluate.number, evaluate.views
    )
}

fn signal(signal: &Signal) -> String {
    format!(
        "signal {} by strategy {}, score {:.4} against {:.4}: entry {}, stop {}, target {}",
        signal.side.name(),
        signal.strategy,
        signal.score,
        signal.threshold,
        signal.entry,
        signal.stop,
        signal.target
    )
}

/// The names of a signal's gates; empty when none was closed.
pub fn gates(signal: &Signal) -> Vec<&'static str> {
    signal::gates::names(signal.gates).collect()
}

fn intent(intent: &Intent) -> String {
    format!(
        "intent {}: entry {}, stop {}, target {}, for {}, spread at most {}, {:.0} % of the risk",
        intent.side.name(),
        intent.entry,
        intent.stop,
        intent.target,
        span(intent.ttl.0),
        intent.spread_max,
        f64::from(intent.risk_share_ppm) / 1e4
    )
}

fn outcome(outcome: &Outcome) -> String {
    let traded = if outcome.traded != 0 {
        "traded"
    } else {
        "not traded"
    };
    format!(
        "outcome {}, {traded}: exit {}, best {:+.4}, worst {:+.4}, {:+.3} of the risk before \
         costs, after {}",
        outcome.kind.name(),
        outcome.exit,
        outcome.favourable.to_f64(),
        outcome.adverse.to_f64(),
        outcome.result_ppm as f64 / 1e6,
        span(outcome.elapsed.0)
    )
}

/// A refusal with its limit and what was found, in the unit of the control.
fn refusal(what: &str, reason: Reason, limit: i64, observed: i64) -> String {
    let show = |value: i64| in_unit(reason, value);
    format!(
        "{what} {}: limit {}, observed {}",
        reason.name(),
        show(limit),
        show(observed)
    )
}

/// A limit in the unit of its control.
pub fn in_unit(reason: Reason, value: i64) -> String {
    match reason {
        Reason::OrderValue | Reason::PriceCollar | Reason::DailyLoss => Price(value).to_string(),
        Reason::Stale | Reason::Equity => match u64::try_from(value) {
            Ok(ns) => span(ns),
            Err(_) => format!("-{}", span(value.unsigned_abs())),
        },
        Reason::SessionWindow => {
            u64::try_from(value).map_or_else(|_| value.to_string(), |ts| utc(Nanos(ts)))
        }
        Reason::BookQuality => u8::try_from(value).map_or_else(|_| value.to_string(), quality_of),
        Reason::KillLevel => u8::try_from(value)
            .ok()
            .and_then(|level| KillLevel::ALL.iter().find(|own| **own as u8 == level))
            .map_or_else(|| value.to_string(), |level| level.name().to_owned()),
        _ => value.to_string(),
    }
}

fn order(order: &Order) -> String {
    let mut text = format!(
        "order {} {} at {}",
        order.side.name(),
        order.qty,
        order.limit
    );
    if order.stop != Price::ZERO {
        let _ = write!(text, ", stop {}, target {}", order.stop, order.target);
    }
    let _ = write!(
        text,
        "; envelope {} to {}",
        order.price_low, order.price_high
    );
    if order.reduce_only != 0 {
        text.push_str(", only to reduce");
    }
    if order.reason != Reason::None {
        let _ = write!(text, ", because of {}", order.reason.name());
    }
    let _ = write!(text, "; {} at risk", order.risk);
    if order.clamped != Reason::None {
        let _ = write!(text, ", made smaller by {}", order.clamped.name());
    }
    text
}

fn command(command: &Command) -> String {
    let mut text = format!("command {} {}", command.op.name(), command.role.name());
    if command.op == CommandOp::Cancel {
        let _ = write!(text, ", because of {}", command.reason.name());
        return text;
    }
    let _ = write!(text, ": {} {}", command.side.name(), command.qty);
    let _ = match command.order_type {
        OrderType::Limit => write!(text, " limit {}", command.limit),
        OrderType::Stop => write!(text, " stop {}", command.trigger),
        OrderType::StopLimit => write!(text, " stop {} limit {}", command.trigger, command.limit),
        OrderType::Market => write!(text, " at market"),
    };
    if command.tif != TimeInForce::Day {
        let _ = write!(text, ", {}", command.tif.name());
    }
    if command.reason != Reason::None {
        let _ = write!(text, ", because of {}", command.reason.name());
    }
    text
}

fn leg(leg: &Leg) -> String {
    let mut text = format!(
        "{} {} → {}, {} of {} filled",
        leg.role.name(),
        leg.from.name(),
        leg.to.name(),
        leg.filled,
        leg.qty
    );
    if leg.reason != Reason::None {
        let _ = write!(text, ", because of {}", leg.reason.name());
    }
    text + &code(leg.code)
}

fn code(code: i32) -> String {
    if code == 0 {
        String::new()
    } else {
        format!(", code {code}")
    }
}

fn sent(sent: &Sent) -> String {
    format!(
        "{} {} of leg {}{}",
        sent.op.name(),
        sent.outcome.name(),
        sent.leg,
        code(sent.code)
    )
}

fn status(status: &Status) -> String {
    format!(
        "status {} {}: {} filled, {} open{}",
        status.role.name(),
        status.state.name(),
        status.filled,
        status.remaining,
        code(status.code)
    )
}

fn fill(fill: &Fill) -> String {
    format!(
        "fill {} {}: {} {} at {} ({} of {}), {}",
        fill.role.name(),
        fill.exec_id,
        fill.side.name(),
        fill.qty,
        fill.price,
        fill.filled,
        fill.ordered,
        fill.liquidity.name()
    )
}

fn pnl(pnl: &Pnl) -> String {
    format!(
        "position {} at {}, realised {}, unrealised {}, fees {}",
        pnl.position, pnl.average, pnl.realised, pnl.unrealised, pnl.fees
    )
}

fn trip(trip: &RoundTrip) -> String {
    format!(
        "round trip {} {} × {} → {} by {}: gross {}, fees {}, net {}",
        trip.side.name(),
        trip.qty,
        trip.entry,
        trip.exit,
        trip.exit_role.name(),
        trip.gross,
        trip.fees,
        trip.gross - trip.fees
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_their_controls_units() {
        assert_eq!(in_unit(Reason::OrderValue, 25_000_000_000_000), "25000.00");
        assert_eq!(in_unit(Reason::OrderQuantity, 500), "500");
        assert_eq!(in_unit(Reason::Stale, 2_000_000), "2000.0 us");
        assert_eq!(in_unit(Reason::BookQuality, 3), "crossed, stale");
        assert_eq!(in_unit(Reason::KillLevel, 2), "halt");
        assert_eq!(in_unit(Reason::KillLevel, 77), "77");
        assert_eq!(quality_of(0), "tradable");
        assert_eq!(kind_words(Kind::DepthRow), "depth row");
    }

    #[test]
    fn a_cancel_tells_why_and_an_entry_tells_what() {
        let cancel = Command {
            op: CommandOp::Cancel,
            reason: Reason::TimeToLive,
            ..Command::zeroed()
        };
        assert_eq!(
            command(&cancel),
            "command cancel entry, because of time_to_live"
        );
        let entry = Command {
            qty: 42,
            limit: Price(585_830_000_000),
            ..Command::zeroed()
        };
        assert_eq!(command(&entry), "command place entry: none 42 limit 585.83");
    }
}
