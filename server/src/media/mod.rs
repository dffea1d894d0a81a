//! The built-in store of pictures: a folder beside the database, in it a folder for each person who has one, in that one file,
//! named by its content.
//!
//! ```text
//! PUT ─▶ decode (one at a time, a thread of its own) ─▶ write, fsync, rename ─▶ the realm: profile ─▶ durable ─▶ tidy ─▶ answer
//! ```
//!
//! A file belongs to the person in whose folder it lies, and to nobody else: who takes their picture away takes it from everybody,
//! and who names somebody else's in their own profile can neither keep it alive nor have it thrown away. What is to stay is what
//! the person's durable row says; everything else in the folder goes (`tidy`). Writing and tidying exclude each other, so a file
//! whose row is on its way is never taken for one that nobody wants.

mod folder;
mod picture;
mod tidy;

pub use folder::{Name, NotKept};
pub use picture::{BODY_MAX_BYTES, PIXELS_MAX, SIDE, SIDE_MAX, Wrong};
pub use tidy::Rows;

use duologue_core::kit::ids::UserId;
use folder::Folder;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tidy::Broom;
use tokio::sync::{RwLock, RwLockReadGuard, Semaphore};

/// Pictures that are received at a time: each may be [`BODY_MAX_BYTES`].
const RECEIVED_MOST: usize = 32;
/// Pictures that are decoded at a time: what one needs at most is tens of megabytes.
const DECODED_MOST: usize = 1;

/// The store.
#[derive(Debug)]
pub struct Media {
    folder: Arc<Folder>,
    broom: Broom,
    /// Shared by those who write a file and its row, taken whole by whoever tidies.
    order: Arc<RwLock<()>>,
    receiving: Semaphore,
    decoding: Semaphore,
    /// Whose pictures are on their way: one each.
    busy: Mutex<BTreeSet<UserId>>,
    kept: AtomicU64,
    refused: AtomicU64,
}

/// The right to bring one picture; given back when dropped.
#[derive(Debug)]
pub struct Turn {
    media: Arc<Media>,
    user: UserId,
}

/// Why somebody may not bring a picture now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTurn {
    /// Another one of theirs is on its way.
    Theirs,
    /// Too many people do.
    Full,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of files.
    pub bytes: u64,
    /// And how many there may be.
    pub bytes_max: u64,
    /// Files.
    pub files: u64,
    /// Pictures taken since the start.
    pub kept: u64,
    /// Pictures that were none.
    pub refused: u64,
}

impl Media {
    /// Opens the folder `media` of the data folder, and begins to tidy it; `rows` reads what people's rows say.
    ///
    /// # Errors
    /// What the system says where there can be no such folder or no further thread.
    pub fn open(data: &Path, bytes_max: u64, rows: Rows) -> std::io::Result<Media> {
        let folder = Arc::new(Folder::open(&data.join("media"), bytes_max)?);
        let order = Arc::new(RwLock::new(()));
        Ok(Media {
            broom: Broom::start(folder.clone(), order.clone(), rows)?,
            folder,
            order,
            receiving: Semaphore::new(RECEIVED_MOST),
            decoding: Semaphore::new(DECODED_MOST),
            busy: Mutex::new(BTreeSet::new()),
            kept: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Somebody wants to bring a picture.
    ///
    /// # Errors
    /// As [`NoTurn`] says.
    pub fn turn(self: &Arc<Media>, user: UserId) -> Result<Turn, NoTurn> {
        let room = self.receiving.try_acquire().map_err(|_| NoTurn::Full)?;
        if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(user) {
            return Err(NoTurn::Theirs);
        }
        room.forget();
        Ok(Turn { media: self.clone(), user })
    }

    /// What a request brought as the picture that is kept. Decoded on a thread for such work, one at a time.
    ///
    /// # Errors
    /// As [`Wrong`] says.
    pub async fn square(&self, bytes: bytes::Bytes) -> Result<Vec<u8>, Wrong> {
        let _one = self.decoding.acquire().await.expect("nobody closes it");
        // A decoder that panics met something that it does not understand.
        let made = tokio::task::spawn_blocking(move || picture::square(&bytes)).await.unwrap_or(Err(Wrong::Broken));
        let count = if made.is_ok() { &self.kept } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        made
    }

    /// Until this is dropped nothing is tidied: for whoever writes a file and then its row.
    pub async fn writing(&self) -> RwLockReadGuard<'_, ()> {
        self.order.read().await
    }

    /// Writes a file, durable when this returns; its row is the caller's to write, while nothing is tidied.
    ///
    /// # Errors
    /// As [`NotKept`] says.
    pub async fn keep(&self, user: UserId, jpeg: Vec<u8>) -> Result<Name, NotKept> {
        let folder = self.folder.clone();
        let kept = tokio::task::spawn_blocking(move || folder.keep(user, &jpeg)).await;
        kept.map_err(|_| NotKept::Failed("a thread panicked".into()))?
    }

    /// A file, if it is there.
    pub async fn read(&self, name: Name) -> Option<Vec<u8>> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || folder.read(name)).await.ok().flatten()
    }

    /// Waits until everything in a person's folder is gone but what their row says.
    pub async fn tidied(&self, user: UserId) {
        self.broom.tidied(user).await;
    }

    /// The rows of these people were written: what they do not say any more goes. Never waits.
    pub fn rows_written(&self, users: &[UserId]) {
        users.iter().for_each(|user| self.broom.look_at(*user));
    }

    /// How much of everything there is.
    pub fn usage(&self) -> Usage {
        let (files, bytes) = self.folder.usage();
        Usage {
            bytes,
            bytes_max: self.folder.bytes_max(),
            files,
            kept: self.kept.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let was_there = self.media.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.user);
        assert!(was_there, "a turn is given once");
        self.media.receiving.add_permits(1);
    }
}

#[cfg(test)]
mod tests;
