//! The end of a run before a broker: when the last comparison is made, and what it means.

use super::super::common::session_of;
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::ibkr::Closing;
use engine::setup::Setup;
use stream::Nanos;
use stream::payload::RoundResult;

/// After the close the last fees come in, then the broker's word is compared with ours.
const FINAL: Nanos = Nanos::from_secs(3);
/// The comparison may have to wait for what is under way.
const TAIL: Nanos = Nanos::from_secs(10);

/// When a run makes its last comparison, and when it ends, by the session's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The comparison.
    pub final_at: Nanos,
    /// The end.
    pub until: Nanos,
}

impl Ends {
    /// After so many seconds, or behind the session's close.
    pub fn of(args: &cli::Run, setup: &Setup, now: Nanos, speed_milli: u64) -> Outcome<Self> {
        let wall = |span: Nanos| Nanos(span.0.saturating_mul(speed_milli) / 1_000);
        if let Some(seconds) = args.seconds {
            let whole = Nanos::from_secs(seconds);
            let until = now.saturating_add(whole);
            let before = wall(FINAL).min(Nanos(whole.0 / 4));
            return Ok(Self {
                final_at: until.saturating_sub(before),
                until,
            });
        }
        let session = session_of(setup, now, "give --seconds N or set session.calendar")?;
        Ok(Self {
            final_at: session.close.saturating_add(wall(FINAL)),
            until: session.close.saturating_add(wall(TAIL)),
        })
    }
}

/// Says what the last comparison found; a difference is exit code 3, and no comparison is a
/// failure where orders were sent.
pub fn tell(closing: &Closing, observe: bool) -> Outcome {
    let Some(found) = closing.found() else {
        return unanswered(observe, "the link was not ready, nobody could be asked");
    };
    let profit = found.profit.map_or_else(
        || "profit not compared".to_owned(),
        |(own, broker)| format!("profit of the day {own}, the broker says {broker}"),
    );
    for difference in &found.differences {
        eprintln!("spindle run: end of day: the broker differs: {difference}");
    }
    match found.result {
        RoundResult::Unanswered => unanswered(observe, "not every question was answered"),
        RoundResult::Agrees => {
            let cash = if found.cash {
                "orders and cash"
            } else {
                "orders; cash not compared, a future is held"
            };
            eprintln!(
                "spindle run: end of day: the broker agrees: {} executions, {} held, {cash}; \
                 {profit}",
                found.executions, found.held
            );
            Ok(())
        }
        RoundResult::Differs => {
            eprintln!(
                "spindle run: end of day: {} differences; nothing is put right by a trade: look \
                 at the broker's own screen, docs/IBKR.md says what each means; {profit}",
                found.differences.len()
            );
            Err(Failure::difference())
        }
    }
}

fn unanswered(observe: bool, why: &str) -> Outcome {
    let text = format!("end of day: not compared with the broker: {why}; compare by hand");
    if observe {
        eprintln!("spindle run: {text}");
        return Ok(());
    }
    Err(Failure::failed(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_compared_is_a_failure_where_orders_were_sent() {
        let closing = Closing::default();
        assert_eq!(tell(&closing, true).map_err(|why| why.code), Ok(()));
        let failure = tell(&closing, false).expect_err("nobody knows");
        assert_eq!(failure.code, crate::failure::FAILED);
        assert!(failure.text.contains("not compared"), "{}", failure.text);
    }
}
