//! What cannot be: each with a clear message, its remedy and its exit code, and no journal.

use crate::scene::{Scene, Server};
use std::io::Write;
use std::net::TcpListener;

/// Exit code and what was said; nothing may have been journaled.
fn refused(scene: &Scene, mode: &str, args: &[&str]) -> (i32, String) {
    let run = scene.run(mode, args);
    assert!(!scene.journal().exists(), "nothing is journaled");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    (run.status.code().expect("it ends by itself"), said)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

#[test]
fn nothing_that_listens_and_something_else_that_does() {
    let nobody = Scene::new(free_port(), "DU1234567", "");
    let (code, said) = refused(&nobody, "paper", &[]);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("nothing listens") && said.contains("ibkr.port"),
        "{said}"
    );

    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = other.local_addr().expect("its number").port();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = other.accept().expect("a client");
        client.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").ok();
    });
    let (code, said) = refused(&Scene::new(port, "DU1234567", ""), "paper", &[]);
    thread.join().expect("it has answered");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("does not speak the TWS protocol"), "{said}");
}

#[test]
fn the_account_decides_between_paper_and_live_and_must_be_there() {
    let server = Server::start("DU1234567", 0);
    let (code, said) = refused(&Scene::new(server.port, "DU7654321", ""), "paper", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("DU7654321") && said.contains("DU1234567"),
        "{said}"
    );

    let real = Scene::new(server.port, "U1234567", "");
    let (code, said) = refused(&real, "paper", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("real money"), "{said}");
    let (code, said) = refused(&real, "live", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("live_accounts"), "{said}");
    let paper = Scene::new(server.port, "DU1234567", "");
    let (code, said) = refused(&paper, "live", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--mode paper"), "{said}");
}

#[test]
fn real_money_needs_a_second_step() {
    let server = Server::start("U1234567", 0);
    let allowed = "live_accounts = [\"U1234567\"]\n";
    let scene = Scene::new(server.port, "U1234567", allowed);
    let (code, said) = refused(&scene, "live", &["--seconds", "2"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("loss_max"), "the limits are shown: {said}");
    let given = said.split("--code ").nth(1).expect("a code");
    let given = given.split('.').next().expect("a code").to_owned();
    let (code, said) = refused(&scene, "live", &["--seconds", "2", "--code", "00000000"]);
    assert_eq!(code, 2, "{said}");
    let (code, said) = refused(&scene, "live", &["--seconds", "2", "--code", &given]);
    assert_eq!(code, 2, "a wrong code used it up: {said}");
    let (_, said) = refused(&scene, "live", &["--seconds", "2"]);
    let given = said.split("--code ").nth(1).expect("a code");
    let given = given.split('.').next().expect("a code").to_owned();
    // Long enough for its last comparison, on a box that is busy too.
    let run = scene.run("live", &["--seconds", "8", "--code", &given]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
}

#[test]
fn a_contract_that_is_not_what_the_configuration_says() {
    let server = Server::start("DU1234567", 0);
    let coarse = "[instrument.ALDR]\nmultiplier = 100\n";
    let (code, said) = refused(&Scene::new(server.port, "DU1234567", coarse), "paper", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("instrument.ALDR.multiplier"), "{said}");
    let fine = "[instrument.ALDR]\ntick = 0.001\n";
    let (code, said) = refused(&Scene::new(server.port, "DU1234567", fine), "paper", &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("instrument.ALDR.tick"), "{said}");
}

#[test]
fn a_client_id_that_is_in_use() {
    let server = Server::start("DU1234567", 0);
    let scene = Scene::new(server.port, "DU1234567", "");
    let mut first = scene
        .command("observe", &["--seconds", "30"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut looks = 0;
    while !scene.journal().join("edge.log").exists() && looks < 200 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        looks += 1;
    }
    let second = Scene::new(server.port, "DU1234567", "");
    let (code, said) = refused(&second, "observe", &["--seconds", "2"]);
    first.kill().expect("it ran");
    first.wait().expect("it has ended");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("client id 17 is in use"), "{said}");
}
