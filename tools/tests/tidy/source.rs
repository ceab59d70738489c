//! The repository's text files; Rust files also with comments and literals blanked out, and with
//! the lines marked that belong to tests.
//!
//! It is a lexer of just enough Rust: comments (nested), strings (raw, byte, escaped), characters
//! against lifetimes, and matching braces. It does not parse.

use std::fs;
use std::path::Path;

/// One file.
pub struct Source {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The text with comments and the insides of literals replaced by spaces, line for line.
    pub code: String,
    /// For each line whether it belongs to a test.
    pub test: Vec<bool>,
}

/// One line of a file.
pub struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// As written.
    pub text: &'a str,
    /// Comments and literals blanked.
    pub code: &'a str,
    /// True inside tests.
    pub test: bool,
}

impl Source {
    /// A file with that text.
    pub fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") {
            blank(text)
        } else {
            text.to_owned()
        };
        let all = path.contains("/tests/") || path.ends_with("/tests.rs");
        let mut test = vec![all; text.lines().count()];
        for (first, last) in test_items(&code) {
            test[first..=last].fill(true);
        }
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            test,
        }
    }

    /// True for Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate's folder.
    pub fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or("")
    }

    /// True for what is built into the crate itself.
    pub fn in_src(&self) -> bool {
        self.is_rust() && self.path.split('/').nth(1) == Some("src")
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let both = self.text.lines().zip(self.code.lines()).zip(&self.test);
        both.enumerate().map(|(index, ((text, code), &test))| Line {
            number: index + 1,
            text,
            code,
            test,
        })
    }

    /// A finding at one of its lines.
    pub fn finding(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// All text files of the repository in the order of their paths, build outputs left out.
pub fn repository() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tools stands in the root");
    let mut found = Vec::new();
    walk(root, "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    mark_test_files(&mut found);
    let crates = found
        .iter()
        .filter(|file| file.path.ends_with("src/lib.rs"))
        .count();
    assert!(
        crates >= 8,
        "the walk found {crates} libraries: it does not see the repository"
    );
    found
}

const ENDINGS: &[&str] = &[
    ".rs", ".toml", ".md", ".py", ".sh", ".yml", ".yaml", ".ci/run",
];

fn walk(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("an entry of the repository");
        let name = entry
            .file_name()
            .into_string()
            .expect("file names are UTF-8");
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() {
            if name != "target" && !["journals", ".git"].contains(&path.as_str()) {
                walk(&entry.path(), &format!("{path}/"), found);
            }
        } else if kind.is_file() && ENDINGS.iter().any(|ending| path.ends_with(ending)) {
            // A file may go between the listing and the reading while someone edits.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source::new(&path, &text));
            }
        }
    }
}

/// Marks the files of `#[cfg(test)] mod name;` as tests.
fn mark_test_files(files: &mut [Source]) {
    let mut modules = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let base = match file.path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder,
            _ => file.path.trim_end_matches(".rs"),
        };
        for line in file.lines().filter(|line| line.test) {
            let name = line.code.trim().trim_start_matches("pub ");
            let name = name
                .strip_prefix("mod ")
                .and_then(|rest| rest.strip_suffix(';'));
            modules.extend(name.map(|name| format!("{base}/{name}")));
        }
    }
    for file in files {
        let of_tests = modules.iter().any(|module| {
            let rest = file.path.strip_prefix(module.as_str());
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if of_tests {
            file.test.fill(true);
        }
    }
}

/// First and last line (from 0) of every item behind `#[cfg(test)]`.
fn test_items(code: &str) -> Vec<(usize, usize)> {
    let line_of = |at: usize| code[..at].matches('\n').count();
    let mut items = Vec::new();
    for (at, mark) in code.match_indices("#[cfg(test)]") {
        let end = item_end(code, at + mark.len());
        items.push((line_of(at), line_of(end.min(code.len() - 1))));
    }
    items
}

/// Where an item ends: behind its `;` or the brace that closes it.
pub fn item_end(code: &str, from: usize) -> usize {
    let (mut braces, mut others) = (0usize, 0usize);
    for (offset, byte) in code.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'{' => braces += 1,
            b'(' | b'[' => others += 1,
            b')' | b']' => others = others.saturating_sub(1),
            b'}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let closed = *byte == b'}' || *byte == b';';
        if closed && braces == 0 && others == 0 {
            return from + offset;
        }
    }
    code.len()
}

