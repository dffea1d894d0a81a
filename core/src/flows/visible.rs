//! The last step of every input and every deadline: who became free enters the lobby and some windows, who did not leaves all.
//! No other flow speaks of windows; they touch, remark or redraw. LOB 2, 3, 4, 8; PRE 1, 2.

use super::draw::{fill, is_eligible, stream};
use crate::desk::Desk;
use crate::kit::ids::LinkId;
use crate::kit::random::Purpose;
use crate::kit::warm::warm;
use crate::output::WindowView;
use crate::parts::lobbies::{GENDERS, GenderNo, LobbyNo};
use crate::parts::windows::{Window, WindowNo};
use crate::parts::{Parts, Slot};
use crate::row::Pair;
use crate::wire::{Marks, Place};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The number of a gender; the last is "none given".
pub fn gender_number(desk: &Desk, gender: &str) -> GenderNo {
    desk.rules.genders.iter().position(|known| known == gender).unwrap_or(GENDERS - 1) as GenderNo
}

/// Makes what is shown equal to what is true.
pub fn settle(parts: &mut Parts, desk: &mut Desk) {
    let touched = desk.take_touched();
    for user in &touched {
        settle_lobby(parts, desk, *user);
    }
    for user in touched {
        settle_own_windows(parts, desk, user);
    }
    for user in desk.take_redrawn() {
        redraw(parts, desk, user);
    }
    for (a, b) in desk.take_remarked() {
        remark(parts, desk, a, b);
        remark(parts, desk, b, a);
    }
}

fn settle_lobby(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    let wanted = parts.people.lobby(user).filter(|_| parts.is_free(user));
    let held = parts.lobbies.of(user);
    if wanted == held {
        return;
    }
    if held.is_some() {
        parts.lobbies.leave(user);
        hide(parts, desk, user);
    }
    if let Some(lobby) = wanted {
        let gender = gender_number(desk, &parts.people.card(user).gender);
        parts.lobbies.enter(user, lobby, gender);
        expose(parts, desk, user, lobby);
    }
}

/// A viewer's windows sleep while the viewer is not available, and come fresh afterwards.
fn settle_own_windows(parts: &mut Parts, desk: &mut Desk, viewer: Slot) {
    let links: Vec<_> = parts.links.of(viewer).to_vec();
    for link in links {
        let Some(no) = parts.windows.of(link) else { continue };
        let window = parts.windows.get(no);
        let should_wake = parts.lobbies.of(viewer) == Some(window.lobby);
        match (window.is_awake(), should_wake) {
            (true, false) => {
                parts.windows.sleep(no);
                desk.view(link, WindowView::Closed);
            }
            (false, true) => {
                parts.windows.wake(no, desk.now);
                show_as_before(parts, desk, no);
                fill(parts, desk, &[no]);
                let shown = parts.windows.flush(no, desk.now);
                warm_cards(parts, &[(no, shown)]);
                let places = contents(parts, desk, no, shown);
                let window = parts.windows.get(no);
                let view = WindowView::Opened { size: u32::from(window.places), places, available: parts.lobbies.count(window.lobby) };
                desk.view(link, view);
            }
            (true, true) | (false, false) => {}
        }
    }
}

/// LOB 8: what the same window showed a short while ago, as far as it may be shown still.
fn show_as_before(parts: &mut Parts, desk: &Desk, no: WindowNo) {
    let window = parts.windows.get(no);
    let (viewer, asked) = (window.viewer, window.asked());
    for user in parts.draws.take(viewer, &asked, desk.now) {
        if is_eligible(parts, no, user) {
            parts.windows.show(no, user, desk.now);
        }
    }
}

/// A card with what it means to a viewer.
pub fn content(parts: &Parts, desk: &Desk, viewer: Slot, user: Slot) -> (Arc<crate::wire::Card>, Marks) {
    let cooldown = || parts.cooldowns.active(Pair::of(parts.people.id(viewer), parts.people.id(user)), desk.now);
    let marks = Marks { cooldown_until: if parts.cooldowns.count() > 0 { cooldown() } else { None }, introduced_by: None };
    (parts.people.card(user).clone(), marks)
}

/// Some places of a window, a bit each, with whom they show.
fn places(window: &Window, which: u64) -> impl Iterator<Item = (u8, Option<Slot>)> {
    (0..window.places).filter(move |place| which & 1 << place != 0).map(|place| (place, window.user_at(place)))
}

/// What they show.
fn contents(parts: &Parts, desk: &Desk, no: WindowNo, which: u64) -> Vec<Place> {
    let window = parts.windows.get(no);
    let mut set = Vec::with_capacity(which.count_ones() as usize);
    set.extend(places(window, which).map(|(place, user)| (place, user.map(|user| content(parts, desk, window.viewer, user)))));
    set
}

/// Asks for the cards that these windows show: to share one waits until it is there.
fn warm_cards(parts: &Parts, windows: &[(WindowNo, u64)]) {
    let users = windows.iter().flat_map(|(no, which)| places(parts.windows.get(*no), *which)).filter_map(|(_, user)| user);
    warm(users.map(|user| parts.people.card(user).gender.len() as u32));
}

/// Closes a connection's window, and says so.
pub fn close(parts: &mut Parts, desk: &mut Desk, link: LinkId) {
    if unwatch(parts, desk, link) {
        desk.view(link, WindowView::Closed);
    }
}

/// Closes a connection's window, if it has one; whom it showed is kept for when it is opened again (LOB 8).
pub fn unwatch(parts: &mut Parts, desk: &Desk, link: LinkId) -> bool {
    let Some(no) = parts.windows.of(link) else { return false };
    let window = parts.windows.get(no);
    parts.draws.closed(window.viewer, window.asked(), window.same_until, window.shown().map(|(_, user, _)| user), desk.now);
    parts.windows.close(link)
}

