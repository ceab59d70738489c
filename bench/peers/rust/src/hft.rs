//! The same events for hftbacktest: its backtest and its depth structures.
//!
//! Used as its documentation does: data in memory in its own format, `Backtest` built by the asset
//! builders, constant latency, prices as `f64`. A venue's execution is its `FILL` followed by the
//! `MODIFY` or `CANCEL` that takes the quantity out, as its own converters write it.

use crate::frames::is_buy;
use crate::orders::{Act, Order, TICK};
use anyhow::{Result, anyhow, ensure};
use hftbacktest::backtest::assettype::LinearAsset;
use hftbacktest::backtest::data::Data;
use hftbacktest::backtest::models::{
    CommonFees, ConstantLatency, L3FIFOQueueModel, PowerProbQueueFunc3, ProbQueueModel,
    TradingValueFeeModel,
};
use hftbacktest::backtest::{
    Backtest, BacktestError, DataSource, ExchangeKind, L2AssetBuilder, L3AssetBuilder,
};
use hftbacktest::depth::{L2MarketDepth, L3MarketDepth, MarketDepth};
use hftbacktest::prelude::{Bot, Event};
use hftbacktest::types::{
    ADD_ORDER_EVENT, BUY_EVENT, CANCEL_ORDER_EVENT, DEPTH_CLEAR_EVENT, DEPTH_EVENT, EXCH_EVENT,
    ElapseResult, FILL_EVENT, LOCAL_EVENT, MODIFY_ORDER_EVENT, SELL_EVENT,
};
use std::hint::black_box;
use stream::Nanos;

/// A price in units of the currency.
fn px(order: &Order) -> f64 {
    (order.price.0 / TICK) as f64 / 100.0
}

fn event(order: &Order, kind: u64, qty: f64, shift: Nanos) -> Event {
    let side = if is_buy(order.side) {
        BUY_EVENT
    } else {
        SELL_EVENT
    };
    let ts = (order.ts + shift).0 as i64;
    Event {
        ev: kind | side | EXCH_EVENT | LOCAL_EVENT,
        exch_ts: ts,
        local_ts: ts,
        px: px(order),
        qty,
        order_id: order.id,
        ival: 0,
        fval: 0.0,
    }
}

/// The emptied book at the start of a day.
fn clear(first: &Order, shift: Nanos) -> Event {
    let mut event = event(first, DEPTH_CLEAR_EVENT, 0.0, shift);
    event.ev = DEPTH_CLEAR_EVENT | EXCH_EVENT | LOCAL_EVENT;
    event
}

/// Days of order events, each `period` behind the one before.
#[must_use]
pub fn l3_events(orders: &[Order], times: u32, period: Nanos) -> Vec<Event> {
    let mut events = Vec::new();
    for day in 0..u64::from(times) {
        let shift = Nanos(period.0 * day);
        events.extend(orders.first().map(|first| clear(first, shift)));
        for order in orders {
            let (qty, left) = (f64::from(order.qty), f64::from(order.left));
            if order.act == Act::Execute {
                events.push(event(order, FILL_EVENT, qty, shift));
            }
            let (kind, qty) = match order.act {
                Act::Add => (ADD_ORDER_EVENT, qty),
                _ if order.left == 0 => (CANCEL_ORDER_EVENT, 0.0),
                _ => (MODIFY_ORDER_EVENT, left),
            };
            events.push(event(order, kind, qty, shift));
        }
    }
    events
}

/// The same days, told level by level.
#[must_use]
pub fn l2_events(orders: &[Order], times: u32, period: Nanos) -> Vec<Event> {
    let mut events = Vec::new();
    for day in 0..u64::from(times) {
        let shift = Nanos(period.0 * day);
        events.extend(orders.first().map(|first| clear(first, shift)));
        let level = |order| event(order, DEPTH_EVENT, order.level as f64, shift);
        events.extend(orders.iter().map(level));
    }
    events
}

fn models() -> (
    ConstantLatency,
    LinearAsset,
    TradingValueFeeModel<CommonFees>,
) {
    (
        ConstantLatency::new(15_000_000, 15_000_000),
        LinearAsset::new(1.0),
        TradingValueFeeModel::new(CommonFees::new(0.0, 0.0)),
    )
}

