//! The beginning and the end of a call. CALL 1, 6, 7, 8, 9, 12; INV 6, 11.

use super::{cool, found, pair, ring};
use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::{CallId, LinkId, UserId};
use crate::kit::time::Millis;
use crate::output::{FactNo, Output};
use crate::parts::calls::{Call, Member};
use crate::parts::{Parts, Side, Slot};
use crate::row::{HistoryRow, Row};
use crate::wire::{CallEnded, CallStarted, Done, Event, PeerLink, Reason, Why};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A call as it is to be kept.
pub fn row(parts: &Parts, call: &Call, ended: Option<(Millis, Why)>) -> Row {
    Row::Call(Box::new(HistoryRow {
        call: call.id,
        members: call.users.map(|user| parts.people.id(user)),
        agreed: call.agreed,
        started: call.started,
        deadline: call.deadline,
        extensions: call.extensions,
        epoch: call.epoch,
        ended,
        chat: Vec::new(),
    }))
}

/// A call as one connection of a member sees it.
pub fn as_seen(parts: &Parts, desk: &Desk, call: &Call, side: Side, link: LinkId) -> CallStarted {
    CallStarted {
        call: call.id,
        peer: parts.people.card(call.users[1 - side]).clone(),
        seconds: call.agreed,
        started: call.started,
        deadline: call.deadline,
        now: desk.now,
        initiator: side == 0,
        epoch: call.epoch,
        here: call.members[side].seat == Some(link),
    }
}

/// Says where the call's signals go now.
pub fn put_seats(desk: &mut Desk, call: &Call) {
    desk.put(Output::Seats { call: call.id, after: FactNo(0), epoch: call.epoch, seats: call.seats(), deadline: call.deadline });
}

/// Starts a call between two free users, `first` making the offer. Called by accept, crossed invites and pairing.
pub fn start(parts: &mut Parts, desk: &mut Desk, first: (Slot, Option<LinkId>), second: (Slot, Option<LinkId>), agreed: u32) -> CallId {
    for (user, _) in [first, second] {
        ring::end_all_busy(parts, desk, user);
        found::end_busy(parts, desk, user);
    }
    let id = CallId(desk.new_id());
    let started = desk.now;
    let seat = |(user, link): (Slot, Option<LinkId>)| link.filter(|link| parts.links.user(*link) == Some(user)).or(parts.links.best(user));
    let members = [first, second].map(|of| Member { seat: seat(of), ..Member::default() });
    let call = Call {
        id,
        users: [first.0, second.0],
        members,
        agreed,
        started,
        deadline: started + crate::kit::time::Span::secs(u64::from(agreed)),
        extensions: 0,
        epoch: 1,
        asked: None,
        next_line: 0,
    };
    desk.timers.set(Due::CallEnd(id), call.deadline);
    desk.record(row(parts, &call, None));
    parts.calls.open(call.clone());
    // CALL 7: from the first second, so that no way out of the call escapes it.
    cool(parts, desk, first.0, second.0, started, desk.rules.cooldown_call);
    put_seats(desk, &call);
    for (side, user) in call.users.into_iter().enumerate() {
        for link in parts.links.of(user).to_vec() {
            let seen = as_seen(parts, desk, &call, side, link);
            desk.tell_link(link, Event::CallStarted(Box::new(seen)));
        }
        desk.touch(user);
    }
    for side in [0, 1] {
        if let Some(seat) = call.members[side].seat.filter(|seat| !parts.links.is_there(*seat)) {
            let until = desk.timers.at(Due::Grace(seat)).unwrap_or(desk.now + desk.rules.grace);
            lose_side(parts, desk, id, side, until);
        }
    }
    id
}

