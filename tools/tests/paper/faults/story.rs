//! What a journal tells of one run before the broker, and what must never stand in one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use stream::payload::{
    Command, CommandOp, Commission, Connectivity, Control, ControlAction, Fault, FaultCode, Fill,
    Gap, GapReason, Instrument, Kill, KillLevel, Leg, LegRole, LegState, LinkState, Pnl, Position,
    Reason, Refused, Request, RequestWhy, Restart, Sent, SentOutcome, Status, read_text,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Nanos, SourceId};

/// An execution as it was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The broker's id of it.
    pub id: String,
    /// Of what.
    pub symbol: String,
    /// Bought is positive.
    pub qty: i64,
    /// In 1e-9.
    pub price: i64,
    /// It takes back an earlier one of the same id.
    pub back: bool,
    /// The order that it belongs to, or none.
    pub leg: FrameId,
}

/// A command that was made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// What was wanted.
    pub op: CommandOp,
    /// Of which leg.
    pub leg: FrameId,
    /// Its part.
    pub role: LegRole,
}

/// What a journal tells.
#[derive(Debug, Default)]
pub struct Story {
    /// States of the link and their codes, in order.
    pub links: Vec<(LinkState, i32)>,
    /// States of the market data's source, in order.
    pub sources: Vec<LinkState>,
    /// Every command.
    pub commands: BTreeMap<FrameId, Made>,
    /// The answers to each.
    pub sents: BTreeMap<FrameId, Vec<SentOutcome>>,
    /// Executions in order.
    pub fills: Vec<Told>,
    /// Where each leg is, by the gateway.
    pub legs: BTreeMap<FrameId, (LegRole, LegState)>,
    /// The broker's codes about legs.
    pub codes: BTreeSet<i32>,
    /// Fees, in 1e-9.
    pub fees: i128,
    /// Each of them as it was told: the execution's number, and how much.
    pub charges: Vec<(u64, i64)>,
    /// Cash that executions moved, in 1e-9.
    pub moved: i128,
    /// Risk's own last word on each instrument.
    pub pnl: BTreeMap<String, Pnl>,
    /// Symbols that take no entry, by fault or by the gateway.
    pub frozen: BTreeSet<String>,
    /// Why: the frame, whether it came from outside, and its value.
    pub freezes: Vec<String>,
    /// The broker's codes about instruments' data.
    pub data_codes: BTreeSet<u64>,
    /// Gaps in the data, by reason.
    pub gaps: Vec<GapReason>,
    /// Controls: what, by whom, why.
    pub controls: Vec<(ControlAction, String, String)>,
    /// Why intents were refused.
    pub refused: BTreeSet<Reason>,
    /// What the gateway asked for.
    pub requests: Vec<RequestWhy>,
    /// Starts.
    pub restarts: Vec<Restart>,
    /// Positions as the broker told them that were not what executions had made by then.
    pub crossed: usize,
    /// The session's time at the journal's end.
    pub now: Nanos,
    /// Frames of each kind.
    kinds: BTreeMap<u8, usize>,
    /// What must never stand in a journal.
    pub wrongs: Vec<String>,
    symbols: BTreeMap<InstrumentId, String>,
    /// What became of orders is not known.
    blind: bool,
    kill: KillLevel,
}

impl Story {
    /// Reads a journal whole. `None` before there is one.
    pub fn read(dir: &Path) -> Option<Self> {
        let mut reader = journal::Reader::open(dir).ok()?;
        let mut story = Self::default();
        while let Some(next) = reader.next() {
            let (_, frame) = next.expect("what was journaled verifies");
            story.take(frame);
        }
        Some(story)
    }

    fn take(&mut self, frame: FrameRef<'_>) {
        let id = frame.instrument();
        *self.kinds.entry(frame.kind().0).or_default() += 1;
        self.now = frame.ts();
        match frame.kind() {
            Kind::Instrument => {
                let symbol = read_text(&frame.read::<Instrument>().symbol).to_owned();
                self.symbols.insert(id, symbol);
            }
            Kind::Connectivity => self.link(frame.read()),
            Kind::Command => self.command(frame.id(), frame.read()),
            Kind::Sent => {
                let sent = frame.read::<Sent>();
                let answers = self.sents.entry(sent.command).or_default();
                answers.push(sent.outcome);
            }
            Kind::Fill => self.fill(id, frame.read()),
            Kind::Position => {
                let own = self.held(&self.symbol(id));
                self.crossed += usize::from(frame.read::<Position>().qty.0 != own);
            }
            Kind::Commission => {
                let commission = frame.read::<Commission>();
                self.fees += i128::from(commission.fee.0);
                self.charges.push((commission.exec_id, commission.fee.0));
            }
            Kind::Status => {
                let code = frame.read::<Status>().code;
                self.codes.extend((code != 0).then_some(code));
            }
            Kind::Leg => self.leg(id, frame.read()),
            Kind::Pnl => {
                let symbol = self.symbol(id);
                self.pnl.insert(symbol, *frame.read());
            }
            Kind::Fault => {
                let fault = frame.read::<Fault>();
                if fault.code == FaultCode::Unreconciled {
                    let (input, value) = (frame.is_input(), fault.value);
                    let said = format!("{} input {input} value {value:x}", frame.id());
                    self.freezes.push(said);
                }
                self.fault(id, fault);
            }
            Kind::Gap => self.gaps.push(frame.read::<Gap>().reason),
            Kind::Control => {
                let control = frame.read::<Control>();
                let (by, cause) = (read_text(&control.by), read_text(&control.cause));
                let said = (control.action, by.to_owned(), cause.to_owned());
                self.controls.push(said);
            }
            Kind::Kill => self.kill = frame.read::<Kill>().to,
            Kind::Refused => {
                self.refused.insert(frame.read::<Refused>().reason);
            }
            Kind::Request => self.requests.push(frame.read::<Request>().why),
            Kind::Restart => {
                self.restarts.push(*frame.read());
                // A new epoch knows nothing of the link yet.
                self.links.push((LinkState::Down, 0));
                self.blind = true;
            }
            _ => {}
        }
    }

