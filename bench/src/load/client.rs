//! One person behind a socket. A task reads whatever comes; who waits for a message is given it.

use crate::Anything;
use duologue_client::Server as Guests;
use duologue_transport_ws::{Deflate, DeflateStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A client's end.
pub type Socket = WebSocketStream<DeflateStream<TcpStream>>;
type Answer = oneshot::Sender<Anything<Value>>;

/// How messages are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As `docs/protocol.md` says.
    Duologue {
        /// Whether permessage-deflate is offered.
        deflate: bool,
    },
    /// Engine.IO 4 and Socket.IO 5: `42["name",{…}]`.
    SocketIo,
}

impl Dialect {
    /// A message as text. Commands of Duologue are numbered.
    fn write(self, mut message: Value, number: &mut u64) -> String {
        match self {
            Dialect::Duologue { .. } if message["t"] == "hello" => message.to_string(),
            Dialect::Duologue { .. } => {
                *number += 1;
                message["id"] = json!(*number);
                message.to_string()
            }
            Dialect::SocketIo => format!("42{}", json!([message["t"], message])),
        }
    }

    /// A message's kind and body; none for what is the carrier's own.
    fn read(self, text: &str) -> Option<(String, Value)> {
        let value = match self {
            Dialect::Duologue { .. } => serde_json::from_str::<Value>(text).ok()?,
            Dialect::SocketIo => serde_json::from_str::<Value>(text.strip_prefix("42")?).ok()?.get_mut(1)?.take(),
        };
        Some((value["t"].as_str()?.to_owned(), value))
    }
}

enum Word {
    Say(Value),
    Hear(&'static str, Answer),
}

/// A person; gone when dropped.
pub struct Client {
    /// As others name it.
    pub user: String,
    /// What it signs in with again.
    pub token: String,
    words: mpsc::UnboundedSender<Word>,
}

impl Client {
    /// A new person comes and stands in the lobby, with a window of 20.
    pub async fn come(at: SocketAddr, dialect: Dialect, n: usize, heard: Arc<AtomicU64>) -> Anything<Client> {
        let (name, selfie, video) = (format!("Person {n}"), format!("pic{n:09}"), format!("vid{n:09}"));
        if dialect == Dialect::SocketIo {
            let mut socket = open(at, "/socket.io/?EIO=4&transport=websocket", false).await?;
            socket.send(Message::text("40")).await?;
            // What it says of itself, and then that it is connected.
            while !socket.next().await.ok_or("the server closed")??.to_text()?.starts_with("40") {}
            let client = Client::over(socket, dialect, heard);
            let window = client.hears("window").await?;
            client.say(json!({ "t": "join", "name": name, "selfie": selfie, "video": video })).await?;
            let user = window.await??["user"].as_str().ok_or("an id")?.to_owned();
            return Ok(Client { user, ..client });
        }
        let guest = Guests::at(&format!("http://{at}"))?.guest(&name).await?;
        let client = Client::back(at, dialect, &guest.user.to_string(), &guest.token, heard).await?;
        client.say(json!({ "t": "profile", "selfie": selfie, "video": video })).await?;
        client.stand().await?;
        Ok(client)
    }

    /// Somebody who was here comes again, and is welcome.
    pub async fn back(at: SocketAddr, dialect: Dialect, user: &str, token: &str, heard: Arc<AtomicU64>) -> Anything<Client> {
        let socket = open(at, "/v1/ws", dialect == Dialect::Duologue { deflate: true }).await?;
        let client = Client { user: user.into(), token: token.into(), ..Client::over(socket, dialect, heard) };
        let welcome = client.hears("welcome").await?;
        client.say(json!({ "t": "hello", "token": client.token })).await?;
        welcome.await??;
        Ok(client)
    }

    /// Joins the lobby, and opens a window of 20.
    pub async fn stand(&self) -> Anything<()> {
        let window = self.hears("window").await?;
        self.say(json!({ "t": "join" })).await?;
        self.say(json!({ "t": "window", "size": 20 })).await?;
        window.await??;
        Ok(())
    }

    /// Says it.
    pub async fn say(&self, message: Value) -> Anything<()> {
        self.words.send(Word::Say(message)).map_err(|_| "the server closed".into())
    }

    /// Waits for the next message of this kind, from now on.
    pub async fn hears(&self, kind: &'static str) -> Anything<oneshot::Receiver<Anything<Value>>> {
        let (answer, answered) = oneshot::channel();
        self.words.send(Word::Hear(kind, answer)).map_err(|_| "the server closed")?;
        Ok(answered)
    }

    /// Once the socket is gone.
    pub async fn lost(&self) {
        self.words.closed().await;
    }

    fn over(socket: Socket, dialect: Dialect, heard: Arc<AtomicU64>) -> Client {
        let (words, told) = mpsc::unbounded_channel();
        tokio::spawn(live(socket, dialect, heard, told));
        Client { user: String::new(), token: String::new(), words }
    }
}

/// Reads, answers pings, and hands out what is waited for, until either side goes.
async fn live(mut socket: Socket, dialect: Dialect, heard: Arc<AtomicU64>, mut told: mpsc::UnboundedReceiver<Word>) {
    let (mut waiting, mut number): (Vec<(&'static str, Answer)>, u64) = (Vec::new(), 0);
    loop {
        tokio::select! {
            // Who waits says so before its cause is sent, so that is looked at first.
            biased;
            word = told.recv() => match word {
                Some(Word::Hear(kind, answer)) => waiting.push((kind, answer)),
                Some(Word::Say(message)) => {
                    if socket.send(Message::text(dialect.write(message, &mut number))).await.is_err() {
                        return;
                    }
                }
                None => return,
            },
            came = socket.next() => {
                let text = match came {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return,
                };
                heard.fetch_add(text.len() as u64, Ordering::Relaxed);
                if dialect == Dialect::SocketIo && text.as_str() == "2" {
                    let _ = socket.send(Message::text("3")).await;
                }
                let Some((kind, value)) = dialect.read(&text) else { continue };
                if kind == "no" || kind == "closing" {
                    for (_, answer) in waiting.drain(..) {
                        let _ = answer.send(Err(text.to_string().into()));
                    }
                } else if let Some(at) = waiting.iter().position(|(wanted, _)| kind == *wanted) {
                    let _ = waiting.remove(at).1.send(Ok(value));
                }
            }
        }
    }
}

/// Everybody comes from an address of their own, of 127.0.0.0/8: what is counted by address counts people as it would outside.
fn source() -> SocketAddr {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let [_, b, c, d] = (LAST.fetch_add(1, Ordering::Relaxed) % (1 << 22) + (1 << 16)).to_be_bytes();
    SocketAddr::from(([127, b, c, d], 0))
}

/// Through the upgrade.
pub async fn open(at: SocketAddr, path: &str, deflate: bool) -> Anything<Socket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(source())?;
    let mut stream = socket.connect(at).await?;
    stream.set_nodelay(true)?;
    let extensions = if deflate { "sec-websocket-extensions: permessage-deflate\r\n" } else { "" };
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {at}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{extensions}\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    let end = loop {
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut head).await? == 0 {
            return Err("the server closed".into());
        }
    };
    let read_ahead = head.split_off(end);
    let head = String::from_utf8_lossy(&head);
    if !head.starts_with("HTTP/1.1 101") || head.contains("permessage-deflate") != deflate {
        return Err(head.into());
    }
    let stream = DeflateStream::new(stream, read_ahead, deflate.then_some(Deflate::LARGEST), 1 << 22);
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}
