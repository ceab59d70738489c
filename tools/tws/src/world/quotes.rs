//! Level 1: streaming quotes, sampled as the broker samples them, and snapshots.

use super::catalog::Missing;
use super::exchange::Print;
use super::{Link, World, stamp};
use crate::model::{Answer, Contract, Decimal, MarketData};
use stream::payload::HaltState;
use stream::{InstrumentId, Nanos, Price, Side};

/// Tick types, as they are live; delayed ones have numbers of their own.
mod tick {
    pub(super) const BID_SIZE: i32 = 0;
    pub(super) const BID: i32 = 1;
    pub(super) const ASK: i32 = 2;
    pub(super) const ASK_SIZE: i32 = 3;
    pub(super) const LAST: i32 = 4;
    pub(super) const LAST_SIZE: i32 = 5;
    pub(super) const HIGH: i32 = 6;
    pub(super) const LOW: i32 = 7;
    pub(super) const VOLUME: i32 = 8;
    pub(super) const CLOSE: i32 = 9;
    pub(super) const OPEN: i32 = 14;
    pub(super) const LAST_TIME: i32 = 45;
    pub(super) const SHORTABLE: i32 = 46;
    pub(super) const RT_VOLUME: i32 = 48;
    pub(super) const HALTED: i32 = 49;
    pub(super) const RT_TRADE_VOLUME: i32 = 77;
    pub(super) const DELAYED_LAST_TIME: i32 = 88;
    pub(super) const SHORTABLE_SHARES: i32 = 89;

    /// The delayed twin of a live type.
    pub(super) const fn delayed(live: i32) -> i32 {
        match live {
            BID => 66,
            ASK => 67,
            LAST => 68,
            BID_SIZE => 69,
            ASK_SIZE => 70,
            LAST_SIZE => 71,
            HIGH => 72,
            LOW => 73,
            VOLUME => 74,
            CLOSE => 75,
            OPEN => 76,
            LAST_TIME => DELAYED_LAST_TIME,
            other => other,
        }
    }
}

/// Which data the user may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Permission {
    /// As they happen.
    #[default]
    Live,
    /// Delayed ones only.
    Delayed,
    /// None at all.
    None,
    /// Another session of the same user has them.
    Competing,
}

/// What a line has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    bid: (i64, u64),
    ask: (i64, u64),
    last: (i64, u64),
    last_time: i64,
    high: i64,
    low: i64,
    open: i64,
    close: i64,
    volume: u64,
    halted: i32,
    short: Option<u64>,
}

/// A stream of quotes.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) link: Link,
    pub(super) req: i32,
    pub(super) instrument: InstrumentId,
    generics: Generics,
    delayed: bool,
    told: Option<Told>,
}

/// Ticks beyond the usual that were asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Generics {
    rt_volume: bool,
    rt_trade_volume: bool,
    shortable: bool,
    news: bool,
}

impl Generics {
    fn read(list: &str) -> Self {
        let has = |number: &str| list.split(',').any(|part| part.trim() == number);
        Self {
            rt_volume: has("233"),
            rt_trade_volume: has("375"),
            shortable: has("236"),
            news: list.contains("292"),
        }
    }
}

/// All streams of quotes.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    pub(super) lines: Vec<Line>,
    pub(super) permission: Permission,
    /// Nothing is sampled: a feed that has gone silent.
    pub(super) silent: bool,
    /// When quotes are sampled next.
    pub(super) sample: Nanos,
}

impl Quotes {
    pub(super) fn due(&self) -> Option<Nanos> {
        (!self.lines.is_empty()).then_some(self.sample)
    }

    /// Streams that asked for news.
    pub(super) fn news_lines(&self) -> Vec<(Link, i32, InstrumentId)> {
        let asked = self.lines.iter().filter(|line| line.generics.news);
        asked
            .map(|line| (line.link, line.req, line.instrument))
            .collect()
    }

    pub(super) fn leave(&mut self, link: Link) {
        self.lines.retain(|line| line.link != link);
    }
}

impl World {
    /// The thing that a contract describes, or the broker's word that there is none.
    pub(super) fn find(
        &mut self,
        link: Link,
        id: i32,
        contract: &Contract,
    ) -> Option<InstrumentId> {
        match self.catalog.resolve(contract) {
            Ok(item) => Some(item.id),
            Err(missing) => {
                let text = match missing {
                    Missing::Unknown => {
                        "No security definition has been found for the request".to_owned()
                    }
                    Missing::Ambiguous => format!(
                        "The contract description specified for {} is ambiguous.",
                        contract.symbol
                    ),
                };
                self.complain(link, id, 200, &text);
                None
            }
        }
    }

