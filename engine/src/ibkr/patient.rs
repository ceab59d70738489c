//! Questions before a run begins, asked again where the broker was told too much at once.
//!
//! A Gateway takes so many messages a second, of all its clients together. What is more it refuses
//! with code 100, or drops without a word: so a start right behind a crash, or beside another
//! program, has to ask once more.

use core::time::Duration;
use gateway::ibkr::broker::{Answer, NoAnswer};

/// More than 50 messages a second.
const TOO_FAST: i32 = 100;
/// The second is over behind this.
const PAUSE: Duration = Duration::from_millis(1_100);
/// How often a question is asked.
const ASKED: usize = 3;

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
}
