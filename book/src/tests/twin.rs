//! The naive twin: ordered maps, sums made when asked for, no limits and no cleverness.

use crate::{Applied, Effect, OrderView, Touched};
use std::collections::BTreeMap;
use stream::payload::{self, FaultCode, GapReason, HaltState, RowOp, Timer, flags, quality};
use stream::{FrameRef, InstrumentId, Kind, Nanos, Price, Side};

#[derive(Default)]
pub(super) struct TwinBook {
    orders: BTreeMap<u64, OrderView>,
    anonymous: BTreeMap<(Side, Price), u64>,
    rows: BTreeMap<Side, Vec<(Price, u64)>>,
    quote: BTreeMap<Side, (Price, u64)>,
    arrivals: u64,
    laddered: bool,
    /// Whose quote came last.
    quoted: Option<u16>,
    /// Who told a quote and had a gap since.
    requote: Option<u16>,
    between: bool,
    gapped: Vec<u16>,
    sources: Vec<u16>,
    halted: bool,
    stale: bool,
    market_ts: u64,
    depth_ts: u64,
    pub(super) faults: BTreeMap<FaultCode, u64>,
    pub(super) prints: Vec<(Price, u64, Side)>,
}

pub(super) struct Twin {
    books: Vec<TwinBook>,
    stale: u64,
}

fn bad(price: Price) -> bool {
    price.0 <= 0 || price == Price::MAX
}

fn sorted(side: Side, levels: BTreeMap<Price, u64>) -> Vec<(Price, u64)> {
    let levels = levels.into_iter().filter(|level| level.1 > 0);
    match side {
        Side::Sell => levels.collect(),
        _ => levels.rev().collect(),
    }
}

impl TwinBook {
    fn ladder(&self, side: Side) -> Vec<(Price, u64)> {
        let mut levels = BTreeMap::new();
        for order in self.orders.values().filter(|order| order.side == side) {
            *levels.entry(order.price).or_default() += order.qty;
        }
        for (&(_, price), &qty) in self.anonymous.iter().filter(|entry| entry.0.0 == side) {
            *levels.entry(price).or_default() += qty;
        }
        sorted(side, levels)
    }

    fn row_levels(&self, side: Side) -> Vec<(Price, u64)> {
        let mut levels = BTreeMap::new();
        for &(price, qty) in self.rows.get(&side).into_iter().flatten() {
            if !bad(price) {
                *levels.entry(price).or_default() += qty;
            }
        }
        sorted(side, levels)
    }

    fn quote_levels(&self, side: Side) -> Vec<(Price, u64)> {
        let top = self.quote.get(&side).copied();
        top.into_iter().filter(|top| top.1 > 0).collect()
    }

    fn has_rows(&self) -> bool {
        self.rows.values().any(|rows| !rows.is_empty())
    }

    pub(super) fn levels(&self, side: Side) -> Vec<(Price, u64)> {
        if self.laddered {
            self.ladder(side)
        } else if self.has_rows() {
            self.row_levels(side)
        } else {
            self.quote_levels(side)
        }
    }

    pub(super) fn best(&self, side: Side) -> Option<(Price, u64)> {
        let levels = if !self.laddered && self.quoted.is_some() {
            self.quote_levels(side)
        } else {
            self.levels(side)
        };
        levels.first().copied()
    }

    fn qty(&self, side: Side, price: Price) -> u64 {
        let levels = self.levels(side);
        let level = levels.iter().find(|level| level.0 == price);
        level.map_or(0, |level| level.1)
    }

