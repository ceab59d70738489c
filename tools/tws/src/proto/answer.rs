//! The server's messages in protobuf.

mod account;
mod contract;
mod data;
mod history;
mod order;

use super::schema::session as wire;
use super::{text, write};
use crate::model::{Answer, Problem};

/// Appends an answer's frames.
pub fn encode(answer: &Answer, out: &mut Vec<u8>) {
    match answer {
        Answer::ManagedAccounts(accounts) => {
            let accounts_list = Some(accounts.clone());
            write(15, &wire::ManagedAccounts { accounts_list }, out);
        }
        Answer::NextValidId(id) => {
            let order_id = Some(*id);
            write(9, &wire::NextValidId { order_id }, out);
        }
        Answer::Problem(told) => write(4, &problem(told), out),
        Answer::CurrentTime(time) => write(49, &at(*time), out),
        Answer::CurrentTimeMillis(time) => write(109, &at(*time), out),
        Answer::UserInfo(req, id) => {
            let (req_id, white_branding_id) = (Some(*req), text(id));
            let message = wire::UserInfo {
                req_id,
                white_branding_id,
            };
            write(107, &message, out);
        }
        _ => {
            // Each of these knows its own answers.
            let _ = contract::encode(answer, out)
                || data::encode(answer, out)
                || history::encode(answer, out)
                || order::encode(answer, out)
                || account::encode(answer, out);
        }
    }
}

fn at(time: i64) -> wire::CurrentTime {
    wire::CurrentTime {
        current_time: Some(time),
    }
}

fn problem(told: &Problem) -> wire::ErrorMessage {
    wire::ErrorMessage {
        id: Some(told.id),
        error_time: Some(told.time),
        error_code: Some(told.code),
        error_msg: Some(told.text.clone()),
        advanced_order_reject_json: text(&told.advanced),
    }
}

/// A message that is nothing but a request's number.
fn req(req: i32) -> wire::ReqId {
    wire::ReqId { req_id: Some(req) }
}
