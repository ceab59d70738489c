//! NautilusTrader's Rust backtest engine over quotes from a file, with a probe or without.
//!
//! `nautilus QUOTES EVERY`: at every EVERY-th quote the probe sends a limit order for one share
//! that rests 1 % behind the near touch, on the two sides in turn, and cancels it at the next
//! quote; 0 is never. Prints one JSON object. The time is that of `run` alone: quotes, venue and
//! strategy are there before; logging is bypassed, analysis is off.
#![forbid(unsafe_code)]

use anyhow::{Context, Result, ensure};
use log::LevelFilter;
use nautilus_backtest::config::{BacktestEngineConfig, SimulatedVenueConfig};
use nautilus_backtest::engine::BacktestEngine;
use nautilus_common::actor::DataActor;
use nautilus_common::logging::logger::LoggerConfig;
use nautilus_core::UnixNanos;
use nautilus_model::data::{Data, QuoteTick};
use nautilus_model::enums::{AccountType, BookType, OmsType, OrderSide};
use nautilus_model::identifiers::{ClientOrderId, InstrumentId, StrategyId, Symbol, Venue};
use nautilus_model::instruments::{Equity, InstrumentAny};
use nautilus_model::orders::Order;
use nautilus_model::types::{Currency, Money, Price, Quantity};
use nautilus_trading::nautilus_strategy;
use nautilus_trading::strategy::{Strategy, StrategyConfig, StrategyCore};
use std::time::Instant;

const ID: &str = "AAPL.XNAS";

/// Takes every quote and orders now and then.
#[derive(Debug)]
struct Probe {
    core: StrategyCore,
    every: u64,
    seen: u64,
    sent: u64,
    order: Option<ClientOrderId>,
}

nautilus_strategy!(Probe);

impl DataActor for Probe {
    fn on_start(&mut self) -> Result<()> {
        self.subscribe_quotes(InstrumentId::from(ID), None, None);
        Ok(())
    }

    fn on_quote(&mut self, quote: &QuoteTick) -> Result<()> {
        self.seen += 1;
        if let Some(order) = self.order.take() {
            self.cancel_order(order, None, None)?;
        }
        if self.every == 0 || !self.seen.is_multiple_of(self.every) {
            return Ok(());
        }
        let (side, near) = if self.sent.is_multiple_of(2) {
            (OrderSide::Buy, quote.bid_price.as_f64() * 0.99)
        } else {
            (OrderSide::Sell, quote.ask_price.as_f64() * 1.01)
        };
        self.sent += 1;
        let order = self.core.order_factory().limit(
            InstrumentId::from(ID),
            side,
            Quantity::from("1"),
            Price::new(near, 2),
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        );
        self.order = Some(order.client_order_id());
        self.submit_order(order, None, None, None)
    }
}

fn equity() -> InstrumentAny {
    let instrument = Equity::new(
        InstrumentId::from(ID),
        Symbol::from("AAPL"),
        None,
        Currency::from("USD"),
        2,
        Price::from("0.01"),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        UnixNanos::default(),
        UnixNanos::default(),
    );
    InstrumentAny::Equity(instrument)
}

/// Five little-endian numbers a quote: time, bid and ask in cents, what they hold.
fn quotes(path: &str) -> Result<Vec<Data>> {
    let bytes = std::fs::read(path).with_context(|| path.to_owned())?;
    let (records, rest) = bytes.as_chunks::<40>();
    ensure!(rest.is_empty(), "{path}: cut");
    let id = InstrumentId::from(ID);
    let quote = |record: &[u8; 40]| {
        let (words, _) = record.as_chunks::<8>();
        let [ts, bid, ask, bid_qty, ask_qty] =
            [0, 1, 2, 3, 4].map(|at| i64::from_le_bytes(words[at]));
        let price = |cents: i64| Price::new(cents as f64 / 100.0, 2);
        let size = |qty: i64| Quantity::new(qty as f64, 0);
        let ts = UnixNanos::from(ts as u64);
        let quote = QuoteTick::new(
            id,
            price(bid),
            price(ask),
            size(bid_qty),
            size(ask_qty),
            ts,
            ts,
        );
        Data::Quote(quote)
    };
    Ok(records.iter().map(quote).collect())
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, every] = &args[..] else {
        anyhow::bail!("nautilus QUOTES EVERY");
    };
    let every = every.parse().context("EVERY is a number")?;
    let config = BacktestEngineConfig {
        logging: LoggerConfig {
            bypass_logging: true,
            stdout_level: LevelFilter::Off,
            ..LoggerConfig::default()
        },
        bypass_logging: true,
        run_analysis: false,
        ..BacktestEngineConfig::default()
    };
    let mut engine = BacktestEngine::new(config)?;
    engine.add_venue(
        SimulatedVenueConfig::builder()
            .venue(Venue::from("XNAS"))
            .oms_type(OmsType::Netting)
            .account_type(AccountType::Margin)
            .book_type(BookType::L1_MBP)
            .starting_balances(vec![Money::from("1_000_000 USD")])
            .build(),
    )?;
    engine.add_instrument(&equity())?;
    let base = StrategyConfig {
        strategy_id: Some(StrategyId::from("PROBE-001")),
        order_id_tag: Some("001".to_owned()),
        ..StrategyConfig::default()
    };
    engine.add_strategy(Probe {
        core: StrategyCore::new(base),
        every,
        seen: 0,
        sent: 0,
        order: None,
    })?;
    let quotes = quotes(path)?;
    let count = quotes.len();
    engine.add_data(quotes, None, true, true)?;
    let begin = Instant::now();
    engine.run(None, None, None, false)?;
    let seconds = begin.elapsed().as_secs_f64();
    let result = engine.get_result();
    ensure!(
        result.iterations == count,
        "{} of {count} quotes only",
        result.iterations
    );
    let line = serde_json::json!({
        "seconds": seconds,
        "quotes": count,
        "orders": result.total_orders,
        "version": "nautilus-backtest 0.57",
    });
    println!("{line}");
    Ok(())
}
