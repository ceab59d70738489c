//! `spindle tune` on a folder that stands in for a box: what apply changes, undo puts back to the
//! last byte, whatever happened in between.

mod common {
    pub(crate) mod spindle;
}

use common::spindle::{Run, command, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LANES: &str = "feed+book@2|signal+risk+gateway+journal@3";
const SWAPPINESS: &str = "proc/sys/vm/swappiness";
const HUGE_PAGES: &str = "sys/kernel/mm/transparent_hugepage/enabled";
const BOOT_ID: &str = "proc/sys/kernel/random/boot_id";

/// A box of four cores as a distribution leaves it.
const FILES: &[(&str, &str)] = &[
    (BOOT_ID, "a1b2\n"),
    ("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet\n"),
    (
        "proc/swaps",
        "Filename Type Size\n/dev/sda2 partition 100\n",
    ),
    ("proc/9/comm", "irqbalance\n"),
    ("proc/irq/default_smp_affinity", "f\n"),
    ("proc/irq/24/smp_affinity_list", "0-3\n"),
    ("proc/irq/25/smp_affinity_list", "3\n"),
    ("proc/irq/26/smp_affinity_list", "0\n"),
    ("proc/sys/kernel/numa_balancing", "1\n"),
    ("proc/sys/kernel/watchdog_cpumask", "0-3\n"),
    ("proc/sys/vm/stat_interval", "1\n"),
    (SWAPPINESS, "60\n"),
    (HUGE_PAGES, "[always] madvise never\n"),
    (
        "sys/kernel/mm/transparent_hugepage/defrag",
        "always defer defer+madvise [madvise] never\n",
    ),
    ("sys/devices/virtual/workqueue/cpumask", "0000000f\n"),
    ("sys/devices/system/cpu/online", "0-3\n"),
    ("sys/devices/system/cpu/isolated", "\n"),
    ("sys/devices/system/cpu/nohz_full", "(null)\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state0/latency", "0\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state0/disable", "0\n"),
    (
        "sys/devices/system/cpu/cpu2/cpuidle/state3/latency",
        "133\n",
    ),
    ("sys/devices/system/cpu/cpu2/cpuidle/state3/disable", "0\n"),
    (
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "powersave\n",
    ),
    (
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
        "performance\n",
    ),
];

/// What apply makes of it.
const APPLIED: &[(&str, &str)] = &[
    ("proc/irq/default_smp_affinity", "3\n"),
    ("proc/irq/24/smp_affinity_list", "0-1\n"),
    ("proc/irq/25/smp_affinity_list", "0-1\n"),
    ("proc/sys/kernel/numa_balancing", "0\n"),
    ("proc/sys/kernel/watchdog_cpumask", "0-1\n"),
    ("proc/sys/vm/stat_interval", "10\n"),
    (SWAPPINESS, "1\n"),
    (HUGE_PAGES, "always [madvise] never\n"),
    ("sys/devices/virtual/workqueue/cpumask", "3\n"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state3/disable", "1\n"),
    (
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "performance\n",
    ),
];

/// The folder, and beside it the record.
struct Stand {
    folder: TempDir,
}

impl Stand {
    fn new() -> Self {
        let stand = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        for (path, text) in FILES {
            stand.put(path, text);
        }
        stand
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("box")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state/tune.json")
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    fn says(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).expect(path)
    }

    /// Every file with its bytes; of a link where it leads.
    fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = BTreeMap::new();
        collect(&self.root(), &mut tree);
        tree
    }

    fn tune(&self, words: &[&str]) -> Run {
        let (root, state) = (self.root(), self.state());
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let (root, state) = (text(&root), text(&state));
        let mut all = vec!["tune"];
        all.extend(words);
        all.extend(["--lanes", LANES, "--root", &root, "--state", &state]);
        run(&all)
    }

    fn json(&self, words: &[&str], code: i32) -> Value {
        let mut all = words.to_vec();
        all.push("--json");
        let printed = self.tune(&all);
        assert_eq!(printed.code, code, "{}{}", printed.stdout, printed.stderr);
        serde_json::from_str(&printed.stdout).expect("one JSON object")
    }
}

fn collect(folder: &Path, tree: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_symlink() {
            let target = std::fs::read_link(&path).expect("a link");
            tree.insert(path, target.into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            collect(&path, tree);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            tree.insert(path, bytes);
        }
    }
}

/// The files of an answer that came to this.
fn files<'a>(answer: &'a Value, came: &str) -> Vec<&'a str> {
    let files = answer["files"].as_array().expect("files").iter();
    let files = files.filter(|file| file["came"] == came);
    files
        .map(|file| file["path"].as_str().expect("a path"))
        .collect()
}

