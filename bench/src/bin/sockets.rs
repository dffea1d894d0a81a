//! Memory of a WebSocket connection: of the whole server, with people in the lobby who agreed on deflate, before and after a call
//! each; and of the carrier alone. The server is a process of its own, whose resident memory is read; the clients are in this one.
//!
//!     cargo build --release --bin duologue -p duologue-server
//!     cargo build --release --example echo -p duologue-transport-ws
//!     cargo run --release -p duologue-bench --bin sockets -- [people, 2000 by default]
//!
//! `DUOLOGUE_BIN` names another binary.

use duologue_client::Server as Guests;
use duologue_transport_ws::{Deflate, DeflateStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

type Socket = WebSocketStream<DeflateStream<TcpStream>>;
type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// People who come, or call, at the same time.
const AT_ONCE: usize = 24;
/// Until queues are empty and the allocator has given back what it will.
const SETTLED: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Anything<()> {
    let people: usize = std::env::args().nth(1).map_or(Ok(2_000), |text| text.parse())?;
    carrier(people).await?;
    server(people).await
}

/// A process that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example server that says what it hears.
async fn carrier(connections: usize) -> Anything<()> {
    let mut child = Process(Command::new("target/release/examples/echo").arg("127.0.0.1:0").stdout(Stdio::piped()).spawn()?);
    let line = first_line(&mut child.0)?;
    let at: SocketAddr = line.trim().rsplit(' ').next().unwrap_or_default().parse()?;
    let base = resident_bytes(child.0.id())?;
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let mut socket = open(at).await?;
        socket.send(Message::Ping(Vec::new().into())).await?;
        socket.next().await.ok_or("a pong")??;
        sockets.push(socket);
    }
    tell("carrier alone: after the handshake", base, &child, connections).await?;
    for bytes in [200, 6_000, 60_000, 200] {
        let text: String = description(bytes);
        for socket in &mut sockets {
            socket.send(Message::text(text.clone())).await?;
            let echo = socket.next().await.ok_or("an echo")??;
            assert_eq!(echo.len(), bytes);
        }
        tell(&format!("carrier alone: after {bytes} B both ways"), base, &child, connections).await?;
    }
    Ok(())
}

