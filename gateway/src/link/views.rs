//! What a client looks at, as it is and as it was last sent. Only the newest state matters: changes of a place that was not sent
//! yet merge, and a version counts the views that this connection was sent, over all its resumes. A whole `window` is sent when
//! one is opened and after a welcome to whoever has not seen the last version; otherwise the changed places. What would pass
//! [`VIEW_MAX_BYTES`] leaves as a smaller view, and the rest stays marked.

use crate::encode::encode;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use bytes::Bytes;
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::UserId;
use duologue_core::output::WindowView;
use duologue_core::wire::{Card, Marks, Place, Presence, ServerMessage, View};
use duologue_transport::Form;

/// A larger view is cut.
const VIEW_MAX_BYTES: usize = 60 * 1024;
/// People outside a window whose presence is followed: a call partner and an introductions list. Beyond it, who was told
/// everything is forgotten, at worst told the same twice.
const PRESENCES_MAX: usize = 64;

/// A card and, where they say anything, its marks: most have none, and windows are what a connection costs.
type Shown = (Arc<Card>, Option<Box<Marks>>);

#[derive(Debug)]
struct Window {
    size: u32,
    places: Vec<Option<Shown>>,
    available: u32,
    /// The count as last sent.
    told: Option<u32>,
    /// A bit for each place that differs from what was sent.
    dirty: u64,
    /// Nothing of it was sent to this socket.
    fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    told: Option<Presence>,
    now: Presence,
}

/// Everything that one connection looks at.
#[derive(Debug, Default)]
pub(crate) struct Views {
    window: Option<Window>,
    version: u64,
    presences: BTreeMap<UserId, Seen>,
}

impl Views {
    /// Something that is looked at has changed.
    pub(crate) fn change(&mut self, view: WindowView) {
        match view {
            WindowView::Opened { size, places, available } => {
                let size = size.min(64);
                let places_now = (0..size).map(|_| None).collect();
                let mut window = Window { size, places: places_now, available, told: None, dirty: 0, fresh: true };
                window.set(places);
                self.window = Some(window);
            }
            WindowView::Changes { set, available } => {
                if let Some(window) = &mut self.window {
                    window.available = available;
                    window.set(set);
                }
            }
            WindowView::Closed => self.window = None,
            WindowView::Presence { user, state } => self.see(user, state),
        }
    }

    /// A new socket is there, which has seen this version of the window and no presence.
    pub(crate) fn welcome(&mut self, seen: Option<u64>) {
        if let Some(window) = &mut self.window {
            window.fresh |= seen != Some(self.version);
        }
        self.presences.clear();
    }

    /// The next view to send, if anything differs from what was sent.
    pub(crate) fn next(&mut self, form: Form) -> Option<Bytes> {
        self.next_presence(form).or_else(|| self.next_window(form))
    }

    fn see(&mut self, user: UserId, state: Presence) {
        if self.presences.len() >= PRESENCES_MAX && !self.presences.contains_key(&user) {
            self.presences.retain(|_, seen| seen.told != Some(seen.now));
            if self.presences.len() >= PRESENCES_MAX {
                self.presences.pop_first();
            }
        }
        self.presences.entry(user).or_insert(Seen { told: None, now: state }).now = state;
    }

    fn next_presence(&mut self, form: Form) -> Option<Bytes> {
        let (user, seen) = self.presences.iter_mut().find(|(_, seen)| seen.told != Some(seen.now))?;
        seen.told = Some(seen.now);
        Some(encode(form, &ServerMessage::View(View::Presence { user: *user, state: seen.now })))
    }

    fn next_window(&mut self, form: Form) -> Option<Bytes> {
        let version = self.version + 1;
        let window = self.window.as_mut()?;
        if !window.fresh && window.dirty == 0 {
            return None;
        }
        let bytes = window.write(version, form);
        self.version = version;
        Some(bytes)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(self.version).number(self.presences.len() as u64);
        let Some(window) = &self.window else { return };
        digest.number(u64::from(window.size)).number(window.dirty).number(u64::from(window.fresh)).number(u64::from(window.available));
        for place in &window.places {
            digest.wide(place.as_ref().map_or(0, |(card, _)| card.user.0));
        }
    }
}

impl Window {
    fn set(&mut self, places: Vec<Place>) {
        for (place, content) in places {
            if let Some(slot) = self.places.get_mut(usize::from(place)) {
                *slot = content.map(|(card, marks)| (card, (marks != Marks::default()).then(|| Box::new(marks))));
                self.dirty |= 1 << place;
            }
        }
    }

