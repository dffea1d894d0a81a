//! Hidden: who blocked or reported whom, for people in memory. Either hides the two from each other both ways (LOB 3).

use crate::kit::digest::Digest;
use crate::kit::ids::UserId;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

const I_BLOCKED: u8 = 1;
const BLOCKED_ME: u8 = 2;
const I_REPORTED: u8 = 4;
const REPORTED_ME: u8 = 8;

#[derive(Debug, Default)]
pub struct Hidden {
    /// Under both orders.
    pairs: BTreeMap<(UserId, UserId), u8>,
}

impl Hidden {
    /// Whether nobody hides from anybody.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub fn is_hidden(&self, a: UserId, b: UserId) -> bool {
        self.pairs.contains_key(&(a, b))
    }

    pub fn has_blocked(&self, by: UserId, of: UserId) -> bool {
        self.has(by, of, I_BLOCKED)
    }

    pub fn has_reported(&self, by: UserId, of: UserId) -> bool {
        self.has(by, of, I_REPORTED)
    }

    fn has(&self, by: UserId, of: UserId, bit: u8) -> bool {
        self.pairs.get(&(by, of)).is_some_and(|bits| bits & bit != 0)
    }

    fn set(&mut self, by: UserId, of: UserId, mine: u8, theirs: u8) {
        assert!(by != of, "nobody hides from themself");
        *self.pairs.entry((by, of)).or_default() |= mine;
        *self.pairs.entry((of, by)).or_default() |= theirs;
    }

    pub fn block(&mut self, by: UserId, of: UserId) {
        self.set(by, of, I_BLOCKED, BLOCKED_ME);
    }

    pub fn report(&mut self, by: UserId, of: UserId) {
        self.set(by, of, I_REPORTED, REPORTED_ME);
    }

    pub fn unblock(&mut self, by: UserId, of: UserId) {
        for (pair, bit) in [((by, of), I_BLOCKED), ((of, by), BLOCKED_ME)] {
            if let Some(bits) = self.pairs.get_mut(&pair) {
                *bits &= !bit;
                if *bits == 0 {
                    self.pairs.remove(&pair);
                }
            }
        }
    }

    /// `user` leaves memory: pairs with those who are not there either go too.
    pub fn leave(&mut self, user: UserId, is_in_memory: impl Fn(UserId) -> bool) {
        let gone: Vec<UserId> = self
            .pairs
            .range((user, UserId(0))..=(user, UserId(u128::MAX)))
            .map(|((_, other), _)| *other)
            .filter(|o| !is_in_memory(*o))
            .collect();
        for other in gone {
            self.pairs.remove(&(user, other));
            self.pairs.remove(&(other, user));
        }
    }

    pub fn digest(&self, into: &mut Digest) {
        for ((a, b), bits) in &self.pairs {
            into.wide(a.0).wide(b.0).number(u64::from(*bits));
        }
    }
}
