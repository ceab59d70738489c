//! The messages of TotalView-ITCH 5.0 as typed views of the bytes they arrived in.
//!
//! Layouts are those of the *Nasdaq TotalView-ITCH 5.0* specification. Every message begins with
//! type 1, stock locate 2, tracking number 2, timestamp 6 (nanoseconds since midnight, US Eastern);
//! integers are big-endian, alphanumeric fields ASCII padded with spaces on the right, `Price(4)`
//! an integer in 1e-4 dollars, `Price(8)` one in 1e-8.
//!
//! A view has been checked for its exact length and nothing else: what a code means, and whether it
//! is one the specification knows, is for the reader of the field to judge. Nothing is copied.

use super::ItchError;

macro_rules! field {
    ($bytes:expr, u8, $at:literal) => {
        $bytes[$at]
    };
    ($bytes:expr, u16, $at:literal) => {
        u16::from_be_bytes(array($bytes, $at))
    };
    ($bytes:expr, u32, $at:literal) => {
        u32::from_be_bytes(array($bytes, $at))
    };
    ($bytes:expr, u64, $at:literal) => {
        u64::from_be_bytes(array($bytes, $at))
    };
    ($bytes:expr, $text:ty, $at:literal) => {
        array($bytes, $at)
    };
}

/// Bytes `at` and following. The offsets are literals within `N`, so the check folds away.
#[inline(always)]
fn array<const N: usize, const M: usize>(bytes: &[u8; N], at: usize) -> [u8; M] {
    let mut field = [0; M];
    field.copy_from_slice(&bytes[at..at + M]);
    field
}

/// Bytes that every message begins with.
pub(super) const HEAD: usize = 11;

/// The stamp in the head of any message, nanoseconds since midnight. Six bytes, read as the last
/// ones of eight.
#[inline(always)]
pub(super) fn stamp(head: &[u8; HEAD]) -> u64 {
    u64::from_be_bytes(array(head, 3)) & (u64::MAX >> 16)
}

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $name:ident = $code:literal, $len:literal {
            $($(#[$field_doc:meta])* $field:ident: $ty:tt @ $at:tt,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name<'a>(&'a [u8; $len]);

            impl<'a> $name<'a> {
                /// Type byte.
                pub const CODE: u8 = $code;
                /// Length in bytes, the type byte included.
                pub const LEN: usize = $len;

                $(
                    $(#[$field_doc])*
                    #[must_use]
                    #[inline(always)]
                    pub fn $field(&self) -> $ty {
                        field!(self.0, $ty, $at)
                    }
                )*
            }
        )*

        /// One message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Message<'a> {
            $($(#[$doc])* $name($name<'a>),)*
        }

        /// Length of a message by its type byte; 0 for bytes that are no type.
        pub const LENGTHS: [u8; 256] = {
            let mut lengths = [0; 256];
            $(lengths[$code as usize] = $len;)*
            lengths
        };

        /// Every type byte with the name of its message, in the specification's order.
        pub const TYPES: &[(u8, &str)] = &[$(($code, stringify!($name)),)*];

        impl<'a> Message<'a> {
            /// Reads one whole message.
            ///
            /// # Errors
            /// When the bytes are empty, of no known type, or not exactly as long as their type.
            #[inline(always)]
            pub fn parse(bytes: &'a [u8]) -> Result<Self, ItchError> {
                let Some(&code) = bytes.first() else {
                    return Err(ItchError::Empty);
                };
                match code {
                    $($code => match <&[u8; $len]>::try_from(bytes) {
                        Ok(exact) => Ok(Self::$name($name(exact))),
                        Err(_) => Err(ItchError::length(code, bytes.len())),
                    },)*
                    code => Err(ItchError::UnknownType { code }),
                }
            }

            /// The bytes it was read from.
            #[must_use]
            #[inline(always)]
            pub fn bytes(&self) -> &'a [u8] {
                match self {
                    $(Self::$name(view) => view.0,)*
                }
            }
        }
    };
}

impl Message<'_> {
    /// Type byte.
    #[must_use]
    #[inline(always)]
    pub fn code(&self) -> u8 {
        self.bytes()[0]
    }

    /// Stock locate of the day, 0 for messages about the whole market.
    #[must_use]
    #[inline(always)]
    pub fn locate(&self) -> u16 {
        let bytes = self.bytes();
        u16::from_be_bytes([bytes[1], bytes[2]])
    }

    /// Nasdaq's internal tracking number.
    #[must_use]
    #[inline(always)]
    pub fn tracking(&self) -> u16 {
        let bytes = self.bytes();
        u16::from_be_bytes([bytes[3], bytes[4]])
    }

    /// Nanoseconds since midnight, US Eastern.
    #[must_use]
    #[inline(always)]
    pub fn stamp(&self) -> u64 {
        let head = self
            .bytes()
            .first_chunk()
            .expect("every message has a head");
        stamp(head)
    }
}

