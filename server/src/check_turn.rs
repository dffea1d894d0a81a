//! `duologue check-turn`: asks every TURN server of the configuration for a relay (RFC 8656, Allocate), with a credential as a
//! member of a call has it. What a server that is down, a wrong secret or a closed port would do to calls is known before there are
//! any.

use crate::clock;
use crate::ice::Configured;
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::{Millis, Span};
use duologue_gateway::IceServers;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use turn_client_proto::api::{Transmit, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet};
use turn_client_proto::stun::Instant;
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::TurnCredentials;
use turn_client_proto::udp::TurnClientUdp;

/// How long a server may take, from the connection to the relay.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a wait looks at the clock.
const LOOK: Duration = Duration::from_millis(100);
/// A datagram, or what is read of a stream at a time.
const READ_BYTES: usize = 2_048;

/// What carries TURN to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Tcp,
    Tls,
    Udp,
}

/// An address like `turn:host:3478?transport=udp` (RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
    carrier: Carrier,
}

/// Why a server gave no relay.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("no address of a TURN server: {0}")]
    Address(&'static str),
    #[error("the name has no address: {0}")]
    Name(io::Error),
    #[error("it cannot be reached: {0}. Is the port open, and does the server listen there?")]
    Reach(io::Error),
    #[error("it said nothing for {} s. Is the port open, and does the server listen there?", PATIENCE.as_secs())]
    Silence,
    #[error(
        "it refused the credential, or has no relay to give. Is `static-auth-secret` the same as `turn.secret`, and are the clocks right?"
    )]
    Refused,
}

/// Asks all of them, one after the other, and says what each answered. Whether all gave a relay.
///
/// # Errors
/// As writing has them.
pub fn check(servers: &Configured, now: Millis, out: &mut impl Write) -> io::Result<bool> {
    let mut all = true;
    // As for a member of a call that ends in a minute.
    let given = servers.servers(UserId(1), Millis(now.0 + 60_000));
    for server in given.iter().filter(|server| server.username.is_some()) {
        let credentials = [&server.username, &server.credential].map(|text| text.as_deref().unwrap_or_default());
        for url in &server.urls {
            let begun = clock::boottime();
            match relay(url, credentials) {
                Ok(relay) => writeln!(out, "ok      {url}: a relay at {relay}, in {} ms", since(begun).as_millis())?,
                Err(fault) => {
                    all = false;
                    writeln!(out, "FAILED  {url}: {fault}")?;
                }
            }
        }
    }
    Ok(all)
}

fn since(begun: Span) -> Duration {
    Duration::from_millis(clock::boottime().0.saturating_sub(begun.0))
}

fn relay(url: &str, [name, password]: [&str; 2]) -> Result<SocketAddr, Fault> {
    let address = Address::read(url)?;
    let to = (&*address.host, address.port).to_socket_addrs().map_err(Fault::Name)?.next();
    let to = to.ok_or_else(|| Fault::Name(io::ErrorKind::NotFound.into()))?;
    let mut config = TurnConfig::new(TurnCredentials::new(name, password));
    config.set_request_retransmits(Duration::from_millis(500), PATIENCE, 4, PATIENCE);
    match address.carrier {
        Carrier::Udp => {
            let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
            let socket = UdpSocket::bind(any).map_err(Fault::Reach)?;
            socket.connect(to).and_then(|()| socket.set_read_timeout(Some(LOOK))).map_err(Fault::Reach)?;
            let from = socket.local_addr().map_err(Fault::Reach)?;
            allocate(TurnClientUdp::allocate(from, to, config), Datagrams(socket))
        }
        Carrier::Tcp | Carrier::Tls => {
            let stream = TcpStream::connect_timeout(&to, PATIENCE).map_err(Fault::Reach)?;
            let from = stream.local_addr().map_err(Fault::Reach)?;
            let client = TurnClientTcp::allocate(from, to, config);
            if address.carrier == Carrier::Tcp {
                stream.set_read_timeout(Some(LOOK)).map_err(Fault::Reach)?;
                return allocate(client, stream);
            }
            stream.set_read_timeout(Some(PATIENCE)).map_err(Fault::Reach)?;
            let mut tls = tls(&address.host, stream).map_err(Fault::Reach)?;
            tls.sock.set_read_timeout(Some(LOOK)).and_then(|()| tls.flush()).map_err(Fault::Reach)?;
            allocate(client, tls)
        }
    }
}

/// A datagram at a time, as a stream.
struct Datagrams(UdpSocket);

impl Read for Datagrams {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.recv(bytes)
    }
}

