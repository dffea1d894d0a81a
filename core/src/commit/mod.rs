//! Commit: nothing leaves before what it rests on is durable. It keeps events and facts in the engine's order, writes the facts
//! in batches (one transaction each, fenced by the owner's epoch), and releases what waited when they are written. Views pass
//! through at once. It knows neither rules nor sockets nor a database; a driver carries [`StoreOp`] to the store and
//! [`Written`] back.
//!
//! **Batches.** One write is on its way at a time; everything recorded meanwhile is the next batch. The facts of one input belong
//! into one transaction (CALL 7, CON 5), so a batch is only ever cut where the driver polled: *drain the engine whole before
//! polling here*. A batch is written until it is: the same rows under the same position, which the store's fence makes one effect
//! however often it is asked. So no answer of the store can harm by being late or doubled.
//!
//! **Order** (`order.rs`). Facts are numbered as they come; who waits for which number is all that decides a release.
//!
//! **Trouble.** Down: the engine is told once, the batch is tried again with backoff, the engine is told when it is written.
//! Unknown: ask where the realm stands; at the batch's position it was written, one before it was not. Another epoch, or rows that
//! the database refuses, end the process: from then on nothing is released.
//!
//! ```
//! use duologue_core::commit::{Commit, Config, Outcome, Standing, StoreOp, Written};
//! use duologue_core::kit::ids::{LinkId, TokenHash};
//! use duologue_core::kit::time::Millis;
//! use duologue_core::output::Output;
//! use duologue_core::row::Row;
//!
//! let mut commit = Commit::new(Config::default(), Standing { epoch: 7, position: 41, time: Millis(1_000) });
//! commit.handle_output(Millis(2_000), Output::Fact(Row::SessionGone { hash: TokenHash([1; 32]) }));
//! let Some(Outcome::Store(StoreOp::Write(batch))) = commit.poll_output() else { panic!("a write") };
//! assert_eq!((batch.epoch, batch.position, batch.rows.len()), (7, 42, 1));
//! commit.handle_written(Millis(2_003), Written::Done { position: 42 });
//! assert_eq!(commit.backlog(), 0);
//! ```

mod order;
mod types;

pub use types::{Batch, Outcome, Standing, Stop, StoreOp, Written};

use crate::input::Input;
use crate::kit::digest::Digest;
use crate::kit::ids::Ticket;
use crate::kit::time::{Millis, Span};
use crate::output::{Key, Output};
use crate::row::Row;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use order::Order;

/// How Commit writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Rows of a batch; passed only by what one drain of the engine recorded. 4,096 keep a transaction below some 50 ms.
    pub batch_rows: u32,
    /// Rows not yet durable; beyond it the engine takes the store for down, until half of them are written (MEM 4).
    pub backlog_rows: u32,
    /// From a failure to the next try; doubled with each.
    pub retry_first: Span,
    /// The longest pause between two tries.
    pub retry_most: Span,
}

impl Default for Config {
    fn default() -> Config {
        Config { batch_rows: 4_096, backlog_rows: 65_536, retry_first: Span(250), retry_most: Span::secs(5) }
    }
}

/// The order of messages and facts of one engine.
#[derive(Debug)]
pub struct Commit {
    config: Config,
    now: Millis,
    /// Of the last written batch.
    standing: Standing,
    out: VecDeque<Outcome>,
    order: Order,
    /// Facts so far; the newest one's number.
    recorded: u64,
    /// Since the last poll.
    drained: Vec<Row>,
    /// Not in the batch yet; each the facts of whole inputs.
    groups: VecDeque<Vec<Row>>,
    /// Not known to be written.
    batch: Option<Batch>,
    step: Step,
    retry: Backoff,
    /// Loads that failed, and when they are asked again.
    loads: Vec<(Ticket, Key)>,
    loads_at: Option<Millis>,
    loads_retry: Backoff,
    is_failing: bool,
    is_full: bool,
    is_told_down: bool,
    is_stopped: bool,
}

/// Where the batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is none.
    Idle,
    /// The store was asked to write it.
    Writing,
    /// The store was asked where the realm stands.
    Asking,
    /// The store failed; then the write (or the question) goes out again.
    Paused { until: Millis, ask: bool },
}

impl Commit {
    /// For an engine that begins: the epoch is its own, the position that of the last batch written.
    pub fn new(config: Config, standing: Standing) -> Commit {
        Commit {
            config,
            now: standing.time,
            standing,
            out: VecDeque::new(),
            order: Order::default(),
            recorded: 0,
            drained: Vec::new(),
            groups: VecDeque::new(),
            batch: None,
            step: Step::Idle,
            retry: Backoff::default(),
            loads: Vec::new(),
            loads_at: None,
            loads_retry: Backoff::default(),
            is_failing: false,
            is_full: false,
            is_told_down: false,
            is_stopped: false,
        }
    }

