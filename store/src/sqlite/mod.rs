//! SQLite: the default of a server of one node. A directory with one database file, which an operator may query with any tool
//! while the server runs, and a lock file: a second process on the same directory is told [`OpenError::InUse`], whatever SQLite's
//! own locks would have let it do.
//!
//! Durable means durable: WAL with `synchronous=FULL`, so that a commit is on the disk before it is told (with NORMAL a power cut
//! lost every acknowledged row of a trial). One connection writes; each [`reader`](crate::Store::reader) has its own beside it and
//! sees whole batches only. A batch is one transaction that begins with its fence:
//! `update realm set position = n … where epoch = e and position = n - 1`.
//!
//! What fails is sorted by who may help: the disk or a lock is `Down` (tried again), a constraint, a wrong type or a broken file is
//! `Refused` (the process ends and names it). After a failed COMMIT the database is asked whether it took place, so `Unknown` does
//! not occur.

mod form;
mod read;
mod schema;
mod write;

pub use schema::VERSION;

use crate::{Down, Pruned, Reader, SESSIONS_KEPT, Store, Taken, not_next};
use duologue_core::commit::{Batch, Standing, Written};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::Row;
use form::{number, whole};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{File, TryLockError, create_dir_all};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The database's file in its directory.
const DATABASE: &str = "duologue.db";
/// The file whose lock says that a process owns the directory.
const LOCK: &str = "duologue.lock";
/// Statements kept prepared: more than there are.
const STATEMENTS: usize = 64;

/// Why a directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database, or one that cannot be read.
    #[error("{path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another process")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory or the lock file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Written by a later version: going back is not possible without a backup.
    #[error("{path} has schema {found}, this version knows {VERSION}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
}

/// The rows of a realm in a SQLite database.
#[derive(Debug)]
pub struct Sqlite {
    connection: Connection,
    path: PathBuf,
    lock: Arc<File>,
}

/// Reads beside the writer.
#[derive(Debug)]
struct SqliteReader {
    connection: Connection,
    /// Nobody else may open the directory while somebody still reads.
    _lock: Arc<File>,
}

impl Sqlite {
    /// Opens the database of a directory, which is made if there is none, and brings its schema up to date.
    ///
    /// # Errors
    /// - `InUse` – another process, or another `Sqlite` of this one, has it.
    /// - `Newer` – it was written by a later version.
    /// - `Io`, `Database` – it cannot be opened.
    pub fn open(directory: &Path) -> Result<Sqlite, OpenError> {
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OpenError::Io { path, source }
        };
        create_dir_all(directory).map_err(io(directory))?;
        let lock_path = directory.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: directory.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(OpenError::Io { path: lock_path, source }),
        }
        let path = directory.join(DATABASE);
        let database = |source| OpenError::Database { path: path.clone(), source };
        let mut connection = Connection::open(&path).map_err(database)?;
        prepare_writer(&connection).map_err(database)?;
        if let Some(found) = schema::migrate(&mut connection).map_err(database)? {
            return Err(OpenError::Newer { path, found });
        }
        Ok(Sqlite { connection, path, lock: Arc::new(lock) })
    }

    fn try_write(&mut self, batch: &Batch) -> rusqlite::Result<Written> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let fence = (whole(batch.position)?, whole(batch.time.0)?, batch.epoch);
        let changed = transaction
            .prepare_cached("update realm set position = ?1, time = ?2 where epoch = ?3 and position = ?1 - 1")?
            .execute(fence)?;
        if changed == 0 {
            return Ok(not_next(standing(&transaction)?, batch));
        }
        write::rows(&transaction, &batch.rows)?;
        transaction.commit()?;
        Ok(Written::Done { position: batch.position })
    }

    fn try_take(&mut self) -> rusqlite::Result<Taken> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute("update realm set epoch = epoch + 1", ())?;
        transaction.execute("delete from cooldown where until <= (select time from realm)", ())?;
        let taken = Taken { standing: standing(&transaction)?, rows: read::live(&transaction)? };
        transaction.commit()?;
        Ok(taken)
    }
}

impl Sqlite {
    fn try_prune(&mut self, now: Millis, most: u32) -> rusqlite::Result<Pruned> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let delete = |sql: &str, until: Millis| transaction.prepare_cached(sql)?.execute((whole(until.0)?, most));
        let cooldowns = delete("delete from cooldown where rowid in (select rowid from cooldown where until <= ?1 limit ?2)", now)?;
        let ended = Millis(now.0.saturating_sub(SESSIONS_KEPT.0));
        let sessions = delete("delete from session where rowid in (select rowid from session where expires <= ?1 limit ?2)", ended)?;
        transaction.commit()?;
        Ok(Pruned { cooldowns: cooldowns as u32, sessions: sessions as u32 })
    }
}

impl Reader for Sqlite {
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down> {
        read::load(&mut self.connection, key).map_err(down)
    }
}

impl Reader for SqliteReader {
    fn load(&mut self, key: &Key) -> Result<Vec<Row>, Down> {
        read::load(&mut self.connection, key).map_err(down)
    }
}

impl Store for Sqlite {
    fn take(&mut self) -> Result<Taken, Down> {
        self.try_take().map_err(down)
    }

    fn standing(&mut self) -> Result<Standing, Down> {
        standing(&self.connection).map_err(down)
    }