/// Duologue itself.
async fn server(people: usize) -> Anything<()> {
    let data = std::env::temp_dir().join(format!("duologue-bench-{}", std::process::id()));
    let mut command = Command::new(std::env::var_os("DUOLOGUE_BIN").unwrap_or_else(|| "target/release/duologue".into()));
    command.env_remove("DUOLOGUE_BIN");
    command.args(["serve", "--ready", "json", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    for rate in ["commands", "rings", "guests", "api", "sign_in", "rings_address"] {
        command.args(["--set", &format!("rates.{rate}={{ per = 0 }}")]);
    }
    command.args(["--set", "rates.exempt=[\"127.0.0.0/8\"]", "--set", &format!("connections.max={}", people + 256)]);
    let mut child = Process(command.stdout(Stdio::piped()).spawn()?);
    let ready: Value = serde_json::from_str(&first_line(&mut child.0)?)?;
    let at: SocketAddr = ready["http"].as_str().ok_or("an address")?.parse()?;
    let base = resident_bytes(child.0.id())?;
    println!("{:<70} {:>8} KiB", "server, nobody there: RSS", base / 1024);

    let mut all = Vec::new();
    for from in (0..people).step_by(AT_ONCE) {
        let mut coming = JoinSet::new();
        for n in from..(from + AT_ONCE).min(people) {
            coming.spawn(Person::come(at, n));
        }
        while let Some(person) = coming.join_next().await {
            all.push(person??.keep_reading());
        }
    }
    tell("server, in the lobby with a window of 20: before their first call", base, &child, people).await?;
    while all.len() > 1 {
        let mut calling = JoinSet::new();
        let pairs = (all.len() / 2).min(AT_ONCE / 2);
        let batch: Vec<Quiet> = all.drain(..pairs * 2).collect();
        for pair in batch.chunks(2) {
            let (ann, bob) = (pair[0].clone(), pair[1].clone());
            calling.spawn(async move { call(&ann, &bob).await });
        }
        while let Some(done) = calling.join_next().await {
            done??;
        }
    }
    tell("server, after a call each", base, &child, people).await?;
    drop(child);
    Ok(std::fs::remove_dir_all(data)?)
}

struct Person {
    user: String,
    socket: Socket,
}

/// Somebody whose task reads whatever comes. What it is told to wait for, it hands out.
#[derive(Clone)]
struct Quiet {
    user: String,
    say: tokio::sync::mpsc::Sender<(Value, &'static str, tokio::sync::oneshot::Sender<Value>)>,
}

impl Person {
    async fn come(at: SocketAddr, n: usize) -> Anything<Person> {
        let guest = Guests::at(&format!("http://{at}"))?.guest(&format!("Person {n}")).await?;
        let mut person = Person { user: guest.user.to_string(), socket: open(at).await? };
        person.say(&json!({ "t": "hello", "token": guest.token })).await?;
        person.until("welcome").await?;
        person.say(&json!({ "t": "profile", "id": 1, "selfie": format!("pic{n:09}"), "video": format!("vid{n:09}") })).await?;
        person.say(&json!({ "t": "join", "id": 2 })).await?;
        person.say(&json!({ "t": "window", "id": 3, "size": 20 })).await?;
        person.until("window").await?;
        Ok(person)
    }

    async fn say(&mut self, message: &Value) -> Anything<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    async fn until(&mut self, wanted: &str) -> Anything<Value> {
        loop {
            if let Message::Text(text) = self.socket.next().await.ok_or("the server closed")?? {
                let value: Value = serde_json::from_str(&text)?;
                if value["t"] == "no" || value["t"] == "closing" {
                    return Err(text.to_string().into());
                }
                if value["t"] == wanted {
                    return Ok(value);
                }
            }
        }
    }

    fn keep_reading(mut self) -> Quiet {
        let (say, mut told) = tokio::sync::mpsc::channel::<(Value, &'static str, tokio::sync::oneshot::Sender<Value>)>(4);
        let user = self.user.clone();
        tokio::spawn(async move {
            let mut waiting: Vec<(&'static str, tokio::sync::oneshot::Sender<Value>)> = Vec::new();
            loop {
                tokio::select! {
                    // What is to be waited for is known before its cause is sent, so it is looked at first.
                    biased;
                    word = told.recv() => {
                        let Some((message, wanted, answer)) = word else { break std::future::pending().await };
                        waiting.push((wanted, answer));
                        if message != Value::Null && self.say(&message).await.is_err() {
                            return;
                        }
                    }
                    came = self.socket.next() => match came {
                        Some(Ok(Message::Text(text))) => {
                            let value: Value = serde_json::from_str(&text).expect("JSON");
                            if let Some(at) = waiting.iter().position(|(wanted, _)| value["t"] == *wanted) {
                                let _ = waiting.remove(at).1.send(value);
                            }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                }
            }
        });
        Quiet { user, say }
    }
}

impl Quiet {
    /// Waits for a message of this kind from now on; says something, perhaps.
    async fn hears(&self, wanted: &'static str, message: Value) -> Anything<tokio::sync::oneshot::Receiver<Value>> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.say.send((message, wanted, answer)).await.map_err(|_| "closed")?;
        Ok(answered)
    }
}

/// A ring, an acceptance, an offer, an answer, candidates, the end.
async fn call(ann: &Quiet, bob: &Quiet) -> Anything<()> {
    let rang = bob.hears("rang", Value::Null).await?;
    let started = ann.hears("call_started", json!({ "t": "invite", "id": 4, "to": bob.user, "seconds": 300 })).await?;
    let invite = rang.await?["invite"].clone();
    bob.hears("call_started", json!({ "t": "accept", "id": 4, "invite": invite, "seconds": 300 })).await?.await?;
    let started = started.await?;
    let (call, epoch) = (started["call"].clone(), started["epoch"].clone());
    let initiates = started["initiator"] == true;
    let (first, second) = if initiates { (ann, bob) } else { (bob, ann) };
    for (from, to, kind, bytes) in [(first, second, "offer", 5_600), (second, first, "answer", 5_000)] {
        let sdp = description(bytes);
        let heard = to.hears("description", Value::Null).await?;
        drop(from.hears("ok", json!({ "t": "description", "id": 5, "call": call, "epoch": epoch, "kind": kind, "sdp": sdp })).await?);
        heard.await?;
        let candidates: Vec<Value> = (0..10).map(|n| json!({ "candidate": description(150 + n), "mid": "0", "line": 0 })).collect();
        let heard = to.hears("candidates", Value::Null).await?;
        drop(
            from.hears("ok", json!({ "t": "candidates", "id": 6, "call": call, "epoch": epoch, "from": 0, "candidates": candidates }))
                .await?,
        );
        heard.await?;
    }
    let over = bob.hears("call_ended", Value::Null).await?;
    drop(ann.hears("call_ended", json!({ "t": "hang_up", "id": 7, "call": call })).await?);
    over.await?;
    Ok(())
}

/// A text of this length that deflates as a description does, to about a quarter.
fn description(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 80);
    let mut draw: u64 = 0x9e37_79b9_7f4a_7c15;
    while text.len() < bytes {
        draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("a=rtpmap:{} opus/48000/2 ssrc:{:010} cname:stream\r\n", draw >> 57, draw >> 34));
    }
    text.truncate(bytes);
    text
}

async fn open(at: SocketAddr) -> Anything<Socket> {
    let mut stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nhost: {at}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-extensions: permessage-deflate\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    assert!(String::from_utf8_lossy(&head).contains("permessage-deflate"), "deflate is agreed on");
    let stream = DeflateStream::new(stream, Vec::new(), Some(Deflate::LARGEST), 1 << 20);
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

fn first_line(child: &mut Child) -> Anything<String> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("its words")?).read_line(&mut line)?;
    Ok(line)
}

/// `/proc/PID/statm`, second field, pages of 4 KiB.
fn resident_bytes(pid: u32) -> Anything<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    Ok(text.split_whitespace().nth(1).ok_or("pages")?.parse::<u64>()? * 4_096)
}

async fn tell(what: &str, base: u64, child: &Process, connections: usize) -> Anything<()> {
    tokio::time::sleep(SETTLED).await;
    let each = resident_bytes(child.0.id())?.saturating_sub(base) / connections as u64;
    println!("{what:<70} {each:>8} B a connection");
    Ok(std::io::stdout().flush()?)
}
