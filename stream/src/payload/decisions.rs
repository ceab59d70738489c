//! What the stages derive: kinds 64 to 90.

use super::{CommandOp, LegRole, LegState, Payload, payload, wire_enum};
use crate::id::{FrameId, InstrumentId};
use crate::kind::Kind;
use crate::units::{Money, Nanos, Price, Qty, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// Why a book is not tradable; 0 is a sound book.
pub mod quality {
    /// Bid at or above ask.
    pub const CROSSED: u8 = 1;
    /// No market frame for longer than the stale limit.
    pub const STALE: u8 = 2;
    /// Something was lost; not yet rebuilt.
    pub const GAPPED: u8 = 4;
    /// A side is empty.
    pub const ONE_SIDED: u8 = 8;
    /// Not trading.
    pub const HALTED: u8 = 16;
    /// Nothing known yet, or between two states of one venue event.
    pub const EMPTY: u8 = 32;
}

payload! {
    /// The best quote or the quality of an instrument changed.
    Best, 1 {
        /// Best bid, 0 when that side is empty.
        bid: Price,
        /// Best ask, 0 when that side is empty.
        ask: Price,
        /// Quantity at the best bid, saturating.
        bid_qty: u32,
        /// Quantity at the best ask, saturating.
        ask_qty: u32,
        /// See [`quality`]; 0 is tradable.
        quality: u8,
        /// Zero.
        spare: [u8; 7],
    }
}

payload! {
    /// An instrument's book and tape at an evaluation. Tape sums are since its previous view.
    BookView, 3 {
        /// Best bid, 0 when that side is empty.
        bid: Price,
        /// Best ask, 0 when that side is empty.
        ask: Price,
        /// Quantity at the best bid, saturating.
        bid_qty: u32,
        /// Quantity at the best ask, saturating.
        ask_qty: u32,
        /// Quantity-weighted mid: (bid × ask_qty + ask × bid_qty) ÷ (bid_qty + ask_qty), truncated.
        microprice: Price,
        /// Last printed trade, 0 before the first.
        last: Price,
        /// Best quantities: (bid − ask) ÷ (bid + ask) in parts per million.
        imbalance_best_ppm: i32,
        /// Depth sums: (bid − ask) ÷ (bid + ask) in parts per million.
        imbalance_depth_ppm: i32,
        /// Quantity on the best ten bid levels or rows known.
        depth_bid: u64,
        /// Quantity on the best ten ask levels or rows known.
        depth_ask: u64,
        /// Trades since the previous view.
        trades: u32,
        /// See [`quality`]; 0 is tradable.
        quality: u8,
        /// Levels or rows known on the bid side, at most 255; 0 with level 1 only.
        depth_levels_bid: u8,
        /// Levels or rows known on the ask side, at most 255.
        depth_levels_ask: u8,
        /// Non-zero while positional depth rows arrive for it.
        has_depth: u8,
        /// Bought by aggressors since the previous view.
        volume_buy: u64,
        /// Sold by aggressors since the previous view.
        volume_sell: u64,
        /// Traded in the session.
        volume_session: u64,
        /// Volume-weighted average price of the session, 0 before the first trade.
        vwap: Price,
        /// First trade of the session, 0 before it.
        open: Price,
        /// Highest trade of the session.
        high: Price,
        /// Lowest trade of the session.
        low: Price,
        /// `ts` of the newest market frame of this instrument.
        market_ts: Nanos,
        /// `ts` of the newest printed trade.
        trade_ts: Nanos,
        /// Zero.
        spare: [u8; 16],
    }
}

payload! {
    /// All views of an evaluation are out: signal acts on this.
    Evaluate, 1 {
        /// The tick's due time.
        due: Nanos,
        /// The tick's number.
        number: u64,
        /// Views in this evaluation.
        views: u32,
        /// Evaluations that were missed before it.
        missed: u32,
        /// `ts` of the newest market frame of any instrument.
        market_ts: Nanos,
    }
}

/// Components of a [`Signal`].
pub const COMPONENTS: usize = 10;

payload! {
    /// A strategy sees a set-up, with every component that made it. Gates that stop it from
    /// becoming an intent are named; it gets an outcome all the same.
    Signal, 3 {
        /// The strategy's number in the configuration, from 1.
        strategy: u16,
        /// Buy is long.
        side: Side,
        /// Zero.
        spare: u8,
        /// Gates that stopped it, one bit each; 0 when it became an intent.
        gates: u32,
        /// The score that the strategy compares with its threshold.
        score: f64,
        /// Where it would enter.
        entry: Price,
        /// Where it would give up.
        stop: Price,
        /// Where it would take profit.
        target: Price,
        /// How long its outcome is followed.
        horizon: Nanos,
        /// The newest market frame that it rests on.
        market_ts: Nanos,
        /// What made the score, in the strategy's documented order.
        components: [f64; COMPONENTS],
        /// The threshold.
        threshold: f64,
        /// Zero.
        spare2: [u8; 16],
    }
}

payload! {
    /// A set-up wished to become a bracket order: entry, stop, target.
    Intent, 2 {
        /// The signal behind it.
        signal: FrameId,
        /// Limit price of the entry.
        entry: Price,
        /// Protective stop: the risk per share is its distance from the entry.
        stop: Price,
        /// Profit target.
        target: Price,
        /// How long the entry may wait for its fill.
        ttl: Nanos,
        /// The entry is cancelled when the spread grows beyond this.
        spread_max: Price,
        /// The entry is cancelled when no trade prints for this long; 0 is never.
        tape_stall: Nanos,
        /// The newest market frame that it rests on.
        market_ts: Nanos,
        /// Share of the configured account risk to use, in parts per million, at most 1,000,000.
        risk_share_ppm: u32,
        /// The strategy's number.
        strategy: u16,
        /// Buy opens long, sell opens short.
        side: Side,
        /// Zero.
        spare: [u8; 25],
    }
}

wire_enum! {
    /// How a signal's hypothetical or real trade ended.
    OutcomeKind {
        /// The target was reached first.
        #[default]
        Target = 0 => "target",
        /// The stop was reached first.
        Stop = 1 => "stop",
        /// Neither within the horizon.
        Horizon = 2 => "horizon",
        /// The session ended first.
        SessionEnd = 3 => "session_end",
        /// The entry price was never traded at.
        Unfilled = 4 => "unfilled",
    }
}

payload! {
    /// What became of a signal: exactly one for each, traded or not, measured on the best quotes.
    Outcome, 2 {
        /// The signal.
        signal: FrameId,
        /// How it ended.
        kind: OutcomeKind,
        /// Non-zero when an intent of it was filled.
        traded: u8,
        /// Its side.
        side: Side,
        /// Zero.
        spare: u8,
        /// The strategy's number.
        strategy: u16,
        /// Zero.
        spare2: [u8; 2],
        /// Price at the end, on the side that it would exit on.
        exit: Price,
        /// The best it did, per share, from the entry.
        favourable: Price,
        /// The worst it did, per share, from the entry (at most 0).
        adverse: Price,
        /// Result in parts per million of the risk (entry to stop), before costs.
        result_ppm: i64,
        /// How long it took.
        elapsed: Nanos,
        /// Its gates, as in the signal.
        gates: u32,
        /// Zero.
        spare3: [u8; 36],
    }
}

wire_enum! {
    /// What happens to a depth slot.
    SlotAction {
        /// The subscription begins.
        #[default]
        Subscribe = 0 => "subscribe",
        /// The subscription ends.
        Unsubscribe = 1 => "unsubscribe",
    }
}

payload! {
    /// A depth subscription begins or ends: the shell hands it to the source that has slots.
    DepthSlot, 1 {
        /// Its opportunity score.
        score: f64,
        /// How long it held the slot, on `Unsubscribe`.
        held: Nanos,
        /// The slot, from 0.
        slot: u8,
        /// What happens.
        action: SlotAction,
        /// Who takes the slot (on `Unsubscribe`) or who had it (on `Subscribe`).
        other: InstrumentId,
        /// Rows asked for a side.
        rows: u16,
        /// Zero.
        spare: [u8; 10],
    }
}

payload! {
    /// What a candidate that was refused a depth slot went on to do until it got one, stopped
    /// being a candidate, or the accounting horizon ended.
    Missed, 1 {
        /// Its opportunity score when it was refused.
        score: f64,
        /// When it was refused.
        since: Nanos,
        /// The furthest that the mid rose from there, in parts per million.
        rise_ppm: i32,
        /// The furthest that the mid fell from there, in parts per million (at most 0).
        fall_ppm: i32,
        /// Non-zero when the move reached the configured worth of an opportunity.
        opportunity: u8,
        /// Zero.
        spare: [u8; 7],
    }
}

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

wire_enum! {
    /// Why the gateway asks for a wider envelope.
    RequestWhy {
        /// A flatten did not fill inside its band.
        #[default]
        FlattenBand = 0 => "flatten_band",
        /// A position has no live stop.
        Unprotected = 1 => "unprotected",
        /// No wish but news: the order was given up before any of it left (its set-up died while
        /// it waited, a kill level, no room, nothing left to close), or it lives on in another
        /// one's leg. Nothing will ever be heard under its own name.
        GivenUp = 2 => "given_up",
    }
}

payload! {
    /// A wish for a wider envelope.
    Request, 1 {
        /// The bracket.
        origin: FrameId,
        /// The price that is wished for, 0 where risk is to choose.
        limit: Price,
        /// Quantity that is wished for.
        qty: u32,
        /// Side.
        side: Side,
        /// Why.
        why: RequestWhy,
        /// Zero.
        spare: [u8; 10],
    }
}

wire_enum! {
    /// What sort of order.
    OrderType {
        /// Limit.
        #[default]
        Limit = 0 => "limit",
        /// Stop: becomes a market order when the trigger trades.
        Stop = 1 => "stop",
        /// Stop-limit: becomes a limit order when the trigger trades.
        StopLimit = 2 => "stop_limit",
    }
}

wire_enum! {
    /// How long an order lives.
    TimeInForce {
        /// The session.
        #[default]
        Day = 0 => "day",
        /// At once or not at all, the rest cancelled.
        ImmediateOrCancel = 1 => "ioc",
        /// Until [`Command::expire`].
        GoodTillDate = 2 => "gtd",
    }
}

payload! {
    /// What leaves for the broker, once it is journaled. Lies inside its order's envelope.
    Command, 2 {
        /// The leg: this frame's own id on `Place`, else the id of the command that placed it.
        leg: FrameId,
        /// The bracket.
        origin: FrameId,
        /// The leg that must fill before this one becomes live; none for the entry.
        parent_leg: FrameId,
        /// Legs of one bracket with the same non-zero value cancel each other on fills.
        oca: u64,
        /// Limit price; 0 for plain stops.
        limit: Price,
        /// Trigger price; 0 for plain limits.
        trigger: Price,
        /// When the broker is to cancel it, with `GoodTillDate`.
        expire: Nanos,
        /// The newest market frame behind it.
        market_ts: Nanos,
        /// Quantity: the whole of the leg, also on `Modify`.
        qty: u32,
        /// What is wanted.
        op: CommandOp,
        /// What sort of order.
        order_type: OrderType,
        /// Buy or sell.
        side: Side,
        /// How long it lives.
        tif: TimeInForce,
        /// The leg's part.
        role: LegRole,
        /// Why, for cancels and flattens.
        reason: Reason,
        /// Non-zero when it may only reduce the position.
        reduce_only: u8,
        /// Non-zero when it adds risk: with `power` durability it leaves only once synced.
        adds_risk: u8,
        /// Zero.
        spare: [u8; 4],
        /// Lowest price that the envelope permits.
        price_low: Price,
        /// Highest price that the envelope permits.
        price_high: Price,
    }
}

payload! {
    /// A leg's life-cycle state changed.
    Leg, 1 {
        /// The leg.
        leg: FrameId,
        /// The bracket.
        origin: FrameId,
        /// Filled so far.
        filled: u32,
        /// Quantity of the leg.
        qty: u32,
        /// From.
        from: LegState,
        /// To.
        to: LegState,
        /// Its part.
        role: LegRole,
        /// Why.
        reason: Reason,
        /// The broker's code, 0 for none.
        code: i32,
    }
}
