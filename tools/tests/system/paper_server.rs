//! The paper server's two streams: where it listens is data, what becomes of connections is a log.

use crate::spindle;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

/// Ends the server with the test, also where that fails.
struct Server(std::process::Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_reader_of_the_first_line_may_leave_and_then_the_logs_reader() {
    let mut server = Server(
        spindle()
            .args(["tws-sim", "--account", "DU1234567", "--port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts"),
    );
    let mut out = BufReader::new(server.0.stdout.take().expect("its output"));
    let mut first = String::new();
    out.read_line(&mut first).expect("a line");
    let address = first
        .split(" on ")
        .nth(1)
        .and_then(|at| at.split(';').next());
    let address = address.unwrap_or_else(|| panic!("{first} names no address"));
    drop(out);
    // What it hears is no greeting: it hangs up, which is told before the next one is heard.
    let rubbish = || {
        let mut socket = TcpStream::connect(address).expect("it listens");
        socket
            .write_all(b"GET / HTTP/1.1\r\n\r\n")
            .expect("it reads");
        let mut rest = Vec::new();
        // How it hangs up does not matter here.
        let _ = socket.read_to_end(&mut rest);
    };
    rubbish();
    let mut log = BufReader::new(server.0.stderr.take().expect("its log"));
    let mut told = String::new();
    log.read_line(&mut told).expect("a line");
    assert!(told.starts_with("tws-sim: connection "), "{told}");
    drop(log);
    rubbish();
    rubbish();
    kill_process(Pid::from_child(&server.0), Signal::INT).expect("it is ours");
    let ended = server.0.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
}
