//! A scan of the market, asked for once.

use super::super::broker::{Answer, NoAnswer, Scan};
use super::super::decimal;
use super::{Api, no_answer};
use core::time::Duration;
use ibapi::scanner::ScannerSubscription;
use ibapi::subscriptions::SubscriptionItem;

/// "No items": an answer, and an empty one.
const NOTHING: i32 = 165;
/// The broker gives no more rows than this.
const ROWS: i32 = 50;

impl Api {
    /// Symbols that a scan finds, the first first.
    ///
    /// # Errors
    /// See [`NoAnswer`]: a code that the broker does not know is refused by it.
    pub fn scan(&self, scan: &Scan, within: Duration) -> Answer<Vec<String>> {
        let asked = ScannerSubscription {
            number_of_rows: ROWS,
            instrument: Some(scan.instrument.clone()),
            location_code: Some(scan.location.clone()),
            scan_code: Some(scan.code.clone()),
            above_price: Some(decimal::to_wire(scan.above_price)),
            below_price: Some(decimal::to_wire(scan.below_price)),
            above_volume: Some(i32::try_from(scan.above_volume).unwrap_or(i32::MAX)),
            ..ScannerSubscription::default()
        };
        let stream = self.client.scanner_subscription(&asked, &[]);
        let stream = stream.map_err(no_answer)?;
        loop {
            match stream.next_timeout(within) {
                Some(Ok(SubscriptionItem::Data(mut rows))) => {
                    rows.sort_by_key(|row| row.rank);
                    let symbol =
                        |row: ibapi::scanner::ScannerData| row.contract_details.contract.symbol.0;
                    return Ok(rows.into_iter().map(symbol).collect());
                }
                Some(Ok(SubscriptionItem::Notice(notice))) if notice.code == NOTHING => {
                    return Ok(Vec::new());
                }
                Some(Ok(SubscriptionItem::Notice(_))) => {}
                Some(Err(error)) => {
                    return match no_answer(error) {
                        NoAnswer::Refused { code: NOTHING, .. } => Ok(Vec::new()),
                        why => Err(why),
                    };
                }
                None => return Err(self.ended()),
            }
        }
    }
}
