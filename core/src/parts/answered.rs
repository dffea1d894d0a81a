//! Answered: the last answers of each client, so that a command said twice has one effect and one answer (CON 5).

use super::{BySlot, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{ClientId, LinkId};
use crate::kit::time::Millis;
use crate::wire::Answer;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Whose numbers they are: a page or process, or a connection that named none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientKey {
    Client(ClientId),
    Link(LinkId),
}

/// What is known of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Answered so.
    Answer(Answer),
    /// Not said before.
    New,
    /// Answered, but the answer is no longer kept.
    Old,
    /// Its answer is being made.
    Pending,
}

#[derive(Clone, Debug)]
struct Client {
    key: ClientKey,
    last_id: u64,
    answers: VecDeque<(u64, Answer)>,
    pending: Vec<u64>,
    /// Dropped with their connection before they were answered: nothing of them is left, and they may be said again.
    dropped: Vec<u64>,
    seen: Millis,
    /// When its rows were read, if they were: `seen` is then that of its last row, and it may have been there until just before.
    loaded: Option<Millis>,
}

/// As many as a client may have unanswered (`docs/protocol.md`, "Commands").
const DROPPED_MAX: usize = 64;

#[derive(Debug)]
pub struct Answered {
    of: BySlot<Vec<Client>>,
    clients_max: u32,
}

impl Answered {
    pub fn new(clients_max: u32) -> Answered {
        Answered { of: BySlot::default(), clients_max: clients_max.max(1) }
    }

    fn client(&self, user: Slot, key: ClientKey) -> Option<&Client> {
        self.of.get(user).iter().find(|client| client.key == key)
    }

    /// The client's record, made if there is none. A client with an id that has to go for it is given back: its rows go too.
    fn client_mut(&mut self, user: Slot, key: ClientKey, now: Millis) -> (&mut Client, Option<ClientId>) {
        let clients = self.of.get_mut(user);
        let mut gone = None;
        let index = match clients.iter().position(|client| client.key == key) {
            Some(index) => index,
            None => {
                if clients.len() >= self.clients_max as usize {
                    let oldest = (0..clients.len()).min_by_key(|i| (clients[*i].seen, clients[*i].key)).expect("not empty");
                    if let ClientKey::Client(id) = clients.remove(oldest).key {
                        gone = Some(id);
                    }
                }
                clients.push(Client {
                    key,
                    last_id: 0,
                    answers: VecDeque::new(),
                    pending: Vec::new(),
                    dropped: Vec::new(),
                    seen: now,
                    loaded: None,
                });
                clients.len() - 1
            }
        };
        clients[index].seen = now;
        (&mut clients[index], gone)
    }

    pub fn last_id(&self, user: Slot, key: ClientKey) -> u64 {
        self.client(user, key).map_or(0, |client| client.last_id)
    }

    pub fn look(&self, user: Slot, key: ClientKey, number: u64) -> Seen {
        let Some(client) = self.client(user, key) else { return Seen::New };
        if let Some((_, answer)) = client.answers.iter().find(|(n, _)| *n == number) {
            return Seen::Answer(answer.clone());
        }
        if client.pending.contains(&number) {
            return Seen::Pending;
        }
        if number <= client.last_id && !client.dropped.contains(&number) { Seen::Old } else { Seen::New }
    }

    /// Its answer waits for rows.
    pub fn wait(&mut self, user: Slot, key: ClientKey, number: u64, now: Millis) -> Option<ClientId> {
        let (client, gone) = self.client_mut(user, key, now);
        client.pending.push(number);
        client.dropped.retain(|n| *n != number);
        client.last_id = client.last_id.max(number);
        gone
    }

    /// It no longer waits.
    pub fn ready(&mut self, user: Slot, key: ClientKey, number: u64) {
        if let Some(client) = self.of.get_mut(user).iter_mut().find(|client| client.key == key) {
            client.pending.retain(|n| *n != number);
        }
    }

    /// The connection that they came over is no more, and they with it.
    pub fn drop_pending(&mut self, user: Slot, key: ClientKey) {
        if let Some(client) = self.of.get_mut(user).iter_mut().find(|client| client.key == key) {
            client.dropped.append(&mut client.pending);
            let too_many = client.dropped.len().saturating_sub(DROPPED_MAX);
            client.dropped.drain(..too_many);
        }
    }

    /// Keeps an answer, at most `keep` of a client. Gives the client that had to be forgotten for it.
    pub fn remember(&mut self, user: Slot, key: ClientKey, number: u64, answer: Answer, keep: u32, now: Millis) -> Option<ClientId> {
        let (client, gone) = self.client_mut(user, key, now);
        client.last_id = client.last_id.max(number);
        client.dropped.retain(|n| *n != number);
        client.answers.push_back((number, answer));
        while client.answers.len() > keep as usize {
            client.answers.pop_front();
        }
        gone
    }

    /// Keeps an answer of `at` that was read from its row.
    pub fn load(&mut self, user: Slot, client: ClientId, number: u64, answer: Answer, keep: u32, (at, now): (Millis, Millis)) {
        let key = ClientKey::Client(client);
        let _ = self.remember(user, key, number, answer, keep, at.min(now));
        self.client_mut(user, key, at.min(now)).0.loaded = Some(now);
    }

    /// The client is there again, or still.
    pub fn touch(&mut self, user: Slot, key: ClientKey, now: Millis) {
        if let Some(client) = self.of.get_mut(user).iter_mut().find(|client| client.key == key) {
            client.seen = now;
        }
    }

    pub fn forget(&mut self, user: Slot, key: ClientKey) {
        self.of.get_mut(user).retain(|client| client.key != key);
    }

    /// Forgets clients of `user` not seen since `before`, but those in `keep`; gives those whose rows go too.
    pub fn forget_unseen(&mut self, user: Slot, before: Millis, keep: impl Fn(ClientKey) -> bool) -> Vec<ClientId> {
        let mut gone = Vec::new();
        if self.of.get(user).is_empty() {
            return gone;
        }
        self.of.get_mut(user).retain(|client| {
            let stays = client.seen.max(client.loaded.unwrap_or_default()) > before || keep(client.key);
            if let (false, ClientKey::Client(id)) = (stays, client.key) {
                gone.push(id);
            }
            stays
        });
        gone
    }

    pub fn leave(&mut self, user: Slot) {
        self.of.take(user);
    }

    pub fn digest(&self, user: Slot, into: &mut Digest) {
        for client in self.of.get(user) {
            match client.key {
                ClientKey::Client(id) => into.number(1).wide(id.0),
                ClientKey::Link(id) => into.number(2).number(id.0),
            };
            into.number(client.last_id).number(client.answers.len() as u64).number(client.pending.len() as u64);
            for number in &client.dropped {
                into.number(*number);
            }
            for (number, answer) in &client.answers {
                into.number(*number).number(u64::from(answer.is_ok()));
            }
        }
    }
}
