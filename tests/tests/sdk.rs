//! The Rust SDK against the real server, over WebSocket and over QUIC: a native program meets whoever is there.

use duologue_client::{Client as Native, Config, ConnectError, End, Event, Form, HttpError, Server as Door};
use duologue_core::kit::ids::{CallId, ClientId, InviteId};
use duologue_core::kit::time::Span;
use duologue_core::wire::{Closing, Command, Done, Event as Happened, Patch, ProfilePatch, Why};
use duologue_tests::{Carrier, Server, until, within};
use serde_json::json;

#[path = "../../client/examples/first_call.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod first_call;

/// What the pages show is what runs here.
#[tokio::test]
async fn the_first_call_of_the_readme_is_one() {
    let example = include_str!("../../client/examples/first_call.rs").replace("pub(crate) ", "");
    let (_, code) = example.split_once("\nuse ").expect("the code");
    let (code, _) = code.split_once("\n#[tokio::main").expect("a main behind it");
    for (page, text) in [("client", include_str!("../../client/README.md")), ("root", include_str!("../../README.md"))] {
        assert!(text.contains(&format!("```rust\nuse {code}```")), "the example in the README of {page} is another one");
    }
    let server = Server::start().await;
    let url = format!("http://{}", server.at);
    let (ann, bob) =
        within("a first call", async { tokio::join!(first_call::first_call(&url, "Ann"), first_call::first_call(&url, "Bob")) }).await;
    assert_eq!((ann.expect("a call").as_str(), bob.expect("a call").as_str()), ("hello Ann", "hello Bob"));
}

/// Where the server speaks QUIC, and which certificate is its own.
async fn address(server: &Server) -> String {
    let door = Door::at(&format!("http://{}", server.at)).expect("an address");
    within("an answer", door.quic()).await.expect("it is told").expect("QUIC is spoken")
}

fn config(token: &str) -> Config {
    Config { backoff_first: Span::millis(50), form: Form::Binary, ..Config::new(token, ClientId(u128::from(std::process::id())), 7) }
}

/// Reads on until this has happened; it is told what else was.
async fn happens<T>(client: &mut Native, what: &str, mut is_it: impl FnMut(Happened) -> Option<T>) -> T {
    within(what, async {
        loop {
            if let Event::Happened(event) = client.next().await.unwrap_or_else(|| panic!("the client ended before {what}"))
                && let Some(found) = is_it(event)
            {
                return found;
            }
        }
    })
    .await
}

/// INV 1, CALL 4, 6: over QUIC and over WebSocket, rung by somebody with a WebSocket: presence, ring, call, chat, hang up.
async fn a_native_program_is_called(server: &Server, url: &str) {
    let guest = server.guest("Nat").await;
    let mut nat = within("a welcome", Native::connect_with(url, config(&guest.token))).await.expect("welcomed");
    nat.command(Command::Join { lobby: None }).await.expect("joined");
    let mut ann = server.in_lobby_over(Carrier::WebSocket, "Ann").await;

    let invite = ann.ok("invite", json!({ "to": guest.user, "seconds": 120 })).await["invite"].as_u64().expect("an id");
    let rang = happens(&mut nat, "a ring", |event| match event {
        Happened::Rang { invite, from, .. } => Some((invite, from.name.clone())),
        _ => None,
    });
    assert_eq!(rang.await, (InviteId(invite), "Ann".into()));
    let Ok(Done::Call { call }) = nat.command(Command::Accept { invite: InviteId(invite), seconds: 120 }).await else { panic!("accepted") };
    assert_eq!(ann.hears("call_started").await["call"], call.0);

    for round in 0..4 {
        nat.handle().rebind().await;
        ann.ok("chat", json!({ "call": call.0, "text": format!("hers {round}") })).await;
        let text = happens(&mut nat, "her line", |event| match event {
            Happened::Chat { text, .. } => Some(text.to_string()),
            _ => None,
        });
        assert_eq!(text.await, format!("hers {round}"));
        nat.command(Command::Chat { call, text: format!("his {round}") }).await.expect("said");
        assert_eq!(ann.hears("chat").await["text"], format!("his {round}"));
    }
    assert!(!ann.heard().contains(&"peer_link"), "another address is no event");

    nat.command(Command::HangUp { call }).await.expect("hung up");
    assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
    let ended = happens(&mut nat, "the end", |event| match event {
        Happened::CallEnded(ended) => Some((ended.call, ended.why)),
        _ => None,
    });
    assert_eq!(ended.await, (CallId(call.0), Why::HangUp));
    // Leaving is gone at once, without grace.
    within("goodbye", nat.leave()).await;
    until("he is gone, and nothing is kept for him", || async {
        let connections = server.health().await["connections"].clone();
        (connections["live"] == 1 && connections["graced"] == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_native_program_is_called_over_quic() {
    let server = Server::start().await;
    a_native_program_is_called(&server, &address(&server).await).await;
}

#[tokio::test]
async fn a_native_program_is_called_over_a_websocket() {
    let server = Server::start().await;
    a_native_program_is_called(&server, &format!("ws://{}/v1/ws", server.at)).await;
}

/// CON 1: a closing that says not to come back ends the client, with its code.
#[tokio::test]
async fn a_wrong_token_ends_the_client() {
    let server = Server::start().await;
    match within("an answer", Native::connect_with(&address(&server).await, config("no token"))).await {
        Err(ConnectError::Ended(end)) => assert_eq!(end, End::Closed(Closing::BadToken)),
        other => panic!("{other:?}"),
    }
}

/// CON 5: what was asked of a server that is killed meanwhile is answered by the next one, once.
#[tokio::test]
async fn a_native_program_survives_its_server() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let server = Server::with(&[&format!("quic.listen=127.0.0.1:{port}")]).await;
    let guest = server.guest("Nat").await;
    let mut nat = within("a welcome", Native::connect_with(&address(&server).await, config(&guest.token))).await.expect("welcomed");
    nat.command(Command::Join { lobby: None }).await.expect("joined");
    let server = server.kill().await.restart().await;
    // Its next packet is answered by a reset; the client comes back by itself, and declares the lobby again.
    within(
        "an answer",
        nat.command(Command::Profile(Box::new(ProfilePatch { name: Patch::Set("Nathan".into()), ..ProfilePatch::default() }))),
    )
    .await
    .expect("done");
    let welcomes = within("a second welcome", async {
        let mut welcomes = 0;
        while welcomes < 2 {
            welcomes += u32::from(matches!(nat.next().await, Some(Event::Welcomed(_))));
        }
        welcomes
    });
    assert_eq!(welcomes.await, 2);
    until("he is in the lobby again", || async { (server.health().await["connections"]["live"] == 1).then_some(()) }).await;
}

/// What is refused over HTTP is told by its code, and where there is no QUIC there is no address of it.
#[tokio::test]
async fn a_door_says_what_is_refused_and_what_is_not_there() {
    let server = Server::with(&["quic.enabled=false"]).await;
    let door = Door::at(&format!("http://{}", server.at)).expect("an address");
    match within("an answer", door.guest("")).await {
        Err(HttpError::Refused { status: 422, code, .. }) => assert_eq!(code, "bad_message"),
        other => panic!("{other:?}"),
    }
    assert_eq!(within("an answer", door.quic()).await.expect("it is told"), None);
}
