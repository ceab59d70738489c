//! What clients want to see of the market.

use super::{Outcome, Payload, int};
use crate::model::{HistoricalBars, HistoricalTicks, MarketData, Request, TickByTick};
use crate::proto::contract::read;
use crate::proto::schema::{data, history};

/// One of these.
pub fn decode(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        1 => {
            let m: data::MarketDataRequest = p.read()?;
            Request::MarketData(MarketData {
                req: int(m.req_id),
                contract: read(m.contract),
                generic_ticks: m.generic_tick_list.unwrap_or_default(),
                snapshot: m.snapshot.unwrap_or_default(),
                regulatory_snapshot: m.regulatory_snapshot.unwrap_or_default(),
            })
        }
        10 => {
            let m: data::MarketDepthRequest = p.read()?;
            Request::Depth {
                req: int(m.req_id),
                contract: read(m.contract),
                rows: int(m.num_rows),
                smart: m.is_smart_depth.unwrap_or_default(),
                moves: true,
            }
        }
        11 => {
            let m: data::CancelMarketDepth = p.read()?;
            Request::CancelDepth {
                req: int(m.req_id),
                smart: m.is_smart_depth.unwrap_or_default(),
            }
        }
        59 => {
            let m: data::MarketDataTypeRequest = p.read()?;
            Request::MarketDataType(int(m.market_data_type))
        }
        97 => {
            let m: data::TickByTickRequest = p.read()?;
            Request::TickByTick(TickByTick {
                req: int(m.req_id),
                contract: read(m.contract),
                what: m.tick_type.unwrap_or_default(),
                past: int(m.number_of_ticks),
                ignore_size: m.ignore_size.unwrap_or_default(),
            })
        }
        _ => return past(p),
    })
}

/// Bars and what was.
fn past(p: &Payload<'_>) -> Outcome<Request> {
    Ok(match p.number {
        20 => {
            let m: history::HistoricalDataRequest = p.read()?;
            Request::HistoricalBars(HistoricalBars {
                req: int(m.req_id),
                contract: read(m.contract),
                end: m.end_date_time.unwrap_or_default(),
                bar_size: m.bar_size_setting.unwrap_or_default(),
                duration: m.duration.unwrap_or_default(),
                use_rth: m.use_rth.unwrap_or_default(),
                what: m.what_to_show.unwrap_or_default(),
                format_date: int(m.format_date),
                keep_up_to_date: m.keep_up_to_date.unwrap_or_default(),
            })
        }
        50 => {
            let m: data::RealTimeBarsRequest = p.read()?;
            Request::RealTimeBars {
                req: int(m.req_id),
                contract: read(m.contract),
                seconds: int(m.bar_size),
                what: m.what_to_show.unwrap_or_default(),
                use_rth: m.use_rth.unwrap_or_default(),
            }
        }
        87 => {
            let m: history::HeadTimestampRequest = p.read()?;
            Request::HeadTimestamp {
                req: int(m.req_id),
                contract: read(m.contract),
                what: m.what_to_show.unwrap_or_default(),
                use_rth: m.use_rth.unwrap_or_default(),
                format_date: int(m.format_date),
            }
        }
        96 => {
            let m: history::HistoricalTicksRequest = p.read()?;
            Request::HistoricalTicks(HistoricalTicks {
                req: int(m.req_id),
                contract: read(m.contract),
                start: m.start_date_time.unwrap_or_default(),
                end: m.end_date_time.unwrap_or_default(),
                count: int(m.number_of_ticks),
                what: m.what_to_show.unwrap_or_default(),
                use_rth: m.use_rth.unwrap_or_default(),
                ignore_size: m.ignore_size.unwrap_or_default(),
            })
        }
        number => Request::Unserved(number),
    })
}
