//! Bars of the past, of any size and sort, and the last one as it grows.

use super::record::{Candle, Span};
use super::{Link, World, limits, stamp};
use crate::model::{Answer, Bar, Decimal, HistoricalBars};
use feed::calendar::Calendar;
use jiff::civil::Date;
use stream::payload::InstrumentType;
use stream::{InstrumentId, Nanos, Price};

/// Sessions in one answer at most.
const SESSIONS_MAX: usize = 1_300;
/// Spans that one answer may have bars for: a day of seconds of shares, a month of minutes of what
/// trades round the clock. More is refused before it is reckoned: all clients wait for it.
const BARS_MAX: i64 = 50_000;
/// Days that the history goes back.
pub(super) const DAYS_BACK: i64 = 5 * 365;

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Seconds(i64),
    Day,
    Week,
    Month,
}

impl Size {
    fn read(text: &str) -> Option<Self> {
        let (count, unit) = text.trim().split_once(' ')?;
        let count: i64 = count.parse().ok()?;
        let seconds = match unit {
            "sec" | "secs" if [1, 5, 10, 15, 30].contains(&count) => count,
            "min" | "mins" if [1, 2, 3, 5, 10, 15, 20, 30].contains(&count) => 60 * count,
            "hour" | "hours" if [1, 2, 3, 4, 8].contains(&count) => 3_600 * count,
            "day" | "D" if count == 1 => return Some(Self::Day),
            "week" | "W" if count == 1 => return Some(Self::Week),
            "month" | "M" if count == 1 => return Some(Self::Month),
            _ => return None,
        };
        Some(Self::Seconds(seconds))
    }

    /// Bars that these sessions may have.
    fn bars_of(self, sessions: &[Range]) -> i64 {
        match self {
            Self::Seconds(size) => sessions.iter().map(|one| count(*one, size)).sum(),
            Self::Day | Self::Week | Self::Month => sessions.len() as i64,
        }
    }

    /// Those that the broker paces hard.
    pub(super) const fn is_small(self) -> bool {
        matches!(self, Self::Seconds(seconds) if seconds <= 30)
    }
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duration {
    Seconds(i64),
    Sessions(usize),
}

impl Duration {
    fn read(text: &str) -> Option<Self> {
        let (count, unit) = text.trim().split_once(' ')?;
        let count: usize = count.parse().ok().filter(|count| *count > 0)?;
        let sessions = match unit {
            "S" => return Some(Self::Seconds(i64::try_from(count).ok()?)),
            "D" => count,
            "W" => count.checked_mul(5)?,
            "M" => count.checked_mul(21)?,
            "Y" => count.checked_mul(252)?,
            _ => return None,
        };
        Some(Self::Sessions(sessions.min(SESSIONS_MAX)))
    }
}

impl Duration {
    /// Sessions that it spans, at least one.
    fn sessions(self) -> u32 {
        let count = match self {
            Self::Sessions(count) => i64::try_from(count).unwrap_or(i64::MAX),
            Self::Seconds(seconds) => seconds / 86_400,
        };
        u32::try_from(count.max(1)).unwrap_or(u32::MAX)
    }
}

/// Which prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Trades,
    Mid,
    Bid,
    Ask,
    BidAsk,
}

impl What {
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "TRADES" | "ADJUSTED_LAST" | "AGGTRADES" => Self::Trades,
            "MIDPOINT" => Self::Mid,
            "BID" => Self::Bid,
            "ASK" => Self::Ask,
            "BID_ASK" => Self::BidAsk,
            _ => return None,
        })
    }

    fn of(self, candle: &Candle) -> Span {
        match self {
            Self::Trades => candle.trades,
            Self::Mid => candle.mid,
            Self::Bid => candle.bid,
            Self::Ask => candle.ask,
            Self::BidAsk => Span {
                open: candle.bid.open,
                high: candle.ask.high,
                low: candle.bid.low,
                close: candle.ask.close,
            },
        }
    }

    /// A bar; `None` where nothing happened.
    pub(super) fn bar(self, candle: &Candle, date: String) -> Option<Bar> {
        let span = self.of(candle);
        if span == Span::default() {
            return None;
        }
        let price = |value: i64| Price(value).to_f64();
        let traded = self == Self::Trades;
        let none = Decimal::NEGATIVE_ONE;
        let wap = if traded && candle.volume > 0 {
            let wap = candle.notional / i128::from(candle.volume);
            Decimal::from_i128_with_scale(wap, 9).normalize()
        } else {
            none
        };
        Some(Bar {
            date,
            open: price(span.open),
            high: price(span.high),
            low: price(span.low),
            close: price(span.close),
            volume: if traded {
                Decimal::from(candle.volume)
            } else {
                none
            },
            wap,
            count: if traded { candle.count as i32 } else { -1 },
        })
    }
}

