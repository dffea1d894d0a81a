//! Draws: whom a user's windows showed when they closed lately, so that the same window opened again shows the same and costs
//! nothing (LOB 8). A few a user; what is too old leaves when one closes, and with the sweep.

use super::Slot;
use super::windows::Asked;
use crate::kit::digest::Digest;
use crate::kit::time::{Millis, Span};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// LOB 8: for how long the same window is the same.
pub const SAME_FOR: Span = Span::secs(30);
/// Of one user; the oldest leaves.
const PER_USER: usize = 4;

#[derive(Debug)]
struct Draw {
    asked: Asked,
    until: Millis,
    /// Whom it showed, by place.
    shown: Box<[Slot]>,
}

impl Draw {
    fn is_same(&self, asked: &Asked, now: Millis) -> bool {
        self.until > now && self.asked == *asked
    }
}

#[derive(Debug, Default)]
pub struct Draws {
    by_user: BTreeMap<Slot, Vec<Draw>>,
    /// When to look for what is too old, in order.
    looks: VecDeque<(Millis, Slot)>,
}

impl Draws {
    /// Until when this window, which is closed, is the same if it is opened again.
    pub fn same_until(&self, user: Slot, asked: &Asked, now: Millis) -> Option<Millis> {
        self.by_user.get(&user)?.iter().find(|draw| draw.is_same(asked, now)).map(|draw| draw.until)
    }

    /// One closes that showed these, and is the same until then.
    pub fn closed(&mut self, user: Slot, asked: Asked, until: Millis, shown: impl Iterator<Item = Slot>, now: Millis) {
        self.forget(now);
        if until <= now {
            return;
        }
        let draws = self.by_user.entry(user).or_default();
        draws.retain(|draw| draw.asked != asked);
        if draws.len() >= PER_USER {
            draws.remove(0);
        }
        draws.reserve_exact(1);
        draws.push(Draw { asked, until, shown: shown.collect() });
        self.looks.push_back((now + SAME_FOR, user));
    }

    /// The same window is open again: whom it showed. What it is the same as, it knows by itself from now on.
    pub fn take(&mut self, user: Slot, asked: &Asked, now: Millis) -> Box<[Slot]> {
        let Some(draws) = self.by_user.get_mut(&user) else { return Box::default() };
        let Some(at) = draws.iter().position(|draw| draw.is_same(asked, now)) else { return Box::default() };
        let shown = draws.remove(at).shown;
        if draws.is_empty() {
            self.by_user.remove(&user);
        }
        shown
    }

    /// Drops what is too old.
    pub fn forget(&mut self, now: Millis) {
        while let Some((at, user)) = self.looks.front().copied()
            && at <= now
        {
            self.looks.pop_front();
            if let Some(draws) = self.by_user.get_mut(&user) {
                draws.retain(|draw| draw.until > at);
                if draws.is_empty() {
                    self.by_user.remove(&user);
                }
            }
        }
    }

    pub fn digest(&self, into: &mut Digest) {
        for (user, draws) in &self.by_user {
            for draw in draws {
                into.number(u64::from(user.0)).number(draw.until.0).number(u64::from(draw.asked.places));
                for user in &draw.shown {
                    into.number(u64::from(user.0));
                }
            }
        }
    }

    /// What must hold of it alone.
    pub fn check(&self) {
        let kept: usize = self.by_user.values().map(Vec::len).sum();
        assert!(kept <= self.looks.len(), "LOB 8: what is kept is looked at again");
        assert!(self.by_user.values().all(|draws| (1..=PER_USER).contains(&draws.len())), "LOB 8: a few a user");
    }
}
