//! Files that are compared, and files that are read.

use std::path::PathBuf;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares lines with those of a golden file, or writes it.
pub fn hold(name: &str, lines: &[String]) {
    let path = here().join("tests/codec/golden").join(name);
    let told = lines.join("\n") + "\n";
    if std::env::var_os("SPINDLE_BLESS").is_some() {
        std::fs::write(&path, told).expect("written");
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (wanted, told)) in wanted.lines().zip(told.lines()).enumerate() {
        assert_eq!(told, wanted, "{name}, line {}", number + 1);
    }
    assert_eq!(told.lines().count(), wanted.lines().count(), "{name}");
}

/// Name and bytes of every file in a folder of the corpus, by name.
pub fn corpus(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = here().join("fuzz/corpus").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the corpus is there");
    let mut files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.expect("listed").path();
            let name = path.file_name().expect("named").to_string_lossy();
            (name.into_owned(), std::fs::read(&path).expect("read"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}
