//! The session, contracts and market data.

use crate::report::{bar_patience, patience, wait, Report};
use ibapi::client::blocking::Client;
use ibapi::contracts::tick_types::TickType;
use ibapi::contracts::Contract;
use ibapi::market_data::historical::{BarSize as HistoricalBar, ToDuration, WhatToShow as Of};
use ibapi::market_data::realtime::{BarSize, MarketDepths, TickTypes, WhatToShow};
use ibapi::market_data::TradingHours;
use ibapi::scanner::ScannerSubscription;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use time::OffsetDateTime;

#[derive(Clone, Copy, Debug, Default)]
pub struct Quote {
    pub bid: f64,
    pub ask: f64,
    last: f64,
    bid_size: f64,
    ask_size: f64,
    halted: Option<f64>,
    shortable: f64,
    rt_volume: f64,
}

pub fn stock(symbol: &str) -> Contract {
    Contract::stock(symbol).build()
}

pub fn session(client: &Client, report: &mut Report) {
    let version = client.server_version();
    report.check("session.version", version == 178, version);
    let accounts = client.managed_accounts().unwrap_or_default();
    report.check("session.account", accounts == ["DU1234567"], &accounts);
    let next = client.next_valid_order_id().unwrap_or_default();
    let small = (1..1_000).contains(&next);
    report.check("session.next-order-id", small, next);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64);
    let said = client.server_time().map_or(0, |time| time.unix_timestamp());
    report.check("session.time", (said - now).abs() < 5, said);
}

pub fn contracts(client: &Client, report: &mut Report, symbol: &str) -> i32 {
    let found = client.contract_details(&stock(symbol)).unwrap_or_default();
    let con_id = found
        .first()
        .map_or(0, |details| details.contract.contract_id);
    report.check("contract.con-id", found.len() == 1 && con_id > 0, con_id);
    let first = found.into_iter().next().unwrap_or_default();
    let tick = first.min_tick;
    report.check("contract.min-tick", (tick - 0.01).abs() < 1e-12, tick);
    let hours = &first.liquid_hours;
    let day = hours.first().map_or("", String::as_str);
    let fits = day.ends_with("CLOSED") || day.split('-').count() == 2;
    report.check("contract.hours", fits && hours.len() > 1, day);
    let zone = first.time_zone_id;
    report.check("contract.time-zone", zone == "US/Eastern", &zone);
    let unknown = client.contract_details(&stock("NOSUCHSYM"));
    let code = unknown.map_or_else(|error| error.to_string(), |_| "found".to_owned());
    report.check("contract.unknown-200", code.contains("200"), &code);
    let samples = client.matching_symbols(&symbol[..3]);
    let samples: Vec<String> = samples.map_or_else(
        |_| Vec::new(),
        |found| found.map(|d| d.contract.symbol.to_string()).collect(),
    );
    let found = samples.iter().any(|sample| sample == symbol);
    report.check("contract.symbols", found, &samples);
    let rule = first.market_rule_ids.first().and_then(|id| id.parse().ok());
    let rule = rule.and_then(|id| client.market_rule(id).ok());
    let last = rule.as_ref().and_then(|rule| rule.price_increments.last());
    let cent = last.is_some_and(|step| (step.increment - 0.01).abs() < 1e-12);
    report.check("contract.market-rule", cent, &rule);
    con_id
}

/// A quote with all that is asked for, or what came of it in time.
pub fn quote(client: &Client, symbol: &str) -> Quote {
    let contract = stock(symbol);
    let mut quote = Quote::default();
    let stream = client
        .market_data(&contract)
        .generic_ticks(&["233", "236"])
        .subscribe();
    if let Ok(stream) = stream {
        wait(|| {
            while let Some(tick) = stream.try_next() {
                quote.take(&tick);
            }
            quote.is_whole().then_some(())
        });
    }
    quote
}

pub fn quotes(client: &Client, report: &mut Report, symbol: &str) -> Quote {
    let quote = quote(client, symbol);
    let inside = 0.0 < quote.bid && quote.bid < quote.ask;
    report.check("quote.bid-below-ask", inside, quote);
    let sizes = (quote.bid_size, quote.ask_size);
    report.check("quote.sizes", sizes.0 >= 1.0 && sizes.1 >= 1.0, sizes);
    let near = (quote.last - quote.bid).abs() < 0.05 * quote.bid;
    report.check("quote.last", near, quote.last);
    report.check("quote.halted", quote.halted == Some(0.0), quote.halted);
    report.check("quote.shortable", quote.shortable > 2.5, quote.shortable);
    report.check("quote.rt-volume", quote.rt_volume > 0.0, quote.rt_volume);
    quote
}

