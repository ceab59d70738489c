//! The market as it was, and news.

use super::contract::Contract;
use super::data::{TickBidAsk, TickLast, TickMid};

messages! {
    /// 20 of clients.
    HistoricalDataRequest {
        1 req_id: int32, 2 contract: one Contract, 3 end_date_time: string,
        4 bar_size_setting: string, 5 duration: string, 6 use_rth: bool, 7 what_to_show: string,
        8 format_date: int32, 9 keep_up_to_date: bool,
    }
    /// 87 of clients.
    HeadTimestampRequest {
        1 req_id: int32, 2 contract: one Contract, 3 use_rth: bool, 4 what_to_show: string,
        5 format_date: int32,
    }
    /// 96 of clients.
    HistoricalTicksRequest {
        1 req_id: int32, 2 contract: one Contract, 3 start_date_time: string,
        4 end_date_time: string, 5 number_of_ticks: int32, 6 what_to_show: string,
        7 use_rth: bool, 8 ignore_size: bool,
    }
    /// 12 of clients.
    NewsBulletinsRequest { 1 all_messages: bool, }
    /// 84 of clients.
    NewsArticleRequest { 1 req_id: int32, 2 provider_code: string, 3 article_id: string, }
    /// 86 of clients.
    HistoricalNewsRequest {
        1 req_id: int32, 2 con_id: int32, 3 provider_codes: string, 6 total_results: int32,
    }
    /// 17 of the server.
    HistoricalData { 1 req_id: int32, 2 bars: many HistoricalDataBar, }
    /// A bar.
    HistoricalDataBar {
        1 date: string, 2 open: double, 3 high: double, 4 low: double, 5 close: double,
        6 volume: string, 7 wap: string, 8 bar_count: int32,
    }
    /// 108 of the server.
    HistoricalDataEnd { 1 req_id: int32, 2 start_date_str: string, 3 end_date_str: string, }
    /// 106 of the server.
    HistoricalSchedule {
        1 req_id: int32, 2 start_date_time: string, 3 end_date_time: string, 4 time_zone: string,
        5 historical_sessions: many HistoricalSession,
    }
    /// A session of the past.
    HistoricalSession { 1 start_date_time: string, 2 end_date_time: string, 3 ref_date: string, }
    /// 90 of the server.
    HistoricalDataUpdate { 1 req_id: int32, 2 bar: one HistoricalDataBar, }
    /// 88 of the server.
    HeadTimestamp { 1 req_id: int32, 2 head_timestamp: string, }
    /// 96 of the server.
    HistoricalTicks { 1 req_id: int32, 2 ticks: many TickMid, 3 is_done: bool, }
    /// 97 of the server.
    HistoricalTicksBidAsk { 1 req_id: int32, 2 ticks: many TickBidAsk, 3 is_done: bool, }
    /// 98 of the server.
    HistoricalTicksLast { 1 req_id: int32, 2 ticks: many TickLast, 3 is_done: bool, }
    /// 14 of the server.
    NewsBulletin {
        1 news_msg_id: int32, 2 news_msg_type: int32, 3 news_message: string,
        4 originating_exch: string,
    }
    /// 85 of the server.
    NewsProviders { 1 news_providers: many NewsProvider, }
    /// Who sends news.
    NewsProvider { 1 provider_code: string, 2 provider_name: string, }
    /// 83 of the server.
    NewsArticle { 1 req_id: int32, 2 article_type: int32, 3 article_text: string, }
    /// 86 of the server.
    HistoricalNews {
        1 req_id: int32, 2 time: string, 3 provider_code: string, 4 article_id: string,
        5 headline: string,
    }
    /// 87 of the server.
    HistoricalNewsEnd { 1 req_id: int32, 2 has_more: bool, }
    /// 84 of the server.
    TickNews {
        1 req_id: int32, 2 timestamp: int64, 3 provider_code: string, 4 article_id: string,
        5 headline: string, 6 extra_data: string,
    }
}
