//! Who is connected, under which number, and which order ids each number has used.

use super::{Link, Out, World};
use crate::model::Answer;
use std::collections::BTreeMap;

/// Clients that one broker serves at a time.
pub const CLIENTS_MAX: usize = 32;

/// Farms that are up when a session begins: code and what is said.
const FARMS: [(i32, &str); 3] = [
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefnj"),
];

#[derive(Debug)]
struct Session {
    link: Link,
    /// Known once the session has begun.
    client: Option<i32>,
    /// 1 live, 2 frozen, 3 delayed, 4 delayed and frozen.
    data_type: i32,
}

/// All connections, and the order ids of all clients that ever came.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: Vec<Session>,
    /// The lowest order id that a client may use next; it outlives the connection.
    floors: BTreeMap<i32, i32>,
}

impl Sessions {
    pub(super) fn join(&mut self, link: Link) {
        self.all.push(Session {
            link,
            client: None,
            data_type: 1,
        });
    }

    pub(super) fn leave(&mut self, link: Link) {
        self.all.retain(|session| session.link != link);
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The client's number, once its session has begun.
    pub(super) fn client(&self, link: Link) -> Option<i32> {
        self.all.iter().find(|s| s.link == link)?.client
    }

    /// Where a client is connected.
    pub(super) fn link_of(&self, client: i32) -> Option<Link> {
        let found = self.all.iter().find(|s| s.client == Some(client))?;
        Some(found.link)
    }

    /// Which data a client wants where there are no live ones.
    pub(super) fn data_type(&self, link: Link) -> i32 {
        let found = self.all.iter().find(|s| s.link == link);
        found.map_or(1, |session| session.data_type)
    }

    pub(super) fn set_data_type(&mut self, link: Link, kind: i32) {
        if let Some(session) = self.all.iter_mut().find(|s| s.link == link) {
            session.data_type = kind;
        }
    }

    /// All whose session has begun.
    pub(super) fn links(&self) -> Vec<Link> {
        let begun = self.all.iter().filter(|session| session.client.is_some());
        begun.map(|session| session.link).collect()
    }

    /// Ids that were spent are offered again: a broker whose memory was rolled back.
    pub(super) fn roll_back(&mut self, client: i32, to: i32) {
        self.floors.insert(client, to.max(1));
    }

    /// The lowest order id that a client may use.
    pub(super) fn next_order_id(&self, client: i32) -> i32 {
        self.floors.get(&client).copied().unwrap_or(1)
    }

    /// The client has used or seen an order id; ids up to it are spent.
    pub(super) fn raise_floor(&mut self, client: i32, used: i32) {
        let floor = self.floors.entry(client).or_insert(1);
        *floor = (*floor).max(used.saturating_add(1));
    }
}

impl World {
    pub(super) fn start(&mut self, link: Link, client: i32) {
        if self.sessions.client(link).is_some() {
            return;
        }
        if self.script.is_down(self.now) {
            self.mail.push(Out::Close(link));
            return;
        }
        if self.sessions.link_of(client).is_some() {
            let text = "Unable to connect as the client id is already in use. Retry with a \
                        unique client id.";
            self.complain(link, -1, 326, text);
            self.mail.push(Out::Close(link));
            return;
        }
        if self.sessions.len() > CLIENTS_MAX {
            self.complain(link, -1, 507, "Too many clients are connected");
            self.mail.push(Out::Close(link));
            return;
        }
        if let Some(session) = self.sessions.all.iter_mut().find(|s| s.link == link) {
            session.client = Some(client);
        }
        self.say(link, Answer::ManagedAccounts(self.account.clone()));
        let next = self.sessions.next_order_id(client);
        self.say(link, Answer::NextValidId(next));
        if self.tells_that_it_is_lost(link) {
            return;
        }
        for (code, text) in FARMS {
            self.complain(link, -1, code, text);
        }
    }
}
