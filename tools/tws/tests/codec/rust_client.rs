//! What the Rust client `ibapi` 5.5, as published, makes of answers, and what it says.

use crate::every::answers;
use crate::peer::Peer;
use ibapi::accounts::types::AccountId;
use ibapi::accounts::{AccountUpdate, PositionUpdate};
use ibapi::client::blocking::Client;
use ibapi::contracts::Contract;
use ibapi::market_data::IgnoreSize;
use ibapi::market_data::historical::{BarSize, ToDuration};
use ibapi::market_data::realtime::{MarketDepths, TickTypes};
use ibapi::orders::{Action, ExecutionSide, OrderUpdate, Orders, order_builder};
use tws::model::{Decimal, TickByTick};
use tws::{Answer, Request};

fn connect(answer: impl Fn(&Request) -> Vec<Answer> + Send + 'static) -> (Client, Peer) {
    let peer = Peer::open(answer);
    let client = Client::connect(&peer.address.to_string(), 7).expect("connects");
    (client, peer)
}

/// The answers of some kind, with another number of their request.
fn some(pick: impl Fn(&mut Answer) -> bool) -> Vec<Answer> {
    let mut all = answers();
    all.retain_mut(pick);
    assert!(!all.is_empty());
    all
}

/// Exactly so: what is sent is as short as it can be said, so nothing may be lost.
fn same(told: f64, wanted: f64) {
    assert_eq!(told.to_bits(), wanted.to_bits(), "{told} is not {wanted}");
}

#[test]
fn contracts() {
    let (client, peer) = connect(|request| {
        let Request::ContractDetails(asked, contract) = request else {
            return Vec::new();
        };
        assert_eq!((&*contract.symbol, &*contract.sec_type), ("AAPL", "STK"));
        some(|answer| match answer {
            Answer::ContractData(req, _) | Answer::ContractDataEnd(req) => {
                *req = *asked;
                true
            }
            _ => false,
        })
    });
    let asked = Contract::stock("AAPL").build();
    let details = client.contract_details(&asked).expect("answered");
    assert_eq!(details.len(), 1);
    same(details[0].min_tick, 0.25);
    assert_eq!(details[0].contract.contract_id, 495_512_563);
    assert_eq!(details[0].contract.multiplier, "50");
    assert_eq!(details[0].liquid_hours, ["20261120:0830-20261120:1600"]);
    assert_eq!(details[0].market_rule_ids, ["67", "67"]);
    assert_eq!(details[0].suggested_size_increment, Some(2.0));
    assert_eq!(details[0].sec_id_list[0].value, "US0000000001");
    drop(client);
    peer.end();
}

#[test]
fn quotes_and_depth() {
    let (client, peer) = connect(|request| match request {
        Request::MarketData(asked) => {
            assert_eq!(asked.generic_ticks, "233,236");
            let asked = asked.req;
            some(move |answer| match answer {
                Answer::TickPrice { req, .. }
                | Answer::TickSize(req, ..)
                | Answer::TickGeneric(req, ..)
                | Answer::TickString(req, ..)
                | Answer::TickReqParams { req, .. } => {
                    *req = asked;
                    true
                }
                _ => false,
            })
        }
        Request::Depth {
            req: asked, rows, ..
        } => {
            assert_eq!(*rows, 5);
            some(|answer| match answer {
                Answer::Depth(req, _) | Answer::DepthL2(req, _) => {
                    *req = *asked;
                    true
                }
                _ => false,
            })
        }
        _ => Vec::new(),
    });
    let contract = Contract::stock("AAPL").build();
    let quotes = client.market_data(&contract).generic_ticks(&["233", "236"]);
    let quotes = quotes.subscribe().expect("asked");
    let next = || quotes.next_data().expect("more").expect("decoded");
    let TickTypes::PriceSize(ask) = next() else {
        panic!("a price with its size");
    };
    same(ask.price, 150.1);
    same(ask.size, 300.0);
    assert!(ask.attributes.can_auto_execute && !ask.attributes.past_limit);
    assert!(matches!(next(), TickTypes::Size(size) if size.size.to_bits() == 1234.5_f64.to_bits()));
    assert!(matches!(next(), TickTypes::Generic(halted) if halted.value > 0.0));
    assert!(matches!(next(), TickTypes::String(volume) if volume.value.starts_with("150.1;")));
    assert!(matches!(next(), TickTypes::RequestParameters(told) if told.bbo_exchange == "9c0001"));
    let depth = client
        .market_depth(&contract, 5)
        .subscribe()
        .expect("asked");
    let next = || depth.next_data().expect("more").expect("decoded");
    assert!(matches!(next(), MarketDepths::MarketDepth(row) if row.position == 3 && row.side == 1));
    let MarketDepths::MarketDepthL2(row) = next() else {
        panic!("a row with its market maker");
    };
    assert_eq!(
        (&*row.market_maker, row.operation, row.smart_depth),
        ("ARCA", 1, true)
    );
    same(row.price, 150.05);
    same(row.size, 700.0);
    drop((quotes, depth, client));
    peer.end();
}

