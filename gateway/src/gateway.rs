//! The gateway itself: what it owns, its methods, and how sockets and links end. What happens at a hello stands in `opening`,
//! what clients say in `commands`, what the engine says in `released`, signals in `seats`.

use crate::budget::Budget;
use crate::config::Config;
use crate::encode::encode;
use crate::link::{Full, Link, Silence};
use crate::opening::{Attaching, Gone};
use crate::rates::Rates;
use crate::seats::Seated;
use crate::sockets::{Sockets, Stage};
use crate::tokens::Tokens;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use duologue_core::input::{Input, LinkEnd};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{CallId, LinkId, TokenHash};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::kit::timers::Timers;
use duologue_core::output::Output;
use duologue_core::wire::{Closing, ServerMessage};
use duologue_transport::{ConnId, Down, Up};

/// What a gateway wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outward {
    /// The transport is to do this.
    Down(Down),
    /// The engine is to be given this; in order.
    Engine(Input),
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Open sockets, those that have not said hello included.
    pub connections: u32,
    /// Those that have not said `hello`.
    pub waiting: u32,
    /// Those whose hello is with the engine.
    pub attaching: u32,
    /// Connections that were welcomed, lost ones too.
    pub links: u32,
    /// Those without a socket.
    pub lost: u32,
    /// Bytes that wait for a socket.
    pub queue_bytes: u64,
    /// Bytes kept for resumes.
    pub replay_bytes: u64,
    /// Calls whose signals are relayed.
    pub relays: u32,
    /// How often a `now` came that was earlier than the latest one, and was taken for it: a driver's fault.
    pub clamped: u64,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// The client may be dead.
    Alive(ConnId),
    /// It should have said `hello`.
    Hello(ConnId),
    /// A batch of candidates has waited enough.
    Relay(CallId),
}

/// All connections of one process.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) now: Millis,
    pub(crate) sockets: Sockets,
    /// On the heap, since a node of the map is half empty where ids come in their order.
    pub(crate) links: BTreeMap<LinkId, Box<Link>>,
    /// Hellos that the engine has not answered, by the id that they were given.
    pub(crate) attaching: BTreeMap<LinkId, Attaching>,
    /// What the engine was told of hellos and connections that never came to be a link here.
    pub(crate) gone: BTreeMap<LinkId, Gone>,
    pub(crate) tokens: Tokens,
    pub(crate) rates: Rates,
    pub(crate) budget: Budget,
    pub(crate) relays: BTreeMap<CallId, Seated>,
    pub(crate) timers: Timers<Due>,
    /// Who comes is closed with this: the process stops.
    pub(crate) stopping: Option<Closing>,
    pub(crate) next_link: u64,
    /// Inputs that the engine was given: tells which of two was first.
    pub(crate) inputs: u64,
    pub(crate) out: VecDeque<Outward>,
    clamped: u64,
}

impl Gateway {
    /// A gateway without connections. Link ids count up from `first_link`, which no other gateway of the realm may have used.
    pub fn new(config: Config, first_link: u64) -> Gateway {
        Gateway {
            config,
            now: Millis::default(),
            sockets: Sockets::default(),
            links: BTreeMap::new(),
            attaching: BTreeMap::new(),
            gone: BTreeMap::new(),
            tokens: Tokens::default(),
            rates: Rates::default(),
            budget: Budget::default(),
            relays: BTreeMap::new(),
            timers: Timers::default(),
            stopping: None,
            next_link: first_link,
            inputs: 0,
            out: VecDeque::new(),
            clamped: 0,
        }
    }

    /// What a transport tells. A connection that is not open (any more) is ignored.
    pub fn handle_transport(&mut self, now: Millis, up: Up) {
        self.handle_timeout(now);
        match up {
            Up::Closed { conn, clean } => self.closed(conn, if clean { LinkEnd::Left } else { LinkEnd::Lost }),
            Up::Heard { conn } => self.heard(conn),
            Up::Message { conn, bytes } => {
                self.heard(conn);
                self.message(conn, bytes);
            }
            Up::Opened { conn, address, form, secret } => self.opened(conn, address, form, secret),
            Up::Writable { conn } => self.writable(conn),
            Up::WrongFrame { conn } => self.close(conn, Closing::BadMessage, None, Some("not a frame of this form, or too large")),
        }
    }

