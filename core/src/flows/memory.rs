//! Who is in memory: people come with all that their rows say, and leave when they have been gone for long. PRE 6; MEM 4, 5.

use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::UserId;
use crate::parts::sessions::Session;
use crate::parts::{Parts, Slot};
use crate::row::Row;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// Takes in what was looked up. What memory knows is newer than any row: rows of people who are here already are passed over.
pub fn absorb(parts: &mut Parts, desk: &mut Desk, rows: &[Row]) {
    let mut fresh: BTreeSet<UserId> = BTreeSet::new();
    for row in rows {
        if let Row::Person(person) = row
            && parts.people.complete(person.user).is_none()
            && make_room(parts, desk, person.user)
            && make_room_to_cool(parts, cooldowns_of(rows, person.user, desk))
        {
            parts.people.arrive(person, true, desk.now);
            fresh.insert(person.user);
        }
    }
    for row in rows {
        absorb_one(parts, desk, row, &fresh);
    }
    plan_forgetting(parts, desk);
}

fn absorb_one(parts: &mut Parts, desk: &mut Desk, row: &Row, fresh: &BTreeSet<UserId>) {
    let is_news = |user: &UserId| fresh.contains(user) || parts.people.complete(*user).is_none();
    match row {
        Row::Answer(answer) => {
            if let Some(user) = parts.people.slot(answer.user).filter(|_| fresh.contains(&answer.user)) {
                let done = Ok(answer.done.clone());
                parts.answered.load(user, answer.client, answer.number, &done, desk.rules.answers, (answer.at, desk.now));
            }
        }
        Row::Block { by, of, .. } if is_news(by) && is_news(of) => parts.hidden.block(*by, *of),
        Row::Report(report) if is_news(&report.by) && is_news(&report.of) => parts.hidden.report(report.by, report.of),
        Row::Cooldown { pair, until } if *until > desk.now && (fresh.contains(&pair.low()) || fresh.contains(&pair.high())) => {
            parts.cooldowns.extend(*pair, *until);
        }
        Row::Session { hash, user, expires } => parts.sessions.put(*hash, Session { user: *user, expires: *expires }),
        Row::AnswersGone { .. }
        | Row::Block { .. }
        | Row::BlockGone { .. }
        | Row::Call(_)
        | Row::CallGone { .. }
        | Row::Chat { .. }
        | Row::Cooldown { .. }
        | Row::Person(_)
        | Row::Report(_)
        | Row::SessionGone { .. }
        | Row::Ticket(_)
        | Row::TicketGone { .. } => {}
    }
}

/// Whether one more finds room: the one longest offline leaves for it.
pub fn make_room(parts: &mut Parts, desk: &Desk, user: UserId) -> bool {
    if parts.people.slot(user).is_some() || parts.people.count() < desk.limits.users_max as usize {
        return true;
    }
    let longest = parts.people.offline().map(|(_, slot)| slot).find(|slot| !is_pinned(parts, *slot));
    if let Some(longest) = longest {
        forget(parts, longest);
    }
    longest.is_some()
}

fn cooldowns_of(rows: &[Row], user: UserId, desk: &Desk) -> usize {
    let is_theirs =
        |row: &&Row| matches!(row, Row::Cooldown { pair, until } if *until > desk.now && (pair.low() == user || pair.high() == user));
    rows.iter().filter(is_theirs).count()
}

/// Whether so many more cooldowns find room beside those that open rings may need: whoever is longest offline leaves for it.
fn make_room_to_cool(parts: &mut Parts, more: usize) -> bool {
    while !parts.cooldowns.has_room(parts.invites.count() + more) {
        let Some(longest) = parts.people.offline().map(|(_, slot)| slot).find(|slot| !is_pinned(parts, *slot)) else { return false };
        forget(parts, longest);
    }
    true
}

fn is_pinned(parts: &Parts, user: Slot) -> bool {
    parts.links.is_present(user) || parts.calls.of(user).is_some() || parts.tickets.get(user).is_some()
}

fn forget(parts: &mut Parts, user: Slot) {
    let id = parts.people.id(user);
    assert!(!is_pinned(parts, user), "MEM 5: who is connected, in a call or waits is pinned");
    parts.answered.leave(user);
    parts.people.leave(user);
    parts.cooldowns.leave(id, |other| parts.people.slot(other).is_some());
    parts.hidden.leave(id, |other| parts.people.slot(other).is_some());
}

/// MEM 3: of those who are in memory only because they were here, and of the sessions, the half that was used least lately leaves;
/// gives how many. Their rows are durable before any later look-up reads them (MEM 4).
pub fn shed(parts: &mut Parts, desk: &mut Desk) -> u32 {
    let cached: Vec<Slot> = parts.people.offline().map(|(_, slot)| slot).filter(|slot| !is_pinned(parts, *slot)).collect();
    let people = cached.len().div_ceil(2);
    for user in &cached[..people] {
        forget(parts, *user);
    }
    plan_forgetting(parts, desk);
    let sessions = parts.sessions.count().div_ceil(2);
    (0..sessions).for_each(|_| parts.sessions.drop_oldest());
    (people + sessions) as u32
}

/// Sets the deadline of whoever has been offline longest.
pub fn plan_forgetting(parts: &Parts, desk: &mut Desk) {
    match parts.people.offline().find(|(_, slot)| !is_pinned(parts, *slot)) {
        Some((since, _)) => desk.timers.set(Due::ForgetUsers, since + desk.rules.forget),
        None => {
            desk.timers.cancel(Due::ForgetUsers);
        }
    }
}

/// PRE 6: offline for long enough.
pub fn forget_users(parts: &mut Parts, desk: &mut Desk) {
    let due = |parts: &Parts, desk: &Desk| {
        parts
            .people
            .offline()
            .find(|(since, slot)| *since + desk.rules.forget <= desk.now && !is_pinned(parts, *slot))
            .map(|(_, slot)| slot)
    };
    while let Some(user) = due(parts, desk) {
        forget(parts, user);
    }
    plan_forgetting(parts, desk);
}
