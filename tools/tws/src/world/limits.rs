//! The pace that the broker permits: messages of all clients together, and requests of history.

use super::{Link, Out, World};
use crate::model::HistoricalBars;
use std::collections::VecDeque;
use stream::Nanos;

/// Seconds in a row above the limit after which the broker hangs up.
const PATIENCE: u32 = 3;

/// The pace of all clients, and of history.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Arrivals within the last second.
    recent: VecDeque<Nanos>,
    /// Whole seconds, one after the other, in which messages were too many.
    over: u32,
    last_over: u64,
    pub(super) history: History,
}

impl Pace {
    /// A message has come; how many came within the last second.
    fn count(&mut self, now: Nanos) -> u32 {
        let begin = now.saturating_sub(Nanos::SECOND);
        while self
            .recent
            .front()
            .is_some_and(|first| *first <= begin && begin > Nanos::ZERO)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.recent.len() as u32
    }

    /// Too many; true when it has gone on for too long.
    fn exceeded(&mut self, now: Nanos) -> bool {
        let second = now.0 / Nanos::SECOND.0;
        if second != self.last_over || self.over == 0 {
            self.over = if second == self.last_over + 1 {
                self.over + 1
            } else {
                1
            };
            self.last_over = second;
        }
        self.over >= PATIENCE
    }
}

impl World {
    /// Counts a message; false when it is not to be served.
    pub(super) fn within_pace(&mut self, link: Link) -> bool {
        let count = self.pace.count(self.now);
        self.counters.messages += 1;
        let most = &mut self.counters.messages_per_second_max;
        *most = (*most).max(count);
        let limit = self.limits.messages_per_second;
        if limit == 0 || count <= limit {
            return true;
        }
        let text = "Max rate of messages per second has been exceeded";
        self.complain(link, -1, 100, text);
        if self.pace.exceeded(self.now) {
            self.mail.push(Out::Close(link));
        }
        false
    }
}

/// Requests of bars of at most 30 seconds.
#[derive(Debug, Default)]
pub(super) struct History {
    asked: VecDeque<(Nanos, Key, bool)>,
}

/// What is asked for, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    whole: String,
    contract: String,
}

impl History {
    pub(super) fn key(asked: &HistoricalBars) -> Key {
        let contract = &asked.contract;
        let of = format!(
            "{} {} {} {}",
            contract.con_id, contract.symbol, contract.exchange, asked.what
        );
        let (end, size, duration) = (&asked.end, &asked.bar_size, &asked.duration);
        Key {
            whole: format!("{of} {end} {size} {duration} {}", asked.use_rth),
            contract: of,
        }
    }

    /// No identical request within 15 s, fewer than six of one contract and type within 2 s, at
    /// most 60 within ten minutes; quotes count twice. A request that is refused counts as well.
    pub(super) fn permits(&mut self, now: Nanos, key: Key, double: bool) -> bool {
        let since = |seconds| now.saturating_sub(Nanos::from_secs(seconds));
        while self.asked.front().is_some_and(|first| first.0 < since(600)) {
            self.asked.pop_front();
        }
        let weight = |double: &bool| if *double { 2 } else { 1 };
        let total: u32 = self.asked.iter().map(|(_, _, double)| weight(double)).sum();
        let same = |at: &Nanos, other: &Key| *at > since(15) && other.whole == key.whole;
        let close = |at: &Nanos, other: &Key| *at > since(2) && other.contract == key.contract;
        let again = self.asked.iter().any(|(at, other, _)| same(at, other));
        let burst = self
            .asked
            .iter()
            .filter(|(at, other, _)| close(at, other))
            .count()
            >= 5;
        let sound = !again && !burst && total + weight(&double) <= 60;
        self.asked.push_back((now, key, double));
        sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(symbol: &str, end: &str) -> Key {
        let mut bars = HistoricalBars {
            end: end.to_owned(),
            ..HistoricalBars::default()
        };
        bars.contract.symbol = symbol.to_owned();
        History::key(&bars)
    }

    #[test]
    fn history_is_paced_by_all_three_rules() {
        let second = Nanos::from_secs;
        let mut history = History::default();
        assert!(history.permits(second(1_000), asked("A", ""), false));
        assert!(
            !history.permits(second(1_010), asked("A", ""), false),
            "identical"
        );
        assert!(history.permits(second(1_026), asked("A", ""), false));
        let mut history = History::default();
        for end in ["1", "2", "3", "4", "5"] {
            assert!(history.permits(second(1_000), asked("A", end), false));
        }
        assert!(
            !history.permits(second(1_001), asked("A", "6"), false),
            "six in two seconds"
        );
        assert!(history.permits(second(1_001), asked("B", "6"), false));
        let mut history = History::default();
        for n in 0..30 {
            assert!(history.permits(second(1_000 + 3 * n), asked("A", &n.to_string()), true));
        }
        assert!(
            !history.permits(second(1_100), asked("B", ""), false),
            "sixty in ten minutes"
        );
        assert!(history.permits(second(1_700), asked("B", ""), false));
    }

    #[test]
    fn only_what_goes_on_for_seconds_costs_the_connection() {
        let mut pace = Pace::default();
        for n in 0..50 {
            assert_eq!(pace.count(Nanos::from_millis(10_000 + n)), n as u32 + 1);
        }
        assert_eq!(
            pace.count(Nanos::from_millis(11_000)),
            50,
            "the first has left"
        );
        assert!(!pace.exceeded(Nanos::from_millis(11_000)));
        assert!(!pace.exceeded(Nanos::from_millis(11_500)));
        assert!(!pace.exceeded(Nanos::from_millis(12_500)));
        assert!(pace.exceeded(Nanos::from_millis(13_500)));
        assert!(
            !pace.exceeded(Nanos::from_millis(20_000)),
            "a pause forgives"
        );
    }
}
