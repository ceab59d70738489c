//! A new session date has a journal of its own, and begins with what the last one left.

use crate::common::scene::{OPEN, journal_in, run_plan};
use crate::common::{Scene, Story, frames};
use std::path::Path;
use stream::Nanos;
use stream::payload::RestartFrom;

const DAY: Nanos = Nanos::from_secs(86_400);

/// Sessions of this length lose twelve dollars and hold checkpoints, every ten seconds.
fn scene(seed: u64) -> Scene {
    Scene::new(seed, 60).set("risk.loss_max", "12")
}

fn next_day(scene: &Scene, dir: &Path, carry: Option<&Path>) -> Story {
    let mut scene = scene.clone();
    scene.market.start = OPEN + DAY;
    let mut setup = scene.setup().unwrap();
    setup.carry = carry.map(Path::to_path_buf);
    let journal = journal_in(dir, scene.segment_bytes);
    let market = Box::new(scene.market());
    run_plan(setup, scene.layout.clone(), journal, vec![market], |_| {}).unwrap();
    let checked = engine::replay::check(dir).unwrap();
    assert!(checked.identical, "{:?}", checked.first);
    Story::of(dir)
}

fn entries(story: &Story) -> usize {
    let entries = story.orders.iter().filter(|own| own.what.reduce_only == 0);
    entries.count()
}

#[test]
fn a_latch_outlives_its_journal_and_no_name_is_given_twice() {
    let place = tempfile::tempdir().unwrap();
    let first = place.path().join("first");
    let (scene, before) = (1..20)
        .find_map(|seed| {
            let scene = scene(seed);
            let dir = place.path().join(format!("seed-{seed}"));
            scene.run(&dir);
            let story = Story::of(&dir);
            let latched = !story.kills.is_empty();
            latched.then(|| std::fs::rename(&dir, &first).unwrap())?;
            Some((scene, story))
        })
        .expect("one of the seeds loses that much");
    let last = frames(&first).iter().last().unwrap().seq();

    let carried = next_day(&scene, &place.path().join("carried"), Some(&first));
    let restart = carried.restarts[0];
    assert_eq!(restart.what.from, RestartFrom::Checkpoint);
    assert_eq!(restart.what.epoch, 1);
    assert_eq!(restart.what.previous_seq, last);
    assert_eq!(restart.what.previous_ts, before.last);
    let named = frames(&place.path().join("carried"));
    assert_eq!(named.iter().next().unwrap().seq(), last + 1);
    assert_eq!(entries(&carried), 0, "the latch holds");

    let fresh = next_day(&scene, &place.path().join("fresh"), None);
    assert_eq!(fresh.restarts[0].what.from, RestartFrom::Empty);
    assert!(entries(&fresh) > 0, "without it the day would be traded");
}
