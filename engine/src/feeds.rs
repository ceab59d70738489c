//! Sources from what a user names: files, in memory where they fit, and live-paced where asked.

use crate::clock::Clock;
use crate::setup::{MoldUdp, Setup};
use feed::calendar::Calendar;
use feed::error::FeedError;
use feed::file::{FileSource, Format, MemorySource, Options, holdings};
use feed::moldudp::{MoldUdpSource, SourceConfig};
use feed::symbols::Universe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use stream::payload::Session;
use stream::{Draft, Nanos, Next, Source, SourceId};

/// Files up to this size, as shipped, are decoded before the run starts: a damaged one is then
/// refused before anything is written. Larger ones are decoded as the run goes.
pub const PRELOAD_BYTES_MAX: u64 = 256 << 20;

/// Why a source ended early, told once it has.
pub type Ending = Arc<Mutex<Option<String>>>;

/// The symbols that the named files hold, in order, each once.
///
/// # Errors
/// When a path cannot be opened or is of no known format.
pub fn symbols_in(
    paths: &[PathBuf],
    bars: Option<&feed::bars::Config>,
) -> Result<Vec<String>, FeedError> {
    let mut symbols: Vec<String> = Vec::new();
    for path in paths {
        for symbol in holdings(path, bars)?.symbols {
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
    }
    Ok(symbols)
}

/// What the named files are, by the first one: it decides which calendar fits.
///
/// # Errors
/// As [`symbols_in`].
pub fn format_of(path: &Path, bars: Option<&feed::bars::Config>) -> Result<Format, FeedError> {
    Ok(holdings(path, bars)?.format)
}

/// Opens every named file as a source of its own.
///
/// # Errors
/// When one cannot be opened, holds nothing that is asked for, or (up to [`PRELOAD_BYTES_MAX`]) is
/// damaged anywhere.
pub fn open(
    paths: &[PathBuf],
    setup: &Setup,
    ending: &Ending,
) -> Result<Vec<Box<dyn Source + Send>>, FeedError> {
    let universe = Universe::new(setup.symbols().map(|(_, symbol)| symbol))?;
    let mut sources: Vec<Box<dyn Source + Send>> = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let options = Options {
            source: SourceId(index as u16 + 1),
            universe: &universe,
            bars: setup.bars.as_ref(),
        };
        let file = FileSource::open(path, &options)?;
        let small = std::fs::metadata(path).is_ok_and(|facts| facts.len() <= PRELOAD_BYTES_MAX);
        if small {
            sources.push(Box::new(file.preload()?));
        } else {
            sources.push(Box::new(Reported {
                file,
                ending: Arc::clone(ending),
            }));
        }
    }
    Ok(sources)
}

/// A file that tells why it ended early.
struct Reported {
    file: FileSource,
    ending: Ending,
}

impl Source for Reported {
    fn next(&mut self) -> Next {
        let next = self.file.next();
        if next == Next::End
            && let Some(error) = self.file.take_error()
            && let Ok(mut ending) = self.ending.lock()
        {
            ending.get_or_insert(error.to_string());
        }
        next
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.file.take(draft)
    }
}

/// Sources whose time is moved by a fixed span and run at a multiple of its speed: recorded data
/// by the clock.
pub struct Paced {
    inner: Box<dyn Source + Send>,
    /// When the data's time begins.
    from: Nanos,
    /// When that is by the clock.
    to: Nanos,
    /// The data's time runs this many thousandths as fast as the clock.
    speed_milli: u64,
}

impl Paced {
    /// Moves `inner`'s time `from` to the clock's `to`.
    ///
    /// # Panics
    /// If the speed is zero.
    #[must_use]
    pub fn new(inner: Box<dyn Source + Send>, from: Nanos, to: Nanos, speed_milli: u64) -> Self {
        assert!(speed_milli > 0, "time must run");
        Self {
            inner,
            from,
            to,
            speed_milli,
        }
    }

    fn moved(&self, ts: Nanos) -> Nanos {
        scale(ts, self.from, self.to, self.speed_milli)
    }
}

/// A moment of the data by the clock, also one before the data begins.
fn scale(ts: Nanos, from: Nanos, to: Nanos, speed_milli: u64) -> Nanos {
    let apart = u128::from(ts.0.abs_diff(from.0)) * 1_000 / u128::from(speed_milli);
    let apart = Nanos(u64::try_from(apart).unwrap_or(u64::MAX));
    if ts < from {
        to.saturating_sub(apart)
    } else {
        to.saturating_add(apart)
    }
}

