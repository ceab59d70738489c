//! Positions, account values and profit.

use super::contract::Contract;

messages! {
    /// 62 of clients.
    AccountSummaryRequest { 1 req_id: int32, 2 group: string, 3 tags: string, }
    /// 6 of clients.
    AccountDataRequest { 1 subscribe: bool, 2 acct_code: string, }
    /// 74 and 92 of clients.
    AccountRequest { 1 req_id: int32, 2 account: string, 3 model_code: string, }
    /// 76 of clients.
    AccountUpdatesMultiRequest {
        1 req_id: int32, 2 account: string, 3 model_code: string, 4 ledger_and_nlv: bool,
    }
    /// 94 of clients.
    PnLSingleRequest { 1 req_id: int32, 2 account: string, 3 model_code: string, 4 con_id: int32, }
    /// 61 of the server.
    Position {
        1 account: string, 2 contract: one Contract, 3 position: string, 4 avg_cost: double,
    }
    /// 71 of the server.
    PositionMulti {
        1 req_id: int32, 2 account: string, 3 contract: one Contract, 4 position: string,
        5 avg_cost: double, 6 model_code: string,
    }
    /// 63 of the server.
    AccountSummary {
        1 req_id: int32, 2 account: string, 3 tag: string, 4 value: string, 5 currency: string,
    }
    /// 6 of the server.
    AccountValue { 1 key: string, 2 value: string, 3 currency: string, 4 account_name: string, }
    /// 7 of the server.
    PortfolioValue {
        1 contract: one Contract, 2 position: string, 3 market_price: double,
        4 market_value: double, 5 average_cost: double, 6 unrealized_pnl: double,
        7 realized_pnl: double, 8 account_name: string,
    }
    /// 8 of the server.
    AccountUpdateTime { 1 time_stamp: string, }
    /// 54 of the server.
    AccountDataEnd { 1 account_name: string, }
    /// 73 of the server.
    AccountUpdateMulti {
        1 req_id: int32, 2 account: string, 3 model_code: string, 4 key: string, 5 value: string,
        6 currency: string,
    }
    /// 94 of the server.
    PnL { 1 req_id: int32, 2 daily_pnl: double, 3 unrealized_pnl: double, 4 realized_pnl: double, }
    /// 95 of the server.
    PnLSingle {
        1 req_id: int32, 2 position: string, 3 daily_pnl: double, 4 unrealized_pnl: double,
        5 realized_pnl: double, 6 value: double,
    }
}
