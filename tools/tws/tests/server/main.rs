//! The server against raw sockets, byte by byte and badly behaved, and against the Rust client as
//! published.

mod paper;
mod raw;
mod rust_client;

use paper::{Paper, STARTS};
use raw::Raw;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use stream::Nanos;
use tws::server::{Clock, Notice, Options, Why};
use tws::wire::FrameFault;

/// A server that loses its patience soon.
fn impatient() -> Paper {
    Paper::open(Options {
        frame_deadline: Duration::from_millis(100),
        stall_deadline: Duration::from_millis(200),
        outbox_max: 64 << 10,
        ..Options::default()
    })
}

/// Why a connection ended, of those that did not simply close.
fn why(paper: &Paper) -> Why {
    loop {
        let notice = paper.notices.recv_timeout(raw::PATIENCE).expect("told");
        if let Notice::Left(_, why) = notice
            && why != Why::Closed
        {
            return why;
        }
    }
}

#[test]
fn a_protobuf_client_is_answered_byte_by_byte() {
    let paper = Paper::open(Options::default());
    let mut client = Raw::connect(&paper);
    client.send(b"API\0\0\0\0\x09v213..226");
    assert_eq!(client.frame(), b"226\x0020261120 09:30:00 US/Eastern\0");
    client.send(&[0, 0, 0, 6, 0, 0, 1, 0x0f, 8, 7]);
    assert_eq!(client.frame(), b"\0\0\0\xd7\x0a\x09DU1234567");
    assert_eq!(client.frame(), [0, 0, 0, 0xd1, 8, 1]);
    for code in [2104, 2106, 2158] {
        let told = client.frame();
        assert_eq!(told[..4], [0, 0, 0, 0xcc]);
        // Field 1 is −1, as ten bytes; field 3 is the code.
        let mut wanted = vec![0x18];
        prost::encoding::encode_varint(code, &mut wanted);
        assert!(told.windows(wanted.len()).any(|part| part == wanted));
    }
    client.send(&[0, 0, 0, 4, 0, 0, 0, 0xf9]);
    let mut wanted = vec![0, 0, 0, 0xf9, 8];
    prost::encoding::encode_varint(paper::STARTS as u64, &mut wanted);
    assert_eq!(client.frame(), wanted);
}

#[test]
fn a_text_client_is_answered_byte_by_byte() {
    let paper = Paper::open(Options::default());
    for (offer, version) in [
        ("v157..178", "178"),
        ("v157..176", "176"),
        ("v100..157", "157"),
    ] {
        let mut client = Raw::text(&paper, offer, 11);
        assert_eq!(
            client.greeting,
            format!("{version}|20261120 09:30:00 US/Eastern|")
        );
        assert_eq!(client.line(), "15|1|DU1234567|");
        assert_eq!(client.line(), "9|1|1|");
        let reason = if version == "157" { "" } else { "|" };
        let farm = "Market data farm connection is OK:usfarm";
        assert_eq!(client.line(), format!("4|2|-1|2104|{farm}|{reason}"));
        client.skip(2);
        client.say("49|1|");
        assert_eq!(client.line(), format!("49|1|{}|", paper::STARTS));
        // What every list ends with, as clients wait for it when they connect.
        client.say("62|1|5|All|NetLiquidation|");
        client.until("64|1|5|");
        client.say("61|1|");
        client.until("62|1|");
        client.say("5|1|");
        client.until("53|1|");
        client.say("99|0|");
        client.until("102|");
        client.say("7|3|9|0|||||||");
        client.until("55|1|9|");
        client.say("76|1|6|DU1234567||0|");
        client.until("74|1|6|");
        client.say("6|2|1|DU1234567|");
        client.until("54|1|DU1234567|");
    }
}

