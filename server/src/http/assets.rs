//! The pages: files of the built web folder, inside the binary. Names with a hash are kept by browsers for ever, the others are
//! asked for again each time and answered by 304 where they are the same. The policy lets a page load from here, talk to here,
//! and nothing else.

use super::compress::becomes_smaller;
use super::compressed::Coding;
use super::{App, Problem};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use std::fmt::Write;
use std::sync::Arc;

/// Path from the root, and content.
pub(super) type File = (&'static str, &'static [u8]);

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A page, or 404 where there is none.
pub(super) async fn asset(State(app): State<Arc<App>>, method: Method, uri: Uri, headers: HeaderMap) -> Response<Body> {
    let path = uri.path();
    let name = if path == "/" { "/index.html" } else { path };
    let Some((name, content)) = FILES.iter().find(|(file, _)| *file == name) else {
        return Problem::new(404, "unknown_path", format!("Nothing at {path}")).into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        return Problem::new(405, "method_not_allowed", format!("{path} does not take {method}")).into_response();
    }
    let kept = if has_hash(name) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = file(content, content_type(name), kept, &headers);
    let set = response.headers_mut();
    if name.ends_with(".html") {
        set.insert(CONTENT_SECURITY_POLICY, policy(&app.media_base, app.quic_address().map(|address| address.port())));
        set.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        set.insert(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static("camera=(self), microphone=(self), geolocation=()"),
        );
    }
    response
}

/// What is inside the binary; 304 where whoever asks has it.
pub(super) fn file(content: &'static [u8], kind: &'static str, kept: &'static str, asked: &HeaderMap) -> Response<Body> {
    let etag = etag(content);
    let mut response = if asked.get(IF_NONE_MATCH).is_some_and(|known| *known == etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(content))
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if becomes_smaller(response.headers()) {
        let coding = Coding::taken(asked).filter(|_| response.status() == StatusCode::OK);
        if let Some((name, bytes)) = coding.and_then(|coding| Some((coding.name(), coding.of(content)?))) {
            *response.body_mut() = Body::from(bytes);
            response.headers_mut().insert(CONTENT_ENCODING, name);
        }
        response.headers_mut().insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let set = response.headers_mut();
    set.insert(ETAG, etag);
    set.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    response
}

/// A weak one: the bytes on the wire may be compressed.
fn etag(content: &[u8]) -> HeaderValue {
    let mut text = String::from("W/\"");
    for byte in &crate::secrets::sha256(content)[..12] {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    HeaderValue::from_str(&text).expect("hexadecimal digits")
}

/// WebTransport may have another port than the pages.
fn policy(media_base: &str, quic_port: Option<u16>) -> HeaderValue {
    let quic = quic_port.map(|port| format!(" https://*:{port}")).unwrap_or_default();
    let media = if media_base.starts_with("http") { format!(" {media_base}") } else { String::new() };
    let text = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self' ws: wss:{quic}; img-src 'self' data: blob:{media}; \
         media-src 'self' blob:{media}; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&text).expect("a checked address")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// `app-3f9a1c2b.js`: at least eight hexadecimal digits before the extension. Other letters would not do: a hash of them may be a word,
/// hold a hyphen, or have no digit.
fn has_hash(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let mut parts = file.split(['.', '-']).rev();
    parts.next();
    parts.next().is_some_and(|part| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_and_style_of_the_pages_has_a_name_that_may_be_kept_for_ever() {
        for (name, _) in FILES.iter().filter(|(name, _)| name.ends_with(".js") || name.ends_with(".css")) {
            assert!(has_hash(name), "{name}");
        }
    }

    #[test]
    fn there_is_a_first_page_and_names_with_a_hash_are_told() {
        assert!(FILES.iter().any(|(name, content)| *name == "/index.html" && !content.is_empty()));
        assert!(has_hash("/assets/app-3f9a1c2b.js") && has_hash("/app.3F9A1C2B.css") && has_hash("/app-decadefa.js"));
        assert!(!has_hash("/index.html") && !has_hash("/favicon.svg") && !has_hash("/duologue-webworker.js"));
        assert!(policy("https://media.example/", None).to_str().is_ok_and(|text| text.contains("blob: https://media.example/;")));
        assert!(policy("/media/", Some(8443)).to_str().is_ok_and(|text| text.contains(" wss: https://*:8443;")));
    }
}
