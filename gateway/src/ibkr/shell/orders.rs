//! The stream of order updates: heard as it comes, told at once.

use super::{Clock, Common, MOST};
use crate::ibkr::broker::{NoAnswer, Notice, Update};
use crate::ibkr::policy::{Bound, policy};
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

    /// What people should know of an order, told once.
    fn alert(&self, notice: &Notice) {
        let row = policy(notice.code, Bound::Order);
        if row.alert {
            let (code, text, what) = (notice.code, &notice.text, row.what);
            (self.common.tell)(&format!("{code}: {text} ({what})"));
        }
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
                Ok(Some(Update::Unread(unread))) => {
                    let tell = &self.common.tell;
                    self.common.lock().unread(&[*unread], tell);
                    self.common.rouse_writer();
                }
                Ok(Some(update)) => {
                    if let Update::Notice(notice) = &update {
                        self.alert(notice);
                    }
                    let now = (self.clock)();
                    let inner = &mut *self.common.lock();
                    inner.with_desk(|desk, say| desk.update(now, &update, say));
                    self.common.rouse_writer();
                }
                Ok(None) => {}
                Err(NoAnswer::Lost) => std::thread::sleep(MOST),
                Err(why) => {
                    (self.common.tell)(&format!("the stream of orders: {why}"));
                    std::thread::sleep(MOST);
                }
            }
            // The control thread may be waiting for an answer, for seconds.
            self.common
                .notices_if_free(broker.as_ref(), &mut self.clock);
        }
    }
}