    /// What Commit releases: `Event`, `View`, `Seats`, `Unseat`, `Forget`. The others are not for gateways and are ignored, as is
    /// what is said to a link that is not here.
    pub fn handle_released(&mut self, now: Millis, output: Output) {
        self.handle_timeout(now);
        self.released(output);
    }

    /// Runs every deadline up to and at `now`, each at its own instant.
    pub fn handle_timeout(&mut self, now: Millis) {
        if now < self.now {
            self.clamped += 1;
            return;
        }
        while let Some((at, due)) = self.timers.take_due(now) {
            self.now = self.now.max(at);
            match due {
                Due::Alive(conn) => self.look_alive(conn),
                Due::Hello(conn) => self.close(conn, Closing::NoHello, None, None),
                Due::Relay(call) => self.relay_due(call),
            }
        }
        self.now = now;
    }

    /// The process did not run for this long, up to `now` (a machine asleep, a stopped process): what clients said meanwhile waits
    /// unread, and nobody was pinged. To be told before anything else of this turn. Whoever would be dead, or late with a hello,
    /// is asked first and gets the time that one always has (CON 6, 10). A stall that leaves half of the time to answer a ping
    /// changes nothing.
    pub fn handle_stall(&mut self, now: Millis, stalled: Span) {
        let (ping, dead, hello) = (self.config.ping, self.config.dead, self.config.hello);
        let to_answer = if ping < dead { dead.0 - ping.0 } else { dead.0 };
        let shortest = to_answer.min(hello.0);
        if now < self.now || stalled.0 <= shortest / 2 {
            return;
        }
        let open: Vec<ConnId> = self.sockets.iter().map(|(conn, _)| conn).collect();
        for conn in open {
            let socket = self.sockets.get_mut(conn).expect("just listed");
            if socket.stage == Stage::Waiting {
                self.timers.set(Due::Hello(conn), now + hello);
            } else if socket.life.forgive(now, ping, dead) {
                let look = socket.life.first_look(ping, dead);
                self.timers.set(Due::Alive(conn), look);
            }
        }
    }

    /// The next thing to be done, in the order in which it must be: a word for the transport, or an input for the engine. None: all
    /// is done.
    pub fn poll_output(&mut self) -> Option<Outward> {
        self.out.pop_front()
    }

