//! The files: how they are named, written so that a crash leaves a whole file or none, counted, and thrown away. It knows no rows.
//!
//! `media/<user>/<16 hexadecimal digits>.jpg`; the part after `media/` is the reference that a card carries. A path is only ever
//! made from a [`Name`], and a `Name` only from a user's id and a number: nothing that somebody sends is part of a path.

use crate::secrets;
use duologue_core::kit::ids::UserId;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tracing::warn;

/// What a file under way is called.
const UNFINISHED: &str = ".part";

/// A picture: whose, and the first eight bytes of its SHA-256. Written as a card's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// In whose folder.
    pub user: UserId,
    content: u64,
}

/// Why a picture was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// The disk does not do what it should.
    Failed(String),
    /// There are as many bytes as there may be.
    Full,
}

impl Name {
    /// As a request says it; none where it is not exactly what [`Name`] writes.
    pub fn parse(user: &str, file: &str) -> Option<Name> {
        let digits = file.strip_suffix(".jpg").filter(|digits| digits.len() == 16)?;
        let name = Name { user: UserId::parse(user)?, content: u64::from_str_radix(digits, 16).ok()? };
        // One name for a picture: no capitals, no sign before a number.
        (name.to_string() == format!("{user}/{file}")).then_some(name)
    }

    /// As a card says it.
    pub fn of_reference(reference: &str) -> Option<Name> {
        reference.split_once('/').and_then(|(user, file)| Name::parse(user, file))
    }

    fn of(user: UserId, jpeg: &[u8]) -> Name {
        let hash = secrets::sha256(jpeg);
        Name { user, content: u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")) }
    }

    fn file(self) -> String {
        format!("{:016x}.jpg", self.content)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.file())
    }
}

/// The folder of all pictures.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    bytes_max: u64,
    bytes: AtomicU64,
    files: AtomicU64,
    /// Of files under way.
    next: AtomicU64,
    /// That it is full was said, and it was not otherwise since.
    told_full: AtomicBool,
}

impl Folder {
    /// Opens or makes it, counts what is there, and throws away what a crash left unfinished.
    pub(super) fn open(root: &Path, bytes_max: u64) -> io::Result<Folder> {
        fs::create_dir_all(root)?;
        // That it is there is to be as durable as what will be in it.
        root.parent().map_or(Ok(()), |data| File::open(data)?.sync_all())?;
        let folder = Folder {
            root: root.into(),
            bytes_max,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            next: AtomicU64::new(0),
            told_full: AtomicBool::new(false),
        };
        for user in folder.users()? {
            for entry in fs::read_dir(folder.of(user))? {
                let entry = entry?;
                if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
                    fs::remove_file(entry.path())?;
                } else {
                    folder.count(entry.metadata()?.len());
                }
            }
        }
        Ok(folder)
    }

    /// Everybody who has a folder.
    pub(super) fn users(&self) -> io::Result<Vec<UserId>> {
        let mut users = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            users.extend(UserId::parse(&entry?.file_name().to_string_lossy()));
        }
        Ok(users)
    }

    pub(super) fn has(&self, user: UserId) -> bool {
        self.of(user).is_dir()
    }

    /// Writes a file: whole and durable under its name, or not at all.
    pub(super) fn keep(&self, user: UserId, jpeg: &[u8]) -> Result<Name, NotKept> {
        let name = Name::of(user, jpeg);
        let size = jpeg.len() as u64;
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        self.files.fetch_add(1, Ordering::Relaxed);
        let kept = if bytes > self.bytes_max { Err(NotKept::Full) } else { self.write(name, jpeg) };
        let is_full = kept == Err(NotKept::Full);
        let was_full = self.told_full.swap(is_full, Ordering::Relaxed);
        if is_full && !was_full {
            warn!(max = self.bytes_max, "pictures take as much as media.disk_max allows: further ones are refused");
        }
        // The same picture again takes no more room.
        if !matches!(kept, Ok(false)) {
            self.uncount(size);
        }
        kept.map(|_| name)
    }

    /// Whether the name was there before.
    fn write(&self, name: Name, jpeg: &[u8]) -> Result<bool, NotKept> {
        let failed = |error: io::Error| {
            warn!(%error, "a picture could not be written");
            NotKept::Failed(error.to_string())
        };
        let folder = self.of(name.user);
        let is_new = !folder.is_dir();
        fs::create_dir_all(&folder).map_err(failed)?;
        let (path, under_way) =
            (folder.join(name.file()), folder.join(format!("{}{UNFINISHED}", self.next.fetch_add(1, Ordering::Relaxed))));
        let was_there = path.is_file();
        let written = (|| {
            let mut file = File::create(&under_way)?;
            file.write_all(jpeg)?;
            file.sync_all()?;
            fs::rename(&under_way, &path)?;
            File::open(&folder)?.sync_all()?;
            if is_new { File::open(&self.root)?.sync_all() } else { Ok(()) }
        })();
        written.map_err(|error| {
            // It may not be there.
            let _ = fs::remove_file(&under_way);
            failed(error)
        })?;
        Ok(was_there)
    }

    pub(super) fn read(&self, name: Name) -> Option<Vec<u8>> {
        fs::read(self.of(name.user).join(name.file())).ok()
    }

    /// Throws away everything of a person but this; gives how many files that were. Nobody may write meanwhile.
    pub(super) fn keep_only(&self, user: UserId, kept: Option<Name>) -> io::Result<u32> {
        let (folder, kept) = (self.of(user), kept.filter(|name| name.user == user).map(Name::file));
        let (mut gone, mut is_empty) = (0, true);
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if Some(entry.file_name().to_string_lossy().as_ref()) == kept.as_deref() {
                is_empty = false;
                continue;
            }
            let size = entry.metadata()?.len();
            fs::remove_file(entry.path())?;
            self.uncount(size);
            gone += 1;
        }
        if is_empty {
            fs::remove_dir(&folder)?;
        }
        Ok(gone)
    }

    /// Files and bytes.
    pub(super) fn usage(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    pub(super) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    fn of(&self, user: UserId) -> PathBuf {
        self.root.join(user.to_string())
    }

    fn count(&self, size: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
    }

    fn uncount(&self, size: u64) {
        self.files.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }
}
