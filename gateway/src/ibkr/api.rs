//! The broker through the `ibapi` crate: the only module that names a type of it.
//!
//! The crate is pinned to one version and has two threads of its own. Everything that it says is
//! turned into our own words here, numbers by [`decimal`]; what cannot be used is
//! said to be so. We reconnect ourselves: a connection that is lost ends, and another one is made.

mod convert;
mod feeds;
mod profit;
mod rows;
mod scan;

use super::broker::{
    Account, Answer, Broker, Contract, Details, Executed, Feed, Gauge, Handed, Held, Known,
    NoAnswer, Notice, Update, Wish,
};
use super::decimal;
use super::profit::{PositionProfit, Profit};
use convert::{contract_of, details_of, ledger_of, order_of, value_of};
use core::time::Duration;
use feeds::{Depth, Quotes, Trades};
use ibapi::Error;
use ibapi::accounts::types::{AccountGroup, AccountId, ContractId};
use ibapi::accounts::{AccountSummaryResult, PositionUpdate};
use ibapi::client::blocking::{Client, NoticeStream, Subscription};
use ibapi::market_data::SmartDepth;
use ibapi::orders::{OrderUpdate, Orders};
use ibapi::subscriptions::SubscriptionItem;
use rows::{Found, Rows};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use stream::{InstrumentId, Nanos, Price};

/// The least version of the protocol that the crate speaks.
pub const VERSION_MIN: i32 = 213;
/// How long a contract may take: the broker looks some of them up elsewhere. Who asks asks again.
const DETAILS: Duration = Duration::from_secs(8);
/// Generic ticks beside quotes: real-time volume (trades), shares to borrow.
const GENERIC: [&str; 2] = ["233", "236"];
/// Account values that are asked for.
const TAGS: [&str; 5] = [
    "NetLiquidation",
    "TotalCashValue",
    "AvailableFunds",
    "BuyingPower",
    // Cash and rate of each currency.
    "$LEDGER:ALL",
];

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoConnection {
    /// Nothing listens there.
    Nobody(String),
    /// Something listens that speaks otherwise, or does not answer.
    Foreign(String),
    /// It answered and hung up: the API does not trust this address.
    Rejected(String),
    /// The client id is in use.
    ClientId,
    /// It speaks an older protocol.
    TooOld(i32),
}

/// A contract as the broker knows it, by our number.
#[derive(Debug, Default)]
struct Contracts {
    by_id: BTreeMap<InstrumentId, (Arc<ibapi::contracts::Contract>, Price)>,
    by_con: BTreeMap<i32, InstrumentId>,
}

/// A connection through `ibapi`.
pub struct Api {
    client: Client,
    account: String,
    notices: Mutex<NoticeStream>,
    updates: Mutex<Option<Subscription<OrderUpdate>>>,
    contracts: RwLock<Contracts>,
}

impl core::fmt::Debug for Api {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Api").field("client", &self.client).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Api {
    /// Connects and shakes hands. `account` is the one that orders are for; empty before it is
    /// known. `within`: how long a question without an end marker of its own may take.
    ///
    /// # Errors
    /// See [`NoConnection`].
    pub fn connect(
        address: &str,
        client_id: i32,
        account: &str,
        within: Duration,
    ) -> Result<Self, NoConnection> {
        let (client, notices) = Client::builder()
            .address(address)
            .client_id(client_id)
            .max_reconnect_attempts(0)
            .one_shot_timeout(within)
            .connect_with_notice_stream()
            .map_err(no_connection)?;
        let updates = client.order_update_stream().map_err(no_connection)?;
        Ok(Self {
            client,
            account: account.to_owned(),
            notices: Mutex::new(notices),
            updates: Mutex::new(Some(updates)),
            contracts: RwLock::new(Contracts::default()),
        })
    }

    /// Our number of a contract, and its least price change.
    fn found(&self, con_id: i32) -> Found {
        let contracts = self
            .contracts
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let id = contracts.by_con.get(&con_id).copied();
        let known = id.and_then(|id| contracts.by_id.get(&id));
        (id, known.map_or(Price(1), |(_, tick)| *tick))
    }

    fn rows(&self) -> Rows<'_, impl Fn(i32) -> Found> {
        Rows {
            account: &self.account,
            found: |con_id| self.found(con_id),
        }
    }

    fn contract(&self, id: InstrumentId) -> Answer<(Arc<ibapi::contracts::Contract>, Price)> {
        let contracts = self
            .contracts
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let found = contracts.by_id.get(&id).cloned();
        found.ok_or_else(|| NoAnswer::Unusable(format!("no contract of instrument {}", id.0)))
    }

    fn knowns(&self, within: Duration, open: Subscription<Orders>) -> Answer<Vec<Known>> {
        let rows = open.collect_to_end_within(within).map_err(no_answer)?;
        Ok(self.rows().knowns(rows))
    }
}