    pub(super) fn quality(&self) -> u8 {
        let mut all = 0;
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (None, None) => all |= quality::EMPTY,
            (Some(bid), Some(ask)) if bid.0 >= ask.0 => all |= quality::CROSSED,
            (Some(_), Some(_)) => {}
            _ => all |= quality::ONE_SIDED,
        }
        for (is, bit) in [
            (self.between, quality::EMPTY),
            (self.stale, quality::STALE),
            (!self.gapped.is_empty(), quality::GAPPED),
            (self.halted, quality::HALTED),
        ] {
            if is {
                all |= bit;
            }
        }
        all
    }

    pub(super) fn order(&self, id: u64) -> Option<OrderView> {
        self.orders.get(&id).copied()
    }

    fn gap(&mut self, source: u16) {
        if !self.gapped.contains(&source) {
            self.gapped.push(source);
        }
    }

    fn mend(&mut self, source: u16) {
        self.gapped.retain(|&gapped| gapped != source);
    }

    fn take(&mut self, id: u64, want: u64, traded: bool, out: &mut Vec<Effect>) -> Option<u64> {
        let order = self.orders.get_mut(&id)?;
        let taken = want.min(order.qty);
        order.qty -= taken;
        out.push(Effect::Reduced {
            side: order.side,
            price: order.price,
            qty: taken,
            priority: order.priority,
            traded,
        });
        if order.qty == 0 {
            self.orders.remove(&id);
        }
        Some(taken)
    }

    fn take_unknown(
        &mut self,
        (side, price, want): (Side, Price, u64),
        (source, traded): (u16, bool),
        out: &mut Vec<Effect>,
    ) -> Option<FaultCode> {
        let mut taken = 0;
        if let Some(residue) = self.anonymous.get_mut(&(side, price)) {
            taken = want.min(*residue);
            *residue -= taken;
        }
        if taken > 0 {
            out.push(Effect::Reduced {
                side,
                price,
                qty: taken,
                priority: 0,
                traded,
            });
        }
        if want == 0 || taken < want {
            self.gap(source);
            return Some(FaultCode::UnknownOrder);
        }
        None
    }

    fn add(&mut self, add: &payload::Add, out: &mut Vec<Effect>) -> Option<FaultCode> {
        if add.qty == 0 || add.side == Side::None || bad(add.price) {
            return Some(FaultCode::BadValue);
        }
        self.laddered = true;
        let mut fault = None;
        if let Some(known) = self.order(add.order_id) {
            fault = Some(FaultCode::DuplicateOrder);
            let same =
                (known.side, known.price, known.qty) == (add.side, add.price, u64::from(add.qty));
            if same && add.flags & flags::SNAPSHOT != 0 {
                return fault;
            }
            self.gap(add.source.0);
            self.take(add.order_id, u64::MAX, false, out);
        }
        self.arrivals += 1;
        let order = OrderView {
            side: add.side,
            price: add.price,
            qty: u64::from(add.qty),
            priority: self.arrivals,
        };
        self.orders.insert(add.order_id, order);
        out.push(Effect::Added {
            side: order.side,
            price: order.price,
            qty: order.qty,
            priority: order.priority,
        });
        fault
    }

    fn modify(&mut self, modify: &payload::Modify, out: &mut Vec<Effect>) -> Option<FaultCode> {
        let source = modify.source.0;
        let known = self.order(modify.order_id);
        let sides = known.is_none_or(|order| [order.side, Side::None].contains(&modify.side));
        let want = u64::from(modify.qty);
        if modify.flags & flags::REDUCE != 0 {
            if modify.qty == 0 {
                return Some(FaultCode::BadValue);
            }
            return match self.take(modify.order_id, want, false, out) {
                Some(taken) if taken == want && sides => None,
                Some(_) => {
                    self.gap(source);
                    Some(FaultCode::BadValue)
                }
                None => self.take_unknown((modify.side, modify.price, want), (source, false), out),
            };
        }
        if want > 0 && bad(modify.price) {
            return Some(FaultCode::BadValue);
        }
        let Some(order) = known else {
            self.gap(source);
            return Some(FaultCode::UnknownOrder);
        };
        let mut fault = None;
        if !sides {
            self.gap(source);
            fault = Some(FaultCode::BadValue);
        }
        let same = modify.new_order_id == modify.order_id && modify.price == order.price;
        if same && want <= order.qty {
            if want < order.qty {
                self.take(modify.order_id, order.qty - want, false, out);
            }
            return fault;
        }
        self.take(modify.order_id, u64::MAX, false, out);
        if want == 0 {
            return fault;
        }
        let new = payload::Add {
            order_id: modify.new_order_id,
            price: modify.price,
            qty: modify.qty,
            side: order.side,
            flags: 0,
            source: modify.source,
            venue_ts: Nanos::ZERO,
        };
        self.add(&new, out).or(fault)
    }

    fn delete(&mut self, delete: &payload::Delete, out: &mut Vec<Effect>) -> Option<FaultCode> {
        let Some(order) = self.order(delete.order_id) else {
            let place = (delete.side, delete.price, u64::from(delete.qty));
            return self.take_unknown(place, (delete.source.0, false), out);
        };
        self.take(delete.order_id, u64::MAX, false, out);
        let agree = [order.side, Side::None].contains(&delete.side)
            && [order.price, Price::ZERO].contains(&delete.price)
            && [order.qty, 0].contains(&u64::from(delete.qty));
        if agree {
            return None;
        }
        self.gap(delete.source.0);
        Some(FaultCode::BadValue)
    }

    fn execute(&mut self, execute: &payload::Execute, out: &mut Vec<Effect>) -> Option<FaultCode> {
        let hidden = execute.flags & flags::HIDDEN != 0;
        let unpriced = execute.price == Price::ZERO;
        let want = u64::from(execute.qty);
        if want == 0 || (bad(execute.price) && !unpriced) || (hidden && unpriced) {
            return Some(FaultCode::BadValue);
        }
        let (mut side, mut price, mut fault) = (execute.side, execute.price, None);
        if let Some(order) = self.order(execute.order_id).filter(|_| !hidden) {
            self.take(execute.order_id, want, true, out);
            if want > order.qty || ![order.side, Side::None].contains(&side) {
                self.gap(execute.source.0);
                fault = Some(FaultCode::BadValue);
            }
            side = order.side;
            price = if unpriced { order.price } else { price };
        } else if !hidden {
            let source = (execute.source.0, true);
            fault = self.take_unknown((side, price, want), source, out);
            if unpriced {
                return fault;
            }
        }
        self.print((price, want, side.opposite()), execute.flags, out);
        fault
    }

    fn print(
        &mut self,
        (price, qty, mut aggressor): (Price, u64, Side),
        bits: u8,
        out: &mut Vec<Effect>,
    ) {
        let bests = (self.best(Side::Buy), self.best(Side::Sell));
        if let (Side::None, (Some(bid), Some(ask))) = (aggressor, bests) {
            let (to_bid, to_ask) = (price.0 - bid.0.0, ask.0.0 - price.0);
            if to_bid > to_ask {
                aggressor = Side::Buy;
            } else if to_bid < to_ask {
                aggressor = Side::Sell;
            }
        }
        let printed = bits & flags::NON_PRINTABLE == 0;
        if printed {
            self.prints.push((price, qty, aggressor));
        }
        out.push(Effect::Traded {
            price,
            qty,
            resting: aggressor.opposite(),
            printed,
        });
    }

    fn level(&mut self, level: &payload::Level, out: &mut Vec<Effect>) -> Option<FaultCode> {
        let (side, price) = (level.side, level.price);
        if side == Side::None || bad(price) || level.qty > 1 << 61 {
            return Some(FaultCode::BadValue);
        }
        self.laddered = true;
        let old = self.qty(side, price);
        let before = self.orders.len();
        self.orders
            .retain(|_, order| (order.side, order.price) != (side, price));
        let forgotten = level.flags & flags::FORGOTTEN != 0;
        let new = if forgotten { 0 } else { level.qty };
        self.anonymous.insert((side, price), new);
        if old != new || self.orders.len() < before {
            out.push(Effect::Level {
                side,
                price,
                old,
                new,
            });
        }
        None
    }

    fn row(&mut self, row: &payload::DepthRow, out: &mut Vec<Effect>) -> Option<FaultCode> {
        if row.side == Side::None {
            self.gap(row.source.0);
            return Some(FaultCode::BadValue);
        }
        let before = self.levels(row.side);
        let rows = self.rows.entry(row.side).or_default();
        let at = usize::from(row.position);
        let new = (row.price, u64::from(row.qty));
        let mut prices = vec![row.price];
        match row.op {
            RowOp::Insert if at <= rows.len() => rows.insert(at, new),
            RowOp::Update if at < rows.len() => {
                prices.push(rows[at].0);
                rows[at] = new;
            }
            RowOp::Delete if at < rows.len() => prices.push(rows.remove(at).0),
            _ => {
                self.gap(row.source.0);
                return Some(FaultCode::BadPosition);
            }
        }
        if !self.laddered {
            prices.dedup();
            for price in prices {
                let old = before.iter().find(|level| level.0 == price);
                let old = old.map_or(0, |level| level.1);
                let now = self.row_levels(row.side);
                let new = now.iter().find(|level| level.0 == price);
                let new = new.map_or(0, |level| level.1);
                if old != new {
                    out.push(Effect::Level {
                        side: row.side,
                        price,
                        old,
                        new,
                    });
                }
            }
        }
        let none = row.qty == 0 || bad(row.price);
        (none && row.op != RowOp::Delete).then_some(FaultCode::BadValue)
    }

    fn quote(&mut self, ts: u64, stale: u64, quote: &payload::Quote) -> Option<FaultCode> {
        let tops = [
            (Side::Buy, quote.bid, quote.bid_qty),
            (Side::Sell, quote.ask, quote.ask_qty),
        ];
        if tops.iter().any(|top| top.2 > 0 && bad(top.1)) {
            return Some(FaultCode::BadValue);
        }
        (self.quoted, self.requote) = (Some(quote.source.0), None);
        if ts - self.depth_ts > stale {
            self.rows.clear();
        }
        for (side, price, qty) in tops {
            self.quote.insert(side, (price, u64::from(qty)));
        }
        None
    }

    fn clear(&mut self, source: u16) {
        self.orders.clear();
        self.anonymous.clear();
        if self.has_rows() {
            self.mend_depth(source);
        } else {
            self.quote.clear();
            self.mend(source);
        }
        self.rows.clear();
    }

    /// Depth says nothing of a quote that the same source told before its gap.
    fn mend_depth(&mut self, source: u16) {
        if self.requote != Some(source) {
            self.mend(source);
        }
    }
}

