//! The sockets: many clients, one thread, nothing that blocks.
//!
//! A client that is slow, stalled or speaks rubbish is dropped, and no other notices. A message
//! that cannot be read is answered with error 320 and the connection goes on; only where the next
//! frame's place is lost, or a bound of [`Options`] is passed, the connection ends.

mod client;
mod clock;
mod control;
mod outbox;

pub use clock::Clock;

use crate::corrupt::Group;
use crate::model::{Answer, Problem, Request};
use crate::wire::{FrameFault, Malformed};
use crate::world::{Cut, Link, Out, World};
use client::{Client, Heard};
use control::{Ask, Control, Word};
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stream::Nanos;

const LISTENER: Token = Token(usize::MAX);
const WAKE: Token = Token(usize::MAX - 1);

/// The longest sleep, for whoever sets the stopping flag without a wake.
const NAP: Duration = Duration::from_millis(250);

/// A long step is made in pieces of so much, so that clients can read in between,
const STRIDE: Nanos = Nanos::from_millis(100);
/// and the next piece waits while more than this waits for one of them.
const STRIDE_BYTES: usize = 1 << 20;

/// Bounds that keep one client from harming the others.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clients at a time.
    pub clients: usize,
    /// A greeting or frame that has begun must be complete after this long.
    pub frame_deadline: Duration,
    /// A client that takes nothing for this long, while there is something to take, is dropped.
    pub stall_deadline: Duration,
    /// A client for which more bytes than this wait is dropped.
    pub outbox_max: usize,
    /// Fields that are made wrong, for tests of clients.
    pub corrupt: Option<Group>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clients: 32,
            frame_deadline: Duration::from_secs(10),
            stall_deadline: Duration::from_secs(30),
            outbox_max: 32 << 20,
            corrupt: None,
        }
    }
}

/// What the server tells of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A client has finished its handshake: from where, and the version that is spoken.
    Joined(Link, SocketAddr, i32),
    /// A connection has ended, and why.
    Left(Link, Why),
    /// A message could not be read.
    Unread(Link, Malformed),
}

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The client has closed it.
    #[error("closed by the client")]
    Closed,
    /// The broker has closed it.
    #[error("closed by the broker")]
    Dismissed,
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(io::ErrorKind),
    /// What came cannot be cut into frames.
    #[error("{0}")]
    Frame(#[from] FrameFault),
    /// No version that both sides speak.
    #[error("it offers versions {0} to {1}; spoken are 157, 159 to 178 and 213 to 226")]
    Version(i32, i32),
    /// A greeting or frame was not finished in time.
    #[error("a frame was begun and not finished within {0:?}")]
    Slow(Duration),
    /// It did not take what was said.
    #[error("it took nothing for {0:?}")]
    Stalled(Duration),
    /// Too much waits for it.
    #[error("more than {0} bytes wait for it")]
    Behind(usize),
    /// There are as many clients as there may be.
    #[error("there are {0} clients already")]
    Full(usize),
}

