//! What versions a client offers, and which one is spoken with it.
//!
//! Text ends at 178 and protobuf begins at 213; what lies between is a mixture that is not spoken.
//! 158 is never chosen: clients disagree about what it brought.

use thiserror::Error;

/// The newest version that is spoken.
pub const NEWEST: i32 = 226;
/// The oldest version that is all protobuf.
pub const PROTO_MIN: i32 = 213;
/// The newest version that is text.
pub const TEXT_MAX: i32 = 178;
/// The oldest version that is spoken.
pub const TEXT_MIN: i32 = 157;
/// The version that nobody should speak.
const AVOIDED: i32 = 158;

/// Versions that a client offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The oldest.
    pub min: i32,
    /// The newest.
    pub max: i32,
    /// What else it asks for, such as `+PACEAPI`.
    pub options: String,
}

/// Why an offer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the client's offer is not of the form vMIN..MAX, two numbers of at most six digits")]
pub struct OfferFault;

impl Offer {
    /// Reads `vMIN..MAX[ options]`; `vN` offers one version.
    ///
    /// # Errors
    ///
    /// If it is anything else.
    pub fn parse(text: &[u8]) -> Result<Self, OfferFault> {
        let text = std::str::from_utf8(text).map_err(|_| OfferFault)?;
        let (versions, options) = text.split_once(' ').unwrap_or((text, ""));
        let versions = versions.strip_prefix('v').ok_or(OfferFault)?;
        let (min, max) = versions.split_once("..").unwrap_or((versions, versions));
        let (min, max) = (number(min)?, number(max)?);
        Ok(Self {
            min,
            max,
            options: options.to_owned(),
        })
    }

    /// The version to speak, `None` if there is none that both sides know.
    #[must_use]
    pub fn version(&self) -> Option<i32> {
        let version = match self.max.min(NEWEST) {
            version if version >= PROTO_MIN => version,
            version if version >= TEXT_MAX => TEXT_MAX,
            AVOIDED => TEXT_MIN,
            version => version,
        };
        (version >= TEXT_MIN && version >= self.min).then_some(version)
    }
}

fn number(text: &str) -> Result<i32, OfferFault> {
    let digits = !text.is_empty() && text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(OfferFault);
    }
    text.parse().map_err(|_| OfferFault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_gets_the_version_that_it_decodes() {
        let table = [
            ("v213..226", Some(226)),
            ("v100..226", Some(226)),
            ("v100..225", Some(225)),
            ("v100..400", Some(226)),
            ("v100..212", Some(178)),
            ("v100..200 +PACEAPI", Some(178)),
            ("v157..178", Some(178)),
            ("v157..176", Some(176)),
            ("v100..158", Some(157)),
            ("v100..157", Some(157)),
            ("v157", Some(157)),
            ("v100..156", None),
            ("v158..158", None),
            ("v190..212", None),
            ("v300..400", None),
        ];
        for (text, version) in table {
            let offer = Offer::parse(text.as_bytes()).expect(text);
            assert_eq!(offer.version(), version, "{text}");
        }
        let offer = Offer::parse(b"v100..200 +PACEAPI").expect("valid");
        assert_eq!(offer.options, "+PACEAPI");
    }

    #[test]
    fn anything_else_is_no_offer() {
        let bad: [&[u8]; 9] = [
            b"",
            b"v",
            b"226",
            b"v..",
            b"v-1..5",
            b"v1..",
            b"v1.. 5",
            b"v1234567..2",
            b"v\xff..2",
        ];
        for text in bad {
            assert_eq!(Offer::parse(text), Err(OfferFault), "{text:?}");
        }
    }
}
