//! What requests carry: a token in `Authorization`, JSON in the body. Read whole, within 64 KiB, and only as JSON; or, where a
//! picture is wanted, as a picture within its own bound.

use super::Problem;
use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use bytes::{Bytes, BytesMut};
use duologue_core::kit::ids::{CallId, MAX_INTEGER, TokenHash, UserId};
use duologue_core::wire::{Closing, MESSAGE_MAX_BYTES, Reason};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use std::time::Duration;

/// Bytes of a body that is too long which are still read.
const PASSED_OVER_MAX: usize = 4 << 20;
/// And for how long.
const PASSED_OVER_FOR: Duration = Duration::from_secs(2);

/// The bearer token's hash.
///
/// # Errors
/// 401 – there is none, or nothing that could be one.
pub(super) fn bearer(headers: &HeaderMap) -> Result<TokenHash, Problem> {
    let bad = || Problem::closed(Closing::BadToken, None);
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(bad()) };
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(bad)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(bad());
    }
    crate::secrets::hash(token).ok_or_else(bad)
}

/// The body, whole.
///
/// # Errors
/// 413 – longer than 64 KiB. 415 – not said to be JSON. 400 – it broke off.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    read_as(headers, body, &["application/json"], MESSAGE_MAX_BYTES).await?.ok_or_else(not_json)
}

/// The body, whole; none where it broke off.
///
/// # Errors
/// 413 – longer than `most`. 415 – not said to be one of `types`.
pub(super) async fn read_as(headers: &HeaderMap, body: Body, types: &[&str], most: usize) -> Result<Option<Bytes>, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    let mut chunks = body.into_data_stream();
    if announced.is_some_and(|length| length > most) {
        pass_over(chunks).await;
        return Err(Problem::refused(&Reason::TooLarge));
    }
    if !is_one_of(types, headers) {
        return Err(Problem::new(415, "unsupported_media_type", format!("The body is to be {}", types.join(" or "))));
    }
    let mut whole = BytesMut::with_capacity(announced.unwrap_or_default());
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else { return Ok(None) };
        if whole.len() + chunk.len() > most {
            pass_over(chunks).await;
            return Err(Problem::refused(&Reason::TooLarge));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Some(whole.freeze()))
}

/// Reads and drops what is left of a body that is too long: over unread bytes the connection is reset, and the answer with it.
/// Whoever sends more than that, or slowly, has earned no answer.
async fn pass_over(mut chunks: BodyDataStream) {
    let all = async {
        let mut left = PASSED_OVER_MAX;
        while let Some(Ok(chunk)) = chunks.next().await {
            let Some(less) = left.checked_sub(chunk.len()) else { break };
            left = less;
        }
    };
    let _ = tokio::time::timeout(PASSED_OVER_FOR, all).await;
}

fn is_one_of(types: &[&str], headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    types.iter().any(|kind| said.eq_ignore_ascii_case(kind))
}

pub(super) fn not_json() -> Problem {
    Problem::new(400, "bad_message", "The body is not JSON")
}

/// The fields of a JSON object; `null` means absent.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// # Errors
    /// 400 – not JSON. 422 – JSON, but no object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Fields, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Fields(map)),
            Ok(_) => Err(Problem::refused(&Reason::BadMessage { field: None, why: "an object".into() })),
            Err(_) => Err(not_json()),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<String, Problem> {
        self.optional_text(name)?.ok_or_else(|| Problem::field(name, "is missing"))
    }

    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Problem::field(name, "a text")),
        }
    }

    pub(super) fn user(&self, name: &'static str) -> Result<UserId, Problem> {
        UserId::parse(&self.text(name)?).ok_or_else(|| Problem::field(name, "a UUID"))
    }

    pub(super) fn optional_call(&self, name: &'static str) -> Result<Option<CallId>, Problem> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_u64()
                .filter(|id| (1..=MAX_INTEGER).contains(id))
                .map(|id| Some(CallId(id)))
                .ok_or_else(|| Problem::field(name, "a whole number from 1 to 2^53 - 1")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().expect("a value"))])
    }

    #[test]
    fn only_a_whole_bearer_token_is_one() {
        let token = crate::secrets::token();
        assert!(bearer(&headers(&format!("Bearer {token}"))).is_ok() && bearer(&headers(&format!("bearer {token}"))).is_ok());
        for wrong in [
            "",
            "Bearer",
            "Bearer nonsense",
            "Bearer null",
            &token,
            &format!("Basic {token}"),
            &format!("Bearer {token} x"),
            &format!("Bearer {}", &token[2..]),
        ] {
            assert_eq!(bearer(&headers(wrong)).expect_err(wrong).status(), 401);
        }
        assert!(bearer(&HeaderMap::new()).is_err());
    }

    #[test]
    fn what_is_no_json_is_400_and_a_wrong_field_422() {
        let status = |text: &str| Fields::parse(text.as_bytes()).err().map(|problem| problem.status());
        assert_eq!((status("{"), status(""), status("[]"), status("7"), status("{}")), (Some(400), Some(400), Some(422), Some(422), None));
        let fields = Fields::parse(br#"{"name":5,"user":"x","call":1.5,"none":null}"#).unwrap_or_else(|_| panic!("an object"));
        assert_eq!(fields.text("name").expect_err("a number").status(), 422);
        assert_eq!(fields.text("none").expect_err("null").status(), 422);
        assert!(fields.user("user").is_err() && fields.optional_call("call").is_err());
        assert_eq!(fields.optional_text("absent").ok(), Some(None));
    }
}
