//! Which parts run on which lanes.

use crate::lane;
use std::fmt;
use std::str::FromStr;

/// The parts of the pipeline, in order.
pub const PARTS: [&str; 6] = ["feed", "book", "signal", "risk", "gateway", "journal"];

/// Lanes as ranges of consecutive parts; together they hold every part once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// For each lane the number of its first part; the first lane begins at 0.
    starts: Vec<usize>,
    /// The core of each lane, where one is asked for.
    pub cores: Vec<Option<usize>>,
}

impl Layout {
    /// One of the usual layouts: 1, 2, 3 or 5 lanes.
    ///
    /// # Errors
    /// For any other number.
    pub fn of(lanes: usize) -> Result<Self, String> {
        let starts: &[usize] = match lanes {
            1 => &[0],
            2 => &[0, 2],
            3 => &[0, 2, 5],
            5 => &[0, 1, 2, 3, 5],
            _ => return Err(format!("{lanes} lanes are not a usual layout; {EXPECTED}")),
        };
        Ok(Self {
            starts: starts.to_vec(),
            cores: vec![None; lanes],
        })
    }

    /// The layout for a process that may use so many cores at once, and these by name: spinning
    /// lanes leave at least one core to the edge, the journal's helper and the system.
    #[must_use]
    pub fn auto(parallelism: usize, cores: &[usize]) -> Self {
        // No more than can be named: a quota allows fewer at once than an affinity names.
        let lanes = match parallelism.min(cores.len()) {
            0..=2 => 1,
            3 => 2,
            4 | 5 => 3,
            _ => 5,
        };
        let mut layout = Self::of(lanes).unwrap_or(Self {
            starts: vec![0],
            cores: vec![None],
        });
        // Core 0 takes most interrupts; lanes begin behind it where there is room.
        if parallelism > 1 && cores.len() > 1 {
            let last = &cores[cores.len() - lanes..];
            layout.cores = last.iter().copied().map(Some).collect();
        }
        layout
    }

    /// Number of lanes.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.starts.len()
    }

    /// The lane that runs a part.
    #[must_use]
    pub fn lane_of(&self, part: usize) -> usize {
        self.starts
            .iter()
            .rposition(|start| *start <= part)
            .unwrap_or(0)
    }

    /// Names of a lane's parts, joined by `+`.
    #[must_use]
    pub fn name(&self, lane: usize) -> String {
        let parts: Vec<&str> = (0..PARTS.len())
            .filter(|part| self.lane_of(*part) == lane)
            .map(|part| PARTS[part])
            .collect();
        parts.join("+")
    }
}

const EXPECTED: &str = "expected auto, 1, 2, 3, 5, or a table such as \
                        feed+book@2|signal+risk+gateway@3|journal@4 (@core is optional)";

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for lane in 0..self.lanes() {
            let bar = if lane > 0 { "|" } else { "" };
            write!(f, "{bar}{}", self.name(lane))?;
            if let Some(core) = self.cores[lane] {
                write!(f, "@{core}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            let parallelism = std::thread::available_parallelism().map_or(1, usize::from);
            return Ok(Self::auto(parallelism, &lane::cores()));
        }
        if let Ok(lanes) = text.parse::<usize>() {
            return Self::of(lanes);
        }
        let mut layout = Self {
            starts: Vec::new(),
            cores: Vec::new(),
        };
        let mut next = 0;
        for lane in text.split('|') {
            let (parts, core) = match lane.split_once('@') {
                Some((parts, core)) => {
                    let core = core
                        .parse()
                        .map_err(|_| format!("`{core}` is no core; {EXPECTED}"))?;
                    (parts, Some(core))
                }
                None => (lane, None),
            };
            layout.starts.push(next);
            layout.cores.push(core);
            for part in parts.split('+') {
                if PARTS.get(next) != Some(&part) {
                    let want = PARTS.get(next).unwrap_or(&"the end");
                    return Err(format!("`{part}` stands where {want} belongs; {EXPECTED}"));
                }
                next += 1;
            }
        }
        if next == PARTS.len() {
            Ok(layout)
        } else {
            Err(format!("`{}` is on no lane; {EXPECTED}", PARTS[next]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_layouts_read_what_they_print() {
        for lanes in [1, 2, 3, 5] {
            let layout = Layout::of(lanes).unwrap();
            assert_eq!(layout.to_string().parse(), Ok(layout.clone()));
            assert_eq!(layout.lanes(), lanes);
        }
        assert_eq!(
            Layout::of(2).unwrap().to_string(),
            "feed+book|signal+risk+gateway+journal"
        );
        assert_eq!(
            Layout::of(5).unwrap().to_string(),
            "feed|book|signal|risk+gateway|journal"
        );
    }

    #[test]
    fn an_odd_table_is_taken_and_a_bad_one_explained() {
        let layout: Layout = "feed@1|book+signal|risk+gateway+journal@3".parse().unwrap();
        assert_eq!(
            (layout.lane_of(0), layout.lane_of(2), layout.lane_of(5)),
            (0, 1, 2)
        );
        assert_eq!(layout.cores, [Some(1), None, Some(3)]);
        for bad in [
            "4",
            "feed|book",
            "book|feed",
            "feed+book@x|signal+risk+gateway+journal",
            "",
        ] {
            let error = bad.parse::<Layout>().unwrap_err();
            assert!(error.contains("expected auto"), "{bad}: {error}");
        }
    }

    #[test]
    fn auto_leaves_a_core_to_the_rest() {
        for count in 2..64 {
            let box_cores: Vec<usize> = (0..count).collect();
            let layout = Layout::auto(count, &box_cores);
            let lanes = layout.lanes();
            assert!(lanes < count);
            let last: Vec<_> = (count - lanes..count).map(Some).collect();
            assert_eq!(layout.cores, last);
        }
    }

    #[test]
    fn auto_names_cores_that_the_process_may_use() {
        let confined = Layout::auto(4, &[4, 5, 6, 7]);
        assert_eq!(confined.cores, [Some(5), Some(6), Some(7)]);
        let scattered = Layout::auto(3, &[1, 8, 30]);
        assert_eq!(scattered.cores, [Some(8), Some(30)]);
        let by_quota = Layout::auto(2, &[0, 1, 2, 3]);
        assert_eq!(by_quota.cores, [Some(3)]);
        for (parallelism, cores) in [(1, &[5][..]), (1, &[4, 5]), (4, &[6]), (2, &[])] {
            let layout = Layout::auto(parallelism, cores);
            assert_eq!(layout.cores, [None], "{parallelism} {cores:?}");
        }
    }
}
