//! A folder that stands in for a box, made for a test.

use crate::host::Host;
use tempfile::TempDir;

/// The folder, removed with the value.
pub struct Fixture(TempDir);

impl Fixture {
    /// A box that holds these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let fixture = Self(tempfile::tempdir().expect("a folder"));
        for (path, text) in files {
            fixture.put(path, text);
        }
        fixture
    }

    /// Writes a file, over one that is there.
    pub fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    /// The box.
    pub fn host(&self) -> Host {
        Host::at(self.0.path())
    }
}
