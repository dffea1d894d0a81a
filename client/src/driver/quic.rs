//! One connection over QUIC: ALPN `duologue/1`, one stream, each message with its length before it. The client's own keep-alive is
//! what keeps the way open, and tells the server of another address.

use super::socket::{Broken, Came, Unopened};
use crate::Tls;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use duologue_transport::framing::{Reader, frame};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, IdleTimeout, RecvStream, SendStream, TransportConfig, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::net::UdpSocket;
use tokio::net::lookup_host;
use tokio::time::{Instant, sleep_until, timeout};

const ALPN: &[u8] = b"duologue/1";
/// How often the server is told that one is there, although there is nothing to say.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Without anything from the server for so long the connection is over.
const IDLE_MS: u32 = 45_000;
/// How long one of a server's addresses may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a write may take before the link counts as broken.
const WRITE_WITHIN: Duration = Duration::from_secs(15);
/// How long the last words may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// How often it is looked whether the server has given a sign of life.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What one may send before it is read.
const WINDOW: u32 = 128 * 1024;
/// Leaves for good; WebSocket has 1000 for it.
const LEFT: u32 = 0;
/// Leaves, perhaps to come back.
const GOING_AWAY: u32 = 1001;

/// `quic://host:port`, and which certificates are believed: those named by their SHA-256 (`?certificate=…`, 64 hexadecimal digits,
/// several with commas), else what browsers believe.
#[derive(Clone)]
pub(super) struct Address {
    host: String,
    port: u16,
    /// Certificates were named: no other TLS counts.
    is_named: bool,
    client: ClientConfig,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Address, String> {
        let wrong = |what: &str| format!("{url}: {what}");
        let rest = url.strip_prefix("quic://").ok_or_else(|| wrong("not quic://"))?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = authority.trim_end_matches('/').rsplit_once(':').ok_or_else(|| wrong("a port is missing"))?;
        let port = port.parse().map_err(|_| wrong("not a port"))?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if ServerName::try_from(host).is_err() {
            return Err(wrong("not a host"));
        }
        let mut hashes = Vec::new();
        if !query.is_empty() {
            let named = query.strip_prefix("certificate=").ok_or_else(|| wrong("only ?certificate= may follow"))?;
            for hash in named.split(',') {
                hashes.push(digest(hash).ok_or_else(|| wrong("a certificate is 64 hexadecimal digits"))?);
            }
        }
        let (is_named, tls) = (!hashes.is_empty(), tls(hashes));
        Ok(Address { host: host.to_string(), port, is_named, client: client(&tls).map_err(|error| wrong(&error))? })
    }

    pub(super) fn with_tls(self, tls: &Tls) -> Result<Address, String> {
        match self.is_named {
            true => Ok(self),
            false => Ok(Address { client: client(&tls.config())?, ..self }),
        }
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(digest)
}

/// That believes those that are named, or whom browsers believe.
fn tls(hashes: Vec<[u8; 32]>) -> Arc<rustls::ClientConfig> {
    if hashes.is_empty() {
        return Tls::browsers().config();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has what TLS 1.3 needs")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Named { hashes, algorithms }))
        .with_no_client_auth();
    Arc::new(tls)
}

fn client(tls: &rustls::ClientConfig) -> Result<ClientConfig, String> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = QuicClientConfig::try_from(tls).map_err(|error| error.to_string())?;
    let mut client = ClientConfig::new(Arc::new(tls));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(0u32.into())
        .max_concurrent_uni_streams(0u32.into())
        .datagram_receive_buffer_size(None)
        .stream_receive_window(WINDOW.into())
        .receive_window(WINDOW.into())
        .send_window(WINDOW.into())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .mtu_discovery_config(None);
    client.transport_config(Arc::new(transport));
    Ok(client)
}

/// Believes the certificates that it was told, and no others: for servers whose certificate nobody can be asked about.
#[derive(Debug)]
struct Named {
    hashes: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash = ring::digest::digest(&ring::digest::SHA256, end_entity);
        match self.hashes.iter().any(|known| known == hash.as_ref()) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

pub(super) struct Socket {
    endpoint: Endpoint,
    connection: Connection,
    send: SendStream,
    recv: RecvStream,
    reader: Reader,
    /// When it is next looked for a sign of life, and what was seen last.
    look: Instant,
    seen: u64,
}

/// What is wrong with the server's certificate, if that is why a handshake failed; the library tells it as text only.
fn distrust(error: ConnectionError) -> Option<Unopened> {
    match error {
        ConnectionError::TransportError(error) if error.reason.starts_with("invalid peer certificate") => {
            Some(Unopened::Untrusted(error.reason))
        }
        _ => None,
    }
}

fn unbound(to: SocketAddr) -> SocketAddr {
    if to.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() }
}

impl Socket {
    /// Tries the host's addresses one after the other.
    pub(super) async fn open(address: Address) -> Result<Socket, Unopened> {
        let Address { host, port, client, .. } = address;
        let mut why = Unopened::Broken;
        for to in lookup_host((host.as_str(), port)).await.map_err(|_| Broken)? {
            let connecting = Endpoint::client(unbound(to)).ok().and_then(|endpoint| {
                let connecting = endpoint.connect_with(client.clone(), to, &host).ok()?;
                Some((endpoint, connecting))
            });
            let Some((endpoint, connecting)) = connecting else { continue };
            match timeout(ANSWER_WITHIN, connecting).await {
                Ok(Ok(connection)) => {
                    let (send, recv) = connection.open_bi().await.map_err(|_| Broken)?;
                    let (look, seen) = (Instant::now() + LOOK_EVERY, life(&connection));
                    return Ok(Socket { endpoint, connection, send, recv, reader: Reader::default(), look, seen });
                }
                Ok(Err(error)) => why = distrust(error).unwrap_or(why),
                Err(_) => {}
            }
        }
        Err(why)
    }

