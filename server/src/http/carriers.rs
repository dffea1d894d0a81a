//! Where QUIC and WebTransport are, for clients that came by HTTP: the port may be another, and a development certificate is
//! believed by its hash only.

use super::{App, Problem};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::fmt::Write;
use std::sync::Arc;

/// `GET /v1/quic`
pub(super) async fn quic(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    let address = app.quic_address().ok_or_else(|| Problem::new(404, "unknown_path", "QUIC is not spoken here"))?;
    let hash = app.certificates.as_ref().and_then(|certificates| certificates.hash());
    let hashes: Vec<String> = hash.iter().map(|hash| hexadecimal(hash)).collect();
    Ok(Json(json!({ "port": address.port(), "alpn": "duologue/1", "webtransport": "/v1/wt", "certificate_sha256": hashes })))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
