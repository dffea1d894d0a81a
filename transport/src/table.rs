//! The table of all connections, whatever carries them: who is told what. It obeys [`Down`] at once and from any thread; the
//! connections' own tasks do the work. It never waits and knows nothing of sockets. Transports of one process share one.

use crate::queue::Queue;
use crate::{ConnId, Down, Up};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// All connections of a process.
pub struct Table {
    queue_max_bytes: usize,
    up: Box<dyn Fn(Up) + Send + Sync>,
    queues: Mutex<BTreeMap<ConnId, Arc<Queue>>>,
}

impl Table {
    /// An empty table. What waits for a socket's buffer has at most `queue_max_bytes`: whoever sends more without waiting for
    /// `Writable` loses the connection. `up` hears everything; it must not block, and whoever takes a word out of wherever `up`
    /// puts it says [`Table::taken`], or the connection is not read any more.
    pub fn new(queue_max_bytes: usize, up: impl Fn(Up) + Send + Sync + 'static) -> Arc<Table> {
        Arc::new(Table { queue_max_bytes, up: Box::new(up), queues: Mutex::new(BTreeMap::new()) })
    }

    /// For a transport: a new connection, of which nothing is said yet.
    ///
    /// # Panics
    /// If the id was given before.
    pub fn open(&self, conn: ConnId) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let before = self.queues().insert(conn, queue.clone());
        assert!(before.is_none(), "an id of a connection is given once");
        queue
    }

    /// For a transport: says something that does not come from the client.
    pub fn say(&self, up: Up) {
        (self.up)(up);
    }

    /// For a transport: says what came from the client, which counts as unread until it is taken.
    pub fn raise(&self, queue: &Queue, up: Up) {
        queue.raised(if let Up::Message { bytes, .. } = &up { bytes.len() } else { 0 });
        self.say(up);
    }

    /// For a transport: a connection that is not its task's own gives a sign of life; one that is gone gives none.
    pub fn heard(&self, conn: ConnId) {
        if let Some(queue) = self.queue(conn) {
            self.raise(&queue, Up::Heard { conn });
        }
    }

    /// For a transport: takes a connection out and says so; nothing is said of it afterwards.
    ///
    /// # Panics
    /// If it is not there.
    pub fn end(&self, conn: ConnId, clean: bool) {
        let there = self.queues().remove(&conn).is_some();
        assert!(there, "a connection ends once");
        self.say(Up::Closed { conn, clean });
    }

    /// Obeys. What is told to a connection that is gone is forgotten.
    pub fn down(&self, down: Down) {
        let (Down::Close { conn, .. } | Down::Ping { conn } | Down::Send { conn, .. }) = &down;
        let Some(queue) = self.queue(*conn) else { return };
        match down {
            Down::Close { code, last, .. } => queue.close(code, last),
            Down::Ping { .. } => queue.ping(),
            Down::Send { bytes, .. } => queue.send(bytes, self.queue_max_bytes),
        }
    }

    /// A word was taken from wherever it waited: what came from the client counts no longer against what may wait unread.
    pub fn taken(&self, up: &Up) {
        let (conn, bytes) = match up {
            Up::Heard { conn } | Up::WrongFrame { conn } => (conn, 0),
            Up::Message { conn, bytes } => (conn, bytes.len()),
            Up::Closed { .. } | Up::Opened { .. } | Up::Writable { .. } => return,
        };
        if let Some(queue) = self.queue(*conn) {
            queue.taken(bytes);
        }
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.queues().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queues().is_empty()
    }

    fn queue(&self, conn: ConnId) -> Option<Arc<Queue>> {
        self.queues().get(&conn).cloned()
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<ConnId, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("len", &self.len()).finish_non_exhaustive()
    }
}
