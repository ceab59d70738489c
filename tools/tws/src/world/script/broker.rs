//! Faults of the broker itself: its link to the exchanges, its farms, its data.

use super::{Action, Cut, Event};
use crate::model::Answer;
use crate::world::{Link, Out, World};
use stream::payload::{Halt, HaltState};
use stream::{InstrumentId, Nanos};

impl World {
    /// Does what a fault says; `link` is the connection whose message it waited for.
    pub(super) fn perform(&mut self, action: &Action, link: Option<Link>) {
        match action {
            Action::Message(_) => {}
            Action::Link(cut, ends) => {
                let all = link.map_or_else(|| self.sessions.links(), |link| vec![link]);
                for link in all {
                    self.mail.push(Out::Cut(link, *cut));
                    if let Some(after) = ends {
                        let key = (self.now.saturating_add(*after), self.script.next());
                        self.script.timed.insert(key, (Action::LetGo(link), None));
                    }
                }
            }
            Action::LetGo(link) => self.mail.push(Out::Cut(*link, Cut::Reset)),
            Action::Broker(event) => self.perform_event(event),
            Action::Order(trick) => self.perform_trick(trick),
        }
    }

    fn perform_event(&mut self, event: &Event) {
        match event {
            Event::Lost => {
                self.tell_all(1_100);
                self.script.lost = true;
                self.quotes.silent = true;
            }
            Event::Restored { kept, forget } => self.restore(*kept, *forget),
            Event::Notice(code) => self.tell_all(*code),
            Event::Restart(span) => self.restart(*span),
            Event::Permission(permission) => self.set_permission(*permission),
            Event::DepthReset => self.reset_depth(),
            Event::Silent(silent) => self.quotes.silent = *silent,
            Event::Clear => self.script.clear(),
            Event::Slow(span) => self.script.slow = *span,
            Event::RollBack { client, to } => self.sessions.roll_back(*client, *to),
            Event::Halt { symbol, halted } => self.halt(symbol, *halted),
            Event::Short { symbol, shares } => self.borrow(symbol, *shares),
            Event::Rate(rate) => {
                self.base.set_rate(*rate);
                self.tell_values();
            }
        }
    }

    /// News about nothing in particular, to every client.
    fn tell_all(&mut self, code: i32) {
        for link in self.sessions.links() {
            self.complain(link, -1, code, notice(code));
        }
    }

    /// Who connects while the link is down is told so, and that it is restored by itself.
    pub(in crate::world) fn tells_that_it_is_lost(&mut self, link: Link) -> bool {
        if self.script.lost {
            self.complain(link, -1, 2_110, notice(2_110));
        }
        self.script.lost
    }

    /// While the link is down, nothing is told that comes from the exchange.
    pub(super) fn holds_back(&self, answer: &Answer) -> bool {
        self.script.lost
            && matches!(
                answer,
                Answer::OpenOrder(_)
                    | Answer::OrderStatus(_)
                    | Answer::Execution(-1, ..)
                    | Answer::Commission { .. }
                    | Answer::Position(..)
                    | Answer::PortfolioValue(_)
            )
    }

    /// The link is up again: what was held back follows, or is lost for good. With 1101 all
    /// streams of data are gone.
    fn restore(&mut self, kept: bool, forget: bool) {
        self.script.lost = false;
        self.quotes.silent = false;
        self.tell_all(if kept { 1_102 } else { 1_101 });
        if !kept {
            for link in self.sessions.links() {
                self.quotes.leave(link);
                self.depths.leave(link);
                self.ticks.leave(link);
                self.real_time.leave(link);
            }
        }
        let held = core::mem::take(&mut self.script.held);
        if !forget {
            self.mail.extend(held);
        }
        let instruments = self.catalog.items().len() as u16;
        for id in 1..=instruments {
            self.show_depth(InstrumentId(id));
        }
    }

    /// The nightly restart: all connections end, and none begins before it is over.
    fn restart(&mut self, span: Nanos) {
        self.tell_all(1_100);
        for link in self.sessions.links() {
            self.mail.push(Out::Close(link));
        }
        self.script.lost = false;
        self.script.held.clear();
        self.quotes.silent = false;
        self.script.down_until = self.now.saturating_add(span);
    }

    fn halt(&mut self, symbol: &str, halted: bool) {
        let Some(id) = self.catalog.by_symbol(symbol).map(|item| item.id) else {
            return;
        };
        let state = if halted {
            HaltState::Halted
        } else {
            HaltState::Trading
        };
        let halt = Halt {
            state,
            ..Halt::zeroed()
        };
        self.exchange.input(id, &halt);
    }

    /// So many shares can be borrowed from now on; none: short sales are refused.
    fn borrow(&mut self, symbol: &str, shares: u64) {
        let Some(id) = self.catalog.by_symbol(symbol).map(|item| item.id) else {
            return;
        };
        self.records[id.index() - 1].short = shares;
        self.catalog.set_shortable(id, shares > 0);
        let definition = self.catalog.item(id).definition;
        self.exchange.define(id, &definition);
    }
}

/// What the broker says with a code.
const fn notice(code: i32) -> &'static str {
    match code {
        1_100 => "Connectivity between IBKR and Trader Workstation has been lost.",
        1_101 => "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
        1_102 => {
            "Connectivity between IBKR and Trader Workstation has been restored - data \
             maintained. All data farms are connected."
        }
        1_300 => "TWS socket port has been reset and this connection is being dropped.",
        2_103 => "Market data farm connection is broken:usfarm",
        2_104 => "Market data farm connection is OK:usfarm",
        2_105 => "HMDS data farm connection is broken:ushmds",
        2_106 => "HMDS data farm connection is OK:ushmds",
        2_107 => "HMDS data farm connection is inactive but should be available upon demand.",
        2_108 => "Market data farm connection is inactive but should be available upon demand.",
        2_110 => {
            "Connectivity between TWS and server is broken. It will be restored automatically."
        }
        2_119 => "Market data farm is connecting:usfarm",
        2_157 => "Sec-def data farm connection is broken:secdefnj",
        2_158 => "Sec-def data farm connection is OK:secdefnj",
        _ => "A message of the paper server's script",
    }
}
