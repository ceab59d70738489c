//! Queues and channels of many writers or readers, used by one of each, never blocking.

use super::task::{Hears, Message, Outcome, Receives, Sends, Task, line, message};
use std::hint::spin_loop;
use std::sync::{Arc, mpsc};
use stream::Line;

/// An end that is a closure: tries to hand over a line, and gives it back when there is no room.
struct Tries<F>(F);

impl<F: FnMut(Line) -> Result<(), Line> + Send> Sends for Tries<F> {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        let mut line = line(message);
        while let Err(back) = (self.0)(line) {
            line = back;
            spin_loop();
        }
    }
}

/// An end that is a closure: a line when there is one.
struct Takes<F>(F);

impl<F: FnMut() -> Option<Line> + Send> Receives for Takes<F> {
    #[inline]
    fn receive(&mut self, to: &mut impl Hears) {
        if let Some(line) = (self.0)() {
            to.take(message(&line));
        }
    }
}

/// crossbeam's bounded queue.
pub(super) fn array_queue(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let queue = Arc::new(crossbeam::queue::ArrayQueue::new(task.slots));
        let input = Arc::clone(&queue);
        (
            Tries(move |line| queue.push(line)),
            Takes(move || input.pop()),
        )
    })
}

/// crossbeam's bounded channel.
pub(super) fn crossbeam_channel(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = crossbeam::channel::bounded(task.slots);
        (
            Tries(move |line| out.try_send(line).map_err(|full| full.into_inner())),
            Takes(move || input.try_recv().ok()),
        )
    })
}

/// The standard library's bounded channel.
pub(super) fn std_channel(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = mpsc::sync_channel(task.slots);
        (
            Tries(move |line| match out.try_send(line) {
                Ok(()) => Ok(()),
                Err(mpsc::TrySendError::Full(line) | mpsc::TrySendError::Disconnected(line)) => {
                    Err(line)
                }
            }),
            Takes(move || input.try_recv().ok()),
        )
    })
}

/// kanal's bounded channel.
pub(super) fn kanal(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = kanal::bounded(task.slots);
        (
            Tries(move |line| {
                let mut kept = Some(line);
                match out.try_send_option(&mut kept) {
                    Ok(true) => Ok(()),
                    Ok(false) | Err(_) => kept.map_or(Ok(()), Err),
                }
            }),
            Takes(move || input.try_recv().ok().flatten()),
        )
    })
}

/// flume's bounded channel.
pub(super) fn flume(task: &Task<'_>) -> Outcome {
    task.between(|| {
        let (out, input) = flume::bounded(task.slots);
        (
            Tries(move |line| out.try_send(line).map_err(flume::TrySendError::into_inner)),
            Takes(move || input.try_recv().ok()),
        )
    })
}
