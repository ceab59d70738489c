//! MoldUDP64 over real sockets on the loopback: a venue, its request server and the source, all in
//! one thread that lets them act in turn. What was sent on the loopback can be received at once,
//! so nothing here waits or depends on timing; the clock is a number.

mod itch_support;

use feed::itch::{Decoder, midnight};
use feed::moldudp::source::Line;
use feed::moldudp::{Config, Join, MoldUdpSource, Request, SourceConfig};
use itch_support::transcode::{self, LOCATE};
use itch_support::write::{self, At, answer, header, packet};
use itch_support::{ONE, SOURCE, apply, books, data, decode_all, shown, universe};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::rc::Rc;
use stream::payload::{Clear, Fault, FaultCode, Gap, GapReason, quality};
use stream::stage::Collected;
use stream::{Draft, InstrumentId, Kind, Nanos, Next, Out, Side, Source};

const SESSION: [u8; 10] = *b"  20120621";
const LOCALHOST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Messages in a packet.
const BATCH: usize = 30;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind(LOCALHOST).expect("the loopback");
    socket.set_nonblocking(true).expect("it can be polled");
    socket
}

fn line(address: SocketAddr) -> Line {
    Line {
        address,
        interface: Ipv4Addr::LOCALHOST,
    }
}

fn midnight_of_day() -> Nanos {
    midnight(transcode::DATE).expect("in range")
}

/// Both ends and the book behind them.
struct Rig {
    source: MoldUdpSource<Box<dyn FnMut() -> Nanos>>,
    clock: Rc<Cell<u64>>,
    venue: UdpSocket,
    server: UdpSocket,
    /// Whether the request server answers.
    answers: bool,
    lines: Vec<SocketAddr>,
    messages: Vec<Vec<u8>>,
    books: book::Books,
    frames: Collected,
    requests: u64,
    seq: u64,
}

impl Rig {
    fn new(stock: &str, messages: Vec<Vec<u8>>, lines: usize, receiver: Config) -> Self {
        Self::on(stock, messages, &vec![LOCALHOST; lines], receiver)
    }

    /// With lines at these addresses, by way of the loopback.
    fn on(stock: &str, messages: Vec<Vec<u8>>, lines: &[SocketAddr], receiver: Config) -> Self {
        let server = socket();
        let clock = Rc::new(Cell::new(1_000));
        let reading = Rc::clone(&clock);
        let config = SourceConfig {
            lines: lines.iter().copied().map(line).collect(),
            requests_from: LOCALHOST,
            servers: vec![server.local_addr().expect("bound")],
            receiver,
        };
        let decoder = Decoder::new(SOURCE, midnight_of_day(), &universe(&[stock]));
        let clock_of: Box<dyn FnMut() -> Nanos> = Box::new(move || Nanos(reading.get()));
        let source = MoldUdpSource::open(config, decoder, clock_of).expect("it opens");
        Self {
            lines: source.addresses().expect("bound"),
            source,
            clock,
            venue: socket(),
            server,
            answers: true,
            messages,
            books: books(),
            frames: Collected::default(),
            requests: 0,
            seq: 0,
        }
    }

    fn send(&self, line: usize, bytes: &[u8]) {
        let sent = self
            .venue
            .send_to(bytes, self.lines[line])
            .expect("the loopback takes it");
        assert_eq!(sent, bytes.len());
    }

    /// Sends the packet that begins at message `from` (from 1) on a line; returns the next one.
    fn send_from(&self, line: usize, from: usize) -> usize {
        let to = (from + BATCH).min(self.messages.len() + 1);
        let part = &self.messages[from - 1..to - 1];
        self.send(line, &packet(&SESSION, from as u64, part));
        to
    }

    /// Takes what the source has; frames go into the books.
    fn pump(&mut self) {
        let mut draft = Draft::new();
        while let Next::At(due) = self.source.next() {
            assert_eq!(due, Nanos::ZERO);
            // Asking twice changes nothing.
            assert_eq!(self.source.next(), Next::At(Nanos::ZERO));
            assert!(self.source.take(&mut draft));
            self.frames.put(draft.frame());
            self.seq += 1;
            apply(
                &mut self.books,
                &mut draft,
                self.seq,
                Nanos(self.clock.get()),
            );
        }
        assert!(!self.source.take(&mut draft), "there is nothing");
    }

