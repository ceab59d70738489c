//! Orders, executions, positions and contracts between the crate's types and ours.

use super::super::broker::{
    Answer, Contract, Details, Execution, Fee, Held, Known, Ledger, NoAnswer, Stand, Standing,
    Value, Wish,
};
use super::super::decimal;
use super::super::hours::zone_of;
use super::unusable;
use ibapi::accounts::{AccountSummary, Position};
use ibapi::contracts::{ContractDetails, Currency, Exchange, SecurityType, Symbol};
use ibapi::orders::{
    Action, CommissionReport, ExecutionData, ExecutionSide, Liquidity, OcaType, Order, OrderData,
    OrderStatus, OrderStatusKind,
};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use stream::payload::{AccountField, OrderType, TimeInForce};
use stream::{InstrumentId, Nanos, Price, Side};

/// What we ask the broker for.
pub(super) fn contract_of(own: &Contract) -> ibapi::contracts::Contract {
    let exchange = if own.future {
        own.venue.as_str()
    } else {
        "SMART"
    };
    ibapi::contracts::Contract {
        contract_id: own.con_id,
        symbol: Symbol::new(own.symbol.as_str()),
        security_type: if own.future {
            SecurityType::Future
        } else {
            SecurityType::Stock
        },
        last_trade_date_or_contract_month: own.month.clone(),
        multiplier: if own.future {
            own.multiplier.to_string()
        } else {
            String::new()
        },
        exchange: Exchange::new(exchange),
        primary_exchange: Exchange::new(if own.future { "" } else { own.venue.as_str() }),
        currency: Currency::new(own.currency.as_str()),
        ..ibapi::contracts::Contract::default()
    }
}

/// What the broker knows of it.
pub(super) fn details_of(details: &ContractDetails, own: &Contract) -> Answer<Details> {
    let contract = &details.contract;
    let tick = decimal::price(details.min_tick, Price::ZERO)
        .map_err(|why| unusable("a contract's least price change", why))?;
    let multiplier = match contract.multiplier.as_str() {
        "" => 1,
        text => decimal::text(text)
            .ok()
            .filter(|value| value.0 % 1_000_000_000 == 0)
            .and_then(|value| u32::try_from(value.0 / 1_000_000_000).ok())
            .ok_or_else(|| NoAnswer::Unusable(format!("a contract's multiplier {text:?}")))?,
    };
    Ok(Details {
        contract: Contract {
            instrument: own.instrument,
            con_id: contract.contract_id,
            symbol: contract.symbol.0.clone(),
            future: contract.security_type == SecurityType::Future,
            venue: if own.future {
                contract.exchange.0.clone()
            } else {
                contract.primary_exchange.0.clone()
            },
            currency: contract.currency.0.clone(),
            multiplier,
            tick,
            month: contract.last_trade_date_or_contract_month.clone(),
        },
        zone: details.time_zone_id.clone(),
        hours: details.liquid_hours.clone(),
        trading: details.trading_hours.clone(),
    })
}

