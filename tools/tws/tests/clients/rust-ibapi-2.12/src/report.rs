//! Assertions by name, one JSON line each.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take; less where the server is known to say something wrong.
pub fn patience() -> Duration {
    let told = std::env::var("SCENARIO_PATIENCE").ok();
    let seconds = told.and_then(|text| text.parse().ok()).unwrap_or(20.0);
    Duration::from_secs_f64(seconds)
}

/// The same for real-time bars, which come every five seconds.
pub fn bar_patience() -> Duration {
    patience().max(Duration::from_secs(8))
}

#[derive(Default)]
pub struct Report {
    pub failed: usize,
}

impl Report {
    pub fn check(&mut self, name: &str, holds: bool, seen: impl Debug) {
        self.failed += usize::from(!holds);
        let seen: String = format!("{seen:?}")
            .chars()
            .filter(|c| !matches!(c, '"' | '\\'))
            .take(200)
            .collect();
        println!("{{\"name\": \"{name}\", \"ok\": {holds}, \"seen\": \"{seen}\"}}");
    }
}

/// Polls until something is there.
pub fn wait<T>(mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience();
    loop {
        if let Some(found) = poll() {
            return Some(found);
        }
        if Instant::now() > end {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// On the grid of a cent.
pub fn rounded(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}