    /// Reads requests and, if the server is alive, answers them.
    fn serve(&mut self) {
        let mut bytes = [0; 100];
        while let Ok((length, from)) = self.server.recv_from(&mut bytes) {
            let request = Request::parse(&bytes[..length]).expect("a request");
            assert_eq!(request.session, SESSION);
            self.requests += 1;
            if let (true, Some(answer)) = (self.answers, answer(&request, &self.messages)) {
                self.server
                    .send_to(&answer, from)
                    .expect("the loopback takes it");
            }
        }
    }

    /// Lets everyone act until nobody has anything more to do at this time.
    fn settle(&mut self) {
        loop {
            let before = (self.requests, self.seq);
            self.pump();
            self.serve();
            self.pump();
            if (self.requests, self.seq) == before {
                return;
            }
        }
    }

    fn pass(&mut self, time: Nanos) {
        self.clock.set(self.clock.get() + time.0);
    }

    fn kinds(&self, kind: Kind) -> usize {
        self.frames
            .iter()
            .filter(|frame| frame.kind() == kind)
            .count()
    }

    fn gaps(&self) -> Vec<(GapReason, u64, u64, u64)> {
        let gaps = self
            .frames
            .iter()
            .filter_map(|frame| frame.try_read::<Gap>());
        gaps.map(|gap| (gap.reason, gap.from, gap.to, gap.lost))
            .collect()
    }

    fn quality(&self) -> u8 {
        self.books.book(ONE).quality()
    }
}

/// The frames that the messages make without any network, and their book.
fn reference(stock: &str, messages: &[Vec<u8>]) -> (Collected, book::Books) {
    let mut decoder = Decoder::new(SOURCE, midnight_of_day(), &universe(&[stock]));
    let frames = decode_all(&mut decoder, messages);
    let (mut books, mut draft) = (books(), Draft::new());
    for (frame, seq) in frames.iter().zip(1..) {
        draft.copy_from(frame);
        apply(&mut books, &mut draft, seq, Nanos(1));
    }
    (frames, books)
}

fn assert_same_frames(rig: &Rig, expected: &Collected) {
    assert_eq!(rig.frames.iter().count(), expected.iter().count());
    for (index, (own, other)) in rig.frames.iter().zip(expected.iter()).enumerate() {
        assert_eq!(
            own.lines(),
            other.lines(),
            "frame {index}: {own:?} is not {other:?}"
        );
    }
}

const AMZN: &str = "equity_l3_lobster/LOBSTER_SampleFile_AMZN_2012-06-21_5.zip";

fn session(records: usize) -> Option<Vec<Vec<u8>>> {
    Some(transcode::session(&data(AMZN)?, "AMZN", records))
}

/// A small session without any data files: orders around 100 dollars.
fn small() -> Vec<Vec<u8>> {
    let at = |n: u64| At {
        locate: LOCATE,
        stamp: 34_200_000_000_000 + n,
    };
    let mut messages = vec![write::directory(at(0), "AMZN", b'N')];
    for n in 1..400u64 {
        let (side, price) = if n % 2 == 0 {
            (b'B', 999_900)
        } else {
            (b'S', 1_000_100)
        };
        messages.push(write::add(at(n), n, side, 100 + n as u32, "AMZN", price));
        if n % 3 == 0 && (n - 1) % 7 != 0 {
            messages.push(write::executed(at(n), n - 2, 1, n));
        }
        if n % 5 == 0 {
            messages.push(write::trade(at(n), 7, "AMZN", 1_000_000, n));
        }
        if n % 7 == 0 {
            messages.push(write::delete(at(n), n - 1));
        }
    }
    messages
}

#[test]
fn a_day_over_the_wire_is_the_day_from_the_file() {
    let Some(messages) = session(usize::MAX) else {
        return;
    };
    let (frames, books) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let mut next = 1;
    while next <= rig.messages.len() {
        next = rig.send_from(0, next);
        rig.pump();
    }
    rig.send(0, &header(&SESSION, next as u64, 0xFFFF));
    rig.settle();
    assert_eq!(
        rig.gaps(),
        [(GapReason::Ended, next as u64, next as u64, 0)]
    );
    assert_eq!(rig.source.next(), Next::End);
    assert_eq!(shown(&rig.books, 100), shown(&books, 100));
    assert_eq!(rig.requests, 0);
    assert_eq!(rig.frames.iter().count(), frames.iter().count() + 1);
}

