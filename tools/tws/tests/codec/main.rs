//! The codecs against bytes that are known: every answer at every layout, and what real clients
//! sent; and what the Rust client makes of the answers.
//!
//! `SPINDLE_BLESS=1 cargo test -p tws --test codec` writes the golden files anew; look at what has
//! changed before committing it.

mod every;
mod golden;
mod peer;
mod rust_client;

use every::answers;
use std::fmt::Write;
use tws::Answer;
use tws::codec::Codec;

/// Frames of an answer as lines: zero bytes as `|`, or as hexadecimal digits.
fn lines(codec: Codec, answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    assert!(codec.encode(answer, &mut out), "short");
    assert!(!out.is_empty(), "{answer:?} is not encoded at {codec:?}");
    let (mut rest, mut lines) = (&out[..], Vec::new());
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (body, after) = after.split_at(length);
        lines.push(match codec {
            Codec::Text(_) => String::from_utf8_lossy(body).replace('\0', "|"),
            Codec::Proto(_) => hex(body),
        });
        rest = after;
    }
    lines
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn every_answer_has_the_bytes_that_it_had() {
    for version in [157, 176, 178, 226] {
        let told: Vec<String> = answers()
            .iter()
            .flat_map(|answer| lines(Codec::new(version), answer))
            .collect();
        golden::hold(&format!("answers-{version}.txt"), &told);
    }
}

#[test]
fn text_layouts_differ_only_by_the_gates_between_them() {
    let count =
        |version, answer: &Answer| lines(Codec::Text(version), answer)[0].matches('|').count();
    for answer in answers() {
        let more = count(178, &answer) as i64 - count(157, &answer) as i64;
        let wanted = match answer {
            // The reason of a rejection.
            Answer::Problem(_) => 1,
            // Three rules of size; no version and no multiplier of sizes.
            Answer::ContractData(..) => 1,
            // Description and issuer, of two samples.
            Answer::SymbolSamples(..) => 4,
            // Whether the price may change.
            Answer::Execution(..) => 1,
            // Duration, venue, parent and five fields of pegged orders; no adviser's profile.
            Answer::OpenOrder(_) => 7,
            // Five fields of pegged orders; no adviser's profile.
            Answer::CompletedOrder(_) => 4,
            _ => 0,
        };
        assert_eq!(more, wanted, "{answer:?}");
    }
}

#[test]
fn requests_of_real_clients_are_read_as_they_were_meant() {
    let mut told = Vec::new();
    for (name, bytes) in golden::corpus("text") {
        let version = [157, 176, 178][usize::from(bytes[0])];
        let request = Codec::Text(version).decode(&bytes[1..]);
        told.push(format!("{name}: {:?}", request.expect(&name)));
    }
    golden::hold("requests-text.txt", &told);
    let mut told = Vec::new();
    for (name, bytes) in golden::corpus("proto") {
        let request = Codec::Proto(226).decode(&bytes);
        told.push(format!("{name}: {:?}", request.expect(&name)));
    }
    golden::hold("requests-proto.txt", &told);
}

#[test]
fn a_message_without_its_last_field_says_which_one() {
    for (name, bytes) in golden::corpus("text") {
        let (version, body) = ([157, 176, 178][usize::from(bytes[0])], &bytes[1..]);
        for end in 1..body.len() {
            if body[end - 1] != 0 {
                continue;
            }
            // Fields behind the last one that is read may be missing.
            if let Err(malformed) = Codec::Text(version).decode(&body[..end]) {
                let text = malformed.to_string();
                let missing = text.contains("is missing") || text.contains("more entries");
                assert!(missing, "{name} cut at {end}: {text}");
            }
        }
    }
}
