//! A server that says what it is told to: for real clients to decode.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use tws::codec::Codec;
use tws::wire::Inbox;
use tws::{Answer, Request};

/// A server for one client.
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it heard, behind the begin of the session.
    pub heard: Receiver<Request>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Opens one that answers by a function.
    pub fn open(answer: impl Fn(&Request) -> Vec<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("bound");
        let (told, heard) = channel();
        let thread = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("accepts");
            serve(stream, &told, answer);
        });
        Self {
            address,
            heard,
            thread: Some(thread),
        }
    }

    /// Waits until the client has gone.
    pub fn end(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("served well");
        }
    }
}

fn serve(mut stream: TcpStream, told: &Sender<Request>, answer: impl Fn(&Request) -> Vec<Answer>) {
    let (mut inbox, mut codec, mut bytes) = (Inbox::new(), None, [0; 4096]);
    loop {
        match stream.read(&mut bytes) {
            Ok(length) if length > 0 => inbox.extend(&bytes[..length]),
            // The client has gone.
            _ => return,
        }
        let mut out = Vec::new();
        if codec.is_none() {
            let Some(offer) = inbox.greeting().expect("a client") else {
                continue;
            };
            let version = offer.version().expect("known");
            let body = format!("{version}\x0020261120 09:30:00 US/Eastern\0");
            out.extend((body.len() as u32).to_be_bytes());
            out.extend(body.as_bytes());
            codec = Some(Codec::new(version));
        }
        let codec = codec.expect("just set");
        while let Some(body) = inbox.frame(codec.frame_min()).expect("framed") {
            let request = codec.decode(body).expect("readable");
            let begins = matches!(request, Request::StartApi { .. });
            let answers = if begins {
                vec![
                    Answer::ManagedAccounts("DU1234567".to_owned()),
                    Answer::NextValidId(11),
                ]
            } else {
                answer(&request)
            };
            for answer in answers {
                assert!(codec.encode(&answer, &mut out), "short");
            }
            if !begins {
                // Nobody need listen.
                let _ = told.send(request);
            }
        }
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}
