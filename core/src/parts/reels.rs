//! Reels: whom each connection was shown one after another, so that nobody comes twice before everybody came (LOB 5). Kept only
//! while it is used, for the newest so many users; what is forgotten may come again.

use crate::kit::digest::Digest;
use crate::kit::ids::{LinkId, UserId};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

#[derive(Debug, Default)]
struct Reel {
    /// Each id folded to its half: ids are random, and a reel remembers thousands.
    seen: BTreeSet<u64>,
    order: VecDeque<u64>,
}

#[derive(Debug)]
pub struct Reels {
    by_link: BTreeMap<LinkId, Reel>,
    max: u32,
}

impl Reels {
    /// Each remembers at most so many users.
    pub fn new(max: u32) -> Reels {
        Reels { by_link: BTreeMap::new(), max: max.max(1) }
    }

    /// Whether this connection's reel has shown a user.
    pub fn has_shown(&self, link: LinkId, user: UserId) -> bool {
        self.by_link.get(&link).is_some_and(|reel| reel.seen.contains(&half(user)))
    }

    /// It shows a user.
    pub fn show(&mut self, link: LinkId, user: UserId) {
        let reel = self.by_link.entry(link).or_default();
        if reel.seen.insert(half(user)) {
            reel.order.push_back(half(user));
        }
        if reel.order.len() > self.max as usize
            && let Some(oldest) = reel.order.pop_front()
        {
            reel.seen.remove(&oldest);
        }
    }

    /// It may show these again.
    pub fn hide(&mut self, link: LinkId, users: impl Iterator<Item = UserId>) {
        if let Some(reel) = self.by_link.get_mut(&link) {
            users.for_each(|user| _ = reel.seen.remove(&half(user)));
            reel.order.retain(|seen| reel.seen.contains(seen));
        }
    }

    /// It begins anew, or its connection is no more.
    pub fn forget(&mut self, link: LinkId) {
        self.by_link.remove(&link);
    }

    pub fn digest(&self, into: &mut Digest) {
        for (link, reel) in &self.by_link {
            into.number(link.0);
            for user in &reel.order {
                into.number(*user);
            }
        }
    }

    /// What must hold of it alone.
    pub fn check(&self, is_there: impl Fn(LinkId) -> bool) {
        for (link, reel) in &self.by_link {
            assert!(is_there(*link), "LOB 5: a reel ends with its connection");
            assert!(reel.order.len() <= self.max as usize, "LOB 5: a reel's memory is bounded");
            assert_eq!(reel.order.len(), reel.seen.len(), "both know it");
        }
    }
}

fn half(user: UserId) -> u64 {
    (user.0 >> 64) as u64 ^ user.0 as u64
}
