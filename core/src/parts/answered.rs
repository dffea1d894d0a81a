//! Answered: the last answers of each client, so that a command said twice has one effect and one answer (CON 5).

use super::{BySlot, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{ClientId, LinkId};
use crate::kit::time::Millis;
use crate::wire::Answer;
use alloc::boxed::Box;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// Whose numbers they are: a page or process, or a connection that named none. In few bytes, for one is kept for nearly everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    is_link: bool,
    id: [u8; 16],
}

impl ClientKey {
    pub fn of_client(client: ClientId) -> ClientKey {
        ClientKey { is_link: false, id: client.0.to_be_bytes() }
    }

    pub fn of_link(link: LinkId) -> ClientKey {
        ClientKey { is_link: true, id: u128::from(link.0).to_be_bytes() }
    }

    /// The client, if it named itself.
    pub fn client(self) -> Option<ClientId> {
        (!self.is_link).then(|| ClientId(u128::from_be_bytes(self.id)))
    }
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

/// Answers in the order in which they were given, written as on the wire: most have two to ten bytes, and there are up to [64] a
/// client. Each is its length, its number and what was answered.
#[derive(Clone, Debug, Default)]
struct Kept {
    bytes: SmallVec<[u8; 24]>,
    count: u32,
}

/// From this length on an answer's length is told in four more bytes.
const LONG: u8 = u8::MAX;

impl Kept {
    fn push(&mut self, number: u64, answer: &Answer) {
        let begin = self.bytes.len();
        let mut bytes = core::mem::take(&mut self.bytes);
        bytes.push(0);
        bytes = postcard::to_extend(&(number, answer), bytes).expect("wire types hold nothing that postcard cannot write");
        let length = bytes.len() - begin - 1;
        match u8::try_from(length) {
            Ok(short) if short < LONG => bytes[begin] = short,
            _ => {
                bytes[begin] = LONG;
                bytes.insert_from_slice(begin + 1, &(length as u32).to_le_bytes());
            }
        }
        self.bytes = bytes;
        self.count += 1;
    }

    /// Where the answer that begins at `at` stands, without its length.
    fn range(&self, at: usize) -> core::ops::Range<usize> {
        match self.bytes[at] {
            LONG => {
                let length = self.bytes[at + 1..at + 5].try_into().map(u32::from_le_bytes).expect("four bytes");
                at + 5..at + 5 + length as usize
            }
            short => at + 1..at + 1 + usize::from(short),
        }
    }

    fn pop_oldest(&mut self) {
        let end = self.range(0).end;
        self.bytes.drain(..end);
        self.count -= 1;
    }

    fn find(&self, number: u64) -> Option<Answer> {
        let mut at = 0;
        while at < self.bytes.len() {
            let range = self.range(at);
            let (found, rest) = postcard::take_from_bytes::<u64>(&self.bytes[range.clone()]).expect("as written");
            if found == number {
                return Some(postcard::from_bytes(rest).expect("as written"));
            }
            at = range.end;
        }
        None
    }
}

/// Numbers without an answer; most clients have none.
#[derive(Clone, Debug, Default)]
struct Unanswered {
    pending: Vec<u64>,
    /// Dropped with their connection before they were answered: nothing of them is left, and they may be said again.
    dropped: Vec<u64>,
}

#[derive(Clone, Debug)]
struct Client {
    key: ClientKey,
    last_id: u64,
    seen: Millis,
    answers: Kept,
    unanswered: Option<Box<Unanswered>>,
    /// When its rows were read, if they were: `seen` is then that of its last row, and it may have been there until just before.
    loaded: Millis,
}

impl Client {
    fn new(key: ClientKey, now: Millis) -> Client {
        Client { key, last_id: 0, seen: now, answers: Kept::default(), unanswered: None, loaded: Millis::default() }
    }

    fn pending(&self) -> &[u64] {
        self.unanswered.as_ref().map_or(&[], |unanswered| &unanswered.pending)
    }

    fn dropped(&self) -> &[u64] {
        self.unanswered.as_ref().map_or(&[], |unanswered| &unanswered.dropped)
    }

