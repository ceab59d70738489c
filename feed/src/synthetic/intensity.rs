//! When the next order-flow event of a symbol comes: a Hawkes process.
//!
//! ```text
//!  intensity(t) = base + burst · e^(−γ (t − t0)) + Σ over past events  η β · e^(−β (t − ti))
//! ```
//!
//! Simulated exactly, without thinning, after Dassios and Zhao, *Exact simulation of Hawkes process
//! with exponentially decaying intensity* (2013): the wait is the smallest of independent waits of
//! the three parts, and that of a decaying part has a closed form (and may be never). Having no
//! memory, the process may be drawn again from any instant at which `base` changes.

use super::random::Random;
use stream::Nanos;

/// How intensities decay, for all symbols.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    /// β: per second.
    pub(super) decay: f64,
    /// η: events that one event brings about, directly, on average; below 1.
    pub(super) branching: f64,
    /// γ: per second.
    pub(super) burst_decay: f64,
}

/// A burst below this part of the base rate is over.
const BURST_OVER: f64 = 1e-6;

#[derive(Clone, Copy, Debug)]
pub(super) struct Intensity {
    /// Events per second.
    base: f64,
    burst: f64,
    excitation: f64,
    at: Nanos,
}

/// Seconds between two instants.
pub(super) fn seconds(from: Nanos, to: Nanos) -> f64 {
    to.saturating_sub(from).0 as f64 * 1e-9
}

impl Intensity {
    pub(super) const fn new(base: f64, at: Nanos) -> Self {
        Self {
            base,
            burst: 0.0,
            excitation: 0.0,
            at,
        }
    }

    pub(super) const fn set_base(&mut self, base: f64) {
        self.base = base;
    }

    /// Flow begins at `ts` as if it had always been there, with a burst on top.
    pub(super) fn begin(&mut self, ts: Nanos, burst: f64, kernel: Kernel) {
        self.at = ts;
        self.burst = burst;
        self.excitation = self.base * kernel.branching / (1.0 - kernel.branching);
    }

    /// Lets the decaying parts decay until `ts`.
    pub(super) fn advance(&mut self, ts: Nanos, kernel: Kernel) {
        let elapsed = seconds(self.at, ts);
        self.at = ts;
        self.excitation *= libm::exp(-kernel.decay * elapsed);
        if self.burst > 0.0 {
            self.burst *= libm::exp(-kernel.burst_decay * elapsed);
            if self.burst < self.base * BURST_OVER {
                self.burst = 0.0;
            }
        }
    }

    /// An event happened now.
    pub(super) fn excite(&mut self, kernel: Kernel) {
        self.excitation += kernel.branching * kernel.decay;
    }

    /// The next event after the instant of the last [`Intensity::advance`].
    pub(super) fn next(&self, kernel: Kernel, random: &mut Random) -> Nanos {
        let mut wait = random.exponential() / self.base;
        wait = wait.min(decaying_wait(self.excitation, kernel.decay, random));
        if self.burst > 0.0 {
            wait = wait.min(decaying_wait(self.burst, kernel.burst_decay, random));
        }
        // A float-to-integer cast saturates; two events of one symbol never share an instant.
        let nanos = (wait * 1e9) as u64;
        Nanos(self.at.0.saturating_add(nanos.max(1)))
    }
}

/// The wait for the first event of the intensity `start · e^(−decay · t)`; infinite when it dies
/// out first.
fn decaying_wait(start: f64, decay: f64, random: &mut Random) -> f64 {
    if start <= 0.0 {
        return f64::INFINITY;
    }
    let left = 1.0 - decay * random.exponential() / start;
    if left > 0.0 {
        -libm::log(left) / decay
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: Kernel = Kernel {
        decay: 5.0,
        branching: 0.6,
        burst_decay: 0.5,
    };

    fn events(kernel: Kernel, burst: f64, seconds: u64) -> Vec<Nanos> {
        let mut random = Random::new(7);
        let mut intensity = Intensity::new(40.0, Nanos::ZERO);
        intensity.begin(Nanos::ZERO, burst, kernel);
        let mut times = Vec::new();
        loop {
            let next = intensity.next(kernel, &mut random);
            if next >= Nanos::from_secs(seconds) {
                return times;
            }
            intensity.advance(next, kernel);
            intensity.excite(kernel);
            times.push(next);
        }
    }

    /// Variance over mean of the counts in windows of one second: 1 for a Poisson process.
    fn dispersion(times: &[Nanos], seconds: usize) -> f64 {
        let mut counts = vec![0.0; seconds];
        for time in times {
            counts[(time.0 / Nanos::SECOND.0) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / seconds as f64;
        let square = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>();
        square / seconds as f64 / mean
    }

    #[test]
    fn the_mean_rate_is_that_of_theory() {
        // base / (1 − branching) = 100 per second.
        let count = events(KERNEL, 0.0, 2_000).len() as f64;
        assert!((count / 2_000.0 - 100.0).abs() < 3.0, "{count}");
    }

    #[test]
    fn events_come_in_clusters() {
        let poisson = Kernel {
            branching: 0.0,
            ..KERNEL
        };
        let plain = dispersion(&events(poisson, 0.0, 1_000), 1_000);
        let clustered = dispersion(&events(KERNEL, 0.0, 1_000), 1_000);
        assert!((plain - 1.0).abs() < 0.15, "{plain}");
        // For windows much longer than the kernel it tends to 1 / (1 − 0.6)^2 = 6.25.
        assert!(clustered > 3.0, "{clustered}");
    }

    #[test]
    fn a_burst_has_the_events_that_theory_gives_it() {
        // The integral 400 / 0.5 of the burst, each with 1 / (1 − 0) offspring.
        let poisson = Kernel {
            branching: 0.0,
            ..KERNEL
        };
        let extra = events(poisson, 400.0, 100).len() as f64 - 40.0 * 100.0;
        assert!((extra - 800.0).abs() < 200.0, "{extra}");
    }
}
