//! MoldUDP64 on UDP sockets, as a source of ITCH frames.
//!
//! Sockets are non-blocking and polled, never slept on: each call of `next` reads what is there
//! and returns. Redundant lines (A and B) are read in turn into one receiver, which takes from
//! each packet what is new. Requests go to the configured servers in turn, from a socket of their
//! own, where the answers arrive.
//!
//! Losses, silence, a late start and recovery become `Gap` frames on instrument 0: every book of
//! the source. An instrument that speaks for the first time while something is missing gets a `Gap`
//! of its own before that, because no book was the source's yet. A rebuild begins with a `Clear`
//! for each instrument that has spoken and a `Gap` behind them, so that no half-built book counts
//! as sound, and ends with a `Gap` that says `Recovered`.
//!
//! Deliberately absent: the size of the kernel's receive buffer (`net.core.rmem_default` is the
//! host's to set) and hardware time stamps.

use super::config::{Config, Output};
use super::packet::PacketError;
use super::receiver::Receiver;
use crate::error::FeedError;
use crate::itch::Decoder;
use mio::net::UdpSocket;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use stream::payload::{Clear, FaultCode, Gap, GapReason, flags};
use stream::{Draft, InstrumentId, Nanos, Next, Source};

/// Messages looked at in one call at most, so that a burst of unwanted ones does not hold up the
/// head.
const STEPS_MAX: usize = 256;
/// Datagrams after which deadlines are looked at although more datagrams wait. Usually they are
/// looked at when none waits: what would meet a deadline may be among them.
const DATAGRAMS_PER_LOOK: u32 = 64;

/// One line of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where its packets go: a multicast group, or an address of this host.
    pub address: SocketAddr,
    /// Interface on which a multicast group is joined.
    pub interface: Ipv4Addr,
}

/// Sockets and servers.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Lines that carry the same session.
    pub lines: Vec<Line>,
    /// Local address that requests are sent from.
    pub requests_from: SocketAddr,
    /// Request servers; without any nothing can be requested.
    pub servers: Vec<SocketAddr>,
    /// The protocol's numbers.
    pub receiver: Config,
}

/// What a source has seen besides its receiver's and decoder's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Datagrams received.
    pub datagrams: u64,
    /// Errors of the sockets, sending and receiving.
    pub socket_errors: u64,
}

/// The source.
pub struct MoldUdpSource<C> {
    /// The request socket first, then the lines.
    sockets: Vec<UdpSocket>,
    turn: usize,
    servers: Vec<SocketAddr>,
    server: usize,
    receiver: Receiver,
    decoder: Decoder,
    clock: C,
    draft: Draft,
    ready: bool,
    /// By instrument id: it has spoken.
    seen: Box<[bool]>,
    /// The last loss, silence or late start.
    last_gap: Gap,
    /// True when the frame at hand is the first of its instrument and needs a `Gap` before it.
    gap_first: bool,
    /// The next instrument to clear.
    clearing: Option<u16>,
    foreign: bool,
    ended: bool,
    /// Datagrams since deadlines were looked at.
    since_look: u32,
    counts: SourceCounts,
}

impl<C> core::fmt::Debug for MoldUdpSource<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MoldUdpSource")
            .field("sockets", &self.sockets)
            .field("receiver", self.receiver.counts())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// What one step brought.
enum Step {
    Frame,
    Nothing,
    Dry,
}

