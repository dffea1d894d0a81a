//! Commands between being wanted and being answered. A command gets its number when it is first sent, above every number that the
//! server has seen of this client, and keeps it however often it is sent again: so it has one effect and one answer (CON 5). What
//! has a number goes in the order of numbers, for a server that has seen a higher one may take a lower one for answered.

use crate::intents::Intent;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use duologue_core::kit::ids::CallId;
use duologue_core::wire::Command;

/// As many as a server lets be unanswered.
const UNANSWERED_MAX: usize = 64;

/// Who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// The application, with its mark.
    App(u64),
    /// The client itself, to have again what a server has forgotten.
    Own(Intent),
    /// The negotiation of its call.
    Signal,
}

#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) asker: Asker,
    pub(crate) command: Command,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    last: u64,
    numbered: BTreeMap<u64, Wanted>,
    waiting: VecDeque<Wanted>,
}

impl Commands {
    pub(crate) fn len(&self) -> usize {
        self.numbered.len() + self.waiting.len()
    }

    pub(crate) fn want(&mut self, asker: Asker, command: Command) {
        self.waiting.push_back(Wanted { asker, command });
    }

    /// Gives the next one its number, unless too many are unanswered.
    pub(crate) fn number_next(&mut self) -> Option<(u64, Command)> {
        if self.numbered.len() >= UNANSWERED_MAX {
            return None;
        }
        let wanted = self.waiting.pop_front()?;
        self.last += 1;
        let command = wanted.command.clone();
        self.numbered.insert(self.last, wanted);
        Some((self.last, command))
    }

    /// The server knows numbers up to `last_id`; those given out without an answer are to be sent again.
    pub(crate) fn welcomed(&mut self, last_id: u64) -> Vec<(u64, Command)> {
        self.last = self.last.max(last_id);
        self.numbered.iter().map(|(number, wanted)| (*number, wanted.command.clone())).collect()
    }

    /// Takes the command that was answered; none if it was answered before.
    pub(crate) fn answered(&mut self, number: u64) -> Option<Wanted> {
        self.numbered.remove(&number)
    }

    /// Whether one is under way that decides about this intent.
    pub(crate) fn decides(&self, intent: Intent) -> bool {
        self.numbered.values().chain(&self.waiting).any(|wanted| Intent::decided_by(&wanted.command) == Some(intent))
    }

    /// Drops signals of earlier epochs (of all, if there is none), sent or not: nobody waits for their answers.
    pub(crate) fn forget_signals(&mut self, present: Option<(CallId, u32)>) {
        let is_of_now = |wanted: &Wanted| match &wanted.command {
            Command::Candidates(candidates) => Some((candidates.call, candidates.epoch)) >= present && present.is_some(),
            Command::Description(description) => Some((description.call, description.epoch)) >= present && present.is_some(),
            _ => present.is_some(),
        };
        self.numbered.retain(|_, wanted| wanted.asker != Asker::Signal || is_of_now(wanted));
        self.waiting.retain(|wanted| wanted.asker != Asker::Signal || is_of_now(wanted));
    }

    /// Whether the user is on the way out of the lobby.
    pub(crate) fn leaves(&self) -> bool {
        self.numbered.values().chain(&self.waiting).any(|wanted| wanted.command == Command::Leave)
    }

    /// Whether the client itself asks for this at the moment.
    pub(crate) fn declares(&self, intent: Intent) -> bool {
        self.numbered.values().chain(&self.waiting).any(|wanted| wanted.asker == Asker::Own(intent))
    }

    /// Gives all up; numbers are not given twice even so.
    pub(crate) fn give_up(&mut self) -> Vec<Wanted> {
        let numbered = core::mem::take(&mut self.numbered).into_values();
        numbered.chain(core::mem::take(&mut self.waiting)).collect()
    }

    /// Another client id: numbers begin anew.
    pub(crate) fn renew(&mut self) {
        self.last = 0;
    }
}