#[test]
fn dropped_packets_are_requested_and_leave_no_trace() {
    let Some(messages) = session(30_000) else {
        return;
    };
    let (frames, books) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let (mut next, mut number, mut dropped) = (1, 0, 0);
    while next <= rig.messages.len() {
        number += 1;
        let last = next + BATCH > rig.messages.len();
        if number % 10 == 3 && !last {
            next += BATCH;
            dropped += 1;
        } else {
            next = rig.send_from(0, next);
        }
        rig.pass(Nanos(60_000));
        rig.settle();
    }
    assert!(
        dropped > 50 && rig.requests >= dropped,
        "{dropped} {}",
        rig.requests
    );
    assert_same_frames(&rig, &frames);
    assert_eq!(shown(&rig.books, 100), shown(&books, 100));
    assert_eq!(rig.quality(), books.book(ONE).quality());
}

#[test]
fn two_lines_reordered_and_doubled_make_one_session() {
    let Some(messages) = session(10_000) else {
        return;
    };
    let (frames, books) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 2, Config::default());
    // Line A loses every fifth packet, line B every seventh; B runs three packets behind; both
    // swap neighbours. The server is not needed where one line has it.
    let starts: Vec<usize> = (1..=rig.messages.len()).step_by(BATCH).collect();
    let swapped = |index: usize| {
        let other = if index % 4 == 1 {
            index + 1
        } else if index % 4 == 2 {
            index - 1
        } else {
            index
        };
        starts.get(other).copied().unwrap_or(starts[index])
    };
    rig.answers = false;
    for index in 0..starts.len() + 3 {
        if index < starts.len() && index % 5 != 4 {
            rig.send_from(0, swapped(index));
        }
        if let Some(behind) = index.checked_sub(3)
            && behind % 7 != 6
        {
            rig.send_from(1, swapped(behind));
        }
        rig.pass(Nanos(1_000));
        rig.pump();
    }
    // What both have lost is fetched.
    rig.answers = true;
    for _ in 0..100 {
        rig.pass(Nanos::from_millis(20));
        rig.settle();
    }
    assert!(rig.source.receiver().counts().duplicates > 50);
    assert_same_frames(&rig, &frames);
    assert_eq!(shown(&rig.books, 100), shown(&books, 100));
}

/// Loses the second packet while nobody answers requests, until it is given up; returns the next
/// message to send.
fn lose_second_packet(rig: &mut Rig) -> usize {
    rig.answers = false;
    let mut next = 1;
    next = rig.send_from(0, next);
    rig.settle();
    assert_eq!(rig.quality(), 0);
    next += BATCH;
    while next <= rig.messages.len() - 100 {
        next = rig.send_from(0, next);
    }
    rig.settle();
    // While the hole is open nothing comes out of order, and the book is as it was.
    let before = rig.seq;
    assert_eq!((rig.requests, rig.quality()), (1, 0));
    for _ in 0..4 {
        rig.pass(Nanos::from_millis(20));
        rig.settle();
    }
    assert_eq!((rig.requests, rig.seq), (5, before));
    rig.pass(Nanos::from_millis(20));
    rig.settle();
    assert_eq!(rig.gaps(), [(GapReason::Lost, 31, 61, 30)]);
    assert!(rig.seq > before + 1, "delivery goes on");
    assert_eq!(rig.quality() & quality::GAPPED, quality::GAPPED);
    next
}

