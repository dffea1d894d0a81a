//! One bucket a user over everything that their connections say (RATE). A bucket lives as long as its user has a link here.

use alloc::collections::BTreeMap;
use duologue_core::kit::buckets::{Bucket, Rate};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::{Millis, Span};

#[derive(Debug, Default)]
struct Entry {
    bucket: Bucket,
    links: u32,
}

/// The buckets of all users who have links.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    users: BTreeMap<UserId, Entry>,
}

impl Rates {
    /// A user has one link more.
    pub(crate) fn enter(&mut self, user: UserId) {
        self.users.entry(user).or_default().links += 1;
    }

    /// A user has one link less.
    pub(crate) fn leave(&mut self, user: UserId) {
        let entry = self.users.get_mut(&user).expect("who leaves has entered");
        entry.links -= 1;
        if entry.links == 0 {
            self.users.remove(&user);
        }
    }

    /// Takes one piece.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub(crate) fn take(&mut self, user: UserId, rate: &Rate, now: Millis) -> Result<(), Span> {
        self.users.get_mut(&user).map_or(Ok(()), |entry| entry.bucket.take(rate, now))
    }

    pub(crate) fn links(&self) -> u64 {
        self.users.values().map(|entry| u64::from(entry.links)).sum()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        for (user, entry) in &self.users {
            digest.wide(user.0).number(entry.bucket.full_at_us());
        }
    }
}
