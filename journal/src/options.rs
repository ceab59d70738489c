//! What a writer is told before it starts.

use crate::disk::Faults;
use crate::error::Error;
use crate::layout;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// When a frame counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// In the page cache: survives the death of the process, by `kill -9` too, not of the host. A
    /// [written](Medium::Written) journal's last frames get there later.
    #[default]
    Process,
    /// On the disk, once [`Writer::durable`](crate::Writer::durable) has passed it: survives the
    /// loss of power. The engine holds risk-adding commands back until then.
    Power,
}

/// How a journal is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; made when absent.
    pub dir: PathBuf,
    /// Whose journal it is, at most 64 bytes. A journal of another account is refused.
    pub account: String,
    /// The session date as `yyyymmdd`, 0 where there is none. Another date is refused.
    pub date: u32,
    /// Size of one segment file: a multiple of 4,096, at least 4,096.
    pub segment_bytes: u64,
    /// When a frame counts as written.
    pub durability: Durability,
    /// How often the helper syncs behind the head. Zero: nothing is ever synced, and nothing is
    /// promised across a loss of power; meant for backtests, refused with durability `power`.
    pub sync_every: Duration,
    /// How far ahead of the head pages are made writable, in bytes, where files are mapped.
    pub prefault_bytes: u64,
    /// How frames come into their files.
    pub medium: Medium,
    /// Faults to inject and a view of every promise that is asked of the disk; for tests.
    pub faults: Option<Arc<dyn Faults>>,
}

/// How frames come into a segment's file. What stands there is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Medium {
    /// Into a mapping of it: each frame is in the file once it was appended.
    #[default]
    Mapped,
    /// Into memory that is used over and over, which a helper writes to the file: for virtual time,
    /// where nobody waits for that. When the process is killed, up to two mebibytes of what was
    /// appended last are not in the file. Nothing is ever synced.
    Written,
}

impl Options {
    /// Smallest segment: one page.
    pub const SEGMENT_BYTES_MIN: u64 = 4_096;
    /// Largest segment: what a 32-bit line count of a segment can never reach.
    pub const SEGMENT_BYTES_MAX: u64 = 1 << 36;

    /// 64 MiB segments, durability `process`, a sync every 5 ms, 8 MiB of pages ahead, no account.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            account: String::new(),
            date: 0,
            segment_bytes: 64 << 20,
            durability: Durability::Process,
            sync_every: Duration::from_millis(5),
            prefault_bytes: 8 << 20,
            medium: Medium::Mapped,
            faults: None,
        }
    }

    /// How far ahead of the head pages are made writable.
    pub(crate) const fn window_bytes(&self) -> u64 {
        match self.medium {
            Medium::Mapped => self.prefault_bytes,
            Medium::Written => 0,
        }
    }

    /// Checks ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let bad = |name, why: &str| {
            Err(Error::Option {
                name,
                why: why.to_owned(),
            })
        };
        if !(Self::SEGMENT_BYTES_MIN..=Self::SEGMENT_BYTES_MAX).contains(&self.segment_bytes)
            || !self.segment_bytes.is_multiple_of(Self::SEGMENT_BYTES_MIN)
        {
            return bad(
                "segment_bytes",
                "give a multiple of 4096 from 4096 to 64 GiB",
            );
        }
        if self.account.len() > layout::ACCOUNT_BYTES || self.account.contains('\0') {
            return bad("account", "give at most 64 bytes without a zero byte");
        }
        if self.durability == Durability::Power && self.sync_every.is_zero() {
            return bad(
                "sync_every",
                "durability `power` needs a sync: give more than zero",
            );
        }
        if self.medium == Medium::Written && !self.sync_every.is_zero() {
            return bad(
                "sync_every",
                "a journal that is written and not mapped is never synced: give zero",
            );
        }
        Ok(())
    }
}
