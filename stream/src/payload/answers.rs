//! What comes back: the broker's answers (32 to 39, 48), loop-backs (40, 41), the operator (44).

use super::{Payload, payload, wire_enum};
use crate::id::{FrameId, SourceId};
use crate::kind::Kind;
use crate::units::{Money, Nanos, Price, Qty, Side};
use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

wire_enum! {
    /// What became of a command at the edge.
    SentOutcome {
        /// It was handed to the broker.
        #[default]
        Sent = 0 => "sent",
        /// It was not, and never will be.
        NotSent = 1 => "not_sent",
        /// It may have been: to be looked up, never sent again.
        Unknown = 2 => "unknown",
        /// It was found unsent after a restart and is given up.
        Abandoned = 3 => "abandoned",
    }
}

payload! {
    /// What became of a command: exactly one for each.
    Sent, 1 {
        /// The command frame.
        command: FrameId,
        /// The leg it is about: the frame id of the command that placed it.
        leg: FrameId,
        /// The bracket it belongs to, see [`Order::origin`](super::Order).
        origin: FrameId,
        /// What became of it.
        outcome: SentOutcome,
        /// What the command wanted.
        op: CommandOp,
        /// Zero.
        spare: [u8; 2],
        /// The edge's or broker's code, 0 for none.
        code: i32,
    }
}

wire_enum! {
    /// What a command wants.
    CommandOp {
        /// A new leg.
        #[default]
        Place = 0 => "place",
        /// New price or quantity of a live leg.
        Modify = 1 => "modify",
        /// The end of a live leg.
        Cancel = 2 => "cancel",
    }
}

wire_enum! {
    /// A leg's part in its bracket.
    LegRole {
        /// Opens the position.
        #[default]
        Entry = 0 => "entry",
        /// Protective stop.
        Stop = 1 => "stop",
        /// Profit target.
        Target = 2 => "target",
        /// Closes a position at once.
        Flatten = 3 => "flatten",
    }
}

wire_enum! {
    /// Where a leg is in its life. Later states are never left for earlier ones; the last four
    /// are final.
    LegState {
        /// Decided, waiting for a credit.
        #[default]
        Queued = 0 => "queued",
        /// Command made, nothing heard.
        Commanded = 1 => "commanded",
        /// Handed to the broker.
        Sent = 2 => "sent",
        /// The broker holds it (a child whose parent has not filled).
        Held = 3 => "held",
        /// Live at the venue.
        Working = 4 => "working",
        /// Some of it filled, the rest live.
        PartlyFilled = 5 => "partly_filled",
        /// A cancel is under way.
        Cancelling = 6 => "cancelling",
        /// Not known: to be looked up.
        Unknown = 7 => "unknown",
        /// All of it filled.
        Filled = 8 => "filled",
        /// Cancelled; some may have filled.
        Cancelled = 9 => "cancelled",
        /// Refused by broker or venue.
        Rejected = 10 => "rejected",
        /// Never sent.
        Abandoned = 11 => "abandoned",
    }
}

impl LegState {
    /// True for the states that nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self as u8 >= Self::Filled as u8
    }
}

payload! {
    /// The broker's word on a leg.
    Status, 1 {
        /// The leg.
        leg: FrameId,
        /// Its bracket.
        origin: FrameId,
        /// Filled so far.
        filled: u32,
        /// Still to fill.
        remaining: u32,
        /// The broker's code, 0 for none.
        code: i32,
        /// Its state: `Held`, `Working`, `PartlyFilled`, `Cancelling`, `Unknown` or a final one.
        state: LegState,
        /// Its part.
        role: LegRole,
        /// Zero.
        spare: [u8; 2],
    }
}

wire_enum! {
    /// Whether an execution took or gave liquidity.
    Liquidity {
        /// Not said.
        #[default]
        Unknown = 0 => "unknown",
        /// Rested in the book.
        Maker = 1 => "maker",
        /// Took from the book.
        Taker = 2 => "taker",
    }
}

