//! Arbitrary bytes, and valid ones with something changed, into the decoders: nothing panics, and
//! nothing sets aside more than a frame may be long. The same seeds each time.
//!
//! The same functions are fuzz targets, which look much longer: see `fuzz/`.

#[path = "../../fuzz/drive.rs"]
mod drive;
mod memory;
mod mutate;

use drive::{TARGETS, Target};
use memory::peak_of;
use mutate::{Random, mutate};
use std::path::Path;
use tws::wire::FRAME_MAX;

/// Files of the corpus that belong to a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("listed").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("read"))
        .collect()
}

fn hold(name: &str, target: Target, bytes: &[u8]) {
    let peak = peak_of(|| target(bytes));
    let shown = &bytes[..bytes.len().min(200)];
    assert!(
        peak <= FRAME_MAX,
        "{name} sets {peak} bytes aside for {shown:x?}"
    );
}

#[test]
fn the_corpus_passes_at_every_cut() {
    for (name, target) in TARGETS {
        for bytes in corpus(name) {
            for end in 0..=bytes.len() {
                hold(name, target, &bytes[..end]);
            }
        }
    }
}

#[test]
fn nothing_that_was_changed_does_harm() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        let mut random = Random::new(0x5eed);
        for round in 0..30_000 {
            let mut bytes = corpus[round % corpus.len()].clone();
            for _ in 0..=random.below(6) {
                let other = &corpus[random.below(corpus.len())];
                mutate(&mut bytes, other, &mut random);
            }
            hold(name, target, &bytes);
        }
    }
}

#[test]
fn nothing_arbitrary_does_harm() {
    for (name, target) in TARGETS {
        let mut random = Random::new(0xa5);
        for _ in 0..20_000 {
            let length = random.below(200);
            let bytes: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            hold(name, target, &bytes);
        }
    }
}

#[test]
fn many_small_things_in_one_message_stay_small() {
    // Legs of a contract with nothing in them, as many as a request may hold: two bytes each.
    let legs = [0xa2, 0x01, 0x00].repeat(21_000);
    let mut message = vec![0, 0, 0, 209, 0x08, 0x01, 0x12];
    prost::encoding::encode_varint(legs.len() as u64, &mut message);
    message.extend(legs);
    hold("proto", drive::proto, &message);
    let mut message = vec![0, 0, 0, 203, 0x1a];
    let conditions = [0xa2, 0x06, 0x00].repeat(21_000);
    prost::encoding::encode_varint(conditions.len() as u64, &mut message);
    message.extend(conditions);
    hold("proto", drive::proto, &message);
    // The same in text.
    let fields = "1|11|1||BAG||||||||||16000|".replace('|', "\0");
    let message = [&[2][..], fields.as_bytes(), &vec![0; 65_000]].concat();
    hold("text", drive::text, &message);
    // And more than is looked into at all.
    let message = vec![0; 2 << 20];
    hold("text", drive::text, &message);
    hold("proto", drive::proto, &message);
}
