//! The market as it was, and news.

use super::data::{bid_ask, last};
use crate::model::{Answer, Bar, HistoricalTick};
use crate::proto::schema::data::TickMid;
use crate::proto::schema::history as wire;
use crate::proto::{size, text, write};

/// Appends the answer, if it is one of these.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::HistoricalBars {
            req,
            start,
            end,
            bars,
        } => {
            let (req_id, bars) = (Some(*req), bars.iter().map(bar).collect());
            write(17, &wire::HistoricalData { req_id, bars }, out);
            let message = wire::HistoricalDataEnd {
                req_id,
                start_date_str: text(start),
                end_date_str: text(end),
            };
            write(108, &message, out);
        }
        Answer::HistoricalSchedule {
            req,
            start,
            end,
            zone,
            sessions,
        } => {
            let session =
                |(open, close, date): &(String, String, String)| wire::HistoricalSession {
                    start_date_time: text(open),
                    end_date_time: text(close),
                    ref_date: text(date),
                };
            let message = wire::HistoricalSchedule {
                req_id: Some(*req),
                start_date_time: text(start),
                end_date_time: text(end),
                time_zone: text(zone),
                historical_sessions: sessions.iter().map(session).collect(),
            };
            write(106, &message, out);
        }
        Answer::HistoricalBarUpdate(req, told) => {
            let (req_id, bar) = (Some(*req), Some(bar(told)));
            write(90, &wire::HistoricalDataUpdate { req_id, bar }, out);
        }
        Answer::HeadTimestamp(req, time) => {
            let (req_id, head_timestamp) = (Some(*req), Some(time.clone()));
            let message = wire::HeadTimestamp {
                req_id,
                head_timestamp,
            };
            write(88, &message, out);
        }
        _ => return ticks(answer, out) || news(answer, out),
    }
    true
}

fn ticks(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::HistoricalMids(req, ticks, done) => {
            let message = wire::HistoricalTicks {
                req_id: Some(*req),
                ticks: ticks.iter().map(middle).collect(),
                is_done: Some(*done),
            };
            write(96, &message, out);
        }
        Answer::HistoricalBidAsks(req, ticks, done) => {
            let message = wire::HistoricalTicksBidAsk {
                req_id: Some(*req),
                ticks: ticks.iter().map(bid_ask).collect(),
                is_done: Some(*done),
            };
            write(97, &message, out);
        }
        Answer::HistoricalLasts(req, ticks, done) => {
            let message = wire::HistoricalTicksLast {
                req_id: Some(*req),
                ticks: ticks.iter().map(last).collect(),
                is_done: Some(*done),
            };
            write(98, &message, out);
        }
        _ => return false,
    }
    true
}

fn news(answer: &Answer, out: &mut Vec<u8>) -> bool {
    match answer {
        Answer::NewsBulletin(id, kind, told, exchange) => {
            let message = wire::NewsBulletin {
                news_msg_id: Some(*id),
                news_msg_type: Some(*kind),
                news_message: text(told),
                originating_exch: text(exchange),
            };
            write(14, &message, out);
        }
        Answer::NewsProviders(list) => {
            let one = |(code, name): &(String, String)| wire::NewsProvider {
                provider_code: text(code),
                provider_name: text(name),
            };
            let news_providers = list.iter().map(one).collect();
            write(85, &wire::NewsProviders { news_providers }, out);
        }
        Answer::NewsArticle(req, article) => {
            let message = wire::NewsArticle {
                req_id: Some(*req),
                article_type: Some(article.kind),
                article_text: text(&article.text),
            };
            write(83, &message, out);
        }
        Answer::HistoricalNews(req, time, provider, id, headline) => {
            let message = wire::HistoricalNews {
                req_id: Some(*req),
                time: text(time),
                provider_code: text(provider),
                article_id: text(id),
                headline: text(headline),
            };
            write(86, &message, out);
        }
        Answer::HistoricalNewsEnd(req, more) => {
            let (req_id, has_more) = (Some(*req), Some(*more));
            write(87, &wire::HistoricalNewsEnd { req_id, has_more }, out);
        }
        Answer::TickNews(req, millis, provider, id, headline, extra) => {
            let message = wire::TickNews {
                req_id: Some(*req),
                timestamp: Some(*millis),
                provider_code: text(provider),
                article_id: text(id),
                headline: text(headline),
                extra_data: text(extra),
            };
            write(84, &message, out);
        }
        _ => return false,
    }
    true
}

fn bar(told: &Bar) -> wire::HistoricalDataBar {
    wire::HistoricalDataBar {
        date: Some(told.date.clone()),
        open: Some(told.open),
        high: Some(told.high),
        low: Some(told.low),
        close: Some(told.close),
        volume: size(told.volume),
        wap: size(told.wap),
        bar_count: Some(told.count),
    }
}

fn middle(tick: &HistoricalTick) -> TickMid {
    TickMid {
        time: Some(tick.time),
        price: Some(tick.price),
        size: size(tick.size),
    }
}
