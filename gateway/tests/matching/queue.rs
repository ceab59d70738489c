//! Where our order stands in the queue, against a naive twin: a plain list of the level's orders.

use crate::desk::Desk;
use proptest::prelude::*;
use stream::Side;

/// Orders of one price in a plain list, ours among them: `None` is ours.
#[derive(Default)]
struct Twin {
    queue: Vec<(Option<u64>, u32)>,
    filled: u32,
}

impl Twin {
    fn ours(&mut self) -> Option<usize> {
        self.queue.iter().position(|(id, _)| id.is_none())
    }

    fn fill(&mut self, qty: u32) {
        if let Some(at) = self.ours() {
            let take = qty.min(self.queue[at].1);
            self.filled += take;
            self.queue[at].1 -= take;
            if self.queue[at].1 == 0 {
                self.queue.remove(at);
            }
        }
    }

    fn take_off(&mut self, id: u64, qty: u32) {
        let at = self
            .queue
            .iter()
            .position(|(other, _)| *other == Some(id))
            .expect("lives");
        self.queue[at].1 -= qty;
        if self.queue[at].1 == 0 {
            self.queue.remove(at);
        }
    }

    /// A recorded trade of a named order: if we stood before it, it was ours.
    fn trade(&mut self, id: u64, qty: u32) {
        let theirs = self
            .queue
            .iter()
            .position(|(other, _)| *other == Some(id))
            .expect("lives");
        let first = self.ours().is_some_and(|ours| ours < theirs);
        self.take_off(id, qty);
        if first {
            self.fill(qty);
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Add(u32),
    Cancel(usize, u32),
    /// The first recorded order of the level trades.
    Trade(u32),
    /// An order one tick below trades: the market went through the level.
    Through,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1u32..50).prop_map(Event::Add),
        3 => (any::<usize>(), 1u32..50).prop_map(|(which, qty)| Event::Cancel(which, qty)),
        4 => (1u32..60).prop_map(Event::Trade),
        1 => Just(Event::Through),
    ]
}

/// The recorded order below our price.
const BELOW: u64 = 2;

/// Lets the event happen to both; `next` is the newest order's id.
fn play(desk: &mut Desk, twin: &mut Twin, next: &mut u64, event: &Event) {
    let theirs: Vec<_> = twin
        .queue
        .iter()
        .filter_map(|(id, qty)| Some(((*id)?, *qty)))
        .collect();
    match *event {
        Event::Add(qty) => {
            *next += 1;
            desk.add(*next, Side::Buy, 9_999, qty);
            twin.queue.push((Some(*next), qty));
        }
        Event::Cancel(which, qty) if !theirs.is_empty() => {
            let (id, left) = theirs[which % theirs.len()];
            let qty = qty.min(left);
            if qty == left {
                desk.delete(id);
            } else {
                desk.reduce(id, qty);
            }
            twin.take_off(id, qty);
        }
        Event::Trade(qty) if !theirs.is_empty() => {
            let (id, left) = theirs[0];
            desk.execute(id, qty.min(left));
            twin.trade(id, qty.min(left));
        }
        Event::Through if theirs.is_empty() => {
            desk.execute(BELOW, 1);
            twin.fill(u32::MAX);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// By order, our place in the queue is exact: the fills are those of a plain list.
    #[test]
    fn queue_positions_are_those_of_a_plain_list(
        before in prop::collection::vec(event(), 0..20),
        own in 1u32..80,
        after in prop::collection::vec(event(), 0..60),
    ) {
        let mut desk = Desk::new(|_| {});
        desk.add(1, Side::Sell, 10_005, 1_000);
        // Without it an emptied level would let the book's best fall through ours.
        desk.add(BELOW, Side::Buy, 9_998, 1_000_000);
        let mut twin = Twin::default();
        let mut next = 10;
        let mut rested = false;
        for (n, event) in before.iter().chain(&after).enumerate() {
            if n == before.len() {
                desk.limit(Side::Buy, 9_999, own);
                twin.queue.push((None, own));
                rested = true;
            }
            play(&mut desk, &mut twin, &mut next, event);
            desk.settle();
            let filled = i64::from(twin.filled);
            prop_assert_eq!(desk.position(), filled, "{:?} rested {}", event, rested);
        }
    }
}
