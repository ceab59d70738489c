//! How a run by the clock ends when someone asks for it: Ctrl-C or SIGTERM flattens first, and ends
//! the run once all is flat, or after ten seconds. A second one ends the process at once; the
//! journal survives that as it survives `kill -9`. Before a broker, its word is compared with ours
//! in between. What could not be closed is a failure.

use crate::cli::Words;
use crate::failure::{Failure, Outcome};
use engine::ibkr::Closing;
use engine::run::Handle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stream::payload::ControlAction;

/// How long a flatten may take before the run ends anyway.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last comparison with a broker may take behind that.
const COMPARISON: Duration = Duration::from_secs(10);

/// Watches for a wish to stop.
pub struct Stop {
    asked: Arc<AtomicBool>,
    since: Option<Instant>,
    words: Words,
    closing: Option<Arc<Closing>>,
    /// It was compared at the last look: what came of it has been numbered by now.
    compared: bool,
}

impl Stop {
    /// Begins to watch; the operator's words are said at the first watch.
    pub fn new(words: &Words) -> Outcome<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal only sets the flag, the second one finds it set.
            let code = i32::from(crate::failure::FAILED);
            flag::register_conditional_shutdown(signal, code, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(Failure::failed)?;
        }
        Ok(Self {
            asked,
            since: None,
            words: words.clone(),
            closing: None,
            compared: false,
        })
    }

    /// Compares with a broker before the end.
    pub fn behind(self, closing: Arc<Closing>) -> Self {
        Self {
            closing: Some(closing),
            ..self
        }
    }

    /// Looks whether someone asked.
    pub fn watch(&mut self, handle: &mut Handle) {
        let Words { arm, resume } = std::mem::take(&mut self.words);
        if let Some(cause) = resume {
            handle.control(ControlAction::Resume, "operator", &cause);
        }
        if arm {
            handle.control(ControlAction::Arm, "operator", "--arm");
        }
        let asked = self.asked.load(Ordering::Relaxed);
        match self.since {
            None if asked => {
                eprintln!("spindle: stopping: entries are cancelled and every position is closed");
                handle.control(ControlAction::Flatten, "operator", "interrupted");
                self.since = Some(Instant::now());
            }
            Some(since) if since.elapsed() > PATIENCE || handle.shared.is_flat() => {
                self.end(since.elapsed(), handle);
            }
            _ => {}
        }
    }

    /// What was to be closed, because someone asked or the session is over, and was not, is a
    /// failure: nobody may believe that it was.
    pub fn judge(&self, is_flat: bool, is_over: bool, journal: &Path) -> Outcome {
        if is_flat || !(is_over || self.since.is_some()) {
            return Ok(());
        }
        Err(Failure::failed(format!(
            "the run ended with a position or an order that it was to close, and nobody watches it \
             now: close it by hand; `spindle journal stats {}` tells what is open",
            journal.display()
        )))
    }

    /// Ends the run once the broker's word was compared, or that took too long.
    fn end(&mut self, waited: Duration, handle: &Handle) {
        let compared = self.closing.as_ref().is_none_or(|closing| {
            closing.ask();
            let now = closing.found().is_some();
            std::mem::replace(&mut self.compared, now)
        });
        if compared || waited > PATIENCE + COMPARISON {
            handle.shared.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_to_be_closed_and_was_not_is_a_failure() {
        let mut stop = Stop::new(&Words::default()).expect("signals are at hand");
        let judged = |stop: &Stop, is_flat, is_over| {
            let judged = stop.judge(is_flat, is_over, Path::new("kept"));
            judged.map_err(|failure| (failure.code, failure.text.contains("stats kept")))
        };
        let failed = Err((crate::failure::FAILED, true));
        assert_eq!(judged(&stop, false, false), Ok(()), "nobody asked");
        assert_eq!(judged(&stop, false, true), failed);
        stop.since = Some(Instant::now());
        assert_eq!(judged(&stop, false, false), failed);
        assert_eq!(judged(&stop, true, true), Ok(()));
    }
}
