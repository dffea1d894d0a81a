//! Invites: the open rings, one out and eight in a user (INV 2), and for a while how ended ones ended, so that a late answer gets
//! the right code.

use super::{BySlot, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{InviteId, LinkId, UserId};
use crate::kit::time::{Millis, Span};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// How long an ended invite is remembered (`docs/protocol.md`, "Codes").
pub const REMEMBERED: Span = Span::secs(60);
/// INV 10: within this span the third unanswered ring to one person cools the pair.
const UNANSWERED_WITHIN: Span = Span::hours(1);

/// An open ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invite {
    pub id: InviteId,
    pub from: Slot,
    pub to: Slot,
    /// The connection that asked: its seat if it becomes a call.
    pub link: LinkId,
    pub seconds: u32,
    pub started: Millis,
    pub expires: Millis,
    /// Ended for the callee by a block between the two; for the caller it rings on (SAFE 4).
    pub is_muted: bool,
}

/// What is known of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// It ended; whether by itself.
    Ended { from: UserId, to: UserId, is_expired: bool },
    /// It rings.
    Open(Invite),
    /// Never given out, or forgotten.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Past {
    from: UserId,
    to: UserId,
    is_expired: bool,
}

#[derive(Debug)]
pub struct Invites {
    open: BTreeMap<InviteId, Invite>,
    out: BySlot<Vec<InviteId>>,
    into: BySlot<Vec<InviteId>>,
    past: BTreeMap<InviteId, Past>,
    past_order: VecDeque<(Millis, InviteId)>,
    past_max: u32,
    /// INV 10: unanswered rings of a caller to a callee.
    unanswered: BTreeMap<(UserId, UserId), VecDeque<Millis>>,
}

impl Invites {
    pub fn new(past_max: u32) -> Invites {
        Invites {
            open: BTreeMap::new(),
            out: BySlot::default(),
            into: BySlot::default(),
            past: BTreeMap::new(),
            past_order: VecDeque::new(),
            past_max: past_max.max(1),
            unanswered: BTreeMap::new(),
        }
    }

    pub fn get(&self, id: InviteId) -> Option<Invite> {
        self.open.get(&id).copied()
    }

    pub fn known(&self, id: InviteId) -> Known {
        match (self.open.get(&id), self.past.get(&id)) {
            (Some(invite), _) => Known::Open(*invite),
            (None, Some(past)) => Known::Ended { from: past.from, to: past.to, is_expired: past.is_expired },
            (None, None) => Known::Unknown,
        }
    }

    pub fn count(&self) -> usize {
        self.open.len()
    }

    pub fn count_out(&self, user: Slot) -> usize {
        self.out.get(user).len()
    }

    pub fn count_in(&self, user: Slot) -> usize {
        self.into.get(user).iter().filter(|id| !self.open[id].is_muted).count()
    }

    /// Those in that ring nowhere too, after a block: what a caller sees must not tell whether theirs is one of them (SAFE 4).
    pub fn count_in_with_muted(&self, user: Slot) -> usize {
        self.into.get(user).len()
    }

    /// Open ones of a user, out and in, in the order in which they began.
    pub fn of(&self, user: Slot) -> Vec<Invite> {
        let mut ids: Vec<InviteId> = self.out.get(user).iter().chain(self.into.get(user)).copied().collect();
        ids.sort_unstable();
        ids.iter().map(|id| self.open[id]).collect()
    }

    pub fn oldest_of(&self, user: Slot) -> Option<Invite> {
        let first = self.out.get(user).first().into_iter().chain(self.into.get(user).first()).min()?;
        self.open.get(first).copied()
    }

    pub fn oldest_out(&self, user: Slot) -> Option<Invite> {
        self.open.get(self.out.get(user).first()?).copied()
    }

    pub fn oldest_in(&self, user: Slot) -> Option<Invite> {
        self.open.get(self.into.get(user).first()?).copied()
    }

    /// The ring of `from` to `to`, if there is one.
    pub fn between(&self, from: Slot, to: Slot) -> Option<Invite> {
        self.out.get(from).iter().map(|id| self.open[id]).find(|invite| invite.to == to)
    }

