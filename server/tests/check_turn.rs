//! `duologue check-turn` against a real TURN server (Debian's package `coturn`), as it should be and with everything that goes wrong
//! with one. All on this machine's loopback network.

mod common;

use common::Folder;
use duologue_core::kit::time::{Millis, Span};
use duologue_server::check_turn;
use duologue_server::clock;
use duologue_server::ice::Configured;
use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long coturn may take to answer; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "north of everything";

/// coturn, until the test ends.
struct Coturn {
    child: Child,
    folder: Folder,
    port: u16,
}

impl Coturn {
    /// With the secret, and these options.
    fn start(name: &str, options: &[&str]) -> Coturn {
        Coturn::with(
            Folder::new(&format!("turn-{name}")),
            &[&["--use-auth-secret", &format!("--static-auth-secret={SECRET}"), "--allow-loopback-peers"], options].concat(),
        )
    }

    #[expect(clippy::disallowed_methods, reason = "a wait that ends")]
    fn with(folder: Folder, options: &[&str]) -> Coturn {
        let port = free_port();
        let child = Command::new("turnserver")
            .current_dir(&folder.0)
            .args(["--realm=duologue", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-cli", "--no-dtls"])
            .args([format!("--listening-port={port}"), format!("--tls-listening-port={}", free_port())])
            .args(["--log-file=log", "--simple-log", "--pidfile=pid", "--userdb=db"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("turnserver starts (Debian's package coturn)");
        let mut turn = Coturn { child, folder, port };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() || !is_answered(port) {
            assert!(Instant::now() < end, "coturn does not answer: {}", turn.log());
            assert_eq!(turn.child.try_wait().expect("a child"), None, "it ended: {}", turn.log());
            sleep(Duration::from_millis(20));
        }
        turn
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }

    fn url(&self, carrier: &str) -> String {
        format!("turn:127.0.0.1:{}?transport={carrier}", self.port)
    }

    /// Both that browsers use without TLS.
    fn urls(&self) -> Vec<String> {
        ["udp", "tcp"].map(|carrier| self.url(carrier)).into()
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether somebody answers a STUN Binding request over UDP: its listener comes after that of TCP.
fn is_answered(port: u16) -> bool {
    let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    socket.send_to(&request, ("127.0.0.1", port)).is_ok() && socket.recv_from(&mut [0; 512]).is_ok()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// The command, and the lines that it writes.
fn checked(turn: &[String], secret: &str, others: &[&str]) -> (i32, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
    command.arg("check-turn").args(others);
    command.args(["--set", &format!("turn.urls={turn:?}"), "--set", &format!("turn.secret={secret}")]);
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let lines = String::from_utf8(stdout).expect("text").lines().map(String::from).collect();
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (status.code().expect("an exit code"), lines)
}

/// Every address is refused, with this.
fn all_fail(turn: &Coturn, secret: &str, with: &str) {
    let urls = turn.urls();
    let (code, lines) = checked(&urls, secret, &[]);
    assert_eq!((code, lines.len()), (1, urls.len()), "{lines:?}");
    for (line, url) in lines.iter().zip(&urls) {
        assert!(line.starts_with(&format!("FAILED  {url}: ")), "{line}");
        assert!(line.contains(with), "{with:?} is not in {line}\n{}", turn.log());
    }
}

#[test]
fn sig_6_data_pass_both_ways_over_udp_and_tcp_and_stun_says_where_one_is() {
    let turn = Coturn::start("good", &["--no-tls"]);
    let stun = format!("stun:127.0.0.1:{}", turn.port);
    let (code, lines) = checked(&turn.urls(), SECRET, &["--set", &format!("stun.urls=[{stun:?}]")]);
    assert_eq!((code, lines.len()), (0, 3), "{lines:?}\n{}", turn.log());
    assert!(lines[0].starts_with(&format!("ok      {stun}: it sees this machine at 127.0.0.1:")), "{lines:?}");
    for (line, url) in lines[1..].iter().zip(turn.urls()) {
        let begins = format!("ok      {url}: data pass both ways between its relays 127.0.0.1:");
        assert!(line.starts_with(&begins) && line.contains("round trip ") && line.ends_with(" ms"), "{line}");
    }
}

#[test]
fn sig_6_data_pass_over_tls_if_the_certificate_is_believed() {
    let folder = Folder::new("tls");
    let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate");
    let (certificate, key) = (folder.0.join("certificate.pem"), folder.0.join("key.pem"));
    fs::write(&certificate, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let (certificate, key) = (certificate.to_str().expect("text").to_string(), key.to_str().expect("text").to_string());
    let secret = format!("--static-auth-secret={SECRET}");
    let [tls, pem] = [format!("--cert={certificate}"), format!("--pkey={key}")];
    let turn = Coturn::with(folder, &["--use-auth-secret", &secret, "--allow-loopback-peers", &tls, &pem]);
    // The port for plain TCP takes TLS as well.
    let url = [format!("turns:localhost:{}?transport=tcp", turn.port)];
    let stun = format!("stun.urls=[\"stuns:localhost:{}\"]", turn.port);
    let (code, lines) = checked(&url, SECRET, &["--trust", &certificate, "--set", &stun]);
    assert_eq!((code, lines.len()), (0, 2), "{lines:?}\n{}", turn.log());
    assert!(lines[0].contains("it sees this machine at 127.0.0.1:"), "{lines:?}");
    assert!(lines[1].contains("data pass both ways between its relays"), "{lines:?}");
    let (code, lines) = checked(&url, SECRET, &[]);
    assert_eq!(code, 1);
    assert!(lines[0].contains("no TLS came of it") && lines[0].contains("UnknownIssuer"), "{lines:?}");
    let other = [format!("turns:127.0.0.1:{}?transport=tcp", turn.port)];
    let (_, lines) = checked(&other, SECRET, &["--trust", &certificate]);
    assert!(lines[0].contains("no TLS came of it") && lines[0].contains("not valid for name"), "{lines:?}");
}

#[test]
fn sig_6_a_wrong_secret_is_told_from_a_clock_that_is_ahead() {
    let turn = Coturn::start("secret", &["--no-tls"]);
    all_fail(&turn, "south", "it refused the credential (401). Is `static-auth-secret` the same as `turn.secret`");
    // For the server credentials of an hour ago are over.
    let servers = Configured { stun: Vec::new(), turn: turn.urls(), secret: SECRET.into() };
    let mut out = Vec::new();
    let roots = check_turn::roots(None).expect("roots");
    let behind = Millis(clock::wall().0 - Span::hours(1).0);
    assert!(!check_turn::check(&servers, &roots, behind, &mut out).expect("written"));
    let said = String::from_utf8(out).expect("text");
    assert_eq!(said.matches("its clock is ahead of this machine's").count(), 2, "{said}");
}

#[test]
fn sig_6_a_server_that_denies_its_own_relays_is_told_from_one_that_has_none() {
    let denies = Coturn::start("denies", &["--no-tls", "--denied-peer-ip=127.0.0.0-127.255.255.255"]);
    all_fail(&denies, SECRET, "its relays may not send to 127.0.0.1 (403)");
    let secret = format!("--static-auth-secret={SECRET}");
    let loopback = Coturn::with(Folder::new("loopback"), &["--use-auth-secret", &secret, "--no-tls"]);
    all_fail(&loopback, SECRET, "its relays may not send to 127.0.0.1 (403)");
    let no_udp = Coturn::start("no-udp", &["--no-tls", "--no-udp-relay"]);
    all_fail(&no_udp, SECRET, "it relays no UDP (442");
    let port = free_port();
    let few = Coturn::start("few", &["--no-tls", &format!("--min-port={port}"), &format!("--max-port={port}")]);
    all_fail(&few, SECRET, "it has no relay to give (508");
}

#[test]
fn sig_6_relays_that_lose_everything_are_found_by_sending() {
    // What is asked of the server is small and passes, a datagram as media have it does not.
    let turn = Coturn::start("lost", &["--no-tls", "--max-bps=1000"]);
    let (code, lines) = checked(&[turn.url("udp")], SECRET, &[]);
    assert_eq!(code, 1, "{lines:?}");
    assert!(lines[0].contains("nothing of what goes from one to the other arrives"), "{lines:?}\n{}", turn.log());
}

#[test]
fn sig_6_a_server_that_asks_for_no_credential_is_a_relay_for_everybody() {
    let turn = Coturn::with(Folder::new("open"), &["--no-auth", "--no-tls", "--allow-loopback-peers"]);
    all_fail(&turn, SECRET, "it asks for no credential");
}

#[test]
fn sig_6_where_nobody_listens_or_answers_it_is_said() {
    let closed = free_port();
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mute = silent.local_addr().expect("an address").port();
    let urls = [format!("turn:127.0.0.1:{closed}?transport=tcp"), format!("turn:127.0.0.1:{closed}"), "turn:a?b".into()];
    let (code, lines) = checked(&urls, SECRET, &["--set", &format!("stun.urls=[\"stun:127.0.0.1:{mute}\"]")]);
    assert_eq!((code, lines.len()), (1, 4), "{lines:?}");
    assert!(lines[0].contains("it said nothing for 5 s"), "{lines:?}");
    for line in &lines[1..3] {
        assert!(line.contains("it cannot be reached: Connection refused"), "{line}");
    }
    assert!(lines[3].contains("no address of a STUN or TURN server"), "{lines:?}");
    // Somebody else, who answers everything with the same.
    let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let at = other.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut datagram = [0; 2048];
        while let Ok((_, from)) = other.recv_from(&mut datagram) {
            let _ = other.send_to(b"who is there?", from);
        }
    });
    let (code, lines) = checked(&[format!("turn:{at}")], SECRET, &[]);
    assert_eq!(code, 1);
    assert!(lines[0].contains("it answers, but not as a TURN server does"), "{lines:?}");
}

#[test]
fn sig_6_a_file_to_trust_without_certificates_is_refused_at_once() {
    let folder = Folder::new("trust");
    let path = folder.0.join("nothing.pem");
    fs::write(&path, "nothing").expect("written");
    for path in [&path, Path::new("not there")] {
        let refused = check_turn::roots(Some(path)).expect_err("no certificate");
        assert!(refused.starts_with(&format!("--trust {}: ", path.display())), "{refused}");
    }
}