fn hide(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    for no in parts.windows.hide(user) {
        parts.windows.schedule(no, desk.now, desk.rules.coalesce);
    }
}

fn clear(parts: &mut Parts, desk: &mut Desk, no: WindowNo, place: u8) {
    parts.windows.clear(no, place);
    parts.windows.schedule(no, desk.now, desk.rules.coalesce);
}

fn show(parts: &mut Parts, desk: &mut Desk, no: WindowNo, user: Slot) {
    let shown = parts.windows.show(no, user, desk.now);
    assert!(shown, "asked for by the caller");
    parts.windows.schedule(no, desk.now, desk.rules.coalesce);
}

/// LOB 2: whoever becomes available is put into some windows: into all that have room, and into some drawn at random, where the
/// card shown longest makes way. So everybody who is free is seen.
fn expose(parts: &mut Parts, desk: &mut Desk, user: Slot, lobby: LobbyNo) {
    show_to_hungry(parts, desk, user, lobby);
    let wanted = desk.rules.exposure as usize;
    let count = parts.windows.awake(lobby).len();
    let mut given = parts.windows.count_watchers(user);
    if count <= 2 * wanted {
        let all: Vec<WindowNo> = parts.windows.awake(lobby).to_vec();
        for no in all {
            if given >= wanted {
                break;
            }
            given += usize::from(make_way(parts, desk, no, user));
        }
        return;
    }
    let mut draws = stream(parts, desk, Purpose::Expose, user);
    let mut tries = 3 * wanted;
    while given < wanted && tries > 0 {
        let awake = parts.windows.awake(lobby);
        let drawn: Vec<WindowNo> = (0..tries.min(wanted - given)).map(|_| awake[draws.below(count as u32) as usize]).collect();
        tries -= drawn.len();
        parts.windows.warm(&drawn);
        parts.windows.warm_oldest(&drawn, desk.now);
        for no in drawn {
            given += usize::from(make_way(parts, desk, no, user));
        }
    }
}

fn show_to_hungry(parts: &mut Parts, desk: &mut Desk, user: Slot, lobby: LobbyNo) {
    let hungry: Vec<WindowNo> = parts.windows.hungry(lobby).iter().copied().filter(|no| is_eligible(parts, *no, user)).collect();
    for no in hungry {
        show(parts, desk, no, user);
    }
}

/// Puts a newcomer into a window that accepts them, if a place is free or a card was there long enough and does not ring.
fn make_way(parts: &mut Parts, desk: &mut Desk, no: WindowNo, user: Slot) -> bool {
    if !parts.windows.get(no).may_make_way(desk.now) || !is_eligible(parts, no, user) {
        return false;
    }
    let window = parts.windows.get(no);
    if window.free() == 0 {
        let (viewer, (place, shown, since)) = (window.viewer, window.oldest());
        let until = since + desk.rules.exposure_after;
        if until > desk.now {
            parts.windows.settle_until(no, until);
            return false;
        }
        if parts.invites.are_ringing(viewer, shown) {
            return false;
        }
        clear(parts, desk, no, place);
    }
    show(parts, desk, no, user);
    true
}

/// What `b` means to `a` changed: a mark, or whether they are seen at all.
fn remark(parts: &mut Parts, desk: &mut Desk, a: Slot, b: Slot) {
    let links: Vec<_> = parts.links.of(a).to_vec();
    for link in links {
        let Some(no) = parts.windows.of(link) else { continue };
        let window = parts.windows.get(no);
        if !window.is_awake() {
            continue;
        }
        match window.place_of(b) {
            Some(place) if !parts.may_see(a, b) => clear(parts, desk, no, place),
            Some(place) => {
                parts.windows.redraw(no, place);
                parts.windows.schedule(no, desk.now, desk.rules.coalesce);
            }
            None if window.free() > 0 && is_eligible(parts, no, b) => show(parts, desk, no, b),
            None => {}
        }
    }
}

/// A card changed: who shows it shows it anew; who does not accept it any more lets it go.
fn redraw(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    let Some(lobby) = parts.lobbies.of(user) else { return };
    let gender = gender_number(desk, &parts.people.card(user).gender);
    if parts.lobbies.gender(user) != Some(gender) {
        parts.lobbies.leave(user);
        parts.lobbies.enter(user, lobby, gender);
    }
    let watchers: Vec<(WindowNo, u8)> = parts.windows.watchers(user).collect();
    for (no, place) in watchers {
        if parts.windows.get(no).accepts.accepts(|| Some(gender), || parts.people.card(user)) {
            parts.windows.redraw(no, place);
            parts.windows.schedule(no, desk.now, desk.rules.coalesce);
        } else {
            clear(parts, desk, no, place);
        }
    }
    show_to_hungry(parts, desk, user, lobby);
}

/// The deadline of some windows: free places are filled, then what changed is told, each place once.
pub fn flush(parts: &mut Parts, desk: &mut Desk, due: &[WindowNo]) {
    fill(parts, desk, due);
    let changed: Vec<(WindowNo, u64)> = due.iter().map(|no| (*no, parts.windows.flush(*no, desk.now))).collect();
    warm_cards(parts, &changed);
    for (no, which) in changed {
        let set = contents(parts, desk, no, which);
        let available = parts.lobbies.count(parts.windows.get(no).lobby);
        desk.view(parts.windows.link(no), WindowView::Changes { set, available });
    }
}
