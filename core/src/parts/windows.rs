//! Windows: numbered places that viewers watch. Show, hide and replace are O(1) by back pointers: each place knows where it
//! stands in its user's list of watchers. Changes only mark places; they are told when the window is flushed, at the earliest
//! one coalescing span after the last time, so that a window costs at most one message a span, whatever happens.

use super::lobbies::{GenderNo, LobbyNo};
use super::{BySlot, Slot};
use crate::kit::digest::Digest;
use crate::kit::ids::LinkId;
use crate::kit::random::Seed;
use crate::kit::slots::Slots;
use crate::kit::table::Table;
use crate::kit::time::{Millis, Span};
use crate::wire::{Card, Filter};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A window by its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowNo(pub u32);

/// A filter with its genders as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepts {
    /// One bit a gender; 0 is all.
    genders: u16,
    tags: Vec<alloc::string::String>,
}

impl Accepts {
    /// Reads a filter; a gender that the operator does not have accepts nobody.
    pub fn new(filter: &Filter, number: impl Fn(&str) -> Option<GenderNo>) -> Accepts {
        const NOBODY: u16 = 1 << 15;
        let genders = filter.genders.iter().map(|gender| number(gender).map_or(NOBODY, |no| 1 << no)).fold(0, |all, bit| all | bit);
        Accepts { genders, tags: filter.tags.clone() }
    }

    pub fn accepts(&self, gender: GenderNo, card: &Card) -> bool {
        self.has_gender(gender) && self.tags.iter().all(|tag| card.tags.contains(tag))
    }

    pub fn has_gender(&self, gender: GenderNo) -> bool {
        self.genders == 0 || self.genders & (1 << gender) != 0
    }

    pub fn is_all_genders(&self) -> bool {
        self.genders == 0
    }
}

/// What a place shows; packed, since there are twenty of them a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    /// The user's slot, or `NOBODY`.
    user: u32,
    /// Where this place stands in the user's list of watchers.
    back: u32,
    since: Millis,
}

const NOBODY: u32 = u32::MAX;
const EMPTY: Shown = Shown { user: NOBODY, back: 0, since: Millis(0) };

/// A place of a window as a user's list of watchers keeps it: window · 64 + place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watcher(u32);

impl Watcher {
    fn new(no: WindowNo, place: u8) -> Watcher {
        assert!(no.0 < 1 << 26, "2^26 windows in a realm");
        Watcher(no.0 << 6 | u32::from(place))
    }
    fn get(self) -> (WindowNo, u8) {
        (WindowNo(self.0 >> 6), (self.0 & 63) as u8)
    }
}

/// One viewer's window.
#[derive(Debug)]
pub struct Window {
    pub link: LinkId,
    pub viewer: Slot,
    pub lobby: LobbyNo,
    pub accepts: Accepts,
    pub places: u8,
    shown: alloc::boxed::Box<[Shown]>,
    filled: u8,
    dirty: u64,
    is_awake: bool,
    /// Position among the awake windows of its lobby.
    in_lobby: u32,
    /// Position among those with free places, if it is one of them.
    in_hungry: Option<u32>,
    last_flush: Option<Millis>,
    due: Option<Millis>,
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
    pub fn user_at(&self, place: u8) -> Option<Slot> {
        let user = self.shown[place as usize].user;
        (user != NOBODY).then_some(Slot(user))
    }
    /// Everybody shown, with place and since when.
    pub fn shown(&self) -> impl Iterator<Item = (u8, Slot, Millis)> {
        let places = self.shown.iter().enumerate().filter(|(_, shown)| shown.user != NOBODY);
        places.map(|(place, shown)| (place as u8, Slot(shown.user), shown.since))
    }
    pub fn place_of(&self, user: Slot) -> Option<u8> {
        self.shown.iter().position(|shown| shown.user == user.0).map(|place| place as u8)
    }
    fn free_place(&self) -> Option<u8> {
        self.place_of(Slot(NOBODY))
    }
    /// Whether a newcomer may find a place: a free one, or that of a card shown for long enough.
    pub fn may_make_way(&self, now: Millis) -> bool {
        self.free() > 0 || self.settled_until <= now
    }
    /// The place of the card shown longest, in a full window.
    pub fn oldest(&self) -> (u8, Slot, Millis) {
        self.shown().min_by_key(|(place, _, since)| (*since, *place)).expect("a full window shows somebody")
    }
}

