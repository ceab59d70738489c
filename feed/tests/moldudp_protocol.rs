//! The receiver as a state machine: no sockets, time is a number.

mod itch_support;

use feed::moldudp::{Config, Counts, Downstream, Join, Output, PacketError, Receiver, Request};
use itch_support::write::{answer, header, packet};
use proptest::prelude::*;
use std::collections::VecDeque;
use stream::Nanos;

const SESSION: [u8; 10] = *b"  20120621";

/// What came out, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Message(u64, bool),
    Lost(u64, u64),
    Behind(u64),
    Stale,
    Rebuild(u64),
    Recovered,
    Ended,
}

/// Message `n` of every session: its number and some bytes more.
fn message(n: u64) -> Vec<u8> {
    let mut bytes = n.to_be_bytes().to_vec();
    bytes.resize(8 + (n % 20) as usize, n as u8);
    bytes
}

fn messages(from: u64, to: u64) -> Vec<Vec<u8>> {
    (from..to).map(message).collect()
}

fn packet_of(from: u64, to: u64) -> Vec<u8> {
    packet(&SESSION, from, &messages(from, to))
}

fn drain(receiver: &mut Receiver) -> Vec<Out> {
    let mut all = Vec::new();
    while let Some(output) = receiver.poll() {
        all.push(match output {
            Output::Message {
                sequence,
                bytes,
                replayed,
            } => {
                assert_eq!(bytes, message(sequence), "message {sequence} is intact");
                Out::Message(sequence, replayed)
            }
            Output::Lost { from, to } => Out::Lost(from, to),
            Output::Behind { to } => Out::Behind(to),
            Output::Stale => Out::Stale,
            Output::Rebuild { to } => Out::Rebuild(to),
            Output::Recovered => Out::Recovered,
            Output::Ended => Out::Ended,
        });
    }
    all
}

/// A packet in, and what comes out of it.
fn feed(receiver: &mut Receiver, now: u64, bytes: &[u8]) -> Vec<Out> {
    receiver.on_datagram(Nanos(now), bytes).expect("a packet");
    drain(receiver)
}

/// Time passes, and what comes of it.
fn wait(receiver: &mut Receiver, now: u64) -> Vec<Out> {
    receiver.on_time(Nanos(now));
    drain(receiver)
}

fn news(from: u64, to: u64) -> Vec<Out> {
    (from..to).map(|n| Out::Message(n, false)).collect()
}

fn old(from: u64, to: u64) -> Vec<Out> {
    (from..to).map(|n| Out::Message(n, true)).collect()
}

fn requests(receiver: &mut Receiver) -> Vec<(u64, u16)> {
    let mut all = Vec::new();
    while let Some(request) = receiver.poll_request() {
        assert_eq!(request.session, SESSION);
        all.push((request.sequence, request.count));
    }
    all
}

fn config() -> Config {
    Config {
        slots: 8,
        retry: Nanos(100),
        tries: 3,
        request_max: 10,
        pace: Nanos(5),
        stale_after: Nanos(100_000),
        rebuild_every: Nanos(10_000),
        ..Config::default()
    }
}

fn receiver() -> Receiver {
    Receiver::new(config())
}

fn counts(change: impl FnOnce(&mut Counts)) -> Counts {
    let mut counts = Counts::default();
    change(&mut counts);
    counts
}

#[test]
fn messages_in_order_come_out_in_order() {
    let mut receiver = receiver();
    assert_eq!(feed(&mut receiver, 0, &header(&SESSION, 1, 0)), []);
    assert_eq!(feed(&mut receiver, 1, &packet_of(1, 4)), news(1, 4));
    assert_eq!(feed(&mut receiver, 2, &packet_of(4, 5)), news(4, 5));
    assert_eq!(feed(&mut receiver, 3, &header(&SESSION, 5, 0)), []);
    assert_eq!(feed(&mut receiver, 4, &packet_of(5, 9)), news(5, 9));
    let expected = counts(|counts| {
        counts.packets = 5;
        counts.heartbeats = 2;
        counts.messages = 8;
    });
    assert_eq!(receiver.counts(), &expected);
    assert!(requests(&mut receiver).is_empty());
}

