//! From any frame of a chain to the chain: its signal and its bracket.

use super::names::Names;
use crate::failure::{Failure, Outcome};
use journal::Reader;
use std::path::Path;
use stream::payload::{
    Command, Commission, Fill, Intent, Leg, Order, Outcome as SignalOutcome, Refused, Request,
    Requested, RoundTrip, Sent, Status, Verdict,
};
use stream::{FrameId, FrameRef, InstrumentId, Kind, Nanos, StageId};

/// A chain's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was asked for.
    pub asked: FrameId,
    /// The signal; none for what risk ordered by itself.
    pub signal: FrameId,
    /// The intent, or risk's own order; none when the signal became no intent.
    pub origin: FrameId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The newest market frame that it rests on; 0 where nothing says.
    pub market_ts: Nanos,
}

impl Target {
    /// The frame that the chain begins with.
    pub const fn first(&self) -> FrameId {
        if self.signal.is_none() {
            self.origin
        } else {
            self.signal
        }
    }
}

/// What a frame says about its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// It belongs to this signal.
    Signal(FrameId),
    /// It belongs to this intent, or risk's own order.
    Origin(FrameId),
    /// It belongs to the bracket of this request.
    Request(FrameId),
}

/// What a frame says about its chain; `None` for frames that are about no chain.
pub fn link_of(frame: FrameRef<'_>) -> Option<Link> {
    let origin = match frame.kind() {
        Kind::Signal => return Some(Link::Signal(frame.id())),
        Kind::Outcome => return Some(Link::Signal(frame.read::<SignalOutcome>().signal)),
        Kind::Intent => frame.id(),
        Kind::Refused => return Some(of_wish(frame.read::<Refused>().intent)),
        Kind::Verdict => return Some(of_wish(frame.read::<Verdict>().intent)),
        Kind::Order => frame.read::<Order>().origin,
        Kind::Command => frame.read::<Command>().origin,
        Kind::Leg => frame.read::<Leg>().origin,
        Kind::Sent => frame.read::<Sent>().origin,
        Kind::Status => frame.read::<Status>().origin,
        Kind::Fill => frame.read::<Fill>().origin,
        Kind::Commission => frame.read::<Commission>().origin,
        Kind::Request => frame.read::<Request>().origin,
        Kind::Requested => frame.read::<Requested>().origin,
        Kind::RoundTrip => frame.read::<RoundTrip>().origin,
        _ => return None,
    };
    (!origin.is_none()).then_some(Link::Origin(origin))
}

/// Risk refuses intents and requests; the stage in the id tells which it was.
const fn of_wish(id: FrameId) -> Link {
    match StageId::from_u8((id.sub() >> stream::id::SUB_COUNT_BITS) as u8) {
        Some(StageId::Gateway) => Link::Request(id),
        _ => Link::Origin(id),
    }
}

/// Finds the chain that a frame belongs to, and learns the journal's names on the way.
///
/// # Errors
/// Damage, an id that is not there, or one that is about no chain: exit code 2.
pub fn resolve(reader: &mut Reader, asked: FrameId, journal: &Path) -> Outcome<(Target, Names)> {
    let mut names = Names::default();
    let mut found = None;
    // Chains that the consequences of the same input belong to.
    let mut near: Vec<(Link, FrameId, Kind)> = Vec::new();
    while let Some(next) = reader.next() {
        let (_, frame) = next?;
        if frame.seq() > asked.seq() {
            break;
        }
        names.on_frame(frame);
        if frame.seq() < asked.seq() || frame.kind() == Kind::Note {
            continue;
        }
        let link = link_of(frame);
        near.extend(link.map(|link| (link, frame.id(), frame.kind())));
        if frame.id() == asked {
            found = Some((frame.kind(), link));
        }
    }
    let link = match found {
        Some((_, Some(link))) => link,
        Some((kind, None)) => only_chain(asked, kind, &near, journal)?,
        None => return Err(missing(asked, &near, &names, journal)),
    };
    Ok((follow(reader, asked, link, journal)?, names))
}

/// The chain of an input that is about none itself but brought about frames of exactly one.
fn only_chain(
    asked: FrameId,
    kind: Kind,
    near: &[(Link, FrameId, Kind)],
    journal: &Path,
) -> Outcome<Link> {
    let is_origin = |link: &Link| matches!(link, Link::Origin(_));
    let brackets = near.iter().any(|(link, ..)| is_origin(link));
    // A signal and its own intent are one chain: where there are brackets, they decide.
    let mut chains: Vec<Link> = near
        .iter()
        .map(|near| near.0)
        .filter(|link| is_origin(link) || !brackets)
        .collect();
    chains.sort_unstable();
    chains.dedup();
    if let (0, [only]) = (asked.sub(), &chains[..]) {
        return Ok(*only);
    }
    Err(Failure::bad(format!(
        "{}: frame {asked} is a {kind}, which belongs to no single chain; expected the id of a \
         signal, intent, order, command, leg, refusal, fill or other answer{}",
        journal.display(),
        list(near)
    )))
}

