//! Assertions by name, one JSON line each.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

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
    let end = Instant::now() + PATIENCE;
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
