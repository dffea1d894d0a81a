//! One device of a person: a small client over raw messages. It knows what it was told, numbers its commands, keeps those that
//! were not answered, and goes on with them after a loss, as the protocol says a client may.

use super::sdk::Sdk;
use super::{Deed, Gossip};
use crate::checks::ear::{Ear, is_numbered};
use crate::choices::Dice;
use bytes::Bytes;
use duologue_core::kit::ids::{CallId, ClientId, InviteId, PairId, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{
    Answer, ClientMessage, Closing, Command, Done, Event, Hello, Resume, ServerMessage, State, Welcome, binary, json,
};
use duologue_transport::Form;
use std::collections::BTreeMap;

/// A call as a device sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InCall {
    pub call: CallId,
    pub epoch: u32,
    pub here: bool,
    pub initiator: bool,
    pub deadline: Millis,
    /// Candidates sent under this epoch.
    pub candidates: u32,
}

/// A device.
#[derive(Debug)]
pub(crate) struct DeviceState {
    pub index: u8,
    pub form: Form,
    pub client: Option<ClientId>,
    pub conn: Option<u64>,
    /// Links that it has opened.
    pub opened: u64,
    /// Wants to be connected.
    pub is_on: bool,
    pub exclusive: bool,
    pub attempt: u32,
    /// What the server asked for when it closed.
    pub retry_ms: u64,
    pub next: u64,
    pub pending: BTreeMap<u64, Command>,
    /// Said and answered not long ago, to be said again.
    pub said: Vec<(u64, Command)>,
    pub ear: Ear,
    /// The real client engine, where this device runs it.
    pub sdk: Option<Box<Sdk>>,
    pub lobby: Option<String>,
    pub rings_in: BTreeMap<InviteId, UserId>,
    pub rings_out: BTreeMap<InviteId, UserId>,
    pub pair: Option<PairId>,
    pub has_ticket: bool,
    pub call: Option<InCall>,
    pub last_call: Option<CallId>,
    pub last_peer: Option<UserId>,
}

impl DeviceState {
    pub(crate) fn new(seed: u64, person: u32, index: u8) -> DeviceState {
        let mut dice = Dice::of(seed, "device", u64::from(person), u64::from(index));
        let form = if dice.percent(50) { Form::Json } else { Form::Postcard };
        let client = dice.percent(85).then(|| ClientId(dice.wide()));
        DeviceState {
            index,
            form,
            client,
            conn: None,
            opened: 0,
            is_on: false,
            exclusive: false,
            attempt: 0,
            retry_ms: 0,
            next: 0,
            pending: BTreeMap::new(),
            said: Vec::new(),
            ear: Ear::default(),
            sdk: None,
            lobby: None,
            rings_in: BTreeMap::new(),
            rings_out: BTreeMap::new(),
            pair: None,
            has_ticket: false,
            call: None,
            last_call: None,
            last_peer: None,
        }
    }

    /// Half of the honest devices run the real client engine.
    pub(crate) fn may_run_sdk(&mut self, token: &str, seed: u64, person: u32) {
        if Sdk::is_for(seed, person, self.index) {
            let client = self.client.unwrap_or(ClientId(u128::from(person) << 8 | u128::from(self.index)));
            self.client = Some(client);
            self.sdk = Some(Box::new(Sdk::new(token, client, self.form, None, seed ^ u64::from(person))));
        }
    }

    /// A page that was loaded anew: it has nothing but, perhaps, its client id.
    pub(crate) fn reload(&mut self, client: Option<ClientId>, token: &str) {
        let seat = self.call.filter(|call| call.here).map(|call| call.call);
        let sdk =
            self.sdk.is_some().then_some(client).flatten().map(|client| Box::new(Sdk::new(token, client, self.form, seat, self.opened)));
        let (next, keeps) = (self.next, client == self.client && client.is_some());
        let ear = if keeps { std::mem::take(&mut self.ear) } else { Ear::default() };
        *self = DeviceState {
            client,
            form: self.form,
            conn: self.conn,
            opened: self.opened,
            is_on: self.is_on,
            ear,
            sdk,
            ..DeviceState::new(0, 0, self.index)
        };
        self.ear.forget();
        self.next = if keeps { next } else { 0 };
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.conn.is_some() && self.ear.is_welcome()
    }

