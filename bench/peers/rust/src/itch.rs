//! ITCH 5.0 bytes in memory to messages: our decoder and itchy.

use crate::contest::{Contender, Goal, Ring, contest};
use anyhow::{Result, ensure};
use bench::itch::Messages;
use bench::measure::{Run, timed};
use bench::report::Report;
use feed::symbols::Universe;
use std::hint::black_box;
use std::time::Duration;
use stream::{Draft, Nanos, SourceId};

/// Runs it.
///
/// # Errors
/// When the data cannot be used, or a parser stops early.
pub fn run(ring: &Ring) -> Result<Report> {
    let mut report = Report::new("itch");
    report.note(&ring.place.how);
    report.note(
        "the bytes of `bench codec`: a message for each event of the day, lengths before them; \
         ours makes a frame of every message, itchy a `Message`, from the same memory",
    );
    for day in ring.place.days(&ring.effort)? {
        let [stock] = &day.symbols[..] else { continue };
        let first = day.iter().next().map_or(Nanos::ZERO, |frame| frame.ts());
        // Any midnight before the first frame will do.
        let midnight = first.saturating_sub(Nanos::from_secs(10 * 3_600));
        let messages = Messages::of(stock, midnight, day.iter());
        let universe = Universe::new([stock])?;
        let contenders = vec![
            Contender::ours("feed::itch", "decoded into frames", || {
                passes(ring, messages.count, || {
                    Ok(ours(&messages, midnight, &universe))
                })
            }),
            Contender::peer("itchy", "its MessageStream", || {
                passes(ring, messages.count, || theirs(&messages))
            }),
        ];
        let goal = Goal {
            ratio: Some(2.0),
            nanos: false,
        };
        let title = format!("ITCH parse {stock}");
        contest(&title, &ring.effort, contenders, goal, &mut report)?;
    }
    Ok(report)
}

fn passes(
    ring: &Ring,
    count: u64,
    mut pass: impl FnMut() -> Result<(Duration, u64)>,
) -> Result<Run> {
    let mut run = Run {
        time: Duration::ZERO,
        count: 0,
    };
    while run.time < ring.effort.run || run.count == 0 {
        let (time, parsed) = pass()?;
        ensure!(parsed + 1 >= count, "{parsed} of {count} messages only");
        run.time += time;
        run.count += count;
    }
    Ok(run)
}

/// The directory message defines an instrument and may make no frame.
fn ours(messages: &Messages, midnight: Nanos, universe: &Universe) -> (Duration, u64) {
    let mut decoder = feed::itch::Decoder::new(SourceId(1), midnight, universe);
    let mut draft = Draft::new();
    timed(|| {
        let mut frames = 0;
        for (position, message) in messages.iter().enumerate() {
            frames += u64::from(decoder.decode(message, position as u64, &mut draft).frame);
            black_box(&draft);
        }
        frames
    })
}

fn theirs(messages: &Messages) -> Result<(Duration, u64)> {
    let stream = itchy::MessageStream::from_reader(&messages.bytes[..]);
    let (time, parsed) = timed(|| {
        let mut parsed = 0;
        for message in stream {
            black_box(message?);
            parsed += 1;
        }
        Ok::<u64, itchy::Error>(parsed)
    });
    Ok((time, parsed?))
}
