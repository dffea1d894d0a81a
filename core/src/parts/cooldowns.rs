//! Cooldowns: until when two users cannot meet, for pairs of whom at least one is in memory. A cooldown belongs to the unordered
//! pair and is never shortened.

use crate::kit::digest::Digest;
use crate::kit::ids::UserId;
use crate::kit::time::Millis;
use crate::row::Pair;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

#[derive(Debug)]
pub struct Cooldowns {
    /// Under both orders, so that all of a user stand together.
    until: BTreeMap<(UserId, UserId), Millis>,
    max: u32,
}

impl Cooldowns {
    pub fn new(max: u32) -> Cooldowns {
        Cooldowns { until: BTreeMap::new(), max }
    }

    /// When the two may meet again, if they may not now.
    pub fn active(&self, pair: Pair, now: Millis) -> Option<Millis> {
        self.until.get(&(pair.low(), pair.high())).copied().filter(|until| *until > now)
    }

    /// Whether so many more pairs find room.
    pub fn has_room(&self, more: usize) -> bool {
        self.count() + more <= self.max as usize
    }

    pub fn count(&self) -> usize {
        self.until.len() / 2
    }

    /// Sets it, unless it is later already; gives the end that holds.
    pub fn extend(&mut self, pair: Pair, until: Millis) -> Millis {
        let held = self.until.entry((pair.low(), pair.high())).or_insert(until);
        *held = until.max(*held);
        let held = *held;
        self.until.insert((pair.high(), pair.low()), held);
        assert!(held >= until, "a cooldown is never shortened");
        held
    }

    fn remove(&mut self, a: UserId, b: UserId) {
        self.until.remove(&(a, b));
        self.until.remove(&(b, a));
    }

    /// `user` leaves memory: pairs with those who are not there either go too.
    pub fn leave(&mut self, user: UserId, is_in_memory: impl Fn(UserId) -> bool) {
        let gone: Vec<UserId> = self
            .until
            .range((user, UserId(0))..=(user, UserId(u128::MAX)))
            .map(|((_, other), _)| *other)
            .filter(|o| !is_in_memory(*o))
            .collect();
        for other in gone {
            self.remove(user, other);
        }
    }

    /// Drops what is over; gives how many pairs that were.
    pub fn sweep(&mut self, now: Millis) -> usize {
        let before = self.count();
        self.until.retain(|_, until| *until > now);
        before - self.count()
    }

    pub fn digest(&self, into: &mut Digest) {
        for ((a, b), until) in &self.until {
            into.wide(a.0).wide(b.0).number(until.0);
        }
    }
}
