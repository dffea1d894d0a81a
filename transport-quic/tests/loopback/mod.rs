//! A carrier on loopback and peers of it, each with an endpoint of its own.

// Each test program uses its part of it.
#![allow(dead_code)]

use bytes::Bytes;
use duologue_transport::contract::{Harness, Received};
use duologue_transport::framing::{Reader, frame};
use duologue_transport::{ConnId, Down, Form, Table, Up};
use duologue_transport_quic::{ALPN, Carrier, Config, Host, Keys, Parts};
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, TokioRuntime, TransportConfig, VarInt};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;
use url::Url;
use web_transport_quinn::http::HeaderMap;
use web_transport_quinn::proto::ConnectRequest;
use web_transport_quinn::{Session, SessionError, WebTransportError};

/// Longer than anything that must come takes; a wait that ends here has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A certificate for `localhost`, made for the test; another one at any time.
#[derive(Debug)]
pub struct Certificates(Mutex<Arc<CertifiedKey>>);

impl Certificates {
    pub fn new() -> Arc<Certificates> {
        Arc::new(Certificates(Mutex::new(Certificates::made())))
    }

    fn made() -> Arc<CertifiedKey> {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
        Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key))
    }

    pub fn renew(&self) {
        *self.0.lock().expect("a lock") = Certificates::made();
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.0.lock().expect("a lock").cert[0].clone()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.lock().expect("a lock").clone())
    }
}

struct Ids(AtomicU64);

impl Host for Ids {
    fn next(&self) -> (ConnId, [u8; 32]) {
        (ConnId(self.0.fetch_add(1, Ordering::Relaxed)), [7; 32])
    }
    fn admits(&self, _authority: &str, headers: &HeaderMap) -> bool {
        headers.get("origin").is_none_or(|origin| origin != "https://evil.example")
    }
}

pub fn config() -> Config {
    Config { idle: Duration::from_secs(3), look_every: Duration::from_millis(20), ..Config::default() }
}

pub struct Loopback {
    pub runtime: Runtime,
    pub carrier: Arc<Carrier>,
    pub certificates: Arc<Certificates>,
    pub table: Arc<Table>,
    pub ups: Receiver<Up>,
    pub at: SocketAddr,
    /// Whether its peers speak WebTransport.
    pub web: bool,
}

/// The far end of a connection. Its endpoint runs on a runtime of its own, so that it can vanish.
pub struct Peer {
    pub runtime: Runtime,
    pub endpoint: Endpoint,
    pub connection: Connection,
    pub streams: Streams,
    reader: Reader,
    /// Once it has given a sign of life itself: what it had heard by then of what a ping is made of. Before, such frames only follow
    /// from what it says.
    pinged: Option<u64>,
}

/// What a peer speaks over.
pub enum Streams {
    Raw(quinn::SendStream, quinn::RecvStream),
    Web(Box<Session>, web_transport_quinn::SendStream, web_transport_quinn::RecvStream),
}

impl Streams {
    /// Whether it was taken: a server that has closed takes nothing more.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        match self {
            Streams::Raw(send, _) => send.write_all(bytes).await.is_ok(),
            Streams::Web(_, send, _) => send.write_all(bytes).await.is_ok(),
        }
    }

    /// None at the end.
    async fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        match self {
            Streams::Raw(_, recv) => recv.read(buffer).await.ok().flatten(),
            Streams::Web(_, _, recv) => recv.read(buffer).await.ok().flatten(),
        }
    }

    /// Until the other side has everything.
    async fn finish(&mut self) {
        match self {
            Streams::Raw(send, _) => {
                let _ = send.finish();
                let _ = send.stopped().await;
            }
            Streams::Web(_, send, _) => {
                let _ = send.finish();
                let _ = send.stopped().await;
            }
        }
    }

    /// The code of the close that came, as the protocol has it: 0 is what a connection of its own has for 1000.
    async fn closed(&self, connection: &Connection) -> Option<u32> {
        match self {
            Streams::Raw(..) => match connection.closed().await {
                ConnectionError::ApplicationClosed(close) => {
                    u32::try_from(u64::from(close.error_code)).ok().map(|code| if code == 0 { 1000 } else { code })
                }
                _ => None,
            },
            Streams::Web(session, ..) => match session.closed().await {
                SessionError::WebTransportError(WebTransportError::Closed(code, _)) => Some(code),
                _ => None,
            },
        }
    }

    fn close(&self, connection: &Connection, code: u32) {
        match self {
            Streams::Raw(..) => connection.close(VarInt::from_u32(if code == 1000 { 0 } else { code }), b""),
            Streams::Web(session, ..) => session.close(code, b""),
        }
    }
}

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