#[derive(Debug)]
pub struct Windows {
    windows: Slots<Window>,
    by_link: Table<LinkId, WindowNo>,
    watchers: BySlot<Vec<Watcher>>,
    awake: BTreeMap<LobbyNo, Vec<WindowNo>>,
    hungry: BTreeMap<LobbyNo, Vec<WindowNo>>,
    flushes: BTreeMap<Millis, Vec<WindowNo>>,
}

impl Windows {
    pub fn new(seed: &Seed) -> Windows {
        Windows {
            windows: Slots::default(),
            by_link: Table::new(seed),
            watchers: BySlot::default(),
            awake: BTreeMap::new(),
            hungry: BTreeMap::new(),
            flushes: BTreeMap::new(),
        }
    }

    pub fn of(&self, link: LinkId) -> Option<WindowNo> {
        self.by_link.get(&link).copied()
    }

    pub fn get(&self, no: WindowNo) -> &Window {
        self.windows.get(no.0).expect("a handle is used while its window is open")
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
        self.watchers.get(user).iter().map(|watcher| watcher.get())
    }

    /// One of those who see a user.
    pub fn last_watcher(&self, user: Slot) -> Option<(WindowNo, u8)> {
        self.watchers.get(user).last().map(|watcher| watcher.get())
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
    pub fn open(&mut self, link: LinkId, viewer: Slot, lobby: LobbyNo, accepts: Accepts, places: u8) -> WindowNo {
        assert!((1..=64).contains(&places), "a window has 1 to 64 places");
        let no = WindowNo(self.windows.insert(Window {
            link,
            viewer,
            lobby,
            accepts,
            places,
            shown: alloc::vec![EMPTY; places as usize].into_boxed_slice(),
            filled: 0,
            dirty: 0,
            is_awake: false,
            in_lobby: 0,
            in_hungry: None,
            last_flush: None,
            due: None,
            settled_until: Millis(0),
        }));
        let before = self.by_link.insert(link, no);
        assert!(before.is_none(), "a connection has one window");
        no
    }

    pub fn close(&mut self, link: LinkId) -> bool {
        let Some(no) = self.by_link.remove(&link) else { return false };
        if self.get(no).is_awake {
            self.sleep(no);
        }
        self.windows.remove(no.0);
        true
    }

    /// It takes part again; empty.
    pub fn wake(&mut self, no: WindowNo) {
        let lobby = self.get(no).lobby;
        let list = self.awake.entry(lobby).or_default();
        list.push(no);
        let at = list.len() as u32 - 1;
        let window = self.get_mut(no);
        assert!(!window.is_awake, "it sleeps before it wakes");
        window.is_awake = true;
        window.in_lobby = at;
    }

    /// It shows nobody and takes no part until it wakes.
    pub fn sleep(&mut self, no: WindowNo) {
        for place in 0..self.get(no).places {
            self.clear(no, place);
        }
        self.set_hungry(no, false);
        let window = self.get_mut(no);
        assert!(window.is_awake, "it is awake before it sleeps");
        window.is_awake = false;
        window.dirty = 0;
        window.due = None;
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
            (None, true) => {
                let list = self.hungry.entry(lobby).or_default();
                list.push(no);
                let at = list.len() as u32 - 1;
                self.get_mut(no).in_hungry = Some(at);
            }
            (Some(at), false) => {
                let list = self.hungry.get_mut(&lobby).expect("both know it");
                list.swap_remove(at as usize);
                if let Some(moved) = list.get(at as usize).copied() {
                    self.get_mut(moved).in_hungry = Some(at);
                } else if list.is_empty() {
                    self.hungry.remove(&lobby);
                }
                self.get_mut(no).in_hungry = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// Puts a user into the first free place; gives false if there is none.
    pub fn show(&mut self, no: WindowNo, user: Slot, now: Millis) -> bool {
        let Some(place) = self.get(no).free_place() else { return false };
        let list = self.watchers.get_mut(user);
        list.push(Watcher::new(no, place));
        let back = list.len() as u32 - 1;
        let window = self.get_mut(no);
        assert!(window.is_awake, "a window that sleeps shows nobody");
        debug_assert!(window.place_of(user).is_none(), "nobody is in two places");
        window.shown[place as usize] = Shown { user: user.0, back, since: now };
        window.filled += 1;
        window.dirty |= 1 << place;
        if window.filled == window.places {
            self.set_hungry(no, false);
        }
        true
    }

    /// Empties a place, if somebody is there.
    pub fn clear(&mut self, no: WindowNo, place: u8) {
        let window = self.get_mut(no);
        let shown = core::mem::replace(&mut window.shown[place as usize], EMPTY);
        if shown.user == NOBODY {
            return;
        }
        window.filled -= 1;
        window.dirty |= 1 << place;
        let list = self.watchers.get_mut(Slot(shown.user));
        list.swap_remove(shown.back as usize);
        if let Some((other, at)) = list.get(shown.back as usize).map(|watcher| watcher.get()) {
            self.get_mut(other).shown[at as usize].back = shown.back;
        }
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
        if !window.is_awake || window.due.is_some() {
            return;
        }
        let at = window.last_flush.map_or(now, |last| now.max(last + coalesce));
        window.due = Some(at);
        self.flushes.entry(at).or_default().push(no);
    }

    /// When the next flush is due.
    pub fn next_flush(&self) -> Option<Millis> {
        self.flushes.keys().next().copied()
    }

    /// Takes a window that is to be flushed at `now`.
    pub fn take_due(&mut self, now: Millis) -> Option<(Millis, WindowNo)> {
        loop {
            let mut entry = self.flushes.first_entry()?;
            let at = *entry.key();
            if at > now {
                return None;
            }
            let next = entry.get_mut().pop();
            if entry.get().is_empty() {
                entry.remove();
            }
            if let Some(no) = next
                && let Some(window) = self.windows.get_mut(no.0)
                && window.due == Some(at)
            {
                window.due = None;
                return Some((at, no));
            }
        }
    }

    /// What is to be told of it now: the places that changed.
    pub fn flush(&mut self, no: WindowNo, now: Millis) -> Vec<u8> {
        let window = self.get_mut(no);
        window.last_flush = Some(now);
        let dirty = core::mem::take(&mut window.dirty);
        (0..window.places).filter(|place| dirty & (1 << place) != 0).collect()
    }

    pub fn digest(&self, into: &mut Digest) {
        for (no, window) in self.windows.iter() {
            into.number(u64::from(no)).number(window.link.0).number(u64::from(window.lobby.0)).number(window.dirty);
            into.number(u64::from(window.is_awake)).maybe(window.due.map(|at| at.0)).maybe(window.last_flush.map(|at| at.0));
            for shown in window.shown.iter() {
                into.number(u64::from(shown.user)).number(shown.since.0);
            }
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = (WindowNo, &Window)> {
        self.windows.iter().map(|(no, window)| (WindowNo(no), window))
    }

    /// What must hold of it alone.
    pub fn check(&self, users: impl Iterator<Item = Slot>) {
        let mut watching = 0;
        for user in users {
            for (back, (no, place)) in self.watchers(user).enumerate() {
                let shown = self.get(no).shown[place as usize];
                assert_eq!((shown.user, shown.back as usize), (user.0, back), "back pointers are true");
                watching += 1;
            }
        }
        let filled: usize = self.windows.iter().map(|(_, window)| window.filled as usize).sum();
        assert_eq!(watching, filled, "each filled place has its watcher");
        for (no, window) in self.windows.iter() {
            assert_eq!(self.by_link.get(&window.link), Some(&WindowNo(no)), "a connection has one window");
            assert_eq!(window.shown().count(), window.filled as usize, "the counter is true");
            assert!(window.dirty == 0 || window.due.is_some() || !window.is_awake, "a change has its flush");
            if window.is_awake {
                assert_eq!(self.awake(window.lobby)[window.in_lobby as usize], WindowNo(no), "positions are true");
            }
            if let Some(at) = window.in_hungry {
                assert_eq!(self.hungry(window.lobby)[at as usize], WindowNo(no), "positions are true");
            }
        }
    }
}
