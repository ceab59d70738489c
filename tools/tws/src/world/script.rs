//! Faults on purpose: what a script does to messages, connections, orders and data.
//!
//! A script is a TOML document of `[[fault]]` tables, or one such table in a line:
//!
//! ```toml
//! seed = 7                     # of `chance`
//! [[fault]]
//! do = "delay"                 # what; the words are in `read.rs`
//! ms = 3000                    # its own settings
//! on = "orderStatus"           # at such a message that leaves …
//! status = "Filled"            # … with that status,
//! order = 5                    # about that order or request,
//! client = 7                   # for that client,
//! after = "placeOrder"         # none counted before such a message has passed,
//! nth = 2                      # the second one of them from now on,
//! times = 3                    # and then so many more, one after the other;
//! chance = 0.5                 # each with that probability
//! [[fault]]
//! do = "lost"
//! at = "30s"                   # or so long after the script came,
//! every = "60s"                # and again and again
//! ```
//!
//! In a line: `delay ms=3000 on=orderStatus status=Filled`. Without `on` and `at` it is done now.
//! `on = "placeOrder"` and the like stand for messages that come, `on = "orders"` for every message
//! about orders in either direction.
//!
//! What becomes of connections, all of them or the one of the message:
//!
//! | word | does |
//! |---|---|
//! | `reset` | the socket is closed at once; what waits is lost |
//! | `half_open` | what the client says is served, nothing is written any more |
//! | `black_hole` | nothing is read either; the client id stays taken |
//! | `hold` | likewise from the next message on, but nothing is lost, until `go` |
//! | `stall` | the next message is cut: its first bytes now, the rest after `ms` |
//!
//! `half_open` and `black_hole` end after `ms`, where it is given: the broker has noticed.
//!
//! `clear` forgets every fault that has not happened yet. `fill` makes the oldest attached order
//! that works trade, whatever its price.
//! `twin` makes the next change of an order leave the old one alive: the broker then has two, under
//! one number and one reference. `transfer` moves shares without any trade.

mod broker;
mod filter;
mod kind;
mod orders;
mod read;

pub use read::ScriptError;
pub(crate) use read::span_of;

use super::{Link, Out, World};
use std::collections::{BTreeMap, VecDeque};
use stream::{Nanos, hash};

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    Message(Tamper),
    /// The connection breaks; where that is to end, it is closed after that time.
    Link(Cut, Option<Nanos>),
    /// A connection that had broken is closed.
    LetGo(Link),
    Broker(Event),
    Order(Trick),
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tamper {
    Drop,
    Delay(Nanos),
    /// So many more of it.
    Duplicate(u32),
    /// It leaves behind the next one of its kind.
    Swap,
    /// A commission's amount is the largest double: unset.
    Unset,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The socket is closed with a reset where that can be had; what waits is lost.
    Reset,
    /// Nothing is read from it any more and nothing written, but it stays open.
    BlackHole,
    /// What the client says is read and served; nothing is written any more.
    HalfOpen,
    /// From the next message on nothing is read and nothing is written; nothing is lost.
    Hold,
    /// What was held goes on.
    Go,
    /// The next message leaves in two parts, the second one so much later.
    Stall(Nanos),
}

/// What happens at the broker.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// 1100.
    Lost,
    /// 1101, or 1102 where the streams are kept; true: what was said meanwhile is lost, too.
    Restored {
        kept: bool,
        forget: bool,
    },
    /// Any code about nothing in particular.
    Notice(i32),
    /// All connections end, and none begins for so long.
    Restart(Nanos),
    Permission(super::quotes::Permission),
    DepthReset,
    Silent(bool),
    Slow(Nanos),
    /// Whatever has not happened yet never will.
    Clear,
    RollBack {
        client: i32,
        to: i32,
    },
    Halt {
        symbol: String,
        halted: bool,
    },
    Short {
        symbol: String,
        shares: u64,
    },
    /// A dollar in the account's currency, in 1e-9; zero: it is not told.
    Rate(i64),
}

/// What happens to orders.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trick {
    /// The next order that is cancelled is told so, and fills after that time.
    FillAfterCancel(Nanos),
    /// The next new order fills in part; the rest is rejected.
    PartialThenReject,
    /// The next new order is rejected; true: the next attached one.
    Reject { child: bool },
    /// The order that protects and has worked longest fills, whatever its price.
    Fill,
    /// The next stop or target that fills does not end its sibling: both fill.
    Race,
    /// The next new order's time in force is rewritten.
    RewriteTif,
    /// The next change of an order makes a second one; the first one works on.
    Twin,
    /// The last execution is corrected by so much of its price, in 1e-9.
    Correct(i64),
    /// The last execution is cancelled.
    Bust,
    /// A trade that no client's order made: symbol, signed quantity.
    Trade(String, i64),
    /// Shares come or go without a trade: symbol, signed quantity.
    Transfer(String, i64),
    /// An order typed by hand: symbol, signed quantity, limit in 1e-9.
    Manual(String, i64, i64),
}

