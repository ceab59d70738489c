//! The `[ibkr]` table: the connection to TWS or IB Gateway, and its limits. Every one is required.

use super::SECOND;
use crate::config::Settings;
use gateway::ibkr::budget;
use gateway::ibkr::link::RestartWindow;
use stream::limits::DEPTH_SLOTS_MAX;
use stream::{Money, Nanos};

/// The broker's own limit on messages a second.
const MESSAGES_MAX: u64 = 50;
/// More than this is no tolerance any more.
const MONEY_MAX: i64 = 1_000_000;
/// Connections that a Gateway takes at a time; client ids are free, we keep to small ones.
const CLIENT_IDS: u64 = 9_999;

/// The connection and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ibkr {
    /// Host of the Gateway.
    pub host: String,
    /// Its API port.
    pub port: u16,
    /// Our client id.
    pub client_id: i32,
    /// The account that orders are for.
    pub account: String,
    /// Accounts with real money that may be traded.
    pub live_accounts: Vec<String>,
    /// What may be said in a second.
    pub budget: budget::Config,
    /// Market data lines.
    pub lines: usize,
    /// Depth subscriptions.
    pub depth: usize,
    /// Tick-by-tick subscriptions.
    pub trades: usize,
    /// Between two reconciliations.
    pub reconcile_every: Nanos,
    /// Between two signs of life.
    pub heartbeat: Nanos,
    /// How long a question may take.
    pub answer_within: Nanos,
    /// How far the broker's profit of the day may be from ours.
    pub profit_slack: Money,
    /// How far our clock may be from the broker's.
    pub skew_max: Nanos,
    /// From so many days before a future's last trading day on, its next month is traded.
    pub roll_days: u16,
    /// When the Gateway restarts, in UTC.
    pub window: RestartWindow,
}

impl Ibkr {
    /// Where the Gateway listens.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The table, where there is one.
pub(super) fn read(settings: &Settings) -> Option<Ibkr> {
    if settings.children("ibkr").is_empty() {
        return None;
    }
    let key = |name: &str| format!("ibkr.{name}");
    let whole = |name: &str, range| settings.whole(&key(name), range);
    let span = |name: &str, range| settings.span(&key(name), range);
    let minute = Nanos::from_secs(60);
    let messages = whole("messages_per_second", 5..=MESSAGES_MAX) as usize;
    let orders = whole("orders_per_second", 3..=MESSAGES_MAX) as usize;
    let reserve = whole("messages_reserved", 1..=MESSAGES_MAX) as usize;
    if reserve.max(orders) >= messages {
        settings.fault(
            &key("messages_per_second"),
            "leaves nothing beside orders_per_second and messages_reserved; expected more",
        );
    }
    Some(Ibkr {
        host: settings.text(&key("host"), "a host such as \"127.0.0.1\""),
        port: whole("port", 1..=65_535) as u16,
        client_id: whole("client_id", 1..=CLIENT_IDS) as i32,
        account: settings.text(&key("account"), "an account such as \"DU1234567\""),
        live_accounts: settings.list(&key("live_accounts"), "a list of accounts, or []"),
        budget: budget::Config {
            messages,
            orders,
            reserve,
        },
        lines: whole("data_lines", 1..=10_000) as usize,
        depth: whole("depth_slots", 0..=DEPTH_SLOTS_MAX as u64) as usize,
        trades: whole("tick_by_tick_slots", 0..=DEPTH_SLOTS_MAX as u64) as usize,
        reconcile_every: span(
            "reconcile_every",
            Nanos::from_secs(5)..=Nanos::from_secs(600),
        ),
        heartbeat: span("heartbeat", SECOND..=minute),
        answer_within: span("answer_within", SECOND..=minute),
        profit_slack: settings.money(&key("profit_tolerance"), 0..=MONEY_MAX),
        skew_max: span("clock_skew_max", Nanos::from_millis(10)..=minute),
        roll_days: whole("roll_days_before_end", 0..=60) as u16,
        window: RestartWindow {
            from: time_of_day(settings, &key("restart_from")),
            to: time_of_day(settings, &key("restart_to")),
        },
    })
}

/// `HH:MM` as seconds of the day.
fn time_of_day(settings: &Settings, key: &str) -> u32 {
    const EXPECTED: &str = "a time of the UTC day such as \"04:45\"";
    let text = settings.text(key, EXPECTED);
    let two = |part: &str, most: u32| {
        let whole = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        whole
            .then(|| part.parse::<u32>().ok())
            .flatten()
            .filter(|n| *n <= most)
    };
    let read = text
        .split_once(':')
        .and_then(|(hour, minute)| Some(two(hour, 23)? * 3_600 + two(minute, 59)? * 60));
    read.unwrap_or_else(|| {
        settings.fault(key, format!("is \"{text}\"; expected {EXPECTED}"));
        0
    })
}
