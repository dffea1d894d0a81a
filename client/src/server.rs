//! A server by the address of its HTTP: the two things that a program asks before it connects, a guest's token and where QUIC is, and
//! the addresses that [`Client::connect`](crate::Client::connect) takes. It keeps no connection.

#[cfg(feature = "tls")]
use crate::tls::{self, Tls};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::Millis;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
#[cfg(feature = "tls")]
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::TlsConnector;
use url::Url;

/// How long an answer may take, the connection included.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Answers are small.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// A server, known by the address of its HTTP.
#[derive(Clone, Debug)]
pub struct Server {
    url: Url,
    #[cfg(feature = "tls")]
    tls: Tls,
}

/// Somebody new, with the token that signs them in.
#[derive(Clone, PartialEq, Eq)]
pub struct Guest {
    /// Who they are.
    pub user: UserId,
    /// For [`Client::connect`](crate::Client::connect); shown to nobody but the server.
    pub token: String,
    /// Until when it signs in, by the server's clock.
    pub expires: Millis,
}

impl fmt::Debug for Guest {
    /// Without the token, which signs in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest").field("user", &self.user).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Why a server gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No address of a server, or of one that this client cannot reach (`https://` wants the feature `tls`).
    #[error("not a server's address: {0}")]
    Address(String),
    /// The server refused, with a stable code.
    #[error("the server said {code} ({status})")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// Of the protocol: `rate_limited`, `at_capacity`, `bad_message` and their like; empty where it said none.
        code: String,
        /// When it may be asked again, where it said so.
        retry_after: Option<Duration>,
    },
    /// What it answered is not of this protocol.
    #[error("no answer of a Duologue server: {0}")]
    Strange(String),
    /// Nobody answers there.
    #[error("the server does not answer: {0}")]
    Unreachable(String),
    /// The server's certificate is not believed; see `Server::with_tls`.
    #[cfg(feature = "tls")]
    #[error("the server is not believed: {0}")]
    Untrusted(String),
}

impl HttpError {
    /// A stable code: the server's own where it refused, else `bad_address`, `strange`, `unreachable` or `untrusted`.
    pub fn code(&self) -> &str {
        match self {
            HttpError::Address(_) => "bad_address",
            HttpError::Refused { code, .. } => code,
            HttpError::Strange(_) => "strange",
            HttpError::Unreachable(_) => "unreachable",
            #[cfg(feature = "tls")]
            HttpError::Untrusted(_) => "untrusted",
        }
    }
}

