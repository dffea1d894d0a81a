//! From an open socket to a connection (CON 4, 8, 10). The engine decides who a hello is: a new connection, one that goes on, or
//! nobody. Meanwhile the socket may vanish, and so may the connection that it wants to take over; the answer says which link the
//! socket carries, and is checked against what the engine was told after it was asked.

use crate::encode::{decode, encode};
use crate::gateway::{Due, Gateway};
use crate::link::{Link, Liveness, Queue, Rings, Sequence, Unanswered, Views, Who};
use crate::sockets::{Socket, Stage};
use crate::tokens::{Pair, Print, mint};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;
use duologue_core::input::{Address, Attach, Input, Intents, LinkEnd};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{LinkId, TokenHash};
use duologue_core::kit::time::Span;
use duologue_core::output::Welcomed;
use duologue_core::wire::{ClientMessage, Closing, Event, HELLO_MAX_BYTES, Hello, Reason, ServerMessage, State, Welcome, Why};
use duologue_transport::{ConnId, Form};

/// Messages that may wait for a welcome, and their bytes.
const HELD_MAX: usize = 64;
const HELD_MAX_BYTES: usize = 16 * 1024;
/// Hellos without a socket that are remembered until the engine forgets them; beyond it the oldest counts as lost.
const GONE_MAX: usize = 16 * 1024;

/// A hello that is with the engine.
#[derive(Debug)]
pub(crate) struct Attaching {
    pub conn: ConnId,
    /// As the engine was asked.
    pub attach: Attach,
    /// The how-manieth input that was.
    pub asked: u64,
    /// The link that its resume token names, and the token.
    pub named: Option<(LinkId, Print)>,
    /// The newest event that the client has seen of that link.
    pub seq: u64,
    /// The window that the client has seen of that link.
    pub window: Option<u64>,
    /// The version of compact descriptions that it reads.
    pub sdp: u32,
    /// What it said meanwhile.
    pub held: Vec<Bytes>,
}

/// A hello whose socket went before the answer, or the connection that it was to begin.
#[derive(Debug)]
pub(crate) struct Gone {
    pub why: LinkEnd,
    /// The how-manieth input said so.
    pub told: u64,
}

impl Attaching {
    fn held_bytes(&self) -> usize {
        self.held.iter().map(Bytes::len).sum()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(self.conn.0).number(self.asked).number(self.seq).number(self.held.len() as u64);
    }
}

impl Gateway {
    /// A socket is there.
    pub(crate) fn opened(&mut self, conn: ConnId, address: u128, form: Form, secret: [u8; 32]) {
        if self.sockets.get(conn).is_some() {
            return;
        }
        let (now, address) = (self.now, Address(address));
        let is_crowded = !self.sockets.may_wait(address, self.config.waiting_max, self.config.waiting_per_address);
        // CON 3, 4: a resume is never refused, and there are as many as there are links: that many may still say who they are.
        let may_wait = !is_crowded || (self.sockets.crowded() as usize) < self.links.len();
        let life = Liveness::new(now);
        self.sockets.insert(conn, Socket { address, form, secret, minted: 0, stage: Stage::Waiting, is_crowded, life });
        self.timers.set(Due::Hello(conn), now + self.config.hello);
        if let Some(closing) = self.stopping {
            self.close(conn, closing, None, None);
        } else if form == Form::Unknown {
            self.close(conn, Closing::Unsupported, None, None);
        } else if !may_wait {
            self.close(conn, Closing::AtCapacity, Some(jitter(&secret)), None);
        }
    }

    /// A socket's first message.
    pub(crate) fn first_message(&mut self, conn: ConnId, form: Form, bytes: &Bytes) {
        if bytes.len() > HELLO_MAX_BYTES {
            return self.close(conn, Closing::BadMessage, None, Some("a hello has at most 4 KiB"));
        }
        match decode(form, bytes) {
            Ok(ClientMessage::Hello(hello)) => self.hello(conn, hello),
            Ok(ClientMessage::Ack { .. } | ClientMessage::Command { .. } | ClientMessage::Ping) => {
                self.close(conn, Closing::NoHello, None, None);
            }
            Err(malformed) if malformed.is_json && !malformed.is_hello => self.close(conn, Closing::NoHello, None, None),
            Err(malformed) => self.close_misunderstood(conn, &malformed.reason),
        }
    }

    /// A message between hello and welcome: held, bounded.
    pub(crate) fn hold(&mut self, conn: ConnId, id: LinkId, bytes: Bytes) {
        let attaching = self.attaching.get_mut(&id).expect("an attaching socket has its hello");
        let fits = attaching.held.len() < HELD_MAX && attaching.held_bytes() + bytes.len() <= HELD_MAX_BYTES;
        if !fits || bytes.len() > HELLO_MAX_BYTES {
            return self.close(conn, Closing::BadMessage, None, Some("too much before welcome"));
        }
        attaching.held.push(bytes);
    }

    pub(crate) fn close_misunderstood(&mut self, conn: ConnId, reason: &Reason) {
        match reason {
            Reason::BadMessage { why, .. } => self.close(conn, Closing::BadMessage, None, Some(why)),
            _ => self.close(conn, Closing::BadMessage, None, None),
        }
    }

