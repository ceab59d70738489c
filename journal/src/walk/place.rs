//! Going to a place in the journal without walking there.

use super::Walk;
use crate::catalogue::{self, HeaderState};
use crate::cursor::Cursor;
use crate::disk::open_to_read;
use crate::epoch::{Limit, Past};
use crate::error::{Error, What, io_error};

/// A place that a walk can go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) epoch: u32,
    pub(crate) index: u32,
    pub(crate) position: u64,
    pub(crate) past: Past,
}

impl Walk {
    /// Where the cursor is, for a later [`Walk::go`].
    pub(crate) fn place(&self) -> Option<Place> {
        Some(Place {
            epoch: self.epochs.get(self.at)?.number,
            index: self.index,
            position: self.position,
            past: self.past(),
        })
    }

    /// The beginning of every segment that has a sound header, in order.
    pub(crate) fn starts(&self) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        for (at, epoch) in self.epochs.iter().enumerate() {
            let end = match Limit::of(&self.epochs, at)? {
                Limit::Known { position, .. } => position,
                Limit::Open { .. } => u64::MAX,
            };
            for (index, path) in &epoch.files.segments {
                let file = open_to_read(path).map_err(io_error(path, "open the segment", 0))?;
                let state = catalogue::header(&file);
                // A segment that a crash left behind the epoch's end is not the journal's.
                if let HeaderState::Sound(header) =
                    state.map_err(io_error(path, "read the segment's header", 0))?
                    && (header.first_position < end || *index == 0)
                {
                    places.push(Place {
                        epoch: epoch.number,
                        index: *index,
                        position: header.first_position,
                        past: Past::before(&header),
                    });
                }
            }
        }
        Ok(places)
    }

    /// Goes to a place. The next step finds the frame there.
    pub(crate) fn go(&mut self, place: &Place) -> Result<(), Error> {
        let at = self.epochs.iter().position(|e| e.number == place.epoch);
        self.at = at.ok_or_else(|| self.damage(&self.dir.clone(), 0, What::Missing))?;
        self.limit = Limit::of(&self.epochs, self.at)?;
        self.leave();
        self.pending = None;
        self.behind = None;
        self.index = place.index;
        self.position = place.position;
        self.past = place.past;
        self.enter_at(place)
    }

    fn enter_at(&mut self, place: &Place) -> Result<(), Error> {
        let epoch = &self.epochs[self.at];
        let Some(path) = epoch.files.segments.get(&place.index) else {
            return Err(self.damage(&self.dir.clone(), 0, What::Missing));
        };
        let (path, file) = (
            path.clone(),
            open_to_read(path).map_err(io_error(path, "open the segment", 0))?,
        );
        match catalogue::header(&file).map_err(io_error(&path, "read the segment's header", 0))? {
            HeaderState::Sound(header)
                if header.salt == epoch.first.salt
                    && header.epoch == place.epoch
                    && header.index == place.index
                    && place.position >= header.first_position
                    && place.position - header.first_position <= header.data_lines =>
            {
                let line = place.position - header.first_position;
                let buffer = std::mem::take(&mut self.buffer);
                let mut cursor = Cursor::new(file, path, *header, buffer);
                cursor.jump(line);
                self.cursor = Some(cursor);
                Ok(())
            }
            _ => Err(self.damage(&path, 0, What::Header)),
        }
    }
}