/// A session of recorded data, by the clock. It opens where the data's own clock has the open, be
/// that before or behind the data's first frame.
#[must_use]
pub fn paced_session(session: Session, from: Nanos, to: Nanos, speed_milli: u64) -> Session {
    let moved = |ts: Nanos| scale(ts, from, to, speed_milli);
    let previous = Some(session.previous_close).filter(|close| *close > Nanos::ZERO);
    Session {
        open: moved(session.open),
        close: moved(session.close),
        previous_close: previous.map_or(Nanos::ZERO, moved),
        ..session
    }
}

impl Source for Paced {
    fn next(&mut self) -> Next {
        match self.inner.next() {
            Next::At(ts) => Next::At(self.moved(ts)),
            other => other,
        }
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        self.inner.take(draft)
    }
}

/// Opens a MoldUDP64 feed of today's session.
///
/// # Errors
/// When an address cannot be bound or joined, or the calendar knows no session from now on.
pub fn open_moldudp(config: &MoldUdp, setup: &Setup) -> Result<Box<dyn Source + Send>, FeedError> {
    let universe = Universe::new(setup.symbols().map(|(_, symbol)| symbol))?;
    let source = SourceId(1);
    let mut clock = Clock::new();
    let session = Calendar::UsEquity
        .session_at(clock.now())
        .or_else(|| Calendar::UsEquity.next_session(clock.now()));
    let midnight = session
        .and_then(|session| feed::itch::midnight(session.date))
        .ok_or_else(|| {
            FeedError::config(
                "the calendar knows no session from now on",
                "check the system's clock",
            )
        })?;
    let decoder = feed::itch::Decoder::new(source, midnight, &universe);
    let sockets = SourceConfig {
        lines: config.lines.clone(),
        requests_from: config.requests_from,
        servers: config.servers.clone(),
        receiver: feed::moldudp::Config::default(),
    };
    Ok(Box::new(MoldUdpSource::open(
        sockets,
        decoder,
        move || clock.now(),
    )?))
}

/// A whole file in memory, for measurements.
///
/// # Errors
/// When it cannot be opened or is damaged.
pub fn preload(path: &Path, setup: &Setup) -> Result<MemorySource, FeedError> {
    let universe = Universe::new(setup.symbols().map(|(_, symbol)| symbol))?;
    let options = Options {
        source: SourceId(1),
        universe: &universe,
        bars: setup.bars.as_ref(),
    };
    FileSource::open(path, &options)?.preload()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_time_moves_to_the_clock_and_scales() {
        let (from, to) = (Nanos::from_secs(100), Nanos::from_secs(5_000));
        assert_eq!(
            scale(Nanos::from_secs(110), from, to, 1_000),
            Nanos::from_secs(5_010)
        );
        assert_eq!(
            scale(Nanos::from_secs(110), from, to, 10_000),
            Nanos::from_secs(5_001)
        );
        // What lies before the data's first frame lies before it by the clock, too.
        assert_eq!(
            scale(Nanos::from_secs(90), from, to, 1_000),
            Nanos::from_secs(4_990)
        );
        assert_eq!(
            scale(Nanos::from_secs(90), from, to, 500),
            Nanos::from_secs(4_980)
        );
        assert_eq!(scale(Nanos::from_secs(90), from, to, 1), Nanos::ZERO);
    }

    #[test]
    fn a_session_opens_and_closes_where_the_datas_own_clock_has_it() {
        let hours = |hours: u64| Nanos::from_secs(hours * 3_600);
        let session = Session {
            open: hours(110),
            close: hours(116),
            previous_close: hours(92),
            ..Session::zeroed()
        };
        let by_the_clock = |from: Nanos, speed_milli: u64| {
            let paced = paced_session(session, from, hours(500), speed_milli);
            [paced.previous_close, paced.open, paced.close]
        };
        // A file of the whole day begins hours before the open, a sample may begin behind it.
        let before = [489, 507, 513].map(hours);
        assert_eq!(by_the_clock(hours(103), 1_000), before);
        let behind = [480, 498, 504].map(hours);
        assert_eq!(by_the_clock(hours(112), 1_000), behind);
        // At twice the speed all of it takes half as long.
        let fast = [494, 503, 506].map(hours);
        assert_eq!(by_the_clock(hours(104), 2_000), fast);
        // When no session came before, none is made up.
        let first = Session {
            previous_close: Nanos::ZERO,
            ..session
        };
        let paced = paced_session(first, hours(103), hours(500), 1_000);
        assert_eq!(paced.previous_close, Nanos::ZERO);
    }
}
