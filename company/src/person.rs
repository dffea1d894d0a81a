//! One made-up person: whether they are here, whom they see, who rings them, and their call. They decide for themselves; what all of
//! them must agree on (who rings whom, who comes when) is the company's.

use crate::dice::Dice;
use crate::seam::Member;
use crate::talk::Talk;
use crate::words::Persona;
use alloc::sync::Arc;
use alloc::vec::Vec;
use duologue_core::kit::ids::{InviteId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{CallStarted, Card, Command, Marks, Welcome};

/// Rings that one may have to answer; a server lets in fewer.
const RINGS_MOST: usize = 64;
/// The moment before one answers.
const ANSWER: (Span, Span) = (Span::millis(1_200), Span::millis(3_200));
/// How long one is here.
const STAY: (Span, Span) = (Span::mins(3), Span::mins(12));
/// And after a call with somebody: they cannot meet again today, so others are to come.
const STAY_AFTER: (Span, Span) = (Span::secs(45), Span::secs(120));

/// Whether somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stay {
    Home,
    Coming {
        at: Millis,
    },
    /// There is no welcome yet.
    Arriving,
    Here {
        until: Millis,
    },
}

/// A ring that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ring {
    invite: InviteId,
    from: UserId,
    answer_at: Millis,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) member: Member,
    pub(crate) persona: &'static Persona,
    pub(crate) stay: Stay,
    /// Was in a call: is not to come again.
    pub(crate) has_met: bool,
    /// The mark of the command that brings one into the lobby.
    pub(crate) joining: Option<u64>,
    /// Real people in the window whom one may ring.
    sees: Vec<UserId>,
    rings: Vec<Ring>,
    talk: Option<Talk>,
}

impl Person {
    pub(crate) fn new(member: Member, persona: &'static Persona) -> Person {
        Person { member, persona, stay: Stay::Home, has_met: false, joining: None, sees: Vec::new(), rings: Vec::new(), talk: None }
    }

    pub(crate) fn is_here(&self) -> bool {
        matches!(self.stay, Stay::Here { .. })
    }

    /// Here, in no call, and rung by nobody.
    pub(crate) fn is_free(&self) -> bool {
        self.is_here() && self.talk.is_none() && self.rings.is_empty()
    }

    pub(crate) fn talk(&self) -> Option<&Talk> {
        self.talk.as_ref()
    }

    pub(crate) fn talk_mut(&mut self) -> Option<&mut Talk> {
        self.talk.as_mut()
    }

    pub(crate) fn sees(&self) -> &[UserId] {
        &self.sees
    }

    pub(crate) fn is_rung_by(&self, user: UserId) -> bool {
        self.rings.iter().any(|ring| ring.from == user)
    }

    pub(crate) fn arrive(&mut self, now: Millis, dice: &mut Dice) {
        self.stay = Stay::Here { until: now + dice.span(STAY.0, STAY.1) };
    }

    /// Nothing of the visit is left.
    pub(crate) fn go_home(&mut self) {
        *self = Person { has_met: self.has_met, ..Person::new(self.member, self.persona) };
    }

    pub(crate) fn look(&mut self, places: &[Option<(Arc<Card>, Marks)>]) {
        let may_ring = |(card, marks): &(Arc<Card>, Marks)| {
            let is_real = !card.tags.iter().any(|tag| tag == crate::TAG);
            (is_real && marks.cooldown_until.is_none()).then_some(card.user)
        };
        self.sees.clear();
        self.sees.extend(places.iter().flatten().filter_map(may_ring));
    }

    /// The connection begins anew: what the server says is the case.
    pub(crate) fn follow(&mut self, now: Millis, welcome: &Welcome, dice: &mut Dice) {
        let call = welcome.state.call.as_ref().map(|call| call.started.call);
        if self.talk.as_ref().is_some_and(|talk| Some(talk.call()) != call) {
            self.talk = None;
        }
        self.rings.retain(|ring| welcome.state.invites.iter().any(|invite| invite.invite == ring.invite));
        for invite in welcome.state.invites.iter().filter(|invite| !invite.out) {
            self.rung(now, invite.invite, invite.card.user, dice);
        }
    }

    pub(crate) fn rung(&mut self, now: Millis, invite: InviteId, from: UserId, dice: &mut Dice) {
        let is_known = self.rings.iter().any(|ring| ring.invite == invite);
        if self.talk.is_none() && !is_known && self.rings.len() < RINGS_MOST {
            self.rings.push(Ring { invite, from, answer_at: now + dice.span(ANSWER.0, ANSWER.1) });
        }
    }

    pub(crate) fn ring_ended(&mut self, invite: InviteId) {
        self.rings.retain(|ring| ring.invite != invite);
    }

    pub(crate) fn call_started(&mut self, now: Millis, started: &CallStarted, dice: &mut Dice) {
        self.rings.clear();
        self.sees.clear();
        self.has_met = true;
        if self.talk.as_ref().is_none_or(|talk| talk.call() != started.call) {
            self.talk = Some(Talk::begin(now, started, self.persona, dice));
        }
    }

    pub(crate) fn call_ended(&mut self, now: Millis, dice: &mut Dice) {
        self.talk = None;
        if let Stay::Here { until } = &mut self.stay {
            *until = now + dice.span(STAY_AFTER.0, STAY_AFTER.1);
        }
    }

    /// When something of one's own is due. Whoever is in a call or rung does not go.
    pub(crate) fn next(&self) -> Option<Millis> {
        let stay = match self.stay {
            Stay::Coming { at } => Some(at),
            Stay::Here { until } => Some(until).filter(|_| self.is_free()),
            Stay::Arriving | Stay::Home => None,
        };
        match &self.talk {
            Some(talk) => Some(talk.next()),
            None => stay.into_iter().chain(self.rings.iter().map(|ring| ring.answer_at)).min(),
        }
    }

    pub(crate) fn wants_to_go(&self, now: Millis) -> bool {
        self.is_free() && matches!(self.stay, Stay::Here { until } if until <= now)
    }

    /// What one says now, of rings and the call.
    pub(crate) fn take_due(&mut self, now: Millis, seconds: (u32, u32), dice: &mut Dice) -> Option<Command> {
        if let Some(talk) = &mut self.talk {
            return talk.take_due(now, dice);
        }
        let due = self.rings.iter().position(|ring| ring.answer_at <= now)?;
        let ring = self.rings.remove(due);
        Some(Command::Accept { invite: ring.invite, seconds: wish(seconds, dice) })
    }
}

/// How long somebody would like to talk: some minutes, as far as the realm has them.
pub(crate) fn wish((least, most): (u32, u32), dice: &mut Dice) -> u32 {
    (60 * dice.one(&[2, 3, 4, 5])).clamp(least, most)
}