    fn hello(&mut self, conn: ConnId, hello: Hello) {
        let sha256 = self.config.sha256;
        let socket = self.sockets.get(conn).expect("it has just spoken");
        let (address, is_crowded, secret) = (socket.address, socket.is_crowded, socket.secret);
        let print = hello.resume.as_ref().map(|resume| sha256(resume.token.as_bytes()));
        let named = print.and_then(|print| Some((self.tokens.link(&print)?, print)));
        if is_crowded && named.is_none() {
            return self.close(conn, Closing::AtCapacity, Some(jitter(&secret)), None);
        }
        let attach = Attach {
            link: self.mint_link(),
            takes: named.map(|(link, _)| link),
            session: TokenHash(sha256(hello.token.as_bytes())),
            client: hello.client,
            address,
            exclusive: hello.exclusive,
            intents: Intents::default(),
        };
        let (seq, window) = hello.resume.map_or((0, None), |resume| (resume.seq, resume.window));
        self.timers.cancel(Due::Hello(conn));
        let look = Liveness::new(self.now).first_look(self.config.ping, self.config.dead);
        self.timers.set(Due::Alive(conn), look);
        self.ask(Attaching { conn, attach, asked: 0, named, seq, window, sdp: hello.sdp, held: Vec::new() });
    }

    /// Asks the engine who a hello is.
    fn ask(&mut self, mut attaching: Attaching) {
        let id = attaching.attach.link;
        self.tell_engine(Input::Attached(attaching.attach.clone()));
        attaching.asked = self.inputs;
        self.sockets.advance(attaching.conn, Stage::Attaching(id));
        self.attaching.insert(id, attaching);
    }

    /// A new engine has not heard of the hellos that wait either.
    pub(crate) fn attach_hellos_again(&mut self) {
        for (_, attaching) in core::mem::take(&mut self.attaching) {
            self.ask(attaching);
        }
    }

    /// A hello's socket has gone before the answer.
    pub(crate) fn hello_without_socket(&mut self, id: LinkId, why: LinkEnd) {
        self.attaching.remove(&id).expect("an attaching socket has its hello");
        self.tell_gone(id, why);
    }

    /// Tells the engine that a connection has lost its socket, and remembers when.
    fn tell_gone(&mut self, id: LinkId, why: LinkEnd) {
        self.tell_engine(Input::Detached { link: id, why });
        let told = self.inputs;
        if let Some(link) = self.links.get_mut(&id) {
            link.detached = told;
            return;
        }
        self.gone.insert(id, Gone { why, told });
        if self.gone.len() > GONE_MAX {
            self.gone.pop_first();
        }
    }

    /// The how-manieth input told of this connection's last loss.
    fn told_gone(&self, id: LinkId) -> u64 {
        match self.links.get(&id) {
            Some(link) => link.detached,
            None => self.gone.get(&id).map_or(0, |gone| gone.told),
        }
    }

    /// The engine has let a hello in: from now on its socket carries the link `to`.
    pub(crate) fn welcomed(&mut self, to: LinkId, attach: LinkId, welcome: Welcomed) {
        let Some(attaching) = self.attaching.remove(&attach) else {
            return match self.links.get(&to).is_some_and(|link| to == attach && !link.known) {
                true => self.reattached(to, &welcome.state),
                false => self.welcomed_too_late(to, attach),
            };
        };
        if self.told_gone(to) > attaching.asked {
            return self.ask_again(to, attaching);
        }
        let (conn, held) = (attaching.conn, attaching.held.clone());
        self.seat_socket(to, attaching, welcome);
        for bytes in held {
            if self.sockets.get(conn).is_some() {
                self.message(conn, bytes);
            }
        }
    }

    /// After it was asked, the engine was told that the connection which this hello takes over has lost its socket; it took that
    /// for news about the new one. The same hello again puts it right, and says what became of the connection meanwhile.
    fn ask_again(&mut self, to: LinkId, mut attaching: Attaching) {
        attaching.attach.link = self.mint_link();
        attaching.attach.takes = Some(to);
        self.ask(attaching);
    }

    /// The socket is gone. Of a connection of its own the engine was told so already, and will say when to forget it; of one that
    /// it took over it was not.
    fn welcomed_too_late(&mut self, to: LinkId, attach: LinkId) {
        if to == attach {
            return;
        }
        let why = self.gone.remove(&attach).map_or(LinkEnd::Lost, |gone| gone.why);
        if let Some(old) = self.links.get_mut(&to).and_then(|link| link.conn) {
            self.say_closing(old, Closing::Superseded, None, None);
            self.lose(to);
        }
        self.tell_gone(to, why);
    }

