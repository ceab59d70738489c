//! The newer encoding: a message's number and 200 in 32 bits, and its fields in protobuf.
//!
//! The messages are written down here by hand from the numbers of their fields.

mod answer;
mod contract;
mod request;
mod schema;

use crate::model::{Answer, Decimal, Request};
use crate::wire::{Malformed, What};
use prost::Message;

/// What is added to a message's number to say that protobuf follows.
const OFFSET: i32 = 200;

/// Reads a client's message.
///
/// # Errors
///
/// If the bytes are not that message, or a field is not what it should be.
pub fn decode(body: &[u8]) -> Result<Request, Malformed> {
    let Some((number, payload)) = body.split_first_chunk::<4>() else {
        let what = What::Proto("its number is missing".to_owned());
        return Err(Malformed {
            message: None,
            req: None,
            what,
        });
    };
    let number = i32::from_be_bytes(*number);
    match number.checked_sub(OFFSET) {
        Some(message) if message > 0 => request::decode(message, payload),
        _ => Ok(Request::Unserved(number)),
    }
}

/// Appends the frames of an answer.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) {
    answer::encode(answer, out);
}

/// Appends one frame.
fn write(number: i32, message: &impl Message, out: &mut Vec<u8>) {
    let length = message.encoded_len();
    out.reserve(length + 8);
    out.extend(((length + 4) as u32).to_be_bytes());
    out.extend((number + OFFSET).to_be_bytes());
    message.encode_raw(out);
}

/// A text, unless there is nothing in it.
fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A size, without zeros that say nothing.
fn size(size: Decimal) -> Option<String> {
    Some(size.normalize().to_string())
}

/// A number that may be unset.
fn known(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite() && *number < f64::MAX)
}
