//! A server on a free port of loopback, on a thread of its own.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use stream::Nanos;
use tws::World;
use tws::server::{Clock, Options, Server, Stopper};
use tws::world::Config;

/// When the session's clock starts, in seconds: 20 November 2026, 14:30 UTC. It then runs so slowly
/// that a test sees no second pass.
pub const STARTS: i64 = 1_795_185_000;

/// A server that ends with its owner.
pub struct Paper {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Paper {
    /// Opens one.
    pub fn open() -> Self {
        let start = Nanos::from_secs(STARTS as u64);
        let config = Config::synthetic("DU1234567", 7, start, Nanos::from_secs(3_600));
        let world = World::open(config.expect("valid"));
        let clock = Clock::scaled(start, 1);
        let loopback = "127.0.0.1:0".parse().expect("valid");
        let mut server = Server::bind(loopback, world, clock, Options::default()).expect("binds");
        let (address, stopper) = (server.local_addr().expect("bound"), server.stopper());
        let thread = std::thread::spawn(move || server.run(|_| {}).expect("serves"));
        Self {
            address,
            stopper,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
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