    /// Gives a socket its link, and says welcome.
    fn seat_socket(&mut self, to: LinkId, attaching: Attaching, welcome: Welcomed) {
        let conn = attaching.conn;
        let socket = self.sockets.get_mut(conn).expect("an attaching hello has its socket");
        let form = socket.form;
        let minted = mint(self.config.sha256, &socket.secret, socket.minted);
        socket.minted += 1;
        self.sockets.advance(conn, Stage::Linked(to));
        self.tokens.add(minted.print, to);
        let shown = attaching.named.filter(|(link, _)| *link == to).map(|(_, print)| print);
        let was_here = self.links.contains_key(&to);
        if was_here {
            self.take_over(to, &attaching.attach, &welcome, minted.print, shown);
        } else {
            self.begin(to, form, &attaching.attach, &welcome, minted.print);
        }

        let link = self.links.get_mut(&to).expect("taken over or begun");
        let is_alike = link.form == form && link.sdp == attaching.sdp;
        let recovered = was_here && shown.is_some() && is_alike && link.sequence.can_replay(attaching.seq);
        let seq = if recovered { attaching.seq } else { link.sequence.newest() };
        (link.conn, link.form, link.sdp, link.known, link.welcomed_at) = (Some(conn), form, attaching.sdp, true, seq);
        link.views.welcome(attaching.window.filter(|_| shown.is_some()));
        link.learn(&welcome.state);
        let message = ServerMessage::Welcome(Box::new(Welcome {
            user: welcome.user,
            resume: minted.text,
            recovered,
            now: self.now,
            seq,
            last_id: welcome.last_id,
            grace: self.config.grace,
            media_base: self.config.media_base.clone(),
            state: welcome.state,
        }));
        link.queue.push_kept(encode(form, &message));
        if recovered {
            for missed in link.sequence.replay(seq) {
                link.queue.push_kept(missed);
            }
        } else {
            link.sequence.restart();
            if to != attaching.attach.link {
                self.tell_engine(Input::ReplayLost { link: to });
            }
        }
        self.flush(to);
        self.signals_on(to);
    }

    /// An existing link changes its socket.
    fn take_over(&mut self, to: LinkId, attach: &Attach, welcome: &Welcomed, newest: Print, shown: Option<Print>) {
        let link = self.links.get_mut(&to).expect("asked before");
        let old = link.conn.take();
        link.queue.clear();
        let user_before = link.who.user;
        link.who =
            Who { user: welcome.user.user, session: attach.session, client: attach.client.or(link.who.client), address: attach.address };
        let user = link.who.user;
        for worthless in link.tokens.renew(newest, shown) {
            self.tokens.remove(worthless);
        }
        self.rates.enter(user);
        self.rates.leave(user_before);
        if let Some(old) = old {
            self.say_closing(old, Closing::Superseded, None, None);
        }
    }

    /// A new link.
    fn begin(&mut self, to: LinkId, form: Form, attach: &Attach, welcome: &Welcomed, newest: Print) {
        let who = Who { user: welcome.user.user, session: attach.session, client: attach.client, address: attach.address };
        self.rates.enter(who.user);
        self.gone.remove(&to);
        let link = Link {
            who,
            conn: None,
            form,
            sdp: 0,
            known: true,
            detached: 0,
            tokens: Pair { newest, previous: None },
            welcomed_at: 0,
            sequence: Sequence::default(),
            queue: Queue::default(),
            signal_bytes: 0,
            views: Views::default(),
            unanswered: Unanswered::default(),
            intents: Intents::default(),
            rings: Rings::default(),
        };
        self.links.insert(to, Box::new(link));
    }

    /// A new engine has let a link in again. Its client hears nothing of that but the rings that no longer are.
    fn reattached(&mut self, id: LinkId, state: &State) {
        let link = self.links.get_mut(&id).expect("asked before");
        link.known = true;
        // Rare: the call of an engine that panicked three times. Its client is to read the whole state.
        let lost_its_call = link.rings.has_lost_its_call(state);
        let mut ends = link.rings.compare(state);
        if let Some(lobby) = link.intents.lobby.clone().filter(|lobby| state.lobby.as_ref() != Some(lobby)) {
            ends.push(Event::Left { lobby, why: Why::Operator });
        }
        link.learn(state);
        let waiting: Vec<_> = link.unanswered.iter().cloned().collect();
        for end in ends {
            self.number(id, end);
        }
        for command in waiting {
            self.tell_engine(Input::Command { link: id, number: command.number, command: command.command });
        }
        if lost_its_call && let Some(link) = self.links.get_mut(&id) {
            link.sequence.spoil();
            self.budget.note(id, link.bytes());
            if let Some(conn) = link.conn {
                self.close(conn, Closing::Internal, None, None);
            }
        }
    }

    fn mint_link(&mut self) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        id
    }
}

impl Link {
    /// Takes over what a welcome says.
    fn learn(&mut self, state: &State) {
        self.rings.welcomed(state);
        self.intents.lobby.clone_from(&state.lobby);
        if state.window.is_none() {
            self.intents.window = None;
        }
        self.intents.seat = state.call.as_ref().filter(|call| call.started.here).map(|call| call.started.call);
    }
}

/// Between 1 and 30 s, from bits that nobody else has.
fn jitter(secret: &[u8; 32]) -> Span {
    let draw = secret.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Span(1_000 + draw % 29_001)
}
