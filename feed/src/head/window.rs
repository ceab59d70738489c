//! What is numbered and not yet journaled.

use stream::Nanos;
use stream::limits::WINDOW_LINES;

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    ts: Nanos,
    lines: u8,
    evaluation: bool,
}

/// Inputs between their number and the journal, oldest first.
#[derive(Debug)]
pub struct Window {
    entries: Box<[Entry]>,
    numbered: u64,
    drained: u64,
    lines: usize,
    evaluations: u32,
    lines_max: usize,
}

impl Window {
    /// An empty window behind `seq`.
    #[must_use]
    pub fn new(seq: u64) -> Self {
        Self {
            entries: vec![Entry::default(); WINDOW_LINES].into_boxed_slice(),
            numbered: seq,
            drained: seq,
            lines: 0,
            evaluations: 0,
            lines_max: 0,
        }
    }

    fn entry(&mut self, seq: u64) -> &mut Entry {
        &mut self.entries[(seq % WINDOW_LINES as u64) as usize]
    }

    /// Takes an input in; tells its number.
    #[inline]
    pub(super) fn push(&mut self, ts: Nanos, lines: usize, evaluation: bool) -> u64 {
        let seq = self.numbered + 1;
        *self.entry(seq) = Entry {
            ts,
            lines: lines as u8,
            evaluation,
        };
        self.numbered = seq;
        self.lines += lines;
        self.evaluations += u32::from(evaluation);
        self.lines_max = self.lines_max.max(self.lines);
        seq
    }

    #[inline]
    pub(super) fn drained(&mut self, seq: u64) {
        assert!(seq <= self.numbered, "what is not numbered cannot drain");
        if seq == self.numbered {
            // With one lane always: nothing is left, whatever stood there.
            self.drained = seq;
            self.lines = 0;
            self.evaluations = 0;
        } else {
            self.drained_some(seq);
        }
    }

    fn drained_some(&mut self, seq: u64) {
        while self.drained < seq {
            self.drained += 1;
            let entry = *self.entry(self.drained);
            self.lines -= usize::from(entry.lines);
            self.evaluations -= u32::from(entry.evaluation);
        }
    }

    /// Whether one more input fits: room for the longest frame, and no second evaluation.
    #[must_use]
    #[inline]
    pub const fn has_room(&self, evaluation: bool) -> bool {
        self.lines + stream::frame::LINES_MAX <= WINDOW_LINES
            && !(evaluation && self.evaluations > 0)
    }

    /// When the oldest input that has not drained was stamped.
    #[must_use]
    #[inline]
    pub fn oldest_ts(&self) -> Option<Nanos> {
        (self.drained < self.numbered)
            .then(|| self.entries[((self.drained + 1) % WINDOW_LINES as u64) as usize].ts)
    }

    /// Lines in the window.
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// The most lines that ever stood in the window since [`Window::take_high_water`].
    pub const fn take_high_water(&mut self) -> usize {
        let most = self.lines_max;
        self.lines_max = self.lines;
        most
    }

    /// The last input that was numbered.
    #[must_use]
    pub const fn numbered_seq(&self) -> u64 {
        self.numbered
    }

    /// The last input that has drained.
    #[must_use]
    pub const fn drained_seq(&self) -> u64 {
        self.drained
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use stream::hash::mix;

    /// The same by a plain queue, drained one by one, some at a time, or wholly.
    #[test]
    fn it_holds_what_a_plain_queue_holds() {
        let (mut window, mut queue) = (Window::new(7), VecDeque::new());
        let (mut seq, mut random) = (7, 1);
        for step in 0..20_000_u64 {
            random = mix(random);
            let evaluation = random.is_multiple_of(50);
            if !random.is_multiple_of(3) && window.has_room(evaluation) {
                seq += 1;
                let (ts, lines) = (Nanos(step), 1 + (random >> 32) as usize % 8);
                assert_eq!(window.push(ts, lines, evaluation), seq);
                queue.push_back((ts, lines, evaluation));
            } else {
                let most = queue.len() as u64;
                let left = (random >> 40) % (most + 1);
                window.drained(seq - left);
                queue.drain(..(most - left) as usize);
            }
            let lines: usize = queue.iter().map(|(_, lines, _)| lines).sum();
            assert_eq!(window.lines(), lines);
            assert_eq!(window.oldest_ts(), queue.front().map(|(ts, ..)| *ts));
            assert_eq!(window.drained_seq(), seq - queue.len() as u64);
            let evaluates = queue.iter().any(|(_, _, evaluation)| *evaluation);
            let room = lines + stream::frame::LINES_MAX <= WINDOW_LINES;
            assert_eq!(window.has_room(true), room && !evaluates);
        }
    }
}
