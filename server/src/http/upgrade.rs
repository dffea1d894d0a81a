//! From a request to a WebSocket: the answer is the transport's to decide; then the byte stream is taken out of the HTTP server,
//! whose memory is freed, and served by a task of its own.

use super::address::{Peer, client};
use super::places::{Place, Silence};
use super::{App, Problem};
use crate::secrets;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HeaderValue, SEC_WEBSOCKET_VERSION};
use axum::http::{Response, StatusCode, Version};
use axum::response::IntoResponse;
use duologue_transport::ConnId;
use duologue_transport_ws::Opening;
use duologue_transport_ws::handshake::{Refused, decide};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tracing::debug;

/// `GET /v1/ws`
pub(super) async fn upgrade(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, mut request: Request) -> Response<Body> {
    if request.version() != Version::HTTP_11 {
        return Problem::new(400, "bad_message", "An upgrade is of HTTP/1.1").into_response();
    }
    let accepted = match decide(request.headers(), &app.origins) {
        Ok(accepted) => accepted,
        Err(refused) => return told(refused),
    };
    let address = client(peer, request.headers(), &app.trusted);
    let opening = Opening {
        conn: ConnId(app.next_conn.fetch_add(1, Ordering::Relaxed)),
        address: address.0,
        form: accepted.form,
        deflate: accepted.deflate,
        secret: secrets::random(),
    };
    let place = app.places.take().await;
    tokio::spawn(take_over(app, hyper::upgrade::on(&mut request), opening, place));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().extend(accepted.headers);
    response
}

fn told(refused: Refused) -> Response<Body> {
    match refused {
        Refused::NotAnUpgrade => Problem::new(400, "bad_message", "Not an upgrade to a WebSocket").into_response(),
        Refused::Origin => {
            Problem::new(403, "bad_origin", "Pages of this origin may not connect; the operator lists them in http.origins").into_response()
        }
        Refused::Version => {
            let mut response = Problem::new(426, "bad_message", "WebSocket version 13 is spoken here").into_response();
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            response
        }
    }
}

/// Waits for the answer to be out, then hands the stream to a task that holds nothing of HTTP any more.
async fn take_over(app: Arc<App>, upgrade: OnUpgrade, opening: Opening, place: Place) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => return debug!(%error, "an upgrade broke off"),
    };
    let silence = place.keep();
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => drop(tokio::spawn(app.sockets.serve(parts.io.into_inner(), parts.read_buf.to_vec(), opening, silence))),
        Err(upgraded) => take_over_other(&app, upgraded, opening, silence),
    }
}

/// TLS of ours, or whatever another server that these routes are mounted in reads and writes.
fn take_over_other(app: &App, upgraded: Upgraded, opening: Opening, silence: Silence) {
    match upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>() {
        Ok(parts) => drop(tokio::spawn(app.sockets.serve(parts.io.into_inner(), parts.read_buf.to_vec(), opening, silence))),
        Err(upgraded) => drop(tokio::spawn(app.sockets.serve(TokioIo::new(upgraded), Vec::new(), opening, silence))),
    }
}
