//! Into the lobby and out of it. LOB 1; INV 8, 10.

use super::{Me, pairing, ring, visible};
use crate::desk::Desk;
use crate::kit::ids::LinkId;
use crate::parts::{Parts, Slot};
use crate::wire::{Done, Event, Reason, Why};
use alloc::string::{String, ToString};

/// The lobby of those who name none.
const MAIN: &str = "main";
/// When it is worth asking for a new lobby again.
const LOBBIES_RETRY: crate::kit::time::Span = crate::kit::time::Span::secs(5);

/// The lobby belongs to the user, whichever connection joined; in a call it takes effect at its end.
pub fn join(parts: &mut Parts, desk: &mut Desk, me: Me, name: Option<&str>) -> Result<Done, Reason> {
    let name = name.unwrap_or(MAIN);
    let held = parts.people.lobby(me.user);
    if held.is_some_and(|no| parts.lobbies.name(no) == name) {
        return Ok(Done::Joined { lobby: name.to_string() });
    }
    // A ticket that waited through a restart is for its own lobby.
    let is_elsewhere = parts.tickets.get(me.user).is_some_and(|wish| parts.lobbies.name(wish.lobby) != name);
    if held.is_some() || is_elsewhere {
        may_depart(parts, desk, me.user)?;
    }
    let lobby = parts.lobbies.number(name).ok_or(Reason::Unavailable { retry_after: LOBBIES_RETRY })?;
    // First, since it may be there for the sake of a ticket only, which ends with the lobby before.
    parts.lobbies.joined(lobby);
    if held.is_some() {
        depart(parts, desk, me.user, me.link);
    } else if is_elsewhere {
        pairing::give_up(parts, desk, me.user, me.link);
    }
    parts.people.set_lobby(me.user, Some(lobby));
    desk.touch(me.user);
    Ok(Done::Joined { lobby: name.to_string() })
}

/// `leave`.
pub fn leave(parts: &mut Parts, desk: &mut Desk, me: Me) -> Result<Done, Reason> {
    if parts.people.lobby(me.user).is_some() {
        may_depart(parts, desk, me.user)?;
        depart(parts, desk, me.user, me.link);
    }
    Ok(Done::Empty)
}

fn may_depart(parts: &Parts, desk: &Desk, user: Slot) -> Result<(), Reason> {
    if parts.invites.count_out(user) > 0 || parts.tickets.get(user).is_some() { desk.may_record() } else { Ok(()) }
}

/// Out of the lobby: rings both ways end, the ticket too, windows close. `but` is the connection whose command it was.
pub fn depart(parts: &mut Parts, desk: &mut Desk, user: Slot, but: Option<LinkId>) {
    if parts.people.lobby(user).is_none() {
        return;
    }
    ring::caller_leaves(parts, desk, user, but);
    ring::callee_lost(parts, desk, user, but);
    pairing::give_up(parts, desk, user, but);
    vanish(parts, desk, user);
}

/// Out of the lobby without a word about rings and tickets: whoever is offline is in none.
pub fn vanish(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    let Some(lobby) = parts.people.set_lobby(user, None) else { return };
    for link in parts.links.of(user).to_vec() {
        visible::close(parts, desk, link);
    }
    parts.lobbies.left(lobby);
    desk.touch(user);
}

/// INV 10: rings in a row went unanswered; the user is told and is out.
pub fn away(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    let Some(no) = parts.people.lobby(user) else { return };
    let lobby: String = parts.lobbies.name(no).into();
    depart(parts, desk, user, None);
    desk.tell(&parts.links, user, &Event::Left { lobby, why: Why::Away });
}
