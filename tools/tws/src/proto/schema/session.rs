//! Messages of the session, and those that are nothing but a number.

messages! {
    /// 71 of clients.
    StartApi { 1 client_id: int32, 2 optional_capabilities: string, }
    /// 14 of clients.
    SetServerLogLevel { 1 log_level: int32, }
    /// Many of both sides: the client's number of a request, and nothing else.
    ReqId { 1 req_id: int32, }
    /// Ends of lists that have no number.
    Empty {}
    /// 104 of clients is a [`ReqId`]; this is 107 of the server.
    UserInfo { 1 req_id: int32, 2 white_branding_id: string, }
    /// 9 of the server.
    NextValidId { 1 order_id: int32, }
    /// 15 of the server.
    ManagedAccounts { 1 accounts_list: string, }
    /// 49 of the server, in seconds, and 109, in milliseconds.
    CurrentTime { 1 current_time: int64, }
    /// 4 of the server.
    ErrorMessage {
        1 id: int32, 2 error_time: int64, 3 error_code: int32, 4 error_msg: string,
        5 advanced_order_reject_json: string,
    }
}
