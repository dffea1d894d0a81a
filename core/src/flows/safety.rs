//! Block and report: both hide the two from each other at once and end what they have together. SAFE 1, 4; LOB 3.

use super::{Halt, Me, Outcome, call};
use crate::desk::Desk;
use crate::flows::ring;
use crate::kit::ids::{CallId, UserId};
use crate::output::Key;
use crate::parts::parked::Found;
use crate::parts::rates::{Action, Whom};
use crate::parts::{Parts, Slot};
use crate::row::{ReportRow, Row};
use crate::wire::{Done, Reason, Why};
use alloc::boxed::Box;

/// Hides the two both ways; never announced.
pub fn block(parts: &mut Parts, desk: &mut Desk, me: Me, of: UserId) -> Result<Done, Reason> {
    let by = parts.people.id(me.user);
    if by == of {
        return Err(Reason::InvalidTarget);
    }
    if parts.hidden.has_blocked(by, of) {
        return Ok(Done::Empty);
    }
    desk.may_record()?;
    desk.record(Row::Block { by, of, at: desk.now });
    parts.hidden.block(by, of);
    separate(parts, desk, me.user, of);
    Ok(Done::Empty)
}

/// Takes a block back; a report between the two still hides them.
pub fn unblock(parts: &mut Parts, desk: &mut Desk, me: Me, of: UserId) -> Result<Done, Reason> {
    let by = parts.people.id(me.user);
    if by == of {
        return Err(Reason::InvalidTarget);
    }
    if !parts.hidden.has_blocked(by, of) {
        return Ok(Done::Empty);
    }
    desk.may_record()?;
    desk.record(Row::BlockGone { by, of });
    parts.hidden.unblock(by, of);
    if let Some(other) = parts.people.slot(of) {
        desk.remark(me.user, other);
    }
    Ok(Done::Empty)
}

/// Counted once per reporter and reported; needs a call the two had, which may have to be looked up. `found` is the answer to
/// that look-up.
pub fn report(
    parts: &mut Parts,
    desk: &mut Desk,
    me: Me,
    of: UserId,
    (reason, about): (&str, Option<CallId>),
    found: Option<&Found>,
) -> Outcome {
    let by = parts.people.id(me.user);
    if by == of {
        return Err(Reason::InvalidTarget.into());
    }
    if found.is_none() {
        let rate = parts.rates.take(Action::Reports, Whom::User(by), &desk.rules.rate_reports, desk.now);
        rate.map_err(|retry_after| Reason::RateLimited { retry_after })?;
    }
    if parts.hidden.has_reported(by, of) {
        return Ok(Done::Empty);
    }
    // A call too short for the history is a call the two had, while it is remembered.
    if desk.rules.report_needs_call && !is_in_call_with(parts, me.user, of) && !parts.calls.had_one(by, of) {
        let Some(found) = found else { return Err(Halt::Load(Key::Together(by, of))) };
        if !found.rows.iter().any(|row| matches!(row, Row::Call(call) if call.members.contains(&by) && call.members.contains(&of))) {
            return Err(Reason::UnknownCall.into());
        }
    }
    desk.may_record()?;
    desk.record(Row::Report(Box::new(ReportRow { by, of, reason: reason.into(), call: about, at: desk.now })));
    parts.hidden.report(by, of);
    separate(parts, desk, me.user, of);
    Ok(Done::Empty)
}

fn is_in_call_with(parts: &Parts, me: Slot, of: UserId) -> bool {
    parts.calls.of(me).is_some_and(|id| parts.people.slot(of).and_then(|other| parts.calls.of(other)) == Some(id))
}

/// SAFE 4: a call between the two ends (`blocked` to the one who did it, `hang_up` to the other); a ring ends for the callee's
/// devices at once, for the caller when it would have ended.
fn separate(parts: &mut Parts, desk: &mut Desk, me: Slot, of: UserId) {
    let Some(other) = parts.people.slot(of) else { return };
    desk.remark(me, other);
    if let Some(id) = parts.calls.of(me)
        && parts.calls.of(other) == Some(id)
    {
        let mine = call::side(parts, me, id).expect("CALL 10: both know it");
        let mut why = [Why::HangUp; 2];
        why[mine] = Why::Blocked;
        call::end(parts, desk, id, why, desk.now);
    }
    for (from, to) in [(me, other), (other, me)] {
        if let Some(invite) = parts.invites.between(from, to).filter(|invite| !invite.is_muted) {
            ring::mute(parts, desk, &invite);
        }
    }
    if let Some(pair) = parts.tickets.get(me).and_then(|wish| wish.pair)
        && parts.tickets.get(other).and_then(|wish| wish.pair) == Some(pair)
    {
        super::found::end(parts, desk, pair, Why::Timeout, [true; 2], None);
    }
}
