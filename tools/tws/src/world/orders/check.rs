//! What the broker checks before the exchange sees an order.

use super::trail::Trail;
use super::{Stage, Ticket, exact};
use crate::model::{Contract, Decimal, Order};
use crate::world::World;
use crate::world::catalog::{Item, Missing};
use crate::world::stamp;
use stream::payload::{OrderType, TimeInForce};
use stream::{FrameId, Money, Nanos, Price, Qty, Side};

/// Code and text of a refusal.
pub(super) type Refusal = (i32, String);

fn refuse<T>(code: i32, text: &str) -> Result<T, Refusal> {
    Err((code, text.to_owned()))
}

/// A rejection with its reason.
pub(super) fn rejected(reason: &str) -> Refusal {
    (201, format!("Order rejected - reason:{reason}"))
}

/// The side of an action.
pub(super) fn side_of(action: &str) -> Option<Side> {
    match action {
        "BUY" => Some(Side::Buy),
        "SELL" | "SSHORT" => Some(Side::Sell),
        _ => None,
    }
}

/// The largest order, in shares or contracts: what it costs and what it is worth have room.
pub(in crate::world) const SIZE_MAX: u32 = 100_000_000;

fn too_large<T>() -> Result<T, Refusal> {
    refuse(2_147, "The size value you entered exceeds the maximum")
}

/// A whole quantity.
pub(super) fn quantity(order: &Order) -> Result<u32, Refusal> {
    if order.quantity <= Decimal::ZERO {
        return refuse(434, "The order size cannot be zero.");
    }
    if order.quantity.fract() != Decimal::ZERO {
        return refuse(10_243, "Fractional-sized order cannot be placed via API.");
    }
    match u32::try_from(order.quantity) {
        Ok(qty) if qty <= SIZE_MAX => Ok(qty),
        _ => too_large(),
    }
}

/// The exchange's sort of order.
fn kind_of(order: &Order) -> Result<OrderType, Refusal> {
    Ok(match order.order_type.as_str() {
        "LMT" => OrderType::Limit,
        "MKT" => OrderType::Market,
        "STP" | "TRAIL" => OrderType::Stop,
        "STP LMT" | "TRAIL LIMIT" => OrderType::StopLimit,
        _ => {
            let text = "Unsupported order type for this exchange and security type.";
            return refuse(387, text);
        }
    })
}

/// How long it lives.
pub(super) fn tif_of(order: &Order) -> Option<TimeInForce> {
    Some(match order.tif.as_str() {
        "" | "DAY" => TimeInForce::Day,
        "GTC" => TimeInForce::GoodTillCancelled,
        "IOC" => TimeInForce::ImmediateOrCancel,
        "GTD" => TimeInForce::GoodTillDate,
        "FOK" => TimeInForce::FillOrKill,
        _ => return None,
    })
}

/// When a good-till-date order ends; zero for others.
pub(super) fn expiry_of(order: &Order) -> Option<Nanos> {
    if order.tif == "GTD" {
        stamp::parse(&order.good_till)
    } else {
        Some(Nanos::ZERO)
    }
}

/// Limit and trigger on the grid; zero where the order has none.
pub(super) fn prices(kind: OrderType, order: &Order, tick: Price) -> Result<[Price; 2], Refusal> {
    let grid = "The price does not conform to the minimum price variation for this contract.";
    let on_grid = |value: Option<f64>, what: &str| {
        let Some(price) = value.and_then(exact) else {
            let text = format!("Error validating request.-'bF' : cause - Missing {what} price");
            return Err((321, text));
        };
        if price.is_on(tick) {
            Ok(price)
        } else {
            refuse(110, grid)
        }
    };
    let limit = match kind {
        OrderType::Limit | OrderType::StopLimit => on_grid(order.limit, "limit")?,
        OrderType::Stop | OrderType::Market => Price::ZERO,
    };
    let trigger = match kind {
        OrderType::Stop | OrderType::StopLimit => on_grid(order.aux, "stop")?,
        OrderType::Limit | OrderType::Market => Price::ZERO,
    };
    Ok([limit, trigger])
}

/// What the server does not do is refused and said.
fn unserved(order: &Order, contract: &Contract) -> Result<(), Refusal> {
    if !order.algo.is_empty() {
        return refuse(442, "Specified algorithm is not recognized.");
    }
    if !contract.combo_legs.is_empty() {
        return refuse(312, "The combo details are invalid.");
    }
    let reason = if tif_of(order).is_none() {
        "The time-in-force is invalid for this order."
    } else if !order.good_after.is_empty() {
        "Good-after-time orders are not simulated."
    } else if order.all_or_none || order.min_qty.is_some_and(|least| least > 1) {
        "All-or-none and minimum quantity are not simulated."
    } else if order.cash_qty.is_some_and(|cash| cash > 0.0) {
        "Cash quantity is not simulated."
    } else {
        return Ok(());
    };
    Err(rejected(reason))
}

impl World {
    /// The thing that an order is about.
    pub(super) fn ordered_item(&self, contract: &Contract) -> Result<&Item, Refusal> {
        self.catalog.resolve(contract).map_err(|missing| {
            let text = match missing {
                Missing::Unknown => {
                    "No security definition has been found for the request".to_owned()
                }
                Missing::Ambiguous => format!(
                    "The contract description specified for {} is ambiguous.",
                    contract.symbol
                ),
            };
            (200, text)
        })
    }

