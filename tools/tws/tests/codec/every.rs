//! One of every answer, with values that tell each field from the next.

use tws::Answer;
use tws::model::{
    Bar, BidAskTick, Contract, ContractDetails, Decimal, DepthExchange, DepthRow, Execution,
    HistoricalTick, LastTick, MarketRule, NewsArticle, OpenOrder, Order, OrderState, OrderStatus,
    PortfolioValue, Problem, ScannerRow,
};

fn text(text: &str) -> String {
    text.to_owned()
}

fn share() -> Contract {
    Contract {
        con_id: 265_598,
        symbol: text("AAPL"),
        sec_type: text("STK"),
        exchange: text("SMART"),
        primary_exchange: text("NASDAQ"),
        currency: text("USD"),
        local_symbol: text("AAPL"),
        trading_class: text("NMS"),
        description: text("APPLE INC"),
        issuer_id: text("e1359061"),
        ..Contract::default()
    }
}

fn future() -> Contract {
    Contract {
        con_id: 495_512_563,
        symbol: text("ES"),
        sec_type: text("FUT"),
        last_trade_date: text("20261218"),
        multiplier: text("50"),
        exchange: text("CME"),
        currency: text("USD"),
        local_symbol: text("ESZ6"),
        trading_class: text("ES"),
        ..Contract::default()
    }
}

fn details() -> ContractDetails {
    ContractDetails {
        contract: future(),
        market_name: text("ES"),
        min_tick: 0.25,
        order_types: text("LMT,MKT,STP"),
        valid_exchanges: text("CME,QBALGO"),
        price_magnifier: 1,
        under_con_id: 11_004_968,
        long_name: text("E-mini S&P 500"),
        contract_month: text("202612"),
        industry: text("Indices"),
        category: text("Broad Range Equity Index"),
        subcategory: text("*"),
        time_zone: text("US/Central"),
        trading_hours: text("20261120:1700-20261121:1600;20261122:CLOSED"),
        liquid_hours: text("20261120:0830-20261120:1600"),
        market_rules: text("67,67"),
        stock_type: String::new(),
        real_expiration: text("20261218"),
        min_size: Decimal::ONE,
        size_increment: Decimal::ONE,
        suggested_size_increment: Decimal::TWO,
        agg_group: 2_147_483_647,
        sec_ids: vec![(text("ISIN"), text("US0000000001"))],
    }
}

fn order() -> Order {
    Order {
        order_id: 11,
        client_id: 7,
        perm_id: 1_450_000_001,
        parent_id: 10,
        action: text("SELL"),
        quantity: Decimal::new(1505, 1),
        display_size: 20,
        order_type: text("STP LMT"),
        limit: Some(149.5),
        aux: Some(149.75),
        tif: text("GTD"),
        good_till: text("20261120 16:00:00 US/Eastern"),
        good_after: text("20261120 09:31:00 US/Eastern"),
        account: text("DU1234567"),
        oca_group: text("bracket-10"),
        oca_type: 1,
        order_ref: text("exit"),
        transmit: true,
        outside_rth: true,
        hidden: true,
        all_or_none: true,
        min_qty: Some(5),
        trailing_percent: Some(1.5),
        trail_stop: Some(148.25),
        limit_offset: Some(0.5),
        trigger_method: 4,
        what_if: true,
        cash_qty: Some(1000.5),
        auto_cancel_parent: true,
        algo: String::new(),
        conditions: 0,
        model_code: text("model"),
        filled: Decimal::new(50, 0),
        parent_perm_id: 1_450_000_000,
    }
}

fn state() -> OrderState {
    OrderState {
        status: text("PreSubmitted"),
        initial_margin: [Some(1.5), Some(2.5), Some(4.0)],
        maintenance_margin: [Some(1.25), Some(2.25), Some(3.5)],
        equity_with_loan: [Some(100.0), Some(-1.0), Some(99.0)],
        commission: Some(1.05),
        commission_min: Some(1.0),
        commission_max: None,
        commission_currency: text("USD"),
        warning: text("held until the open"),
        completed_time: text("20261120 10:00:00 US/Eastern"),
        completed_status: text("Filled Size: 50"),
    }
}

/// One of every answer.
pub fn answers() -> Vec<Answer> {
    let mut all = session();
    all.extend(contracts());
    all.extend(data());
    all.extend(history());
    all.extend(orders());
    all.extend(account());
    all.extend(news());
    all
}

