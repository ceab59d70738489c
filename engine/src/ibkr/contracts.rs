//! Which contract a symbol means, and whether the broker and the configuration mean the same one.

use super::BrokerError;
use crate::setup::Setup;
use feed::calendar::Calendar;
use gateway::ibkr::broker::{Contract, Details, Held};
use gateway::ibkr::hours::{Hours, Open, Which, days_left, of_date, shown, throughout};
use stream::payload::{Instrument, InstrumentType, Session, read_text};
use stream::{InstrumentId, Nanos};

/// What is asked for: of a future every month.
pub(super) fn contract_of(id: InstrumentId, own: &Instrument) -> Contract {
    Contract {
        instrument: id,
        con_id: 0,
        symbol: read_text(&own.symbol).to_owned(),
        future: own.what == InstrumentType::Future,
        venue: read_text(&own.venue).to_owned(),
        currency: read_text(&own.currency).to_owned(),
        multiplier: own.multiplier,
        tick: own.tick_size,
        month: String::new(),
    }
}

/// What decides between a future's months.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roll<'a> {
    /// The session's date, `yyyymmdd`.
    pub(super) date: u32,
    /// From so many days before the last trading day on, the next month is traded.
    pub(super) days: u16,
    /// What the account holds.
    pub(super) held: &'a [Held],
}

/// The one contract that is meant, of a future's months the one that the roll's rule says.
pub(super) fn choose(
    symbol: &str,
    own: &Instrument,
    found: Vec<Details>,
    roll: &Roll<'_>,
) -> Result<Details, BrokerError> {
    let count = found.len();
    let future = own.what == InstrumentType::Future;
    let mut fitting: Vec<Details> = found
        .into_iter()
        .filter(|details| details.contract.future == future)
        .collect();
    if fitting.is_empty() || (!future && fitting.len() > 1) {
        return Err(BrokerError::Contract(format!(
            "{symbol}: the broker knows {count} contracts of that description where one is meant; \
             set instrument.{symbol}.venue and currency"
        )));
    }
    if !future {
        return Ok(fitting.swap_remove(0));
    }
    fitting.sort_by(|a, b| a.contract.month.cmp(&b.contract.month));
    front_month(symbol, fitting, roll)
}

/// A month that is held stays until it is closed; else the first that is not about to end.
fn front_month(
    symbol: &str,
    months: Vec<Details>,
    roll: &Roll<'_>,
) -> Result<Details, BrokerError> {
    let is_held = |details: &Details| {
        let con_id = details.contract.con_id;
        let of = |held: &&Held| held.con_id == con_id && (held.qty.0, held.fraction) != (0, 0);
        roll.held.iter().any(|held| of(&held))
    };
    let held: Vec<&Details> = months.iter().filter(|one| is_held(one)).collect();
    if let [first, second, ..] = held[..] {
        return Err(BrokerError::Contract(format!(
            "{symbol}: the account holds two months, {} and {}: Spindle trades one; close one of \
             them by hand",
            first.contract.month, second.contract.month
        )));
    }
    if let [one] = held[..] {
        return Ok(one.clone());
    }
    let far = |details: &&Details| {
        let left = days_left(&details.contract.month, roll.date);
        left.is_some_and(|left| left > i64::from(roll.days))
    };
    months.iter().find(far).cloned().ok_or_else(|| {
        let told: Vec<&str> = months
            .iter()
            .map(|one| one.contract.month.as_str())
            .collect();
        BrokerError::Contract(format!(
            "{symbol}: every month that the broker knows ({}) ends within \
             ibkr.roll_days_before_end ({}); lower it",
            told.join(", "),
            roll.days
        ))
    })
}

/// What the broker says of a contract against what we reckon with.
pub(super) fn agree(
    setup: &Setup,
    symbol: &str,
    own: &Instrument,
    details: &Details,
    now: Nanos,
) -> Result<(), BrokerError> {
    let contract = &details.contract;
    let differs = |key: &str, ours: String, theirs: String| {
        Err(BrokerError::Contract(format!(
            "instrument.{symbol}.{key} is {ours}, the broker says {theirs}: nothing is traded on a \
             wrong definition; correct the configuration"
        )))
    };
    if contract.multiplier != own.multiplier {
        let theirs = contract.multiplier.to_string();
        return differs("multiplier", own.multiplier.to_string(), theirs);
    }
    // A finer grid of ours would be refused order by order; a coarser one is sound.
    if !own.tick_size.is_on(contract.tick) {
        return differs("tick", own.tick_size.to_string(), contract.tick.to_string());
    }
    if contract.currency != read_text(&own.currency) {
        let ours = read_text(&own.currency).to_owned();
        return differs("currency", ours, contract.currency.clone());
    }
    match setup.session_of(now) {
        Some(session) => agree_on_hours(setup.calendar, symbol, details, &session, now),
        None => Ok(()),
    }
}

