//! A whole realm in one thread: engine and gateway, with a store that has always just written. What is measured is ours alone.

use crate::Anything;
use bytes::Bytes;
use duologue_core::engine::{Engine, Start};
use duologue_core::input::{Address, Attach, Input, Intents, Request};
use duologue_core::kit::ids::{LinkId, RequestId, TokenHash, UserId};
use duologue_core::kit::random::{Purpose, Seed};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::Output;
use duologue_core::rules::Rules;
use duologue_core::wire::{Command, Filter, ServerMessage, binary, json as wire_json};
use duologue_gateway::{Config, Gateway, Outward};
use duologue_transport::{ConnId, Down, Form, Up};
use duologue_transport_ws::{Deflate, DeflateStream};
use futures_util::{FutureExt, SinkExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Realm time at which every measurement begins.
pub const START: Millis = Millis(1_800_000_000_000);
/// What every draw comes from.
pub const SEED: Seed = Seed([1, 2, 3, 4]);

/// Rules without rates, so that the work and not its refusal is measured.
fn rules() -> Rules {
    use duologue_core::kit::buckets::Rate;
    let off = Rate::OFF;
    Rules {
        rate_chat: off,
        rate_rings: off,
        rate_rings_address: off,
        rate_guests: off,
        rate_api: off,
        rate_sign_in: off,
        ..Rules::default()
    }
}

/// An engine for `people` people, without any.
pub fn engine(people: u32) -> Engine {
    Engine::new(Limits::for_links(people + 16), rules(), SEED, Start { epoch: 1, rows: Vec::new() }, START)
}

/// The user of a number.
pub fn user(n: u32) -> UserId {
    UserId(u128::from(SEED.pick(Purpose::Jitter, u64::from(n), 1)) << 64 | u128::from(SEED.pick(Purpose::Jitter, u64::from(n), 2)))
}

/// The token hash of a number.
pub fn session(n: u32) -> TokenHash {
    TokenHash(sha256(token(n).as_bytes()))
}

fn token(n: u32) -> String {
    format!("token-of-person-number-{n:08}")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Gives an input and throws away what is said.
pub fn give(engine: &mut Engine, now: Millis, input: &Input) -> u64 {
    engine.handle_input(now, input).expect("drained after each input");
    drain(engine)
}

/// Throws away what is said; gives how many outputs that were.
pub fn drain(engine: &mut Engine) -> u64 {
    let mut count = 0;
    while engine.poll_output().is_some() {
        count += 1;
    }
    count
}

/// A guest is made.
pub fn guest(n: u32) -> Input {
    let gender = Some(if n.is_multiple_of(2) { "female" } else { "male" }.to_string());
    let request = Request::Guest { user: user(n), session: session(n), name: format!("Person {n}"), gender };
    Input::Request { id: RequestId(u64::from(n)), who: None, address: Address(u128::from(n)), request }
}

/// A person comes, joins and opens a window of 20.
pub fn come(engine: &mut Engine, now: Millis, n: u32) {
    give(engine, now, &guest(n));
    attach(engine, now, n);
    give(engine, now, &command(n, 1, Command::Join { lobby: None }));
    give(engine, now, &command(n, 2, Command::Window { size: 20, filter: Filter::default() }));
}

/// A person comes.
pub fn attach(engine: &mut Engine, now: Millis, n: u32) {
    let attach = Attach {
        link: LinkId(u64::from(n)),
        takes: None,
        session: session(n),
        client: None,
        address: Address(u128::from(n)),
        exclusive: false,
        intents: Intents::default(),
    };
    give(engine, now, &Input::Attached(attach));
}

/// A command of a person.
pub fn command(n: u32, number: u64, command: Command) -> Input {
    Input::Command { link: LinkId(u64::from(n)), number, command: Ok(command) }
}

/// Twelve letters, as references to pictures have them: nothing in them that compresses.
fn reference(draw: u64) -> String {
    (0..12).map(|at| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(draw >> (at * 5)) as usize % 32])).collect()
}

/// In which form messages go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// As text.
    Json,
    /// As text over a WebSocket that agreed on permessage-deflate.
    Deflated,
    /// As postcard.
    Binary,
}

impl Carriage {
    fn form(self) -> Form {
        if self == Carriage::Binary { Form::Postcard } else { Form::Json }
    }
}

impl fmt::Display for Carriage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Carriage::Json => "JSON",
            Carriage::Deflated => "JSON, deflated",
            Carriage::Binary => "binary",
        })
    }
}

/// A carrier that only counts.
#[derive(Debug, Default)]
struct Counter(u64);

