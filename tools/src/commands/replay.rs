//! `spindle replay --check`.

use super::common::{print_json, print_line};
use crate::cli;
use crate::failure::{Failure, Outcome};

pub fn run(args: &cli::Replay) -> Outcome {
    let checked = engine::replay::check(&args.journal).map_err(Failure::bad)?;
    if checked.inputs == 0 {
        let journal = args.journal.display();
        return Err(Failure::bad(format!(
            "{journal} holds no input: there is nothing to compare"
        )));
    }
    if args.json {
        print_json(&checked)?;
    } else {
        let verdict = if checked.identical {
            "identical"
        } else {
            "DIFFERENT"
        };
        print_line(&format!(
            "{verdict}: {} frames, {} inputs folded, {} derived frames compared, {} state hashes \
             among them, {} differences",
            checked.frames,
            checked.inputs,
            checked.compared,
            checked.state_hashes,
            checked.differences
        ))?;
        for line in &checked.first {
            print_line(&format!("  {line}"))?;
        }
    }
    if checked.identical {
        Ok(())
    } else {
        Err(Failure::difference())
    }
}
