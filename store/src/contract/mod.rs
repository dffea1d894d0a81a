//! What every store must do, as checks that run against any of them. A backend's test gives a [`Database`] that can be opened
//! again and again; [`run`] tells each promise as a story on an empty one, and then lets random batches loose on it and on
//! [`Memory`], which must be read alike.
//!
//! ```
//! use duologue_store::{Memory, Store, contract};
//!
//! struct InMemory(Memory);
//! impl contract::Database for InMemory {
//!     fn open(&mut self) -> Box<dyn Store> {
//!         Box::new(self.0.clone())
//!     }
//! }
//! contract::run(|| Box::new(InMemory(Memory::new())));
//! ```

mod draw;
mod stories;

pub use draw::Drawn;

use crate::{Memory, Reader, Store};
use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::Row;
use std::mem::discriminant;

/// Rows that outlive the store that wrote them.
pub trait Database {
    /// Opens it. The store opened before is gone: dropped, or its process dead.
    fn open(&mut self) -> Box<dyn Store>;
}

/// Seeds of random batches that [`run`] tries.
const SEEDS: u64 = 8;
/// Batches of one seed.
const BATCHES: u64 = 40;

/// The whole contract; `fresh` gives an empty database each time.
///
/// # Panics
/// Where it is broken; which promise was on trial is printed before.
pub fn run(mut fresh: impl FnMut() -> Box<dyn Database>) {
    for (promise, story) in stories::ALL {
        eprintln!("contract: {promise}");
        story(fresh().as_mut());
    }
    for seed in 0..SEEDS {
        eprintln!("contract: what is read is what memory reads, seed {seed}");
        reads_as_memory(fresh().as_mut(), seed);
    }
}

/// The same random batches against a database and [`Memory`] are answered and read alike, also after it was opened again.
///
/// # Panics
/// Where they differ.
pub fn reads_as_memory(database: &mut dyn Database, seed: u64) {
    let mut drawn = Drawn::new(seed);
    let mut model = Owner::of(Box::new(Memory::new()));
    let mut tried = Owner::of(database.open());
    let mut refused = 0;
    for number in 0..BATCHES {
        let rows = drawn.batch();
        let [expected, found] = [model.tries(rows.clone()), tried.tries(rows.clone())];
        assert_eq!(discriminant(&expected), discriminant(&found), "{expected:?}, {found:?}: {rows:#?}");
        refused += u64::from(matches!(found, Written::Refused { .. }));
        if number % 10 == 9 {
            let standing = tried.standing;
            drop(tried);
            tried = Owner::of(database.open());
            assert_eq!((standing.position, standing.time), (tried.standing.position, tried.standing.time));
            model.takes();
            assert_eq!(model.started_with, tried.started_with, "seed {seed}, batch {number}");
        }
        if number % 4 == 3 {
            for key in drawn.keys() {
                assert_eq!(model.reads(&key), tried.reads(&key), "seed {seed}, batch {number}: {key:?}");
            }
        }
    }
    assert!(refused > 0 && refused < BATCHES / 2, "{refused} refused: the batches prove little");
}

/// Who has taken a realm, and writes batch after batch.
pub(crate) struct Owner {
    store: Box<dyn Store>,
    standing: Standing,
    started_with: Vec<Row>,
}

impl Owner {
    fn of(store: Box<dyn Store>) -> Owner {
        let mut owner = Owner { store, standing: Standing::default(), started_with: Vec::new() };
        owner.takes();
        owner
    }

    fn takes(&mut self) {
        let taken = self.store.take().expect("it is up");
        self.standing = taken.standing;
        self.started_with = taken.rows;
    }

    /// The next batch: a second later, one position on.
    fn next(&self, rows: Vec<Row>) -> Batch {
        let Standing { epoch, position, time } = self.standing;
        Batch { epoch, position: position + 1, time: Millis(time.0 + 1_000), rows }
    }

    fn tries(&mut self, rows: Vec<Row>) -> Written {
        let batch = self.next(rows);
        let written = self.store.write(&batch);
        if written == (Written::Done { position: batch.position }) {
            self.standing.position = batch.position;
            self.standing.time = batch.time;
        }
        written
    }

    #[track_caller]
    fn writes(&mut self, rows: impl Into<Vec<Row>>) {
        let position = self.standing.position + 1;
        assert_eq!(self.tries(rows.into()), Written::Done { position });
    }

    #[track_caller]
    fn is_refused(&mut self, rows: impl Into<Vec<Row>>) {
        let written = self.tries(rows.into());
        assert!(matches!(written, Written::Refused { .. }), "{written:?}");
    }

    fn reads(&mut self, key: &Key) -> Vec<Row> {
        self.store.load(key).expect("it is up")
    }
}
