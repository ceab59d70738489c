//! One connection.

use super::outbox::Outbox;
use super::{Options, Why};
use crate::codec::Codec;
use crate::model::{Answer, Problem, Request};
use crate::wire::{Inbox, Malformed};
use crate::world::{Cut, Link};
use mio::net::TcpStream;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

/// Bytes that are read from one client in a turn.
const SHARE: usize = 16 * 1024;
/// Messages that are taken from one client in a turn.
const MESSAGES: usize = 64;
/// What a client that is let go of gets to take the last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a client has said.
#[derive(Debug)]
pub enum Heard {
    /// The greeting, which leads to this version.
    Offer(i32, SocketAddr),
    /// A message.
    Request(Box<Request>),
    /// A message that cannot be read.
    Malformed(Malformed),
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// Its number.
    pub link: Link,
    /// Its socket.
    pub stream: TcpStream,
    /// The socket may have something to read.
    pub readable: bool,
    /// The socket may take something.
    pub writable: bool,
    peer: SocketAddr,
    inbox: Inbox,
    outbox: Outbox,
    codec: Option<Codec>,
    /// Complete messages wait in the inbox.
    backlog: bool,
    /// No further byte will come.
    ended: bool,
    /// Since when a greeting or frame is incomplete.
    begun: Option<Instant>,
    /// Since when the client has taken nothing of what waits.
    stalled: Option<Instant>,
    /// Why it is let go of, and since when.
    leaving: Option<(Why, Instant)>,
    /// It is not even flushed.
    lost: bool,
    /// Nothing is read from it any more, as a script wants it.
    deaf: bool,
    /// Nothing is written to it any more, likewise.
    mute: bool,
    /// Both, for a while; nothing is lost meanwhile.
    held: bool,
    /// What had been read when that began.
    kept: Vec<Heard>,
    /// Bytes that may be written before that time, where a frame is to be cut.
    stall: Option<(usize, Instant)>,
}

/// Of a frame that is cut, its length and a little more leave first.
const FIRST_PART: usize = 6;

impl Client {
    /// A connection that was just accepted.
    pub fn new(link: Link, stream: TcpStream, peer: SocketAddr) -> Self {
        Self {
            link,
            stream,
            readable: true,
            writable: true,
            peer,
            inbox: Inbox::new(),
            outbox: Outbox::default(),
            codec: None,
            backlog: false,
            ended: false,
            begun: Some(Instant::now()),
            stalled: None,
            leaving: None,
            lost: false,
            deaf: false,
            mute: false,
            held: false,
            kept: Vec::new(),
            stall: None,
        }
    }

    /// The connection breaks in that way; `wait` is the host's time for the cut's own.
    pub fn cut(&mut self, cut: Cut, wait: Duration) {
        match cut {
            Cut::Hold => {
                // What was said before still arrives.
                self.flush(Instant::now());
                self.held = true;
                (self.begun, self.stalled) = (None, None);
            }
            Cut::Go => self.held = false,
            Cut::Stall(_) => {
                self.flush(Instant::now());
                self.stall = Some((FIRST_PART, Instant::now() + wait));
            }
            Cut::Reset => self.lose(Why::Dismissed),
            Cut::BlackHole => (self.deaf, self.mute) = (true, true),
            Cut::HalfOpen => self.mute = true,
        }
        if self.mute {
            self.outbox = Outbox::default();
        }
        if self.deaf {
            (self.readable, self.backlog, self.begun) = (false, false, None);
        }
    }

    /// Whether it has finished its handshake.
    pub const fn joined(&self) -> bool {
        self.codec.is_some()
    }

    /// Whether a script holds it.
    pub const fn is_held(&self) -> bool {
        self.held
    }

    /// What was read and is to wait until the script lets it go.
    pub fn keep(&mut self, heard: impl Iterator<Item = Heard>) {
        self.kept.extend(heard);
    }

    /// Whether it has something to do without waiting for its socket.
    pub const fn busy(&self) -> bool {
        if self.held {
            return self.lost;
        }
        if self.stall.is_some() {
            return self.lost || (self.leaving.is_none() && (self.backlog || self.readable));
        }
        let reads = self.leaving.is_none() && (self.backlog || self.readable);
        reads || self.writes() || self.lost
    }

    /// Whether the next flush writes something.
    pub const fn writes(&self) -> bool {
        self.writable && self.outbox.waiting() > 0 && !self.lost
    }

    /// Bytes that its socket has not taken yet.
    pub fn waiting(&self) -> usize {
        self.outbox.waiting()
    }

    /// When its patience or ours ends.
    pub fn deadline(&self, options: &Options) -> Option<Instant> {
        let stall = self.stall.map(|(_, until)| until);
        let begun = self.begun.map(|since| since + options.frame_deadline);
        let stalled = self.stalled.map(|since| since + options.stall_deadline);
        let leaving = self.leaving.as_ref().map(|(_, since)| *since + FAREWELL);
        let all = begun.into_iter().chain(stalled).chain(leaving).chain(stall);
        all.min()
    }