    /// Whether either rings the other.
    pub fn are_ringing(&self, a: Slot, b: Slot) -> bool {
        self.between(a, b).is_some() || self.between(b, a).is_some()
    }

    pub fn open(&mut self, invite: Invite) {
        assert!(invite.from != invite.to, "nobody rings themself");
        assert!(self.between(invite.from, invite.to).is_none(), "one ring between two");
        self.out.get_mut(invite.from).push(invite.id);
        self.into.get_mut(invite.to).push(invite.id);
        self.open.insert(invite.id, invite);
    }

    pub fn extend(&mut self, id: InviteId, expires: Millis) {
        let invite = self.open.get_mut(&id).expect("checked by the caller");
        assert!(expires >= invite.expires, "a ring is never shortened");
        invite.expires = expires;
    }

    pub fn mute(&mut self, id: InviteId) {
        self.open.get_mut(&id).expect("checked by the caller").is_muted = true;
    }

    /// Ends it and remembers how. `users` are the ids of caller and callee.
    pub fn close(&mut self, id: InviteId, users: (UserId, UserId), is_expired: bool, now: Millis) -> Invite {
        let invite = self.open.remove(&id).expect("checked by the caller");
        self.out.get_mut(invite.from).retain(|other| *other != id);
        self.into.get_mut(invite.to).retain(|other| *other != id);
        self.past.insert(id, Past { from: users.0, to: users.1, is_expired });
        self.past_order.push_back((now + REMEMBERED, id));
        if self.past_order.len() > self.past_max as usize
            && let Some((_, oldest)) = self.past_order.pop_front()
        {
            self.past.remove(&oldest);
        }
        invite
    }

    /// When the next ended one is to be forgotten.
    pub fn next_forget(&self) -> Option<Millis> {
        self.past_order.front().map(|(at, _)| *at)
    }

    /// Forgets what ended long enough ago; gives how many.
    pub fn forget_past(&mut self, now: Millis) -> usize {
        let before = self.past.len();
        while let Some((at, id)) = self.past_order.front().copied()
            && at <= now
        {
            self.past_order.pop_front();
            self.past.remove(&id);
        }
        before - self.past.len()
    }

    /// INV 10: one more unanswered ring; gives how many within the hour, this one counted.
    pub fn left_unanswered(&mut self, from: UserId, to: UserId, now: Millis) -> usize {
        let times = self.unanswered.entry((from, to)).or_default();
        times.push_back(now);
        while times.len() > 3 || times.front().is_some_and(|at| *at + UNANSWERED_WITHIN <= now) {
            times.pop_front();
        }
        times.len()
    }

    /// The count of the two begins anew.
    pub fn forget_unanswered(&mut self, from: UserId, to: UserId) {
        self.unanswered.remove(&(from, to));
    }

    /// Drops counts that are over; gives how many.
    pub fn sweep(&mut self, now: Millis) -> usize {
        let before = self.unanswered.len();
        self.unanswered.retain(|_, times| times.back().is_some_and(|at| *at + UNANSWERED_WITHIN > now));
        before - self.unanswered.len()
    }

    pub fn digest(&self, into: &mut Digest) {
        for invite in self.open.values() {
            into.number(invite.id.0).number(u64::from(invite.from.0)).number(u64::from(invite.to.0)).number(invite.link.0);
            into.number(u64::from(invite.seconds)).number(invite.started.0).number(invite.expires.0).number(u64::from(invite.is_muted));
        }
        for (id, past) in &self.past {
            into.number(id.0).number(u64::from(past.is_expired));
        }
        for ((from, to), times) in &self.unanswered {
            into.wide(from.0).wide(to.0).number(times.len() as u64);
        }
    }

    /// What must hold of it alone.
    pub fn check(&self, users: impl Iterator<Item = Slot>) {
        let (mut out, mut into) = (0, 0);
        for user in users {
            out += self.out.get(user).len();
            into += self.into.get(user).len();
        }
        assert_eq!((out, into), (self.open.len(), self.open.len()), "each ring is listed at both");
    }
}