    /// The engine's next output. All of them, in order.
    ///
    /// # Panics
    /// If it waits for a fact that was not recorded before it.
    pub fn handle_output(&mut self, now: Millis, output: Output) {
        if !self.begins(now) {
            return;
        }
        if let Output::Fact(row) = output {
            self.recorded += 1;
            self.drained.push(row);
            self.weigh();
        } else {
            assert!(order::after(&output) <= self.recorded, "facts come before what waits for them");
            if let Some(output) = self.order.admit(output) {
                self.release(output);
            }
        }
    }

    /// What became of the write on its way; or `Down` where the position could not be read. Late and doubled answers are harmless.
    pub fn handle_written(&mut self, now: Millis, written: Written) {
        if !self.begins(now) {
            return;
        }
        match (written, self.step) {
            (Written::Done { position }, _) => {
                if self.batch.as_ref().is_some_and(|batch| batch.position == position) {
                    self.settle();
                }
            }
            (Written::Fenced { epoch }, _) => self.stop(Stop::Fenced { epoch }),
            (Written::Refused { why }, _) => self.stop(Stop::Refused { why }),
            (Written::Unknown, Step::Writing) => {
                self.step = Step::Asking;
                self.out.push_back(Outcome::Store(StoreOp::Position));
            }
            (Written::Down { .. }, Step::Writing) => self.fail(false),
            (Written::Down { .. } | Written::Unknown, Step::Asking) => self.fail(true),
            (Written::Down { .. } | Written::Unknown, Step::Idle | Step::Paused { .. }) => {}
        }
    }

    /// Where the realm stands, as asked after an unknown outcome.
    pub fn handle_standing(&mut self, now: Millis, standing: Standing) {
        if !self.begins(now) {
            return;
        }
        if standing.epoch != self.standing.epoch {
            return self.stop(Stop::Fenced { epoch: standing.epoch });
        }
        if self.step != Step::Asking {
            return;
        }
        match standing.position.checked_sub(self.standing.position) {
            Some(0) => self.pause(false),
            Some(1) => self.settle(),
            Some(_) | None => self.stop(Stop::Refused { why: "the position moved under our own epoch".into() }),
        }
    }

    /// A load got no rows because the store does not answer: it is asked again after a pause.
    pub fn handle_load_failed(&mut self, now: Millis, ticket: Ticket, key: Key) {
        if !self.begins(now) {
            return;
        }
        self.loads.push((ticket, key));
        if self.loads_at.is_none() {
            self.loads_at = Some(self.loads_retry.next(&self.config, self.now));
        }
    }

    /// Asks again what is due.
    pub fn handle_timeout(&mut self, now: Millis) {
        if !self.begins(now) {
            return;
        }
        if let Step::Paused { until, ask } = self.step
            && until <= self.now
        {
            let batch = self.batch.clone().expect("a pause has a batch");
            self.step = if ask { Step::Asking } else { Step::Writing };
            self.out.push_back(Outcome::Store(if ask { StoreOp::Position } else { StoreOp::Write(batch) }));
        }
        if self.loads_at.is_some_and(|at| at <= self.now) {
            self.loads_at = None;
            for (ticket, key) in mem::take(&mut self.loads) {
                self.out.push_back(Outcome::Store(StoreOp::Load { ticket, key }));
            }
        }
    }

    /// What is to be done next. Everything the engine has said must have come in before: where one polls, a batch may be cut.
    pub fn poll_output(&mut self) -> Option<Outcome> {
        if !self.drained.is_empty() {
            self.groups.push_back(mem::take(&mut self.drained));
        }
        if self.step == Step::Idle && !self.is_stopped {
            self.begin_write();
        }
        self.out.pop_front()
    }

