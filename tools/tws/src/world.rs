//! The broker behind the wire: sessions, market data, orders. It knows no socket and no clock.
//!
//! Time is what the caller says: every call names it, and it never runs backwards. What is due by
//! then happens first, in its own order and at its own times; then the request is served. So the
//! same requests at the same times bring the same answers, however often the world is woken.
//!
//! Deliberately absent: bytes and versions of the protocol (the codecs' business), sockets and
//! threads (the server's).

mod session;

use crate::model::{Answer, Problem, Request};
use session::Sessions;
use stream::Nanos;

/// A connection's number, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(pub u64);

/// What leaves the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    /// A message for a connection.
    Say(Link, Box<Answer>),
    /// The connection is closed behind what was said before.
    Close(Link),
}

/// The broker.
#[derive(Debug)]
pub struct World {
    account: String,
    now: Nanos,
    sessions: Sessions,
    /// What leaves at the end of this call.
    mail: Vec<Out>,
}

impl World {
    /// A broker with one account and without a market.
    #[must_use]
    pub fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            now: Nanos::ZERO,
            sessions: Sessions::default(),
            mail: Vec::new(),
        }
    }

    /// A client has finished its handshake.
    pub fn join(&mut self, link: Link) {
        self.sessions.join(link);
    }

    /// A connection is gone. Its orders work on.
    pub fn leave(&mut self, link: Link) {
        self.sessions.leave(link);
    }

    /// When there is next something to do of the world's own accord.
    #[must_use]
    pub const fn due(&self) -> Option<Nanos> {
        None
    }

    /// Does what is due until `now`.
    pub fn advance(&mut self, now: Nanos, out: &mut Vec<Out>) {
        self.reach(now);
        out.append(&mut self.mail);
    }

    /// A client asks, at `now`.
    pub fn request(&mut self, now: Nanos, link: Link, request: Request, out: &mut Vec<Out>) {
        self.reach(now);
        self.serve(link, request);
        out.append(&mut self.mail);
    }

    /// Time goes on to `now`.
    fn reach(&mut self, now: Nanos) {
        self.now = self.now.max(now);
    }

    fn serve(&mut self, link: Link, request: Request) {
        if let Request::StartApi { client_id, .. } = request {
            self.start(link, client_id);
            return;
        }
        // Nothing is answered before the session has begun.
        let Some(client) = self.sessions.client(link) else {
            return;
        };
        match request {
            Request::Ids => {
                let next = self.sessions.next_order_id(client);
                self.say(link, Answer::NextValidId(next));
            }
            Request::ManagedAccounts => {
                self.say(link, Answer::ManagedAccounts(self.account.clone()));
            }
            Request::CurrentTime => {
                let seconds = (self.now.0 / Nanos::SECOND.0) as i64;
                self.say(link, Answer::CurrentTime(seconds));
            }
            Request::CurrentTimeMillis => {
                self.say(link, Answer::CurrentTimeMillis(millis(self.now)));
            }
            Request::UserInfo(req) => self.say(link, Answer::UserInfo(req, String::new())),
            Request::PlaceOrder { order_id, .. } => self.sessions.raise_floor(client, order_id),
            Request::OpenOrders | Request::AllOpenOrders => self.say(link, Answer::OpenOrderEnd),
            Request::AutoOpenOrders(_) if client != 0 => {
                let text = "Only the default client (i.e 0) can auto bind orders";
                self.complain(link, -1, 327, text);
            }
            Request::CompletedOrders(_) => self.say(link, Answer::CompletedOrderEnd),
            Request::Executions(req, _) => self.say(link, Answer::ExecutionEnd(req)),
            Request::Positions => self.say(link, Answer::PositionEnd),
            Request::PositionsMulti(req, ..) => self.say(link, Answer::PositionMultiEnd(req)),
            Request::AccountSummary { req, .. } => self.say(link, Answer::AccountSummaryEnd(req)),
            Request::AccountUpdates {
                subscribe: true, ..
            } => self.say(link, Answer::AccountEnd(self.account.clone())),
            Request::AccountUpdatesMulti(req, ..) => {
                self.say(link, Answer::AccountUpdateMultiEnd(req));
            }
            _ => {}
        }
    }

    fn say(&mut self, link: Link, answer: Answer) {
        self.mail.push(Out::Say(link, Box::new(answer)));
    }

    /// An error, a warning or news about `id`, −1 for nothing in particular.
    fn complain(&mut self, link: Link, id: i32, code: i32, text: &str) {
        let problem = Problem {
            id,
            time: millis(self.now),
            code,
            text: text.to_owned(),
            advanced: String::new(),
        };
        self.say(link, Answer::Problem(problem));
    }
}

fn millis(ts: Nanos) -> i64 {
    (ts.0 / Nanos::MILLI.0) as i64
}

#[cfg(test)]
mod tests;
