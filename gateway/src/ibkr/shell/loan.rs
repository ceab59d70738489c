//! What the broker says of shares to borrow: a grade and a number, in any order, either of which
//! may be missing.

use super::MARKET;
use stream::payload::{Borrow, BorrowState};

/// A grade of three says that there are at least so many.
const EASILY: u64 = 1_000;

/// Of one instrument, since the connection was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loan {
    grade: Option<i64>,
    shares: Option<u32>,
    told: Option<(BorrowState, u64)>,
}

impl Loan {
    pub(super) const fn graded(&mut self, grade: i64) {
        self.grade = Some(grade);
    }

    pub(super) const fn counted(&mut self, shares: u32) {
        self.shares = Some(shares);
    }

    /// The connection is gone: what it said is no longer known, which is news where it was.
    pub(super) const fn forget(&mut self) {
        self.grade = None;
        self.shares = None;
    }

    /// A number says more than a grade, but for a grade that says no.
    fn now(&self) -> (BorrowState, u64) {
        let shares = match (self.grade, self.shares) {
            (None, None) => return (BorrowState::Unknown, 0),
            (Some(..=1), _) => 0,
            (_, Some(shares)) => u64::from(shares),
            (Some(grade), None) if grade >= 3 => EASILY,
            // They would have to be looked for: there are none that are promised.
            (_, None) => 0,
        };
        match shares {
            0 => (BorrowState::Unavailable, 0),
            some => (BorrowState::Available, some),
        }
    }

    /// What is to be told, where that is news. The grade and the number come as two messages; both
    /// words are true, and the second follows at once.
    pub(super) fn news(&self) -> Option<Borrow> {
        let (state, shares) = self.now();
        (self.told != Some((state, shares))).then(|| Borrow {
            shares,
            source: MARKET,
            state,
            ..Borrow::zeroed()
        })
    }

    pub(super) const fn told(&mut self, borrow: &Borrow) {
        self.told = Some((borrow.state, borrow.shares));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(grade: Option<i64>, shares: Option<u32>) -> (BorrowState, u64) {
        let loan = Loan {
            grade,
            shares,
            told: None,
        };
        loan.now()
    }

    #[test]
    fn a_grade_and_a_number_say_how_many_there_are() {
        use BorrowState::{Available, Unavailable, Unknown};
        assert_eq!(said(None, None), (Unknown, 0));
        assert_eq!(said(Some(3), None), (Available, 1_000));
        assert_eq!(said(Some(3), Some(70)), (Available, 70));
        assert_eq!(said(None, Some(70)), (Available, 70));
        assert_eq!(said(Some(2), None), (Unavailable, 0), "to be looked for");
        assert_eq!(said(Some(2), Some(300)), (Available, 300));
        assert_eq!(said(Some(1), Some(300)), (Unavailable, 0), "no is no");
        assert_eq!(said(Some(3), Some(0)), (Unavailable, 0));
    }

    #[test]
    fn it_is_told_first_of_all_and_then_when_it_changes() {
        let mut loan = Loan::default();
        let unknown = loan.news().expect("that nothing is known is news at first");
        assert_eq!(unknown.state, BorrowState::Unknown);
        loan.told(&unknown);
        assert_eq!(loan.news(), None);
        loan.graded(3);
        loan.counted(5_000);
        let some = loan.news().expect("it changed");
        assert_eq!((some.state, some.shares), (BorrowState::Available, 5_000));
        loan.told(&some);
        loan.counted(5_000);
        assert_eq!(loan.news(), None);
        loan.forget();
        let gone = loan.news().map(|borrow| borrow.state);
        assert_eq!(gone, Some(BorrowState::Unknown));
    }
}