    pub(super) fn market_data(&mut self, link: Link, asked: &MarketData) {
        let Some(instrument) = self.find(link, asked.req, &asked.contract) else {
            return;
        };
        let same = |line: &Line| line.link == link && line.req == asked.req;
        if self.quotes.lines.iter().any(same) {
            self.complain(link, asked.req, 102, "Duplicate ticker ID.");
            return;
        }
        let once = asked.snapshot || asked.regulatory_snapshot;
        if !once && self.quotes.lines.len() >= self.limits.lines {
            self.complain(
                link,
                asked.req,
                101,
                "Max number of tickers has been reached.",
            );
            return;
        }
        if once && !asked.generic_ticks.is_empty() {
            let text = "Error validating request.-'bS' : cause - Snapshot market data \
                        subscription is not applicable to generic ticks";
            self.complain(link, asked.req, 321, text);
            return;
        }
        let Some(delayed) = self.permitted(link, asked.req) else {
            return;
        };
        self.announce_line(link, asked.req, instrument, delayed);
        let mut line = Line {
            link,
            req: asked.req,
            instrument,
            generics: Generics::read(&asked.generic_ticks),
            delayed,
            told: None,
        };
        self.sample_line(&mut line);
        if once {
            self.say(link, Answer::TickSnapshotEnd(asked.req));
            return;
        }
        if self.quotes.lines.is_empty() {
            self.quotes.sample = self.next_sample();
        }
        self.quotes.lines.push(line);
        self.counters.lines(self.quotes.lines.len());
    }

    /// Whether the data that a client gets are delayed; `None` when it gets none.
    fn permitted(&mut self, link: Link, req: i32) -> Option<bool> {
        let wants = self.sessions.data_type(link);
        match self.quotes.permission {
            Permission::Live => Some(false),
            Permission::Delayed if wants >= 3 => {
                let text = "Requested market data is not subscribed. Displaying delayed market \
                            data.";
                self.complain(link, req, 10_167, text);
                Some(true)
            }
            Permission::Delayed => {
                let text = "Requested market data requires additional subscription for API. See \
                            link in 'Market Data Connections' dialog for more details.Delayed \
                            market data is available.";
                self.complain(link, req, 10_089, text);
                None
            }
            Permission::None => {
                let text = "Requested market data is not subscribed.";
                self.complain(link, req, 354, text);
                None
            }
            Permission::Competing => {
                let text = "No market data during competing live session";
                self.complain(link, req, 10_197, text);
                None
            }
        }
    }

    /// Another session takes the data away, or gives them back: streams that live hear of it and
    /// end; the client is to ask anew.
    pub(super) fn set_permission(&mut self, permission: Permission) {
        self.quotes.permission = permission;
        let (code, text) = match permission {
            Permission::Live => return,
            Permission::Competing => (10_197, "No market data during competing live session"),
            Permission::None => (354, "Requested market data is not subscribed."),
            Permission::Delayed => (
                10_167,
                "Requested market data is not subscribed. Displaying delayed market data.",
            ),
        };
        let keeps = permission == Permission::Delayed;
        let mut lines = core::mem::take(&mut self.quotes.lines);
        for line in &mut lines {
            self.complain(line.link, line.req, code, text);
            if keeps {
                self.say(line.link, Answer::MarketDataType(line.req, 3));
                line.delayed = true;
                line.told = None;
            }
        }
        if keeps {
            self.quotes.lines = lines;
        }
    }

    fn announce_line(&mut self, link: Link, req: i32, instrument: InstrumentId, delayed: bool) {
        let wants = self.sessions.data_type(link);
        let frozen = !self.exchange.is_open() && wants % 2 == 0;
        let kind = match (delayed, frozen) {
            (false, false) => 1,
            (false, true) => 2,
            (true, false) => 3,
            (true, true) => 4,
        };
        self.say(link, Answer::MarketDataType(req, kind));
        let min_tick = self.catalog.item(instrument).tick.to_f64();
        let parameters = Answer::TickReqParams {
            req,
            min_tick,
            bbo_exchange: super::smart::BBO.to_owned(),
            snapshot_permissions: 3,
        };
        self.say(link, parameters);
    }

    pub(super) fn cancel_market_data(&mut self, link: Link, req: i32) {
        let before = self.quotes.lines.len();
        let same = |line: &Line| line.link == link && line.req == req;
        self.quotes.lines.retain(|line| !same(line));
        if self.quotes.lines.len() == before {
            let text = format!("Can't find EId with tickerId:{req}");
            self.complain(link, req, 300, &text);
        }
    }

    fn next_sample(&self) -> Nanos {
        let period = self.limits.sampling.0.max(1);
        Nanos((self.now.0 / period + 1) * period)
    }

