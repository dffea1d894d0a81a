//! `--https`: a phone beside the laptop. The certificate that the server made is the only one that is believed here.

use duologue_client::wire::{Event as Happened, Why};
use duologue_client::{Client, Config, Event, HttpError, Server as Door, Tls};
use duologue_tests::{Server, http, run, within};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http::HeaderValue};
use url::Url;

fn file(server: &Server) -> PathBuf {
    server.folder.path().join("development-certificate.pem")
}

fn tls(server: &Server) -> Tls {
    Tls::trusting(&std::fs::read(file(server)).expect("it is kept")).expect("a certificate")
}

/// TLS to the server, which is asked for by this name.
async fn secure(server: &Server, to: SocketAddr, name: &str) -> TlsStream<TcpStream> {
    let mut store = RootCertStore::empty();
    store.add(CertificateDer::from_pem_file(file(server)).expect("a certificate")).expect("one that can be believed");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has what TLS needs")
        .with_root_certificates(store)
        .with_no_client_auth();
    let stream = within("a connection", TcpStream::connect(to)).await.expect("it listens");
    let name = ServerName::try_from(name.to_string()).expect("a name");
    within("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await.expect("its certificate says so")
}

/// An upgrade as a page of this origin asks for it.
async fn upgraded(server: &Server, to: SocketAddr, name: &str, host: &str, origin: &str) -> Result<(), Error> {
    let mut request = format!("wss://{host}/v1/ws").into_client_request().expect("an address");
    request.headers_mut().insert("origin", HeaderValue::from_str(origin).expect("an origin"));
    let stream = secure(server, to, name).await;
    within("an answer", tokio_tungstenite::client_async(request, stream)).await.map(|_| ())
}

/// "The process", HTTP: under every address that it tells, and under its names, the page, its API and its WebSocket are there for pages
/// that came from there, and for no other page.
#[tokio::test]
async fn under_every_address_that_it_tells_the_page_may_speak_to_it() {
    let server = Server::https().await;
    let port = server.at.port();
    let mut doors: Vec<(SocketAddr, String)> = vec![(server.at, "127.0.0.1".into()), (server.at, "localhost".into())];
    for other in &server.others {
        let url = Url::parse(other).expect("an address");
        assert_eq!((url.scheme(), url.port()), ("https", Some(port)), "{other}");
        let host = url.host_str().expect("a host").to_string();
        let to: SocketAddr = format!("{host}:{port}").parse().expect("an address");
        assert!(to.is_ipv4() && !to.ip().is_loopback(), "{other}");
        doors.push((to, host));
    }
    let system = rustix::system::uname();
    doors.push((server.at, system.nodename().to_str().expect("text").to_ascii_lowercase()));
    for (to, name) in doors {
        let host = format!("{name}:{port}");
        let health = http::ask_over(secure(&server, to, &name).await, &host, "GET", "/health", None, None).await;
        assert_eq!((health.status, &health.body["status"]), (200, &"ok".into()), "{host}");
        let page = http::ask_over(secure(&server, to, &name).await, &host, "GET", "/", None, None).await;
        assert_eq!(page.status, 200, "{host}");
        upgraded(&server, to, &name, &host, &format!("https://{host}")).await.expect("its own page");
        match upgraded(&server, to, &name, &host, "https://evil.example").await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
            other => panic!("{other:?}"),
        }
    }
}

