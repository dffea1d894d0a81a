//! Memory of a WebSocket: of the whole server, with people in the lobby who agreed on deflate, before and after a call each; and of
//! the carrier alone.

use crate::Anything;
use crate::load::{self, Client, Dialect, Server};
use crate::page::Figure;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// Until queues are empty and the allocator has given back what it will.
const SETTLED: Duration = Duration::from_secs(5);

/// All figures.
pub async fn figures(quick: bool) -> Anything<Vec<Figure>> {
    let people = if quick { 500 } else { 10_000 };
    let mut figures = carrier(people).await?;
    figures.extend(server(people).await?);
    Ok(figures)
}

async fn each(server: &Server, base: u64, connections: usize) -> u64 {
    tokio::time::sleep(SETTLED).await;
    server.resident_bytes().saturating_sub(base) / connections as u64
}

async fn carrier(connections: usize) -> Anything<Vec<Figure>> {
    let server = Server::echo()?;
    let base = server.resident_bytes();
    let mut sockets = Vec::new();
    for _ in 0..connections {
        let mut socket = load::open(server.at, "/v1/ws", true).await?;
        socket.send(Message::Ping(Vec::new().into())).await?;
        socket.next().await.ok_or("a pong")??;
        sockets.push(socket);
    }
    let mut figures = vec![Figure::plain(
        format!("the carrier alone, {connections} connections: after the handshake"),
        format!("{} B", each(&server, base, connections).await),
    )];
    for bytes in [200, 6_000, 60_000, 200] {
        let text = load::description(bytes);
        for socket in &mut sockets {
            socket.send(Message::text(text.clone())).await?;
            let echo = socket.next().await.ok_or("an echo")??;
            assert_eq!(echo.len(), bytes);
        }
        figures.push(Figure::plain(format!("after {bytes} B each way"), format!("{} B", each(&server, base, connections).await)));
    }
    Ok(figures)
}

async fn server(people: usize) -> Anything<Vec<Figure>> {
    let folder = load::Folder::new("sockets");
    let server = Server::duologue(people, &folder, "127.0.0.1:0")?;
    let base = server.resident_bytes();
    let all = load::crowd(&server, Dialect::Duologue { deflate: true }, 0..people).await?;
    let before = each(&server, base, people).await;
    let pairs: Vec<[Arc<Client>; 2]> = all.chunks_exact(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
    load::each(pairs, |[ann, bob]| async move { load::call(&ann, &bob).await }, |()| {}).await?;
    let after = each(&server, base, people).await;
    Ok(vec![
        Figure::plain("the whole server, nobody there", format!("{:.1} MB", base as f64 / 1e6)),
        Figure::held(
            format!("{people} people in the lobby, a window of 20: each, before their first call"),
            format!("{before} B"),
            "≤ 6 KiB",
        ),
        Figure::held("after a call each", format!("{after} B"), "≤ 20 KiB, then ≤ 8 KiB"),
    ])
}
