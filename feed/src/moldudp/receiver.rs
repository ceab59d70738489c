//! MoldUDP64 as a pure state machine: packets and time in; messages in order, losses and requests
//! out. It owns no socket and no clock.
//!
//! **Holes.** A message that is missing opens a hole; what is behind it waits in a fixed number of
//! buffers (when they are full, what is furthest away goes and is asked for later). After
//! `patience` the hole is requested, then again every `retry`, `tries` times without any progress;
//! an answer that fills a part of it has the rest requested at once, but no sooner than `pace`
//! after the last request. A hole that is filled leaves no trace.
//!
//! **Loss.** A hole that is given up is reported as [`Output::Lost`], and delivery goes on behind
//! it. What was built from the messages is unsound from then on, and stays so: an answer that
//! comes too late is never fitted in.
//!
//! **Late start.** A session that is first heard behind message 1 is still delivered from there
//! (with [`Join::Start`]): [`Output::Behind`], then what is old by now, until all that is known to
//! exist has been delivered: [`Output::Recovered`].
//!
//! **Rebuild.** Soundness comes back only by getting the whole session again. From `rebuild_every`
//! after a loss on the first messages are requested, and again at that interval, while delivery
//! goes on undisturbed. Once the server answers: [`Output::Rebuild`], then everything from message
//! 1 on in order, those delivered or lost before marked as `replayed`, new ones after them; when
//! nothing is missing any more, [`Output::Recovered`]. A loss on the way ends the attempt.
//!
//! **Silence** of the session for `stale_after` is reported as [`Output::Stale`], and as
//! [`Output::Recovered`] once it speaks again, if it turned out that nothing was lost.
//!
//! Call [`Receiver::poll`] until it has nothing before handing in the next packet or time, and
//! send every [`Receiver::poll_request`].

use super::config::{Config, Counts, Join, Output};
use super::packet::{Downstream, PacketError, Request, SessionName};
use super::store::{Store, Stored};
use std::collections::VecDeque;
use stream::Nanos;

/// Holes that are requested at a time.
const REQUESTS_MAX: usize = 16;

/// The hole at hand.
#[derive(Clone, Copy, Debug)]
struct Hole {
    from: u64,
    to: u64,
    /// Messages up to here were requested.
    asked_to: u64,
    tries: u32,
    deadline: Nanos,
}

/// The packet being handed out.
#[derive(Clone, Copy, Debug)]
struct Reading {
    slot: u16,
    packet: Stored,
    offset: usize,
    next: u64,
}

/// What is wrong with what was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Soundness {
    Sound,
    /// It is old: the session ran before it was heard.
    Behind,
    /// Something was lost. The session is requested again at that time.
    Lost {
        probe_at: Nanos,
    },
    /// The session is being delivered again.
    Rebuilding,
}

/// The state machine.
#[derive(Debug)]
pub struct Receiver {
    config: Config,
    session: Option<SessionName>,
    store: Store,
    reading: Option<Reading>,
    /// Number of the next message to deliver; 0 before the first packet.
    expected: u64,
    /// The number behind the last one known to exist.
    high: u64,
    /// Messages below were delivered or lost before.
    replayed_to: u64,
    hole: Option<Hole>,
    soundness: Soundness,
    /// Set while a packet from the session's start begins a rebuild.
    probing: bool,
    last_heard: Option<Nanos>,
    silent: bool,
    spoke_again: bool,
    session_over: bool,
    ended: bool,
    requested_at: Nanos,
    events: VecDeque<Output<'static>>,
    requests: VecDeque<Request>,
    counts: Counts,
}

impl Receiver {
    /// A receiver that has heard nothing yet.
    ///
    /// # Panics
    /// If a number of the configuration is outside its range.
    #[must_use]
    pub fn new(config: Config) -> Self {
        assert!(
            config.datagram_max > super::packet::HEADER,
            "datagram_max out of range"
        );
        assert!(config.retry > Nanos::ZERO, "retry must be above zero");
        assert!(config.request_max > 0, "request_max must be above zero");
        Self {
            session: config.session,
            store: Store::new(config.slots, config.datagram_max),
            config,
            reading: None,
            expected: 0,
            high: 0,
            replayed_to: 0,
            hole: None,
            soundness: Soundness::Sound,
            probing: false,
            last_heard: None,
            silent: false,
            spoke_again: false,
            session_over: false,
            ended: false,
            requested_at: Nanos::ZERO,
            events: VecDeque::with_capacity(8),
            requests: VecDeque::with_capacity(2 * REQUESTS_MAX),
            counts: Counts::default(),
        }
    }

