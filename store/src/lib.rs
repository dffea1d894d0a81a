//! Where facts are kept. A store has the rows of one realm and three duties: a batch becomes durable whole or not at all; only
//! the newest owner writes, and each position once ([`Store::write`] is fenced by epoch and position); what it gives back is what
//! was written. It knows no rule beyond what the rows themselves say ([`duologue_core::row`]) and one that the database enforces
//! beside the engine: nobody is in two live calls (CALL 10).
//!
//! | backend | for |
//! |---|---|
//! | [`Memory`] | tests and the simulator: deterministic, survives its owners |
//! | [`sqlite::Sqlite`] (feature `sqlite`) | a server of one node: one directory, nothing to set up |
//!
//! All of them pass one contract ([`contract::run`]). Around them: [`Delayed`] completes operations when it is told, with faults
//! (the simulator's store); [`StoreThread`] runs a store on threads of its own (the server's).
//!
//! ```
//! use duologue_core::commit::{Batch, Standing, Written};
//! use duologue_core::kit::{ids::{TokenHash, UserId}, time::Millis};
//! use duologue_core::{output::Key, row::Row};
//! use duologue_store::{Memory, Reader, Store};
//!
//! let mut store = Memory::new();
//! let taken = store.take().unwrap();
//! let row = Row::Session { hash: TokenHash([1; 32]), user: UserId(1), expires: Millis(9) };
//! let batch = Batch { epoch: taken.standing.epoch, position: 1, time: Millis(5), rows: vec![row.clone()] };
//! assert_eq!(store.write(&batch), Written::Done { position: 1 });
//! assert_eq!(store.load(&Key::Session(TokenHash([1; 32]))).unwrap(), [row]);
//! ```

pub mod contract;
mod delayed;
mod memory;
mod operation;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod thread;

pub use delayed::{Delayed, Fate};
pub use memory::Memory;
pub use operation::{Completion, Slow, carry_out};
pub use thread::{PRUNED_MOST, StoreThread};

use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::engine::Start;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::output::Key;
use duologue_core::row::Row;

/// Answers of a client that are kept, the highest numbers (CON 5).
pub const ANSWERS_PER_CLIENT: u32 = 64;
/// Clients of a user whose answers are kept, those with the newest answers (CON 5).
pub const CLIENTS_PER_USER: u32 = 4;

/// How long a session is kept after its end.
pub const SESSIONS_KEPT: Span = Span::days(30);

/// Reads rows.
pub trait Reader: Send {
    /// The rows of a key, as of the last batch. Each kind is in the order of its key; what does not exist gives no rows.
    ///
    /// | key | rows |
    /// |---|---|
    /// | `Person` | Person; its Cooldowns that were not over at the realm's time; Blocks and Reports by or of the user; kept Answers; Ticket; live Call |
    /// | `Session` | Session, then all of `Person` for its user |
    /// | `History` | ended Calls with chat, newest first, `limit` + 1 of them; then the Person rows of the peers |
    /// | `Together` | the newest Call of the two, live or ended, without chat |
    ///
    /// # Errors
    /// `Down` – the database does not answer, or holds what this version cannot read.
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down>;
}

/// The rows of a realm, and who may write them.
pub trait Store: Reader {
    /// Makes the caller the realm's owner: the epoch is one higher, in a transaction of its own, and every older owner is fenced
    /// from here on. Gives what an engine starts from: the Person rows of those in live calls or with tickets, live Calls, Tickets.
    /// Cooldowns that are over are thrown away on the way.
    ///
    /// # Errors
    /// `Down` – nothing was changed.
    fn take(&mut self) -> Result<Taken, Down>;

    /// Where the realm stands.
    ///
    /// # Errors
    /// `Down` – the database does not answer.
    fn standing(&mut self) -> Result<Standing, Down>;

    /// Writes a batch, whole or not at all. The same batch again is `Done` again, without effect.
    fn write(&mut self, batch: &Batch) -> Written;

    /// Throws away what nobody will ask for: cooldowns that are over, and sessions [`SESSIONS_KEPT`] after their end (until then their
    /// owner is told that they are over); of each kind at most so many.
    ///
    /// # Errors
    /// `Down` – nothing was changed.
    fn prune(&mut self, now: Millis, most: u32) -> Result<Pruned, Down>;

    /// Another reader of the same rows, for another thread.
    ///
    /// # Errors
    /// `Down` – the database cannot be opened once more.
    fn reader(&self) -> Result<Box<dyn Reader>, Down>;
}

/// What [`Store::prune`] threw away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Cooldowns that were over.
    pub cooldowns: u32,
    /// Sessions that were over for long.
    pub sessions: u32,
}

/// The realm is the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// With the new owner's epoch; position and time of the last batch.
    pub standing: Standing,
    /// What an engine starts from.
    pub rows: Vec<Row>,
}

impl From<Taken> for Start {
    fn from(taken: Taken) -> Start {
        Start { epoch: taken.standing.epoch, rows: taken.rows }
    }
}

/// The database does not answer; it may later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store does not answer: {why}")]
pub struct Down {
    /// For the log.
    pub why: String,
}

/// What a batch means that is not the next one of its realm.
fn not_next(standing: Standing, batch: &Batch) -> Written {
    if standing.epoch != batch.epoch {
        Written::Fenced { epoch: standing.epoch }
    } else if standing.position >= batch.position {
        Written::Done { position: batch.position }
    } else {
        Written::Refused { why: format!("batch {} after {}", batch.position, standing.position) }
    }
}

impl<S: Reader + ?Sized> Reader for Box<S> {
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down> {
        (**self).load(key)
    }
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn take(&mut self) -> Result<Taken, Down> {
        (**self).take()
    }
    fn standing(&mut self) -> Result<Standing, Down> {
        (**self).standing()
    }
    fn write(&mut self, batch: &Batch) -> Written {
        (**self).write(batch)
    }
    fn prune(&mut self, now: Millis, most: u32) -> Result<Pruned, Down> {
        (**self).prune(now, most)
    }
    fn reader(&self) -> Result<Box<dyn Reader>, Down> {
        (**self).reader()
    }
}
