//! Packets that wait for their turn, in a fixed number of buffers.

/// A packet in its buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    /// Number of its first message.
    pub(super) from: u64,
    /// The number behind its last one.
    pub(super) to: u64,
    /// Bytes in use.
    pub(super) length: usize,
}

/// The buffers: one takes the next datagram, one may be being read, the others wait in the order
/// of their sequence. Nothing is allocated after construction.
#[derive(Debug)]
pub(super) struct Store {
    bytes: Box<[u8]>,
    stride: usize,
    packets: Box<[Stored]>,
    /// Buffers that wait, by `from`.
    order: Vec<u16>,
    /// Buffers that hold nothing; the last one takes the next datagram.
    free: Vec<u16>,
}

impl Store {
    /// `slots` waiting packets of at most `datagram_max` bytes.
    pub(super) fn new(slots: u16, datagram_max: usize) -> Self {
        assert!(slots > 0 && slots < u16::MAX - 2, "slots out of range");
        // One more byte than a packet may have shows that a datagram was longer.
        let stride = datagram_max + 1;
        let all = slots + 2;
        Self {
            bytes: vec![0; stride * usize::from(all)].into_boxed_slice(),
            stride,
            packets: vec![Stored::default(); usize::from(all)].into_boxed_slice(),
            order: Vec::with_capacity(usize::from(slots) + 1),
            free: (0..all).rev().collect(),
        }
    }

    /// The buffer for the next datagram.
    pub(super) fn incoming(&mut self) -> &mut [u8] {
        let start = self.incoming_slot() * self.stride;
        &mut self.bytes[start..start + self.stride]
    }

    fn incoming_slot(&self) -> usize {
        usize::from(*self.free.last().expect("one buffer is always free"))
    }

    /// Bytes of a buffer.
    pub(super) fn bytes(&self, slot: u16, length: usize) -> &[u8] {
        let start = usize::from(slot) * self.stride;
        &self.bytes[start..start + length]
    }

    /// The datagram just received.
    pub(super) fn received(&self, length: usize) -> &[u8] {
        let start = self.incoming_slot() * self.stride;
        &self.bytes[start..start + length]
    }

    /// Takes the datagram just received out, to be read at once.
    pub(super) fn take_incoming(&mut self, packet: Stored) -> u16 {
        let slot = self.free.pop().expect("one buffer is always free");
        self.packets[usize::from(slot)] = packet;
        slot
    }

    /// Keeps the datagram just received until its turn. When all buffers are full the packet that
    /// is furthest away goes; true when one went.
    pub(super) fn keep_incoming(&mut self, packet: Stored) -> bool {
        let at = self
            .order
            .partition_point(|&slot| self.from(slot) <= packet.from);
        // One free buffer stays for the next datagram, one for the packet being read.
        if self.free.len() > 2 {
            let slot = self.take_incoming(packet);
            self.order.insert(at, slot);
            return false;
        }
        if at < self.order.len() {
            let slot = self.take_incoming(packet);
            self.order.insert(at, slot);
            let furthest = self.order.pop().expect("the furthest one waits behind it");
            self.release(furthest);
        }
        true
    }

    /// True when the packet before it or at its place holds all of its messages. A repeat that
    /// this misses costs a buffer for a while and nothing else.
    pub(super) fn has(&self, packet: &Stored) -> bool {
        let behind = self
            .order
            .partition_point(|&slot| self.from(slot) <= packet.from);
        let before = self.order[..behind].last();
        before.is_some_and(|&slot| self.packet(slot).to >= packet.to)
    }

    fn from(&self, slot: u16) -> u64 {
        self.packets[usize::from(slot)].from
    }

    /// The packet in a buffer.
    pub(super) fn packet(&self, slot: u16) -> Stored {
        self.packets[usize::from(slot)]
    }

    /// Takes out the first waiting packet that holds message `expected`; packets that hold only
    /// earlier ones are dropped on the way.
    pub(super) fn take_next(&mut self, expected: u64) -> Option<u16> {
        while let Some(&slot) = self.order.first() {
            let packet = self.packet(slot);
            if packet.from > expected {
                return None;
            }
            self.order.remove(0);
            if packet.to > expected {
                return Some(slot);
            }
            self.release(slot);
        }
        None
    }

    /// Gives a buffer back.
    pub(super) fn release(&mut self, slot: u16) {
        self.free.push(slot);
    }

    /// Waiting packets, in order.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Stored> + '_ {
        self.order.iter().map(|&slot| self.packet(slot))
    }

    /// How many packets wait.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}