#[test]
fn a_packet_that_is_lost_for_good_makes_the_book_untradable_until_it_is_rebuilt() {
    let messages = small();
    let (_, expected) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let mut next = lose_second_packet(&mut rig);
    let tape = rig.books.book(ONE).tape().volume;

    // The server is back: the session comes again, news arrive meanwhile.
    rig.answers = true;
    rig.frames = Collected::default();
    rig.pass(Nanos::from_secs(1));
    rig.pump();
    rig.serve();
    let live = next;
    next = rig.send_from(0, next);
    rig.pump();
    assert_eq!(
        rig.quality() & quality::GAPPED,
        quality::GAPPED,
        "half a book is no book"
    );
    for _ in 0..200 {
        rig.pass(Nanos(60_000));
        rig.settle();
    }
    assert_eq!(
        rig.gaps(),
        [
            (GapReason::Lost, 1, live as u64, live as u64 - 1),
            (GapReason::Recovered, 0, 0, 0)
        ]
    );
    assert_eq!(rig.kinds(Kind::Clear), 1);
    let first = rig.frames.iter().next().expect("frames");
    assert_eq!(
        (first.instrument(), first.read::<Clear>().source),
        (ONE, SOURCE)
    );
    assert_eq!(rig.quality(), 0);
    while next <= rig.messages.len() {
        next = rig.send_from(0, next);
        rig.settle();
    }
    let (own, other) = (shown(&rig.books, 100), shown(&expected, 100));
    assert_eq!((&own.bids, &own.asks), (&other.bids, &other.asks));
    assert_eq!(
        rig.books.book(ONE).best(Side::Buy),
        expected.book(ONE).best(Side::Buy)
    );
    // No trade counts twice; those of the lost packet, and of orders in it, never counted.
    assert!(own.volume > tape && own.volume < other.volume);
    let seen = [&rig.messages[..30], &rig.messages[60..]].concat();
    let (_, seen) = reference("AMZN", &seen);
    assert_eq!(own.volume, shown(&seen, 1).volume);
    // The next packets are as good as any.
    assert!(rig.source.receiver().is_sound());
}

#[test]
fn a_source_that_joins_late_without_the_past_is_gapped_from_its_first_frame() {
    let messages = small();
    let receiver = Config {
        join: Join::Live,
        rebuild_every: Nanos::ZERO,
        ..Config::default()
    };
    let mut rig = Rig::new("AMZN", messages, 1, receiver);
    rig.send_from(0, 91);
    rig.pump();
    let kinds: Vec<_> = rig
        .frames
        .iter()
        .take(3)
        .map(|frame| (frame.kind(), frame.instrument()))
        .collect();
    assert_eq!(
        kinds,
        [
            (Kind::Gap, InstrumentId::NONE),
            (Kind::Gap, ONE),
            (Kind::Add, ONE)
        ]
    );
    assert_eq!(rig.gaps(), [(GapReason::Lost, 1, 91, 90); 2]);
    assert_eq!(rig.quality() & quality::GAPPED, quality::GAPPED);
}

#[test]
fn a_source_that_joins_late_is_gapped_until_it_has_caught_up() {
    let messages = small();
    let (_, expected) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let mut next = rig.send_from(0, 301);
    rig.settle();
    // The past comes first, and its prices are the morning's.
    let book = rig.books.book(ONE);
    assert!(book.best(Side::Buy).is_some() && book.best(Side::Sell).is_some());
    assert_eq!(rig.quality(), quality::GAPPED);
    let late = (GapReason::Stale, 1, 301, 0);
    assert_eq!(rig.gaps(), [late; 2]);
    while !rig.source.receiver().is_sound() {
        assert_eq!(rig.quality(), quality::GAPPED);
        rig.pass(Nanos(60_000));
        rig.settle();
    }
    assert_eq!(rig.source.receiver().expected(), next as u64);
    assert_eq!(rig.gaps(), [late, late, (GapReason::Recovered, 0, 0, 0)]);
    assert_eq!(rig.quality(), 0);
    while next <= rig.messages.len() {
        next = rig.send_from(0, next);
        rig.settle();
    }
    assert_eq!(shown(&rig.books, 100), shown(&expected, 100));
}

/// One of the multicast groups that are left to each site, on any free port.
fn group(number: u8) -> SocketAddr {
    SocketAddr::from(([239, 255, 77, number], 0))
}

#[test]
fn multicast_groups_are_joined_on_their_interface() {
    let messages = small();
    let (frames, _) = reference("AMZN", &messages);
    let mut rig = Rig::on("AMZN", messages, &[group(1), group(2)], Config::default());
    let mut next = 1;
    while next <= rig.messages.len() {
        // The first packets of one group, the next ones of the other, and some of both.
        let lines: &[usize] = match next / BATCH % 3 {
            0 => &[0],
            1 => &[1],
            _ => &[0, 1],
        };
        let from = next;
        for line in lines {
            next = rig.send_from(*line, from);
        }
        rig.pump();
    }
    assert_eq!(rig.requests, 0, "nothing was missing");
    assert_same_frames(&rig, &frames);
}

