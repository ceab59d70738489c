//! `replay --check`: folds a journal again and compares everything that was derived.

use crate::fold::{Difference, Fold, FoldError, parallel};
use journal::Reader;
use serde::Serialize;
use std::path::Path;

/// Differences that are told one by one; further ones are only counted.
const TOLD_MAX: usize = 10;

/// What a check found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// True when every derived frame is the same.
    pub identical: bool,
    /// Frames read.
    pub frames: u64,
    /// Inputs folded.
    pub inputs: u64,
    /// Derived frames found equal.
    pub compared: u64,
    /// State hashes among them.
    pub state_hashes: u64,
    /// Differences.
    pub differences: u64,
    /// The first ones.
    pub first: Vec<String>,
}

/// What makes a check impossible.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// It cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// Checks a journal: its parts side by side, and where anything differs frame by frame, to tell
/// what.
///
/// # Errors
/// See [`ReplayError`]. Differences are no error but the result.
pub fn check(dir: &Path) -> Result<Checked, ReplayError> {
    match parallel(dir, None)? {
        Some(all) => Ok(told(Checked::default(), &all.fold, all.live)),
        None => one_by_one(dir),
    }
}

fn one_by_one(dir: &Path) -> Result<Checked, ReplayError> {
    let mut reader = Reader::open(dir)?;
    let mut fold = Fold::default();
    let mut checked = Checked::default();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if let Err(difference) = fold.on_frame_or_break(frame)? {
            tell(&mut checked, &difference);
        }
    }
    if let Some(cut) = fold.cut() {
        tell(&mut checked, cut);
    }
    Ok(told(checked, &fold, reader.is_live()))
}

/// What a fold found beside its differences.
fn told(mut checked: Checked, fold: &Fold, live: bool) -> Checked {
    if let Some(frame) = fold.lacking().iter().next()
        && !live
    {
        // A journal that was cut off may lack the end of its last input's consequences: what is
        // there is compared, what is not there is for the next start to append.
        checked.first.push(format!(
            "the last input lacks {} {}",
            frame.kind(),
            frame.id()
        ));
    }
    checked.frames = fold.frames;
    checked.inputs = fold.inputs;
    checked.compared = fold.compared;
    checked.state_hashes = fold.state_hashes;
    checked.identical = checked.differences == 0;
    checked
}

fn tell(checked: &mut Checked, difference: &Difference) {
    checked.differences += 1;
    if checked.first.len() < TOLD_MAX {
        checked.first.push(difference.to_string());
    }
}
