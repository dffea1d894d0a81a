//! Commands that the engine has not answered (CON 5), in order: so that a number said twice is answered once, so that a client
//! has a bounded number of them, and so that a new engine can be given them again.

use alloc::collections::VecDeque;
use duologue_core::kit::digest::Digest;
use duologue_core::wire::{Command, Reason};

/// A command as the engine was given it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub number: u64,
    pub command: Result<Command, Reason>,
}

/// The unanswered commands of one link.
#[derive(Debug, Default)]
pub(crate) struct Unanswered {
    waiting: VecDeque<Waiting>,
}

impl Unanswered {
    /// Whether this number waits for its answer.
    pub(crate) fn has(&self, number: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.number == number)
    }

    pub(crate) fn push(&mut self, number: u64, command: Result<Command, Reason>) {
        debug_assert!(!self.has(number));
        self.waiting.push_back(Waiting { number, command });
    }

    /// The answer is there: gives the command that it answers, if it waited.
    pub(crate) fn take(&mut self, number: u64) -> Option<Waiting> {
        let place = self.waiting.iter().position(|waiting| waiting.number == number)?;
        self.waiting.remove(place)
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// In the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        for waiting in &self.waiting {
            digest.number(waiting.number).number(u64::from(waiting.command.is_ok()));
        }
    }
}
