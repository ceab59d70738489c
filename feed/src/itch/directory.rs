//! Which stock a message is about, and what the directory says of it.

use super::Message;
use super::message::StockDirectory;
use stream::Price;
use stream::payload::{Instrument, InstrumentType, text};

/// The smallest price step of a share quoted at a dollar or more (Regulation NMS, rule 612).
const TICK_SIZE: Price = Price(10_000_000);

/// The directory's facts; what it does not say is what holds for every share.
pub(super) fn definition(m: StockDirectory<'_>, locate: u16) -> Option<Instrument> {
    let mut symbol = [0; 16];
    for (to, from) in symbol.iter_mut().zip(m.stock()) {
        *to = if from == b' ' { 0 } else { from };
    }
    let venue = match m.market_category() {
        b'Q' | b'G' | b'S' => "NASDAQ",
        b'N' => "NYSE",
        b'A' => "AMEX",
        b'P' => "ARCA",
        b'Z' => "BATS",
        b'V' => "IEX",
        _ => "",
    };
    let lot = match m.round_lots_only() {
        b'Y' => Some(m.round_lot()).filter(|&lot| lot > 0)?,
        _ => 1,
    };
    Some(Instrument {
        symbol,
        venue: text(venue),
        currency: text("USD"),
        multiplier: 1,
        tick_size: TICK_SIZE,
        venue_id: u64::from(locate),
        lot,
        what: InstrumentType::Stock,
        shortable: 1,
        spare: [0; 42],
    })
}

/// The stock that a message names.
pub(super) fn stock(message: &Message<'_>) -> Option<[u8; 8]> {
    Some(match message {
        Message::StockDirectory(view) => view.stock(),
        Message::TradingAction(view) => view.stock(),
        Message::RegSho(view) => view.stock(),
        Message::ParticipantPosition(view) => view.stock(),
        Message::OperationalHalt(view) => view.stock(),
        Message::AddOrder(view) => view.stock(),
        Message::AddOrderMpid(view) => view.stock(),
        Message::TradeNonCross(view) => view.stock(),
        Message::CrossTrade(view) => view.stock(),
        Message::Imbalance(view) => view.stock(),
        Message::RetailInterest(view) => view.stock(),
        _ => return None,
    })
}

/// True for messages about an order that an earlier message has added.
pub(super) fn names_an_order(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::OrderExecuted(_)
            | Message::OrderExecutedPrice(_)
            | Message::OrderCancel(_)
            | Message::OrderDelete(_)
            | Message::OrderReplace(_)
    )
}
