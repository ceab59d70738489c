//! Page faults of a run's lanes, as the kernel counts them.
//!
//! A fault on a lane is a stall of half a microsecond or more that no line of our code shows.
//! Lanes are found by the names of their threads.

use engine::layout::Layout;
use std::fs;

/// Minor page faults of each lane's thread so far, in the pipeline's order; `None` where the system
/// does not tell or the lane does not run.
#[must_use]
pub fn of_lanes(layout: &Layout) -> Vec<Option<u64>> {
    let threads = threads();
    (0..layout.lanes())
        .map(|lane| {
            let name = layout.name(lane);
            // The kernel keeps fifteen bytes of a thread's name.
            let name = &name[..name.len().min(15)];
            let own = threads.iter().find(|(comm, _)| comm == name);
            own.map(|(_, faults)| *faults)
        })
        .collect()
}

fn threads() -> Vec<(String, u64)> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    tasks
        .filter_map(|task| {
            let path = task.ok()?.path();
            let comm = fs::read_to_string(path.join("comm")).ok()?;
            let stat = fs::read_to_string(path.join("stat")).ok()?;
            Some((comm.trim_end().to_owned(), minor_faults(&stat)?))
        })
        .collect()
}

/// The tenth field; the second one, the name in parentheses, may hold anything.
fn minor_faults(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.split_whitespace().nth(7)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tenth_field_is_found_behind_any_name() {
        let stat = "71 (a) b (c)) S 1 71 71 0 -1 4194560 123 9 0 0";
        assert_eq!(minor_faults(stat), Some(123));
        assert_eq!(minor_faults("71"), None);
    }

    #[test]
    fn a_lane_is_found_by_what_its_name_begins_with() {
        let layout = Layout::of(2).unwrap();
        assert_eq!(of_lanes(&layout), [None, None], "no run, no lane");
        let name = layout.name(1);
        let thread = std::thread::Builder::new().name(name);
        let seen = thread.spawn(move || of_lanes(&layout)).unwrap();
        assert!(matches!(seen.join().unwrap()[..], [None, Some(_)]));
    }
}
