//! The process from outside: how it starts, what it says when it cannot, how it stops. What clients may rely on within a
//! connection is told elsewhere.

mod common;

use common::Folder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

fn duologue(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
    command.current_dir(&folder.0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = duologue(folder).args(arguments).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

/// A server that serves.
struct Served {
    child: Child,
    ready: Value,
}

impl Served {
    fn start(folder: &Folder) -> Served {
        Served::with(folder, &[])
    }

    /// With settings as `--set` takes them.
    fn with(folder: &Folder, sets: &[&str]) -> Served {
        let mut command = duologue(folder);
        command.args(["serve", "--listen", "127.0.0.1:0", "--ready", "json"]).args(sets.iter().flat_map(|set| ["--set", set]));
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a first line");
        Served { child, ready: serde_json::from_str(&line).expect("JSON on the first line") }
    }

    fn address(&self) -> &str {
        self.ready["http"].as_str().expect("an address")
    }

    fn http(&self, head: &str, body: &str) -> (u16, String) {
        http(self.address(), head, body)
    }

    fn token(&self) -> String {
        let (status, body) = self.http("POST /v1/guests HTTP/1.1\r\nContent-Type: application/json", r#"{"name":"Mia"}"#);
        assert_eq!(status, 201, "{body}");
        let guest: Value = serde_json::from_str(&body).expect("JSON");
        guest["token"].as_str().expect("a token").to_string()
    }

    fn websocket(&self, origin: Option<&str>) -> Result<WebSocket<TcpStream>, u16> {
        let mut request = self.ready["ws"].as_str().expect("an address").into_client_request().expect("a request");
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).expect("a value"));
        }
        let stream = TcpStream::connect(self.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        match client(request, stream) {
            Ok((socket, _)) => Ok(socket),
            Err(error) => match error {
                tokio_tungstenite::tungstenite::HandshakeError::Failure(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                    Err(answer.status().as_u16())
                }
                other => panic!("{other}"),
            },
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it lives");
    }

    fn stop(mut self) -> i32 {
        self.signal(Signal::TERM);
        self.child.wait().expect("an end").code().expect("an exit code")
    }
}

fn http(address: &str, head: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let length = body.len();
    write!(stream, "{head}\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string()).expect("a body"))
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(socket: &mut WebSocket<TcpStream>) -> Value {
    match socket.read().expect("a message") {
        Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
        other => panic!("no text: {other:?}"),
    }
}

#[test]
fn a_configuration_without_sense_is_one_line_and_exit_2() {
    let folder = Folder::new("sense");
    fs::write(folder.0.join("duologue.toml"), "[connections]\ngrace = \"soon\"\n").expect("written");
    let (code, out, err) = ended(&folder, &["serve", "--config", "duologue.toml"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(err, "duologue: connections.grace = \"soon\" (duologue.toml line 2): allowed is a span from 1ms to 3650d, like \"10s\"\n");
    assert_eq!(ended(&folder, &["--set", "no.such=1"]).0, 2);
    assert_eq!(ended(&folder, &["check-config", "--config", "nowhere.toml"]).0, 2);
    assert_eq!(ended(&folder, &["frobnicate"]).0, 2);
    let tls = ["check-config", "--set", "tls.certificate=/nowhere/c.pem", "--set", "tls.key=/nowhere/k.pem"];
    assert_eq!(ended(&folder, &tls).0, 2, "what serve would stumble over");
    assert_eq!(ended(&folder, &["check-config", "--set", "invites.ring=1s"]).0, 0);
}

#[test]
fn what_is_printed_is_a_configuration() {
    let folder = Folder::new("printed");
    let (code, out, _) = ended(&folder, &["print-config", "--set", "invites.ring=1500ms"]);
    assert_eq!(code, 0);
    fs::write(folder.0.join("duologue.toml"), out).expect("written");
    let (code, out, err) = ended(&folder, &["print-config", "--config", "duologue.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("ring = \"1500ms\""));
}

#[test]
fn a_data_folder_in_use_is_exit_3_and_a_port_in_use_names_the_flag() {
    let (folder, other) = (Folder::new("in-use"), Folder::new("in-use-too"));
    let server = Served::start(&folder);
    let (code, _, err) = ended(&folder, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, 3);
    assert!(err.contains("./duologue-data is in use") && err.contains("--data"), "{err}");
    let (code, _, err) = ended(&other, &["serve", "--listen", server.address()]);
    let port = server.address().rsplit(':').next().expect("a port");
    assert_eq!(code, 1);
    assert!(err.contains(port) && err.contains("--listen"), "{err}");
}

#[test]
fn the_first_words_say_loudly_that_people_are_made_up() {
    let folder = Folder::new("company");
    let mut child = duologue(&folder).args(["--listen", "127.0.0.1:0", "--with-people", "3"]).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut first = Vec::new();
    for line in lines {
        let is_last = line.contains("Stop with");
        first.push(line);
        if is_last {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    assert!(first.iter().any(|line| line.trim_start().starts_with("Company 3 people here are made up")), "{first:#?}");

    let (code, _, err) = ended(&folder, &["--with-people", "101"]);
    assert_eq!(code, 2);
    assert!(err.contains("1..=100"), "{err}");
}

#[test]
fn a_page_of_another_origin_is_refused_at_the_upgrade() {
    let folder = Folder::new("origin");
    let server = Served::start(&folder);
    assert_eq!(server.websocket(Some("https://evil.example")).err(), Some(403));
    assert!(server.websocket(Some(&format!("http://{}", server.address()))).is_ok());
    assert!(server.websocket(None).is_ok());
}

#[test]
fn terminated_it_says_going_away_and_keeps_what_it_knows() {
    let folder = Folder::new("terminated");
    let server = Served::start(&folder);
    let token = server.token();
    let mut socket = server.websocket(None).expect("upgraded");
    socket.send(Message::text(format!(r#"{{"t":"hello","token":"{token}"}}"#))).expect("sent");
    assert_eq!(json(&mut socket)["t"], "welcome");
    let (status, body) = server.http("GET /health HTTP/1.1", "");
    let health: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &health["connections"]["live"]), (200, &1.into()));
    let stopping = std::thread::spawn(move || server.stop());
    let last = json(&mut socket);
    assert_eq!((&last["t"], &last["code"], &last["reconnect"]), (&"closing".into(), &"going_away".into(), &true.into()));
    let Message::Close(Some(frame)) = socket.read().expect("a close") else { panic!("a close") };
    assert_eq!(u16::from(frame.code), 4002);
    let _ = socket.flush();
    assert_eq!(stopping.join().expect("stopped"), 0);

    let server = Served::start(&folder);
    let (status, body) = server.http(&format!("GET /v1/me HTTP/1.1\r\nAuthorization: Bearer {token}"), "");
    assert_eq!(status, 200, "{body}");
}

#[test]
fn who_comes_back_while_it_stops_does_not_hold_it_up() {
    let folder = Folder::new("comes-back");
    let server = Served::start(&folder);
    let (address, token) = (server.address().to_string(), server.token());
    let mut socket = server.websocket(None).expect("upgraded");
    socket.send(Message::text(format!(r#"{{"t":"hello","token":"{token}"}}"#))).expect("sent");
    assert_eq!(json(&mut socket)["t"], "welcome");
    let stopping = std::thread::spawn(move || server.stop());
    // The close is not answered yet, so the process is there, and the realm is not.
    assert_eq!(json(&mut socket)["code"], "going_away");
    while http(&address, "GET /health HTTP/1.1", "").0 == 200 {}
    let mut late = TcpStream::connect(&address).expect("a connection");
    write!(
        late,
        "GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .expect("sent");
    let mut head = String::new();
    BufReader::new(&late).read_line(&mut head).expect("an answer");
    assert!(head.starts_with("HTTP/1.1 101 "), "it is one more socket: {head}");
    let _ = (socket.read(), socket.flush());
    assert_eq!(stopping.join().expect("stopped"), 0);
}

/// A laptop that was closed, a machine that was moved: nobody is dead who was not asked.
#[test]
fn con_6_stopped_for_longer_than_the_dead_time_it_asks_before_it_closes() {
    let folder = Folder::new("stalled");
    let server = Served::with(&folder, &["connections.ping=1s", "connections.dead=2s"]);
    let token = server.token();
    let mut socket = server.websocket(None).expect("upgraded");
    socket.send(Message::text(format!(r#"{{"t":"hello","token":"{token}"}}"#))).expect("sent");
    assert_eq!(json(&mut socket)["t"], "welcome");
    server.signal(Signal::STOP);
    // That it does not run for so long is what is tried.
    std::thread::sleep(Duration::from_millis(3_500));
    server.signal(Signal::CONT);
    let Message::Ping(_) = socket.read().expect("it is not closed") else { panic!("a ping") };
    socket.flush().expect("the pong");
    socket.send(Message::text(r#"{"t":"ping"}"#)).expect("sent");
    assert_eq!(json(&mut socket)["t"], "pong");
}

#[test]
fn errors_are_problems_with_a_code() {
    let folder = Folder::new("problems");
    let server = Served::start(&folder);
    let token = server.token();
    let guests = "POST /v1/guests HTTP/1.1\r\nContent-Type: application/json";
    let me = format!("PATCH /v1/me HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}");
    for (head, body, status, code) in [
        ("GET /v1/me HTTP/1.1", "", 401, "bad_token"),
        ("GET /nowhere HTTP/1.1", "", 404, "unknown_path"),
        ("PUT /v1/me HTTP/1.1", "", 405, "method_not_allowed"),
        ("POST /v1/guests HTTP/1.1", "{}", 415, "unsupported_media_type"),
        (guests, "{", 400, "bad_message"),
        (guests, "{}", 422, "bad_message"),
        (guests, r#"{"name":5}"#, 422, "bad_message"),
        (guests, &format!(r#"{{"name":"{}"}}"#, "x".repeat(1_000_000)), 413, "too_large"),
        (&me, r#"{"name":""}"#, 422, "bad_message"),
        (&me, "nonsense", 400, "bad_message"),
        (&format!("DELETE /v1/me HTTP/1.1\r\nAuthorization: Bearer {token}"), "", 404, "unknown_path"),
        (&format!("GET /v1/history?limit=0 HTTP/1.1\r\nAuthorization: Bearer {token}"), "", 422, "bad_message"),
    ] {
        let (got, text) = server.http(head, body);
        let problem: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{head}: {text}"));
        assert_eq!((got, problem["code"].as_str(), problem["status"].as_u64()), (status, Some(code), Some(status.into())), "{head}");
    }
}
