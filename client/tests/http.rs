//! What a program asks over HTTP before it connects, against sockets that answer as their script says.

use duologue_client::{HttpError, Server};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers one request with this text, and gives what was asked.
async fn answers(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().await.expect("a request");
    let mut asked = Vec::new();
    let mut buffer = [0; 1024];
    // The bodies of these requests end with a brace, requests without one with an empty line.
    while !(asked.ends_with(b"}") || asked.starts_with(b"GET") && asked.ends_with(b"\r\n\r\n")) {
        let length = stream.read(&mut buffer).await.expect("a request");
        assert!(length > 0, "a whole request");
        asked.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(answer.as_bytes()).await.expect("written");
    String::from_utf8(asked).expect("text")
}

async fn listener() -> (TcpListener, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = Server::at(&format!("http://{}", listener.local_addr().expect("an address"))).expect("an address");
    (listener, server)
}

#[tokio::test]
async fn a_guest_is_made_over_a_proxy_that_answers_in_chunks() {
    let (listener, server) = listener().await;
    let body = r#"{"user":{"user":"0f3c5d1e-8a61-4b07-9d2f-1c2b3a4d5e6f","name":"Ann"},"token":"secret","expires":7}"#;
    let (head, tail) = body.split_at(40);
    let answer = format!(
        "HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n",
        head.len(),
        tail.len()
    );
    let (asked, guest) = tokio::join!(answers(&listener, &answer), server.guest("Ann"));
    assert!(asked.starts_with("POST /v1/guests HTTP/1.1\r\n") && asked.ends_with(r#"{"name":"Ann"}"#), "{asked}");
    let guest = guest.expect("a guest");
    assert_eq!((guest.token.as_str(), guest.expires.0), ("secret", 7));
    assert_eq!(guest.user.to_string(), "0f3c5d1e-8a61-4b07-9d2f-1c2b3a4d5e6f");
}

#[tokio::test]
async fn quic_is_where_the_server_says_or_nowhere() {
    let (listener, server) = listener().await;
    let body = r#"{"port":9,"alpn":"duologue/1","certificate_sha256":["aa","bb"]}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (_, address) = tokio::join!(answers(&listener, &answer), server.quic());
    assert_eq!(address.expect("an answer").as_deref(), Some("quic://127.0.0.1:9?certificate=aa,bb"));
    let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    let (_, address) = tokio::join!(answers(&listener, answer), server.quic());
    assert_eq!(address.expect("an answer"), None);
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_when_to_come_back() {
    let (listener, server) = listener().await;
    let body = r#"{"code":"rate_limited","retry_after_ms":1500}"#;
    let answer = format!("HTTP/1.1 429 Too Many Requests\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let (_, refused) = tokio::join!(answers(&listener, &answer), server.guest("Ann"));
    match refused {
        Err(HttpError::Refused { status, code, retry_after }) => {
            assert_eq!((status, code.as_str(), retry_after), (429, "rate_limited", Some(Duration::from_millis(1500))));
        }
        other => panic!("{other:?}"),
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let (_, strange) = tokio::join!(answers(&listener, answer), server.guest("Ann"));
    assert!(matches!(strange, Err(HttpError::Strange(_))), "{strange:?}");
    drop(listener);
    assert!(matches!(server.guest("Ann").await, Err(HttpError::Unreachable(_))));
}
