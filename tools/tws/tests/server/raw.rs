//! A client that says exactly what it is told to.

use crate::paper::Paper;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long anything may take before the test is given up.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub struct Raw {
    stream: TcpStream,
    /// The server's answer to the greeting, zero bytes as `|`.
    pub greeting: String,
}

impl Raw {
    /// A connection, with nothing said.
    pub fn connect(paper: &Paper) -> Self {
        let stream = TcpStream::connect(paper.address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        stream.set_nodelay(true).expect("set");
        let greeting = String::new();
        Self { stream, greeting }
    }

    /// A text client that has begun its session.
    pub fn text(paper: &Paper, offer: &str, id: i32) -> Self {
        let mut client = Self::connect(paper);
        client.send(b"API\0");
        client.send(&(offer.len() as u32).to_be_bytes());
        client.send(offer.as_bytes());
        client.greeting = client.line();
        client.say(&format!("71|2|{id}||"));
        client
    }

    /// Bytes as they are. A server that has closed already is not this call's business.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// A message in text, `|` for zero bytes.
    pub fn say(&mut self, fields: &str) {
        assert!(self.try_say(fields), "the server has closed");
    }

    /// The same; false once the server takes no more.
    pub fn try_say(&mut self, fields: &str) -> bool {
        let length = (fields.len() as u32).to_be_bytes();
        let message = [&length[..], fields.replace('|', "\0").as_bytes()].concat();
        self.stream.write_all(&message).is_ok()
    }

    /// The body of the next frame.
    pub fn frame(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).expect("a length");
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut body).expect("a body");
        body
    }

    /// The next message in text, zero bytes as `|`.
    pub fn line(&mut self) -> String {
        let body = String::from_utf8(self.frame()).expect("text");
        body.replace('\0', "|")
    }

    /// Reads until that message.
    pub fn until(&mut self, line: &str) {
        while self.line() != line {}
    }

    /// Reads past messages.
    pub fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.frame();
        }
    }

    /// Reads until the server has closed.
    pub fn ended(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}
