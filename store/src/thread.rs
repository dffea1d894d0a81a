//! A store on threads of its own: one writes, in the order in which it was asked; two read beside it, so that a cold card
//! never waits behind a batch. It knows no runtime: results go to a function, which must not block.

use crate::operation::{Completion, carry_out, load};
use crate::{Down, Store};
use duologue_core::commit::{Batch, StoreOp};
use duologue_core::kit::ids::Ticket;
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

/// Rows of a kind that one pruning throws away: a few milliseconds of work.
pub const PRUNED_MOST: u32 = 500;
/// How many threads read.
const READERS: usize = 2;

/// Carries operations out and tells their end. Dropped, it first finishes what was asked.
pub struct StoreThread {
    /// None only while it is dropped.
    queues: Option<Queues>,
    threads: Vec<JoinHandle<()>>,
}

type Queues = (Sender<Write>, Sender<(Ticket, Key)>);

/// What the writing thread does.
enum Write {
    Batch(Batch),
    Position,
    Prune(Millis),
    Take,
}

impl StoreThread {
    /// Starts the threads; `done` is called on them with each completion. The realm is taken before, by whoever starts it.
    ///
    /// # Errors
    /// `Down` – no further reader can be opened, or no thread started.
    pub fn start(store: Box<dyn Store>, done: impl Fn(Completion) + Send + Sync + 'static) -> Result<StoreThread, Down> {
        let done = Arc::new(done);
        let (writes, to_write) = channel::<Write>();
        let (loads, to_load) = channel();
        let to_load = Arc::new(Mutex::new(to_load));
        let mut threads = Vec::new();
        for number in 1..=READERS {
            let (mut reader, to_load, done) = (store.reader()?, Arc::clone(&to_load), Arc::clone(&done));
            threads.push(spawn(format!("store-read-{number}"), move || {
                while let Some((ticket, key)) = next(&to_load) {
                    done(load(&mut reader, ticket, &key));
                }
            })?);
        }
        let mut store = store;
        threads.push(spawn("store-write".into(), move || {
            for write in to_write {
                done(match write {
                    Write::Batch(batch) => carry_out(&mut store, &StoreOp::Write(batch)),
                    Write::Position => carry_out(&mut store, &StoreOp::Position),
                    Write::Prune(now) => Completion::Pruned(store.prune(now, PRUNED_MOST)),
                    Write::Take => Completion::Taken(store.take()),
                });
            }
        })?);
        Ok(StoreThread { queues: Some((writes, loads)), threads })
    }

    /// Asks for an operation.
    ///
    /// # Panics
    /// If a thread of the store has panicked: going on could not be right.
    pub fn submit(&self, op: StoreOp) {
        let (writes, loads) = self.queues.as_ref().expect("there until it is dropped");
        let is_taken = match op {
            StoreOp::Load { ticket, key } => loads.send((ticket, key)).is_ok(),
            StoreOp::Position => writes.send(Write::Position).is_ok(),
            StoreOp::Write(batch) => writes.send(Write::Batch(batch)).is_ok(),
        };
        assert!(is_taken, "a thread of the store has ended");
    }

    /// Throws away what is over, a bounded part of it: batches wait behind this. [`PRUNED_MOST`] of a kind says that there may be more.
    ///
    /// # Panics
    /// As `submit`.
    pub fn prune(&self, now: Millis) {
        let (writes, _) = self.queues.as_ref().expect("there until it is dropped");
        assert!(writes.send(Write::Prune(now)).is_ok(), "a thread of the store has ended");
    }

    /// Takes the realm again, after every write asked for before: for the engine that follows one that panicked.
    ///
    /// # Panics
    /// As `submit`.
    pub fn take(&self) {
        let (writes, _) = self.queues.as_ref().expect("there until it is dropped");
        assert!(writes.send(Write::Take).is_ok(), "a thread of the store has ended");
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.queues = None;
        for thread in self.threads.drain(..) {
            // A panic there was told by the panic hook already.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for StoreThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreThread").finish_non_exhaustive()
    }
}

/// The next load; none when nobody asks any more.
fn next(queue: &Mutex<Receiver<(Ticket, Key)>>) -> Option<(Ticket, Key)> {
    queue.lock().ok()?.recv().ok()
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Down> {
    Builder::new().name(name).spawn(run).map_err(|error| Down { why: error.to_string() })
}