fn session() -> Vec<Answer> {
    vec![
        Answer::ManagedAccounts(text("DU1234567,DU7654321")),
        Answer::NextValidId(42),
        Answer::Problem(Problem {
            id: 11,
            time: 1_795_185_000_123,
            code: 201,
            text: text("Order rejected - reason:too large"),
            advanced: text("{\"rejectReason\":1}"),
        }),
        Answer::CurrentTime(1_795_185_000),
        Answer::CurrentTimeMillis(1_795_185_000_123),
        Answer::UserInfo(3, text("brand")),
    ]
}

fn contracts() -> Vec<Answer> {
    vec![
        Answer::ContractData(10, Box::new(details())),
        Answer::ContractDataEnd(10),
        Answer::SymbolSamples(
            19,
            vec![
                (share(), vec![text("OPT"), text("CFD")]),
                (future(), Vec::new()),
            ],
        ),
        Answer::MarketRule(MarketRule {
            id: 26,
            steps: vec![(0.0, 0.0001), (1.0, 0.01)],
        }),
        Answer::DepthExchanges(vec![
            DepthExchange {
                exchange: text("ISLAND"),
                sec_type: text("STK"),
                listing: text("NASDAQ"),
                service: text("Deep2"),
                agg_group: None,
            },
            DepthExchange {
                exchange: text("CME"),
                sec_type: text("FUT"),
                listing: String::new(),
                service: text("Deep"),
                agg_group: Some(4),
            },
        ]),
        Answer::SmartComponents(
            20,
            vec![(0, text("AMEX"), text("A")), (9, text("ARCA"), text("P"))],
        ),
        Answer::ScannerParameters(text("<ScanParameterResponse/>")),
        Answer::Scanner(
            13,
            vec![ScannerRow {
                rank: 1,
                contract: share(),
                market_name: text("NMS"),
                distance: text("1.5%"),
                benchmark: text("SPX"),
                projection: text("2"),
            }],
        ),
    ]
}

fn data() -> Vec<Answer> {
    let row = DepthRow {
        position: 3,
        market_maker: text("ARCA"),
        operation: 1,
        side: 1,
        price: 150.05,
        size: Decimal::new(700, 0),
        smart: true,
    };
    vec![
        Answer::TickPrice {
            req: 1,
            tick: 2,
            price: 150.1,
            size: Decimal::new(30_000, 2),
            attributes: 5,
        },
        Answer::TickSize(1, 8, Decimal::new(12_345, 1)),
        Answer::TickGeneric(1, 49, 1.0),
        Answer::TickString(1, 48, text("150.1;100;1795185000123;5000;150.05;true")),
        Answer::TickSnapshotEnd(1),
        Answer::MarketDataType(1, 3),
        Answer::TickReqParams {
            req: 1,
            min_tick: 0.01,
            bbo_exchange: text("9c0001"),
            snapshot_permissions: 3,
        },
        Answer::Depth(2, row.clone()),
        Answer::DepthL2(2, row),
        Answer::TickByTickLast(3, true, last()),
        Answer::TickByTickLast(3, false, last()),
        Answer::TickByTickBidAsk(4, bid_ask()),
        Answer::TickByTickMid(5, 1_795_185_003, 150.075),
        Answer::RealTimeBar(6, 1_795_185_005, bar("")),
    ]
}

fn last() -> LastTick {
    LastTick {
        time: 1_795_185_001,
        attributes: 1,
        price: 150.1,
        size: Decimal::new(100, 0),
        exchange: text("ISLAND"),
        conditions: text("TI"),
    }
}

fn bid_ask() -> BidAskTick {
    BidAskTick {
        time: 1_795_185_002,
        attributes: 1,
        bid: 150.05,
        ask: 150.1,
        bid_size: Decimal::new(200, 0),
        ask_size: Decimal::new(300, 0),
    }
}

fn bar(date: &str) -> Bar {
    Bar {
        date: text(date),
        open: 150.0,
        high: 150.5,
        low: 149.75,
        close: 150.25,
        volume: Decimal::new(12_300, 0),
        wap: Decimal::new(150_123, 3),
        count: 77,
    }
}

fn history() -> Vec<Answer> {
    let middle = HistoricalTick {
        time: 1_795_185_003,
        price: 150.075,
        size: Decimal::ZERO,
    };
    vec![
        Answer::HistoricalBars {
            req: 12,
            start: text("20261119 16:00:00 US/Eastern"),
            end: text("20261120 16:00:00 US/Eastern"),
            bars: vec![bar("1795185000"), bar("1795185060")],
        },
        Answer::HistoricalBarUpdate(12, bar("1795185060")),
        Answer::HistoricalSchedule {
            req: 13,
            start: text("20261119-09:30:00"),
            end: text("20261120-16:00:00"),
            zone: text("US/Eastern"),
            sessions: vec![
                (
                    text("20261119-09:30:00"),
                    text("20261119-16:00:00"),
                    text("20261119"),
                ),
                (
                    text("20261120-09:30:00"),
                    text("20261120-16:00:00"),
                    text("20261120"),
                ),
            ],
        },
        Answer::HeadTimestamp(23, text("345479400")),
        Answer::HistoricalMids(26, vec![middle], true),
        Answer::HistoricalBidAsks(26, vec![bid_ask()], true),
        Answer::HistoricalLasts(26, vec![last(), last()], false),
    ]
}

