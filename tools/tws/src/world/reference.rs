//! What is known of contracts: details, samples, price rules.

use super::{Link, World};
use crate::model::{Answer, Contract};

impl World {
    pub(super) fn contract_details(&mut self, link: Link, req: i32, asked: &Contract) {
        if asked.sec_type.is_empty() && asked.con_id == 0 {
            let text = "Error validating request.-'bM' : cause - Please enter a valid security \
                        type";
            self.complain(link, req, 321, text);
            return;
        }
        let session = *self.exchange.session();
        let all: Vec<_> = self
            .catalog
            .matching(asked)
            .map(|item| self.catalog.details(item, self.now, &session))
            .collect();
        if all.is_empty() {
            let text = "No security definition has been found for the request";
            self.complain(link, req, 200, text);
            return;
        }
        for details in all {
            self.say(link, Answer::ContractData(req, Box::new(details)));
        }
        self.say(link, Answer::ContractDataEnd(req));
    }

    pub(super) fn matching_symbols(&mut self, link: Link, req: i32, text: &str) {
        let found = self.catalog.symbols_like(text);
        self.say(link, Answer::SymbolSamples(req, found));
    }

    pub(super) fn market_rule(&mut self, link: Link, id: i32) {
        match self.catalog.rule(id).cloned() {
            Some(rule) => self.say(link, Answer::MarketRule(rule)),
            None => {
                let text = format!("Error validating request.-'bO' : cause - Invalid rule {id}");
                self.complain(link, -1, 321, &text);
            }
        }
    }
}
