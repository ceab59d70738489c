//! The Rust client `ibapi` 5.5, as published, against this server over loopback.

use crate::paper::{Paper, STARTS};
use ibapi::Error;
use ibapi::client::blocking::Client;
use tws::server::Options;

#[test]
fn it_connects_and_learns_who_it_is() {
    let paper = Paper::open(Options::default());
    let client = Client::connect(&paper.address.to_string(), 7).expect("connects");
    assert_eq!(client.server_version(), 226);
    assert_eq!(client.client_id(), 7);
    assert_eq!(client.handshake_managed_accounts(), ["DU1234567"]);
    assert_eq!(client.next_order_id(), 1);
    let accounts = client.managed_accounts().expect("answered");
    assert_eq!(accounts, ["DU1234567"]);
    let told = client.server_time().expect("answered").unix_timestamp();
    assert_eq!(told, STARTS);
    // It could not read its broker's times without the zone that the greeting names.
    assert!(client.time_zone().is_some());
}

#[test]
fn a_client_id_belongs_to_one_connection() {
    let paper = Paper::open(Options::default());
    let first = Client::connect(&paper.address.to_string(), 3).expect("connects");
    match Client::connect(&paper.address.to_string(), 3) {
        Err(Error::ClientIdInUse { client_id: 3, .. }) => {}
        other => panic!("a second client with the same number got {:?}", other.err()),
    }
    Client::connect(&paper.address.to_string(), 4).expect("another number is free");
    drop(first);
}
