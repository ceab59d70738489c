//! The writer: commands to the socket, exits before entries, within the budget.
//!
//! Each command is answered with one `Sent`. Nothing is handed over while the link takes no orders:
//! a command that places or modifies is returned at once as not sent, so that risk can decide anew.
//! This lasts until executions have been read again, because the command may have been made without
//! knowing them. Cancels wait: those of exits likewise until then, because a stop must not end
//! before what closes the position in its place may leave; others for the link alone, because they
//! are right whenever they arrive.

use super::{Clock, Common, Idle, MOST, Meter, Passed};
use crate::ibkr::broker::Handed;
use crate::ibkr::budget::Class;
use crate::ibkr::desk::CannotLeave;
use core::time::Duration;
use rtrb::Consumer;
use std::collections::VecDeque;
use std::sync::Arc;
use stream::payload::{CommandOp, LegRole};
use stream::{FrameId, Nanos};

/// The codes that say why a command was not sent.
const NOT_CONNECTED: i32 = 504;
const NO_ORDER: i32 = 135;
const OVER: i32 = 161;
const NO_NUMBER: i32 = 103;

/// How long a writer that was woken looks for a command, where lanes spin: what they take for news.
/// A lane that finds it asleep has to wake it across cores, which takes longer.
const LOOK: Nanos = Nanos(15_000);

/// A child that follows its entry has room in the budget already.
const BRACKET: usize = 3;

pub(super) struct Writer {
    common: Arc<Common>,
    commands: Consumer<Passed>,
    clock: Clock,
    meter: Meter,
    exits: VecDeque<Passed>,
    entries: VecDeque<Passed>,
    /// The entry whose children have their room, and how much of it is left.
    prepaid: (FrameId, usize),
}

/// What came of looking at a queue's first command.
enum Turn {
    Done,
    /// No room before then.
    Later(Nanos),
    /// The link takes none, and the command waits for it.
    Held,
}

impl Writer {
    pub(super) fn new(
        common: Arc<Common>,
        commands: Consumer<Passed>,
        clock: Clock,
        meter: Meter,
    ) -> Self {
        Self {
            common,
            commands,
            clock,
            meter,
            exits: VecDeque::new(),
            entries: VecDeque::new(),
            prepaid: (FrameId::NONE, 0),
        }
    }

    pub(super) fn run(mut self) {
        loop {
            let stopping = self.common.is_stopping();
            self.sort();
            let wait = self.turn();
            if self.exits.is_empty() && self.entries.is_empty() && self.commands.is_empty() {
                if stopping || self.commands.is_abandoned() {
                    return;
                }
                match self.common.config.idle {
                    Idle::Poll => std::thread::yield_now(),
                    // The gate wakes us when it passes a command, and so does news.
                    Idle::Park => std::thread::park_timeout(MOST),
                    Idle::Look => {
                        std::thread::park_timeout(MOST);
                        self.look();
                    }
                }
            } else if let Some(wait) = wait {
                if stopping {
                    return self.give_up();
                }
                std::thread::park_timeout(wait);
            }
        }
    }

    fn look(&mut self) {
        let span = LOOK.0 * self.common.config.speed_milli / 1_000;
        let until = (self.clock)().saturating_add(Nanos(span));
        while self.commands.is_empty() && (self.clock)() < until {
            core::hint::spin_loop();
        }
    }

    /// Puts what has come into its queue: an entry with its children, everything else as an exit.
    fn sort(&mut self) {
        while let Ok(passed) = self.commands.pop() {
            let command = &passed.command;
            let inner = &mut *self.common.lock();
            inner.desk.commanded(passed.id, passed.instrument, command);
            let parent = command.parent_leg;
            let behind = self
                .entries
                .iter()
                .any(|waiting| waiting.command.leg == parent || waiting.command.leg == command.leg);
            let follows = self.prepaid.0 == parent && self.prepaid.1 > 0;
            let of_entry = command.role == LegRole::Entry || follows;
            let adds = command.op == CommandOp::Place && of_entry;
            if adds || behind {
                self.entries.push_back(passed);
            } else {
                self.exits.push_back(passed);
            }
        }
    }

