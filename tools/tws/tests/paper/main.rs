//! The whole paper server, with the Rust client `ibapi` 5.5 as published: data, a bracket from
//! its order to its end, and the account, which is compared with the broker's own truth.
//!
//! The server's clock runs fifty times as fast as ours; every wait is for a message.

use gateway::ibkr::api::Api;
use gateway::ibkr::broker::{self, Broker as _, Handed, Wish};
use ibapi::accounts::PositionUpdate;
use ibapi::client::blocking::Client;
use ibapi::contracts::tick_types::TickType;
use ibapi::contracts::{Contract, SecurityType};
use ibapi::market_data::SmartDepth;
use ibapi::market_data::historical::{BarSize, ToDuration, WhatToShow};
use ibapi::market_data::realtime::{MarketDepths, TickTypes};
use ibapi::orders::{ExecutionFilter, Executions, OrderUpdate, Orders};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;
use stream::payload::{OrderType, TimeInForce};
use stream::{InstrumentId, Nanos, Price, Side};
use tws::World;
use tws::server::{Clock, Options, Server, Stopper};
use tws::world::{Config, Truth};

/// A Friday, 20 November 2026, 14:30 UTC: the market opens.
const STARTS: u64 = 1_795_185_000;
const ACCOUNT: &str = "DU1234567";
/// Longer than any message takes; it ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

struct Paper {
    address: SocketAddr,
    stopper: Stopper,
    thread: JoinHandle<Truth>,
}

impl Paper {
    fn open() -> Self {
        let start = Nanos::from_secs(STARTS);
        let config = Config::synthetic(ACCOUNT, 7, start, Nanos::from_secs(20_000));
        Self::of(config.expect("sound"))
    }

    fn of(config: Config) -> Self {
        let start = config.start;
        let world = World::open(config);
        let loopback = "127.0.0.1:0".parse().expect("an address");
        let clock = Clock::scaled(start, 50_000);
        let server = Server::bind(loopback, world, clock, Options::default());
        let mut server = server.expect("it binds");
        let (address, stopper) = (server.local_addr().expect("bound"), server.stopper());
        let thread = std::thread::spawn(move || {
            server.run(|_| {}).expect("it serves");
            server.world().truth()
        });
        Self {
            address,
            stopper,
            thread,
        }
    }

    fn connect(&self, client: i32) -> Client {
        Client::connect(&self.address.to_string(), client).expect("it connects")
    }

    fn end(self) -> Truth {
        self.stopper.stop();
        self.thread.join().expect("the server ends well")
    }
}

fn cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

/// Bid and ask.
fn quote(client: &Client, contract: &Contract) -> (f64, f64) {
    let stream = client.market_data(contract).subscribe().expect("asked");
    let (mut bid, mut ask) = (0.0, 0.0);
    for tick in stream.timeout_iter_data(PATIENCE) {
        let (kind, price) = match tick.expect("decoded") {
            TickTypes::Price(tick) => (tick.tick_type, tick.price),
            TickTypes::PriceSize(tick) => (tick.price_tick_type, tick.price),
            _ => continue,
        };
        match kind {
            TickType::Bid => bid = price,
            TickType::Ask => ask = price,
            _ => {}
        }
        if bid > 0.0 && ask > 0.0 {
            return (bid, ask);
        }
    }
    panic!("no quote");
}

#[test]
fn reference_and_market_data() {
    let paper = Paper::open();
    let client = paper.connect(3);
    let contract = Contract::stock("ALDR").build();
    let details = client.contract_details(&contract).expect("answered");
    assert_eq!(details.len(), 1);
    assert_eq!(details[0].liquid_hours[0], "20261120:0930-20261120:1600");
    assert!(details[0].contract.contract_id > 0);
    let (bid, ask) = quote(&client, &contract);
    assert!(0.0 < bid && bid < ask);
    let rows = client
        .market_depth(&contract, 5)
        .smart_depth(SmartDepth::Yes);
    let rows = rows.subscribe().expect("asked");
    let mut sides = [0, 0];
    for row in rows.timeout_iter_data(PATIENCE) {
        if let MarketDepths::MarketDepthL2(row) = row.expect("decoded") {
            assert_eq!(row.market_maker, "NASDAQ");
            sides[row.side as usize] += 1;
        }
        if sides[0] >= 5 && sides[1] >= 5 {
            break;
        }
    }
    assert!(sides[0] >= 5 && sides[1] >= 5, "{sides:?}");
    let bars = client
        .historical_data(&contract, BarSize::Hour)
        .what_to_show(WhatToShow::Trades)
        .duration(5.days())
        .fetch()
        .expect("answered");
    assert!(
        bars.bars.len() >= 28,
        "four days of seven: {}",
        bars.bars.len()
    );
    assert!(bars.bars.windows(2).all(|pair| pair[0].date < pair[1].date));
    drop((rows, client));
    paper.end();
}

