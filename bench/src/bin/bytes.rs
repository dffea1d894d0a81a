//! What each kind of message costs on its way, in every form: `docs/bytes.md`. Byte for byte the same everywhere.
//!
//!     cargo run -p duologue-bench --bin bytes > docs/bytes.md

use duologue_bench::signals;
use duologue_core::kit::ids::{CallId, InviteId, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{
    CallEnded, CallStarted, Candidate, Candidates, Card, Description, Done, Event, Marks, Place, Presence, SdpKind, ServerMessage, Totals,
    View, Why, binary, json,
};
use duologue_transport_ws::{Deflate, DeflateStream};
use futures_util::SinkExt;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

type Anything<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A kind of message, and what it may cost (design targets): in JSON, and in the binary form.
struct Kind {
    name: &'static str,
    message: ServerMessage,
    most: Option<(usize, usize)>,
}

/// What one message costs.
struct Cost {
    json: usize,
    /// On a WebSocket that agreed on deflate, its frame included.
    deflated: usize,
    binary: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Anything<()> {
    print!("{}", page(&costs().await?));
    Ok(())
}

fn page(rows: &[(Kind, Cost)]) -> String {
    let mut out = String::from(
        "# Bytes a message\n\n\
         Made by `cargo run -p duologue-bench --bin bytes > docs/bytes.md`; a test holds this page against the code, and figures against \
         their targets. Bytes from the server to a client, the message alone; *deflated* is what a WebSocket carries that agreed on \
         permessage-deflate, with its frame (below 1,024 bytes nothing is deflated). On QUIC a message in the binary form is one to four \
         bytes longer, for its length. Names have 4 to 11 letters, pictures are references of 12 characters. Descriptions and candidates are \
         captured ones of browsers; the library of the compact form was learned without them ([compact-bytes.md](compact-bytes.md)).\n\n\
         | what | JSON | JSON, deflated | binary | target: JSON, binary |\n|---|---|---|---|---|\n",
    );
    for (Kind { name, most, .. }, Cost { json, deflated, binary }) in rows {
        let most = most.map_or(String::new(), |(json, binary)| format!("≤ {json}, ≤ {binary}"));
        let _ = writeln!(out, "| {name} | {json} | {deflated} | {binary} | {most} |");
    }
    out
}

async fn costs() -> Anything<Vec<(Kind, Cost)>> {
    let mut rows = Vec::new();
    for kind in kinds()? {
        let text = json::encode_server(&kind.message);
        let cost = Cost { json: text.len(), deflated: carried(&text).await?, binary: binary::encode_server(&kind.message).len() };
        rows.push((kind, cost));
    }
    Ok(rows)
}

/// As the second message of a connection, since the first is never deflated.
async fn carried(text: &[u8]) -> Anything<usize> {
    let (server, mut client) = tokio::io::duplex(1 << 20);
    let stream = DeflateStream::new(server, Vec::new(), Some(Deflate::LARGEST), 1 << 16);
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    socket.send(Message::text("")).await?;
    client.read_exact(&mut [0; 2]).await?;
    socket.send(Message::text(std::str::from_utf8(text)?)).await?;
    drop(socket);
    let mut carried = Vec::new();
    client.read_to_end(&mut carried).await?;
    Ok(carried.len())
}

const NOW: Millis = Millis(1_795_680_000_000);
const CALL: CallId = CallId(1 << 43);

/// Letters as good as drawn.
fn drawn(what: &str, number: u64) -> [u8; 32] {
    Sha256::digest(format!("{what} {number}")).into()
}

fn user(number: u64) -> UserId {
    UserId(u128::from_le_bytes(drawn("user", number)[..16].try_into().expect("sixteen bytes")))
}

fn card(number: u64) -> Arc<Card> {
    const NAMES: [&str; 12] =
        ["Anna", "Benedikt", "Chiara", "Dmitri", "Élodie", "Friederike", "Giovanni", "Hannah", "Ibrahim", "Johanna", "Konstantin", "Lena"];
    let reference = |what| {
        drawn(what, number)[..12].iter().map(|byte| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(byte % 32)])).collect()
    };
    let name = NAMES[number as usize % NAMES.len()].into();
    let gender = ["female", "male"][number as usize % 2].into();
    Arc::new(Card { user: user(number), name, gender, selfie: reference("selfie"), video: reference("video"), tags: Vec::new() })
}

fn places(count: u8) -> Vec<Place> {
    (0..count).map(|place| (place, Some((card(u64::from(place)), Marks::default())))).collect()
}

