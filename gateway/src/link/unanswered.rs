//! Commands that the engine has not answered (CON 5), in order: so that a number said twice is done once, so that a client has a
//! bounded number of them, and so that a new engine can be given them again.

use alloc::collections::VecDeque;
use duologue_core::kit::digest::Digest;
use duologue_core::wire::{Command, Reason};
use duologue_transport::ConnId;

/// A command as the engine was given it.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub number: u64,
    pub command: Result<Command, Reason>,
    /// The socket over which it was said last, and how often: as often as it is answered there.
    said: (Option<ConnId>, u32),
}

impl Waiting {
    /// How many answers a socket is owed. One that came after the command is told of it once: its client asked on another.
    pub(crate) fn answers(&self, conn: Option<ConnId>) -> u32 {
        if self.said.0 == conn { self.said.1 } else { 1 }
    }
}

/// The unanswered commands of one link.
#[derive(Debug, Default)]
pub(crate) struct Unanswered {
    waiting: VecDeque<Waiting>,
}

impl Unanswered {
    /// Whether this number waits for its answer already: then it is said once more.
    pub(crate) fn again(&mut self, number: u64, conn: Option<ConnId>) -> bool {
        let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.number == number) else { return false };
        let before = if waiting.said.0 == conn { waiting.said.1 } else { 0 };
        waiting.said = (conn, before.saturating_add(1));
        true
    }

    pub(crate) fn push(&mut self, number: u64, command: Result<Command, Reason>, conn: Option<ConnId>) {
        debug_assert!(self.waiting.iter().all(|waiting| waiting.number != number));
        self.waiting.push_back(Waiting { number, command, said: (conn, 1) });
    }

    /// The answer is there: gives the command that it answers, if it waited.
    pub(crate) fn take(&mut self, number: u64) -> Option<Waiting> {
        let place = self.waiting.iter().position(|waiting| waiting.number == number)?;
        let taken = self.waiting.remove(place);
        // Most links have nothing unanswered most of the time, and hold nothing for it.
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        taken
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