/// When it is done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum When {
    Now,
    /// After the script came; again after each such span.
    At(Nanos, Option<Nanos>),
    /// At messages that fit.
    On(Match),
}

/// Which messages.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Match {
    pub(super) kind: String,
    pub(super) id: Option<i32>,
    pub(super) client: Option<i32>,
    pub(super) status: Option<String>,
    /// None counts before such a message has passed.
    pub(super) after: Option<String>,
    /// How many that fit pass before.
    pub(super) skip: u32,
    /// How many are tampered with.
    pub(super) times: u32,
    /// In parts per million.
    pub(super) chance: u32,
}

/// A fault that waits for its time or its message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) action: Action,
    pub(super) when: When,
}

/// The script as it runs.
#[derive(Debug, Default)]
pub(super) struct Script {
    faults: Vec<Fault>,
    /// Due faults by time and arrival.
    timed: BTreeMap<(Nanos, u64), (Action, Option<Nanos>)>,
    /// Messages that were delayed.
    late: BTreeMap<(Nanos, u64), Out>,
    /// Which of the messages that leave next have had their fault already.
    passed: Vec<usize>,
    /// A message that waits for the next of its kind.
    swapped: Vec<Out>,
    /// Messages that came while the broker was lost.
    held: VecDeque<Out>,
    count: u64,
    seed: u64,
    draws: u64,
    slow: Nanos,
    pub(super) lost: bool,
    down_until: Nanos,
    tricks: Vec<Trick>,
    /// Orders that trade, or whose cancel leaves, at a time.
    pub(super) chores: BTreeMap<(Nanos, u64), usize>,
}

impl Script {
    pub(super) fn due(&self) -> Nanos {
        let first = |time: Option<&(Nanos, u64)>| time.map_or(Nanos::MAX, |(due, _)| *due);
        first(self.timed.keys().next())
            .min(first(self.late.keys().next()))
            .min(first(self.chores.keys().next()))
    }

    /// A number that orders what falls due at one time.
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// True with that probability.
    fn draw(&mut self, chance: u32) -> bool {
        self.draws += 1;
        let random = hash::join(self.seed, self.draws) % 1_000_000;
        random < u64::from(chance)
    }

    /// Takes the first trick that fits.
    pub(super) fn take(&mut self, fits: impl Fn(&Trick) -> bool) -> Option<Trick> {
        let at = self.tricks.iter().position(fits)?;
        Some(self.tricks.remove(at))
    }

    /// Faults that have not happened yet; one that comes again and again never has.
    pub(super) fn waiting(&self) -> usize {
        self.faults.len() + self.timed.len() + self.tricks.len() + self.chores.len()
    }

    /// Forgets what has not happened yet. What is late already still comes, and a connection that
    /// is broken for a time is let go in its time.
    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.timed
            .retain(|_, (action, _)| matches!(action, Action::LetGo(_)));
        self.tricks.clear();
    }

    /// True while new connections are turned away.
    pub(super) fn is_down(&self, now: Nanos) -> bool {
        now < self.down_until
    }
}

impl World {
    /// Takes a script: a TOML document, or one fault in a line. It adds to what is there.
    ///
    /// # Errors
    /// What cannot be read, with its place and what was expected; nothing of it is taken then.
    pub fn script(&mut self, text: &str) -> Result<(), ScriptError> {
        let (seed, faults) = read::read(text)?;
        if let Some(seed) = seed {
            self.script.seed = seed;
        }
        for fault in faults {
            match fault.when {
                When::Now => self.perform(&fault.action, None),
                When::At(after, every) => {
                    let key = (self.now.saturating_add(after), self.script.next());
                    self.script.timed.insert(key, (fault.action, every));
                }
                When::On(_) => self.script.faults.push(fault),
            }
        }
        Ok(())
    }

    /// Does what the script has for this time.
    pub(super) fn play(&mut self) {
        self.late();
        while let Some(entry) = self.script.timed.first_entry() {
            let (due, _) = *entry.key();
            if due > self.now {
                break;
            }
            let (action, every) = entry.remove();
            self.perform(&action, None);
            if let Some(every) = every {
                let key = (due.saturating_add(every), self.script.next());
                self.script.timed.insert(key, (action, Some(every)));
            }
        }
        while let Some(entry) = self.script.chores.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let index = entry.remove();
            self.fill_anyway(index);
        }
    }
}
