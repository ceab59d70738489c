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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A capture of one datagram "hi" in a tagged frame with padding behind it.
    fn capture(big_endian: bool) -> Vec<u8> {
        let number = |value: u32| match big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let mut frame = vec![0xFF; 12];
        frame.extend([0x81, 0, 0, 7, 0x08, 0]);
        frame.extend([
            0x45, 0, 0, 30, 0, 0, 0x40, 0, 9, 17, 0, 0, 10, 0, 0, 1, 233, 0, 0, 2,
        ]);
        frame.extend([0x12, 0x34, 0x56, 0x78, 0, 10, 0, 0, b'h', b'i', 0, 0, 0, 0]);
        let mut bytes = number(0xA1B2_C3D4).to_vec();
        bytes.extend([0; 16]);
        bytes.extend(number(1));
        for value in [1_692_711_000, 5, frame.len() as u32, frame.len() as u32] {
            bytes.extend(number(value));
        }
        bytes.extend(frame);
        bytes
    }

    fn packets(bytes: &[u8]) -> Result<Vec<Packet<'_>>, FeedError> {
        Reader::new("x.pcap", bytes)?.collect()
    }

    #[test]
    fn both_byte_orders_are_read() {
        for big_endian in [false, true] {
            let bytes = capture(big_endian);
            let packets = packets(&bytes).expect("a capture");
            assert_eq!(packets.len(), 1);
            assert_eq!(packets[0].ts, Nanos(1_692_711_000_000_005_000));
            let datagram = packets[0].datagram().expect("a datagram");
            assert_eq!(datagram.from.to_string(), "10.0.0.1:4660");
            assert_eq!(datagram.to.to_string(), "233.0.0.2:22136");
            assert_eq!(datagram.payload, b"hi");
        }
    }

    #[test]
    fn a_capture_cut_anywhere_is_an_error_with_its_place() {
        let bytes = capture(false);
        for cut in 0..bytes.len() {
            let error = match packets(&bytes[..cut]) {
                Ok(packets) => {
                    assert!(cut == FILE_HEADER && packets.is_empty(), "cut at {cut}");
                    continue;
                }
                Err(error) => error,
            };
            let offset = if cut < FILE_HEADER { 0 } else { FILE_HEADER };
            assert_eq!(error.place(), Some(Place::Offset(offset as u64)));
        }
    }

    #[test]
    fn fragments_and_other_protocols_are_no_datagrams() {
        let bytes = capture(false);
        let start = FILE_HEADER + RECORD_HEADER;
        let ip = start + 18;
        for (at, value) in [
            (start + 16, 0x86),
            (ip, 0x65),
            (ip, 0x44),
            (ip + 6, 0x20),
            (ip + 7, 1),
            (ip + 9, 6),
            (ip + 3, 200),
            (ip + 25, 7),
            (ip + 25, 11),
        ] {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            let packets = packets(&bytes).expect("a capture");
            assert_eq!(packets[0].datagram(), None, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            changes in proptest::collection::vec((0usize..100, any::<u8>()), 0..9),
        ) {
            let mut bytes = capture(false);
            for (at, value) in changes {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            for packet in packets(&bytes).unwrap_or_default() {
                let _ = packet.datagram();
            }
        }
    }
}
