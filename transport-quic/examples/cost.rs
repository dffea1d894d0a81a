//! What a connection costs the process that serves it: memory while it is quiet and after traffic, and CPU time of a handshake.
//! The server is a process of its own, so that nothing of its clients is counted.
//!
//! ```text
//! cargo run --release -p duologue-transport-quic --example cost
//! ```

use duologue_transport::framing::frame;
use duologue_transport::{ConnId, Down, Table, Up};
use duologue_transport_quic::{ALPN, Carrier, Config, Host, Keys, Parts};
use futures_util::stream::{StreamExt, iter};
use quinn::{ClientConfig, Connection, Endpoint, TransportConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;
use web_transport_quinn::Session;
use web_transport_quinn::http::HeaderMap;
use web_transport_quinn::proto::ConnectRequest;

// As the server has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Connections of each kind.
const MANY: u64 = 2_000;
/// Of them on their way at a time.
const AT_ONCE: usize = 32;
/// What a call's description weighs.
const MESSAGE: usize = 6 * 1024;

#[derive(Debug)]
struct One(Arc<CertifiedKey>);

impl ResolvesServerCert for One {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

struct Ids(AtomicU64);

impl Host for Ids {
    fn next(&self) -> (ConnId, [u8; 32]) {
        (ConnId(self.0.fetch_add(1, Ordering::Relaxed)), [0; 32])
    }
    fn admits(&self, _authority: &str, _headers: &HeaderMap) -> bool {
        true
    }
}

/// Serves until it is killed: says its port and certificate, and answers every message with itself.
async fn serve() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("a key");
    let der = made.cert.der().clone();
    let table: Arc<OnceLock<Arc<Table>>> = Arc::default();
    let echo = table.clone();
    let served = Table::new(512 * 1024, move |up| {
        let table = echo.get().expect("set at once");
        table.taken(&up);
        if let Up::Message { conn, bytes } = up {
            table.down(Down::Send { conn, bytes });
        }
    });
    table.set(served.clone()).expect("set once");
    let parts = Parts {
        config: Config::default(),
        keys: Keys { reset: [1; 64], ids: 2 },
        certificates: Arc::new(One(Arc::new(CertifiedKey::new(vec![der.clone()], key)))),
        table: served,
        host: Arc::new(Ids(AtomicU64::new(1))),
    };
    let carrier = Carrier::new(UdpSocket::bind("127.0.0.1:0").expect("a port"), parts).expect("an endpoint");
    let certificate: String = der.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{} {certificate}", carrier.address().expect("an address"));
    carrier.accept().await;
}

struct Server {
    child: Child,
    at: SocketAddr,
    certificate: CertificateDer<'static>,
}

impl Server {
    fn start() -> Server {
        let own = std::env::current_exe().expect("a path");
        let mut child = Command::new(own).arg("serve").stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        let (at, certificate) = line.trim().split_once(' ').expect("two words");
        let bytes = (0..certificate.len()).step_by(2).map(|at| u8::from_str_radix(&certificate[at..at + 2], 16).expect("a byte"));
        Server { child, at: at.parse().expect("an address"), certificate: bytes.collect::<Vec<u8>>().into() }
    }

    fn resident_bytes(&self) -> u64 {
        let statm = fs::read_to_string(format!("/proc/{}/statm", self.child.id())).expect("it lives");
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
    }

    /// CPU time so far, in seconds; a tick is a hundredth.
    fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it lives");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name before").split_whitespace().collect();
        (fields[11].parse::<f64>().expect("ticks") + fields[12].parse::<f64>().expect("ticks")) / 100.0
    }

    fn client(&self, alpn: &[u8]) -> ClientConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a certificate");
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![alpn.to_vec()];
        tls.resumption = rustls::client::Resumption::disabled();
        let mut client = ClientConfig::new(Arc::new(quinn::crypto::rustls::QuicClientConfig::try_from(tls).expect("a cipher suite")));
        let mut transport = TransportConfig::default();
        transport.keep_alive_interval(Some(Duration::from_secs(15)));
        client.transport_config(Arc::new(transport));
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client's end; the first is what keeps it open.
#[expect(dead_code, reason = "held, not used")]
enum Peer {
    Raw(Connection, quinn::SendStream, quinn::RecvStream),
    Web(Session, web_transport_quinn::SendStream, web_transport_quinn::RecvStream),
}

impl Peer {
    async fn open(endpoint: &Endpoint, client: ClientConfig, at: SocketAddr, web: bool) -> Peer {
        let connection = endpoint.connect_with(client, at, "localhost").expect("it begins").await.expect("connected");
        let mut peer = if web {
            let url = Url::parse(&format!("https://localhost:{}/v1/wt", at.port())).expect("an address");
            let session = Session::connect(connection, ConnectRequest::new(url)).await.expect("a session");
            let (send, recv) = session.open_bi().await.expect("a stream");
            Peer::Web(session, send, recv)
        } else {
            let (send, recv) = connection.open_bi().await.expect("a stream");
            Peer::Raw(connection, send, recv)
        };
        peer.echo(100).await;
        peer
    }

    /// Sends so much and reads it again.
    async fn echo(&mut self, length: usize) {
        let framed = frame(&vec![b'x'; length]);
        let mut back = vec![0; framed.len()];
        match self {
            Peer::Raw(_, send, recv) => {
                send.write_all(&framed).await.expect("sent");
                recv.read_exact(&mut back).await.expect("answered");
            }
            Peer::Web(_, send, recv) => {
                send.write_all(&framed).await.expect("sent");
                recv.read_exact(&mut back).await.expect("answered");
            }
        }
        assert_eq!(back, framed);
    }
}

async fn measure(web: bool) -> [String; 3] {
    let server = Server::start();
    let client = server.client(if web { b"h3" } else { ALPN });
    let endpoint = Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let open = |count: u64| {
        iter(0..count).map(|_| Peer::open(&endpoint, client.clone(), server.at, web)).buffer_unordered(AT_ONCE).collect::<Vec<_>>()
    };
    let first = open(64).await;
    let (before, began) = (server.resident_bytes(), server.cpu());
    let mut peers = open(MANY).await;
    let cpu = server.cpu() - began;
    let each = |server: &Server| (server.resident_bytes().saturating_sub(before)) as f64 / MANY as f64 / 1024.0;
    // What is acknowledged late is let go of by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let quiet = each(&server);
    for peer in &mut peers {
        peer.echo(MESSAGE).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = each(&server);
    drop(first);
    [format!("{quiet:.1} KiB"), format!("{after:.1} KiB"), format!("{:.0}", MANY as f64 / cpu)]
}

#[tokio::main]
async fn main() {
    if std::env::args().nth(1).as_deref() == Some("serve") {
        return serve().await;
    }
    let [raw, raw_after, handshakes] = measure(false).await;
    let [web, web_after, sessions] = measure(true).await;
    println!("| what | figure | target |\n|---|---|---|");
    println!("| QUIC, {MANY} idle connections: memory each, quiet | {raw} | ≤ 32 KiB |");
    println!("| the same after a message of 6 KiB each way | {raw_after} | ≤ 40 KiB |");
    println!("| WebTransport, {MANY} idle sessions: memory each, quiet | {web} | ≤ 50 KiB |");
    println!("| the same after a message of 6 KiB each way | {web_after} | |");
    println!("| QUIC: handshakes with first message a CPU-second of the server | {handshakes} | ≥ 2,000 |");
    println!("| WebTransport: the same with CONNECT | {sessions} | |");
}
