//! The end of a ring, whatever its cause: who is told what (the table in `docs/protocol.md`), and what is remembered.

use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::{InviteId, LinkId, UserId};
use crate::kit::time::Millis;
use crate::parts::invites::{Invite, Known};
use crate::parts::{Parts, Slot};
use crate::wire::{Event, Reason, Why};

/// What each side is told when a ring ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ending {
    /// To the caller's connections; none where nobody is there to be told.
    pub caller: Option<(Why, Option<Millis>)>,
    /// To the callee's connections.
    pub callee: Option<(Why, Option<Millis>)>,
    /// It ended by itself: a late answer is `expired`, not `answered`.
    pub is_expired: bool,
    /// The connection whose command ended it: its `ok` tells it.
    pub but: Option<LinkId>,
}

/// Ends a ring and tells both sides.
pub fn end(parts: &mut Parts, desk: &mut Desk, id: InviteId, ending: Ending) -> Invite {
    let open = parts.invites.get(id).expect("checked by the caller");
    let users = (parts.people.id(open.from), parts.people.id(open.to));
    let invite = parts.invites.close(id, users, ending.is_expired, desk.now);
    desk.timers.cancel(Due::Ring(id));
    desk.timers.set_if_absent(Due::ForgetPast, parts.invites.next_forget().expect("just remembered"));
    let sides = [(invite.from, ending.caller), (invite.to, ending.callee.filter(|_| !invite.is_muted))];
    for (user, told) in sides {
        if let Some((why, cooldown_until)) = told {
            desk.tell_others(&parts.links, user, ending.but, &Event::InviteEnded { invite: id, why, cooldown_until });
        }
    }
    invite
}

/// INV 6: whoever goes into a call leaves every other ring, on both sides of it.
pub fn end_all_busy(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    while let Some(invite) = parts.invites.oldest_of(user) {
        end(parts, desk, invite.id, Ending { caller: Some((Why::Busy, None)), callee: Some((Why::Busy, None)), ..Ending::default() });
    }
}

/// A ring of the caller's that is taken back, by word or by going away: the pair is cooled (INV 8).
pub fn rescind(parts: &mut Parts, desk: &mut Desk, invite: &Invite, callee_is_told: Why, but: Option<LinkId>) -> Millis {
    let until = super::cool(parts, desk, invite.from, invite.to, desk.now, desk.rules.cooldown_rescind);
    end(
        parts,
        desk,
        invite.id,
        Ending { caller: Some((Why::Rescinded, None)), callee: Some((callee_is_told, Some(until))), is_expired: false, but },
    );
    until
}

/// INV 8, 3: the caller leaves the lobby.
pub fn caller_leaves(parts: &mut Parts, desk: &mut Desk, user: Slot, but: Option<LinkId>) {
    while let Some(invite) = parts.invites.oldest_out(user) {
        rescind(parts, desk, &invite, Why::Rescinded, but);
    }
}

/// The caller is gone.
pub fn caller_lost(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    while let Some(invite) = parts.invites.oldest_out(user) {
        rescind(parts, desk, &invite, Why::CallerLost, None);
    }
}

/// The callee is gone or left the lobby: no cooldown.
pub fn callee_lost(parts: &mut Parts, desk: &mut Desk, user: Slot, but: Option<LinkId>) {
    while let Some(invite) = parts.invites.oldest_in(user) {
        let told = Some((Why::CalleeLost, None));
        end(parts, desk, invite.id, Ending { caller: told, callee: told, is_expired: false, but });
    }
}

/// Acting on an invite as its callee.
///
/// # Errors
/// `UnknownInvite` – never given out, or over for long; `NotYours` – not the callee; `Expired`, `Answered` – how it ended.
pub fn as_callee(parts: &Parts, me: Slot, id: InviteId) -> Result<Invite, Reason> {
    let invite = acting(parts, me, id, |_, to| to)?;
    if invite.is_muted { Err(Reason::Expired) } else { Ok(invite) }
}

/// Acting on an invite as its caller.
///
/// # Errors
/// As [`as_callee`].
pub fn as_caller(parts: &Parts, me: Slot, id: InviteId) -> Result<Invite, Reason> {
    acting(parts, me, id, |from, _| from)
}

fn acting(parts: &Parts, me: Slot, id: InviteId, entitled: impl Fn(UserId, UserId) -> UserId) -> Result<Invite, Reason> {
    let me = parts.people.id(me);
    match parts.invites.known(id) {
        Known::Unknown => Err(Reason::UnknownInvite),
        Known::Ended { from, to, .. } if entitled(from, to) != me => Err(Reason::NotYours),
        Known::Ended { is_expired: true, .. } => Err(Reason::Expired),
        Known::Ended { is_expired: false, .. } => Err(Reason::Answered),
        Known::Open(invite) if entitled(parts.people.id(invite.from), parts.people.id(invite.to)) != me => Err(Reason::NotYours),
        Known::Open(invite) => Ok(invite),
    }
}

/// SAFE 4: over for the callee's devices at once; the caller hears of it when it would have ended.
pub fn mute(parts: &mut Parts, desk: &mut Desk, invite: &Invite) {
    parts.invites.mute(invite.id);
    desk.tell(&parts.links, invite.to, &Event::InviteEnded { invite: invite.id, why: Why::Expired, cooldown_until: None });
}
