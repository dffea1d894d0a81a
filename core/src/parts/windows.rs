//! Windows: numbered places that viewers watch. Each user knows the places that show them, so that whoever leaves is found at once.
//! Changes only mark places; they are told when the window is flushed, at the earliest one coalescing span after the last time, so
//! that a window costs at most one message a span, whatever happens.

use super::lobbies::{GenderNo, LobbyNo};
use super::{BySlot, Slot};
use crate::kit::arena::Arena;
use crate::kit::bag::Bag;
use crate::kit::digest::Digest;
use crate::kit::ids::LinkId;
use crate::kit::random::Seed;
use crate::kit::time::{Millis, Span};
use crate::kit::warm::warm;
use crate::wire::{Card, Filter};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A window by its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowNo(pub u32);

/// A filter with its genders as numbers. Most accept everybody, and cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepts(Option<Box<Only>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Only {
    /// One bit a gender; 0 is all.
    genders: u16,
    tags: Box<[String]>,
}

impl Accepts {
    /// Reads a filter; a gender that the operator does not have accepts nobody.
    pub fn new(filter: &Filter, number: impl Fn(&str) -> Option<GenderNo>) -> Accepts {
        const NOBODY: u16 = 1 << 15;
        let genders = filter.genders.iter().map(|gender| number(gender).map_or(NOBODY, |no| 1 << no)).fold(0, |all, bit| all | bit);
        let only = Only { genders, tags: filter.tags.as_slice().into() };
        Accepts((genders != 0 || !only.tags.is_empty()).then(|| Box::new(only)))
    }

    /// Whether it accepts somebody who stands in a lobby; looks at no more of them than it has to.
    pub fn accepts<'a>(&self, gender: impl FnOnce() -> Option<GenderNo>, card: impl FnOnce() -> &'a Card) -> bool {
        let Some(only) = &self.0 else { return true };
        (only.genders == 0 || gender().is_some_and(|gender| self.has_gender(gender))) && (only.tags.is_empty() || only.has_tags(card()))
    }

    pub fn has_gender(&self, gender: GenderNo) -> bool {
        self.0.as_ref().is_none_or(|only| only.genders == 0 || only.genders & (1 << gender) != 0)
    }

    pub fn is_all_genders(&self) -> bool {
        self.0.as_ref().is_none_or(|only| only.genders == 0)
    }
}

impl Only {
    fn has_tags(&self, card: &Card) -> bool {
        self.tags.iter().all(|tag| card.tags.contains(tag))
    }
}

/// What makes two windows the same (LOB 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub lobby: LobbyNo,
    pub places: u8,
    pub accepts: Accepts,
}

/// What the places show, eight bytes a place, since there are twenty of them a viewer: first all users, which are searched most,
/// then since when it is so.
#[derive(Debug)]
struct Shown(Box<[u32]>);

const NOBODY: u32 = u32::MAX;

impl Shown {
    fn new(places: u8) -> Shown {
        let mut rows = alloc::vec![0; usize::from(places) * 2];
        rows[..usize::from(places)].fill(NOBODY);
        Shown(rows.into_boxed_slice())
    }
    fn places(&self) -> usize {
        self.0.len() / 2
    }
    /// The slots of those shown, or `NOBODY`.
    fn users(&self) -> &[u32] {
        &self.0[..self.places()]
    }
    fn user(&self, place: u8) -> u32 {
        self.users()[usize::from(place)]
    }
    /// Milliseconds after the window woke.
    fn since(&self) -> &[u32] {
        &self.0[self.places()..]
    }
    fn set(&mut self, place: u8, user: u32, since: u32) {
        let (places, place) = (self.places(), usize::from(place));
        self.0[place] = user;
        self.0[places + place] = since;
    }
}

/// A place of a window as a user's watchers keep it: window · 64 + place.
fn as_watcher(no: WindowNo, place: u8) -> u32 {
    assert!(no.0 < 1 << 26, "2^26 windows in a realm");
    no.0 << 6 | u32::from(place)
}

fn watched_place(watcher: u32) -> (WindowNo, u8) {
    (WindowNo(watcher >> 6), (watcher & 63) as u8)
}

/// One viewer's window.
#[derive(Debug)]
pub struct Window {
    pub viewer: Slot,
    pub lobby: LobbyNo,
    pub accepts: Accepts,
    pub places: u8,
    /// LOB 8: until then the same window opened again is this one.
    pub same_until: Millis,
    filled: u8,
    is_awake: bool,
    shown: Shown,
    dirty: u64,
    /// Position among the awake windows of its lobby.
    in_lobby: u32,
    /// Position among those with free places, or `NOBODY`.
    in_hungry: u32,
    /// When it woke; places tell since when they show somebody from there.
    woke: Millis,
    /// Zero before the first.
    last_flush: Millis,
    /// `NEVER` where none is planned.
    due: Millis,
    /// Until then no card has been shown for long enough to make way, while all places are taken.
    settled_until: Millis,
}