impl Loopback {
    pub fn raw() -> Loopback {
        Loopback::with(config())
    }

    pub fn web() -> Loopback {
        Loopback { web: true, ..Loopback::raw() }
    }

    pub fn with(config: Config) -> Loopback {
        Loopback::at(config, UdpSocket::bind("127.0.0.1:0").expect("a port"))
    }

    /// On a socket, with the keys that all have here: as another process after a restart.
    pub fn at(config: Config, socket: UdpSocket) -> Loopback {
        let runtime = runtime();
        let (said, ups) = channel();
        let table = Table::new(512 * 1024, move |up| {
            let _ = said.send(up);
        });
        let certificates = Certificates::new();
        let parts = Parts {
            config,
            keys: Keys { reset: [1; 64], ids: 2 },
            certificates: certificates.clone(),
            table: table.clone(),
            host: Arc::new(Ids(AtomicU64::new(1))),
        };
        let carrier = Arc::new(runtime.block_on(async { Carrier::new(socket, parts) }).expect("an endpoint"));
        let at = carrier.address().expect("an address");
        let accepting = carrier.clone();
        runtime.spawn(async move { accepting.accept().await });
        Loopback { runtime, carrier, certificates, table, ups, at, web: false }
    }

    /// How a peer of this protocol connects; one that is narrow lets little wait for it unread.
    pub fn client(&self, alpn: &[u8], narrow: bool) -> ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificates.der()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![alpn.to_vec()];
        let mut client = ClientConfig::new(Arc::new(quinn::crypto::rustls::QuicClientConfig::try_from(tls).expect("a cipher suite")));
        let mut transport = TransportConfig::default();
        transport.keep_alive_interval(Some(Duration::from_secs(1)));
        if narrow {
            transport.stream_receive_window(4096u32.into());
        }
        client.transport_config(Arc::new(transport));
        client
    }

    /// A connection without a stream.
    pub fn connect(&self, client: ClientConfig) -> Result<(Runtime, Endpoint, Connection), ConnectionError> {
        let runtime = runtime();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let endpoint = runtime
            .block_on(async { Endpoint::new(EndpointConfig::default(), None, socket, Arc::new(TokioRuntime)) })
            .expect("an endpoint");
        let connecting = runtime.block_on(async { endpoint.connect_with(client, self.at, "localhost") }).expect("a connection begins");
        let connection = runtime.block_on(async { tokio::time::timeout(PATIENCE, connecting).await }).expect("an answer")?;
        Ok((runtime, endpoint, connection))
    }

    /// A peer whose stream is open. A stream is there for the other side once something was sent on it: a message of no length,
    /// which [`Harness::next_up`] swallows.
    pub fn peer(&mut self, form: Form, narrow: bool) -> Peer {
        let alpn = if self.web { web_transport_quinn::ALPN.as_bytes() } else { ALPN };
        let (runtime, endpoint, connection) = self.connect(self.client(alpn, narrow)).expect("connected");
        let web = self.web.then(|| connection.clone());
        let streams = runtime.block_on(async {
            let Some(connection) = web else {
                let (send, recv) = connection.open_bi().await.expect("a stream");
                return Streams::Raw(send, recv);
            };
            let path = if form == Form::Json { "/v1/wt?form=json" } else { "/v1/wt" };
            let session = Session::connect(connection, self.request(path)).await.expect("a session");
            let (send, recv) = session.open_bi().await.expect("a stream");
            Streams::Web(Box::new(session), send, recv)
        });
        let mut peer = Peer { runtime, endpoint, connection, streams, reader: Reader::default(), pinged: None };
        peer.write(&frame(b""));
        peer
    }

    pub fn request(&self, path: &str) -> ConnectRequest {
        ConnectRequest::new(Url::parse(&format!("https://localhost:{}{path}", self.at.port())).expect("an address"))
    }
}

