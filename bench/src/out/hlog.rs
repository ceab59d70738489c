//! An interval log, version 2 with compressed histograms, as `HistogramLogProcessor` reads it.

use crate::distribution::Distribution;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::io;
use std::time::{Duration, SystemTime};

/// One interval, that of the whole call: what was recorded in it was recorded in many short runs.
pub(super) fn log(of: &Distribution, took: Duration) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let begin = SystemTime::now() - took;
    let comment = format!("{}: {}, {} time in ns", of.group, of.name, of.since.name());
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(&comment)
        .with_start_time(begin)
        .with_base_time(begin)
        .begin_log_with(&mut bytes, &mut serializer)?;
    // A tag ends at a comma or a blank, and tools choose by it.
    let tag = of.since.name();
    log.write_histogram(&of.histogram, Duration::ZERO, took, Tag::new(tag))
        .map_err(|error| io::Error::other(format!("{error:?}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::{Since, nanoseconds};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let mut histogram = nanoseconds();
        for value in [140, 141, 150, 9_000, 2_000_000] {
            histogram.record_n(value, 3).unwrap();
        }
        let of = Distribution {
            group: "hop".to_owned(),
            name: "ring".to_owned(),
            since: Since::Due,
            histogram,
        };
        let log = log(&of, Duration::from_secs(3)).unwrap();
        let read: Vec<_> = IntervalLogIterator::new(&log)
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        let [interval] = &read[..] else {
            panic!("one interval: {read:?}");
        };
        assert_eq!(interval.tag().map(|tag| tag.as_str()), Some("response"));
        assert_eq!(interval.duration(), Duration::from_secs(3));
        let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let back: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(back, of.histogram);
    }
}