#[test]
fn repeats_are_dropped_message_by_message() {
    let mut receiver = receiver();
    assert_eq!(feed(&mut receiver, 1, &packet_of(1, 4)), news(1, 4));
    assert_eq!(feed(&mut receiver, 2, &packet_of(1, 4)), []);
    // Packed differently: only what is new comes out.
    assert_eq!(feed(&mut receiver, 3, &packet_of(2, 7)), news(4, 7));
    assert_eq!(receiver.counts().duplicates, 1);
}

#[test]
fn a_hole_is_requested_and_filled_without_a_trace() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    assert_eq!(feed(&mut receiver, 2, &packet_of(6, 8)), []);
    assert_eq!(requests(&mut receiver), [(4, 2)]);
    assert_eq!(feed(&mut receiver, 3, &packet_of(8, 9)), []);
    assert!(requests(&mut receiver).is_empty(), "one request is enough");
    assert_eq!(feed(&mut receiver, 4, &packet_of(4, 6)), news(4, 9));
    assert!(receiver.is_sound());
    assert_eq!(receiver.deadline(), Some(Nanos(4 + 100_000)));
}

#[test]
fn patience_lets_the_network_reorder() {
    let mut receiver = Receiver::new(Config {
        patience: Nanos(50),
        ..config()
    });
    feed(&mut receiver, 1, &packet_of(1, 2));
    feed(&mut receiver, 2, &packet_of(3, 4));
    assert!(requests(&mut receiver).is_empty());
    assert_eq!(receiver.deadline(), Some(Nanos(52)));
    assert_eq!(feed(&mut receiver, 3, &packet_of(2, 3)), news(2, 4));
    feed(&mut receiver, 4, &packet_of(5, 6));
    assert_eq!(wait(&mut receiver, 53), []);
    assert!(requests(&mut receiver).is_empty());
    // At or past the deadline.
    wait(&mut receiver, 54);
    assert_eq!(requests(&mut receiver), [(4, 1)]);
}

#[test]
fn several_holes_are_requested_at_once() {
    let mut receiver = Receiver::new(Config {
        patience: Nanos(50),
        ..config()
    });
    feed(&mut receiver, 1, &packet_of(1, 2));
    feed(&mut receiver, 2, &packet_of(3, 4));
    feed(&mut receiver, 3, &packet_of(6, 7));
    feed(&mut receiver, 4, &header(&SESSION, 40, 0));
    wait(&mut receiver, 60);
    assert_eq!(requests(&mut receiver), [(2, 1), (4, 2), (7, 10)]);
    // The second hole is still to come; nothing is asked for twice.
    assert_eq!(feed(&mut receiver, 61, &packet_of(2, 3)), news(2, 4));
    assert!(requests(&mut receiver).is_empty());
    assert_eq!(feed(&mut receiver, 62, &packet_of(4, 6)), news(4, 7));
    assert!(requests(&mut receiver).is_empty());
    // A part of the third: the rest at once.
    assert_eq!(feed(&mut receiver, 70, &packet_of(7, 17)), news(7, 17));
    assert_eq!(requests(&mut receiver), [(17, 10)]);
}

#[test]
fn the_rest_of_a_hole_is_asked_for_no_faster_than_the_pace() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 2));
    feed(&mut receiver, 2, &header(&SESSION, 100, 0));
    assert_eq!(requests(&mut receiver), [(2, 10)]);
    feed(&mut receiver, 3, &packet_of(2, 12));
    assert!(requests(&mut receiver).is_empty());
    wait(&mut receiver, 6);
    assert!(requests(&mut receiver).is_empty());
    wait(&mut receiver, 7);
    assert_eq!(requests(&mut receiver), [(12, 10)]);
}

