//! `spindle tune`: the box's settings for low latency.
//!
//! `plan` prints everything, `apply` writes what takes effect at once and remembers what was
//! there, `undo` puts back exactly that. What needs a restart, and what others on the box may want
//! as it is, is printed and never run. Nothing of it survives a restart of the box.

mod advice;
mod change;
mod record;
pub mod settings;
mod show;
mod write;

use super::common::{Base, print_json, print_text, settings as read_settings};
use super::doctor::CPU;
use crate::cli::{Tune, TuneCommand};
use crate::failure::{Failure, Outcome};
use crate::host::Host;
use crate::host::cpus::Cpus;
use advice::{Advice, Word};
use engine::layout::Layout;
use engine::setup::Setup;
use serde::Serialize;
use settings::{Place, Setting};
use std::path::PathBuf;

/// Where the record is: root's own, found from any folder, and gone with a restart of the box, as
/// the settings are.
const RECORD: &str = "run/spindle-tune.json";

pub fn run(command: &TuneCommand) -> Outcome {
    match command {
        TuneCommand::Plan(args) => plan(args),
        TuneCommand::Apply(args) => change::apply(args),
        TuneCommand::Undo(args) => change::undo(args),
    }
}

/// Everything that could be done.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The lanes' cores.
    pub lanes: String,
    /// What apply does.
    pub at_once: Vec<Setting>,
    /// What needs a restart.
    pub restart: Restart,
    /// What is left to people.
    pub by_hand: Vec<Advice>,
}

/// What needs a restart.
#[derive(Debug, Serialize)]
pub struct Restart {
    /// Words of the kernel's command line.
    pub words: Vec<Word>,
    /// How they get there.
    pub command: String,
    /// How they go again.
    pub undo: String,
}

fn plan(args: &Tune) -> Outcome {
    let target = Target::of(args)?;
    let place = target.place();
    let words = advice::words(&place);
    let (command, undo) = advice::boot_loader(&target.host, &words);
    let plan = Plan {
        lanes: target.lanes.to_string(),
        at_once: settings::look(&place, &args.only),
        restart: Restart {
            words,
            command,
            undo,
        },
        by_hand: advice::by_hand(&place),
    };
    if args.json {
        print_json(&plan)
    } else {
        print_text(&show::plan(&plan))
    }
}

/// The box with the lanes that are to run on it, and where the record of changes is.
struct Target {
    host: Host,
    lanes: Cpus,
    record: PathBuf,
}

impl Target {
    fn of(args: &Tune) -> Outcome<Self> {
        let setup = Setup::read(&read_settings(&args.settings, Base::Sample))?;
        let layout: Layout = setup.layout.parse().map_err(Failure::bad)?;
        let host = Host::at(&args.root);
        let record = args.state.clone().unwrap_or_else(|| host.path(RECORD));
        let target = Self {
            host,
            lanes: layout.cores.iter().flatten().copied().collect(),
            record: std::path::absolute(&record).unwrap_or(record),
        };
        let online = target.place().online();
        let absent = target.lanes.without(&online);
        if !online.is_empty() && !absent.is_empty() {
            return Err(Failure::bad(format!(
                "lanes.layout: core {absent} is not among the cores of this box ({online}, from \
                 /{CPU}/online); name some of those, or leave the @core away"
            )));
        }
        Ok(target)
    }

    fn place(&self) -> Place<'_> {
        Place {
            host: &self.host,
            lanes: &self.lanes,
        }
    }
}