impl<C: FnMut() -> Nanos> MoldUdpSource<C> {
    /// Opens the sockets. `clock` tells the time; only spans of it matter.
    ///
    /// # Errors
    /// When an address cannot be bound or a group not be joined, or there are no lines.
    pub fn open(config: SourceConfig, decoder: Decoder, clock: C) -> Result<Self, FeedError> {
        if config.lines.is_empty() {
            return Err(FeedError::config(
                "the feed has no lines",
                "name at least one address",
            ));
        }
        let mut receiving = config.receiver;
        if config.servers.is_empty() {
            receiving.tries = 0;
        }
        let mut sockets = vec![bind(config.requests_from)?];
        for line in &config.lines {
            sockets.push(listen(line)?);
        }
        let seen = vec![false; decoder.universe().len() + 1].into_boxed_slice();
        Ok(Self {
            seen,
            last_gap: Gap::zeroed(),
            gap_first: false,
            sockets,
            turn: 0,
            servers: config.servers,
            server: 0,
            receiver: Receiver::new(receiving),
            decoder,
            clock,
            draft: Draft::new(),
            ready: false,
            clearing: None,
            foreign: false,
            ended: false,
            since_look: 0,
            counts: SourceCounts::default(),
        })
    }

    /// Where the lines are bound, in their order.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        self.sockets[1..]
            .iter()
            .map(UdpSocket::local_addr)
            .collect()
    }

    /// The protocol's state.
    #[must_use]
    pub const fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The decoder's state.
    #[must_use]
    pub const fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// What was seen so far.
    #[must_use]
    pub const fn counts(&self) -> &SourceCounts {
        &self.counts
    }

    /// Gets the whole session again: an operator's wish, see [`Receiver::rebuild`].
    pub fn rebuild(&mut self) {
        let now = (self.clock)();
        self.receiver.rebuild(now);
    }

    fn step(&mut self) -> Step {
        if let Some(id) = self.clearing {
            return self.clear_from(id);
        }
        let Some(output) = self.receiver.poll() else {
            return self.receive();
        };
        match output {
            Output::Message {
                sequence,
                bytes,
                replayed,
            } => {
                self.decoder.set_replay(replayed);
                let made = self.decoder.decode(bytes, sequence, &mut self.draft);
                if !made.frame {
                    return Step::Nothing;
                }
                let spoke = core::mem::replace(&mut self.seen[made.instrument.index()], true);
                let named = made.instrument != InstrumentId::NONE;
                self.gap_first = !spoke && named && !self.receiver.is_sound();
            }
            Output::Rebuild { to } => {
                self.last_gap = self.gap(GapReason::Lost, 1, to);
                return self.clear_from(1);
            }
            Output::Lost { from, to } => self.write_gap(GapReason::Lost, from, to),
            Output::Behind { to } => self.write_gap(GapReason::Stale, 1, to),
            Output::Stale => {
                let next = self.receiver.expected();
                self.write_gap(GapReason::Stale, next, 0);
            }
            Output::Recovered => self.write_gap(GapReason::Recovered, 0, 0),
            Output::Ended => {
                self.ended = true;
                let next = self.receiver.expected();
                self.write_gap(GapReason::Ended, next, next);
            }
        }
        Step::Frame
    }

    /// A `Gap` of messages `from` to `to`; `lost` counts them only where that is what happened.
    fn gap(&self, reason: GapReason, from: u64, to: u64) -> Gap {
        let lost = if reason == GapReason::Lost {
            to - from
        } else {
            0
        };
        Gap {
            from,
            to,
            lost,
            source: self.decoder.source(),
            reason,
            spare: [0; 5],
        }
    }

    fn write_gap(&mut self, reason: GapReason, from: u64, to: u64) {
        let gap = self.gap(reason, from, to);
        if reason != GapReason::Recovered {
            self.last_gap = gap;
        }
        self.draft.write(InstrumentId::NONE, &gap);
    }

    /// Empties the first book from `id` on; behind the last one says that they are not sound.
    fn clear_from(&mut self, id: u16) -> Step {
        let rest = &self.seen[usize::from(id)..];
        let Some(offset) = rest.iter().position(|&seen| seen) else {
            self.clearing = None;
            self.draft.write(InstrumentId::NONE, &self.last_gap);
            return Step::Frame;
        };
        let id = id + offset as u16;
        self.clearing = Some(id + 1);
        let clear = Clear {
            venue_ts: Nanos::ZERO,
            source: self.decoder.source(),
            flags: flags::SNAPSHOT,
            spare: [0; 21],
        };
        self.draft.write(InstrumentId(id), &clear);
        Step::Frame
    }

    /// Everything at hand is out: looks at the time, sends requests, reads the next datagram.
    fn receive(&mut self) -> Step {
        if self.ended {
            return Step::Dry;
        }
        let now = (self.clock)();
        if self.since_look == DATAGRAMS_PER_LOOK {
            self.look(now);
            return Step::Nothing;
        }
        let sockets = self.sockets.len();
        for _ in 0..sockets {
            let turn = self.turn;
            self.turn = (turn + 1) % sockets;
            match self.sockets[turn].recv_from(self.receiver.buffer()) {
                Ok((length, _)) => return self.datagram(now, length),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // An earlier request may come back as an error here; the next try will tell.
                Err(_) => self.counts.socket_errors += 1,
            }
        }
        self.look(now);
        Step::Dry
    }

    /// Lets time have its effect.
    fn look(&mut self, now: Nanos) {
        self.since_look = 0;
        self.receiver.on_time(now);
        self.send_requests();
    }

    fn datagram(&mut self, now: Nanos, length: usize) -> Step {
        self.counts.datagrams += 1;
        self.since_look += 1;
        let taken = self.receiver.received(now, length);
        self.send_requests();
        let (code, value) = match taken {
            Ok(()) => {
                self.foreign = false;
                return Step::Nothing;
            }
            // One fault for a run of them: a second feed on the group must not flood the stream.
            Err(PacketError::Foreign) if self.foreign => return Step::Nothing,
            Err(PacketError::Foreign) => {
                self.foreign = true;
                (FaultCode::BadValue, 0)
            }
            Err(PacketError::Sequence { sequence }) => (FaultCode::BadValue, sequence),
            Err(_) => (FaultCode::Malformed, length as u64),
        };
        let position = self.counts.datagrams;
        self.decoder.report(code, position, value, &mut self.draft);
        Step::Frame
    }

    fn send_requests(&mut self) {
        while let Some(request) = self.receiver.poll_request() {
            if self.servers.is_empty() {
                continue;
            }
            let server = self.servers[self.server % self.servers.len()];
            self.server = self.server.wrapping_add(1);
            if self.sockets[0]
                .send_to(&request.to_bytes(), server)
                .is_err()
            {
                self.counts.socket_errors += 1;
            }
        }
    }
}

