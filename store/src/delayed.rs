//! The simulator's store: operations wait until they are told to happen, and how. It has no clock: whoever drives it decides
//! when each step comes, and may stop (crash) between any two of them.
//!
//! The steps of an operation: it is *submitted*; it is *carried out* at the database; its answer *arrives*. A process dies
//! between two steps when the driver drops its `Delayed`: what was not carried out never is, what was stays in the [`Memory`],
//! which outlives it. To let a write of the dead land after all, keep it and carry it out later: the fence must refuse it.

use crate::operation::{Completion, carry_out};
use crate::{Memory, Reader, Store};
use duologue_core::commit::{StoreOp, Written};
use std::collections::BTreeMap;

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Carried out, but nobody hears of it: `Unknown`.
    AnswerLost,
    /// Carried out and answered.
    Done,
    /// Carried out and answered twice.
    Doubled,
    /// Not carried out; the database does not answer.
    Down,
    /// Not carried out; the disk is full. What only reads is done.
    Full,
    /// Answered `Unknown` now, carried out when it is told once more (with any fate), without a further answer.
    Late,
    /// Lost on the way there: `Unknown`, and not carried out.
    Lost,
}

impl Fate {
    /// Every fate there is.
    pub const ALL: [Fate; 7] = [Fate::AnswerLost, Fate::Done, Fate::Doubled, Fate::Down, Fate::Full, Fate::Late, Fate::Lost];
}

/// Operations on their way to a [`Memory`].
#[derive(Debug)]
pub struct Delayed {
    memory: Memory,
    next: u64,
    pending: BTreeMap<u64, Pending>,
}

#[derive(Debug)]
struct Pending {
    op: StoreOp,
    /// Once it is carried out.
    answer: Option<Completion>,
    is_answered: bool,
}

impl Delayed {
    /// The way of one process to the database.
    pub fn new(memory: Memory) -> Delayed {
        Delayed { memory, next: 0, pending: BTreeMap::new() }
    }

    /// Puts an operation on its way and gives its number: 1, 2, 3 …
    pub fn submit(&mut self, op: StoreOp) -> u64 {
        self.next += 1;
        self.pending.insert(self.next, Pending { op, answer: None, is_answered: false });
        self.next
    }

    /// What has not come to its end, the oldest first.
    pub fn pending(&self) -> impl Iterator<Item = (u64, &StoreOp)> {
        self.pending.iter().map(|(number, pending)| (*number, &pending.op))
    }

    /// Carries an operation out at the database, whose answer is still on its way. Once, however often it is told.
    pub fn carry_out(&mut self, number: u64) {
        if let Some(pending) = self.pending.get_mut(&number)
            && pending.answer.is_none()
        {
            pending.answer = Some(carry_out(&mut self.memory, &pending.op));
        }
    }

    /// Brings an operation to its end and gives what arrives of it: nothing, one answer, or the same one twice. One that was
    /// carried out before cannot become undone: whatever the fate, then only its answer can be lost.
    pub fn complete(&mut self, number: u64, fate: Fate) -> Vec<Completion> {
        let Some(pending) = self.pending.get(&number) else { return Vec::new() };
        if pending.is_answered {
            self.carry_out(number);
            self.pending.remove(&number);
            return Vec::new();
        }
        let is_write = matches!(pending.op, StoreOp::Write(_));
        match fate {
            Fate::AnswerLost | Fate::Done | Fate::Doubled => self.carry_out(number),
            Fate::Full if !is_write => self.carry_out(number),
            Fate::Down | Fate::Full | Fate::Late | Fate::Lost => {}
        }
        if fate == Fate::Late && is_write {
            let pending = self.pending.get_mut(&number).expect("it is there");
            pending.is_answered = true;
            return vec![Completion::Written(Written::Unknown)];
        }
        let Pending { op, answer, .. } = self.pending.remove(&number).expect("it is there");
        match (fate, answer) {
            (Fate::Done | Fate::Full, Some(answer)) => vec![answer],
            (Fate::Doubled, Some(answer)) => vec![answer.clone(), answer],
            (Fate::Down, None) => vec![failed(op, Written::Down { why: "no answer".into() })],
            (Fate::Full, None) => vec![failed(op, Written::Down { why: "disk full".into() })],
            (Fate::Done | Fate::Doubled, None) => unreachable!("carried out above"),
            (Fate::AnswerLost | Fate::Down | Fate::Late | Fate::Lost, _) => vec![failed(op, Written::Unknown)],
        }
    }

    /// The database itself.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes the realm at once: a start waits for its store.
    pub fn take(&mut self) -> crate::Taken {
        self.memory.take().expect("memory is never down")
    }

    /// Reads at once, for checks.
    pub fn peek(&mut self, key: &duologue_core::output::Key) -> Vec<duologue_core::row::Row> {
        self.memory.load(key).expect("memory is never down")
    }
}

fn failed(op: StoreOp, written: Written) -> Completion {
    match op {
        StoreOp::Load { ticket, key } => Completion::LoadFailed { ticket, key, why: "no answer".into() },
        StoreOp::Position | StoreOp::Write(_) => Completion::Written(written),
    }
}
