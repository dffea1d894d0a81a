//! A hash table with look-up and no iterator: nothing can depend on its order. Its hasher is keyed by the realm's seed, since
//! most of its keys come from outside.

use crate::kit::random::Seed;
use core::hash::{BuildHasher, Hash};
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// Hashes under keys of the realm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed(u64, u64);

impl Keyed {
    pub(crate) fn new(seed: &Seed) -> Keyed {
        let (a, b) = seed.table_keys();
        Keyed(a, b)
    }
}

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

/// Values by keys.
#[derive(Clone, Debug)]
pub struct Table<K, V>(HashMap<K, V, Keyed>);

impl<K: Eq + Hash, V> Table<K, V> {
    /// An empty one.
    pub fn new(seed: &Seed) -> Table<K, V> {
        Table(HashMap::with_hasher(Keyed::new(seed)))
    }
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key)
    }
    /// The value of a key.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key)
    }
    /// Whether there is one.
    pub fn has(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }
    /// Sets it and gives what was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }
    /// Takes it out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key)
    }
    /// The value of a key, made if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.0.entry(key).or_insert_with(make)
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
