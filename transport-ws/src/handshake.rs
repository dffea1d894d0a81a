//! What an upgrade request is answered (RFC 6455, section 4.2): whether it is one, whether its origin may, which sub-protocol
//! is spoken, whether messages are deflated. Pure functions over headers; the HTTP server sends the answer and hands the stream over.

use crate::offer::Deflate;
use duologue_transport::Form;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};

/// The sub-protocol of text frames.
pub const JSON: &str = "duologue.v1.json";
/// The sub-protocol of binary frames.
pub const POSTCARD: &str = "duologue.v1.postcard";

/// A request that may be upgraded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What is spoken.
    pub form: Form,
    /// Whether messages may be deflated, and how.
    pub deflate: Option<Deflate>,
    /// The headers of the answer, whose status is 101.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a request is not upgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not an upgrade to a WebSocket at all, or a broken one: 400.
    NotAnUpgrade,
    /// A page of another origin: 403.
    Origin,
    /// Another version of the protocol than 13: 426, with `Sec-WebSocket-Version: 13`.
    Version,
}

/// Whose pages may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    /// Allowed beside the server's own, as browsers write them: `https://example.org`, with a port where it is not the scheme's.
    pub allowed: Vec<String>,
}

impl Origins {
    /// Whether a page may speak to the server that it reached as `host`. Without an `Origin` there is no page, and it may.
    pub fn allow(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else { return true };
        if headers.get_all(ORIGIN).iter().count() != 1 {
            return false;
        }
        let Ok(origin) = origin.to_str() else { return false };
        self.is_listed(origin) || headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| Origins::is_own(origin, host))
    }

    /// Whether this origin is in the operator's list: exact scheme, host and port.
    pub fn is_listed(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    /// Whether an origin is the one that the request itself went to. The scheme is left open between the two of the web, since a
    /// proxy in front may speak TLS where the server does not.
    pub fn is_own(origin: &str, host: &str) -> bool {
        let (rest, port) = match origin.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (rest, ":443"),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (rest, ":80"),
            _ => return false,
        };
        let bare = |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
        !rest.is_empty() && bare(rest) == bare(host)
    }
}

/// Which form the client's sub-protocols lead to, and which of them is answered: its first that is spoken here. None offered is
/// JSON without one; only unknown ones are accepted without one, so that the connection can be told `unsupported`.
pub fn negotiate<'a>(offered: impl Iterator<Item = &'a str>) -> (Form, Option<&'static str>) {
    let mut any = false;
    for name in offered.map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            JSON => return (Form::Json, Some(JSON)),
            POSTCARD => return (Form::Postcard, Some(POSTCARD)),
            _ => any = true,
        }
    }
    (if any { Form::Unknown } else { Form::Json }, None)
}

/// Decides about an upgrade request (a GET over HTTP/1.1) by its headers.
///
/// # Errors
/// - [`Refused::NotAnUpgrade`] – a header is missing or has another meaning.
/// - [`Refused::Version`] – it is one, of another version.
/// - [`Refused::Origin`] – it comes from a page that may not.
pub fn decide(headers: &HeaderMap, origins: &Origins) -> Result<Accepted, Refused> {
    if !lists(headers, &CONNECTION, "upgrade") || !lists(headers, &UPGRADE, "websocket") {
        return Err(Refused::NotAnUpgrade);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(Refused::Version);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).ok_or(Refused::NotAnUpgrade)?;
    if !origins.allow(headers) {
        return Err(Refused::Origin);
    }
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let (form, protocol) = negotiate(offered);
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes())).expect("base64 is a header value");
    let mut answer = vec![
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    if let Some(protocol) = protocol {
        answer.push((SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol)));
    }
    let deflate = Deflate::accept(headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok()));
    if let Some((_, agreed)) = &deflate {
        answer.push((SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_str(agreed).expect("names and digits")));
    }
    Ok(Accepted { form, deflate: deflate.map(|(deflate, _)| deflate), headers: answer })
}

