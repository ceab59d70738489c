//! What we do about each of the broker's codes: our own table, not the client library's.
//!
//! Guarantee: every code has an answer. A code that is not in the table gets the careful one: an
//! order that it names is looked up, a request that it names leaves its instrument untradable, and
//! one that names nothing shuts entries unless it is a mere warning.
//!
//! Deliberately absent: the doing. [`Link`](super::link::Link) and [`Desk`](super::desk::Desk) do.

/// What a code does to the link as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLink {
    /// Nothing.
    Keep,
    /// The broker's servers are not reached; orders are assumed to be alive.
    Lost,
    /// They are reached again; data subscriptions are gone.
    RestoredWithoutData,
    /// They are reached again; data goes on.
    Restored,
    /// A market data farm is broken: no entries before fresh data.
    DataBroken,
    /// It is back.
    DataBack,
    /// The connection must be made anew, with a full resync.
    Reconnect,
    /// Another session has the market data.
    Competing,
    /// Something is not understood: no entries until the next clean reconciliation.
    Doubt,
    /// We send too fast: the budget is halved for a while.
    SlowDown,
}

/// What a code does to the instrument of the request that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSymbol {
    /// Nothing.
    Keep,
    /// Its data cannot be relied on: no entries; not asked for again by itself.
    Untradable,
    /// Its depth is to be emptied; rows build it anew.
    DepthReset,
    /// Its depth subscription is gone; the slot is free.
    DepthGone,
    /// The request ended and is made again, slowly.
    AskAgain,
}

/// What a code says of the order that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnOrder {
    /// Nothing: it stays as it is.
    Keep,
    /// It was refused and is over.
    Rejected,
    /// It is cancelled, if its status says so too.
    Cancelled,
    /// Not known: to be looked up, never sent again.
    LookUp,
    /// A modification was refused; the order stays as it was.
    NotModified,
    /// A rejection, unless its text warns only.
    RejectedUnlessWarning,
}

/// One code's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The code.
    pub code: i32,
    /// What it does to the link.
    pub link: OnLink,
    /// What it does to a request's instrument.
    pub symbol: OnSymbol,
    /// What it says of an order.
    pub order: OnOrder,
    /// Whether a person is to be told.
    pub alert: bool,
    /// What it means and what to do, for people.
    pub what: &'static str,
}

const fn link(code: i32, link: OnLink, alert: bool, what: &'static str) -> Policy {
    let (symbol, order) = (OnSymbol::Keep, OnOrder::Keep);
    Policy {
        code,
        link,
        symbol,
        order,
        alert,
        what,
    }
}

const fn symbol(code: i32, symbol: OnSymbol, alert: bool, what: &'static str) -> Policy {
    let (link, order) = (OnLink::Keep, OnOrder::Keep);
    Policy {
        code,
        link,
        symbol,
        order,
        alert,
        what,
    }
}

const fn order(code: i32, order: OnOrder, alert: bool, what: &'static str) -> Policy {
    let (link, symbol) = (OnLink::Keep, OnSymbol::Keep);
    Policy {
        code,
        link,
        symbol,
        order,
        alert,
        what,
    }
}

use OnLink as L;
use OnOrder as O;
use OnSymbol as S;