    /// A new order as the broker would keep it.
    pub(in crate::world) fn draft_ticket(
        &self,
        client: i32,
        id: i32,
        contract: &Contract,
        order: &Order,
    ) -> Result<Ticket, Refusal> {
        let item = self.ordered_item(contract)?;
        unserved(order, contract)?;
        let Some(side) = side_of(&order.action) else {
            let text = "Error validating request.-'bF' : cause - Invalid side";
            return refuse(321, text);
        };
        if !order.account.is_empty() && order.account != self.account {
            return refuse(436, "You must specify an allocation.");
        }
        let qty = quantity(order)?;
        let kind = kind_of(order)?;
        let mut order = order.clone();
        let trail = self.trail_of(item, side, &mut order)?;
        let known = prices(kind, &order, item.tick)?;
        self.worth(item, qty, known)?;
        let [limit, _] = known;
        if expiry_of(&order).is_none() {
            return refuse(
                391,
                "Invalid time format. Use yyyymmdd hh:mm:ss with a zone.",
            );
        }
        if kind == OrderType::Limit {
            self.through(item, side, limit)?;
        }
        let parent = self.parent_of(client, item, &order)?;
        order.order_id = id;
        order.client_id = client;
        order.account.clone_from(&self.account);
        if order.tif.is_empty() {
            "DAY".clone_into(&mut order.tif);
        }
        let mut full = item.contract.clone();
        if !contract.exchange.is_empty() {
            full.exchange.clone_from(&contract.exchange);
        }
        Ok(Ticket {
            client,
            id,
            perm_id: 0,
            contract: full,
            order,
            instrument: item.id,
            side,
            kind,
            parent,
            leg: FrameId::NONE,
            stage: Stage::Kept,
            qty,
            filled: 0,
            remaining: qty,
            withheld: 0,
            value: 0,
            last_price: Price::ZERO,
            trail,
            cancelling: false,
            told: false,
            ended: Nanos::ZERO,
            why: String::new(),
        })
    }

    fn trail_of(
        &self,
        item: &Item,
        side: Side,
        order: &mut Order,
    ) -> Result<Option<Trail>, Refusal> {
        if !order.order_type.starts_with("TRAIL") {
            return Ok(None);
        }
        let best = self
            .exchange
            .edge()
            .books()
            .book(item.id)
            .best(side.opposite());
        let Some(trail) = Trail::of(order, side, item.tick, best.map(|best| best.0)) else {
            let text = "Error validating request.-'bF' : cause - Missing or invalid trailing \
                        amount, stop price or limit offset";
            return refuse(321, text);
        };
        Ok(Some(trail))
    }

    /// What an order is worth must be an amount of money, at the dearest price in sight and at
    /// twice that too: the market moves on before it fills.
    pub(super) fn worth(&self, item: &Item, qty: u32, known: [Price; 2]) -> Result<(), Refusal> {
        let edge = self.exchange.edge();
        let book = edge.books().book(item.id);
        let best = [Side::Buy, Side::Sell].map(|side| book.best(side).map(|best| best.0));
        let seen = best.into_iter().flatten().chain([edge.mark(item.id)]);
        let dearest = seen.chain(known).max().unwrap_or_default();
        let worth = dearest.checked_value(Qty(i64::from(qty)), item.multiplier);
        match worth {
            Some(worth) if worth <= Money(Money::MAX.0 / 2) => Ok(()),
            _ => too_large(),
        }
    }

    /// A limit far through the market is refused.
    fn through(&self, item: &Item, side: Side, limit: Price) -> Result<(), Refusal> {
        let most = i128::from(self.limits.through_percent);
        let best = self
            .exchange
            .edge()
            .books()
            .book(item.id)
            .best(side.opposite());
        let Some((best, _)) = best.filter(|_| most > 0) else {
            return Ok(());
        };
        let over = i128::from((limit.0 - best.0) * side.sign());
        if over * 100 > i128::from(best.0) * most {
            let reason = format!(
                "We cannot accept an order at the limit price you selected. Please submit your \
                 order using a limit price that is closer to the current market price of {best}."
            );
            return Err(rejected(&reason));
        }
        Ok(())
    }

    fn parent_of(&self, client: i32, item: &Item, order: &Order) -> Result<Option<usize>, Refusal> {
        if order.parent_id == 0 {
            return Ok(None);
        }
        let Some(parent) = self.orders.find(client, order.parent_id) else {
            return Err((
                135,
                format!("Can't find order with id ={}", order.parent_id),
            ));
        };
        if self.orders.tickets[parent].instrument != item.id {
            return Err(rejected(
                "Attached orders on another contract are not simulated.",
            ));
        }
        Ok(Some(parent))
    }

    /// At most so many orders of one contract and side work at a time.
    pub(super) fn has_room(&self, ticket: &Ticket) -> bool {
        let same = |index: &usize| {
            let other = &self.orders.tickets[*index];
            other.instrument == ticket.instrument && other.side == ticket.side
        };
        self.orders.live().filter(same).count() < self.limits.orders_per_side
    }
}
