//! What the fuzz targets do with arbitrary bytes, and the tests with the corpus. Each of these
//! must come back, whatever it is given; that no more is set aside than a frame may be long is
//! watched by whoever counts allocations.

use tws::codec::Codec;
use tws::wire::{FRAME_MAX, Inbox};

/// Versions whose layouts of text differ, by the first byte of an input.
const VERSIONS: [i32; 3] = [157, 176, 178];

/// What is done with one input.
pub type Target = fn(&[u8]);

/// The names of the folders of the corpus, and what is done with their files.
pub const TARGETS: [(&str, Target); 4] = [
    ("connection", connection),
    ("handshake", handshake),
    ("proto", proto),
    ("text", text),
];

/// A greeting, whole and in two parts.
pub fn handshake(bytes: &[u8]) {
    let mut whole = Inbox::new();
    whole.extend(bytes);
    let told = whole.greeting();
    if let Ok(Some(offer)) = &told
        && let Some(version) = offer.version()
    {
        assert!(matches!(version, 157 | 159..=178 | 213..=226));
        assert!(offer.min <= version && version <= offer.max);
    }
    for cut in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        let mut parts = Inbox::new();
        parts.extend(&bytes[..cut]);
        let early = parts.greeting();
        if matches!(early, Ok(None)) {
            parts.extend(&bytes[cut..]);
            assert_eq!(parts.greeting(), told, "cut at {cut}");
        } else {
            assert_eq!(early, told, "already at {cut}");
        }
    }
}

/// One message in text; the first byte chooses the version.
pub fn text(bytes: &[u8]) {
    if let Some((choice, body)) = bytes.split_first() {
        let version = VERSIONS[usize::from(*choice) % VERSIONS.len()];
        message(Codec::Text(version), body);
    }
}

/// One message in protobuf.
pub fn proto(bytes: &[u8]) {
    message(Codec::Proto(226), bytes);
}

fn message(codec: Codec, body: &[u8]) {
    let told = codec.decode(body);
    // A complaint can be said to a person whatever is in it.
    if let Err(malformed) = &told {
        assert!(!malformed.to_string().is_empty());
    }
    assert_eq!(told, codec.decode(body));
}

/// A whole connection, in parts as long as the first byte says.
pub fn connection(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else {
        return;
    };
    let (mut inbox, mut codec) = (Inbox::new(), None);
    for part in bytes.chunks(usize::from(*step) + 1) {
        inbox.extend(part);
        if codec.is_none() {
            match inbox.greeting() {
                Ok(Some(offer)) => codec = offer.version().map(Codec::new),
                Ok(None) => continue,
                Err(_) => return,
            }
        }
        let Some(codec) = codec else { return };
        loop {
            match inbox.frame(codec.frame_min()) {
                Ok(Some(body)) => {
                    assert!(body.len() <= FRAME_MAX);
                    message(codec, body);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}
