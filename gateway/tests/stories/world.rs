//! A gateway, with an engine and a transport that do what a story says.

use bytes::Bytes;
use duologue_core::input::{Attach, Input};
use duologue_core::kit::ids::{CallId, LinkId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::{FactNo, LinkEvent, Output, Welcomed, WindowView};
use duologue_core::wire::{
    Answer, Card, ClientMessage, Closing, Command, Event, Hello, Resume, ServerMessage, State, View, Welcome, binary,
};
use duologue_gateway::{Config, Gateway, Outward};
use duologue_transport::{ConnId, Down, Form, Up};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn config() -> Config {
    Config { media_base: "https://media.example/".into(), ..Config::new(sha256) }
}

pub fn card(user: u128) -> Arc<Card> {
    let empty = String::new();
    Arc::new(Card { user: UserId(user), name: "Mia".into(), gender: empty.clone(), selfie: empty.clone(), video: empty, tags: vec![] })
}

/// An event that is easily told from others.
pub fn line(number: u64) -> Event {
    Event::Chat { call: CallId(1), from: UserId(1), text: number.to_string(), at: Millis(0) }
}

/// An event of about this many bytes.
pub fn long(bytes: usize) -> Event {
    Event::Chat { call: CallId(1), from: UserId(1), text: "x".repeat(bytes), at: Millis(0) }
}

pub struct World {
    pub gateway: Gateway,
    pub now: Millis,
    /// What the engine was given and the story has not looked at.
    pub inputs: VecDeque<Input>,
    /// What sockets were sent and the story has not looked at.
    sent: BTreeMap<ConnId, VecDeque<ServerMessage>>,
    pub closed: BTreeMap<ConnId, (u16, ServerMessage)>,
    pub pinged: Vec<ConnId>,
    /// Sockets that take bytes and write none.
    pub stalled: BTreeSet<ConnId>,
    /// With bytes that were not reported as written.
    unwritten: BTreeSet<ConnId>,
    conns: u64,
    /// What hellos say of compact descriptions.
    pub sdp: u32,
}

impl World {
    pub fn new(config: Config) -> World {
        World {
            gateway: Gateway::new(config, 100),
            now: Millis(1_000_000),
            inputs: VecDeque::new(),
            sent: BTreeMap::new(),
            closed: BTreeMap::new(),
            pinged: Vec::new(),
            stalled: BTreeSet::new(),
            unwritten: BTreeSet::new(),
            conns: 0,
            sdp: 0,
        }
    }

    pub fn up(&mut self, up: Up) {
        self.gateway.handle_transport(self.now, up);
        self.drain();
    }

    pub fn release(&mut self, output: Output) {
        self.gateway.handle_released(self.now, output);
        self.drain();
    }

    pub fn after(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(at) = self.gateway.poll_timeout().filter(|at| *at <= until) {
            self.gateway.handle_timeout(at);
            self.now = at;
            self.drain();
        }
        self.now = until;
        self.gateway.handle_timeout(until);
        self.drain();
    }

    pub fn drain(&mut self) {
        loop {
            while let Some(outward) = self.gateway.poll_output() {
                match outward {
                    Outward::Engine(input) => self.inputs.push_back(input),
                    Outward::Down(down) => self.obey(down),
                }
            }
            self.gateway.check();
            let Some(conn) = self.unwritten.iter().find(|conn| !self.stalled.contains(conn)).copied() else { break };
            self.unwritten.remove(&conn);
            self.gateway.handle_transport(self.now, Up::Writable { conn });
        }
        assert!(self.gateway.poll_timeout().is_none_or(|at| at > self.now), "progress");
    }

    fn obey(&mut self, down: Down) {
        match down {
            Down::Close { conn, code, last } => {
                let last = read(&last.expect("a closing is always said"));
                assert!(self.closed.insert(conn, (code, last)).is_none(), "closed twice");
            }
            Down::Ping { conn } => self.pinged.push(conn),
            Down::Send { conn, bytes } => {
                assert!(!self.closed.contains_key(&conn), "sent after its close");
                self.unwritten.insert(conn);
                self.sent.entry(conn).or_default().push_back(read(&bytes));
            }
        }
    }

    // What transports and clients do.

    pub fn open(&mut self) -> ConnId {
        self.open_from(0x7f00_0001)
    }

    pub fn open_from(&mut self, address: u128) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.up(Up::Opened { conn, address, form: Form::Postcard, secret: sha256(&self.conns.to_le_bytes()) });
        conn
    }

    pub fn say(&mut self, conn: ConnId, message: &ClientMessage) {
        self.up(Up::Message { conn, bytes: binary::encode_client(message).into() });
    }

    pub fn hello(&mut self, conn: ConnId, resume: Option<Resume>) {
        self.say(conn, &ClientMessage::Hello(Hello { token: "token".into(), client: None, resume, exclusive: false, sdp: self.sdp }));
    }

    pub fn command(&mut self, conn: ConnId, id: u64, command: Command) {
        self.say(conn, &ClientMessage::Command { id, command });
    }

    pub fn cut(&mut self, conn: ConnId) {
        self.up(Up::Closed { conn, clean: false });
    }

    // What the engine says.

    pub fn event(&mut self, to: LinkId, event: LinkEvent) {
        self.release(Output::Event { to, after: FactNo(0), event });
    }

    pub fn numbered(&mut self, to: LinkId, event: Event) {
        self.event(to, LinkEvent::Numbered(event));
    }

    pub fn answered(&mut self, to: LinkId, number: u64, answer: Answer) {
        self.event(to, LinkEvent::Answered { number, answer });
    }

    pub fn welcomed(&mut self, to: LinkId, attach: LinkId) {
        self.welcomed_with(to, attach, State::default());
    }

    pub fn welcomed_with(&mut self, to: LinkId, attach: LinkId, state: State) {
        self.event(to, LinkEvent::Welcomed { attach, welcome: Box::new(Welcomed { user: card(1), last_id: 0, state }) });
    }

    pub fn closing(&mut self, to: LinkId, closing: Closing) {
        self.event(to, LinkEvent::Closing { closing, retry_after: None });
    }

    pub fn view(&mut self, to: LinkId, view: WindowView) {
        self.release(Output::View { to, view });
    }

    pub fn seats(&mut self, call: u64, epoch: u32, seats: [LinkId; 2]) {
        let seats = seats.map(Some);
        self.release(Output::Seats { call: CallId(call), after: FactNo(0), epoch, seats, deadline: Millis(u64::MAX) });
    }

    // What a story looks at.

    pub fn input(&mut self) -> Input {
        self.inputs.pop_front().expect("the engine was given something")
    }

    pub fn attached(&mut self) -> Attach {
        match self.input() {
            Input::Attached(attach) => attach,
            other => panic!("not an attach: {other:?}"),
        }
    }

    pub fn hears(&mut self, conn: ConnId) -> Vec<ServerMessage> {
        self.sent.remove(&conn).unwrap_or_default().into()
    }

    /// The event numbers and texts that a socket was sent, and nothing else may have been.
    pub fn hears_lines(&mut self, conn: ConnId) -> Vec<(u64, String)> {
        let line = |message| match message {
            ServerMessage::Event { seq, event: Event::Chat { text, .. } } => (seq, text),
            other => panic!("not a line: {other:?}"),
        };
        self.hears(conn).into_iter().map(line).collect()
    }

    pub fn hears_views(&mut self, conn: ConnId) -> Vec<View> {
        let view = |message| match message {
            ServerMessage::View(view) => view,
            other => panic!("not a view: {other:?}"),
        };
        self.hears(conn).into_iter().map(view).collect()
    }

    pub fn closing_of(&self, conn: ConnId) -> Option<Closing> {
        let (code, last) = self.closed.get(&conn)?;
        let ServerMessage::Closing { closing, .. } = last else { panic!("not a closing: {last:?}") };
        assert_eq!(closing.number(), *code);
        Some(*closing)
    }

    // Longer steps that many stories begin with.

    /// A new connection.
    pub fn connected(&mut self) -> Client {
        let conn = self.open();
        self.hello(conn, None);
        let link = self.attached().link;
        self.welcomed(link, link);
        let welcome = self.welcome(conn);
        assert!(!welcome.recovered);
        Client { conn, link, token: welcome.resume }
    }

    /// A hello that names a connection, up to the engine.
    pub fn resumes(&mut self, client: &Client, seq: u64) -> (ConnId, Attach) {
        let conn = self.open();
        self.hello(conn, Some(Resume { token: client.token.clone(), seq, window: None }));
        (conn, self.attached())
    }

    pub fn welcome(&mut self, conn: ConnId) -> Welcome {
        match self.sent.get_mut(&conn).and_then(VecDeque::pop_front) {
            Some(ServerMessage::Welcome(welcome)) => *welcome,
            other => panic!("not a welcome: {other:?}"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Client {
    pub conn: ConnId,
    pub link: LinkId,
    pub token: String,
}

pub fn read(bytes: &Bytes) -> ServerMessage {
    binary::decode_server(bytes).expect("the gateway speaks the form of the socket")
}
