//! The receiver's numbers: how to receive, what comes out, what was seen.

use super::packet::SessionName;
use stream::Nanos;

/// Where to begin in a session that runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// With message 1; what was missed is requested, and nothing is sound until it is delivered.
    Start,
    /// With the first packet that arrives; what was missed is lost.
    Live,
}

/// How to receive. Times are spans.
#[derive(Clone, Debug)]
pub struct Config {
    /// The session; without it that of the first packet.
    pub session: Option<SessionName>,
    /// Where to begin.
    pub join: Join,
    /// Bytes of a datagram at most.
    pub datagram_max: usize,
    /// Packets that may wait behind a hole, 1 to 65,532.
    pub slots: u16,
    /// How long a hole may be a mere reordering before it is requested.
    pub patience: Nanos,
    /// How long to wait for an answer, above 0.
    pub retry: Nanos,
    /// Requests without progress before a hole is given up; 0 where there is no request server.
    pub tries: u32,
    /// Messages in one request at most, at least 1. Servers answer with one packet, so that more
    /// than fits into one is asked for in vain.
    pub request_max: u16,
    /// Least time between two rounds of requests.
    pub pace: Nanos,
    /// Silence after which the session is reported as stale; 0 for never. Heartbeats come every
    /// second.
    pub stale_after: Nanos,
    /// How often to try to get the session again after a loss; 0 for never.
    pub rebuild_every: Nanos,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            session: None,
            join: Join::Start,
            datagram_max: 1_500,
            slots: 2_048,
            patience: Nanos::ZERO,
            retry: Nanos::from_millis(20),
            tries: 5,
            request_max: 64,
            pace: Nanos(50_000),
            stale_after: Nanos::from_secs(3),
            rebuild_every: Nanos::from_secs(1),
        }
    }
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// The next message.
    Message {
        /// Its number.
        sequence: u64,
        /// Its bytes.
        bytes: &'a [u8],
        /// True when it was delivered or lost before.
        replayed: bool,
    },
    /// Messages `from` up to, not including, `to` are lost.
    Lost {
        /// First one.
        from: u64,
        /// The one behind the last.
        to: u64,
    },
    /// The session has run before it was heard: its messages come from 1 on, and what they tell is
    /// old until `Recovered`.
    Behind {
        /// Messages before this one were missed.
        to: u64,
    },
    /// The session has gone silent.
    Stale,
    /// All that was built so far is void: the session follows from message 1. It is sound again
    /// at `Recovered`.
    Rebuild {
        /// Messages before this one were delivered or lost before.
        to: u64,
    },
    /// Nothing is missing any more.
    Recovered,
    /// The session is over and all of it was delivered.
    Ended,
}

/// What a receiver has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets of the session.
    pub packets: u64,
    /// Heartbeats among them.
    pub heartbeats: u64,
    /// Packets with nothing new.
    pub duplicates: u64,
    /// Datagrams that are no packet.
    pub malformed: u64,
    /// Packets of other sessions.
    pub foreign: u64,
    /// Packets that fell out of full buffers.
    pub evicted: u64,
    /// Messages delivered, replayed ones included.
    pub messages: u64,
    /// Messages lost.
    pub lost: u64,
    /// Requests made.
    pub requests: u64,
    /// Rebuilds begun.
    pub rebuilds: u64,
}
