//! What nobody's row says any more goes: one thread that looks at one person at a time, when their row was written, and once at
//! everybody at the start, for what a crash left. It reads the durable row itself, after everything that it was told, so it need
//! not know what has changed, nor in which order it heard of it.

use super::folder::{Folder, Name};
use duologue_core::kit::ids::UserId;
use duologue_core::output::Key;
use duologue_core::row::Row;
use duologue_store::Reader;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Builder;
use tokio::sync::{RwLock, oneshot};
use tracing::{info, warn};

/// People who may wait to be looked at. Beyond it everybody is looked at, once.
const WAITING_MOST: usize = 1_024;

/// Reads what people's rows say.
pub struct Rows(Box<dyn Reader>);

impl Rows {
    /// With a reader of the realm's rows.
    pub fn new(reader: Box<dyn Reader>) -> Rows {
        Rows(reader)
    }

    /// The picture that somebody's row says; none where it says none, another's, or there is no such person.
    ///
    /// # Errors
    /// The database does not answer: nothing is known.
    fn picture(&mut self, user: UserId) -> Result<Option<Name>, duologue_store::Down> {
        let rows = self.0.load(&Key::Person(user))?;
        let person = rows.iter().find_map(|row| if let Row::Person(person) = row { Some(person).filter(|p| p.user == user) } else { None });
        Ok(person.and_then(|person| Name::of_reference(&person.selfie)))
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

type Wish = (UserId, Option<oneshot::Sender<()>>);

/// The thread's handle. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Broom {
    wishes: SyncSender<Wish>,
    /// More was wished than could wait.
    everybody: Arc<AtomicBool>,
}

impl Broom {
    pub(super) fn start(folder: Arc<Folder>, order: Arc<RwLock<()>>, rows: Rows) -> io::Result<Broom> {
        let (wishes, wished) = sync_channel(WAITING_MOST);
        let everybody = Arc::new(AtomicBool::new(true));
        let sweeper = Sweeper { folder, order, rows, everybody: everybody.clone() };
        Builder::new().name("media".into()).spawn(move || sweeper.run(wished))?;
        Ok(Broom { wishes, everybody })
    }

    /// Sometime soon.
    pub(super) fn look_at(&self, user: UserId) {
        if self.wishes.try_send((user, None)).is_err() {
            self.everybody.store(true, Ordering::Relaxed);
        }
    }

    /// Waits until it was looked at; not, where too many wait for that.
    pub(super) async fn tidied(&self, user: UserId) {
        let (done, is_done) = oneshot::channel();
        match self.wishes.try_send((user, Some(done))) {
            // An end without a word is an end too.
            Ok(()) => drop(is_done.await),
            Err(_) => self.everybody.store(true, Ordering::Relaxed),
        }
    }
}

fn tell(done: Option<oneshot::Sender<()>>) {
    if let Some(done) = done {
        // Whoever waited may have gone.
        let _ = done.send(());
    }
}

struct Sweeper {
    folder: Arc<Folder>,
    order: Arc<RwLock<()>>,
    rows: Rows,
    everybody: Arc<AtomicBool>,
}

impl Sweeper {
    fn run(mut self, wished: Receiver<Wish>) {
        self.sweep(&wished);
        while let Ok((user, done)) = wished.recv() {
            self.tidy(user);
            tell(done);
            self.sweep(&wished);
        }
    }

    /// Everybody, if that was wished; those who wait for it meanwhile come first.
    fn sweep(&mut self, wished: &Receiver<Wish>) {
        if !self.everybody.swap(false, Ordering::Relaxed) {
            return;
        }
        let users = self.folder.users().unwrap_or_else(|error| {
            warn!(%error, "the folder of pictures cannot be read");
            Vec::new()
        });
        let mut gone = 0;
        for user in users {
            gone += self.tidy(user);
            for (user, done) in wished.try_iter() {
                gone += self.tidy(user);
                tell(done);
            }
        }
        if gone > 0 {
            info!(gone, "pictures that nobody's profile says were thrown away");
        }
    }

    /// One person. What cannot be known stays.
    fn tidy(&mut self, user: UserId) -> u32 {
        if !self.folder.has(user) {
            return 0;
        }
        let _alone = self.order.blocking_write();
        let kept = match self.rows.picture(user) {
            Ok(kept) => kept,
            Err(down) => {
                warn!(%down, "pictures that nobody wants any more stay for now");
                return 0;
            }
        };
        self.folder.keep_only(user, kept).unwrap_or_else(|error| {
            warn!(%error, "a picture could not be thrown away");
            0
        })
    }
}
