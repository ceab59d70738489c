//! One line of the message file.

use super::row;
use crate::text::{field, integer, seconds};
use stream::payload::FaultCode;
use stream::{Nanos, Price, Side};

/// One message, read and not yet judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) ts: Nanos,
    pub(super) kind: i64,
    pub(super) order_id: i64,
    pub(super) size: i64,
    pub(super) price_text: i64,
    pub(super) direction: i64,
}

/// What a message does to one side's known levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) qty: u32,
    pub(super) adds: bool,
}

const NOT_SIX: &str = "is no LOBSTER message: six comma-separated numbers \
                       (time, type, order id, size, price, direction) are expected";

/// Reads one line; times count from `midnight`.
pub(super) fn read(line: &[u8], midnight: Nanos) -> Result<Message, &'static str> {
    let mut rest = Some(line);
    let mut next = || -> Result<&[u8], &'static str> {
        let (text, behind) = field(rest.ok_or(NOT_SIX)?);
        rest = behind;
        Ok(text)
    };
    let time = seconds(next()?).ok_or(NOT_SIX)?;
    let time = u64::try_from(time).map_err(|_| "has a time before midnight")?;
    if time > 86_400_000_000_000 {
        return Err("has a time after the day's end");
    }
    let mut number = || integer(next()?).ok_or(NOT_SIX);
    let message = Message {
        ts: midnight + Nanos(time),
        kind: number()?,
        order_id: number()?,
        size: number()?,
        price_text: number()?,
        direction: number()?,
    };
    if rest.is_some() {
        return Err(NOT_SIX);
    }
    Ok(message)
}

impl Message {
    pub(super) fn side(&self) -> Option<Side> {
        match self.direction {
            1 => Some(Side::Buy),
            -1 => Some(Side::Sell),
            _ => None,
        }
    }

    pub(super) fn price(&self) -> Option<Price> {
        let sound = self.price_text > 0 && self.price_text < row::EMPTY_ASK;
        sound.then(|| Price(self.price_text * 100_000))
    }

    pub(super) fn qty(&self) -> Option<u32> {
        u32::try_from(self.size).ok().filter(|&qty| qty > 0)
    }

    /// True when its frame will have flags, so that it can end an event.
    pub(super) fn has_flags(&self) -> bool {
        let print = self.price().is_some() && self.qty().is_some();
        match self.kind {
            1..=5 => print && self.side().is_some(),
            6 => print,
            _ => false,
        }
    }

    /// What it changes in the book; `None` for types that change nothing.
    pub(super) fn change(&self) -> Result<Option<Change>, FaultCode> {
        if !matches!(self.kind, 1..=4) {
            return Ok(None);
        }
        let (side, price, qty) = (self.side(), self.price(), self.qty());
        let (Some(side), Some(price), Some(qty)) = (side, price, qty) else {
            return Err(FaultCode::BadValue);
        };
        Ok(Some(Change {
            side,
            price,
            qty,
            adds: self.kind == 1,
        }))
    }
}