/// True where `word` stands by itself at `at`.
pub fn is_word(text: &str, at: usize, word: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..at].chars().next_back().is_some_and(of_word);
    let after = text[at + word.len()..].chars().next().is_some_and(of_word);
    let starts = word.chars().next().is_some_and(of_word);
    let ends = word.chars().next_back().is_some_and(of_word);
    !(starts && before || ends && after)
}

/// True where `text` holds `word` by itself.
pub fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word)
        .any(|(at, _)| is_word(text, at, word))
}

/// The text with comments and the insides of literals as spaces; every line stays a line.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(text, at);
        if end == at {
            let next = text[at..].chars().next().expect("inside the text");
            code.push(if next.is_ascii() { next } else { ' ' });
            at += next.len_utf8();
        } else {
            let hidden = text[at..end].chars();
            code.extend(hidden.map(|c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` where none begins.
fn literal_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    if rest.starts_with("//") {
        return at + rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return at + comment_length(rest);
    }
    let in_word = at > 0 && {
        let before = text.as_bytes()[at - 1];
        before.is_ascii_alphanumeric() || before == b'_'
    };
    if !in_word && let Some(length) = raw_length(rest) {
        return at + length;
    }
    match rest.as_bytes()[0] {
        b'"' => at + quoted_length(rest),
        b'\'' => at + character_length(rest),
        _ => at,
    }
}

fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn raw_length(rest: &str) -> Option<usize> {
    let behind = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    behind[hashes..].starts_with('"').then_some(())?;
    let start = rest.len() - behind.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    let length = rest[start..]
        .find(&close)
        .map_or(rest.len(), |end| start + end + close.len());
    Some(length)
}

fn quoted_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// 0 for lifetimes.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    let Some((_, first)) = chars.next() else {
        return 0;
    };
    if first == '\\' {
        return rest[3.min(rest.len())..]
            .find('\'')
            .map_or(0, |end| end + 4);
    }
    match chars.next() {
        Some((at, '\'')) => at + 1,
        _ => 0,
    }
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let text = concat!(
        r#"let a = "x\"y"; // b"#,
        "\n",
        r###"f('c', '\'', b"d", r#"e"f"#);"###,
        "\n/* g /* h */ i */ fn k<'l>() {}\n",
    );
    let code = blank(text);
    assert_eq!(code.lines().count(), text.lines().count());
    for hidden in ["x", "y", "b\n", "c", "d", "e\"", "g", "h", "i "] {
        assert!(!code.contains(hidden), "{hidden} in {code}");
    }
    for seen in ["let a = ", "f(", "fn k<'l>() {}"] {
        assert!(code.contains(seen), "{seen} in {code}");
    }
}

#[test]
fn test_items_end_where_they_end() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n\
                #[cfg(test)]\nuse d::{E, F};\nfn g() {}\n";
    let marked = Source::new("x/src/lib.rs", text).test;
    assert_eq!(
        marked,
        [false, true, true, true, true, false, true, true, false]
    );
}

#[test]
fn modules_of_tests_are_tests() {
    let mut files = vec![
        Source::new("x/src/head.rs", "#[cfg(test)]\nmod twin;\nmod queue;\n"),
        Source::new("x/src/head/twin.rs", "//! a\n"),
        Source::new("x/src/head/queue.rs", "//! b\n"),
    ];
    mark_test_files(&mut files);
    assert_eq!((files[1].test[0], files[2].test[0]), (true, false));
}

#[test]
fn words_stand_by_themselves() {
    assert!(has_word("use std::time::Instant;", "std::time"));
    assert!(has_word("a.exp()", ".exp()") && has_word("unsafe {", "unsafe"));
    assert!(!has_word("unsafe_code", "unsafe") && !has_word("operand", "rand"));
}
