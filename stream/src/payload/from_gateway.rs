//! What gateway derives: kinds 88 to 90.

use super::{CommandOp, LegRole, LegState, Payload, Reason, payload, wire_enum};
use crate::id::FrameId;
use crate::kind::Kind;
use crate::units::{Nanos, Price, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

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
        /// Market: takes what is there at any price. The engine makes none; other clients of the
        /// simulated broker do.
        Market = 3 => "market",
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
        /// Until it fills or is cancelled, over sessions.
        GoodTillCancelled = 3 => "gtc",
        /// The whole of it at once, or nothing.
        FillOrKill = 4 => "fok",
    }
}

payload! {
    /// What leaves for the broker, once it is journaled. Lies inside its order's envelope.
    ///
    /// ```text
    ///  32    40       48           56    64
    ///  ├─────┼────────┼────────────┼─────┤
    ///  │ leg │ origin │ parent_leg │ oca │
    ///  64      72        80       88          96
    ///  ├───────┼─────────┼────────┼───────────┤
    ///  │ limit │ trigger │ expire │ market_ts │
    ///  96    100  101          102    103   104    105      106           107         108     112
    ///  ├─────┼────┼────────────┼──────┼─────┼──────┼────────┼─────────────┼───────────┼───────┤
    ///  │ qty │ op │ order_type │ side │ tif │ role │ reason │ reduce_only │ adds_risk │ spare │
    ///  112         120          128
    ///  ├───────────┼────────────┤
    ///  │ price_low │ price_high │
    /// ```
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
