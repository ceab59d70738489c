//! The configuration, checked as `config check` does.

use super::check::Check;
use engine::config::Faults;
use engine::layout::Layout;
use engine::setup::Setup;

/// The configuration as a whole, each of its faults, and the cores that it names.
pub fn checks(setup: &Result<Setup, Faults>, layout: Option<&Layout>) -> Vec<Check> {
    let check = || {
        Check::new(
            "configuration",
            "no faults",
            "nothing starts with a configuration that is not understood to the last key",
            "correct that key; `spindle config show` tells where each value comes from",
        )
    };
    match setup {
        Ok(setup) => {
            let symbols = setup.instruments.len();
            let sound = check().ok(format!("sound: {symbols} symbols, lanes {}", setup.layout));
            vec![sound, pinned(layout)]
        }
        Err(faults) => faults
            .0
            .iter()
            .map(|fault| check().fail(fault.to_string()))
            .collect(),
    }
}

fn pinned(layout: Option<&Layout>) -> Check {
    let usable = engine::lane::cores();
    let check = Check::new(
        "pinned cores",
        format!("cores of this process: {usable:?}"),
        "a lane that is to run on a core that is not there does not start",
        "name one of those in lanes.layout, or leave the @core away",
    );
    let Some(layout) = layout else { return check };
    let named: Vec<usize> = layout.cores.iter().flatten().copied().collect();
    let absent: Vec<usize> = named
        .iter()
        .copied()
        .filter(|core| !usable.contains(core))
        .collect();
    match (named.is_empty(), absent.is_empty()) {
        (true, _) => check.ok("none named"),
        (false, true) => check.ok(format!("{named:?}")),
        (false, false) => check.fail(format!("{absent:?} not usable")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;
    use engine::config::Settings;

    #[test]
    fn each_fault_is_a_failed_check() {
        let mut settings = Settings::default();
        settings.add_sample(engine::setup::SAMPLE);
        let sound = Setup::read(&settings);
        assert!(
            checks(&sound, None)
                .iter()
                .all(|check| check.severity != Severity::Fail)
        );
        settings.add_flag("--x", "no.such_key", engine::config::Value::Bool(true));
        let faulty = checks(&Setup::read(&settings), None);
        assert_eq!(faulty.len(), 1);
        assert_eq!(faulty[0].severity, Severity::Fail);
        assert!(
            faulty[0].found.contains("no.such_key"),
            "{}",
            faulty[0].found
        );
    }

    #[test]
    fn a_core_that_is_not_there_fails() {
        let layout: Layout = "feed+book+signal+risk+gateway+journal@9999"
            .parse()
            .expect("a layout");
        assert_eq!(pinned(Some(&layout)).severity, Severity::Fail);
    }
}
