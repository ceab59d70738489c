//! Latencies in files: what the usual plotters of HDR histograms read, and a page of its own.
//!
//! For each distribution `BENCH-GROUP-NAME-SINCE.hgrm` (percentiles as text) and `.hlog` (an
//! interval log with one interval), and `percentiles.html` with all of them.

mod hgrm;
mod hlog;
mod page;
mod plot;

use crate::cli::Results;
use crate::distribution::Distribution;
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Duration;

/// Writes the files into a folder, which is made where there is none.
///
/// # Errors
/// When something cannot be written.
pub fn write(folder: &Path, results: &Results) -> Result<()> {
    let named = |path: &Path| format!("cannot write {}", path.display());
    std::fs::create_dir_all(folder).with_context(|| named(folder))?;
    let put = |name: String, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| named(&path))
    };
    let took = Duration::from_secs_f64(results.seconds);
    for report in &results.benches {
        for distribution in &report.distributions {
            let name = file_name(report.bench, distribution);
            let histogram = &distribution.histogram;
            put(format!("{name}.hgrm"), hgrm::text(histogram).as_bytes())?;
            let log = hlog::log(distribution, took).context("making an interval log")?;
            put(format!("{name}.hlog"), &log)?;
        }
    }
    put(
        "percentiles.html".to_owned(),
        page::html(results).as_bytes(),
    )
}

/// Lower case, with a dash for whatever is no letter or digit.
fn file_name(bench: &str, of: &Distribution) -> String {
    let whole = format!("{bench} {} {} {}", of.group, of.name, of.since.name());
    let mut name = String::new();
    for c in whole.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::{Since, nanoseconds};

    #[test]
    fn names_of_files_are_plain() {
        let of = Distribution {
            group: "hop, each µs".to_owned(),
            name: "disruptor (Rust)".to_owned(),
            since: Since::Due,
            histogram: nanoseconds(),
        };
        assert_eq!(
            file_name("hop", &of),
            "hop-hop-each-s-disruptor-rust-response"
        );
    }
}
