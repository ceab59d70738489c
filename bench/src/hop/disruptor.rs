//! The Disruptor in Rust, with a thread of its own for the reader, as its page recommends.

use super::rings::BATCH;
use super::task::{Hears, Message, Outcome, Sends, Task, line, message};
use disruptor::{
    BusySpinWithSpinLoopHint, ProcessorSettings, Producer, SingleProducer, build_single_producer,
};
use std::sync::mpsc;
use stream::Line;

/// One message published at a time.
pub(super) fn single(task: &Task<'_>) -> Outcome {
    run(task, |out| {
        task.send(&mut Single(out));
    })
}

/// 64 messages published at once.
pub(super) fn batches(task: &Task<'_>) -> Outcome {
    run(task, |out| {
        let kept = Vec::with_capacity(BATCH);
        task.send(&mut Batches { out, kept });
    })
}

type Out = SingleProducer<Line, disruptor::SingleConsumerBarrier>;

fn run(task: &Task<'_>, send: impl FnOnce(Out) + Send) -> Outcome {
    let (done, result) = mpsc::channel();
    let mut sink = Some(task.sink());
    let handler = move |event: &Line, _: disruptor::Sequence, _: bool| {
        let Some(own) = &mut sink else { return };
        own.take(message(event));
        if own.is_done()
            && let Some(own) = sink.take()
        {
            // Nobody waits for it only when the run has been given up.
            let _ = done.send(Box::new(own));
        }
    };
    let builder = build_single_producer(task.slots, || Line::ZERO, BusySpinWithSpinLoopHint);
    let builder = match task.cores.two[1] {
        Some(core) => builder.pin_at_core(core),
        None => builder,
    };
    let out = builder.handle_events_with(handler).build();
    std::thread::scope(|scope| {
        scope.spawn(move || send(out));
        task.meet();
    });
    match result.recv() {
        Ok(sink) => task.outcome(*sink),
        Err(_) => unreachable!("the sending end ends after its reader has taken everything"),
    }
}

struct Single(Out);

impl Sends for Single {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        self.0.publish(|event| *event = line(message));
    }
}

struct Batches {
    out: Out,
    kept: Vec<Line>,
}

impl Sends for Batches {
    #[inline(always)]
    fn send(&mut self, message: Message) {
        self.kept.push(line(message));
        if self.kept.len() == BATCH {
            self.flush();
        }
    }

    #[inline]
    fn flush(&mut self) {
        let kept = &self.kept;
        self.out.batch_publish(kept.len(), |events| {
            for (event, line) in events.zip(kept) {
                *event = *line;
            }
        });
        self.kept.clear();
    }
}
