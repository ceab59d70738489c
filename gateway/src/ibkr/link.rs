//! The connection's life as a pure state machine: what is known, what is to be asked next, and
//! whether entries may be made.
//!
//! ```text
//!  Down ─▶ Connecting ─▶ OpenOrders ─▶ Completed ─▶ Executions ─▶ Positions ─▶ Data ─▶ Enabled
//!   ▲                                                                            │
//!   └──────────── socket loss, 1300, 504, 507 ◀─────────────── 1101 back to OpenOrders
//! ```
//! Ids (the accounts and the first order id) are part of the handshake. A step that fails is asked
//! again; a failed query is never taken for an empty answer. Above the steps stand *doubts*: each
//! shuts entries by itself and has the code that raised it.
//!
//! Deliberately absent: sockets and clocks.

use super::policy::OnLink;
use crate::bracket::is_trade_exit;
use stream::Nanos;
use stream::payload::{CommandOp, LegRole, LinkState};

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// No socket; to be tried again at a time of its own.
    Down,
    /// The handshake is under way: version, accounts, first order id.
    Connecting,
    /// Open orders are being read.
    OpenOrders,
    /// Orders that ended are being read.
    Completed,
    /// Executions are being read.
    Executions,
    /// Positions and account values are being read.
    Positions,
    /// Data are being subscribed to.
    Data,
    /// All of it is done.
    Enabled,
}

impl Step {
    const fn next(self) -> Self {
        match self {
            Self::Down => Self::Connecting,
            Self::Connecting => Self::OpenOrders,
            Self::OpenOrders => Self::Completed,
            Self::Completed => Self::Executions,
            Self::Executions => Self::Positions,
            Self::Positions => Self::Data,
            Self::Data | Self::Enabled => Self::Enabled,
        }
    }
}

/// Each shuts entries by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// The Gateway does not reach the broker.
    Servers,
    /// A data farm is broken.
    Farm,
    /// Another session has the data.
    Competing,
    /// A code that we do not understand, or a mismatch that was not explained.
    Unclear,
    /// Our clock and the broker's differ.
    Clock,
    /// A question was not answered in time.
    Silent,
    /// The account is kept in another currency, and nobody tells its rate.
    Rate,
}

const DOUBTS: usize = 7;
/// Said while the other side does not answer.
pub const CODE_SILENT: i32 = -2;
/// Said where our clock and the broker's differ; the broker has no code for it.
pub const CODE_CLOCK: i32 = -1;

/// Said while the account's currency cannot be converted.
pub const CODE_RATE: i32 = -3;

/// The daily span in which the Gateway restarts: seconds of the UTC day. Entries are shut in it,
/// and a lost connection is waited for in it without an alarm. Equal ends: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartWindow {
    /// Begins.
    pub from: u32,
    /// Ends; below `from` where it spans midnight.
    pub to: u32,
}

impl RestartWindow {
    /// True inside the window.
    #[must_use]
    pub const fn contains(&self, now: Nanos) -> bool {
        let second = (now.0 / 1_000_000_000 % 86_400) as u32;
        if self.from <= self.to {
            self.from <= second && second < self.to
        } else {
            second >= self.from || second < self.to
        }
    }
}

/// What a notice asks of the shell, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// Nothing.
    #[default]
    Nothing,
    /// Read orders, executions and positions again.
    Resync,
    /// The same, and subscribe to all data anew.
    ResyncWithData,
    /// Drop the socket and connect anew.
    Reconnect,
}

/// The connection's life.
#[derive(Clone, Debug)]
pub struct Link {
    step: Step,
    doubts: [i32; DOUBTS],
    since: Nanos,
    tries: u32,
    seed: u64,
    window: RestartWindow,
    /// What the broker knows of orders has been read since it was lost last.
    read: bool,
}

/// Waits between attempts, in seconds; the last one is kept.
const BACKOFF: [u64; 8] = [1, 2, 3, 5, 8, 13, 21, 30];

