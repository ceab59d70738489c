//! Which symbol is next: a tournament over one time each. Ties go to the lower index.

use stream::Nanos;

#[derive(Clone, Debug)]
pub(super) struct Agenda {
    times: Vec<Nanos>,
    /// `winners[1]` is the whole's; the leaves' parents are the last half.
    winners: Vec<u16>,
    leaves: usize,
}

impl Agenda {
    /// Nothing planned for any of `count` symbols.
    ///
    /// # Panics
    /// If `count` is 0 or more than 32,768.
    pub(super) fn new(count: usize) -> Self {
        assert!(
            count > 0 && count <= 1 << 15,
            "an agenda holds 1 to 32,768 symbols"
        );
        let leaves = count.next_power_of_two().max(2);
        let mut agenda = Self {
            times: vec![Nanos::MAX; leaves],
            winners: vec![0; leaves],
            leaves,
        };
        for index in (0..leaves).rev() {
            agenda.set(index, Nanos::MAX);
        }
        agenda
    }

    /// Plans the symbol's next event; `Nanos::MAX` for never.
    pub(super) fn set(&mut self, index: usize, time: Nanos) {
        self.times[index] = time;
        let mut node = (self.leaves + index) / 2;
        while node > 0 {
            let (left, right) = if node >= self.leaves / 2 {
                let first = (2 * node - self.leaves) as u16;
                (first, first + 1)
            } else {
                (self.winners[2 * node], self.winners[2 * node + 1])
            };
            let left_wins = self.times[usize::from(left)] <= self.times[usize::from(right)];
            self.winners[node] = if left_wins { left } else { right };
            node /= 2;
        }
    }

    /// The earliest.
    pub(super) fn first(&self) -> (Nanos, usize) {
        let index = usize::from(self.winners[1]);
        (self.times[index], index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::random::Random;

    #[test]
    fn the_first_is_the_smallest_time_with_the_smallest_index() {
        for count in [1, 2, 3, 12, 100] {
            let mut random = Random::new(count as u64);
            let mut agenda = Agenda::new(count);
            let mut times = vec![Nanos::MAX; count];
            for _ in 0..2_000 {
                let index = random.below(count);
                let time = Nanos(random.below(50) as u64);
                agenda.set(index, time);
                times[index] = time;
                let best = times.iter().min().expect("not empty");
                let at = times.iter().position(|time| time == best).expect("there");
                assert_eq!(agenda.first(), (*best, at));
            }
        }
    }
}
