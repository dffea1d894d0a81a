//! Duologue inside of an axum server that has pages, accounts and a login of its own.
//!
//! ```text
//! cargo run -p duologue-server --example axum                     # listens on 127.0.0.1:8090, keeps its rows in ./axum-data
//! cargo run -p duologue-server --example axum -- 127.0.0.1:9000 /tmp/somewhere
//!
//! curl http://127.0.0.1:8090/hello
//! curl http://127.0.0.1:8090/login -d user=ann -d password=north  # {"token":"…"}: what a client connects to /v1/ws with
//! ```
//!
//! Whoever signs in with the application's own accounts is a person in Duologue under their account's name. Others cannot come in:
//! the application mounts the WebSocket alone, and not the route by which anybody could make themself a guest.

use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use duologue_server::config::{Settings, Sources};
use duologue_server::embed::{Duologue, Guest};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// The application: its accounts, and what they are in Duologue.
struct App {
    duologue: Duologue,
    /// In earnest a database, with a row for each account and hashes of passwords.
    accounts: BTreeMap<&'static str, &'static str>,
    people: Mutex<BTreeMap<String, Guest>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8090".into());
    let data = arguments.next().unwrap_or_else(|| "axum-data".into());

    let sets = vec![format!("data={data}"), "invites.ring=30s".into(), "sessions.guest=365d".into()];
    let settings = Settings::load(&Sources { sets, ..Sources::default() })?;
    let duologue = Duologue::start(&settings).await?;

    let accounts = BTreeMap::from([("ann", "north"), ("bob", "south")]);
    let app = Arc::new(App { duologue: duologue.clone(), accounts, people: Mutex::default() });
    let router = Router::new()
        .route("/hello", get(async || "hello from the application"))
        .route("/login", post(login))
        .with_state(app)
        .route("/v1/ws", duologue.socket());

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    // Limits are counted by address, so Duologue must be told it.
    let served = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    let stopped = async move {
        let _ = tokio::signal::ctrl_c().await;
        // First the goodbyes: clients hear `going_away` while the port is open still.
        if let Err(failed) = duologue.stop().await {
            eprintln!("{failed}");
        }
    };
    served.with_graceful_shutdown(stopped).await?;
    Ok(())
}

/// The application's own login. It names the user; Duologue believes it.
async fn login(State(app): State<Arc<App>>, ConnectInfo(from): ConnectInfo<SocketAddr>, form: String) -> Response {
    let fields: BTreeMap<&str, &str> = form.split('&').filter_map(|field| field.split_once('=')).collect();
    let (user, password) = (fields.get("user").copied().unwrap_or_default(), fields.get("password").copied());
    if app.accounts.get(user).is_none_or(|right| password != Some(*right)) {
        return (StatusCode::FORBIDDEN, "no such account, or another password").into_response();
    }
    let mut people = app.people.lock().await;
    let guest = match people.get(user) {
        Some(guest) => guest.clone(),
        None => match app.duologue.guest(user, None, from.ip()).await {
            Ok(guest) => people.entry(user.into()).or_insert(guest).clone(),
            Err(problem) => return problem.into_response(),
        },
    };
    Json(json!({ "user": guest.user.to_string(), "token": guest.token })).into_response()
}
