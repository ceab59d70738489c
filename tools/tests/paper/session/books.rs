//! What a journal tells of orders, executions, positions and money.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use stream::payload::{
    AccountField, AccountValue, Command, CommandOp, Commission, Fill, Instrument, LegRole,
    LegState, Pnl, RoundTrip, Sent, SentOutcome, Status, Tick, Timer, read_text,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Nanos};

/// One of our orders.
#[derive(Debug, Default)]
pub struct Leg {
    /// By its executions.
    pub filled: u64,
    /// The last that was told.
    pub state: Option<LegState>,
    /// How often its placing was handed over.
    pub sent: usize,
}

/// What a journal tells.
#[derive(Debug, Default)]
pub struct Books {
    symbols: BTreeMap<InstrumentId, String>,
    /// Orders that were handed over.
    pub legs: BTreeMap<FrameId, Leg>,
    /// By the broker's id: symbol, quantity with sign, price, fee; amounts in billionths.
    pub executions: BTreeMap<String, (String, i64, i128, i128)>,
    numbers: BTreeMap<u64, String>,
    /// Each position as risk reckons it.
    pub reckoned: BTreeMap<String, i64>,
    pnl: BTreeMap<InstrumentId, (i128, i128)>,
    /// Fees as risk reckons them.
    pub pnl_fees: i128,
    /// Profit as risk reckons it, before fees.
    pub pnl_realised: i128,
    /// What the broker said last.
    pub cash_told: Option<i128>,
    /// Positions opened and closed again, by risk.
    pub trips: Vec<FrameId>,
    /// When the last entry was commanded.
    pub last_entry: Option<Nanos>,
    /// When something was held last.
    pub last_held: Option<Nanos>,
    /// The first evaluation's due time.
    pub first_evaluation: Nanos,
    /// The last tick's.
    pub last_tick: Nanos,
    commands: BTreeSet<FrameId>,
    answers: BTreeMap<FrameId, usize>,
}

impl Books {
    /// Reads a journal whole.
    pub fn read(dir: &Path) -> Self {
        let mut books = Self::default();
        let mut reader = journal::Reader::open(dir).expect("a journal");
        while let Some(next) = reader.next() {
            let (_, frame) = next.expect("what was journaled verifies");
            books.on_frame(frame);
        }
        books.pnl_realised = books.pnl.values().map(|own| own.0).sum();
        books.pnl_fees = books.pnl.values().map(|own| own.1).sum();
        books
    }

    fn on_frame(&mut self, frame: FrameRef<'_>) {
        match frame.kind() {
            Kind::Instrument => {
                let symbol = read_text(&frame.read::<Instrument>().symbol).to_owned();
                self.symbols.insert(frame.instrument(), symbol);
            }
            Kind::Tick => self.tick(frame.read()),
            Kind::Command => self.command(frame),
            Kind::Sent => self.sent(frame.read()),
            Kind::Status => {
                let status = frame.read::<Status>();
                let leg = self.legs.entry(status.leg).or_default();
                leg.state = Some(status.state);
            }
            Kind::Fill => self.fill(frame),
            Kind::Commission => {
                let fee = frame.read::<Commission>();
                let id = self
                    .numbers
                    .get(&fee.exec_id)
                    .expect("a fee of an execution");
                let execution = self.executions.get_mut(id).expect("it is there");
                assert_eq!(execution.3, 0, "{id} is charged once");
                execution.3 = i128::from(fee.fee.0);
            }
            Kind::Pnl => {
                let pnl = frame.read::<Pnl>();
                let amounts = (i128::from(pnl.realised.0), i128::from(pnl.fees.0));
                self.pnl.insert(frame.instrument(), amounts);
                let symbol = self.symbol(frame.instrument());
                self.reckoned.insert(symbol, pnl.position.0);
                if pnl.position.0 != 0 {
                    self.last_held = Some(frame.ts());
                }
            }
            Kind::AccountValue => {
                let value = frame.read::<AccountValue>();
                if value.field == AccountField::Cash {
                    self.cash_told = Some(i128::from(value.value.0));
                }
            }
            Kind::RoundTrip => self.trips.push(frame.read::<RoundTrip>().origin),
            _ => {}
        }
    }

    fn tick(&mut self, tick: &Tick) {
        self.last_tick = tick.due;
        if tick.timer == Timer::Evaluate && self.first_evaluation == Nanos::ZERO {
            self.first_evaluation = tick.due;
        }
    }

    fn command(&mut self, frame: FrameRef<'_>) {
        let command = frame.read::<Command>();
        assert!(self.commands.insert(frame.id()), "{} twice", frame.id());
        if command.op == CommandOp::Place && command.role == LegRole::Entry {
            self.last_entry = Some(frame.ts());
        }
    }

    fn sent(&mut self, sent: &Sent) {
        *self.answers.entry(sent.command).or_default() += 1;
        if sent.op == CommandOp::Place && sent.outcome == SentOutcome::Sent {
            self.legs.entry(sent.leg).or_default().sent += 1;
        }
    }

    fn fill(&mut self, frame: FrameRef<'_>) {
        let fill = frame.read::<Fill>();
        let id = read_text(&fill.exec_text).to_owned();
        let qty = fill.side.sign() * i64::from(fill.qty);
        let symbol = self.symbol(frame.instrument());
        let values = (symbol, qty, i128::from(fill.price.0), 0);
        let before = self.executions.insert(id.clone(), values);
        assert!(before.is_none(), "execution {id} is told once");
        self.numbers.insert(fill.exec_id, id);
        self.legs.entry(fill.leg).or_default().filled += u64::from(fill.qty);
    }

    fn symbol(&self, of: InstrumentId) -> String {
        self.symbols.get(&of).expect("it was defined").clone()
    }

    /// The order that a reference of the broker's names, if it is one of ours.
    pub fn leg_of(&self, reference: &str) -> Option<FrameId> {
        // `MARK.journal.leg`, in hexadecimal.
        let leg = reference.rsplit_once('.')?.1;
        let leg = FrameId(u64::from_str_radix(leg, 16).ok()?);
        self.legs.contains_key(&leg).then_some(leg)
    }

    /// Commands that have not exactly one answer.
    pub fn unanswered(&self) -> usize {
        let once = |id: &&FrameId| self.answers.get(id) != Some(&1);
        self.commands.iter().filter(once).count()
    }

    /// Positions by executions.
    pub fn positions(&self) -> BTreeMap<String, i64> {
        let mut held = BTreeMap::new();
        for (symbol, qty, ..) in self.executions.values() {
            *held.entry(symbol.clone()).or_default() += qty;
        }
        held
    }

    /// Fees by executions.
    pub fn fees(&self) -> i128 {
        self.executions.values().map(|own| own.3).sum()
    }

    /// What cash has grown by, by executions.
    pub fn paid(&self) -> i128 {
        let paid = |own: &(String, i64, i128, i128)| -i128::from(own.1) * own.2 - own.3;
        self.executions.values().map(paid).sum()
    }
}
