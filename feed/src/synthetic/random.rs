//! Random numbers that are the same on every machine: xoshiro256++ (Blackman and Vigna, 2019),
//! seeded by SplitMix64. Not for security.

use stream::hash::mix;

#[derive(Clone, Debug)]
pub(super) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let word = |index: u64| mix(seed.wrapping_add(GOLDEN.wrapping_mul(index)));
        Self {
            state: [word(0), word(1), word(2), word(3)],
        }
    }

    pub(super) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in (0, 1]: a logarithm of it is finite.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in 0..`bound`, by Lemire's multiplication; its bias is below `bound` / 2^64.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.bits()) * bound as u128) >> 64) as usize
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() <= probability
    }

    /// Exponential with mean 1.
    pub(super) fn exponential(&mut self) -> f64 {
        -libm::log(self.unit())
    }

    /// Nearly normal with mean 0 and variance 1: the number of ones in 64 fair bits, scaled. Its
    /// sums over many small steps are as good as normal.
    pub(super) fn normal(&mut self) -> f64 {
        (f64::from(self.bits().count_ones()) - 32.0) / 4.0
    }

    /// Geometric from 0: failures before a success of probability `1 - stay`, at most 63.
    pub(super) fn geometric(&mut self, stay: f64) -> u32 {
        let mut count = 0;
        while count < 63 && self.unit() < stay {
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_right() {
        let mut random = Random::new(1);
        let count = 200_000;
        let (mut unit, mut mean, mut square, mut exponential) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..count {
            unit += random.unit();
            let normal = random.normal();
            mean += normal;
            square += normal * normal;
            exponential += random.exponential();
        }
        let n = f64::from(count);
        assert!((unit / n - 0.5).abs() < 0.005);
        assert!((mean / n).abs() < 0.01);
        assert!((square / n - 1.0).abs() < 0.02);
        assert!((exponential / n - 1.0).abs() < 0.02);
    }

    #[test]
    fn below_stays_below_and_reaches_everything() {
        let mut random = Random::new(2);
        let mut seen = [false; 7];
        for _ in 0..1_000 {
            seen[random.below(7)] = true;
        }
        assert_eq!(seen, [true; 7]);
    }
}