#[test]
fn bars_and_ticks() {
    let (client, peer) = connect(|request| match request {
        Request::HistoricalBars(asked) => {
            assert_eq!((&*asked.bar_size, &*asked.duration), ("1 min", "2 D"));
            let asked = asked.req;
            some(move |answer| match answer {
                Answer::HistoricalBars { req, .. } => {
                    *req = asked;
                    true
                }
                _ => false,
            })
        }
        Request::TickByTick(TickByTick {
            req: asked, what, ..
        }) => {
            assert_eq!(what, "BidAsk");
            some(|answer| match answer {
                Answer::TickByTickBidAsk(req, _) => {
                    *req = *asked;
                    true
                }
                _ => false,
            })
        }
        _ => Vec::new(),
    });
    let contract = Contract::stock("AAPL").build();
    let told = client
        .historical_data(&contract, BarSize::Min)
        .duration(2.days());
    let told = told.fetch().expect("answered");
    assert_eq!(told.bars.len(), 2);
    same(told.bars[1].close, 150.25);
    same(told.bars[1].wap, 150.123);
    assert_eq!(told.bars[1].count, 77);
    assert_eq!(
        told.end.unix_timestamp() - told.start.unix_timestamp(),
        86_400
    );
    let ticks = client
        .tick_by_tick(&contract, 0)
        .bid_ask(IgnoreSize::Yes)
        .expect("asked");
    let tick = ticks.next_data().expect("more").expect("decoded");
    assert_eq!(tick.time.unix_timestamp(), 1_795_185_002);
    same(tick.ask_price, 150.1);
    same(tick.bid_size, 200.0);
    assert!(tick.bid_ask_attribute.bid_past_low && !tick.bid_ask_attribute.ask_past_high);
    drop((ticks, client));
    peer.end();
}

