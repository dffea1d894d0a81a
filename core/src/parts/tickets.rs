//! Tickets: wishes to be paired, the longest wait first, and pairs that wait for both confirmations (PAIR).

use super::lobbies::LobbyNo;
use super::{Side, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{LinkId, PairId, UserId};
use crate::kit::time::Millis;
use crate::wire::Filter;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

/// A wish to be paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub user: Slot,
    pub since: Millis,
    pub lobby: LobbyNo,
    pub filter: Arc<Filter>,
    pub confirm: bool,
    /// The connection that asked.
    pub link: Option<LinkId>,
    /// Offered to somebody at the moment.
    pub pair: Option<PairId>,
}

/// Two who were found for each other and are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: PairId,
    /// The lower user id first: they will make the offer (SIG 3).
    pub users: [Slot; 2],
    pub links: [Option<LinkId>; 2],
    pub confirmed: [bool; 2],
    pub expires: Millis,
}

impl Found {
    pub fn side(&self, user: Slot) -> Option<Side> {
        self.users.iter().position(|member| *member == user)
    }
}

#[derive(Debug, Default)]
pub struct Tickets {
    /// By how long they wait; equal instants by id.
    waiting: BTreeMap<(Millis, UserId), Wish>,
    of: BTreeMap<Slot, (Millis, UserId)>,
    found: BTreeMap<PairId, Found>,
    /// Where the round under way goes on: those who waited longer found nobody in it.
    pub round_from: Option<(Millis, UserId)>,
}

impl Tickets {
    pub fn get(&self, user: Slot) -> Option<&Wish> {
        self.waiting.get(self.of.get(&user)?)
    }

    pub fn get_mut(&mut self, user: Slot) -> Option<&mut Wish> {
        self.waiting.get_mut(self.of.get(&user)?)
    }

    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// All of them, the longest wait first.
    pub fn all(&self) -> impl Iterator<Item = &Wish> {
        self.waiting.values()
    }

    /// Those whose wait is that of `from` or shorter, the longest first.
    pub fn from(&self, from: Option<(Millis, UserId)>) -> impl Iterator<Item = (&(Millis, UserId), &Wish)> {
        self.waiting.range(from.unwrap_or((Millis(0), UserId(0)))..)
    }

    pub fn wish(&mut self, id: UserId, wish: Wish) {
        let key = (wish.since, id);
        let before = self.of.insert(wish.user, key);
        assert!(before.is_none(), "one wish a user");
        self.waiting.insert(key, wish);
    }

    pub fn unwish(&mut self, user: Slot) -> Option<Wish> {
        let wish = self.waiting.remove(&self.of.remove(&user)?);
        assert!(wish.is_some(), "both know it");
        wish
    }

    pub fn found(&self, id: PairId) -> Option<Found> {
        self.found.get(&id).copied()
    }

    pub fn ask(&mut self, found: Found) {
        for user in found.users {
            let wish = self.get_mut(user).expect("only those who wish are asked");
            assert!(wish.pair.is_none(), "nobody is asked twice");
            wish.pair = Some(found.id);
        }
        self.found.insert(found.id, found);
    }

    pub fn confirm(&mut self, id: PairId, side: Side, link: LinkId) -> Found {
        let found = self.found.get_mut(&id).expect("checked by the caller");
        found.confirmed[side] = true;
        found.links[side] = Some(link);
        *found
    }

    /// The two are not asked any more.
    pub fn unask(&mut self, id: PairId) -> Option<Found> {
        let found = self.found.remove(&id)?;
        for user in found.users {
            if let Some(wish) = self.get_mut(user) {
                wish.pair = None;
            }
        }
        Some(found)
    }

    pub fn digest(&self, into: &mut Digest) {
        self.durable_digest(into);
        for wish in self.waiting.values() {
            into.maybe(wish.link.map(|l| l.0)).maybe(wish.pair.map(|p| p.0));
        }
        for found in self.found.values() {
            into.number(found.id.0).number(found.expires.0);
            into.number(u64::from(found.confirmed[0])).number(u64::from(found.confirmed[1]));
        }
    }

    pub fn durable_digest(&self, into: &mut Digest) {
        for ((since, user), wish) in &self.waiting {
            into.number(since.0).wide(user.0).number(u64::from(wish.confirm));
            for text in wish.filter.genders.iter().chain(&wish.filter.tags) {
                into.bytes(text.as_bytes());
            }
        }
    }

    /// What must hold of it alone.
    pub fn check(&self) {
        assert_eq!(self.waiting.len(), self.of.len(), "one wish a user");
        for found in self.found.values() {
            for user in found.users {
                assert_eq!(self.get(user).and_then(|wish| wish.pair), Some(found.id), "whoever is asked wishes");
            }
        }
    }
}