/// An order for the wire. Of a future each works, and each stop triggers, in all hours in which it
/// trades: the broker's own stops would otherwise sleep outside of the regular ones.
pub(super) fn order_of(wish: &Wish, contract: &ibapi::contracts::Contract, account: &str) -> Order {
    let (kind, limit, aux) = match wish.order_type {
        OrderType::Market => ("MKT", None, None),
        OrderType::Limit => ("LMT", Some(wish.limit), None),
        OrderType::Stop => ("STP", None, Some(wish.trigger)),
        OrderType::StopLimit => ("STP LMT", Some(wish.limit), Some(wish.trigger)),
    };
    Order {
        action: if wish.side == Side::Sell {
            Action::Sell
        } else {
            Action::Buy
        },
        total_quantity: decimal::quantity_to_wire(wish.qty),
        order_type: kind.to_owned(),
        limit_price: limit.map(decimal::to_wire),
        aux_price: aux.map(decimal::to_wire),
        tif: match wish.tif {
            TimeInForce::Day => ibapi::orders::TimeInForce::Day,
            TimeInForce::ImmediateOrCancel => ibapi::orders::TimeInForce::ImmediateOrCancel,
            TimeInForce::GoodTillDate => ibapi::orders::TimeInForce::GoodTillDate,
            TimeInForce::GoodTillCancelled => ibapi::orders::TimeInForce::GoodTillCanceled,
            TimeInForce::FillOrKill => ibapi::orders::TimeInForce::FillOrKill,
        },
        good_till_date: if wish.tif == TimeInForce::GoodTillDate {
            utc_text(wish.expire)
        } else {
            String::new()
        },
        parent_id: wish.parent_id,
        oca_group: wish.group.clone(),
        // The pair shrinks by each other's fills, and is never routed at the same time.
        oca_type: if wish.group.is_empty() {
            OcaType::None
        } else {
            OcaType::ReduceWithBlock
        },
        order_ref: wish.reference.clone(),
        transmit: wish.transmit,
        outside_rth: contract.security_type == SecurityType::Future,
        account: account.to_owned(),
        ..Order::default()
    }
}

/// The first whole second at or after a time, `yyyymmdd-HH:MM:SS` in UTC.
fn utc_text(at: Nanos) -> String {
    let second = i64::try_from(at.0.div_ceil(1_000_000_000)).unwrap_or(i64::MAX);
    let Ok(time) = jiff::Timestamp::from_second(second) else {
        return String::new();
    };
    // Without the machinery of `strftime`, whose code is in no cache when an order leaves.
    let at = jiff::tz::Offset::UTC.to_datetime(time);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{year:04}{month:02}{day:02}-{hour:02}:{minute:02}:{second:02}")
}

/// `yyyymmdd HH:MM:SS ZONE`, or `yyyymmdd-HH:MM:SS` in UTC; zero where it is neither.
pub(super) fn time_of(text: &str) -> Nanos {
    let read = || {
        let (clock, zone) = match text.split_once('-') {
            Some((date, time)) => (format!("{date} {time}"), TimeZone::UTC),
            None => {
                let mut parts = text.split_whitespace();
                let (date, time) = (parts.next()?, parts.next()?);
                let zone = zone_of(parts.next()?)?;
                (format!("{date} {time}"), zone)
            }
        };
        let local = DateTime::strptime("%Y%m%d %H:%M:%S", clock).ok()?;
        let at = local.to_zoned(zone).ok()?.timestamp().as_nanosecond();
        u64::try_from(at).ok()
    };
    Nanos(read().unwrap_or(0))
}

fn stand_of(kind: &OrderStatusKind) -> Stand {
    match kind {
        OrderStatusKind::ApiPending | OrderStatusKind::PendingSubmit => Stand::Pending,
        OrderStatusKind::PreSubmitted => Stand::PreSubmitted,
        OrderStatusKind::Submitted => Stand::Submitted,
        OrderStatusKind::PendingCancel => Stand::PendingCancel,
        OrderStatusKind::ApiCancelled | OrderStatusKind::Cancelled => Stand::Cancelled,
        OrderStatusKind::Filled => Stand::Filled,
        OrderStatusKind::Inactive => Stand::Inactive,
        OrderStatusKind::Unknown(_) => Stand::Other,
    }
}

/// How an order stands. A quantity that cannot be read, such as half a share, is not known.
pub(super) fn standing_of(status: &OrderStatus) -> Standing {
    Standing {
        order_id: status.order_id,
        client_id: status.client_id,
        perm_id: status.perm_id,
        stand: stand_of(&status.status),
        filled: decimal::count(status.filled).ok(),
        remaining: decimal::count(status.remaining).ok(),
    }
}