    /// What has been seen so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The session, once known.
    #[must_use]
    pub const fn session(&self) -> Option<SessionName> {
        self.session
    }

    /// Number of the next message to deliver; 0 before the first packet.
    #[must_use]
    pub const fn expected(&self) -> u64 {
        self.expected
    }

    /// Packets that wait behind a hole.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.store.len()
    }

    /// True when nothing was lost or all of it was made good, and what was delivered is not old.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.soundness == Soundness::Sound
    }

    /// Where to put the next datagram: one byte more than may be in use, so that one that is too
    /// long shows.
    pub fn buffer(&mut self) -> &mut [u8] {
        self.store.incoming()
    }

    /// Takes a datagram from any memory.
    ///
    /// # Errors
    /// As [`Receiver::received`].
    ///
    /// # Panics
    /// As [`Receiver::received`].
    pub fn on_datagram(&mut self, now: Nanos, bytes: &[u8]) -> Result<(), PacketError> {
        let buffer = self.store.incoming();
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        self.received(now, length)
    }

    /// Takes the datagram of `length` bytes in [`Receiver::buffer`].
    ///
    /// # Errors
    /// When it is no packet of the session. It is counted and has no further effect.
    ///
    /// # Panics
    /// If [`Receiver::poll`] still has something.
    pub fn received(&mut self, now: Nanos, length: usize) -> Result<(), PacketError> {
        assert!(
            self.reading.is_none() && self.events.is_empty(),
            "poll the receiver until it has nothing"
        );
        let (header, packet) = match self.header(length) {
            Ok(found) => found,
            Err(error) => {
                match error {
                    PacketError::Foreign => self.counts.foreign += 1,
                    _ => self.counts.malformed += 1,
                }
                return Err(error);
            }
        };
        self.session = Some(header.session);
        self.counts.packets += 1;
        self.last_heard = Some(now);
        self.spoke_again = self.silent;
        self.session_over |= header.end;
        if self.expected == 0 {
            self.join(now, packet.from);
        }
        self.high = self.high.max(packet.to);
        if header.count == 0 {
            self.counts.heartbeats += 1;
        } else if packet.to <= self.expected {
            if self.probing && packet.from == 1 {
                self.rebuild_with(packet);
            } else {
                self.counts.duplicates += 1;
            }
        } else if packet.from <= self.expected {
            self.read_incoming(packet);
        } else if self.store.has(&packet) {
            self.counts.duplicates += 1;
        } else {
            self.counts.evicted += u64::from(self.store.keep_incoming(packet));
        }
        self.review(now, packet.to);
        Ok(())
    }

    fn header(&self, length: usize) -> Result<(Header, Stored), PacketError> {
        if length > self.config.datagram_max {
            return Err(PacketError::Long {
                max: self.config.datagram_max,
            });
        }
        let packet = Downstream::parse(self.store.received(length))?;
        if self
            .session
            .is_some_and(|session| session != packet.session)
        {
            return Err(PacketError::Foreign);
        }
        let header = Header {
            session: packet.session,
            count: packet.count,
            end: packet.end,
        };
        let stored = Stored {
            from: packet.sequence,
            to: packet.sequence + u64::from(packet.count),
            length,
        };
        Ok((header, stored))
    }

    /// Begins the session at the packet that came first.
    fn join(&mut self, now: Nanos, first: u64) {
        self.expected = 1;
        self.high = first;
        if first == 1 {
            return;
        }
        match self.config.join {
            Join::Live => self.lose(now, 1, first),
            Join::Start => {
                self.soundness = Soundness::Behind;
                self.events.push_back(Output::Behind { to: first });
            }
        }
    }

    fn read_incoming(&mut self, packet: Stored) {
        let slot = self.store.take_incoming(packet);
        self.read(slot);
    }

    /// Begins to hand out a packet at the message expected.
    fn read(&mut self, slot: u16) {
        let packet = self.store.packet(slot);
        let mut reading = Reading {
            slot,
            packet,
            offset: super::packet::HEADER,
            next: packet.from,
        };
        while reading.next < self.expected {
            reading.offset = self.message_at(&reading).end;
            reading.next += 1;
        }
        self.reading = Some(reading);
    }

    /// Where the next message of a packet lies in its buffer.
    fn message_at(&self, reading: &Reading) -> core::ops::Range<usize> {
        let bytes = self.store.bytes(reading.slot, reading.packet.length);
        let at = reading.offset;
        let length = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        at + 2..at + 2 + length
    }

    /// What comes next; `None` until there is another packet or a deadline has passed.
    pub fn poll(&mut self) -> Option<Output<'_>> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if self.reading.is_none() {
            match self.store.take_next(self.expected) {
                Some(slot) => self.read(slot),
                None => return self.settle(),
            }
        }
        let copy = self.reading.expect("a packet is being read");
        let place = self.message_at(&copy);
        let sequence = copy.next;
        self.expected = sequence + 1;
        self.counts.messages += 1;
        self.reading = Some(Reading {
            offset: place.end,
            next: sequence + 1,
            ..copy
        });
        if sequence + 1 == copy.packet.to {
            // The bytes stay until the next datagram: a released buffer is not written before.
            self.reading = None;
            self.store.release(copy.slot);
        }
        let bytes = &self.store.bytes(copy.slot, copy.packet.length)[place];
        Some(Output::Message {
            sequence,
            bytes,
            replayed: sequence < self.replayed_to,
        })
    }

    /// Everything at hand is delivered: says so where that ends something.
    fn settle(&mut self) -> Option<Output<'static>> {
        if self.expected < self.high || self.expected == 0 {
            return None;
        }
        let whole = matches!(self.soundness, Soundness::Behind | Soundness::Rebuilding);
        if whole {
            self.soundness = Soundness::Sound;
        }
        let woke = self.silent && self.spoke_again;
        if woke {
            self.silent = false;
        }
        if whole || (woke && self.is_sound()) {
            return Some(Output::Recovered);
        }
        if self.session_over && !self.ended {
            self.ended = true;
            // A rebuild that was asked for before the end is not begun behind it.
            self.probing = false;
            return Some(Output::Ended);
        }
        None
    }

    /// True when [`Receiver::poll`] has an event that time has brought.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next request to send.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }

    /// When [`Receiver::on_time`] has something to do, if nothing arrives before.
    #[must_use]
    pub fn deadline(&self) -> Option<Nanos> {
        let hole = self.hole.map(|hole| hole.deadline);
        let stale = self.stale_at();
        let probe = self.probe_at();
        [hole, stale, probe].into_iter().flatten().min()
    }

    fn stale_at(&self) -> Option<Nanos> {
        let watched = !self.silent && self.config.stale_after > Nanos::ZERO && !self.session_over;
        let last = self.last_heard.filter(|_| watched)?;
        Some(last.saturating_add(self.config.stale_after))
    }

    fn probe_at(&self) -> Option<Nanos> {
        let possible = self.config.rebuild_every > Nanos::ZERO && self.config.tries > 0;
        match self.soundness {
            Soundness::Lost { probe_at } if possible && !self.ended => Some(probe_at),
            _ => None,
        }
    }

    /// Does what has fallen due by `now`. Calling it too early or too often is harmless.
    ///
    /// # Panics
    /// If [`Receiver::poll`] still has something.
    pub fn on_time(&mut self, now: Nanos) {
        assert!(
            self.reading.is_none() && self.events.is_empty(),
            "poll the receiver until it has nothing"
        );
        // Silence counts from the start, also before the first packet.
        self.last_heard.get_or_insert(now);
        if self.stale_at().is_some_and(|at| at <= now) {
            self.silent = true;
            self.spoke_again = false;
            self.events.push_back(Output::Stale);
        }
        if self.probe_at().is_some_and(|at| at <= now) {
            self.probe(now);
        }
        if self.hole.is_none() && self.expected > 0 {
            self.review(now, 0);
        }
        if let Some(hole) = self.hole
            && hole.deadline <= now
        {
            if hole.tries < self.config.tries {
                self.ask(now, hole);
            } else {
                self.give_up(now, hole);
            }
        }
    }

    /// Asks for the session from its start at once, whatever `rebuild_every` says: an operator's
    /// wish. It has no effect while the session is being delivered again.
    pub fn rebuild(&mut self, now: Nanos) {
        if self.soundness != Soundness::Rebuilding && self.expected > 1 {
            self.probe(now);
        }
    }

    fn probe(&mut self, now: Nanos) {
        self.probing = true;
        if let Soundness::Lost { probe_at } = &mut self.soundness {
            *probe_at = now.saturating_add(self.config.rebuild_every);
        }
        let count = (self.high - 1).min(u64::from(self.config.request_max));
        self.request(1, count.max(1) as u16);
    }

    /// The session's first messages came again: starts over with them.
    fn rebuild_with(&mut self, packet: Stored) {
        self.probing = false;
        self.counts.rebuilds += 1;
        self.soundness = Soundness::Rebuilding;
        self.replayed_to = self.replayed_to.max(self.expected);
        self.events.push_back(Output::Rebuild {
            to: self.replayed_to,
        });
        self.expected = 1;
        self.hole = None;
        self.read_incoming(packet);
    }

    /// The holes that will be left when everything at hand is delivered.
    fn holes(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let delivered = self
            .reading
            .map_or(self.expected, |reading| reading.packet.to);
        let end = core::iter::once((self.high, self.high));
        let known = self.store.waiting().map(|packet| (packet.from, packet.to));
        known
            .chain(end)
            .scan(delivered, |at, (from, to)| {
                let hole = (*at, from);
                *at = (*at).max(to);
                Some(hole)
            })
            .filter(|(from, to)| from < to)
    }

    /// Looks after the first hole; a packet that ended at `arrived_to` has just arrived. Nothing is
    /// given up here: messages before the hole may still have to be delivered.
    fn review(&mut self, now: Nanos, arrived_to: u64) {
        let first = self.holes().next();
        let Some((from, to)) = first else {
            self.hole = None;
            return;
        };
        let mut hole = self.hole.unwrap_or(Hole {
            from,
            to,
            asked_to: from,
            tries: 0,
            deadline: now.saturating_add(self.first_wait()),
        });
        hole.to = to;
        if from != hole.from {
            // A part came, or all and this is the next hole. Was it asked for, and is it to come?
            let to_come = from < hole.asked_to && from != arrived_to;
            hole.from = from;
            hole.tries = u32::from(to_come);
            hole.deadline = if to_come {
                now.saturating_add(self.config.retry)
            } else {
                now.max(self.requested_at.saturating_add(self.config.pace))
            };
        }
        self.hole = Some(hole);
        if hole.deadline <= now && hole.tries < self.config.tries {
            self.ask(now, hole);
        }
    }

    /// A hole in the middle of a rebuild is no reordering.
    fn first_wait(&self) -> Nanos {
        if self.soundness == Soundness::Rebuilding {
            Nanos::ZERO
        } else {
            self.config.patience
        }
    }

    /// Asks for the hole and for those behind it.
    fn ask(&mut self, now: Nanos, mut hole: Hole) {
        hole.tries += 1;
        hole.deadline = now.saturating_add(self.config.retry);
        self.requested_at = now;
        let mut wanted = [(0, 0); REQUESTS_MAX];
        let mut holes = 0;
        for (place, found) in wanted.iter_mut().zip(self.holes()) {
            *place = found;
            holes += 1;
        }
        for (from, to) in &wanted[..holes] {
            let count = (to - from).min(u64::from(self.config.request_max));
            hole.asked_to = from + count;
            self.request(*from, count as u16);
            if hole.asked_to < *to {
                break;
            }
        }
        self.hole = Some(hole);
    }

    fn request(&mut self, sequence: u64, count: u16) {
        let session = self.session.expect("holes are of a session");
        // A caller that sends none of them must not make them pile up.
        if self.requests.len() == self.requests.capacity() {
            self.requests.pop_front();
        }
        self.counts.requests += 1;
        self.requests.push_back(Request {
            session,
            sequence,
            count,
        });
    }

    /// Goes on behind the hole. Within a rebuild that is behind everything that is old: books that
    /// cannot become sound need no replay.
    fn give_up(&mut self, now: Nanos, hole: Hole) {
        assert_eq!(
            hole.from, self.expected,
            "what comes before a hole is delivered first"
        );
        self.hole = None;
        let to = hole.to.max(self.replayed_to);
        self.lose(now, hole.from, to);
    }

    fn lose(&mut self, now: Nanos, from: u64, to: u64) {
        self.counts.lost += to - from;
        self.expected = to;
        self.replayed_to = self.replayed_to.max(to);
        self.probing = false;
        self.soundness = Soundness::Lost {
            probe_at: now.saturating_add(self.config.rebuild_every),
        };
        self.events.push_back(Output::Lost { from, to });
    }
}

/// What stands before the messages of a packet.
struct Header {
    session: SessionName,
    count: u16,
    end: bool,
}