#[test]
fn a_hole_that_nobody_fills_is_given_up_and_delivery_goes_on() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    feed(&mut receiver, 2, &packet_of(6, 8));
    for now in [102, 202] {
        assert_eq!(wait(&mut receiver, now - 1), []);
        assert_eq!(wait(&mut receiver, now), []);
    }
    assert_eq!(requests(&mut receiver), [(4, 2); 3]);
    let mut expected = vec![Out::Lost(4, 6)];
    expected.extend(news(6, 8));
    assert_eq!(wait(&mut receiver, 302), expected);
    assert!(!receiver.is_sound());
    assert_eq!(receiver.counts().lost, 2);
    // Too late.
    assert_eq!(feed(&mut receiver, 303, &packet_of(4, 6)), []);
    assert_eq!(feed(&mut receiver, 304, &packet_of(8, 9)), news(8, 9));
}

#[test]
fn without_a_server_each_hole_is_lost_in_its_place() {
    let mut receiver = Receiver::new(Config {
        tries: 0,
        ..config()
    });
    feed(&mut receiver, 1, &packet_of(1, 2));
    assert_eq!(feed(&mut receiver, 2, &packet_of(3, 4)), []);
    assert_eq!(feed(&mut receiver, 2, &packet_of(5, 6)), []);
    let mut all = wait(&mut receiver, 3);
    all.extend(wait(&mut receiver, 3));
    all.extend(wait(&mut receiver, 3));
    let expected = [
        Out::Lost(2, 3),
        Out::Message(3, false),
        Out::Lost(4, 5),
        Out::Message(5, false),
    ];
    assert_eq!(all, expected);
    assert!(requests(&mut receiver).is_empty());
    // Nothing can be rebuilt either.
    assert_eq!(receiver.deadline(), Some(Nanos(2 + 100_000)));
}

#[test]
fn full_buffers_drop_what_is_furthest_away_and_ask_for_it_later() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 2));
    for n in 3..20 {
        assert_eq!(feed(&mut receiver, 2, &packet_of(n, n + 1)), []);
    }
    assert_eq!((receiver.waiting(), receiver.counts().evicted), (8, 9));
    assert_eq!(feed(&mut receiver, 3, &packet_of(2, 3)), news(2, 11));
    assert_eq!(requests(&mut receiver)[1..], []);
    wait(&mut receiver, 10);
    assert_eq!(requests(&mut receiver), [(11, 9)]);
    assert_eq!(feed(&mut receiver, 11, &packet_of(11, 20)), news(11, 20));
    assert!(receiver.is_sound());
}

#[test]
fn a_session_joined_late_is_fetched_from_its_start_and_unsound_until_then() {
    let mut receiver = receiver();
    assert_eq!(feed(&mut receiver, 1, &packet_of(9, 10)), [Out::Behind(9)]);
    assert_eq!(requests(&mut receiver), [(1, 8)]);
    assert_eq!(feed(&mut receiver, 2, &packet_of(1, 5)), news(1, 5));
    // What comes meanwhile is to be reached as well.
    assert_eq!(feed(&mut receiver, 3, &packet_of(10, 12)), []);
    assert!(!receiver.is_sound());
    let mut expected = news(5, 12);
    expected.push(Out::Recovered);
    assert_eq!(feed(&mut receiver, 4, &packet_of(5, 9)), expected);
    assert!(receiver.is_sound());
}

#[test]
fn a_late_start_that_nobody_makes_good_is_a_loss() {
    let mut receiver = receiver();
    let mut all = feed(&mut receiver, 1, &header(&SESSION, 5, 0));
    (1..4).for_each(|n| all.extend(wait(&mut receiver, 1 + n * 100)));
    assert_eq!(all, [Out::Behind(5), Out::Lost(1, 5)]);
    assert!(!receiver.is_sound());
}