fn orders() -> Vec<Answer> {
    let told = OpenOrder {
        contract: share(),
        order: order(),
        state: state(),
    };
    let execution = Execution {
        order_id: 11,
        exec_id: text("0000e0d5.6560a1b2.01.01"),
        time: text("20261120 10:00:00 US/Eastern"),
        account: text("DU1234567"),
        exchange: text("ARCA"),
        side: text("SLD"),
        shares: Decimal::new(50, 0),
        price: 149.6,
        perm_id: 1_450_000_001,
        client_id: 7,
        liquidation: false,
        cumulative: Decimal::new(50, 0),
        average_price: 149.6,
        order_ref: text("exit"),
        last_liquidity: 2,
    };
    vec![
        Answer::OpenOrder(Box::new(told.clone())),
        Answer::OpenOrderEnd,
        Answer::OrderStatus(OrderStatus {
            order_id: 11,
            status: text("Submitted"),
            filled: Decimal::new(50, 0),
            remaining: Decimal::new(1005, 1),
            average_price: 149.6,
            perm_id: 1_450_000_001,
            parent_id: 10,
            last_price: 149.625,
            client_id: 7,
            why_held: text("locate"),
            market_cap_price: 0.0,
        }),
        Answer::Execution(-1, share(), Box::new(execution)),
        Answer::ExecutionEnd(9),
        Answer::Commission {
            exec_id: text("0000e0d5.6560a1b2.01.01"),
            amount: 1.05,
            currency: text("USD"),
            realized: Some(-12.5),
        },
        Answer::CompletedOrder(Box::new(told)),
        Answer::CompletedOrderEnd,
        Answer::OrderBound(1_450_000_001, 0, -3),
    ]
}

fn account() -> Vec<Answer> {
    let account = || text("DU1234567");
    vec![
        Answer::Position(account(), share(), Decimal::new(-1005, 1), 150.004),
        Answer::PositionEnd,
        Answer::PositionMulti(16, account(), text("m"), future(), Decimal::TWO, 250_000.5),
        Answer::PositionMultiEnd(16),
        Answer::AccountSummary(
            15,
            account(),
            text("NetLiquidation"),
            text("1000000.5"),
            text("USD"),
        ),
        Answer::AccountSummaryEnd(15),
        Answer::AccountValue(text("CashBalance"), text("999.5"), text("USD"), account()),
        Answer::PortfolioValue(Box::new(PortfolioValue {
            contract: share(),
            position: Decimal::new(100, 0),
            price: 150.1,
            value: 15_010.0,
            average_cost: 150.004,
            unrealized: 9.6,
            realized: -12.5,
            account: account(),
        })),
        Answer::AccountTime(text("10:00")),
        Answer::AccountEnd(account()),
        Answer::AccountUpdateMulti(
            17,
            account(),
            text("m"),
            text("CashBalance"),
            text("5"),
            text("USD"),
        ),
        Answer::AccountUpdateMultiEnd(17),
        Answer::Pnl(24, -12.5, Some(9.6), None),
        Answer::PnlSingle {
            req: 25,
            position: Decimal::new(100, 0),
            daily: -12.5,
            unrealized: Some(9.6),
            realized: None,
            value: 15_010.0,
        },
    ]
}

fn news() -> Vec<Answer> {
    vec![
        Answer::NewsBulletin(1, 2, text("exchange halted"), text("NYSE")),
        Answer::NewsProviders(vec![
            (text("BZ"), text("Benzinga Pro")),
            (text("FLY"), text("Fly")),
        ]),
        Answer::NewsArticle(
            21,
            NewsArticle {
                kind: 0,
                text: text("All is well."),
            },
        ),
        Answer::HistoricalNews(
            22,
            text("2026-11-20 14:30:00.0"),
            text("BZ"),
            text("BZ$1"),
            text("Up"),
        ),
        Answer::HistoricalNewsEnd(22, true),
        Answer::TickNews(
            1,
            1_795_185_000_123,
            text("BZ"),
            text("BZ$1"),
            text("Up"),
            text("K:1"),
        ),
    ]
}