messages! {
    /// A phase of the day begins or ends.
    SystemEvent = b'S', 12 {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of
        /// market hours, `E` end of system hours, `C` end of messages.
        event: u8 @ 11,
    }
    /// A stock, its locate of the day and its trading rules.
    StockDirectory = b'R', 39 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// Listing market: `Q` `G` `S` Nasdaq tiers, `N` NYSE, `A` NYSE American, `P` Arca,
        /// `Z` BATS, `V` IEX, space not available.
        market_category: u8 @ 19,
        /// `N` normal, `D` deficient, `E` delinquent, `Q` bankrupt, `S` suspended, …
        financial_status: u8 @ 20,
        /// Shares in a round lot.
        round_lot: u32 @ 21,
        /// `Y` when only round lots are accepted.
        round_lots_only: u8 @ 25,
        /// Issue classification.
        classification: u8 @ 26,
        /// Issue sub-type.
        sub_type: [u8; 2] @ 27,
        /// `P` live, `T` test.
        authenticity: u8 @ 29,
        /// `Y` when subject to mandatory close-out under Reg SHO.
        short_sale_threshold: u8 @ 30,
        /// `Y` when set up for an IPO release.
        ipo: u8 @ 31,
        /// LULD reference price tier, `1` or `2`.
        luld_tier: u8 @ 32,
        /// `Y` when an exchange-traded product.
        etp: u8 @ 33,
        /// Leverage of an exchange-traded product.
        etp_leverage: u32 @ 34,
        /// `Y` when an inverse exchange-traded product.
        inverse: u8 @ 38,
    }
    /// Trading of a stock halts, pauses or resumes, on every venue.
    TradingAction = b'H', 25 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        state: u8 @ 19,
        /// Reason code.
        reason: [u8; 4] @ 21,
    }
    /// Short-sale price test restriction.
    RegSho = b'Y', 20 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// `0` no restriction, `1` in effect after an intra-day drop, `2` remains in effect.
        action: u8 @ 19,
    }
    /// A market maker's status in a stock.
    ParticipantPosition = b'L', 26 {
        /// Market participant id.
        mpid: [u8; 4] @ 11,
        /// Symbol.
        stock: [u8; 8] @ 15,
        /// `Y` when a primary market maker.
        primary: u8 @ 23,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        mode: u8 @ 24,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        state: u8 @ 25,
    }
    /// Market-wide circuit breaker levels of the day.
    BreakerLevels = b'V', 35 {
        /// Level 1, `Price(8)`.
        level_1: u64 @ 11,
        /// Level 2, `Price(8)`.
        level_2: u64 @ 19,
        /// Level 3, `Price(8)`.
        level_3: u64 @ 27,
    }
    /// A market-wide circuit breaker level was breached.
    BreakerStatus = b'W', 12 {
        /// `1`, `2` or `3`.
        level: u8 @ 11,
    }
    /// Quoting period of an IPO.
    IpoQuoting = b'K', 28 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// Release time, seconds since midnight.
        release_secs: u32 @ 19,
        /// `A` anticipated, `C` cancelled or postponed.
        qualifier: u8 @ 23,
        /// IPO price, `Price(4)`.
        price: u32 @ 24,
    }
    /// Auction collar while a stock is in a LULD trading pause.
    LuldCollar = b'J', 35 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// Reference price, `Price(4)`.
        reference: u32 @ 19,
        /// Upper collar, `Price(4)`.
        upper: u32 @ 23,
        /// Lower collar, `Price(4)`.
        lower: u32 @ 27,
        /// Number of extensions.
        extension: u32 @ 31,
    }
    /// One market centre halts or resumes a stock for operational reasons.
    OperationalHalt = b'h', 21 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8 @ 19,
        /// `H` halted, `T` resumed.
        action: u8 @ 20,
    }
    /// A displayed order joins the book.
    AddOrder = b'A', 36 {
        /// Order reference number, unique for the day.
        order_id: u64 @ 11,
        /// `B` or `S`.
        side: u8 @ 19,
        /// Displayed shares.
        shares: u32 @ 20,
        /// Symbol.
        stock: [u8; 8] @ 24,
        /// Display price, `Price(4)`.
        price: u32 @ 32,
    }
    /// A displayed order joins the book, with its participant's name.
    AddOrderMpid = b'F', 40 {
        /// Order reference number, unique for the day.
        order_id: u64 @ 11,
        /// `B` or `S`.
        side: u8 @ 19,
        /// Displayed shares.
        shares: u32 @ 20,
        /// Symbol.
        stock: [u8; 8] @ 24,
        /// Display price, `Price(4)`.
        price: u32 @ 32,
        /// Participant.
        mpid: [u8; 4] @ 36,
    }
    /// A resting order trades at its own price.
    OrderExecuted = b'E', 31 {
        /// The resting order.
        order_id: u64 @ 11,
        /// Shares traded.
        shares: u32 @ 19,
        /// Match number.
        match_id: u64 @ 23,
    }
    /// A resting order trades at another price than its own.
    OrderExecutedPrice = b'C', 36 {
        /// The resting order.
        order_id: u64 @ 11,
        /// Shares traded.
        shares: u32 @ 19,
        /// Match number.
        match_id: u64 @ 23,
        /// `Y` or `N`: whether it counts in volume and time-and-sales.
        printable: u8 @ 31,
        /// Price of the trade, `Price(4)`.
        price: u32 @ 32,
    }
    /// A resting order shrinks and keeps its priority.
    OrderCancel = b'X', 23 {
        /// The order.
        order_id: u64 @ 11,
        /// Shares that go.
        shares: u32 @ 19,
    }
    /// A resting order leaves.
    OrderDelete = b'D', 19 {
        /// The order.
        order_id: u64 @ 11,
    }
    /// A resting order is replaced by another, at the end of its queue; the side stays.
    OrderReplace = b'U', 35 {
        /// The order as known so far.
        order_id: u64 @ 11,
        /// Its reference number from now on.
        new_order_id: u64 @ 19,
        /// Displayed shares from now on.
        shares: u32 @ 27,
        /// Display price from now on, `Price(4)`.
        price: u32 @ 31,
    }
    /// A trade against an order that was not displayed.
    TradeNonCross = b'P', 44 {
        /// Always 0 since 2010.
        order_id: u64 @ 11,
        /// `B` whatever the side, since 2014-07-14.
        side: u8 @ 19,
        /// Shares traded.
        shares: u32 @ 20,
        /// Symbol.
        stock: [u8; 8] @ 24,
        /// Price, `Price(4)`.
        price: u32 @ 32,
        /// Match number.
        match_id: u64 @ 36,
    }
    /// The bulk print of a cross.
    CrossTrade = b'Q', 40 {
        /// Shares matched; 0 when the cross found no match.
        shares: u64 @ 11,
        /// Symbol.
        stock: [u8; 8] @ 19,
        /// Cross price, `Price(4)`.
        price: u32 @ 27,
        /// Match number.
        match_id: u64 @ 31,
        /// `O` opening, `C` closing, `H` halted or IPO, `A` extended trading close.
        cross: u8 @ 39,
    }
    /// A trade was broken.
    BrokenTrade = b'B', 19 {
        /// Match number of the execution.
        match_id: u64 @ 11,
    }
    /// Net order imbalance before a cross.
    Imbalance = b'I', 50 {
        /// Shares that pair at the reference price.
        paired: u64 @ 11,
        /// Shares that do not.
        imbalance: u64 @ 19,
        /// `B`, `S`, `N` none, `O` too few orders, `P` paused.
        direction: u8 @ 27,
        /// Symbol.
        stock: [u8; 8] @ 28,
        /// Far indicative price, `Price(4)`.
        far: u32 @ 36,
        /// Near indicative price, `Price(4)`.
        near: u32 @ 40,
        /// Reference price, `Price(4)`.
        reference: u32 @ 44,
        /// As in [`CrossTrade::cross`].
        cross: u8 @ 48,
        /// Deviation of near from reference, coded.
        variation: u8 @ 49,
    }
    /// Retail price improvement interest.
    RetailInterest = b'N', 20 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// `B`, `S`, `A` both, `N` none.
        interest: u8 @ 19,
    }
    /// Direct listing with capital raise: price discovery.
    DirectListing = b'O', 48 {
        /// Symbol.
        stock: [u8; 8] @ 11,
        /// `Y` when eligible to be released.
        open_eligibility: u8 @ 19,
        /// Lowest allowable price, `Price(4)`.
        lowest: u32 @ 20,
        /// Highest allowable price, `Price(4)`.
        highest: u32 @ 24,
        /// Near execution price, `Price(4)`.
        near: u32 @ 28,
        /// Near execution time, nanoseconds since midnight.
        near_time: u64 @ 32,
        /// Lower price range collar, `Price(4)`.
        lower: u32 @ 40,
        /// Upper price range collar, `Price(4)`.
        upper: u32 @ 44,
    }
}
