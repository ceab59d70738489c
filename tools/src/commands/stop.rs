//! How a run by the clock ends when someone asks for it: Ctrl-C or SIGTERM flattens first, and ends
//! the run once all is flat, or after ten seconds. A second one ends the process at once; the
//! journal survives that as it survives `kill -9`.

use crate::failure::{Failure, Outcome};
use engine::run::Handle;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stream::payload::ControlAction;

/// How long a flatten may take before the run ends anyway.
const PATIENCE: Duration = Duration::from_secs(10);

/// Watches for a wish to stop.
pub struct Stop {
    asked: Arc<AtomicBool>,
    since: Option<Instant>,
    arm: bool,
}

impl Stop {
    /// Begins to watch; `arm` arms the run at its first watch, as the operator.
    pub fn new(arm: bool) -> Outcome<Self> {
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
            arm,
        })
    }

    /// Looks whether someone asked.
    pub fn watch(&mut self, handle: &mut Handle) {
        if std::mem::take(&mut self.arm) {
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
                handle.shared.stop();
            }
            _ => {}
        }
    }
}