/// Whether a header lists this token, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(extra: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let usual = [
            ("host", "duo.example:8080"),
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in usual {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"));
        }
        for (name, value) in extra {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value.parse().expect("a value"));
        }
        headers
    }

    fn protocol(accepted: &Accepted) -> Option<&str> {
        accepted.headers.iter().find(|(name, _)| name == SEC_WEBSOCKET_PROTOCOL).map(|(_, value)| value.to_str().expect("text"))
    }

    #[test]
    fn the_key_is_answered_as_in_the_standard() {
        let accepted = decide(&request(&[]), &Origins::default()).expect("an upgrade");
        let accept = accepted.headers.iter().find(|(name, _)| name == SEC_WEBSOCKET_ACCEPT).map(|(_, value)| value.clone());
        assert_eq!(accept, Some(HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
        assert_eq!((accepted.form, protocol(&accepted)), (Form::Json, None));
    }

    #[test]
    fn the_first_known_sub_protocol_wins_and_only_unknown_ones_are_told_so() {
        for (offered, form, answered) in [
            ("duologue.v1.json", Form::Json, Some(JSON)),
            ("duologue.v1.postcard, duologue.v1.json", Form::Postcard, Some(POSTCARD)),
            ("duologue.v9.json,duologue.v1.json", Form::Json, Some(JSON)),
            ("duologue.v9.json", Form::Unknown, None),
            (" , ", Form::Json, None),
        ] {
            let accepted = decide(&request(&[("sec-websocket-protocol", offered)]), &Origins::default()).expect("an upgrade");
            assert_eq!((accepted.form, protocol(&accepted)), (form, answered), "{offered}");
        }
    }

    #[test]
    fn deflate_is_agreed_to_where_it_is_offered() {
        let answered = |offer: &[(&str, &str)]| {
            let accepted = decide(&request(offer), &Origins::default()).expect("an upgrade");
            let header = accepted.headers.iter().find(|(name, _)| name == SEC_WEBSOCKET_EXTENSIONS);
            (accepted.deflate, header.map(|(_, value)| value.to_str().expect("text").to_string()))
        };
        assert_eq!(answered(&[]), (None, None));
        assert_eq!(answered(&[("sec-websocket-extensions", "x-webkit-deflate-frame")]), (None, None));
        let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let offer = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
        assert_eq!(answered(&offer), (Some(Deflate::LARGEST), Some(agreed.into())));
    }

    #[test]
    fn what_is_no_upgrade_is_refused() {
        for (name, value, why) in [
            ("connection", "keep-alive", Refused::NotAnUpgrade),
            ("upgrade", "h2c", Refused::NotAnUpgrade),
            ("sec-websocket-key", "x", Refused::NotAnUpgrade),
            ("sec-websocket-version", "8", Refused::Version),
            ("origin", "https://evil.example", Refused::Origin),
        ] {
            assert_eq!(decide(&request(&[(name, value)]), &Origins::default()), Err(why), "{name}: {value}");
        }
    }

    #[test]
    fn an_origin_is_ones_own_or_listed_exactly() {
        let origins = Origins { allowed: vec!["https://app.example".into(), "http://localhost:5173".into()] };
        for (origin, allowed) in [
            ("http://duo.example:8080", true),
            ("https://DUO.example:8080", true),
            ("http://duo.example", false),
            ("http://duo.example:8081", false),
            ("http://sub.duo.example:8080", false),
            ("http://duo.example:8080.evil.example", false),
            ("https://app.example", true),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("http://localhost:5173", true),
            ("null", false),
            ("file://", false),
            ("", false),
        ] {
            assert_eq!(origins.allow(&request(&[("origin", origin)])), allowed, "{origin}");
        }
        assert!(origins.allow(&request(&[])), "no page, no origin");
        assert!(is_own("https://duo.example", "duo.example:443") && is_own("http://duo.example", "duo.example"));
    }
}
