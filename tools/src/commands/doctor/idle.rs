//! Sleep of cores: how deeply they may, and who forbids it.

use super::CPU;
use super::check::Check;
use crate::host::Host;
use crate::host::cpus::Cpus;

/// A deeper sleep than this shows in the latency table.
pub const EXIT_LATENCY_MAX_US: u64 = 10;
/// What the kernel says where nobody asked for a limit.
const NO_LIMIT_US: i32 = 2_000_000_000;
const LIMIT: &str = "dev/cpu_dma_latency";

/// Everything about sleep.
pub fn checks(host: &Host, lanes: &Cpus) -> Vec<Check> {
    vec![states(host, lanes), limit(host)]
}

/// A state in which a core may sleep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The file that forbids it.
    pub disable: String,
    /// Its name.
    pub name: String,
    /// How long it takes to leave, in microseconds.
    pub latency_us: u64,
    /// True when it is forbidden already.
    pub is_off: bool,
}

/// The states of a core.
pub fn states_of(host: &Host, cpu: usize) -> Vec<State> {
    let folder = format!("{CPU}/cpu{cpu}/cpuidle");
    let state = |state: &String| {
        let field = |name: &str| host.read(&format!("{folder}/{state}/{name}"));
        Some(State {
            disable: format!("{folder}/{state}/disable"),
            latency_us: field("latency")?.parse().ok()?,
            is_off: field("disable").is_some_and(|text| text != "0"),
            name: field("name").unwrap_or_else(|| state.clone()),
        })
    };
    host.list(&folder).iter().filter_map(state).collect()
}

fn states(host: &Host, lanes: &Cpus) -> Check {
    let check = Check::new(
        "idle states",
        format!("on lanes' cores none that takes more than {EXIT_LATENCY_MAX_US} us to leave"),
        "a core that sleeps deeply wakes up late",
        "spindle tune apply (until the next restart), boot with processor.max_cstate=1 \
         intel_idle.max_cstate=1, or use lanes.idle = \"spin\"",
    );
    let cpus = host.cpus();
    let of_lanes = cpus
        .iter()
        .filter(|cpu| lanes.is_empty() || lanes.holds(**cpu));
    let deepest = of_lanes
        .flat_map(|cpu| states_of(host, *cpu))
        .filter(|state| !state.is_off)
        .max_by_key(|state| state.latency_us);
    match deepest {
        Some(State {
            name, latency_us, ..
        }) => check.ok_if(
            latency_us <= EXIT_LATENCY_MAX_US,
            format!("{name}, {latency_us} us to leave"),
        ),
        None => match host.read(&format!("{CPU}/cpuidle/current_driver")) {
            Some(driver) if driver == "none" => {
                check.ok("no driver: an idle core waits without sleeping deeply")
            }
            _ => check.unseen(host, &format!("{CPU}/cpu0/cpuidle")),
        },
    }
}

/// The limit that programs hold now: four bytes that are read from the device.
fn limit(host: &Host) -> Check {
    let check = Check::new(
        "sleep limit",
        format!("{EXIT_LATENCY_MAX_US} us or less, or shallow idle states only"),
        "a program that holds /dev/cpu_dma_latency open keeps all cores from deep sleep; the limit \
         goes when it ends",
        "hold it open while trading (tuned's latency-performance profile does), or forbid the deep \
         states: spindle tune apply",
    );
    let shallow = host.cpus().iter().all(|cpu| {
        let deep = |state: &State| !state.is_off && state.latency_us > EXIT_LATENCY_MAX_US;
        !states_of(host, *cpu).iter().any(deep)
    });
    match held(host) {
        Ok(Some(us)) => check.ok_if(us <= EXIT_LATENCY_MAX_US || shallow, format!("{us} us")),
        Ok(None) => check.ok_if(shallow, "none held"),
        Err(why) => check.unknown(why),
    }
}

/// The limit in microseconds; `None` where nobody holds one.
fn held(host: &Host) -> Result<Option<u64>, String> {
    use std::io::Read;
    let mut bytes = [0; 4];
    std::fs::File::open(host.path(LIMIT))
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                format!("/{LIMIT} is for root alone to read")
            }
            _ => host.why_not(LIMIT),
        })?;
    let us = i32::from_ne_bytes(bytes);
    Ok((us != NO_LIMIT_US).then(|| u64::try_from(us).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::super::fixture::Fixture;
    use super::*;

    fn metal() -> Fixture {
        let fixture = Fixture::new(&[]);
        for cpu in 0..2 {
            for (state, name, latency) in [("state0", "POLL", "0"), ("state3", "C6", "133")] {
                let folder = format!("{CPU}/cpu{cpu}/cpuidle/{state}");
                fixture.put(&format!("{folder}/name"), &format!("{name}\n"));
                fixture.put(&format!("{folder}/latency"), &format!("{latency}\n"));
                fixture.put(&format!("{folder}/disable"), "0\n");
            }
        }
        fixture
    }

    #[test]
    fn only_the_states_of_lanes_cores_count() {
        let (fixture, lanes) = (metal(), "1".parse().expect("a list"));
        assert_eq!(states(&fixture.host(), &lanes).found, "C6, 133 us to leave");
        fixture.put(&format!("{CPU}/cpu1/cpuidle/state3/disable"), "1\n");
        let check = states(&fixture.host(), &lanes);
        assert_eq!(
            (check.severity, check.found.as_str()),
            (Severity::Ok, "POLL, 0 us to leave")
        );
        let any = states(&fixture.host(), &Cpus::default());
        assert_eq!(any.severity, Severity::Warn, "core 0 sleeps deeply");
    }

    #[test]
    fn a_limit_that_is_held_is_read_in_its_four_bytes() {
        let fixture = metal();
        assert_eq!(limit(&fixture.host()).severity, Severity::Unknown);
        let put = |us: i32| std::fs::write(fixture.host().path(LIMIT), us.to_ne_bytes());
        std::fs::create_dir(fixture.host().path("dev")).expect("a folder");
        put(NO_LIMIT_US).expect("it is written");
        let check = limit(&fixture.host());
        assert_eq!(
            (check.severity, check.found.as_str()),
            (Severity::Warn, "none held")
        );
        put(0).expect("it is written");
        assert_eq!(limit(&fixture.host()).found, "0 us");
        std::fs::write(fixture.host().path(LIMIT), "x").expect("it is written");
        assert_eq!(limit(&fixture.host()).severity, Severity::Unknown);
    }
}
