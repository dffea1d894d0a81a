//! Whom a window or a reel may show, and draws among them. LOB 2, 3, 6.

use crate::desk::Desk;
use crate::kit::ids::UserId;
use crate::kit::random::{Purpose, Stream};
use crate::kit::warm::warm;
use crate::parts::lobbies::{GENDERS, GenderNo, LobbyNo};
use crate::parts::windows::{Accepts, Window, WindowNo};
use crate::parts::{Parts, Slot};
use alloc::vec::Vec;

/// How often somebody is drawn for before everybody is looked at.
pub const TRIES: u32 = 32;

/// Whether a window may show a user who stands in its lobby.
pub fn is_eligible(parts: &Parts, no: WindowNo, user: Slot) -> bool {
    let window = parts.windows.get(no);
    parts.lobbies.of(user) == Some(window.lobby) && may_show(parts, window, user)
}

/// The same of a user who stands there.
fn may_show(parts: &Parts, window: &Window, user: Slot) -> bool {
    is_accepted(parts, window.viewer, &window.accepts, user) && window.place_of(user).is_none()
}

/// Whether a filter accepts somebody who stands in a lobby, whom the viewer may see.
pub fn is_accepted(parts: &Parts, viewer: Slot, accepts: &Accepts, user: Slot) -> bool {
    accepts.accepts(|| parts.lobbies.gender(user), || parts.people.card(user)) && parts.may_see(viewer, user)
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

/// Draws of this instant for a user.
pub fn stream(parts: &Parts, desk: &Desk, purpose: Purpose, user: Slot) -> Stream {
    let UserId(id) = parts.people.id(user);
    desk.seed.stream(purpose, desk.now.0, id as u64 ^ (id >> 64) as u64)
}

/// A window whose free places are being filled.
struct Hand {
    no: WindowNo,
    draws: Stream,
    /// Draws in a row without anybody whom the window may show.
    misses: u32,
}

/// Fills free places by draws; of two draws the one shown in fewer windows gets it. What is still free afterwards is hungry. Windows
/// take turns, so that what they draw is asked for together.
pub fn fill(parts: &mut Parts, desk: &mut Desk, windows: &[WindowNo]) {
    let hand = |no: &WindowNo| {
        let window = parts.windows.get(*no);
        let is_small = parts.lobbies.count(window.lobby) <= 4 * u32::from(window.places) + 16;
        let draws = stream(parts, desk, Purpose::Fill, window.viewer);
        Hand { no: *no, draws, misses: if is_small { TRIES } else { 0 } }
    };
    let mut hands: Vec<Hand> = windows.iter().filter(|no| parts.windows.get(**no).free() > 0).map(hand).collect();
    loop {
        let is_playing = |hand: &&mut Hand| hand.misses < TRIES && parts.windows.get(hand.no).free() > 0;
        let drawn: Vec<(&mut Hand, Vec<Slot>)> = hands.iter_mut().filter(is_playing).map(|hand| draw(parts, hand)).collect();
        if drawn.is_empty() {
            break;
        }
        warm(drawn.iter().flat_map(|(_, users)| users).map(|user| parts.windows.count_watchers(*user) as u32));
        drawn.into_iter().for_each(|(hand, users)| show_drawn(parts, desk, hand, users));
    }
    for Hand { no, mut draws, .. } in hands {
        show_left(parts, desk, no, &mut draws);
    }
    for no in windows {
        let is_hungry = parts.windows.get(*no).free() > 0;
        parts.windows.set_hungry(*no, is_hungry);
    }
}

/// Two draws for each free place.
fn draw<'a>(parts: &Parts, hand: &'a mut Hand) -> (&'a mut Hand, Vec<Slot>) {
    let window = parts.windows.get(hand.no);
    let pool = pool(parts, window.lobby, &window.accepts);
    let wanted = if pool.is_empty() { 0 } else { 2 * u32::from(window.free()) };
    let drawn = (0..wanted).map(|_| pool[hand.draws.below(pool.len() as u32) as usize]).collect();
    hand.misses += wanted.max(1);
    (hand, drawn)
}

/// Of two users whom the window may show the one shown in fewer windows gets a place, unless it has one since they were drawn.
fn show_drawn(parts: &mut Parts, desk: &Desk, hand: &mut Hand, mut drawn: Vec<Slot>) {
    let no = hand.no;
    drawn.retain(|user| may_show(parts, parts.windows.get(no), *user));
    for two in drawn.chunks(2) {
        let user = two.iter().copied().min_by_key(|user| parts.windows.count_watchers(*user)).expect("one or two");
        if parts.windows.get(no).place_of(user).is_none() {
            parts.windows.show(no, user, desk.now);
            hand.misses = 0;
        }
    }
}

/// Whoever is left to be shown, where draws found nobody any more.
fn show_left(parts: &mut Parts, desk: &Desk, no: WindowNo, draws: &mut Stream) {
    let window = parts.windows.get(no);
    if window.free() == 0 {
        return;
    }
    let everybody = pool(parts, window.lobby, &window.accepts).iter().copied();
    let mut left: Vec<Slot> = everybody.filter(|user| may_show(parts, window, *user)).collect();
    while parts.windows.get(no).free() > 0 && !left.is_empty() {
        let (a, b) = (draws.below(left.len() as u32) as usize, draws.below(left.len() as u32) as usize);
        let chosen = if parts.windows.count_watchers(left[b]) < parts.windows.count_watchers(left[a]) { b } else { a };
        let user = left.swap_remove(chosen);
        parts.windows.show(no, user, desk.now);
    }
}