impl Write for Datagrams {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tls(host: &str, stream: TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

/// Drives the exchange until there is a relay, and gives it back to the server.
fn allocate(mut client: impl TurnClientApi, mut stream: impl Read + Write) -> Result<SocketAddr, Fault> {
    let begun = clock::boottime();
    let now = || Instant::from_nanos(i64::try_from(since(begun).as_nanos()).unwrap_or(i64::MAX));
    let (from, to, transport) = (client.remote_addr(), client.local_addr(), client.transport());
    let mut bytes = [0; READ_BYTES];
    let mut is_heard = false;
    loop {
        let is_closed = matches!(client.poll(now()), TurnPollRet::Closed);
        say(&mut client, &mut stream, now())?;
        while let Some(event) = client.poll_event() {
            match event {
                TurnEvent::AllocationCreated(_, relay) => {
                    // As a courtesy: it would be given up in ten minutes anyway.
                    if client.delete(now()).is_ok() {
                        let _ = say(&mut client, &mut stream, now());
                    }
                    return Ok(relay);
                }
                TurnEvent::AllocationCreateFailed(_) => return Err(Fault::Refused),
                _ => {}
            }
        }
        if is_closed {
            return Err(Fault::Refused);
        }
        if since(begun) > PATIENCE {
            // One that asked who we are and then gives nothing does not believe the answer.
            return Err(if is_heard { Fault::Refused } else { Fault::Silence });
        }
        match stream.read(&mut bytes) {
            Ok(0) => return Err(Fault::Reach(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                is_heard = true;
                drop(client.recv(Transmit::new(&bytes[..count], transport, from, to), now()));
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(Fault::Reach(error)),
        }
    }
}

fn say(client: &mut impl TurnClientApi, stream: &mut impl Write, now: Instant) -> Result<(), Fault> {
    while let Some(transmit) = client.poll_transmit(now) {
        stream.write_all(transmit.data.as_ref()).and_then(|()| stream.flush()).map_err(Fault::Reach)?;
    }
    Ok(())
}

impl Address {
    fn read(url: &str) -> Result<Address, Fault> {
        let (scheme, rest) = url.split_once(':').ok_or(Fault::Address("it begins with turn: or turns:"))?;
        let is_secure = match scheme {
            "turn" => false,
            "turns" => true,
            _ => return Err(Fault::Address("it begins with turn: or turns:")),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let carrier = match (is_secure, query) {
            (false, "" | "transport=udp") => Carrier::Udp,
            (false, "transport=tcp") => Carrier::Tcp,
            (true, "" | "transport=tcp") => Carrier::Tls,
            (true, "transport=udp") => return Err(Fault::Address("TURN over DTLS is not checked")),
            _ => return Err(Fault::Address("after ? stands transport=udp or transport=tcp")),
        };
        let (host, port) = match place.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| Fault::Address("the port is a number up to 65535"))?),
            None => (place, if is_secure { 5349 } else { 3478 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(Fault::Address("a host stands behind the colon"));
        }
        Ok(Address { host: host.into(), port, carrier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sig_6_addresses_are_read_as_rfc_7065_has_them() {
        for (url, host, port, carrier) in [
            ("turn:turn.example", "turn.example", 3478, Carrier::Udp),
            ("turn:turn.example:99?transport=tcp", "turn.example", 99, Carrier::Tcp),
            ("turn:[2001:db8::1]?transport=udp", "2001:db8::1", 3478, Carrier::Udp),
            ("turn:[2001:db8::1]:5000", "2001:db8::1", 5000, Carrier::Udp),
            ("turns:10.0.0.1", "10.0.0.1", 5349, Carrier::Tls),
            ("turns:turn.example:443?transport=tcp", "turn.example", 443, Carrier::Tls),
        ] {
            assert_eq!(Address::read(url).expect(url), Address { host: host.into(), port, carrier }, "{url}");
        }
        for url in [
            "stun:turn.example",
            "turn.example",
            "turn:",
            "turn::3478",
            "turn:a:b",
            "turn:a:70000",
            "turn:a?transport=sctp",
            "turns:a?transport=udp",
        ] {
            assert!(matches!(Address::read(url), Err(Fault::Address(_))), "{url}");
        }
    }

    #[test]
    fn sig_6_a_server_that_is_not_there_is_said() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let servers =
            Configured { stun: Vec::new(), turn: vec![format!("turn:{closed}?transport=tcp"), "turn:a?b".into()], secret: "s".into() };
        let mut out = Vec::new();
        assert!(!check(&servers, Millis(0), &mut out).expect("written"));
        let said = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with(&format!("FAILED  turn:{closed}?transport=tcp: it cannot be reached")), "{said}");
        assert!(lines[1].starts_with("FAILED  turn:a?b: no address of a TURN server"), "{said}");
    }
}