impl Window {
    pub fn is_awake(&self) -> bool {
        self.is_awake
    }
    pub fn free(&self) -> u8 {
        self.places - self.filled
    }
    /// What it was asked for.
    pub fn asked(&self) -> Asked {
        Asked { lobby: self.lobby, places: self.places, accepts: self.accepts.clone() }
    }
    pub fn user_at(&self, place: u8) -> Option<Slot> {
        let user = self.shown.user(place);
        (user != NOBODY).then_some(Slot(user))
    }
    /// Everybody shown, with place and since when.
    pub fn shown(&self) -> impl Iterator<Item = (u8, Slot, Millis)> {
        let places = self.shown.users().iter().zip(self.shown.since()).enumerate().filter(|(_, (user, _))| **user != NOBODY);
        places.map(|(place, (user, since))| (place as u8, Slot(*user), self.woke + Span(u64::from(*since))))
    }
    pub fn place_of(&self, user: Slot) -> Option<u8> {
        // All are compared, which is quicker than to stop: most are not there.
        let is_here = |found: bool, shown: &u32| found | (*shown == user.0);
        if !self.shown.users().iter().fold(false, is_here) {
            return None;
        }
        self.shown.users().iter().position(|shown| *shown == user.0).map(|place| place as u8)
    }
    fn free_place(&self) -> Option<u8> {
        self.place_of(Slot(NOBODY))
    }
    /// Whether a newcomer may find a place: a free one, or that of a card shown for long enough.
    pub fn may_make_way(&self, now: Millis) -> bool {
        self.free() > 0 || self.settled_until <= now
    }
    /// Whether it is due then; it is not any more.
    fn take_due(&mut self, at: Millis) -> bool {
        let is_due = self.due == at;
        if is_due {
            self.due = NEVER;
        }
        is_due
    }
    fn empty(&mut self, place: u8) {
        self.shown.set(place, NOBODY, 0);
        self.filled -= 1;
        self.dirty |= 1 << place;
    }
    /// The place of the card shown longest, in a full window.
    pub fn oldest(&self) -> (u8, Slot, Millis) {
        let since = self.shown.since().iter().copied().min().expect("a window has places");
        let place = self.shown.since().iter().position(|other| *other == since).expect("just found") as u8;
        (place, Slot(self.shown.user(place)), self.woke + Span(u64::from(since)))
    }
}

#[derive(Debug)]
pub struct Windows {
    windows: Arena<LinkId, Window>,
    watchers: BySlot<Bag>,
    awake: BTreeMap<LobbyNo, Vec<WindowNo>>,
    hungry: BTreeMap<LobbyNo, Vec<WindowNo>>,
    flushes: BTreeMap<Millis, Vec<WindowNo>>,
    /// The first of `flushes`, so that a look at it costs nothing.
    first_flush: Millis,
}

/// No deadline.
const NEVER: Millis = Millis(u64::MAX);

/// So many windows are flushed in one turn: fewer than a turn may say (`Desk::has_room`).
const TOGETHER: usize = 16;

impl Windows {
    pub fn new(seed: &Seed) -> Windows {
        Windows {
            windows: Arena::new(seed),
            watchers: BySlot::default(),
            awake: BTreeMap::new(),
            hungry: BTreeMap::new(),
            flushes: BTreeMap::new(),
            first_flush: NEVER,
        }
    }

    pub fn of(&self, link: LinkId) -> Option<WindowNo> {
        self.windows.find(&link).map(WindowNo)
    }

    pub fn get(&self, no: WindowNo) -> &Window {
        self.windows.get(no.0).expect("a handle is used while its window is open")
    }

    /// Whose connection's it is.
    pub fn link(&self, no: WindowNo) -> LinkId {
        self.windows.key(no.0)
    }

    fn get_mut(&mut self, no: WindowNo) -> &mut Window {
        self.windows.get_mut(no.0).expect("a handle is used while its window is open")
    }

    /// In how many windows a user is.
    pub fn count_watchers(&self, user: Slot) -> usize {
        self.watchers.get(user).len()
    }

    /// Who sees a user, and where.
    pub fn watchers(&self, user: Slot) -> impl Iterator<Item = (WindowNo, u8)> {
        self.watchers.get(user).iter().map(watched_place)
    }

    /// Awake windows of a lobby.
    pub fn awake(&self, lobby: LobbyNo) -> &[WindowNo] {
        self.awake.get(&lobby).map_or(&[], Vec::as_slice)
    }

    /// Awake windows of a lobby with free places after all that they accept were shown.
    pub fn hungry(&self, lobby: LobbyNo) -> &[WindowNo] {
        self.hungry.get(&lobby).map_or(&[], Vec::as_slice)
    }

