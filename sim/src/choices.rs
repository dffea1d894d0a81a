//! Finite randomness. A run may use so many *operations*, spontaneous acts of people and of the weather; when they are used up,
//! the run ends normally, so that shrinking is a search for the smallest number that still fails. What an operation does is a
//! function of the seed, of who acts, and of the how-manieth act of theirs it is: leaving one out changes no other one. All
//! other draws (delays, answers to a ring) are functions of the seed and of what they are for. Integers only.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A stream of draws (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

/// Mixes all bits of a number into all others.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The stream of one purpose; equal arguments give equal streams.
    pub fn of(seed: u64, purpose: &str, a: u64, b: u64) -> Dice {
        let mut state = mix(seed ^ 0x6475_6f6c_6f67_7565);
        for byte in purpose.bytes() {
            state = mix(state.wrapping_add(u64::from(byte)).wrapping_add(0x9e37_79b9_7f4a_7c15));
        }
        Dice(mix(mix(state ^ a).wrapping_add(b)))
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// 128 bits.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }

    /// 0 to `most`, both included.
    pub fn upto(&mut self, most: u64) -> u64 {
        ((u128::from(self.word()) * (u128::from(most) + 1)) >> 64) as u64
    }

    /// `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.upto(most.saturating_sub(least))
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, of_hundred: u64) -> bool {
        self.upto(99) < of_hundred
    }

    /// One of several, or none of none.
    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        if among.is_empty() { None } else { among.get(self.upto(among.len() as u64 - 1) as usize) }
    }

    /// An index, each as likely as its weight; none if all weights are 0.
    pub fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        if sum == 0 {
            return None;
        }
        let mut at = self.upto(sum - 1);
        weights.iter().position(|weight| {
            let here = at < u64::from(*weight);
            at = at.saturating_sub(u64::from(*weight));
            here
        })
    }

    /// A span in milliseconds whose size, not whose value, is uniform: as many below a second as between one and thirty.
    pub fn span(&mut self, least: u64, most: u64) -> u64 {
        let (low, high) = (least.max(1).ilog2(), most.max(1).ilog2());
        let size = self.between(u64::from(low), u64::from(high));
        self.between(1 << size, (2 << size) - 1).clamp(least, most.max(least))
    }
}

/// One spontaneous act: whose, and the how-manieth of theirs. Written `12.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Op {
    /// The person's index, or [`Op::WEATHER`].
    pub actor: u32,
    /// From 0.
    pub count: u32,
}

impl Op {
    /// The actor of what nobody does.
    pub const WEATHER: u32 = 1_000_000_000;
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.actor == Op::WEATHER { write!(f, "w.{}", self.count) } else { write!(f, "{}.{}", self.actor, self.count) }
    }
}

impl FromStr for Op {
    type Err = String;
    fn from_str(text: &str) -> Result<Op, String> {
        let (actor, count) = text.split_once('.').ok_or_else(|| format!("{text:?} is not an operation: 12.3 or w.3"))?;
        let actor = if actor == "w" { Ok(Op::WEATHER) } else { actor.parse() };
        match (actor, count.parse()) {
            (Ok(actor), Ok(count)) => Ok(Op { actor, count }),
            _ => Err(format!("{text:?} is not an operation: 12.3 or w.3")),
        }
    }
}

/// What becomes of an act that is due.
#[derive(Clone, Debug)]
pub enum Turn {
    /// It is done, with these dice.
    Do(Op, Dice),
    /// It is left out.
    Skip,
    /// All operations are used up: the run winds down.
    Over,
}

/// The operations of a run.
#[derive(Clone, Debug)]
pub struct Choices {
    seed: u64,
    size: u64,
    keep: Option<BTreeSet<Op>>,
    used: Vec<Op>,
    records: bool,
    count: u64,
}

impl Choices {
    /// So many operations; of these only `keep`, if it is given. `records` remembers which were used, for shrinking.
    pub fn new(seed: u64, size: u64, keep: Option<BTreeSet<Op>>, records: bool) -> Choices {
        Choices { seed, size, keep, used: Vec::new(), records, count: 0 }
    }

    /// The next act of an actor, whose counter goes on in any case.
    pub fn operation(&mut self, actor: u32, counter: &mut u32) -> Turn {
        if self.count >= self.size {
            return Turn::Over;
        }
        let op = Op { actor, count: *counter };
        *counter += 1;
        if self.keep.as_ref().is_some_and(|keep| !keep.contains(&op)) {
            return Turn::Skip;
        }
        self.count += 1;
        if self.records {
            self.used.push(op);
        }
        Turn::Do(op, Dice::of(self.seed, "operation", u64::from(op.actor), u64::from(op.count)))
    }

    /// How many were used.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Which were used, in order, where they are recorded.
    pub fn used(&self) -> &[Op] {
        &self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_an_operation_out_changes_no_other() {
        let draw = |keep| {
            let (mut choices, mut counter, mut words) = (Choices::new(7, 10, keep, true), 0, Vec::new());
            while let turn @ (Turn::Do(..) | Turn::Skip) = choices.operation(3, &mut counter) {
                if let Turn::Do(op, mut dice) = turn {
                    words.push((op, dice.word()));
                }
                if counter == 10 {
                    break;
                }
            }
            words
        };
        let all = draw(None);
        let some = draw(Some([2, 5].map(|count| Op { actor: 3, count }).into()));
        assert_eq!(all.len(), 10);
        assert_eq!(some, [all[2], all[5]]);
    }

    #[test]
    fn spans_of_every_size_are_as_likely() {
        let mut dice = Dice::of(1, "test", 0, 0);
        let spans: Vec<u64> = (0..1_000).map(|_| dice.span(1, 3_600_000)).collect();
        assert!(spans.iter().filter(|span| **span < 1_000).count() > 300);
        assert!(spans.iter().filter(|span| **span > 600_000).count() > 50);
        assert!(spans.iter().all(|span| (1..=3_600_000).contains(span)));
    }

    #[test]
    fn an_operation_is_read_as_it_is_written() {
        for op in [Op { actor: 12, count: 3 }, Op { actor: Op::WEATHER, count: 0 }] {
            assert_eq!(op.to_string().parse(), Ok(op));
        }
        assert!("12".parse::<Op>().is_err());
    }
}
