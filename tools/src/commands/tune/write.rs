//! Writing a value into a file of the box, and making sure that it is there.

use super::settings::{same, value};
use crate::host::{Host, chosen};
use std::fs::{OpenOptions, read_to_string};
use std::io::{self, ErrorKind, Write};

/// What came of a write that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The file says what was wanted.
    Done,
    /// The file says something else, this.
    Kept(String),
}

/// Writes a value and reads it back.
///
/// # Errors
/// What the system says when it refuses.
pub fn write(host: &Host, path: &str, wanted: &str) -> io::Result<Written> {
    let place = host.path(path);
    if host.is_here() {
        let mut file = OpenOptions::new().write(true).open(&place)?;
        // One call: each write is a whole value to the kernel.
        file.write_all(format!("{wanted}\n").as_bytes())?;
    } else {
        let text = answered(&read_to_string(&place)?, wanted)?;
        std::fs::write(&place, text)?;
    }
    let found = read_to_string(&place)?;
    if same(path, &found, wanted) {
        Ok(Written::Done)
    } else {
        Ok(Written::Kept(value(&found).to_owned()))
    }
}

/// What a file that said `before` says after this was written, as the kernel would have it: a file
/// of choices shows all of them, the chosen one in brackets.
fn answered(before: &str, wanted: &str) -> io::Result<String> {
    let end = if before.ends_with('\n') { "\n" } else { "" };
    if chosen(before).is_none() {
        return Ok(format!("{wanted}{end}"));
    }
    let words = before.split_whitespace();
    let words: Vec<&str> = words.map(|word| word.trim_matches(['[', ']'])).collect();
    if !words.contains(&wanted) {
        return Err(ErrorKind::InvalidInput.into());
    }
    let shown = words.iter().map(|word| match *word {
        word if word == wanted => format!("[{word}]"),
        word => word.to_owned(),
    });
    Ok(shown.collect::<Vec<_>>().join(" ") + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_answers_as_the_kernel_does() {
        let choices = "always defer [madvise] never\n";
        assert_eq!(
            answered(choices, "never").expect("a choice"),
            "always defer madvise [never]\n"
        );
        assert!(answered(choices, "perhaps").is_err());
        assert_eq!(answered("60\n", "1").expect("a number"), "1\n");
        assert_eq!(answered("60", "1").expect("a number"), "1");
    }
}
