//! The last step of every input and every deadline: who became free enters the lobby and some windows, who did not leaves all.
//! No other flow speaks of windows; they touch, remark or redraw. LOB 2, 3, 4, 8; PRE 1, 2.

use crate::desk::Desk;
use crate::kit::ids::{LinkId, UserId};
use crate::kit::random::{Purpose, Stream};
use crate::output::WindowView;
use crate::parts::draws::Asked;
use crate::parts::lobbies::{GENDERS, GenderNo, LobbyNo};
use crate::parts::windows::{Accepts, Window, WindowNo};
use crate::parts::{Parts, Slot};
use crate::row::Pair;
use crate::wire::{Marks, Place};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How often somebody is drawn for before everybody is looked at.
pub const TRIES: u32 = 32;

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
                fill(parts, desk, no);
                parts.windows.flush(no, desk.now);
                let window = parts.windows.get(no);
                let places: Vec<Place> = window.shown().map(|(place, user, _)| (place, Some(content(parts, desk, viewer, user)))).collect();
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
    let (viewer, asked) = (window.viewer, asked(window));
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

/// Whether a window may show a user who stands in its lobby.
fn is_eligible(parts: &Parts, no: WindowNo, user: Slot) -> bool {
    let window = parts.windows.get(no);
    parts.lobbies.of(user) == Some(window.lobby)
        && is_accepted(parts, window.viewer, &window.accepts, user)
        && window.place_of(user).is_none()
}

/// Whether a filter accepts somebody who stands in a lobby, whom the viewer may see.
pub fn is_accepted(parts: &Parts, viewer: Slot, accepts: &Accepts, user: Slot) -> bool {
    parts.lobbies.gender(user).is_some_and(|gender| accepts.accepts(gender, || parts.people.card(user))) && parts.may_see(viewer, user)
}

/// Those in a lobby among whom everybody is whom a filter accepts, and few others.
pub fn pool<'a>(parts: &'a Parts, lobby: LobbyNo, accepts: &Accepts) -> &'a [Slot] {
    let mut genders = (0..GENDERS as GenderNo).filter(|gender| accepts.has_gender(*gender));
    match (accepts.is_all_genders(), genders.next(), genders.next()) {
        (false, Some(only), None) => parts.lobbies.of_gender(lobby, only),
        (false, None, _) => &[],
        _ => parts.lobbies.all(lobby),
    }
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
    if window.is_awake() {
        parts.draws.closed(window.viewer, &asked(window), window.shown().map(|(_, user, _)| user), desk.now);
    }
    parts.windows.close(link)
}

fn asked(window: &Window) -> Asked {
    Asked { lobby: window.lobby, places: window.places, accepts: window.accepts.clone() }
}

fn hide(parts: &mut Parts, desk: &mut Desk, user: Slot) {
    while let Some((no, place)) = parts.windows.last_watcher(user) {
        clear(parts, desk, no, place);
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
    for _ in 0..3 * wanted {
        if given >= wanted {
            break;
        }
        let no = parts.windows.awake(lobby)[draws.below(count as u32) as usize];
        given += usize::from(make_way(parts, desk, no, user));
    }
}

/// Draws of this instant for a user.
pub fn stream(parts: &Parts, desk: &Desk, purpose: Purpose, user: Slot) -> Stream {
    let UserId(id) = parts.people.id(user);
    desk.seed.stream(purpose, desk.now.0, id as u64 ^ (id >> 64) as u64)
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

/// Fills free places by draws; of two draws the one shown in fewer windows gets it. What is still free afterwards is hungry.
fn fill(parts: &mut Parts, desk: &mut Desk, no: WindowNo) {
    let window = parts.windows.get(no);
    if window.free() == 0 {
        return parts.windows.set_hungry(no, false);
    }
    let (viewer, lobby, places) = (window.viewer, window.lobby, window.places);
    let mut draws = stream(parts, desk, Purpose::Fill, viewer);
    let is_small = parts.lobbies.count(lobby) <= 4 * u32::from(places) + 16;
    if !is_small {
        while parts.windows.get(no).free() > 0 {
            let Some(user) = draw(parts, no, lobby, &mut draws) else { break };
            parts.windows.show(no, user, desk.now);
        }
    }
    if parts.windows.get(no).free() > 0 {
        let mut left: Vec<Slot> = parts.lobbies.all(lobby).iter().copied().filter(|user| is_eligible(parts, no, *user)).collect();
        while parts.windows.get(no).free() > 0 && !left.is_empty() {
            let (a, b) = (draws.below(left.len() as u32) as usize, draws.below(left.len() as u32) as usize);
            let chosen = if parts.windows.count_watchers(left[b]) < parts.windows.count_watchers(left[a]) { b } else { a };
            let user = left.swap_remove(chosen);
            parts.windows.show(no, user, desk.now);
        }
    }
    let is_hungry = parts.windows.get(no).free() > 0;
    parts.windows.set_hungry(no, is_hungry);
}

/// One user whom the window may show: of two found by chance the one shown in fewer windows.
fn draw(parts: &Parts, no: WindowNo, lobby: LobbyNo, draws: &mut Stream) -> Option<Slot> {
    let window = parts.windows.get(no);
    let pool = pool(parts, lobby, &window.accepts);
    let mut first: Option<Slot> = None;
    for _ in 0..TRIES.min(pool.len() as u32 * 2) {
        let user = pool[draws.below(pool.len() as u32) as usize];
        if !is_eligible(parts, no, user) {
            continue;
        }
        match first {
            None => first = Some(user),
            Some(other) => {
                return Some(if parts.windows.count_watchers(user) < parts.windows.count_watchers(other) { user } else { other });
            }
        }
    }
    first
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
        if parts.windows.get(no).accepts.accepts(gender, || parts.people.card(user)) {
            parts.windows.redraw(no, place);
            parts.windows.schedule(no, desk.now, desk.rules.coalesce);
        } else {
            clear(parts, desk, no, place);
        }
    }
    show_to_hungry(parts, desk, user, lobby);
}

/// A window's deadline: free places are filled, then what changed is told, each place once.
pub fn flush(parts: &mut Parts, desk: &mut Desk, no: WindowNo) {
    fill(parts, desk, no);
    let dirty = parts.windows.flush(no, desk.now);
    let window = parts.windows.get(no);
    let mut set: Vec<Place> = Vec::with_capacity(dirty.count_ones() as usize);
    for place in (0..window.places).filter(|place| dirty & 1 << place != 0) {
        set.push((place, window.user_at(place).map(|user| content(parts, desk, window.viewer, user))));
    }
    let view = WindowView::Changes { set, available: parts.lobbies.count(window.lobby) };
    desk.view(window.link, view);
}
