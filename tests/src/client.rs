//! A raw client: JSON over a WebSocket, or its binary form over QUIC or WebTransport, by the protocol's page. It counts its commands and what it hears, and keeps what nobody
//! asked for yet, so that a story names the messages that matter in the order in which they matter.
//!
//! For every connection it checks what the protocol promises of all of them: events come with `seq` 1, 2, 3 …, answers come
//! once, nothing comes after `closing`.

use crate::quic::Quic;
use crate::{Server, http, within};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Their id.
    pub user: String,
    /// What signs them in.
    pub token: String,
    /// What they call themself.
    pub name: String,
}

impl Server {
    /// A new guest.
    pub async fn guest(&self, name: &str) -> Guest {
        let answer = http::ask(self.at, "POST", "/v1/guests", None, Some(&json!({ "name": name }))).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |value: &Value| value.as_str().expect("text").to_string();
        Guest { user: text(&answer.body["user"]["user"]), token: text(&answer.body["token"]), name: name.into() }
    }

    /// A new guest with a connection.
    pub async fn enter(&self, name: &str) -> Client {
        let guest = self.guest(name).await;
        Client::open(self.at, &guest).await
    }

    /// As [`Server::in_lobby`], over this.
    pub async fn in_lobby_over(&self, carrier: Carrier, name: &str) -> Client {
        let guest = self.guest(name).await;
        let mut client = Client::open(Door { at: self.at, carrier }, &guest).await;
        client.ok("join", json!({})).await;
        client
    }

    /// A new guest with a connection, in the lobby.
    pub async fn in_lobby(&self, name: &str) -> Client {
        let mut client = self.enter(name).await;
        client.ok("join", json!({})).await;
        client
    }

    /// Two guests in a call of so many seconds: caller, callee and the call's id. Both have heard `call_started`.
    pub async fn in_call(&self, seconds: u32) -> (Client, Client, u64) {
        let (mut ann, mut bob) = (self.in_lobby("Ann").await, self.in_lobby("Bob").await);
        let call = ann.call(&mut bob, seconds).await;
        (ann, bob, call)
    }

    /// `GET /health`.
    pub async fn health(&self) -> Value {
        http::get(self.at, "/health", None).await
    }

    /// `GET /v1/history`, its calls.
    pub async fn history(&self, guest: &Guest) -> Vec<Value> {
        let answer = http::get(self.at, "/v1/history?limit=100", Some(&guest.token)).await;
        answer["calls"].as_array().expect("a list").clone()
    }

    /// `GET /v1/me`, its totals.
    pub async fn totals(&self, guest: &Guest) -> Value {
        http::get(self.at, "/v1/me", Some(&guest.token)).await["totals"].clone()
    }
}

/// A page's or process's id, as one draws it.
pub fn drawn_client() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}{:016x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What a connection that is gone needs to come back.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Whose it was.
    pub guest: Guest,
    /// Of which page.
    pub client: String,
    /// The resume token of its last welcome.
    pub resume: String,
    /// The highest event number that was read.
    pub seq: u64,
    /// The next command's number.
    pub next: u64,
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Native QUIC.
    Quic,
    /// JSON in text frames.
    WebSocket,
    /// The binary form in a WebTransport session.
    WebTransport,
}

/// Where a server is, and over what one goes to it: an address alone is a WebSocket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// HTTP.
    pub at: SocketAddr,
    /// Over this.
    pub carrier: Carrier,
}

impl From<SocketAddr> for Door {
    fn from(at: SocketAddr) -> Door {
        Door { at, carrier: Carrier::WebSocket }
    }
}

#[derive(Debug)]
enum Link {
    Quic(Box<Quic>),
    WebSocket(Box<WebSocketStream<TcpStream>>),
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    /// Whose it is.
    pub guest: Guest,
    /// Of which page.
    pub client: String,
    /// The last welcome.
    pub welcome: Value,
    /// Its resume token.
    pub resume: String,
    /// The highest event number read.
    pub seq: u64,
    /// The next command's number.
    pub next: u64,
    /// Every event that was read, in its order.
    pub events: Vec<Value>,
    link: Link,
    waiting: Vec<Value>,
    answered: BTreeSet<u64>,
    closing: Option<Value>,
}

