//! The realm's machines and the loop that turns them: engine, commit and gateway, each with its own `handle` and `poll`, and
//! between them nothing but this file. It reads the clock once a turn and never blocks but in the inbox.

use super::inbox::{Ask, Inbound, Inbox};
use super::recover::Poison;
use super::snapshot::{Snapshot, Turns};
use crate::clock::{Clock, boottime};
use crate::secrets;
use duologue_core::commit::{Commit, Outcome, Stop, StoreOp};
use duologue_core::engine::Engine;
use duologue_core::input::Input;
use duologue_core::kit::ids::{RequestId, UserId};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::{Output, Reply};
use duologue_core::row::Row;
use duologue_core::rules::Rules;
use duologue_core::wire::{Closing, Reason};
use duologue_gateway::{Gateway, Outward};
use duologue_store::{Completion, PRUNED_MOST, Pruned, Store, StoreThread, Taken};
use duologue_transport::{Down, Up};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

/// Inbound pieces a turn, before deadlines and outputs get theirs.
const TURN_MOST: usize = 256;
/// How long a drain may wait for the store and for the last closes.
const DRAIN_MOST: Span = Span::secs(4);

/// Is told whose rows were written.
pub type PeopleWritten = Box<dyn Fn(&[UserId]) + Send>;

/// What the driver works with.
pub struct Parts {
    /// The realm's policy.
    pub rules: Rules,
    /// Its capacities.
    pub limits: Limits,
    /// Of the gateway.
    pub gateway: duologue_gateway::Config,
    /// Of Commit.
    pub commit: duologue_core::commit::Config,
    /// Started from the last commit.
    pub clock: Clock,
    /// The realm, taken.
    pub store: Box<dyn Store>,
    /// What taking it gave.
    pub taken: Taken,
    /// Obeys what the gateway says.
    pub down: Box<dyn Fn(Down) + Send>,
    /// Is told that a word was taken from the inbox.
    pub taken_up: Box<dyn Fn(&Up) + Send>,
    /// Is told whose rows were written, or may have been: what they say now is what the store says.
    pub people_written: PeopleWritten,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("rules", &self.rules).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// How the driver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it was asked to; everything that was said is durable.
    Drained,
    /// Going on could not be right: why, for the operator.
    Stopped(String),
}

/// The machines, and what stands between them.
pub(super) struct Realm {
    pub(super) inbox: Arc<Inbox>,
    pub(super) parts: Limited,
    pub(super) engine: Engine,
    pub(super) commit: Commit,
    pub(super) gateway: Gateway,
    /// What this turn took and did not hear yet: whoever waits within a turn may find it here.
    pub(super) unheard: VecDeque<Inbound>,
    pub(super) store: StoreThread,
    /// Loads on their way.
    pub(super) loads: u32,
    /// People whose rows are in the batch on its way.
    writing: Vec<UserId>,
    pub(super) seed: Seed,
    pub(super) now: Millis,
    pub(super) asked: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    next_request: u64,
    pub(super) store_up: bool,
    pub(super) turns: Turns,
    /// Sweeps of the present engine that are in the log.
    pub(super) sweeps_told: u64,
    pub(super) poison: Poison,
    started: Span,
    /// Set while the realm drains: until when.
    draining: Option<Millis>,
}

/// What of `Parts` outlives the start.
pub(super) struct Limited {
    pub(super) rules: Rules,
    pub(super) limits: Limits,
    pub(super) commit: duologue_core::commit::Config,
    pub(super) clock: Clock,
    down: Box<dyn Fn(Down) + Send>,
    taken_up: Box<dyn Fn(&Up) + Send>,
    people_written: PeopleWritten,
}