    /// When `handle_timeout` is wanted; the present while something waits to be polled.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if !self.out.is_empty() || (self.step == Step::Idle && !self.is_stopped && self.backlog() > 0) {
            return Some(self.now);
        }
        let again = match self.step {
            Step::Paused { until, .. } => Some(until),
            Step::Idle | Step::Writing | Step::Asking => None,
        };
        again.into_iter().chain(self.loads_at).min()
    }

    /// Rows that are not known to be durable.
    pub fn backlog(&self) -> usize {
        usize::try_from(self.recorded - self.order.durable()).expect("they are in memory")
    }

    /// The engine is gone (it panicked): what it recorded after the batch on its way is dropped, unsaid, as if it had never been.
    /// That batch is still brought to its end and what rests on it released; then `backlog` is 0, and the next engine begins with
    /// the next epoch and a `Commit` of its own.
    pub fn abandon(&mut self) {
        self.drained.clear();
        self.groups.clear();
        self.recorded = self.order.durable() + self.batch.as_ref().map_or(0, |batch| batch.rows.len() as u64);
        self.order.forget_after(self.recorded);
    }

    /// Of the whole state.
    pub fn state_digest(&self) -> u128 {
        let mut digest = Digest::default();
        digest.number(self.standing.epoch.into()).number(self.standing.position).number(self.standing.time.0).number(self.now.0);
        digest.number(self.recorded).number(self.out.len() as u64).number(self.drained.len() as u64);
        for group in &self.groups {
            digest.number(group.len() as u64);
        }
        match self.step {
            Step::Idle => digest.number(0),
            Step::Writing => digest.number(1),
            Step::Asking => digest.number(2),
            Step::Paused { until, ask } => digest.number(3).number(until.0).number(ask.into()),
        };
        if let Some(batch) = &self.batch {
            digest.number(batch.position).number(batch.time.0).number(batch.rows.len() as u64);
        }
        digest.maybe(self.loads_at.map(|at| at.0));
        for (ticket, _) in &self.loads {
            digest.number(ticket.0);
        }
        for flag in [self.is_failing, self.is_full, self.is_told_down, self.is_stopped] {
            digest.number(flag.into());
        }
        self.order.digest(&mut digest);
        digest.finish()
    }

    /// Time goes forward; nothing happens any more once stopped.
    fn begins(&mut self, now: Millis) -> bool {
        self.now = self.now.max(now);
        !self.is_stopped
    }

    /// Takes whole groups up to the size of a batch, at least one.
    fn begin_write(&mut self) {
        assert!(self.batch.is_none(), "one write on its way at a time");
        let Some(mut rows) = self.groups.pop_front() else { return };
        while let Some(group) = self.groups.front()
            && rows.len() + group.len() <= self.config.batch_rows as usize
        {
            rows.append(&mut self.groups.pop_front().expect("just seen"));
        }
        let time = self.now.max(self.standing.time);
        let batch = Batch { epoch: self.standing.epoch, position: self.standing.position + 1, time, rows };
        self.out.push_back(Outcome::Store(StoreOp::Write(batch.clone())));
        self.batch = Some(batch);
        self.step = Step::Writing;
    }

    /// The batch is durable: what waited for it leaves.
    fn settle(&mut self) {
        let batch = self.batch.take().expect("there is one to settle");
        self.standing = Standing { epoch: batch.epoch, position: batch.position, time: batch.time };
        self.step = Step::Idle;
        self.retry = Backoff::default();
        self.is_failing = false;
        for output in self.order.advance(batch.rows.len() as u64) {
            self.release(output);
        }
        self.weigh();
    }

    fn fail(&mut self, ask: bool) {
        self.is_failing = true;
        self.pause(ask);
        self.weigh();
    }

    fn pause(&mut self, ask: bool) {
        self.step = Step::Paused { until: self.retry.next(&self.config, self.now), ask };
    }

    /// Tells the engine, once each time, when facts are not welcome and when they are again.
    fn weigh(&mut self) {
        let most = self.config.backlog_rows as usize;
        self.is_full = self.backlog() > if self.is_full { most / 2 } else { most };
        let is_down = self.is_failing || self.is_full;
        if is_down != self.is_told_down {
            self.is_told_down = is_down;
            self.out.push_back(Outcome::Engine(if is_down { Input::StoreDown } else { Input::StoreUp }));
        }
    }

    fn release(&mut self, output: Output) {
        self.out.push_back(match output {
            Output::Load { ticket, key, .. } => Outcome::Store(StoreOp::Load { ticket, key }),
            output => Outcome::Release(output),
        });
    }

    /// Whoever has lost the realm says nothing more, not even what was ready to be said.
    fn stop(&mut self, why: Stop) {
        self.is_stopped = true;
        self.loads_at = None;
        self.step = Step::Idle;
        self.out.clear();
        self.out.push_back(Outcome::Stop(why));
    }
}

/// Pauses that double with each failure, and begin anew after a success or a long quiet.
#[derive(Clone, Copy, Debug, Default)]
struct Backoff {
    span: Span,
    until: Millis,
}

impl Backoff {
    fn next(&mut self, config: &Config, now: Millis) -> Millis {
        let is_fresh = self.span == Span(0) || now.since(self.until) > config.retry_most;
        let span = if is_fresh { config.retry_first } else { Span(self.span.0.saturating_mul(2)) };
        self.span = span.min(config.retry_most);
        self.until = now + self.span;
        self.until
    }
}
