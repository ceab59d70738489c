//! An order as the wire knows it.

use rust_decimal::Decimal;

/// An order: the fields that the server acts on or gives back. Fields that it neither acts on nor
/// gives back are read past by the codecs and answered as unset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// The client's number for it.
    pub order_id: i32,
    /// The client that placed it.
    pub client_id: i32,
    /// The broker's number, 0 before it is accepted.
    pub perm_id: i64,
    /// The parent's order id, 0 for none.
    pub parent_id: i32,
    /// `BUY`, `SELL`, `SSHORT`.
    pub action: String,
    /// Quantity wished for.
    pub quantity: Decimal,
    /// Quantity shown, 0 for all.
    pub display_size: i32,
    /// `MKT`, `LMT`, `STP`, `STP LMT`, `TRAIL`, `TRAIL LIMIT`, `MOC`, …
    pub order_type: String,
    /// Limit price.
    pub limit: Option<f64>,
    /// Trigger price of stops, amount of trailing ones.
    pub aux: Option<f64>,
    /// `DAY`, `GTC`, `IOC`, `GTD`, `OPG`, `FOK`.
    pub tif: String,
    /// `YYYYMMDD HH:MM:SS ZONE` for `GTD`.
    pub good_till: String,
    /// Not before then.
    pub good_after: String,
    /// Account, empty for the only one.
    pub account: String,
    /// Name of the one-cancels-all group.
    pub oca_group: String,
    /// 1 cancel with block, 2 reduce with block, 3 reduce without block; 0 when not said.
    pub oca_type: i32,
    /// The client's text, which stays with the order for life.
    pub order_ref: String,
    /// False holds it, and what belongs to it, until a later one of the chain says true.
    pub transmit: bool,
    /// May trade outside regular hours.
    pub outside_rth: bool,
    /// Hidden from the book.
    pub hidden: bool,
    /// All or none.
    pub all_or_none: bool,
    /// Least fill.
    pub min_qty: Option<i32>,
    /// Trailing amount in percent.
    pub trailing_percent: Option<f64>,
    /// Where the trailing stop stands.
    pub trail_stop: Option<f64>,
    /// Offset of a trailing limit.
    pub limit_offset: Option<f64>,
    /// 0 default, 1 double bid/ask, 2 last, 3 double last, 4 bid/ask, 7 last or bid/ask, 8 mid.
    pub trigger_method: i32,
    /// Margin and commission are asked for; nothing is placed.
    pub what_if: bool,
    /// Quantity in cash, pairs only.
    pub cash_qty: Option<f64>,
    /// Cancels its parent too.
    pub auto_cancel_parent: bool,
    /// Algorithm's name; the server runs none and says so.
    pub algo: String,
    /// How many conditions it waits for; the server checks none and says so.
    pub conditions: i32,
    /// Model portfolio.
    pub model_code: String,
    /// Filled so far: completed orders only.
    pub filled: Decimal,
    /// The parent's permanent id, 0 for none.
    pub parent_perm_id: i64,
}
