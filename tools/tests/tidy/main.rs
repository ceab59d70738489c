//! Style as code: what the project's pages promise about its source, checked over every file.
//!
//! A finding names the file, the line, the rule and what to do instead. Each rule is also shown a
//! text that breaks it, so that a rule which no longer sees anything fails too. Formatting and
//! lints are left to rustfmt and clippy.

mod bans;
mod house;
mod shape;
mod source;
mod unsafety;
mod words;

use source::Source;

/// Runs one rule over the whole repository.
fn hold(rule: fn(&[Source]) -> Vec<String>) {
    let findings = rule(&source::repository());
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn a_folder_uses_only_what_its_row_says() {
    hold(house::rule);
}

#[test]
fn stages_use_nothing_that_is_banned() {
    hold(bans::rule);
}

#[test]
fn unsafe_code_stands_where_it_may_and_says_why_it_is_sound() {
    hold(unsafety::rule);
}

#[test]
fn nothing_is_left_over() {
    hold(words::leftovers);
}

#[test]
fn no_file_names_a_machine_or_a_registry() {
    hold(words::places);
}

#[test]
fn lines_functions_and_files_are_short() {
    hold(shape::lengths);
}

#[test]
fn modules_are_named_by_their_files() {
    hold(shape::modules);
}

#[test]
fn every_file_says_what_it_is() {
    hold(shape::docs);
}

#[test]
fn lints_are_silenced_with_a_reason() {
    hold(shape::silenced);
}
