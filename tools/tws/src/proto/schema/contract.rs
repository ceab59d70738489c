//! What is traded, and where.

messages! {
    /// A contract.
    Contract {
        1 con_id: int32, 2 symbol: string, 3 sec_type: string,
        4 last_trade_date_or_contract_month: string, 5 strike: double, 6 right: string,
        7 multiplier: double, 8 exchange: string, 9 primary_exch: string, 10 currency: string,
        11 local_symbol: string, 12 trading_class: string, 13 sec_id_type: string,
        14 sec_id: string, 15 description: string, 16 issuer_id: string,
        18 include_expired: bool, 20 combo_legs: many ComboLeg, 21 last_trade_date: string,
    }
    /// A leg of a combination.
    ComboLeg { 1 con_id: int32, 2 ratio: int32, 3 action: string, 4 exchange: string, }
    /// 9 of clients.
    ContractDataRequest { 1 req_id: int32, 2 contract: one Contract, }
    /// 81 of clients.
    MatchingSymbolsRequest { 1 req_id: int32, 2 pattern: string, }
    /// 91 of clients.
    MarketRuleRequest { 1 market_rule_id: int32, }
    /// 83 of clients.
    SmartComponentsRequest { 1 req_id: int32, 2 bbo_exchange: string, }
    /// 22 of clients.
    ScannerRequest { 1 req_id: int32, 2 scanner_subscription: one ScannerSubscription, }
    /// What a scanner looks for.
    ScannerSubscription {
        1 number_of_rows: int32, 2 instrument: string, 3 location_code: string,
        4 scan_code: string, 5 above_price: double, 6 below_price: double, 7 above_volume: int64,
    }
    /// 10 of the server.
    ContractData { 1 req_id: int32, 2 contract: one Contract, 3 details: one ContractDetails, }
    /// A contract in full.
    ContractDetails {
        1 market_name: string, 2 min_tick: string, 3 order_types: string,
        4 valid_exchanges: string, 5 price_magnifier: int32, 6 under_con_id: int32,
        7 long_name: string, 8 contract_month: string, 9 industry: string, 10 category: string,
        11 subcategory: string, 12 time_zone_id: string, 13 trading_hours: string,
        14 liquid_hours: string, 17 sec_id_list: pairs, 18 agg_group: int32,
        21 market_rule_ids: string, 22 real_expiration_date: string, 23 stock_type: string,
        24 min_size: string, 25 size_increment: string, 26 suggested_size_increment: string,
    }
    /// 79 of the server.
    SymbolSamples { 1 req_id: int32, 2 descriptions: many ContractDescription, }
    /// A symbol that matches.
    ContractDescription { 1 contract: one Contract, 2 derivative_sec_types: texts, }
    /// 93 of the server.
    MarketRule { 1 market_rule_id: int32, 2 price_increments: many PriceIncrement, }
    /// An increment from a price on.
    PriceIncrement { 1 low_edge: double, 2 increment: double, }
    /// 80 of the server.
    MarketDepthExchanges { 1 descriptions: many DepthMarketDataDescription, }
    /// An exchange that has depth.
    DepthMarketDataDescription {
        1 exchange: string, 2 sec_type: string, 3 listing_exch: string,
        4 service_data_type: string, 5 agg_group: int32,
    }
    /// 82 of the server.
    SmartComponents { 1 req_id: int32, 2 smart_components: many SmartComponent, }
    /// An exchange behind a letter.
    SmartComponent { 1 bit_number: int32, 2 exchange: string, 3 exchange_letter: string, }
    /// 19 of the server.
    ScannerParameters { 1 xml: string, }
    /// 20 of the server.
    ScannerData { 1 req_id: int32, 2 elements: many ScannerDataElement, }
    /// A row of a scan.
    ScannerDataElement {
        1 rank: int32, 2 contract: one Contract, 3 market_name: string, 4 distance: string,
        5 benchmark: string, 6 projection: string, 7 combo_key: string,
    }
}
