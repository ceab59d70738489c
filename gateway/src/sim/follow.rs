//! How an order follows what happens in the book, between the moments at which it is matched.

use super::order::Order;
use book::Effect;
use stream::{Price, Side};

/// A stop watches the prints.
pub(crate) fn trip(order: &mut Order, effect: Effect) {
    if let Effect::Traded {
        price,
        printed: true,
        ..
    } = effect
    {
        order.tripped |= (price.0 - order.trigger.0) * order.side.sign() >= 0;
    }
}

/// A resting order watches its queue. `named`: the print belongs to a trade of a named order that
/// was followed already. `given`: what this effect's volume has given to our earlier orders.
pub(crate) fn follow_queue(
    order: &mut Order,
    effect: Effect,
    revealed: bool,
    named: bool,
    given: &mut u64,
) {
    let (own, limit) = (order.side, order.limit);
    let here = |side: Side, price: Price| side == own && price == limit;
    let queue = &mut order.queue;
    let mut reached = 0;
    match effect {
        Effect::Added {
            side, price, qty, ..
        } if here(side, price) => queue.added(qty),
        Effect::Reduced {
            side,
            price,
            qty,
            priority,
            traded,
        } if here(side, price) => {
            if traded {
                reached = queue.traded_by_order(qty, priority);
            } else {
                queue.cancelled(qty, priority);
            }
        }
        Effect::Level {
            side,
            price,
            old,
            new,
        } if here(side, price) => {
            queue.leveled(old, new, revealed);
        }
        Effect::Traded {
            price,
            qty,
            resting,
            printed: true,
        } if resting != own.opposite() => {
            queue.through |= (limit.0 - price.0) * own.sign() > 0;
            if price == limit && !named {
                reached = queue.printed(qty);
            }
        }
        Effect::Reset => queue.lost = true,
        _ => {}
    }
    let ours = reached.saturating_sub(*given);
    queue.hits += ours;
    *given += ours;
}
