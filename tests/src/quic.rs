//! QUIC and WebTransport as a client has them: a stream of length and message, in the binary form. Stories speak JSON; what the two
//! forms have in common is translated here, so that the same stories run over every carrier.

use crate::http;
use duologue_core::wire::{binary, json};
use duologue_transport::framing::{Reader, frame};
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, TransportConfig, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use serde_json::Value;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use web_transport_quinn::proto::ConnectRequest;
use web_transport_quinn::{Session, SessionError, WebTransportError};

/// Believes the one certificate whose hash it was told.
#[derive(Debug)]
struct Pinned {
    hashes: Vec<String>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let hash: String = ring_digest(end_entity).iter().map(|byte| format!("{byte:02x}")).collect();
        if self.hashes.contains(&hash) { Ok(ServerCertVerified::assertion()) } else { Err(CertificateError::UnknownIssuer.into()) }
    }
    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, d, &self.algorithms)
    }
    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, d, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn ring_digest(bytes: &[u8]) -> Vec<u8> {
    ::ring::digest::digest(&::ring::digest::SHA256, bytes).as_ref().to_vec()
}

/// How a QUIC client of this protocol connects to the server whose HTTP is at `at`; with a small window, what it does not read
/// stands at the server soon.
pub async fn client(at: SocketAddr, alpn: &[u8], narrow: bool) -> (SocketAddr, ClientConfig) {
    let told = http::get(at, "/v1/quic", None).await;
    let port = told["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
    let hashes = told["certificate_sha256"].as_array().expect("hashes").iter().map(|hash| hash.as_str().expect("text").into()).collect();
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let pinned = Pinned { hashes, algorithms: provider.signature_verification_algorithms };
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(pinned))
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    let mut client = ClientConfig::new(Arc::new(quinn::crypto::rustls::QuicClientConfig::try_from(tls).expect("a cipher suite")));
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(Duration::from_secs(2)));
    if narrow {
        transport.stream_receive_window(4096u32.into());
    }
    client.transport_config(Arc::new(transport));
    (SocketAddr::new(at.ip(), port), client)
}

enum Streams {
    Raw(quinn::SendStream, quinn::RecvStream),
    Web(Box<Session>, web_transport_quinn::SendStream, web_transport_quinn::RecvStream),
}

/// One connection.
pub struct Quic {
    /// Its end of the network: it may be bound anew.
    pub endpoint: Endpoint,
    /// QUIC's own.
    pub connection: Connection,
    streams: Streams,
    reader: Reader,
}

impl std::fmt::Debug for Quic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.connection.fmt(f)
    }
}

impl Quic {
    /// Connects to the server whose HTTP is at `at`.
    ///
    /// # Errors
    /// It was not let in.
    pub async fn connect(at: SocketAddr, web: bool, narrow: bool) -> Result<Quic, ConnectionError> {
        let (udp, client) = client(at, if web { b"h3" } else { b"duologue/1" }, narrow).await;
        let endpoint = Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let connection = endpoint.connect_with(client, udp, "localhost").expect("it begins").await?;
        let streams = if web {
            let url = Url::parse(&format!("https://{udp}/v1/wt")).expect("an address");
            let session = Session::connect(connection.clone(), ConnectRequest::new(url)).await.expect("a session");
            let (send, recv) = session.open_bi().await.expect("a stream");
            Streams::Web(Box::new(session), send, recv)
        } else {
            let (send, recv) = connection.open_bi().await?;
            Streams::Raw(send, recv)
        };
        Ok(Quic { endpoint, connection, streams, reader: Reader::default() })
    }

    /// Another socket, as after a change of network.
    pub fn rebind(&self) {
        self.endpoint.rebind(UdpSocket::bind("127.0.0.1:0").expect("a port")).expect("a socket");
    }

    /// Writes bytes as they are; false where the connection is over.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        match &mut self.streams {
            Streams::Raw(send, _) => send.write_all(bytes).await.is_ok(),
            Streams::Web(_, send, _) => send.write_all(bytes).await.is_ok(),
        }
    }

    /// Sends a message that is one; false where the connection is over.
    pub async fn send(&mut self, message: &Value) -> bool {
        let message = json::decode_client(message.to_string().as_bytes()).expect("a message of the protocol");
        self.write(&frame(&binary::encode_client(&message))).await
    }

    /// The next message; none at the end of the connection.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.reader.take().expect("no message is too large") {
                let message = binary::decode_server(&message).expect("the server speaks the binary form");
                return Some(serde_json::from_slice(&json::encode_server(&message)).expect("JSON"));
            }
            let mut buffer = [0; 4096];
            let read = match &mut self.streams {
                Streams::Raw(_, recv) => recv.read(&mut buffer).await.ok().flatten(),
                Streams::Web(_, _, recv) => recv.read(&mut buffer).await.ok().flatten(),
            };
            self.reader.give(&buffer[..read?]);
        }
    }

    /// Waits for the end of the connection; its application error code, where the server closed it with one.
    pub async fn code(&self) -> Option<u16> {
        let code = match &self.streams {
            Streams::Raw(..) => match self.connection.closed().await {
                ConnectionError::ApplicationClosed(close) => Some(u64::from(close.error_code)),
                _ => None,
            },
            Streams::Web(session, ..) => match session.closed().await {
                SessionError::WebTransportError(WebTransportError::Closed(code, _)) => Some(code.into()),
                _ => None,
            },
        };
        code.map(|code| u16::try_from(code).expect("a code of the protocol"))
    }

    /// Leaves for good, after everything that was said: with code 0, or 1000 where it is a session of WebTransport.
    pub async fn leave(&mut self) {
        match &mut self.streams {
            Streams::Raw(send, _) => {
                let _ = send.finish();
                let _ = send.stopped().await;
                self.connection.close(VarInt::from_u32(0), b"");
            }
            Streams::Web(session, send, _) => {
                let _ = send.finish();
                let _ = send.stopped().await;
                session.close(1000, b"");
                session.closed().await;
            }
        }
        self.endpoint.wait_idle().await;
    }

    /// Ends as a browser ends what a page has left open: with 0.
    ///
    /// # Panics
    /// If it is no session of WebTransport.
    pub fn forget(&self) {
        let Streams::Web(session, ..) = &self.streams else { panic!("only browsers do so") };
        session.close(0, b"");
    }

    /// Ends with a code that does not say that one leaves for good.
    pub fn break_off(&self) {
        match &self.streams {
            Streams::Raw(..) => self.connection.close(VarInt::from_u32(1001), b""),
            Streams::Web(session, ..) => session.close(1001, b""),
        }
    }
}