#[test]
fn an_unknown_message_and_one_that_cannot_be_read_close_nothing() {
    let paper = Paper::open(Options::default());
    let mut client = Raw::text(&paper, "v157..178", 1);
    client.skip(5);
    client.say("9999|1|2|3|");
    client.say("1|11|77|x|");
    let told = "message 1: field 3 (conId) is not a whole number of 32 bits";
    assert_eq!(
        client.line(),
        format!("4|2|77|320|Error reading request: {told}||")
    );
    client.say("49|1|");
    assert_eq!(client.line(), format!("49|1|{}|", paper::STARTS));
    let mut client = Raw::connect(&paper);
    client.send(b"API\0\0\0\0\x09v213..226");
    client.send(&[0, 0, 0, 6, 0, 0, 1, 0x0f, 8, 2]);
    client.skip(6);
    client.send(&[0, 0, 0, 6, 0, 0, 0x7f, 0xff, 8, 2]);
    // A contract that is longer than its message.
    client.send(&[0, 0, 0, 9, 0, 0, 0, 0xc9, 8, 77, 0x12, 0x7f, 1]);
    assert_eq!(client.frame()[..6], [0, 0, 0, 0xcc, 8, 77]);
    client.send(&[0, 0, 0, 4, 0, 0, 0, 0xf9]);
    assert_eq!(client.frame()[..4], [0, 0, 0, 0xf9]);
}

#[test]
fn rubbish_is_dropped_and_nobody_else_notices() {
    let paper = impatient();
    let mut good = Raw::text(&paper, "v157..178", 1);
    good.skip(5);
    let cases: [(&[u8], Why); 6] = [
        (b"GET / HTTP/1.1\r\n", Why::Frame(FrameFault::NotAClient)),
        (
            b"API\0\0\0\0\x09v213-226!",
            Why::Frame(FrameFault::Offer(tws::wire::OfferFault)),
        ),
        (b"API\0\0\0\0\x09v300..400", Why::Version(300, 400)),
        (
            b"API\0\xff\xff\xff\xff",
            Why::Frame(FrameFault::Length(0xffff_ffff, 1, 1024)),
        ),
        (
            b"API\0\0\0\0\x09v157..178\x01\0\0\0",
            Why::Frame(FrameFault::Length(0x0100_0000, 2, 0xff_ffff)),
        ),
        (
            b"API\0\0\0\0\x09v213..226\0\0\0\x03\0\0\0",
            Why::Frame(FrameFault::Length(3, 4, 0xff_ffff)),
        ),
    ];
    for (bytes, wanted) in cases {
        let mut bad = Raw::connect(&paper);
        bad.send(bytes);
        bad.ended();
        assert_eq!(why(&paper), wanted);
        good.say("49|1|");
        assert_eq!(good.line(), format!("49|1|{}|", paper::STARTS));
    }
}

#[test]
fn what_is_begun_and_not_finished_is_dropped() {
    let paper = impatient();
    let wanted = Why::Slow(Duration::from_millis(100));
    for bytes in [
        &b""[..],
        b"AP",
        b"API\0\0\0\0\x09v157",
        b"API\0\0\0\0\x09v157..178\0\0\0\x05x",
    ] {
        let mut slow = Raw::connect(&paper);
        slow.send(bytes);
        slow.ended();
        assert_eq!(why(&paper), wanted, "{bytes:?}");
    }
    // One that has nothing to say is no offence.
    let mut quiet = Raw::text(&paper, "v157..178", 1);
    quiet.skip(5);
    let mut slow = Raw::connect(&paper);
    slow.send(b"A");
    slow.ended();
    quiet.say("49|1|");
    quiet.line();
}

#[test]
fn a_client_that_never_listens_is_dropped_and_nobody_else_waits() {
    let paper = impatient();
    let mut good = Raw::text(&paper, "v157..178", 1);
    good.skip(5);
    let mut deaf = Raw::text(&paper, "v157..178", 2);
    while deaf.try_say("49|1|") {}
    let told = why(&paper);
    let behind = matches!(told, Why::Behind(65_536) | Why::Stalled(_) | Why::Socket(_));
    assert!(behind, "{told:?}");
    good.say("49|1|");
    assert_eq!(good.line(), format!("49|1|{}|", paper::STARTS));
}

