//! The broker's own profit, as it keeps telling it: of the account, and of each position that was
//! held since the connection was made.

use super::{Clock, Common};
use crate::ibkr::broker::{Answer, Broker, Gauge, NoAnswer};
use crate::ibkr::budget::Class;
use crate::ibkr::profit::{PositionProfit, Profit, Seen};
use core::time::Duration;
use std::collections::BTreeMap;
use stream::{InstrumentId, Nanos};

/// How long the first word of a new subscription is waited for, in looks, and between them.
const LOOKS: u32 = 400;
const BETWEEN: Duration = Duration::from_millis(5);

/// One subscription, and the newest that it told; `None` once it has ended.
struct Kept<T> {
    gauge: Option<Box<dyn Gauge<T>>>,
    newest: Option<T>,
    /// Its first word was waited for once: a broker that does not tell it costs no second wait.
    waited: bool,
}

impl<T: Copy> Kept<T> {
    fn new(asked: Answer<Box<dyn Gauge<T>>>) -> Self {
        Self {
            gauge: asked.ok(),
            newest: None,
            waited: false,
        }
    }

    fn look(&mut self) {
        if let Some(gauge) = &mut self.gauge {
            match gauge.newest() {
                Ok(news) => self.newest = news.or(self.newest),
                Err(_) => (self.gauge, self.newest) = (None, None),
            }
        }
    }

    const fn waits(&self) -> bool {
        self.gauge.is_some() && self.newest.is_none() && !self.waited
    }
}

/// All of them, for one connection.
#[derive(Default)]
pub(super) struct Gauges {
    total: Option<Kept<Profit>>,
    positions: BTreeMap<InstrumentId, Kept<PositionProfit>>,
}

impl Gauges {
    /// Subscribes to what is missing, within the budget, and reads what came; `None` where the
    /// broker tells no profit.
    pub(super) fn read(
        &mut self,
        (common, clock): (&Common, &mut Clock),
        broker: &dyn Broker,
        held: &[InstrumentId],
    ) -> Answer<Option<Seen>> {
        let mut room = || {
            let taken = common.take(clock, Class::State);
            taken.then_some(()).ok_or(NoAnswer::Lost)
        };
        if self.total.is_none() {
            room()?;
            self.total = Some(Kept::new(broker.profit()));
        }
        for id in held {
            if !self.positions.contains_key(id) {
                room()?;
                let kept = Kept::new(broker.profit_of(*id));
                self.positions.insert(*id, kept);
            }
        }
        for _ in 0..LOOKS {
            self.look();
            let waits = self.total.as_ref().is_some_and(Kept::waits)
                || self.positions.values().any(Kept::waits);
            if !waits || common.is_stopping() {
                break;
            }
            std::thread::sleep(BETWEEN);
        }
        if let Some(total) = &mut self.total {
            total.waited = true;
        }
        for position in self.positions.values_mut() {
            position.waited = true;
        }
        Ok(self.seen(clock()))
    }

    fn look(&mut self) {
        if let Some(total) = &mut self.total {
            total.look();
        }
        self.positions.values_mut().for_each(Kept::look);
    }

    fn seen(&self, at: Nanos) -> Option<Seen> {
        let total = self.total.as_ref()?.newest?;
        let told = |(id, kept): (&InstrumentId, &Kept<PositionProfit>)| Some((*id, kept.newest?));
        Some(Seen {
            at,
            total,
            positions: self.positions.iter().filter_map(told).collect(),
        })
    }
}
