//! What a run of the command must have come to.

use super::spindle::Run;

impl Run {
    /// Asserts success.
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Asserts bad usage, without a panic.
    pub(crate) fn bad(self) -> Self {
        assert_eq!(self.code, 2, "{}", self.stderr);
        assert!(self.stderr.starts_with("spindle: "), "{}", self.stderr);
        self
    }
}
