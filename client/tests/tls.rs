//! TLS against real servers of this machine with a certificate that nobody else believes: over WebSocket, HTTP and QUIC it is believed
//! if one says so, and else the client says at once that it is not, with a code of its own.

use duologue_client::ids::{ClientId, UserId};
use duologue_client::time::{Millis, Span};
use duologue_client::wire::{Card, ServerMessage, State, Welcome, binary, json};
use duologue_client::{Client, Config, ConnectError, Event, HttpError, Server, Tls};
use duologue_transport::framing::{Reader, frame};
use futures_util::{SinkExt, StreamExt};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, ServerConfig};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

/// A certificate for `localhost`.
struct Certificate {
    pem: String,
    der: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    fn new() -> Certificate {
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        Certificate { pem: made.cert.pem(), der: made.cert.der().clone(), key }
    }

    fn server(&self, alpn: &[&[u8]]) -> Arc<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.der.clone()], self.key.clone_key())
            .expect("a pair");
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }

    /// A configuration of the application's own, that believes this alone.
    fn alone(&self) -> Tls {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        Tls::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    /// Everything that believes it, and everything that does not.
    fn believers(&self) -> ([Tls; 2], [Tls; 2]) {
        let other = Certificate::new();
        (
            [Tls::trusting(self.pem.as_bytes()).expect("a certificate"), self.alone()],
            [Tls::browsers(), Tls::trusting(other.pem.as_bytes()).expect("a certificate")],
        )
    }
}

fn welcome() -> ServerMessage {
    let empty = String::new;
    let card = Card { user: UserId(1), name: "Ann".into(), gender: empty(), selfie: empty(), video: empty(), tags: vec![] };
    ServerMessage::Welcome(Box::new(Welcome {
        user: Arc::new(card),
        resume: "resume".into(),
        recovered: false,
        now: Millis(1_760_000_000_000),
        seq: 0,
        last_id: 0,
        grace: Span::secs(10),
        media_base: empty(),
        state: State::default(),
    }))
}

fn config() -> Config {
    Config { backoff_first: Span::millis(20), ..Config::new("token", ClientId(5), 7) }
}

struct Listener {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Listener {
    async fn new(certificate: &Certificate) -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Listener { listener, tls: TlsAcceptor::from(certificate.server(&[])) }
    }

    fn at(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.listener.local_addr().expect("an address").port())
    }

    /// The next connection; none where TLS was given up.
    async fn accept(&self) -> Option<TlsStream<TcpStream>> {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        self.tls.accept(stream).await.ok()
    }
}

fn is_untrusted(result: Result<Client, ConnectError>) {
    let error = result.expect_err("not believed");
    assert_eq!(error.code(), "untrusted", "{error}");
    assert!(matches!(&error, ConnectError::Untrusted(why) if why.starts_with("invalid peer certificate")), "{error}");
}

#[tokio::test]
async fn a_websocket_over_tls_is_welcomed_by_whom_one_believes() {
    let certificate = Certificate::new();
    let (believing, doubting) = certificate.believers();
    let listener = Listener::new(&certificate).await;
    let url = format!("{}/v1/ws", listener.at("wss"));
    for tls in &believing {
        let script = async {
            let stream = listener.accept().await.expect("it is believed");
            #[expect(clippy::result_large_err, reason = "the library's own callback")]
            let agree = |request: &Request, mut response: Response| {
                let name = request.headers().get("sec-websocket-protocol").expect("names its form").clone();
                response.headers_mut().insert("sec-websocket-protocol", name);
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(stream, agree).await.expect("a handshake");
            assert!(matches!(socket.next().await, Some(Ok(Message::Text(hello))) if hello.contains("hello")));
            let text = String::from_utf8(json::encode_server(&welcome())).expect("UTF-8");
            socket.send(Message::text(text)).await.expect("written");
            while let Some(Ok(_)) = socket.next().await {}
        };
        let program = async {
            let mut client = Client::connect_with_tls(&url, config(), tls).await.expect("welcomed");
            assert!(matches!(client.next().await, Some(Event::Welcomed(_))));
            client.leave().await;
        };
        tokio::join!(script, program);
    }
    for tls in &doubting {
        let (stream, result) = tokio::join!(listener.accept(), Client::connect_with_tls(&url, config(), tls));
        assert!(stream.is_none());
        is_untrusted(result);
    }
    let (_, result) = tokio::join!(listener.accept(), Client::connect_with(&url, config()));
    is_untrusted(result);
}

#[tokio::test]
async fn http_over_tls_is_answered_by_whom_one_believes() {
    let certificate = Certificate::new();
    let (believing, doubting) = certificate.believers();
    let listener = Listener::new(&certificate).await;
    let server = Server::at(&listener.at("https")).expect("an address");
    for tls in &believing {
        let server = server.clone().with_tls(tls);
        let script = async {
            let mut stream = listener.accept().await.expect("it is believed");
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.expect("a request"));
            }
            stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.expect("written");
        };
        let ((), answer) = tokio::join!(script, server.quic());
        assert_eq!(answer.expect("an answer"), None);
    }
    for tls in &doubting {
        let server = server.clone().with_tls(tls);
        let (stream, answer) = tokio::join!(listener.accept(), server.quic());
        assert!(stream.is_none());
        let error = answer.expect_err("not believed");
        assert_eq!(error.code(), "untrusted", "{error}");
        assert!(matches!(&error, HttpError::Untrusted(why) if why.starts_with("invalid peer certificate")), "{error}");
    }
}

#[tokio::test]
async fn quic_is_welcomed_by_whom_one_believes() {
    let certificate = Certificate::new();
    let (believing, doubting) = certificate.believers();
    let crypto = QuicServerConfig::try_from(certificate.server(&[b"duologue/1"])).expect("TLS 1.3");
    let config_of_server = ServerConfig::with_crypto(Arc::new(crypto));
    let endpoint = Endpoint::server(config_of_server, "127.0.0.1:0".parse().expect("an address")).expect("a port");
    let url = format!("quic://localhost:{}", endpoint.local_addr().expect("an address").port());
    for tls in &believing {
        let script = async {
            let connection = endpoint.accept().await.expect("a connection").await.expect("it is believed");
            let (mut send, mut recv) = connection.accept_bi().await.expect("a stream");
            let (mut reader, mut buffer) = (Reader::default(), [0; 4096]);
            while reader.take().expect("framed").is_none() {
                let length = recv.read(&mut buffer).await.expect("read").expect("a hello");
                reader.give(&buffer[..length]);
            }
            send.write_all(&frame(&binary::encode_server(&welcome()))).await.expect("written");
            connection.closed().await;
        };
        let program = async {
            let mut client = Client::connect_with_tls(&url, config(), tls).await.expect("welcomed");
            assert!(matches!(client.next().await, Some(Event::Welcomed(_))));
            client.leave().await;
        };
        tokio::join!(script, program);
    }
    for tls in &doubting {
        let refused = async {
            // A slow machine may make the client try more than once.
            loop {
                assert!(endpoint.accept().await.expect("a connection").await.is_err());
            }
        };
        tokio::select! {
            result = Client::connect_with_tls(&url, config(), tls) => is_untrusted(result),
            () = refused => {}
        }
    }
}
