//! The table of all connections: who is told what. It obeys [`Down`] at once and from any thread; the connections' own tasks
//! do the work. It never waits and knows nothing of sockets.

use crate::offer::Deflate;
use crate::queue::Queue;
use crate::socket;
use duologue_transport::{ConnId, Down, Form, Up};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The bounds of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The largest message, in bytes, on its way in, inflated; a larger one ends the connection with 1009.
    pub message_max_bytes: usize,
    /// What may wait for the socket's buffer, in bytes; whoever sends more without waiting for `Writable` loses the connection.
    pub queue_max_bytes: usize,
    /// How long a close may take: flushing, and the peer's answer.
    pub close_patience: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { message_max_bytes: 64 * 1024, queue_max_bytes: 512 * 1024, close_patience: Duration::from_millis(1_500) }
    }
}

/// What a new connection comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Its id, never given before.
    pub conn: ConnId,
    /// The client's IP address, IPv4 mapped into IPv6.
    pub address: u128,
    /// As negotiated in the handshake.
    pub form: Form,
    /// As negotiated in the handshake.
    pub deflate: Option<Deflate>,
    /// 256 random bits.
    pub secret: [u8; 32],
}

/// All WebSocket connections of a process.
pub struct Sockets {
    config: Config,
    up: Box<dyn Fn(Up) + Send + Sync>,
    queues: Mutex<BTreeMap<ConnId, Arc<Queue>>>,
}

impl Sockets {
    /// An empty table. `up` hears everything; it must not block, and whoever takes a word out of wherever `up` puts it says
    /// [`Sockets::taken`], or the connection is not read any more.
    pub fn new(config: Config, up: impl Fn(Up) + Send + Sync + 'static) -> Arc<Sockets> {
        Arc::new(Sockets { config, up: Box::new(up), queues: Mutex::new(BTreeMap::new()) })
    }

    /// The task of one connection, from `Opened` to `Closed`. `stream` is past the HTTP upgrade; `read_ahead` is what was read
    /// beyond it. To be spawned on Tokio.
    pub fn serve<S>(self: &Arc<Self>, stream: S, read_ahead: Vec<u8>, opening: Opening) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let queue = Arc::new(Queue::default());
        let before = self.queues().insert(opening.conn, queue.clone());
        assert!(before.is_none(), "an id of a connection is given once");
        socket::run(self.clone(), queue, stream, read_ahead, opening)
    }

    /// Obeys. What is told to a connection that is gone is forgotten.
    pub fn down(&self, down: Down) {
        let (Down::Close { conn, .. } | Down::Ping { conn } | Down::Send { conn, .. }) = &down;
        let Some(queue) = self.queue(*conn) else { return };
        match down {
            Down::Close { code, last, .. } => queue.close(code, last),
            Down::Ping { .. } => queue.ping(),
            Down::Send { bytes, .. } => queue.send(bytes, self.config.queue_max_bytes),
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

    pub(crate) fn config(&self) -> Config {
        self.config
    }

    pub(crate) fn say(&self, up: Up) {
        (self.up)(up);
    }

    /// Takes a connection out and says so: nothing is said of it afterwards.
    pub(crate) fn end(&self, conn: ConnId, clean: bool) {
        let there = self.queues().remove(&conn).is_some();
        assert!(there, "a connection ends once");
        self.say(Up::Closed { conn, clean });
    }

    fn queue(&self, conn: ConnId) -> Option<Arc<Queue>> {
        self.queues().get(&conn).cloned()
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<ConnId, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("len", &self.len()).finish_non_exhaustive()
    }
}
