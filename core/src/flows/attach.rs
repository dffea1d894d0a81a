//! Connections come and go: hello, take-over, loss, grace, end. CON 1–4, 8; LOB 1; PRE 5; INV 8, 11; CALL 6, 11.

use super::{Halt, call, lobby, memory, pairing, ring, seat, session, visible};
use crate::desk::Desk;
use crate::due::Due;
use crate::input::{Attach, LinkEnd};
use crate::kit::ids::LinkId;
use crate::kit::random::Purpose;
use crate::kit::time::Span;
use crate::output::{LinkEvent, Output, Welcomed};
use crate::parts::answered::ClientKey;
use crate::parts::links::Link;
use crate::parts::parked::Found;
use crate::parts::{Parts, Slot};
use crate::row::Row;
use crate::rules::WhenFull;
use crate::wire::{CallState, Closing, InviteState, State};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

/// A refused newcomer waits at least this long.
const RETRY_LEAST: Span = Span::secs(1);
/// And at most this much longer (`docs/protocol.md`: between 1,000 and 30,000 ms).
const RETRY_SPREAD: Span = Span::secs(29);

/// A hello that wants to become a connection.
pub fn attached(parts: &mut Parts, desk: &mut Desk, hello: &Attach, found: Option<&Found>) -> Result<(), Halt> {
    let (user, expires) = match session::user(parts, desk, hello.session, hello.address, found)? {
        Ok(known) => known,
        Err(denied) => {
            let closing = if let session::Denied::Closing(closing) = denied { closing } else { Closing::AtCapacity };
            refuse(desk, hello.link, closing, RETRY_SPREAD);
            return Ok(());
        }
    };
    if desk.is_store_up {
        forget_answers(parts, desk, user);
    }
    let mark = desk.mark();
    let taken = existing(parts, hello, user);
    let link = match taken {
        Some(link) => take_over(parts, desk, hello, link, user),
        None => match admit(parts, desk, hello, user) {
            Ok(link) => link,
            Err(closing) => {
                refuse(desk, hello.link, closing, RETRY_SPREAD);
                return Ok(());
            }
        },
    };
    parts.links.end_at(link, expires);
    be_the_client(parts, desk, hello, user, link);
    if hello.exclusive {
        be_the_only_one(parts, desk, user, link);
    }
    pairing::wake(parts, desk, user);
    declare(parts, desk, hello, user, link);
    let key = key_of(link, parts.links.who(link).and_then(|(_, client)| client));
    parts.answered.touch(user, key, desk.now);
    let welcome = Box::new(Welcomed {
        user: parts.people.card(user).clone(),
        last_id: parts.answered.last_id(user, key),
        state: state(parts, desk, user, link),
    });
    let event = LinkEvent::Welcomed { attach: hello.link, welcome };
    desk.insert_at(mark, Output::Event { to: link, after: parts.people.fact(user), event });
    Ok(())
}

/// Whose numbers a connection counts with.
pub fn key_of(link: LinkId, client: Option<crate::kit::ids::ClientId>) -> ClientKey {
    client.map_or(ClientKey::of_link(link), ClientKey::of_client)
}

/// CON 5: clients not seen for long, and without a connection, are forgotten with their answers; gives how many.
pub fn forget_answers(parts: &mut Parts, desk: &mut Desk, user: Slot) -> usize {
    let before = desk.now - desk.rules.answers_for;
    let links: Vec<_> = parts.links.of(user).iter().filter_map(|link| Some(key_of(*link, parts.links.who(*link)?.1))).collect();
    let gone = parts.answered.forget_unseen(user, before, &links);
    for client in &gone {
        desk.record(Row::AnswersGone { user: parts.people.id(user), client: *client });
    }
    gone.len()
}

/// A hello comes to nothing; if it may come back, at a time of its own.
pub fn refuse(desk: &mut Desk, link: LinkId, closing: Closing, spread: Span) {
    let retry_after = matches!(closing, Closing::AtCapacity | Closing::GoingAway).then(|| {
        let jitter = desk.seed.stream(Purpose::Jitter, link.0, desk.now.0).below(spread.0 as u32);
        Span(RETRY_LEAST.0 + u64::from(jitter))
    });
    desk.close(link, closing, retry_after);
    desk.forget(link);
}

