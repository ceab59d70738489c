//! Control 29: entries are made inside the session only, and end some time before its close.
//! Level-triggered: it looks at where `now` stands, not at whether a deadline was seen to pass.

use super::{Breach, Control, Gate, Phase, Proposal, View};
use stream::payload::Reason;

pub(super) const CONTROL: Control = Control {
    name: "session_window",
    reason: Reason::SessionWindow,
    gate: Gate::Adding,
    phase: Phase::Before,
    check,
};

fn check(_: &Proposal, view: &View<'_>) -> Result<(), Breach> {
    let now = view.now;
    let from = view
        .window
        .open
        .saturating_add(view.config.entries_after_open);
    let until = view
        .window
        .close
        .saturating_sub(view.config.entries_stop_before_close);
    if now < from {
        return Err(Breach::new(Reason::SessionWindow, from.0, now.0));
    }
    if now >= until {
        return Err(Breach::new(Reason::SessionWindow, until.0, now.0));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Window;
    use super::super::fixture::{Fixture, entry};
    use super::*;
    use stream::Nanos;

    fn passes(fixture: &Fixture, now: Nanos) -> bool {
        let mut view = fixture.view();
        view.now = now;
        check(&entry(), &view).is_ok()
    }

    #[test]
    fn the_window_includes_its_first_instant_and_not_its_last() {
        let mut fixture = Fixture::new();
        fixture.config.entries_after_open = Nanos::from_secs(60);
        let Window { open, close } = fixture.window;
        let (from, until) = (
            open + Nanos::from_secs(60),
            close - Nanos::from_secs(15 * 60),
        );
        assert!(!passes(&fixture, from - Nanos(1)));
        assert!(passes(&fixture, from));
        assert!(passes(&fixture, until - Nanos(1)));
        assert!(!passes(&fixture, until));
        assert!(!passes(&fixture, close + Nanos::from_secs(3_600)));
    }

    #[test]
    fn without_a_session_there_is_no_entry() {
        let mut fixture = Fixture::new();
        fixture.window = Window::default();
        assert!(!passes(&fixture, Nanos(0)));
        assert!(!passes(&fixture, fixture.now));
    }
}