    /// Reads a share and takes what messages are complete.
    pub fn hear(&mut self, heard: &mut Vec<Heard>) {
        if self.leaving.is_some() || self.held {
            return;
        }
        if self.deaf {
            self.readable = false;
            return;
        }
        heard.append(&mut self.kept);
        if self.readable && !self.backlog {
            self.read();
        }
        if let Err(why) = self.take(heard) {
            self.dismiss(why);
        } else if self.ended && !self.backlog {
            self.dismiss(Why::Closed);
        }
        if self.inbox.begun() && !self.backlog {
            self.begun.get_or_insert_with(Instant::now);
        } else if self.joined() {
            self.begun = None;
        }
    }

    fn read(&mut self) {
        let mut share = [0; SHARE];
        match self.stream.read(&mut share) {
            Ok(0) => self.ended = true,
            Ok(length) => {
                self.inbox.extend(&share[..length]);
                // The next frame gets its own time.
                self.begun = self.begun.filter(|_| !self.joined() || self.inbox.begun());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.lose(Why::Socket(error.kind())),
        }
        if self.ended {
            self.readable = false;
        }
    }

    /// Takes complete messages, so many at most.
    fn take(&mut self, heard: &mut Vec<Heard>) -> Result<(), Why> {
        self.backlog = false;
        let codec = match self.codec {
            Some(codec) => codec,
            None => {
                let Some(offer) = self.inbox.greeting()? else {
                    return Ok(());
                };
                let version = offer.version().ok_or(Why::Version(offer.min, offer.max))?;
                heard.push(Heard::Offer(version, self.peer));
                *self.codec.insert(Codec::new(version))
            }
        };
        for _ in 0..MESSAGES {
            let Some(body) = self.inbox.frame(codec.frame_min())? else {
                return Ok(());
            };
            self.begun = None;
            heard.push(match codec.decode(body) {
                Ok(request) => Heard::Request(Box::new(request)),
                Err(malformed) => Heard::Malformed(malformed),
            });
        }
        self.backlog = true;
        Ok(())
    }

    /// Answers the greeting. It is text whatever follows.
    pub fn greet(&mut self, version: i32, time: &str) {
        let body = format!("{version}\0{time}\0");
        let tail = self.outbox.tail();
        tail.extend((body.len() as u32).to_be_bytes());
        tail.extend(body.as_bytes());
    }

    /// Says something, at so many milliseconds since the epoch.
    pub fn say(&mut self, answer: &Answer, millis: i64) {
        let (Some(codec), None) = (self.codec, &self.leaving) else {
            return;
        };
        if self.mute {
            return;
        }
        if !codec.encode(answer, self.outbox.tail()) {
            let problem = Answer::Problem(Problem {
                id: -1,
                time: millis,
                code: 322,
                text: "Error processing request: the answer is longer than a frame".to_owned(),
                advanced: String::new(),
            });
            // This one is short.
            let _ = codec.encode(&problem, self.outbox.tail());
        }
    }

    /// Lets go of it once it has taken what was said.
    pub fn dismiss(&mut self, why: Why) {
        if self.leaving.is_none() {
            self.leaving = Some((why, Instant::now()));
        }
    }

    /// Lets go of it at once.
    fn lose(&mut self, why: Why) {
        self.dismiss(why);
        self.lost = true;
    }

    /// Writes what the socket takes.
    pub fn flush(&mut self, now: Instant) {
        if self.held {
            return;
        }
        if self.stall.is_some_and(|(_, until)| now >= until) {
            self.stall = None;
        }
        while self.writable && self.outbox.waiting() > 0 && !self.lost {
            let most = self.stall.map_or(usize::MAX, |(left, _)| left);
            if most == 0 {
                return;
            }
            match self.outbox.write(&mut self.stream, most) {
                Ok(written) => {
                    self.stalled = None;
                    if let Some((left, _)) = &mut self.stall {
                        *left -= written;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) => self.lose(Why::Socket(error.kind())),
            }
        }
        if self.outbox.waiting() > 0 {
            self.stalled.get_or_insert(now);
        }
    }

    /// Why it is to be let go of now, if it is.
    pub fn through(&mut self, now: Instant, options: &Options) -> Option<Why> {
        let past = |since: Option<Instant>, limit| since.is_some_and(|since| now >= since + limit);
        if self.outbox.waiting() > options.outbox_max {
            self.lose(Why::Behind(options.outbox_max));
        } else if past(self.stalled, options.stall_deadline) {
            self.lose(Why::Stalled(options.stall_deadline));
        } else if past(self.begun, options.frame_deadline) {
            self.lose(Why::Slow(options.frame_deadline));
        }
        let (why, since) = self.leaving.as_ref()?;
        let spoken = self.outbox.waiting() == 0;
        if !(self.lost || spoken || now >= *since + FAREWELL) {
            return None;
        }
        if spoken && !self.lost {
            // The last words arrive although unread input would turn the close into a reset.
            let _ = self.stream.shutdown(Shutdown::Write);
        }
        Some(why.clone())
    }
}