impl AsyncRead for Counter {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Counter {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0 += bytes.len() as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Engine and gateway, counting what goes over the wire.
pub struct Realm {
    engine: Engine,
    gateway: Gateway,
    carriage: Carriage,
    /// All messages go through one socket: whatever it agreed on keeps nothing between messages.
    wire: WebSocketStream<DeflateStream<Counter>>,
    numbers: Vec<u64>,
    /// What clients were told and have not looked at, if they listen.
    heard: Option<VecDeque<(u32, Bytes)>>,
    now: Millis,
}

impl Realm {
    /// Nobody is there yet.
    pub fn new(people: u32, carriage: Carriage) -> Realm {
        let mut config = Config::new(sha256);
        config.waiting_max = people;
        config.waiting_per_address = people;
        // Signals go in one burst here, of everybody at the same millisecond: what is measured is bytes, not refusals.
        config.commands = duologue_core::kit::buckets::Rate::OFF;
        let agreed = (carriage == Carriage::Deflated).then_some(Deflate::LARGEST);
        let stream = DeflateStream::new(Counter::default(), Vec::new(), agreed, 1 << 16);
        let wire = WebSocketStream::from_raw_socket(stream, Role::Server, None).now_or_never().expect("no handshake");
        let mut realm = Realm {
            engine: engine(people),
            gateway: Gateway::new(config, 1),
            carriage,
            wire,
            numbers: vec![0; people as usize + 1],
            heard: None,
            now: START,
        };
        // The first message of a socket is never deflated, and here every message is another person's.
        realm.count(b"0").expect("it is counted");
        realm
    }

    /// From now on clients hear what they are told.
    pub fn listen(&mut self) {
        self.heard = Some(VecDeque::new());
    }

    /// The next thing that somebody was told.
    pub fn heard(&mut self) -> Option<(u32, ServerMessage)> {
        let (n, bytes) = self.heard.as_mut()?.pop_front()?;
        let message = match self.carriage.form() {
            Form::Postcard => binary::decode_server(&bytes).expect("the server's own"),
            Form::Json | Form::Unknown => wire_json::decode_server(&bytes).expect("the server's own"),
        };
        Some((n, message))
    }

    /// Bytes to clients so far.
    pub fn sent_bytes(&self) -> u64 {
        self.wire.get_ref().carrier().0
    }

    /// Person `n` comes, over its own connection.
    pub fn come(&mut self, n: u32) -> Anything<()> {
        self.engine.handle_input(self.now, &guest(n)).expect("drained");
        self.settle()?;
        let conn = ConnId(u64::from(n));
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(&n.to_le_bytes());
        self.up(Up::Opened { conn, address: u128::from(n), form: self.carriage.form(), secret })?;
        let mut hello = json!({ "t": "hello", "token": token(n) });
        if self.carriage == Carriage::Binary {
            hello["sdp"] = json!(1);
        }
        self.message(n, &hello)?;
        let [selfie, video] = [3, 4].map(|which| reference(SEED.pick(Purpose::Jitter, u64::from(n), which)));
        self.say(n, &json!({ "t": "profile", "selfie": selfie, "video": video }))
    }

    /// Joins the lobby, and opens a window of 20.
    pub fn stand(&mut self, n: u32) -> Anything<()> {
        self.say(n, &json!({ "t": "join" }))?;
        self.say(n, &json!({ "t": "window", "size": 20 }))
    }

    /// Person `n` says it, numbered.
    pub fn say(&mut self, n: u32, command: &Value) -> Anything<()> {
        let mut command = command.clone();
        self.numbers[n as usize] += 1;
        command["id"] = json!(self.numbers[n as usize]);
        self.message(n, &command)
    }

    fn message(&mut self, n: u32, message: &Value) -> Anything<()> {
        let text = message.to_string();
        let bytes = match self.carriage.form() {
            Form::Postcard => {
                let message = wire_json::decode_client(text.as_bytes()).map_err(|error| format!("{text}: {error:?}"))?;
                Bytes::from(binary::encode_client(&message))
            }
            Form::Json | Form::Unknown => Bytes::from(text),
        };
        self.up(Up::Message { conn: ConnId(u64::from(n)), bytes })
    }

    /// Time goes on, deadline by deadline.
    pub fn pass(&mut self, span: Span) -> Anything<()> {
        let end = self.now + span;
        loop {
            let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
            let next = engine.into_iter().chain(self.gateway.poll_timeout()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            self.engine.handle_timeout(self.now);
            self.gateway.handle_timeout(self.now);
            self.settle()?;
        }
        self.now = end;
        Ok(())
    }

    fn up(&mut self, up: Up) -> Anything<()> {
        self.gateway.handle_transport(self.now, up);
        self.settle()
    }

    fn settle(&mut self) -> Anything<()> {
        loop {
            while let Some(output) = self.engine.poll_output() {
                if !matches!(output, Output::Fact(_) | Output::Load { .. } | Output::Reply { .. }) {
                    self.gateway.handle_released(self.now, output);
                }
            }
            let Some(outward) = self.gateway.poll_output() else { return Ok(()) };
            match outward {
                Outward::Engine(input) => self.engine.handle_input(self.now, &input).expect("drained"),
                Outward::Down(Down::Send { conn, bytes }) => {
                    self.count(&bytes)?;
                    if let Some(heard) = &mut self.heard {
                        heard.push_back((conn.0 as u32, bytes));
                    }
                    self.gateway.handle_transport(self.now, Up::Writable { conn });
                }
                // A client answers, which costs the server nothing.
                Outward::Down(Down::Ping { conn }) => self.gateway.handle_transport(self.now, Up::Heard { conn }),
                Outward::Down(Down::Close { conn, code, .. }) => return Err(format!("{conn:?} is closed with {code}").into()),
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) -> Anything<()> {
        let message = match self.carriage.form() {
            Form::Postcard => Message::binary(bytes.to_vec()),
            Form::Json | Form::Unknown => Message::text(std::str::from_utf8(bytes)?),
        };
        Ok(self.wire.send(message).now_or_never().ok_or("a counter takes everything")??)
    }
}
