//! The broker behind the wire: sessions, market data, orders. It knows no socket and no clock.
//!
//! ```text
//!  requests ─▶ sessions, limits ─▶ quotes, depth, ticks, bars, orders, account ─▶ answers
//!                                              ▲            │
//!                                        events│            ▼ commands
//!                     market data ─▶ exchange: the engine's simulated edge
//! ```
//!
//! Time is what the caller says: every call names it, and it never runs backwards. What is due by
//! then happens first, in its own order and at its own times; then the request is served. So the
//! same requests at the same times bring the same answers, however often the world is woken.
//!
//! Simpler than the real broker, and said here: one account, which trades in dollars only,
//! whatever it is kept in; no options, fundamentals, histograms or event calendars, whose requests
//! are refused; trading outside regular hours is not told apart, day orders after the close wait
//! for the next session; groups of type 3 reduce at once like those of type 2; delayed data are
//! the live ones under delayed numbers; an attached order that its client resizes no longer grows
//! with its parent's fills.
//!
//! Deliberately absent: bytes and versions of the protocol (the codecs' business), sockets and
//! threads (the server's).

mod account;
mod bars;
mod base;
mod catalog;
mod config;
mod depth;
mod exchange;
mod history_ticks;
mod hours;
mod known;
mod ledger;
mod limits;
mod market;
mod news;
mod orders;
mod past;
mod quotes;
mod realtime;
mod record;
mod reference;
mod scanner;
mod schedule;
mod script;
mod session;
mod smart;
mod stamp;
mod ticks;
mod truth;

pub use base::Base;
pub use config::{Config, Limits};
pub use market::Market;
pub(crate) use script::span_of;
pub use script::{Cut, ScriptError};
pub use truth::{ExecutionTruth, OrderTruth, Truth};

use crate::model::{Answer, Problem, Request};
use account::Account;
use bars::Growing;
use catalog::Catalog;
use depth::Depths;
use exchange::{Event, Exchange, Print};
use gateway::sim::Fees;
use ledger::Ledger;
use limits::Pace;
use orders::Orders;
use past::Past;
use quotes::Quotes;
use realtime::RealTime;
use record::{Quoted, Record};
use scanner::Scanner;
use script::Script;
use session::Sessions;
use stream::payload::Instrument;
use stream::{InstrumentId, Money, Nanos, Price, Side};
use ticks::Ticks;
use truth::Counters;

/// How exactly the market is followed while something waits for it.
const GRAIN: Nanos = Nanos::MILLI;

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
    /// The connection breaks, as a script wants it.
    Cut(Link, Cut),
}

/// The broker.
#[derive(Debug)]
pub struct World {
    account: String,
    limits: Limits,
    master: Option<i32>,
    fees: Fees,
    stock_margin_ppm: u32,
    cash_start: Money,
    base: Base,
    seed: u64,
    /// When the data begin.
    start: Nanos,
    now: Nanos,
    exchange: Exchange,
    catalog: Catalog,
    /// One for each instrument.
    records: Vec<Record>,
    sessions: Sessions,
    quotes: Quotes,
    depths: Depths,
    ticks: Ticks,
    orders: Orders,
    ledger: Ledger,
    holders: Account,
    growing: Vec<Growing>,
    real_time: RealTime,
    scans: Scanner,
    pace: Pace,
    script: Script,
    counters: Counters,
    /// What leaves at the end of this call.
    mail: Vec<Out>,
}

impl World {
    /// A broker with one account and without a market.
    #[must_use]
    pub fn new(account: &str) -> Self {
        Self::open(Config::new(account, Market::none()))
    }