    fn symbol(&self, id: InstrumentId) -> String {
        let known = self.symbols.get(&id).cloned();
        known.unwrap_or_else(|| id.0.to_string())
    }

    fn link(&mut self, link: &Connectivity) {
        if link.source == SourceId(0) {
            self.blind = link.blind != 0;
            self.links.push((link.state, link.code));
        } else {
            self.sources.push(link.state);
        }
    }

    fn command(&mut self, id: FrameId, command: &Command) {
        let made = Made {
            op: command.op,
            leg: command.leg,
            role: command.role,
        };
        let again = self.commands.insert(id, made).is_some();
        if again {
            self.wrongs.push(format!("command {id} was made twice"));
        }
        let adds = command.op == CommandOp::Place && command.role == LegRole::Entry;
        if adds && !self.is_ready() {
            let link = self.links.last();
            self.wrongs
                .push(format!("entry {id} was made while the link was {link:?}"));
        }
        let exit = matches!(command.role, LegRole::Stop | LegRole::Target);
        if self.blind && (command.op != CommandOp::Cancel || exit) {
            self.wrongs
                .push(format!("{id} was made before executions were read"));
        }
        if adds && self.kill >= KillLevel::Halt {
            self.wrongs
                .push(format!("entry {id} was made at kill level {:?}", self.kill));
        }
    }

    fn fill(&mut self, id: InstrumentId, fill: &Fill) {
        let told = Told {
            id: read_text(&fill.exec_text).to_owned(),
            symbol: self.symbol(id),
            qty: fill.side.sign() * i64::from(fill.qty),
            price: fill.price.0,
            back: false,
            leg: fill.leg,
        };
        let same = |other: &&Told| other.id == told.id;
        let before: Vec<&Told> = self.fills.iter().filter(same).collect();
        let back = before.len() == 1 && before[0].qty == -told.qty && fill.leg.is_none();
        if !before.is_empty() && !back {
            self.wrongs
                .push(format!("execution {} was told twice", told.id));
        }
        self.moved -= i128::from(told.qty) * i128::from(told.price);
        self.fills.push(Told { back, ..told });
    }

    fn leg(&mut self, id: InstrumentId, leg: &Leg) {
        if leg.reason == Reason::Frozen {
            let symbol = self.symbol(id);
            self.frozen.insert(symbol);
            self.freezes.push(format!("leg {} {:?}", leg.leg, leg.to));
        }
        let before = self.legs.insert(leg.leg, (leg.role, leg.to));
        if let Some((_, before)) = before
            && before.is_final()
            && !leg.leg.is_none()
            && leg.to != before
        {
            self.wrongs.push(format!(
                "leg {} went from {before:?} to {:?}",
                leg.leg, leg.to
            ));
        }
    }

    fn fault(&mut self, id: InstrumentId, fault: &Fault) {
        match fault.code {
            FaultCode::Unreconciled => {
                let symbol = self.symbol(id);
                self.frozen.insert(symbol);
            }
            FaultCode::Broker => {
                self.data_codes.insert(fault.value);
            }
            _ => {}
        }
    }

    /// True while the link was last ready.
    pub fn is_ready(&self) -> bool {
        matches!(self.links.last(), Some((LinkState::Ready, _)))
    }

    /// How often the link came to that state.
    pub fn times(&self, state: LinkState) -> usize {
        self.links.iter().filter(|link| link.0 == state).count()
    }

    /// Whether the link was in that state because of that code.
    pub fn was(&self, state: LinkState, code: i32) -> bool {
        self.links.contains(&(state, code))
    }

    /// Whether an answer to a command said that.
    pub fn has_sent(&self, outcome: SentOutcome) -> bool {
        self.sents.values().flatten().any(|one| *one == outcome)
    }

    /// Position by executions.
    pub fn held(&self, symbol: &str) -> i64 {
        let fills = self.fills.iter().filter(|fill| fill.symbol == symbol);
        fills.map(|fill| fill.qty).sum()
    }

    /// Symbols that ever traded here.
    pub fn traded(&self) -> BTreeSet<String> {
        self.fills.iter().map(|fill| fill.symbol.clone()).collect()
    }

    /// Legs of that part in that state.
    pub fn legs_in(&self, role: LegRole, state: LegState) -> usize {
        let like = |leg: &&(LegRole, LegState)| **leg == (role, state);
        self.legs.values().filter(like).count()
    }

    /// Commands of that sort.
    pub fn made(&self, op: CommandOp, role: LegRole) -> usize {
        let like = |made: &&Made| (made.op, made.role) == (op, role);
        self.commands.values().filter(like).count()
    }

    /// Frames of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.kinds.get(&kind.0).copied().unwrap_or(0)
    }

    /// Whether policy halted entries.
    pub fn is_halted_by_policy(&self) -> bool {
        let halt = |c: &(ControlAction, String, String)| {
            c.0 == ControlAction::Halt && c.1 == "policy" && c.2.contains("the broker differs")
        };
        self.controls.iter().any(halt)
    }
}