impl Link {
    /// No connection yet. `seed` spreads the attempts of several engines.
    #[must_use]
    pub const fn new(window: RestartWindow, seed: u64) -> Self {
        Self {
            step: Step::Down,
            doubts: [0; DOUBTS],
            since: Nanos::ZERO,
            tries: 0,
            seed,
            window,
            read: false,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// A step is done: the next one.
    pub fn done(&mut self, now: Nanos) -> Step {
        if self.step == Step::Connecting {
            self.tries = 0;
        }
        self.step = self.step.next();
        self.since = now;
        self.step
    }

    /// The socket is gone, or could not be had. Says how long to wait before the next attempt:
    /// longer each time, within 30 s, a quarter of it by chance.
    pub fn lost(&mut self, now: Nanos) -> Nanos {
        self.step = Step::Down;
        self.since = now;
        self.read = false;
        // What the old connection said of servers and farms died with it.
        self.doubts = [0; DOUBTS];
        let place = (self.tries as usize).min(BACKOFF.len() - 1);
        self.tries = self.tries.saturating_add(1);
        let whole = BACKOFF[place] * 1_000;
        let jitter = stream::hash::join(self.seed, u64::from(self.tries)) % (whole / 4);
        Nanos::from_millis(whole - whole / 4 + jitter)
    }

    /// Attempts in a row that came to nothing.
    #[must_use]
    pub const fn tries(&self) -> u32 {
        self.tries
    }

    /// Orders are to be read again on the same socket.
    pub fn resync(&mut self, now: Nanos) {
        self.read = false;
        if self.step > Step::OpenOrders {
            self.step = Step::OpenOrders;
            self.since = now;
        }
    }

    /// A code arrived, and its row says this of the link.
    pub fn notice(&mut self, now: Nanos, code: i32, effect: OnLink) -> Ask {
        match effect {
            OnLink::Keep | OnLink::SlowDown => return Ask::Nothing,
            OnLink::Lost => {
                self.read = false;
                self.raise(Doubt::Servers, code);
            }
            OnLink::Restored | OnLink::RestoredWithoutData => {
                self.clear(Doubt::Servers);
                self.clear(Doubt::Farm);
            }
            OnLink::DataBroken => self.raise(Doubt::Farm, code),
            OnLink::DataBack => self.clear(Doubt::Farm),
            OnLink::Competing => self.raise(Doubt::Competing, code),
            OnLink::Doubt => self.raise(Doubt::Unclear, code),
            OnLink::Reconnect => {}
        }
        self.since = now;
        match effect {
            OnLink::Reconnect => Ask::Reconnect,
            OnLink::Restored => {
                self.resync(now);
                Ask::Resync
            }
            OnLink::RestoredWithoutData => {
                self.resync(now);
                Ask::ResyncWithData
            }
            _ => Ask::Nothing,
        }
    }

    /// Live data came where another session had them.
    pub fn data_is_live(&mut self) {
        self.clear(Doubt::Competing);
    }

    /// Whether our clock and the broker's agree.
    pub fn clock_agrees(&mut self, agrees: bool) {
        if agrees {
            self.clear(Doubt::Clock);
        } else {
            self.raise(Doubt::Clock, CODE_CLOCK);
        }
    }

    /// Whether the other side answers.
    pub fn is_heard(&mut self, heard: bool) {
        if heard {
            self.clear(Doubt::Silent);
        } else {
            self.raise(Doubt::Silent, CODE_SILENT);
        }
    }

    /// Whether the account's values can be converted.
    pub fn rate_is_known(&mut self, known: bool) {
        if known {
            self.clear(Doubt::Rate);
        } else {
            self.raise(Doubt::Rate, CODE_RATE);
        }
    }

    /// A reconciliation found no difference: what was unclear is settled.
    pub fn reconciled(&mut self) {
        self.clear(Doubt::Unclear);
    }

    /// Orders may be handed over: a connection whose servers are reached.
    #[must_use]
    pub fn takes_orders(&self) -> bool {
        self.step > Step::Connecting && self.doubts[Doubt::Servers as usize] == 0
    }

    /// Orders and executions were read, and told.
    pub const fn orders_are_read(&mut self) {
        // While the Gateway does not reach the broker, what it answers proves nothing.
        self.read = self.doubts[Doubt::Servers as usize] == 0;
    }

    /// Whether a command may leave. While what became of orders is not known, only cancels do, and
    /// none of an exit: the stop stands until what closes the position in its place may follow.
    #[must_use]
    pub fn takes(&self, op: CommandOp, role: LegRole) -> bool {
        let blindly = op == CommandOp::Cancel && !is_trade_exit(role);
        self.takes_orders() && (blindly || !self.is_blind())
    }

    /// True while what became of orders is not known: nothing but cancels leaves, see
    /// [`Self::takes`].
    #[must_use]
    pub const fn is_blind(&self) -> bool {
        !self.read
    }

    /// The state for the stream, and the code behind it.
    #[must_use]
    pub fn state(&self, now: Nanos) -> (LinkState, i32) {
        let doubt = self.doubts.iter().copied().find(|code| *code != 0);
        match (self.step, doubt) {
            (Step::Down | Step::Connecting, _) => (LinkState::Down, 504),
            (_, Some(code)) => (LinkState::Degraded, code),
            (Step::Enabled, None) if self.window.contains(now) => (LinkState::Degraded, 0),
            (Step::Enabled, None) => (LinkState::Ready, 0),
            _ => (LinkState::Connected, 0),
        }
    }

    /// True while a lost connection is expected.
    #[must_use]
    pub const fn is_restart_expected(&self, now: Nanos) -> bool {
        self.window.contains(now)
    }

    /// Since when it is where it is.
    #[must_use]
    pub const fn since(&self) -> Nanos {
        self.since
    }

    fn raise(&mut self, doubt: Doubt, code: i32) {
        self.doubts[doubt as usize] = if code == 0 { -1 } else { code };
    }

    fn clear(&mut self, doubt: Doubt) {
        self.doubts[doubt as usize] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::{Bound, policy};
    use super::*;

    const NOW: Nanos = Nanos::from_secs(1_000);

    fn enabled() -> Link {
        let mut link = Link::new(RestartWindow::default(), 7);
        while link.done(NOW) != Step::Enabled {}
        link
    }

    fn hear(link: &mut Link, code: i32) -> Ask {
        link.notice(NOW, code, policy(code, Bound::Nothing).link)
    }

    #[test]
    fn entries_open_only_behind_the_last_step() {
        let mut link = Link::new(RestartWindow::default(), 7);
        let mut states = Vec::new();
        for _ in 0..7 {
            link.done(NOW);
            states.push(link.state(NOW).0);
        }
        let connected = [LinkState::Connected; 5];
        assert_eq!(states[0], LinkState::Down);
        assert_eq!(states[1..6], connected);
        assert_eq!(states[6], LinkState::Ready);
    }

    #[test]
    fn nothing_is_known_of_orders_until_they_were_read_since_the_broker_was_lost() {
        let mut link = enabled();
        assert!(link.is_blind());
        link.orders_are_read();
        assert!(!link.is_blind());
        // The Gateway lost the broker: what it answers meanwhile is what it knew before.
        hear(&mut link, 1100);
        link.orders_are_read();
        assert!(link.is_blind());
        hear(&mut link, 1102);
        assert!(link.is_blind());
        link.orders_are_read();
        assert!(!link.is_blind());
        hear(&mut link, 1101);
        assert!(link.is_blind());
        link.orders_are_read();
        hear(&mut link, 2103);
        assert!(!link.is_blind(), "data are no orders");
        link.lost(NOW);
        assert!(link.is_blind());
    }

    #[test]
    fn an_exit_is_not_taken_away_before_orders_were_read() {
        use LegRole::{Entry, Flatten, Stop, Target};
        let mut link = enabled();
        let takes = |link: &Link, op| [Entry, Flatten, Stop, Target].map(|r| link.takes(op, r));
        assert_eq!(takes(&link, CommandOp::Cancel), [true, true, false, false]);
        assert_eq!(takes(&link, CommandOp::Place), [false; 4]);
        link.orders_are_read();
        for op in [CommandOp::Cancel, CommandOp::Place, CommandOp::Modify] {
            assert_eq!(takes(&link, op), [true; 4]);
        }
        hear(&mut link, 1100);
        assert_eq!(takes(&link, CommandOp::Cancel), [false; 4]);
        hear(&mut link, 1102);
        assert_eq!(takes(&link, CommandOp::Cancel), [true, true, false, false]);
    }

    #[test]
    fn lost_servers_shut_entries_and_keep_the_socket() {
        let mut link = enabled();
        assert_eq!(hear(&mut link, 1100), Ask::Nothing);
        assert_eq!(link.state(NOW), (LinkState::Degraded, 1100));
        assert!(!link.takes_orders());
        assert_eq!(hear(&mut link, 1100), Ask::Nothing);
        assert_eq!(hear(&mut link, 1102), Ask::Resync);
        assert_eq!(link.state(NOW), (LinkState::Connected, 0));
        assert!(link.takes_orders());
        while link.done(NOW) != Step::Enabled {}
        assert_eq!(link.state(NOW), (LinkState::Ready, 0));
        hear(&mut link, 2110);
        assert_eq!(hear(&mut link, 1101), Ask::ResyncWithData);
        assert_eq!(link.step(), Step::OpenOrders);
    }

    #[test]
    fn a_farm_that_flaps_leaves_orders_alone() {
        let mut link = enabled();
        hear(&mut link, 2103);
        assert_eq!(link.state(NOW), (LinkState::Degraded, 2103));
        assert!(link.takes_orders(), "exits go on");
        hear(&mut link, 2104);
        assert_eq!(link.state(NOW), (LinkState::Ready, 0));
        for code in [2105, 2106, 2107, 2108, 2158, 2119] {
            hear(&mut link, code);
            assert_eq!(link.state(NOW), (LinkState::Ready, 0), "{code}");
        }
    }

    #[test]
    fn each_doubt_ends_by_its_own_proof_only() {
        let mut link = enabled();
        hear(&mut link, 10197);
        hear(&mut link, 99_999);
        hear(&mut link, 2104);
        assert_eq!(link.state(NOW).0, LinkState::Degraded);
        link.data_is_live();
        assert_eq!(link.state(NOW), (LinkState::Degraded, 99_999));
        link.reconciled();
        assert_eq!(link.state(NOW), (LinkState::Ready, 0));
    }

    #[test]
    fn a_silent_broker_shuts_entries_until_it_answers() {
        let mut link = enabled();
        link.is_heard(false);
        assert_eq!(link.state(NOW), (LinkState::Degraded, CODE_SILENT));
        assert!(link.takes_orders(), "an exit may still get through");
        link.is_heard(true);
        assert_eq!(link.state(NOW), (LinkState::Ready, 0));
    }

    #[test]
    fn an_account_that_cannot_be_converted_takes_no_entry() {
        let mut link = enabled();
        link.rate_is_known(false);
        assert_eq!(link.state(NOW), (LinkState::Degraded, CODE_RATE));
        link.rate_is_known(true);
        assert_eq!(link.state(NOW), (LinkState::Ready, 0));
    }

    #[test]
    fn attempts_come_later_and_later_and_never_at_the_same_moment() {
        let mut link = enabled();
        let waits: Vec<u64> = (0..12).map(|_| link.lost(NOW).0 / 1_000_000).collect();
        assert!(waits[0] >= 750 && waits[0] < 1_000, "{waits:?}");
        assert!(waits[..8].is_sorted(), "{waits:?}");
        assert!(waits[8..].iter().all(|ms| (22_500..30_000).contains(ms)));
        let mut other = Link::new(RestartWindow::default(), 8);
        let others: Vec<u64> = (0..12).map(|_| other.lost(NOW).0 / 1_000_000).collect();
        assert_ne!(waits, others);
        link.done(NOW);
        link.done(NOW);
        assert!(link.lost(NOW) < Nanos::from_secs(1), "a connection was had");
    }

    #[test]
    fn entries_are_shut_while_the_gateway_restarts() {
        let night = RestartWindow {
            from: 86_000,
            to: 600,
        };
        let at = |second: u64| Nanos::from_secs(5 * 86_400 + second);
        assert!(night.contains(at(86_000)) && night.contains(at(0)) && night.contains(at(599)));
        assert!(!night.contains(at(600)) && !night.contains(at(85_999)));
        assert!(!RestartWindow::default().contains(at(0)));
        let mut link = enabled();
        link.window = night;
        assert_eq!(link.state(at(10)).0, LinkState::Degraded);
        assert_eq!(link.state(at(700)).0, LinkState::Ready);
    }
}
