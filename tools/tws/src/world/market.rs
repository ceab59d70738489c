//! What the exchange behind the broker trades, and where its market data come from.

use feed::bars;
use feed::calendar::Calendar;
use feed::error::FeedError;
use feed::file::{FileSource, Options, holdings};
use feed::head::Merge;
use feed::symbols::Universe;
use feed::synthetic::{self, Publish, Synthetic};
use std::path::PathBuf;
use stream::payload::{Instrument, Session, SessionKind, text};
use stream::{Draft, InstrumentId, Nanos, Next, Price, Source, SourceId};

/// Where market data come from, and what they are about.
pub struct Market {
    pub(super) source: Box<dyn Source + Send>,
    pub(super) instruments: Vec<(InstrumentId, Instrument)>,
    pub(super) session: Session,
    /// When its first event is due; zero where nobody has looked.
    first: Nanos,
    /// Tells later sessions, in the data's own time; `None` where there is but one.
    pub(super) calendar: Option<Calendar>,
    pub(super) shift: Shift,
    /// Prices at which the instruments begin, where they are known.
    pub(super) begins: Vec<Price>,
    /// Orders that may live in its books at a time.
    pub(super) orders_max: usize,
}

impl core::fmt::Debug for Market {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Market")
            .field("instruments", &self.instruments.len())
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// A span by which times are moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shift {
    from: Nanos,
    to: Nanos,
}

impl Shift {
    pub(super) fn apply(self, ts: Nanos) -> Nanos {
        if self.to >= self.from {
            ts.saturating_add(self.to - self.from)
        } else {
            ts.saturating_sub(self.from - self.to)
        }
    }
}

/// Nothing, ever.
struct Silence;

impl Source for Silence {
    fn next(&mut self) -> Next {
        Next::End
    }

    fn take(&mut self, _draft: &mut Draft) -> bool {
        false
    }
}

/// A market whose instruments have higher numbers than it thinks.
struct Renumbered {
    source: Synthetic,
    by: u16,
}

impl Source for Renumbered {
    fn next(&mut self) -> Next {
        self.source.next()
    }

    fn take(&mut self, draft: &mut Draft) -> bool {
        let taken = self.source.take(draft);
        if taken && draft.header().instrument != InstrumentId::NONE {
            draft.header_mut().instrument.0 += self.by;
        }
        taken
    }
}

impl Market {
    /// No instruments and no data.
    #[must_use]
    pub fn none() -> Self {
        Self {
            source: Box::new(Silence),
            instruments: Vec::new(),
            session: Session::zeroed(),
            first: Nanos::ZERO,
            calendar: None,
            shift: Shift::default(),
            begins: Vec::new(),
            orders_max: 64,
        }
    }

    /// The synthetic market. Its venue shows every order, whatever the configuration says, so
    /// that any instrument has depth and queues are exact.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn synthetic(mut config: synthetic::Config) -> Result<Self, synthetic::ConfigError> {
        config.publish = Publish::Orders;
        let begins = config.symbols.iter().map(|symbol| symbol.price);
        let begins = begins.collect();
        let source = Synthetic::new(config)?;
        Ok(Self {
            begins,
            instruments: source.instruments().collect(),
            session: source.session(),
            first: Nanos::ZERO,
            calendar: None,
            shift: Shift::default(),
            orders_max: source.config().symbols.len().max(1) * 8_192,
            source: Box::new(source),
        })
    }

    /// With the synthetic market of another configuration beside it, whose instruments' numbers
    /// follow this one's; `define` may make them something else than shares. What happens here is
    /// the same with it and without it.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration.
    pub fn beside(
        mut self,
        mut config: synthetic::Config,
        define: impl Fn(&mut Instrument),
    ) -> Result<Self, synthetic::ConfigError> {
        let by = self.instruments.len() as u16;
        config.publish = Publish::Orders;
        config.source = SourceId(1);
        let begins = config.symbols.iter().map(|symbol| symbol.price);
        self.begins.extend(begins);
        let source = Synthetic::new(config)?;
        self.orders_max += source.config().symbols.len() * 8_192;
        self.instruments
            .extend(source.instruments().map(|(id, mut instrument)| {
                define(&mut instrument);
                (InstrumentId(id.0 + by), instrument)
            }));
        let shifted = Renumbered { source, by };
        self.source = Box::new(Merge::new(vec![self.source, Box::new(shifted)]));
        Ok(self)
    }

    /// Recorded data of any format that feed knows, merged. What no file says of an instrument is
    /// taken to be a US share: dollars, a tick of one cent, which may be sold short.
    ///
    /// # Errors
    /// When a file cannot be opened, is of no known format, or is empty.
    pub fn files(
        paths: &[PathBuf],
        bars: Option<&bars::Config>,
        calendar: Calendar,
    ) -> Result<Self, FeedError> {
        let mut symbols: Vec<String> = Vec::new();
        for path in paths {
            for symbol in holdings(path, bars)?.symbols {
                if !symbols.contains(&symbol) {
                    symbols.push(symbol);
                }
            }
        }
        let universe = Universe::new(&symbols)?;
        let mut sources: Vec<Box<dyn Source + Send>> = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            let options = Options {
                source: SourceId(index as u16 + 1),
                universe: &universe,
                bars,
            };
            sources.push(Box::new(FileSource::open(path, &options)?));
        }
        let mut source = Merge::new(sources);
        let Next::At(first) = source.next() else {
            let remedy = "name files that hold market data";
            return Err(FeedError::config("the data hold no event", remedy));
        };
        let instruments = symbols.iter().enumerate();
        Ok(Self {
            source: Box::new(source),
            instruments: instruments
                .map(|(index, symbol)| (InstrumentId(index as u16 + 1), share(symbol)))
                .collect(),
            session: session_of(calendar, first),
            first,
            calendar: Some(calendar),
            shift: Shift::default(),
            begins: Vec::new(),
            orders_max: 1 << 20,
        })
    }

    /// Defines an instrument anew, by its symbol: a multiplier, a tick, a venue. Symbols that the
    /// data do not hold change nothing.
    #[must_use]
    pub fn defined(mut self, definition: &Instrument) -> Self {
        for (_, instrument) in &mut self.instruments {
            if instrument.symbol == definition.symbol {
                *instrument = *definition;
            }
        }
        self
    }

    /// Moves the data's time `from` to the world's time `to`.
    #[must_use]
    pub const fn moved(mut self, from: Nanos, to: Nanos) -> Self {
        self.shift = Shift { from, to };
        self
    }

    /// When it begins, in the data's own time: with its first session, or with its first event
    /// where that comes later.
    #[must_use]
    pub fn opens(&self) -> Nanos {
        self.session.open.max(self.first)
    }

    /// The session at, or else after, a time of the data.
    pub(super) fn session_at(calendar: Calendar, ts: Nanos) -> Option<Session> {
        let session = calendar
            .session_at(ts)
            .or_else(|| calendar.next_session(ts))?;
        let previous = calendar.previous_close(session.open);
        Some(session.payload(previous.unwrap_or(Nanos::ZERO)))
    }
}

fn session_of(calendar: Calendar, first: Nanos) -> Session {
    Market::session_at(calendar, first).unwrap_or(Session {
        kind: SessionKind::Continuous,
        open: first,
        close: Nanos::MAX,
        ..Session::zeroed()
    })
}

fn share(symbol: &str) -> Instrument {
    Instrument {
        symbol: text(symbol),
        venue: text("NASDAQ"),
        currency: text("USD"),
        multiplier: 1,
        tick_size: Price(10_000_000),
        lot: 1,
        shortable: 1,
        ..Instrument::zeroed()
    }
}