impl Client {
    /// A fresh connection of a new page, past `welcome`.
    pub async fn open(door: impl Into<Door>, guest: &Guest) -> Client {
        Client::hello(door, guest, &drawn_client(), 1, json!({})).await
    }

    /// A connection past `welcome`, whose hello has these fields beside token and client.
    pub async fn hello(door: impl Into<Door>, guest: &Guest, client: &str, next: u64, fields: Value) -> Client {
        let mut opened = Client::silent(door, guest, client).await;
        opened.next = next;
        let mut hello = json!({ "t": "hello", "token": guest.token, "client": client });
        for (name, value) in fields.as_object().expect("an object") {
            hello[name] = value.clone();
        }
        opened.send(&hello).await;
        let welcome = opened.next().await.expect("an answer to hello");
        assert_eq!(welcome["t"], "welcome", "{welcome}");
        opened.seq = welcome["seq"].as_u64().expect("a number");
        opened.resume = welcome["resume"].as_str().expect("a token").into();
        opened.welcome = welcome;
        opened
    }

    /// A connection on which nothing was said yet.
    pub async fn silent(door: impl Into<Door>, guest: &Guest, client: &str) -> Client {
        let Door { at, carrier } = door.into();
        if carrier != Carrier::WebSocket {
            let connecting = Quic::connect(at, carrier == Carrier::WebTransport, false);
            let quic = within("a connection", connecting).await.expect("the server lets it in");
            return Client::on(Link::Quic(Box::new(quic)), guest, client);
        }
        let stream = within("a connection", TcpStream::connect(at)).await.expect("the server listens");
        Client::over(stream, at, guest, client).await
    }

