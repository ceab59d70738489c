//! The broker's side of a run that is folded for a restart: the edge, and what goes round by the
//! head.

use super::FoldError;
use super::told::Told;
use crate::broker::Shade;
use crate::setup::Setup;
use stream::payload::{Refused, Request, Requested, Sent, Verdict};
use stream::source::answer;
use stream::{Answers, Class, Draft, FrameRef, Kind, Nanos};

/// What came back by the head and has not come yet.
#[derive(Debug, Default)]
pub struct Pending(Vec<Draft>);

impl Answers for Pending {
    fn queue(&mut self, draft: &Draft) {
        self.0.push(draft.clone());
    }
}

impl Pending {
    /// Takes out what has now come: the first draft with the same content.
    #[inline]
    fn came(&mut self, frame: FrameRef<'_>) {
        if self.0.is_empty() || frame.kind().is_market() {
            return;
        }
        if let Some(sent) = frame.try_read::<Sent>() {
            // A command is answered once: one that a start gave up was not handed over before.
            let of = |draft: &Draft| draft.frame().try_read::<Sent>().map(|own| own.command);
            self.0.retain(|draft| of(draft) != Some(sent.command));
            return;
        }
        let bytes = &frame.bytes()[stream::Header::BYTES..];
        let same = |draft: &Draft| {
            let header = draft.header();
            header.kind == frame.kind()
                && header.instrument == frame.instrument()
                && &draft.frame().bytes()[stream::Header::BYTES..] == bytes
        };
        if let Some(index) = self.0.iter().position(same) {
            self.0.remove(index);
        }
    }

    /// What has not come, in the order in which it was queued.
    #[must_use]
    pub fn into_drafts(self) -> Vec<Draft> {
        self.0
    }
}

/// The edge and the loop-backs, from recorded frames alone.
#[derive(Debug, Default)]
pub struct Shadow {
    told: Told,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    edge: Shade,
    pending: Pending,
    delay: Nanos,
    draft: Draft,
}

impl Shadow {
    /// Takes the journal's next frame.
    ///
    /// # Errors
    /// When it cannot be folded.
    #[inline]
    pub fn on_frame(&mut self, frame: FrameRef<'_>) -> Result<(), FoldError> {
        match frame.header().class() {
            Some(Class::Input) => {
                let restart = self.told.on_frame(frame)?;
                if restart.is_some() && self.life.is_none() {
                    self.life = Some(Life::new(&Setup::from_journal(self.told.config()?)?));
                }
            }
            Some(Class::Derived) => {}
            _ => return Ok(()),
        }
        if let Some(life) = &mut self.life {
            life.on_frame(frame);
        }
        Ok(())
    }

    /// The edge, and what is under way, where the journal has an epoch.
    #[must_use]
    pub fn into_parts(self) -> Option<(Shade, Pending)> {
        let life = self.life?;
        Some((life.edge, life.pending))
    }
}

impl Life {
    fn new(setup: &Setup) -> Self {
        Self {
            edge: setup.shade(),
            pending: Pending::default(),
            delay: setup.loopback_delay,
            draft: Draft::new(),
        }
    }

    #[inline]
    fn on_frame(&mut self, frame: FrameRef<'_>) {
        if frame.is_input() {
            self.pending.came(frame);
        }
        match frame.kind() {
            Kind::Refused => self.refused(frame),
            Kind::Request => self.request(frame),
            _ => {}
        }
        self.edge.on_frame(frame, &mut self.pending);
    }

    fn refused(&mut self, frame: FrameRef<'_>) {
        let verdict = Verdict::of(frame.read::<Refused>());
        let due = frame.ts().saturating_add(self.delay);
        let (id, instrument) = (frame.id(), frame.instrument());
        let Self { pending, draft, .. } = self;
        answer(pending, draft, due, id, instrument, &verdict);
    }

    fn request(&mut self, frame: FrameRef<'_>) {
        let (id, instrument) = (frame.id(), frame.instrument());
        let requested = Requested::of(frame.read::<Request>(), id);
        let due = frame.ts().saturating_add(self.delay);
        let Self { pending, draft, .. } = self;
        answer(pending, draft, due, id, instrument, &requested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stream::payload::SentOutcome;
    use stream::{FrameId, InstrumentId};

    fn sent(command: u64, outcome: SentOutcome) -> Draft {
        let mut draft = Draft::new();
        let sent = Sent {
            command: FrameId(command),
            outcome,
            ..Sent::zeroed()
        };
        draft.write(InstrumentId(1), &sent);
        draft
    }

    #[test]
    fn a_command_that_a_start_gave_up_has_its_answer() {
        let mut pending = Pending::default();
        pending.queue(&sent(7, SentOutcome::Sent));
        pending.queue(&sent(8, SentOutcome::Sent));
        pending.came(sent(7, SentOutcome::Abandoned).frame());
        let left = pending.into_drafts();
        let commands = left
            .iter()
            .map(|draft| draft.frame().read::<Sent>().command);
        assert_eq!(commands.collect::<Vec<_>>(), [FrameId(8)]);
    }
}
