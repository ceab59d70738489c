//! A message's fields, read one after the other.

use crate::wire::{Malformed, What};
use rust_decimal::Decimal;

/// The fields of one message.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    place: usize,
    message: Option<i32>,
    req: Option<i32>,
}

type Outcome<T> = Result<T, Malformed>;

impl<'a> Fields<'a> {
    /// The fields of a frame's body.
    ///
    /// # Errors
    ///
    /// If the last field is not ended.
    pub fn new(body: &'a [u8]) -> Outcome<Self> {
        let fields = Self {
            rest: body,
            place: 0,
            message: None,
            req: None,
        };
        match body.last() {
            Some(0) => Ok(fields),
            _ => Err(fields.malformed(What::Unterminated)),
        }
    }

    /// The number of the message: its first field.
    pub fn message(&mut self) -> Outcome<i32> {
        let number = self.int("message")?;
        self.message = Some(number);
        Ok(number)
    }

    /// The client's number of the request or order.
    pub fn req(&mut self) -> Outcome<i32> {
        let number = self.int("request")?;
        self.req = Some(number);
        Ok(number)
    }

    /// Text.
    pub fn text(&mut self, name: &'static str) -> Outcome<&'a str> {
        let bytes = self.bytes(name)?;
        std::str::from_utf8(bytes).map_err(|_| self.wrong(name, "text in UTF-8"))
    }

    /// Text, to be kept.
    pub fn string(&mut self, name: &'static str) -> Outcome<String> {
        self.text(name).map(str::to_owned)
    }

    /// A whole number; nothing is 0.
    pub fn int(&mut self, name: &'static str) -> Outcome<i32> {
        self.unset_int(name).map(Option::unwrap_or_default)
    }

    /// A whole number; nothing and the largest are unset.
    pub fn unset_int(&mut self, name: &'static str) -> Outcome<Option<i32>> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse() {
            Ok(i32::MAX) => Ok(None),
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.wrong(name, "a whole number of 32 bits")),
        }
    }

    /// A number; nothing is 0.
    pub fn double(&mut self, name: &'static str) -> Outcome<f64> {
        self.unset_double(name).map(Option::unwrap_or_default)
    }

    /// A number; nothing and the largest are unset, and so is what is not finite.
    pub fn unset_double(&mut self, name: &'static str) -> Outcome<Option<f64>> {
        let text = self.text(name)?;
        if text.is_empty() || text == "Infinite" || text == "Infinity" {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() && number < f64::MAX => Ok(Some(number)),
            Ok(_) => Ok(None),
            Err(_) => Err(self.wrong(name, "a number")),
        }
    }

    /// A size; nothing is 0.
    pub fn size(&mut self, name: &'static str) -> Outcome<Decimal> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Ok(Decimal::ZERO);
        }
        text.parse()
            .or_else(|_| Decimal::from_scientific(text))
            .map_err(|_| self.wrong(name, "a decimal number"))
    }

    /// Yes or no; nothing is no.
    pub fn flag(&mut self, name: &'static str) -> Outcome<bool> {
        match self.text(name)? {
            "" | "0" | "false" | "False" => Ok(false),
            "1" | "true" | "True" => Ok(true),
            _ => Err(self.wrong(name, "0 or 1")),
        }
    }

    /// How many entries a list has. What it says is believed only as far as there are bytes.
    pub fn count(&mut self, name: &'static str) -> Outcome<usize> {
        let place = self.place;
        let count = self.int(name)?;
        match usize::try_from(count) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => Err(self.malformed(What::List(place, name))),
        }
    }

    /// Reads past fields.
    pub fn skip(&mut self, count: usize, name: &'static str) -> Outcome<()> {
        for _ in 0..count {
            self.bytes(name)?;
        }
        Ok(())
    }

    /// A field is not what it should be: the one that was read last.
    pub fn wrong(&self, name: &'static str, kind: &'static str) -> Malformed {
        self.malformed(What::Field(self.place.saturating_sub(1), name, kind))
    }

    fn bytes(&mut self, name: &'static str) -> Outcome<&'a [u8]> {
        let Some(end) = self.rest.iter().position(|&byte| byte == 0) else {
            return Err(self.malformed(What::Missing(self.place, name)));
        };
        let field = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        self.place += 1;
        Ok(field)
    }

    fn malformed(&self, what: What) -> Malformed {
        Malformed {
            message: self.message,
            req: self.req,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_what_they_are() {
        let text = "3|7||-2|2147483647|1.5|1.7976931348623157E308|Infinite|300.0|1e-2|1||";
        let text = text.replace('|', "\0");
        let mut fields = Fields::new(text.as_bytes()).expect("ended");
        assert_eq!(fields.message(), Ok(3));
        assert_eq!(fields.req(), Ok(7));
        assert_eq!(fields.int("nothing"), Ok(0));
        assert_eq!(fields.unset_int("number"), Ok(Some(-2)));
        assert_eq!(fields.unset_int("largest"), Ok(None));
        assert_eq!(fields.double("number"), Ok(1.5));
        assert_eq!(fields.unset_double("largest"), Ok(None));
        assert_eq!(fields.unset_double("infinite"), Ok(None));
        assert_eq!(fields.size("size"), Ok(Decimal::from(300)));
        assert_eq!(fields.size("scientific"), Ok(Decimal::new(1, 2)));
        assert_eq!(fields.flag("yes"), Ok(true));
        assert_eq!(fields.flag("nothing"), Ok(false));
        let missing = fields.int("price").expect_err("the end");
        assert_eq!(
            missing.to_string(),
            "message 3: field 12 (price) is missing"
        );
        assert_eq!(missing.req, Some(7));
    }

    #[test]
    fn what_a_field_should_be_is_said_with_its_place() {
        let mut fields = Fields::new(b"1\0x\0\xff\0\x39\x39\x39\0").expect("ended");
        assert_eq!(fields.message(), Ok(1));
        let wrong = fields.int("conId").expect_err("no number");
        let told = "message 1: field 1 (conId) is not a whole number of 32 bits";
        assert_eq!(wrong.to_string(), told);
        assert!(fields.text("symbol").is_err());
        let wrong = fields.count("legs").expect_err("a lie");
        let told = "message 1: field 3 (legs) tells of more entries than there are fields";
        assert_eq!(wrong.to_string(), told);
        assert!(Fields::new(b"1\0x").is_err());
        assert!(Fields::new(b"").is_err());
    }
}
