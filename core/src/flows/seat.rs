//! Seats: which connection carries a member's side of a call, and what happens when it is lost, comes back or moves. CALL 6, 11.

use super::call;
use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::{CallId, LinkId};
use crate::parts::{Parts, Side, Slot};
use crate::wire::{Done, Event, PeerLink, Reason, Why};
use alloc::boxed::Box;

/// A connection lost its socket: if it is a seat, the member's grace begins, whatever other connections there are.
pub fn lost(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId) {
    if let Some((id, side)) = parts.calls.seat_of(user, link) {
        let until = desk.now + desk.rules.grace;
        call::lose_side(parts, desk, id, side, until);
    }
}

/// A connection has a socket again.
pub fn back(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId) {
    if let Some((id, side)) = parts.calls.seat_of(user, link) {
        found_again(parts, desk, id, side);
    }
}

fn found_again(parts: &mut Parts, desk: &mut Desk, id: CallId, side: Side) {
    let call = parts.calls.get_mut(id).expect("checked by the caller");
    if call.members[side].lost_until.take().is_some() {
        let other = call.users[1 - side];
        desk.timers.cancel(Due::SeatGrace(id, side as u8));
        desk.tell(&parts.links, other, &Event::PeerLink { call: id, state: PeerLink::Back });
    }
}

/// A connection is no more. A seat that was closed on purpose ends the call, unless another connection of the user is alive: then
/// the grace is on, as for a loss. A seat whose grace is over has its own deadline. Call it after the link was removed.
pub fn gone(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId) {
    let Some((id, side)) = parts.calls.seat_of(user, link) else { return };
    let call = parts.calls.get_mut(id).expect("the user is in it");
    call.members[side].seat = None;
    let is_lost = call.members[side].lost_until.is_some();
    call::put_seats(desk, call);
    if is_lost {
        return;
    }
    if parts.links.is_live(user) {
        let until = desk.now + desk.rules.grace;
        call::lose_side(parts, desk, id, side, until);
    } else {
        call::end(parts, desk, id, [Why::HangUp; 2], desk.now);
    }
}

/// The member's side moves to this connection, under a new epoch: the old one is told, the peer starts its signaling again.
pub fn take(parts: &mut Parts, desk: &mut Desk, id: CallId, side: Side, link: LinkId) {
    let call = parts.calls.get_mut(id).expect("checked by the caller");
    let old = call.members[side].seat.replace(link);
    call.epoch += 1;
    let (epoch, peer) = (call.epoch, call.members[1 - side].seat);
    call::put_seats(desk, call);
    if let Some(old) = old.filter(|old| *old != link && parts.links.get(*old).is_some()) {
        desk.tell_link(old, Event::CallMoved { call: id });
    }
    // What a connection said just before it was lost is done; but it is not there.
    match desk.timers.at(Due::Grace(link)) {
        None => found_again(parts, desk, id, side),
        Some(until) => call::lose_side(parts, desk, id, side, until),
    }
    if let Some(peer) = peer {
        desk.tell_link(peer, Event::Renegotiate { call: id, epoch });
    }
}

/// `rejoin`: a reloaded page or another device of the member takes the seat; the seat itself is told the present epoch again.
pub fn rejoin(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId, id: CallId) -> Result<Done, Reason> {
    let side = call::side(parts, user, id)?;
    if parts.calls.seat_of(user, link).is_none() {
        take(parts, desk, id, side, link);
    }
    let call = parts.calls.get(id).expect("checked above");
    let seen = call::as_seen(parts, desk, call, side, link);
    desk.tell_link(link, Event::CallStarted(Box::new(seen)));
    Ok(Done::Empty)
}

/// `renegotiate`: the seat asks for a new epoch; its `ok` says it, the peer is told.
pub fn renegotiate(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId, id: CallId) -> Result<Done, Reason> {
    let side = call::side(parts, user, id)?;
    parts.calls.seat_of(user, link).ok_or(Reason::NotYours)?;
    let epoch = next_epoch(parts, desk, id, [side != 0, side != 1]);
    Ok(Done::Epoch { epoch })
}

/// CON 4: what the seat missed is lost: both sides start again.
pub fn replay_lost(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId) {
    if let Some((id, _)) = parts.calls.seat_of(user, link) {
        next_epoch(parts, desk, id, [true; 2]);
    }
}

fn next_epoch(parts: &mut Parts, desk: &mut Desk, id: CallId, told: [bool; 2]) -> u32 {
    let call = parts.calls.get_mut(id).expect("checked by the caller");
    call.epoch += 1;
    let epoch = call.epoch;
    call::put_seats(desk, call);
    for (seat, is_told) in call.seats().into_iter().zip(told) {
        if let Some(seat) = seat.filter(|_| is_told) {
            desk.tell_link(seat, Event::Renegotiate { call: id, epoch });
        }
    }
    epoch
}

/// Signals of a connection that has no relay: the one place that knows the code.
pub fn refuse_signal(parts: &Parts, user: Slot, link: LinkId, id: CallId) -> Result<Done, Reason> {
    call::side(parts, user, id)?;
    match parts.calls.seat_of(user, link) {
        // The call's start is not released yet: nobody can know its id.
        Some(_) => Err(Reason::UnknownCall),
        None => Err(Reason::NotYours),
    }
}
