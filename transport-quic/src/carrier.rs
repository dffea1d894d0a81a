//! The port: it lets connections in, gives each a task, and looks regularly whose client gave a sign of life. QUIC says no such
//! thing by itself, so what was understood of the peer's frames is counted; one look for all is cheaper than a timer each.

use crate::admission::{Admission, Answer, wide};
use crate::line::life;
use crate::opening;
use crate::task;
use crate::tuning::{self, Config, Keys};
use duologue_transport::{ConnId, Table};
use quinn::{Connection, Endpoint, Incoming, TokioRuntime, VarInt};
use rustls::server::ResolvesServerCert;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::{debug, trace};
use web_transport_quinn::http::HeaderMap;

/// What the carrier asks of whoever runs it.
pub trait Host: Send + Sync {
    /// The next connection's id, never given before, and 256 random bits for it.
    fn next(&self) -> (ConnId, [u8; 32]);
    /// Whether a page with these headers may speak to the server that it reached as `authority`.
    fn admits(&self, authority: &str, headers: &HeaderMap) -> bool;
}

/// What a carrier is made of.
pub struct Parts {
    /// Its bounds.
    pub config: Config,
    /// What must outlive the process.
    pub keys: Keys,
    /// Gives the certificate of each handshake: it may give another one at any time.
    pub certificates: Arc<dyn ResolvesServerCert>,
    /// Where connections will stand.
    pub table: Arc<Table>,
    /// Whom it asks.
    pub host: Arc<dyn Host>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What happened at the port so far, and how much of it there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Open connections that have their stream.
    pub connections: u64,
    /// Connections on their way there.
    pub openings: u64,
    /// First packets that were let in.
    pub accepted: u64,
    /// First packets that were told to show their address.
    pub retried: u64,
    /// First packets that were refused.
    pub refused: u64,
    /// Connections of which nothing came.
    pub failed: u64,
}

/// What tasks share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) table: Arc<Table>,
    pub(crate) host: Arc<dyn Host>,
    /// Open connections, and how much each had understood of its peer when it was last looked at.
    watched: Mutex<BTreeMap<ConnId, (Connection, u64)>>,
    accepted: AtomicU64,
    retried: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// A UDP port that speaks QUIC.
pub struct Carrier {
    endpoint: Endpoint,
    admission: Arc<Admission>,
    shared: Arc<Shared>,
}

impl Carrier {
    /// On a bound socket, within a Tokio runtime.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub fn new(socket: UdpSocket, parts: Parts) -> io::Result<Carrier> {
        let Parts { config, keys, certificates, table, host } = parts;
        let server = tuning::server(&config, certificates);
        let endpoint = Endpoint::new(tuning::endpoint(&keys), Some(server), socket, Arc::new(TokioRuntime))?;
        let shared = Shared {
            config,
            table,
            host,
            watched: Mutex::default(),
            accepted: AtomicU64::default(),
            retried: AtomicU64::default(),
            refused: AtomicU64::default(),
            failed: AtomicU64::default(),
        };
        Ok(Carrier { endpoint, admission: Admission::new(config), shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says about the socket.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Lets connections in until it is stopped.
    pub async fn accept(&self) {
        let look = async {
            loop {
                tokio::time::sleep(self.shared.config.look_every).await;
                self.shared.look();
            }
        };
        let accept = async {
            while let Some(incoming) = self.endpoint.accept().await {
                self.answer(incoming);
            }
        };
        futures_util::future::select(std::pin::pin!(look), std::pin::pin!(accept)).await;
    }

    fn answer(&self, incoming: Incoming) {
        let address = incoming.remote_address().ip();
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        match self.admission.ask(address, incoming.remote_address_validated()) {
            Answer::Accept(place) => {
                count(&self.shared.accepted);
                let shared = self.shared.clone();
                tokio::spawn(async move {
                    // On the heap: what only an opening needs must not stand in every connection's task.
                    let opened = Box::pin(opening::open(&shared, incoming)).await;
                    drop(place);
                    match opened {
                        Ok((line, form)) => drop(tokio::spawn(task::run(shared, line, form, wide(address)))),
                        Err(failed) => {
                            count(&shared.failed);
                            debug!(%failed, "nothing came of a connection");
                        }
                    }
                });
            }
            Answer::Refuse => {
                count(&self.shared.refused);
                incoming.refuse();
            }
            Answer::Retry => {
                count(&self.shared.retried);
                if incoming.retry().is_err() {
                    trace!("a packet that has been told already");
                }
            }
        }
    }

    /// How much of everything there is.
    pub fn usage(&self) -> Usage {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            connections: self.shared.watched().len() as u64,
            openings: self.admission.len().into(),
            accepted: load(&self.shared.accepted),
            retried: load(&self.shared.retried),
            refused: load(&self.shared.refused),
            failed: load(&self.shared.failed),
        }
    }

    /// Closes what is left with this code, lets nobody in any more, and waits, for so long at most, until the last words are out.
    pub async fn stop(&self, code: u16, patience: Duration) {
        self.endpoint.close(VarInt::from_u32(code.into()), b"");
        let _ = tokio::time::timeout(patience, self.endpoint.wait_idle()).await;
    }
}

impl Shared {
    fn watched(&self) -> MutexGuard<'_, BTreeMap<ConnId, (Connection, u64)>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn watch(&self, conn: ConnId, connection: &Connection) {
        self.watched().insert(conn, (connection.clone(), life(connection)));
    }

    pub(crate) fn forget(&self, conn: ConnId) {
        self.watched().remove(&conn);
    }

    /// Says of everybody who has given a sign of life since the last look.
    fn look(&self) {
        let mut alive = Vec::new();
        for (conn, (connection, seen)) in self.watched().iter_mut() {
            let now = life(connection);
            if now != *seen {
                *seen = now;
                alive.push(*conn);
            }
        }
        for conn in alive {
            self.table.heard(conn);
        }
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier").field("usage", &self.usage()).finish_non_exhaustive()
    }
}