impl Quote {
    /// Within a twentieth of the bid.
    pub fn is_near(&self, price: f64) -> bool {
        (price - self.bid).abs() < 0.05 * price
    }

    fn take(&mut self, tick: &TickTypes) {
        match tick {
            TickTypes::PriceSize(t) => {
                self.price(&t.price_tick_type, t.price);
                self.size(&t.size_tick_type, t.size);
            }
            TickTypes::Price(t) => self.price(&t.tick_type, t.price),
            TickTypes::Size(t) => self.size(&t.tick_type, t.size),
            TickTypes::Generic(t) if t.tick_type == TickType::Halted => {
                self.halted = Some(t.value);
            }
            TickTypes::Generic(t) if t.tick_type == TickType::Shortable => {
                self.shortable = t.value;
            }
            TickTypes::String(t) if t.tick_type == TickType::RtVolume => {
                let total = t.value.split(';').nth(3).and_then(|v| v.parse().ok());
                self.rt_volume = total.unwrap_or(self.rt_volume);
            }
            _ => {}
        }
    }

    fn price(&mut self, tick: &TickType, price: f64) {
        match tick {
            TickType::Bid => self.bid = price,
            TickType::Ask => self.ask = price,
            TickType::Last => self.last = price,
            _ => {}
        }
    }

    fn size(&mut self, tick: &TickType, size: f64) {
        match tick {
            TickType::BidSize => self.bid_size = size,
            TickType::AskSize => self.ask_size = size,
            _ => {}
        }
    }

    fn is_whole(&self) -> bool {
        let prices = self.bid > 0.0 && self.ask > 0.0 && self.last > 0.0;
        let sizes = self.bid_size > 0.0 && self.ask_size > 0.0;
        prices && sizes && self.halted.is_some() && self.shortable > 0.0 && self.rt_volume > 0.0
    }
}

type Rows = [Vec<(f64, f64)>; 2];

fn apply(rows: &mut Rows, at: i32, operation: i32, side: i32, level: (f64, f64)) {
    let (Ok(at), Ok(side)) = (usize::try_from(at), usize::try_from(side)) else {
        return;
    };
    let rows = &mut rows[side.min(1)];
    match operation {
        0 if at <= rows.len() => rows.insert(at, level),
        1 if at < rows.len() => rows[at] = level,
        2 if at < rows.len() => drop(rows.remove(at)),
        _ => {}
    }
}

/// The ladder.
pub fn depth(client: &Client, report: &mut Report, symbols: &[&str], quote: Quote) {
    let mut rows: Rows = Rows::default();
    let contract = stock(symbols[0]);
    let stream = client.market_depth(&contract, 10, false);
    if let Ok(stream) = &stream {
        wait(|| {
            while let Some(row) = stream.next_timeout(Duration::from_millis(500)) {
                let told = match row {
                    MarketDepths::MarketDepth(r) => {
                        Some((r.position, r.operation, r.side, (r.price, r.size)))
                    }
                    MarketDepths::MarketDepthL2(r) => {
                        Some((r.position, r.operation, r.side, (r.price, r.size)))
                    }
                    MarketDepths::Notice(_) => None,
                };
                if let Some((position, operation, side, what)) = told {
                    apply(&mut rows, position, operation, side, what);
                }
                if rows.iter().all(|side| side.len() >= 10) {
                    break;
                }
            }
            rows.iter().all(|side| side.len() >= 3).then_some(())
        });
    }
    let [asks, bids] = &rows;
    let counts = (bids.len(), asks.len());
    let fits = (3..=10).contains(&counts.0) && (3..=10).contains(&counts.1);
    report.check("depth.rows", fits, counts);
    let sized = rows.iter().flatten().all(|level| level.1 >= 1.0);
    report.check("depth.sizes", sized && counts.1 > 0, &rows);
    let falls = bids.windows(2).all(|pair| pair[0].0 > pair[1].0);
    report.check("depth.bids-fall", falls && counts.0 > 0, bids);
    let rises = asks.windows(2).all(|pair| pair[0].0 < pair[1].0);
    report.check("depth.asks-rise", rises && counts.1 > 0, asks);
    let best = (bids.first().copied(), asks.first().copied());
    let apart = matches!(best, (Some(bid), Some(ask)) if bid.0 < ask.0);
    report.check("depth.not-crossed", apart, best);
    let near = best.0.is_some_and(|bid| quote.is_near(bid.0));
    report.check("depth.near-quote", near, best);
    let mut others = Vec::new();
    let mut said = String::new();
    for symbol in &symbols[1..4] {
        if let Ok(stream) = client.market_depth(&stock(symbol), 5, false) {
            others.push(stream);
        }
    }
    wait(|| {
        for stream in &others {
            while stream.try_next().is_some() {}
            if let Some(error) = stream.error() {
                said = error.to_string();
            }
        }
        (!said.is_empty()).then_some(())
    });
    report.check("depth.slots-309", said.contains("309"), &said);
}

