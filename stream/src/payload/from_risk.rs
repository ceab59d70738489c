//! What risk derives: kinds 80 to 84, and the reasons that any stage may give.

use super::{LegRole, Payload, payload, wire_enum};
use crate::id::FrameId;
use crate::kind::Kind;
use crate::units::{Money, Nanos, Price, Qty, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

wire_enum! {
    /// Why something was refused, latched, cancelled or rejected. One for each control.
    Reason {
        /// No reason.
        #[default]
        None = 0 => "none",
        /// Control 1: order quantity.
        OrderQuantity = 1 => "order_quantity",
        /// Control 2: order value.
        OrderValue = 2 => "order_value",
        /// Control 3: price collar.
        PriceCollar = 3 => "price_collar",
        /// Control 5: position with working orders.
        PositionLimit = 5 => "position_limit",
        /// Control 7: daily loss.
        DailyLoss = 7 => "daily_loss",
        /// Control 25: market data too old.
        Stale = 25 => "stale",
        /// Control 29: outside the session's entry window.
        SessionWindow = 29 => "session_window",
        /// Control 24: the book is not tradable.
        BookQuality = 24 => "book_quality",
        /// Control 26: an own order on the other side could trade with it.
        SelfTrade = 26 => "self_trade",
        /// Control 27: short sale not allowed.
        ShortSale = 27 => "short_sale",
        /// Control 6: equity unknown or too old.
        Equity = 6 => "equity",
        /// Control 20: a kill level is latched.
        KillLevel = 20 => "kill_level",
        /// Sizing comes to less than one lot.
        SizeZero = 40 => "size_zero",
        /// Prices of the intent contradict each other.
        BadIntent = 41 => "bad_intent",
        /// The run only observes.
        Observe = 42 => "observe",
        /// Not armed.
        Disarmed = 43 => "disarmed",
        /// A table is full.
        TableFull = 44 => "table_full",
        /// The operator ordered it.
        Operator = 45 => "operator",
        /// The journal cannot be written.
        Journal = 46 => "journal",
        /// An instrument that is not allowed.
        NotAllowed = 47 => "not_allowed",
        /// An instrument frozen by an unexplained position or execution.
        Frozen = 48 => "frozen",
        /// Entry waited too long.
        TimeToLive = 50 => "time_to_live",
        /// The spread blew out.
        SpreadBlowOut = 51 => "spread_blow_out",
        /// The tape stalled.
        TapeStall = 52 => "tape_stall",
        /// The other leg of the pair filled.
        OneCancelsOther = 53 => "one_cancels_other",
        /// Protection failed.
        Unprotected = 54 => "unprotected",
        /// The session ends.
        SessionEnd = 55 => "session_end",
        /// The broker said no.
        Broker = 56 => "broker",
        /// The link to the broker is not ready.
        Link = 57 => "link",
        /// Control 27: the broker has no shares to borrow, or not so many.
        Borrow = 58 => "borrow",
        /// Controls 5 and 6: the gross value of everything held and working.
        GrossLimit = 59 => "gross_limit",
    }
}

payload! {
    /// An intent (or a wish for a wider envelope) was refused.
    Refused, 1 {
        /// The intent, or the request.
        intent: FrameId,
        /// What the limit says, in the control's own unit.
        limit: i64,
        /// What was found.
        observed: i64,
        /// Why.
        reason: Reason,
        /// Zero.
        spare: [u8; 7],
    }
}

payload! {
    /// A permitted order with its envelope: quantity, price band, reduce-only. Nothing that leaves
    /// may be wider.
    ///
    /// ```text
    ///  32       40       48    52     53            54       55        56          64
    ///  ├────────┼────────┼─────┼──────┼─────────────┼────────┼─────────┼───────────┤
    ///  │ origin │ signal │ qty │ side │ reduce_only │ reason │ clamped │ price_low │
    ///  64           72      80     88       96
    ///  ├────────────┼───────┼──────┼────────┤
    ///  │ price_high │ limit │ stop │ target │
    ///  96    104          112          120         128
    ///  ├─────┼────────────┼────────────┼───────────┤
    ///  │ ttl │ spread_max │ tape_stall │ market_ts │
    ///  128    136        138      192
    ///  ├──────┼──────────┼────────┤
    ///  │ risk │ strategy │ spare2 │
    /// ```
    Order, 3 {
        /// Names the bracket from here on: the intent's frame id, or this order's own when risk
        /// made it by itself (a flatten).
        origin: FrameId,
        /// The signal behind it, or none.
        signal: FrameId,
        /// The most that may be bought or sold.
        qty: u32,
        /// Buy or sell.
        side: Side,
        /// Non-zero when it may only reduce the position.
        reduce_only: u8,
        /// Why risk made it, for flattens; `None` for entries.
        reason: Reason,
        /// The limit that made an entry smaller than its risk budget asked for; `None` when the
        /// budget alone decided.
        clamped: Reason,
        /// Lowest permitted price of an entry or flatten.
        price_low: Price,
        /// Highest permitted price of an entry or flatten.
        price_high: Price,
        /// Limit price of the entry or the flatten.
        limit: Price,
        /// Protective stop; 0 for flattens.
        stop: Price,
        /// Profit target; 0 for flattens.
        target: Price,
        /// How long the entry may wait.
        ttl: Nanos,
        /// Cancel the entry beyond this spread; 0 is never.
        spread_max: Price,
        /// Cancel the entry after this long without a trade; 0 is never.
        tape_stall: Nanos,
        /// The newest market frame behind it.
        market_ts: Nanos,
        /// What is lost at the stop, before fees.
        risk: Money,
        /// The strategy's number, 0 for flattens.
        strategy: u16,
        /// Zero.
        spare2: [u8; 54],
    }
}

wire_enum! {
    /// Kill levels, each including those below.
    KillLevel {
        /// Trading.
        #[default]
        None = 0 => "none",
        /// L1: no new entries.
        Pause = 1 => "pause",
        /// L2: entries cancelled, protection stays.
        Halt = 2 => "halt",
        /// L3: halt and close everything.
        Flatten = 3 => "flatten",
        /// L4: flatten and cut the session.
        Kill = 4 => "kill",
    }
}

payload! {
    /// The kill level changed.
    Kill, 1 {
        /// From.
        from: KillLevel,
        /// To.
        to: KillLevel,
        /// Why.
        reason: Reason,
        /// Non-zero when only an operator may lift it.
        latched: u8,
        /// Zero.
        spare: [u8; 4],
        /// What the limit says, in the control's own unit.
        limit: i64,
        /// What was found.
        observed: i64,
        /// Zero.
        spare2: [u8; 8],
    }
}

payload! {
    /// A position and its profit, from fills alone; behind each fill, each commission and each
    /// housekeeping tick on which it changed.
    Pnl, 2 {
        /// Position.
        position: Qty,
        /// Average entry price of it, 0 when flat.
        average: Price,
        /// Price it is marked at: the side it would exit on.
        mark: Price,
        /// Realised in the session, before fees.
        realised: Money,
        /// Unrealised at the mark.
        unrealised: Money,
        /// Fees in the session.
        fees: Money,
        /// Whole account: realised + unrealised − fees in the session.
        day: Money,
        /// Equity as the broker reported it.
        equity: Money,
        /// Gross value of all positions at their marks.
        gross: Money,
        /// Fills in the session, this instrument.
        fills: u32,
        /// Executions whose fee has not come yet, this instrument.
        fees_awaited: u32,
        /// Zero.
        spare: [u8; 16],
    }
}

payload! {
    /// A position was opened and closed again, all fees known or given up.
    RoundTrip, 2 {
        /// The bracket that opened it.
        origin: FrameId,
        /// The signal behind it.
        signal: FrameId,
        /// Most that was held, without sign.
        qty: u32,
        /// Side that opened it.
        side: Side,
        /// Part of the last closing leg: stop, target or flatten.
        exit_role: LegRole,
        /// The strategy's number.
        strategy: u16,
        /// Average entry price.
        entry: Price,
        /// Average exit price.
        exit: Price,
        /// Before fees.
        gross: Money,
        /// Fees.
        fees: Money,
        /// When it was opened.
        opened: Nanos,
        /// When it was closed.
        closed: Nanos,
        /// What it risked at its stop.
        risk: Money,
        /// Executions whose fee never came and is not in `fees`; 0 when all are known.
        fees_missing: u32,
        /// Zero.
        spare: [u8; 12],
    }
}
