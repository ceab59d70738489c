//! Instrument definitions: what a contract is.

use super::{Reader, words};
use crate::error::FeedError;
use crate::open::Input;
use ::dbn::{UNDEF_PRICE, enums::rtype, v1, v2};
use stream::payload::{Instrument, InstrumentType, text};
use stream::units::SCALE;
use stream::{Nanos, Price};

/// The facts of one definition record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The venue's symbol.
    pub symbol: String,
    /// The venue's number of the instrument.
    pub venue_id: u32,
    /// The venue, as a market identifier code.
    pub venue: String,
    /// Currency of the price.
    pub currency: String,
    /// Smallest price step; 0 where it is not told.
    pub tick_size: Price,
    /// Units of the underlying in one contract, at least 1.
    pub multiplier: u32,
    /// What sort of thing.
    pub what: InstrumentType,
    /// When the definition was received.
    pub ts: Nanos,
}

impl Definition {
    /// As the stream tells it. Whether it may be sold short is the broker's word, so it is no.
    #[must_use]
    pub fn payload(&self) -> Instrument {
        Instrument {
            symbol: text(&self.symbol),
            venue: text(&self.venue),
            currency: text(&self.currency),
            multiplier: self.multiplier,
            tick_size: self.tick_size,
            venue_id: u64::from(self.venue_id),
            lot: 1,
            what: self.what,
            ..Instrument::zeroed()
        }
    }
}

/// Reads all definitions of a file, in its order; records of other types are passed over.
///
/// # Errors
/// When it is no DBN file of versions 1 to 3, or is damaged.
pub fn definitions(input: Input) -> Result<Vec<Definition>, FeedError> {
    let (mut reader, _) = Reader::open(input)?;
    let mut all = Vec::new();
    while reader.advance()? {
        let Some(record) = reader.record() else {
            break;
        };
        if record.header().rtype != rtype::INSTRUMENT_DEF {
            continue;
        }
        let size = record.header().record_size();
        // `try_get` trusts the length: a record of another version would be read askew.
        let definition = match reader.version() {
            1 if size >= size_of::<v1::InstrumentDefMsg>() => {
                record.try_get::<v1::InstrumentDefMsg>().ok().map(of_v1)
            }
            2 if size >= size_of::<v2::InstrumentDefMsg>() => {
                record.try_get::<v2::InstrumentDefMsg>().ok().map(of_v2)
            }
            3 if size >= size_of::<::dbn::InstrumentDefMsg>() => {
                record.try_get::<::dbn::InstrumentDefMsg>().ok().map(of_v3)
            }
            _ => None,
        };
        all.push(definition.ok_or_else(|| reader.wrong_length())?);
    }
    Ok(all)
}

macro_rules! of_version {
    ($name:ident, $record:ty) => {
        fn $name(record: &$record) -> Definition {
            Definition {
                symbol: words(&record.raw_symbol),
                venue_id: record.hd.instrument_id,
                venue: words(&record.exchange),
                currency: words(&record.currency),
                tick_size: match record.min_price_increment {
                    UNDEF_PRICE => Price::ZERO,
                    increment => Price(increment),
                },
                multiplier: multiplier(record.contract_multiplier, record.unit_of_measure_qty),
                what: match record.instrument_class as u8 {
                    b'F' | b'S' => InstrumentType::Future,
                    b'X' => InstrumentType::Spot,
                    _ => InstrumentType::Stock,
                },
                ts: Nanos(record.ts_recv),
            }
        }
    };
}

of_version!(of_v1, v1::InstrumentDefMsg);
of_version!(of_v2, v2::InstrumentDefMsg);
of_version!(of_v3, ::dbn::InstrumentDefMsg);

/// The contract's own multiplier where the venue tells one, else the quantity that its unit of
/// measure names (50 for the E-mini S&P 500), else 1.
fn multiplier(contract: i32, unit_of_measure: i64) -> u32 {
    if contract != i32::MAX && contract > 0 {
        return contract.unsigned_abs();
    }
    let whole = unit_of_measure != UNDEF_PRICE && unit_of_measure % SCALE == 0;
    let units = if whole { unit_of_measure / SCALE } else { 1 };
    u32::try_from(units).map_or(1, |units| units.max(1))
}
