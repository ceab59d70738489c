//! Drives the Rust client 2.12, unmodified: `rust-ibapi-2-12 HOST PORT SYMBOLS`.
//!
//! The same assertions, by the same names, as `scenario.py`; those that this client's API cannot
//! see are left out.
#![forbid(unsafe_code)]

mod data;
mod orders;
mod report;

use ibapi::client::blocking::Client;
use report::Report;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, host, port, symbols] = &words[..] else {
        eprintln!("usage: rust-ibapi-2-12 HOST PORT SYMBOLS");
        std::process::exit(2);
    };
    let symbols: Vec<&str> = symbols.split(',').collect();
    let client = match Client::connect(&format!("{host}:{port}"), 5) {
        Ok(client) => client,
        Err(error) => {
            eprintln!("cannot connect to {host}:{port}: {error}");
            std::process::exit(2);
        }
    };
    let mut report = Report::default();
    data::session(&client, &mut report);
    let con_id = data::contracts(&client, &mut report, symbols[0]);
    let quote = data::quotes(&client, &mut report, symbols[0]);
    data::depth(&client, &mut report, &symbols, quote);
    data::ticks(&client, &mut report, symbols[0], quote);
    data::history(&client, &mut report, symbols[0]);
    let mut desk = orders::Desk::new(&client, symbols[0]);
    desk.single_orders(&mut report, quote);
    desk.far_bracket(&mut report, quote);
    desk.bracket(&mut report);
    desk.account(&mut report, con_id, quote);
    std::process::exit(i32::from(report.failed > 0));
}