    /// As [`Client::silent`], from this address of the loopback network.
    pub async fn from(source: [u8; 4], at: SocketAddr, guest: &Guest) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from((source, 0))).expect("an address of this machine");
        let stream = within("a connection", socket.connect(at)).await.expect("the server listens");
        Client::over(stream, at, guest, &drawn_client()).await
    }

    /// As [`Client::silent`], with a small window, so that what is not read stands at the server soon.
    pub async fn narrow(at: SocketAddr, guest: &Guest, client: &str) -> Client {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        let stream = within("a connection", socket.connect(at)).await.expect("the server listens");
        Client::over(stream, at, guest, client).await
    }

    async fn over(stream: TcpStream, at: SocketAddr, guest: &Guest, client: &str) -> Client {
        stream.set_nodelay(true).expect("an option");
        let upgrade = tokio_tungstenite::client_async(format!("ws://{at}/v1/ws"), stream);
        let (socket, _) = within("an upgrade", upgrade).await.expect("it is upgraded");
        Client::on(Link::WebSocket(Box::new(socket)), guest, client)
    }

    /// On a QUIC connection that is there.
    pub fn over_quic(quic: Quic, guest: &Guest, client: &str) -> Client {
        Client::on(Link::Quic(Box::new(quic)), guest, client)
    }

    fn on(link: Link, guest: &Guest, client: &str) -> Client {
        Client {
            guest: guest.clone(),
            client: client.into(),
            welcome: Value::Null,
            resume: String::new(),
            seq: 0,
            next: 1,
            events: Vec::new(),
            link,
            waiting: Vec::new(),
            answered: BTreeSet::new(),
            closing: None,
        }
    }

    /// Sends a message as it is.
    pub async fn send(&mut self, message: &Value) {
        match &mut self.link {
            Link::Quic(quic) => assert!(within("room in the stream", quic.send(message)).await, "the stream takes it"),
            Link::WebSocket(_) => self.send_text(&message.to_string()).await,
        }
    }

    /// Sends text that need not be a message.
    pub async fn send_text(&mut self, text: &str) {
        self.send_frame(Message::text(text)).await.expect("the socket takes it");
    }

    /// QUIC's own.
    ///
    /// # Panics
    /// Over a WebSocket.
    pub fn quic(&mut self) -> &mut Quic {
        match &mut self.link {
            Link::Quic(quic) => quic,
            Link::WebSocket(_) => panic!("a WebSocket"),
        }
    }

    fn websocket(&mut self) -> &mut WebSocketStream<TcpStream> {
        match &mut self.link {
            Link::Quic(_) => panic!("frames are of WebSockets"),
            Link::WebSocket(socket) => socket,
        }
    }

    /// Sends a frame over a WebSocket.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_frame(&mut self, frame: Message) -> Result<(), Error> {
        within("room in the socket", self.websocket().send(frame)).await
    }

    /// Sends a command and gives its number.
    pub async fn say(&mut self, command: &str, fields: Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.say_as(id, command, fields).await;
        id
    }

    /// Sends a command under this number.
    pub async fn say_as(&mut self, id: u64, command: &str, mut fields: Value) {
        fields["t"] = command.into();
        fields["id"] = id.into();
        self.send(&fields).await;
    }

    /// The answer to a command.
    pub async fn answer(&mut self, id: u64) -> Value {
        self.find(&format!("the answer to {id}"), |message| message["re"] == id).await
    }

    /// Sends a command and gives its answer.
    pub async fn ask(&mut self, command: &str, fields: Value) -> Value {
        let id = self.say(command, fields).await;
        self.answer(id).await
    }

    /// Sends a command under this number and gives its answer; none where the connection ends before it comes.
    pub async fn try_ask_as(&mut self, id: u64, command: &str, mut fields: Value) -> Option<Value> {
        fields["t"] = command.into();
        fields["id"] = id.into();
        match &mut self.link {
            Link::Quic(quic) => within("room in the stream", quic.send(&fields)).await.then_some(())?,
            Link::WebSocket(_) => self.send_frame(Message::text(fields.to_string())).await.ok()?,
        }
        self.try_find(&format!("the answer to {id}"), |message| message["re"] == id).await
    }

    /// Sends a command, which must be answered by `ok`.
    pub async fn ok(&mut self, command: &str, fields: Value) -> Value {
        let answer = self.ask(command, fields.clone()).await;
        assert_eq!(answer["t"], "ok", "{} said {command} {fields}: {answer}", self.guest.name);
        answer
    }

    /// Sends a command, which must be refused with this code.
    pub async fn no(&mut self, command: &str, fields: Value, code: &str) -> Value {
        let answer = self.ask(command, fields.clone()).await;
        assert_eq!((answer["t"].as_str(), answer["code"].as_str()), (Some("no"), Some(code)), "{command} {fields}: {answer}");
        answer
    }

    /// The next message of this type, now or when it comes; it is taken. Others wait.
    pub async fn hears(&mut self, kind: &str) -> Value {
        self.find(kind, |message| message["t"] == kind).await
    }

    /// As [`Client::hears`]; none where the connection ends before it comes.
    pub async fn try_hears(&mut self, kind: &str) -> Option<Value> {
        self.try_find(kind, |message| message["t"] == kind).await
    }

    async fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        match self.try_find(what, fits).await {
            Some(message) => message,
            None => {
                panic!("{} hears {what}: the connection ended; closing: {:?}, unheard: {:#?}", self.guest.name, self.closing, self.waiting)
            }
        }
    }

    async fn try_find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(place) = self.waiting.iter().position(&fits) {
            return Some(self.waiting.remove(place));
        }
        // The whole wait is bounded: pings and views may come for ever.
        let what = format!("{} hears {what}", self.guest.name);
        within(&what, async {
            loop {
                let message = self.read().await?;
                if fits(&message) {
                    return Some(message);
                }
                self.waiting.push(message);
            }
        })
        .await
    }

    /// Reads everything that the server said before it answered a ping of now.
    pub async fn catch_up(&mut self) {
        self.send(&json!({ "t": "ping" })).await;
        self.hears("pong").await;
    }

    /// The next message, whatever it is; none at the end of the connection.
    pub async fn next(&mut self) -> Option<Value> {
        let what = format!("{} hears anything", self.guest.name);
        within(&what, self.read()).await
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            let message = match &mut self.link {
                Link::Quic(quic) => quic.next().await?,
                Link::WebSocket(socket) => match socket.next().await? {
                    Ok(Message::Text(text)) => serde_json::from_str(&text).expect("the server speaks JSON"),
                    Ok(Message::Close(_) | Message::Ping(_) | Message::Pong(_)) => continue,
                    Ok(other) => panic!("a frame that is no text: {other:?}"),
                    Err(_) => return None,
                },
            };
            assert!(self.closing.is_none(), "after closing came {message}");
            self.note(&message);
            return Some(message);
        }
    }

    /// What holds of every connection.
    fn note(&mut self, message: &Value) {
        if let Some(seq) = message["seq"].as_u64().filter(|_| message["t"] != "welcome") {
            assert_eq!(seq, self.seq + 1, "{} hears events in their order: {message}", self.guest.name);
            self.seq = seq;
            self.events.push(message.clone());
        }
        if let Some(re) = message["re"].as_u64() {
            let is_first = self.answered.insert(re);
            assert!(is_first || re < self.next, "an answer to nothing: {message}");
        }
        if message["t"] == "closing" {
            self.closing = Some(message.clone());
        }
    }

    /// The types of the events that were read, in their order.
    pub fn heard(&self) -> Vec<&str> {
        self.events.iter().map(|event| event["t"].as_str().expect("a type")).collect()
    }

    /// Whether a message of this type was read, and nobody asked for it.
    pub fn was_told(&self, kind: &str) -> bool {
        self.waiting.iter().any(|message| message["t"] == kind)
    }

    /// How the connection ends: the code of `closing` and that of the WebSocket. What came before stays.
    pub async fn ends(&mut self) -> (Option<String>, Option<u16>) {
        let what = format!("the end of {}'s connection", self.guest.name);
        let number = within(&what, async {
            let mut number = None;
            loop {
                let message = match &mut self.link {
                    Link::Quic(quic) => match quic.next().await {
                        Some(message) => message,
                        None => break quic.code().await,
                    },
                    Link::WebSocket(socket) => match socket.next().await {
                        Some(Ok(Message::Text(text))) => serde_json::from_str(&text).expect("the server speaks JSON"),
                        Some(Ok(Message::Close(frame))) => {
                            number = frame.map(|frame| u16::from(frame.code));
                            continue;
                        }
                        Some(Ok(Message::Binary(_) | Message::Frame(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Err(_)) | None => break number,
                    },
                };
                self.note(&message);
                self.waiting.push(message);
            }
        })
        .await;
        let code = self.closing.as_ref().and_then(|closing| closing["code"].as_str()).map(String::from);
        (code, number)
    }

    /// Rings the other, who accepts; both hear `call_started`. The call's id.
    pub async fn call(&mut self, callee: &mut Client, seconds: u32) -> u64 {
        let invite = self.ok("invite", json!({ "to": callee.guest.user, "seconds": seconds })).await["invite"].clone();
        callee.hears("rang").await;
        callee.ok("accept", json!({ "invite": invite, "seconds": seconds })).await;
        let started = self.hears("call_started").await;
        callee.hears("call_started").await;
        started["call"].as_u64().expect("an id")
    }

    /// Its call as it was told of first.
    pub fn started(&self) -> &Value {
        self.events.iter().find(|event| event["t"] == "call_started").expect("it is in a call")
    }

    /// Leaves with code 1000 (a QUIC connection of its own: 0): no grace.
    pub async fn leave(mut self) {
        if let Link::Quic(quic) = &mut self.link {
            return within("the end", quic.leave()).await;
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        within("room in the socket", self.websocket().close(Some(frame))).await.expect("it closes");
        self.ends().await;
    }

    /// The link is cut without a word, as by a network that is gone.
    pub fn drop_link(self) -> Dropped {
        match &self.link {
            Link::Quic(quic) => quic.break_off(),
            // A reset rather than a close: nothing is said any more.
            Link::WebSocket(socket) => socket.get_ref().set_zero_linger().expect("an option"),
        }
        self.dropped()
    }

    /// What is needed to come back, where the connection ends by itself.
    pub fn dropped(&self) -> Dropped {
        Dropped { guest: self.guest.clone(), client: self.client.clone(), resume: self.resume.clone(), seq: self.seq, next: self.next }
    }
}

impl Dropped {
    /// Comes back as the same page, with its resume token.
    pub async fn resume(&self, door: impl Into<Door>) -> Client {
        let resume = json!({ "resume": { "token": self.resume, "seq": self.seq } });
        Client::hello(door, &self.guest, &self.client, self.next, resume).await
    }
}
