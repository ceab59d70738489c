//! What a socket of this host costs without an engine: the floor under every figure of the edge.

use crate::distribution::{nanoseconds, record};
use anyhow::Result;
use engine::clock::Clock;
use hdrhistogram::Histogram;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

/// About as long as a depth row is on the wire.
const BYTES: usize = 48;

/// Two latencies of a bare socket, in nanoseconds.
#[derive(Clone, Debug)]
pub struct Bare {
    /// A write whose bytes nobody waits for: when it returns they can be read.
    pub write: Histogram<u64>,
    /// A write begun, to its bytes read by a thread that was asleep for them.
    pub woken: Histogram<u64>,
}

fn pair() -> std::io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    Ok((near, far))
}

/// Measures so many of each, on the calling thread and, for the second, one beside it.
///
/// # Errors
/// When the system refuses a socket or a thread breaks.
pub fn measure(count: u32) -> Result<Bare> {
    let mut bare = Bare {
        write: nanoseconds(),
        woken: nanoseconds(),
    };
    let (mut near, mut far) = pair()?;
    let mut clock = Clock::new();
    let mut bytes = [0; BYTES];
    for _ in 0..count {
        let begun = clock.now();
        near.write_all(&bytes)?;
        record(&mut bare.write, clock.now().saturating_sub(begun).0);
        far.read_exact(&mut bytes)?;
    }
    let mut reading = clock.clone();
    let reader = std::thread::spawn(move || -> std::io::Result<Vec<stream::Nanos>> {
        let mut bytes = [0; BYTES];
        let one = |_| far.read_exact(&mut bytes).map(|()| reading.now());
        (0..count).map(one).collect()
    });
    let mut begun = Vec::new();
    for _ in 0..count {
        // Long enough for the reader to be asleep again.
        std::thread::sleep(Duration::from_micros(200));
        begun.push(clock.now());
        near.write_all(&bytes)?;
    }
    let read = reader.join();
    let read = read.map_err(|_| anyhow::anyhow!("the reader of a bare socket broke"))??;
    for (begun, read) in begun.into_iter().zip(read) {
        record(&mut bare.woken, read.saturating_sub(begun).0);
    }
    Ok(bare)
}