fn event(event: Event) -> ServerMessage {
    ServerMessage::Event { seq: 7, event }
}

fn description(kind: SdpKind, sdp: String) -> ServerMessage {
    event(Event::Description(Box::new(Description { call: CALL, epoch: 1, kind, sdp })))
}

fn candidates(candidates: Vec<Candidate>) -> ServerMessage {
    event(Event::Candidates(Box::new(Candidates { call: CALL, epoch: 1, from: 0, candidates, done: false })))
}

/// A call with sound and picture: its offer, its answer, ten candidates, as they are and compactly.
fn signals() -> Anything<Vec<(&'static str, ServerMessage)>> {
    let (plain, compact) = (signals::plain()?, signals::compact()?);
    Ok(vec![
        ("offer, sound and picture", description(SdpKind::Offer, plain.offer)),
        ("the same, compact", description(SdpKind::Offer, compact.offer)),
        ("its answer", description(SdpKind::Answer, plain.answer)),
        ("the same, compact", description(SdpKind::Answer, compact.answer)),
        ("a batch of candidates", candidates(plain.candidates)),
        ("the same, compact", candidates(compact.candidates)),
    ])
}

fn kinds() -> Anything<Vec<Kind>> {
    let delta = |set: Vec<Place>, available| ServerMessage::View(View::WindowDelta { version: 41, set, available });
    let window = |size: u8| ServerMessage::View(View::Window { version: 1, size: size.into(), places: places(size), available: 950 });
    let (one, nobody) = (delta(places(1), None), delta(vec![(11, None)], None));
    let started = CallStarted {
        call: CALL,
        peer: card(1),
        seconds: 600,
        started: NOW,
        deadline: Millis(NOW.0 + 600_000),
        now: NOW,
        initiator: true,
        epoch: 1,
        here: true,
    };
    let totals = Totals { seconds: 5_400, calls: 12, completed: 9 };
    let ended = CallEnded { call: CALL, why: Why::HangUp, seconds: 421, cooldown_until: Millis(NOW.0 + 86_400_000), totals };
    let rang = Event::Rang { invite: InviteId(1 << 43), from: card(1), seconds: 600, expires: Millis(NOW.0 + 30_000) };
    let chat = Event::Chat { call: CALL, from: user(1), text: "Where are you talking from?".into(), at: NOW };
    let presence = ServerMessage::View(View::Presence { user: user(1), state: Presence::InCall });
    let plain = [
        ("window of 20", window(20), None),
        ("window of 10", window(10), None),
        ("one place of it emptied", nobody, Some((64, 12))),
        ("one place of it taken, with its card", one, None),
        ("presence of one person", presence, Some((96, 24))),
        ("somebody rings", event(rang), None),
        ("a call has started", event(Event::CallStarted(Box::new(started))), None),
        ("a line of chat, 27 letters", event(chat), None),
        ("a call is over", event(Event::CallEnded(Box::new(ended))), None),
        ("a command is done", ServerMessage::Ok { re: 7, done: Done::Empty }, None),
    ];
    let mut kinds: Vec<Kind> = plain.into_iter().map(|(name, message, most)| Kind { name, message, most }).collect();
    kinds.extend(signals()?.into_iter().map(|(name, message)| Kind { name, message, most: None }));
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_is_of_this_state_and_every_figure_reaches_its_target() {
        let rows = costs().await.expect("the project keeps its captures");
        for (Kind { name, most, .. }, cost) in &rows {
            assert!(most.is_none_or(|(json, binary)| cost.json <= json && cost.binary <= binary), "{name}: {} {}", cost.json, cost.binary);
            assert!(cost.deflated <= cost.json + 4, "{name}: a frame has four bytes at most, and deflated nothing grows");
        }
        let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bytes.md")).expect("docs/bytes.md");
        assert!(committed == page(&rows), "cargo run -p duologue-bench --bin bytes > docs/bytes.md");
    }

    #[test]
    fn a_card_with_two_references_is_small() {
        let alone = |places: Vec<Place>| ServerMessage::View(View::WindowDelta { version: 1, set: places, available: None });
        let (with, without) = (alone(places(1)), alone(vec![(0, None)]));
        let binary = binary::encode_server(&with).len() - binary::encode_server(&without).len();
        let json = json::encode_server(&with).len() - json::encode_server(&without).len();
        assert!(binary <= 64 + 2 && json <= 140 + 20, "{binary} {json}: the card with the marks of a viewer beside it");
    }
}
