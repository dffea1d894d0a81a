//! HTTP as plain as it is: a request, an answer, a connection each.

use crate::within;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, as they came.
    pub head: String,
    /// Its body: JSON, else the text as a JSON string, else null.
    pub body: Value,
}

/// Asks; `token` as Bearer, `body` as JSON.
pub async fn ask(at: SocketAddr, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
    if let Some(token) = token {
        request.push_str(&format!("authorization: Bearer {token}\r\n"));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        request.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(&body);
    let answer = async {
        let mut stream = TcpStream::connect(at).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        String::from_utf8(answer).expect("text")
    };
    let answer = within(&format!("an answer to {method} {path}"), answer).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let body = match body {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.into())),
    };
    Answer { status, head: head.into(), body }
}

/// `GET`, which must be answered by 200.
pub async fn get(at: SocketAddr, path: &str, token: Option<&str>) -> Value {
    let answer = ask(at, "GET", path, token, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}
