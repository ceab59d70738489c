//! A server on a free port of loopback, on a thread of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use stream::Nanos;
use tws::World;
use tws::server::{Clock, Notice, Options, Server, Stopper};
use tws::world::Config;

/// When the session's clock starts, in seconds: 20 November 2026, 14:30 UTC. It then runs so slowly
/// that a test sees no second pass.
pub const STARTS: i64 = 1_795_185_000;

/// A server that ends with its owner.
pub struct Paper {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it tells of its connections.
    pub notices: Receiver<Notice>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Paper {
    /// Opens one.
    pub fn open(options: Options) -> Self {
        Self::controlled(options, None)
    }

    /// Opens one with a control socket.
    pub fn controlled(options: Options, control: Option<&Path>) -> Self {
        let clock = Clock::scaled(Nanos::from_secs(STARTS as u64), 1);
        Self::timed(options, control, clock)
    }

    /// Opens one with a clock of its own, which begins at [`STARTS`].
    pub fn timed(options: Options, control: Option<&Path>, clock: Clock) -> Self {
        let start = Nanos::from_secs(STARTS as u64);
        let config = Config::synthetic("DU1234567", 7, start, Nanos::from_secs(3_600));
        let mut config = config.expect("valid");
        // Time hardly passes here: the pace is not what is tried.
        config.limits.messages_per_second = 0;
        let world = World::open(config);
        let loopback = "127.0.0.1:0".parse().expect("valid");
        let mut server = Server::bind(loopback, world, clock, options).expect("binds");
        let (address, stopper) = (server.local_addr().expect("bound"), server.stopper());
        if let Some(path) = control {
            server.control(path).expect("made");
        }
        let (told, notices) = channel();
        let thread = std::thread::spawn(move || {
            // Nobody need listen.
            let tell = |notice| drop(told.send(notice));
            server.run(tell).expect("serves");
        });
        Self {
            address,
            notices,
            stopper,
            thread: Some(thread),
        }
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}
