//! Frames that wait to be appended together, which is cheaper than one by one.

use stream::Line;

/// How many there are at most: 4 KiB.
const FULL: usize = 64;

/// A few frames of one line each, as nearly all are.
#[derive(Debug)]
pub(crate) struct Gathered {
    lines: Box<[Line; FULL]>,
    count: usize,
}

impl Gathered {
    /// Without any.
    pub(crate) fn new() -> Self {
        Self {
            lines: Box::new([Line::ZERO; FULL]),
            count: 0,
        }
    }

    /// Takes a frame in.
    ///
    /// # Panics
    /// When it is full.
    #[inline(always)]
    pub(crate) fn take(&mut self, line: &Line) {
        self.lines[self.count] = *line;
        self.count += 1;
    }

    /// All of them, in order.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines[..self.count]
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True when it has to be cleared before another one comes.
    #[inline]
    pub(crate) const fn is_full(&self) -> bool {
        self.count == FULL
    }

    /// Forgets them.
    pub(crate) const fn clear(&mut self) {
        self.count = 0;
    }
}
