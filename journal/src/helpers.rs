//! Where the two helpers run: inside the writer, or on threads of their own.

use crate::prepare::Preparer;
use crate::shared::Shared;
use crate::sync::Syncer;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long the preparing helper rests when nothing is due.
const PREPARE_REST: Duration = Duration::from_micros(500);

/// The helpers of a writer.
#[derive(Debug)]
pub(crate) enum Helpers {
    /// The writer runs them.
    Inline(Box<(Preparer, Syncer)>),
    /// They run by themselves, each on its own thread, so that a slow sync delays no segment.
    Threads(JoinHandle<Preparer>, JoinHandle<Syncer>),
    /// They have been taken back.
    Gone,
}

impl Helpers {
    /// Gives them threads, unless they have some.
    pub(crate) fn spawn(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        let helpers = std::mem::replace(self, Self::Gone);
        let Self::Inline(helpers) = helpers else {
            *self = helpers;
            return Ok(());
        };
        let (preparer, syncer) = *helpers;
        let preparing = spawn("journal-prepare", shared, preparer, |helper| {
            (helper.turn(), PREPARE_REST)
        })?;
        let syncing = spawn("journal-sync", shared, syncer, |helper| {
            (helper.turn(), helper.rest())
        });
        match syncing {
            Ok(syncing) => {
                *self = Self::Threads(preparing, syncing);
                Ok(())
            }
            Err(error) => {
                shared.stop();
                // The first error is the one to tell.
                let _ = preparing.join();
                Err(error)
            }
        }
    }

    /// Ends their threads and takes them back.
    pub(crate) fn stop(&mut self, shared: &Shared) -> io::Result<(Preparer, Syncer)> {
        let lost = || io::Error::other("a helper thread ended early");
        match std::mem::replace(self, Self::Gone) {
            Self::Inline(helpers) => Ok(*helpers),
            Self::Threads(preparing, syncing) => {
                shared.stop();
                let (preparer, syncer) = (preparing.join(), syncing.join());
                Ok((preparer.map_err(|_| lost())?, syncer.map_err(|_| lost())?))
            }
            Self::Gone => Err(lost()),
        }
    }
}

/// Runs a helper on a thread of its own until it is told to stop, and gives it back.
fn spawn<H: Send + 'static>(
    name: &str,
    shared: &Arc<Shared>,
    mut helper: H,
    turn: fn(&mut H) -> (bool, Duration),
) -> io::Result<JoinHandle<H>> {
    let state = shared.clone();
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            while !state.is_stopped() {
                let (busy, rest) = turn(&mut helper);
                if !busy {
                    std::thread::park_timeout(rest);
                }
            }
            helper
        })?;
    shared.enlist(thread.thread().clone());
    Ok(thread)
}
