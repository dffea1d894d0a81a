//! Tickets: wishes to be paired, rounds, confirmation. PAIR 1, 2, 4.

use super::{Me, call, found, pair};
use crate::desk::Desk;
use crate::due::Due;
use crate::flows::visible::gender_number;
use crate::kit::ids::{LinkId, PairId};
use crate::kit::time::Millis;
use crate::parts::tickets::{Found, Wish};
use crate::parts::windows::Accepts;
use crate::parts::{Parts, Slot};
use crate::row::{Row, TicketRow};
use crate::wire::{Done, Event, Filter, PairState, Reason, TicketState, Why};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

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
            let since = wish.since;
            parts.tickets.renew(me.user);
            since
        }
        None => {
            let since = desk.now;
            parts.lobbies.joined(lobby);
            let wish = Wish { user: me.user, since, lobby, filter: filter.clone(), confirm, link: me.link, pair: None, again: None };
            parts.tickets.wish(id, wish);
            since
        }
    };
    let lobby = parts.lobbies.name(lobby).into();
    desk.record(Row::Ticket(Box::new(TicketRow { user: id, since, lobby, filter: (*filter).clone(), confirm })));
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

/// The end of a turn: tickets of whoever changed are looked at in the next round.
pub fn renew(parts: &mut Parts, desk: &mut Desk) {
    desk.changed().for_each(|user| parts.tickets.renew(user));
    if parts.tickets.has_news() {
        desk.timers.set_if_absent(Due::Round, desk.now + desk.rules.pair_round);
    }
}

/// A cooldown is over that kept two tickets apart.
pub fn look_again(parts: &mut Parts, desk: &mut Desk) {
    parts.tickets.renew_again(desk.now);
    plan_look_again(parts, desk);
}

fn plan_look_again(parts: &Parts, desk: &mut Desk) {
    match parts.tickets.next_again() {
        Some(at) => desk.timers.set(Due::LookAgain, at),
        None => _ = desk.timers.cancel(Due::LookAgain),
    }
}

/// One step of a round: the longest wait that finds somebody is paired with the longest wait that fits it. Called again at once
/// until nobody is found; the next round comes with what is new.
pub fn round(parts: &mut Parts, desk: &mut Desk) {
    if !desk.is_store_up || !super::has_room_to_cool(parts) {
        parts.tickets.put_off_round();
    } else if let Some((first, second)) = next_pair(parts, desk) {
        meet(parts, desk, first, second);
        desk.timers.set(Due::Round, desk.now);
    } else {
        parts.tickets.end_round();
    }
}

fn next_pair(parts: &mut Parts, desk: &mut Desk) -> Option<(Slot, Slot)> {
    parts.tickets.go_on();
    let mut found = None;
    let mut cooling = Vec::new();
    for (key, first) in parts.tickets.in_round() {
        if !is_awake(parts, first) {
            continue;
        }
        let mut next: Option<Millis> = None;
        let fits = |second: &&Wish| {
            let fit = if is_awake(parts, second) { fit(parts, desk, first, second) } else { Fit::No };
            if let Fit::From(at) = fit {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            fit == Fit::Yes
        };
        let second = parts.tickets.not_compared(key).find(fits);
        cooling.extend(next.map(|at| (first.user, at)));
        if let Some(second) = second {
            found = Some((*key, first.user, second.user));
            break;
        }
    }
    for (user, at) in cooling {
        parts.tickets.look_again(user, at);
    }
    plan_look_again(parts, desk);
    let (from, first, second) = found?;
    parts.tickets.found_one(from);
    Some((first, second))
}

fn is_awake(parts: &Parts, wish: &Wish) -> bool {
    wish.pair.is_none() && parts.lobbies.of(wish.user) == Some(wish.lobby)
}

/// Whether two may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Yes,
    No,
    /// Then, when their cooldown is over.
    From(Millis),
}

/// Each accepts the other, they may see each other, and no cooldown stands between.
fn fit(parts: &Parts, desk: &Desk, a: &Wish, b: &Wish) -> Fit {
    let do_accept = a.lobby == b.lobby && accepts(parts, a, b.user) && accepts(parts, b, a.user) && parts.may_see(a.user, b.user);
    if !do_accept {
        return Fit::No;
    }
    match parts.cooldowns.active(pair(parts, a.user, b.user), desk.now) {
        Some(until) => Fit::From(until),
        None => Fit::Yes,
    }
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
