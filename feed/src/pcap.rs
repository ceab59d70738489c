//! Packet captures: classic pcap files with UDP over IPv4 over Ethernet.
//!
//! Enough to get at recorded market data packets: both byte orders, stamps in micro- and
//! nanoseconds, VLAN tags. Packets of other protocols and fragments are no UDP datagrams and read
//! as none; a capture that was cut within a packet and damaged headers are errors with an offset.
//!
//! Deliberately absent: pcapng, IPv6, reassembly of fragments, checksums (captures taken at the
//! sender hold none).

use crate::error::{FeedError, Place};
use std::net::SocketAddrV4;
use stream::Nanos;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const LINK_ETHERNET: u32 = 1;
const ETHERNET_IPV4: u16 = 0x0800;
/// 802.1Q and 802.1ad tags: four bytes before the type.
const ETHERNET_TAGS: [u16; 2] = [0x8100, 0x88A8];
const PROTOCOL_UDP: u8 = 17;

/// A captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was captured, UTC.
    pub ts: Nanos,
    /// Where it stands in the file.
    pub offset: u64,
    /// The Ethernet frame, as far as it was captured.
    pub frame: &'a [u8],
    /// Bytes that it had on the wire.
    pub wire_length: u32,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender.
    pub from: SocketAddrV4,
    /// Receiver.
    pub to: SocketAddrV4,
    /// What it carries.
    pub payload: &'a [u8],
}

/// Reads the packets of a capture that lies in memory.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    label: &'a str,
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
    /// Nanoseconds in a unit of the stamps' fraction.
    unit: u64,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

impl<'a> Reader<'a> {
    /// Reads the file's header; `label` is how errors call the file.
    ///
    /// # Errors
    /// When the bytes are no pcap file, or not of Ethernet.
    pub fn new(label: &'a str, bytes: &'a [u8]) -> Result<Self, FeedError> {
        let wrong = |what: &str| Err(FeedError::bad(label, Place::Offset(0), what));
        let (big_endian, unit) = match bytes.first_chunk::<4>() {
            Some([0xD4, 0xC3, 0xB2, 0xA1]) => (false, 1_000),
            Some([0xA1, 0xB2, 0xC3, 0xD4]) => (true, 1_000),
            Some([0x4D, 0x3C, 0xB2, 0xA1]) => (false, 1),
            Some([0xA1, 0xB2, 0x3C, 0x4D]) => (true, 1),
            _ => return wrong("is no pcap file"),
        };
        if bytes.len() < FILE_HEADER {
            return wrong("ends within the header");
        }
        let reader = Self {
            label,
            bytes,
            at: FILE_HEADER,
            big_endian,
            unit,
        };
        // The upper bits tell about a frame check sequence.
        match reader.u32(20).map(|link| link & 0x0FFF_FFFF) {
            Some(LINK_ETHERNET) => Ok(reader),
            _ => wrong("is not a capture of Ethernet"),
        }
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = number(self.bytes, at)?;
        Some(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    fn record(&self) -> Option<Packet<'a>> {
        let (secs, fraction) = (self.u32(self.at)?, self.u32(self.at + 4)?);
        let (captured, wire_length) = (self.u32(self.at + 8)?, self.u32(self.at + 12)?);
        let start = self.at + RECORD_HEADER;
        let end = start.checked_add(usize::try_from(captured).ok()?)?;
        Some(Packet {
            ts: Nanos(u64::from(secs) * 1_000_000_000 + u64::from(fraction) * self.unit),
            offset: self.at as u64,
            frame: self.bytes.get(start..end)?,
            wire_length,
        })
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Packet<'a>, FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let Some(packet) = self.record() else {
            let place = Place::Offset(self.at as u64);
            self.at = self.bytes.len();
            return Some(Err(FeedError::bad(
                self.label,
                place,
                "ends within a packet",
            )));
        };
        self.at += RECORD_HEADER + packet.frame.len();
        Some(Ok(packet))
    }
}

impl<'a> Packet<'a> {
    /// The UDP datagram in it; `None` for other protocols, fragments, damaged headers and packets
    /// that were not captured whole.
    #[must_use]
    pub fn datagram(&self) -> Option<Datagram<'a>> {
        let mut at = 12;
        let mut kind = u16::from_be_bytes(number(self.frame, at)?);
        while ETHERNET_TAGS.contains(&kind) {
            at += 4;
            kind = u16::from_be_bytes(number(self.frame, at)?);
        }
        if kind != ETHERNET_IPV4 {
            return None;
        }
        datagram(self.frame.get(at + 2..)?)
    }
}

/// The UDP datagram in an IPv4 packet; what stands behind it is padding.
fn datagram(packet: &[u8]) -> Option<Datagram<'_>> {
    let header = packet.first_chunk::<20>()?;
    let header_length = usize::from(header[0] & 0x0F) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // More fragments, or not the first one.
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3FFF != 0;
    if header[0] >> 4 != 4 || header_length < 20 || fragment || header[9] != PROTOCOL_UDP {
        return None;
    }
    let udp = packet.get(header_length..total)?;
    let port = |at| Some(u16::from_be_bytes(number(udp, at)?));
    let length = usize::from(port(4)?);
    let address = |at| Some(number::<4>(header, at)?.into());
    Some(Datagram {
        from: SocketAddrV4::new(address(12)?, port(0)?),
        to: SocketAddrV4::new(address(16)?, port(2)?),
        payload: udp.get(8..length)?,
    })
}