/// A request whose last bar is told as it grows.
#[derive(Clone, Debug)]
pub(super) struct Growing {
    pub(super) link: Link,
    pub(super) req: i32,
    instrument: InstrumentId,
    what: What,
    size: Size,
    seconds: bool,
    last: Option<Bar>,
}

/// From and to, in whole seconds.
type Range = (i64, i64);

impl World {
    pub(super) fn historical_bars(&mut self, link: Link, asked: &HistoricalBars) {
        let Some(instrument) = self.find(link, asked.req, &asked.contract) else {
            return;
        };
        let invalid = |text: &str| format!("Error validating request.-'bJ' : cause - {text}");
        let end = if asked.end.is_empty() {
            Some(self.now)
        } else {
            stamp::parse(&asked.end)
        };
        let read = (
            Size::read(&asked.bar_size),
            Duration::read(&asked.duration),
            end,
        );
        let (Some(size), Some(duration), Some(end)) = read else {
            let text = invalid("Historical data bar size, duration or end is invalid");
            self.complain(link, asked.req, 321, &text);
            return;
        };
        if asked.what == "SCHEDULE" {
            let until = (duration.sessions(), end.min(self.now));
            return self.schedule(link, asked, instrument, until);
        }
        let Some(what) = What::read(&asked.what) else {
            let text = invalid("Incorrect what to show");
            self.complain(link, asked.req, 321, &text);
            return;
        };
        let key = limits::History::key(asked);
        let double = what == What::BidAsk;
        if size.is_small() && !self.pace.history.permits(self.now, key, double) {
            return self.no_history(link, asked.req, "Historical data request pacing violation");
        }
        let end = stamp::seconds(end.min(self.now));
        let seconds = asked.format_date == 2;
        let sessions = self.sessions_until(instrument, duration, end);
        if size.bars_of(&sessions) > BARS_MAX {
            let text = format!("Time length exceed max: at most {BARS_MAX} bars are told at once");
            return self.no_history(link, asked.req, &text);
        }
        let bars = self.bars_in(instrument, (size, what, seconds), sessions);
        if bars.is_empty() {
            return self.no_bars(link, asked);
        }
        let from = bars.first().map_or(end, |(start, _)| *start);
        let full = |at: i64| stamp::full(Nanos::from_secs(at.max(0) as u64));
        let last = bars.last().map(|(_, bar)| bar.clone());
        self.say(
            link,
            Answer::HistoricalBars {
                req: asked.req,
                start: full(from),
                end: full(end),
                bars: bars.into_iter().map(|(_, bar)| bar).collect(),
            },
        );
        if asked.keep_up_to_date {
            self.growing.push(Growing {
                link,
                req: asked.req,
                instrument,
                what,
                size,
                seconds,
                last,
            });
        }
    }

    fn no_bars(&mut self, link: Link, asked: &HistoricalBars) {
        let text = format!(
            "HMDS query returned no data: {}@{} {}",
            asked.contract.symbol, asked.contract.exchange, asked.what
        );
        self.no_history(link, asked.req, &text);
    }

    fn no_history(&mut self, link: Link, req: i32, why: &str) {
        let text = format!("Historical Market Data Service error message:{why}");
        self.complain(link, req, 162, &text);
    }