fn no_connection(error: Error) -> NoConnection {
    match error {
        Error::ClientIdInUse { .. } => NoConnection::ClientId,
        Error::ServerVersion(_, found, _) => NoConnection::TooOld(found),
        Error::ConnectionRejected(what) => NoConnection::Rejected(what),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            NoConnection::Nobody(error.to_string())
        }
        Error::Io(error) => NoConnection::Foreign(error.to_string()),
        other => NoConnection::Foreign(other.to_string()),
    }
}

fn no_answer(error: Error) -> NoAnswer {
    match error {
        Error::Timeout => NoAnswer::Late,
        Error::Notice(notice) => NoAnswer::Refused {
            code: notice.code,
            text: notice.message,
        },
        error if error.is_connection_lost() => NoAnswer::Lost,
        Error::ConnectionFailed | Error::Shutdown | Error::Io(_) => NoAnswer::Lost,
        other => NoAnswer::Unusable(other.to_string()),
    }
}

fn notice_of(notice: ibapi::Notice) -> Notice {
    Notice {
        id: notice.request_id.filter(|id| *id >= 0),
        code: notice.code,
        text: notice.message,
    }
}

/// A message is written whole, or nobody knows how much of it was.
fn handed(result: Result<(), Error>) -> Handed {
    match result {
        Ok(()) => Handed::Yes,
        Err(Error::Io(_)) => Handed::Maybe,
        Err(_) => Handed::No,
    }
}

impl Broker for Api {
    fn version(&self) -> i32 {
        self.client.server_version()
    }

    fn accounts(&self) -> Vec<String> {
        self.client.handshake_managed_accounts().to_vec()
    }

    fn next_order_id(&self) -> i32 {
        // The crate counts from the handshake's number on, and gives each out once.
        self.client.next_order_id()
    }

    fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    fn disconnect(&self) {
        self.client.disconnect();
    }

    fn time(&self) -> Answer<Nanos> {
        let time = self.client.server_time_millis().map_err(no_answer)?;
        u64::try_from(time.unix_timestamp_nanos())
            .map(Nanos)
            .map_err(|_| NoAnswer::Unusable("a time before 1970".to_owned()))
    }

    fn details(&self, contract: &Contract) -> Answer<Vec<Details>> {
        let asked = contract_of(contract);
        let found = self
            .client
            .contract_details_stream(&asked)
            .subscribe()
            .map_err(no_answer)?
            .collect_to_end_within(DETAILS)
            .map_err(no_answer)?;
        found.iter().map(|one| details_of(one, contract)).collect()
    }

    fn open_orders(&self, within: Duration) -> Answer<Vec<Known>> {
        let open = self.client.all_open_orders().map_err(no_answer)?;
        self.knowns(within, open)
    }

    fn ended_orders(&self, within: Duration) -> Answer<Vec<Known>> {
        let ended = self.client.completed_orders(false).map_err(no_answer)?;
        self.knowns(within, ended)
    }

    fn executions(&self, within: Duration) -> Answer<Executed> {
        let asked = self.client.executions(self.rows().filter());
        let rows = asked
            .map_err(no_answer)?
            .collect_to_end_within(within)
            .map_err(no_answer)?;
        Ok(self.rows().executions(rows))
    }

    fn positions(&self, within: Duration) -> Answer<Vec<Held>> {
        let stream = self.client.positions().map_err(no_answer)?;
        let mut held = Vec::new();
        loop {
            match stream.next_timeout(within) {
                Some(Ok(SubscriptionItem::Data(PositionUpdate::Position(position)))) => {
                    held.extend(self.rows().held(&position)?);
                }
                Some(Ok(SubscriptionItem::Data(PositionUpdate::PositionEnd))) => return Ok(held),
                Some(Ok(SubscriptionItem::Notice(_))) => {}
                Some(Err(error)) => return Err(no_answer(error)),
                None => return Err(self.ended()),
            }
        }
    }

    fn values(&self, within: Duration) -> Answer<Account> {
        let group = AccountGroup("All".to_owned());
        let stream = self
            .client
            .account_summary(&group, &TAGS)
            .map_err(no_answer)?;
        let mut account = Account::default();
        loop {
            match stream.next_timeout(within) {
                Some(Ok(SubscriptionItem::Data(AccountSummaryResult::Summary(summary)))) => {
                    if summary.account == self.account {
                        account.values.extend(value_of(&summary));
                        ledger_of(&summary, &mut account.ledgers);
                    }
                }
                Some(Ok(SubscriptionItem::Data(AccountSummaryResult::End))) => return Ok(account),
                Some(Ok(SubscriptionItem::Notice(_))) => {}
                Some(Err(error)) => return Err(no_answer(error)),
                None => return Err(self.ended()),
            }
        }
    }

