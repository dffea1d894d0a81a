//! `examples/axum.rs` as a process: an application with a page and a login of its own, in which two people meet by the Rust client.

use axum::Router;
use axum::routing::get;
use duologue_client::wire::Event as Happened;
use duologue_client::wire::Why;
use duologue_client::{Client, Event};
use duologue_server::config::{Settings, Sources};
use duologue_server::embed::Duologue;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpListener;

/// How long anything may take that comes at once; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

// The tests of another package, which this one must not depend on, have the same need.
include!("../../tests/src/example.rs");

/// The application, which ends with the test, and its folder with it.
struct Application {
    child: Child,
    at: String,
    data: PathBuf,
}

/// Asks a server; the status, and the body.
fn ask(at: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\ncontent-type: application/json\r\n");
    write!(stream, "{head}content-length: {length}\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.into())
}

impl Application {
    fn start() -> Application {
        let data = std::env::temp_dir().join(format!("duologue-axum-{}", std::process::id()));
        let _ = fs::remove_dir_all(&data);
        let mut command = Command::new(example("axum"));
        let mut child = command.arg("127.0.0.1:0").arg(&data).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("text");
        let at = first.trim().strip_prefix("listening on ").expect("it says where it is").into();
        Application { child, at, data }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        ask(&self.at, method, path, body)
    }

    /// Signs in with the application, connects with the token that it gives, and joins.
    async fn enters(&self, user: &str, password: &str) -> (Client, Value) {
        let (status, body) = self.ask("POST", "/login", &format!("user={user}&password={password}"));
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).expect("JSON");
        let connected = Client::connect(&format!("ws://{}/v1/ws", self.at), told["token"].as_str().expect("a token")).await;
        let client = connected.expect("welcomed");
        client.join().await.expect("joined");
        (client, told["user"].clone())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// Reads on until this has happened.
async fn happens<T>(client: &mut Client, what: &str, mut is_it: impl FnMut(Event) -> Option<T>) -> T {
    let reading = async {
        loop {
            if let Some(found) = is_it(client.next().await.unwrap_or_else(|| panic!("the end before {what}"))) {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}

/// The heart of the example stands in the README, to the letter.
#[test]
fn what_the_readme_shows_is_what_runs() {
    let example = include_str!("../examples/axum.rs");
    let (_, code) = example.split_once("    let sets = ").expect("the heart");
    let (code, _) = code.split_once("\n\n    let listener").expect("its end");
    let code: Vec<&str> = code.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    let shown = format!("```rust\nlet sets = {}\n```", code.join("\n"));
    assert!(include_str!("../../README.md").contains(&shown), "the README shows something else than\n{shown}");
}

/// INV 1, CALL 4, 6: people of another server's accounts see, ring, answer, write and hang up; that server's own routes answer all
/// the while, and what it did not mount is not there.
#[tokio::test]
async fn two_accounts_of_another_server_meet_and_its_own_routes_answer() {
    let application = Application::start();
    assert_eq!(application.ask("POST", "/login", "user=ann&password=wrong").0, 403, "the application decides who comes in");
    let (mut ann, her_id) = application.enters("ann", "north").await;
    let (mut bob, his_id) = application.enters("bob", "south").await;
    ann.watch(20).await.expect("a window");
    happens(&mut ann, "Bob in the window", |event| matches!(event, Event::Window(_)).then_some(())).await;
    let seen = loop {
        if let Some(card) = ann.free().await.first() {
            break card.clone();
        }
        happens(&mut ann, "Bob in the window", |event| matches!(event, Event::Window(_)).then_some(())).await;
    };
    assert_eq!((seen.name.as_str(), Value::from(seen.user.to_string())), ("bob", his_id), "the login named him");
    assert_eq!(application.ask("GET", "/hello", ""), (200, "hello from the application".into()));

    ann.invite(seen.user, 300).await.expect("it rings");
    let invite = happens(&mut bob, "a ring", |event| match event {
        Event::Happened(Happened::Rang { invite, from, .. }) if from.name == "ann" => Some(invite),
        _ => None,
    })
    .await;
    let call = bob.accept(invite, 120).await.expect("accepted");
    let seconds = happens(&mut ann, "a call", |event| match event {
        Event::Happened(Happened::CallStarted(started)) => Some(started.seconds),
        _ => None,
    })
    .await;
    assert_eq!(seconds, 210, "half of what both wished");
    bob.chat(call, "hello ann").await.expect("said");
    let heard = |event| if let Event::Happened(Happened::Chat { text, .. }) = event { Some(text) } else { None };
    assert_eq!(happens(&mut ann, "a line", heard).await, "hello ann");
    ann.hang_up(call).await.expect("over");
    let why = happens(&mut bob, "the end", |event| match event {
        Event::Happened(Happened::CallEnded(ended)) => Some(ended.why),
        _ => None,
    })
    .await;
    assert_eq!(why, Why::HangUp);

    assert_eq!(application.ask("GET", "/hello", "").0, 200);
    let (_, body) = application.ask("POST", "/login", "user=ann&password=north");
    assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON")["user"], her_id, "an account is one person, however often it signs in");
    assert_eq!(application.ask("POST", "/v1/guests", "{}").0, 404, "nobody makes themself a guest here");
}

/// The whole protocol in another router: its paths answer as the server's own do, the rest is the host's. Stopped, it is over for
/// everybody, and its folder is free. A host that does not say where requests come from is told so, for limits count by address.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_protocol_is_merged_into_another_router() {
    let data = std::env::temp_dir().join(format!("duologue-merged-{}", std::process::id()));
    let _ = fs::remove_dir_all(&data);
    let sets = vec![format!("data={}", data.display())];
    let settings = Settings::load(&Sources { sets, ..Sources::default() }).expect("a configuration");
    let duologue = Duologue::start(&settings).await.expect("a realm");
    assert_eq!(Duologue::start(&settings).await.expect_err("the folder is in use").exit, 3);
    let host = Router::new().route("/hello", get(async || "hello")).merge(duologue.routes());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address").to_string();
    let hosted = tokio::spawn(async move { axum::serve(listener, host.into_make_service_with_connect_info::<SocketAddr>()).await });
    let asked = tokio::task::spawn_blocking({
        let at = at.clone();
        move || {
            let answers =
                [("GET", "/hello", ""), ("POST", "/v1/guests", r#"{"name":"Ann"}"#), ("GET", "/health/live", ""), ("GET", "/v1", "")];
            answers.map(|(method, path, body)| ask(&at, method, path, body).0)
        }
    });
    assert_eq!(asked.await.expect("no panic"), [200, 201, 200, 404]);

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let elsewhere = listener.local_addr().expect("an address").to_string();
    let router = Router::new().merge(duologue.routes());
    let other = tokio::spawn(async move { axum::serve(listener, router).await });
    let asked = move || ["/v1/me", "/favicon.ico"].map(|path| ask(&elsewhere, "GET", path, ""));
    let [told, unknown] = tokio::task::spawn_blocking(asked).await.expect("no panic");
    assert_eq!((told.0, told.1.contains("into_make_service_with_connect_info")), (500, true), "{}", told.1);
    assert_eq!(unknown, (404, String::new()), "a path that nobody has is the host's to answer");

    duologue.stop().await.expect("it stops");
    let gone = tokio::task::spawn_blocking(move || ask(&at, "POST", "/v1/guests", r#"{"name":"Bob"}"#)).await.expect("no panic");
    assert_eq!(gone.0, 503);
    drop((hosted.abort(), other.abort(), duologue));
    // The connections' own tasks have still to go.
    let again = async {
        loop {
            match Duologue::start(&settings).await {
                Ok(again) => return again,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await.expect("the folder is free");
    again.stop().await.expect("it stops");
    let _ = fs::remove_dir_all(&data);
}
