//! What is compressed on its way out: answers of 200 from 1,024 bytes on, of types that become smaller, with gzip or brotli as the
//! client likes. A 201 carries a token beside a name that somebody chose, and stays as it is: its length tells nothing.

use axum::http::header::CONTENT_TYPE;
use axum::http::{Extensions, HeaderMap, StatusCode, Version};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

/// Smaller ones win little.
pub(super) const WORTH_BYTES: u16 = 1_024;
const LEVEL: i32 = 6;

type Judge = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Around all routes.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, Judge>> {
    let judge: Judge = |status, _, headers, _| status == StatusCode::OK && becomes_smaller(headers);
    CompressionLayer::new().quality(CompressionLevel::Precise(LEVEL)).compress_when(SizeAbove::new(WORTH_BYTES).and(judge))
}

/// Texts and their like; pictures and sounds are compressed in themselves.
pub(super) fn becomes_smaller(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || kind.ends_with("json") || matches!(kind, "application/wasm" | "image/svg+xml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn texts_become_smaller_and_pictures_do_not() {
        for (kind, smaller) in [
            ("text/javascript; charset=utf-8", true),
            ("application/json", true),
            ("application/manifest+json", true),
            ("image/svg+xml", true),
            ("application/wasm", true),
            ("image/png", false),
            ("font/woff2", false),
            ("audio/ogg", false),
            ("application/octet-stream", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(becomes_smaller(&headers), smaller, "{kind}");
        }
        assert!(!becomes_smaller(&HeaderMap::new()));
    }
}
