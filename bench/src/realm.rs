//! A whole realm in one thread: engine and gateway, with a store that has always just written. What is measured is ours alone.

use bytes::Bytes;
use duologue_core::engine::{Engine, Start};
use duologue_core::input::{Address, Attach, Input, Intents, Request};
use duologue_core::kit::ids::{LinkId, RequestId, TokenHash, UserId};
use duologue_core::kit::random::{Purpose, Seed};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::Output;
use duologue_core::rules::Rules;
use duologue_core::wire::{Command, Filter};
use duologue_gateway::{Config, Gateway, Outward};
use duologue_transport::{ConnId, Down, Form, Up};
use sha2::{Digest, Sha256};

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
    give(engine, now, &command(n, 1, Command::Join { lobby: None }));
    give(engine, now, &command(n, 2, Command::Window { size: 20, filter: Filter::default() }));
}

/// A command of a person.
pub fn command(n: u32, number: u64, command: Command) -> Input {
    Input::Command { link: LinkId(u64::from(n)), number, command: Ok(command) }
}

/// Engine and gateway, over JSON or postcard, counting what would go over the wire.
pub struct Realm {
    engine: Engine,
    gateway: Gateway,
    form: Form,
    /// Bytes of messages to clients.
    pub sent_bytes: u64,
    now: Millis,
}

impl Realm {
    /// Nobody is there yet.
    pub fn new(people: u32, form: Form) -> Realm {
        let mut config = Config::new(sha256);
        config.waiting_max = people;
        config.waiting_per_address = people;
        Realm { engine: engine(people), gateway: Gateway::new(config, 1), form, sent_bytes: 0, now: START }
    }

    /// Person `n` comes, joins and opens a window of 20, over its own connection.
    pub fn come(&mut self, n: u32) {
        self.engine.handle_input(self.now, &guest(n)).expect("drained");
        self.settle();
        let conn = ConnId(u64::from(n));
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(&n.to_le_bytes());
        self.up(Up::Opened { conn, address: u128::from(n), form: self.form, secret });
        let hello = format!(r#"{{"t":"hello","token":"{}"}}"#, token(n));
        for text in [hello.as_str(), r#"{"t":"join","id":1}"#, r#"{"t":"window","id":2,"size":20}"#] {
            let bytes = match self.form {
                Form::Postcard => {
                    let message = duologue_core::wire::json::decode_client(text.as_bytes()).expect("just written");
                    Bytes::from(duologue_core::wire::binary::encode_client(&message))
                }
                Form::Json | Form::Unknown => Bytes::copy_from_slice(text.as_bytes()),
            };
            self.up(Up::Message { conn, bytes });
        }
    }

    /// Time goes on, deadline by deadline.
    pub fn pass(&mut self, span: Span) {
        let end = self.now + span;
        loop {
            let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
            let next = engine.into_iter().chain(self.gateway.poll_timeout()).min();
            let Some(at) = next.filter(|at| *at <= end) else { break };
            self.now = at.max(self.now);
            self.engine.handle_timeout(self.now);
            self.gateway.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn up(&mut self, up: Up) {
        self.gateway.handle_transport(self.now, up);
        self.settle();
    }

    fn settle(&mut self) {
        loop {
            while let Some(output) = self.engine.poll_output() {
                if !matches!(output, Output::Fact(_) | Output::Load { .. } | Output::Reply { .. }) {
                    self.gateway.handle_released(self.now, output);
                }
            }
            let Some(outward) = self.gateway.poll_output() else { return };
            match outward {
                Outward::Engine(input) => self.engine.handle_input(self.now, &input).expect("drained"),
                Outward::Down(Down::Send { conn, bytes }) => {
                    self.sent_bytes += bytes.len() as u64;
                    self.gateway.handle_transport(self.now, Up::Writable { conn });
                }
                Outward::Down(Down::Ping { .. } | Down::Close { .. }) => {}
            }
        }
    }
}
