//! Rates: token buckets by action and by whom it counts against, bounded. A bucket that is full again is forgotten.

use crate::input::Address;
use crate::kit::buckets::{Bucket, Rate};
use crate::kit::digest::Digest;
use crate::kit::ids::UserId;
use crate::kit::time::{Millis, Span};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    Api,
    Cards,
    Chat,
    Guests,
    Reports,
    Rings,
    RingsAddress,
    SignIn,
}

/// Against whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whom {
    Address(Address),
    User(UserId),
}

/// Both in few bytes: there may be several for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    action: Action,
    is_user: bool,
    whom: [u8; 16],
}

impl Key {
    fn new(action: Action, whom: Whom) -> Key {
        match whom {
            Whom::Address(address) => Key { action, is_user: false, whom: address.0.to_be_bytes() },
            Whom::User(user) => Key { action, is_user: true, whom: user.0.to_be_bytes() },
        }
    }
}

#[derive(Debug)]
pub struct Rates {
    buckets: BTreeMap<Key, Bucket>,
    max: u32,
}

impl Rates {
    pub fn new(max: u32) -> Rates {
        Rates { buckets: BTreeMap::new(), max: max.max(1) }
    }

    /// Takes one piece, or says how long to wait.
    pub fn take(&mut self, action: Action, whom: Whom, rate: &Rate, now: Millis) -> Result<(), Span> {
        self.take_many(action, whom, 1, rate, now)
    }

    /// Takes so many pieces at once, or says how long to wait for them.
    pub fn take_many(&mut self, action: Action, whom: Whom, pieces: u32, rate: &Rate, now: Millis) -> Result<(), Span> {
        if rate.is_off() || pieces == 0 {
            return Ok(());
        }
        let key = Key::new(action, whom);
        self.make_room(usize::from(!self.buckets.contains_key(&key)), now)?;
        self.buckets.entry(key).or_default().take_many(rate, pieces, now)
    }

    /// Takes one piece of each, or none and says how long to wait.
    pub fn take_all(&mut self, wanted: &[(Action, Whom, Rate)], now: Millis) -> Result<(), Span> {
        let counted = || wanted.iter().filter(|(_, _, rate)| !rate.is_off()).map(|(action, whom, rate)| (Key::new(*action, *whom), rate));
        let new = counted().filter(|(key, _)| !self.buckets.contains_key(key)).count();
        self.make_room(new, now)?;
        let mut after = Vec::with_capacity(wanted.len());
        for (key, rate) in counted() {
            let mut bucket = self.buckets.get(&key).copied().unwrap_or_default();
            bucket.take(rate, now)?;
            after.push((key, bucket));
        }
        self.buckets.extend(after);
        Ok(())
    }

    /// Room for so many new buckets, after a sweep if need be.
    fn make_room(&mut self, new: usize, now: Millis) -> Result<(), Span> {
        if self.buckets.len() + new > self.max as usize {
            self.sweep(now);
        }
        if self.buckets.len() + new > self.max as usize {
            return Err(Span::secs(1));
        }
        Ok(())
    }

    /// Drops buckets that are full again; gives how many.
    pub fn sweep(&mut self, now: Millis) -> usize {
        let before = self.buckets.len();
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        before - self.buckets.len()
    }

    pub fn digest(&self, into: &mut Digest) {
        for (Key { action, is_user, whom }, bucket) in &self.buckets {
            into.number(*action as u64).number(u64::from(*is_user)).bytes(whom).number(bucket.full_at_us());
        }
    }
}
