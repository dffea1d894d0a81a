//! The built-in store of pictures over HTTP: one's own is put, everybody's is got. The store is in [`crate::media`]; here is what a
//! request must look like, and what it is answered.

use super::address::Peer;
use super::api::{Answer, shown, unexpected};
use super::body::{bearer, read_as};
use super::{App, Problem};
use crate::media::{BODY_MAX_BYTES, Media, Name, NoTurn, NotKept, Turn, Wrong};
use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use duologue_core::input::{Address, Level, Request};
use duologue_core::kit::ids::{TokenHash, UserId};
use duologue_core::kit::time::Span;
use duologue_core::output::Reply;
use duologue_core::wire::{Patch, ProfilePatch, Reason};
use std::sync::Arc;
use std::time::Duration;

/// What may be sent.
const TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];
/// How long a picture may take to come: whoever needs longer would keep a place from others.
const BODY_FOR: Duration = Duration::from_secs(30);
/// When it is worth coming back with a picture.
const LATER: Span = Span::secs(1);

/// `PUT /v1/me/selfie`
pub(super) async fn put(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap, content: Body) -> Answer {
    let (who, address) = (bearer(&headers)?, app.address(peer, &headers));
    let Reply::Me { user, .. } = app.ask(Some(who), address, Request::Me).await? else { return Err(unexpected()) };
    let Some(media) = app.media.clone() else { return Err(Problem::new(404, "unknown_path", "No pictures are kept here")) };
    let turn = media.turn(user.user).map_err(|no| match no {
        NoTurn::Theirs => Problem::refused(&Reason::RateLimited { retry_after: LATER }),
        NoTurn::Full => Problem::at_capacity(),
    })?;
    let late = |_| Problem::new(400, "bad_message", "The body took too long");
    let body = tokio::time::timeout(BODY_FOR, read_as(&headers, content, &TYPES, BODY_MAX_BYTES)).await.map_err(late)??;
    let body = body.ok_or_else(|| Problem::new(400, "bad_message", "The body broke off"))?;
    // MEM 3: nothing that can wait takes memory now.
    if app.memory.level().1 == Level::Critical {
        return Err(Problem::unavailable());
    }
    let jpeg = media.square(body).await.map_err(|wrong| match wrong {
        Wrong::Broken => Problem::field("selfie", "a whole JPEG, PNG or WebP"),
        Wrong::TooLarge => Problem::refused(&Reason::TooLarge),
        Wrong::Unknown => Problem::new(415, "unsupported_media_type", "The body is to be a JPEG, PNG or WebP"),
    })?;
    // From here on it goes to its end, also if nobody waits for the answer any more.
    let kept = tokio::spawn(keep(app, media, (who, address), user.user, jpeg, turn));
    kept.await.unwrap_or_else(|_| Err(Problem::unavailable()))
}

async fn keep(app: Arc<App>, media: Arc<Media>, (who, address): (TokenHash, Address), user: UserId, jpeg: Vec<u8>, turn: Turn) -> Answer {
    let reply = {
        let _writing = media.writing().await;
        let name = media.keep(user, jpeg).await.map_err(|not| match not {
            NotKept::Failed(_) | NotKept::Full => Problem::unavailable(),
        })?;
        let patch = ProfilePatch { selfie: Patch::Set(name.to_string()), ..ProfilePatch::default() };
        app.ask(Some(who), address, Request::Profile(Box::new(patch))).await
    };
    // The one before goes, or, if the realm refused, this one.
    media.tidied(user).await;
    drop(turn);
    shown(reply?)
}

/// `GET /media/{user}/{file}`
pub(super) async fn get(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let name = path.ok().and_then(|Path((user, file))| Name::parse(&user, &file));
    let found = match (&app.media, name) {
        (Some(media), Some(name)) => media.read(name).await.map(|jpeg| (name, jpeg)),
        _ => None,
    };
    let Some((name, jpeg)) = found else {
        return Problem::new(404, "unknown_path", format!("Nothing at {}", uri.path())).into_response();
    };
    let etag = HeaderValue::from_str(&format!("\"{name}\"")).expect("digits and marks");
    let mut response = if headers.get(IF_NONE_MATCH).is_some_and(|known| *known == etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(jpeg))
    };
    let set = response.headers_mut();
    set.insert(CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    set.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    set.insert(ETAG, etag);
    response
}
