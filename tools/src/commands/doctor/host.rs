//! Where facts about the box are read: `/proc` and `/sys`, or a folder that stands in for them.

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

    /// A file's text without white space around it; `None` where it cannot be read.
    pub fn read(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.root.join(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim().to_owned())
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

    /// The numbers of the CPUs that `/sys` shows.
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
    fn sizes_have_units() {
        assert_eq!([size(512), size(64 << 20)], ["512 bytes", "64 MiB"]);
        assert_eq!(size(20 << 30), "20 GiB");
    }
}