/// Whoever writes the address without its scheme is led to the right one, and is told nothing else.
#[tokio::test]
async fn without_tls_it_says_where_to_go() {
    let server = Server::https().await;
    let answer = http::ask(server.at, "GET", "/", None, None).await;
    assert_eq!(answer.status, 307, "{answer:?}");
    assert!(answer.head.to_ascii_lowercase().contains(&format!("location: https://{}/\r\n", server.at)), "{}", answer.head);
    let answer = http::ask(server.at, "GET", "/?carrier=auto", None, None).await;
    assert!(answer.head.to_ascii_lowercase().contains(&format!("location: https://{}/?carrier=auto\r\n", server.at)), "{}", answer.head);
    for (method, path) in [("POST", "/v1/guests"), ("GET", "/health")] {
        let answer = http::send(server.at, method, path, &[], b"{}").await;
        assert_eq!((answer.status, answer.body.len()), (307, 0), "{path}");
    }
    for odd in ["evil.example/@", "a b", ""] {
        let request = format!("GET / HTTP/1.1\r\nhost: {odd}\r\nconnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(server.at).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut told = String::new();
        within("an answer", stream.read_to_string(&mut told)).await.expect("text");
        assert!(told.starts_with("HTTP/1.1 400"), "{odd}: {told}");
    }
    // Who says nothing keeps nobody from coming.
    let _silent = TcpStream::connect(server.at).await.expect("it listens");
    secure(&server, server.at, "localhost").await;
}

/// Reads on until this has happened.
async fn happens<T>(client: &mut Client, what: &str, mut is_it: impl FnMut(Happened) -> Option<T>) -> T {
    within(what, async {
        loop {
            match client.next().await {
                Some(Event::Happened(event)) => {
                    if let Some(found) = is_it(event) {
                        return found;
                    }
                }
                Some(_) => {}
                None => panic!("the client ended before {what}"),
            }
        }
    })
    .await
}

/// INV 1, CALL 6: programs that believe this certificate, over a WebSocket with TLS and over QUIC, meet; whoever believes the web's does
/// not even speak to the server.
#[tokio::test]
async fn two_programs_that_believe_its_certificate_meet() {
    let server = Server::https().await;
    let url = format!("https://{}", server.at);
    let stranger = Door::at(&url).expect("an address");
    assert!(matches!(within("a refusal", stranger.guest("Eve")).await, Err(HttpError::Untrusted(_))));

    let tls = tls(&server);
    let door = stranger.with_tls(&tls);
    let (ann, bob) = (door.guest("Ann").await.expect("a guest"), door.guest("Bob").await.expect("a guest"));
    assert!(door.websocket().starts_with("wss://"));
    let config = Config::drawn(ann.token).expect("random numbers");
    let mut ann = within("a welcome", Client::connect_with_tls(&door.websocket(), config, &tls)).await.expect("welcomed");
    let quic = door.quic().await.expect("it is told").expect("QUIC is spoken");
    let mut bob_there = within("a welcome", Client::connect(&quic, bob.token)).await.expect("welcomed");
    ann.join().await.expect("joined");
    bob_there.join().await.expect("joined");

    ann.invite(bob.user, 120).await.expect("it rings");
    let invite = happens(&mut bob_there, "a ring", |event| match event {
        Happened::Rang { invite, .. } => Some(invite),
        _ => None,
    });
    let invite = invite.await;
    bob_there.accept(invite, 120).await.expect("accepted");
    let call = happens(&mut ann, "the call", |event| match event {
        Happened::CallStarted(call) => Some(call.call),
        _ => None,
    });
    let call = call.await;
    ann.hang_up(call).await.expect("hung up");
    let why = happens(&mut bob_there, "the end", |event| match event {
        Happened::CallEnded(ended) => Some(ended.why),
        _ => None,
    });
    assert_eq!(why.await, Why::HangUp);
}

/// A browser that was told to go on is not asked again after a restart; the key is nobody else's to read.
#[tokio::test]
async fn a_restart_keeps_the_certificate() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Server::https().await;
    let kept = std::fs::read(file(&server)).expect("it is kept");
    assert_eq!(std::fs::metadata(file(&server)).expect("it is kept").permissions().mode() & 0o777, 0o600);
    let server = server.kill().await.restart().await;
    assert_eq!(std::fs::read(file(&server)).expect("it is kept"), kept);
    // And it is what the next one shows.
    secure(&server, server.at, "localhost").await;
}

/// "The process": two certificates are one too many.
#[tokio::test]
async fn a_certificate_of_the_operators_beside_it_exits_2() {
    let ended = run(&["serve", "--https", "--set", "tls.certificate=/c.pem", "--set", "tls.key=/k.pem"]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let [line] = ended.errors.as_slice() else { panic!("one line: {ended:?}") };
    assert!(line.contains("--https") && line.contains("tls.certificate"), "{line}");
}
