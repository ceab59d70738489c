//! What leaves passes here: late, doubled, out of order, lost.

use super::kind::{answer_id, answer_kind, answer_status, request_id, request_kind};
use super::{Action, Match, Tamper, When};
use crate::model::{Answer, Request};
use crate::world::{Link, Out, World};

/// What one message is, for a script.
struct About {
    kind: &'static str,
    id: Option<i32>,
    client: Option<i32>,
    status: Option<String>,
}

impl About {
    /// About an order of a client's, whichever way it goes.
    fn is_of_orders(&self) -> bool {
        let of_order = || self.id.is_some_and(|id| (1..REQUESTS_FROM).contains(&id));
        match self.kind {
            "placeOrder" | "cancelOrder" | "globalCancel" | "openOrder" | "orderStatus"
            | "execDetails" | "commissionReport" | "completedOrder" => true,
            "error" => of_order(),
            _ => false,
        }
    }
}

/// Clients that tell orders and requests apart by their numbers number requests from here.
const REQUESTS_FROM: i32 = 1_500_000_000;

impl Match {
    fn fits(&self, about: &About) -> bool {
        let kind = match self.kind.as_str() {
            "any" => about.kind != "request",
            "orders" => about.is_of_orders(),
            own => own == about.kind,
        };
        kind && (self.id.is_none() || self.id == about.id)
            && (self.client.is_none() || self.client == about.client)
            && (self.status.is_none() || self.status == about.status)
    }
}

impl World {
    /// Hands over what leaves, after the script has had its way with it.
    pub(in crate::world) fn post(&mut self, out: &mut Vec<Out>) {
        // What a fault makes the broker say passes here, too.
        while !self.mail.is_empty() {
            let passed = core::mem::take(&mut self.script.passed);
            for (at, one) in core::mem::take(&mut self.mail).into_iter().enumerate() {
                if passed.contains(&at) {
                    out.push(one);
                } else {
                    self.post_one(one, out);
                }
            }
        }
    }

    /// Messages whose delay has passed take their place among those of now.
    pub(super) fn late(&mut self) {
        while let Some(entry) = self.script.late.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let one = entry.remove();
            self.script.passed.push(self.mail.len());
            self.mail.push(one);
        }
    }

    fn post_one(&mut self, one: Out, out: &mut Vec<Out>) {
        let Out::Say(link, answer) = one else {
            out.push(one);
            return;
        };
        if self.holds_back(&answer) {
            self.script.held.push_back(Out::Say(link, answer));
            return;
        }
        let about = About {
            kind: answer_kind(&answer),
            id: answer_id(&answer),
            client: self.sessions.client(link),
            status: answer_status(&answer),
        };
        match self.fault_on(&about) {
            Some(Action::Message(tamper)) => self.tamper(tamper, link, answer, out),
            Some(action) => {
                self.pass(link, answer, out);
                self.perform(&action, Some(link));
            }
            None => self.pass(link, answer, out),
        }
    }

    /// A message leaves now, or after the delay that all have; one of its kind that waited for it
    /// follows.
    fn pass(&mut self, link: Link, answer: Box<Answer>, out: &mut Vec<Out>) {
        let kind = answer_kind(&answer);
        let waits = |one: &Out| match one {
            Out::Say(to, other) => *to == link && answer_kind(other) == kind,
            _ => false,
        };
        let behind = self.script.swapped.iter().position(waits);
        let behind = behind.map(|at| self.script.swapped.remove(at));
        for one in [Some(Out::Say(link, answer)), behind].into_iter().flatten() {
            if self.script.slow.0 > 0 {
                let key = (self.now + self.script.slow, self.script.next());
                self.script.late.insert(key, one);
            } else {
                out.push(one);
            }
        }
    }

    fn tamper(&mut self, tamper: Tamper, link: Link, answer: Box<Answer>, out: &mut Vec<Out>) {
        match tamper {
            Tamper::Drop => {}
            Tamper::Delay(span) => {
                let key = (self.now.saturating_add(span), self.script.next());
                self.script.late.insert(key, Out::Say(link, answer));
            }
            Tamper::Duplicate(copies) => {
                for _ in 0..=copies {
                    self.pass(link, answer.clone(), out);
                }
            }
            Tamper::Swap => self.script.swapped.push(Out::Say(link, answer)),
            Tamper::Unset => {
                let mut answer = answer;
                if let Answer::Commission {
                    amount, realized, ..
                } = &mut *answer
                {
                    *amount = f64::MAX;
                    *realized = None;
                }
                self.pass(link, answer, out);
            }
        }
    }

    /// The fault that waits for such a message, if one does; it is counted down.
    fn fault_on(&mut self, about: &About) -> Option<Action> {
        for index in 0..self.script.faults.len() {
            let When::On(on) = &mut self.script.faults[index].when else {
                continue;
            };
            if on.after.as_deref().is_some_and(|kind| kind != about.kind) {
                continue;
            }
            on.after = None;
            if !on.fits(about) {
                continue;
            }
            if on.skip > 0 {
                on.skip -= 1;
                continue;
            }
            let chance = on.chance;
            if !self.script.draw(chance) {
                continue;
            }
            let fault = &mut self.script.faults[index];
            let action = fault.action.clone();
            if let When::On(on) = &mut fault.when {
                on.times -= 1;
                if on.times == 0 {
                    self.script.faults.remove(index);
                }
            }
            return Some(action);
        }
        None
    }

    /// A message has come; what the script has for it happens. False when it is lost.
    pub(in crate::world) fn script_request(&mut self, link: Link, request: &Request) -> bool {
        if self.script.faults.is_empty() {
            return true;
        }
        let about = About {
            kind: request_kind(request),
            id: request_id(request),
            client: self.sessions.client(link),
            status: None,
        };
        match self.fault_on(&about) {
            Some(Action::Message(Tamper::Drop)) => false,
            Some(action) => {
                self.perform(&action, Some(link));
                true
            }
            None => true,
        }
    }
}
