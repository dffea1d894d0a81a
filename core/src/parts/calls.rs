//! Calls: who talks to whom, from which seats, until when. A user is in at most one call (CALL 10). For a while it is known who
//! was in an ended one, so that a late command gets the right code.

use super::{BySlot, Side, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::{CallId, LinkId, UserId};
use crate::kit::time::{Millis, Span};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

/// How long an ended call is remembered.
pub const REMEMBERED: Span = Span::secs(60);

/// One member's side of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The connection that carries it.
    pub seat: Option<LinkId>,
    /// Until when a lost seat may come back.
    pub lost_until: Option<Millis>,
    /// CALL 5: waits until the other shares too.
    pub shared: Option<Vec<(String, String)>>,
    /// SIG 6: credentials given.
    pub ice_given: u32,
}

/// A live call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub id: CallId,
    /// 0 makes the first offer.
    pub users: [Slot; 2],
    pub members: [Member; 2],
    pub agreed: u32,
    pub started: Millis,
    pub deadline: Millis,
    pub extensions: u32,
    pub epoch: u32,
    /// CALL 2: who asked for how much more, and how long the question stands.
    pub asked: Option<(Side, u32, Millis)>,
    /// The least number that the next line of chat may have.
    pub next_line: u32,
}

impl Call {
    pub fn side(&self, user: Slot) -> Option<Side> {
        self.users.iter().position(|member| *member == user)
    }
    pub fn seats(&self) -> [Option<LinkId>; 2] {
        [self.members[0].seat, self.members[1].seat]
    }
}

#[derive(Debug)]
pub struct Calls {
    live: BTreeMap<CallId, Call>,
    of: BySlot<Option<CallId>>,
    past: BTreeMap<CallId, [UserId; 2]>,
    past_order: VecDeque<(Millis, CallId)>,
    past_max: u32,
}

impl Calls {
    pub fn new(past_max: u32) -> Calls {
        Calls {
            live: BTreeMap::new(),
            of: BySlot::default(),
            past: BTreeMap::new(),
            past_order: VecDeque::new(),
            past_max: past_max.max(1),
        }
    }

    pub fn get(&self, id: CallId) -> Option<&Call> {
        self.live.get(&id)
    }

    pub fn get_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.live.get_mut(&id)
    }

    pub fn of(&self, user: Slot) -> Option<CallId> {
        *self.of.get(user)
    }

    pub fn count(&self) -> usize {
        self.live.len()
    }

    pub fn first(&self) -> Option<CallId> {
        self.live.keys().next().copied()
    }

    pub fn all(&self) -> impl Iterator<Item = &Call> {
        self.live.values()
    }

    /// Whose seat this connection is.
    pub fn seat_of(&self, user: Slot, link: LinkId) -> Option<(CallId, Side)> {
        let call = self.get(self.of(user)?)?;
        let side = call.side(user).expect("CALL 10: both know it");
        (call.members[side].seat == Some(link)).then_some((call.id, side))
    }

    pub fn open(&mut self, call: Call) {
        for user in call.users {
            let before = self.of.get_mut(user).replace(call.id);
            assert!(before.is_none(), "CALL 10: a user is in at most one call");
        }
        let before = self.live.insert(call.id, call);
        assert!(before.is_none(), "an id is given once");
    }

    /// Ends it and remembers whose it was.
    pub fn close(&mut self, id: CallId, users: [UserId; 2], now: Millis) -> Call {
        let call = self.live.remove(&id).expect("checked by the caller");
        for user in call.users {
            let was = self.of.take(user);
            assert_eq!(was, Some(id), "CALL 10: a user is in at most one call");
        }
        self.past.insert(id, users);
        self.past_order.push_back((now + REMEMBERED, id));
        if self.past_order.len() > self.past_max as usize
            && let Some((_, oldest)) = self.past_order.pop_front()
        {
            self.past.remove(&oldest);
        }
        call
    }

    /// Who was in an ended call.
    pub fn past(&self, id: CallId) -> Option<[UserId; 2]> {
        self.past.get(&id).copied()
    }

    /// Whether the two had a call that is still remembered, counted or not.
    pub fn had_one(&self, a: UserId, b: UserId) -> bool {
        self.past.values().any(|users| users.contains(&a) && users.contains(&b))
    }

    /// When the next ended one is to be forgotten.
    pub fn next_forget(&self) -> Option<Millis> {
        self.past_order.front().map(|(at, _)| *at)
    }

    /// Forgets what ended long enough ago.
    pub fn forget_past(&mut self, now: Millis) {
        while let Some((at, id)) = self.past_order.front().copied()
            && at <= now
        {
            self.past_order.pop_front();
            self.past.remove(&id);
        }
    }

    pub fn digest(&self, into: &mut Digest) {
        self.durable_digest(into);
        for call in self.live.values() {
            into.number(u64::from(call.epoch)).number(u64::from(call.next_line));
            for member in &call.members {
                into.maybe(member.seat.map(|s| s.0)).maybe(member.lost_until.map(|at| at.0));
                into.number(u64::from(member.shared.is_some())).number(u64::from(member.ice_given));
            }
            if let Some((side, seconds, until)) = call.asked {
                into.number(side as u64).number(u64::from(seconds)).number(until.0);
            }
        }
        for id in self.past.keys() {
            into.number(id.0);
        }
    }

    pub fn durable_digest(&self, into: &mut Digest) {
        for call in self.live.values() {
            into.number(call.id.0)
                .number(u64::from(call.agreed))
                .number(call.started.0)
                .number(call.deadline.0)
                .number(u64::from(call.extensions));
        }
    }

    /// What must hold of it alone.
    pub fn check(&self) {
        for call in self.live.values() {
            for user in call.users {
                assert_eq!(self.of(user), Some(call.id), "CALL 10: a user is in at most one call");
            }
            assert!(call.deadline >= call.started, "a call does not end before it began");
        }
    }
}
