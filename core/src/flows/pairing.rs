//! Tickets: wishes to be paired, rounds, confirmation. PAIR 1, 2, 4.

use super::{Me, call, found, pair};
use crate::desk::Desk;
use crate::due::Due;
use crate::flows::visible::gender_number;
use crate::kit::ids::{LinkId, PairId};
use crate::parts::tickets::{Found, Wish};
use crate::parts::windows::Accepts;
use crate::parts::{Parts, Slot};
use crate::row::{Row, TicketRow};
use crate::wire::{Done, Event, Filter, PairState, Reason, TicketState, Why};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// `pair`: a wish with a filter; said again it replaces the filter and keeps the wait.
pub fn wish(parts: &mut Parts, desk: &mut Desk, me: Me, filter: &Filter, confirm: bool) -> Result<Done, Reason> {
    let lobby = parts.people.lobby(me.user).ok_or(Reason::NotInLobby)?;
    if parts.calls.of(me.user).is_some() {
        return Err(Reason::Busy);
    }
    desk.may_record()?;
    let id = parts.people.id(me.user);
    let filter = Arc::new(filter.clone());
    let since = match parts.tickets.get_mut(me.user) {
        Some(wish) => {
            (wish.filter, wish.confirm, wish.link) = (filter.clone(), confirm, me.link);
            wish.since
        }
        None => {
            let since = desk.now;
            parts.lobbies.joined(lobby);
            parts.tickets.wish(id, Wish { user: me.user, since, lobby, filter: filter.clone(), confirm, link: me.link, pair: None });
            since
        }
    };
    let lobby = parts.lobbies.name(lobby).into();
    desk.record(Row::Ticket(Box::new(TicketRow { user: id, since, lobby, filter: (*filter).clone(), confirm })));
    desk.timers.set_if_absent(Due::Round, desk.now + desk.rules.pair_round);
    Ok(Done::Waiting { since })
}

/// `unpair`: takes the wish back, and refuses an open pair too.
pub fn unwish(parts: &mut Parts, desk: &mut Desk, me: Me) -> Result<Done, Reason> {
    if parts.tickets.get(me.user).is_some() {
        desk.may_record()?;
        give_up(parts, desk, me.user, me.link);
    }
    Ok(Done::Empty)
}

/// The user wishes no more: an open pair is refused, the ticket ends.
pub fn give_up(parts: &mut Parts, desk: &mut Desk, user: Slot, but: Option<LinkId>) {
    found::refuse(parts, desk, user, but);
    found::take_back(parts, desk, user);
}

/// PAIR 1: a ticket sleeps while its user is not connected, and ends after a while of that.
pub fn sleep(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    if parts.tickets.get(user).is_none() {
        return;
    }
    if let Some(id) = parts.tickets.get(user).and_then(|wish| wish.pair) {
        found::end(parts, desk, id, Why::Refused, [true; 2], None);
    }
    desk.timers.set(Due::TicketSleep(user), desk.now + desk.rules.ticket_sleep);
}

/// The user is there again.
pub fn wake(parts: &Parts, desk: &mut Desk, user: Slot) {
    if parts.tickets.get(user).is_some() {
        desk.timers.cancel(Due::TicketSleep(user));
        desk.timers.set_if_absent(Due::Round, desk.now + desk.rules.pair_round);
    }
}

/// `confirm`: when both have, the call starts.
pub fn confirm(parts: &mut Parts, desk: &mut Desk, me: Me, id: PairId) -> Result<Done, Reason> {
    let open = parts.tickets.found(id).ok_or(Reason::UnknownInvite)?;
    let side = open.side(me.user).ok_or(Reason::NotYours)?;
    desk.may_record()?;
    super::may_cool(parts, desk)?;
    let Some(link) = me.link else { return Err(Reason::NotYours) };
    // A ring between the two may have been declined meanwhile: both are back in the queue.
    if let Some(until) = parts.cooldowns.active(pair(parts, open.users[0], open.users[1]), desk.now) {
        found::end(parts, desk, id, Why::Refused, [true; 2], None);
        return Err(Reason::Cooldown { until });
    }
    let open = parts.tickets.confirm(id, side, link);
    if open.confirmed == [true; 2] {
        parts.tickets.unask(id);
        desk.timers.cancel(Due::Confirm(id));
        start(parts, desk, open.users, open.links);
    }
    Ok(Done::Empty)
}

