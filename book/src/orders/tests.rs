//! The table by itself.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const ONE: InstrumentId = InstrumentId(1);

fn order(id: u64, qty: u32) -> Order {
    Order {
        id,
        price: Price(1),
        priority: id + 1,
        qty,
        instrument: ONE,
        side: Side::Buy,
    }
}

fn put(orders: &mut Orders, order: &Order, dead: impl Fn(&Order) -> bool) -> bool {
    let admitted = orders.admit(dead);
    if admitted {
        orders.insert(order);
    }
    admitted
}

fn find(orders: &Orders, instrument: InstrumentId, id: u64) -> Option<usize> {
    orders.look(instrument, id, 0).map(|(slot, _)| slot)
}

#[test]
fn an_entry_holds_its_order_within_one_cache_line() {
    let mut orders = Orders::new(4);
    let extreme = Order {
        id: u64::MAX,
        price: Price(i64::MAX - 1),
        priority: u64::MAX,
        qty: u32::MAX,
        instrument: InstrumentId(u16::MAX - 1),
        side: Side::Sell,
    };
    assert!(put(&mut orders, &extreme, |_| false));
    let slot = find(&orders, extreme.instrument, extreme.id).unwrap();
    assert_eq!(orders.get(slot), extreme);
    assert!((orders.entry(slot).as_ptr() as usize).is_multiple_of(32));
    entry::set_qty(orders.entry_mut(slot), 1);
    assert_eq!(orders.get(slot), Order { qty: 1, ..extreme });
}

#[test]
fn it_refuses_the_order_beyond_its_size_and_takes_one_again_after_a_removal() {
    for orders_max in [3, 700, 5_000] {
        let mut orders = Orders::new(orders_max);
        let last = orders_max as u64;
        for id in 0..last {
            assert!(put(&mut orders, &order(id, 1), |_| false));
        }
        assert!(!put(&mut orders, &order(last, 1), |_| false));
        orders.remove(find(&orders, ONE, 1).unwrap());
        assert!(put(&mut orders, &order(last, 1), |_| false));
        assert_eq!(find(&orders, ONE, 1), None);
        assert_eq!(find(&orders, InstrumentId(2), 2), None);
        assert!((2..=last).all(|id| find(&orders, ONE, id).is_some()));
    }
}

#[test]
fn a_full_table_sweeps_its_dead_before_it_refuses() {
    let mut orders = Orders::new(64);
    let even = |dead: &Order| dead.id.is_multiple_of(2);
    for id in 0..64 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
    }
    assert!(
        !put(&mut orders, &order(64, 1), even),
        "none was said to die"
    );
    orders.some_died();
    for id in 0..32 {
        assert!(put(&mut orders, &order(101 + 2 * id, 1), even));
    }
    assert!(!put(&mut orders, &order(201, 1), even));
    assert!((0..64).all(|id| find(&orders, ONE, id).is_some() != even(&order(id, 1))));
}

#[test]
fn the_sweep_finishes_within_a_quarter_of_the_slots_insertions() {
    let mut orders = Orders::new(1_000);
    // Far apart, so that all but two leave the nursery of 1,024.
    let id = |number: u64| number << 9;
    for number in 0..200 {
        put(&mut orders, &order(id(number), 1), |_| false);
    }
    assert_eq!((orders.nursery.size, orders.aged), (SIZE_MIN, 198));
    orders.some_died();
    for number in 200..712 {
        put(&mut orders, &order(id(number), 1), |dead| dead.id < id(200));
    }
    assert_eq!((orders.used(), orders.sweep_left), (512, 0));
}

#[test]
fn who_stands_in_a_newcomers_place_moves_on_and_is_found_there() {
    let mut orders = Orders::new(100_000);
    let size = orders.nursery.size as u64;
    for id in [5, 5 + size, 5 + 2 * size] {
        assert!(put(&mut orders, &order(id, 7), |_| false));
    }
    assert_eq!((orders.used(), orders.aged), (3, 2));
    assert!(find(&orders, ONE, 5 + 2 * size).unwrap() >= orders.nursery.first);
    assert!(find(&orders, ONE, 5).unwrap() < orders.nursery.first);
    orders.remove(find(&orders, ONE, 5).unwrap());
    orders.remove(find(&orders, ONE, 5 + 2 * size).unwrap());
    assert_eq!((orders.used(), orders.aged), (1, 1));
    assert_eq!(orders.iter().map(|order| order.id).next(), Some(5 + size));
}

#[test]
fn it_grows_without_losing_anyone_and_no_further_than_it_must() {
    let mut orders = Orders::new(100_000);
    for id in 0..100_000u64 {
        assert!(put(&mut orders, &order(id * 7, 1), |_| false));
        if id >= 300 {
            // Three hundred live at a time: the smallest region does.
            let oldest = find(&orders, ONE, (id - 300) * 7).expect("it lives");
            orders.remove(oldest);
        }
    }
    assert_eq!((orders.used(), orders.region.size), (300, REGION_MIN));
    for id in 700_000..750_000u64 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
        let some = id - (id - 700_000) / 2;
        assert!(find(&orders, ONE, some).is_some(), "{some} of {id}");
    }
    assert_eq!(orders.iter().count(), orders.used());
    assert!(orders.region.size >= 2 * orders.aged);
}