    pub(super) fn cancel_historical_bars(&mut self, link: Link, req: i32) {
        let before = self.growing.len();
        self.growing
            .retain(|one| one.link != link || one.req != req);
        if self.growing.len() == before {
            let text = format!("No historical data query found for ticker id:{req}");
            self.complain(link, req, 366, &text);
        }
    }

    /// A second has passed: bars that grow are told where they have grown.
    pub(super) fn grow_bars(&mut self) {
        if self.quotes.silent {
            return;
        }
        let mut growing = core::mem::take(&mut self.growing);
        for one in &mut growing {
            let end = stamp::seconds(self.now);
            let shape = (one.size, one.what, one.seconds);
            let mut sessions = self.sessions_until(one.instrument, Duration::Sessions(1), end);
            if let Size::Seconds(size) = one.size {
                // Of a day of seconds only the newest one has grown.
                sessions = sessions.iter().map(|open| newest(*open, size)).collect();
            }
            let newest = self.bars_in(one.instrument, shape, sessions);
            if let Some((_, bar)) = newest.last()
                && one.last.as_ref() != Some(bar)
            {
                one.last = Some(bar.clone());
                self.say(one.link, Answer::HistoricalBarUpdate(one.req, bar.clone()));
            }
        }
        self.growing = growing;
    }

    /// Bars of sessions, or of parts of them, with their starts, oldest first.
    fn bars_in(
        &self,
        instrument: InstrumentId,
        (size, what, seconds): (Size, What, bool),
        sessions: Vec<Range>,
    ) -> Vec<(i64, Bar)> {
        let mut bars = Vec::new();
        match size {
            Size::Seconds(size) => {
                for (open, close) in sessions {
                    for (from, to) in buckets(open, close, size) {
                        let candle = self.candle(instrument, from, to);
                        let date = if seconds {
                            from.to_string()
                        } else {
                            stamp::full(Nanos::from_secs(from.max(0) as u64))
                        };
                        bars.extend(what.bar(&candle, date).map(|bar| (from, bar)));
                    }
                }
            }
            Size::Day | Size::Week | Size::Month => {
                let mut last = None;
                let mut joined: Vec<(Date, i64, Candle)> = Vec::new();
                for (open, close) in sessions {
                    let date = stamp::local(Nanos::from_secs(open.max(0) as u64)).date();
                    let candle = self.candle(instrument, open, close);
                    let group = group(size, date);
                    match joined.last_mut() {
                        Some(newest) if last == Some(group) => newest.2.join(&candle),
                        _ => joined.push((date, open, candle)),
                    }
                    last = Some(group);
                }
                for (date, open, candle) in joined {
                    let date = date.strftime("%Y%m%d").to_string();
                    bars.extend(what.bar(&candle, date).map(|bar| (open, bar)));
                }
            }
        }
        bars
    }

    /// What happened in a span: history before the data begin, the record from then on.
    pub(super) fn candle(&self, instrument: InstrumentId, from: i64, to: i64) -> Candle {
        let start = stamp::seconds(self.start);
        let mut candle = Candle {
            start: from,
            ..Candle::default()
        };
        if let Some(past) = self.past(instrument).filter(|_| from < start) {
            candle.join(&past.candle(from, to.min(start)));
        }
        let seconds = &self.records[instrument.index() - 1].seconds;
        let begin = seconds.partition_point(|second| second.start < from);
        for second in seconds[begin..]
            .iter()
            .take_while(|second| second.start < to)
        {
            candle.join(second);
        }
        candle
    }

