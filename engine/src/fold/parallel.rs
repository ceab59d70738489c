//! The parts of a pipeline folded side by side.

use super::ahead::{Batch, frames, read, way};
use super::{ALL, Fold, FoldError, Part};
use journal::Reader;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use stream::{FrameRef, StageId};

/// Books cost as much as all that is made of them.
const BOOK: Part = Part {
    first: StageId::Book as u8,
    last: StageId::Book as u8,
};
const REST: Part = Part {
    first: StageId::Signal as u8,
    last: ALL.last,
};

/// What is to see every frame beside the stages, in order.
pub type Beside<'a> = &'a mut (dyn FnMut(FrameRef<'_>) -> Result<(), FoldError> + Send);

/// A journal that was folded whole, without a difference.
#[derive(Debug)]
pub struct FoldedAll {
    /// The stages behind the last frame.
    pub fold: Fold,
    /// True when a writer held the journal at its end.
    pub live: bool,
}

/// Folds a journal: this thread reads, one keeps the books, one folds what is made of them, one
/// works for `beside` if there is something.
///
/// `None` when something differs, cannot be folded or breaks a stage: then a [`Fold`] of all
/// stages, frame by frame, tells what. `beside` may have seen any number of frames by then.
///
/// # Errors
/// When the journal cannot be read.
pub fn parallel(
    dir: &Path,
    beside: Option<Beside<'_>>,
) -> Result<Option<FoldedAll>, journal::Error> {
    let mut reader = Reader::open(dir)?;
    let mut beside = beside;
    let read = std::thread::scope(|scope| {
        let ((to_book, for_book), (to_rest, for_rest)) = (way(), way());
        let mut ways = vec![to_book, to_rest];
        let book = spawn(scope, "fold-book", move || follow(BOOK, &for_book))?;
        let rest = spawn(scope, "fold", move || follow(REST, &for_rest))?;
        let edge = match &mut beside {
            Some(beside) => {
                let (to_edge, for_edge) = way();
                ways.push(to_edge);
                let work = move || each(&for_edge, beside);
                Some(spawn(scope, "fold-edge", work)?)
            }
            None => None,
        };
        let tail = read(&mut reader, &ways);
        drop(ways);
        let parts = (ended(book).flatten(), ended(rest).flatten());
        let edge_is_well = edge.is_none_or(|edge| ended(edge) == Some(true));
        Some((tail, parts, edge_is_well))
    });
    let Some((tail, parts, true)) = read else {
        return Ok(None);
    };
    let (tail, (Some(book), Some(rest))) = (tail?, parts) else {
        return Ok(None);
    };
    let mut fold = Fold::joined(book, rest);
    for frame in frames(&tail) {
        if !matches!(fold.on_frame_or_break(frame), Ok(Ok(()))) {
            return Ok(None);
        }
        if let Some(beside) = &mut beside
            && beside(frame).is_err()
        {
            return Ok(None);
        }
    }
    let live = reader.is_live();
    Ok(Some(FoldedAll { fold, live }))
}

/// A thread of the scope; `None` when the system gives none.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Option<ScopedJoinHandle<'scope, T>> {
    Builder::new()
        .name(name.to_owned())
        .spawn_scoped(scope, work)
        .ok()
}

/// What a thread made; `None` when it broke.
fn ended<T>(thread: ScopedJoinHandle<'_, T>) -> Option<T> {
    thread.join().ok()
}

/// Folds a part; `None` at the first difference, and when it cannot be folded.
fn follow(part: Part, batches: &Receiver<Batch>) -> Option<Fold> {
    let mut fold = Fold::of(part);
    for batch in batches {
        for frame in batch.frames() {
            if !fold.follow(frame) {
                fold.look_at(frame).ok()?.ok()?;
            }
        }
        batch.give_back();
    }
    (fold.nothing_missing().is_ok() && fold.cut().is_none()).then_some(fold)
}

/// Shows every frame to `beside`; false when it gave up.
fn each(batches: &Receiver<Batch>, beside: Beside<'_>) -> bool {
    batches.iter().all(|batch| {
        let went_on = batch.frames().all(|frame| beside(frame).is_ok());
        batch.give_back();
        went_on
    })
}
