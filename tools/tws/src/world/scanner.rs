//! Scanners: the instruments of the universe in the order of one figure.

use super::catalog::Item;
use super::{Link, World};
use crate::model::{Answer, ScannerRow, ScannerSubscription};
use stream::Nanos;

/// How often a scan is told anew.
const EVERY: Nanos = Nanos::from_secs(30);
const ROWS_MAX: i32 = 50;
const CODES: [(&str, &str); 9] = [
    ("TOP_PERC_GAIN", "Top % Gainers"),
    ("TOP_PERC_LOSE", "Top % Losers"),
    ("MOST_ACTIVE", "Most Active"),
    ("MOST_ACTIVE_USD", "Most Active ($)"),
    ("HOT_BY_VOLUME", "Hot by Volume"),
    ("HOT_BY_PRICE", "Hot by Price"),
    ("TOP_TRADE_COUNT", "Top Trade Count"),
    ("HIGH_OPEN_GAP", "Top Close-to-Open % Gainers"),
    ("LOW_OPEN_GAP", "Top Close-to-Open % Losers"),
];

#[derive(Clone, Debug)]
struct Scan {
    link: Link,
    req: i32,
    asked: ScannerSubscription,
    told: Vec<i32>,
    next: Nanos,
}

/// All scans.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    all: Vec<Scan>,
}

impl Scanner {
    pub(super) fn leave(&mut self, link: Link) {
        self.all.retain(|scan| scan.link != link);
    }
}

/// Change from one price to another, in parts per million.
fn change(from: i64, to: i64) -> i128 {
    if from == 0 || to == 0 {
        return 0;
    }
    i128::from(to - from) * 1_000_000 / i128::from(from)
}

impl World {
    pub(super) fn scanner_parameters(&mut self, link: Link) {
        let mut codes = String::new();
        for (code, name) in CODES {
            codes.push_str(&format!(
                "<ScanType><displayName>{name}</displayName><scanCode>{code}</scanCode>\
                 <instruments>STK,FUT.US</instruments></ScanType>"
            ));
        }
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ScanParameterResponse><InstrumentList>\
             <Instrument><name>US Stocks</name><type>STK</type></Instrument></InstrumentList>\
             <LocationTree><Location><displayName>US Stocks</displayName>\
             <locationCode>STK.US.MAJOR</locationCode></Location></LocationTree>\
             <ScanTypeList>{codes}</ScanTypeList></ScanParameterResponse>"
        );
        self.say(link, Answer::ScannerParameters(text));
    }

    pub(super) fn scanner(&mut self, link: Link, req: i32, asked: ScannerSubscription) {
        if !CODES.iter().any(|(code, _)| *code == asked.scan_code) {
            let text = "Error validating request.-'bI' : cause - Invalid scanner code";
            self.complain(link, req, 321, text);
            return;
        }
        if self.scans.all.len() >= self.limits.scanners {
            let text = format!(
                "Historical Market Data Service error message:Only {} simultaneous API scanner \
                 subscriptions are allowed.",
                self.limits.scanners
            );
            self.complain(link, req, 162, &text);
            return;
        }
        let mut scan = Scan {
            link,
            req,
            asked,
            told: Vec::new(),
            next: self.now + EVERY,
        };
        self.tell_scan(&mut scan, true);
        self.scans.all.push(scan);
    }

    pub(super) fn cancel_scanner(&mut self, link: Link, req: i32) {
        let before = self.scans.all.len();
        self.scans
            .all
            .retain(|scan| scan.link != link || scan.req != req);
        if self.scans.all.len() == before {
            let text = format!("No scanner subscription found for ticker id:{req}");
            self.complain(link, req, 365, &text);
        }
    }

    /// A second has passed: scans whose time has come are told anew.
    pub(super) fn rescan(&mut self) {
        let mut all = core::mem::take(&mut self.scans.all);
        let now = self.now;
        for scan in all.iter_mut().filter(|scan| scan.next <= now) {
            scan.next = self.now + EVERY;
            self.tell_scan(scan, false);
        }
        self.scans.all = all;
    }

    fn tell_scan(&mut self, scan: &mut Scan, first: bool) {
        let rows = self.scan(&scan.asked);
        let order: Vec<i32> = rows.iter().map(|row| row.contract.con_id).collect();
        if rows.is_empty() && first {
            let text = "Historical Market Data Service query message:no items retrieved";
            self.complain(scan.link, scan.req, 165, text);
        } else if first || order != scan.told {
            scan.told = order;
            self.say(scan.link, Answer::Scanner(scan.req, rows));
        }
    }

    fn scan(&self, asked: &ScannerSubscription) -> Vec<ScannerRow> {
        let books = self.exchange.edge().books();
        let kind = asked.instrument.split('.').next().unwrap_or("");
        let mut found: Vec<(i128, &Item)> = Vec::new();
        for item in self.catalog.items() {
            let tape = books.book(item.id).tape();
            let previous = self.previous_close(item.id).0;
            let price = tape.last.to_f64();
            let fits = (kind.is_empty() || kind == item.contract.sec_type)
                && asked.above_price.is_none_or(|least| price >= least)
                && asked.below_price.is_none_or(|most| price <= most)
                && asked
                    .above_volume
                    .is_none_or(|least| tape.volume >= least.max(0) as u64);
            if !fits || tape.last.0 == 0 {
                continue;
            }
            let figure = match asked.scan_code.as_str() {
                "TOP_PERC_GAIN" => change(previous, tape.last.0),
                "TOP_PERC_LOSE" => -change(previous, tape.last.0),
                "HIGH_OPEN_GAP" => change(previous, tape.open.0),
                "LOW_OPEN_GAP" => -change(previous, tape.open.0),
                "HOT_BY_PRICE" => change(previous, tape.last.0).abs(),
                "MOST_ACTIVE_USD" => tape.notional,
                "TOP_TRADE_COUNT" => i128::from(tape.trades_total),
                _ => i128::from(tape.volume),
            };
            found.push((figure, item));
        }
        found.sort_by_key(|(figure, item)| (core::cmp::Reverse(*figure), item.id));
        let most = asked.rows.unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX) as usize;
        let row = |(rank, (_, item)): (usize, &(i128, &Item))| ScannerRow {
            rank: rank as i32,
            contract: item.contract.clone(),
            market_name: item.contract.trading_class.clone(),
            ..ScannerRow::default()
        };
        found.iter().take(most).enumerate().map(row).collect()
    }
}