#[test]
fn a_session_joined_live_is_unsound_until_it_is_rebuilt() {
    let mut receiver = Receiver::new(Config {
        join: Join::Live,
        ..config()
    });
    let first = feed(&mut receiver, 1, &packet_of(31, 33));
    assert_eq!(
        first,
        [
            Out::Lost(1, 31),
            Out::Message(31, false),
            Out::Message(32, false)
        ]
    );
    assert_eq!(wait(&mut receiver, 10_000), []);
    assert_eq!(wait(&mut receiver, 10_001), []);
    assert_eq!(requests(&mut receiver), [(1, 10)]);
    // Delivery goes on until the server answers.
    assert_eq!(
        feed(&mut receiver, 10_002, &packet_of(33, 34)),
        news(33, 34)
    );
    let mut expected = vec![Out::Rebuild(34)];
    expected.extend(old(1, 11));
    assert_eq!(feed(&mut receiver, 10_010, &packet_of(1, 11)), expected);
    assert_eq!(requests(&mut receiver), [(11, 10)]);
    // News during the rebuild waits for its turn.
    assert_eq!(feed(&mut receiver, 10_011, &packet_of(34, 36)), []);
    assert_eq!(feed(&mut receiver, 10_020, &packet_of(11, 21)), old(11, 21));
    assert_eq!(requests(&mut receiver), [(21, 10)]);
    assert_eq!(feed(&mut receiver, 10_030, &packet_of(21, 31)), old(21, 31));
    assert_eq!(requests(&mut receiver), [(31, 3)]);
    let mut expected = old(31, 34);
    expected.extend(news(34, 36));
    expected.push(Out::Recovered);
    assert_eq!(feed(&mut receiver, 10_040, &packet_of(31, 34)), expected);
    assert!(receiver.is_sound());
    assert_eq!(
        feed(&mut receiver, 10_041, &packet_of(36, 37)),
        news(36, 37)
    );
    assert_eq!(receiver.counts().rebuilds, 1);
}

#[test]
fn a_rebuild_that_fails_is_tried_again() {
    let mut receiver = Receiver::new(Config {
        join: Join::Live,
        ..config()
    });
    feed(&mut receiver, 1, &packet_of(31, 33));
    wait(&mut receiver, 10_001);
    assert_eq!(requests(&mut receiver), [(1, 10)]);
    // No answer: delivery is undisturbed, and it is asked for again.
    assert_eq!(
        feed(&mut receiver, 15_000, &packet_of(33, 34)),
        news(33, 34)
    );
    wait(&mut receiver, 20_001);
    assert_eq!(requests(&mut receiver), [(1, 10)]);
    feed(&mut receiver, 20_002, &packet_of(1, 11));
    feed(&mut receiver, 20_003, &packet_of(34, 35));
    // The server dies in the middle.
    let (mut now, mut all) = (20_003, Vec::new());
    while receiver.expected() < 35 {
        now += 100;
        all.extend(wait(&mut receiver, now));
    }
    assert_eq!(all, [Out::Lost(11, 34), Out::Message(34, false)]);
    assert!(!receiver.is_sound());
    requests(&mut receiver);
    assert_eq!(wait(&mut receiver, now + 10_000), []);
    assert_eq!(requests(&mut receiver), [(1, 10)]);
}

#[test]
fn an_operator_may_have_a_sound_session_rebuilt() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    receiver.rebuild(Nanos(2));
    assert_eq!(requests(&mut receiver), [(1, 3)]);
    let mut expected = vec![Out::Rebuild(4)];
    expected.extend(old(1, 4));
    expected.push(Out::Recovered);
    assert_eq!(feed(&mut receiver, 3, &packet_of(1, 4)), expected);
    // Only the answer that was asked for rebuilds.
    assert_eq!(feed(&mut receiver, 4, &packet_of(1, 4)), []);
}

