//! Sessions: sign-ins in memory, by the SHA-256 of their token, bounded; the least recently used leaves. Their order of use is a
//! chain through the sessions themselves.

use crate::kit::arena::Arena;
use crate::kit::digest::Digest;
use crate::kit::ids::{TokenHash, UserId};
use crate::kit::random::Seed;
use crate::kit::time::Millis;
use alloc::vec::Vec;

/// A sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    pub expires: Millis,
}

/// No slot: the chain ends here.
const END: u32 = u32::MAX;

#[derive(Debug)]
struct Kept {
    user: UserId,
    expires: Millis,
    /// Used just before this one.
    older: u32,
    /// Used just after it.
    newer: u32,
}

#[derive(Debug)]
pub struct Sessions {
    all: Arena<TokenHash, Kept>,
    oldest: u32,
    newest: u32,
    max: u32,
    pub hits: u64,
    pub misses: u64,
}

impl Kept {
    fn session(&self) -> Session {
        Session { user: self.user, expires: self.expires }
    }
}

impl Sessions {
    pub fn new(max: u32, seed: &Seed) -> Sessions {
        Sessions { all: Arena::new(seed), oldest: END, newest: END, max: max.max(1), hits: 0, misses: 0 }
    }

    fn kept_mut(&mut self, slot: u32) -> &mut Kept {
        self.all.get_mut(slot).expect("the chain leads through sessions")
    }

    fn unchain(&mut self, slot: u32) {
        let Kept { older, newer, .. } = *self.kept_mut(slot);
        match older {
            END => self.oldest = newer,
            older => self.kept_mut(older).newer = newer,
        }
        match newer {
            END => self.newest = older,
            newer => self.kept_mut(newer).older = older,
        }
    }

    fn chain_last(&mut self, slot: u32) {
        let older = core::mem::replace(&mut self.newest, slot);
        let kept = self.kept_mut(slot);
        (kept.older, kept.newer) = (older, END);
        match older {
            END => self.oldest = slot,
            older => self.kept_mut(older).newer = slot,
        }
    }

    fn by_use(&self) -> impl Iterator<Item = (TokenHash, Session)> {
        let after = |slot: u32| Some(slot).filter(|slot| *slot != END);
        let slots = core::iter::successors(after(self.oldest), move |slot| after(self.all.get(*slot)?.newer));
        slots.filter_map(|slot| Some((self.all.key(slot), self.all.get(slot)?.session())))
    }

    /// Looks one up and counts it as used.
    pub fn find(&mut self, hash: TokenHash) -> Option<Session> {
        let Some(slot) = self.all.find(&hash) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        if slot != self.newest {
            self.unchain(slot);
            self.chain_last(slot);
        }
        Some(self.kept_mut(slot).session())
    }

    pub fn put(&mut self, hash: TokenHash, session: Session) {
        self.remove(hash);
        if self.all.len() >= self.max as usize {
            self.drop_oldest();
        }
        let Session { user, expires } = session;
        let slot = self.all.insert(hash, Kept { user, expires, older: END, newer: END });
        self.chain_last(slot);
    }

    fn remove_slot(&mut self, slot: u32) {
        self.unchain(slot);
        self.all.remove(slot);
    }

    pub fn remove(&mut self, hash: TokenHash) {
        if let Some(slot) = self.all.find(&hash) {
            self.remove_slot(slot);
        }
    }

    /// The one used least lately leaves memory.
    pub fn drop_oldest(&mut self) {
        if self.oldest != END {
            self.remove_slot(self.oldest);
        }
    }

    /// Drops those that are over; gives how many.
    pub fn sweep(&mut self, now: Millis) -> usize {
        let over: Vec<u32> = self.all.iter().filter(|(_, _, kept)| kept.expires <= now).map(|(slot, _, _)| slot).collect();
        over.iter().for_each(|slot| self.remove_slot(*slot));
        over.len()
    }

    pub fn count(&self) -> usize {
        self.all.len()
    }

    pub fn digest(&self, into: &mut Digest) {
        for (hash, session) in self.by_use() {
            into.bytes(&hash.0).wide(session.user.0).number(session.expires.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_5_the_least_recently_used_session_leaves() {
        let hash = |n: u8| TokenHash([n; 32]);
        let mut sessions = Sessions::new(3, &Seed([1, 2, 3, 4]));
        let put = |sessions: &mut Sessions, n: u8| sessions.put(hash(n), Session { user: UserId(n.into()), expires: Millis(n.into()) });
        (1..=3).for_each(|n| put(&mut sessions, n));
        assert!(sessions.find(hash(1)).is_some());
        put(&mut sessions, 4);
        let left = |sessions: &Sessions| sessions.by_use().map(|(hash, _)| hash.0[0]).collect::<Vec<u8>>();
        assert_eq!(left(&sessions), [3, 1, 4]);
        sessions.remove(hash(1));
        assert_eq!(left(&sessions), [3, 4]);
        assert_eq!(sessions.sweep(Millis(3)), 1);
        assert_eq!(sessions.sweep(Millis(3)), 0);
        put(&mut sessions, 5);
        assert_eq!(left(&sessions), [4, 5]);
    }
}
