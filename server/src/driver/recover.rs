//! When the core panics: the engine is dropped and a new one loaded from the rows. First the batch on its way is brought to its
//! end and what rests on it released; what was recorded after it is dropped, unsaid. Sockets stay; the gateway attaches every
//! link again and offers its unanswered commands, but for the one that did it, which is answered `unavailable` from then on.
//!
//! Whoever does it a second time has their session ended. A deadline that did it names its call, which ends with `shutdown`. From
//! the third panic in a minute on an engine starts without live calls, each ended the same way; ten end the process, for
//! somebody to look. Commands and sessions are remembered by the process, not in the database: who was answered does not say the
//! same number again.

use super::inbox::Inbound;
use super::realm::{Ending, Realm};
use duologue_core::commit::{Commit, Outcome, StoreOp};
use duologue_core::engine::{Due, Engine};
use duologue_core::input::{Address, Input, Request};
use duologue_core::kit::ids::{CallId, LinkId, RequestId, TokenHash};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::Reason;
use duologue_store::{Completion, Taken};
use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::time::Duration;
use tracing::{error, info, warn};

/// Panics that are borne within [`WINDOW`].
const BORNE: usize = 10;
/// From this many on, no call goes on.
const CALLS_END: usize = 3;
const WINDOW: Span = Span::mins(1);
/// Commands that are remembered; the oldest are forgotten, with their links long gone.
const REMEMBERED: usize = 256;

/// Commands that made the core panic, and when it did.
#[derive(Debug, Default)]
pub(super) struct Poison {
    commands: BTreeSet<(LinkId, u64)>,
    order: VecDeque<(LinkId, u64)>,
    /// Sessions that did it once.
    struck: VecDeque<TokenHash>,
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

    /// One more panic; gives how many there were lately.
    fn count(&mut self, now: Millis) -> usize {
        self.panics.push_back(now);
        while self.panics.front().is_some_and(|at| *at + WINDOW < now) {
            self.panics.pop_front();
        }
        self.panics.len()
    }

    /// This command did it, said over this session; gives whether that is the session's second.
    fn blame(&mut self, link: LinkId, number: u64, session: Option<TokenHash>) -> bool {
        if self.commands.insert((link, number)) {
            self.order.push_back((link, number));
            if self.order.len() > REMEMBERED {
                let oldest = self.order.pop_front().expect("more than none");
                self.commands.remove(&oldest);
            }
        }
        let Some(session) = session else { return false };
        if self.struck.contains(&session) {
            return true;
        }
        self.struck.push_back(session);
        if self.struck.len() > REMEMBERED {
            self.struck.pop_front();
        }
        false
    }
}

impl Realm {
    pub(super) fn recover(&mut self, input: Option<&Input>) -> Result<(), Ending> {
        self.turns.panics += 1;
        // What it was, never what it said: a text of a user is not for logs.
        let firing = self.engine.firing();
        let what = if firing.is_some() { "a deadline" } else { input.map_or("a deadline or output", kind) };
        error!(what, "the core panicked; a new engine is loaded from the rows");
        let panics = self.poison.count(self.now);
        if panics >= BORNE {
            return Err(Ending::Stopped(format!("the core panicked {BORNE} times within a minute")));
        }
        let (named, all) = (call_of(firing), panics >= CALLS_END);
        if all {
            warn!(panics, "within a minute: the new engine starts without live calls");
        }
        let struck_twice = match input {
            Some(Input::Command { link, number, .. }) if firing.is_none() => {
                let session = self.gateway.session(*link);
                session.filter(|_| self.poison.blame(*link, *number, session))
            }
            _ => None,
        };
        let mut kept = Vec::new();
        self.settle_batch(&mut kept)?;
        self.give_up_questions();
        let taken = self.take_again(&mut kept)?;
        self.commit = Commit::new(self.parts.commit, taken.standing);
        self.store_up = true;
        let (limits, rules) = (self.parts.limits, self.parts.rules.clone());
        self.engine = Engine::without(limits, rules, self.seed, taken.into(), self.now, |call| all || named == Some(call));
        self.sweeps_told = 0;
        self.gateway.reattach(self.now);
        self.inbox.give_back(kept);
        info!("a new engine has the realm");
        if let Some(session) = struck_twice {
            warn!("a session made the core panic twice: it is ended");
            // Before its links are attached again. Nobody waits for the reply.
            let (id, who, address) = (RequestId(0), Some(session), Address::default());
            self.offer(Input::Request { id, who, address, request: Request::SignOut })?;
        }
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
                // Whatever else was asked of the store before may come with it.
                let taken = self.completions(kept).into_iter().find_map(|one| match one {
                    Completion::Taken(taken) => Some(taken),
                    _ => None,
                });
                if let Some(taken) = taken {
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

    /// What the store has completed, waiting a little for the first. Some of it the present turn may have taken already.
    fn completions(&mut self, kept: &mut Vec<Inbound>) -> Vec<Completion> {
        let (mut taken, mut completions) = (Vec::from(mem::take(&mut self.unheard)), Vec::new());
        if taken.is_empty() {
            self.inbox.take(&mut taken, 256, Some(Duration::from_millis(50)));
        }
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

/// The call that a deadline is about.
fn call_of(due: Option<Due>) -> Option<CallId> {
    match due? {
        Due::CallEnd(call) | Due::SeatGrace(call, _) => Some(call),
        Due::Confirm(_) | Due::Drain | Due::Flush | Due::ForgetPast | Due::ForgetUsers | Due::Grace(_) | Due::Load(_) => None,
        Due::LookAgain | Due::Ready | Due::Ring(_) | Due::Round | Due::Session(_) | Due::Shutdown | Due::Sweep | Due::TicketSleep(_) => {
            None
        }
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
        Input::MemoryLevel(_) => "word of the memory",
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
        assert!(!poison.blame(LinkId(1), 7, None));
        let (mut same, mut other) = (command(7), command(8));
        poison.blunt(&mut same);
        poison.blunt(&mut other);
        assert!(matches!(same, Input::Command { command: Err(Reason::Unavailable { .. }), .. }));
        assert_eq!(other, command(8));
    }

    #[test]
    fn panics_are_borne_if_they_are_rare() {
        let mut poison = Poison::default();
        assert!((0..100).all(|n| poison.count(Millis(n * 10_000)) < BORNE));
        assert!(!(0..10).all(|n| poison.count(Millis(2_000_000 + n)) < BORNE));
    }

    #[test]
    fn the_second_one_of_a_session_is_told_from_its_first() {
        let mut poison = Poison::default();
        let (ann, bob) = (Some(TokenHash([1; 32])), Some(TokenHash([2; 32])));
        assert_eq!(
            [poison.blame(LinkId(1), 7, ann), poison.blame(LinkId(2), 7, bob), poison.blame(LinkId(3), 9, ann)],
            [false, false, true]
        );
    }
}
