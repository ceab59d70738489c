//! Epochs: what each start of a writer left in the folder, and where each must end.

use crate::catalogue::{self, EpochFiles, HeaderState, MarkState};
use crate::disk::open_to_read;
use crate::error::{Damage, Error, What, io_error};
use crate::layout::{Closed, Identity, PAD, SegmentHeader};
use std::path::{Path, PathBuf};
use stream::{Class, Header};
use zerocopy::FromZeros;

/// What came before a place in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past {
    /// `seq` of the last frame.
    pub(crate) seq: u64,
    /// `ts` of the last frame.
    pub(crate) ts: u64,
    /// `crc` of the last frame or pad.
    pub(crate) crc: u32,
}

impl Past {
    /// What a segment's header says came before it.
    pub(crate) const fn before(header: &SegmentHeader) -> Self {
        Self {
            seq: header.seq_before,
            ts: header.ts_before,
            crc: header.crc_before,
        }
    }

    /// What a frame with that header leaves.
    #[inline]
    pub(crate) const fn behind(header: &Header) -> Self {
        Self {
            seq: header.seq,
            ts: header.ts.0,
            crc: header.crc,
        }
    }

    /// True when there is a last frame: behind it there is no number zero.
    #[inline(always)]
    pub(crate) const fn is_numbered(&self) -> bool {
        self.seq != 0
    }

    /// True when a frame with that header follows, if there is a last one. Of a journal's first
    /// frames [`Past::admits`] tells.
    #[inline(always)]
    pub(crate) fn leads_to(&self, header: &Header) -> bool {
        self.is_next(header) && header.ts.0 >= self.ts && header.kind != PAD
    }

    /// True when a frame with that header may follow. Inputs are numbered without a gap, whatever
    /// follows from them carries their number, and time does not go back.
    #[inline]
    pub(crate) fn admits(&self, header: &Header) -> bool {
        (self.is_next(header) || self.seq == 0) && header.ts.0 >= self.ts
    }

    /// True when a frame with that header has the number that comes next.
    #[inline(always)]
    pub(crate) fn is_next(&self, header: &Header) -> bool {
        // An input or not is a coin to the processor: reckoned, not branched on.
        let step = u64::from(header.class() == Some(Class::Input));
        header.seq.wrapping_sub(self.seq) == step
    }
}

/// One start of a writer.
#[derive(Clone, Debug)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    pub(crate) files: EpochFiles,
    /// The first segment's header; zeros when it is broken.
    pub(crate) first: SegmentHeader,
    /// The close record, when the epoch was ended on purpose.
    pub(crate) closed: Option<Closed>,
    /// The file that keeps the epoch from being read at all, and what is wrong with it.
    pub(crate) broken: Option<(PathBuf, What)>,
}

impl Epoch {
    /// Every epoch in the folder, in order. One that was cut short before its first header was on
    /// the disk holds nothing and is left out.
    pub(crate) fn list(dir: &Path, identity: &Identity) -> Result<Vec<Self>, Error> {
        let mut epochs = Vec::new();
        for (number, files) in catalogue::epochs(dir)? {
            if let Some(epoch) = Self::load(dir, number, files, identity)? {
                epochs.push(epoch);
            }
        }
        Ok(epochs)
    }

    fn load(
        dir: &Path,
        number: u32,
        files: EpochFiles,
        identity: &Identity,
    ) -> Result<Option<Self>, Error> {
        let mut epoch = Self {
            number,
            files,
            first: SegmentHeader::new_zeroed(),
            closed: None,
            broken: None,
        };
        let Some(path) = epoch.files.segments.get(&0) else {
            let nothing = epoch.files.segments.is_empty() && epoch.files.closed.is_none();
            epoch.broken = Some((catalogue::segment_path(dir, number, 0), What::Missing));
            return Ok((!nothing).then_some(epoch));
        };
        let file = open_to_read(path).map_err(io_error(path, "open the segment", 0))?;
        match catalogue::header(&file).map_err(io_error(path, "read the segment's header", 0))? {
            HeaderState::Sound(header) => epoch.first = *header,
            HeaderState::Blank
                if epoch.files.segments.len() == 1 && epoch.files.closed.is_none() =>
            {
                return Ok(None);
            }
            _ => epoch.broken = Some((path.clone(), What::Header)),
        }
        if let Some(path) = &epoch.files.closed {
            epoch.closed = catalogue::closed(path)?.filter(|closed| {
                closed.journal == identity.journal
                    && closed.salt == epoch.first.salt
                    && closed.epoch == number
            });
            if epoch.closed.is_none() && epoch.broken.is_none() {
                epoch.broken = Some((path.clone(), What::CloseRecord));
            }
        }
        Ok(Some(epoch))
    }

    /// Lines below this are durable, by the mark's word.
    fn durable(&self) -> Result<u64, Error> {
        let start = self.first.epoch_position;
        let Some(path) = &self.files.mark else {
            return Ok(start);
        };
        match catalogue::mark(path, self.first.salt)? {
            MarkState::Blank => Ok(start),
            MarkState::At(position) => Ok(position.max(start)),
            MarkState::Damaged => Err(Error::Corrupt(Damage {
                position: start,
                file: path.clone(),
                offset: 0,
                what: What::Mark,
            })),
        }
    }
}

/// Where an epoch must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// At this position and behind this frame, by the next epoch's or the close record's word.
    Known {
        /// Lines since the journal began.
        position: u64,
        /// The epoch's last frame.
        past: Past,
    },
    /// It has not ended.
    Open {
        /// Lines below this position are on the disk.
        durable: u64,
    },
}

impl Limit {
    /// Where the epoch at that index of the list must end.
    pub(crate) fn of(epochs: &[Epoch], at: usize) -> Result<Self, Error> {
        let Some(epoch) = epochs.get(at) else {
            return Ok(Self::Open { durable: 0 });
        };
        let closed = epoch.closed.as_ref().map(|closed| Self::Known {
            position: closed.position,
            past: Past {
                seq: closed.seq,
                ts: closed.ts,
                crc: closed.last_crc,
            },
        });
        let followed = epochs
            .get(at + 1)
            .filter(|next| next.broken.is_none())
            .map(|next| Self::Known {
                position: next.first.epoch_position,
                past: Past::before(&next.first),
            });
        match (closed, followed) {
            (Some(closed), Some(followed)) if closed != followed => Err(Error::Corrupt(Damage {
                position: epoch.first.epoch_position,
                file: epoch.files.closed.clone().unwrap_or_default(),
                offset: 0,
                what: What::Chain,
            })),
            (Some(known), _) | (None, Some(known)) => Ok(known),
            (None, None) => Ok(Self::Open {
                durable: epoch.durable()?,
            }),
        }
    }
}
