//! Prefetching a ring's next lines before they have been written.
//!
//! A reader that waits at a ring polls one cache line, the writing end's index; what was written
//! lies in others. Read one after the other, index and frame take two transfers between the cores.
//! So at each look the next lines are asked for while they are still empty: once the writing end
//! has taken them to write, they come back together with its index.

use stream::Line;

/// Where the next lines of a ring will stand.
#[derive(Debug)]
pub(super) struct Lookout {
    /// Address of the ring's first line; 0 until one was read.
    first: usize,
    /// The line that is read next, and how many there are.
    next: usize,
    lines: usize,
}

impl Lookout {
    /// A lookout over a ring of so many lines, none of which was read.
    pub(super) const fn new(lines: usize) -> Self {
        Self {
            first: 0,
            next: 0,
            lines,
        }
    }

    /// So many lines were read, of which the first ones are those of `front`.
    #[inline]
    pub(super) fn pass(&mut self, front: &[Line], lines: usize) {
        if self.first == 0 {
            self.first = front.as_ptr() as usize;
        }
        self.next += lines;
        if self.next >= self.lines {
            self.next -= self.lines;
        }
    }

    /// Asks for the next two lines: a market frame, and the `Best` that it brought about.
    #[inline]
    pub(super) fn ask(&self) {
        let [first, second] = self.addresses();
        ask(first);
        ask(second);
    }

    /// Where they stand, once a line was read.
    #[inline]
    pub(super) const fn addresses(&self) -> [usize; 2] {
        let second = if self.next + 1 < self.lines {
            self.next + 1
        } else {
            0
        };
        [
            self.first + self.next * Line::BYTES,
            self.first + second * Line::BYTES,
        ]
    }
}

/// Asks for the line of memory at an address.
#[cfg(target_arch = "x86_64")]
#[inline]
fn ask(address: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint to the processor. It reads nothing that a program could see and never traps,
    // whatever stands at the address or does not.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::without_provenance(address)) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
const fn ask(_: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_two_lines_are_where_the_ring_goes_on() {
        let ring = [Line::ZERO; 5];
        let address = |line: usize| ring.as_ptr() as usize + line * Line::BYTES;
        let mut lookout = Lookout::new(ring.len());
        // Before anything was read it does not know where the ring is: any address may be asked.
        lookout.ask();
        for (lines, next) in [
            (2, [2, 3]),
            (2, [4, 0]),
            (1, [0, 1]),
            (5, [0, 1]),
            (0, [0, 1]),
        ] {
            lookout.pass(&ring, lines);
            lookout.ask();
            assert_eq!(lookout.addresses(), next.map(address));
        }
        assert_eq!(ring, [Line::ZERO; 5]);
    }
}
