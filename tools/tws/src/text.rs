//! The older encoding: fields of text, each ended by a zero byte, told apart by their place alone.
//!
//! The layouts are those that clients read and write at 157, 176 and 178, by the gates of the
//! versions between them. A client's message may be longer than what is read here; it may not be
//! shorter.

mod answer;
mod fields;
mod message;
mod request;

use crate::model::{Answer, Request};
use crate::wire::Malformed;

/// From here on sizes may have decimals.
const DECIMAL_SIZES: i32 = 163;
/// From here on contract details have no version of their own, and three rules of size.
const SIZE_RULES: i32 = 164;
/// From here on errors carry a reason in JSON.
const REJECT_REASON: i32 = 166;
/// From here on bonds have issuers.
const ISSUERS: i32 = 176;
/// From here on there are no profiles of advisers.
const NO_PROFILES: i32 = 177;
/// From here on executions tell whether their price may change.
const PRICE_REVISION: i32 = 178;

/// Reads a client's message.
///
/// # Errors
///
/// If a field that is needed is missing or not what it should be.
pub fn decode(version: i32, body: &[u8]) -> Result<Request, Malformed> {
    request::decode(version, body)
}

/// Appends the frames of an answer.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) {
    answer::encode(version, answer, out);
}
