//! People: users in memory with their card, totals and joined lobby. Who is connected, busy or drawn is known elsewhere.

use super::Slot;
use super::lobbies::LobbyNo;
use crate::kit::arena::Arena;
use crate::kit::digest::Digest;
use crate::kit::ids::UserId;
use crate::kit::random::Seed;
use crate::kit::time::Millis;
use crate::output::FactNo;
use crate::row::PersonRow;
use crate::wire::{Card, Totals};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;

/// A user in memory.
#[derive(Clone, Debug)]
struct Person {
    card: Arc<Card>,
    created: Millis,
    totals: Totals,
    lobby: Option<LobbyNo>,
    /// Everything that the rows know of them is here; not so for members of calls and tickets just after a start.
    is_complete: bool,
    /// Since when without any connection; `CONNECTED` while there is one.
    offline_since: Millis,
    /// INV 10: rings in a row that expired without a command of theirs.
    unanswered: u32,
    /// When the last command of theirs came; 0 is never.
    heard: Millis,
    /// The newest fact that is about them.
    fact: FactNo,
}

const CONNECTED: Millis = Millis(u64::MAX);

#[derive(Debug)]
pub struct People {
    all: Arena<UserId, Person>,
    offline: BTreeSet<(Millis, Slot)>,
}

impl People {
    pub fn new(seed: &Seed) -> People {
        People { all: Arena::new(seed), offline: BTreeSet::new() }
    }

    pub fn slot(&self, user: UserId) -> Option<Slot> {
        self.all.find(&user).map(Slot)
    }

    /// In memory with everything that the rows know.
    pub fn complete(&self, user: UserId) -> Option<Slot> {
        self.slot(user).filter(|slot| self.person(*slot).is_complete)
    }

    fn person(&self, slot: Slot) -> &Person {
        self.all.get(slot.0).expect("a slot is used while its user is in memory")
    }

    fn person_mut(&mut self, slot: Slot) -> &mut Person {
        self.all.get_mut(slot.0).expect("a slot is used while its user is in memory")
    }

    pub fn id(&self, slot: Slot) -> UserId {
        self.all.key(slot.0)
    }

    pub fn card(&self, slot: Slot) -> &Arc<Card> {
        &self.person(slot).card
    }

    pub fn totals(&self, slot: Slot) -> Totals {
        self.person(slot).totals
    }

    pub fn lobby(&self, slot: Slot) -> Option<LobbyNo> {
        self.person(slot).lobby
    }

    pub fn count(&self) -> usize {
        self.all.len()
    }

    pub fn count_offline(&self) -> usize {
        self.offline.len()
    }

    pub fn all(&self) -> impl Iterator<Item = Slot> {
        self.all.iter().map(|(slot, _, _)| Slot(slot))
    }

    /// As it is to be kept.
    pub fn row(&self, slot: Slot) -> Box<PersonRow> {
        let person = self.person(slot);
        let card = &person.card;
        Box::new(PersonRow {
            user: card.user,
            name: card.name.clone(),
            gender: card.gender.clone(),
            selfie: card.selfie.clone(),
            video: card.video.clone(),
            tags: card.tags.clone(),
            created: person.created,
            totals: person.totals,
        })
    }

    /// A person comes into memory, not connected yet.
    pub fn arrive(&mut self, row: &PersonRow, is_complete: bool, now: Millis) -> Slot {
        if let Some(slot) = self.slot(row.user) {
            let person = self.person_mut(slot);
            assert!(!person.is_complete, "whoever is in memory is not read again");
            // Card and totals came with the start; what happened since is newer than any row read meanwhile.
            person.is_complete = is_complete;
            return slot;
        }
        let card = Arc::new(Card {
            user: row.user,
            name: row.name.clone(),
            gender: row.gender.clone(),
            selfie: row.selfie.clone(),
            video: row.video.clone(),
            tags: row.tags.clone(),
        });
        let person = Person {
            card,
            created: row.created,
            totals: row.totals,
            lobby: None,
            is_complete,
            offline_since: now,
            unanswered: 0,
            heard: Millis(0),
            fact: FactNo(0),
        };
        let slot = Slot(self.all.insert(row.user, person));
        self.offline.insert((now, slot));
        slot
    }

    pub fn set_card(&mut self, slot: Slot, card: Card) {
        assert_eq!(card.user, self.id(slot), "a card stays with its user");
        self.person_mut(slot).card = Arc::new(card);
    }

    pub fn add_to_totals(&mut self, slot: Slot, seconds: u64, is_completed: bool) {
        let totals = &mut self.person_mut(slot).totals;
        totals.seconds += seconds;
        totals.calls += 1;
        totals.completed += u64::from(is_completed);
    }

    pub fn set_lobby(&mut self, slot: Slot, lobby: Option<LobbyNo>) -> Option<LobbyNo> {
        core::mem::replace(&mut self.person_mut(slot).lobby, lobby)
    }

    /// INV 10: a ring that began at `started` ended by itself; gives how many in a row did, with no command since the first.
    pub fn left_unanswered(&mut self, slot: Slot, started: Millis) -> u32 {
        let person = self.person_mut(slot);
        person.unanswered = if person.heard > started { 0 } else { person.unanswered + 1 };
        person.unanswered
    }

    /// A command of theirs: they are there.
    pub fn was_heard(&mut self, slot: Slot, now: Millis) {
        let person = self.person_mut(slot);
        person.unanswered = 0;
        person.heard = now;
    }

    /// The newest fact that is about them: what one tells of them waits for it.
    pub fn fact(&self, slot: Slot) -> FactNo {
        self.person(slot).fact
    }

    /// A fact is about them.
    pub fn has_fact(&mut self, slot: Slot, fact: FactNo) {
        self.person_mut(slot).fact = fact;
    }

    pub fn connected(&mut self, slot: Slot) {
        let since = core::mem::replace(&mut self.person_mut(slot).offline_since, CONNECTED);
        self.offline.remove(&(since, slot));
    }

    pub fn disconnected(&mut self, slot: Slot, now: Millis) {
        if self.person(slot).offline_since == CONNECTED {
            self.person_mut(slot).offline_since = now;
            self.offline.insert((now, slot));
        }
    }

    /// Those without a connection, the one longest offline first.
    pub fn offline(&self) -> impl Iterator<Item = (Millis, Slot)> {
        self.offline.iter().copied()
    }

    pub fn leave(&mut self, slot: Slot) {
        let person = self.all.remove(slot.0).expect("whoever leaves is in memory");
        assert!(person.lobby.is_none(), "LOB 1: whoever leaves memory is in no lobby");
        self.offline.remove(&(person.offline_since, slot));
    }

    pub fn digest(&self, slot: Slot, into: &mut Digest) {
        let person = self.person(slot);
        self.durable_digest(slot, into);
        into.maybe(person.lobby.map(|l| u64::from(l.0)))
            .number(u64::from(person.is_complete))
            .number(person.offline_since.0)
            .number(u64::from(person.unanswered))
            .number(person.heard.0);
    }

    pub fn durable_digest(&self, slot: Slot, into: &mut Digest) {
        let person = self.person(slot);
        let card = &person.card;
        into.wide(card.user.0)
            .bytes(card.name.as_bytes())
            .bytes(card.gender.as_bytes())
            .bytes(card.selfie.as_bytes())
            .bytes(card.video.as_bytes());
        for tag in &card.tags {
            into.bytes(tag.as_bytes());
        }
        into.number(person.totals.seconds).number(person.totals.calls).number(person.totals.completed);
    }
}
