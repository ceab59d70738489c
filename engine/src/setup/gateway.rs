//! The `[gateway]` table.

use super::DAY;
use crate::config::Settings;
use gateway::Config;
use stream::limits::{BRACKETS_MAX, COMMANDS_UNANSWERED_MAX};
use stream::{Nanos, SourceId};

pub(super) fn read(settings: &Settings, instruments: usize) -> Config {
    let hour = Nanos::from_secs(3_600);
    let span = |key: &str| settings.span(&format!("gateway.{key}"), Nanos::MILLI..=hour);
    let unanswered = 4..=COMMANDS_UNANSWERED_MAX as u64;
    let config = Config {
        broker: SourceId(0),
        instruments,
        brackets_max: settings.whole("gateway.brackets_max", 1..=BRACKETS_MAX as u64) as usize,
        unanswered_max: settings.whole("gateway.unanswered_max", unanswered) as usize,
        unanswered_reserved: settings.whole("gateway.unanswered_reserved", 1..=61) as usize,
        protection_within: span("protection_within"),
        pair_patience: span("pair_patience"),
        cancel_patience: span("cancel_patience"),
        answer_patience: span("answer_patience"),
        flatten_patience: span("flatten_patience"),
        checkpoint_every: settings.span("gateway.checkpoint_every", Nanos::ZERO..=DAY),
    };
    let faults = if settings.is_sound() {
        config.faults()
    } else {
        Vec::new()
    };
    for (field, expected) in faults {
        settings.fault(
            &format!("gateway.{field}"),
            format!("is out of range; expected {expected}"),
        );
    }
    config
}