    /// Opens one, asleep; an older one of the connection must be closed before.
    pub fn open(&mut self, link: LinkId, viewer: Slot, asked: Asked, same_until: Millis) -> WindowNo {
        let Asked { lobby, places, accepts } = asked;
        assert!((1..=64).contains(&places), "a window has 1 to 64 places");
        let window = Window {
            viewer,
            lobby,
            accepts,
            places,
            same_until,
            filled: 0,
            is_awake: false,
            shown: Shown::new(places),
            dirty: 0,
            in_lobby: 0,
            in_hungry: NOBODY,
            woke: Millis(0),
            last_flush: Millis(0),
            due: NEVER,
            settled_until: Millis(0),
        };
        WindowNo(self.windows.insert(link, window))
    }

    pub fn close(&mut self, link: LinkId) -> bool {
        let Some(no) = self.of(link) else { return false };
        if self.get(no).is_awake {
            self.sleep(no);
        }
        self.windows.remove(no.0);
        true
    }

    /// It takes part again; empty.
    pub fn wake(&mut self, no: WindowNo, now: Millis) {
        let lobby = self.get(no).lobby;
        let list = self.awake.entry(lobby).or_default();
        list.push(no);
        let at = list.len() as u32 - 1;
        let window = self.get_mut(no);
        assert!(!window.is_awake, "it sleeps before it wakes");
        window.is_awake = true;
        window.woke = now;
        window.in_lobby = at;
    }

    /// It shows nobody and takes no part until it wakes.
    pub fn sleep(&mut self, no: WindowNo) {
        let users: Vec<u32> = self.get(no).shown.users().to_vec();
        warm(users.iter().map(|user| self.watchers.get(Slot(*user)).iter().next().unwrap_or_default()));
        for place in 0..users.len() {
            self.clear(no, place as u8);
        }
        self.set_hungry(no, false);
        let window = self.get_mut(no);
        assert!(window.is_awake, "it is awake before it sleeps");
        window.is_awake = false;
        window.dirty = 0;
        window.due = NEVER;
        let (lobby, at) = (window.lobby, window.in_lobby);
        let list = self.awake.get_mut(&lobby).expect("both know it");
        list.swap_remove(at as usize);
        if let Some(moved) = list.get(at as usize).copied() {
            self.get_mut(moved).in_lobby = at;
        } else if list.is_empty() {
            self.awake.remove(&lobby);
        }
    }

    /// Remembers whether it still has room for whoever comes.
    pub fn set_hungry(&mut self, no: WindowNo, is_hungry: bool) {
        let window = self.get(no);
        let lobby = window.lobby;
        match (window.in_hungry, is_hungry) {
            (NOBODY, true) => {
                let list = self.hungry.entry(lobby).or_default();
                list.push(no);
                let at = list.len() as u32 - 1;
                self.get_mut(no).in_hungry = at;
            }
            (NOBODY, false) | (_, true) => {}
            (at, false) => {
                let list = self.hungry.get_mut(&lobby).expect("both know it");
                list.swap_remove(at as usize);
                if let Some(moved) = list.get(at as usize).copied() {
                    self.get_mut(moved).in_hungry = at;
                } else if list.is_empty() {
                    self.hungry.remove(&lobby);
                }
                self.get_mut(no).in_hungry = NOBODY;
            }
        }
    }

    /// Puts a user into the first free place; gives false if there is none.
    pub fn show(&mut self, no: WindowNo, user: Slot, now: Millis) -> bool {
        let Some(place) = self.get(no).free_place() else { return false };
        self.watchers.get_mut(user).insert(as_watcher(no, place));
        let window = self.get_mut(no);
        assert!(window.is_awake, "a window that sleeps shows nobody");
        debug_assert!(window.place_of(user).is_none(), "nobody is in two places");
        // After seven weeks of being awake all that came later came at once.
        let since = u32::try_from(now.since(window.woke).0).unwrap_or(u32::MAX);
        window.shown.set(place, user.0, since);
        window.filled += 1;
        window.dirty |= 1 << place;
        if window.filled == window.places {
            self.set_hungry(no, false);
        }
        true
    }

    /// Empties a place, if somebody is there.
    pub fn clear(&mut self, no: WindowNo, place: u8) {
        let user = self.get(no).shown.user(place);
        if user != NOBODY {
            let was_there = self.watchers.get_mut(Slot(user)).remove(as_watcher(no, place));
            assert!(was_there, "both know it");
            self.get_mut(no).empty(place);
        }
    }

    /// Empties every place that shows a user; gives the windows.
    pub fn hide(&mut self, user: Slot) -> Vec<WindowNo> {
        let watchers: Vec<(WindowNo, u8)> = self.watchers.take(user).iter().map(watched_place).collect();
        warm(watchers.iter().map(|(no, _)| u32::from(self.get(*no).filled)));
        watchers.iter().for_each(|(no, place)| self.get_mut(*no).empty(*place));
        watchers.into_iter().map(|(no, _)| no).collect()
    }

