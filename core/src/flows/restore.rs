//! The start of an engine: live calls and tickets from their rows, with their people. CALL 12, DUR.

use crate::desk::Desk;
use crate::due::Due;
use crate::kit::time::Millis;
use crate::parts::Parts;
use crate::parts::calls::{Call, Member};
use crate::parts::tickets::Wish;
use crate::row::{HistoryRow, Row, TicketRow};
use alloc::sync::Arc;

/// Reads what an engine starts from. Everybody is absent until they attach; nothing else is known of these people yet.
pub fn restore(parts: &mut Parts, desk: &mut Desk, rows: &[Row]) {
    for row in rows {
        if let Row::Person(person) = row {
            parts.people.arrive(person, false, desk.now);
        }
    }
    for row in rows {
        match row {
            Row::Call(call) if call.ended.is_none() => restore_call(parts, desk, call),
            Row::Ticket(ticket) => restore_ticket(parts, desk, ticket),
            _ => {}
        }
    }
}

/// Signaling epochs that one engine may give a call before a later one gives them again.
const EPOCHS_BITS: u32 = 11;

fn restore_call(parts: &mut Parts, desk: &mut Desk, row: &HistoryRow) {
    let [Some(first), Some(second)] = row.members.map(|user| parts.people.slot(user)) else { return };
    let until: Millis = desk.now + desk.rules.recovery;
    let (engine_epoch, ..) = desk.counters();
    let lost = || Member { lost_until: Some(until), ..Member::default() };
    for side in [0, 1] {
        desk.timers.set(Due::SeatGrace(row.call, side), until);
    }
    // A deadline that passed meanwhile ends the call at that deadline.
    desk.timers.set(Due::CallEnd(row.call), row.deadline);
    parts.calls.open(Call {
        id: row.call,
        users: [first, second],
        members: [lost(), lost()],
        agreed: row.agreed,
        started: row.started,
        deadline: row.deadline,
        extensions: row.extensions,
        // SIG 1: epochs are not written when they are given; this one is above all that an earlier engine gave.
        epoch: row.epoch.max(engine_epoch << EPOCHS_BITS),
        asked: None,
        next_line: 0,
    });
}

fn restore_ticket(parts: &mut Parts, desk: &mut Desk, row: &TicketRow) {
    let Some(user) = parts.people.slot(row.user) else { return };
    let Some(lobby) = parts.lobbies.number(&row.lobby) else { return };
    parts.lobbies.joined(lobby);
    let filter = Arc::new(row.filter.clone());
    let wish = Wish { user, since: row.since, lobby, filter, confirm: row.confirm, link: None, pair: None, again: None };
    parts.tickets.wish(row.user, wish);
    desk.timers.set(Due::TicketSleep(user), desk.now + desk.rules.ticket_sleep.max(desk.rules.recovery));
}
