//! Where facts about the box are read: `/proc` and `/sys`, or a folder that stands in for them.

pub mod cpus;

use cpus::Cpus;
use std::path::{Path, PathBuf};

/// The box.
#[derive(Debug)]
pub struct Host {
    root: PathBuf,
}

impl Host {
    /// This box.
    pub fn here() -> Self {
        Self::at(Path::new("/"))
    }

    /// A folder that stands in for one.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// True for the box itself.
    pub fn is_here(&self) -> bool {
        self.root
            .canonicalize()
            .is_ok_and(|root| root == Path::new("/"))
    }

    /// Where a file of the box is to be found; `path` begins with `proc/`, `sys/`, ….
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// A file's text without white space around it; `None` where it cannot be read.
    pub fn read(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.root.join(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// A file's list of cores, as the kernel writes one.
    pub fn cpus_in(&self, path: &str) -> Option<Cpus> {
        self.read(path)?.parse().ok()
    }

    /// Why [`Host::read`] tells nothing that could be used.
    pub fn why_not(&self, path: &str) -> String {
        match std::fs::read(self.root.join(path)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                format!("this system has no /{path}")
            }
            Err(error) => format!("/{path} cannot be read: {error}"),
            Ok(bytes) if bytes.is_empty() => format!("/{path} is empty"),
            Ok(_) => format!("/{path} says something that is not understood"),
        }
    }

    /// The names of the processes that run; `None` where they are not visible.
    pub fn processes(&self) -> Option<Vec<String>> {
        let numbers = self.list("proc");
        let mut names: Vec<String> = numbers
            .iter()
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter_map(|process| self.read(&format!("proc/{process}/comm")))
            .collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then_some(names)
    }

    /// The value of a word of the kernel's command line, of several the last; empty where it has
    /// none.
    pub fn booted_with(&self, name: &str) -> Option<String> {
        let line = self.read("proc/cmdline")?;
        let words = line.split_whitespace().rev();
        words.into_iter().find_map(|word| {
            let (own, value) = word.split_once('=').unwrap_or((word, ""));
            (own == name).then(|| value.to_owned())
        })
    }

    /// True when the path exists.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Names in a folder, in order; empty where it cannot be read.
    pub fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join(path)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        names
    }

    /// The numbers of the CPUs that `/sys` shows, online or not.
    pub fn cpus(&self) -> Vec<usize> {
        let mut cpus: Vec<usize> = self
            .list("sys/devices/system/cpu")
            .iter()
            .filter_map(|name| name.strip_prefix("cpu")?.parse().ok())
            .collect();
        cpus.sort_unstable();
        cpus
    }
}

/// The word in brackets of `always [madvise] never`.
pub fn chosen(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word)
}

/// A size in its natural unit.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} KiB", bytes >> 10),
        10_000_000..=9_999_999_999 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_word_stands_in_brackets() {
        assert_eq!(chosen("always [madvise] never"), Some("madvise"));
        assert_eq!(chosen("never"), None);
        assert_eq!(chosen("[never"), None);
    }

    #[test]
    fn cpus_are_counted_by_their_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["cpu0", "cpu10", "cpu2", "cpufreq", "cpuidle"] {
            let path = folder.path().join("sys/devices/system/cpu").join(name);
            std::fs::create_dir_all(path).expect("a folder is made");
        }
        assert_eq!(Host::at(folder.path()).cpus(), [0, 2, 10]);
        assert!(Host::at(&folder.path().join("none")).cpus().is_empty());
    }

    #[test]
    fn what_is_not_seen_is_told_with_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("empty"), "").expect("it is written");
        std::fs::write(folder.path().join("odd"), "?").expect("it is written");
        let host = Host::at(folder.path());
        assert_eq!(host.why_not("sys/a"), "this system has no /sys/a");
        assert_eq!(host.why_not("empty"), "/empty is empty");
        assert!(host.why_not("odd").ends_with("not understood"));
        assert!(host.why_not("").contains("cannot be read"));
        assert_eq!(host.processes(), None);
    }

    #[test]
    fn the_last_word_of_the_command_line_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("proc")).expect("a folder");
        let line = "BOOT_IMAGE=/vmlinuz quiet isolcpus=1 nohz isolcpus=managed_irq,domain,2-3\n";
        std::fs::write(folder.path().join("proc/cmdline"), line).expect("it is written");
        let host = Host::at(folder.path());
        let value = |name: &str| host.booted_with(name);
        assert_eq!(value("isolcpus").as_deref(), Some("managed_irq,domain,2-3"));
        assert_eq!(value("nohz").as_deref(), Some(""));
        assert_eq!([value("nohz_full"), value("iso")], [None, None]);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!([size(512), size(64 << 20)], ["512 bytes", "64 MiB"]);
        assert_eq!(size(20 << 30), "20 GiB");
    }
}