    fn write(&mut self, batch: &Batch) -> Written {
        match self.try_write(batch) {
            Ok(written) => written,
            Err(error) => {
                let wanted = (batch.epoch, batch.position);
                match standing(&self.connection) {
                    Ok(Standing { epoch, position, .. }) if (epoch, position) == wanted => Written::Done { position },
                    Ok(_) | Err(_) => sort(&error),
                }
            }
        }
    }

    fn prune(&mut self, now: Millis, most: u32) -> Result<Pruned, Down> {
        self.try_prune(now, most).map_err(down)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, Down> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(down)?;
        prepare(&connection).map_err(down)?;
        Ok(Box::new(SqliteReader { connection, _lock: Arc::clone(&self.lock) }))
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this guarantee SQLite plans by the values bound, so each new value has a prepared statement compiled again: half of
    // what a look-up costs.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // An operator's tool may hold a lock for a moment.
    connection.busy_timeout(Duration::from_secs(2))
}

fn prepare_writer(connection: &Connection) -> rusqlite::Result<()> {
    prepare(connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // What is in the log is durable. Moving it over takes seconds on a busy disk, which a stop does not have; the next start, or
    // the next thousand pages, do it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // After a long read has held it open, the log shrinks to this again.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
}

fn standing(connection: &Connection) -> rusqlite::Result<Standing> {
    connection
        .prepare_cached("select epoch, position, time from realm")?
        .query_row((), |row| Ok(Standing { epoch: row.get(0)?, position: number(row, 1)?, time: form::time(row, 2)? }))
}

fn down(error: rusqlite::Error) -> Down {
    Down { why: error.to_string() }
}

/// Whether trying again may help.
fn sort(error: &rusqlite::Error) -> Written {
    let why = error.to_string();
    let is_down = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    );
    if is_down { Written::Down { why } } else { Written::Refused { why } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_core::kit::ids::{TokenHash, UserId};
    use duologue_core::row::ReportRow;
    use rusqlite::StatementStatus;

    #[test]
    fn a_stop_moves_nothing_over_and_loses_nothing() {
        let directory = std::env::temp_dir().join(format!("duologue-log-{}", std::process::id()));
        let mut store = Sqlite::open(&directory).expect("nobody else has it");
        let epoch = store.take().expect("it is up").standing.epoch;
        let rows = vec![Row::Session { hash: TokenHash([1; 32]), user: UserId(1), expires: Millis(9) }];
        assert_eq!(store.write(&Batch { epoch, position: 1, time: Millis(1), rows: rows.clone() }), Written::Done { position: 1 });
        drop(store);
        let log = std::fs::metadata(directory.join("duologue.db-wal")).expect("the log is there").len();
        assert!(log > 0, "it was not moved over");
        let mut store = Sqlite::open(&directory).expect("nobody else has it");
        assert_eq!(store.load(&Key::Session(TokenHash([1; 32]))).expect("it is up"), rows);
        drop(store);
        std::fs::remove_dir_all(directory).expect("it is ours");
    }

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound() {
        let directory = std::env::temp_dir().join(format!("duologue-plan-{}", std::process::id()));
        let store = Sqlite::open(&directory).expect("nobody else has it");
        let connection = Connection::open(store.path.clone()).expect("it is there");
        prepare(&connection).expect("set");
        let compiled_again = |connection: &Connection| {
            let statement = "select by_user from block where by_user = ?1 union select by_user from block where of_user = ?1";
            for user in 0..3_u8 {
                let mut blocks = connection.prepare_cached(statement).expect("the table is there");
                assert!(!blocks.exists([[user; 16]]).expect("it can be read"));
            }
            connection.prepare_cached(statement).expect("cached").get_status(StatementStatus::RePrepare)
        };
        assert_eq!(compiled_again(&connection), 0);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false).expect("set");
        connection.flush_prepared_statement_cache();
        assert!(compiled_again(&connection) > 0, "the guarantee is not needed any more");
        drop(store);
        std::fs::remove_dir_all(directory).expect("it is ours");
    }

    #[test]
    fn a_full_disk_is_down_and_the_batch_is_written_when_there_is_room() {
        let directory = std::env::temp_dir().join(format!("duologue-full-{}", std::process::id()));
        let mut store = Sqlite::open(&directory).expect("nobody else has it");
        let pages: i64 = store.connection.query_row("pragma page_count", (), |row| row.get(0)).expect("a number");
        let room = |store: &Sqlite, pages: i64| {
            store.connection.query_row(&format!("pragma max_page_count = {pages}"), (), |_| Ok(())).expect("set");
        };
        let epoch = store.take().expect("it is up").standing.epoch;
        let report = |n: u64| {
            let reason = "x".repeat(3_000);
            Row::Report(Box::new(ReportRow { by: UserId(n.into()), of: UserId(0), reason, call: None, at: Millis(n) }))
        };
        let batch = Batch { epoch, position: 1, time: Millis(1), rows: (1..50).map(report).collect() };
        room(&store, pages + 2);
        assert!(matches!(store.write(&batch), Written::Down { .. }));
        assert_eq!(store.standing().expect("it can be read").position, 0);
        room(&store, 1_000_000);
        assert_eq!(store.write(&batch), Written::Done { position: 1 });
        drop(store);
        std::fs::remove_dir_all(directory).expect("it is ours");
    }
}
