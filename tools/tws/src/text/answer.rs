//! The server's messages in text.

mod account;
mod contract;
mod data;
mod history;
mod order;

use super::REJECT_REASON;
use super::message::Message;
use crate::model::{Answer, Problem};

/// Appends an answer's frames.
pub fn encode(version: i32, answer: &Answer, out: &mut Vec<u8>) {
    match answer {
        Answer::ManagedAccounts(list) => Message::begin(version, 15, out).int(1).text(list).end(),
        Answer::NextValidId(id) => Message::begin(version, 9, out).int(1).int(*id).end(),
        Answer::Problem(told) => problem(version, told, out),
        Answer::CurrentTime(time) => Message::begin(version, 49, out).int(1).int(*time).end(),
        Answer::CurrentTimeMillis(time) => Message::begin(version, 109, out).int(*time).end(),
        Answer::UserInfo(req, id) => Message::begin(version, 107, out).int(*req).text(id).end(),
        _ => {
            // Each of these knows its own answers.
            let _ = contract::encode(version, answer, out)
                || data::encode(version, answer, out)
                || history::encode(version, answer, out)
                || order::encode(version, answer, out)
                || account::encode(version, answer, out);
        }
    }
}

fn problem(version: i32, told: &Problem, out: &mut Vec<u8>) {
    let message = Message::begin(version, 4, out)
        .int(2)
        .int(told.id)
        .int(told.code)
        .text(&told.text);
    if version >= REJECT_REASON {
        message.text(&told.advanced).end();
    } else {
        message.end();
    }
}
