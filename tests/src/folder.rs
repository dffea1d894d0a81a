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
        Folder::below(&std::env::temp_dir())
    }

    /// A new one in memory, where there is such a place: for what is measured in seconds while others may keep the disk busy.
    /// Measured: a single `fdatasync` waited four seconds beside a build.
    pub fn in_memory() -> Folder {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Folder::below(memory) } else { Folder::new() }
    }

    fn below(place: &Path) -> Folder {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Folder(place.join(format!("duologue-tests-{}-{number}", std::process::id())))
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
