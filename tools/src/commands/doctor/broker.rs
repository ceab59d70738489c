//! A connection to TWS or IB Gateway: does it listen, speak, let us in, know the account, and keep
//! the time. No order is sent.

use super::check::Check;
use engine::ibkr::{BrokerError, Look, is_paper, look};
use engine::setup::Ibkr;
use serde_json::json;

/// Looked at with a client id of its own, so that a running engine is not disturbed.
const CLIENT_ID: i32 = 9_998;
/// A clock further off shuts entries with the sample's settings.
const SKEW_MS: i64 = 500;
/// From here on an order waits longer for the Gateway than for the strategy.
const SLOW_MS: u128 = 250;

/// Every check of the connection; with a configuration, also of its account.
pub fn checks(address: &str, ibkr: Option<&Ibkr>) -> Vec<Check> {
    let seen = look(address, CLIENT_ID);
    let mut checks = vec![connection(&seen)];
    let Ok(seen) = &seen else {
        return checks;
    };
    checks.push(account(seen, ibkr));
    checks.push(clock(seen));
    checks.push(farms(seen));
    checks
}

fn connection(seen: &Result<Look, BrokerError>) -> Check {
    let check = Check::new(
        "broker connection",
        "a handshake of version 213 or newer",
        "orders, data and account go over it",
        remedy(seen.as_ref().err()),
    );
    match seen {
        Ok(seen) => {
            let ms = seen.round_trip.as_millis();
            let found = format!("version {}, an answer in {ms} ms", seen.version);
            let check = check.numbers(json!({
                "version": seen.version,
                "round_trip_ms": seen.round_trip.as_secs_f64() * 1e3,
            }));
            if ms > SLOW_MS {
                check.warn(found)
            } else {
                check.ok(found)
            }
        }
        Err(why) => check.fail(why.to_string()),
    }
}

fn remedy(why: Option<&BrokerError>) -> &'static str {
    match why {
        Some(BrokerError::Nobody(..)) => {
            "start IB Gateway, log in, and compare the port with Configure > Settings > API > \
             Settings > Socket port (docs/IBKR.md, step 2)"
        }
        Some(BrokerError::Foreign(..)) => {
            "another program has the port, or the Gateway still starts: wait a minute, then \
             compare host and port"
        }
        Some(BrokerError::Rejected(..)) => {
            "add this machine to the trusted IPs in the Gateway's API settings (docs/IBKR.md)"
        }
        Some(BrokerError::ClientId(..)) => "another doctor is at work: wait for it",
        Some(BrokerError::TooOld(..)) => "install IB Gateway 10.45 or newer",
        _ => "run IB Gateway on this machine or near it",
    }
}

fn account(seen: &Look, ibkr: Option<&Ibkr>) -> Check {
    let list = seen.accounts.join(", ");
    let kind = match seen.accounts.iter().all(|account| is_paper(account)) {
        true => "paper",
        false => "real money",
    };
    let check = Check::new(
        "broker account",
        ibkr.map_or_else(|| "an account".to_owned(), |ibkr| ibkr.account.clone()),
        "orders name it, and it alone decides whether money is real",
        "log in as the user of that account, or correct ibkr.account",
    );
    let found = format!("{list} ({kind})");
    match ibkr {
        _ if seen.accounts.is_empty() => check.fail("none: the login is not complete"),
        Some(ibkr) if !seen.accounts.contains(&ibkr.account) => check.fail(found),
        _ => check.ok(found),
    }
}

fn clock(seen: &Look) -> Check {
    let check = Check::new(
        "broker clock",
        "within 500 ms of ours",
        "entries are shut while the clocks differ by more than ibkr.clock_skew_max",
        "let chrony or systemd-timesyncd keep this machine's time; restart the Gateway if it is \
         the one that is off",
    );
    let found = format!("{} ms ahead of ours", seen.skew_ms);
    let check = check.numbers(json!({ "skew_ms": seen.skew_ms }));
    if seen.skew_ms.abs() > SKEW_MS {
        check.warn(found)
    } else {
        check.ok(found)
    }
}

fn farms(seen: &Look) -> Check {
    let check = Check::new(
        "broker data farms",
        "no farm broken",
        "without its farm a market has no data, and no entry is made",
        "wait: farms come back by themselves; nightly resets and weekends are usual times",
    );
    let broken: Vec<&str> = seen
        .notices
        .iter()
        .filter(|(code, _)| matches!(code, 1100 | 2103 | 2105 | 2110 | 2157))
        .map(|(_, text)| text.as_str())
        .collect();
    if !broken.is_empty() {
        return check.warn(broken.join("; "));
    }
    if seen.notices.is_empty() {
        return check.unknown("the Gateway said nothing of them within 300 ms");
    }
    let said: Vec<String> = seen
        .notices
        .iter()
        .map(|(code, _)| code.to_string())
        .collect();
    check.ok(format!("codes {}", said.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::check::Severity;
    use super::*;
    use std::time::Duration;

    fn seen() -> Look {
        Look {
            version: 226,
            accounts: vec!["DU1".to_owned()],
            skew_ms: 3,
            round_trip: Duration::from_millis(2),
            notices: vec![(2104, "ok".to_owned())],
        }
    }

    #[test]
    fn each_thing_that_is_wrong_is_said_by_its_own_check() {
        let severities = |seen: &Look| {
            [account(seen, None), clock(seen), farms(seen)].map(|check| check.severity)
        };
        assert_eq!(severities(&seen()), [Severity::Ok; 3]);
        let off = Look {
            accounts: Vec::new(),
            skew_ms: -900,
            notices: vec![(2103, "broken".to_owned())],
            ..seen()
        };
        assert_eq!(
            severities(&off),
            [Severity::Fail, Severity::Warn, Severity::Warn]
        );
    }

    #[test]
    fn nothing_that_listens_is_told_with_its_remedy() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("its number").to_string();
        drop(free);
        let checks = checks(&address, None);
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].severity, Severity::Fail);
        assert!(checks[0].found.contains("nothing listens"), "{checks:?}");
        assert!(checks[0].remedy.contains("Socket port"));
    }

    #[test]
    fn something_else_that_listens_is_told_too() {
        use std::io::Write;
        let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = other.local_addr().expect("its number").to_string();
        let thread = std::thread::spawn(move || {
            let (mut client, _) = other.accept().expect("a client");
            client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").ok();
        });
        let checks = checks(&address, None);
        thread.join().expect("it has answered");
        assert_eq!(checks[0].severity, Severity::Fail);
        assert!(checks[0].found.contains("does not speak"), "{checks:?}");
    }
}
