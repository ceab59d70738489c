//! Orders and what becomes of them.

use super::contract::Contract;

messages! {
    /// 3 of clients.
    PlaceOrderRequest { 1 order_id: int32, 2 contract: one Contract, 3 order: one Order, }
    /// 4 of clients.
    CancelOrderRequest { 1 order_id: int32, }
    /// 15 of clients.
    AutoOpenOrdersRequest { 1 auto_bind: bool, }
    /// 99 of clients.
    CompletedOrdersRequest { 1 api_only: bool, }
    /// 7 of clients.
    ExecutionRequest { 1 req_id: int32, 2 execution_filter: one ExecutionFilter, }
    /// Which executions.
    ExecutionFilter {
        1 client_id: int32, 2 acct_code: string, 3 time: string, 4 symbol: string,
        5 sec_type: string, 6 exchange: string, 7 side: string,
    }
    /// An order.
    Order {
        1 client_id: int32, 2 order_id: int32, 3 perm_id: int64, 4 parent_id: int32,
        5 action: string, 6 total_quantity: string, 7 display_size: int32, 8 order_type: string,
        9 lmt_price: double, 10 aux_price: double, 11 tif: string, 12 account: string,
        16 all_or_none: bool, 18 hidden: bool, 19 outside_rth: bool, 22 trailing_percent: double,
        23 trail_stop_price: double, 24 min_qty: int32, 25 good_after_time: string,
        26 good_till_date: string, 27 oca_group: string, 28 order_ref: string, 30 oca_type: int32,
        31 trigger_method: int32, 61 algo_strategy: string, 65 what_if: bool, 66 transmit: bool,
        99 lmt_price_offset: double, 100 conditions: many Condition, 103 model_code: string,
        106 cash_qty: double, 115 filled_quantity: string, 117 auto_cancel_parent: bool,
        121 parent_perm_id: int64,
    }
    /// What an order waits for; only that there is one is of interest.
    Condition {}
    /// 5 of the server.
    OpenOrder {
        1 order_id: int32, 2 contract: one Contract, 3 order: one Order,
        4 order_state: one OrderState,
    }
    /// 101 of the server.
    CompletedOrder { 1 contract: one Contract, 2 order: one Order, 3 order_state: one OrderState, }
    /// How an order stands.
    OrderState {
        1 status: string, 2 init_margin_before: double, 3 maint_margin_before: double,
        4 equity_with_loan_before: double, 5 init_margin_change: double,
        6 maint_margin_change: double, 7 equity_with_loan_change: double,
        8 init_margin_after: double, 9 maint_margin_after: double,
        10 equity_with_loan_after: double, 11 commission_and_fees: double,
        12 min_commission_and_fees: double, 13 max_commission_and_fees: double,
        14 commission_and_fees_currency: string, 28 warning_text: string,
        29 completed_time: string, 30 completed_status: string,
    }
    /// 3 of the server.
    OrderStatus {
        1 order_id: int32, 2 status: string, 3 filled: string, 4 remaining: string,
        5 avg_fill_price: double, 6 perm_id: int64, 7 parent_id: int32, 8 last_fill_price: double,
        9 client_id: int32, 10 why_held: string, 11 mkt_cap_price: double,
    }
    /// 11 of the server.
    ExecutionDetails { 1 req_id: int32, 2 contract: one Contract, 3 execution: one Execution, }
    /// An execution.
    Execution {
        1 order_id: int32, 2 exec_id: string, 3 time: string, 4 acct_number: string,
        5 exchange: string, 6 side: string, 7 shares: string, 8 price: double, 9 perm_id: int64,
        10 client_id: int32, 11 is_liquidation: bool, 12 cum_qty: string, 13 avg_price: double,
        14 order_ref: string, 18 last_liquidity: int32,
    }
    /// 59 of the server.
    CommissionAndFeesReport {
        1 exec_id: string, 2 commission_and_fees: double, 3 currency: string,
        4 realized_pnl: double,
    }
    /// 100 of the server.
    OrderBound { 1 perm_id: int64, 2 client_id: int32, 3 order_id: int32, }
}
