//! A data folder of a test's own. It goes with the test, unless the test fails: then it stays, to be looked at.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// A folder that nobody else uses.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one, not made yet: the server makes it.
    pub fn new() -> Folder {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Folder(std::env::temp_dir().join(format!("duologue-tests-{}-{number}", std::process::id())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database in it, opened for looking. Readers do not hinder the server.
    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open_with_flags(self.0.join("duologue.db"), rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE).expect("a database")
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the data folder stays: {}", self.0.display());
        } else {
            // It may never have been made.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
