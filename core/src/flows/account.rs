//! What is asked over HTTP: guests, one's own card, history, sign-out, and safety without a connection. CON 1; CALL 8; RATE.

use super::{Halt, Me, attach, invite, memory, profile, safety, session};
use crate::desk::Desk;
use crate::input::{Address, Request};
use crate::kit::ids::{CallId, TokenHash, UserId};
use crate::kit::time::Millis;
use crate::output::{FactNo, Key, Reply};
use crate::parts::parked::Found;
use crate::parts::rates::{Action, Whom};
use crate::parts::sessions::Session;
use crate::parts::{Parts, Slot};
use crate::row::{HistoryRow, PersonRow, Row};
use crate::wire::check::check_reason;
use crate::wire::{Card, Closing, Done, Reason, Totals};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The reply to a request, and the fact that it waits for beside its own. A refusal is a reply too, and waits for none; `Halt::Load`
/// asks for rows first.
pub fn request(
    parts: &mut Parts,
    desk: &mut Desk,
    (who, address): (Option<TokenHash>, Address),
    request: &Request,
    found: Option<&Found>,
) -> Result<(FactNo, Reply), Halt> {
    if found.is_none() && !invite::is_exempt(desk, address) {
        let (action, rate) = match request {
            Request::Guest { .. } => (Action::Guests, desk.rules.rate_guests),
            _ => (Action::Api, desk.rules.rate_api),
        };
        parts
            .rates
            .take(action, Whom::Address(address.block()), &rate, desk.now)
            .map_err(|retry_after| Reason::RateLimited { retry_after })?;
    }
    if let Request::Guest { user, session, name, gender } = request {
        return guest(parts, desk, (*user, *session), name, gender.as_deref()).map(|reply| (FactNo(0), reply));
    }
    let Some(hash) = who else { return Ok((FactNo(0), Reply::Unauthorized(Closing::BadToken))) };
    let (user, expires) = match session::user(parts, desk, hash, address, found)? {
        Ok(known) => known,
        Err(session::Denied::Closing(closing)) => return Ok((FactNo(0), Reply::Unauthorized(closing))),
        Err(session::Denied::Guessing { retry_after }) => return Err(Reason::RateLimited { retry_after }.into()),
    };
    let reply = of_user(parts, desk, (user, hash, expires), request, found)?;
    Ok((parts.people.fact(user), reply))
}

/// What somebody who is signed in asks.
fn of_user(
    parts: &mut Parts,
    desk: &mut Desk,
    (user, hash, expires): (Slot, TokenHash, Millis),
    request: &Request,
    found: Option<&Found>,
) -> Result<Reply, Halt> {
    let me = Me { user, link: None };
    let done = match request {
        Request::Block(of) => safety::block(parts, desk, me, *of)?,
        Request::Guest { .. } => unreachable!("answered above"),
        Request::History { before, limit } => return history(parts, user, *before, *limit, found),
        Request::Me => return Ok(own(parts, user, expires)),
        Request::Profile(patch) => {
            profile::edit(parts, desk, me, patch)?;
            return Ok(own(parts, user, expires));
        }
        Request::Report { user: of, reason, call } => {
            check_reason(reason)?;
            let about = found.filter(|found| matches!(found.key, Key::Together(..)));
            safety::report(parts, desk, me, *of, (reason, *call), about)?
        }
        Request::SignOut => sign_out(parts, desk, user, hash)?,
        Request::Unblock(of) => safety::unblock(parts, desk, me, *of)?,
    };
    debug_assert_eq!(done, Done::Empty, "these have nothing to add");
    Ok(Reply::Done)
}

fn own(parts: &Parts, user: Slot, expires: Millis) -> Reply {
    Reply::Me { user: parts.people.card(user).clone(), totals: parts.people.totals(user), expires }
}

/// A new person with a session; id and token were made by the driver.
fn guest(parts: &mut Parts, desk: &mut Desk, (user, hash): (UserId, TokenHash), name: &str, gender: Option<&str>) -> Result<Reply, Halt> {
    let name = profile::name(name)?;
    let gender = gender.map(|given| profile::gender(desk, given)).transpose()?.unwrap_or_default();
    desk.may_record()?;
    if desk.is_crowded {
        return Err(Reason::Unavailable { retry_after: desk.rules.sweep }.into());
    }
    if parts.people.slot(user).is_some() || !memory::make_room(parts, desk, user) {
        return Err(Reason::Unavailable { retry_after: desk.rules.coalesce }.into());
    }
    let row = PersonRow {
        user,
        name,
        gender,
        selfie: String::new(),
        video: String::new(),
        tags: Vec::new(),
        created: desk.now,
        totals: Totals::default(),
    };
    let slot = parts.people.arrive(&row, true, desk.now);
    let expires = desk.now + desk.rules.session_guest;
    parts.sessions.put(hash, Session { user, expires });
    desk.record(Row::Person(Box::new(row)));
    desk.record(Row::Session { hash, user, expires });
    memory::plan_forgetting(parts, desk);
    Ok(Reply::Guest { user: parts.people.card(slot).clone(), expires })
}

/// The token is revoked; its connections are closed with `bad_token`.
fn sign_out(parts: &mut Parts, desk: &mut Desk, user: Slot, hash: TokenHash) -> Result<Done, Reason> {
    desk.may_record()?;
    desk.record(Row::SessionGone { hash });
    parts.sessions.remove(hash);
    while let Some(link) = parts.links.of(user).iter().copied().find(|link| parts.links.get(*link).is_some_and(|l| l.session == hash)) {
        attach::close(parts, desk, link, Closing::BadToken);
    }
    Ok(Done::Empty)
}

/// CALL 8: ended calls of at least the counted length, newest first; always read from the rows.
fn history(parts: &Parts, user: Slot, before: Option<CallId>, limit: u32, found: Option<&Found>) -> Result<Reply, Halt> {
    let me = parts.people.id(user);
    let key = Key::History { user: me, before, limit };
    let Some(found) = found.filter(|found| found.key == key) else { return Err(Halt::Load(key)) };
    let mut calls: Vec<&HistoryRow> =
        found.rows.iter().filter_map(|row| if let Row::Call(call) = row { Some(&**call) } else { None }).collect();
    calls.sort_by_key(|call| core::cmp::Reverse(call.call));
    let more = calls.len() > limit as usize;
    calls.truncate(limit as usize);
    let with_peers = calls.into_iter().map(|call| {
        let peer = if call.members[0] == me { call.members[1] } else { call.members[0] };
        (call.clone(), card_of(parts, peer, &found.rows))
    });
    Ok(Reply::History { calls: with_peers.collect(), more })
}

/// The peer's card as it is now; empty for somebody who is no more.
fn card_of(parts: &Parts, user: UserId, rows: &[Row]) -> Arc<Card> {
    if let Some(slot) = parts.people.slot(user) {
        return parts.people.card(slot).clone();
    }
    let row = rows.iter().find_map(|row| if let Row::Person(person) = row { Some(person).filter(|p| p.user == user) } else { None });
    let empty = Card { user, name: String::new(), gender: String::new(), selfie: String::new(), video: String::new(), tags: Vec::new() };
    Arc::new(row.map_or(empty, |person| Card {
        user,
        name: person.name.clone(),
        gender: person.gender.clone(),
        selfie: person.selfie.clone(),
        video: person.video.clone(),
        tags: person.tags.clone(),
    }))
}
