//! A disk that fills up while the engine trades.
//!
//! On a small file system of its own, in a private mount namespace, so that nobody else notices.

use crate::{spindle, text};
use journal::Reader;
use std::path::Path;
use std::process::{Command, Output};
use stream::payload::{Control, Kill, KillLevel, Order, Pnl, Reason};
use stream::{InstrumentId, Kind};

/// Runs `spindle demo` on a fresh file system and fills that up as soon as something was bought or
/// sold; copies the journal to `keep` afterwards.
fn demo_on_a_disk_that_fills_up(keep: &Path) -> Output {
    let script = format!(
        "disk=$(mktemp -d); mount -t tmpfs -o size=32m tmpfs $disk || exit 99; \
         \"$0\" demo --seconds 30 --journal $disk/journal --json & demo=$!; \
         looks=0; while [ $looks -lt 300 ]; do looks=$((looks + 1)); sleep 0.1; \
         \"$0\" journal decode $disk/journal --kind Fill 2>/dev/null | grep -q . && break; done; \
         cat /dev/zero > $disk/filler 2>/dev/null; \
         wait $demo; code=$?; \
         cp -r $disk/journal {keep}; umount $disk; rmdir $disk; exit $code",
        keep = keep.display()
    );
    let exe = spindle().get_program().to_owned();
    Command::new("unshare")
        .args(["-m", "sh", "-c", &script])
        .arg(exe)
        .env("SPINDLE__JOURNAL__SEGMENT_MIB", "1")
        .env("TMPDIR", std::env::temp_dir())
        .output()
        .expect("unshare starts")
}

/// True where this process may mount in a namespace of its own.
fn may_mount() -> bool {
    let script = "d=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs $d && umount $d && rmdir $d";
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", script])
        .output();
    match tried {
        Ok(output) if output.status.success() => true,
        tried => {
            let why = tried.map_or_else(|error| error.to_string(), |own| text(&own.stderr));
            eprintln!(
                "SKIPPED: no private file system can be mounted here: {}",
                why.trim()
            );
            false
        }
    }
}

#[test]
fn a_full_disk_winds_the_run_down_into_the_reserve() {
    if !may_mount() {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("kept");
    let output = demo_on_a_disk_that_fills_up(&dir);
    let told = text(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(1),
        "no signal, no success: {:?} {told}",
        output.status
    );
    assert!(
        told.contains("journal") && told.contains("reserve"),
        "{told}"
    );
    assert!(told.contains("free disk space"), "{told}");

    let mut reader = Reader::open(&dir).unwrap();
    let (mut controls, mut kills, mut orders_behind) = (Vec::new(), Vec::new(), 0);
    let mut held = std::collections::BTreeMap::<InstrumentId, i64>::new();
    let (mut filled, mut to_close) = (0, 0);
    while let Some(next) = reader.next() {
        let (_, frame) = next.expect("everything in the reserve verifies");
        match frame.kind() {
            Kind::Control => {
                let control: &Control = frame.read();
                assert_eq!(stream::payload::read_text(&control.by), "journal");
                controls.push(control.action);
            }
            Kind::Kill => {
                let kill: &Kill = frame.read();
                if kill.to == KillLevel::Flatten {
                    to_close = held.values().filter(|position| **position != 0).count();
                }
                kills.push((kill.to, kill.reason));
            }
            Kind::Order if !kills.is_empty() => {
                let order: &Order = frame.read();
                let entries_shut = kills.iter().any(|(to, _)| *to > KillLevel::None);
                assert!(
                    !entries_shut || order.reduce_only != 0,
                    "an entry behind a kill: {order:?}"
                );
                orders_behind += usize::from(order.reduce_only != 0);
            }
            Kind::Fill => filled += 1,
            Kind::Pnl => {
                let pnl: &Pnl = frame.read();
                held.insert(frame.instrument(), pnl.position.0);
            }
            _ => {}
        }
    }
    assert!(filled > 0, "the disk was full before anything was traded");
    let raised: Vec<KillLevel> = kills
        .iter()
        .filter(|(_, reason)| *reason == Reason::Journal)
        .map(|(to, _)| *to)
        .collect();
    let halt = raised.iter().position(|to| *to == KillLevel::Halt);
    let flatten = raised.iter().position(|to| *to == KillLevel::Flatten);
    assert!(
        halt.is_some() && halt < flatten,
        "L2, then L3: {raised:?} {controls:?}"
    );
    assert!(
        held.values().all(|position| *position == 0),
        "not flat: {held:?}"
    );
    // Each position that was open is closed by an order that stands in the reserve.
    assert!(
        orders_behind >= to_close,
        "{orders_behind} closing orders for {to_close} positions"
    );
}
