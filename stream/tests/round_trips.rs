//! What is written into a frame is read from it again, for every kind; and bytes from anywhere
//! are read or refused, never more.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stream::payload::{Payload, describe, lines_of};
use stream::stage::Collected;
use stream::{
    Class, Draft, FrameRef, Header, InstrumentId, Kind, Line, Nanos, Out, StageId, with_payloads,
};
use zerocopy::{FromBytes, IntoBytes};

/// Bytes that are a valid `P`: any bytes at all, with each enumeration's byte taken round to one
/// of its numbers.
fn valid<P: Payload>(mut bytes: Vec<u8>) -> Vec<u8> {
    for field in P::FIELDS {
        if !field.values.is_empty() {
            let byte = &mut bytes[field.offset - Header::BYTES];
            *byte = field.values[usize::from(*byte) % field.values.len()].0;
        }
    }
    bytes
}

fn round_trip<P: Payload>(bytes: &[u8], head: Header) -> TestCaseResult {
    let size = P::LINES * Line::BYTES - Header::BYTES;
    let bytes = valid::<P>(bytes[..size].to_vec());
    let payload = P::try_read_from_bytes(&bytes).expect("every number is valid");
    let class = head.class().expect("one of three");
    let mut draft = Draft::new();
    draft.write_as(class, head.instrument, &payload);
    prop_assert_eq!(draft.frame().header().seq, 0);
    let shape = draft.header().shape;
    *draft.header_mut() = Header {
        kind: P::KIND,
        shape,
        ..head
    };

    let frame = draft.frame();
    let read: &P = frame.read();
    prop_assert_eq!(read.as_bytes(), &bytes[..]);
    prop_assert_eq!(&frame.bytes()[Header::BYTES..], &bytes[..]);
    prop_assert_eq!(
        *frame.header(),
        Header {
            kind: P::KIND,
            shape,
            ..head
        }
    );
    prop_assert_eq!((frame.kind(), frame.lines().len()), (P::KIND, P::LINES));
    prop_assert_eq!(frame.header().class(), Some(class));
    prop_assert_eq!(frame.is_input(), class == Class::Input);
    prop_assert_eq!((frame.id().seq(), frame.id().sub()), (head.seq, head.sub));

    let mut shown = 0;
    prop_assert!(describe(frame, &mut |_, _| shown += 1));
    prop_assert_eq!(
        shown,
        P::FIELDS.iter().filter(|field| !field.is_spare()).count()
    );

    let again = FrameRef::first_of(frame.lines()).expect("whole");
    prop_assert_eq!(again.bytes(), frame.bytes());
    let short = &frame.lines()[..P::LINES - 1];
    prop_assert!(FrameRef::first_of(short).is_none());
    let mut copy = Draft::new();
    copy.copy_from(frame);
    prop_assert_eq!(copy.frame().bytes(), frame.bytes());
    Ok(())
}

fn header() -> impl Strategy<Value = Header> {
    let words = (0u64..1 << 48, any::<u64>(), any::<u32>(), any::<u32>());
    let halves = (any::<u16>(), any::<u16>(), any::<u16>(), 0usize..3);
    (words, halves).prop_map(
        |((seq, ts, crc, age), (instrument, sub, parent, class))| Header {
            seq,
            ts: Nanos(ts),
            crc,
            ingress_age_ns: age,
            instrument: InstrumentId(instrument),
            sub,
            parent,
            shape: Header::shape([Class::Input, Class::Derived, Class::Note][class], 1),
            ..Header::default()
        },
    )
}

proptest! {
    #[test]
    fn every_payload_is_read_as_it_was_written(bytes in vec(any::<u8>(), 480), head in header()) {
        macro_rules! all {
            ($($name:ident)*) => { $(round_trip::<stream::payload::$name>(&bytes, head)?;)* };
        }
        with_payloads!(all);
    }

    /// Eight lines of anything: whatever they are called, they are a whole frame or none, and each
    /// kind reads them or does not.
    #[test]
    fn bytes_from_anywhere_are_read_or_refused(
        bytes in vec(any::<u8>(), 512),
        kind in any::<prop::sample::Index>(),
        known: bool,
        fits: bool,
        held in 0usize..=8,
    ) {
        let mut lines = [Line::ZERO; 8];
        lines.as_mut_bytes().copy_from_slice(&bytes);
        let head = Header::mut_from_bytes(&mut lines[0].0[..Header::BYTES]).expect("aligned");
        if known {
            head.kind = *kind.get(Kind::ALL);
            if fits {
                head.shape = Header::shape(Class::Derived, lines_of(head.kind).expect("known"));
            }
        }
        let (kind, length) = (head.kind, head.lines());
        let Some(frame) = FrameRef::first_of(&lines[..held]) else {
            prop_assert!(held < length);
            return Ok(());
        };
        prop_assert_eq!(frame.lines().len(), length);
        prop_assert!(length <= held);
        let _ = (frame.header().class(), frame.header().stage());
        let mut readers = 0;
        macro_rules! all {
            ($($name:ident)*) => {$(
                if let Some(payload) = frame.try_read::<stream::payload::$name>() {
                    prop_assert_eq!(Kind::$name, kind);
                    prop_assert_eq!(payload.as_bytes(), &frame.bytes()[Header::BYTES..]);
                    readers += 1;
                }
            )*};
        }
        with_payloads!(all);
        let mut shown = 0;
        prop_assert_eq!(describe(frame, &mut |_, _| shown += 1), readers == 1);
        prop_assert_eq!(shown > 0, readers == 1);
        if fits && known && lines_of(kind) == Some(length) && readers == 0 {
            prop_assert!(has_bad_number(frame), "{:?} was refused without a reason", kind);
        }
    }

    #[test]
    fn a_row_of_frames_is_read_one_by_one(
        kinds in vec((any::<prop::sample::Index>(), 1u64..1 << 40), 0..20),
    ) {
        let mut row = Collected::default();
        let mut ends = Vec::new();
        for (kind, seq) in &kinds {
            let mut draft = zeroed(*kind.get(Kind::ALL));
            draft.header_mut().seq = *seq;
            row.put(draft.frame());
            ends.push((draft.frame().kind(), *seq));
        }
        let read: Vec<_> = row.iter().map(|frame| (frame.kind(), frame.seq())).collect();
        prop_assert_eq!(read, ends);
    }
}

