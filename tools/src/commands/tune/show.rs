//! A plan for people.

use super::Plan;
use std::fmt::Write;

/// The whole plan.
pub fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    at_once(&mut text, plan);
    restart(&mut text, plan);
    by_hand(&mut text, plan);
    text
}

/// Lines of a command and its undo, the undo in one column.
fn commands(text: &mut String, pairs: &[(String, String)]) {
    let width = pairs.iter().map(|(command, _)| command.len()).max();
    let width = width.unwrap_or(0).min(80);
    for (command, undo) in pairs {
        let _ = writeln!(text, "    {command:<width$}  # undo: {undo}");
    }
}

fn at_once(text: &mut String, plan: &Plan) {
    let lanes = match plan.lanes.as_str() {
        "" => "no lane has a core of its own".to_owned(),
        lanes => format!("lanes on cores {lanes}"),
    };
    let _ = writeln!(
        text,
        "at once: `spindle tune apply` runs this, as root, until the next restart ({lanes})"
    );
    for setting in &plan.at_once {
        let name = setting.name;
        match (&setting.note, setting.steps.is_empty()) {
            (Some(note), _) => {
                let _ = writeln!(text, "  {name}: nothing to do: {note}");
            }
            (None, true) => {
                let _ = writeln!(text, "  {name}: as wanted");
            }
            (None, false) => {
                let _ = writeln!(text, "  {name}: {}", setting.why);
                let pair = |step: &super::settings::Step| (step.command(), step.undo());
                let pairs: Vec<_> = setting.steps.iter().map(pair).collect();
                commands(text, &pairs);
            }
        }
    }
}

fn restart(text: &mut String, plan: &Plan) {
    let _ = writeln!(text, "\nneeds a restart: never run from here");
    if plan.restart.words.is_empty() {
        let _ = writeln!(text, "  nothing to do");
        return;
    }
    for word in &plan.restart.words {
        let note = word.note.as_ref();
        let note = note.map_or_else(String::new, |note| format!(" ({note})"));
        let _ = writeln!(text, "  {}: {}{note}", word.word, word.why);
    }
    let _ = writeln!(text, "    {}", plan.restart.command);
    let _ = writeln!(text, "    # undo: {}", plan.restart.undo);
}

fn by_hand(text: &mut String, plan: &Plan) {
    let _ = writeln!(
        text,
        "\nby hand: never run from here, others may want it as it is"
    );
    if plan.by_hand.is_empty() {
        let _ = writeln!(text, "  nothing to do");
    }
    for advice in &plan.by_hand {
        let _ = writeln!(text, "  {}: {}", advice.what, advice.why);
        commands(text, &[(advice.command.clone(), advice.undo.clone())]);
    }
}