impl Twin {
    pub(super) fn new(instruments: usize, stale: Nanos) -> Self {
        Self {
            books: (0..instruments).map(|_| TwinBook::default()).collect(),
            stale: stale.0,
        }
    }

    pub(super) fn book(&self, instrument: InstrumentId) -> &TwinBook {
        &self.books[instrument.index() - 1]
    }

    fn tick(&mut self, ts: u64, timer: Timer) -> Touched {
        let mut touched = Touched::None;
        for book in self.books.iter_mut().filter(|_| timer != Timer::Pulse) {
            if !book.stale && book.market_ts > 0 && ts - book.market_ts > self.stale {
                book.stale = true;
                touched = Touched::All;
            }
        }
        touched
    }

    fn gap(&mut self, instrument: InstrumentId, gap: &payload::Gap) -> Touched {
        let (only, source) = (instrument.index(), gap.source.0);
        for (index, book) in self.books.iter_mut().enumerate() {
            let of = book.sources.contains(&source);
            if index + 1 == only || (only == 0 && of) {
                book.between = false;
                let quoted = book.quoted.filter(|&quoted| quoted == source);
                if gap.reason == GapReason::Recovered {
                    book.requote = book.requote.filter(|_| quoted.is_none());
                    book.mend(source);
                } else {
                    book.requote = quoted.or(book.requote);
                    book.sources.push(source);
                    book.gap(source);
                }
            }
        }
        match only {
            0 => Touched::All,
            _ => Touched::One(instrument),
        }
    }

