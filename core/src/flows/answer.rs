//! The callee answers a ring. INV 4, 5, 6, 8, 9.

use super::ring::{self, Ending};
use super::{Me, call, cool};
use crate::desk::Desk;
use crate::kit::ids::InviteId;
use crate::parts::Parts;
use crate::wire::{Done, Reason, Why};

/// Both must still be free; then one call starts, of floor((a + b) / 2) seconds.
pub fn accept(parts: &mut Parts, desk: &mut Desk, me: Me, id: InviteId, seconds: u32) -> Result<Done, Reason> {
    let invite = ring::as_callee(parts, me.user, id)?;
    if !(desk.rules.seconds_min..=desk.rules.seconds_max).contains(&seconds) {
        return Err(Reason::InvalidDuration);
    }
    for user in [invite.from, invite.to] {
        if !parts.links.is_present(user) {
            return Err(Reason::Offline);
        }
        if parts.calls.of(user).is_some() {
            return Err(Reason::Busy);
        }
    }
    desk.may_record()?;
    parts.invites.forget_unanswered(parts.people.id(invite.from), parts.people.id(invite.to));
    let ending =
        Ending { caller: Some((Why::Accepted, None)), callee: Some((Why::AnsweredElsewhere, None)), is_expired: false, but: me.link };
    ring::end(parts, desk, id, ending);
    let agreed = (u64::from(invite.seconds) + u64::from(seconds)) / 2;
    let call = call::start(parts, desk, (invite.from, Some(invite.link)), (me.user, me.link), agreed as u32);
    Ok(Done::Call { call })
}

/// The pair is cooled for a day.
pub fn decline(parts: &mut Parts, desk: &mut Desk, me: Me, id: InviteId) -> Result<Done, Reason> {
    let invite = ring::as_callee(parts, me.user, id)?;
    desk.may_record()?;
    parts.invites.forget_unanswered(parts.people.id(invite.from), parts.people.id(invite.to));
    let cooldown_until = cool(parts, desk, invite.from, invite.to, desk.now, desk.rules.cooldown_decline);
    let ending = Ending {
        caller: Some((Why::Declined, Some(cooldown_until))),
        callee: Some((Why::AnsweredElsewhere, None)),
        is_expired: false,
        but: me.link,
    };
    ring::end(parts, desk, id, ending);
    Ok(Done::Cooled { cooldown_until })
}
