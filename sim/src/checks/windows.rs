//! What windows show, against who may be shown: free, in the same lobby, not oneself, not hidden, with a link or in the grace.
//! Who may be shown is kept from what the engine itself said (answers to `join` and `leave`, calls, forgotten links), the slow
//! plain way; a window may be behind by the coalescing span, and no more.

use super::durable::{Durable, Hiding};
use super::{Verdict, law};
use crate::marks::Marks;
use duologue_core::input::Intents;
use duologue_core::kit::ids::{LinkId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::{Welcomed, WindowView};
use duologue_core::row::PersonRow;
use duologue_core::rules::Rules;
use duologue_core::wire::{Filter, Place};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, Default)]
struct Person {
    links: BTreeSet<LinkId>,
    lobby: Option<String>,
    calling: bool,
    /// Since when this is so.
    since: Millis,
}

impl Person {
    fn is_available(&self) -> bool {
        !self.links.is_empty() && self.lobby.is_some() && !self.calling
    }
}

#[derive(Clone, Debug, Default)]
struct Window {
    owner: Option<UserId>,
    filter: Filter,
    size: u32,
    places: BTreeMap<u8, UserId>,
    is_open: bool,
    since: Millis,
}

/// Everybody and every window of one engine.
#[derive(Debug)]
pub(crate) struct Windows {
    /// Of its engine.
    epoch: u32,
    coalesce: Span,
    people: BTreeMap<UserId, Person>,
    windows: BTreeMap<LinkId, Window>,
    hidden: BTreeMap<(UserId, UserId, Hiding), bool>,
    /// Pairs of which one ever hid the other here, the lower id first: others need no look at `hidden`.
    ever_hidden: BTreeSet<(UserId, UserId)>,
    /// Of each lobby: the last time that somebody came or went.
    moved: BTreeMap<String, Millis>,
    /// Gender and tags as recorded by this engine, perhaps not written yet.
    profiles: BTreeMap<UserId, (String, Vec<String>)>,
    /// The last change of anything else that decides who may be shown to whom.
    changed: Millis,
}

impl Windows {
    pub(crate) fn new(rules: &Rules, epoch: u32, now: Millis) -> Windows {
        Windows {
            epoch,
            coalesce: rules.coalesce,
            people: BTreeMap::new(),
            windows: BTreeMap::new(),
            hidden: BTreeMap::new(),
            ever_hidden: BTreeSet::new(),
            moved: BTreeMap::new(),
            profiles: BTreeMap::new(),
            changed: now,
        }
    }

    fn change(&mut self, user: UserId, now: Millis, change: impl FnOnce(&mut Person)) {
        let person = self.people.entry(user).or_default();
        let before = (person.is_available(), person.lobby.clone());
        change(person);
        let after = (person.is_available(), person.lobby.clone());
        if before != after {
            person.since = now;
            for lobby in [before.1, after.1].into_iter().flatten() {
                self.moved.insert(lobby, now);
            }
        }
    }

    pub(crate) fn arrives(&mut self, link: LinkId, user: UserId, welcome: &Welcomed, intents: Option<Intents>, now: Millis) {
        self.change(user, now, |person| {
            person.links.insert(link);
            person.lobby.clone_from(&welcome.state.lobby);
        });
        let window = self.windows.entry(link).or_default();
        window.owner = Some(user);
        if let Some((_, filter)) = intents.and_then(|intents| intents.window) {
            window.filter = filter;
        }
    }

    pub(crate) fn goes(&mut self, link: LinkId, user: UserId, now: Millis) {
        self.windows.remove(&link);
        self.change(user, now, |person| {
            person.links.remove(&link);
            if person.links.is_empty() {
                person.lobby = None;
            }
        });
    }

    pub(crate) fn joined(&mut self, user: UserId, lobby: &str, now: Millis) {
        self.change(user, now, |person| person.lobby = Some(lobby.into()));
    }

