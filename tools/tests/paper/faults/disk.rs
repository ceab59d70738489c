//! A disk that takes back what it was given.

use super::stage::{Plan, Stage};
use stream::payload::{LegRole, LegState};

/// What a start ends with that is refused.
const REFUSED: i32 = 2;

#[test]
fn a_live_journal_that_another_process_cuts_short_ends_entries_and_keeps_protection() {
    let mut stage = Stage::play(Plan::HELD, "");
    stage.wait("held and protected", |story, _| {
        story.held("ALDR") != 0 && story.legs_in(LegRole::Stop, LegState::Working) == 1
    });
    stage.cut_journal(4_096);
    let code = stage.ended();
    let said = stage.said();
    assert_ne!(code, Some(0), "{said}");
    assert!(
        said.contains("another process made its file shorter"),
        "{said}"
    );
    assert!(said.contains("orders may still be live"), "{said}");
    let truth = stage.truth();
    let works = |kind: &str| {
        truth
            .orders
            .iter()
            .filter(|one| one.works && one.order_type == kind)
            .count()
    };
    assert_eq!((truth.positions.len(), works("STP")), (1, 1), "{truth:?}");
    // What had been promised is gone: a start trades on nothing that it does not know.
    stage.start();
    let (code, said) = (stage.ended(), stage.said());
    assert_eq!(code, Some(REFUSED), "{said}");
}

#[test]
fn entries_that_rest_while_the_journal_is_cut_short_are_cancelled() {
    let mut stage = Stage::play(
        Plan {
            entries: 1_000,
            ..Plan::RESTING
        },
        "",
    );
    stage.wait("an entry rests", |_, truth| {
        truth.orders.iter().any(|one| one.works)
    });
    stage.cut_journal(4_096);
    let code = stage.ended();
    assert_ne!(code, Some(0), "{}", stage.said());
    let truth = stage.truth();
    let entries = truth.orders.iter().filter(|one| one.parent_id == 0);
    let open: Vec<_> = entries.filter(|one| one.works).collect();
    assert!(open.is_empty(), "{open:?}");
}