payload! {
    /// An execution: positions come from these alone.
    ///
    /// ```text
    ///  32    40       48      56    60       64
    ///  ├─────┼────────┼───────┼─────┼────────┤
    ///  │ leg │ origin │ price │ qty │ filled │
    ///  64        68     69     70          71      72        80         88          120
    ///  ├─────────┼──────┼──────┼───────────┼───────┼─────────┼──────────┼───────────┤
    ///  │ ordered │ side │ role │ liquidity │ spare │ exec_id │ venue_ts │ exec_text │
    ///  120      128
    ///  ├────────┤
    ///  │ spare2 │
    /// ```
    Fill, 2 {
        /// The leg.
        leg: FrameId,
        /// Its bracket.
        origin: FrameId,
        /// Price.
        price: Price,
        /// Quantity of this execution, at least 1.
        qty: u32,
        /// Filled so far in this leg, this execution included.
        filled: u32,
        /// Quantity of the leg.
        ordered: u32,
        /// Our side, never `None`.
        side: Side,
        /// The leg's part.
        role: LegRole,
        /// Maker or taker.
        liquidity: Liquidity,
        /// Zero.
        spare: u8,
        /// The execution's number at the edge, never repeated.
        exec_id: u64,
        /// When it happened at the venue.
        venue_ts: Nanos,
        /// The broker's own id of the execution, ASCII.
        exec_text: [u8; 32],
        /// Zero.
        spare2: [u8; 8],
    }
}

payload! {
    /// The fee of one execution; may come late.
    Commission, 1 {
        /// The execution.
        exec_id: u64,
        /// Its bracket.
        origin: FrameId,
        /// The fee: positive is paid, negative is a rebate.
        fee: Money,
        /// Currency, ASCII.
        currency: [u8; 4],
        /// Zero.
        spare: [u8; 4],
    }
}

payload! {
    /// The broker's word on a position.
    Position, 1 {
        /// Whole shares or contracts.
        qty: Qty,
        /// Average price.
        average: Price,
        /// The fraction beyond the whole quantity, in 1e-9; such positions are frozen.
        fraction: i64,
        /// Where it comes from.
        source: SourceId,
        /// Zero.
        spare: [u8; 6],
    }
}

wire_enum! {
    /// Which account value.
    AccountField {
        /// Net liquidation value: the equity.
        #[default]
        Equity = 0 => "equity",
        /// Cash.
        Cash = 1 => "cash",
        /// Available for new positions.
        Available = 2 => "available",
        /// Buying power.
        BuyingPower = 3 => "buying_power",
        /// Profit of the day as the broker reckons it; of one position where the frame names an
        /// instrument.
        DailyProfit = 4 => "daily_profit",
        /// The part of it that is not realised.
        UnrealisedProfit = 5 => "unrealised_profit",
        /// The part of it that is realised.
        RealisedProfit = 6 => "realised_profit",
        /// What one unit of the trading currency costs in the account's own, which `currency`
        /// names: amounts were converted by it.
        ExchangeRate = 7 => "exchange_rate",
    }
}

payload! {
    /// The broker's word on the account, in its base currency.
    AccountValue, 1 {
        /// The value.
        value: Money,
        /// When the broker computed it.
        as_of: Nanos,
        /// Currency, ASCII.
        currency: [u8; 4],
        /// Which.
        field: AccountField,
        /// Zero.
        spare: [u8; 11],
    }
}

wire_enum! {
    /// State of a connection.
    LinkState {
        /// Nothing to be had.
        #[default]
        Down = 0 => "down",
        /// Connected, not yet reconciled.
        Connected = 1 => "connected",
        /// Usable.
        Ready = 2 => "ready",
        /// Up, but what it says may be late or partial.
        Degraded = 3 => "degraded",
    }
}

wire_enum! {
    /// Whether shares can be borrowed.
    BorrowState {
        /// Nobody knows yet: taken for no.
        #[default]
        Unknown = 0 => "unknown",
        /// No.
        Unavailable = 1 => "unavailable",
        /// Yes, so many.
        Available = 2 => "available",
    }
}

payload! {
    /// The broker's word on how many shares of an instrument can be borrowed. An instrument of
    /// which no such word ever comes is sold short as its definition says.
    Borrow, 1 {
        /// How many; 0 unless they are available.
        shares: u64,
        /// Where it comes from.
        source: SourceId,
        /// Whether.
        state: BorrowState,
        /// Zero.
        spare: [u8; 21],
    }
}

payload! {
    /// State of the connection to a source or to the broker.
    Connectivity, 1 {
        /// Which.
        source: SourceId,
        /// Its state.
        state: LinkState,
        /// 1 while what became of orders is not known: from the loss of the broker until its
        /// executions have been read again, whatever the state. Nothing but cancels leaves. An
        /// epoch begins like that, until 0 is said.
        blind: u8,
        /// The broker's code, 0 for none.
        code: i32,
        /// Since when.
        since: Nanos,
        /// Zero.
        spare2: [u8; 16],
    }
}

