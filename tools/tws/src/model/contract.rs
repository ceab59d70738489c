//! What is traded.

/// A contract, as a client names it (in part) or as the server knows it (in full).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contract {
    /// The broker's number, 0 when not said.
    pub con_id: i32,
    /// Ticker, or the underlying's for futures.
    pub symbol: String,
    /// `STK`, `FUT`, `CASH`, `IND`, `CONTFUT`, …
    pub sec_type: String,
    /// `YYYYMM` or `YYYYMMDD`, empty for shares.
    pub last_trade_date: String,
    /// Strike, 0 for none.
    pub strike: f64,
    /// `C`, `P` or empty.
    pub right: String,
    /// Multiplier as a number in text, empty for one.
    pub multiplier: String,
    /// Destination: `SMART`, `ISLAND`, `CME`, …
    pub exchange: String,
    /// Listing exchange.
    pub primary_exchange: String,
    /// Three letters.
    pub currency: String,
    /// The exchange's own name of it.
    pub local_symbol: String,
    /// Trading class.
    pub trading_class: String,
    /// Whether expired contracts are asked for too.
    pub include_expired: bool,
    /// `ISIN`, `CUSIP`, … or empty.
    pub sec_id_type: String,
    /// The id of that type.
    pub sec_id: String,
    /// Legs of a combination; the server trades none and says so.
    pub combo_legs: Vec<ComboLeg>,
    /// Name of the issuer's or contract's description, matching symbols only.
    pub description: String,
    /// Issuer, bonds only.
    pub issuer_id: String,
}

/// A leg of a combination.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComboLeg {
    /// The broker's number.
    pub con_id: i32,
    /// Ratio.
    pub ratio: i32,
    /// `BUY` or `SELL`.
    pub action: String,
    /// Destination.
    pub exchange: String,
}