#[test]
fn a_bracket_from_its_order_to_its_end() {
    let paper = Paper::open();
    let client = paper.connect(4);
    let updates = client.order_update_stream().expect("asked");
    let contract = Contract::stock("ALDR").build();
    let (_, ask) = quote(&client, &contract);
    let entry = cents(ask + 1.0);
    let ids = client
        .order(&contract)
        .buy(10)
        .bracket()
        .entry_limit(entry)
        .take_profit(cents(ask * 1.05))
        .stop_loss(cents(ask * 0.95))
        .submit_all()
        .expect("sent");
    let mut last: BTreeMap<i32, String> = BTreeMap::new();
    let (mut filled, mut fees) = (0.0, 0.0);
    let mut cancelled = false;
    for update in updates.timeout_iter_data(PATIENCE) {
        match update.expect("decoded") {
            OrderUpdate::OrderStatus(status) => {
                assert_eq!(status.client_id, 4);
                last.insert(status.order_id, status.status.to_string());
            }
            OrderUpdate::ExecutionData(data) => filled += data.execution.shares,
            OrderUpdate::CommissionReport(report) => fees += report.commission,
            _ => {}
        }
        let is = |id: i32, word: &str| last.get(&id).is_some_and(|status| status == word);
        let (target, stop) = (ids.take_profit.0, ids.stop_loss.0);
        let protected = is(target, "Submitted") && is(stop, "PreSubmitted");
        if is(ids.parent.0, "Filled") && protected && fees > 0.0 && !cancelled {
            client.global_cancel().expect("sent");
            cancelled = true;
        }
        if cancelled && is(target, "Cancelled") && is(stop, "Cancelled") {
            break;
        }
    }
    assert!(cancelled, "{last:?}");
    assert!((filled - 10.0).abs() < 1e-9);
    let positions = client.positions().expect("asked");
    let held =
        positions
            .timeout_iter_data(PATIENCE)
            .find_map(|update| match update.expect("decoded") {
                PositionUpdate::Position(position) => Some(position.position),
                PositionUpdate::PositionEnd => None,
            });
    assert_eq!(held, Some(10.0));
    let executions = client
        .executions(ExecutionFilter::default())
        .expect("asked");
    let mut found = 0.0;
    for item in executions.timeout_iter_data(PATIENCE) {
        if let Executions::ExecutionData(data) = item.expect("decoded") {
            found += data.execution.shares;
            if found >= 10.0 {
                break;
            }
        }
    }
    assert!((found - filled).abs() < 1e-9);
    let done = client.completed_orders(false).expect("asked");
    let ended = |order: &Result<Orders, _>| matches!(order, Ok(Orders::OrderData(_)));
    assert_eq!(
        done.timeout_iter_data(PATIENCE)
            .take(3)
            .filter(ended)
            .count(),
        3
    );
    drop((updates, positions, executions, done, client));
    let truth = paper.end();
    assert_eq!(truth.positions.get("ALDR"), Some(&10));
    assert_eq!(truth.orders_live, 0);
    let told: f64 = truth.fees.parse().expect("a number");
    assert!((fees - told).abs() < 1e-9, "{fees} and {told}");
}

/// A stop far below the market.
fn far_stop(order_id: i32, instrument: InstrumentId) -> Wish {
    Wish {
        order_id,
        parent_id: 0,
        instrument,
        side: Side::Sell,
        qty: 1,
        order_type: OrderType::Stop,
        limit: Price::ZERO,
        trigger: Price(1_000_000_000),
        tif: TimeInForce::Day,
        expire: Nanos::ZERO,
        group: String::new(),
        reference: format!("of {}", instrument.0),
        transmit: true,
    }
}

#[test]
fn our_stop_of_a_future_triggers_outside_of_regular_hours_and_one_of_a_share_does_not() {
    let start = Nanos::from_secs(STARTS);
    let config = Config::usual(ACCOUNT, 7, start, Nanos::from_secs(20_000));
    let paper = Paper::of(config.expect("sound"));
    let address = paper.address.to_string();
    let api = Api::connect(&address, 5, ACCOUNT, PATIENCE).expect("it connects");
    let wanted = [("ES", true, "CME", 50), ("ALDR", false, "NASDAQ", 1)];
    for (number, (symbol, future, venue, multiplier)) in (1..).zip(wanted) {
        let contract = broker::Contract {
            instrument: InstrumentId(number),
            symbol: symbol.to_owned(),
            future,
            venue: venue.to_owned(),
            currency: "USD".to_owned(),
            multiplier,
            ..broker::Contract::default()
        };
        let known = api.details(&contract).expect("answered");
        api.learn(&known[0]);
        let wish = far_stop(api.next_order_id(), contract.instrument);
        assert_eq!(api.submit(&wish), Handed::Yes);
    }
    // What our own comparison sees of them is what was asked for.
    let open = api.open_orders(PATIENCE).expect("answered");
    let triggers: Vec<Price> = open.iter().map(|known| known.trigger).collect();
    assert_eq!(triggers, [Price(1_000_000_000); 2]);
    let client = paper.connect(6);
    let rows = client.all_open_orders().expect("asked");
    let rows = rows.collect_to_end_within(PATIENCE).expect("answered");
    let orders = rows.into_iter().filter_map(|row| match row {
        Orders::OrderData(data) => Some((data.contract.security_type, data.order.outside_rth)),
        Orders::OrderStatus(_) => None,
    });
    let orders: Vec<(SecurityType, bool)> = orders.collect();
    let meant = [(SecurityType::Future, true), (SecurityType::Stock, false)];
    assert_eq!(orders, meant);
    drop((api, client));
    paper.end();
}