    /// Asks for the memory of what these windows show.
    pub fn warm(&self, windows: &[WindowNo]) {
        warm(windows.iter().map(|no| u32::from(self.get(*no).filled)));
        warm(windows.iter().map(|no| self.get(*no).shown.user(0)));
        warm(windows.iter().map(|no| self.get(*no).shown.since()[0]));
    }

    /// Asks for the memory of those who would make way in these windows.
    pub fn warm_oldest(&self, windows: &[WindowNo], now: Millis) {
        let full = windows.iter().map(|no| self.get(*no)).filter(|window| window.free() == 0 && window.may_make_way(now));
        warm(full.map(|window| self.watchers.get(window.oldest().1).iter().next().unwrap_or_default()));
    }

    /// No card has been shown for long enough before then, while all places are taken.
    pub fn settle_until(&mut self, no: WindowNo, until: Millis) {
        self.get_mut(no).settled_until = until;
    }

    /// What a place shows changed in content.
    pub fn redraw(&mut self, no: WindowNo, place: u8) {
        self.get_mut(no).dirty |= 1 << place;
    }

    /// Makes sure that it is flushed: at `now`, or one coalescing span after the last flush.
    pub fn schedule(&mut self, no: WindowNo, now: Millis, coalesce: Span) {
        let window = self.get_mut(no);
        if !window.is_awake || window.due != NEVER {
            return;
        }
        let at = if window.last_flush == Millis(0) { now } else { now.max(window.last_flush + coalesce) };
        window.due = at;
        self.flushes.entry(at).or_default().push(no);
        self.first_flush = self.first_flush.min(at);
    }

    /// When the next flush is due.
    pub fn next_flush(&self) -> Option<Millis> {
        (self.first_flush != NEVER).then_some(self.first_flush)
    }

    /// Takes some windows that are to be flushed at `now`, of one instant.
    pub fn take_due(&mut self, now: Millis) -> Vec<WindowNo> {
        let mut due = Vec::new();
        while let Some(mut entry) = self.flushes.first_entry()
            && *entry.key() <= now
            && due.is_empty()
        {
            let (at, list) = (*entry.key(), entry.get_mut());
            due = list.split_off(list.len().saturating_sub(TOGETHER));
            if list.is_empty() {
                entry.remove();
                self.first_flush = self.flushes.keys().next().copied().unwrap_or(NEVER);
            }
            // One may have slept or closed since, and its number belong to another.
            due.retain(|no| self.windows.get_mut(no.0).is_some_and(|window| window.take_due(at)));
        }
        self.warm(&due);
        due
    }

    /// What is to be told of it now: the places that changed, a bit each.
    pub fn flush(&mut self, no: WindowNo, now: Millis) -> u64 {
        let window = self.get_mut(no);
        window.last_flush = now;
        core::mem::take(&mut window.dirty)
    }

    pub fn digest(&self, into: &mut Digest) {
        for (no, link, window) in self.windows.iter() {
            into.number(u64::from(no)).number(link.0).number(u64::from(window.lobby.0)).number(window.dirty);
            into.number(u64::from(window.is_awake)).number(window.due.0).number(window.last_flush.0).number(window.same_until.0);
            for (user, since) in window.shown.users().iter().zip(window.shown.since()) {
                into.number(u64::from(*user)).number(window.woke.0 + u64::from(*since));
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (WindowNo, &Window)> {
        self.windows.iter().map(|(no, _, window)| (WindowNo(no), window))
    }

    /// What must hold of it alone.
    pub fn check(&self, users: impl Iterator<Item = Slot>) {
        let mut watching = 0;
        for user in users {
            for (no, place) in self.watchers(user) {
                assert_eq!(self.get(no).shown.user(place), user.0, "whoever is watched is shown");
                watching += 1;
            }
        }
        let filled: usize = self.windows.iter().map(|(_, _, window)| window.filled as usize).sum();
        assert_eq!(watching, filled, "each filled place has its watcher");
        assert_eq!(self.first_flush, self.flushes.keys().next().copied().unwrap_or(NEVER), "the first flush is the first");
        for (no, _, window) in self.windows.iter() {
            assert_eq!(window.shown().count(), window.filled as usize, "the counter is true");
            assert!(window.dirty == 0 || window.due != NEVER || !window.is_awake, "a change has its flush");
            if window.is_awake {
                assert_eq!(self.awake(window.lobby)[window.in_lobby as usize], WindowNo(no), "positions are true");
            }
            if window.in_hungry != NOBODY {
                assert_eq!(self.hungry(window.lobby)[window.in_hungry as usize], WindowNo(no), "positions are true");
            }
        }
    }
}
