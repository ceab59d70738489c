//! `spindle init`: a first configuration.

use super::common::{print_json, print_line};
use crate::cli;
use crate::failure::{Failure, Outcome};
use engine::setup::SAMPLE;
use std::fs::OpenOptions;
use std::io::Write;

pub fn run(args: &cli::Init) -> Outcome {
    let path = args.path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.path)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::bad(format!(
                "{path} exists already and is kept; name another file"
            )),
            _ => Failure::bad(format!(
                "{path} cannot be written: {error}; name another place"
            )),
        })?;
    file.write_all(SAMPLE.as_bytes())
        .map_err(|error| Failure::failed(format!("{path} cannot be written: {error}")))?;
    if args.json {
        return print_json(&serde_json::json!({ "written": args.path }));
    }
    print_line(&format!(
        "{path} is written. Next: edit it, `spindle config check -c {path}`, then `spindle run \
         --mode observe -c {path}`."
    ))
}
