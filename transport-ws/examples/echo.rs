//! A server that says what it hears: for suites of WebSocket cases, like Autobahn's (`tests/autobahn.sh`).
//!
//!     cargo run --release -p duologue-transport-ws --example echo -- 127.0.0.1:9001
//!
//! It shows how little a transport needs: an upgrade request that is read, its answer, and a connection that is served. Duologue
//! agrees beforehand whether frames are text or binary, and these suites do not; so the kind of the first message decides.

use duologue_transport::{ConnId, Down, Form, Table, Up};
use duologue_transport_ws::handshake::{Origins, decide};
use duologue_transport_ws::{Config, Deflate, Opening, Sockets};
use std::sync::Arc;
use std::sync::mpsc::channel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::http::header::{HeaderMap, HeaderName, HeaderValue};

/// The longest request that is read.
const REQUEST_MOST: usize = 8 * 1024;

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let (heard, ups) = channel();
    let echo = Table::new(64 << 20, move |up| drop(heard.send(up)));
    let sockets = Sockets::new(Config { message_max_bytes: 192 * 1024, ..Config::default() }, echo.clone());
    std::thread::spawn(move || {
        for up in ups {
            echo.taken(&up);
            match up {
                Up::Message { conn, bytes } => echo.down(Down::Send { conn, bytes }),
                Up::WrongFrame { conn } => echo.down(Down::Close { conn, code: 1003, last: None }),
                Up::Closed { .. } | Up::Heard { .. } | Up::Opened { .. } | Up::Writable { .. } => {}
            }
        }
    });
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        for conn in 1.. {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(connection(sockets.clone(), stream, ConnId(conn)));
        }
        Ok(())
    })
}

async fn connection(sockets: Arc<Sockets>, mut stream: TcpStream, conn: ConnId) {
    let Some(deflate) = upgrade(&mut stream).await else { return };
    let Some((form, read_ahead)) = first_kind(&mut stream).await else { return };
    sockets.serve(stream, read_ahead, Opening { conn, address: 0, form, deflate, secret: [0; 32] }, ()).await;
}

/// Reads the request and answers it; none if it was no upgrade.
async fn upgrade(stream: &mut TcpStream) -> Option<Option<Deflate>> {
    let mut head = Vec::new();
    // Byte by byte, so that nothing behind the request is taken.
    while !head.ends_with(b"\r\n\r\n") && head.len() < REQUEST_MOST {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(&head).ok()?.lines().skip(1) {
        // Any page may hear itself.
        if let Some((name, value)) = line.split_once(':').filter(|(name, _)| !name.eq_ignore_ascii_case("origin")) {
            headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value.trim()).ok()?);
        }
    }
    let Ok(accepted) = decide(&headers, &Origins::default()) else {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        return None;
    };
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in &accepted.headers {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    answer.extend(b"\r\n");
    stream.write_all(&answer).await.ok()?;
    Some(accepted.deflate)
}

/// The kind of the first frame, and what was read to know it. Anything but binary is as good as text.
async fn first_kind(stream: &mut TcpStream) -> Option<(Form, Vec<u8>)> {
    let mut read = vec![0; 1];
    stream.read_exact(&mut read).await.ok()?;
    let form = if read[0] & 0x0f == 2 { Form::Postcard } else { Form::Json };
    Some((form, read))
}
