//! The window as its user sees it: numbered places that stay where they are. A delta must be exactly one version on; a gap means that
//! something of it was never said, so everything until a whole window is ignored, and the engine asks for one.

use crate::seam::WindowChange;
use alloc::sync::Arc;
use alloc::vec::Vec;
use duologue_core::wire::{Card, Marks, Place};

/// More places than any server gives; a bound for what a server may make a client hold.
const PLACES_MAX: u32 = 256;

/// A window: who is in which place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    version: Option<u64>,
    places: Vec<Option<(Arc<Card>, Marks)>>,
    available: u32,
}

/// What a delta came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Changed(Vec<u8>),
    /// Something between was never said.
    Gap,
    /// Said before, or of a window that is not there.
    Ignored,
}

impl Window {
    /// Its places, from 0; those without anybody are none.
    pub fn places(&self) -> &[Option<(Arc<Card>, Marks)>] {
        &self.places
    }

    /// All users in the lobby and free, oneself and those that a filter hides included.
    pub fn available(&self) -> u32 {
        self.available
    }

    /// Which version of it is seen; none while it is out of date and asked for.
    pub fn version(&self) -> Option<u64> {
        self.version
    }

    pub(crate) fn show(&mut self, version: u64, size: u32, places: Vec<Place>, available: u32) -> WindowChange {
        let mut shown = Vec::new();
        shown.resize(size.min(PLACES_MAX) as usize, None);
        for (place, who) in places {
            if let Some(slot) = shown.get_mut(usize::from(place)) {
                *slot = who;
            }
        }
        *self = Window { version: Some(version), places: shown, available };
        WindowChange::Whole
    }

    pub(crate) fn apply(&mut self, version: u64, set: Vec<Place>, available: Option<u32>) -> Applied {
        match self.version {
            Some(seen) if version == seen + 1 => {}
            Some(seen) if version > seen + 1 => {
                self.version = None;
                return Applied::Gap;
            }
            Some(_) | None => return Applied::Ignored,
        }
        self.version = Some(version);
        self.available = available.unwrap_or(self.available);
        let mut changed = Vec::with_capacity(set.len());
        for (place, who) in set {
            if let Some(slot) = self.places.get_mut(usize::from(place)) {
                *slot = who;
                changed.push(place);
            }
        }
        Applied::Changed(changed)
    }

    /// What is shown counts no more: a whole one is asked for.
    pub(crate) fn doubt(&mut self) {
        self.version = None;
    }
}