    /// Sessions that a duration before `end` touches, oldest first, cut to it.
    fn sessions_until(&self, instrument: InstrumentId, duration: Duration, end: i64) -> Vec<Range> {
        let calendar = match self.catalog.item(instrument).what {
            InstrumentType::Stock => Calendar::UsEquity,
            InstrumentType::Future => Calendar::CmeGlobex,
            InstrumentType::Spot => Calendar::Continuous,
        };
        let own = self.exchange.session();
        let own = (stamp::seconds(own.open), stamp::seconds(own.close));
        let mut found: Vec<Range> = Vec::new();
        let mut left = duration;
        let mut take = |(open, close): Range| {
            let close = close.min(end);
            if open >= close {
                return true;
            }
            match &mut left {
                Duration::Sessions(count) => {
                    found.push((open, close));
                    *count -= 1;
                    *count > 0
                }
                Duration::Seconds(seconds) => {
                    let from = open.max(close - *seconds);
                    found.push((from, close));
                    *seconds -= close - from;
                    *seconds > 0 && found.len() < SESSIONS_MAX
                }
            }
        };
        let mut date = stamp::local(Nanos::from_secs(end.max(0) as u64)).date();
        date = date.tomorrow().unwrap_or(date);
        let foreign = {
            let known = calendar.session_at(self.exchange.session().open);
            known.is_none_or(|known| stamp::seconds(known.close) < own.1)
        };
        let mut more = !foreign || take(own);
        let first = stamp::seconds(self.start) - DAYS_BACK * 86_400;
        while more {
            if let Some(session) = calendar.session(date) {
                let range = (stamp::seconds(session.open), stamp::seconds(session.close));
                if range.0 < first {
                    break;
                }
                // The exchange's own session stands for what it overlaps.
                if !foreign || range.1 <= own.0 {
                    more = take(range);
                }
            }
            match date.yesterday() {
                Ok(before) if calendar.covers(before) => date = before,
                _ => break,
            }
        }
        found.reverse();
        found
    }

    pub(super) fn head_timestamp(
        &mut self,
        link: Link,
        req: i32,
        contract: &crate::model::Contract,
        format: i32,
    ) {
        if self.find(link, req, contract).is_none() {
            return;
        }
        let at = stamp::seconds(self.start) - DAYS_BACK * 86_400;
        let text = if format == 2 {
            at.to_string()
        } else {
            let instant = jiff::Timestamp::from_second(at).unwrap_or_default();
            instant.strftime("%Y%m%d-%H:%M:%S").to_string()
        };
        self.say(link, Answer::HeadTimestamp(req, text));
    }
}

/// Spans of one size inside a session: whole multiples of it since midnight in New York, the first
/// and the last one cut where the session begins and ends.
fn buckets(open: i64, close: i64, size: i64) -> impl Iterator<Item = Range> {
    let mut from = open;
    let mut next = first_end(open, size);
    core::iter::from_fn(move || {
        (from < close).then(|| {
            let range = (from, next.min(close));
            from = next;
            next += size;
            range
        })
    })
}

/// Where the first span ends, unless the session does before.
fn first_end(open: i64, size: i64) -> i64 {
    let local = stamp::local(Nanos::from_secs(open.max(0) as u64));
    let time = local.time();
    let since =
        i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    open - since.rem_euclid(size) + size
}

/// How many spans a session has.
fn count((open, close): Range, size: i64) -> i64 {
    let behind = (close - first_end(open, size)).max(0);
    1 + (behind + size - 1) / size
}

/// The last one of them.
fn newest((open, close): Range, size: i64) -> Range {
    let more = count((open, close), size) - 1;
    let from = if more == 0 {
        open
    } else {
        first_end(open, size) + (more - 1) * size
    };
    (from, close)
}

/// What the days of one bar have in common.
fn group(size: Size, date: Date) -> (i16, i8, i8) {
    match size {
        Size::Week => {
            let week = date.iso_week_date();
            (week.year(), week.week(), 0)
        }
        Size::Month => (date.year(), date.month(), 0),
        Size::Day | Size::Seconds(_) => (date.year(), date.month(), date.day()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_counted_as_they_are_made() {
        // 14:30:00 UTC on a winter's day, 09:30:00 in New York.
        let open = 1_795_444_200;
        for size in [1, 5, 30, 60, 3_600, 14_400] {
            for length in [1, 29, 30, 31, 59, 60, 1_799, 1_800, 1_801, 5_400, 23_400] {
                for open in [open, open + 7] {
                    let session = (open, open + length);
                    let all: Vec<Range> = buckets(session.0, session.1, size).collect();
                    assert_eq!(count(session, size), all.len() as i64, "{session:?} {size}");
                    assert_eq!(
                        Some(&newest(session, size)),
                        all.last(),
                        "{session:?} {size}"
                    );
                }
            }
        }
    }
}