    /// Applies a frame of one of the kinds that [`super::random`] makes. What quotes and
    /// snapshots tell as effects is pinned by examples, not by the twin.
    pub(super) fn apply(&mut self, frame: FrameRef<'_>, out: &mut Vec<Effect>) -> Applied {
        let touched = match frame.kind() {
            Kind::Tick => self.tick(frame.ts().0, frame.read::<payload::Tick>().timer),
            Kind::Gap => self.gap(frame.instrument(), frame.read()),
            _ => {
                let book = &mut self.books[frame.instrument().index() - 1];
                return Applied {
                    touched: Touched::One(frame.instrument()),
                    fault: book.apply(frame, self.stale, out),
                };
            }
        };
        Applied {
            touched,
            fault: None,
        }
    }
}

impl TwinBook {
    fn apply(
        &mut self,
        frame: FrameRef<'_>,
        stale: u64,
        out: &mut Vec<Effect>,
    ) -> Option<FaultCode> {
        let ts = frame.ts().0;
        self.market_ts = ts;
        self.stale = false;
        let (fault, source, bits) = match frame.kind() {
            Kind::Add => {
                let add = frame.read::<payload::Add>();
                (self.add(add, out), add.source, add.flags)
            }
            Kind::Modify => {
                let modify = frame.read::<payload::Modify>();
                (self.modify(modify, out), modify.source, modify.flags)
            }
            Kind::Delete => {
                let delete = frame.read::<payload::Delete>();
                (self.delete(delete, out), delete.source, delete.flags)
            }
            Kind::Execute => {
                let execute = frame.read::<payload::Execute>();
                (self.execute(execute, out), execute.source, execute.flags)
            }
            Kind::Level => {
                let level = frame.read::<payload::Level>();
                (self.level(level, out), level.source, level.flags)
            }
            Kind::DepthRow => {
                let row = frame.read::<payload::DepthRow>();
                if row.side != Side::None {
                    self.depth_ts = ts;
                }
                (self.row(row, out), row.source, row.flags)
            }
            Kind::Quote => {
                let quote = frame.read::<payload::Quote>();
                (self.quote(ts, stale, quote), quote.source, quote.flags)
            }
            Kind::Halt => {
                let halt = frame.read::<payload::Halt>();
                self.halted = halt.state != HaltState::Trading;
                let more = if self.between { flags::MORE } else { 0 };
                (None, halt.source, more)
            }
            Kind::Clear => {
                let clear = frame.read::<payload::Clear>();
                self.clear(clear.source.0);
                out.push(Effect::Reset);
                (None, clear.source, clear.flags)
            }
            Kind::Trade => {
                let trade = frame.read::<payload::Trade>();
                (self.trade(trade, out), trade.source, trade.flags)
            }
            kind => panic!("the twin knows no {kind}"),
        };
        self.sources.push(source.0);
        self.between = bits & flags::MORE != 0;
        if let Some(code) = fault {
            *self.faults.entry(code).or_default() += 1;
        }
        fault
    }

    fn trade(&mut self, trade: &payload::Trade, out: &mut Vec<Effect>) -> Option<FaultCode> {
        if trade.qty == 0 || bad(trade.price) {
            return Some(FaultCode::BadValue);
        }
        let qty = u64::from(trade.qty);
        self.print((trade.price, qty, trade.side), trade.flags, out);
        None
    }
}
