//! Errors as `application/problem+json` (RFC 9457) with a `code` that clients may branch on. The codes are those of the
//! protocol; the title is for people who read logs.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use axum::middleware::Next;
use axum::response::IntoResponse;
use duologue_core::kit::time::Span;
use duologue_core::wire::{Closing, Reason, json};
use serde_json::{Map, Value};

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    body: Vec<u8>,
    retry_after: Option<Span>,
}

impl Problem {
    /// One that the realm knows nothing of.
    pub fn new(status: u16, code: &str, title: impl Into<String>) -> Problem {
        let mut object = Map::new();
        object.insert("title".into(), Value::String(title.into()));
        object.insert("status".into(), status.into());
        object.insert("code".into(), code.into());
        Problem { status, body: Value::Object(object).to_string().into_bytes(), retry_after: None }
    }

    /// A field that is not as it should be: 422.
    pub fn field(field: &'static str, why: &'static str) -> Problem {
        Problem::refused(&Reason::field(field, why))
    }

    /// The server has no room, or stops: 503.
    pub fn unavailable() -> Problem {
        Problem::refused(&Reason::Unavailable { retry_after: Span::secs(1) })
    }

    /// More requests wait than may: 503.
    pub fn at_capacity() -> Problem {
        Problem::closed(Closing::AtCapacity, Some(Span::secs(1)))
    }

    /// The realm refused.
    pub fn refused(reason: &Reason) -> Problem {
        let (status, title) = match reason {
            Reason::BadMessage { .. } => (422, "A field is not as it should be"),
            Reason::InvalidDuration | Reason::InvalidTarget => (422, "That cannot be meant"),
            Reason::NoAccess | Reason::NotMember | Reason::NotYours => (403, "Not yours"),
            Reason::RateLimited { .. } => (429, "Too often"),
            Reason::TooLarge => (413, "Too large"),
            Reason::Unavailable { .. } => (503, "Not now"),
            Reason::UnknownCall | Reason::UnknownCode | Reason::UnknownInvite | Reason::UnknownUser => (404, "Unknown"),
            Reason::Answered
            | Reason::Busy
            | Reason::Cooldown { .. }
            | Reason::Expired
            | Reason::NotInLobby
            | Reason::Offline
            | Reason::TooManyInvites => (409, "Not as things stand"),
        };
        let retry_after = match reason {
            Reason::RateLimited { retry_after } | Reason::Unavailable { retry_after } => Some(*retry_after),
            _ => None,
        };
        Problem { status, body: json::problem(status, title, reason), retry_after }
    }

    /// The realm knows no session like this.
    pub fn closed(closing: Closing, retry_after: Option<Span>) -> Problem {
        let (status, title) = match closing {
            Closing::BadToken => (401, "No token, or none that is known"),
            Closing::ExpiredToken => (401, "The token's time is over"),
            Closing::Banned => (403, "Banned"),
            _ => (503, "Not now"),
        };
        Problem { status, body: json::problem_closing(status, title, closing, retry_after), retry_after }
    }

    /// What the status line says.
    pub fn status(&self) -> u16 {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).expect("a status of ours");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(retry_after) = self.retry_after {
            // Whole seconds, rounded up: earlier would be too early.
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.0.div_ceil(1_000).max(1)));
        }
        response
    }
}

/// Headers of every answer: nobody is to guess types, or to keep what is somebody's own.
pub(super) async fn common(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(HeaderName::from_static("x-content-type-options")).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(HeaderName::from_static("referrer-policy")).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(HeaderName::from_static("cache-control")).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_when_to_come_back_in_both_ways() {
        let response = Problem::refused(&Reason::RateLimited { retry_after: Span::millis(1_500) }).into_response();
        assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &HeaderValue::from_static("2")));
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn sessions_that_are_none_are_401_and_the_banned_403() {
        for (closing, status) in
            [(Closing::BadToken, 401), (Closing::ExpiredToken, 401), (Closing::Banned, 403), (Closing::AtCapacity, 503)]
        {
            assert_eq!(Problem::closed(closing, None).status(), status);
        }
        let response = Problem::closed(Closing::BadToken, None).into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    }
}
