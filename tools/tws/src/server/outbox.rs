//! Bytes that wait for a client to take them.

use std::io::{self, Write};

/// Bytes that wait.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    start: usize,
}

/// Written bytes are given up at the latest when there are so many.
const SLACK: usize = 64 * 1024;

impl Outbox {
    /// How many bytes wait.
    pub const fn waiting(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Where to append.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start >= SLACK && self.start * 2 > self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        &mut self.bytes
    }

    /// Writes what the socket takes, so many bytes at most; how many they were. `WouldBlock` is an
    /// answer, not a failure: it comes back only if nothing could be written.
    pub fn write(&mut self, socket: &mut impl Write, most: usize) -> io::Result<usize> {
        let end = self.start.saturating_add(most).min(self.bytes.len());
        match socket.write(&self.bytes[self.start..end]) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                self.start += written;
                Ok(written)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sip(Vec<u8>);

    impl Write for Sip {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(1000);
            self.0.extend(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_goes_in_comes_out_and_memory_stays_small() {
        let (mut outbox, mut sip, mut told) = (Outbox::default(), Sip(Vec::new()), Vec::new());
        for round in 0..2_000_u32 {
            let bytes = round.to_be_bytes().repeat(200);
            outbox.tail().extend(&bytes);
            told.extend(bytes);
            outbox.write(&mut sip, usize::MAX).expect("takes some");
            if outbox.waiting() > 10_000 {
                while outbox.waiting() > 0 {
                    outbox.write(&mut sip, usize::MAX).expect("takes some");
                }
            }
        }
        while outbox.waiting() > 0 {
            outbox.write(&mut sip, 700).expect("takes some");
        }
        assert_eq!(sip.0, told);
        assert!(outbox.tail().capacity() < 4 * SLACK);
    }
}
