//! Every backend keeps the contract.

use duologue_store::sqlite::Sqlite;
use duologue_store::{Memory, Store, contract};
use std::path::PathBuf;

struct InMemory(Memory);

impl contract::Database for InMemory {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(self.0.clone())
    }
}

struct OnDisk(PathBuf);

impl contract::Database for OnDisk {
    fn open(&mut self) -> Box<dyn Store> {
        Box::new(Sqlite::open(&self.0).expect("nobody else has it"))
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("it is ours");
    }
}

#[test]
fn memory_keeps_the_contract() {
    contract::run(|| Box::new(InMemory(Memory::new())));
}

#[test]
fn sqlite_keeps_the_contract() {
    let mut number = 0;
    contract::run(|| {
        number += 1;
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("contract-{}-{number}", std::process::id()));
        Box::new(OnDisk(directory))
    });
}
