//! What clients want to see of the market.

use super::contract::{contract, legs, skip_delta_neutral, with_expired};
use super::{Outcome, second};
use crate::model::{
    HistoricalBars, HistoricalTicks, MarketData, Request, ScannerSubscription, TickByTick,
};
use crate::text::fields::Fields;

/// 1.
pub fn market_data(f: &mut Fields<'_>) -> Outcome<Request> {
    let req = second(f)?;
    let mut contract = contract(f)?;
    legs(f, &mut contract, 0)?;
    skip_delta_neutral(f)?;
    Ok(Request::MarketData(MarketData {
        req,
        contract,
        generic_ticks: f.string("generic ticks")?,
        snapshot: f.flag("snapshot")?,
        regulatory_snapshot: f.flag("regulatory snapshot")?,
    }))
}

/// 10.
pub fn depth(f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(Request::Depth {
        req: second(f)?,
        contract: contract(f)?,
        rows: f.int("rows")?,
        smart: f.flag("smart depth")?,
        // Some clients of the text protocol write over the position instead.
        moves: false,
    })
}

/// 20.
pub fn bars(f: &mut Fields<'_>) -> Outcome<Request> {
    let req = f.req()?;
    let mut contract = with_expired(f)?;
    let end = f.string("end")?;
    let bar_size = f.string("bar size")?;
    let duration = f.string("duration")?;
    let use_rth = f.flag("regular hours only")?;
    let what = f.string("what to show")?;
    let format_date = f.int("format of dates")?;
    legs(f, &mut contract, 0)?;
    Ok(Request::HistoricalBars(HistoricalBars {
        req,
        contract,
        end,
        bar_size,
        duration,
        use_rth,
        what,
        format_date,
        keep_up_to_date: f.flag("keep up to date")?,
    }))
}

/// 50.
pub fn real_time_bars(f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(Request::RealTimeBars {
        req: second(f)?,
        contract: contract(f)?,
        seconds: f.int("seconds")?,
        what: f.string("what to show")?,
        use_rth: f.flag("regular hours only")?,
    })
}

/// 87.
pub fn head_timestamp(f: &mut Fields<'_>) -> Outcome<Request> {
    let (req, contract) = (f.req()?, with_expired(f)?);
    let use_rth = f.flag("regular hours only")?;
    Ok(Request::HeadTimestamp {
        req,
        contract,
        use_rth,
        what: f.string("what to show")?,
        format_date: f.int("format of dates")?,
    })
}

/// 96.
pub fn ticks(f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(Request::HistoricalTicks(HistoricalTicks {
        req: f.req()?,
        contract: with_expired(f)?,
        start: f.string("start")?,
        end: f.string("end")?,
        count: f.int("number of ticks")?,
        what: f.string("what to show")?,
        use_rth: f.flag("regular hours only")?,
        ignore_size: f.flag("ignore size")?,
    }))
}

/// 97.
pub fn tick_by_tick(f: &mut Fields<'_>) -> Outcome<Request> {
    Ok(Request::TickByTick(TickByTick {
        req: f.req()?,
        contract: contract(f)?,
        what: f.string("type of tick")?,
        past: f.int("number of ticks")?,
        ignore_size: f.flag("ignore size")?,
    }))
}

/// 22.
pub fn scanner(f: &mut Fields<'_>) -> Outcome<Request> {
    let req = f.req()?;
    let scan = ScannerSubscription {
        rows: f.unset_int("rows")?.filter(|&rows| rows >= 0),
        instrument: f.string("instrument")?,
        location: f.string("location")?,
        scan_code: f.string("scan code")?,
        above_price: f.unset_double("above price")?,
        below_price: f.unset_double("below price")?,
        above_volume: f.unset_int("above volume")?,
    };
    Ok(Request::Scanner(req, scan))
}