/// What passes the wire, told as it does: for whoever measures.
#[derive(Clone, Copy, Debug)]
pub enum Passing<'a> {
    /// A message was read and decoded, and is served next.
    Heard(Link, &'a Request),
    /// A message waits to be written, behind what waits already.
    Said(Link, &'a Answer),
    /// All that waits is written next, as far as the socket takes it.
    Writing(Link),
    /// It was.
    Written(Link),
}

/// Is told of everything that passes, on the server's own thread.
pub type Tap = Box<dyn FnMut(Passing<'_>) + Send>;

/// Wakes a server and ends its [`Server::run`].
#[derive(Clone, Debug)]
pub struct Stopper {
    asked: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.asked.store(true, Ordering::Release);
        // A wake that fails is made up for by the longest sleep.
        let _ = self.waker.wake();
    }
}

/// The sockets and the broker behind them.
pub struct Server {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    accepting: bool,
    clients: Vec<Client>,
    next_link: u64,
    world: World,
    clock: Clock,
    options: Options,
    stopper: Stopper,
    control: Option<Control>,
    /// Where a clock that stands is to be moved to, and who asked.
    step: Option<(Nanos, Ask)>,
    tap: Option<Tap>,
    out: Vec<Out>,
    notices: Vec<Notice>,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    ///
    /// If the address cannot be had.
    pub fn bind(
        address: SocketAddr,
        world: World,
        clock: Clock,
        options: Options,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        let registry = poll.registry();
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        let stopper = Stopper {
            asked: Arc::new(AtomicBool::new(false)),
            waker: Arc::new(Waker::new(registry, WAKE)?),
        };
        Ok(Self {
            poll,
            events: Events::with_capacity(128),
            listener,
            accepting: false,
            clients: Vec::new(),
            next_link: 1,
            world,
            clock,
            options,
            stopper,
            control: None,
            step: None,
            tap: None,
            out: Vec::new(),
            notices: Vec::new(),
        })
    }

    /// Takes orders over a socket of the file system, too: faults, `truth`, `time`, and `step SPAN`
    /// where the clock stands.
    ///
    /// # Errors
    ///
    /// If there is something at that path already, or it cannot be made.
    pub fn control(&mut self, path: &Path) -> io::Result<()> {
        let waker = Arc::clone(&self.stopper.waker);
        self.control = Some(Control::open(path, waker)?);
        Ok(())
    }

    /// Tells `tap` of everything that passes from now on.
    pub fn tap(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// Does what callers of the control socket want.
    fn obey(&mut self) {
        while self.step.is_none()
            && let Some(ask) = self.control.as_ref().and_then(Control::next)
        {
            let said = match Word::read(&ask.text) {
                Word::Truth => self.world.truth_json(),
                Word::Time => Clock::utc(self.clock.now()),
                Word::Step(by) if self.clock.is_stepped() => {
                    let to = self.clock.now().saturating_add(by);
                    self.step = Some((to, ask));
                    return;
                }
                Word::Step(_) => "time runs by itself: begin with --stepped".to_owned(),
                Word::BadStep => "step wants a span of 1ms to 60m, such as 250ms".to_owned(),
                Word::Script(text) => match self.world.script(text) {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => error.to_string(),
                },
            };
            ask.reply(said);
        }
    }

    /// Moves a clock that stands a piece of the way that it was asked to go, unless clients have
    /// to read first.
    fn stride(&mut self) {
        let Some((to, _)) = self.step else {
            return;
        };
        let left = to.saturating_sub(self.clock.now());
        let behind = self.clients.iter().any(|c| c.waiting() > STRIDE_BYTES);
        if left > Nanos::ZERO && !behind {
            self.clock.step(left.min(STRIDE));
        }
    }

    /// Tells whoever asked for a step that time is there and everything until then is said.
    fn arrived(&mut self) {
        let now = self.clock.now();
        if let Some((_, ask)) = self.step.take_if(|(to, _)| *to <= now) {
            ask.reply(Clock::utc(now));
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// If the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What ends it, from wherever.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The flag that ends it, for signals.
    #[must_use]
    pub fn stopping(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopper.asked)
    }

    /// The broker.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Connections at the moment, those that have not finished their handshake included.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.clients.len()
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    ///
    /// If the system's poll fails.
    pub fn run(&mut self, mut tell: impl FnMut(Notice)) -> io::Result<()> {
        while !self.stopper.asked.load(Ordering::Acquire) {
            self.turn(NAP)?;
            self.notices.drain(..).for_each(&mut tell);
        }
        Ok(())
    }

    /// Waits for something to do, for so long at most, and does it.
    ///
    /// # Errors
    ///
    /// If the system's poll fails.
    pub fn turn(&mut self, longest: Duration) -> io::Result<()> {
        let timeout = self.patience(longest);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => other?,
        }
        for event in &self.events {
            match event.token() {
                LISTENER => self.accepting = true,
                WAKE => {}
                Token(link) => {
                    if let Some(client) = find(&mut self.clients, Link(link as u64)) {
                        client.readable |= event.is_readable() || event.is_read_closed();
                        client.writable |= event.is_writable();
                    }
                }
            }
        }
        self.accept();
        self.obey();
        self.stride();
        self.world.advance(self.clock.now(), &mut self.out);
        self.deliver();
        self.hear();
        self.flush();
        self.arrived();
        Ok(())
    }

    /// How long to sleep at most.
    fn patience(&self, longest: Duration) -> Duration {
        let now = Instant::now();
        let steps = self.step.is_some();
        let busy = steps || self.accepting || self.clients.iter().any(Client::busy);
        if busy {
            return Duration::ZERO;
        }
        let due = self.world.due().map(|due| self.clock.until(due));
        let deadlines = self
            .clients
            .iter()
            .filter_map(|c| c.deadline(&self.options));
        let deadlines = deadlines.map(|deadline| deadline.saturating_duration_since(now));
        deadlines.chain(due).fold(longest, Duration::min)
    }

    fn accept(&mut self) {
        while self.accepting {
            match self.listener.accept() {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.accepting = false,
                // Whoever knocked is gone, or there are no handles: looked at again next turn.
                Err(_) => break,
            }
        }
    }

    fn admit(&mut self, mut stream: mio::net::TcpStream, peer: SocketAddr) {
        let link = Link(self.next_link);
        self.next_link += 1;
        if self.clients.len() >= self.options.clients {
            let why = Why::Full(self.options.clients);
            self.notices.push(Notice::Left(link, why));
            return;
        }
        // Only speed is lost where the system refuses.
        let _ = stream.set_nodelay(true);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(link.0 as usize);
        match self.poll.registry().register(&mut stream, token, interest) {
            Ok(()) => self.clients.push(Client::new(link, stream, peer)),
            Err(error) => {
                let why = Why::Socket(error.kind());
                self.notices.push(Notice::Left(link, why));
            }
        }
    }

    /// Reads what clients say, each a bounded share, and does it.
    fn hear(&mut self) {
        for index in 0..self.clients.len() {
            let mut heard = Vec::new();
            self.clients[index].hear(&mut heard);
            let link = self.clients[index].link;
            let mut heard = heard.into_iter();
            while let Some(one) = heard.next() {
                self.act(link, one);
                self.deliver();
                if self.clients[index].is_held() {
                    self.clients[index].keep(heard);
                    break;
                }
            }
        }
    }

    fn act(&mut self, link: Link, heard: Heard) {
        let now = self.clock.now();
        match heard {
            Heard::Offer(version, peer) => {
                self.world.join(link);
                self.notices.push(Notice::Joined(link, peer, version));
                if let Some(client) = find(&mut self.clients, link) {
                    client.greet(version, &self.clock.civil(now));
                }
            }
            Heard::Request(request) => {
                if let Some(tap) = &mut self.tap {
                    tap(Passing::Heard(link, &request));
                }
                self.world.request(now, link, *request, &mut self.out);
            }
            Heard::Malformed(malformed) => {
                let answer = Answer::Problem(Problem {
                    id: malformed.req.unwrap_or(-1),
                    time: millis(now),
                    code: 320,
                    text: format!("Error reading request: {malformed}"),
                    advanced: String::new(),
                });
                self.out.push(Out::Say(link, Box::new(answer)));
                self.notices.push(Notice::Unread(link, malformed));
            }
        }
    }

    /// Hands what left the world to the clients.
    fn deliver(&mut self) {
        let now = self.clock.now();
        for out in self.out.drain(..) {
            match out {
                Out::Say(link, mut answer) => {
                    if let Some(group) = self.options.corrupt {
                        group.spoil(&mut answer);
                    }
                    if let Some(client) = find(&mut self.clients, link) {
                        client.say(&answer, millis(now));
                        if let Some(tap) = &mut self.tap {
                            tap(Passing::Said(link, &answer));
                        }
                    }
                }
                Out::Close(link) => {
                    if let Some(client) = find(&mut self.clients, link) {
                        client.dismiss(Why::Dismissed);
                    }
                }
                Out::Cut(link, cut) => {
                    let wait = match cut {
                        Cut::Stall(span) => self.clock.until(now.saturating_add(span)),
                        _ => Duration::ZERO,
                    };
                    if let Some(client) = find(&mut self.clients, link) {
                        client.cut(cut, wait);
                    }
                }
            }
        }
    }

    /// Writes what can be written, and lets go of whoever is through.
    fn flush(&mut self) {
        let now = Instant::now();
        let (world, notices) = (&mut self.world, &mut self.notices);
        let (registry, options) = (self.poll.registry(), &self.options);
        let tap = &mut self.tap;
        self.clients.retain_mut(|client| {
            if let Some(tap) = tap.as_mut().filter(|_| client.writes()) {
                tap(Passing::Writing(client.link));
                client.flush(now);
                tap(Passing::Written(client.link));
            } else {
                client.flush(now);
            }
            let Some(why) = client.through(now, options) else {
                return true;
            };
            // It is closed in any case when it falls.
            let _ = registry.deregister(&mut client.stream);
            if client.joined() {
                world.leave(client.link);
            }
            notices.push(Notice::Left(client.link, why));
            false
        });
    }
}

fn find(clients: &mut [Client], link: Link) -> Option<&mut Client> {
    clients.iter_mut().find(|client| client.link == link)
}

fn millis(now: Nanos) -> i64 {
    (now.0 / 1_000_000) as i64
}