/// A frame of `kind` whose payload is all zero.
fn zeroed(kind: Kind) -> Draft {
    let mut draft = Draft::new();
    macro_rules! all {
        ($($name:ident)*) => {
            match kind {
                $(Kind::$name => draft.write(InstrumentId(1), &stream::payload::$name::zeroed()),)*
                other => panic!("{other} has no payload"),
            }
        };
    }
    with_payloads!(all);
    draft
}

fn has_bad_number(frame: FrameRef<'_>) -> bool {
    stream::payload::fields_of(frame.kind())
        .expect("known")
        .iter()
        .any(|field| {
            let number = frame.bytes()[field.offset];
            !field.values.is_empty() && field.values.iter().all(|&(known, _)| known != number)
        })
}

/// All 256 bytes in the place of every enumeration of every kind: its numbers are read, all others
/// are refused.
#[test]
fn a_number_that_an_enumeration_does_not_have_is_refused() {
    fn check<P: Payload>() {
        for field in P::FIELDS.iter().filter(|field| !field.values.is_empty()) {
            for byte in 0..=u8::MAX {
                let mut frame = zeroed(P::KIND).frame().lines().to_vec();
                frame.as_mut_bytes()[field.offset] = byte;
                let frame = FrameRef::first_of(&frame).expect("whole");
                let known = field.values.iter().any(|&(number, _)| number == byte);
                assert_eq!(
                    frame.try_read::<P>().is_some(),
                    known,
                    "{} {byte}",
                    field.name
                );
                assert_eq!(
                    describe(frame, &mut |_, _| {}),
                    known,
                    "{} {byte}",
                    field.name
                );
            }
        }
    }
    macro_rules! all {
        ($($name:ident)*) => { $(check::<stream::payload::$name>();)* };
    }
    with_payloads!(all);
}

#[test]
fn a_payload_is_refused_under_another_kind_or_length() {
    for &kind in Kind::ALL {
        let mut draft = zeroed(kind);
        let length = draft.frame().lines().len();
        draft.header_mut().shape = Header::shape(Class::Input, length % 8 + 1);
        assert!(
            !describe(draft.frame(), &mut |_, _| panic!("shown")),
            "{kind} with a wrong length"
        );
        let mut draft = zeroed(kind);
        draft.header_mut().kind = Kind(255);
        assert!(
            !describe(draft.frame(), &mut |_, _| panic!("shown")),
            "{kind} as an unknown kind"
        );
    }
}

#[test]
#[should_panic(expected = "does not fit its kind")]
fn reading_another_kind_is_our_own_bug() {
    let draft = zeroed(Kind::Add);
    let _: &stream::payload::Delete = draft.frame().read();
}

/// A byte of every shape: class and length come back as they were packed.
#[test]
fn shapes_pack_class_and_length() {
    for (number, class) in [Class::Input, Class::Derived, Class::Note]
        .into_iter()
        .enumerate()
    {
        for lines in 1..=8 {
            let shape = Header::shape(class, lines);
            let header = Header {
                shape,
                ..Header::default()
            };
            assert_eq!((header.class(), header.lines()), (Some(class), lines));
            assert_eq!(usize::from(shape), number | (lines - 1) << 2);
        }
    }
    assert_eq!(
        Header {
            shape: 3,
            ..Header::default()
        }
        .class(),
        None
    );
}

/// Every `sub`: the stage is its upper three bits, notes and unused numbers have none.
#[test]
fn a_sub_names_its_stage() {
    for sub in 0..=u16::MAX {
        let stage = Header {
            sub,
            ..Header::default()
        }
        .stage();
        let expected = StageId::from_u8((sub >> 13) as u8);
        assert_eq!(stage, if sub == 0xFFFF { None } else { expected });
    }
}