/// An order as the broker has it. What cannot be read of it is left out: one of ours is found to
/// have other terms then, and one of others' is known by what there is.
pub(super) fn known_of(data: &OrderData, instrument: Option<InstrumentId>, tick: Price) -> Known {
    let order = &data.order;
    let price = |value: Option<_>, meant: bool| match value {
        Some(value) if meant => decimal::signed_price(value, tick)
            .or_else(|_| decimal::signed_price(value, Price::ZERO))
            .unwrap_or(Price::ZERO),
        _ => Price::ZERO,
    };
    let ours = instrument.is_some();
    let limit = ours && matches!(order.order_type.as_str(), "LMT" | "STP LMT");
    let stop = ours && matches!(order.order_type.as_str(), "STP" | "STP LMT");
    Known {
        standing: Standing {
            order_id: data.order_id.max(order.order_id),
            client_id: order.client_id,
            perm_id: order.perm_id,
            stand: stand_of(&data.order_state.status),
            // Only orders that have ended tell it; what is left of them is their total then.
            filled: decimal::count(order.filled_quantity)
                .ok()
                .filter(|n| *n > 0),
            remaining: None,
        },
        instrument,
        symbol: data.contract.symbol.0.clone(),
        side: match order.action {
            Action::Buy | Action::SellLong => Side::Buy,
            Action::Sell | Action::SellShort => Side::Sell,
        },
        qty: decimal::quantity(order.total_quantity).ok(),
        limit: price(order.limit_price, limit),
        trigger: price(order.aux_price, stop),
        reference: order.order_ref.clone(),
    }
}

/// An execution, or what is wrong with it.
pub(super) fn execution_of(
    data: &ExecutionData,
    instrument: Option<InstrumentId>,
    tick: Price,
) -> Result<Execution, String> {
    let execution = &data.execution;
    let qty = decimal::count(execution.shares);
    let qty = qty.map_err(|why| format!("quantity {}: {why:?}", execution.shares))?;
    // Executions may stand between the grid's steps (price improvement, averages).
    let price = decimal::price(execution.price, tick)
        .or_else(|_| decimal::price(execution.price, Price::ZERO));
    let price = match price {
        Ok(price) => price,
        Err(_) if qty == 0 => Price::ZERO,
        Err(why) => return Err(format!("price {}: {why:?}", execution.price)),
    };
    Ok(Execution {
        id: execution.execution_id.clone(),
        order_id: execution.order_id,
        client_id: execution.client_id,
        perm_id: execution.perm_id,
        instrument,
        side: match execution.side {
            ExecutionSide::Bought => Side::Buy,
            ExecutionSide::Sold => Side::Sell,
        },
        qty,
        price,
        at: time_of(&execution.time),
        reference: execution.order_reference.clone(),
        maker: match execution.last_liquidity {
            Liquidity::AddedLiquidity => Some(true),
            Liquidity::RemovedLiquidity => Some(false),
            _ => None,
        },
    })
}

/// A fee; one that is unset is none yet.
pub(super) fn fee_of(report: &CommissionReport) -> Answer<Fee> {
    Ok(Fee {
        exec: report.execution_id.clone(),
        amount: decimal::money(report.commission).map_err(|why| unusable("a fee", why))?,
        currency: report.currency.clone(),
    })
}

/// A position. The broker's average of a future is its price times the multiplier.
pub(super) fn held_of(position: &Position, instrument: Option<InstrumentId>) -> Answer<Held> {
    let (qty, fraction) =
        decimal::position(position.position).map_err(|why| unusable("a position", why))?;
    let average = decimal::average(position.average_cost).unwrap_or(Price::ZERO);
    let multiplier = match position.contract.multiplier.as_str() {
        "" => 1,
        text => text.parse::<i64>().ok().filter(|m| *m > 0).unwrap_or(1),
    };
    Ok(Held {
        instrument,
        con_id: position.contract.contract_id,
        symbol: position.contract.symbol.0.clone(),
        qty,
        fraction,
        average: Price(average.0 / multiplier),
    })
}