/// The connection that this hello goes on with: the one its resume token names, or that of its client. Never another user's.
fn existing(parts: &Parts, hello: &Attach, user: Slot) -> Option<LinkId> {
    let named = hello.takes.filter(|link| *link != hello.link && parts.links.user(*link) == Some(user));
    named.or_else(|| parts.links.of_client(user, hello.client?)).filter(|link| *link != hello.link)
}

fn take_over(parts: &mut Parts, desk: &mut Desk, hello: &Attach, link: LinkId, user: Slot) -> LinkId {
    let was_lost = parts.links.take_over(link, hello.session, hello.client, hello.address);
    if was_lost {
        desk.timers.cancel(Due::Grace(link));
        seat::back(parts, desk, user, link);
    }
    link
}

/// A new connection, if there is room for it in the realm and at its user. An exclusive one has the room of all the others.
fn admit(parts: &mut Parts, desk: &mut Desk, hello: &Attach, user: Slot) -> Result<LinkId, Closing> {
    let is_one_too_many = !hello.exclusive && parts.links.of(user).len() >= desk.rules.per_user as usize;
    let replaces = is_one_too_many || hello.exclusive && parts.links.is_present(user);
    if desk.is_draining {
        return Err(Closing::GoingAway);
    }
    if is_one_too_many && desk.rules.when_full == WhenFull::RefuseNew {
        return Err(Closing::AtCapacity);
    }
    if !replaces && (desk.is_crowded || parts.links.count() >= desk.limits.links_max) {
        return Err(Closing::AtCapacity);
    }
    let (client, session, address) = (hello.client, hello.session, hello.address);
    parts.links.attach(hello.link, Link { user, client, session, address, is_lost: false });
    parts.people.connected(user);
    memory::plan_forgetting(parts, desk);
    while !hello.exclusive && parts.links.of(user).len() > desk.rules.per_user as usize {
        let oldest = oldest(parts, user, hello.link);
        close(parts, desk, oldest, Closing::Superseded);
    }
    desk.touch(user);
    Ok(hello.link)
}

/// CON 2: one in its grace before live ones, one that carries a call last.
fn oldest(parts: &Parts, user: Slot, but: LinkId) -> LinkId {
    let others = parts.links.of(user).iter().copied().enumerate().filter(|(_, link)| *link != but);
    let rank = |(age, link): &(usize, LinkId)| (parts.calls.seat_of(user, *link).is_some(), parts.links.is_there(*link), *age);
    others.min_by_key(rank).expect("there is one more than the newcomer").1
}

/// CON 5: a client counts its numbers over one connection. A hello that named one by its resume token takes over that of its
/// client too.
fn be_the_client(parts: &mut Parts, desk: &mut Desk, hello: &Attach, user: Slot, link: LinkId) {
    let is_same = |parts: &Parts, other: LinkId| other != link && parts.links.get(other).is_some_and(|known| known.client == hello.client);
    if hello.client.is_some()
        && let Some(other) = parts.links.of(user).iter().copied().find(|other| is_same(parts, *other))
    {
        replace(parts, desk, user, other, link, Closing::Superseded);
    }
}

/// CON 8: every other connection is closed; its seat moves here.
fn be_the_only_one(parts: &mut Parts, desk: &mut Desk, user: Slot, link: LinkId) {
    while let Some(other) = parts.links.of(user).iter().copied().find(|other| *other != link) {
        replace(parts, desk, user, other, link, Closing::SignedInElsewhere);
    }
}

/// A connection is closed in favour of another one of its user, which takes its seat.
fn replace(parts: &mut Parts, desk: &mut Desk, user: Slot, old: LinkId, link: LinkId, closing: Closing) {
    if let Some((id, side)) = parts.calls.seat_of(user, old) {
        seat::take(parts, desk, id, side, link);
    }
    close(parts, desk, old, closing);
}