/// Every code that we know, ascending.
pub const TABLE: &[Policy] = &[
    link(0, L::Keep, false, "a warning without a code"),
    Policy {
        order: O::LookUp,
        ..link(
            100,
            L::SlowDown,
            true,
            "more than 50 messages a second: lower ibkr.messages_per_second",
        )
    },
    symbol(
        101,
        S::Untradable,
        true,
        "no market data line is left: watch fewer symbols, or buy lines",
    ),
    order(102, O::Keep, true, "a request number was used twice"),
    order(
        103,
        O::LookUp,
        true,
        "an order id was used twice: the order is looked up and numbering moves on",
    ),
    order(104, O::LookUp, false, "a filled order cannot be modified"),
    order(
        105,
        O::NotModified,
        true,
        "a modification does not fit its order",
    ),
    order(106, O::LookUp, true, "an order could not be transmitted"),
    order(
        107,
        O::LookUp,
        true,
        "an incomplete order could not be transmitted",
    ),
    order(
        109,
        O::Rejected,
        true,
        "the price is outside the broker's own band",
    ),
    order(
        110,
        O::Rejected,
        true,
        "the price is off the contract's grid",
    ),
    order(
        111,
        O::Rejected,
        true,
        "the order type does not fit its time in force",
    ),
    order(113, O::Rejected, true, "the time in force is not known"),
    order(
        116,
        O::LookUp,
        true,
        "an order could not be transmitted to the servers",
    ),
    order(125, O::Rejected, true, "the order is not complete"),
    order(135, O::LookUp, true, "the broker knows no order of that id"),
    order(
        136,
        O::LookUp,
        true,
        "an order of another client cannot be cancelled",
    ),
    order(137, O::Keep, true, "a cancel could not be understood"),
    order(140, O::Rejected, true, "the size must be a whole number"),
    order(141, O::Rejected, true, "the price must be a number"),
    order(
        161,
        O::LookUp,
        false,
        "the order cannot be cancelled in its state",
    ),
    symbol(162, S::Keep, false, "the historical data service refuses"),
    symbol(165, S::Keep, false, "the historical data service informs"),
    Policy {
        symbol: S::Untradable,
        ..order(
            200,
            O::Rejected,
            true,
            "no contract, or several, of that description: check symbol, venue and currency",
        )
    },
    order(201, O::Rejected, true, "the order was refused"),
    order(202, O::Cancelled, false, "the order was cancelled"),
    order(
        203,
        O::Rejected,
        true,
        "the account may not trade this contract",
    ),
    symbol(300, S::Keep, false, "no request of that number"),
    symbol(
        309,
        S::DepthGone,
        true,
        "the broker's depth subscriptions are all taken: lower slots.count",
    ),
    symbol(
        310,
        S::DepthGone,
        false,
        "no depth subscription of that number",
    ),
    symbol(316, S::DepthGone, false, "depth was halted by the broker"),
    symbol(317, S::DepthReset, false, "depth was reset by the broker"),
    order(320, O::LookUp, true, "the server could not read a request"),
    order(
        321,
        O::Rejected,
        true,
        "the server found a request not valid",
    ),
    order(
        322,
        O::LookUp,
        true,
        "the server could not process a request",
    ),
    symbol(
        323,
        S::Keep,
        true,
        "the server found an error while it worked on a request",
    ),
    link(
        326,
        L::Reconnect,
        true,
        "the client id is in use: end the other client, or wait until the Gateway lets go",
    ),
    symbol(
        354,
        S::Untradable,
        true,
        "no market data permission: subscribe to the data, and let the API use it",
    ),
    order(361, O::Rejected, true, "the trigger price is not valid"),
    symbol(366, S::Keep, false, "no historical request of that number"),
    order(
        387,
        O::Rejected,
        true,
        "the order type is not supported here",
    ),
    order(
        388,
        O::Rejected,
        true,
        "the size is below the contract's least",
    ),
    order(
        399,
        O::RejectedUnlessWarning,
        false,
        "an order message; only `Warning:` leaves the order alive",
    ),
    order(
        404,
        O::Keep,
        true,
        "shares to borrow are being looked for: the order is held",
    ),
    symbol(
        420,
        S::Untradable,
        true,
        "no market data permission for tick-by-tick",
    ),
    order(434, O::Rejected, true, "the size is zero"),
    link(
        502,
        L::Reconnect,
        true,
        "nothing listens there: is the Gateway up, is its API on?",
    ),
    link(504, L::Reconnect, false, "not connected"),
    link(
        507,
        L::Reconnect,
        true,
        "bad message length: the peer closed, or speaks otherwise",
    ),
    link(
        1100,
        L::Lost,
        true,
        "the Gateway has lost the broker's servers",
    ),
    link(
        1101,
        L::RestoredWithoutData,
        true,
        "servers are back, data subscriptions are gone",
    ),
    link(1102, L::Restored, true, "servers are back, data goes on"),
    link(
        1300,
        L::Reconnect,
        true,
        "the API's port was changed in the Gateway",
    ),
    link(
        2100,
        L::Keep,
        false,
        "account data was unsubscribed by another client",
    ),
    link(2103, L::DataBroken, true, "a market data farm is broken"),
    link(2104, L::DataBack, false, "a market data farm is connected"),
    link(2105, L::Keep, false, "the historical data farm is broken"),
    link(
        2106,
        L::Keep,
        false,
        "the historical data farm is connected",
    ),
    link(
        2107,
        L::Keep,
        false,
        "the historical data farm sleeps until asked",
    ),
    link(
        2108,
        L::Keep,
        false,
        "a market data farm sleeps until asked",
    ),
    order(
        2109,
        O::Keep,
        false,
        "outside regular hours was ignored for this order",
    ),
    link(
        2110,
        L::Lost,
        true,
        "the Gateway has lost the broker's servers, and reconnects",
    ),
    link(2119, L::Keep, false, "a market data farm is connecting"),
    link(2157, L::Keep, false, "the contract farm is broken"),
    link(2158, L::Keep, false, "the contract farm is connected"),
    symbol(
        2187,
        S::Untradable,
        true,
        "some data are missing on delayed market data",
    ),
    symbol(2188, S::Keep, false, "historical data need a subscription"),
    symbol(
        10089,
        S::Untradable,
        true,
        "data need a subscription; delayed ones are refused here",
    ),
    symbol(10090, S::Keep, true, "part of the data is not subscribed"),
    symbol(
        10091,
        S::Keep,
        true,
        "part of the data needs a subscription for the API",
    ),
    order(10147, O::LookUp, false, "the order to cancel was not found"),
    order(
        10148,
        O::LookUp,
        false,
        "the order cannot be cancelled: its state is told",
    ),
    symbol(
        10167,
        S::Untradable,
        true,
        "delayed data are shown; they are refused here",
    ),
    symbol(
        10168,
        S::Untradable,
        true,
        "data are not subscribed, and delayed ones are off",
    ),
    symbol(
        10182,
        S::AskAgain,
        true,
        "live updates could not be requested: disconnected",
    ),
    symbol(
        10186,
        S::Untradable,
        true,
        "data are not subscribed, and delayed ones are off",
    ),
    symbol(10190, S::Keep, true, "no tick-by-tick subscription is left"),
    Policy {
        symbol: S::AskAgain,
        ..link(
            10197,
            L::Competing,
            true,
            "another live session has the market data: log it off",
        )
    },
    order(
        10349,
        O::Keep,
        true,
        "the time in force was changed by an order preset",
    ),
];

