//! Contracts in clients' messages.

use super::{Outcome, second};
use crate::model::{ComboLeg, Contract, Request};
use crate::text::ISSUERS;
use crate::text::fields::Fields;

/// The twelve fields of a contract.
pub fn contract(f: &mut Fields<'_>) -> Outcome<Contract> {
    Ok(Contract {
        con_id: f.int("conId")?,
        symbol: f.string("symbol")?,
        sec_type: f.string("type")?,
        last_trade_date: f.string("last trading day")?,
        strike: f.double("strike")?,
        right: f.string("right")?,
        multiplier: f.string("multiplier")?,
        exchange: f.string("exchange")?,
        primary_exchange: f.string("primary exchange")?,
        currency: f.string("currency")?,
        local_symbol: f.string("local symbol")?,
        trading_class: f.string("trading class")?,
        ..Contract::default()
    })
}

/// The same, and whether expired ones are meant too.
pub fn with_expired(f: &mut Fields<'_>) -> Outcome<Contract> {
    let mut contract = contract(f)?;
    contract.include_expired = f.flag("include expired")?;
    Ok(contract)
}

/// Legs, which only combinations have; `beyond` fields of each are of no interest.
pub fn legs(f: &mut Fields<'_>, contract: &mut Contract, beyond: usize) -> Outcome<()> {
    if contract.sec_type != "BAG" {
        return Ok(());
    }
    for _ in 0..f.count("legs")? {
        contract.combo_legs.push(ComboLeg {
            con_id: f.int("leg's conId")?,
            ratio: f.int("leg's ratio")?,
            action: f.string("leg's action")?,
            exchange: f.string("leg's exchange")?,
        });
        f.skip(beyond, "leg")?;
    }
    Ok(())
}

/// The delta-neutral contract, of no interest.
pub fn skip_delta_neutral(f: &mut Fields<'_>) -> Outcome<()> {
    if f.flag("delta neutral")? {
        f.skip(3, "delta neutral contract")?;
    }
    Ok(())
}

/// 9.
pub fn details(version: i32, f: &mut Fields<'_>) -> Outcome<Request> {
    let req = second(f)?;
    let mut contract = with_expired(f)?;
    contract.sec_id_type = f.string("id type")?;
    contract.sec_id = f.string("id")?;
    if version >= ISSUERS {
        contract.issuer_id = f.string("issuer")?;
    }
    Ok(Request::ContractDetails(req, contract))
}