    pub(super) async fn next(&mut self) -> Came {
        loop {
            match self.reader.take() {
                Ok(Some(message)) => return Came::Message(message.to_vec()),
                Ok(None) => {}
                Err(_) => return Came::End(None),
            }
            let mut buffer = [0; 4096];
            tokio::select! {
                read = self.recv.read(&mut buffer) => match read {
                    Ok(Some(length)) => self.reader.give(&buffer[..length]),
                    Ok(None) | Err(_) => return Came::End(self.code().await),
                },
                () = sleep_until(self.look) => {
                    self.look = Instant::now() + LOOK_EVERY;
                    let before = core::mem::replace(&mut self.seen, life(&self.connection));
                    if self.seen != before {
                        return Came::Life;
                    }
                }
            }
        }
    }

    /// The code that the server closed with; it follows the end of the stream.
    async fn code(&self) -> Option<u16> {
        match timeout(CLOSE_WITHIN, self.connection.closed()).await {
            Ok(ConnectionError::ApplicationClosed(close)) => u16::try_from(u64::from(close.error_code)).ok(),
            _ => None,
        }
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        match timeout(WRITE_WITHIN, self.send.write_all(&frame(&bytes))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Broken),
        }
    }

    pub(super) async fn close(mut self) {
        let last = async {
            // What was said must be there: a close overtakes it.
            if self.send.finish().is_ok() {
                let _ = self.send.stopped().await;
            }
        };
        let _ = timeout(CLOSE_WITHIN, last).await;
        self.connection.close(VarInt::from_u32(LEFT), b"");
        let _ = timeout(CLOSE_WITHIN, self.endpoint.wait_idle()).await;
    }

    /// Another socket: the connection goes on over it.
    pub(super) fn rebind(&self) {
        let other = UdpSocket::bind(unbound(self.connection.remote_address()));
        // Without one it goes on over the present one.
        let _ = other.and_then(|other| self.endpoint.rebind(other));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Dropped without a word it would close with 0, which says that one leaves for good.
        self.connection.close(VarInt::from_u32(GOING_AWAY), b"");
    }
}

/// How much of the server's frames was understood.
fn life(connection: &Connection) -> u64 {
    let frames = connection.stats().frame_rx;
    frames.acks + frames.ping + frames.stream + frames.max_data + frames.max_stream_data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_host_a_port_and_perhaps_certificates() {
        let hash = "00ff".repeat(16);
        for (url, host, port) in [
            ("quic://duologue.example:443", "duologue.example", 443),
            ("quic://127.0.0.1:8080/", "127.0.0.1", 8080),
            (&format!("quic://[::1]:9?certificate={hash},{hash}"), "::1", 9),
        ] {
            let address = Address::parse(url).expect("an address");
            assert_eq!((address.host.as_str(), address.port), (host, port));
        }
        for url in ["quic://nowhere", "quic://a b:1", "quic://x:70000", "quic://x:1?certificate=12", "quic://x:1?trust=all"] {
            assert!(Address::parse(url).is_err_and(|told| told.starts_with(url)), "{url}");
        }
    }
}