/// An account value that we use; none for one that is unset.
pub(super) fn value_of(summary: &AccountSummary) -> Option<Value> {
    let field = match summary.tag.as_str() {
        "NetLiquidation" => AccountField::Equity,
        "TotalCashValue" => AccountField::Cash,
        "AvailableFunds" => AccountField::Available,
        "BuyingPower" => AccountField::BuyingPower,
        _ => return None,
    };
    let value = decimal::text(&summary.value).ok()?;
    let currency = summary.currency.clone();
    Some(Value {
        field,
        value,
        currency,
    })
}

/// A row of what the account has of one currency; others are left alone.
pub(super) fn ledger_of(summary: &AccountSummary, ledgers: &mut Vec<Ledger>) {
    let is_rate = match summary.tag.as_str() {
        "ExchangeRate" => true,
        "CashBalance" => false,
        _ => return,
    };
    let Ok(value) = decimal::text(&summary.value) else {
        return;
    };
    let same = |one: &Ledger| one.currency == summary.currency;
    let at = ledgers.iter().position(same).unwrap_or_else(|| {
        ledgers.push(Ledger {
            currency: summary.currency.clone(),
            ..Ledger::default()
        });
        ledgers.len() - 1
    });
    let place = if is_rate {
        &mut ledgers[at].rate
    } else {
        &mut ledgers[at].cash
    };
    *place = Some(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_zone_and_written_in_utc() {
        let utc = Nanos(1_795_188_600_000_000_000);
        assert_eq!(time_of("20261120-15:30:00"), utc);
        assert_eq!(time_of("20261120 10:30:00 US/Eastern"), utc);
        assert_eq!(time_of("20261120  10:30:00 America/New_York"), utc);
        for bad in [
            "",
            "20261120",
            "20261120 10:30:00",
            "20261120 10:30:00 Mars/Base",
            "x-y",
        ] {
            assert_eq!(time_of(bad), Nanos::ZERO, "{bad}");
        }
        assert_eq!(utc_text(utc), "20261120-15:30:00");
        assert_eq!(utc_text(Nanos(utc.0 + 1)), "20261120-15:30:01");
    }

    #[test]
    fn an_order_for_the_wire_says_all_and_no_more() {
        let wish = Wish {
            order_id: 5,
            parent_id: 4,
            instrument: InstrumentId(1),
            side: Side::Sell,
            qty: 100,
            order_type: OrderType::Stop,
            limit: Price::ZERO,
            trigger: Price(99_500_000_000),
            tif: TimeInForce::Day,
            expire: Nanos::ZERO,
            group: "g".to_owned(),
            reference: "sp1.1.2".to_owned(),
            transmit: true,
        };
        let stock = contract_of(&Contract::default());
        let order = order_of(&wish, &stock, "DU1");
        assert_eq!(
            (order.order_type.as_str(), order.limit_price),
            ("STP", None)
        );
        assert_eq!(
            order.aux_price.map(|p| decimal::price(p, Price::ZERO)),
            Some(Ok(wish.trigger))
        );
        assert_eq!((order.parent_id, order.transmit), (4, true));
        assert_eq!(
            (order.oca_type, order.account.as_str()),
            (OcaType::ReduceWithBlock, "DU1")
        );
        let entry = Wish {
            order_type: OrderType::Limit,
            limit: Price(100_000_000_000),
            tif: TimeInForce::GoodTillDate,
            expire: Nanos(1_795_188_600_000_000_000),
            group: String::new(),
            ..wish.clone()
        };
        let order = order_of(&entry, &stock, "DU1");
        assert_eq!((order.order_type.as_str(), order.aux_price), ("LMT", None));
        assert_eq!(order.good_till_date, "20261120-15:30:00");
        assert_eq!(order.oca_type, OcaType::None);
        let future = contract_of(&Contract {
            future: true,
            ..Contract::default()
        });
        for wish in [&wish, &entry] {
            assert!(order_of(wish, &future, "DU1").outside_rth);
            assert!(!order_of(wish, &stock, "DU1").outside_rth);
        }
    }
}
