//! The port: accepting, TLS, and HTTP/1.1 on each connection until it ends or becomes a WebSocket. Everything that a stranger
//! can hold open is bounded: how many, how long a handshake and a request's head may take, how large the head may be.

use crate::certificates::Certificates;
use crate::http::Peer;
use axum::Router;
use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;
use tracing::{debug, warn};

/// How long a TLS handshake may take.
const HANDSHAKE_MOST: Duration = Duration::from_secs(10);
/// How long a request's head may take, and how long a connection may wait for its next one.
const HEAD_MOST: Duration = Duration::from_secs(10);
/// The largest head of a request.
const HEAD_MOST_BYTES: usize = 16 * 1024;
/// Headers of a request.
const HEADERS_MOST: usize = 64;
/// Connections that wait to be accepted: as many as the system lets (`net.core.somaxconn`). Everybody comes at once after a restart;
/// whoever finds no place is not refused but unheard, and the client's system asks again only after 1, 3, 7, 15 seconds.
const BACKLOG: i32 = i32::MAX;
/// After an accept that failed (no descriptors left), before the next.
const PAUSE: Duration = Duration::from_millis(100);

/// TLS on the port.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    /// Whether those who speak without are told where to go; else they hear nothing.
    leads_on: bool,
}

/// TLS, by rustls with ring, for HTTP.
pub fn tls(certificates: Arc<Certificates>, leads_on: bool) -> Tls {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has what TLS needs")
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Tls { acceptor: TlsAcceptor::from(Arc::new(config)), leads_on }
}

/// Accepts for ever. `most` bounds connections that still speak HTTP; WebSockets are counted elsewhere.
pub async fn accept(listener: TcpListener, tls: Option<Tls>, router: Router, most: usize) {
    let room = Arc::new(Semaphore::new(most));
    loop {
        let permit = room.clone().acquire_owned().await.expect("it is never closed");
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (tls, router) = (tls.clone(), router.clone());
        tokio::spawn(async move {
            let _permit = permit;
            // Rings and signals are small and must not wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            match tls {
                None => serve(stream, peer, router).await,
                Some(tls) if tls.leads_on && is_plain(&stream).await => serve(stream, peer, Router::new().fallback(elsewhere)).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE_MOST, tls.acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => serve(stream, peer, router).await,
                    Ok(Err(error)) => debug!(%error, "no TLS came of it"),
                    Err(_) => debug!("a TLS handshake took too long"),
                },
            }
        });
    }
}

/// Whether somebody speaks without TLS: a record of a handshake begins with 22 (RFC 8446, section 5.1). Who says nothing is left to TLS
/// and its patience.
async fn is_plain(stream: &TcpStream) -> bool {
    let mut first = [0];
    match tokio::time::timeout(HANDSHAKE_MOST, stream.peek(&mut first)).await {
        Ok(Ok(1)) => first[0] != 22,
        _ => false,
    }
}

/// For whoever wrote the address without its scheme: the same, over TLS. Not for ever: the next server here may speak without.
async fn elsewhere(uri: Uri, headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Authority>().ok());
    match host {
        Some(host) => {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            Redirect::temporary(&format!("https://{host}{path}")).into_response()
        }
        None => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, peer: SocketAddr, router: Router) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let mut router = router.clone();
        async move { router.call(request.map(axum::body::Body::new) as Request).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MOST)
        .max_buf_size(HEAD_MOST_BYTES)
        .max_headers(HEADERS_MOST)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        debug!(%error, "a connection broke off");
    }
}

/// Binds the port.
///
/// # Errors
/// What to do about it, in one line.
pub fn bind(address: SocketAddr) -> Result<std::net::TcpListener, String> {
    let bound = std::net::TcpListener::bind(address).and_then(|listener| {
        // The library asks for 128; asking again changes it.
        rustix::net::listen(&listener, BACKLOG)?;
        listener.set_nonblocking(true).map(|()| listener)
    });
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} of {} is in use by another program: choose one with --listen {}:0 (any free one) or stop the other",
            address.port(),
            address.ip(),
            address.ip()
        ),
        io::ErrorKind::PermissionDenied => {
            format!("port {} may not be opened by this user: choose one above 1023 with --listen {}:8080", address.port(), address.ip())
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine: choose another with --listen, like 127.0.0.1:{}", address.ip(), address.port())
        }
        _ => format!("{address} cannot be listened on: {error} (--listen changes it)"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream as Client;

    #[test]
    fn whoever_comes_while_nobody_accepts_waits_for_it() {
        let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("Linux tells it");
        let places: usize = somaxconn.trim().parse().expect("a number");
        let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let come = |_| Client::connect_timeout(&address, Duration::from_millis(900));
        let came: Vec<_> = (0..places.min(400)).map(come).take_while(Result::is_ok).collect();
        assert_eq!(came.len(), places.min(400));
    }

    #[test]
    fn a_port_in_use_names_itself_and_the_flag() {
        let first = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = first.local_addr().expect("an address");
        let told = bind(address).expect_err("it is in use");
        assert!(told.contains(&address.port().to_string()) && told.contains("--listen"), "{told}");
    }
}