impl<C: FnMut() -> Nanos> Source for MoldUdpSource<C> {
    fn next(&mut self) -> Next {
        for _ in 0..STEPS_MAX {
            if self.ready {
                return Next::At(Nanos::ZERO);
            }
            match self.step() {
                Step::Frame => self.ready = true,
                Step::Nothing => {}
                Step::Dry if self.ended => return Next::End,
                // Time may have brought something.
                Step::Dry if self.receiver.has_news() => {}
                Step::Dry => return Next::Idle,
            }
        }
        if self.ready {
            return Next::At(Nanos::ZERO);
        }
        Next::Idle
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        if !self.ready {
            return false;
        }
        if core::mem::take(&mut self.gap_first) {
            draft.write(self.draft.header().instrument, &self.last_gap);
            return true;
        }
        draft.copy_from(self.draft.frame());
        self.ready = false;
        true
    }
}

fn cannot(what: &str, address: SocketAddr, why: &std::io::Error) -> FeedError {
    FeedError::config(
        format!("udp {address} cannot be {what}: {why}"),
        "check that the address and the interface are this host's and the port is free",
    )
}

fn bind(address: SocketAddr) -> Result<UdpSocket, FeedError> {
    UdpSocket::bind(address).map_err(|why| cannot("bound", address, &why))
}

fn listen(line: &Line) -> Result<UdpSocket, FeedError> {
    let socket = bind(line.address)?;
    match line.address.ip() {
        IpAddr::V4(group) if group.is_multicast() => socket
            .join_multicast_v4(&group, &line.interface)
            .map_err(|why| cannot("joined", line.address, &why))?,
        _ => {}
    }
    Ok(socket)
}
