//! The exchanges behind the letters of a smart quote.

use super::{Link, World};
use crate::model::Answer;

/// The name under which clients ask for the letters of US shares.
pub(super) const BBO: &str = "9c0001";

/// Exchanges and their letters, by bit.
const LETTERS: [(&str, &str); 8] = [
    ("NASDAQ", "Q"),
    ("NYSE", "N"),
    ("ARCA", "P"),
    ("BATS", "Z"),
    ("EDGX", "K"),
    ("IEX", "V"),
    ("MEMX", "U"),
    ("CME", "C"),
];

impl World {
    pub(super) fn smart_components(&mut self, link: Link, req: i32, name: &str) {
        if name != BBO {
            let text = "Error validating request.-'bX' : cause - Invalid BBO exchange";
            self.complain(link, req, 321, text);
            return;
        }
        let bits = LETTERS.iter().enumerate();
        let all = bits
            .map(|(bit, (name, letter))| (bit as i32, (*name).to_owned(), (*letter).to_owned()));
        self.say(link, Answer::SmartComponents(req, all.collect()));
    }
}
