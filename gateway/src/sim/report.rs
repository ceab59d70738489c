//! Answers on their way back: due times, never out of order, as over one connection.

use super::config::Config;
use super::order::Order;
use book::Books;
use stream::payload::{
    AccountField, AccountValue, Commission, Connectivity, Fill, LegState, LinkState, Liquidity,
    Payload, Position, Sent, Status,
};
use stream::{Answers, Draft, FrameId, FrameRef, InstrumentId, Money, Nanos, Price, Qty};

use super::account::Account;

/// Counters that outlive a frame.
#[derive(Debug)]
pub(crate) struct Line {
    draft: Draft,
    /// Due time of the last report, and of the last arrival.
    last_report: Nanos,
    last_sent: Nanos,
    /// Reports so far: what the delays are drawn by.
    count: u64,
    exec_id: u64,
}

impl Line {
    pub(crate) fn new() -> Self {
        Self {
            draft: Draft::new(),
            last_report: Nanos::ZERO,
            last_sent: Nanos::ZERO,
            count: 0,
            exec_id: 0,
        }
    }
}

/// Where answers to one frame go.
pub(crate) struct Reporter<'a> {
    pub(crate) line: &'a mut Line,
    pub(crate) answers: &'a mut dyn Answers,
    pub(crate) config: &'a Config,
    pub(crate) frame: FrameRef<'a>,
}

impl Reporter<'_> {
    pub(crate) fn now(&self) -> Nanos {
        self.frame.ts()
    }

    fn queue<P: Payload>(&mut self, due: Nanos, instrument: InstrumentId, payload: &P) {
        let draft = &mut self.line.draft;
        draft.write(instrument, payload);
        let header = draft.header_mut();
        header.ts = due;
        header.seq = self.frame.seq();
        header.sub = self.frame.header().sub;
        self.answers.queue(draft);
    }

    /// Later than all reports before it.
    fn due(&mut self) -> Nanos {
        self.line.count += 1;
        let latency = self.config.response;
        let delay = latency.of(self.config.seed, self.frame.id(), self.line.count);
        let due = (self.now() + delay).max(self.line.last_report + Nanos(1));
        self.line.last_report = due;
        due
    }

    fn report<P: Payload>(&mut self, instrument: InstrumentId, payload: &P) -> Nanos {
        let due = self.due();
        self.queue(due, instrument, payload);
        due
    }

    /// The command was handed over; when it comes back, it has arrived.
    pub(crate) fn sent(&mut self, instrument: InstrumentId, sent: &Sent) {
        let delay = self.config.outbound.of(self.config.seed, sent.command, 0);
        let due = (self.now() + delay).max(self.line.last_sent + Nanos(1));
        self.line.last_sent = due;
        self.queue(due, instrument, sent);
    }

    pub(crate) fn status(&mut self, order: &Order, code: i32) {
        let remaining = if order.state.is_final() && order.state != LegState::Cancelled {
            0
        } else {
            order.remaining()
        };
        let status = Status {
            leg: order.leg,
            origin: order.origin,
            filled: order.filled,
            remaining,
            code,
            state: order.state,
            role: order.role,
            spare: [0; 2],
        };
        self.report(order.instrument, &status);
    }

    pub(crate) fn fill(
        &mut self,
        order: &Order,
        (qty, price): (u32, Price),
        liquidity: Liquidity,
        fee: Money,
    ) {
        self.line.exec_id += 1;
        let exec_id = self.line.exec_id;
        let fill = Fill {
            leg: order.leg,
            origin: order.origin,
            price,
            qty,
            filled: order.filled,
            ordered: order.total,
            side: order.side,
            role: order.role,
            liquidity,
            spare: 0,
            exec_id,
            venue_ts: self.now(),
            exec_text: exec_text(exec_id),
            spare2: [0; 8],
        };
        let due = self.report(order.instrument, &fill);
        let commission = Commission {
            exec_id,
            origin: order.origin,
            fee,
            currency: self.config.currency,
            spare: [0; 4],
        };
        let later = self
            .config
            .commission
            .of(self.config.seed, order.leg, exec_id);
        self.queue(due + later, order.instrument, &commission);
    }

    pub(crate) fn ready(&mut self) {
        let payload = Connectivity {
            source: self.config.source,
            state: LinkState::Ready,
            blind: 0,
            code: 0,
            since: self.now(),
            spare2: [0; 16],
        };
        self.report(InstrumentId::NONE, &payload);
    }

    pub(crate) fn account(&mut self, account: &Account, books: &Books) {
        let (equity, cash, available) = account.values(books, self.config);
        for (field, value) in [
            (AccountField::Equity, equity),
            (AccountField::Cash, cash),
            (AccountField::Available, available),
        ] {
            let payload = AccountValue {
                value,
                as_of: self.now(),
                currency: self.config.currency,
                field,
                spare: [0; 11],
            };
            self.report(InstrumentId::NONE, &payload);
        }
    }

    pub(crate) fn position(&mut self, account: &Account, instrument: InstrumentId) {
        let holding = &account.holdings[instrument.index()];
        let payload = Position {
            qty: Qty(holding.qty),
            average: holding.average(),
            fraction: 0,
            source: self.config.source,
            spare: [0; 6],
        };
        self.report(instrument, &payload);
    }

    /// Drawn once for each new order.
    pub(crate) fn is_refused(&self, command: FrameId) -> bool {
        let random = stream::hash::join(self.config.seed ^ REJECTS, command.0);
        random % 1_000_000 < u64::from(self.config.reject_ppm)
    }
}

/// Keeps the draw of rejects apart from that of delays.
const REJECTS: u64 = 0x7265_6a65_6374_7321;

/// `sim.` and the number in hexadecimal.
fn exec_text(exec_id: u64) -> [u8; 32] {
    let mut text = [0; 32];
    text[..4].copy_from_slice(b"sim.");
    for (index, place) in text[4..20].iter_mut().enumerate() {
        let digit = (exec_id >> (60 - 4 * index)) & 0xF;
        *place = b"0123456789abcdef"[digit as usize];
    }
    text
}