#[test]
fn a_plan_prints_every_command_with_its_undo_and_changes_nothing() {
    let stand = Stand::new();
    let before = stand.tree();
    let printed = stand.tune(&["plan"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    for words in [
        "at once: ",
        "echo 1 > /proc/sys/vm/swappiness  # undo: echo 60 > /proc/sys/vm/swappiness",
        "echo 0-1 > /proc/irq/25/smp_affinity_list",
        "# undo: echo 3 > /proc/irq/25/smp_affinity_list",
        "compaction: as wanted",
        "/dev/cpu_dma_latency",
        "needs a restart: ",
        "isolcpus=managed_irq,domain,2-3: ",
        "by hand: ",
        "systemctl disable --now irqbalance",
        "swapoff -a",
    ] {
        assert!(
            printed.stdout.contains(words),
            "{words}: {}",
            printed.stdout
        );
    }
    let plan = stand.json(&["plan"], 0);
    assert_eq!(plan["lanes"], "2-3");
    assert_eq!(plan["at_once"].as_array().map(Vec::len), Some(11));
    assert!(
        plan["restart"]["command"]
            .as_str()
            .is_some_and(|text| text.contains("isolcpus"))
    );
    assert_eq!(stand.tree(), before);
    assert!(!stand.state().exists());
}

#[test]
fn undo_after_apply_leaves_every_byte_as_it_was() {
    let stand = Stand::new();
    let before = stand.tree();
    let answer = stand.json(&["apply", "--yes"], 0);
    assert_eq!(files(&answer, "changed").len(), APPLIED.len());
    for (path, text) in APPLIED {
        assert_eq!(stand.says(path), *text, "{path}");
    }
    let changed = stand
        .tree()
        .into_iter()
        .filter(|(path, bytes)| before[path] != *bytes);
    assert_eq!(changed.count(), APPLIED.len(), "and nothing else");
    let answer = stand.json(&["undo"], 0);
    assert_eq!(files(&answer, "restored").len(), APPLIED.len());
    assert_eq!(stand.tree(), before);
    assert!(!stand.state().exists(), "nothing is left to undo");
}

#[test]
fn a_second_apply_finds_nothing_to_do_and_forgets_nothing() {
    let stand = Stand::new();
    let before = stand.tree();
    stand.json(&["apply", "--yes"], 0);
    let (tree, state) = (
        stand.tree(),
        std::fs::read(stand.state()).expect("a record"),
    );
    let printed = stand.tune(&["apply", "--yes"]);
    assert!(
        printed.stdout.starts_with("nothing to do"),
        "{}",
        printed.stdout
    );
    assert_eq!(
        (
            stand.tree(),
            std::fs::read(stand.state()).expect("a record")
        ),
        (tree, state)
    );
    // Somebody else takes one back; a third apply sets it again and still knows the first value.
    stand.put(SWAPPINESS, "30\n");
    let answer = stand.json(&["apply", "--yes"], 0);
    assert_eq!(files(&answer, "changed"), [SWAPPINESS]);
    stand.json(&["undo"], 0);
    assert_eq!(stand.tree(), before);
}

#[test]
fn a_write_that_is_refused_in_the_middle_stops_nothing_and_is_told() {
    let stand = Stand::new();
    // Nobody may write to this one, root neither.
    let path = stand.root().join(SWAPPINESS);
    std::fs::remove_file(&path).expect("it is there");
    std::os::unix::fs::symlink("/proc/sys/kernel/ngroups_max", &path).expect("it is linked");
    let before = stand.tree();
    let answer = stand.json(&["apply", "--yes"], 1);
    assert_eq!(answer["ok"], false);
    assert_eq!(files(&answer, "refused"), [SWAPPINESS]);
    assert_eq!(files(&answer, "changed").len(), APPLIED.len() - 1);
    assert_eq!(
        stand.says("proc/sys/vm/stat_interval"),
        "10\n",
        "what comes behind it"
    );
    let printed = stand.tune(&["apply", "--yes"]);
    assert_eq!(printed.code, 1);
    assert!(
        printed.stderr.contains("1 of 1 were refused"),
        "{}",
        printed.stderr
    );
    let answer = stand.json(&["undo"], 0);
    assert_eq!(files(&answer, "restored").len(), APPLIED.len() - 1);
    assert_eq!(stand.tree(), before);
    assert!(!stand.state().exists());
}

#[test]
fn an_apply_that_died_half_way_is_undone() {
    let stand = Stand::new();
    let before = stand.tree();
    stand.json(&["apply", "--yes"], 0);
    // As if it had been killed behind the first half: the record is written before the first
    // change, and so holds more than was done.
    for (path, _) in &APPLIED[APPLIED.len() / 2..] {
        let before = &before[&stand.root().join(path)];
        std::fs::write(stand.root().join(path), before).expect("it is written");
    }
    let answer = stand.json(&["undo"], 0);
    assert_eq!(files(&answer, "restored").len(), APPLIED.len() / 2);
    assert_eq!(stand.tree(), before);
}

#[test]
fn what_others_changed_since_is_theirs() {
    let stand = Stand::new();
    let before = stand.tree();
    stand.json(&["apply", "--yes"], 0);
    stand.put(SWAPPINESS, "10\n");
    let answer = stand.json(&["undo"], 0);
    assert_eq!(files(&answer, "foreign"), [SWAPPINESS]);
    assert_eq!(stand.says(SWAPPINESS), "10\n");
    stand.put(SWAPPINESS, "60\n");
    assert_eq!(stand.tree(), before);
}

#[test]
fn one_setting_alone_is_applied_and_undone() {
    let stand = Stand::new();
    let before = stand.tree();
    let answer = stand.json(
        &[
            "apply",
            "--yes",
            "--only",
            "swappiness",
            "--only",
            "huge-pages",
        ],
        0,
    );
    assert_eq!(files(&answer, "changed"), [HUGE_PAGES, SWAPPINESS]);
    stand.json(&["undo", "--only", "swappiness"], 0);
    assert_eq!(stand.says(SWAPPINESS), "60\n");
    assert_eq!(stand.says(HUGE_PAGES), "always [madvise] never\n");
    stand.json(&["undo"], 0);
    assert_eq!(stand.tree(), before);
    let printed = stand.tune(&["apply", "--only", "everything"]);
    assert!(
        printed.code == 2 && printed.stderr.contains("swappiness"),
        "{}",
        printed.stderr
    );
}

#[test]
fn a_restart_has_undone_everything() {
    let stand = Stand::new();
    stand.json(&["apply", "--yes"], 0);
    for (path, text) in FILES {
        stand.put(path, text);
    }
    stand.put(BOOT_ID, "c3d4\n");
    stand.put(SWAPPINESS, "1\n");
    let printed = stand.tune(&["undo"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert!(
        printed.stdout.contains("the restart since"),
        "{}",
        printed.stdout
    );
    assert_eq!(
        stand.says(SWAPPINESS),
        "1\n",
        "set by somebody else, after the restart"
    );
    assert!(!stand.state().exists());
}

#[test]
fn undo_without_apply_and_apply_without_a_terminal_are_bad_usage() {
    let stand = Stand::new();
    let before = stand.tree();
    let printed = stand.tune(&["undo"]);
    assert_eq!(printed.code, 2);
    assert!(
        printed.stderr.contains("there is no record"),
        "{}",
        printed.stderr
    );
    assert!(printed.stderr.contains("--state"), "{}", printed.stderr);
    let printed = stand.tune(&["apply"]);
    assert_eq!(printed.code, 2);
    assert!(printed.stderr.contains("11 settings"), "{}", printed.stderr);
    assert!(printed.stderr.contains("--yes"), "{}", printed.stderr);
    std::fs::create_dir_all(stand.state()).expect("a folder in the way");
    let printed = stand.tune(&["apply", "--yes"]);
    assert_eq!(printed.code, 2, "{}", printed.stderr);
    assert_eq!(stand.tree(), before);
}

#[test]
fn without_a_state_named_the_record_lies_where_a_restart_takes_it() {
    let stand = Stand::new();
    let before = stand.tree();
    let root = stand.root();
    let root = root.to_str().expect("UTF-8");
    let tune = |words: &[&str]| {
        let mut all = vec!["tune"];
        all.extend(words);
        all.extend(["--lanes", LANES, "--root", root]);
        run(&all).code
    };
    assert_eq!(tune(&["apply", "--yes"]), 0);
    assert!(stand.root().join("run/spindle-tune.json").exists());
    assert_eq!(tune(&["undo"]), 0);
    assert_eq!(stand.tree(), before);
}

#[test]
fn a_lane_on_a_core_that_is_not_there_is_refused() {
    let stand = Stand::new();
    stand.put("sys/devices/system/cpu/online", "0-2\n");
    let printed = stand.tune(&["plan"]);
    assert_eq!(printed.code, 2);
    assert!(
        printed
            .stderr
            .contains("core 3 is not among the cores of this box (0-2"),
        "{}",
        printed.stderr
    );
}

/// Never run as root: the box that runs this test is not to be changed.
#[test]
fn the_box_itself_is_for_root_alone() {
    use std::os::unix::process::CommandExt;
    let mut nobody = command(&["tune", "apply", "--yes", "--lanes", "1"]);
    nobody.current_dir("/").uid(65_534).gid(65_534);
    let output = match nobody.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: this build cannot be run as somebody else: {error}");
            return;
        }
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("sudo spindle tune apply"), "{stderr}");
}
