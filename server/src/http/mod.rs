//! HTTP beside the WebSocket: the table of `docs/protocol.md`, "HTTP". Every route is here; what they say stands in the files
//! beside. A handler reads the request, asks the realm, and writes the answer; it decides nothing that a rule decides.

mod address;
mod api;
mod assets;
mod body;
mod carriers;
mod compress;
mod compressed;
mod cors;
mod documents;
mod health;
mod metrics;
mod pictures;
mod places;
mod problem;
mod upgrade;

pub use address::Peer;
pub(crate) use api::unexpected;
pub use metrics::Counters;
pub use places::Places;
pub use problem::Problem;

use crate::certificates::Certificates;
use crate::driver::Driver;
use crate::media::Media;
use crate::memory::Memory;
use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, any, delete, get, post, put};
use duologue_transport::Table;
use duologue_transport_quic::Carrier;
use duologue_transport_ws::Sockets;
use duologue_transport_ws::handshake::Origins;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use tokio::sync::Semaphore;

/// Requests that wait for the realm at a time; one more is `at_capacity`.
const ASKING_MOST: usize = 512;

/// What every handler may use.
#[derive(Debug)]
pub struct App {
    /// The realm.
    pub driver: Driver,
    /// Where an upgraded connection goes.
    pub sockets: Arc<Sockets>,
    /// All connections, whatever carries them.
    pub table: Arc<Table>,
    /// QUIC, where it is spoken.
    pub carrier: Option<Arc<Carrier>>,
    /// The certificate, where one is needed.
    pub certificates: Option<Arc<Certificates>>,
    /// The next connection's id, of all carriers.
    pub next_conn: Arc<AtomicU64>,
    /// Whose pages may speak to the server.
    pub origins: Origins,
    /// Whose `X-Forwarded-For` counts.
    pub trusted: Vec<IpNet>,
    /// Whether newcomers are welcome: not while it drains.
    pub ready: AtomicBool,
    /// Room for requests that wait for the realm.
    pub asking: Semaphore,
    /// Room for WebSockets that have not said hello.
    pub places: Places,
    /// Answers so far.
    pub counters: Counters,
    /// Of the process.
    pub memory: Memory,
    /// `connections.max`, for health.
    pub connections_max: u32,
    /// Which store there is, for health.
    pub backend: &'static str,
    /// How many made-up people are connected (`--with-people`).
    pub made_up: Arc<AtomicU64>,
    /// The built-in store of pictures, where it is on.
    pub media: Option<Arc<Media>>,
    /// Where pictures come from beside the server itself, for the pages' policy.
    pub media_base: String,
}

impl App {
    /// Room for requests, as `asking` wants it.
    pub fn room() -> Semaphore {
        Semaphore::new(ASKING_MOST)
    }

    /// Where QUIC is spoken.
    pub fn quic_address(&self) -> Option<SocketAddr> {
        self.carrier.as_ref().and_then(|carrier| carrier.address().ok())
    }
}

/// What stands at one path.
type At = (&'static str, MethodRouter<Arc<App>>);

/// The table: every path of the protocol, and what each of its methods does.
fn table() -> Vec<At> {
    vec![
        (SOCKET, get(upgrade::upgrade)),
        ("/v1/quic", get(carriers::quic)),
        ("/v1/guests", post(api::guest)),
        ("/v1/session", delete(api::sign_out)),
        ("/v1/me", get(api::me).patch(api::edit).delete(api::later)),
        ("/v1/history", get(api::history)),
        ("/v1/reports", post(api::report)),
        ("/v1/blocks", post(api::block)),
        ("/v1/blocks/{user}", delete(api::unblock)),
        ("/v1/me/selfie", put(pictures::put)),
        ("/media/{user}/{file}", get(pictures::get)),
        // In the protocol and not in this version: to be answered as what they are.
        ("/v1/introductions", post(api::later)),
        ("/v1/introductions/{code}", get(api::later)),
        ("/v1/notifications", get(api::later)),
        ("/v1/notifications/{id}/read", post(api::later)),
        ("/v1/admin/{*rest}", any(api::later)),
        ("/health", get(health::health)),
        ("/health/live", get(health::live)),
        ("/health/ready", get(health::ready)),
        ("/metrics", get(metrics::metrics)),
        ("/openapi.json", get(documents::openapi)),
        ("/asyncapi.json", get(documents::asyncapi)),
    ]
}

/// Where the WebSocket is.
const SOCKET: &str = "/v1/ws";

/// The paths of the table.
pub fn paths() -> Vec<&'static str> {
    table().into_iter().map(|(path, _)| path).collect()
}

/// The process's own: the table, and the pages for every other path.
pub fn router(app: Arc<App>) -> Router {
    around(whole_table().fallback(assets::asset), app)
}

/// For another server: the table, each of whose requests comes with its [`Peer`] or axum's `ConnectInfo`. Other paths are that server's
/// to answer: a merge takes over a fallback that was laid around with, so there is none.
pub(crate) fn routes(app: Arc<App>) -> Router {
    around(whole_table(), app).layer(from_fn(address::known)).reset_fallback()
}

/// For another server: the WebSocket alone.
pub(crate) fn socket(app: Arc<App>) -> MethodRouter {
    get(upgrade::upgrade).layer(from_fn(address::known)).with_state(app)
}

fn whole_table() -> Router<Arc<App>> {
    let router = table().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router.method_not_allowed_fallback(method_not_allowed)
}

/// What every answer goes through.
fn around(router: Router<Arc<App>>, app: Arc<App>) -> Router {
    router
        .layer(compress::layer())
        .layer(from_fn_with_state(app.clone(), cors::cors))
        .layer(from_fn(problem::common))
        .layer(from_fn_with_state(app.clone(), metrics::count))
        .with_state(app)
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(405, "method_not_allowed", format!("{} does not take {method}", uri.path()))
}
