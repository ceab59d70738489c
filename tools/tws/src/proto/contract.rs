//! A contract, both ways.

use super::schema::contract::{ComboLeg, Contract as Wire};
use super::text;
use crate::model::{self, Contract};

/// As a client named it.
pub fn read(wire: Option<Wire>) -> Contract {
    let wire = wire.unwrap_or_default();
    Contract {
        con_id: wire.con_id.unwrap_or_default(),
        symbol: wire.symbol.unwrap_or_default(),
        sec_type: wire.sec_type.unwrap_or_default(),
        last_trade_date: wire.last_trade_date_or_contract_month.unwrap_or_default(),
        strike: super::known(wire.strike).unwrap_or_default(),
        right: wire.right.unwrap_or_default(),
        multiplier: wire.multiplier.map(|m| m.to_string()).unwrap_or_default(),
        exchange: wire.exchange.unwrap_or_default(),
        primary_exchange: wire.primary_exch.unwrap_or_default(),
        currency: wire.currency.unwrap_or_default(),
        local_symbol: wire.local_symbol.unwrap_or_default(),
        trading_class: wire.trading_class.unwrap_or_default(),
        include_expired: wire.include_expired.unwrap_or_default(),
        sec_id_type: wire.sec_id_type.unwrap_or_default(),
        sec_id: wire.sec_id.unwrap_or_default(),
        combo_legs: wire.combo_legs.into_iter().map(leg).collect(),
        description: wire.description.unwrap_or_default(),
        issuer_id: wire.issuer_id.unwrap_or_default(),
    }
}

fn leg(wire: ComboLeg) -> model::ComboLeg {
    model::ComboLeg {
        con_id: wire.con_id.unwrap_or_default(),
        ratio: wire.ratio.unwrap_or_default(),
        action: wire.action.unwrap_or_default(),
        exchange: wire.exchange.unwrap_or_default(),
    }
}

/// As the server knows it.
pub fn write(contract: &Contract) -> Option<Wire> {
    let days = &contract.last_trade_date;
    let day = days.len() == 8 && days.bytes().all(|b| b.is_ascii_digit());
    Some(Wire {
        con_id: Some(contract.con_id),
        symbol: text(&contract.symbol),
        sec_type: text(&contract.sec_type),
        last_trade_date_or_contract_month: text(days),
        strike: Some(contract.strike),
        right: text(&contract.right),
        multiplier: contract.multiplier.parse().ok(),
        exchange: text(&contract.exchange),
        primary_exch: text(&contract.primary_exchange),
        currency: text(&contract.currency),
        local_symbol: text(&contract.local_symbol),
        trading_class: text(&contract.trading_class),
        sec_id_type: text(&contract.sec_id_type),
        sec_id: text(&contract.sec_id),
        description: text(&contract.description),
        issuer_id: text(&contract.issuer_id),
        include_expired: contract.include_expired.then_some(true),
        combo_legs: Vec::new(),
        last_trade_date: day.then(|| days.clone()),
    })
}
