//! What Commit asks of a store, carried out: the one place that turns a [`StoreOp`] into calls and their results into what the
//! driver hands on. And a store that takes its time, since an instant one passes every test and proves nothing about Commit.

use crate::{Down, Pruned, Reader, Store, Taken};
use duologue_core::commit::{Batch, Standing, StoreOp, Written};
use duologue_core::kit::ids::Ticket;
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::Row;
use std::thread::sleep;
use std::time::Duration;

/// An operation has come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// For `Commit::handle_load_failed`.
    LoadFailed {
        /// Of the load.
        ticket: Ticket,
        /// Of the load.
        key: Key,
        /// For the log.
        why: String,
    },
    /// For the engine, as `Input::Loaded`.
    Loaded {
        /// Of the load.
        ticket: Ticket,
        /// All of them.
        rows: Vec<Row>,
    },
    /// What was thrown away (`StoreThread::prune`): for the log.
    Pruned(Result<Pruned, Down>),
    /// For `Commit::handle_standing`.
    Standing(Standing),
    /// The realm was taken (`StoreThread::take`): for the next engine and its Commit.
    Taken(Result<Taken, Down>),
    /// For `Commit::handle_written`; also where the position could not be read.
    Written(Written),
}

/// Carries an operation out, and waits for it: for a driver that has one thread. [`StoreThread`](crate::StoreThread) is for all others.
pub fn carry_out(store: &mut (impl Store + ?Sized), op: &StoreOp) -> Completion {
    match op {
        StoreOp::Load { ticket, key } => load(store, *ticket, key),
        StoreOp::Position => match store.standing() {
            Ok(standing) => Completion::Standing(standing),
            Err(Down { why }) => Completion::Written(Written::Down { why }),
        },
        StoreOp::Write(batch) => Completion::Written(store.write(batch)),
    }
}

/// Carries a load out.
pub(crate) fn load(reader: &mut (impl Reader + ?Sized), ticket: Ticket, key: &Key) -> Completion {
    match reader.load(key) {
        Ok(rows) => Completion::Loaded { ticket, rows },
        Err(Down { why }) => Completion::LoadFailed { ticket, key: key.clone(), why },
    }
}

/// A store that waits before each operation.
#[derive(Debug)]
pub struct Slow<S> {
    inner: S,
    delay: Duration,
}

impl<S> Slow<S> {
    /// Each operation of `inner` begins `delay` after it was asked for.
    pub fn new(inner: S, delay: Duration) -> Slow<S> {
        Slow { inner, delay }
    }
}

impl<S: Reader> Reader for Slow<S> {
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down> {
        sleep(self.delay);
        self.inner.load(key)
    }
}

impl<S: Store> Store for Slow<S> {
    fn take(&mut self) -> Result<Taken, Down> {
        sleep(self.delay);
        self.inner.take()
    }
    fn standing(&mut self) -> Result<Standing, Down> {
        sleep(self.delay);
        self.inner.standing()
    }
    fn write(&mut self, batch: &Batch) -> Written {
        sleep(self.delay);
        self.inner.write(batch)
    }
    fn prune(&mut self, now: Millis, most: u32) -> Result<Pruned, Down> {
        sleep(self.delay);
        self.inner.prune(now, most)
    }
    fn reader(&self) -> Result<Box<dyn Reader>, Down> {
        Ok(Box::new(Slow { inner: self.inner.reader()?, delay: self.delay }))
    }
}