    /// The first message of a link.
    pub(crate) fn hello(&mut self, token: &str) -> Deed {
        let resume = self.ear.resume.clone().map(|token| Resume { token, seq: self.ear.seq, window: self.ear.version });
        let hello = Hello { token: token.into(), client: self.client, resume, exclusive: std::mem::take(&mut self.exclusive), sdp: 0 };
        self.say(&ClientMessage::Hello(hello))
    }

    /// A command with the next number.
    pub(crate) fn command(&mut self, command: Command) -> Deed {
        if self.sdk.is_some() {
            return super::sdk::ask(self.index, command);
        }
        self.next += 1;
        let id = self.next;
        self.pending.insert(id, command.clone());
        self.say(&ClientMessage::Command { id, command })
    }

    /// Any message.
    pub(crate) fn say(&mut self, message: &ClientMessage) -> Deed {
        self.ear.said(message);
        Deed::Send { device: self.index, bytes: encode(self.form, message) }
    }

    /// The link is gone.
    pub(crate) fn lost(&mut self) {
        self.conn = None;
    }

    /// Understands what it is told. Gives what it does at once, without thinking.
    pub(crate) fn hears(&mut self, message: &ServerMessage, gossip: &mut Gossip) -> Vec<Deed> {
        match message {
            ServerMessage::Welcome(welcome) => self.welcome(welcome, gossip),
            ServerMessage::Event { seq, event } => {
                self.event(event, gossip);
                let acknowledges = seq % 3 == 0;
                if acknowledges { vec![self.say(&ClientMessage::Ack { seq: *seq })] } else { Vec::new() }
            }
            ServerMessage::Ok { re, done } => {
                self.answer(*re, &Ok(done.clone()), gossip);
                Vec::new()
            }
            ServerMessage::No { re, reason } => {
                self.answer(*re, &Err(reason.clone()), gossip);
                Vec::new()
            }
            ServerMessage::Closing { closing, retry_after, .. } => {
                self.is_on &= closing.reconnect();
                self.retry_ms = retry_after.map_or(0, |span| span.0);
                if matches!(closing, Closing::BadToken | Closing::ExpiredToken | Closing::Banned | Closing::BadMessage) {
                    self.pending.clear();
                }
                Vec::new()
            }
            ServerMessage::Pong { .. } | ServerMessage::View(_) => Vec::new(),
        }
    }

    fn welcome(&mut self, welcome: &Welcome, gossip: &mut Gossip) -> Vec<Deed> {
        self.attempt = 0;
        Gossip::hear(&mut gossip.resumes, welcome.resume.clone());
        self.take_state(&welcome.state);
        // Numbers go on above whatever the server has seen of this client, which may be more than this page knows.
        self.next = self.next.max(welcome.last_id);
        if self.client.is_none() && !welcome.recovered {
            self.pending.clear();
            self.said.clear();
            self.ear.forget_numbers();
        }
        let again: Vec<(u64, Command)> = self.pending.iter().map(|(id, command)| (*id, command.clone())).collect();
        again.into_iter().map(|(id, command)| self.say(&ClientMessage::Command { id, command })).collect()
    }

    fn take_state(&mut self, state: &State) {
        self.lobby.clone_from(&state.lobby);
        self.rings_in = state.invites.iter().filter(|ring| !ring.out).map(|ring| (ring.invite, ring.card.user)).collect();
        self.rings_out = state.invites.iter().filter(|ring| ring.out).map(|ring| (ring.invite, ring.card.user)).collect();
        self.pair = state.pair.as_ref().map(|pair| pair.pair);
        self.has_ticket = state.ticket.is_some();
        let sent = self.call.map_or(0, |call| call.candidates);
        self.call = state.call.as_ref().map(|call| {
            let started = &call.started;
            let candidates =
                if self.call.is_some_and(|known| known.call == started.call && known.epoch == started.epoch) { sent } else { 0 };
            InCall {
                call: started.call,
                epoch: started.epoch,
                here: started.here,
                initiator: started.initiator,
                deadline: started.deadline,
                candidates,
            }
        });
    }