    fn change_unanswered(&mut self, change: impl FnOnce(&mut Unanswered)) {
        if let Some(unanswered) = &mut self.unanswered {
            change(unanswered);
            if unanswered.pending.is_empty() && unanswered.dropped.is_empty() {
                self.unanswered = None;
            }
        }
    }
}

/// As many as a client may have unanswered (`docs/protocol.md`, "Commands").
const DROPPED_MAX: usize = 64;

#[derive(Debug)]
pub struct Answered {
    /// Most have one.
    of: BySlot<SmallVec<[Client; 1]>>,
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
                    gone = clients.remove(oldest).key.client();
                }
                clients.push(Client::new(key, now));
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
        if number > client.last_id {
            return Seen::New;
        }
        if let Some(answer) = client.answers.find(number) {
            return Seen::Answer(answer);
        }
        if client.pending().contains(&number) {
            return Seen::Pending;
        }
        if client.dropped().contains(&number) { Seen::New } else { Seen::Old }
    }

    /// Its answer waits for rows.
    pub fn wait(&mut self, user: Slot, key: ClientKey, number: u64, now: Millis) -> Option<ClientId> {
        let (client, gone) = self.client_mut(user, key, now);
        let unanswered = client.unanswered.get_or_insert_default();
        unanswered.pending.push(number);
        unanswered.dropped.retain(|n| *n != number);
        client.last_id = client.last_id.max(number);
        gone
    }

    /// It no longer waits.
    pub fn ready(&mut self, user: Slot, key: ClientKey, number: u64) {
        if let Some(client) = self.of.get_mut(user).iter_mut().find(|client| client.key == key) {
            client.change_unanswered(|unanswered| unanswered.pending.retain(|n| *n != number));
        }
    }

    /// The connection that they came over is no more, and they with it.
    pub fn drop_pending(&mut self, user: Slot, key: ClientKey) {
        if let Some(client) = self.of.get_mut(user).iter_mut().find(|client| client.key == key) {
            client.change_unanswered(|Unanswered { pending, dropped }| {
                dropped.append(pending);
                let too_many = dropped.len().saturating_sub(DROPPED_MAX);
                dropped.drain(..too_many);
            });
        }
    }

    /// Keeps an answer, at most `keep` of a client. Gives the client that had to be forgotten for it.
    pub fn remember(&mut self, user: Slot, key: ClientKey, number: u64, answer: &Answer, keep: u32, now: Millis) -> Option<ClientId> {
        let (client, gone) = self.client_mut(user, key, now);
        client.last_id = client.last_id.max(number);
        client.change_unanswered(|unanswered| unanswered.dropped.retain(|n| *n != number));
        client.answers.push(number, answer);
        while client.answers.count > keep {
            client.answers.pop_oldest();
        }
        gone
    }

    /// Keeps an answer of `at` that was read from its row.
    pub fn load(&mut self, user: Slot, client: ClientId, number: u64, answer: &Answer, keep: u32, (at, now): (Millis, Millis)) {
        let key = ClientKey::of_client(client);
        let _ = self.remember(user, key, number, answer, keep, at.min(now));
        self.client_mut(user, key, at.min(now)).0.loaded = now;
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
    pub fn forget_unseen(&mut self, user: Slot, before: Millis, keep: &[ClientKey]) -> Vec<ClientId> {
        let mut gone = Vec::new();
        if self.of.get(user).is_empty() {
            return gone;
        }
        self.of.get_mut(user).retain(|client| {
            let stays = client.seen.max(client.loaded) > before || keep.contains(&client.key);
            gone.extend(client.key.client().filter(|_| !stays));
            stays
        });
        gone
    }

    pub fn leave(&mut self, user: Slot) {
        self.of.take(user);
    }

    pub fn digest(&self, user: Slot, into: &mut Digest) {
        for client in self.of.get(user) {
            into.number(u64::from(client.key.is_link)).bytes(&client.key.id);
            into.number(client.last_id).number(client.pending().len() as u64);
            for number in client.dropped() {
                into.number(*number);
            }
            into.bytes(&client.answers.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Done, Reason};

    #[test]
    fn con_5_the_newest_answers_are_kept_whatever_their_length() {
        let mut answered = Answered::new(4);
        let (user, key) = (Slot(3), ClientKey::of_link(LinkId(1)));
        let answer = |n: u64| -> Answer {
            match n % 3 {
                0 => Ok(Done::Joined { lobby: core::iter::repeat_n('x', 30 * n as usize).collect() }),
                1 => Err(Reason::Busy),
                _ => Ok(Done::Said { at: Millis(1 << n) }),
            }
        };
        for n in 1..=40 {
            assert_eq!(answered.look(user, key, n), Seen::New);
            answered.remember(user, key, n, &answer(n), 5, Millis(n));
            for said in 1..=n {
                let expected = if said + 5 > n { Seen::Answer(answer(said)) } else { Seen::Old };
                assert_eq!(answered.look(user, key, said), expected, "number {said} after {n}");
            }
        }
    }
}