    /// Every line tells what has changed.
    pub(super) fn sample(&mut self) {
        self.quotes.sample = self.next_sample();
        if self.quotes.silent {
            return;
        }
        let mut lines = core::mem::take(&mut self.quotes.lines);
        for line in &mut lines {
            self.sample_line(line);
        }
        self.quotes.lines = lines;
    }

    fn sample_line(&mut self, line: &mut Line) {
        let now = self.picture(line);
        let first = line.told.is_none();
        let old = line.told.replace(now).unwrap_or_default();
        let (link, req, delayed) = (line.link, line.req, line.delayed);
        let number = |live| if delayed { tick::delayed(live) } else { live };
        for (kind, size_kind, old, new) in [
            (tick::BID, tick::BID_SIZE, old.bid, now.bid),
            (tick::ASK, tick::ASK_SIZE, old.ask, now.ask),
            (tick::LAST, tick::LAST_SIZE, old.last, now.last),
        ] {
            let size = Decimal::from(new.1);
            if new.0 != old.0 {
                self.say(link, price_tick(req, number(kind), new.0, size));
            } else if new.1 != old.1 {
                self.say(link, Answer::TickSize(req, number(size_kind), size));
            }
        }
        if now.last_time != old.last_time {
            let text = now.last_time.to_string();
            self.say(link, Answer::TickString(req, number(tick::LAST_TIME), text));
        }
        if now.volume != old.volume {
            let size = Decimal::from(now.volume);
            self.say(link, Answer::TickSize(req, number(tick::VOLUME), size));
        }
        for (kind, old, new) in [
            (tick::HIGH, old.high, now.high),
            (tick::LOW, old.low, now.low),
            (tick::CLOSE, old.close, now.close),
            (tick::OPEN, old.open, now.open),
        ] {
            if new != old {
                self.say(link, price_tick(req, number(kind), new, Decimal::ZERO));
            }
        }
        if first || now.halted != old.halted {
            let halted = f64::from(now.halted);
            self.say(link, Answer::TickGeneric(req, tick::HALTED, halted));
        }
        if now.short != old.short
            && let Some(shares) = now.short
        {
            let grade = match shares {
                1_000.. => 3.0,
                1..1_000 => 2.0,
                0 => 1.0,
            };
            self.say(link, Answer::TickGeneric(req, tick::SHORTABLE, grade));
            let shares = Decimal::from(shares);
            self.say(link, Answer::TickSize(req, tick::SHORTABLE_SHARES, shares));
        }
    }

    /// What there is to tell now.
    fn picture(&self, line: &Line) -> Told {
        let Some(book) = self.exchange.edge().books().get(line.instrument) else {
            return Told::default();
        };
        let record = &self.records[line.instrument.index() - 1];
        let best = |side| {
            book.best(side)
                .map_or((-1_000_000_000, 0), |(p, q)| (p.0, q))
        };
        let tape = book.tape();
        Told {
            bid: best(Side::Buy),
            ask: best(Side::Sell),
            last: (tape.last.0, record.last_qty),
            last_time: stamp::seconds(tape.trade_ts),
            high: tape.high.0,
            low: tape.low.0,
            open: tape.open.0,
            close: self.previous_close(line.instrument).0,
            volume: tape.volume,
            halted: match book.halt_state() {
                HaltState::Trading => 0,
                HaltState::Halted | HaltState::QuoteOnly => 1,
                HaltState::Paused => 2,
            },
            short: line.generics.shortable.then_some(record.short),
        }
    }

    /// A trade: what is told of each one, at once.
    pub(super) fn print_lines(&mut self, instrument: InstrumentId, print: Print) {
        if self.quotes.silent || print.bar {
            return;
        }
        let Some(book) = self.exchange.edge().books().get(instrument) else {
            return;
        };
        let (total, vwap) = (book.tape().volume, book.tape().vwap());
        let text = format!(
            "{};{};{};{};{};true",
            print.price.to_f64(),
            print.qty,
            stamp::millis(self.now),
            total,
            vwap.to_f64()
        );
        let lines = core::mem::take(&mut self.quotes.lines);
        for line in lines.iter().filter(|line| line.instrument == instrument) {
            for (asked, kind) in [
                (line.generics.rt_volume, tick::RT_VOLUME),
                (line.generics.rt_trade_volume, tick::RT_TRADE_VOLUME),
            ] {
                if asked && !line.delayed {
                    self.say(line.link, Answer::TickString(line.req, kind, text.clone()));
                }
            }
        }
        self.quotes.lines = lines;
    }
}

fn price_tick(req: i32, tick: i32, price: i64, size: Decimal) -> Answer {
    let quote = matches!(tick, tick::BID | tick::ASK);
    Answer::TickPrice {
        req,
        tick,
        price: Price(price).to_f64(),
        size,
        attributes: i32::from(quote),
    }
}