    /// Hands over what can be; how long to wait where something is left.
    fn turn(&mut self) -> Option<Duration> {
        let mut held = 0;
        loop {
            self.sort();
            let from_exits = self.exits.len() > held;
            let next = if from_exits {
                self.exits.get(held).copied()
            } else {
                self.entries.front().copied()
            };
            let passed = next?;
            let class = if from_exits {
                Class::Exit
            } else {
                Class::Entry
            };
            match self.hand(&passed, class) {
                Turn::Done if from_exits => drop(self.exits.remove(held)),
                Turn::Done => drop(self.entries.pop_front()),
                Turn::Held if from_exits => held += 1,
                // What it cancels went before it: it holds up no cancel of another entry.
                Turn::Held => self.exits.extend(self.entries.pop_front()),
                Turn::Later(at) => {
                    let wait = at.saturating_sub((self.clock)());
                    return Some(self.common.wall(wait).min(MOST));
                }
            }
            if held > 0 && held == self.exits.len() && self.entries.is_empty() {
                return Some(MOST);
            }
        }
    }

    fn hand(&mut self, passed: &Passed, class: Class) -> Turn {
        let common = Arc::clone(&self.common);
        let Some(broker) = common.broker().filter(|_| self.is_taken(passed)) else {
            if passed.command.op == CommandOp::Cancel {
                return Turn::Held;
            }
            let code = common.lock().link.state((self.clock)()).1;
            let code = if code == 0 { NOT_CONNECTED } else { code };
            self.answer(passed, Handed::No, code);
            return Turn::Done;
        };
        if common.config.observe {
            self.answer(passed, Handed::No, 0);
            return Turn::Done;
        }
        if let Err(at) = self.pay(passed, class) {
            return Turn::Later(at);
        }
        let command = &passed.command;
        let called;
        let (handed, code) = if command.op == CommandOp::Cancel {
            let asked = common.lock().desk.cancel(command.leg);
            called = (self.clock)();
            asked.map_or_else(no, |order_id| (broker.cancel(order_id), 0))
        } else {
            let asked = common.lock().desk.wish(command);
            called = (self.clock)();
            asked.map_or_else(no, |wish| (broker.submit(&wish), 0))
        };
        if handed == Handed::Yes {
            (self.meter)(passed, called, (self.clock)());
        }
        self.answer(passed, handed, code);
        Turn::Done
    }

    fn is_taken(&self, passed: &Passed) -> bool {
        let command = &passed.command;
        self.common.lock().link.takes(command.op, command.role)
    }

    /// Room in the budget: an entry takes that of its children with it, so that none of them is
    /// left behind.
    fn pay(&mut self, passed: &Passed, class: Class) -> Result<(), Nanos> {
        let command = &passed.command;
        if class == Class::Entry && self.prepaid.0 == command.parent_leg && self.prepaid.1 > 0 {
            self.prepaid.1 -= 1;
            return Ok(());
        }
        let now = (self.clock)();
        let whole = class == Class::Entry && command.role == LegRole::Entry;
        let count = if whole { BRACKET } else { 1 };
        self.common.lock().budget.take_all(now, class, count)?;
        if whole {
            self.prepaid = (command.leg, BRACKET - 1);
        }
        Ok(())
    }

    fn answer(&self, passed: &Passed, handed: Handed, code: i32) {
        let inner = &mut *self.common.lock();
        inner.with_desk(|desk, say| {
            say.push(desk.handed(passed.id, passed.instrument, &passed.command, handed, code));
        });
    }

    /// The run ends: what is left was not sent.
    fn give_up(&mut self) {
        let left: Vec<Passed> = self.exits.drain(..).chain(self.entries.drain(..)).collect();
        for passed in left {
            self.answer(&passed, Handed::No, NOT_CONNECTED);
        }
    }
}

const fn no(why: CannotLeave) -> (Handed, i32) {
    let code = match why {
        CannotLeave::NoOrder => NO_ORDER,
        CannotLeave::Over => OVER,
        CannotLeave::NoNumber => NO_NUMBER,
    };
    (Handed::No, code)
}