impl Server {
    /// `http://host:port` or `https://host`; what stands behind the host is left out.
    ///
    /// # Errors
    /// `Address` – not such an address.
    pub fn at(address: &str) -> Result<Server, HttpError> {
        let wrong = |what: &str| HttpError::Address(format!("{address}: {what}"));
        let mut url = Url::parse(address).map_err(|error| wrong(&error.to_string()))?;
        match url.scheme() {
            "http" => {}
            "https" if cfg!(feature = "tls") => {}
            "https" => return Err(wrong("this client was built without TLS")),
            _ => return Err(wrong("it begins with http:// or https://")),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("a host is missing"));
        }
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(Server {
            url,
            #[cfg(feature = "tls")]
            tls: Tls::browsers(),
        })
    }

    /// With this TLS instead of that of browsers.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, tls: &Tls) -> Server {
        Server { tls: tls.clone(), ..self }
    }

    /// Where its WebSocket is: `ws://…/v1/ws`, or `wss://…` where HTTP is HTTPS.
    pub fn websocket(&self) -> String {
        let scheme = if self.is_tls() { "wss" } else { "ws" };
        format!("{scheme}://{}/v1/ws", self.authority())
    }

    /// Where it speaks QUIC, with the certificate to believe where nobody else vouches for it; none where it does not.
    ///
    /// # Errors
    /// As [`Server::guest`].
    pub async fn quic(&self) -> Result<Option<String>, HttpError> {
        let told = match self.ask(Method::GET, "/v1/quic", None).await {
            Ok(told) => told,
            Err(HttpError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let strange = || HttpError::Strange("/v1/quic without port and certificates".to_owned());
        let port = told["port"].as_u64().ok_or_else(strange)?;
        let hashes = told["certificate_sha256"].as_array().ok_or_else(strange)?;
        let mut address = format!("quic://{}:{port}", self.host());
        for (at, hash) in hashes.iter().enumerate() {
            address.push_str(if at == 0 { "?certificate=" } else { "," });
            address.push_str(hash.as_str().ok_or_else(strange)?);
        }
        Ok(Some(address))
    }

    /// Makes a guest of this name.
    ///
    /// # Errors
    /// `Unreachable` – nobody answers. `Refused` – `bad_message` (the name), `rate_limited` (too many guests of this address),
    /// `at_capacity`, `unavailable`. `Strange` – somebody else answers.
    pub async fn guest(&self, name: &str) -> Result<Guest, HttpError> {
        let made = self.ask(Method::POST, "/v1/guests", Some(json!({ "name": name }))).await?;
        let guest = || {
            Some(Guest {
                user: UserId::parse(made["user"]["user"].as_str()?)?,
                token: made["token"].as_str()?.to_owned(),
                expires: Millis(made["expires"].as_u64()?),
            })
        };
        guest().ok_or_else(|| HttpError::Strange("a guest without a token".to_owned()))
    }

    fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// With brackets, where it is an address of version 6.
    fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, HttpError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.authority());
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.map(|body| body.to_string()).unwrap_or_default()));
        let request = request.body(body).map_err(|error| HttpError::Address(error.to_string()))?;
        match timeout(ANSWER_WITHIN, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(HttpError::Unreachable(format!("nothing within {} s", ANSWER_WITHIN.as_secs()))),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Value, HttpError> {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        let port = self.url.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
        #[cfg(feature = "tls")]
        if self.is_tls() {
            let name = ServerName::try_from(host.to_owned()).map_err(|error| HttpError::Address(error.to_string()))?;
            let stream = TlsConnector::from(self.tls.config()).connect(name, stream).await;
            return over(stream.map_err(|error| tls::distrust(&error).map_or_else(|| unreachable(error), HttpError::Untrusted))?, request)
                .await;
        }
        over(stream, request).await
    }
}

fn unreachable(error: impl ToString) -> HttpError {
    HttpError::Unreachable(error.to_string())
}

/// One request over a stream of its own.
async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Value, HttpError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
    // It ends with the sender; what goes wrong with it, the answer says.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(unreachable)?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await.map_err(unreachable)?.to_bytes();
    let told = serde_json::from_slice::<Value>(&body);
    match (head.status, told) {
        (StatusCode::OK | StatusCode::CREATED, Ok(told)) => Ok(told),
        (status, Err(error)) if status.is_success() => Err(HttpError::Strange(error.to_string())),
        (status, told) => {
            let told = told.unwrap_or_default();
            Err(HttpError::Refused {
                status: status.as_u16(),
                code: told["code"].as_str().unwrap_or_default().to_owned(),
                retry_after: told["retry_after_ms"].as_u64().map(Duration::from_millis),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_where_its_http_is() {
        for (address, websocket) in [
            ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/ws"),
            ("http://duologue.example/lobby?x#y", "ws://duologue.example/v1/ws"),
            ("http://[::1]:9/", "ws://[::1]:9/v1/ws"),
        ] {
            assert_eq!(Server::at(address).expect("an address").websocket(), websocket);
        }
        for address in ["", "nowhere", "ws://127.0.0.1:8080", "ftp://x", "http://"] {
            assert!(matches!(Server::at(address), Err(HttpError::Address(_))), "{address}");
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn https_leads_to_a_websocket_over_tls() {
        assert_eq!(Server::at("https://duologue.example").expect("an address").websocket(), "wss://duologue.example/v1/ws");
    }
}
