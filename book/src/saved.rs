//! What survives in a checkpoint: each instrument's session tape and its halt state.
//!
//! Little-endian, one record of [`RECORD`] bytes for each instrument in the order of ids:
//!
//! ```text
//!  0      4      12     20     28    36       44         60         68        69     70
//!  │ date │ last │ open │ high │ low │ volume │ notional │ trade_ts │ printed │ halt │
//! ```

use crate::book::Book;
use crate::tape::Tape;
use stream::limits::{CHECKPOINT_BYTES_MAX, INSTRUMENTS_MAX};
use stream::payload::HaltState;
use stream::{Nanos, Price};

const RECORD: usize = 70;

const _: () = assert!(INSTRUMENTS_MAX * RECORD <= CHECKPOINT_BYTES_MAX);

pub(crate) fn save(books: &[Book], bytes: &mut Vec<u8>) {
    for book in books {
        let tape = book.tape();
        bytes.extend_from_slice(&tape.date.to_le_bytes());
        for price in [tape.last, tape.open, tape.high, tape.low] {
            bytes.extend_from_slice(&price.0.to_le_bytes());
        }
        bytes.extend_from_slice(&tape.volume.to_le_bytes());
        bytes.extend_from_slice(&tape.notional.to_le_bytes());
        bytes.extend_from_slice(&tape.trade_ts.0.to_le_bytes());
        bytes.extend_from_slice(&[u8::from(tape.printed), book.halt as u8]);
    }
}

/// Takes what [`save`] wrote, for the same number of instruments.
pub(crate) fn load(books: &mut [Book], bytes: &[u8]) -> Result<(), &'static str> {
    if bytes.len() != books.len() * RECORD {
        return Err("saved tapes are of another number of instruments");
    }
    let records = bytes.chunks_exact(RECORD);
    if records.clone().any(|record| read(record).is_none()) {
        return Err("a saved tape holds a value that no tape has");
    }
    for (book, record) in books.iter_mut().zip(records) {
        let (tape, halt) = read(record).expect("read a moment ago");
        book.tape = Tape {
            trades_total: book.tape.trades_total,
            bought_total: book.tape.bought_total,
            sold_total: book.tape.sold_total,
            ..tape
        };
        book.halt = halt;
    }
    Ok(())
}

fn read(record: &[u8]) -> Option<(Tape, HaltState)> {
    let price = |at| Some(Price(i64::from_le_bytes(field(record, at)?)));
    let tape = Tape {
        date: u32::from_le_bytes(field(record, 0)?),
        last: price(4)?,
        open: price(12)?,
        high: price(20)?,
        low: price(28)?,
        volume: u64::from_le_bytes(field(record, 36)?),
        notional: i128::from_le_bytes(field(record, 44)?),
        trade_ts: Nanos(u64::from_le_bytes(field(record, 60)?)),
        printed: match record.get(68)? {
            0 => false,
            1 => true,
            _ => return None,
        },
        ..Tape::default()
    };
    let halt = HaltState::ALL.get(usize::from(*record.get(69)?))?;
    let sound = tape.low.0 >= 0 && tape.high >= tape.low && tape.notional >= 0;
    sound.then_some((tape, *halt))
}

fn field<const N: usize>(record: &[u8], at: usize) -> Option<[u8; N]> {
    record.get(at..at + N)?.try_into().ok()
}
