//! Five-second bars as they end.

use super::bars::What;
use super::record::{Candle, Span};
use super::{Link, World, stamp};
use crate::model::{Answer, Contract};
use stream::InstrumentId;

/// The only length that the broker has, in seconds.
const LENGTH: i64 = 5;

#[derive(Clone, Copy, Debug)]
struct Stream {
    link: Link,
    req: i32,
    instrument: InstrumentId,
    what: What,
    last: i64,
}

/// All streams.
#[derive(Debug, Default)]
pub(super) struct RealTime {
    all: Vec<Stream>,
}

impl RealTime {
    pub(super) fn leave(&mut self, link: Link) {
        self.all.retain(|stream| stream.link != link);
    }
}

impl World {
    pub(super) fn real_time_bars(&mut self, link: Link, req: i32, contract: &Contract, what: &str) {
        let Some(instrument) = self.find(link, req, contract) else {
            return;
        };
        let Some(what) = What::read(what).filter(|what| *what != What::BidAsk) else {
            let text = "Error validating request.-'bH' : cause - Incorrect what to show";
            self.complain(link, req, 321, text);
            return;
        };
        let same = |stream: &Stream| stream.link == link && stream.req == req;
        if self.real_time.all.iter().any(same) {
            self.complain(link, req, 102, "Duplicate ticker ID.");
            return;
        }
        self.real_time.all.push(Stream {
            link,
            req,
            instrument,
            what,
            last: 0,
        });
    }

    pub(super) fn cancel_real_time_bars(&mut self, link: Link, req: i32) {
        let before = self.real_time.all.len();
        self.real_time
            .all
            .retain(|s| s.link != link || s.req != req);
        if self.real_time.all.len() == before {
            let text = format!("Can't find EId with tickerId:{req}");
            self.complain(link, req, 300, &text);
        }
    }

    /// A second has passed: at whole multiples of five a bar has ended.
    pub(super) fn end_real_time_bars(&mut self) {
        let now = stamp::seconds(self.now);
        if now % LENGTH != 0 || !self.exchange.is_open() || self.quotes.silent {
            return;
        }
        let mut all = core::mem::take(&mut self.real_time.all);
        for stream in &mut all {
            let candle = self.candle(stream.instrument, now - LENGTH, now);
            // Five seconds in which nothing happened have a bar, too: the last price.
            let still = Span {
                open: stream.last,
                high: stream.last,
                low: stream.last,
                close: stream.last,
            };
            let flat = Candle {
                trades: still,
                mid: still,
                bid: still,
                ask: still,
                ..Candle::default()
            };
            let bar = stream.what.bar(&candle, String::new());
            if let Some(bar) = bar.or_else(|| stream.what.bar(&flat, String::new())) {
                stream.last = (bar.close * 1e9).round() as i64;
                self.say(
                    stream.link,
                    Answer::RealTimeBar(stream.req, now - LENGTH, bar),
                );
            }
        }
        self.real_time.all = all;
    }
}
