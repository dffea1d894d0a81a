//! QUIC: the UDP port, the keys that outlive the process, and what the carrier asks of a server.

use crate::certificates::{Certificates, write_secret};
use crate::config::Settings;
use crate::secrets;
use axum::http::HeaderMap;
use duologue_transport::{ConnId, Table};
use duologue_transport_quic::{Carrier, Config, Host, Keys, Parts};
use duologue_transport_ws::handshake::Origins;
use rustix::net::sockopt;
use std::fs;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tracing::debug;

/// The keys' file in the data folder: a version, then the keys.
const FILE: &str = "quic-keys";
const VERSION: u8 = 1;
const LENGTH: usize = 1 + 64 + 8;
/// What a burst of handshakes may fill while the process does something else; the system may give less.
const BUFFER_BYTES: usize = 2 << 20;

/// Reads the keys, or makes them at the first start.
///
/// # Errors
/// What the system says, with the file.
pub fn keys(folder: &Path) -> Result<Keys, String> {
    let path = folder.join(FILE);
    let told = |error: io::Error| format!("{}: {error}", path.display());
    match fs::read(&path) {
        Ok(bytes) if bytes.len() == LENGTH && bytes[0] == VERSION => return Ok(split(&bytes[1..])),
        Ok(_) => return Err(format!("{} is not a file of this version: without it clients only notice a restart later", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(told(error)),
    }
    let random: [u8; LENGTH - 1] = secrets::random();
    write_secret(&path, &[&[VERSION][..], &random].concat()).map_err(told)?;
    Ok(split(&random))
}

fn split(bytes: &[u8]) -> Keys {
    let (reset, ids) = bytes.split_at(64);
    Keys { reset: reset.try_into().expect("64 bytes"), ids: u64::from_be_bytes(ids.try_into().expect("8 bytes")) }
}

/// Binds the UDP port: the one that was asked for, else the same as that of HTTP, of which a free one may be taken by somebody else
/// where any was wanted.
///
/// # Errors
/// What to do about it, in one line.
pub fn bind(wanted: Option<SocketAddr>, http: SocketAddr, any_port: bool) -> Result<UdpSocket, String> {
    let address = wanted.unwrap_or(http);
    let bound = UdpSocket::bind(address).or_else(|error| match wanted {
        None if any_port => UdpSocket::bind(SocketAddr::new(http.ip(), 0)),
        _ => Err(error),
    });
    let socket = bound.map_err(|error| {
        format!("UDP port {address} cannot be had: {error} (quic.listen chooses another, quic.enabled = false does without QUIC)")
    })?;
    for set in [sockopt::set_socket_recv_buffer_size, sockopt::set_socket_send_buffer_size] {
        if let Err(error) = set(&socket, BUFFER_BYTES) {
            debug!(%error, "the UDP port keeps its usual buffers");
        }
    }
    Ok(socket)
}

/// What the carrier asks.
#[derive(Debug)]
pub struct Asked {
    /// The next connection's id, of all carriers.
    pub next_conn: Arc<AtomicU64>,
    /// Whose pages may speak to the server.
    pub origins: Origins,
    /// The port of HTTP, where the server's own pages come from.
    pub http_port: u16,
}

impl Host for Asked {
    fn next(&self) -> (ConnId, [u8; 32]) {
        (ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed)), secrets::random())
    }

    fn admits(&self, authority: &str, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all("origin").iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else { return headers.get("origin").is_none() };
        let Ok(origin) = origin.to_str() else { return false };
        let host =
            authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(authority, |(host, _)| host);
        let page = format!("{host}:{}", self.http_port);
        self.origins.is_listed(origin) || Origins::is_own(origin, authority) || Origins::is_own(origin, &page)
    }
}

/// The carrier on its port, within a Tokio runtime.
///
/// # Errors
/// What the system says about the socket.
pub fn carrier(
    socket: UdpSocket,
    settings: &Settings,
    keys: Keys,
    certificates: Arc<Certificates>,
    table: Arc<Table>,
    asked: Asked,
) -> io::Result<Carrier> {
    Carrier::new(socket, Parts { config: settings.quic(), keys, certificates, table, host: Arc::new(asked) })
}

/// The carrier's bounds, from those of connections: QUIC notices a client that is gone before the gateway does, and tells often
/// enough who is alive.
pub(crate) fn config(hello: Duration, ping: Duration, dead: Duration) -> Config {
    let usual = Config::default();
    Config {
        idle: dead.clamp(Duration::from_secs(1), usual.idle),
        look_every: usual.look_every.min(ping / 2).min(dead / 4).max(Duration::from_millis(5)),
        opening_patience: hello.clamp(Duration::from_secs(1), usual.opening_patience),
        ..usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_after_a_restart_and_nothing_else_is_taken_for_them() {
        let folder = std::env::temp_dir().join(format!("duologue-quic-keys-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let first = keys(&folder).expect("made");
        assert_eq!(keys(&folder).expect("read"), first);
        fs::write(folder.join(FILE), b"nonsense").expect("written");
        assert!(keys(&folder).is_err_and(|told| told.contains(FILE)));
        fs::remove_dir_all(folder).expect("there");
    }

    #[test]
    fn pages_of_the_servers_own_and_of_the_list_may_speak_to_it() {
        let asked = Asked { next_conn: Arc::default(), origins: Origins { allowed: vec!["https://app.example".into()] }, http_port: 8080 };
        let may = |origins: &[&str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append("origin", origin.parse().expect("a value"));
            }
            asked.admits("duo.example:8443", &headers)
        };
        for fine in [&[][..], &["https://app.example"], &["http://duo.example:8080"], &["https://duo.example:8443"]] {
            assert!(may(fine), "{fine:?}");
        }
        for evil in [&["https://evil.example"][..], &["https://duo.example"], &["null"], &["https://app.example", "https://app.example"]] {
            assert!(!may(evil), "{evil:?}");
        }
    }
}
