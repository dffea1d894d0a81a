//! What Commit, its driver and the store say to each other.

use crate::kit::ids::Ticket;
use crate::kit::time::Millis;
use crate::output::Key;
use crate::row::Row;
use alloc::string::String;
use alloc::vec::Vec;

/// Facts that become durable together, or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The owner's.
    pub epoch: u32,
    /// One more than the batch before; the store has `position − 1` under the same epoch, or refuses.
    pub position: u64,
    /// Realm time when it was closed; never less than before.
    pub time: Millis,
    /// In the order in which they were recorded.
    pub rows: Vec<Row>,
}

/// What the store is asked to do. One write or position read is on its way at a time; loads run beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// Read rows.
    Load {
        /// Comes back with them.
        ticket: Ticket,
        /// Which.
        key: Key,
    },
    /// Read where the realm stands, after an unknown outcome. If that cannot be read either, the answer is `Written::Down`.
    Position,
    /// Write a batch.
    Write(Batch),
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Durable up to and with this position.
    Done {
        /// The batch's.
        position: u64,
    },
    /// The store does not answer or is full: nothing was written, try again later.
    Down {
        /// For the log.
        why: String,
    },
    /// Another owner has taken the realm: this one must end.
    Fenced {
        /// Theirs.
        epoch: u32,
    },
    /// The database refuses the rows themselves: a fault of ours; the process ends and names it.
    Refused {
        /// The constraint.
        why: String,
    },
    /// The connection broke while it was on its way: written or not.
    Unknown,
}

/// Where a realm stands in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Of the owner.
    pub epoch: u32,
    /// Of the last batch.
    pub position: u64,
    /// Of the last batch.
    pub time: Millis,
}

/// What Commit wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Tell the engine (`StoreDown`, `StoreUp`).
    Engine(crate::input::Input),
    /// Give this out: everything it rests on is durable. Never a `Fact` or a `Load`.
    Release(crate::output::Output),
    /// End the process: going on could not be right.
    Stop(Stop),
    /// Ask the store.
    Store(StoreOp),
}

/// Why the process must end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another owner has the realm.
    Fenced {
        /// Theirs.
        epoch: u32,
    },
    /// The database refuses our rows.
    Refused {
        /// The constraint.
        why: String,
    },
}
