//! Packets of MoldUDP64.
//!
//! ```text
//!  downstream   0          10          18       20
//!               ├ session ─┼ sequence ─┼ count ─┼ count × ( length 2 │ message ) ┤
//!  request      ├ session ─┼ sequence ─┼ count ─┤
//! ```
//! Integers are big-endian. Count 0 is a heartbeat, 0xFFFF the end of the session; both have no
//! messages, and their sequence is that of the next message.

/// A session's name: ten characters, padded on the left.
pub type SessionName = [u8; 10];

/// Bytes of a header, and of a request.
pub const HEADER: usize = 20;
/// The count that ends a session.
pub const END_OF_SESSION: u16 = 0xFFFF;

/// Bytes that are no downstream packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Shorter than a header.
    #[error("{found} bytes are no MoldUDP64 packet")]
    Short {
        /// Bytes that are there.
        found: usize,
    },
    /// Longer than the receiver's buffers.
    #[error("the packet is longer than {max} bytes")]
    Long {
        /// Bytes that there is room for.
        max: usize,
    },
    /// The messages do not fill the packet exactly.
    #[error("message {index} of {count} does not fit into its packet")]
    Blocks {
        /// The message that ends behind the packet, or `count` where bytes are left over.
        index: u16,
        /// Messages announced.
        count: u16,
    },
    /// Sequence numbers start at 1 and do not wrap.
    #[error("sequence {sequence} is none")]
    Sequence {
        /// The number.
        sequence: u64,
    },
    /// Of another session than the one received.
    #[error("the packet is of another session")]
    Foreign,
}

/// A downstream packet whose messages have been checked to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downstream<'a> {
    /// The session.
    pub session: SessionName,
    /// Number of the first message, or of the next one.
    pub sequence: u64,
    /// Messages in it; 0 for heartbeats and the end of the session.
    pub count: u16,
    /// True for the end of the session.
    pub end: bool,
    /// The messages with their lengths.
    pub blocks: &'a [u8],
}

impl<'a> Downstream<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// When it is too short, its messages do not fill it exactly, or its sequence is out of range.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacketError> {
        let Some((header, blocks)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(PacketError::Short { found: bytes.len() });
        };
        let mut session = [0; 10];
        session.copy_from_slice(&header[..10]);
        let mut number = [0; 8];
        number.copy_from_slice(&header[10..18]);
        let sequence = u64::from_be_bytes(number);
        let announced = u16::from_be_bytes([header[18], header[19]]);
        let end = announced == END_OF_SESSION;
        let count = if end { 0 } else { announced };
        if sequence == 0 || sequence > u64::MAX - u64::from(END_OF_SESSION) {
            return Err(PacketError::Sequence { sequence });
        }
        let mut messages = Blocks(blocks);
        for index in 0..count {
            if messages.next().is_none() {
                return Err(PacketError::Blocks { index, count });
            }
        }
        if !messages.0.is_empty() {
            return Err(PacketError::Blocks {
                index: count,
                count,
            });
        }
        Ok(Self {
            session,
            sequence,
            count,
            end,
            blocks,
        })
    }

    /// The messages, in order.
    #[must_use]
    pub const fn messages(&self) -> Blocks<'a> {
        Blocks(self.blocks)
    }
}

/// Length-prefixed messages; ends at the first that does not fit.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a>(&'a [u8]);

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (prefix, rest) = self.0.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*prefix));
        let message = rest.get(..length)?;
        self.0 = &rest[length..];
        Some(message)
    }
}

/// A wish for messages again, to a request server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The session.
    pub session: SessionName,
    /// The first message.
    pub sequence: u64,
    /// How many, at least 1.
    pub count: u16,
}

impl Request {
    /// The packet.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..10].copy_from_slice(&self.session);
        bytes[10..18].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[18..].copy_from_slice(&self.count.to_be_bytes());
        bytes
    }

    /// Reads a request, as a server does.
    ///
    /// # Errors
    /// When it is not 20 bytes long.
    pub fn parse(bytes: &[u8]) -> Result<Self, PacketError> {
        let found = bytes.len();
        let header: &[u8; HEADER] = bytes.try_into().map_err(|_| match found {
            0..HEADER => PacketError::Short { found },
            _ => PacketError::Long { max: HEADER },
        })?;
        let mut session = [0; 10];
        session.copy_from_slice(&header[..10]);
        let mut sequence = [0; 8];
        sequence.copy_from_slice(&header[10..18]);
        Ok(Self {
            session,
            sequence: u64::from_be_bytes(sequence),
            count: u16::from_be_bytes([header[18], header[19]]),
        })
    }
}
