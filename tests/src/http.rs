//! HTTP as plain as it is: a request, an answer, a connection each.

use crate::within;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
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
    let stream = within("a connection", TcpStream::connect(at)).await.expect("the server listens");
    ask_over(stream, &at.to_string(), method, path, token, body).await
}

/// As [`ask`], over a stream that leads there.
pub async fn ask_over<S>(mut stream: S, host: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Answer
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
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
        stream.write_all(request.as_bytes()).await.expect("it reads");
        stream.flush().await.expect("it reads");
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

/// An answer whose body is bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// Its status.
    pub status: u16,
    /// Its headers, as they came.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Bytes {
    /// A field of a JSON body; null where there is none.
    pub fn field(&self, name: &str) -> Value {
        serde_json::from_slice::<Value>(&self.body).map_or(Value::Null, |body| body[name].clone())
    }

    /// A header's value, whatever its name's capitals.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Asks with headers and a body as they are, of any kind; `path` is sent to the letter.
pub async fn send(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Bytes {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n");
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    if method != "GET" && !headers.iter().any(|(name, _)| *name == "content-length") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let answer = async {
        let mut stream = TcpStream::connect(at).await.expect("the server listens");
        // It may answer, and close, before it has read everything.
        let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("it answers");
        answer
    };
    let answer = within(&format!("an answer to {method} {path}"), answer).await;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("head and body");
    let head = String::from_utf8(answer[..end].to_vec()).expect("a head is text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Bytes { status, head, body: answer[end + 4..].to_vec() }
}

/// `GET`, which must be answered by 200.
pub async fn get(at: SocketAddr, path: &str, token: Option<&str>) -> Value {
    let answer = ask(at, "GET", path, token, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}
