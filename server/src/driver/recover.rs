//! When the core panics: the engine is dropped and a new one loaded from the rows. First the batch on its way is brought to its
//! end and what rests on it released; what was recorded after it is dropped, unsaid. Sockets stay; the gateway attaches every
//! link again and offers its unanswered commands, but for the one that did it, which is answered `unavailable` from then on.
//!
//! Not yet here: the durable table of such commands, and ending a session at its second one. Ten panics in a minute end the
//! process, for somebody to look.

use super::inbox::Inbound;
use super::realm::{Ending, Realm};
use duologue_core::commit::{Commit, Outcome, StoreOp};
use duologue_core::engine::Engine;
use duologue_core::input::Input;
use duologue_core::kit::ids::LinkId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::Reason;
use duologue_store::{Completion, Taken};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tracing::{error, info, warn};

/// Panics that are borne within [`WINDOW`].
const BORNE: usize = 10;
const WINDOW: Span = Span::mins(1);
/// Commands that are remembered; the oldest are forgotten, with their links long gone.
const REMEMBERED: usize = 256;

/// Commands that made the core panic, and when it did.
#[derive(Debug, Default)]
pub(super) struct Poison {
    commands: BTreeSet<(LinkId, u64)>,
    order: VecDeque<(LinkId, u64)>,
    panics: VecDeque<Millis>,
}

impl Poison {
    /// A command that panicked before is answered, not run.
    pub(super) fn blunt(&self, input: &mut Input) {
        if let Input::Command { link, number, command } = input
            && self.commands.contains(&(*link, *number))
        {
            *command = Err(Reason::Unavailable { retry_after: Span::mins(1) });
        }
    }

    /// Whether the process may go on.
    fn note(&mut self, now: Millis, input: Option<&Input>) -> bool {
        if let Some(Input::Command { link, number, .. }) = input
            && self.commands.insert((*link, *number))
        {
            self.order.push_back((*link, *number));
            if self.order.len() > REMEMBERED {
                let oldest = self.order.pop_front().expect("more than none");
                self.commands.remove(&oldest);
            }
        }
        self.panics.push_back(now);
        while self.panics.front().is_some_and(|at| *at + WINDOW < now) {
            self.panics.pop_front();
        }
        self.panics.len() < BORNE
    }
}

impl Realm {
    pub(super) fn recover(&mut self, input: Option<&Input>) -> Result<(), Ending> {
        self.turns.panics += 1;
        // What it was, never what it said: a text of a user is not for logs.
        error!(input = input.map_or("a deadline or output", kind), "the core panicked; a new engine is loaded from the rows");
        if !self.poison.note(self.now, input) {
            return Err(Ending::Stopped(format!("the core panicked {BORNE} times within a minute")));
        }
        let mut kept = Vec::new();
        self.settle_batch(&mut kept)?;
        self.give_up_questions();
        let taken = self.take_again(&mut kept)?;
        self.commit = Commit::new(self.parts.commit, taken.standing);
        self.store_up = true;
        self.engine = Engine::new(self.parts.limits, self.parts.rules.clone(), self.seed, taken.into(), self.now);
        self.sweeps_told = 0;
        self.gateway.reattach(self.now);
        self.inbox.give_back(kept);
        info!("a new engine has the realm");
        Ok(())
    }

    /// Waits for the batch on its way and releases what rests on it; and for the loads, whose rows nobody wants any more.
    /// What comes meanwhile for others is kept.
    fn settle_batch(&mut self, kept: &mut Vec<Inbound>) -> Result<(), Ending> {
        self.commit.abandon();
        loop {
            while let Some(outcome) = self.commit.poll_output() {
                match outcome {
                    // For the engine that is gone.
                    Outcome::Engine(_) | Outcome::Store(StoreOp::Load { .. }) => {}
                    Outcome::Release(output) => self.release(output),
                    Outcome::Stop(stop) => return Err(Ending::Stopped(format!("{stop:?}"))),
                    Outcome::Store(op) => self.submit(op),
                }
            }
            if self.commit.backlog() == 0 && self.loads == 0 {
                return Ok(());
            }
            for completion in self.completions(kept) {
                match completion {
                    Completion::Loaded { .. } => self.loads -= 1,
                    other => self.stored(other)?,
                }
            }
            self.commit.handle_timeout(self.now);
        }
    }

    /// The realm under the next epoch.
    fn take_again(&mut self, kept: &mut Vec<Inbound>) -> Result<Taken, Ending> {
        loop {
            self.store.take();
            let taken = loop {
                if let Some(Completion::Taken(taken)) = self.completions(kept).into_iter().next() {
                    break taken;
                }
            };
            match taken {
                Ok(taken) => return Ok(taken),
                Err(down) => {
                    warn!(%down, "the realm is not there yet; it is asked again");
                    std::thread::sleep(Duration::from_millis(250));
                }
            }
        }
    }

    /// What the store has completed, waiting a little for the first.
    fn completions(&mut self, kept: &mut Vec<Inbound>) -> Vec<Completion> {
        let (mut taken, mut completions) = (Vec::new(), Vec::new());
        self.inbox.take(&mut taken, 256, Some(Duration::from_millis(50)));
        self.now = self.now.max(self.parts.clock.now());
        for inbound in taken {
            match inbound {
                Inbound::Stored(completion) => completions.push(completion),
                other => kept.push(other),
            }
        }
        completions
    }
}

/// An input's name.
fn kind(input: &Input) -> &'static str {
    match input {
        Input::Attached(_) => "a hello",
        Input::Command { .. } => "a command",
        Input::Detached { .. } => "the end of a link",
        Input::Drain { .. } => "a drain",
        Input::Loaded { .. } => "rows",
        Input::ReplayLost { .. } => "a lost replay",
        Input::Request { .. } => "a request",
        Input::StoreDown | Input::StoreUp => "word of the store",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_core::wire::Command;

    #[test]
    fn a_command_that_panicked_is_answered_and_not_run_again() {
        let mut poison = Poison::default();
        let command = |number| Input::Command { link: LinkId(1), number, command: Ok(Command::Leave) };
        assert!(poison.note(Millis(1), Some(&command(7))));
        let (mut same, mut other) = (command(7), command(8));
        poison.blunt(&mut same);
        poison.blunt(&mut other);
        assert!(matches!(same, Input::Command { command: Err(Reason::Unavailable { .. }), .. }));
        assert_eq!(other, command(8));
    }

    #[test]
    fn panics_are_borne_if_they_are_rare() {
        let mut poison = Poison::default();
        assert!((0..100).all(|n| poison.note(Millis(n * 10_000), None)));
        assert!(!(0..10).all(|n| poison.note(Millis(2_000_000 + n), None)));
    }
}
