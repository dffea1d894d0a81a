//! A set of numbers without an order of their own: a plain list while there are few, which most stay, a tree beyond. So a change
//! costs little in both: a list is looked through in one or two cache lines, and nothing points back into it.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// From so many on a tree is quicker than to look through a list.
const MANY: usize = 256;
/// Lists grow by so many: there is one for each user, and a list that doubles is half empty.
const GROWTH: usize = 4;

/// Numbers, each once.
#[derive(Clone, Debug)]
pub enum Bag {
    /// In the order in which they came, but for the last, which fills gaps.
    Few(Vec<u32>),
    /// In their own order; it stays so until it is empty.
    Many(Box<BTreeSet<u32>>),
}

impl Default for Bag {
    fn default() -> Bag {
        Bag::Few(Vec::new())
    }
}

impl Bag {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Bag::Few(list) => list.len(),
            Bag::Many(tree) => tree.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let (few, many) = match self {
            Bag::Few(list) => (list.as_slice(), None),
            Bag::Many(tree) => (&[][..], Some(tree.iter())),
        };
        few.iter().chain(many.into_iter().flatten()).copied()
    }

    fn has(&self, number: u32) -> bool {
        match self {
            Bag::Few(list) => list.contains(&number),
            Bag::Many(tree) => tree.contains(&number),
        }
    }

    /// One more, which is not there yet.
    pub fn insert(&mut self, number: u32) {
        debug_assert!(!self.has(number), "each is there once");
        match self {
            Bag::Few(list) if list.len() < MANY => {
                if list.len() == list.capacity() {
                    list.reserve_exact(GROWTH.max(list.len() / 8));
                }
                list.push(number);
            }
            Bag::Few(list) => {
                let all = list.iter().copied().chain([number]);
                *self = Bag::Many(Box::new(all.collect()));
            }
            Bag::Many(tree) => _ = tree.insert(number),
        }
    }

    /// Takes it out; gives whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        match self {
            Bag::Few(list) => {
                let at = list.iter().position(|other| *other == number);
                at.map(|at| list.swap_remove(at)).is_some()
            }
            Bag::Many(tree) => {
                let was_there = tree.remove(&number);
                if tree.is_empty() {
                    *self = Bag::default();
                }
                was_there
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_holds_what_a_set_would(changes in proptest::collection::vec((0..600_u32, any::<bool>()), 0..2_000)) {
            let (mut bag, mut set) = (Bag::default(), BTreeSet::new());
            for (number, is_in) in changes {
                if is_in && set.insert(number) {
                    bag.insert(number);
                } else if !is_in {
                    prop_assert_eq!(bag.remove(number), set.remove(&number));
                }
                prop_assert_eq!(bag.len(), set.len());
            }
            prop_assert_eq!(bag.iter().collect::<BTreeSet<_>>(), set);
        }
    }

    #[test]
    fn a_long_one_becomes_a_tree_and_an_empty_one_a_list_again() {
        let mut bag = Bag::default();
        (0..=MANY as u32).for_each(|number| bag.insert(number));
        assert!(matches!(bag, Bag::Many(_)));
        assert!((0..=MANY as u32).all(|number| bag.remove(number)) && bag.is_empty());
        assert!(matches!(bag, Bag::Few(_)));
    }
}