#[test]
fn orders() {
    let (client, peer) = connect(|request| match request {
        Request::PlaceOrder { .. } => some(|answer| {
            matches!(
                answer,
                Answer::OpenOrder(_)
                    | Answer::OrderStatus(_)
                    | Answer::Execution(..)
                    | Answer::Commission { .. }
            )
        }),
        Request::CompletedOrders(true) => some(|answer| {
            matches!(
                answer,
                Answer::CompletedOrder(_) | Answer::CompletedOrderEnd
            )
        }),
        _ => Vec::new(),
    });
    let updates = client.order_update_stream().expect("asked");
    let contract = Contract::stock("AAPL").build();
    let mut order = order_builder::limit_order(Action::Sell, 150.5, 149.5);
    order.parent_id = 10;
    order.order_ref = "exit".to_owned();
    order.transmit = false;
    client.submit_order(11, &contract, &order).expect("sent");
    let Ok(Request::PlaceOrder {
        order_id, order, ..
    }) = peer.heard.recv()
    else {
        panic!("an order");
    };
    assert_eq!((order_id, order.parent_id, order.transmit), (11, 10, false));
    assert_eq!(
        (order.quantity, order.limit),
        (Decimal::new(1505, 1), Some(149.5))
    );
    assert_eq!((&*order.order_type, &*order.order_ref), ("LMT", "exit"));
    let next = || updates.next_data().expect("more").expect("decoded");
    let OrderUpdate::OpenOrder(open) = next() else {
        panic!("an open order");
    };
    assert_eq!((open.order_id, open.order.parent_id), (11, 10));
    same(open.order.total_quantity, 150.5);
    assert_eq!(open.order.aux_price, Some(149.75));
    assert_eq!(open.order_state.initial_margin_after, Some(4.0));
    assert_eq!(open.order_state.maximum_commission, None);
    let OrderUpdate::OrderStatus(status) = next() else {
        panic!("a status");
    };
    same(status.filled, 50.0);
    same(status.remaining, 100.5);
    assert_eq!(status.perm_id, 1_450_000_001);
    let OrderUpdate::ExecutionData(told) = next() else {
        panic!("an execution");
    };
    assert_eq!(told.execution.side, ExecutionSide::Sold);
    same(told.execution.shares, 50.0);
    same(told.execution.price, 149.6);
    let OrderUpdate::CommissionReport(commission) = next() else {
        panic!("a commission");
    };
    assert_eq!(commission.execution_id, told.execution.execution_id);
    assert_eq!(commission.realized_pnl, Some(-12.5));
    let ended = client.completed_orders(true).expect("asked");
    let Some(Ok(Orders::OrderData(ended))) = ended.next_data() else {
        panic!("a completed order");
    };
    same(ended.order.filled_quantity, 50.0);
    assert_eq!(ended.order_state.completed_status, "Filled Size: 50");
    drop((updates, client));
    peer.end();
}

#[test]
fn the_account() {
    let (client, peer) = connect(|request| match request {
        Request::Positions => {
            some(|answer| matches!(answer, Answer::Position(..) | Answer::PositionEnd))
        }
        Request::Pnl(asked, ..) => some(|answer| match answer {
            Answer::Pnl(req, ..) => {
                *req = *asked;
                true
            }
            _ => false,
        }),
        Request::AccountUpdates {
            subscribe: true, ..
        } => some(|answer| {
            matches!(
                answer,
                Answer::AccountValue(..) | Answer::PortfolioValue(_) | Answer::AccountEnd(_)
            )
        }),
        _ => Vec::new(),
    });
    let positions = client.positions().expect("asked");
    let next = || positions.next_data().expect("more").expect("decoded");
    let PositionUpdate::Position(position) = next() else {
        panic!("a position");
    };
    same(position.position, -100.5);
    same(position.average_cost, 150.004);
    assert!(matches!(next(), PositionUpdate::PositionEnd));
    let account = AccountId("DU1234567".to_owned());
    let profit = client.pnl(&account, None).expect("asked");
    let told = profit.next_data().expect("more").expect("decoded");
    same(told.daily_pnl, -12.5);
    assert_eq!((told.unrealized_pnl, told.realized_pnl), (Some(9.6), None));
    let updates = client.account_updates(&account).expect("asked");
    let next = || updates.next_data().expect("more").expect("decoded");
    assert!(matches!(next(), AccountUpdate::AccountValue(told) if told.value == "999.5"));
    let AccountUpdate::PortfolioValue(held) = next() else {
        panic!("a position with its value");
    };
    same(held.market_value, 15_010.0);
    same(held.unrealized_pnl, 9.6);
    assert!(matches!(next(), AccountUpdate::End));
    drop((positions, profit, updates, client));
    peer.end();
}
