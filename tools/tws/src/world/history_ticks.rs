//! Ticks of the past.

use super::record::Quoted;
use super::ticks::{bid_ask, last_tick};
use super::{Link, World, stamp};
use crate::model::{Answer, Decimal, HistoricalTick, HistoricalTicks};
use std::collections::VecDeque;
use stream::Nanos;

/// Ticks in one answer at most.
const COUNT_MAX: i32 = 1_000;

/// The middle between the quotes.
pub(super) fn mid(quote: &Quoted) -> HistoricalTick {
    HistoricalTick {
        time: stamp::seconds(quote.ts),
        price: quote.mid().to_f64(),
        size: Decimal::ZERO,
    }
}

/// From a time on the first `count`, or until one the last; whole seconds are never torn apart,
/// so that the next request can go on from the last one's second.
fn cut<T: Clone>(
    ticks: &VecDeque<T>,
    (start, end): (Option<Nanos>, Option<Nanos>),
    count: usize,
    ts: impl Fn(&T) -> Nanos,
) -> Vec<T> {
    let second = |tick: &T| stamp::seconds(ts(tick));
    if let Some(start) = start {
        let inside = |tick: &&T| ts(tick) >= start && end.is_none_or(|end| ts(tick) <= end);
        let mut found: Vec<T> = Vec::new();
        for tick in ticks.iter().filter(inside) {
            if found.len() >= count && found.last().is_some_and(|l| second(l) != second(tick)) {
                break;
            }
            found.push(tick.clone());
        }
        return found;
    }
    let until = end.unwrap_or(Nanos::MAX);
    let mut found: Vec<T> = Vec::new();
    for tick in ticks.iter().rev().filter(|tick| ts(tick) <= until) {
        if found.len() >= count && found.last().is_some_and(|l| second(l) != second(tick)) {
            break;
        }
        found.push(tick.clone());
    }
    found.reverse();
    found
}

impl World {
    pub(super) fn historical_ticks(&mut self, link: Link, asked: &HistoricalTicks) {
        let req = asked.req;
        let Some(instrument) = self.find(link, req, &asked.contract) else {
            return;
        };
        let time = |text: &str| (!text.is_empty()).then(|| stamp::parse(text));
        let (start, end) = (time(&asked.start), time(&asked.end));
        let bad = start == Some(None) || end == Some(None);
        if bad || start.is_some() == end.is_some() || !(1..=COUNT_MAX).contains(&asked.count) {
            let text = "Error validating request.-'bK' : cause - Historical ticks need either a \
                        start or an end as yyyymmdd HH:mm:ss and a count of 1 to 1000";
            self.complain(link, req, 321, text);
            return;
        }
        let range = (start.flatten(), end.flatten());
        let count = asked.count as usize;
        let record = &self.records[instrument.index() - 1];
        let answer = match asked.what.as_str() {
            "TRADES" => {
                let venue = &self.catalog.item(instrument).contract.primary_exchange;
                let ticks = cut(&record.trades, range, count, |tick| tick.ts);
                let ticks = ticks.iter().map(|tick| last_tick(tick, venue));
                Answer::HistoricalLasts(req, ticks.collect(), true)
            }
            "BID_ASK" => {
                let ticks = cut(&record.quotes, range, count, |tick| tick.ts);
                Answer::HistoricalBidAsks(req, ticks.iter().map(bid_ask).collect(), true)
            }
            "MIDPOINT" => {
                let ticks = cut(&record.quotes, range, count, |tick| tick.ts);
                Answer::HistoricalMids(req, ticks.iter().map(mid).collect(), true)
            }
            _ => {
                let text = "Error validating request.-'bK' : cause - Incorrect what to show";
                self.complain(link, req, 321, text);
                return;
            }
        };
        self.say(link, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_from_a_start_or_until_an_end() {
        let ticks: VecDeque<u64> = [1_000, 1_500, 2_000, 2_001, 2_002, 3_000].into();
        let pick = |start: Option<u64>, end: Option<u64>, count| {
            let range = (start.map(Nanos::from_millis), end.map(Nanos::from_millis));
            cut(&ticks, range, count, |tick| Nanos::from_millis(*tick))
        };
        assert_eq!(pick(Some(1_200), None, 2), [1_500, 2_000, 2_001, 2_002]);
        assert_eq!(pick(Some(1_200), None, 1), [1_500]);
        assert_eq!(pick(None, Some(2_500), 1), [2_000, 2_001, 2_002]);
        assert_eq!(pick(None, Some(9_000), 100).len(), 6);
        assert_eq!(pick(Some(9_000), None, 100), Vec::<u64>::new());
    }
}