impl Realm {
    pub(super) fn new(parts: Parts, inbox: Arc<Inbox>) -> Result<Realm, Ending> {
        let Parts { rules, limits, gateway, commit, clock, store, taken, down, taken_up, people_written } = parts;
        let (standing, seed, now) = (taken.standing, secrets::seed(), clock.now());
        let heard = inbox.clone();
        let thread = StoreThread::start(store, move |completion| heard.put(Inbound::Stored(completion)));
        Ok(Realm {
            engine: Engine::new(limits, rules.clone(), seed, taken.into(), now),
            commit: Commit::new(commit, standing),
            // Links count up from the epoch, as everything that is never given twice.
            gateway: Gateway::new(gateway, (u64::from(standing.epoch) << 32) + 1),
            store: thread.map_err(|down| Ending::Stopped(down.to_string()))?,
            unheard: VecDeque::new(),
            loads: 0,
            writing: Vec::new(),
            inbox,
            parts: Limited { rules, limits, commit, clock, down, taken_up, people_written },
            seed,
            now,
            asked: BTreeMap::new(),
            next_request: 1,
            store_up: true,
            turns: Turns::default(),
            sweeps_told: 0,
            poison: Poison::default(),
            started: boottime(),
            draining: None,
        })
    }

    pub(super) fn run(&mut self) -> Result<Ending, Ending> {
        self.pump()?;
        let mut taken = Vec::with_capacity(TURN_MOST);
        while !self.is_drained() {
            self.turn(&mut taken)?;
        }
        Ok(Ending::Drained)
    }

    /// Once round the loop; `taken` is a place for what comes.
    pub(super) fn turn(&mut self, taken: &mut Vec<Inbound>) -> Result<(), Ending> {
        let due = self.next_deadline();
        self.inbox.take(taken, TURN_MOST, due.map(|at| Duration::from_millis(at.since(self.parts.clock.now()).0)));
        self.now = self.now.max(self.parts.clock.now());
        let stalled = due.map_or(Span(0), |at| self.now.since(at));
        self.gateway.handle_stall(self.now, stalled);
        self.turns.turns += 1;
        let before = (self.turns.inputs, self.turns.released);
        let nothing_came = taken.is_empty();
        self.unheard.extend(taken.drain(..));
        while let Some(inbound) = self.unheard.pop_front() {
            self.hear(inbound)?;
        }
        self.run_deadlines()?;
        self.pump()?;
        if nothing_came && before == (self.turns.inputs, self.turns.released) {
            self.turns.idle += 1;
        }
        let took = self.parts.clock.now().since(self.now);
        self.turns.longest_ms = self.turns.longest_ms.max(took.0);
        self.report_sweep(took);
        Ok(())
    }

    /// MEM 2: what each sweep did away with, a line a kind, and the total with its time.
    fn report_sweep(&mut self, took: Span) {
        let (sweeps, swept) = self.engine.last_sweep();
        if sweeps == self.sweeps_told {
            return;
        }
        self.sweeps_told = sweeps;
        for (kind, count) in swept.kinds() {
            info!(kind, count, "swept");
        }
        let total: u32 = swept.kinds().iter().map(|(_, count)| count).sum();
        info!(total, took_ms = took.0, "swept in all");
        self.store.prune(self.now);
    }

    /// What is over was thrown away in the database too; the rest of it follows, a part at a time.
    fn pruned(&mut self, pruned: Pruned) {
        if pruned != Pruned::default() {
            info!(cooldowns = pruned.cooldowns, sessions = pruned.sessions, "thrown away in the database");
        }
        if pruned.cooldowns.max(pruned.sessions) >= PRUNED_MOST {
            self.store.prune(self.now);
        }
    }

    /// The next deadline of any machine.
    fn next_deadline(&self) -> Option<Millis> {
        let engine = self.engine.poll_timeout().map(|deadline| deadline.at);
        let at = [engine, self.commit.poll_timeout(), self.gateway.poll_timeout(), self.draining.map(|_| self.now + Span::millis(20))];
        at.into_iter().flatten().min()
    }

    fn run_deadlines(&mut self) -> Result<(), Ending> {
        self.gateway.handle_timeout(self.now);
        self.commit.handle_timeout(self.now);
        let now = self.now;
        if self.with_engine(|engine| engine.handle_timeout(now)).is_none() {
            self.recover(None)?;
        }
        Ok(())
    }

