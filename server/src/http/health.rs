//! Health: whether the process lives, whether it takes newcomers, and how much of everything there is. Fields as documented in
//! `docs/protocol.md`; more may be added.

use super::{App, Problem};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Always 200 while anything answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// 503 while it drains.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.ready.load(Ordering::Relaxed) {
        Json(json!({ "status": "ready" })).into_response()
    } else {
        Problem::unavailable().into_response()
    }
}

/// Everything in numbers.
pub(super) async fn health(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let snapshot = app.driver.look().await.map_err(|_| Problem::unavailable())?;
    let (engine, gateway) = (snapshot.engine, snapshot.gateway);
    let (used, level) = app.memory.level();
    let total = engine.links_live + engine.links_graced;
    let status = if !snapshot.store_up {
        "degraded"
    } else if app.ready.load(Ordering::Relaxed) {
        "ok"
    } else {
        "draining"
    };
    Ok(Json(json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_s": snapshot.uptime.as_secs(),
        "memory": { "level": crate::memory::name(level), "used_bytes": used, "budget_bytes": app.memory.budget() },
        "connections": {
            "users": engine.users_connected,
            "total": total,
            "live": engine.links_live,
            "graced": engine.links_graced,
            "waiting": gateway.waiting,
            "made_up": app.made_up.load(Ordering::Relaxed),
            "limit": app.connections_max,
            "utilization": ratio(total.into(), app.connections_max.into()),
        },
        "cache": {
            "users": cache(engine.user_hits, engine.user_misses, engine.users),
            "sessions": cache(engine.session_hits, engine.session_misses, engine.sessions),
        },
        "store": { "backend": app.backend, "up": snapshot.store_up, "backlog": snapshot.backlog },
        "scalability": { "role": "all", "realm": "main", "node": 1, "current": total, "maximum": app.connections_max },
    })))
}

fn cache(hits: u64, misses: u64, entries: u32) -> Value {
    json!({ "hits": hits, "misses": misses, "hit_rate": ratio(hits, hits + misses), "entries": entries })
}

/// To four digits; 0 of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}
