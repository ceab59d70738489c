//! Sessions of the past, as `whatToShow=SCHEDULE` asks for them.

use super::hours::zone_and_calendar;
use super::{Link, World, stamp};
use crate::model::{Answer, HistoricalBars};
use jiff::civil::Date;
use stream::{InstrumentId, Nanos};

/// No schedule reaches further back.
const SESSIONS_MAX: u32 = 400;

impl World {
    /// The sessions that end with the one of a day.
    pub(super) fn schedule(
        &mut self,
        link: Link,
        asked: &HistoricalBars,
        instrument: InstrumentId,
        (count, end): (u32, Nanos),
    ) {
        if asked.bar_size != "1 day" {
            let text = "Error validating request.-'bJ' : cause - Historical schedule requests \
                        only support a bar size of 1 day";
            self.complain(link, asked.req, 321, text);
            return;
        }
        let (name, zone, calendar) = zone_and_calendar(self.catalog.item(instrument).what);
        let clock = |ts: Nanos| {
            stamp::civil(ts, &zone)
                .strftime("%Y%m%d-%H:%M:%S")
                .to_string()
        };
        let mut sessions = Vec::new();
        let mut date = Some(stamp::civil(end, &zone).date());
        let wanted = count.clamp(1, SESSIONS_MAX) as usize;
        while let Some(day) = date.filter(|_| sessions.len() < wanted) {
            if let Some(known) = calendar.session(day) {
                let reference = day.strftime("%Y%m%d").to_string();
                sessions.push((clock(known.open), clock(known.close), reference));
            } else if !calendar.covers(day) {
                break;
            }
            date = Date::yesterday(day).ok();
        }
        sessions.reverse();
        let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else {
            let text = "Historical Market Data Service error message:HMDS query returned no data";
            self.complain(link, asked.req, 162, text);
            return;
        };
        let told = Answer::HistoricalSchedule {
            req: asked.req,
            start: first.0.clone(),
            end: last.1.clone(),
            zone: name.to_owned(),
            sessions,
        };
        self.say(link, told);
    }
}
