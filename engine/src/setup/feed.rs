//! The `[feed]` table: where the market comes from when no file is named.

use crate::config::Settings;
use feed::moldudp::source::Line;
use std::net::{Ipv4Addr, SocketAddr};

/// Where the market comes from when no file is named.
#[derive(Clone, Debug)]
pub enum FeedKind {
    /// Nowhere: files are named on the command line.
    Files,
    /// The synthetic market.
    Synthetic,
    /// The broker's own market data.
    Ibkr,
    /// NASDAQ TotalView-ITCH 5.0 over MoldUDP64.
    MoldUdp(MoldUdp),
}

/// A MoldUDP64 feed.
#[derive(Clone, Debug)]
pub struct MoldUdp {
    /// Where the packets go: multicast groups or addresses of this host.
    pub lines: Vec<Line>,
    /// Local address that requests are sent from.
    pub requests_from: SocketAddr,
    /// Request servers.
    pub servers: Vec<SocketAddr>,
}

pub(super) fn read(settings: &Settings) -> FeedKind {
    let kinds = [("files", 0), ("synthetic", 1), ("moldudp", 2), ("ibkr", 3)];
    match settings.choice("feed.kind", &kinds) {
        0 => FeedKind::Files,
        1 => FeedKind::Synthetic,
        3 => FeedKind::Ibkr,
        _ => FeedKind::MoldUdp(moldudp(settings)),
    }
}

fn moldudp(settings: &Settings) -> MoldUdp {
    const EXPECTED: &str = "addresses such as \"233.54.12.111:26477\"";
    let interface = address(settings, "feed.interface", "0.0.0.0");
    let lines = addresses(settings, "feed.lines", EXPECTED);
    if lines.is_empty() {
        settings.fault("feed.lines", format!("names no line; expected {EXPECTED}"));
    }
    MoldUdp {
        lines: lines
            .into_iter()
            .map(|address| Line { address, interface })
            .collect(),
        requests_from: address(settings, "feed.requests_from", "0.0.0.0:0"),
        servers: addresses(settings, "feed.servers", EXPECTED),
    }
}

fn address<T: std::str::FromStr + Unspecified>(settings: &Settings, key: &str, example: &str) -> T {
    let text = settings.text(key, &format!("an address such as \"{example}\""));
    text.parse().unwrap_or_else(|_| {
        settings.fault(
            key,
            format!("is \"{text}\"; expected an address such as \"{example}\""),
        );
        T::unspecified()
    })
}

fn addresses(settings: &Settings, key: &str, expected: &str) -> Vec<SocketAddr> {
    settings
        .list(key, expected)
        .iter()
        .filter_map(|text| {
            let parsed = text.parse().ok();
            if parsed.is_none() {
                settings.fault(
                    key,
                    format!("\"{text}\" is no address; expected {expected}"),
                );
            }
            parsed
        })
        .collect()
}

/// What stands in for an address at fault until the faults are told.
trait Unspecified {
    fn unspecified() -> Self;
}

impl Unspecified for Ipv4Addr {
    fn unspecified() -> Self {
        Self::UNSPECIFIED
    }
}

impl Unspecified for SocketAddr {
    fn unspecified() -> Self {
        Self::from(([0, 0, 0, 0], 0))
    }
}
