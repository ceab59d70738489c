//! What is wrong with a message whose frame is whole. The next one can be read all the same.

use std::fmt;

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Number of the message, if that much could be read.
    pub message: Option<i32>,
    /// The client's number of the request or order, if that much could be read.
    pub req: Option<i32>,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It is longer than any request: its bytes, and how many are read.
    Length(usize, usize),
    /// The text does not end with a zero byte.
    Unterminated,
    /// A field is not there: its place, from 0, and its name.
    Missing(usize, &'static str),
    /// A field is not what it should be: its place, its name, and what it should be.
    Field(usize, &'static str, &'static str),
    /// A list is longer than the message could hold.
    List(usize, &'static str),
    /// The bytes are not this message in protobuf.
    Proto(String),
    /// A field of a protobuf message is not what it should be.
    ProtoField(&'static str, &'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message {
            Some(number) => write!(f, "message {number}: ")?,
            None => f.write_str("a message without a number: ")?,
        }
        match &self.what {
            What::Length(length, most) => {
                write!(f, "it is {length} bytes long; at most {most} are read")
            }
            What::Unterminated => f.write_str("its last field does not end with a zero byte"),
            What::Missing(place, name) => write!(f, "field {place} ({name}) is missing"),
            What::Field(place, name, kind) => write!(f, "field {place} ({name}) is not {kind}"),
            What::List(place, name) => {
                write!(
                    f,
                    "field {place} ({name}) tells of more entries than there are fields"
                )
            }
            What::Proto(text) => write!(f, "not this message in protobuf: {text}"),
            What::ProtoField(name, kind) => write!(f, "{name} is not {kind}"),
        }
    }
}

impl std::error::Error for Malformed {}
