//! Rows about orders and executions, one by one: which are of our account, and what each means.
//!
//! A login may have several accounts, and the broker reports all of them. What another one trades
//! is ignored: if booked, it would shrink exits that protect ours. A row that cannot be read says
//! nothing about the others: the rest of the answer stands.

use super::super::broker::{Answer, Executed, Execution, Held, Known, Standing, Unread, Update};
use super::convert::{execution_of, fee_of, held_of, known_of, standing_of, time_of};
use ibapi::accounts::Position;
use ibapi::orders::{ExecutionData, ExecutionFilter, Executions, OrderData, OrderUpdate, Orders};
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

    fn known(&self, data: &OrderData) -> Known {
        let (instrument, tick) = (self.found)(data.contract.contract_id);
        known_of(data, instrument, tick)
    }

    fn execution(&self, data: &ExecutionData) -> Result<Execution, Unread> {
        let (instrument, tick) = (self.found)(data.contract.contract_id);
        execution_of(data, instrument, tick).map_err(|why| Unread {
            id: data.execution.execution_id.clone(),
            instrument,
            symbol: data.contract.symbol.0.clone(),
            at: time_of(&data.execution.time),
            why,
        })
    }

    /// Orders that are open, or that ended.
    pub(super) fn knowns(&self, rows: Vec<Orders>) -> Vec<Known> {
        let mut knowns: Vec<Known> = Vec::new();
        let mut standings: Vec<Standing> = Vec::new();
        for row in rows {
            match row {
                Orders::OrderData(data) if self.is_ours(&data.order.account) => {
                    knowns.push(self.known(&data));
                }
                Orders::OrderData(_) => {}
                Orders::OrderStatus(status) => standings.push(standing_of(&status)),
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
        knowns
    }

    /// Executions, with the fees that are known.
    pub(super) fn executions(&self, rows: Vec<Executions>) -> Executed {
        let mut all = Executed::default();
        for row in rows {
            match row {
                Executions::ExecutionData(data) => {
                    // A filter that the broker does not heed is not relied on.
                    if !self.is_ours(&data.execution.account_number) {
                        continue;
                    }
                    match self.execution(&data) {
                        Ok(execution) => all.executions.push(execution),
                        Err(unread) => all.unread.push(unread),
                    }
                }
                // A fee that is not known yet comes later.
                Executions::CommissionReport(report) => all.fees.extend(fee_of(&report).ok()),
            }
        }
        all
    }

    /// A position; `None` where it is another account's, or cannot be read and is of a contract
    /// that is not traded here.
    pub(super) fn held(&self, position: &Position) -> Answer<Option<Held>> {
        if position.account != self.account {
            return Ok(None);
        }
        let (instrument, _) = (self.found)(position.contract.contract_id);
        match held_of(position, instrument) {
            Ok(held) => Ok(Some(held)),
            Err(_) if instrument.is_none() => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// A piece of news; `None` where there is nothing in it for us.
    pub(super) fn update(&self, update: OrderUpdate) -> Option<Update> {
        Some(match update {
            OrderUpdate::OrderStatus(status) => Update::Standing(standing_of(&status)),
            OrderUpdate::OpenOrder(data) => {
                if !self.is_ours(&data.order.account) {
                    return None;
                }
                Update::Open(Box::new(self.known(&data)))
            }
            OrderUpdate::ExecutionData(data) => {
                if !self.is_ours(&data.execution.account_number) {
                    return None;
                }
                match self.execution(&data) {
                    Ok(execution) => Update::Execution(Box::new(execution)),
                    Err(unread) => Update::Unread(Box::new(unread)),
                }
            }
            OrderUpdate::CommissionReport(report) => match fee_of(&report) {
                // The crate says zero for an amount that is not set: a list of executions, which
                // has amounts that are, tells one that is truly zero.
                Ok(fee) if fee.amount == Money::ZERO => return None,
                Ok(fee) => Update::Fee(fee),
                Err(_) => return None,
            },
            OrderUpdate::OrderBound(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests;
