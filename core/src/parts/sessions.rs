//! Sessions: sign-ins in memory, by the SHA-256 of their token, bounded; the least recently used leaves.

use crate::kit::digest::Digest;
use crate::kit::ids::{TokenHash, UserId};
use crate::kit::random::Seed;
use crate::kit::table::Table;
use crate::kit::time::Millis;
use alloc::collections::BTreeMap;

/// A sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    pub expires: Millis,
}

#[derive(Debug)]
pub struct Sessions {
    by_hash: Table<TokenHash, (Session, u64)>,
    by_use: BTreeMap<u64, TokenHash>,
    uses: u64,
    max: u32,
    pub hits: u64,
    pub misses: u64,
}

impl Sessions {
    pub fn new(max: u32, seed: &Seed) -> Sessions {
        Sessions { by_hash: Table::new(seed), by_use: BTreeMap::new(), uses: 0, max: max.max(1), hits: 0, misses: 0 }
    }

    /// Looks one up and counts it as used.
    pub fn find(&mut self, hash: TokenHash) -> Option<Session> {
        let Some((session, used)) = self.by_hash.get_mut(&hash) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        self.uses += 1;
        self.by_use.remove(&core::mem::replace(used, self.uses));
        self.by_use.insert(self.uses, hash);
        Some(*session)
    }

    pub fn put(&mut self, hash: TokenHash, session: Session) {
        self.remove(hash);
        if self.by_hash.len() >= self.max as usize {
            self.drop_oldest();
        }
        self.uses += 1;
        self.by_hash.insert(hash, (session, self.uses));
        self.by_use.insert(self.uses, hash);
        debug_assert_eq!(self.by_hash.len(), self.by_use.len());
    }

    pub fn remove(&mut self, hash: TokenHash) {
        if let Some((_, used)) = self.by_hash.remove(&hash) {
            self.by_use.remove(&used);
        }
    }

    /// The one used least lately leaves memory.
    pub fn drop_oldest(&mut self) {
        if let Some((_, oldest)) = self.by_use.pop_first() {
            self.by_hash.remove(&oldest);
        }
    }

    /// Takes one that is over out of memory, if there is one; gives its hash.
    pub fn take_expired(&mut self, now: Millis) -> Option<TokenHash> {
        let hash = self.by_use.values().copied().find(|hash| self.by_hash.get(hash).is_some_and(|(s, _)| s.expires <= now))?;
        self.remove(hash);
        Some(hash)
    }

    pub fn count(&self) -> usize {
        self.by_hash.len()
    }

    pub fn digest(&self, into: &mut Digest) {
        for hash in self.by_use.values() {
            let (session, _) = self.by_hash.get(hash).expect("both know it");
            into.bytes(&hash.0).wide(session.user.0).number(session.expires.0);
        }
    }
}