#[test]
fn silence_is_told_and_ends_when_nothing_was_lost() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    assert_eq!(wait(&mut receiver, 100_000), []);
    assert_eq!(wait(&mut receiver, 100_001), [Out::Stale]);
    assert_eq!(wait(&mut receiver, 300_000), []);
    assert_eq!(
        feed(&mut receiver, 300_001, &header(&SESSION, 4, 0)),
        [Out::Recovered]
    );
    // Heartbeats keep it alive.
    feed(&mut receiver, 400_000, &header(&SESSION, 4, 0));
    assert_eq!(wait(&mut receiver, 499_999), []);
    assert_eq!(wait(&mut receiver, 500_000), [Out::Stale]);
    // What was missed during the silence is fetched first.
    assert_eq!(feed(&mut receiver, 500_001, &packet_of(6, 7)), []);
    let mut expected = news(4, 7);
    expected.push(Out::Recovered);
    assert_eq!(feed(&mut receiver, 500_002, &packet_of(4, 6)), expected);
}

#[test]
fn silence_that_hid_a_loss_does_not_end_in_recovery() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    assert_eq!(wait(&mut receiver, 100_001), [Out::Stale]);
    let mut all = feed(&mut receiver, 200_000, &packet_of(6, 7));
    for now in 1..5 {
        all.extend(wait(&mut receiver, 200_000 + now * 100));
    }
    assert_eq!(all, [Out::Lost(4, 6), Out::Message(6, false)]);
}

#[test]
fn a_silent_start_is_told() {
    let mut receiver = receiver();
    assert_eq!(wait(&mut receiver, 1_000), []);
    assert_eq!(wait(&mut receiver, 101_000), [Out::Stale]);
    let mut expected = news(1, 2);
    expected.push(Out::Recovered);
    assert_eq!(feed(&mut receiver, 101_001, &packet_of(1, 2)), expected);
}

#[test]
fn the_end_comes_when_all_is_delivered() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    assert_eq!(feed(&mut receiver, 2, &header(&SESSION, 6, 0xFFFF)), []);
    assert_eq!(requests(&mut receiver), [(4, 2)]);
    let mut expected = news(4, 6);
    expected.push(Out::Ended);
    assert_eq!(feed(&mut receiver, 3, &packet_of(4, 6)), expected);
    assert_eq!(feed(&mut receiver, 4, &header(&SESSION, 6, 0xFFFF)), []);
}

#[test]
fn bad_packets_and_other_sessions_are_counted_and_change_nothing() {
    let mut receiver = receiver();
    feed(&mut receiver, 1, &packet_of(1, 4));
    let mut refuse = |bytes: &[u8], error: PacketError| {
        assert_eq!(receiver.on_datagram(Nanos(2), bytes), Err(error));
        assert_eq!(drain(&mut receiver), []);
    };
    let whole = packet_of(4, 6);
    for cut in 0..20 {
        refuse(&whole[..cut], PacketError::Short { found: cut });
    }
    for cut in 20..whole.len() {
        let index = u16::from(cut >= 20 + 2 + message(4).len());
        refuse(&whole[..cut], PacketError::Blocks { index, count: 2 });
    }
    let mut long = whole.clone();
    long.push(0);
    refuse(&long, PacketError::Blocks { index: 2, count: 2 });
    refuse(&vec![0; 2_000], PacketError::Long { max: 1_500 });
    refuse(
        &packet(
            b"otherotherotherother"[..10].try_into().unwrap(),
            4,
            &messages(4, 5),
        ),
        PacketError::Foreign,
    );
    refuse(
        &header(&SESSION, 0, 0),
        PacketError::Sequence { sequence: 0 },
    );
    refuse(
        &header(&SESSION, u64::MAX, 0),
        PacketError::Sequence { sequence: u64::MAX },
    );
    let counts = *receiver.counts();
    assert_eq!((counts.foreign, counts.packets), (1, 1));
    assert_eq!(counts.malformed as usize, whole.len() + 4);
    assert_eq!(feed(&mut receiver, 3, &whole), news(4, 6));
}

