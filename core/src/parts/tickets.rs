//! Tickets: wishes to be paired, the longest wait first, and pairs that wait for both confirmations (PAIR). Two that did not fit do
//! not fit until something of one of them changes, so that a round looks only at what is new: a crowd that waits costs nothing.

use super::lobbies::LobbyNo;
use super::{Side, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{LinkId, PairId, UserId};
use crate::kit::time::Millis;
use crate::wire::Filter;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::ops::Bound;

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
    /// When a cooldown ends that alone keeps it from another.
    pub again: Option<Millis>,
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

/// The place in the queue: by how long they wait; equal instants by id.
type Place = (Millis, UserId);

#[derive(Debug, Default)]
pub struct Tickets {
    waiting: BTreeMap<Place, Wish>,
    of: BTreeMap<Slot, Place>,
    found: BTreeMap<PairId, Found>,
    /// Of whom something changed since the last round.
    news: BTreeSet<Place>,
    /// Those of the round under way.
    looked_at: BTreeSet<Place>,
    /// Where the round under way goes on: those who waited longer found nobody in it.
    round_from: Option<Place>,
    /// Who is to be looked at again, and when.
    again: BTreeSet<(Millis, Slot)>,
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

    pub fn wish(&mut self, id: UserId, wish: Wish) {
        let key = (wish.since, id);
        let before = self.of.insert(wish.user, key);
        assert!(before.is_none(), "one wish a user");
        self.waiting.insert(key, wish);
        self.news.insert(key);
    }

    pub fn unwish(&mut self, user: Slot) -> Option<Wish> {
        let key = self.of.remove(&user)?;
        let wish = self.waiting.remove(&key).expect("both know it");
        self.news.remove(&key);
        self.looked_at.remove(&key);
        self.again.remove(&(wish.again.unwrap_or_default(), user));
        Some(wish)
    }

    /// Something of the user changed that may let two tickets fit.
    pub fn renew(&mut self, user: Slot) {
        self.news.extend(self.of.get(&user));
    }

    /// Whether the next round has something to look at.
    pub fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// A round begins with what is new, or goes on.
    pub fn go_on(&mut self) {
        if self.round_from.is_none() {
            self.looked_at.append(&mut self.news);
        }
    }

    /// Those who wait as long as the one that found somebody last in this round, or shorter; nobody if there is nothing new.
    pub fn in_round(&self) -> impl Iterator<Item = (&Place, &Wish)> {
        self.waiting.range(self.round_from.unwrap_or((Millis(0), UserId(0)))..).take_while(|_| !self.looked_at.is_empty())
    }

    /// Those who wait less long than this one, as far as the two were not compared before.
    pub fn not_compared(&self, first: &Place) -> impl Iterator<Item = &Wish> {
        let after = (Bound::Excluded(*first), Bound::Unbounded);
        let is_new = self.looked_at.contains(first);
        let all = is_new.then(|| self.waiting.range(after).map(|(_, wish)| wish));
        let new = (!is_new).then(|| self.looked_at.range(after).filter_map(|key| self.waiting.get(key)));
        all.into_iter().flatten().chain(new.into_iter().flatten())
    }

    /// The round goes on from there.
    pub fn found_one(&mut self, from: Place) {
        self.round_from = Some(from);
    }

    /// Everybody was compared.
    pub fn end_round(&mut self) {
        self.round_from = None;
        self.looked_at.clear();
    }

    /// The round could not be held, or not to its end.
    pub fn put_off_round(&mut self) {
        self.round_from = None;
        self.news.append(&mut self.looked_at);
    }

    /// The user is looked at again then, or at an earlier instant that was said before.
    pub fn look_again(&mut self, user: Slot, at: Millis) {
        let Some(wish) = self.get_mut(user) else { return };
        let before = wish.again.unwrap_or(at);
        wish.again = Some(before.min(at));
        self.again.remove(&(before, user));
        self.again.insert((before.min(at), user));
    }

    /// When somebody is to be looked at again.
    pub fn next_again(&self) -> Option<Millis> {
        self.again.first().map(|(at, _)| *at)
    }

    /// Whoever is to be looked at again at `now` is news.
    pub fn renew_again(&mut self, now: Millis) {
        while let Some((at, user)) = self.again.first().copied()
            && at <= now
        {
            self.again.pop_first();
            self.get_mut(user).expect("whoever is looked at again wishes").again = None;
            self.renew(user);
        }
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
            self.renew(user);
        }
        Some(found)
    }

    pub fn digest(&self, into: &mut Digest) {
        self.durable_digest(into);
        for wish in self.waiting.values() {
            into.maybe(wish.link.map(|l| l.0)).maybe(wish.pair.map(|p| p.0)).maybe(wish.again.map(|at| at.0));
        }
        for (since, user) in &self.news {
            into.number(since.0).wide(user.0);
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
        assert!(self.news.iter().chain(&self.looked_at).all(|key| self.waiting.contains_key(key)), "what is new is there");
        let again: BTreeSet<_> = self.waiting.values().filter_map(|wish| Some((wish.again?, wish.user))).collect();
        assert_eq!(again, self.again, "both know it");
        for found in self.found.values() {
            for user in found.users {
                assert_eq!(self.get(user).and_then(|wish| wish.pair), Some(found.id), "whoever is asked wishes");
            }
        }
    }
}