#[test]
fn silence_gaps_the_book_and_a_heartbeat_mends_it() {
    let mut rig = Rig::new("AMZN", small(), 1, Config::default());
    let next = rig.send_from(0, 1);
    rig.settle();
    assert_eq!(rig.quality(), 0);
    rig.pass(Nanos(2_999_999_999));
    rig.settle();
    assert_eq!(rig.quality(), 0);
    rig.pass(Nanos(1));
    rig.settle();
    assert_eq!(rig.gaps(), [(GapReason::Stale, next as u64, 0, 0)]);
    assert_eq!(rig.quality(), quality::GAPPED);
    rig.send(0, &header(&SESSION, next as u64, 0));
    rig.settle();
    assert_eq!(rig.gaps()[1..], [(GapReason::Recovered, 0, 0, 0)]);
    assert_eq!(rig.quality(), 0);
}

#[test]
fn bad_datagrams_are_faults_and_change_nothing() {
    let messages = small();
    let (frames, _) = reference("AMZN", &messages);
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let next = rig.send_from(0, 1);
    rig.pump();
    rig.send(0, b"hello");
    rig.send(0, &vec![0; 1_501]);
    rig.send(0, &vec![0; 9_000]);
    let part = &rig.messages[30..60];
    let foreign = packet(b"  20120622", 31, part);
    for _ in 0..5 {
        rig.send(0, &foreign);
    }
    rig.send(0, &header(&SESSION, 0, 0));
    let cut = packet(&SESSION, 31, part);
    rig.send(0, &cut[..cut.len() - 1]);
    rig.pump();
    let faults: Vec<_> = rig
        .frames
        .iter()
        .filter_map(|frame| frame.try_read::<Fault>())
        .map(|fault| (fault.code, fault.position, fault.value))
        .collect();
    let expected = [
        (FaultCode::Malformed, 2, 5),
        (FaultCode::Malformed, 3, 1_501),
        (FaultCode::Malformed, 4, 1_501),
        (FaultCode::BadValue, 5, 0),
        (FaultCode::BadValue, 10, 0),
        (FaultCode::Malformed, 11, cut.len() as u64 - 1),
    ];
    assert_eq!(faults, expected);
    assert_eq!(rig.source.receiver().counts().foreign, 5);
    rig.send_from(0, next);
    rig.pump();
    let sound = rig
        .frames
        .iter()
        .filter(|frame| frame.kind() != Kind::Fault)
        .count();
    let before = frames.iter().take(sound).count();
    assert_eq!((sound, before), (60, 60));
    assert_eq!(rig.quality(), 0);
}

#[test]
fn a_bad_message_in_a_good_packet_is_a_fault_with_its_number() {
    let mut messages = small();
    messages[40] = vec![b'?'; 12];
    let mut rig = Rig::new("AMZN", messages, 1, Config::default());
    let next = rig.send_from(0, 1);
    rig.send_from(0, next);
    rig.pump();
    let fault = rig
        .frames
        .iter()
        .find_map(|frame| frame.try_read::<Fault>().copied());
    let fault = fault.expect("a fault");
    assert_eq!((fault.code, fault.position), (FaultCode::UnknownType, 41));
    assert_eq!(rig.frames.iter().count(), 60);
}

#[test]
fn addresses_that_cannot_be_had_are_named() {
    let taken = socket();
    let address = taken.local_addr().expect("bound");
    let open = |lines: Vec<Line>| {
        let config = SourceConfig {
            lines,
            requests_from: LOCALHOST,
            servers: Vec::new(),
            receiver: Config::default(),
        };
        let decoder = Decoder::new(SOURCE, midnight_of_day(), &universe(&["AMZN"]));
        let opened = MoldUdpSource::open(config, decoder, || Nanos(0));
        opened.expect_err("it cannot be opened").to_string()
    };
    let error = open(vec![line(address)]);
    assert!(
        error.contains(&address.to_string()) && error.contains("bound"),
        "{error}"
    );
    assert!(open(Vec::new()).contains("no lines"));
    let nowhere = Line {
        interface: Ipv4Addr::new(192, 0, 2, 1),
        ..line(group(1))
    };
    let error = open(vec![nowhere]);
    assert!(
        error.contains("joined") && error.contains("interface"),
        "{error}"
    );
}
