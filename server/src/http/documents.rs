//! The protocol for machines: the documents of `docs/`, which are made from tables and compared with this server by tests.

use super::assets::file;
use axum::body::Body;
use axum::http::{HeaderMap, Response};

const ASYNCAPI: &[u8] = include_bytes!("../../../docs/asyncapi.json");
const OPENAPI: &[u8] = include_bytes!("../../../docs/openapi.json");

/// `GET /asyncapi.json`
pub(super) async fn asyncapi(headers: HeaderMap) -> Response<Body> {
    file(ASYNCAPI, "application/json", "no-cache", &headers)
}

/// `GET /openapi.json`
pub(super) async fn openapi(headers: HeaderMap) -> Response<Body> {
    file(OPENAPI, "application/json", "no-cache", &headers)
}