impl Peer {
    pub fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, what).await }).expect("something must come")
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> bool {
        let Peer { runtime, streams, .. } = self;
        runtime.block_on(async { tokio::time::timeout(PATIENCE, streams.write(bytes)).await }).expect("it is taken")
    }

    /// The code that the server closed with.
    pub fn code(&self) -> Option<u32> {
        self.wait(self.streams.closed(&self.connection))
    }
}

impl Harness for Loopback {
    type Peer = Peer;
    const FORMS: &'static [Form] = &[Form::Postcard];
    const HEARS_ACKNOWLEDGEMENTS: bool = true;

    fn open(&mut self, form: Form) -> Peer {
        self.peer(form, false)
    }
    fn open_narrow(&mut self, form: Form) -> Peer {
        self.peer(form, true)
    }
    fn send(&mut self, peer: &mut Peer, message: &[u8]) {
        // A server that has closed takes nothing more: then what it said before is what counts.
        let _ = peer.write(&framed(message));
    }
    fn send_in_pieces(&mut self, peer: &mut Peer, message: &[u8]) {
        let framed = framed(message);
        for piece in framed.chunks(framed.len().div_ceil(3)) {
            let _ = peer.write(piece);
        }
    }
    fn send_wrong_kind(&mut self, _peer: &mut Peer) -> bool {
        false
    }
    fn ping(&mut self, peer: &mut Peer) {
        // As the carrier itself does it: a MAX_DATA that says nothing new.
        peer.connection.set_receive_window(99_999u32.into());
        peer.connection.set_receive_window(100_000u32.into());
        peer.pinged = Some(pings(&peer.connection));
    }
    fn close(&mut self, peer: &mut Peer, code: u16) {
        // What was said before must be there: a close overtakes it.
        let Peer { runtime, streams, connection, .. } = peer;
        runtime.block_on(async { tokio::time::timeout(PATIENCE, streams.finish()).await }).expect("it is taken");
        let _inside = runtime.enter();
        streams.close(connection, code.into());
    }
    fn vanish(&mut self, peer: Peer) {
        let Peer { runtime, endpoint, connection, streams, .. } = peer;
        // Dropped, they would say goodbye.
        std::mem::forget((endpoint, connection, streams));
        runtime.shutdown_background();
    }
    fn receive(&mut self, peer: &mut Peer) -> Received {
        let Peer { runtime, connection, streams, reader, pinged, .. } = peer;
        let come = async {
            loop {
                if let Some(message) = reader.take().expect("no message is too large") {
                    return Received::Message(message);
                }
                let mut buffer = [0; 4096];
                match tokio::time::timeout(Duration::from_millis(5), streams.read(&mut buffer)).await {
                    Ok(Some(length)) => reader.give(&buffer[..length]),
                    Ok(None) => {
                        let code = streams.closed(connection).await;
                        return Received::End(code.map(|code| u16::try_from(code).expect("a code of ours")));
                    }
                    Err(_) if pinged.is_some_and(|before| pings(connection) > before) => {
                        *pinged = Some(pings(connection));
                        return Received::Ping;
                    }
                    Err(_) => {}
                }
            }
        };
        runtime.block_on(async { tokio::time::timeout(PATIENCE, come).await }).expect("something must come")
    }
    fn next_up(&mut self) -> Up {
        loop {
            let up = self.ups.recv_timeout(PATIENCE).expect("something must be said");
            self.table.taken(&up);
            if !matches!(&up, Up::Message { bytes, .. } if bytes.is_empty()) {
                return up;
            }
        }
    }
    fn down(&mut self, down: Down) {
        self.table.down(down);
    }
}

fn pings(connection: &Connection) -> u64 {
    let frames = connection.stats().frame_rx;
    frames.ping + frames.max_data
}

/// With its length before it, also where that is more than a message may have.
pub fn framed(message: &[u8]) -> Vec<u8> {
    if message.len() <= duologue_transport::framing::MESSAGE_MAX_BYTES {
        return frame(message);
    }
    let length = 0x8000_0000 | u32::try_from(message.len()).expect("a length");
    [&length.to_be_bytes()[..], message].concat()
}

/// A message as the vocabulary has it.
pub fn message(conn: ConnId, text: &[u8]) -> Up {
    Up::Message { conn, bytes: Bytes::copy_from_slice(text) }
}