pub fn ticks(client: &Client, report: &mut Report, symbol: &str, now: Quote) {
    let contract = stock(symbol);
    let last = client
        .tick_by_tick_last(&contract, 0, false)
        .ok()
        .and_then(|stream| stream.next_timeout(patience()));
    let traded = last
        .as_ref()
        .is_some_and(|t| now.is_near(t.price) && t.size > 0.0);
    report.check("ticks.last", traded, &last);
    let quote = client
        .tick_by_tick_bid_ask(&contract, 0, false)
        .ok()
        .and_then(|stream| stream.next_timeout(patience()));
    let inside = quote
        .as_ref()
        .is_some_and(|q| q.bid_price <= q.ask_price && now.is_near(q.ask_price));
    report.check("ticks.bid-ask", inside, &quote);
    // Told in whole seconds: what was traded in this one counts.
    let end = OffsetDateTime::now_utc() + time::Duration::MINUTE;
    let past =
        client.historical_ticks_trade(&contract, None, Some(end), 20, TradingHours::Extended);
    let past: Vec<f64> = past.map_or_else(
        |_| Vec::new(),
        |ticks| ticks.into_iter().map(|tick| tick.price).collect(),
    );
    let near = !past.is_empty() && past.iter().all(|price| now.is_near(*price));
    report.check("ticks.past", near, &past);
}

pub fn history(client: &Client, report: &mut Report, symbol: &str) {
    let contract = stock(symbol);
    let bars = client
        .historical_data(
            &contract,
            None,
            1_800.seconds(),
            HistoricalBar::Min,
            Of::Trades,
            TradingHours::Extended,
        )
        .map(|data| data.bars);
    let seen = bars.as_ref().map(Vec::len);
    let bars = bars.as_deref().unwrap_or_default();
    report.check("history.bars", bars.len() > 10, &seen);
    let inside = bars
        .iter()
        .all(|b| b.low <= b.open.min(b.close) && b.open.max(b.close) <= b.high);
    report.check("history.range", inside && !bars.is_empty(), bars.first());
    let ordered = bars.windows(2).all(|pair| pair[0].date < pair[1].date);
    report.check("history.ordered", ordered && bars.len() > 1, bars.len());
    let head = client.head_timestamp(&contract, Of::Trades, TradingHours::Extended);
    let fits = head.as_ref().is_ok_and(|time| time.year() >= 2000);
    report.check("history.head-timestamp", fits, &head);
    let schedule = client.historical_schedules_ending_now(&contract, 5.days());
    let days = schedule.map(|told| told.sessions.iter().map(|s| s.reference).collect::<Vec<_>>());
    let fits = days
        .as_ref()
        .is_ok_and(|days| days.len() == 5 && days.windows(2).all(|pair| pair[0] < pair[1]));
    report.check("history.schedule", fits, &days);
    let bar = client
        .realtime_bars(
            &contract,
            BarSize::Sec5,
            WhatToShow::Trades,
            TradingHours::Extended,
        )
        .ok()
        .and_then(|stream| stream.next_timeout(bar_patience()));
    let inside = bar
        .as_ref()
        .is_some_and(|b| b.low <= b.open.min(b.close) && b.open.max(b.close) <= b.high);
    report.check("bars.real-time", inside, &bar);
    let wanted = ScannerSubscription {
        number_of_rows: 10,
        instrument: Some("STK".to_owned()),
        location_code: Some("STK.US.MAJOR".to_owned()),
        scan_code: Some("MOST_ACTIVE".to_owned()),
        ..ScannerSubscription::default()
    };
    let ranks: Vec<i32> = client
        .scanner_subscription(&wanted, &Vec::new())
        .ok()
        .and_then(|stream| stream.next_timeout(patience()))
        .map(|rows| rows.iter().map(|row| row.rank).collect())
        .unwrap_or_default();
    let counted = ranks.iter().zip(0..).all(|(rank, count)| *rank == count);
    report.check("scanner.rows", counted && ranks.len() > 1, &ranks);
}