/// A calendar that is a market's own must say what the broker says. Any other is a choice of the
/// operator's, "around the clock" among them: then the market must at least be open until our
/// session ends, for it is then that everything is closed.
fn agree_on_hours(
    calendar: Calendar,
    symbol: &str,
    details: &Details,
    session: &Session,
    now: Nanos,
) -> Result<(), BrokerError> {
    let which = match (calendar, details.contract.future) {
        (Calendar::UsEquity, false) => Which::Regular,
        (Calendar::CmeGlobex, true) => Which::Trading,
        _ => return is_open_throughout(calendar, symbol, details, session, now),
    };
    match of_date(details, which, session.date) {
        Hours::Open { open, close } if open == session.open && close == session.close => Ok(()),
        Hours::Open { open, close } => Err(BrokerError::Contract(format!(
            "{symbol}: on {} our calendar ({}) trades from {} to {}, the broker from {open} to \
             {close} (UTC, nanoseconds): nothing is traded while they disagree; set \
             session.calendar, or wait for a calendar that knows the day",
            session.date,
            calendar.name(),
            session.open,
            session.close
        ))),
        Hours::Closed => Err(BrokerError::Contract(format!(
            "{symbol}: the broker is closed on {}, our calendar ({}) is not; set session.calendar",
            session.date,
            calendar.name()
        ))),
        // A calendar of days that the broker does not tell yet cannot be held against it.
        Hours::Unknown => Ok(()),
    }
}

fn is_open_throughout(
    calendar: Calendar,
    symbol: &str,
    details: &Details,
    session: &Session,
    now: Nanos,
) -> Result<(), BrokerError> {
    let Open::Until(until) = throughout(details, now.max(session.open), session.close) else {
        return Ok(());
    };
    Err(BrokerError::Contract(format!(
        "{symbol}: session.calendar is {}, which trades until {}, the broker only until {}: what \
         is held then could not be closed any more; set session.calendar to the market's own \
         (us_equity, cme_globex), or start while it is open",
        calendar.name(),
        shown(session.close),
        shown(until)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Qty;
    use stream::payload::text;

    fn month(con_id: i32, month: &str) -> Details {
        let contract = Contract {
            con_id,
            future: true,
            month: month.to_owned(),
            ..Contract::default()
        };
        Details {
            contract,
            ..Details::default()
        }
    }

    fn held(con_id: i32, qty: i64) -> Held {
        Held {
            instrument: None,
            con_id,
            symbol: String::new(),
            qty: Qty(qty),
            fraction: 0,
            average: stream::Price::ZERO,
        }
    }

    fn chosen(date: u32, days: u16, held: &[Held]) -> Result<i32, String> {
        let own = Instrument {
            symbol: text("ES"),
            what: InstrumentType::Future,
            ..Instrument::zeroed()
        };
        // As the broker tells them: in no order.
        let found = vec![
            month(3, "20270618"),
            month(1, "20261218"),
            month(2, "20270319"),
        ];
        let roll = Roll { date, days, held };
        let chosen = choose("ES", &own, found, &roll);
        chosen
            .map(|details| details.contract.con_id)
            .map_err(|why| why.to_string())
    }

    #[test]
    fn the_front_month_ends_its_life_so_many_days_early() {
        assert_eq!(chosen(20_261_120, 8, &[]), Ok(1));
        assert_eq!(chosen(20_261_209, 8, &[]), Ok(1), "nine days are left");
        assert_eq!(chosen(20_261_210, 8, &[]), Ok(2), "eight are");
        assert_eq!(chosen(20_261_218, 0, &[]), Ok(2), "never on the last day");
        assert_eq!(chosen(20_261_217, 0, &[]), Ok(1));
        let none = chosen(20_270_601, 30, &[]).expect_err("all end too soon");
        assert!(none.contains("roll_days_before_end"), "{none}");
    }

    #[test]
    fn what_is_held_stays_until_it_is_closed() {
        assert_eq!(chosen(20_261_215, 8, &[held(1, 2)]), Ok(1));
        assert_eq!(chosen(20_261_120, 8, &[held(2, -1)]), Ok(2));
        assert_eq!(chosen(20_261_215, 8, &[held(1, 0), held(99, 5)]), Ok(2));
        let both = chosen(20_261_120, 8, &[held(1, 1), held(2, -1)]);
        assert!(both.expect_err("which one?").contains("two months"));
    }
}
