//! The market as it was, and news.

use crate::model::{Answer, Bar, BidAskTick, HistoricalTick, LastTick};
use crate::text::message::Message;

/// Appends the answer, if it is one of these.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::HistoricalBars {
            req,
            start,
            end,
            bars,
        } => {
            let (start, end) = (without_zone(start), without_zone(end));
            let message = begin(17, out).int(*req).text(&start).text(&end);
            message.each(bars, bar).end();
        }
        Answer::HistoricalSchedule {
            req,
            start,
            end,
            zone,
            sessions,
        } => {
            let message = begin(106, out).int(*req).text(start).text(end).text(zone);
            message
                .each(sessions, |m, (open, close, date)| {
                    m.text(open).text(close).text(date)
                })
                .end();
        }
        Answer::HistoricalBarUpdate(req, told) => update(begin(90, out).int(*req), told).end(),
        Answer::HeadTimestamp(req, time) => begin(88, out).int(*req).text(time).end(),
        Answer::HistoricalMids(req, ticks, done) => {
            begin(96, out)
                .int(*req)
                .each(ticks, middle)
                .flag(*done)
                .end();
        }
        Answer::HistoricalBidAsks(req, ticks, done) => {
            begin(97, out)
                .int(*req)
                .each(ticks, bid_ask)
                .flag(*done)
                .end();
        }
        Answer::HistoricalLasts(req, ticks, done) => {
            begin(98, out).int(*req).each(ticks, last).flag(*done).end();
        }
        _ => return news(version, answer, out),
    }
    true
}

/// Text clients read a range's ends as `YYYYMMDD  HH:MM:SS`, in the zone of their session.
fn without_zone(time: &str) -> String {
    let words: Vec<&str> = time.split_whitespace().take(2).collect();
    words.join("  ")
}

fn news(version: i32, answer: &Answer, out: &mut Vec<u8>) -> bool {
    let begin = |number, out| Message::begin(version, number, out);
    match answer {
        Answer::NewsBulletin(id, kind, text, exchange) => {
            let message = begin(14, out).int(1).int(*id).int(*kind);
            message.text(text).text(exchange).end();
        }
        Answer::NewsProviders(list) => {
            begin(85, out)
                .each(list, |m, (code, name)| m.text(code).text(name))
                .end();
        }
        Answer::NewsArticle(req, article) => {
            let message = begin(83, out).int(*req).int(article.kind);
            message.text(&article.text).end();
        }
        Answer::HistoricalNews(req, time, provider, id, headline) => {
            let message = begin(86, out).int(*req).text(time).text(provider);
            message.text(id).text(headline).end();
        }
        Answer::HistoricalNewsEnd(req, more) => begin(87, out).int(*req).flag(*more).end(),
        Answer::TickNews(req, millis, provider, id, headline, extra) => {
            let message = begin(84, out).int(*req).int(*millis).text(provider);
            message.text(id).text(headline).text(extra).end();
        }
        _ => return false,
    }
    true
}

fn bar<'a>(message: Message<'a>, bar: &Bar) -> Message<'a> {
    message
        .text(&bar.date)
        .double(bar.open)
        .double(bar.high)
        .double(bar.low)
        .double(bar.close)
        .shares(bar.volume)
        .size(bar.wap)
        .int(bar.count)
}

/// The same fields in another order.
fn update<'a>(message: Message<'a>, bar: &Bar) -> Message<'a> {
    message
        .int(bar.count)
        .text(&bar.date)
        .double(bar.open)
        .double(bar.close)
        .double(bar.high)
        .double(bar.low)
        .size(bar.wap)
        .shares(bar.volume)
}

fn middle<'a>(message: Message<'a>, tick: &HistoricalTick) -> Message<'a> {
    message
        .int(tick.time)
        // Attributes, which a middle has none of.
        .int(0)
        .double(tick.price)
        .shares(tick.size)
}

fn bid_ask<'a>(message: Message<'a>, tick: &BidAskTick) -> Message<'a> {
    // Here, and only here, the first bit is the ask's.
    let mask = (tick.attributes & 1) << 1 | (tick.attributes & 2) >> 1;
    message
        .int(tick.time)
        .int(mask)
        .double(tick.bid)
        .double(tick.ask)
        .shares(tick.bid_size)
        .shares(tick.ask_size)
}

fn last<'a>(message: Message<'a>, tick: &LastTick) -> Message<'a> {
    message
        .int(tick.time)
        .int(tick.attributes)
        .double(tick.price)
        .shares(tick.size)
        .text(&tick.exchange)
        .text(&tick.conditions)
}
