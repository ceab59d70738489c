//! Tick-by-tick: every trade or every quote, at once.

use super::exchange::Print;
use super::record::{Quoted, Traded};
use super::{Link, World, stamp};
use crate::model::{Answer, BidAskTick, Decimal, LastTick, TickByTick};
use stream::InstrumentId;

/// Ticks of the past that may stand before the first one.
const PAST_MAX: i32 = 1_000;

/// What a stream tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Last,
    AllLast,
    BidAsk,
    MidPoint,
}

impl What {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "Last" => Self::Last,
            "AllLast" => Self::AllLast,
            "BidAsk" => Self::BidAsk,
            "MidPoint" => Self::MidPoint,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    link: Link,
    req: i32,
    instrument: InstrumentId,
    what: What,
    ignore_size: bool,
    last: Quoted,
}

/// All streams.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    all: Vec<Stream>,
}

impl Ticks {
    pub(super) fn leave(&mut self, link: Link) {
        self.all.retain(|stream| stream.link != link);
    }

    pub(super) fn is_used(&self) -> bool {
        !self.all.is_empty()
    }

    pub(super) fn watches(&self, instrument: InstrumentId) -> bool {
        self.all
            .iter()
            .any(|stream| stream.instrument == instrument)
    }
}

impl World {
    pub(super) fn tick_by_tick(&mut self, link: Link, asked: &TickByTick) {
        let req = asked.req;
        let Some(instrument) = self.find(link, req, &asked.contract) else {
            return;
        };
        let Some(what) = What::read(&asked.what) else {
            let text = "Error validating request.-'bN' : cause - Invalid tick-by-tick type";
            self.complain(link, req, 321, text);
            return;
        };
        if self
            .ticks
            .all
            .iter()
            .any(|s| s.link == link && s.req == req)
        {
            self.complain(link, req, 102, "Duplicate ticker ID.");
            return;
        }
        if self.ticks.all.len() >= self.limits.ticks {
            let text = "Max number of tick-by-tick requests has been reached";
            self.complain(link, req, 10_190, text);
            return;
        }
        self.past_ticks(link, req, instrument, (what, asked.past.clamp(0, PAST_MAX)));
        self.ticks.all.push(Stream {
            link,
            req,
            instrument,
            what,
            ignore_size: asked.ignore_size,
            last: self.records[instrument.index() - 1].quote,
        });
    }

    /// As many past ticks as were asked for, in the words of historical ticks.
    fn past_ticks(
        &mut self,
        link: Link,
        req: i32,
        instrument: InstrumentId,
        (what, past): (What, i32),
    ) {
        if past == 0 {
            return;
        }
        let record = &self.records[instrument.index() - 1];
        let venue = &self.catalog.item(instrument).contract.primary_exchange;
        let past = past as usize;
        let answer = match what {
            What::Last | What::AllLast => {
                let skip = record.trades.len().saturating_sub(past);
                let ticks = record.trades.iter().skip(skip);
                Answer::HistoricalLasts(req, ticks.map(|t| last_tick(t, venue)).collect(), true)
            }
            What::BidAsk => {
                let skip = record.quotes.len().saturating_sub(past);
                let ticks = record.quotes.iter().skip(skip).map(bid_ask);
                Answer::HistoricalBidAsks(req, ticks.collect(), true)
            }
            What::MidPoint => {
                let skip = record.quotes.len().saturating_sub(past);
                let ticks = record
                    .quotes
                    .iter()
                    .skip(skip)
                    .map(super::history_ticks::mid);
                Answer::HistoricalMids(req, ticks.collect(), true)
            }
        };
        self.say(link, answer);
    }

    pub(super) fn cancel_tick_by_tick(&mut self, link: Link, req: i32) {
        let before = self.ticks.all.len();
        self.ticks.all.retain(|s| s.link != link || s.req != req);
        if self.ticks.all.len() == before {
            let text = format!("Can't find EId with tickerId:{req}");
            self.complain(link, req, 300, &text);
        }
    }

    /// Something happened on an instrument: a trade, a quote, or both.
    pub(super) fn tick_streams(
        &mut self,
        instrument: InstrumentId,
        print: Option<Print>,
        quoted: bool,
    ) {
        if !self.ticks.watches(instrument) || self.quotes.silent {
            return;
        }
        let quote = self.records[instrument.index() - 1].quote;
        let venue = self
            .catalog
            .item(instrument)
            .contract
            .primary_exchange
            .clone();
        let mut all = core::mem::take(&mut self.ticks.all);
        for stream in all.iter_mut().filter(|s| s.instrument == instrument) {
            let (link, req) = (stream.link, stream.req);
            match (stream.what, print) {
                (What::Last | What::AllLast, Some(print)) if !print.bar => {
                    let tick = Traded {
                        ts: self.now,
                        price: print.price,
                        qty: print.qty,
                    };
                    let all = stream.what == What::AllLast;
                    self.say(
                        link,
                        Answer::TickByTickLast(req, all, last_tick(&tick, &venue)),
                    );
                }
                (What::BidAsk, _) if quoted => {
                    let prices = |q: &Quoted| (q.bid, q.ask, q.bid_qty == 0, q.ask_qty == 0);
                    if !stream.ignore_size || prices(&quote) != prices(&stream.last) {
                        self.say(link, Answer::TickByTickBidAsk(req, bid_ask(&quote)));
                    }
                    stream.last = quote;
                }
                (What::MidPoint, _) if quoted && quote.is_whole() => {
                    if !stream.last.is_whole() || quote.mid() != stream.last.mid() {
                        let (time, mid) = (stamp::seconds(self.now), quote.mid().to_f64());
                        self.say(link, Answer::TickByTickMid(req, time, mid));
                    }
                    stream.last = quote;
                }
                _ => {}
            }
        }
        self.ticks.all = all;
    }
}

pub(super) fn last_tick(tick: &Traded, venue: &str) -> LastTick {
    LastTick {
        time: stamp::seconds(tick.ts),
        attributes: 0,
        price: tick.price.to_f64(),
        size: Decimal::from(tick.qty),
        exchange: venue.to_owned(),
        conditions: String::new(),
    }
}

pub(super) fn bid_ask(quote: &Quoted) -> BidAskTick {
    BidAskTick {
        time: stamp::seconds(quote.ts),
        attributes: 0,
        bid: quote.bid.to_f64(),
        ask: quote.ask.to_f64(),
        bid_size: Decimal::from(quote.bid_qty),
        ask_size: Decimal::from(quote.ask_qty),
    }
}
