//! Cores: which two the benches with pinned threads run on.
//!
//! A core that cannot be had is told in a note, and its thread runs wherever the system puts it.

use serde::Serialize;
use std::fs::read_to_string;

/// What was asked for and what was got.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cores {
    /// The cores of the first and of the second thread; `None` is left to the system.
    pub two: [Option<usize>; 2],
    /// Cores that this process may use.
    pub allowed: Vec<usize>,
    /// What could not be had and why.
    pub notes: Vec<String>,
}

impl Cores {
    /// The cores that were named, else two isolated ones, else two that share no core of the
    /// hardware, else the first two. Each is tried.
    #[must_use]
    pub fn choose(named: Option<[usize; 2]>) -> Self {
        let allowed = engine::lane::cores();
        let isolated = list("/sys/devices/system/cpu/isolated");
        let mut cores = Self::pick(named, &allowed, &isolated, siblings);
        for place in &mut cores.two {
            let tried = place.is_none_or(|core| {
                let thread = std::thread::spawn(move || engine::lane::pin(core));
                thread.join().unwrap_or(false)
            });
            if let Some(core) = place.take_if(|_| !tried) {
                let what = "the system refuses to pin a thread there; it runs anywhere";
                cores.notes.push(format!("core {core}: {what}"));
            }
        }
        cores
    }

    fn pick(
        named: Option<[usize; 2]>,
        allowed: &[usize],
        isolated: &[usize],
        siblings: impl Fn(usize) -> Vec<usize>,
    ) -> Self {
        let mut cores = Self {
            allowed: allowed.to_vec(),
            ..Self::default()
        };
        if let Some(named) = named {
            for (place, core) in cores.two.iter_mut().zip(named) {
                *place = allowed.contains(&core).then_some(core);
                if place.is_none() {
                    cores.notes.push(format!(
                        "core {core} does not exist, or this process may not use it (it may use \
                         {allowed:?}): its thread runs anywhere"
                    ));
                }
            }
            return cores;
        }
        let mut free: Vec<usize> = (isolated.iter().copied())
            .filter(|core| allowed.contains(core))
            .collect();
        if free.len() < 2 {
            free = allowed.to_vec();
        }
        let first = free.first().copied();
        let beside = first.map(&siblings).unwrap_or_default();
        let apart = (free.iter().skip(1)).find(|core| !beside.contains(core));
        cores.two = [first, apart.or(free.get(1)).copied()];
        cores
    }

    /// True when two threads can run at once.
    #[must_use]
    pub fn are_two(&self) -> bool {
        self.allowed.len() >= 2 && (self.two[0] != self.two[1] || self.two[0].is_none())
    }

    /// Why two threads at once are not measured; `None` when they can be.
    #[must_use]
    pub fn why_not_two(&self) -> Option<String> {
        (!self.are_two()).then(|| {
            format!(
                "not measured: it takes two cores; this process may use {:?} and was given {:?}",
                self.allowed, self.two
            )
        })
    }

    /// Pins the calling thread to the first (0) or the second (1) core, where there is one.
    pub fn pin(&self, which: usize) {
        if let Some(core) = self.two[which] {
            // It was tried when it was chosen; a thread that is not pinned measures all the same.
            let _ = engine::lane::pin(core);
        }
    }

    /// The two, as text.
    #[must_use]
    pub fn names(&self) -> String {
        let name = |core: &Option<usize>| core.map_or("any".to_owned(), |core| core.to_string());
        self.two.each_ref().map(name).join(" and ")
    }
}

/// The hardware threads of the core that this one belongs to, itself included.
#[must_use]
pub fn siblings(core: usize) -> Vec<usize> {
    list(&format!(
        "/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list"
    ))
}

fn list(path: &str) -> Vec<usize> {
    parse_list(&read_to_string(path).unwrap_or_default())
}

/// A kernel's list of cores, such as `0-2,5`.
fn parse_list(text: &str) -> Vec<usize> {
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<usize>(), to.parse::<usize>()) {
            cores.extend(from..=to);
        }
    }
    cores
}

/// Two different numbers, as `A,B`.
///
/// # Errors
/// What was expected.
pub fn parse_two(text: &str) -> Result<[usize; 2], String> {
    let two: Vec<usize> = (text.split(','))
        .map_while(|core| core.trim().parse().ok())
        .collect();
    match two[..] {
        [first, second] if first != second => Ok([first, second]),
        _ => Err("two different cores, such as 0,1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(core: usize) -> Vec<usize> {
        vec![core]
    }

    #[test]
    fn lists_of_the_kernel_are_read() {
        assert_eq!(parse_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("\n"), [0_usize; 0]);
    }

    #[test]
    fn isolated_cores_come_first_and_siblings_last() {
        let two = |isolated: &[usize], siblings: fn(usize) -> Vec<usize>| {
            Cores::pick(None, &[0, 1, 2, 3], isolated, siblings).two
        };
        assert_eq!(two(&[], alone), [Some(0), Some(1)]);
        assert_eq!(two(&[2, 3], alone), [Some(2), Some(3)]);
        assert_eq!(two(&[3], alone), [Some(0), Some(1)]);
        let pairs = |core: usize| vec![core / 2 * 2, core / 2 * 2 + 1];
        assert_eq!(two(&[], pairs), [Some(0), Some(2)]);
        let one = Cores::pick(None, &[4], &[], alone);
        assert!(one.why_not_two().unwrap().contains("two cores"));
    }

    #[test]
    fn a_core_that_does_not_exist_is_said_and_the_other_one_kept() {
        let cores = Cores::pick(Some([1, 77]), &[0, 1], &[], alone);
        assert_eq!(cores.two, [Some(1), None]);
        assert!(cores.notes[0].contains("core 77 does not exist"));
        assert!(cores.are_two());
        assert_eq!(cores.names(), "1 and any");
        assert!(parse_two("1").is_err() && parse_two("1,1").is_err());
        assert_eq!(parse_two("1, 0"), Ok([1, 0]));
    }
}
