//! One price level.

/// The most that one `Level` or quote may claim to stand at a price: room for all orders beside.
pub(crate) const LEVEL_QTY_MAX: u64 = 1 << 61;

/// A price level: orders known by id, and an anonymous residue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// Quantity in all.
    pub(crate) total: u64,
    /// Quantity without order ids.
    pub(crate) anonymous: u64,
    /// The book's arrivals when its known orders began: an order that arrived at or before this is
    /// forgotten, even where its entry still stands in the order table.
    pub(crate) born: u64,
}

impl Level {
    /// Quantity of the orders known by id.
    pub(crate) const fn ordered(&self) -> u64 {
        self.total - self.anonymous
    }

    /// True when the order that arrived as number `priority` still stands here.
    pub(crate) const fn holds(&self, priority: u64) -> bool {
        self.ordered() > 0 && priority > self.born
    }

    /// Takes quantity from the order that arrived as number `priority`; false when it does not
    /// stand here any more.
    pub(crate) const fn take(&mut self, priority: u64, qty: u64) -> bool {
        let holds = self.holds(priority);
        if holds {
            assert!(qty <= self.ordered(), "an order is larger than its level");
            self.total -= qty;
        }
        holds
    }

    /// Takes at most so much from the residue; tells how much it was.
    pub(crate) fn take_anonymous(&mut self, want: u64) -> u64 {
        let taken = self.anonymous.min(want);
        self.anonymous -= taken;
        self.total -= taken;
        taken
    }

    /// Takes a new whole: known orders are forgotten. True when there were any.
    pub(crate) const fn replace(&mut self, qty: u64, arrivals: u64) -> bool {
        let forgets = self.ordered() > 0;
        *self = Self {
            total: qty,
            anonymous: qty,
            born: arrivals,
        };
        forgets
    }
}