/// After a new owner: what the connection wants is declared again.
fn declare(parts: &mut Parts, desk: &mut Desk, hello: &Attach, user: Slot, link: LinkId) {
    let me = super::Me { user, link: Some(link) };
    if let Some(name) = &hello.intents.lobby {
        let _ = lobby::join(parts, desk, me, Some(name));
    }
    if let Some((size, filter)) = &hello.intents.window {
        let _ = super::window::open(parts, desk, me, *size, filter);
    }
    if let Some(id) = hello.intents.seat
        && let Ok(side) = call::side(parts, user, id)
        && parts.calls.seat_of(user, link).is_none()
    {
        seat::take(parts, desk, id, side, link);
    }
}

/// Everything that is the case for this connection of the user.
fn state(parts: &Parts, desk: &Desk, user: Slot, link: LinkId) -> State {
    let invites = parts.invites.of(user).into_iter().filter(|invite| invite.from == user || !invite.is_muted).map(|invite| {
        let out = invite.from == user;
        let card = parts.people.card(if out { invite.to } else { invite.from }).clone();
        InviteState { invite: invite.id, out, card, seconds: invite.seconds, expires: invite.expires }
    });
    let call = parts.calls.of(user).and_then(|id| parts.calls.get(id)).map(|live| {
        let side = live.side(user).expect("CALL 10: both know it");
        CallState {
            started: call::as_seen(parts, desk, live, side, link),
            extensions_left: desk.rules.extensions.saturating_sub(live.extensions),
            peer_lost_until: live.members[1 - side].lost_until,
        }
    });
    State {
        lobby: parts.people.lobby(user).map(|no| parts.lobbies.name(no).to_string()),
        window: parts.windows.of(link).map(|no| u32::from(parts.windows.get(no).places)),
        invites: invites.collect(),
        ticket: pairing::ticket_state(parts, user),
        pair: pairing::pair_state(parts, desk, user),
        call,
        unread: 0,
    }
}

/// A connection has no socket any more.
pub fn detached(parts: &mut Parts, desk: &mut Desk, link: LinkId, why: LinkEnd) {
    if parts.parked.drop_hello(link) {
        desk.forget(link);
        return;
    }
    let Some(known) = parts.links.get(link) else { return };
    match why {
        LinkEnd::Left => remove(parts, desk, link),
        LinkEnd::Lost if known.is_lost => {}
        LinkEnd::Lost => {
            parts.links.lose(link);
            desk.timers.set(Due::Grace(link), desk.now + desk.rules.grace);
            seat::lost(parts, desk, known.user, link);
        }
    }
}

/// The connection is told why, and is no more; without grace.
pub fn close(parts: &mut Parts, desk: &mut Desk, link: LinkId, closing: Closing) {
    desk.close(link, closing, None);
    remove(parts, desk, link);
}

/// The connection is no more: left on purpose, closed, or beyond its grace. Whoever has no other is offline.
pub fn remove(parts: &mut Parts, desk: &mut Desk, link: LinkId) {
    let Some(known) = parts.links.remove(link) else { return };
    let user = known.user;
    desk.forget(link);
    visible::unwatch(parts, desk, link);
    parts.reels.forget(link);
    desk.timers.cancel(Due::Grace(link));
    match known.client {
        None => parts.answered.forget(user, ClientKey::of_link(link)),
        Some(client) => {
            parts.answered.touch(user, ClientKey::of_client(client), desk.now);
            parts.answered.drop_pending(user, ClientKey::of_client(client));
        }
    }
    parts.parked.drop_commands(link);
    if let Some(wish) = parts.tickets.get_mut(user)
        && wish.link == Some(link)
    {
        wish.link = None;
    }
    seat::gone(parts, desk, user, link);
    if !parts.links.is_present(user) {
        ring::caller_lost(parts, desk, user);
        ring::callee_lost(parts, desk, user, None);
        pairing::sleep(parts, desk, user);
        lobby::vanish(parts, desk, user);
        parts.people.disconnected(user, desk.now);
        memory::plan_forgetting(parts, desk);
    }
    desk.touch(user);
}
