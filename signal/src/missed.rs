//! Missed opportunities: what a candidate that was refused a depth slot went on to do.
//!
//! A track begins when an instrument is a candidate and every slot is taken. It follows the mid at
//! event speed and ends when the instrument gets a slot, stops being a candidate, or the horizon
//! ends; then one `Missed` frame tells the furthest rise and fall. While the instrument is still
//! refused, a new track begins afterwards, so the frames are consecutive windows.

use stream::hash::fold;
use stream::payload::Missed;
use stream::{InstrumentId, Nanos};

const NONE: u8 = u8::MAX;

/// Tracks at most at a time.
pub const TRACKS_MAX: usize = 128;

#[derive(Clone, Copy, Debug)]
struct Track {
    instrument: InstrumentId,
    score: f64,
    since: Nanos,
    start2: i64,
    high2: i64,
    low2: i64,
}

/// The tracks of all refused candidates.
#[derive(Clone, Debug)]
pub struct Tracks {
    tracks: Vec<Track>,
    capacity: usize,
    of: Vec<u8>,
    horizon: Nanos,
    worth_ppm: i64,
}

impl Tracks {
    /// No tracks; room for `capacity` at a time.
    ///
    /// # Panics
    /// If `capacity` is beyond [`TRACKS_MAX`].
    #[must_use]
    pub fn new(capacity: usize, instruments: usize, horizon: Nanos, worth_ppm: u32) -> Self {
        assert!(capacity <= TRACKS_MAX, "too many tracks");
        Self {
            tracks: Vec::with_capacity(capacity),
            capacity,
            of: vec![NONE; instruments + 1],
            horizon,
            worth_ppm: i64::from(worth_ppm),
        }
    }

    /// True when the instrument has a track.
    #[must_use]
    pub fn has(&self, instrument: InstrumentId) -> bool {
        self.of[instrument.index()] != NONE
    }

    /// True when nobody is followed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// True when no further track fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.tracks.len() >= self.capacity
    }

    /// Begins a track; `mid2` is twice the mid, positive. Nothing happens when it has one, or when
    /// there is no room.
    pub fn begin(&mut self, instrument: InstrumentId, ts: Nanos, score: f64, mid2: i64) {
        if self.has(instrument) || self.is_full() || mid2 <= 0 {
            return;
        }
        self.of[instrument.index()] = self.tracks.len() as u8;
        self.tracks.push(Track {
            instrument,
            score,
            since: ts,
            start2: mid2,
            high2: mid2,
            low2: mid2,
        });
    }

    /// The mid of an instrument moved.
    #[inline]
    pub fn on_mid(&mut self, instrument: InstrumentId, mid2: i64) {
        let track = self.of[instrument.index()];
        if track != NONE {
            let track = &mut self.tracks[usize::from(track)];
            track.high2 = track.high2.max(mid2);
            track.low2 = track.low2.min(mid2);
        }
    }

    /// Ends every track whose horizon has passed or that is not `refused` any more.
    pub fn step(
        &mut self,
        ts: Nanos,
        refused: impl Fn(InstrumentId) -> bool,
        mut tell: impl FnMut(InstrumentId, &Missed),
    ) {
        let mut position = 0;
        while let Some(&track) = self.tracks.get(position) {
            let over = ts >= track.since.saturating_add(self.horizon);
            if !over && refused(track.instrument) {
                position += 1;
                continue;
            }
            tell(track.instrument, &self.told(&track));
            self.of[track.instrument.index()] = NONE;
            self.tracks.swap_remove(position);
            if let Some(moved) = self.tracks.get(position) {
                self.of[moved.instrument.index()] = position as u8;
            }
        }
    }

    fn told(&self, track: &Track) -> Missed {
        let ppm = |mid2: i64| {
            let change = i128::from(mid2) - i128::from(track.start2);
            (change * 1_000_000 / i128::from(track.start2))
                .clamp(i128::from(i32::MIN), i128::from(i32::MAX)) as i32
        };
        let (rise_ppm, fall_ppm) = (ppm(track.high2), ppm(track.low2));
        let worth = i64::from(rise_ppm).max(-i64::from(fall_ppm)) >= self.worth_ppm;
        Missed {
            score: track.score,
            since: track.since,
            rise_ppm,
            fall_ppm,
            opportunity: u8::from(worth),
            ..Missed::zeroed()
        }
    }

    /// A hash of all tracks.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.tracks.iter().fold(0, |hash, track| {
            let hash = fold(hash, u64::from(track.instrument.0) ^ track.since.0 << 16);
            let hash = fold(hash, track.score.to_bits() ^ track.start2 as u64);
            fold(
                hash,
                track.high2 as u64 ^ (track.low2 as u64).rotate_left(32),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tracks: &mut Tracks, ts: u64, refused: bool) -> Vec<(u16, Missed)> {
        let mut all = Vec::new();
        tracks.step(
            Nanos(ts),
            |_| refused,
            |id, missed| all.push((id.0, *missed)),
        );
        all
    }

    #[test]
    fn it_tells_the_furthest_rise_and_fall() {
        let mut tracks = Tracks::new(4, 4, Nanos(100), 2_000);
        tracks.begin(InstrumentId(2), Nanos(10), 0.7, 1_000_000);
        for mid2 in [1_000_500, 1_002_000, 999_000, 1_001_000] {
            tracks.on_mid(InstrumentId(2), mid2);
        }
        assert!(told(&mut tracks, 109, true).is_empty());
        let all = told(&mut tracks, 110, true);
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].1.rise_ppm, all[0].1.fall_ppm), (2_000, -1_000));
        assert_eq!((all[0].1.opportunity, all[0].1.since), (1, Nanos(10)));
        assert!(!tracks.has(InstrumentId(2)));
    }

    #[test]
    fn a_track_ends_when_the_instrument_is_refused_no_more() {
        let mut tracks = Tracks::new(2, 4, Nanos(1_000), 2_000);
        for id in [1, 2, 3] {
            tracks.begin(InstrumentId(id), Nanos(0), 0.5, 500);
        }
        assert!(!tracks.has(InstrumentId(3)), "there was no room");
        let mut all = Vec::new();
        tracks.step(Nanos(5), |id| id.0 == 2, |id, _| all.push(id.0));
        assert_eq!(all, [1]);
        tracks.on_mid(InstrumentId(2), 1_000);
        let rest = told(&mut tracks, 6, false);
        assert_eq!((rest[0].0, rest[0].1.rise_ppm), (2, 1_000_000));
    }
}