#[test]
fn the_thirty_third_client_is_turned_away_until_one_leaves() {
    let paper = Paper::open(Options::default());
    let mut clients: Vec<Raw> = (0..32)
        .map(|id| Raw::text(&paper, "v157..178", id))
        .collect();
    for client in &mut clients {
        client.skip(5);
    }
    Raw::connect(&paper).ended();
    assert_eq!(why(&paper), Why::Full(32));
    clients.pop();
    loop {
        let notice = paper.notices.recv_timeout(raw::PATIENCE).expect("told");
        if matches!(notice, Notice::Left(_, Why::Closed)) {
            break;
        }
    }
    Raw::text(&paper, "v157..178", 99).skip(5);
}

#[test]
fn a_running_server_takes_orders_over_its_control_socket() {
    let folder = tempfile::tempdir().expect("made");
    let path = folder.path().join("control");
    let paper = Paper::controlled(Options::default(), Some(&path));
    let mut client = Raw::text(&paper, "v157..178", 1);
    client.skip(5);
    let call = |text: &str| call(&path, text);
    assert_eq!(call("notice code=2103"), "ok\n");
    assert!(client.line().starts_with("4|2|-1|2103|"));
    assert!(
        call("astonish").starts_with("fault 1"),
        "what is wrong is said"
    );
    // What is held is neither served nor told before it may go on, and nothing of it is lost.
    assert_eq!(call("hold"), "ok\n");
    client.say("49|1|");
    assert_eq!(call("notice code=2104"), "ok\n");
    assert_eq!(call("go"), "ok\n");
    assert!(client.line().starts_with("4|2|-1|2104|"));
    assert!(client.line().starts_with("49|"));
    // A frame that is cut in the middle arrives whole.
    assert_eq!(call("stall ms=20"), "ok\n");
    assert_eq!(call("notice code=2105"), "ok\n");
    assert!(client.line().starts_with("4|2|-1|2105|"));
    assert!(call("truth").starts_with('{'));
    assert!(call("step 1s").starts_with("time runs by itself"));
    drop(paper);
    assert!(!path.exists(), "the socket is gone with its server");
}

/// What the server says to a text over its control socket.
fn call(path: &Path, text: &str) -> String {
    let mut caller = UnixStream::connect(path).expect("there");
    caller.write_all(text.as_bytes()).expect("taken");
    caller.shutdown(Shutdown::Write).expect("ended");
    let mut said = String::new();
    caller.read_to_string(&mut said).expect("answered");
    said
}

#[test]
fn a_stepped_market_moves_when_it_is_told_to_and_no_sooner() {
    let folder = tempfile::tempdir().expect("made");
    let path = folder.path().join("control");
    let clock = Clock::stepped(Nanos::from_secs(STARTS as u64));
    let paper = Paper::timed(Options::default(), Some(&path), clock);
    let call = |text: &str| call(&path, text);
    assert_eq!(call("time"), "2026-11-20T14:30:00Z\n");
    assert_eq!(call("step 1m"), "2026-11-20T14:31:00Z\n");
    let mut client = Raw::text(&paper, "v157..178", 1);
    client.skip(5);
    client.say("49|1|");
    let now = format!("49|1|{}|", STARTS + 60);
    assert_eq!(client.line(), now, "the host's time does not count");
    assert_eq!(call("notice code=2103 at=300ms"), "ok\n");
    assert_eq!(call("step 250ms"), "2026-11-20T14:31:00.25Z\n");
    client.say("49|1|");
    assert_eq!(client.line(), now, "what is due later has not happened");
    assert_eq!(call("step 50ms"), "2026-11-20T14:31:00.3Z\n");
    assert!(client.line().starts_with("4|2|-1|2103|"));
    assert!(call("step 2h").starts_with("step wants a span"));
}
