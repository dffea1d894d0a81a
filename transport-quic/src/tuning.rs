//! Every number of the carrier, and what they make of QUIC's own settings. Measured: of the memory that an idle connection takes
//! with the library's defaults, a third goes to segmentation offload and a fifth to the hundred streams that it might open.

use quinn::congestion::CubicConfig;
use quinn::{EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use rustls::server::ResolvesServerCert;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What native clients negotiate.
pub const ALPN: &[u8] = b"duologue/1";
/// What browsers negotiate.
pub(crate) const H3: &[u8] = web_transport_quinn::ALPN.as_bytes();

/// What one connection may send before it is read.
pub(crate) const WINDOW: u32 = 128 * 1024;
const STREAM_WINDOW: u32 = 64 * 1024;
const SEND_WINDOW: u64 = 128 * 1024;
const DATAGRAMS: usize = 16 * 1024;
/// HTTP/3 wants at least three unidirectional streams (RFC 9114, section 6.2), WebTransport one of each kind beside CONNECT. One
/// setting for both protocols, since it is sent before it is known which is spoken; a native client has one stream all the same.
const BIDIRECTIONAL: u32 = 4;
const UNIDIRECTIONAL: u32 = 8;

/// The bounds of the carrier and of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long a close may take: until the peer has all that was said before it.
    pub close_patience: Duration,
    /// How long a connection may be silent; whichever side says less counts.
    pub idle: Duration,
    /// How often it is looked whose client gave a sign of life.
    pub look_every: Duration,
    /// How long a connection may take from its first packet to its first stream.
    pub opening_patience: Duration,
    /// Connections on that way at a time.
    pub openings_max: u32,
    /// Of them, from one address (IPv6: one /64).
    pub openings_per_address: u32,
    /// From so many on, an address must show that it is one (RFC 9000, section 8.1.2) before anything is kept of it.
    pub retry_from: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            close_patience: Duration::from_millis(1_500),
            idle: Duration::from_secs(45),
            look_every: Duration::from_secs(5),
            opening_patience: Duration::from_secs(10),
            openings_max: 1_024,
            openings_per_address: 64,
            retry_from: 64,
        }
    }
}

/// What must be the same after a restart, so that a client is told at once that its connection is no more: the key of stateless
/// resets (RFC 9000, section 10.3), and that by which own connection ids are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// For stateless resets.
    pub reset: [u8; 64],
    /// For connection ids.
    pub ids: u64,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

pub(crate) fn endpoint(keys: &Keys) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &keys.reset)));
    let ids = keys.ids;
    config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
    config
}

pub(crate) fn server(config: &Config, certificates: Arc<dyn ResolvesServerCert>) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has what TLS 1.3 needs")
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    tls.alpn_protocols = vec![ALPN.to_vec(), H3.to_vec()];
    // No early data, so a first message cannot be played again; and no tickets, which each connection would pay for.
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls).expect("TLS 1.3 with its first cipher suite");
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server
        .transport_config(Arc::new(transport(config)))
        .migration(true)
        .max_incoming(config.openings_max as usize)
        .incoming_buffer_size(16 * 1024)
        .incoming_buffer_size_total(4 * 1024 * 1024);
    server
}

fn transport(config: &Config) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(BIDIRECTIONAL.into())
        .max_concurrent_uni_streams(UNIDIRECTIONAL.into())
        .stream_receive_window(STREAM_WINDOW.into())
        .receive_window(WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(Some(DATAGRAMS))
        .datagram_send_buffer_size(DATAGRAMS)
        .max_idle_timeout(Some(idle(config.idle)))
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false)
        .congestion_controller_factory(Arc::new(CubicConfig::default()));
    transport
}

fn idle(span: Duration) -> IdleTimeout {
    IdleTimeout::from(VarInt::from_u32(u32::try_from(span.as_millis()).unwrap_or(u32::MAX)))
}
