//! The stream of order updates: heard as it comes, told at once.

use super::{Clock, Common, MOST};
use crate::ibkr::broker::{NoAnswer, Update};
use core::sync::atomic::Ordering;
use std::sync::Arc;

pub(super) struct Orders {
    common: Arc<Common>,
    clock: Clock,
}

impl Orders {
    pub(super) const fn new(common: Arc<Common>, clock: Clock) -> Self {
        Self { common, clock }
    }

    pub(super) fn run(mut self) {
        while !self.common.is_stopping() {
            let Some(broker) = self.common.broker() else {
                std::thread::sleep(MOST);
                continue;
            };
            match broker.next_update(MOST) {
                Ok(Some(Update::Unusable(what))) => {
                    (self.common.tell)(&format!("a message about orders cannot be used: {what}"));
                    self.common.look.store(true, Ordering::Release);
                }
                Ok(Some(update)) => {
                    let now = (self.clock)();
                    let inner = &mut *self.common.lock();
                    inner.with_desk(|desk, say| desk.update(now, &update, say));
                }
                Ok(None) => {}
                Err(NoAnswer::Lost) => std::thread::sleep(MOST),
                Err(why) => {
                    (self.common.tell)(&format!("the stream of orders: {why}"));
                    std::thread::sleep(MOST);
                }
            }
        }
    }
}
