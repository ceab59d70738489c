//! `tune apply` and `tune undo`.

use super::Target;
use super::record::{Change, Record};
use super::settings::{Step, look, same, value};
use super::write::{Written, write};
use crate::cli::{Tune, TuneApply};
use crate::commands::common::{print_json, print_text};
use crate::failure::{FAILED, Failure, Outcome};
use crate::host::Host;
use rustix::process::geteuid;
use serde::Serialize;
use std::fmt::Write;
use std::io::{IsTerminal, stdin};
use std::path::Path;

/// An interrupt whose driver chose its cores answers a write with this (EIO).
const CHOSEN_BY_DRIVER: i32 = 5;

/// What came of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Came {
    /// It says what was wanted.
    Changed,
    /// It says what it said before apply.
    Restored,
    /// Its driver alone chooses: not ours to have.
    Fixed,
    /// Somebody else changed it since apply: theirs is kept.
    Foreign,
    /// The system refused.
    Refused,
}

#[derive(Clone, Debug, Serialize)]
struct Done {
    came: Came,
    path: String,
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Done {
    fn text(&self) -> String {
        let Self { path, from, to, .. } = self;
        let what = match self.came {
            Came::Changed => "changed",
            Came::Restored => "restored",
            Came::Fixed => "fixed",
            Came::Foreign => "kept",
            Came::Refused => "refused",
        };
        let told = self.error.as_ref();
        let told = told.map_or_else(String::new, |error| format!(": {error}"));
        format!("{what:<8}  /{path}  {from} -> {to}{told}\n")
    }
}

pub fn apply(args: &TuneApply) -> Outcome {
    let (tune, target) = (&args.tune, Target::of(&args.tune)?);
    let settings = look(&target.place(), &tune.only);
    let steps: Vec<(&str, &Step)> = settings
        .iter()
        .flat_map(|setting| setting.steps.iter().map(|step| (setting.name, step)))
        .collect();
    root_only(&target.host, "apply")?;
    let earlier = Record::read(&target.record)?;
    let mut record = match earlier {
        Some(record) if !record.is_of_an_earlier_life(&target.host) => record,
        // A restart has taken those changes back.
        _ => Record::new(&target.host),
    };
    if steps.is_empty() {
        let text = "nothing to do: every setting is as wanted, or not to be had here (see \
                    `spindle tune plan`)";
        return finish(tune, &[], &target.record, text);
    }
    if !args.yes {
        ask(steps.len())?;
    }
    for (setting, step) in &steps {
        record.add(setting, step);
    }
    record.save(&target.record)?;
    let done: Vec<Done> = steps
        .iter()
        .map(|(_, step)| change(&target.host, step, &mut record))
        .collect();
    record.save(&target.record)?;
    let text = if record.changes.is_empty() {
        "nothing was changed".to_owned()
    } else {
        let record = target.record.display();
        format!("until the next restart, or `spindle tune undo --state {record}`")
    };
    finish(tune, &done, &target.record, &text)
}

/// Changes one file; what it says in the end goes into the record.
fn change(host: &Host, step: &Step, record: &mut Record) -> Done {
    let (came, error) = match write(host, &step.path, &step.wanted) {
        Ok(Written::Done) => (Came::Changed, None),
        Ok(Written::Kept(kept)) => {
            let own = record.changes.iter_mut();
            for change in own.filter(|change| change.path == step.path) {
                change.add(&kept);
            }
            (Came::Refused, Some(format!("the kernel made {kept} of it")))
        }
        Err(error) if is_fixed(step, &error) => (
            Came::Fixed,
            Some("its driver alone chooses its cores".to_owned()),
        ),
        Err(error) => (Came::Refused, Some(error.to_string())),
    };
    // What is as it was needs no undo.
    record.changes.retain(|change| {
        change.path != step.path
            || came == Came::Changed
            || now(host, change).is_none_or(|now| !same(&change.path, &now, &change.was))
    });
    Done {
        came,
        path: step.path.clone(),
        from: value(&step.is).to_owned(),
        to: step.wanted.clone(),
        error,
    }
}

fn is_fixed(step: &Step, error: &std::io::Error) -> bool {
    step.path.starts_with("proc/irq/") && error.raw_os_error() == Some(CHOSEN_BY_DRIVER)
}

/// What a changed file says now.
fn now(host: &Host, change: &Change) -> Option<String> {
    std::fs::read_to_string(host.path(&change.path)).ok()
}

pub fn undo(args: &Tune) -> Outcome {
    let target = Target::of(args)?;
    let shown = target.record.display();
    let Some(mut record) = Record::read(&target.record)? else {
        return Err(Failure::bad(format!(
            "{shown}: there is no record of a `spindle tune apply`, so nothing to undo; \
             where apply was given a --state, give the same"
        )));
    };
    root_only(&target.host, "undo")?;
    if record.is_of_an_earlier_life(&target.host) {
        record.changes.clear();
        record.save(&target.record)?;
        let text = "nothing to do: the restart since has taken every change back";
        return finish(args, &[], &target.record, text);
    }
    let mut done = Vec::new();
    let mut left = Vec::new();
    for change in record.changes.iter().rev() {
        let wished = args.only.is_empty() || args.only.contains(&change.setting);
        let Some(one) = wished.then(|| restore(&target.host, change)).flatten() else {
            left.extend((!wished).then(|| change.clone()));
            continue;
        };
        if one.came == Came::Refused {
            left.push(change.clone());
        }
        done.push(one);
    }
    left.reverse();
    record.changes = left;
    record.save(&target.record)?;
    let foreign = done.iter().any(|one| one.came == Came::Foreign);
    let text = match (record.changes.len(), foreign) {
        (0, false) => "all is as it was before apply".to_owned(),
        (0, true) => "all is as it was before apply, but for what others changed since".to_owned(),
        (left, _) => format!("{left} are still to be undone: they stand in {shown}"),
    };
    finish(args, &done, &target.record, &text)
}

/// Puts one file back; `None` where nothing is left to put back.
fn restore(host: &Host, change: &Change) -> Option<Done> {
    let was = value(&change.was).to_owned();
    let done = |came, from: &str, error| {
        let (path, to) = (change.path.clone(), was.clone());
        let from = value(from).to_owned();
        Some(Done {
            came,
            path,
            from,
            to,
            error,
        })
    };
    let Some(now) = now(host, change) else {
        let why = host.why_not(&change.path);
        return done(Came::Refused, "?", Some(why));
    };
    if same(&change.path, &now, &change.was) {
        return None;
    }
    if !change.is_ours(&now) {
        let why = format!("somebody else has made {} of it since", value(&now));
        let set = change.set.last().map_or("?", String::as_str);
        return done(Came::Foreign, set, Some(why));
    }
    match write(host, &change.path, &was) {
        Ok(Written::Done) => done(Came::Restored, &now, None),
        Ok(Written::Kept(kept)) => done(
            Came::Refused,
            &now,
            Some(format!("the kernel made {kept} of it")),
        ),
        Err(error) => done(Came::Refused, &now, Some(error.to_string())),
    }
}

/// Tells what was done; a refusal makes the exit code.
fn finish(args: &Tune, done: &[Done], record: &Path, text: &str) -> Outcome {
    let count = |came| done.iter().filter(|one| one.came == came).count();
    let refused = count(Came::Refused);
    if args.json {
        print_json(&serde_json::json!({
            "ok": refused == 0, "files": done, "state": record, "text": text,
        }))?;
    } else {
        let mut all: String = done.iter().map(Done::text).collect();
        let _ = writeln!(all, "{text}");
        print_text(&all)?;
    }
    if refused == 0 {
        return Ok(());
    }
    let text = match args.json {
        true => String::new(),
        false => format!(
            "{refused} of {} were refused, each with its reason above; where the system keeps \
             settings to itself (a container, a read-only /sys), run this on the box underneath",
            done.len()
        ),
    };
    Err(Failure { code: FAILED, text })
}

/// The box's settings are root's; a folder that stands in for them is its owner's.
fn root_only(host: &Host, what: &str) -> Outcome {
    if !host.is_here() || geteuid().is_root() {
        return Ok(());
    }
    Err(Failure::bad(format!(
        "tune {what}: the settings under /proc and /sys are root's: run \
         `sudo spindle tune {what}`; `spindle tune plan` shows everything without"
    )))
}

/// Asks on the terminal whether to go on.
fn ask(steps: usize) -> Outcome {
    if !stdin().is_terminal() {
        return Err(Failure::bad(format!(
            "tune apply: {steps} settings would be changed, and there is no terminal to ask on; \
             look at `spindle tune plan`, then give --yes"
        )));
    }
    eprint!("Change {steps} settings of this box until its next restart? [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| {
        Failure::failed(format!(
            "tune apply: the answer cannot be read: {error}; give --yes"
        ))
    })?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed(
        "tune apply: nothing was changed, as you wished",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Fixture;
    use crate::commands::doctor::memory::HUGE_PAGES;

    fn look(host: &Host) -> String {
        host.read(HUGE_PAGES).expect("it is there")
    }

    #[test]
    fn what_a_first_apply_set_is_put_back_though_a_second_one_was_refused() {
        let fixture = Fixture::new(&[(HUGE_PAGES, "[always] madvise never\n")]);
        let host = fixture.host();
        let before = look(&host);
        let mut record = Record::new(&host);
        // The last one is no choice of the system's: it refuses it.
        for (wanted, came) in [("madvise", Came::Changed), ("sometimes", Came::Refused)] {
            let step = Step {
                path: HUGE_PAGES.to_owned(),
                is: look(&host),
                wanted: wanted.to_owned(),
            };
            record.add("huge-pages", &step);
            assert_eq!(change(&host, &step, &mut record).came, came, "{wanted}");
        }
        assert_eq!(record.changes.len(), 1, "there is something to undo");
        let done = restore(&host, &record.changes[0]).expect("something to put back");
        assert_eq!(done.came, Came::Restored, "{:?}", done.error);
        assert_eq!(look(&host), before);
    }
}
