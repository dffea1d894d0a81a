//! A short list of small values, mostly none, one or two of them: those need no memory of their own.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// Values in the order in which they came.
#[derive(Clone, Debug, Default)]
pub enum Few<T> {
    /// None.
    #[default]
    None,
    /// One.
    One([T; 1]),
    /// Two.
    Two([T; 2]),
    /// More; it stays so when it shrinks, but is given back when it is empty.
    More(Box<Vec<T>>),
}

impl<T: Copy + PartialEq> Few<T> {
    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Few::None => &[],
            Few::One(one) => one,
            Few::Two(two) => two,
            Few::More(more) => more,
        }
    }

    /// One more, at the end.
    pub fn push(&mut self, value: T) {
        *self = match core::mem::take(self) {
            Few::None => Few::One([value]),
            Few::One([first]) => Few::Two([first, value]),
            Few::Two([first, second]) => Few::More(Box::new([first, second, value].into())),
            Few::More(mut more) => {
                more.push(value);
                Few::More(more)
            }
        };
    }

    /// Without this value.
    pub fn remove(&mut self, value: T) {
        *self = match core::mem::take(self) {
            Few::One([only]) if only == value => Few::None,
            Few::Two([first, second]) if first == value => Few::One([second]),
            Few::Two([first, second]) if second == value => Few::One([first]),
            Few::More(mut more) => {
                more.retain(|other| *other != value);
                if more.is_empty() { Few::None } else { Few::More(more) }
            }
            same @ (Few::None | Few::One(_) | Few::Two(_)) => same,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_vector_would_in_the_same_order() {
        let (mut few, mut plain) = (Few::None, Vec::new());
        for step in [1, 2, -1, 3, 4, 5, -3, -2, -9, 6, -4, -5, -6, 7_i32] {
            if step > 0 {
                few.push(step);
                plain.push(step);
            } else {
                few.remove(-step);
                plain.retain(|other| *other != -step);
            }
            assert_eq!(few.as_slice(), plain, "after {step}");
        }
    }
}
