//! Duologue inside of a server of one's own: a realm with its data folder, and routes for an axum application that has its own
//! beside them. `examples/axum.rs` is a whole one.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use duologue_server::config::{Settings, Sources};
//! use duologue_server::embed::Duologue;
//! use std::net::SocketAddr;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let sets = vec!["data=./realm".into(), "invites.ring=30s".into()];
//! let duologue = Duologue::start(&Settings::load(&Sources { sets, ..Sources::default() })?).await?;
//! let app = Router::new().route("/hello", get(async || "hello")).merge(duologue.routes());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! let served = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
//! served.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
//! duologue.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! **Whose is what.** Yours: the runtime, ports and TLS, the log, signals, who may sign in. Ours: a data folder, which no other
//! process may have; a thread for the realm and three for its store; the connections that come in by the routes. Keys of the
//! configuration that speak of yours (`listen`, `tls`, `quic`) have no effect: QUIC and WebTransport are the process's of its own.
//!
//! **Signing in.** A token is what a client connects with. [`Duologue::guest`] makes one for whom you have let in, under the name
//! that you say; keep user id and token with your own account, and hand the token to their client. After `sessions.guest` [7 days] the
//! token signs nobody in, and whoever is made a guest anew is somebody else, without cooldowns, blocks and history: set the key to as
//! long as your accounts last.
//!
//! **Memory.** `memory.budget` [512 MB] is of the whole process, yours included: beyond it nobody new is let in. Set it to yours.
//!
//! **Addresses.** Limits count by address (RATE), so the routes must know it: serve with
//! [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info)`::<SocketAddr>()`, or put a
//! [`Peer`](crate::http::Peer) into the extensions of each request. Behind a proxy, say `http.trusted_proxies`.

use crate::config::{Settings, wide};
use crate::http::{self, App, Problem};
use crate::realm::{self, Around, Ended, Realm};
use crate::secrets;
use axum::Router;
use axum::routing::MethodRouter;
use duologue_core::input::{Address, Request};
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::Millis;
use duologue_core::output::Reply;
use duologue_transport_ws::handshake::Origins;
use std::fmt;
use std::future::pending;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::task::AbortHandle;

pub use crate::realm::Failed;

/// A realm within this program; a handle, whose clones are the same realm. Without [`Duologue::stop`] its thread goes on until the
/// process ends; what was acknowledged is on the disk either way.
#[derive(Clone, Debug)]
pub struct Duologue {
    app: Arc<App>,
    ended: Ended,
    judge: AbortHandle,
}

/// Somebody new, with the token that signs them in.
#[derive(Clone, PartialEq, Eq)]
pub struct Guest {
    /// Who they are to everybody else, for ever.
    pub user: UserId,
    /// For their client's `hello` and for `Authorization: Bearer`; 43 characters. Only its SHA-256 is kept.
    pub token: String,
    /// The end of the session, in milliseconds since 1970: `sessions.guest` from now (CON 1).
    pub expires: Millis,
}

impl fmt::Debug for Guest {
    /// Without the token, which signs in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("user", &self.user).field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Duologue {
    /// Opens the data folder, reads the realm from its rows and starts its thread. Returns once the realm answers. Within a Tokio
    /// runtime with time and I/O.
    ///
    /// # Errors
    /// `Failed` – the folder is in use or cannot be opened, the wall clock is not believed, or the system gives no thread.
    pub async fn start(settings: &Settings) -> Result<Duologue, Failed> {
        let folder = settings.text("data").expect("it has a default");
        let realm = Realm::start(settings, realm::open(Path::new(folder))?, false)?;
        let origins = Origins { allowed: settings.texts("http.origins").to_vec() };
        let app = realm.app(settings, Around { carrier: None, certificates: None, next_conn: Arc::new(AtomicU64::new(1)), origins });
        app.driver.look().await.map_err(|_| Failed::because("the realm ended at once"))?;
        let judge = tokio::spawn(realm::judge_memory(app.clone(), settings.judge())).abort_handle();
        Ok(Duologue { app, ended: Ended::of(realm.thread), judge })
    }

    /// Every route of `docs/protocol.md`, with their CORS and headers, and nothing for other paths: `/v1/…`, `/media/…`,
    /// `/health…`, `/metrics`. To be merged, or nested (then clients have to be told the address, and `media.base_url` too).
    pub fn routes(&self) -> Router {
        http::routes(self.app.clone())
    }

    /// The WebSocket's endpoint alone, to be put at any path; clients come by the token that [`Duologue::guest`] gives.
    pub fn socket(&self) -> MethodRouter {
        http::socket(self.app.clone())
    }

    /// Makes somebody a guest under this name, as `POST /v1/guests` does, for a client at this address.
    ///
    /// # Errors
    /// A [`Problem`], to be answered as it is – 422: the name is not one (1 to 40 characters) or the gender none of
    /// `profile.genders`; 429: too many from this address; 503: the store takes nothing, or there is no room.
    pub async fn guest(&self, name: &str, gender: Option<&str>, from: IpAddr) -> Result<Guest, Problem> {
        let token = secrets::token();
        let session = secrets::hash(&token).expect("a token of ours");
        let request = Request::Guest { user: secrets::user(), session, name: name.into(), gender: gender.map(String::from) };
        match self.app.ask(None, Address(wide(from.to_canonical())), request).await? {
            Reply::Guest { user, expires } => Ok(Guest { user: user.user, token, expires }),
            _ => Err(http::unexpected()),
        }
    }

    /// Waits until the realm ends by itself, which it does only where going on could not be right: the database refuses rows, or
    /// another process has taken it. Nothing is answered any more then; end the program, or start anew. For ever, where it stops.
    pub async fn fails(&self) -> Failed {
        match self.ended.wait().await {
            Err(failed) => failed,
            // It was asked to stop, and did: this is not what is waited for here.
            Ok(()) => pending().await,
        }
    }

    /// Tells every connection `going_away`, writes what is to be written, and ends the realm's thread, within 5 s. Calls go on: after
    /// the next start their members have `calls.recovery` to come back (CALL 12). The data folder is free when the routes made from
    /// this are dropped too, and its clones: they read pictures.
    ///
    /// # Errors
    /// `Failed` – the realm had ended before, or did not end in time. What was acknowledged is on the disk all the same.
    pub async fn stop(&self) -> Result<(), Failed> {
        self.judge.abort();
        realm::stop(&self.app, &self.ended, async {}).await
    }
}