    /// When `handle_timeout` wants to be called next, in realm time; the present while something is to be done. None: never, until
    /// something happens.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if !self.out.is_empty() {
            return Some(self.now);
        }
        self.timers.first().map(|(at, _)| at)
    }

    /// A new engine has the realm and has heard of nobody. Every link is attached again, with what it wants; once let in, its
    /// unanswered commands follow in order. Inputs for the engine before that were not polled yet are dropped. Links without a
    /// socket and relays are dropped: their clients come back as to a restarted server.
    pub fn reattach(&mut self, now: Millis) {
        self.handle_timeout(now);
        self.out.retain(|outward| matches!(outward, Outward::Down(_)));
        self.gone.clear();
        for call in core::mem::take(&mut self.relays).into_keys() {
            self.timers.cancel(Due::Relay(call));
        }
        let lost: Vec<LinkId> = self.links.iter().filter(|(_, link)| link.conn.is_none()).map(|(id, _)| *id).collect();
        for id in lost {
            self.drop_link(id);
        }
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for id in links {
            let link = self.links.get_mut(&id).expect("just listed");
            (link.known, link.signal_bytes) = (false, 0);
            self.budget.note(id, link.bytes());
            let attach = link.attach(id);
            self.tell_engine(Input::Attached(attach));
        }
        self.attach_hellos_again();
    }

    /// The session over which a link came: who is to blame for what it says.
    pub fn session(&self, link: LinkId) -> Option<TokenHash> {
        self.links.get(&link).map(|link| link.who.session)
    }

    /// Says `closing` to everybody and closes; who comes after is closed at once.
    pub fn close_all(&mut self, now: Millis, closing: Closing) {
        self.handle_timeout(now);
        self.stopping = Some(closing);
        let open: Vec<ConnId> = self.sockets.iter().map(|(conn, _)| conn).collect();
        for conn in open {
            self.write_out(conn);
            self.close(conn, closing, None, None);
        }
    }

    /// How much of everything there is.
    pub fn usage(&self) -> Usage {
        Usage {
            connections: self.sockets.len() as u32,
            waiting: self.sockets.waiting(),
            attaching: self.attaching.len() as u32,
            links: self.links.len() as u32,
            lost: self.links.values().filter(|link| link.conn.is_none()).count() as u32,
            queue_bytes: self.links.values().map(|link| link.queue.bytes() as u64 + u64::from(link.signal_bytes)).sum(),
            replay_bytes: self.links.values().map(|link| link.sequence.bytes() as u64).sum(),
            relays: self.relays.len() as u32,
            clamped: self.clamped,
        }
    }

    /// Of the whole state: two gateways that were told the same have the same.
    pub fn state_digest(&self) -> u128 {
        let mut digest = Digest::default();
        digest.number(self.now.0).number(self.next_link).number(self.inputs).number(self.out.len() as u64);
        for (conn, socket) in self.sockets.iter() {
            let (stage, link) = match socket.stage {
                Stage::Attaching(link) => (1, link.0),
                Stage::Linked(link) => (2, link.0),
                Stage::Waiting => (3, 0),
            };
            digest.number(conn.0).number(stage).number(link);
        }
        for (id, link) in &self.links {
            digest.number(id.0).number(self.budget.of(*id));
            link.digest(&mut digest);
        }
        for (id, attaching) in &self.attaching {
            digest.number(id.0);
            attaching.digest(&mut digest);
        }
        for (id, gone) in &self.gone {
            digest.number(id.0).number(gone.why as u64).number(gone.told);
        }
        for (call, seated) in &self.relays {
            digest.number(call.0);
            seated.digest(&mut digest);
        }
        self.rates.digest(&mut digest);
        for (at, _) in self.timers.iter() {
            digest.number(at.0);
        }
        digest.finish()
    }

    pub(crate) fn tell_engine(&mut self, input: Input) {
        self.inputs += 1;
        self.out.push_back(Outward::Engine(input));
    }

    pub(crate) fn tell_transport(&mut self, down: Down) {
        self.out.push_back(Outward::Down(down));
    }

    /// Puts a message into a link's queue, if it has a socket, and gives the transport what it may have.
    pub(crate) fn send(&mut self, id: LinkId, message: Bytes) {
        let limit = self.config.out_bytes as usize;
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Some(conn) = link.conn {
            let Err(Full) = link.queue.push(message, limit) else { return self.flush(id) };
            self.close(conn, Closing::SlowConsumer, None, None);
            // The message may be one that is kept for the resume.
            self.keep_to_budget();
        }
    }

    /// Gives the transport what it may have of a link: events first, then what changed in its views.
    pub(crate) fn flush(&mut self, id: LinkId) {
        let limit = self.config.out_bytes as usize;
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Some(conn) = link.conn {
            while let Some(bytes) = link.queue.next(limit) {
                self.out.push_back(Outward::Down(Down::Send { conn, bytes }));
            }
            while link.signal_bytes == 0 && link.queue.has_room_for_view(limit) {
                let Some(bytes) = link.views.next(link.form) else { break };
                link.queue.sent_view(bytes.len());
                self.out.push_back(Outward::Down(Down::Send { conn, bytes }));
            }
        }
        self.budget.note(id, link.bytes());
        self.keep_to_budget();
    }

    /// CON 4, 7: beyond the bytes of all links the largest pays: who does not read is closed, what is kept for a resume goes.
    fn keep_to_budget(&mut self) {
        while self.budget.total() > self.config.total_bytes {
            let largest = self.budget.largest().expect("somebody holds what is too much");
            let link = self.links.get_mut(&largest).expect("who holds bytes is a link");
            match link.conn.filter(|_| link.queue.bytes() > 0 || link.signal_bytes > 0) {
                Some(conn) => self.close(conn, Closing::SlowConsumer, None, None),
                None => {
                    link.sequence.free();
                    self.budget.note(largest, link.bytes());
                }
            }
        }
    }

    /// Says why, closes, and draws the consequences: a grace where the client is to come back, none where it is not.
    pub(crate) fn close(&mut self, conn: ConnId, closing: Closing, retry_after: Option<Span>, why: Option<&str>) {
        let Some(stage) = self.say_closing(conn, closing, retry_after, why.map(String::from)) else { return };
        self.without_socket(stage, if closing.reconnect() { LinkEnd::Lost } else { LinkEnd::Left });
    }

    /// Says why and closes; what becomes of its link is for the caller to say.
    pub(crate) fn say_closing(&mut self, conn: ConnId, closing: Closing, retry_after: Option<Span>, why: Option<String>) -> Option<Stage> {
        let socket = self.sockets.remove(conn)?;
        self.cancel(conn);
        let last = encode(socket.form, &ServerMessage::Closing { closing, retry_after, why });
        self.tell_transport(Down::Close { conn, code: closing.number(), last: Some(last) });
        Some(socket.stage)
    }

    /// Hands over all that waits for a socket that is about to be closed: what happened before the close is told before it.
    pub(crate) fn write_out(&mut self, conn: ConnId) {
        let Some(Stage::Linked(id)) = self.sockets.get(conn).map(|socket| socket.stage) else { return };
        let link = self.links.get_mut(&id).expect("a linked socket has its link");
        for bytes in link.queue.take_all() {
            self.out.push_back(Outward::Down(Down::Send { conn, bytes }));
        }
    }

    /// A link goes on without a socket, until the engine forgets it.
    pub(crate) fn lose(&mut self, id: LinkId) {
        let link = self.links.get_mut(&id).expect("only links are lost");
        link.conn = None;
        link.queue.clear();
        link.sequence.lose();
        self.budget.note(id, link.bytes());
        self.signals_on(id);
    }

    /// A link is no more.
    pub(crate) fn drop_link(&mut self, id: LinkId) {
        let Some(link) = self.links.remove(&id) else { return };
        assert_eq!(link.conn, None, "its socket is closed first");
        self.tokens.remove(Some(link.tokens.newest));
        self.tokens.remove(link.tokens.previous);
        self.rates.leave(link.who.user);
        self.budget.note(id, 0);
    }

    fn closed(&mut self, conn: ConnId, why: LinkEnd) {
        let Some(socket) = self.sockets.remove(conn) else { return };
        self.cancel(conn);
        self.without_socket(socket.stage, why);
    }

    /// A socket is gone: its hello, or its link, has to do without.
    fn without_socket(&mut self, stage: Stage, why: LinkEnd) {
        match stage {
            Stage::Waiting => {}
            Stage::Attaching(id) => self.hello_without_socket(id, why),
            Stage::Linked(id) => {
                self.lose(id);
                self.tell_engine(Input::Detached { link: id, why });
                let link = self.links.get_mut(&id).expect("just lost");
                link.detached = self.inputs;
                // The new engine has not let it in, so it will not say when to forget it.
                if !link.known {
                    self.drop_link(id);
                }
            }
        }
    }

    fn cancel(&mut self, conn: ConnId) {
        self.timers.cancel(Due::Alive(conn));
        self.timers.cancel(Due::Hello(conn));
    }

    fn writable(&mut self, conn: ConnId) {
        let Some(Stage::Linked(id)) = self.sockets.get(conn).map(|socket| socket.stage) else { return };
        self.links.get_mut(&id).expect("a linked socket has its link").queue.written();
        self.flush(id);
        self.signals_on(id);
    }

    fn heard(&mut self, conn: ConnId) {
        let now = self.now;
        if let Some(socket) = self.sockets.get_mut(conn) {
            socket.life.heard(now);
        }
    }

    fn look_alive(&mut self, conn: ConnId) {
        let (now, ping, dead) = (self.now, self.config.ping, self.config.dead);
        let Some(socket) = self.sockets.get_mut(conn) else { return };
        match socket.life.look(now, ping, dead) {
            Silence::Ask(again) => {
                self.timers.set(Due::Alive(conn), again);
                self.tell_transport(Down::Ping { conn });
            }
            Silence::Dead => self.close(conn, Closing::Timeout, None, None),
            Silence::Wait(again) => self.timers.set(Due::Alive(conn), again),
        }
    }
}
