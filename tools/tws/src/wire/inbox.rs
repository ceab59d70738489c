//! Bytes as they come in, cut into frames: a length, 32 bits, big endian, and so many bytes.
//!
//! A length is judged before anything is set aside for it, and memory grows only by what has
//! arrived, so a lie about a length costs nothing.

use super::offer::{Offer, OfferFault};
use thiserror::Error;

/// Longest body of a frame: what real clients take.
pub const FRAME_MAX: usize = 0xFF_FFFF;

/// What every client says first.
const GREETING: &[u8; 4] = b"API\0";

/// A longer offer of versions is none.
const OFFER_MAX: usize = 1024;

/// Consumed bytes are given up at the latest when there are so many.
const SLACK: usize = 64 * 1024;

/// Why a connection cannot be read on: the next frame's place is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameFault {
    /// The first bytes are not a client's.
    #[error(
        "the connection does not begin with API and a zero byte; is it a TWS client that speaks?"
    )]
    NotAClient,
    /// A length that no frame may have.
    #[error("a frame says that it is {0} bytes long; allowed are {1} to {2}")]
    Length(usize, usize, usize),
    /// The versions that the client offers cannot be read.
    #[error("{0}")]
    Offer(#[from] OfferFault),
}

/// Bytes of one connection that have arrived and are not yet read.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    start: usize,
}

impl Inbox {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
        }
    }

    /// Adds what has arrived.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        } else if self.start >= SLACK {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a part of something has arrived that is not complete.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.start < self.bytes.len()
    }

    /// Memory that is set aside.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The greeting with the versions that the client offers, once it is complete.
    ///
    /// # Errors
    ///
    /// If it is not a client's greeting; told at the first wrong byte.
    pub fn greeting(&mut self) -> Result<Option<Offer>, FrameFault> {
        let waiting = self.waiting();
        let seen = waiting.len().min(GREETING.len());
        if waiting[..seen] != GREETING[..seen] {
            return Err(FrameFault::NotAClient);
        }
        if seen < GREETING.len() {
            return Ok(None);
        }
        match body(&waiting[GREETING.len()..], 1, OFFER_MAX)? {
            None => Ok(None),
            Some(text) => {
                let offer = Offer::parse(text)?;
                self.start += GREETING.len() + 4 + text.len();
                Ok(Some(offer))
            }
        }
    }

    /// The body of the next complete frame.
    ///
    /// # Errors
    ///
    /// If the next frame's length is below `min` or above [`FRAME_MAX`]. The connection is lost
    /// with it: nobody can say where the next frame begins.
    pub fn frame(&mut self, min: usize) -> Result<Option<&[u8]>, FrameFault> {
        let Some(length) = body(self.waiting(), min, FRAME_MAX)?.map(<[u8]>::len) else {
            return Ok(None);
        };
        let from = self.start + 4;
        self.start = from + length;
        Ok(Some(&self.bytes[from..self.start]))
    }

    fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// The body behind a length, if both are there.
fn body(bytes: &[u8], min: usize, max: usize) -> Result<Option<&[u8]>, FrameFault> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*length) as usize;
    if !(min..=max).contains(&length) {
        return Err(FrameFault::Length(length, min, max));
    }
    Ok(rest.get(..length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_at_every_cut() {
        let mut bytes = Vec::new();
        for body in [&b"9\0x\0"[..], b"x", &[7; 300]] {
            bytes.extend((body.len() as u32).to_be_bytes());
            bytes.extend(body);
        }
        for cut in 0..=bytes.len() {
            let mut inbox = Inbox::new();
            let mut found = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                inbox.extend(part);
                while let Some(body) = inbox.frame(1).expect("valid") {
                    found.push(body.to_vec());
                }
            }
            let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
            assert_eq!(lengths, [4, 1, 300], "cut at {cut}");
            assert!(!inbox.begun());
        }
    }

    #[test]
    fn a_lie_about_a_length_sets_nothing_aside() {
        let mut inbox = Inbox::new();
        inbox.extend(&0x00FF_FFFF_u32.to_be_bytes());
        assert_eq!(inbox.frame(1), Ok(None));
        assert!(inbox.capacity() < 64, "{}", inbox.capacity());
        let mut inbox = Inbox::new();
        inbox.extend(&0x0100_0000_u32.to_be_bytes());
        assert_eq!(
            inbox.frame(1),
            Err(FrameFault::Length(0x0100_0000, 1, FRAME_MAX))
        );
        let mut inbox = Inbox::new();
        inbox.extend(&[0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(inbox.frame(4), Err(FrameFault::Length(3, 4, FRAME_MAX)));
    }

    #[test]
    fn memory_does_not_grow_with_what_was_read() {
        let mut inbox = Inbox::new();
        let frame = [&[0, 0, 3, 232][..], &[1; 1000]].concat();
        inbox.extend(&[0, 0]);
        for _ in 0..10_000 {
            inbox.extend(&frame[2..]);
            assert!(inbox.frame(1).expect("valid").is_some());
            inbox.extend(&frame[..2]);
        }
        assert!(inbox.capacity() < 4 * SLACK, "{}", inbox.capacity());
    }

    #[test]
    fn a_greeting_is_told_from_anything_else_at_its_first_wrong_byte() {
        let mut inbox = Inbox::new();
        inbox.extend(b"AP");
        assert_eq!(inbox.greeting(), Ok(None));
        inbox.extend(b"X");
        assert_eq!(inbox.greeting(), Err(FrameFault::NotAClient));
        let mut inbox = Inbox::new();
        inbox.extend(b"GET / HTTP/1.1\r\n");
        assert_eq!(inbox.greeting(), Err(FrameFault::NotAClient));
        let mut inbox = Inbox::new();
        inbox.extend(b"API\0\0\0\x04\x01");
        assert_eq!(
            inbox.greeting(),
            Err(FrameFault::Length(1025, 1, OFFER_MAX))
        );
    }

    #[test]
    fn what_follows_a_greeting_is_the_first_frame() {
        let bytes = b"API\0\0\0\0\x09v213..226\0\0\0\x06\0\0\x01\x0f\x08\x07";
        for cut in 0..bytes.len() {
            let mut inbox = Inbox::new();
            inbox.extend(&bytes[..cut]);
            let early = inbox.greeting().expect("valid");
            inbox.extend(&bytes[cut..]);
            let offer = match early {
                Some(offer) => offer,
                None => inbox.greeting().expect("valid").expect("complete"),
            };
            assert_eq!(offer.version(), Some(226));
            let frame = inbox.frame(4).expect("valid").expect("complete");
            assert_eq!(frame, [0, 0, 1, 15, 8, 7], "cut at {cut}");
        }
    }
}
