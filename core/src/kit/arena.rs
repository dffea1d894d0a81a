//! Values by keys that come from outside, kept in slots. A hash index leads from a key to its slot, four bytes an entry; it has
//! no iterator, and whoever walks walks the slots in their order, so that nothing can depend on a hash.

use crate::kit::random::Seed;
use crate::kit::slots::Slots;
use core::hash::{BuildHasher, Hash};
use hashbrown::HashTable;

use super::table::Keyed;

/// Values in slots, found by key too.
#[derive(Clone, Debug)]
pub struct Arena<K, V> {
    slots: Slots<(K, V)>,
    index: HashTable<u32>,
    keyed: Keyed,
}

impl<K: Copy + Eq + Hash, V> Arena<K, V> {
    /// An empty one.
    pub fn new(seed: &Seed) -> Arena<K, V> {
        Arena { slots: Slots::default(), index: HashTable::new(), keyed: Keyed::new(seed) }
    }

    /// The slot of a key.
    pub fn find(&self, key: &K) -> Option<u32> {
        self.index.find(self.keyed.hash_one(key), |slot| self.key(*slot) == *key).copied()
    }

    /// The key of a slot.
    ///
    /// # Panics
    /// If nothing is there.
    pub fn key(&self, slot: u32) -> K {
        self.slots.get(slot).expect("a slot is used while something is there").0
    }

    /// The value of a slot.
    pub fn get(&self, slot: u32) -> Option<&V> {
        self.slots.get(slot).map(|(_, value)| value)
    }

    /// The value of a slot.
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut V> {
        self.slots.get_mut(slot).map(|(_, value)| value)
    }

    /// Keeps a value and gives its slot.
    ///
    /// # Panics
    /// If the key has one already.
    pub fn insert(&mut self, key: K, value: V) -> u32 {
        assert!(self.find(&key).is_none(), "a key has one value");
        let slot = self.slots.insert((key, value));
        let Arena { slots, index, keyed } = self;
        let hash_of = |slot: &u32| keyed.hash_one(slots.get(*slot).expect("whatever is indexed is there").0);
        index.insert_unique(keyed.hash_one(key), slot, hash_of);
        slot
    }

    /// Gives the value back and frees its slot.
    pub fn remove(&mut self, slot: u32) -> Option<V> {
        let (key, value) = self.slots.remove(slot)?;
        let entry = self.index.find_entry(self.keyed.hash_one(key), |other| *other == slot);
        let Ok(entry) = entry else { unreachable!("whatever is there is indexed") };
        entry.remove();
        Some(value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (u32, K, &V)> {
        self.slots.iter().map(|(slot, (key, value))| (slot, *key, value))
    }
}