payload! {
    /// Risk's `Refused`, come round by the head.
    Verdict, 1 {
        /// The refused intent.
        intent: FrameId,
        /// What the limit says, in the control's own unit.
        limit: i64,
        /// What was found.
        observed: i64,
        /// Why.
        reason: super::Reason,
        /// Zero.
        spare: [u8; 7],
    }
}

payload! {
    /// Gateway's `Request`, come round by the head.
    Requested, 1 {
        /// The bracket.
        origin: FrameId,
        /// The request frame.
        request: FrameId,
        /// The price that is wished for.
        limit: Price,
        /// Quantity that is wished for.
        qty: u32,
        /// Side.
        side: Side,
        /// Why.
        why: super::RequestWhy,
        /// Zero.
        spare: [u8; 2],
    }
}

wire_enum! {
    /// Why the broker's word was compared with ours.
    RoundCause {
        /// The connection is new, or was lost in between.
        #[default]
        Connected = 0 => "connected",
        /// It was time again.
        Periodic = 1 => "periodic",
        /// The end of the session, or of the run.
        EndOfDay = 2 => "end_of_day",
    }
}

wire_enum! {
    /// What came of it.
    RoundResult {
        /// Something was not answered, and nothing that was answered differs.
        #[default]
        Unanswered = 0 => "unanswered",
        /// Everything was answered, and nothing differs.
        Agrees = 1 => "agrees",
        /// Something differs.
        Differs = 2 => "differs",
    }
}

payload! {
    /// What came of comparing the broker's word with ours: how many differences of each sort.
    Reconciled, 1 {
        /// The day's profit as the broker reckons it; 0 where it was not heard.
        profit: Money,
        /// The same by our executions; 0 where it was not compared.
        own_profit: Money,
        /// Why.
        cause: RoundCause,
        /// What came of it.
        result: RoundResult,
        /// Orders at the broker that are not ours.
        foreign: u8,
        /// Orders of ours that the broker does not have.
        missing: u8,
        /// Orders with other terms.
        terms: u8,
        /// Executions that we had not heard of.
        missed: u8,
        /// Positions.
        positions: u8,
        /// 1 where cash differs.
        cash: u8,
        /// 1 where the day's profit differs.
        other_profit: u8,
        /// 1 where the day's profit was compared.
        profit_compared: u8,
        /// Zero.
        spare: [u8; 6],
    }
}

impl Verdict {
    /// The loop-back of a refusal.
    #[must_use]
    pub const fn of(refused: &super::Refused) -> Self {
        Self {
            intent: refused.intent,
            limit: refused.limit,
            observed: refused.observed,
            reason: refused.reason,
            spare: [0; 7],
        }
    }
}

impl Requested {
    /// The loop-back of a request, which is the frame `id`.
    #[must_use]
    pub const fn of(request: &super::Request, id: FrameId) -> Self {
        Self {
            origin: request.origin,
            request: id,
            limit: request.limit,
            qty: request.qty,
            side: request.side,
            why: request.why,
            spare: [0; 2],
        }
    }
}

wire_enum! {
    /// What the operator, or a policy in the operator's name, orders.
    ControlAction {
        /// L1: no new entries.
        #[default]
        Pause = 0 => "pause",
        /// Lifts L1.
        Resume = 1 => "resume",
        /// L2: entries cancelled, protection stays.
        Halt = 2 => "halt",
        /// L3: halt and close everything.
        Flatten = 3 => "flatten",
        /// L4: flatten and cut the session.
        Kill = 4 => "kill",
        /// Entries may be made.
        Arm = 5 => "arm",
        /// Entries may not be made until armed.
        Disarm = 6 => "disarm",
        /// Every stage writes its state: the run is about to end.
        Save = 7 => "save",
    }
}

payload! {
    /// An operator's control, or the shell's own in an emergency.
    Control, 2 {
        /// What.
        action: ControlAction,
        /// Zero.
        spare: [u8; 7],
        /// Who: a person's name, or `engine`, `policy`, `journal`.
        by: [u8; 24],
        /// Why, ASCII.
        cause: [u8; 64],
    }
}

impl Control {
    /// Who stands for a program; any other name is a person's.
    const PROGRAMS: [&str; 3] = ["engine", "policy", "journal"];

    /// True when a person, who has a name, orders it.
    #[must_use]
    pub fn is_by_person(&self) -> bool {
        let by = super::read_text(&self.by);
        !by.is_empty() && !Self::PROGRAMS.contains(&by)
    }

    /// True when a person arms: whoever does has looked at what was frozen.
    #[must_use]
    pub fn is_armed_by_person(&self) -> bool {
        self.action == ControlAction::Arm && self.is_by_person()
    }
}
