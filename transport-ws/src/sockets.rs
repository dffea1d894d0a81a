//! What all WebSocket connections of a process have in common: their bounds, and the table that they stand in.

use crate::offer::Deflate;
use crate::socket;
use duologue_transport::{ConnId, Form, Table};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// The bounds of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The largest message, in bytes, on its way in, inflated; a larger one ends the connection with 1009.
    pub message_max_bytes: usize,
    /// How long a close may take: flushing, and the peer's answer.
    pub close_patience: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { message_max_bytes: 64 * 1024, close_patience: Duration::from_millis(1_500) }
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
#[derive(Debug)]
pub struct Sockets {
    config: Config,
    table: Arc<Table>,
}

impl Sockets {
    /// Connections will stand in this table.
    pub fn new(config: Config, table: Arc<Table>) -> Arc<Sockets> {
        Arc::new(Sockets { config, table })
    }

    /// The task of one connection, from `Opened` to `Closed`. `stream` is past the HTTP upgrade; `read_ahead` is what was read
    /// beyond it. `silence` is dropped once the client's first word is handed on, or none will come. To be spawned on Tokio.
    pub fn serve<S, G>(
        self: &Arc<Self>,
        stream: S,
        read_ahead: Vec<u8>,
        opening: Opening,
        silence: G,
    ) -> impl Future<Output = ()> + Send + use<S, G>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        G: Send + Unpin + 'static,
    {
        let queue = self.table.open(opening.conn);
        socket::run(self.clone(), queue, stream, read_ahead, opening, silence)
    }

    pub(crate) fn config(&self) -> Config {
        self.config
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }
}
