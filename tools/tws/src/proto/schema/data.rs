//! The market as it goes.

use super::contract::Contract;

messages! {
    /// 1 of clients.
    MarketDataRequest {
        1 req_id: int32, 2 contract: one Contract, 3 generic_tick_list: string, 4 snapshot: bool,
        5 regulatory_snapshot: bool,
    }
    /// 59 of clients.
    MarketDataTypeRequest { 1 market_data_type: int32, }
    /// 10 of clients.
    MarketDepthRequest {
        1 req_id: int32, 2 contract: one Contract, 3 num_rows: int32, 4 is_smart_depth: bool,
    }
    /// 11 of clients.
    CancelMarketDepth { 1 req_id: int32, 2 is_smart_depth: bool, }
    /// 97 of clients.
    TickByTickRequest {
        1 req_id: int32, 2 contract: one Contract, 3 tick_type: string, 4 number_of_ticks: int32,
        5 ignore_size: bool,
    }
    /// 50 of clients.
    RealTimeBarsRequest {
        1 req_id: int32, 2 contract: one Contract, 3 bar_size: int32, 4 what_to_show: string,
        5 use_rth: bool,
    }
    /// 1 of the server.
    TickPrice {
        1 req_id: int32, 2 tick_type: int32, 3 price: double, 4 size: string, 5 attr_mask: int32,
    }
    /// 2 of the server.
    TickSize { 1 req_id: int32, 2 tick_type: int32, 3 size: string, }
    /// 45 of the server.
    TickGeneric { 1 req_id: int32, 2 tick_type: int32, 3 value: double, }
    /// 46 of the server.
    TickString { 1 req_id: int32, 2 tick_type: int32, 3 value: string, }
    /// 58 of the server.
    MarketDataType { 1 req_id: int32, 2 market_data_type: int32, }
    /// 81 of the server.
    TickReqParams {
        1 req_id: int32, 2 min_tick: string, 3 bbo_exchange: string,
        4 snapshot_permissions: int32,
    }
    /// 12 and 13 of the server.
    MarketDepth { 1 req_id: int32, 2 data: one MarketDepthData, }
    /// A row.
    MarketDepthData {
        1 position: int32, 2 operation: int32, 3 side: int32, 4 price: double, 5 size: string,
        6 market_maker: string, 7 is_smart_depth: bool,
    }
    /// 99 of the server: one of the three.
    TickByTickData {
        1 req_id: int32, 2 tick_type: int32, 3 last: one TickLast, 4 bid_ask: one TickBidAsk,
        5 mid: one TickMid,
    }
    /// A trade.
    TickLast {
        1 time: int64, 2 attributes: one LastAttributes, 3 price: double, 4 size: string,
        5 exchange: string, 6 special_conditions: string,
    }
    /// What is special about a trade.
    LastAttributes { 1 past_limit: bool, 2 unreported: bool, }
    /// A quote.
    TickBidAsk {
        1 time: int64, 2 attributes: one BidAskAttributes, 3 price_bid: double,
        4 price_ask: double, 5 size_bid: string, 6 size_ask: string,
    }
    /// What is special about a quote.
    BidAskAttributes { 1 bid_past_low: bool, 2 ask_past_high: bool, }
    /// A middle.
    TickMid { 1 time: int64, 2 price: double, 3 size: string, }
    /// 50 of the server.
    RealTimeBar {
        1 req_id: int32, 2 time: int64, 3 open: double, 4 high: double, 5 low: double,
        6 close: double, 7 volume: string, 8 wap: string, 9 count: int32,
    }
}