fn start(parts: &mut Parts, desk: &mut Desk, users: [Slot; 2], links: [Option<LinkId>; 2]) {
    for user in users {
        found::take_back(parts, desk, user);
    }
    call::start(parts, desk, (users[0], links[0]), (users[1], links[1]), desk.rules.pair_seconds);
}

/// One step of a round: the longest wait that finds somebody is paired with the longest wait that fits it. Called again at once
/// until nobody is found, then after a round's span.
pub fn round(parts: &mut Parts, desk: &mut Desk) {
    if desk.is_store_up
        && super::has_room_to_cool(parts)
        && let Some((first, second)) = next_pair(parts, desk)
    {
        meet(parts, desk, first, second);
        desk.timers.set(Due::Round, desk.now);
        return;
    }
    parts.tickets.round_from = None;
    if parts.tickets.count() >= 2 {
        desk.timers.set(Due::Round, desk.now + desk.rules.pair_round);
    }
}

fn next_pair(parts: &mut Parts, desk: &Desk) -> Option<(Slot, Slot)> {
    let mut found = None;
    let mut from = None;
    for (key, first) in parts.tickets.from(parts.tickets.round_from) {
        if !is_awake(parts, first) {
            continue;
        }
        let fits = |second: &&Wish| second.user != first.user && is_awake(parts, second) && do_fit(parts, desk, first, second);
        if let Some(second) = parts.tickets.from(Some(*key)).map(|(_, wish)| wish).find(fits) {
            found = Some((first.user, second.user));
            from = Some(*key);
            break;
        }
    }
    parts.tickets.round_from = from;
    found
}

fn is_awake(parts: &Parts, wish: &Wish) -> bool {
    wish.pair.is_none() && parts.lobbies.of(wish.user) == Some(wish.lobby)
}

/// Each accepts the other, they may see each other, and no cooldown stands between.
fn do_fit(parts: &Parts, desk: &Desk, a: &Wish, b: &Wish) -> bool {
    a.lobby == b.lobby
        && accepts(parts, a, b.user)
        && accepts(parts, b, a.user)
        && parts.may_see(a.user, b.user)
        && parts.cooldowns.active(pair(parts, a.user, b.user), desk.now).is_none()
}

fn accepts(parts: &Parts, wish: &Wish, other: Slot) -> bool {
    let card = parts.people.card(other);
    (wish.filter.genders.is_empty() || wish.filter.genders.contains(&card.gender))
        && wish.filter.tags.iter().all(|tag| card.tags.contains(tag))
}

fn meet(parts: &mut Parts, desk: &mut Desk, a: Slot, b: Slot) {
    // SIG 3: of two who were paired the lower user id makes the offer.
    let users = if parts.people.id(a) < parts.people.id(b) { [a, b] } else { [b, a] };
    let wishes = users.map(|user| parts.tickets.get(user).expect("just found").clone());
    let links = [wishes[0].link, wishes[1].link];
    if !wishes.iter().any(|wish| wish.confirm) {
        start(parts, desk, users, links);
        return;
    }
    let id = PairId(desk.new_id());
    let expires = desk.now + desk.rules.pair_confirm;
    parts.tickets.ask(Found { id, users, links, confirmed: [false; 2], expires });
    desk.timers.set(Due::Confirm(id), expires);
    for (user, other) in [(users[0], users[1]), (users[1], users[0])] {
        let paired = PairState { pair: id, with: parts.people.card(other).clone(), seconds: desk.rules.pair_seconds, expires };
        desk.tell(&parts.links, user, &Event::Paired(Box::new(paired)));
    }
}

/// The ticket as its owner sees it.
pub fn ticket_state(parts: &Parts, user: Slot) -> Option<TicketState> {
    let wish = parts.tickets.get(user)?;
    Some(TicketState { since: wish.since, filter: (*wish.filter).clone(), confirm: wish.confirm })
}

/// The open pair as one of the two sees it.
pub fn pair_state(parts: &Parts, desk: &Desk, user: Slot) -> Option<PairState> {
    let found = parts.tickets.found(parts.tickets.get(user)?.pair?)?;
    let other = found.users[1 - found.side(user)?];
    Some(PairState { pair: found.id, with: parts.people.card(other).clone(), seconds: desk.rules.pair_seconds, expires: found.expires })
}

/// A filter as windows use it.
pub fn as_accepts(desk: &Desk, filter: &Filter) -> Accepts {
    Accepts::new(filter, |gender| desk.rules.genders.iter().any(|known| known == gender).then(|| gender_number(desk, gender)))
}