fn missing(
    asked: FrameId,
    near: &[(Link, FrameId, Kind)],
    names: &Names,
    journal: &Path,
) -> Failure {
    let last = names.last_seq;
    let why = if last < asked.seq() {
        format!("; its last input is {last}")
    } else {
        list(near)
    };
    let journal = journal.display();
    Failure::bad(format!(
        "{journal}: there is no frame {asked}{why}; `spindle journal explain {journal}` lists \
         every signal that became an intent"
    ))
}

fn list(near: &[(Link, FrameId, Kind)]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = near
        .iter()
        .take(8)
        .map(|(_, id, kind)| format!("{kind} {id}"))
        .collect();
    format!("; that input has {}", shown.join(", "))
}

/// From a link to both names of its chain.
fn follow(reader: &mut Reader, asked: FrameId, link: Link, journal: &Path) -> Outcome<Target> {
    let mut target = Target {
        asked,
        signal: FrameId::NONE,
        origin: FrameId::NONE,
        instrument: InstrumentId::NONE,
        market_ts: Nanos::ZERO,
    };
    let id = match link {
        Link::Signal(id) | Link::Origin(id) | Link::Request(id) => id,
    };
    let mut bracket = None;
    let mut seen = false;
    if reader.seek_seq(id.seq())? {
        while let Some(next) = reader.next() {
            let (_, frame) = next?;
            if frame.seq() > id.seq() {
                break;
            }
            seen |= frame.id() == id;
            match frame.kind() {
                Kind::Request if frame.id() == id => bracket = Some(frame.read::<Request>().origin),
                _ => take(&mut target, link, frame),
            }
        }
    }
    if let Some(origin) = bracket {
        return follow(reader, asked, Link::Origin(origin), journal);
    }
    if !seen {
        return Err(Failure::bad(format!(
            "{}: frame {asked} belongs to {id}, which is not in this journal: it was made in an \
             earlier one; explain that one",
            journal.display()
        )));
    }
    if target.origin.is_none() && target.signal.is_none() {
        return Err(Failure::bad(format!(
            "{}: frame {asked} belongs to {id}, which is neither signal, intent nor order",
            journal.display()
        )));
    }
    Ok(target)
}

/// Completes the names from a frame of the chain's first input.
fn take(target: &mut Target, link: Link, frame: FrameRef<'_>) {
    let id = frame.id();
    match frame.kind() {
        Kind::Signal if link == Link::Signal(id) => {
            target.signal = id;
            target.instrument = frame.instrument();
            target.market_ts = frame.read::<stream::payload::Signal>().market_ts;
        }
        Kind::Intent => {
            let intent = frame.read::<Intent>();
            if link == Link::Origin(id) || link == Link::Signal(intent.signal) {
                (target.origin, target.signal) = (id, intent.signal);
                target.instrument = frame.instrument();
                target.market_ts = intent.market_ts;
            }
        }
        Kind::Order if link == Link::Origin(id) => {
            let order = frame.read::<Order>();
            (target.origin, target.signal) = (id, order.signal);
            target.instrument = frame.instrument();
            target.market_ts = order.market_ts;
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::Draft;
    use stream::id::sub_of;

    #[test]
    fn a_refusal_tells_whether_it_was_an_intent_or_a_request() {
        let wish = |stage| {
            let intent = FrameId::new(5, sub_of(stage, 1));
            let mut draft = Draft::new();
            draft.write(
                InstrumentId(1),
                &Refused {
                    intent,
                    ..Refused::zeroed()
                },
            );
            (link_of(draft.frame()), intent)
        };
        let (link, id) = wish(StageId::Signal);
        assert_eq!(link, Some(Link::Origin(id)));
        let (link, id) = wish(StageId::Gateway);
        assert_eq!(link, Some(Link::Request(id)));
    }

    #[test]
    fn an_input_stands_for_the_one_bracket_that_it_moved() {
        let origin = |seq| Link::Origin(FrameId::new(seq, 1));
        let near = |seq| (origin(seq), FrameId::new(9, 1), Kind::Leg);
        let path = Path::new("J");
        let input = FrameId::new(9, 0);
        let one = only_chain(input, Kind::Tick, &[near(3), near(3)], path);
        assert_eq!(one.unwrap(), origin(3));
        let two = only_chain(input, Kind::Tick, &[near(3), near(4)], path).unwrap_err();
        assert!(
            two.code == 2 && two.text.contains("Leg 9.1"),
            "{}",
            two.text
        );
        assert_eq!(
            only_chain(input, Kind::Tick, &[], path).unwrap_err().code,
            2
        );
    }
}
