//! The caller's side of a ring, and its end by itself. INV 1, 2, 3, 7, 8, 10.

use super::ring::{self, Ending};
use super::{Me, call, cool, lobby, may_cool, pair};
use crate::desk::Desk;
use crate::due::Due;
use crate::input::Address;
use crate::kit::ids::{InviteId, UserId};
use crate::parts::invites::Invite;
use crate::parts::rates::{Action, Whom};
use crate::parts::{Parts, Slot};
use crate::wire::{Done, Event, Reason, Why};

/// INV 3: only while the callee has fewer than this many in may a ring be extended.
const EXTEND_BELOW: usize = 4;
/// INV 10: the third unanswered ring to the same person within the hour cools the pair.
const UNANSWERED_MAX: usize = 3;

/// INV 1: refusals in this order; what the callee hides looks like nobody there.
pub fn invite(parts: &mut Parts, desk: &mut Desk, me: Me, to: UserId, seconds: u32) -> Result<Done, Reason> {
    if !(desk.rules.seconds_min..=desk.rules.seconds_max).contains(&seconds) {
        return Err(Reason::InvalidDuration);
    }
    if to == parts.people.id(me.user) {
        return Err(Reason::InvalidTarget);
    }
    take_rate(parts, desk, me)?;
    let callee = parts.people.slot(to).filter(|callee| parts.links.is_present(*callee) && parts.may_see(me.user, *callee));
    let callee = callee.ok_or(Reason::Offline)?;
    if let Some(until) = parts.cooldowns.active(pair(parts, me.user, callee), desk.now) {
        return Err(Reason::Cooldown { until });
    }
    if parts.people.lobby(callee).is_none() {
        return Err(Reason::NotInLobby);
    }
    if parts.calls.of(me.user).is_some() || parts.calls.of(callee).is_some() {
        return Err(Reason::Busy);
    }
    if let Some(theirs) = parts.invites.between(callee, me.user).filter(|theirs| !theirs.is_muted) {
        return cross(parts, desk, me, &theirs, seconds);
    }
    let is_full = parts.invites.count_out(me.user) >= desk.rules.invites_out as usize
        || parts.invites.count_in(callee) >= desk.rules.invites_in as usize
        || parts.invites.between(me.user, callee).is_some();
    if is_full {
        return Err(Reason::TooManyInvites);
    }
    may_cool(parts, desk)?;
    Ok(open(parts, desk, me, callee, seconds))
}

/// RATE: of both buckets, or of none.
fn take_rate(parts: &mut Parts, desk: &Desk, me: Me) -> Result<(), Reason> {
    let user = (Action::Rings, Whom::User(parts.people.id(me.user)), desk.rules.rate_rings);
    let address = me.link.and_then(|link| parts.links.get(link)).map_or(Address::default(), |link| link.address);
    let by_address = (Action::RingsAddress, Whom::Address(address.block()), desk.rules.rate_rings_address);
    let both = [user, by_address];
    let counted = if is_exempt(desk, address) { &both[..1] } else { &both[..] };
    parts.rates.take_all(counted, desk.now).map_err(|retry_after| Reason::RateLimited { retry_after })
}

/// RATE: whether address limits do not count this one.
pub fn is_exempt(desk: &Desk, address: Address) -> bool {
    desk.rules.exempt.iter().any(|(first, last)| (*first..=*last).contains(&address.0))
}

fn open(parts: &mut Parts, desk: &mut Desk, me: Me, callee: Slot, seconds: u32) -> Done {
    let id = InviteId(desk.new_id());
    let link = me.link.or(parts.links.best(me.user)).expect("who invites is connected");
    let expires = desk.now + desk.rules.ring;
    parts.invites.open(Invite { id, from: me.user, to: callee, link, seconds, started: desk.now, expires, is_muted: false });
    desk.timers.set(Due::Ring(id), expires);
    let from = parts.people.card(me.user).clone();
    desk.tell(&parts.links, callee, &Event::Rang { invite: id, from, seconds, expires });
    Done::Invited { invite: id, expires }
}

/// INV 7: A asks B while B asks A is consent.
fn cross(parts: &mut Parts, desk: &mut Desk, me: Me, theirs: &Invite, seconds: u32) -> Result<Done, Reason> {
    desk.may_record()?;
    let ending =
        Ending { caller: Some((Why::Accepted, None)), callee: Some((Why::AnsweredElsewhere, None)), is_expired: false, but: me.link };
    ring::end(parts, desk, theirs.id, ending);
    let agreed = ((u64::from(theirs.seconds) + u64::from(seconds)) / 2) as u32;
    let (a, b) = ((theirs.from, Some(theirs.link)), (me.user, me.link));
    // SIG 3: crossed invites have no caller; the lower user id makes the offer.
    let (first, second) = if parts.people.id(a.0) < parts.people.id(b.0) { (a, b) } else { (b, a) };
    let call = call::start(parts, desk, first, second, agreed);
    Ok(Done::Call { call })
}

/// INV 3: a step at a time, to a maximum in all, and only while few ring the callee.
pub fn extend(parts: &mut Parts, desk: &mut Desk, me: Me, id: InviteId) -> Result<Done, Reason> {
    let invite = ring::as_caller(parts, me.user, id)?;
    let expires = invite.expires + desk.rules.ring_extend;
    if expires.since(invite.started) > desk.rules.ring_max {
        return Err(Reason::InvalidDuration);
    }
    if parts.invites.count_in_with_muted(invite.to) >= EXTEND_BELOW {
        return Err(Reason::TooManyInvites);
    }
    parts.invites.extend(id, expires);
    desk.timers.set(Due::Ring(id), expires);
    if !invite.is_muted {
        desk.tell(&parts.links, invite.to, &Event::InviteExtended { invite: id, expires });
    }
    Ok(Done::Expires { expires })
}

/// INV 8: the pair is cooled for an hour.
pub fn rescind(parts: &mut Parts, desk: &mut Desk, me: Me, id: InviteId) -> Result<Done, Reason> {
    let invite = ring::as_caller(parts, me.user, id)?;
    desk.may_record()?;
    let cooldown_until = ring::rescind(parts, desk, &invite, Why::Rescinded, me.link);
    Ok(Done::Cooled { cooldown_until })
}

/// INV 3, 10: the ring's deadline. SAFE 4: to its caller a ring that a block ended is one that nobody answered, with all that
/// follows from it; for its callee it was over long ago.
pub fn expire(parts: &mut Parts, desk: &mut Desk, id: InviteId) {
    let invite = parts.invites.get(id).expect("a ring has its deadline while it is open");
    if !parts.links.is_live(invite.from) {
        let until = cool(parts, desk, invite.from, invite.to, desk.now, desk.rules.cooldown_rescind);
        let ending =
            Ending { caller: Some((Why::Rescinded, None)), callee: Some((Why::Rescinded, Some(until))), is_expired: true, but: None };
        ring::end(parts, desk, id, ending);
        return;
    }
    let users = (parts.people.id(invite.from), parts.people.id(invite.to));
    let is_third = parts.invites.left_unanswered(users.0, users.1, desk.now) >= UNANSWERED_MAX;
    let until = is_third.then(|| cool(parts, desk, invite.from, invite.to, desk.now, desk.rules.cooldown_rescind));
    let told = Some((Why::Expired, until));
    ring::end(parts, desk, id, Ending { caller: told, callee: told, is_expired: true, but: None });
    if !invite.is_muted && parts.people.left_unanswered(invite.to, invite.started) >= desk.rules.away_after {
        lobby::away(parts, desk, invite.to);
    }
}