    /// Whether somebody has a connection, perhaps in its grace.
    pub(crate) fn is_connected(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| !person.links.is_empty())
    }

    /// Whether somebody is in a call.
    pub(crate) fn is_calling(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| person.calling)
    }

    /// Where somebody is.
    pub(crate) fn lobby(&self, user: UserId) -> Option<&String> {
        self.people.get(&user)?.lobby.as_ref()
    }

    pub(crate) fn left(&mut self, user: UserId, now: Millis) {
        self.change(user, now, |person| person.lobby = None);
    }

    pub(crate) fn call_on(&mut self, members: [UserId; 2], now: Millis) {
        members.into_iter().for_each(|user| self.change(user, now, |person| person.calling = true));
    }

    pub(crate) fn call_over(&mut self, members: [UserId; 2], now: Millis) {
        members.into_iter().for_each(|user| self.change(user, now, |person| person.calling = false));
    }

    pub(crate) fn hide(&mut self, by: UserId, of: UserId, how: Hiding, now: Millis) {
        self.hidden.insert((by, of, how), true);
        self.ever_hidden.insert((by.min(of), by.max(of)));
        self.changed = now;
    }

    pub(crate) fn unhide(&mut self, by: UserId, of: UserId, now: Millis) {
        self.hidden.insert((by, of, Hiding::Block), false);
        self.ever_hidden.insert((by.min(of), by.max(of)));
        self.changed = now;
    }

    pub(crate) fn profile(&mut self, row: &PersonRow, now: Millis) {
        self.profiles.insert(row.user, (row.gender.clone(), row.tags.clone()));
        self.changed = now;
    }

    pub(crate) fn opens(&mut self, link: LinkId, user: UserId, size: u32, filter: &Filter, now: Millis) {
        let window = self.windows.entry(link).or_default();
        (window.owner, window.size, window.filter, window.since) = (Some(user), size, filter.clone(), now);
    }

    pub(crate) fn closes(&mut self, link: LinkId) {
        if let Some(window) = self.windows.get_mut(&link) {
            window.is_open = false;
            window.places.clear();
        }
    }

    /// Whether its engine owns the realm, and so knows what is written.
    pub(crate) fn owns(&self, durable: &Durable) -> bool {
        self.epoch >= durable.owner
    }

    /// Whether either hides the other: as recorded by this engine, else as written before it.
    pub(crate) fn is_hidden(&self, a: UserId, b: UserId, durable: &Durable) -> bool {
        let pair = (a.min(b), a.max(b));
        if !self.ever_hidden.contains(&pair) && !durable.ever_hidden.contains(&pair) {
            return false;
        }
        let ways = [(a, b, Hiding::Block), (b, a, Hiding::Block), (a, b, Hiding::Report), (b, a, Hiding::Report)];
        let written = |key: &(UserId, UserId, Hiding)| self.owns(durable) && durable.hidden.contains(key);
        ways.into_iter().any(|key| self.hidden.get(&key).copied().unwrap_or_else(|| written(&key)))
    }

    /// A window as the engine sees it.
    pub(crate) fn shown(&self, link: LinkId) -> Option<&BTreeMap<u8, UserId>> {
        self.windows.get(&link).filter(|window| window.is_open).map(|window| &window.places)
    }

    /// The engine shows something.
    pub(crate) fn view(&mut self, to: LinkId, view: &WindowView, now: Millis, durable: &Durable, marks: &mut Marks) -> Verdict {
        let Some(window) = self.windows.get_mut(&to) else {
            return law(marks, "law: nobody shown without a link", false, || format!("{view:?} to {to:?}, who is not there"));
        };
        let set = match view {
            WindowView::Opened { size, places, .. } => {
                *window = Window { is_open: true, size: *size, places: BTreeMap::new(), since: now, ..window.clone() };
                places
            }
            WindowView::Changes { set, .. } => set,
            WindowView::Closed => {
                window.is_open = false;
                window.places.clear();
                return Ok(());
            }
            WindowView::Presence { .. } => return Ok(()),
        };
        let (size, owner) = (window.size, window.owner);
        for (place, content) in set {
            match content {
                Some((card, _)) => window.places.insert(*place, card.user),
                None => window.places.remove(place),
            };
        }
        for (place, content) in set {
            law(marks, "law: windows hold whom they may", u32::from(*place) < size, || format!("place {place} of {size}"))?;
            if let (Some(viewer), Some((card, _))) = (owner, content) {
                self.may_show(viewer, card.user, durable, marks)?;
            }
        }
        Ok(())
    }

    /// Somebody is shown at this instant, in a place or in a reel.
    pub(crate) fn may_show(&self, viewer: UserId, user: UserId, durable: &Durable, marks: &mut Marks) -> Verdict {
        let shown = self.people.get(&user);
        law(marks, "law: nobody shown without a link", shown.is_some_and(|person| !person.links.is_empty()), || {
            format!("{user} is shown to {viewer} and has no connection")
        })?;
        let lobby = self.people.get(&viewer).and_then(|person| person.lobby.as_ref());
        let may = shown.is_some_and(|person| person.is_available() && person.lobby.as_ref() == lobby) && user != viewer;
        law(marks, "law: windows hold whom they may", may, || format!("{user} is shown to {viewer}, who is in {lobby:?}: {shown:?}"))?;
        law(marks, "law: windows hold whom they may", !self.is_hidden(viewer, user, durable), || {
            format!("{user} is shown to {viewer}, and one hides the other")
        })
    }

    /// LOB 2, where nothing has moved for a while: nobody stands in a window who may not, nobody twice, and as many as may.
    pub(crate) fn settled(&self, now: Millis, durable: &Durable, marks: &mut Marks) -> Verdict {
        if !self.owns(durable) {
            return Ok(());
        }
        let settling = Span(self.coalesce.0 * 2 + 50);
        for (link, window) in self.windows.iter().filter(|(_, window)| window.is_open) {
            let Some(viewer) = window.owner else { continue };
            for user in window.places.values() {
                let person = self.people.get(user);
                let holds = person.is_some_and(|person| person.is_available() || now.since(person.since) <= self.coalesce);
                law(marks, "law: windows forget", holds, || format!("{user} is still shown to {viewer} at {now:?}: {person:?}"))?;
            }
            let distinct: BTreeSet<&UserId> = window.places.values().collect();
            law(marks, "law: windows hold whom they may", distinct.len() == window.places.len(), || {
                format!("{link:?} shows somebody twice")
            })?;
            let Some(lobby) = self.people.get(&viewer).filter(|person| person.is_available()).and_then(|person| person.lobby.clone())
            else {
                continue;
            };
            let moved = self.moved.get(&lobby).copied().unwrap_or_default().max(self.changed).max(window.since);
            if now.since(moved) <= settling {
                continue;
            }
            let may = self.who_may_be_shown(viewer, &lobby, &window.filter, durable);
            let wanted = may.len().min(window.size as usize);
            law(marks, "law: windows hold whom they may", window.places.len() == wanted, || {
                format!("{viewer}'s window of {} in {lobby} shows {:?} and may show {may:?}", window.size, window.places)
            })?;
        }
        Ok(())
    }

    /// Whom a reel may show; none where its engine owns the realm no more, or the viewer is in no lobby.
    pub(crate) fn whom_a_reel_may_show(&self, viewer: UserId, filter: &Filter, durable: &Durable) -> Option<Vec<UserId>> {
        let lobby = self.lobby(viewer).filter(|_| self.owns(durable))?;
        Some(self.who_may_be_shown(viewer, lobby, filter, durable))
    }

    fn who_may_be_shown(&self, viewer: UserId, lobby: &str, filter: &Filter, durable: &Durable) -> Vec<UserId> {
        let here = self.people.iter().filter(|(user, person)| {
            **user != viewer && person.is_available() && person.lobby.as_deref() == Some(lobby) && !self.is_hidden(viewer, **user, durable)
        });
        let right = here.filter(|(user, _)| {
            let recorded = self.profiles.get(user).map(|(gender, tags)| (gender, tags));
            let known = recorded.or_else(|| durable.persons.get(user).map(|row| (&row.gender, &row.tags)));
            known.is_some_and(|(gender, tags)| {
                let is_of_these = filter.genders.is_empty() || filter.genders.contains(gender);
                is_of_these && filter.tags.iter().all(|tag| tags.contains(tag))
            })
        });
        right.map(|(user, _)| *user).collect()
    }
}

/// The people in a list of places.
pub(crate) fn people_in(places: &[Place]) -> impl Iterator<Item = (u8, Option<UserId>)> + '_ {
    places.iter().map(|(place, content)| (*place, content.as_ref().map(|(card, _)| card.user)))
}
