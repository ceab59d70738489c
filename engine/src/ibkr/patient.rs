//! Questions before a run begins, repeated where a start right after a crash needs it.
//!
//! A Gateway takes a limited number of messages a second from all its clients together. It refuses
//! any more with code 100, or drops them silently. And it takes a moment to notice that a client
//! has died; until then that client's id is in use.

use super::BrokerError;
use core::time::Duration;
use gateway::ibkr::broker::{Answer, NoAnswer};

/// More than 50 messages a second.
const TOO_FAST: i32 = 100;
/// The second is over behind this.
const PAUSE: Duration = Duration::from_millis(1_100);
/// How often a question is asked.
const ASKED: usize = 3;

/// How often a client id is asked for, and the pause between two: five seconds in all.
const ID_ASKED: usize = 11;
const ID_PAUSE: Duration = Duration::from_millis(500);

/// Asks until there is an answer, or a refusal that asking again does not change.
pub(super) fn patiently<T>(ask: impl FnMut() -> Answer<T>) -> Answer<T> {
    with_pause(PAUSE, ask)
}

fn with_pause<T>(pause: Duration, mut ask: impl FnMut() -> Answer<T>) -> Answer<T> {
    let mut answer = ask();
    for _ in 1..ASKED {
        match &answer {
            Err(NoAnswer::Refused { code, .. }) if *code == TOO_FAST => std::thread::sleep(pause),
            Err(NoAnswer::Late) => {}
            _ => break,
        }
        answer = ask();
    }
    answer
}

/// Connects, and again while the client id is in use: an engine that has died may still hold it.
pub(super) fn behind_the_dead<T>(
    connect: impl FnMut() -> Result<T, BrokerError>,
) -> Result<T, BrokerError> {
    behind_with_pause(ID_PAUSE, connect)
}

fn behind_with_pause<T>(
    pause: Duration,
    mut connect: impl FnMut() -> Result<T, BrokerError>,
) -> Result<T, BrokerError> {
    let mut connected = connect();
    for _ in 1..ID_ASKED {
        let Err(BrokerError::ClientId(..)) = connected else {
            break;
        };
        std::thread::sleep(pause);
        connected = connect();
    }
    connected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(why: &NoAnswer) -> usize {
        let mut count = 0;
        let answer: Answer<()> = with_pause(Duration::ZERO, || {
            count += 1;
            Err(why.clone())
        });
        assert_eq!(answer.as_ref(), Err(why));
        count
    }

    #[test]
    fn what_was_too_much_or_got_lost_is_asked_again_and_nothing_else() {
        let refused = |code| NoAnswer::Refused {
            code,
            text: String::new(),
        };
        assert_eq!(asked(&refused(100)), ASKED);
        assert_eq!(asked(&NoAnswer::Late), ASKED);
        assert_eq!(asked(&refused(200)), 1);
        assert_eq!(asked(&NoAnswer::Lost), 1);
        let mut answers = vec![Ok(5), Err(NoAnswer::Late)];
        let next = || answers.pop().expect("asked twice");
        assert_eq!(with_pause(Duration::ZERO, next), Ok(5));
    }

    #[test]
    fn an_id_that_is_in_use_is_asked_for_again_until_it_is_let_go() {
        let in_use = || BrokerError::ClientId("127.0.0.1:4002".to_owned(), 17);
        let mut left = 3;
        let connected = behind_with_pause(Duration::ZERO, || {
            left -= 1;
            if left > 0 {
                Err(in_use())
            } else {
                Ok("connected")
            }
        });
        assert_eq!((connected, left), (Ok("connected"), 0));
        let asked = |why: BrokerError| {
            let mut count = 0;
            let refused = behind_with_pause(Duration::ZERO, || {
                count += 1;
                Err::<(), _>(why.clone())
            });
            assert_eq!(refused, Err(why.clone()));
            count
        };
        assert_eq!(asked(in_use()), ID_ASKED);
        assert_eq!(asked(BrokerError::Mode("live".to_owned())), 1);
    }
}
