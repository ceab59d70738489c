//! What apply changed, and what was there before: one file, from which undo puts it back.
//!
//! It is written before the first change, so that a crash in between leaves a record of more than
//! was done, never of less. A restart of the box takes every change back by itself; a record of an
//! earlier life is told by the system's boot id.

use super::settings::{Step, is_ours, same};
use crate::failure::{Failure, Outcome};
use crate::host::Host;
use serde::{Deserialize, Deserializer, Serialize};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

const VERSION: u32 = 2;
/// Knew one value that was set for each file.
const VERSION_FIRST: u32 = 1;

/// One file that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The setting that it belongs to.
    pub setting: String,
    /// The file, without the first `/`.
    pub path: String,
    /// What it said before, to the last byte.
    pub was: String,
    /// Everything that was to be written, in that order: a later apply may have died before its
    /// write or been refused, and then the file says what an earlier one wrote.
    #[serde(deserialize_with = "one_or_more")]
    pub set: Vec<String>,
}

impl Change {
    /// Adds a value that is about to be written, or that the system made of one.
    pub fn add(&mut self, set: &str) {
        self.set.retain(|known| known != set);
        self.set.push(set.to_owned());
    }

    /// True for what one of our writes has left there.
    pub fn is_ours(&self, now: &str) -> bool {
        self.set.iter().any(|set| same(&self.path, now, set))
    }
}

/// Records of the first version have a text where there is a list now.
fn one_or_more<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Set {
        One(String),
        More(Vec<String>),
    }
    Ok(match Set::deserialize(from)? {
        Set::One(set) => vec![set],
        Set::More(set) => set,
    })
}

/// All of them, in the order in which they were changed.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    /// The life of the box in which they were changed; empty where it tells none.
    boot_id: String,
    /// The changes.
    pub changes: Vec<Change>,
}

impl Record {
    /// An empty record of this life of the box.
    pub fn new(host: &Host) -> Self {
        Self {
            version: VERSION,
            boot_id: boot_id(host),
            changes: Vec::new(),
        }
    }

    /// True where the box was restarted since: nothing of it is left.
    pub fn is_of_an_earlier_life(&self, host: &Host) -> bool {
        self.boot_id != boot_id(host)
    }

    /// Reads one; `None` where there is none.
    pub fn read(path: &Path) -> Outcome<Option<Self>> {
        let shown = path.display();
        let bad = |what: String| {
            Failure::bad(format!(
                "{shown}: {what}; name the right file with --state, or take it away when nothing \
                 is to be undone"
            ))
        };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(bad(format!("cannot be read: {error}"))),
        };
        let mut record: Self = serde_json::from_str(&text)
            .map_err(|error| bad(format!("is no record of `spindle tune apply`: {error}")))?;
        if !(VERSION_FIRST..=VERSION).contains(&record.version) {
            let version = record.version;
            return Err(bad(format!(
                "is of version {version}; expected {VERSION_FIRST} to {VERSION}"
            )));
        }
        // What is written over it says more than the first version could.
        record.version = VERSION;
        match record.changes.iter().find(|change| !is_ours(&change.path)) {
            Some(change) => Err(bad(format!("names {:?}, which is no setting", change.path))),
            None => Ok(Some(record)),
        }
    }

    /// Adds what is about to be changed. What was there before the first change stays.
    pub fn add(&mut self, setting: &str, step: &Step) {
        match self
            .changes
            .iter_mut()
            .find(|change| change.path == step.path)
        {
            Some(change) => change.add(&step.wanted),
            None => self.changes.push(Change {
                setting: setting.to_owned(),
                path: step.path.clone(),
                was: step.is.clone(),
                set: vec![step.wanted.clone()],
            }),
        }
    }

    /// Writes it, whole or not at all; an empty one is removed.
    pub fn save(&self, path: &Path) -> Outcome {
        let done = if self.changes.is_empty() {
            remove(path)
        } else {
            self.replace(path)
        };
        done.map_err(|error| {
            let shown = path.display();
            Failure::failed(format!(
                "{shown}: what was there before cannot be kept: {error}; name another place with \
                 --state"
            ))
        })
    }

    fn replace(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let beside = PathBuf::from(name);
        let written = std::fs::File::create_new(&beside).and_then(|mut file| {
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        });
        if written.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_file(&beside);
        }
        written
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn boot_id(host: &Host) -> String {
    host.read("proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Fixture;

    fn step(is: &str, wanted: &str) -> Step {
        Step {
            path: "proc/sys/vm/swappiness".to_owned(),
            is: is.to_owned(),
            wanted: wanted.to_owned(),
        }
    }

    #[test]
    fn the_first_value_is_kept_and_an_empty_record_goes() {
        let fixture = Fixture::new(&[("proc/sys/kernel/random/boot_id", "one\n")]);
        let path = fixture.host().path("deep/down/state.json");
        let mut record = Record::new(&fixture.host());
        record.add("swappiness", &step("60\n", "1"));
        record.add("swappiness", &step("30\n", "0"));
        record.save(&path).expect("it is saved");
        let read = Record::read(&path).expect("sound").expect("there");
        assert_eq!(read, record);
        assert_eq!(read.changes[0].was, "60\n");
        assert_eq!(read.changes[0].set, ["1", "0"], "any of them may be there");
        assert!(!read.is_of_an_earlier_life(&fixture.host()));
        fixture.put("proc/sys/kernel/random/boot_id", "two\n");
        assert!(read.is_of_an_earlier_life(&fixture.host()));
        record.changes.clear();
        record.save(&path).expect("it is removed");
        assert_eq!(Record::read(&path).expect("sound"), None);
        record.save(&path).expect("twice is fine");
    }

    #[test]
    fn a_record_of_the_first_version_is_read_and_carried_on() {
        let fixture = Fixture::new(&[(
            "state.json",
            "{\"version\":1,\"boot_id\":\"\",\"changes\":[{\"setting\":\"swappiness\",\
             \"path\":\"proc/sys/vm/swappiness\",\"was\":\"60\\n\",\"set\":\"1\"}]}",
        )]);
        let path = fixture.host().path("state.json");
        let mut record = Record::read(&path).expect("sound").expect("there");
        assert_eq!(record.changes[0].set, ["1"]);
        record.add("swappiness", &step("1\n", "0"));
        record.save(&path).expect("it is saved");
        let again = Record::read(&path).expect("sound").expect("there");
        assert_eq!(again, record);
        assert!(
            ["1\n", "0\n"]
                .iter()
                .all(|now| again.changes[0].is_ours(now))
        );
        assert!(!again.changes[0].is_ours("60\n"));
    }

    #[test]
    fn a_file_that_is_no_record_is_refused() {
        let fixture = Fixture::new(&[
            ("a", "{}"),
            ("b", "{\"version\":3,\"boot_id\":\"\",\"changes\":[]}"),
            (
                "c",
                "{\"version\":1,\"boot_id\":\"\",\"changes\":[{\"setting\":\"\",\
                 \"path\":\"etc/passwd\",\"was\":\"\",\"set\":\"\"}]}",
            ),
        ]);
        for (name, what) in [("a", "no record"), ("b", "version 3"), ("c", "etc/passwd")] {
            let error = Record::read(&fixture.host().path(name)).expect_err(name);
            assert_eq!(error.code, 2);
            assert!(
                error.text.contains(what) && error.text.contains("--state"),
                "{}",
                error.text
            );
        }
    }
}
