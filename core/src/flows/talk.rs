//! What members do in a call beside signaling: chat, contacts, more time, servers to connect by. CALL 2, 4, 5; SIG 6.

use super::{Me, call};
use crate::desk::Desk;
use crate::due::Due;
use crate::kit::ids::{CallId, UserId};
use crate::kit::text;
use crate::kit::time::Span;
use crate::parts::Parts;
use crate::parts::rates::{Action, Whom};
use crate::row::{ChatLine, Row};
use crate::wire::check::check_contacts;
use crate::wire::{Done, Event, Reason};
use alloc::string::String;
use alloc::vec::Vec;

/// Credentials outlive their call by this much, so that its last seconds do not depend on a clock.
const CREDENTIALS_OUTLIVE: Span = Span::secs(60);

/// CALL 3, 4: a line to all connections of both but the one that sent it.
pub fn chat(parts: &mut Parts, desk: &mut Desk, me: Me, id: CallId, said: &str) -> Result<Done, Reason> {
    let from: UserId = parts.people.id(me.user);
    take_rate(parts, desk, me)?;
    call::side(parts, me.user, id)?;
    let line = text::clean_chat(said);
    if !(1..=desk.rules.chat_max as usize).contains(&text::length(&line)) {
        return Err(Reason::field("text", "1 to calls.chat_max characters after cleaning"));
    }
    let at = desk.now;
    let call = parts.calls.get_mut(id).expect("checked above");
    if desk.rules.chat_keep {
        desk.may_record()?;
        // Numbered by the clock, so that after a restart, which reads no chat, no line overwrites an earlier one.
        let index = u32::try_from(at.since(call.started).0).unwrap_or(0).max(call.next_line);
        call.next_line = index + 1;
        desk.record(Row::Chat { call: id, index, line: ChatLine { from, text: line.clone(), at } });
    }
    let users = call.users;
    let event = Event::Chat { call: id, from, text: line, at };
    for user in users {
        desk.tell_others(&parts.links, user, me.link, &event);
    }
    Ok(Done::Said { at })
}

fn take_rate(parts: &mut Parts, desk: &Desk, me: Me) -> Result<(), Reason> {
    let user = Whom::User(parts.people.id(me.user));
    parts.rates.take(Action::Chat, user, &desk.rules.rate_chat, desk.now).map_err(|retry_after| Reason::RateLimited { retry_after })
}

/// CALL 5: the first share waits, unannounced, until the other one shares too. Cleaned as a line of chat, and limited with them: the
/// peer hears each one.
pub fn share(parts: &mut Parts, desk: &mut Desk, me: Me, id: CallId, contacts: &[(String, String)]) -> Result<Done, Reason> {
    take_rate(parts, desk, me)?;
    let side = call::side(parts, me.user, id)?;
    check_contacts(contacts)?;
    let mine: Vec<(String, String)> = contacts.iter().map(|(key, value)| (text::clean_chat(key), text::clean_chat(value))).collect();
    let call = parts.calls.get_mut(id).expect("checked above");
    let before = call.members[side].shared.replace(mine.clone());
    let Some(theirs) = call.members[1 - side].shared.clone().filter(|_| before.as_ref() != Some(&mine)) else {
        return Ok(Done::Empty);
    };
    let peer = call.users[1 - side];
    desk.tell(&parts.links, peer, &Event::Shared { call: id, contacts: mine });
    if before.is_none() {
        desk.tell(&parts.links, me.user, &Event::Shared { call: id, contacts: theirs });
    }
    Ok(Done::Empty)
}

/// CALL 2: the first asks, the second agrees.
pub fn extend(parts: &mut Parts, desk: &mut Desk, me: Me, id: CallId, seconds: u32) -> Result<Done, Reason> {
    let side = call::side(parts, me.user, id)?;
    let call = parts.calls.get_mut(id).expect("checked above");
    let is_in_range = (desk.rules.seconds_min..=desk.rules.seconds_max).contains(&seconds);
    if !is_in_range || call.extensions >= desk.rules.extensions {
        return Err(Reason::InvalidDuration);
    }
    let theirs = call.asked.filter(|(asker, _, until)| *asker != side && *until > desk.now);
    let Some((_, other, _)) = theirs else {
        let until = desk.now + desk.rules.extend_window;
        call.asked = Some((side, seconds, until));
        let (peer, deadline) = (call.users[1 - side], call.deadline);
        desk.tell(&parts.links, peer, &Event::ExtendAsked { call: id, seconds, until });
        return Ok(Done::Deadline { deadline });
    };
    desk.may_record()?;
    call.asked = None;
    call.extensions += 1;
    call.deadline = call.deadline + Span::secs((u64::from(other) + u64::from(seconds)) / 2);
    let (deadline, users) = (call.deadline, call.users);
    let extensions_left = desk.rules.extensions - call.extensions;
    let kept = call.clone();
    desk.timers.set(Due::CallEnd(id), deadline);
    desk.record(call::row(parts, &kept, None));
    call::put_seats(desk, &kept);
    for user in users {
        desk.tell(&parts.links, user, &Event::CallExtended { call: id, deadline, now: desk.now, extensions_left });
    }
    Ok(Done::Deadline { deadline })
}

/// SIG 6: the engine counts and says until when; whoever encodes the answer adds the servers.
pub fn ice_servers(parts: &mut Parts, desk: &Desk, me: Me, id: CallId) -> Result<Done, Reason> {
    let side = call::side(parts, me.user, id)?;
    let call = parts.calls.get_mut(id).expect("checked above");
    let member = &mut call.members[side];
    if member.ice_given >= desk.rules.ice_per_call {
        return Err(Reason::TooLarge);
    }
    member.ice_given += 1;
    Ok(Done::IceServers { servers: Vec::new(), expires: call.deadline + CREDENTIALS_OUTLIVE })
}
