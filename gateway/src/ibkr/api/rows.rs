//! Rows about orders and executions, one by one: which are of our account, and what each means.
//!
//! A login may have several accounts, and the broker tells of all of them. What another one trades
//! is none of our business: booked, it would shrink exits that protect ours.

use super::super::broker::{Answer, Execution, Fee, Known, NoAnswer, Standing, Update};
use super::convert::{execution_of, fee_of, known_of, standing_of};
use ibapi::orders::{ExecutionFilter, Executions, OrderData, OrderUpdate, Orders};
use stream::{InstrumentId, Money, Price};

/// Our number of a contract, none where it is not in the universe, and its least price change.
pub(super) type Found = (Option<InstrumentId>, Price);

/// Whose rows are read, and by which contracts.
pub(super) struct Rows<'a, F> {
    /// Our account; empty before it is known.
    pub(super) account: &'a str,
    /// What we know of a contract, by the broker's number.
    pub(super) found: F,
}

impl<F: Fn(i32) -> Found> Rows<'_, F> {
    /// True for a row of our account. One that tells none is not known to be another's.
    fn is_ours(&self, told: &str) -> bool {
        self.account.is_empty() || told.is_empty() || told == self.account
    }

    /// Executions of our account, to ask the broker for.
    pub(super) fn filter(&self) -> ExecutionFilter {
        ExecutionFilter {
            account_code: self.account.to_owned(),
            ..ExecutionFilter::default()
        }
    }

    fn known(&self, data: &OrderData) -> Answer<Known> {
        let (instrument, tick) = (self.found)(data.contract.contract_id);
        known_of(data, instrument, tick)
    }

    /// Orders that are open, or that ended.
    pub(super) fn knowns(&self, rows: Vec<Orders>) -> Answer<Vec<Known>> {
        let mut knowns: Vec<Known> = Vec::new();
        let mut standings: Vec<Standing> = Vec::new();
        for row in rows {
            match row {
                Orders::OrderData(data) if self.is_ours(&data.order.account) => {
                    knowns.push(self.known(&data)?);
                }
                Orders::OrderData(_) => {}
                Orders::OrderStatus(status) => standings.push(standing_of(&status)?),
            }
        }
        // An open order and how it stands come as two messages.
        for standing in standings {
            let same = |known: &&mut Known| {
                let own = &known.standing;
                if own.perm_id != 0 && standing.perm_id != 0 {
                    return own.perm_id == standing.perm_id;
                }
                (own.client_id, own.order_id) == (standing.client_id, standing.order_id)
                    && own.order_id != 0
            };
            if let Some(known) = knowns.iter_mut().find(same) {
                known.standing = standing;
            }
        }
        Ok(knowns)
    }

    /// Executions, with the fees that are known.
    pub(super) fn executions(&self, rows: Vec<Executions>) -> Answer<(Vec<Execution>, Vec<Fee>)> {
        let (mut executions, mut fees) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                Executions::ExecutionData(data) => {
                    // A filter that the broker does not heed is not relied on.
                    if self.is_ours(&data.execution.account_number) {
                        let (instrument, tick) = (self.found)(data.contract.contract_id);
                        executions.push(execution_of(&data, instrument, tick)?);
                    }
                }
                // A fee that is not known yet comes later.
                Executions::CommissionReport(report) => fees.extend(fee_of(&report).ok()),
            }
        }
        Ok((executions, fees))
    }

    /// A piece of news; `None` where there is nothing in it for us.
    pub(super) fn update(&self, update: OrderUpdate) -> Option<Update> {
        let said = match update {
            OrderUpdate::OrderStatus(status) => standing_of(&status).map(Update::Standing),
            OrderUpdate::OpenOrder(data) => {
                if !self.is_ours(&data.order.account) {
                    return None;
                }
                self.known(&data).map(|known| Update::Open(Box::new(known)))
            }
            OrderUpdate::ExecutionData(data) => {
                if !self.is_ours(&data.execution.account_number) {
                    return None;
                }
                let (instrument, tick) = (self.found)(data.contract.contract_id);
                execution_of(&data, instrument, tick)
                    .map(|execution| Update::Execution(Box::new(execution)))
            }
            OrderUpdate::CommissionReport(report) => match fee_of(&report) {
                // The crate says zero for an amount that is not set: a list of executions, which
                // has amounts that are, tells one that is truly zero.
                Ok(fee) if fee.amount == Money::ZERO => return None,
                Ok(fee) => Ok(Update::Fee(fee)),
                Err(_) => return None,
            },
            OrderUpdate::OrderBound(_) => return None,
        };
        Some(said.unwrap_or_else(|why| match why {
            NoAnswer::Unusable(text) => Update::Unusable(text),
            other => Update::Unusable(other.to_string()),
        }))
    }
}

#[cfg(test)]
mod tests;