    /// A broker.
    ///
    /// # Panics
    /// When [`gateway::sim::Config::faults`] names any.
    #[must_use]
    pub fn open(config: Config) -> Self {
        let instruments = &config.market.instruments;
        let year = stamp::local(config.start).year();
        let catalog = Catalog::new(instruments, year);
        let begins = &config.market.begins;
        let record = |(index, (_, instrument)): (usize, &(InstrumentId, Instrument))| Record {
            short: if instrument.shortable != 0 {
                SHORT_SHARES
            } else {
                0
            },
            begins: begins.get(index).copied().unwrap_or(Price::ZERO),
            ..Record::default()
        };
        Self {
            account: config.account,
            limits: config.limits,
            master: config.master,
            fees: config.sim.fees,
            stock_margin_ppm: config.sim.stock_margin_ppm,
            cash_start: config.sim.cash,
            base: config.base,
            seed: config.sim.seed,
            start: config.start,
            now: config.start,
            catalog,
            records: instruments.iter().enumerate().map(record).collect(),
            ledger: Ledger::new(instruments.len()),
            exchange: Exchange::new(config.market, config.sim, config.start),
            sessions: Sessions::default(),
            quotes: Quotes::default(),
            depths: Depths::default(),
            ticks: Ticks::default(),
            orders: Orders::default(),
            holders: Account::default(),
            growing: Vec::new(),
            real_time: RealTime::default(),
            scans: Scanner::default(),
            pace: Pace::default(),
            script: Script::default(),
            counters: Counters::default(),
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
        self.quotes.leave(link);
        self.depths.leave(link);
        self.ticks.leave(link);
        self.holders.leave(link);
        self.growing.retain(|one| one.link != link);
        self.real_time.leave(link);
        self.scans.leave(link);
    }

    /// When there is next something to do of the world's own accord.
    #[must_use]
    pub fn due(&self) -> Option<Nanos> {
        let market = self.exchange.market_next();
        let market = if self.waits_for_market() && market < Nanos::MAX {
            Nanos(market.0.div_ceil(GRAIN.0).saturating_mul(GRAIN.0))
        } else {
            Nanos::MAX
        };
        let due = self.exchange.other_due().min(market);
        Some(due.min(self.own_due()))
    }

    /// True while someone is to hear of every event of the market at once.
    fn waits_for_market(&self) -> bool {
        !self.depths.all.is_empty()
            || self.ticks.is_used()
            || self.exchange.edge().orders_live() > 0
    }

    /// When the next of the broker's own timers is due.
    fn own_due(&self) -> Nanos {
        let quotes = self.quotes.due().unwrap_or(Nanos::MAX);
        quotes.min(self.script.due()).max(self.now)
    }

    /// Does what is due until `now`.
    pub fn advance(&mut self, now: Nanos, out: &mut Vec<Out>) {
        self.reach(now);
        self.post(out);
    }

    /// A client asks, at `now`.
    pub fn request(&mut self, now: Nanos, link: Link, request: Request, out: &mut Vec<Out>) {
        self.reach(now);
        self.serve(link, request);
        self.post(out);
    }

    /// Time goes on to `now`; what is due on the way happens.
    fn reach(&mut self, now: Nanos) {
        let now = now.max(self.now);
        loop {
            let own = self.own_due();
            while let Some(event) = self.exchange.step(own.min(now)) {
                self.now = self.exchange.now().max(self.now);
                self.happen(event);
            }
            if own > now {
                break;
            }
            self.now = own.max(self.now);
            self.wake();
        }
        self.now = now;
    }

    /// A timer of the broker's own is due.
    fn wake(&mut self) {
        if self.quotes.due().is_some_and(|due| due <= self.now) {
            self.sample();
        }
        self.play();
    }

    /// Something has happened at the exchange.
    fn happen(&mut self, event: Event) {
        match event {
            Event::Market(instrument, print) => self.moved(instrument, print),
            Event::Session => self.release_waiting(),
            Event::Second => self.second(),
            Event::Status(status) => self.on_status(&status),
            Event::Fill(instrument, fill) => self.on_fill(instrument, &fill),
            Event::Commission(commission) => self.on_commission(&commission),
        }
    }

    /// A second has passed.
    fn second(&mut self) {
        self.account_second();
        self.end_real_time_bars();
        self.grow_bars();
        self.rescan();
        self.tick_news();
    }

    /// The history of an instrument before the data begin; `None` while no price is known.
    fn past(&self, instrument: InstrumentId) -> Option<Past> {
        let item = self.catalog.item(instrument);
        let record = &self.records[instrument.index() - 1];
        let first = record.first();
        let start = stamp::seconds(self.start);
        let tick = item.tick.max(Price(1));
        (first > Price::ZERO)
            .then(|| Past::new(self.seed, item.contract.con_id, (first, start), tick))
    }

    /// The price at which the session before the exchange's own ended; 0 while none is known.
    fn previous_close(&self, instrument: InstrumentId) -> Price {
        let open = self.exchange.session().open;
        let close = feed::calendar::Calendar::UsEquity.previous_close(open);
        let at = close.map_or(stamp::seconds(self.start) - 60, stamp::seconds);
        self.past(instrument)
            .map_or(Price::ZERO, |past| past.price(at))
    }

    /// The market of an instrument has moved.
    fn moved(&mut self, instrument: InstrumentId, print: Option<Print>) {
        let Some(book) = self.exchange.edge().books().get(instrument) else {
            return;
        };
        let settled = !book.between_states();
        let (bid, ask) = (book.best(Side::Buy), book.best(Side::Sell));
        let quote = Quoted {
            ts: self.now,
            bid: bid.map_or(stream::Price::ZERO, |best| best.0),
            ask: ask.map_or(stream::Price::ZERO, |best| best.0),
            bid_qty: bid.map_or(0, |best| best.1),
            ask_qty: ask.map_or(0, |best| best.1),
        };
        let record = &mut self.records[instrument.index() - 1];
        if let Some(print) = print {
            record.trade(self.now, print);
        }
        let quoted = settled && record.quote(quote);
        if let Some(print) = print {
            self.print_lines(instrument, print);
        }
        self.tick_streams(instrument, print, quoted);
        self.show_depth(instrument);
        if quoted {
            self.trail(instrument);
        }
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
        if !self.within_pace(link) || !self.script_request(link, &request) {
            return;
        }
        if let Some(request) = self.serve_data(link, request) {
            self.serve_account(link, client, request);
        }
    }

    /// Reference and market data; gives back what is neither.
    fn serve_data(&mut self, link: Link, request: Request) -> Option<Request> {
        match request {
            Request::ContractDetails(req, contract) => self.contract_details(link, req, &contract),
            Request::MatchingSymbols(req, text) => self.matching_symbols(link, req, &text),
            Request::MarketRule(id) => self.market_rule(link, id),
            Request::MarketData(asked) => self.market_data(link, &asked),
            Request::CancelMarketData(req) => self.cancel_market_data(link, req),
            Request::MarketDataType(kind) => self.sessions.set_data_type(link, kind),
            Request::Depth {
                req,
                contract,
                rows,
                smart,
                moves,
            } => {
                let shape = depth::Shape { rows, smart, moves };
                self.depth(link, req, &contract, shape);
            }
            Request::CancelDepth { req, .. } => self.cancel_depth(link, req),
            Request::DepthExchanges => self.depth_exchanges(link),
            Request::SmartComponents(req, name) => self.smart_components(link, req, &name),
            Request::TickByTick(asked) => self.tick_by_tick(link, &asked),
            Request::CancelTickByTick(req) => self.cancel_tick_by_tick(link, req),
            other => return self.serve_history(link, other),
        }
        None
    }

    /// Bars, ticks of the past, scanners and news; gives back what is neither.
    fn serve_history(&mut self, link: Link, request: Request) -> Option<Request> {
        match request {
            Request::HistoricalTicks(asked) => self.historical_ticks(link, &asked),
            Request::HistoricalBars(asked) => self.historical_bars(link, &asked),
            Request::CancelHistoricalBars(req) => self.cancel_historical_bars(link, req),
            Request::HeadTimestamp {
                req,
                contract,
                format_date,
                ..
            } => self.head_timestamp(link, req, &contract, format_date),
            Request::RealTimeBars {
                req,
                contract,
                what,
                ..
            } => self.real_time_bars(link, req, &contract, &what),
            Request::CancelRealTimeBars(req) => self.cancel_real_time_bars(link, req),
            Request::ScannerParameters => self.scanner_parameters(link),
            Request::Scanner(req, asked) => self.scanner(link, req, asked),
            Request::CancelScanner(req) => self.cancel_scanner(link, req),
            Request::NewsProviders => self.news_providers(link),
            Request::NewsBulletins(all) => self.news_bulletins(link, all),
            Request::NewsArticle(req, _, id) => self.news_article(link, req, &id),
            Request::HistoricalNews(req, con_id, providers, most) => {
                self.historical_news(link, req, con_id, (&providers, most));
            }
            other => return Some(other),
        }
        None
    }

    fn serve_account(&mut self, link: Link, client: i32, request: Request) {
        match request {
            Request::Ids => {
                let next = self.sessions.next_order_id(client);
                self.say(link, Answer::NextValidId(next));
            }
            Request::ManagedAccounts => {
                self.say(link, Answer::ManagedAccounts(self.account.clone()));
            }
            Request::CurrentTime => self.say(link, Answer::CurrentTime(stamp::seconds(self.now))),
            Request::CurrentTimeMillis => {
                self.say(link, Answer::CurrentTimeMillis(stamp::millis(self.now)));
            }
            Request::UserInfo(req) => self.say(link, Answer::UserInfo(req, String::new())),
            Request::PlaceOrder {
                order_id,
                contract,
                order,
            } => self.place_order((link, client), order_id, &contract, &order),
            Request::CancelOrder(id) => self.cancel_order(link, client, id),
            Request::GlobalCancel => self.global_cancel(),
            Request::OpenOrders => self.open_orders(link, client, false),
            Request::AllOpenOrders => self.open_orders(link, client, true),
            Request::AutoOpenOrders(_) => self.auto_open_orders(link, client),
            Request::CompletedOrders(_) => self.completed_orders(link),
            Request::Executions(req, filter) => self.executions(link, req, &filter),
            other => self.serve_holdings(link, other),
        }
    }

    /// Positions, account values and profit.
    fn serve_holdings(&mut self, link: Link, request: Request) {
        match request {
            Request::Positions => self.positions(link),
            Request::CancelPositions => self.cancel_positions(link),
            Request::PositionsMulti(req, _, model) => self.positions_multi(link, req, model),
            Request::CancelPositionsMulti(req) => self.cancel_positions_multi(link, req),
            Request::AccountSummary { req, tags, .. } => self.account_summary(link, req, tags),
            Request::CancelAccountSummary(req) => self.cancel_account_summary(link, req),
            Request::AccountUpdates { subscribe, account } => {
                self.account_updates(link, subscribe, &account);
            }
            Request::AccountUpdatesMulti(req, _, model, _) => {
                self.account_updates_multi(link, req, model);
            }
            Request::CancelAccountUpdatesMulti(req) => {
                self.cancel_account_updates_multi(link, req);
            }
            Request::Pnl(req, ..) => self.pnl(link, req),
            Request::CancelPnl(req) => self.cancel_pnl(link, req),
            Request::PnlSingle(req, _, _, con_id) => self.pnl_single(link, req, con_id),
            Request::CancelPnlSingle(req) => self.cancel_pnl_single(link, req),
            Request::Declined(number, req) => {
                let text = format!(
                    "Error validating request.-'bZ' : cause - Message {number} is not served by \
                     this paper server"
                );
                self.complain(link, req, 321, &text);
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
            time: stamp::millis(self.now),
            code,
            text: text.to_owned(),
            advanced: String::new(),
        };
        self.say(link, Answer::Problem(problem));
    }
}

/// Shares that can be borrowed where short sales are allowed.
const SHORT_SHARES: u64 = 5_000_000;

#[cfg(test)]
mod tests;
