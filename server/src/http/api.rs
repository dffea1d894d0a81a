//! The users' half of the API. A token is checked before a body: whoever has none learns nothing of what a field should be. The
//! realm knows the tokens, so where a body is wrong it is asked first whose it is.

use super::address::{Peer, client};
use super::body::{Fields, bearer, not_json, read};
use super::{App, Problem};
use crate::secrets;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse;
use duologue_core::input::{Address, Request};
use duologue_core::kit::ids::{CallId, MAX_INTEGER, TokenHash, UserId};
use duologue_core::output::Reply;
use duologue_core::wire::{Closing, json};
use std::sync::Arc;

pub(super) type Answer = Result<Response<Body>, Problem>;

fn body(status: StatusCode, bytes: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl App {
    /// Asks the realm, if there is room.
    pub(crate) async fn ask(&self, who: Option<TokenHash>, address: Address, request: Request) -> Result<Reply, Problem> {
        let _room = self.asking.try_acquire().map_err(|_| Problem::at_capacity())?;
        match self.driver.ask(who, address, request).await {
            Ok(Reply::No(reason)) => Err(Problem::refused(&reason)),
            Ok(Reply::Unauthorized(Closing::AtCapacity)) => Err(Problem::at_capacity()),
            Ok(Reply::Unauthorized(closing)) => Err(Problem::closed(closing, None)),
            Ok(reply) => Ok(reply),
            Err(crate::driver::Ended) => Err(Problem::unavailable()),
        }
    }

    /// What is wrong with a request, once its token is known to be right.
    async fn after_token(&self, who: TokenHash, address: Address, problem: Problem) -> Problem {
        match self.ask(Some(who), address, Request::Me).await {
            Ok(_) => problem,
            Err(first) => first,
        }
    }

    pub(super) fn address(&self, peer: Peer, headers: &HeaderMap) -> Address {
        client(peer, headers, &self.trusted)
    }
}

/// A fault of ours: the realm answered another question.
pub(crate) fn unexpected() -> Problem {
    Problem::new(500, "internal", "The realm answered another question")
}

/// `POST /v1/guests`
pub(super) async fn guest(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap, content: Body) -> Answer {
    let fields = Fields::parse(&read(&headers, content).await?)?;
    let (name, gender) = (fields.text("name")?, fields.optional_text("gender")?);
    // Of a later version; a wrong type is told already.
    fields.optional_text("introduction")?;
    fields.optional_text("access_code")?;
    let token = secrets::token();
    let session = secrets::hash(&token).expect("a token of ours");
    let request = Request::Guest { user: secrets::user(), session, name, gender };
    match app.ask(None, app.address(peer, &headers), request).await? {
        Reply::Guest { user, expires } => Ok(body(StatusCode::CREATED, json::guest(&user, &token, expires))),
        _ => Err(unexpected()),
    }
}

/// `DELETE /v1/session`
pub(super) async fn sign_out(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap) -> Answer {
    app.ask(Some(bearer(&headers)?), app.address(peer, &headers), Request::SignOut).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /v1/me`
pub(super) async fn me(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap) -> Answer {
    shown(app.ask(Some(bearer(&headers)?), app.address(peer, &headers), Request::Me).await?)
}

/// `PATCH /v1/me`
pub(super) async fn edit(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap, content: Body) -> Answer {
    let (who, address) = (bearer(&headers)?, app.address(peer, &headers));
    let patch = match read(&headers, content).await {
        Ok(bytes) => json::decode_profile(&bytes).map_err(|wrong| if wrong.is_json { Problem::refused(&wrong.reason) } else { not_json() }),
        Err(problem) => Err(problem),
    };
    match patch {
        Ok(patch) => shown(app.ask(Some(who), address, Request::Profile(Box::new(patch))).await?),
        Err(problem) => Err(app.after_token(who, address, problem).await),
    }
}

pub(super) fn shown(reply: Reply) -> Answer {
    match reply {
        Reply::Me { user, totals, expires } => {
            // Codes are of a later version: until then everybody has access.
            let access = json::Access { allowed: true, ..json::Access::default() };
            Ok(body(StatusCode::OK, json::me(&user, &totals, &access, expires)))
        }
        _ => Err(unexpected()),
    }
}

/// `GET /v1/history?before=&limit=`
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let (who, address) = (bearer(&headers)?, app.address(peer, &headers));
    match page(query.as_deref().unwrap_or_default()) {
        Ok((before, limit)) => match app.ask(Some(who), address, Request::History { before, limit }).await? {
            Reply::History { calls, more } => Ok(body(StatusCode::OK, json::history(&calls, more))),
            _ => Err(unexpected()),
        },
        Err(problem) => Err(app.after_token(who, address, problem).await),
    }
}

/// Which part of a list: `before` is a call's id, `limit` 1 to 100, else 20. Numbers have no need of percent signs.
fn page(query: &str) -> Result<(Option<CallId>, u32), Problem> {
    let (mut before, mut limit) = (None, 20);
    for (name, text) in query.split('&').filter_map(|part| part.split_once('=')).filter(|(_, text)| !text.is_empty()) {
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
        match name {
            "before" => {
                let id = number.filter(|id| (1..=MAX_INTEGER).contains(id));
                before = Some(CallId(id.ok_or_else(|| Problem::field("before", "the id of a call"))?));
            }
            "limit" => {
                let most = number.filter(|limit| (1..=100).contains(limit)).and_then(|limit| u32::try_from(limit).ok());
                limit = most.ok_or_else(|| Problem::field("limit", "a whole number from 1 to 100"))?;
            }
            _ => {}
        }
    }
    Ok((before, limit))
}

/// `POST /v1/reports`
pub(super) async fn report(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap, content: Body) -> Answer {
    made(&app, peer, &headers, content, |fields| {
        Ok(Request::Report { user: fields.user("user")?, reason: fields.text("reason")?, call: fields.optional_call("call")? })
    })
    .await
}

/// `POST /v1/blocks`
pub(super) async fn block(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap, content: Body) -> Answer {
    made(&app, peer, &headers, content, |fields| Ok(Request::Block(fields.user("user")?))).await
}

/// What is made of a body's fields, answered by 201.
async fn made(app: &App, peer: Peer, headers: &HeaderMap, content: Body, make: impl FnOnce(&Fields) -> Result<Request, Problem>) -> Answer {
    let (who, address) = (bearer(headers)?, app.address(peer, headers));
    let request = match read(headers, content).await {
        Ok(bytes) => Fields::parse(&bytes).and_then(|fields| make(&fields)),
        Err(problem) => Err(problem),
    };
    match request {
        Ok(request) => app.ask(Some(who), address, request).await.map(|_| body(StatusCode::CREATED, b"{}".to_vec())),
        Err(problem) => Err(app.after_token(who, address, problem).await),
    }
}

/// `DELETE /v1/blocks/{user}`
pub(super) async fn unblock(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Path(user): Path<String>,
) -> Answer {
    let (who, address) = (bearer(&headers)?, app.address(peer, &headers));
    match UserId::parse(&user) {
        Some(user) => app.ask(Some(who), address, Request::Unblock(user)).await.map(|_| StatusCode::NO_CONTENT.into_response()),
        None => Err(app.after_token(who, address, Problem::new(404, "unknown_user", "No such user")).await),
    }
}

/// What the protocol has and this version has not: told to whoever may ask.
pub(super) async fn later(State(app): State<Arc<App>>, Extension(peer): Extension<Peer>, headers: HeaderMap) -> Problem {
    let not_here = Problem::new(404, "unknown_path", "Not in this version");
    match bearer(&headers) {
        Ok(who) => app.after_token(who, app.address(peer, &headers), not_here).await,
        Err(problem) => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_history_has_its_bounds() {
        assert_eq!(page(""), Ok((None, 20)));
        assert_eq!(page("before=7&limit=100&x=1"), Ok((Some(CallId(7)), 100)));
        assert_eq!(page("before=&limit="), Ok((None, 20)));
        for wrong in ["limit=0", "limit=101", "limit=-1", "limit=x", "before=0", "before=x", "before=9007199254740992", "before=+1"] {
            assert_eq!(page(wrong).expect_err(wrong).status(), 422);
        }
    }
}
