//! Orders as clients place them: the longest message of all. Fields that the server neither acts
//! on nor gives back are read past, in blocks.

use super::Outcome;
use super::contract::{contract, legs, skip_delta_neutral};
use crate::model::{Order, Request};
use crate::text::NO_PROFILES;
use crate::text::fields::Fields;

/// From here on there is how long an order lives, in seconds.
const DURATION: i32 = 158;
/// From here on there is whether an order goes to an alternative venue.
const POST_TO_ATS: i32 = 160;
/// From here on an order may cancel its parent.
const CANCELS_PARENT: i32 = 162;

/// 3.
pub fn place(version: i32, f: &mut Fields<'_>) -> Outcome<Request> {
    let order_id = f.req()?;
    let mut contract = contract(f)?;
    contract.sec_id_type = f.string("id type")?;
    contract.sec_id = f.string("id")?;
    let mut order = Order {
        order_id,
        ..Order::default()
    };
    head(f, &mut order)?;
    legs(f, &mut contract, 4)?;
    if contract.sec_type == "BAG" {
        let prices = f.count("prices of legs")?;
        f.skip(prices, "price of a leg")?;
        let routing = f.count("routing")?;
        f.skip(2 * routing, "routing")?;
    }
    middle(version, f, &mut order)?;
    volatility_and_scale(f, &mut order)?;
    skip_delta_neutral(f)?;
    algorithm(f, &mut order)?;
    tail(version, f, &mut order)?;
    Ok(Request::PlaceOrder {
        order_id,
        contract,
        order: Box::new(order),
    })
}

fn head(f: &mut Fields<'_>, order: &mut Order) -> Outcome<()> {
    order.action = f.string("action")?;
    order.quantity = f.size("total quantity")?;
    order.order_type = f.string("order type")?;
    order.limit = f.unset_double("limit price")?;
    order.aux = f.unset_double("aux price")?;
    order.tif = f.string("time in force")?;
    order.oca_group = f.string("oca group")?;
    order.account = f.string("account")?;
    f.skip(2, "open or close, origin")?;
    order.order_ref = f.string("order ref")?;
    order.transmit = f.flag("transmit")?;
    order.parent_id = f.int("parent id")?;
    f.skip(2, "block order, sweep to fill")?;
    order.display_size = f.int("display size")?;
    order.trigger_method = f.int("trigger method")?;
    order.outside_rth = f.flag("outside regular hours")?;
    order.hidden = f.flag("hidden")?;
    Ok(())
}

fn middle(version: i32, f: &mut Fields<'_>, order: &mut Order) -> Outcome<()> {
    f.skip(2, "shares allocation, discretionary amount")?;
    order.good_after = f.string("good after time")?;
    order.good_till = f.string("good till date")?;
    f.skip(3, "adviser's group, method, percentage")?;
    if version < NO_PROFILES {
        f.skip(1, "adviser's profile")?;
    }
    order.model_code = f.string("model")?;
    f.skip(3, "short sale slot, location, exemption")?;
    order.oca_type = f.int("oca type")?;
    f.skip(2, "rule 80A, settling firm")?;
    order.all_or_none = f.flag("all or none")?;
    order.min_qty = f.unset_int("least quantity")?;
    f.skip(11, "percent offset to override of constraints")?;
    Ok(())
}

fn volatility_and_scale(f: &mut Fields<'_>, order: &mut Order) -> Outcome<()> {
    f.skip(2, "volatility")?;
    let delta_neutral = !f.text("delta neutral order type")?.is_empty();
    f.skip(1, "delta neutral aux price")?;
    if delta_neutral {
        f.skip(8, "delta neutral")?;
    }
    f.skip(2, "continuous update, reference price")?;
    order.trail_stop = f.unset_double("trail stop price")?;
    order.trailing_percent = f.unset_double("trailing percent")?;
    f.skip(2, "scale level sizes")?;
    let increment = f.unset_double("scale price increment")?;
    if increment.is_some_and(|increment| increment > 0.0) {
        f.skip(7, "scale")?;
    }
    f.skip(3, "scale table, active from and to")?;
    if !f.text("hedge type")?.is_empty() {
        f.skip(1, "hedge parameter")?;
    }
    f.skip(4, "routing, clearing, not held")?;
    Ok(())
}

fn algorithm(f: &mut Fields<'_>, order: &mut Order) -> Outcome<()> {
    order.algo = f.string("algorithm")?;
    if !order.algo.is_empty() {
        let parameters = f.count("algorithm's parameters")?;
        f.skip(2 * parameters, "algorithm's parameter")?;
    }
    f.skip(1, "algorithm's id")?;
    Ok(())
}

fn tail(version: i32, f: &mut Fields<'_>, order: &mut Order) -> Outcome<()> {
    order.what_if = f.flag("what if")?;
    f.skip(4, "options, solicited, random size and price")?;
    if matches!(order.order_type.as_str(), "PEG BENCH" | "PEGBENCH") {
        f.skip(5, "benchmark")?;
    }
    order.conditions = conditions(f)?;
    f.skip(2, "adjusted order type, trigger price")?;
    order.limit_offset = f.unset_double("limit price offset")?;
    f.skip(7, "adjusted prices, operator, soft dollars")?;
    order.cash_qty = f.unset_double("cash quantity")?;
    f.skip(8, "decision maker to price management")?;
    if version >= DURATION {
        f.skip(1, "duration")?;
    }
    if version >= POST_TO_ATS {
        f.skip(1, "post to ats")?;
    }
    if version >= CANCELS_PARENT {
        order.auto_cancel_parent = f.flag("cancels its parent")?;
    }
    Ok(())
}

/// How many conditions an order has; they are read past by the shape of each type.
fn conditions(f: &mut Fields<'_>) -> Outcome<i32> {
    let count = f.count("conditions")?;
    for _ in 0..count {
        let beyond = match f.int("type of condition")? {
            1 => 6,
            3 => 3,
            4 => 3,
            5 => 4,
            6 | 7 => 5,
            _ => return Err(f.wrong("type of condition", "1 or 3 to 7")),
        };
        f.skip(beyond, "condition")?;
    }
    if count > 0 {
        f.skip(2, "conditions outside hours, conditions cancel")?;
    }
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}
