//! `spindle config show|check`.

use super::common::{Base, print_json, print_line, settings};
use crate::cli::{ConfigArgs, ConfigCommand};
use crate::failure::{Failure, Outcome};
use engine::config::Settings;
use engine::setup::Setup;

pub fn run(command: &ConfigCommand) -> Outcome {
    match command {
        ConfigCommand::Show(args) => show(args, &read(args)),
        ConfigCommand::Check(args) => check(args, &read(args)),
    }
}

fn read(args: &ConfigArgs) -> Settings {
    let base = if args.demo { Base::Demo } else { Base::Sample };
    settings(&args.settings, base)
}

/// Shows what there is, and then what could not be read of it. Whether it makes a configuration is
/// for `check`.
fn show(args: &ConfigArgs, settings: &Settings) -> Outcome {
    print(args, settings)?;
    Ok(settings.layers()?)
}

fn print(args: &ConfigArgs, settings: &Settings) -> Outcome {
    if args.json {
        let values: serde_json::Map<String, serde_json::Value> = settings
            .iter()
            .map(|(key, value, origin)| {
                let both = serde_json::json!({
                    "value": value.to_string(),
                    "origin": origin.to_string(),
                });
                (key.to_owned(), both)
            })
            .collect();
        return print_json(&values);
    }
    let width = settings
        .iter()
        .map(|(key, value, _)| key.len() + value.to_string().len())
        .max();
    for (key, value, origin) in settings.iter() {
        let line = format!("{key} = {value}");
        print_line(&format!(
            "{line:width$}  # {origin}",
            width = width.unwrap_or(0) + 3
        ))?;
    }
    Ok(())
}

fn check(args: &ConfigArgs, settings: &Settings) -> Outcome {
    let read = Setup::read(settings);
    if args.json {
        let faults: Vec<serde_json::Value> = read
            .as_ref()
            .err()
            .map_or(&[][..], |faults| &faults.0)
            .iter()
            .map(|fault| {
                serde_json::json!({
                    "origin": fault.origin.to_string(),
                    "key": fault.key,
                    "what": fault.what,
                })
            })
            .collect();
        print_json(&serde_json::json!({ "ok": faults.is_empty(), "faults": faults }))?;
        return match read {
            Ok(_) => Ok(()),
            Err(_) => Err(Failure {
                code: crate::failure::BAD_USAGE,
                text: String::new(),
            }),
        };
    }
    let setup = read?;
    print_line(&format!(
        "sound: {} symbols, lanes {}",
        setup.instruments.len(),
        setup.layout
    ))
}
