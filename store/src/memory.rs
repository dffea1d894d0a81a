//! The store of tests and of the simulator: ordered tables, no clock, no randomness, nothing that depends on anything but
//! what was written. A `Memory` is a handle: its clones see the same rows, so it outlives the process that the simulator lets
//! die, and two owners that both believe they are one meet at it. [`Memory::fork`] is a copy of the rows as they are: what an
//! old backup, or a failover that lost a batch, would give.

mod tables;

use crate::{Down, Pruned, Reader, Store, Taken, not_next};
use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::Row;
use std::sync::{Arc, Mutex, MutexGuard};
use tables::Tables;

/// The rows of a realm, in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Realm>>);

#[derive(Clone, Debug, Default)]
struct Realm {
    standing: Standing,
    tables: Tables,
}

impl Memory {
    /// An empty one.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// The rows as they are now, apart from then on.
    pub fn fork(&self) -> Memory {
        let realm = self.realm().clone();
        Memory(Arc::new(Mutex::new(realm)))
    }

    /// Every row, kind by kind in the order of their keys; chat as rows of its own.
    pub fn rows(&self) -> Vec<Row> {
        self.realm().tables.all()
    }

    fn realm(&self) -> MutexGuard<'_, Realm> {
        self.0.lock().expect("nothing panics while it holds the rows")
    }
}

impl Reader for Memory {
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down> {
        let realm = self.realm();
        Ok(realm.tables.load(key, realm.standing.time))
    }
}

impl Store for Memory {
    fn take(&mut self) -> Result<Taken, Down> {
        let mut realm = self.realm();
        realm.standing.epoch += 1;
        let now = realm.standing.time;
        realm.tables.drop_cooldowns(now);
        Ok(Taken { standing: realm.standing, rows: realm.tables.live() })
    }

    fn standing(&mut self) -> Result<Standing, Down> {
        Ok(self.realm().standing)
    }

    fn write(&mut self, batch: &Batch) -> Written {
        let mut realm = self.realm();
        if realm.standing.epoch != batch.epoch || realm.standing.position + 1 != batch.position {
            return not_next(realm.standing, batch);
        }
        if let Err(why) = realm.tables.check(&batch.rows) {
            return Written::Refused { why };
        }
        realm.tables.apply(&batch.rows);
        realm.standing = Standing { epoch: batch.epoch, position: batch.position, time: batch.time };
        Written::Done { position: batch.position }
    }

    fn prune(&mut self, now: Millis, most: u32) -> Result<Pruned, Down> {
        Ok(self.realm().tables.prune(now, most as usize))
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Down> {
        Ok(Box::new(self.clone()))
    }
}