#[test]
fn requests_read_what_they_write() {
    let request = Request {
        session: SESSION,
        sequence: 0x0102_0304_0506_0708,
        count: 0x0A0B,
    };
    let bytes = request.to_bytes();
    assert_eq!(&bytes[10..], [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]);
    assert_eq!(Request::parse(&bytes), Ok(request));
    assert_eq!(
        Request::parse(&bytes[1..]),
        Err(PacketError::Short { found: 19 })
    );
}

/// What the network does to one packet.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Drops,
    Twice,
    /// Arrives behind so many others.
    Late(usize),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Arrives),
        2 => Just(Fate::Drops),
        1 => Just(Fate::Twice),
        2 => (1usize..6).prop_map(Fate::Late),
    ]
}

/// Puts a packet on its way; `queue` holds what is under way, by the number of steps left.
fn send(queue: &mut VecDeque<(usize, Vec<u8>)>, bytes: Vec<u8>, fate: Fate) {
    match fate {
        Fate::Arrives => queue.push_back((0, bytes)),
        Fate::Drops => {}
        Fate::Twice => queue.extend([(0, bytes.clone()), (2, bytes)]),
        Fate::Late(steps) => queue.push_back((steps, bytes)),
    }
}

/// Runs a whole session of `sizes.len()` packets through a network of these fates, used in turn
/// for packets and answers alike; after `perfect_after` everything arrives.
fn run(
    mut config: Config,
    sizes: &[u64],
    fates: &[Fate],
    perfect_after: u64,
) -> (Vec<Out>, Counts) {
    config.session = Some(SESSION);
    let mut receiver = Receiver::new(config);
    let total: u64 = sizes.iter().sum();
    let all = messages(1, total + 1);
    let mut fates = fates.iter().cycle();
    let mut under_way = VecDeque::new();
    let (mut next, mut sizes, mut out, mut now) = (1, sizes.iter(), Vec::new(), 0);
    while !matches!(out.last(), Some(Out::Ended)) {
        now += 10;
        assert!(now < 1_000_000, "it ends: {out:?}");
        let mut fate = || {
            let fate = *fates.next().expect("a cycle");
            if now > perfect_after {
                Fate::Arrives
            } else {
                fate
            }
        };
        match sizes.next() {
            Some(size) => {
                send(&mut under_way, packet_of(next, next + size), fate());
                next += size;
            }
            None => send(&mut under_way, header(&SESSION, next, 0xFFFF), fate()),
        }
        for _ in 0..under_way.len() {
            let (steps, bytes): (usize, Vec<u8>) = under_way.pop_front().expect("counted");
            if steps > 0 {
                under_way.push_back((steps - 1, bytes));
                continue;
            }
            out.extend(feed(&mut receiver, now, &bytes));
        }
        out.extend(wait(&mut receiver, now));
        while let Some(request) = receiver.poll_request() {
            // Requests that arrive are answered at once; their own loss is the answer's.
            if let Some(answer) = answer(&request, &all) {
                send(&mut under_way, answer, fate());
            }
        }
    }
    (out, *receiver.counts())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is lost, doubled or reordered: with a server that answers in the end, exactly the
    /// session comes out, and no trace of the trouble but of a late start.
    #[test]
    fn any_network_with_an_answering_server_yields_the_session(
        sizes in proptest::collection::vec(1u64..6, 1..60),
        fates in proptest::collection::vec(fate(), 1..40),
        slots in 1u16..12,
        request_max in 1u16..12,
        patience in prop_oneof![Just(0u64), Just(25)],
    ) {
        let config = Config {
            slots,
            request_max,
            patience: Nanos(patience),
            tries: u32::MAX,
            stale_after: Nanos::ZERO,
            ..config()
        };
        let (out, counts) = run(config, &sizes, &fates, 5_000);
        let total: u64 = sizes.iter().sum();
        let late = matches!(out[0], Out::Behind(_));
        let tells = |o: &Out| matches!(o, Out::Behind(_) | Out::Recovered);
        let (told, out): (Vec<_>, Vec<_>) = out.into_iter().partition(tells);
        prop_assert_eq!(told.len(), 2 * usize::from(late));
        let mut expected = news(1, total + 1);
        expected.push(Out::Ended);
        prop_assert_eq!(out, expected);
        prop_assert_eq!((counts.lost, counts.messages), (0, total));
    }

    /// With a server that may fail: messages come out in order; each is delivered or told as lost,
    /// once; after a rebuild exactly the session has come out again.
    #[test]
    fn any_network_yields_each_message_or_its_loss(
        sizes in proptest::collection::vec(1u64..6, 1..60),
        fates in proptest::collection::vec(fate(), 1..40),
        slots in 1u16..12,
        tries in 0u32..3,
    ) {
        let config = Config {
            slots,
            tries,
            retry: Nanos(30),
            rebuild_every: Nanos(200),
            ..config()
        };
        let (out, _) = run(config, &sizes, &fates, 3_000);
        let total: u64 = sizes.iter().sum();
        let (mut next, mut sound) = (1, true);
        for output in &out {
            match *output {
                Out::Message(n, _) => {
                    prop_assert_eq!(n, next);
                    next += 1;
                }
                Out::Lost(from, to) => {
                    prop_assert_eq!(from, next);
                    prop_assert!(to > from);
                    (next, sound) = (to, false);
                }
                Out::Behind(_) => {
                    prop_assert!(sound && next == 1);
                    sound = false;
                }
                Out::Rebuild(to) => {
                    prop_assert!(!sound && to >= next);
                    next = 1;
                }
                Out::Recovered => {
                    prop_assert!(!sound);
                    sound = true;
                    // All since the last rebuild, or the start, is there.
                    let start = out.iter().take_while(|o| !core::ptr::eq(*o, output)).count();
                    let begins = |o: &Out| matches!(o, Out::Rebuild(_) | Out::Behind(_));
                    let since = out[..start].iter().rposition(begins).expect("a beginning");
                    let lost = out[since..start].iter().any(|o| matches!(o, Out::Lost(..)));
                    prop_assert!(!lost);
                }
                Out::Stale | Out::Ended => {}
            }
        }
        prop_assert_eq!(next, total + 1);
    }

    #[test]
    fn random_datagrams_never_panic(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40)
    ) {
        let mut receiver = receiver();
        for (bytes, now) in datagrams.iter().zip(0..) {
            let parsed = Downstream::parse(bytes);
            if let Ok(packet) = parsed {
                prop_assert_eq!(packet.messages().count(), usize::from(packet.count));
            }
            let taken = receiver.on_datagram(Nanos(now * 50), bytes);
            prop_assert!(taken.is_ok() <= parsed.is_ok());
            while receiver.poll().is_some() {}
            receiver.on_time(Nanos(now * 50 + 25));
            while receiver.poll().is_some() {}
        }
    }

    /// Random headers of one session: sequences jump about, counts lie.
    #[test]
    fn random_sequences_never_panic(
        packets in proptest::collection::vec((0u64..50, 0u16..5, any::<bool>()), 0..80),
        join in prop_oneof![Just(Join::Start), Just(Join::Live)],
    ) {
        let mut receiver = Receiver::new(Config { join, ..config() });
        for ((sequence, count, far), now) in packets.into_iter().zip(0..) {
            let from = if far { sequence + 1_000 } else { sequence };
            let bytes = packet_of(from, from + u64::from(count));
            let _ = receiver.on_datagram(Nanos(now * 70), &bytes);
            drain(&mut receiver);
            receiver.on_time(Nanos(now * 70 + 35));
            drain(&mut receiver);
        }
    }
}
