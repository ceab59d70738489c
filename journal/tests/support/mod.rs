//! Frames for tests, of every length and class, and small journals.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod power;

use journal::{Options, Reader, Recovered, Writer, create_or_continue};
use std::path::Path;
use stream::hash::mix;
use stream::{Class, FrameRef, Header, Kind, Line, Nanos};
use zerocopy::IntoBytes;

/// A source of frames that follow from each other.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    state: u64,
    seq: u64,
    sub: u16,
}

impl Frames {
    pub(crate) fn after(seed: u64, seq: u64) -> Self {
        Self {
            state: seed,
            seq,
            sub: 0,
        }
    }

    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(1);
        mix(self.state)
    }

    /// The next frame: an input, or now and then something derived from it; 1 to 8 lines, mostly
    /// one; kinds that nobody knows among them.
    pub(crate) fn next(&mut self) -> Vec<Line> {
        let dice = self.random();
        let derived = self.seq > 0 && dice.is_multiple_of(3);
        let lines = match dice >> 8 & 7 {
            0 => (dice >> 16 & 7) as usize + 1,
            1 => 2,
            _ => 1,
        };
        let class = if derived {
            self.sub += 1;
            Class::Derived
        } else {
            self.seq += 1;
            self.sub = 0;
            Class::Input
        };
        let header = Header {
            seq: self.seq,
            ts: Nanos(self.seq * 1_000),
            sub: self.sub,
            kind: Kind((dice >> 24) as u8 | 1),
            shape: Header::shape(class, lines),
            ..Header::default()
        };
        let mut frame = vec![Line::ZERO; lines];
        for line in &mut frame {
            for word in line.0.chunks_mut(8) {
                // Some words stay zero, as in real payloads.
                let value = self.random();
                if value & 1 == 1 {
                    word.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        frame[0].0[..32].copy_from_slice(header.as_bytes());
        frame
    }
}

/// An input of one line.
pub(crate) fn input(seq: u64) -> Vec<Line> {
    let header = Header {
        seq,
        ts: Nanos(seq),
        kind: Kind(9),
        shape: Header::shape(Class::Input, 1),
        ..Header::default()
    };
    let mut line = Line([7; 64]);
    line.0[..Header::BYTES].copy_from_slice(header.as_bytes());
    vec![line]
}

pub(crate) fn frame(lines: &[Line]) -> FrameRef<'_> {
    FrameRef::first_of(lines).unwrap()
}

/// Lines for frames in a segment of [`tiny`]; its header takes eight.
pub(crate) const TINY_LINES: u64 = 56;

/// Segments of 64 lines, no threads.
pub(crate) fn tiny(dir: &Path) -> Options {
    Options {
        segment_bytes: 4_096,
        account: "DU123".to_owned(),
        date: 20_240_102,
        ..Options::new(dir)
    }
}

pub(crate) fn start(options: &Options) -> (Writer, Recovered) {
    create_or_continue(options).unwrap()
}

/// Appends `count` frames and returns them with their positions.
pub(crate) fn write(
    writer: &mut Writer,
    frames: &mut Frames,
    count: usize,
) -> Vec<(u64, Vec<Line>)> {
    (0..count)
        .map(|_| {
            let lines = frames.next();
            let end = writer.append(frame(&lines));
            (end - lines.len() as u64, lines)
        })
        .collect()
}

/// A frame's lines with `crc` zeroed: what was given to the writer.
pub(crate) fn unsealed(frame: FrameRef<'_>) -> Vec<Line> {
    let mut lines = frame.lines().to_vec();
    lines[0].0[16..20].fill(0);
    lines
}

/// Everything that a reader finds.
pub(crate) fn read(dir: &Path) -> Result<Vec<(u64, Vec<Line>)>, journal::Error> {
    let mut reader = Reader::open(dir)?;
    read_on(&mut reader)
}

/// Everything that a reader still finds.
pub(crate) fn read_on(reader: &mut Reader) -> Result<Vec<(u64, Vec<Line>)>, journal::Error> {
    let mut found = Vec::new();
    while let Some(next) = reader.next() {
        let (position, frame) = next?;
        found.push((position, unsealed(frame)));
    }
    Ok(found)
}