/// What a message is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Nothing.
    Nothing,
    /// A request for data.
    Request,
    /// An order.
    Order,
}

/// Warnings that the broker keeps adding to.
const WARNINGS: core::ops::RangeInclusive<i32> = 2_100..=2_199;

/// The row of a code; for an unknown one the careful answer.
#[must_use]
pub fn policy(code: i32, bound: Bound) -> Policy {
    if let Ok(at) = TABLE.binary_search_by_key(&code, |row| row.code) {
        return TABLE[at];
    }
    if WARNINGS.contains(&code) {
        return link(code, L::Keep, true, "a warning that is not in our table");
    }
    // Between 200 and 399 the broker refuses orders; which is which is looked up all the same.
    let what = "a code that is not in our table: see docs/IBKR.md, and the broker's own list";
    match bound {
        Bound::Order => order(code, O::LookUp, true, what),
        Bound::Request => symbol(code, S::Untradable, true, what),
        Bound::Nothing => link(code, L::Doubt, true, what),
    }
}

/// True for a 399 whose text only warns.
#[must_use]
pub fn is_warning(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_start().starts_with("Warning:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_holds_every_code_of_the_reference() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        for code in [
            0, 100, 101, 103, 104, 105, 110, 135, 161, 162, 165, 200, 201, 202, 300, 309, 310, 316,
            317, 320, 321, 322, 326, 354, 366, 399, 434, 502, 504, 507, 1100, 1101, 1102, 1300,
            2103, 2104, 2105, 2106, 2107, 2108, 2109, 2110, 2119, 2157, 2158, 2188, 10089, 10090,
            10091, 10147, 10148, 10167, 10168, 10182, 10186, 10190, 10197, 10349,
        ] {
            let row = policy(code, Bound::Nothing);
            assert_eq!(row.code, code);
            assert!(!row.what.contains("not in our table"), "{code}");
        }
    }

    #[test]
    fn unknown_codes_are_met_with_care() {
        assert_eq!(policy(77, Bound::Order).order, OnOrder::LookUp);
        assert_eq!(policy(251, Bound::Order).order, OnOrder::LookUp);
        assert_eq!(policy(77, Bound::Request).symbol, OnSymbol::Untradable);
        assert_eq!(policy(99_999, Bound::Nothing).link, OnLink::Doubt);
        let warning = policy(2_176, Bound::Nothing);
        assert_eq!((warning.link, warning.alert), (OnLink::Keep, true));
    }

    #[test]
    fn an_order_message_that_only_warns_leaves_the_order_alive() {
        assert!(is_warning(
            "Order Message:\nBUY 1 AAPL\nWarning: held until the open"
        ));
        assert!(!is_warning("Order Message:\nyour order size is too small"));
        assert_eq!(
            policy(399, Bound::Order).order,
            OnOrder::RejectedUnlessWarning
        );
    }

    #[test]
    fn what_ends_the_connection_and_what_only_darkens_it_are_told_apart() {
        assert_eq!(policy(1100, Bound::Nothing).link, OnLink::Lost);
        assert_eq!(policy(2110, Bound::Nothing).link, OnLink::Lost);
        assert_eq!(policy(1300, Bound::Nothing).link, OnLink::Reconnect);
        assert_eq!(policy(2103, Bound::Nothing).link, OnLink::DataBroken);
        let competing = policy(10197, Bound::Request);
        assert_eq!(
            (competing.link, competing.symbol),
            (OnLink::Competing, OnSymbol::AskAgain)
        );
    }
}
