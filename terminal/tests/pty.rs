//! The program as people have it: under a terminal of its own, against the real server, with somebody else as a plain client. The
//! screen is what a terminal would show (vt100), and everything is waited for on it.

use duologue_tests::{Carrier, Client, PATIENCE, Server, Way, within};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const ROWS: u16 = 20;
const COLUMNS: u16 = 96;

struct Terminal {
    child: Child,
    keys: File,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    /// Starts the program on a new terminal, which is its controlling one, as after a login.
    fn start(arguments: &[&str]) -> Terminal {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("it may be used");
        tcsetwinsize(&ours, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).expect("a size");
        let path = ptsname(&ours, Vec::new()).expect("a name").into_string().expect("text");
        let theirs = || Stdio::from(OpenOptions::new().read(true).write(true).open(&path).expect("its other end"));
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", env!("CARGO_BIN_EXE_duologue-terminal")])
            .args(arguments)
            .env("TERM", "xterm-256color")
            .stdin(theirs())
            .stdout(theirs())
            .stderr(theirs())
            .spawn()
            .expect("it starts");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(ROWS), size(COLUMNS), 0)));
        let (mut shown, written) = (File::from(ours.try_clone().expect("a copy")), screen.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of the program is an error here (EIO).
            while let Ok(length @ 1..) = shown.read(&mut buffer) {
                written.lock().expect("a lock").process(&buffer[..length]);
            }
        });
        Terminal { child, keys: File::from(ours), screen }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("a lock").screen().contents().replace('\u{a0}', " ")
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes it");
    }

    /// Waits until the screen shows all of this.
    async fn shows(&self, parts: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let text = self.text();
            if parts.iter().all(|part| text.contains(part)) {
                if std::env::var_os("DUOLOGUE_SCREENS").is_some() {
                    eprintln!("── {parts:?}\n{text}");
                }
                return text;
            }
            assert!(Instant::now() < end, "not within {PATIENCE:?}: {parts:?} in\n{text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the program has ended; its exit code.
    async fn ends(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const LEFT: &str = "\x1b[D";
const ESCAPE: &str = "\x1b";
const ENTER: &str = "\r";
const HANG_UP: &str = "\x18";
const MORE: &str = "\x05";

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("some")
}

fn door(server: &Server) -> String {
    format!("http://{}", server.at)
}

/// Who has this name, as somebody's window shows them.
async fn seen(client: &mut Client, name: &str) -> String {
    client.ok("window", json!({ "size": 20 })).await;
    let window = client.hears("window").await;
    let places = window["places"].as_array().expect("places");
    let card = places.iter().map(|place| &place[1]).find(|card| card["name"] == name).unwrap_or_else(|| panic!("{name} in {window}"));
    card["user"].as_str().expect("an id").into()
}

#[tokio::test]
async fn one_rings_from_a_terminal_talks_and_hangs_up() {
    let server = Server::start().await;
    let mut ann = Terminal::start(&["--server", &door(&server), "--name", "Ann", "--minutes", "3"]);
    ann.shows(&["Ann", "connected over WebSocket", "1 free in the lobby", "Nothing rings.", "Enter ring", "m meet somebody"]).await;
    let mut bob = server.in_lobby_over(Carrier::Quic, "Bob").await;
    ann.shows(&["▸ 1 Bob", "2 free in the lobby"]).await;

    // Two minutes, rung, taken back: a ring that is taken back cools an hour, so that another one is needed.
    let mut cid = server.in_lobby("Cid").await;
    ann.shows(&["  2 Cid"]).await;
    ann.press(DOWN);
    ann.shows(&["▸ 2 Cid"]).await;
    ann.press(LEFT);
    ann.shows(&["calls of 2 min"]).await;
    ann.press(ENTER);
    assert_eq!(cid.hears("rang").await["seconds"], 120);
    ann.shows(&["It rings at Cid: 2 min, 0:", "Esc take the ring back"]).await;
    ann.press(ESCAPE);
    assert_eq!(cid.hears("invite_ended").await["why"], "rescinded");
    ann.shows(&["Nothing rings.", "▸ 2 Cid  again in "]).await;

    ann.press(UP);
    ann.shows(&["▸ 1 Bob"]).await;
    ann.press(ENTER);
    let invite = bob.hears("rang").await["invite"].clone();
    let call = bob.ok("accept", json!({ "invite": invite, "seconds": 120 })).await["call"].clone();
    ann.shows(&["Bob · 1:", "With Bob", "You say", "Ctrl+X hang up"]).await;

    bob.ok("chat", json!({ "call": call, "text": "hello \u{1b}[31mAnn" })).await;
    ann.shows(&["0:0", "Bob: hello "]).await;
    // A letter of the lobby is a letter here.
    ann.press("quite well, Bob");
    ann.shows(&["│quite well, Bob"]).await;
    ann.press(ENTER);
    assert_eq!(bob.hears("chat").await["text"], "quite well, Bob");
    ann.shows(&["You: quite well, Bob"]).await;

    bob.ok("extend_call", json!({ "call": call, "seconds": 120 })).await;
    ann.shows(&["Bob would like 2 min more: Ctrl+E agrees"]).await;
    ann.press(MORE);
    bob.hears("call_extended").await;
    ann.shows(&["Bob · 3:"]).await;

    ann.press(HANG_UP);
    assert_eq!(bob.hears("call_ended").await["why"], "hang_up");
    ann.shows(&["The call is over after", "hung up", "Bob  again in 2"]).await;

    ann.press("q");
    assert_eq!(within("the end", ann.ends()).await, Some(0));
    assert!(ann.text().contains("Until next time."), "{}", ann.text());
    drop(cid);
}

/// Beside `serve --https`: its certificate is believed from the file; whoever does not believe it, or names no certificate, is told why.
#[tokio::test]
async fn a_server_that_made_its_certificate_itself_is_believed_by_its_file() {
    let server = Server::https().await;
    let (url, file) = (format!("https://{}", server.at), server.folder.path().join("development-certificate.pem"));
    let mut stranger = Terminal::start(&["--server", &url, "--name", "Eve"]);
    stranger.shows(&["the server is not believed: invalid peer certificate"]).await;
    assert_eq!(within("the end", stranger.ends()).await, Some(1));
    let file = file.display().to_string();
    let ann = Terminal::start(&["--server", &url, "--name", "Ann", "--trust", &file]);
    let bob = Terminal::start(&["--server", &url, "--name", "Bob", "--trust", &file]);
    ann.shows(&["connected over WebSocket and TLS", "Bob"]).await;
    bob.shows(&["connected over WebSocket and TLS", "Ann"]).await;
    let database = server.folder.path().join("duologue.db").display().to_string();
    for (wrong, why) in [("/nowhere.pem", ""), (&*database, ": no certificate")] {
        let mut lost = Terminal::start(&["--server", &url, "--trust", wrong]);
        lost.shows(&[&format!("--trust {wrong}{why}")]).await;
        assert_eq!(within("the end", lost.ends()).await, Some(1));
    }
}

#[tokio::test]
async fn one_is_rung_at_a_terminal_over_quic() {
    let server = Server::start().await;
    let mut ann = Terminal::start(&["--server", &door(&server), "--name", "Ann", "--carrier", "quic"]);
    ann.shows(&["connected over QUIC", "1 free in the lobby"]).await;
    let mut bob = server.in_lobby("Bob").await;
    let mut cid = server.in_lobby("Cid").await;
    let user = seen(&mut bob, "Ann").await;
    cid.ok("invite", json!({ "to": user, "seconds": 60 })).await;
    ann.shows(&["Cid rings: 1 min, 0:", "a yes to Cid", "d no"]).await;
    ann.press("d");
    assert_eq!(cid.hears("invite_ended").await["why"], "declined");
    ann.shows(&["Nothing rings."]).await;
    bob.ok("invite", json!({ "to": user, "seconds": 300 })).await;
    ann.shows(&["Bob rings: 5 min, 0:"]).await;
    ann.press("a");
    bob.hears("call_started").await;
    ann.shows(&["Bob · 4:", "With Bob"]).await;
    // Leaving altogether ends what the person has, and puts the terminal back as it was.
    ann.press("\x03");
    assert_eq!(within("the end", ann.ends()).await, Some(0));
}

#[tokio::test]
async fn two_terminals_meet_whoever_comes() {
    let server = Server::start().await;
    let mut ann = Terminal::start(&["--server", &door(&server), "--name", "Ann"]);
    let mut bob = Terminal::start(&["--server", &door(&server), "--name", "Bob", "--carrier", "quic"]);
    ann.shows(&["2 free in the lobby"]).await;
    bob.shows(&["2 free in the lobby"]).await;
    ann.press("m");
    ann.shows(&["Somebody is looked for, since", "m wait no more"]).await;
    bob.press("m");
    ann.shows(&["With Bob"]).await;
    bob.shows(&["With Ann"]).await;
    bob.press("hello from QUIC\r");
    ann.shows(&["Bob: hello from QUIC"]).await;
}

#[tokio::test]
async fn con_4_a_lost_connection_is_said_in_words_and_the_call_goes_on() {
    // However long it takes here, it is within the grace.
    let server = Server::with(&["connections.grace=60s"]).await;
    let mut way = Way::tcp(server.at).await;
    let mut ann = Terminal::start(&["--server", &format!("http://{}", way.at), "--name", "Ann"]);
    ann.shows(&["connected over WebSocket", "1 free in the lobby"]).await;
    way.cut().await;
    ann.shows(&["the connection is lost; tried again in", "The connection is lost. For a while"]).await;
    way.mend().await;
    ann.shows(&["connected over WebSocket", "Connected again; nothing was missed."]).await;

    let mut bob = server.in_lobby("Bob").await;
    ann.shows(&["▸ 1 Bob"]).await;
    ann.press(ENTER);
    let invite = bob.hears("rang").await["invite"].clone();
    bob.ok("accept", json!({ "invite": invite, "seconds": 300 })).await;
    ann.shows(&["With Bob"]).await;
    way.cut().await;
    ann.shows(&["the connection is lost; tried again in", "With Bob"]).await;
    // What is said now waits for the way.
    ann.press("are you there?\r");
    ann.shows(&["… You: are you there?"]).await;
    way.mend().await;
    assert_eq!(bob.hears("chat").await["text"], "are you there?");
    ann.shows(&["connected over WebSocket", "With Bob", "0:", "You: are you there?"]).await;
    assert!(!ann.text().contains("… You"), "{}", ann.text());
}

#[tokio::test]
async fn a_call_over_quic_outlives_its_server() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let server = Server::with(&[&format!("quic.listen=127.0.0.1:{port}")]).await;
    let mut ann = Terminal::start(&["--server", &door(&server), "--name", "Ann", "--carrier", "quic"]);
    ann.shows(&["connected over QUIC", "1 free in the lobby"]).await;
    let mut bob = server.in_lobby("Bob").await;
    ann.shows(&["▸ 1 Bob"]).await;
    ann.press(ENTER);
    let invite = bob.hears("rang").await["invite"].clone();
    bob.ok("accept", json!({ "invite": invite, "seconds": 300 })).await;
    ann.shows(&["With Bob"]).await;
    let killed = server.kill().await;
    ann.press("are you there?\r");
    ann.shows(&["… You: are you there?"]).await;
    let _server = killed.restart().await;
    ann.shows(&["connected over QUIC", "With Bob", "0:0", "You: are you there?"]).await;
}

#[test]
fn without_a_terminal_it_says_so_and_help_teaches() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_duologue-terminal")).args(arguments).stdin(Stdio::null()).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(1));
    assert!(said.contains("it wants a terminal"), "{said}");
    let (code, said) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for part in ["--carrier", "meet somebody", "Ctrl+X", "Examples:", "ten seconds"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
