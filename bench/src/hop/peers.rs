//! What a hop is measured with: ours, its floor, and other people's.

use super::ours;
use super::task::{Outcome, Task};
#[cfg(feature = "peers")]
use super::{disruptor, queues, rings};

/// What something is measured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ours.
    Ours,
    /// No ring that could be used, but what bounds them.
    Floor,
    /// rtrb, on which ours is built.
    Rtrb,
    /// The Disruptor, in Rust.
    Disruptor,
    /// The Disruptor, in Java.
    Lmax,
    /// Any other.
    Other,
}

/// One way from thread to thread.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its name, with the way in which it is used.
    pub name: &'static str,
    /// What it is measured for.
    pub role: Role,
    /// Whether it is measured paced; what hands over in batches only is not.
    pub paced: bool,
    /// Whether it is measured saturated.
    pub saturated: bool,
    /// Whether it can be measured there and back: not what reads on a thread of its own, which
    /// would be three threads on two cores.
    pub and_back: bool,
    /// One run of it.
    pub hop: fn(&Task<'_>) -> Outcome,
}

const fn peer(name: &'static str, role: Role, hop: fn(&Task<'_>) -> Outcome) -> Peer {
    Peer {
        name,
        role,
        paced: true,
        saturated: true,
        and_back: !matches!(role, Role::Disruptor | Role::Lmax),
        hop,
    }
}

/// Only saturated.
#[cfg(feature = "peers")]
const fn batches(name: &'static str, role: Role, hop: fn(&Task<'_>) -> Outcome) -> Peer {
    Peer {
        paced: false,
        and_back: false,
        ..peer(name, role, hop)
    }
}

/// All, ours first, in the order in which they take turns.
#[must_use]
pub fn all() -> Vec<Peer> {
    #[cfg_attr(
        not(feature = "peers"),
        expect(unused_mut, reason = "peers are added where they are built in")
    )]
    let mut all = vec![
        peer("lanes' ring", Role::Ours, ours::lanes),
        peer(
            "floor: number in the line",
            Role::Floor,
            ours::numbered_lines,
        ),
    ];
    #[cfg(feature = "peers")]
    all.extend([
        peer("rtrb, push and pop", Role::Rtrb, rings::rtrb_push),
        peer("rtrb, by chunks", Role::Rtrb, rings::rtrb_chunks),
        batches("rtrb, chunks of 64", Role::Rtrb, rings::rtrb_batches),
        peer("disruptor (Rust)", Role::Disruptor, disruptor::single),
        batches(
            "disruptor (Rust), 64 at once",
            Role::Disruptor,
            disruptor::batches,
        ),
        peer("ringbuf", Role::Other, rings::ringbuf_push),
        batches("ringbuf, 64 at once", Role::Other, rings::ringbuf_batches),
        peer("heapless spsc", Role::Other, rings::heapless),
        peer("crossbeam ArrayQueue", Role::Other, queues::array_queue),
        peer("crossbeam channel", Role::Other, queues::crossbeam_channel),
        peer("std sync_channel", Role::Other, queues::std_channel),
        peer("kanal", Role::Other, queues::kanal),
        peer("flume", Role::Other, queues::flume),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cores::Cores;
    use crate::hop::task::Load;
    use std::time::Duration;

    const PACED: Load = Load::Paced {
        every: 500,
        count: 300,
    };

    #[test]
    fn each_hands_over_every_message_once_and_in_order() {
        let cores = Cores::default();
        for peer in all() {
            for slots in [1_024, 65_536] {
                let paced = Task::new(&cores, slots, PACED);
                let saturated = Task::new(&cores, slots, Load::Saturated(Duration::from_millis(1)));
                if peer.paced {
                    let outcome = (peer.hop)(&paced);
                    assert_eq!(outcome.wrong, 0, "{}", peer.name);
                    assert_eq!(outcome.response.len(), 300, "{}", peer.name);
                    let (response, service) = (&outcome.response, &outcome.service);
                    assert!(response.max() >= service.max(), "{}", peer.name);
                }
                if peer.and_back {
                    let outcome = (peer.hop)(&Task::new(&cores, slots, PACED).and_back());
                    assert_eq!(outcome.wrong, 0, "{}, there and back", peer.name);
                    assert_eq!(outcome.response.len(), 300, "{}", peer.name);
                }
                if peer.saturated {
                    let outcome = (peer.hop)(&saturated);
                    assert_eq!(outcome.wrong, 0, "{}", peer.name);
                    assert!(outcome.run.count >= 1_024, "{}", peer.name);
                    assert!(outcome.response.is_empty());
                }
            }
        }
    }
}