    fn answer(&mut self, number: u64, answer: &Answer, gossip: &mut Gossip) {
        let Some(command) = self.pending.remove(&number) else { return };
        match (&command, answer) {
            (Command::Join { .. }, Ok(Done::Joined { lobby })) => self.lobby = Some(lobby.clone()),
            (Command::Leave, Ok(_)) => self.lobby = None,
            (Command::Pair { .. }, Ok(_)) => self.has_ticket = true,
            (Command::Unpair, Ok(_)) => self.has_ticket = false,
            (Command::Invite { to, .. }, Ok(Done::Invited { invite, .. })) => {
                self.rings_out.insert(*invite, *to);
                Gossip::hear(&mut gossip.invites, *invite);
            }
            (Command::Rescind { invite } | Command::Decline { invite } | Command::Accept { invite, .. }, _) => {
                self.rings_in.remove(invite);
                self.rings_out.remove(invite);
            }
            (Command::Renegotiate { call }, Ok(Done::Epoch { epoch })) => self.renegotiates(*call, *epoch),
            _ => {}
        }
        if is_numbered(&command) {
            Gossip::hear(&mut self.said, (number, command));
        }
    }

    fn event(&mut self, event: &Event, gossip: &mut Gossip) {
        match event {
            Event::Rang { invite, from, .. } => {
                self.rings_in.insert(*invite, from.user);
                Gossip::hear(&mut gossip.invites, *invite);
            }
            Event::InviteEnded { invite, .. } => {
                self.rings_in.remove(invite);
                self.rings_out.remove(invite);
            }
            Event::CallStarted(started) => {
                self.call = Some(InCall {
                    call: started.call,
                    epoch: started.epoch,
                    here: started.here,
                    initiator: started.initiator,
                    deadline: started.deadline,
                    candidates: 0,
                });
                (self.last_call, self.last_peer, self.pair) = (Some(started.call), Some(started.peer.user), None);
                self.has_ticket = false;
                Gossip::hear(&mut gossip.calls, started.call);
            }
            Event::CallEnded(ended) => self.call = self.call.filter(|call| call.call != ended.call),
            Event::CallMoved { .. } => self.call.iter_mut().for_each(|call| call.here = false),
            Event::CallExtended { deadline, .. } => self.call.iter_mut().for_each(|call| call.deadline = *deadline),
            Event::Renegotiate { call, epoch } => self.renegotiates(*call, *epoch),
            Event::Left { .. } => self.lobby = None,
            Event::Paired(pair) => {
                self.pair = Some(pair.pair);
                Gossip::hear(&mut gossip.pairs, pair.pair);
            }
            Event::PairEnded { waiting, .. } => (self.pair, self.has_ticket) = (None, *waiting),
            Event::Candidates(_)
            | Event::Chat { .. }
            | Event::Description(_)
            | Event::ExtendAsked { .. }
            | Event::InviteExtended { .. }
            | Event::Notified(_)
            | Event::PeerLink { .. }
            | Event::Shared { .. } => {}
        }
    }

    fn renegotiates(&mut self, call: CallId, epoch: u32) {
        if let Some(known) = self.call.as_mut().filter(|known| known.call == call) {
            (known.epoch, known.candidates) = (epoch, 0);
        }
    }
}

/// Writes a message.
pub(crate) fn encode(form: Form, message: &ClientMessage) -> Bytes {
    match form {
        Form::Json | Form::Unknown => json::encode_client(message).into(),
        Form::Postcard => binary::encode_client(message).into(),
    }
}

/// Reads a message that a client has written. What the contract does not allow still has a number, and is answered.
///
/// # Errors
/// The number, where it can be read.
pub(crate) fn decode_own(form: Form, bytes: &[u8]) -> Result<ClientMessage, Option<u64>> {
    match form {
        Form::Json | Form::Unknown => json::decode_client(bytes).map_err(|malformed| malformed.id),
        Form::Postcard => binary::decode_client(bytes).map_err(|malformed| malformed.id),
    }
}

/// Reads a message of the server.
pub(crate) fn decode(form: Form, bytes: &[u8]) -> Option<ServerMessage> {
    match form {
        Form::Json | Form::Unknown => json::decode_server(bytes).ok(),
        Form::Postcard => binary::decode_server(bytes).ok(),
    }
}
