//! Sight of the broker. From the loss of the connection, and from the beginning of an epoch, until
//! its executions have been read, positions and legs are what they were, not what they are: an exit
//! placed on that basis could open a position, and a stop resized to it could be too small.
//!
//! So nothing but cancels of entries and of flattens, which are right whenever they arrive, is
//! commanded meanwhile. Exits wait in their queue and are sized when they leave; those that stand
//! at the broker stay there, because what is to close the position in their place waits as well.
//! No timeout on the broker's answers runs out.

use crate::state::{Port, State};
use stream::payload::{Connectivity, Reason};

impl State {
    pub(crate) fn on_connectivity(&mut self, port: &mut Port<'_>, link: &Connectivity) {
        let blind = link.blind != 0;
        if link.source != self.config.broker || blind == self.blind {
            return;
        }
        if blind {
            self.lose_sight(port);
        } else {
            // Those that wait now came with a saved state.
            self.give_up_entries(port);
            self.blind = false;
            // The broker has its whole time again to bring protection into line.
            for watch in &mut self.watches {
                watch.agree();
            }
            self.renew_flattens(port.now());
        }
        self.drain(port);
    }

    /// Entries that wait are given up: they belong to the market that they were made for, and
    /// behind a restart nobody has armed them.
    pub(crate) fn lose_sight(&mut self, port: &mut Port<'_>) {
        self.blind = true;
        self.give_up_entries(port);
    }

    fn give_up_entries(&mut self, port: &mut Port<'_>) {
        for slot in 0..self.high {
            if self.bracket(slot).used && self.bracket(slot).in_entries {
                self.end_entry(port, slot, Reason::Link);
            }
        }
    }
}