    fn hear(&mut self, inbound: Inbound) -> Result<(), Ending> {
        match inbound {
            Inbound::Ask(ask) => self.ask(*ask),
            Inbound::Drain => {
                info!("draining: everybody is told that the server goes away");
                self.draining.get_or_insert(self.now + DRAIN_MOST);
                self.gateway.close_all(self.now, Closing::GoingAway);
                self.offer(Input::Drain { end_calls: false })
            }
            Inbound::Look(answer) => {
                // Whoever asked may have gone.
                let _ = answer.send(self.look());
                Ok(())
            }
            Inbound::Stored(completion) => self.stored(completion),
            Inbound::Up(up) => {
                (self.parts.taken_up)(&up);
                self.gateway.handle_transport(self.now, up);
                self.pump_gateway()
            }
            Inbound::Memory(level) => self.offer(Input::MemoryLevel(level)),
            #[cfg(test)]
            Inbound::Panic(input) => match self.with_engine(|_| panic!("as the test wants it")) {
                None => self.recover(input.as_ref()),
                Some(()) => Ok(()),
            },
        }
    }

    fn ask(&mut self, ask: Ask) -> Result<(), Ending> {
        let Ask { who, address, request, answer } = ask;
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.asked.insert(id, answer);
        self.offer(Input::Request { id, who, address, request })
    }

    /// What the store has done.
    pub(super) fn stored(&mut self, completion: Completion) -> Result<(), Ending> {
        match completion {
            Completion::LoadFailed { ticket, key, why } => {
                self.loads -= 1;
                warn!(%why, "the store did not load; it is asked again");
                self.commit.handle_load_failed(self.now, ticket, key);
            }
            Completion::Loaded { ticket, rows } => {
                self.loads -= 1;
                self.offer(Input::Loaded { ticket, rows })?;
            }
            Completion::Pruned(Ok(pruned)) => self.pruned(pruned),
            Completion::Pruned(Err(down)) => warn!(%down, "what is over stays in the database until the next sweep"),
            Completion::Standing(standing) => {
                self.tell_people_written();
                self.commit.handle_standing(self.now, standing);
            }
            Completion::Taken(_) => unreachable!("asked for, and waited for, in recover only"),
            Completion::Written(written) => {
                if let duologue_core::commit::Written::Down { why } = &written {
                    warn!(%why, "the store did not write; it is asked again");
                }
                self.tell_people_written();
                self.commit.handle_written(self.now, written);
            }
        }
        Ok(())
    }

    fn tell_people_written(&mut self) {
        let people = mem::take(&mut self.writing);
        if !people.is_empty() {
            (self.parts.people_written)(&people);
        }
    }

    /// Gives an input to the engine, and everything that it says to Commit. `Refused` is for want of room: drained, it is
    /// offered again.
    pub(super) fn offer(&mut self, mut input: Input) -> Result<(), Ending> {
        self.poison.blunt(&mut input);
        let now = self.now;
        for _ in 0..3 {
            match self.with_engine(|engine| engine.handle_input(now, &input)) {
                None => return self.recover(Some(&input)),
                Some(Ok(())) => {
                    self.turns.inputs += 1;
                    return self.drain_engine();
                }
                Some(Err(duologue_core::output::Refused)) => {
                    self.turns.refused += 1;
                    self.drain_engine()?;
                }
            }
        }
        error!("an input does not fit into an empty outbox: it is dropped");
        if let Input::Request { id, .. } = input {
            self.answer(id, Reply::No(Reason::Unavailable { retry_after: Span::secs(1) }));
        }
        Ok(())
    }

    pub(super) fn drain_engine(&mut self) -> Result<(), Ending> {
        loop {
            match self.with_engine(Engine::poll_output) {
                None => return self.recover(None),
                Some(None) => return Ok(()),
                Some(Some(output)) => self.commit.handle_output(self.now, output),
            }
        }
    }

