//! The end of an open pair: two who were found for each other and will not meet this time. PAIR 4.

use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::{LinkId, PairId};
use crate::parts::{Parts, Side, Slot};
use crate::row::Row;
use crate::wire::{Event, Why};

/// Ends it. `stays` says of each side whether its ticket goes on waiting; `but` is the connection whose command ended it.
pub fn end(parts: &mut Parts, desk: &mut Desk, id: PairId, why: Why, stays: [bool; 2], but: Option<LinkId>) {
    let Some(found) = parts.tickets.unask(id) else { return };
    desk.timers.cancel(Due::Confirm(id));
    for (user, stays) in found.users.into_iter().zip(stays) {
        if !stays {
            take_back(parts, desk, user);
        }
        let waiting = parts.tickets.get(user).is_some();
        desk.tell_others(&parts.links, user, but, &Event::PairEnded { pair: id, why, waiting });
    }
}

/// The user's ticket is no more.
pub fn take_back(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    if let Some(wish) = parts.tickets.unwish(user) {
        parts.lobbies.left(wish.lobby);
        desk.timers.cancel(Due::TicketSleep(user));
        desk.record(Row::TicketGone { user: parts.people.id(user) });
    }
}

/// The user goes into a call: both keep their wait.
pub fn end_busy(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    if let Some(id) = parts.tickets.get(user).and_then(|wish| wish.pair) {
        end(parts, desk, id, Why::Busy, [true; 2], None);
    }
}

/// The user says no, by word or by going away: only the other one keeps its wait.
pub fn refuse(parts: &mut Parts, desk: &mut Desk, user: Slot, but: Option<LinkId>) {
    let Some(found) = parts.tickets.get(user).and_then(|wish| wish.pair).and_then(|id| parts.tickets.found(id)) else { return };
    let mine: Side = found.side(user).expect("both know it");
    let mut stays = [true; 2];
    stays[mine] = false;
    end(parts, desk, found.id, Why::Refused, stays, but);
}

/// PAIR 4: not everybody confirmed in time.
pub fn timeout(parts: &mut Parts, desk: &mut Desk, id: PairId) {
    let found = parts.tickets.found(id).expect("a pair has its deadline while it is open");
    end(parts, desk, id, Why::Timeout, found.confirmed, None);
}