    /// Writes what differs, or as much of it as one message may hold: the most places, halved until it is little enough.
    fn write(&mut self, version: u64, form: Form) -> Bytes {
        if self.fresh {
            self.dirty = self.places.iter().enumerate().filter(|(_, place)| place.is_some()).map(|(place, _)| 1 << place).sum();
        }
        let mut most = self.dirty.count_ones();
        loop {
            let (taken, set) = self.take(most);
            let message = match self.fresh {
                true => View::Window { version, size: self.size, places: set, available: self.available },
                false => View::WindowDelta { version, set, available: (self.told != Some(self.available)).then_some(self.available) },
            };
            let bytes = encode(form, &ServerMessage::View(message));
            if bytes.len() <= VIEW_MAX_BYTES || most <= 1 {
                self.dirty &= !taken;
                self.fresh = false;
                self.told = Some(self.available);
                return bytes;
            }
            most /= 2;
        }
    }

    /// The first `most` marked places, as marks and as contents.
    fn take(&self, most: u32) -> (u64, Vec<Place>) {
        let (mut taken, mut set) = (0, Vec::new());
        for (place, content) in self.places.iter().enumerate() {
            if self.dirty & 1 << place != 0 && (set.len() as u32) < most {
                taken |= 1 << place;
                let shown = content.as_ref().map(|(card, marks)| (card.clone(), marks.as_deref().cloned().unwrap_or_default()));
                set.push((place as u8, shown));
            }
        }
        (taken, set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec;
    use duologue_core::wire::binary::decode_server;

    fn card(user: u128, padding: usize) -> (Arc<Card>, Marks) {
        let name: String = core::iter::repeat_n('x', padding).collect();
        let empty = String::new();
        (
            Arc::new(Card { user: UserId(user), name, gender: empty.clone(), selfie: empty.clone(), video: empty, tags: vec![] }),
            Marks::default(),
        )
    }

    fn next(views: &mut Views) -> Option<View> {
        match decode_server(&views.next(Form::Postcard)?) {
            Ok(ServerMessage::View(view)) => Some(view),
            other => panic!("not a view: {other:?}"),
        }
    }

    #[test]
    fn con_7_changes_that_were_not_sent_merge_by_place() {
        let mut views = Views::default();
        views.change(WindowView::Opened { size: 3, places: vec![(0, Some(card(1, 0)))], available: 7 });
        assert_eq!(next(&mut views), Some(View::Window { version: 1, size: 3, places: vec![(0, Some(card(1, 0)))], available: 7 }));
        assert_eq!(next(&mut views), None);
        views.change(WindowView::Changes { set: vec![(0, None), (2, Some(card(2, 0)))], available: 6 });
        views.change(WindowView::Changes { set: vec![(0, Some(card(3, 0))), (2, None)], available: 8 });
        let delta = View::WindowDelta { version: 2, set: vec![(0, Some(card(3, 0))), (2, None)], available: Some(8) };
        assert_eq!(next(&mut views), Some(delta));
        assert_eq!(next(&mut views), None);
    }

    #[test]
    fn a_resume_that_saw_the_last_version_gets_nothing_and_one_that_did_not_a_fresh_window() {
        let mut views = Views::default();
        views.change(WindowView::Opened { size: 1, places: vec![], available: 0 });
        assert!(next(&mut views).is_some());
        views.welcome(Some(1));
        assert_eq!(next(&mut views), None);
        views.welcome(Some(2));
        assert_eq!(next(&mut views), Some(View::Window { version: 2, size: 1, places: vec![], available: 0 }));
    }

    #[test]
    fn a_window_too_large_for_one_message_comes_as_a_window_and_deltas() {
        let mut views = Views::default();
        let places = (0..50).map(|place| (place, Some(card(u128::from(place), 3_000)))).collect();
        views.change(WindowView::Opened { size: 50, places, available: 50 });
        let (mut seen, mut version) = (0, 0);
        while let Some(bytes) = views.next(Form::Postcard) {
            assert!(bytes.len() <= VIEW_MAX_BYTES);
            let Ok(ServerMessage::View(view)) = decode_server(&bytes) else { panic!("not a view") };
            version += 1;
            seen += match view {
                View::Window { version: 1, places, .. } if version == 1 => places.len(),
                View::WindowDelta { version: v, set, .. } if v == version => set.len(),
                other => panic!("{other:?}"),
            };
        }
        assert_eq!(seen, 50);
        assert!(version > 1);
    }

    #[test]
    fn pre_3_a_presence_that_returns_before_it_was_sent_is_not_sent() {
        let mut views = Views::default();
        views.change(WindowView::Presence { user: UserId(1), state: Presence::Online });
        assert!(next(&mut views).is_some());
        views.change(WindowView::Presence { user: UserId(1), state: Presence::Offline });
        views.change(WindowView::Presence { user: UserId(1), state: Presence::Online });
        assert_eq!(next(&mut views), None);
    }
}