/// A side has no link for the moment: the other one is told at once, nobody is left in a dead call (INV 11, CALL 6).
pub fn lose_side(parts: &mut Parts, desk: &mut Desk, id: CallId, side: Side, until: Millis) {
    let call = parts.calls.get_mut(id).expect("checked by the caller");
    call.members[side].lost_until = Some(until);
    let other = call.users[1 - side];
    desk.timers.set(Due::SeatGrace(id, side as u8), until);
    desk.tell(&parts.links, other, &Event::PeerLink { call: id, state: PeerLink::Reconnecting { until } });
}

/// Ends a call once, `why` as told to each side. `at` is when: a deadline that passed while nobody ran is its own instant.
pub fn end(parts: &mut Parts, desk: &mut Desk, id: CallId, why: [Why; 2], at: Millis) {
    let users: [Slot; 2] = parts.calls.get(id).expect("checked by the caller").users;
    let ids: [UserId; 2] = users.map(|user| parts.people.id(user));
    let call = parts.calls.close(id, ids, desk.now);
    desk.timers.set_if_absent(Due::ForgetPast, parts.calls.next_forget().expect("just remembered"));
    for due in [Due::CallEnd(id), Due::SeatGrace(id, 0), Due::SeatGrace(id, 1)] {
        desk.timers.cancel(due);
    }
    let length = at.since(call.started);
    if length >= desk.rules.counted {
        for user in users {
            parts.people.add_to_totals(user, length.as_secs(), length >= desk.rules.completed);
        }
        let told = if why[0] == Why::Blocked || why[1] == Why::Blocked { Why::HangUp } else { why[0] };
        desk.record(row(parts, &call, Some((at, told))));
        for user in users {
            desk.record(Row::Person(parts.people.row(user)));
        }
    } else {
        desk.record(Row::CallGone { call: id });
    }
    desk.put(Output::Unseat { call: id, after: FactNo(0), seats: call.seats() });
    let cooldown_until =
        parts.cooldowns.active(pair(parts, users[0], users[1]), Millis(0)).unwrap_or(call.started + desk.rules.cooldown_call);
    for (user, why) in users.into_iter().zip(why) {
        let totals = parts.people.totals(user);
        let ended = CallEnded { call: id, why, seconds: length.as_secs(), cooldown_until, totals };
        desk.tell(&parts.links, user, &Event::CallEnded(Box::new(ended)));
        desk.touch(user);
    }
}

/// CALL 1: the deadline, with both clients silent; at its own instant even if that has passed meanwhile (CALL 12).
pub fn deadline(parts: &mut Parts, desk: &mut Desk, id: CallId) {
    let at = parts.calls.get(id).expect("a call has its deadline while it lives").deadline;
    end(parts, desk, id, [Why::Deadline; 2], at.min(desk.now));
}

/// CALL 6: a member did not come back.
pub fn peer_lost(parts: &mut Parts, desk: &mut Desk, id: CallId) {
    end(parts, desk, id, [Why::PeerLost; 2], desk.now);
}

/// Acting on a call: which side one is on.
///
/// # Errors
/// `UnknownCall` – never given out, forgotten, or ended; `NotMember` – never a member.
pub fn side(parts: &Parts, user: Slot, id: CallId) -> Result<Side, Reason> {
    match (parts.calls.get(id), parts.calls.past(id)) {
        (Some(call), _) => call.side(user).ok_or(Reason::NotMember),
        (None, Some(users)) if !users.contains(&parts.people.id(user)) => Err(Reason::NotMember),
        (None, _) => Err(Reason::UnknownCall),
    }
}

/// CALL 6: either hangs up; twice has one effect.
pub fn hang_up(parts: &mut Parts, desk: &mut Desk, me: Slot, id: CallId) -> Result<Done, Reason> {
    if parts.calls.past(id).is_some_and(|users| users.contains(&parts.people.id(me))) {
        return Ok(Done::Empty);
    }
    side(parts, me, id)?;
    desk.may_record()?;
    end(parts, desk, id, [Why::HangUp; 2], desk.now);
    Ok(Done::Empty)
}
