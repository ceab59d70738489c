//! Regimes: calm, normal, stressed, as Markov chains of one step a second, one for the market and
//! one for each symbol.

use super::config::Regime;
use super::random::Random;

/// Calm, normal or stressed: an index into `Config::regimes`.
pub(super) type State = u8;

/// All chains begin in the middle.
pub(super) const NORMAL: State = 1;

/// One step of a second. Calm and stress both pass through normal.
pub(super) fn step(state: State, regimes: &[Regime; 3], random: &mut Random) -> State {
    let mean_seconds = regimes[usize::from(state)].mean.0 as f64 * 1e-9;
    if !random.chance(1.0 / mean_seconds) {
        return state;
    }
    match state {
        NORMAL if random.chance(0.5) => 0,
        NORMAL => 2,
        _ => NORMAL,
    }
}

/// Flow at the part `x` (0 to 1) of the session as a multiple of its mean over the session.
pub(super) fn u_shape(depth: f64, x: f64) -> f64 {
    let from_noon = 2.0 * x - 1.0;
    // The mean of the square over the session is 1/3.
    (1.0 + depth * from_noon * from_noon) / (1.0 + depth / 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Config;
    use stream::Nanos;

    #[test]
    fn regimes_last_as_long_as_configured() {
        let regimes = Config::demo(0, Nanos::ZERO, Nanos::SECOND).regimes;
        let mut random = Random::new(11);
        let mut state = NORMAL;
        let (mut time, mut visits) = ([0u32; 3], [0u32; 3]);
        for _ in 0..400_000 {
            let next = step(state, &regimes, &mut random);
            time[usize::from(state)] += 1;
            visits[usize::from(state)] += u32::from(next != state);
            state = next;
        }
        for (index, mean) in [20.0, 15.0, 6.0].into_iter().enumerate() {
            let measured = f64::from(time[index]) / f64::from(visits[index]);
            assert!((measured / mean - 1.0).abs() < 0.05, "{index}: {measured}");
        }
    }

    #[test]
    fn the_u_keeps_the_mean() {
        let mean = (0..1_000)
            .map(|i| u_shape(2.0, (f64::from(i) + 0.5) / 1_000.0))
            .sum::<f64>();
        assert!((mean / 1_000.0 - 1.0).abs() < 1e-6);
        assert!(u_shape(2.0, 0.0) > 2.0 * u_shape(2.0, 0.5));
    }
}