    fn profit(&self) -> Answer<Box<dyn Gauge<Profit>>> {
        let account = AccountId(self.account.clone());
        let stream = self.client.pnl(&account, None).map_err(no_answer)?;
        Ok(Box::new(profit::Total { stream }))
    }

    fn profit_of(&self, instrument: InstrumentId) -> Answer<Box<dyn Gauge<PositionProfit>>> {
        let (contract, _) = self.contract(instrument)?;
        let account = AccountId(self.account.clone());
        let asked = ContractId(contract.contract_id);
        let stream = self.client.pnl_single(&account, asked, None);
        let stream = stream.map_err(no_answer)?;
        Ok(Box::new(profit::Single { stream }))
    }

    fn submit(&self, wish: &Wish) -> Handed {
        let Ok((contract, _)) = self.contract(wish.instrument) else {
            return Handed::No;
        };
        let order = order_of(wish, &contract, &self.account);
        handed(self.client.submit_order(wish.order_id, &contract, &order))
    }

    fn cancel(&self, order_id: i32) -> Handed {
        // What is heard of it comes by the stream of updates; this one's own ends here.
        handed(self.client.cancel_order(order_id, "").map(drop))
    }

    fn next_update(&self, within: Duration) -> Answer<Option<Update>> {
        let mut updates = lock(&self.updates);
        if updates.is_none() {
            // A message that could not be read ended the stream: from here on anew.
            *updates = Some(self.client.order_update_stream().map_err(no_answer)?);
        }
        let Some(stream) = updates.as_ref() else {
            return Err(NoAnswer::Lost);
        };
        match stream.next_timeout(within) {
            Some(Ok(SubscriptionItem::Data(update))) => Ok(self.rows().update(update)),
            Some(Ok(SubscriptionItem::Notice(notice))) => {
                Ok(Some(Update::Notice(notice_of(notice))))
            }
            Some(Err(error)) => {
                *updates = None;
                match no_answer(error) {
                    NoAnswer::Unusable(text) => Ok(Some(Update::Unusable(text))),
                    lost => Err(lost),
                }
            }
            None if self.client.is_connected() => Ok(None),
            None => Err(NoAnswer::Lost),
        }
    }

    fn next_notice(&self, within: Duration) -> Option<Notice> {
        lock(&self.notices).next_timeout(within).map(notice_of)
    }

    fn learn(&self, details: &Details) {
        let own = &details.contract;
        let mut contracts = self
            .contracts
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let known = (Arc::new(contract_of(own)), own.tick);
        contracts.by_id.insert(own.instrument, known);
        contracts.by_con.insert(own.con_id, own.instrument);
    }

    fn quotes(&self, instrument: InstrumentId) -> Answer<Box<dyn Feed>> {
        let (contract, tick) = self.contract(instrument)?;
        let stream = self.client.market_data(&contract).generic_ticks(&GENERIC);
        let stream = stream.subscribe().map_err(no_answer)?;
        Ok(Box::new(Quotes { stream, tick }))
    }

    fn depth(&self, instrument: InstrumentId, rows: u16) -> Answer<Box<dyn Feed>> {
        let (contract, tick) = self.contract(instrument)?;
        let smart = if contract.exchange.0 == "SMART" {
            SmartDepth::Yes
        } else {
            SmartDepth::No
        };
        let stream = self
            .client
            .market_depth(&contract, i32::from(rows))
            .smart_depth(smart)
            .subscribe()
            .map_err(no_answer)?;
        Ok(Box::new(Depth { stream, tick }))
    }

    fn trades(&self, instrument: InstrumentId) -> Answer<Box<dyn Feed>> {
        let (contract, tick) = self.contract(instrument)?;
        let stream = self.client.tick_by_tick(&contract, 0).all_last();
        let stream = stream.map_err(no_answer)?;
        Ok(Box::new(Trades { stream, tick }))
    }
}

impl Api {
    /// Why a stream gave nothing: it ended with the connection, or is late.
    fn ended(&self) -> NoAnswer {
        if self.client.is_connected() {
            NoAnswer::Late
        } else {
            NoAnswer::Lost
        }
    }
}

/// A number that cannot be used, as an answer that cannot be.
fn unusable(what: &str, why: decimal::BadNumber) -> NoAnswer {
    NoAnswer::Unusable(format!("{what}: {why:?}"))
}
