//! The way to the store: when each operation is carried out, when its answer arrives, and what becomes of it. The rows themselves
//! are in `duologue_store::Memory`, which outlives the servers; this says only when and how.

use crate::choices::Dice;
use crate::marks::Marks;
use duologue_store::Fate;

/// The weather over the store.
#[derive(Debug)]
pub(crate) struct StoreWeather {
    dice: Dice,
    most_ms: u64,
    trouble_percent: u32,
    fails_until: u64,
    slow_until: u64,
    slow_ms: u64,
}

/// What will happen to one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Course {
    pub fate: Fate,
    /// When it is carried out, if it is.
    pub carried_out: u64,
    /// When its answer arrives.
    pub answered: u64,
    /// When what was answered `Unknown` is carried out after all.
    pub late: Option<u64>,
}

impl StoreWeather {
    pub(crate) fn new(seed: u64, most_ms: u64, trouble_percent: u32) -> StoreWeather {
        let dice = Dice::of(seed, "store", 0, 0);
        StoreWeather { dice, most_ms, trouble_percent, fails_until: 0, slow_until: 0, slow_ms: 0 }
    }

    pub(crate) fn fail(&mut self, until: u64) {
        self.fails_until = until;
    }

    pub(crate) fn slow(&mut self, until: u64, ms: u64) {
        (self.slow_until, self.slow_ms) = (until, ms);
    }

    pub(crate) fn heal(&mut self) {
        (self.fails_until, self.slow_until) = (0, 0);
    }

    /// Decides about an operation that is asked for now.
    pub(crate) fn course(&mut self, now: u64, is_load: bool, marks: &mut Marks) -> Course {
        let slow = if now < self.slow_until { self.slow_ms } else { 0 };
        if slow > 0 {
            marks.hit("store: slow", 1);
        }
        let most = self.most_ms + slow;
        let carried_out = now + self.dice.span(1, most.max(1));
        let answered = carried_out + self.dice.span(1, (most / 4).max(1));
        let is_bad = now < self.fails_until && self.dice.percent(u64::from(self.trouble_percent));
        let fate = if is_bad { Fate::ALL[self.dice.upto(Fate::ALL.len() as u64 - 1) as usize] } else { Fate::Done };
        marks.hit(name(fate, is_load), u64::from(is_bad));
        let late = (fate == Fate::Late).then(|| answered + self.dice.span(1, 20_000));
        Course { fate, carried_out, answered, late }
    }
}

/// The mark of a fate.
fn name(fate: Fate, is_load: bool) -> &'static str {
    if is_load && !matches!(fate, Fate::Done | Fate::Full | Fate::Doubled) {
        return "store: load failed";
    }
    match fate {
        Fate::AnswerLost => "store: answer lost, written",
        Fate::Done => "store: well in bad times",
        Fate::Doubled => "store: answer doubled",
        Fate::Down | Fate::Full => "store: failing",
        Fate::Late => "store: written after a time-out",
        Fate::Lost => "store: answer lost, not written",
    }
}
