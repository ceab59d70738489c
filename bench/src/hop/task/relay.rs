//! Two hops: a message goes to the other thread and comes back through a second ring.

use super::{DUE, Hears, LAST, Load, Message, Outcome, Receives, Sends, Task};
use std::hint::spin_loop;

/// Puts what it hears into the ring back.
struct Relay<'a, S> {
    back: &'a mut S,
    ended: bool,
}

impl<S: Sends> Hears for Relay<'_, S> {
    #[inline]
    fn take(&mut self, message: &Message) {
        self.back.send(*message);
        self.ended |= message[DUE] == LAST;
    }
}

/// One message at a time, each when it is due; latency is until it is back.
///
/// # Panics
/// When the load is a saturated one: both rings would fill, with nobody to empty them.
pub(super) fn there_and_back<S: Sends, R: Receives>(
    task: &Task<'_>,
    (mut there, mut there_in): (S, R),
    (mut back, mut back_in): (S, R),
) -> Outcome {
    let Load::Paced { every, count } = task.load else {
        panic!("only paced messages go there and back");
    };
    let sink = std::thread::scope(|scope| {
        scope.spawn(move || {
            task.cores.pin(1);
            task.meet();
            let mut ended = false;
            while !ended {
                let back = &mut back;
                let mut relay = Relay { back, ended };
                there_in.receive(&mut relay);
                ended = relay.ended;
                back.flush();
                spin_loop();
            }
        });
        let sender = scope.spawn(move || {
            task.cores.pin(0);
            let mut sink = task.sink();
            task.meet();
            task.pace(every, count.max(1), |message| {
                there.send(message);
                there.flush();
                while sink.next <= message[0] && !sink.is_done() {
                    back_in.receive(&mut sink);
                    spin_loop();
                }
            });
            sink
        });
        sender.join()
    });
    match sink {
        Ok(sink) => task.outcome(sink),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