#[test]
fn a_crowded_nursery_doubles_and_loses_nobody() {
    let mut orders = Orders::new(100_000);
    for id in 0..80_000 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
        let young = orders.used() - orders.aged;
        // While it grows others come.
        let most = orders.nursery.size / 2 + orders.nursery.size / PART_SLOTS;
        assert!(young <= most + 1, "{young} of {:?}", orders.nursery);
    }
    assert!(orders.nursery.is_spread() && orders.nursery.size == 2 << 16);
    assert!((0..80_000).all(|id| find(&orders, ONE, id).is_some()));
    assert_eq!((orders.iter().count(), orders.aged), (80_000, 0));
}

/// Large pages are for large markets: of few orders none stands where they are asked for.
#[test]
fn few_orders_stand_beside_the_memory_of_many() {
    let mut orders = Orders::new(200_000);
    let (first, parts) = (orders.memory_first(), orders.memory());
    let is_inside = |place: &Entry| {
        let address = core::ptr::from_ref(place) as usize;
        let is_in =
            |parts: &[core::ops::Range<usize>]| parts.iter().any(|at| at.contains(&address));
        assert!(is_in(&parts) != is_in(&first), "in one of both");
        is_in(&parts)
    };
    let taken = |orders: &Orders| {
        let entries = orders.entries().iter().filter(|entry| !is_free(entry));
        entries.filter(|place| is_inside(place)).count()
    };
    for id in 0..8_000 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
    }
    assert_eq!(taken(&orders), 0);
    for id in 8_000..150_000 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
    }
    assert!(taken(&orders) > 100_000);
    assert_eq!(orders.memory(), parts);
}

#[test]
fn ids_chosen_to_meet_are_found_in_no_more_memory_than_was_reserved() {
    let mut orders = Orders::new(60_000);
    let memory = orders.memory();
    // All of one slot, and as many again beside each other.
    let ids = || (0..30_000).map(|id| id << 40).chain(1..30_001);
    for id in ids() {
        assert!(put(&mut orders, &order(id, 1), |_| false));
    }
    assert!(!put(&mut orders, &order(7 << 30, 1), |_| false));
    assert!(ids().all(|id| find(&orders, ONE, id).is_some()));
    assert_eq!((orders.used(), orders.memory()), (60_000, memory));
    assert!(orders.aged >= 29_999);
}

#[test]
fn who_was_apart_by_instrument_is_found_when_ids_are_taken_as_they_are() {
    let mut orders = Orders::new(100_000);
    let of = |id: u64| {
        let instrument = InstrumentId(1 + (id % 3) as u16);
        // The same ids for all three, so that two of them must go.
        let id = id / 3;
        Order {
            instrument,
            ..order(id, 1)
        }
    };
    for id in 0..60_000 {
        assert!(put(&mut orders, &of(id), |_| false));
    }
    assert!(orders.nursery.is_spread());
    for id in (0..60_000).map(of) {
        let (slot, found) = orders.look(id.instrument, id.id, 0).expect("it lives");
        assert_eq!(found, id);
        if id.id % 2 == 0 {
            orders.remove(slot);
        }
    }
    assert_eq!((orders.used(), orders.iter().count()), (30_000, 30_000));
}

#[test]
fn the_dead_of_a_nursery_that_grows_are_swept() {
    let mut orders = Orders::new(100_000);
    for id in 0..20_000 {
        assert!(put(&mut orders, &order(id, 1), |_| false));
    }
    assert!(orders.nursery.is_growing());
    orders.some_died();
    for id in 20_000..80_000 {
        assert!(put(&mut orders, &order(id, 1), |order| order.id < 20_000));
        if id >= 20_100 {
            orders.remove(find(&orders, ONE, id - 100).expect("it lives"));
        }
    }
    assert_eq!((orders.used(), orders.sweep_left), (100, 0));
}

proptest! {
    #[test]
    fn it_is_a_map(
        steps in prop::collection::vec((0u64..40, 1u32..9, any::<bool>()), 1..400),
        crowd in 470u64..520,
    ) {
        let limit = 800;
        let mut orders = Orders::new(limit);
        let mut twin = BTreeMap::new();
        // A crowd at the edge of the first region: few fit into the nursery beside each other.
        for id in (0..crowd).map(|number| number << 9) {
            put(&mut orders, &order(id, 1), |_| false);
            twin.insert(id, 1);
        }
        for (id, qty, add) in steps {
            // Ids that share their homes, to make clusters that wrap around the end.
            let id = (id << 58) | (id % 3) | 1 << 20;
            match find(&orders, ONE, id) {
                Some(slot) if !add => {
                    orders.remove(slot);
                    prop_assert!(twin.remove(&id).is_some());
                }
                None if add => {
                    let taken = put(&mut orders, &order(id, qty), |_| false);
                    prop_assert_eq!(taken, twin.len() < limit);
                    if taken {
                        twin.insert(id, qty);
                    }
                }
                _ => {}
            }
            prop_assert_eq!(orders.used(), twin.len());
        }
        for (&id, &qty) in &twin {
            let slot = find(&orders, ONE, id);
            prop_assert_eq!(slot.map(|slot| orders.get(slot).qty), Some(qty));
        }
        prop_assert_eq!(orders.iter().count(), twin.len());
    }
}
