//! Draws: what a user's windows were opened with lately, and whom they showed when they closed, so that the same window opened
//! again shows the same and costs nothing (LOB 8). A few a user; what is too old leaves when one opens, and with the sweep.

use super::Slot;
use super::lobbies::LobbyNo;
use super::windows::Accepts;
use crate::kit::digest::Digest;
use crate::kit::time::{Millis, Span};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// LOB 8: for how long the same window is the same.
pub const SAME_FOR: Span = Span::secs(30);
/// Of one user; the oldest leaves.
const PER_USER: usize = 4;

/// What makes two windows the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub lobby: LobbyNo,
    pub places: u8,
    pub accepts: Accepts,
}

#[derive(Debug)]
struct Draw {
    asked: Asked,
    until: Millis,
    /// Whom it showed, by place.
    shown: Vec<Slot>,
}

#[derive(Debug, Default)]
pub struct Draws {
    by_user: BTreeMap<Slot, Vec<Draw>>,
    /// In the order in which they end.
    ends: VecDeque<(Millis, Slot)>,
}

impl Draws {
    fn same(&mut self, user: Slot, asked: &Asked, now: Millis) -> Option<&mut Draw> {
        self.by_user.get_mut(&user)?.iter_mut().find(|draw| draw.until > now && draw.asked == *asked)
    }

    /// Whether this window was opened a short while ago.
    pub fn is_same(&mut self, user: Slot, asked: &Asked, now: Millis) -> bool {
        self.same(user, asked, now).is_some()
    }

    /// A window is opened by command that was not a short while ago.
    pub fn opened(&mut self, user: Slot, asked: Asked, now: Millis) {
        self.forget(now);
        let draws = self.by_user.entry(user).or_default();
        if draws.len() >= PER_USER {
            draws.remove(0);
        }
        draws.reserve_exact(1);
        draws.push(Draw { asked, until: now + SAME_FOR, shown: Vec::new() });
        self.ends.push_back((now + SAME_FOR, user));
    }

    /// It closes, and showed these.
    pub fn closed(&mut self, user: Slot, asked: &Asked, shown: impl Iterator<Item = Slot>, now: Millis) {
        if let Some(draw) = self.same(user, asked, now) {
            draw.shown = shown.collect();
        }
    }

    /// Whom the same window showed, once.
    pub fn take(&mut self, user: Slot, asked: &Asked, now: Millis) -> Vec<Slot> {
        self.same(user, asked, now).map(|draw| core::mem::take(&mut draw.shown)).unwrap_or_default()
    }

    /// Drops what is too old.
    pub fn forget(&mut self, now: Millis) {
        while let Some((until, user)) = self.ends.front().copied()
            && until <= now
        {
            self.ends.pop_front();
            if let Some(draws) = self.by_user.get_mut(&user) {
                draws.retain(|draw| draw.until > until);
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
        assert!(kept <= self.ends.len(), "LOB 8: what is kept has its end");
        assert!(self.by_user.values().all(|draws| (1..=PER_USER).contains(&draws.len())), "LOB 8: a few a user");
    }
}