/// Its backtest over order events.
///
/// # Errors
/// What its builders say.
pub fn l3<MD>(events: &Data<Event>, depth: impl Fn() -> MD + 'static) -> Result<Backtest<MD>>
where
    MD: MarketDepth + L3MarketDepth + 'static,
    BacktestError: From<<MD as L3MarketDepth>::Error>,
{
    let (latency, asset, fees) = models();
    let asset = L3AssetBuilder::new()
        .data(vec![DataSource::Data(events.clone())])
        .latency_model(latency)
        .asset_type(asset)
        .fee_model(fees)
        .exchange(ExchangeKind::NoPartialFillExchange)
        .queue_model(L3FIFOQueueModel::new())
        .depth(depth)
        .build()
        .map_err(|wrong| anyhow!("hftbacktest: {wrong:?}"))?;
    Backtest::builder()
        .add_asset(asset)
        .build()
        .map_err(|wrong| anyhow!("hftbacktest: {wrong:?}"))
}

/// Its backtest over levels.
///
/// # Errors
/// What its builders say.
pub fn l2<MD>(events: &Data<Event>, depth: impl Fn() -> MD + 'static) -> Result<Backtest<MD>>
where
    MD: MarketDepth + L2MarketDepth + 'static,
{
    let (latency, asset, fees) = models();
    let asset = L2AssetBuilder::new()
        .data(vec![DataSource::Data(events.clone())])
        .latency_model(latency)
        .asset_type(asset)
        .fee_model(fees)
        .exchange(ExchangeKind::NoPartialFillExchange)
        .queue_model(ProbQueueModel::new(PowerProbQueueFunc3::new(3.0)))
        .depth(depth)
        .build()
        .map_err(|wrong| anyhow!("hftbacktest: {wrong:?}"))?;
    Backtest::builder()
        .add_asset(asset)
        .build()
        .map_err(|wrong| anyhow!("hftbacktest: {wrong:?}"))
}

/// Looks at the best quote: in sessions only, as ours evaluates.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    /// From one to the next.
    pub every: Nanos,
    /// From the first event of a day to its close.
    pub session: Nanos,
    /// From one day to the next.
    pub period: Nanos,
}

impl Looks {
    /// How many there are in a day.
    #[must_use]
    pub const fn a_day(&self) -> u64 {
        self.session.0 / self.every.0
    }
}

/// Runs it to the end of the data: at once, or with looks at the best quote, of which it tells how
/// many there were. What lies between two days it passes in one step.
///
/// # Errors
/// What it says.
pub fn to_the_end<MD: MarketDepth>(
    backtest: &mut Backtest<MD>,
    looks: Option<Looks>,
) -> Result<u64> {
    let failed = |wrong: BacktestError| anyhow!("hftbacktest: {wrong}");
    let Some(looks) = looks else {
        let end = backtest.goto_end().map_err(failed)?;
        ensure!(end == ElapseResult::EndOfData, "hftbacktest ended early");
        return Ok(0);
    };
    let step = looks.every.0 as i64;
    let night = (looks.period.0 - looks.a_day() * looks.every.0) as i64;
    let mut done = 0;
    loop {
        for _ in 0..looks.a_day() {
            if backtest.elapse(step).map_err(failed)? == ElapseResult::EndOfData {
                return Ok(done);
            }
            let depth = backtest.depth(0);
            black_box((depth.best_bid_tick(), depth.best_ask_tick()));
            done += 1;
        }
        if backtest.elapse(night).map_err(failed)? == ElapseResult::EndOfData {
            return Ok(done);
        }
    }
}

/// One order event for a depth structure, with nothing left to convert.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    id: u64,
    px: f64,
    qty: f64,
    ts: i64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Buy,
    Sell,
    Modify,
    Delete,
}

impl Op {
    /// The event in its terms: what an order has left is told, not what it lost.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        let kind = match order.act {
            Act::Add if is_buy(order.side) => Kind::Buy,
            Act::Add => Kind::Sell,
            _ if order.left == 0 => Kind::Delete,
            _ => Kind::Modify,
        };
        Self {
            id: order.id,
            px: px(order),
            qty: f64::from(order.left),
            ts: order.ts.0 as i64,
            kind,
        }
    }
}

/// Applies an order event.
///
/// # Errors
/// When it names an order that does not live, or one twice.
#[inline]
pub fn apply<MD: L3MarketDepth>(depth: &mut MD, op: &Op) -> Result<(), MD::Error> {
    let Op {
        id, px, qty, ts, ..
    } = *op;
    match op.kind {
        Kind::Buy => {
            black_box(depth.add_buy_order(id, px, qty, ts)?);
        }
        Kind::Sell => {
            black_box(depth.add_sell_order(id, px, qty, ts)?);
        }
        Kind::Modify => {
            black_box(depth.modify_order(id, px, qty, ts)?);
        }
        Kind::Delete => {
            black_box(depth.delete_order(id, ts)?);
        }
    }
    Ok(())
}

/// One level for a depth structure.
#[derive(Clone, Copy, Debug)]
pub struct LevelOp {
    px: f64,
    qty: f64,
    ts: i64,
    buy: bool,
}

impl LevelOp {
    /// What the order event leaves of its level.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self {
            px: px(order),
            qty: order.level as f64,
            ts: order.ts.0 as i64,
            buy: is_buy(order.side),
        }
    }
}

/// Applies a level.
#[inline]
pub fn apply_level<MD: L2MarketDepth>(depth: &mut MD, op: &LevelOp) {
    if op.buy {
        black_box(depth.update_bid_depth(op.px, op.qty, op.ts));
    } else {
        black_box(depth.update_ask_depth(op.px, op.qty, op.ts));
    }
}
