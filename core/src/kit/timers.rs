//! Deadlines in the order in which they are due; equal instants in the order of their names. One deadline a name: setting it
//! again moves it. A deadline is taken when it fires, so that none can stay due.

use crate::kit::time::Millis;
use alloc::collections::{BTreeMap, BTreeSet};

/// Deadlines by name.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    due: BTreeSet<(Millis, K)>,
    at: BTreeMap<K, Millis>,
    /// The first of `due`, so that a poll with nothing to do costs nothing, however many there are.
    first: Option<(Millis, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Timers<K> {
        Timers { due: BTreeSet::new(), at: BTreeMap::new(), first: None }
    }
}

impl<K: Copy + Ord> Timers<K> {
    /// Sets or moves a deadline.
    pub fn set(&mut self, key: K, at: Millis) {
        if let Some(before) = self.at.insert(key, at) {
            self.due.remove(&(before, key));
        }
        self.due.insert((at, key));
        self.first = self.due.first().copied();
        debug_assert_eq!(self.due.len(), self.at.len());
    }

    /// Sets a deadline, unless it is set already.
    pub fn set_if_absent(&mut self, key: K, at: Millis) {
        if !self.at.contains_key(&key) {
            self.set(key, at);
        }
    }

    /// Takes a deadline back.
    pub fn cancel(&mut self, key: K) -> Option<Millis> {
        let at = self.at.remove(&key)?;
        self.due.remove(&(at, key));
        self.first = self.due.first().copied();
        Some(at)
    }

    /// When it is due.
    pub fn at(&self, key: K) -> Option<Millis> {
        self.at.get(&key).copied()
    }

    /// The next one.
    pub fn first(&self) -> Option<(Millis, K)> {
        self.first
    }

    /// Takes the next one if it is due at `now`.
    pub fn take_due(&mut self, now: Millis) -> Option<(Millis, K)> {
        let (at, key) = self.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        self.first = self.due.first().copied();
        self.at.remove(&key);
        Some((at, key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Millis, K)> {
        self.due.iter().copied()
    }
}