    /// Carries things between the machines until all of them are quiet.
    pub(super) fn pump(&mut self) -> Result<(), Ending> {
        loop {
            self.drain_engine()?;
            self.pump_gateway()?;
            if !self.pump_commit()? {
                return Ok(());
            }
        }
    }

    fn pump_gateway(&mut self) -> Result<(), Ending> {
        while let Some(outward) = self.gateway.poll_output() {
            match outward {
                Outward::Down(down) => (self.parts.down)(down),
                Outward::Engine(input) => self.offer(input)?,
            }
        }
        Ok(())
    }

    /// Whether anything was released or told, so that the others have to be asked again.
    pub(super) fn pump_commit(&mut self) -> Result<bool, Ending> {
        let mut any = false;
        while let Some(outcome) = self.commit.poll_output() {
            any = true;
            match outcome {
                Outcome::Engine(input) => {
                    self.hear_of_store(&input);
                    self.offer(input)?;
                }
                Outcome::Release(output) => self.release(output),
                Outcome::Stop(stop) => return Err(Ending::Stopped(told(&stop))),
                Outcome::Store(op) => self.submit(op),
            }
        }
        Ok(any)
    }

    pub(super) fn submit(&mut self, op: StoreOp) {
        self.loads += u32::from(matches!(op, StoreOp::Load { .. }));
        if let StoreOp::Write(batch) = &op {
            self.writing.extend(batch.rows.iter().filter_map(|row| if let Row::Person(person) = row { Some(person.user) } else { None }));
        }
        self.store.submit(op);
    }

    fn hear_of_store(&mut self, input: &Input) {
        let up = !matches!(input, Input::StoreDown);
        if self.store_up != up {
            self.store_up = up;
            if up { info!("the store takes facts again") } else { warn!("the store takes no facts: what would record one is refused") }
        }
    }

    pub(super) fn release(&mut self, output: Output) {
        self.turns.released += 1;
        match output {
            Output::Reply { to, reply, .. } => self.answer(to, reply),
            output => self.gateway.handle_released(self.now, output),
        }
    }

    pub(super) fn answer(&mut self, to: RequestId, reply: Reply) {
        if let Some(answer) = self.asked.remove(&to) {
            // Whoever asked may have gone.
            let _ = answer.send(reply);
        }
    }

    /// Does something with the engine; none where it panicked.
    fn with_engine<R>(&mut self, act: impl FnOnce(&mut Engine) -> R) -> Option<R> {
        // Nothing of it is looked at again after a panic: `recover` drops it whole.
        catch_unwind(AssertUnwindSafe(|| act(&mut self.engine))).ok()
    }

    /// Everybody is gone and everything is written, or it has taken too long.
    fn is_drained(&self) -> bool {
        let Some(until) = self.draining else { return false };
        let quiet = self.gateway.usage().connections == 0 && self.commit.backlog() == 0;
        if !quiet && self.now >= until {
            warn!(backlog = self.commit.backlog(), "the drain took too long");
        }
        quiet || self.now >= until
    }

    fn look(&self) -> Snapshot {
        Snapshot {
            engine: self.engine.usage(),
            gateway: self.gateway.usage(),
            backlog: self.commit.backlog(),
            store_up: self.store_up,
            uptime: Span(boottime().0.saturating_sub(self.started.0)),
            turns: self.turns,
        }
    }

    /// Questions that will not be answered: an engine that is gone has heard them.
    pub(super) fn give_up_questions(&mut self) {
        for (_, answer) in mem::take(&mut self.asked) {
            let _ = answer.send(Reply::No(Reason::Unavailable { retry_after: Span::secs(1) }));
        }
    }
}

fn told(stop: &Stop) -> String {
    match stop {
        Stop::Fenced { epoch } => format!("another process has taken the realm (epoch {epoch})"),
        Stop::Refused { why } => format!("the database refuses what is to be written: {why}"),
    }
}
