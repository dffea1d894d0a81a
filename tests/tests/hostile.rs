//! Those who wish ill, and those who only behave badly: what they do harms nobody else, and changes nothing.

use duologue_tests::{Client, Server, http, until};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

/// Every command about a call, as somebody says it who knows the call's id.
fn about_a_call(call: u64) -> Vec<(&'static str, Value)> {
    vec![
        ("chat", json!({ "call": call, "text": "it is me" })),
        ("share", json!({ "call": call, "contacts": { "mail": "me@example.org" } })),
        ("extend_call", json!({ "call": call, "seconds": 600 })),
        ("hang_up", json!({ "call": call })),
        ("ice_servers", json!({ "call": call })),
        ("rejoin", json!({ "call": call })),
        ("renegotiate", json!({ "call": call })),
        ("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": "v=0\r\n" })),
        ("description", json!({ "call": call, "epoch": 1, "kind": "answer", "sdp": "v=0\r\n" })),
        (
            "candidates",
            json!({ "call": call, "epoch": 1, "from": 0, "candidates": [{ "candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host" }], "done": true }),
        ),
    ]
}

/// A call's id, deadline, epoch and end.
type CallRow = (i64, i64, i64, Option<i64>);

/// What the database knows of calls and cooldowns.
fn facts(server: &Server) -> (Vec<CallRow>, i64) {
    let database = server.folder.database();
    let mut calls = database.prepare("select call, deadline, epoch, ended from call order by call").expect("a table");
    let calls = calls.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).expect("rows");
    let cooldowns = database.query_row("select count(*) from cooldown", (), |row| row.get(0)).expect("a number");
    (calls.collect::<Result<_, _>>().expect("rows"), cooldowns)
}

/// CALL 3 (S5, S6): whoever is no member gets `not_member`, and the two go on as if nothing had been.
#[tokio::test]
async fn a_third_can_do_nothing_in_the_call_of_two() {
    let mut server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let mut cat = server.in_lobby("Cat").await;
    let before = facts(&server);

    for (command, fields) in about_a_call(call) {
        cat.no(command, fields, "not_member").await;
    }
    for (command, fields) in about_a_call(call + 1_000_000) {
        cat.no(command, fields, "unknown_call").await;
    }
    for victim in [&ann.guest.user, &bob.guest.user] {
        cat.no("report", json!({ "user": victim, "reason": "I say so", "call": call }), "unknown_call").await;
        cat.no("report", json!({ "user": victim, "reason": "I say so" }), "unknown_call").await;
        cat.no("invite", json!({ "to": victim, "seconds": 60 }), "busy").await;
        cat.no("explain", json!({ "user": victim }), "unknown_user").await;
    }
    let report = json!({ "user": ann.guest.user, "reason": "I say so" });
    let reported = http::ask(server.at, "POST", "/v1/reports", Some(&cat.guest.token), Some(&report)).await;
    assert_eq!((reported.status, &reported.body["code"]), (404, &json!("unknown_call")));
    cat.no("confirm", json!({ "pair": call }), "unknown_invite").await;
    let mine = http::get(server.at, "/v1/history", Some(&cat.guest.token)).await;
    assert_eq!(mine["calls"], json!([]));

    // Nothing was changed, nothing was said to the two, and they go on.
    assert_eq!(facts(&server), before);
    ann.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": "v=0\r\nann" })).await;
    assert_eq!(bob.hears("description").await["sdp"], "v=0\r\nann");
    bob.ok("chat", json!({ "call": call, "text": "alone at last" })).await;
    ann.hears("chat").await;
    bob.ok("hang_up", json!({ "call": call })).await;
    assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
    bob.hears("call_ended").await;
    assert_eq!(ann.heard(), ["invite_ended", "call_started", "chat", "call_ended"]);
    assert_eq!(bob.heard(), ["rang", "call_started", "description", "call_ended"]);
    assert_eq!(cat.heard(), Vec::<&str>::new());

    // Nor after its end, when even the members are told that there is no such call.
    for (command, fields) in about_a_call(call) {
        cat.no(command, fields, "not_member").await;
    }
    server.assert_well();
}

/// INV 4 (S1, S2, S4): knowing an invite's id gives no right to it. Neither has its caller the callee's, nor the callee the caller's.
#[tokio::test]
async fn a_third_can_do_nothing_with_the_ring_of_two() {
    let mut server = Server::start().await;
    let (mut ann, mut bob, mut cat) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await, server.in_lobby("Cat").await);
    let ring = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await;
    bob.hears("rang").await;
    let invite = ring["invite"].as_u64().expect("an id");
    let all = |invite: u64| {
        [
            ("accept", json!({ "invite": invite, "seconds": 300 })),
            ("decline", json!({ "invite": invite })),
            ("rescind", json!({ "invite": invite })),
            ("extend_invite", json!({ "invite": invite })),
        ]
    };
    for (command, fields) in all(invite) {
        cat.no(command, fields, "not_yours").await;
    }
    for (command, fields) in all(invite + 1_000_000) {
        cat.no(command, fields, "unknown_invite").await;
    }
    let [accept, decline, rescind, extend] = all(invite);
    for (command, fields) in [accept, decline] {
        ann.no(command, fields, "not_yours").await;
    }
    for (command, fields) in [rescind, extend] {
        bob.no(command, fields, "not_yours").await;
    }
    assert_eq!(facts(&server), (Vec::new(), 0), "no call, no cooldown");
    bob.ok("accept", json!({ "invite": invite, "seconds": 300 })).await;
    ann.hears("call_started").await;
    bob.hears("call_started").await;
    // Over, it is over for all; whoever was nothing to it is still told no more.
    bob.no("decline", json!({ "invite": invite }), "answered").await;
    cat.no("accept", json!({ "invite": invite, "seconds": 300 }), "not_yours").await;
    assert_eq!(ann.heard(), ["invite_ended", "call_started"]);
    assert_eq!(bob.heard(), ["rang", "call_started"]);
    server.assert_well();
}

/// INV 6 (S1): of two who ring, one is accepted; the other ring is over. Two devices that accept at once make one call.
#[tokio::test]
async fn two_callers_are_never_both_accepted() {
    let server = Server::start().await;
    let (mut ann, mut bob, mut cat) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await, server.in_lobby("Cat").await);
    let mut phone = Client::open(server.at, &bob.guest).await;
    let hers = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await["invite"].clone();
    let other = cat.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await["invite"].clone();
    for device in [&mut bob, &mut phone] {
        device.hears("rang").await;
        device.hears("rang").await;
    }
    let (one, two) = (
        bob.say("accept", json!({ "invite": hers, "seconds": 300 })).await,
        phone.say("accept", json!({ "invite": other, "seconds": 300 })).await,
    );
    let answers = [bob.answer(one).await, phone.answer(two).await];
    let calls: Vec<&Value> = answers.iter().filter(|answer| answer["t"] == "ok").map(|answer| &answer["call"]).collect();
    let [call] = calls.as_slice() else { panic!("one call: {answers:?}") };
    assert!(answers.iter().any(|answer| answer["code"] == "answered"), "{answers:?}");
    let (won, lost) = if answers[0]["t"] == "ok" { (&mut ann, &mut cat) } else { (&mut cat, &mut ann) };
    assert_eq!(&won.hears("call_started").await["call"], *call);
    assert_eq!(lost.hears("invite_ended").await["why"], "busy");
    assert_eq!(facts(&server).0.len(), 1);
}

/// CALL 11: a member's connection without the seat may chat and hang up, and sends no signals.
#[tokio::test]
async fn signals_come_from_the_seat_alone() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let mut phone = Client::open(server.at, &bob.guest).await;
    assert_eq!(phone.welcome["state"]["call"]["here"], false);
    for (command, fields) in
        about_a_call(call).into_iter().filter(|(command, _)| matches!(*command, "description" | "candidates" | "renegotiate"))
    {
        phone.no(command, fields, "not_yours").await;
    }
    phone.ok("chat", json!({ "call": call, "text": "from my phone" })).await;
    assert_eq!(ann.hears("chat").await["text"], "from my phone");
    bob.hears("chat").await;
    phone.ok("rejoin", json!({ "call": call })).await;
    assert_eq!(phone.hears("call_started").await["epoch"], 2);
    bob.hears("call_moved").await;
    assert_eq!(ann.hears("renegotiate").await["epoch"], 2);
    bob.no("renegotiate", json!({ "call": call }), "not_yours").await;
}

/// SIG 1 (S24): signals for a callee who is away for a moment wait. INV 11: nobody is left in a dead call.
#[tokio::test]
async fn signals_to_somebody_who_is_away_for_a_moment_are_not_lost() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    let invite = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await["invite"].clone();
    bob.hears("rang").await;
    let away = ann.drop_link();
    until("she is in the grace", || async { (server.health().await["connections"]["graced"] == 1).then_some(()) }).await;
    let call = bob.ok("accept", json!({ "invite": invite, "seconds": 300 })).await["call"].clone();
    bob.hears("call_started").await;
    assert_eq!(bob.hears("peer_link").await["state"], "reconnecting");
    bob.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": "v=0\r\nbob" })).await;
    bob.ok("candidates", json!({ "call": call, "epoch": 1, "from": 0, "candidates": [{ "candidate": "candidate:1" }], "done": true }))
        .await;
    let mut ann = away.resume(server.at).await;
    assert_eq!(ann.welcome["recovered"], true);
    for kind in ["invite_ended", "call_started", "description", "candidates"] {
        assert_eq!(ann.next().await.expect("what was missed")["t"], kind);
    }
    assert_eq!(bob.hears("peer_link").await["state"], "back");
}

/// INV 8 (S9, S24): a ring ends with whoever leaves or is lost; a dead caller's ring cannot be accepted.
#[tokio::test]
async fn the_ring_of_somebody_gone_is_over() {
    let server = Server::with(&["connections.grace=50ms"]).await;
    let (mut ann, mut bob, mut cat) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await, server.in_lobby("Cat").await);
    let dead = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await["invite"].clone();
    bob.hears("rang").await;
    drop(ann.drop_link());
    let ended = bob.hears("invite_ended").await;
    assert_eq!((&ended["invite"], &ended["why"]), (&dead, &json!("caller_lost")));
    bob.no("accept", json!({ "invite": dead, "seconds": 300 }), "answered").await;

    cat.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await;
    bob.hears("rang").await;
    bob.ok("leave", json!({})).await;
    assert_eq!(cat.hears("invite_ended").await["why"], "callee_lost");
    cat.no("invite", json!({ "to": bob.guest.user, "seconds": 300 }), "not_in_lobby").await;
}

/// INV 3 (S3): the announced time is kept by the server's clock.
#[tokio::test]
async fn a_ring_ends_when_it_was_said_to_end() {
    let server = Server::with(&["invites.ring=300ms", "invites.extend=300ms", "invites.ring_max=600ms"]).await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    let ring = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await;
    let longer = ann.ok("extend_invite", json!({ "invite": ring["invite"] })).await;
    assert_eq!(longer["expires"].as_u64(), ring["expires"].as_u64().map(|at| at + 300));
    assert_eq!(bob.hears("invite_extended").await["expires"], longer["expires"]);
    ann.no("extend_invite", json!({ "invite": ring["invite"] }), "invalid_duration").await;
    assert_eq!(ann.hears("invite_ended").await["why"], "expired");
    assert_eq!(bob.hears("invite_ended").await["why"], "expired");
    bob.send(&json!({ "t": "ping" })).await;
    assert!(bob.hears("pong").await["now"].as_u64() >= longer["expires"].as_u64(), "not before its end");
    bob.no("accept", json!({ "invite": ring["invite"], "seconds": 300 }), "expired").await;
    ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await;
}

/// LOB 1, PRE 4, 5 (S7): whoever dies in silence is no ghost: out of windows, offline, not counted.
#[tokio::test]
async fn a_silent_death_leaves_no_ghost() {
    let server = Server::with(&["connections.grace=100ms", "connections.ping=200ms", "connections.dead=1s"]).await;
    let (mut ann, bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    ann.ok("window", json!({})).await;
    assert_eq!(ann.hears("window").await["places"][0][1]["user"], bob.guest.user.as_str());
    // His socket stays open: nobody reads it, and so nobody answers a ping. Ours does while it is read.
    let gone = bob.guest.user.clone();
    let delta = ann.hears("window_delta").await;
    assert_eq!(delta["set"], json!([[0]]));
    ann.no("invite", json!({ "to": gone, "seconds": 60 }), "offline").await;
    let connections = server.health().await["connections"].clone();
    assert_eq!((&connections["live"], &connections["graced"]), (&json!(1), &json!(0)), "{connections}");
    drop(bob);
}

/// CON 6: a half-open socket takes what is written to it; only what comes from a client is life. CALL 6: the other is told.
#[tokio::test]
async fn a_half_open_member_is_lost_although_it_is_written_to() {
    let server = Server::with(&["connections.grace=200ms", "connections.ping=200ms", "connections.dead=1s"]).await;
    let (mut ann, bob, call) = server.in_call(300).await;
    let mut lines = 0;
    loop {
        // Written to him all the while.
        ann.ok("chat", json!({ "call": call, "text": "are you there?" })).await;
        lines += 1;
        if ann.heard().contains(&"call_ended") || ann.heard().contains(&"peer_link") {
            break;
        }
    }
    assert!(lines > 1);
    assert_eq!(ann.hears("peer_link").await["state"], "reconnecting");
    assert_eq!(ann.hears("call_ended").await["why"], "peer_lost");
    drop(bob);
}

/// CON 10: who says nothing is sent away: no head of a request, no hello, and nobody else waits for it.
#[tokio::test]
async fn those_who_open_and_say_nothing_are_sent_away() {
    let mut server = Server::with(&["connections.hello=200ms"]).await;
    let mut mute = Vec::new();
    for _ in 0..50 {
        mute.push(TcpStream::connect(server.at).await.expect("it listens"));
    }
    let mut half = TcpStream::connect(server.at).await.expect("it listens");
    half.write_all(b"GET /v1/ws HTTP/1.1\r\nhost: x\r\nupgr").await.expect("it reads");
    let guest = server.guest("Ann").await;
    let mut silent = Vec::new();
    for number in 0..40 {
        silent.push(Client::from([127, 0, 1, number], server.at, &guest).await);
    }
    let (mut ann, mut bob, call) = server.in_call(300).await;
    ann.ok("chat", json!({ "call": call, "text": "we go on" })).await;
    bob.hears("chat").await;
    for client in &mut silent {
        assert_eq!(client.ends().await, (Some("no_hello".into()), Some(4006)));
    }
    assert_eq!(server.health().await["connections"]["waiting"], 0);
    server.assert_well();
}

/// CON 10: at most 32 of an address wait to say hello; others come in all the same.
#[tokio::test]
async fn one_address_cannot_take_all_the_room_of_those_who_wait() {
    let server = Server::with(&["connections.hello=10m"]).await;
    let guest = server.guest("Ann").await;
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(Client::from([127, 0, 2, 1], server.at, &guest).await);
    }
    until("all of them wait", || async { (server.health().await["connections"]["waiting"] == 32).then_some(()) }).await;
    let mut late = Client::from([127, 0, 2, 1], server.at, &guest).await;
    late.send(&json!({ "t": "hello", "token": guest.token })).await;
    assert_eq!(late.ends().await, (Some("at_capacity".into()), Some(4001)));
    let mut other = Client::from([127, 0, 2, 2], server.at, &guest).await;
    other.send(&json!({ "t": "hello", "token": guest.token })).await;
    other.hears("welcome").await;
}

/// CON 2 (S13): one connection too many closes the oldest, really; what is counted is what is there.
#[tokio::test]
async fn the_oldest_connection_is_closed_and_the_count_is_right() {
    let server = Server::start().await;
    let guest = server.guest("Ann").await;
    let mut first = Client::open(server.at, &guest).await;
    let second = Client::open(server.at, &guest).await;
    let mut third = Client::open(server.at, &guest).await;
    assert_eq!(first.ends().await, (Some("superseded".into()), Some(4101)));
    third.catch_up().await;
    let count = || async { server.health().await["connections"]["total"].clone() };
    assert_eq!(count().await, 2);
    second.leave().await;
    until("one is left", || async { (count().await == 1).then_some(()) }).await;
    third.leave().await;
    until("none is left", || async { (count().await == 0).then_some(()) }).await;
}

/// What is no message, one of each kind.
fn junk() -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let mut junk: Vec<String> = [
        "",
        " ",
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "\"\"",
        "[]",
        "{}",
        "{",
        "}",
        "\u{0}",
        "\u{feff}{}",
        "{\"t\":null}",
        "{\"t\":7}",
        "{\"t\":\"\"}",
        "{\"t\":\"hello\"}",
        "{\"t\":\"hello\",\"token\":7}",
        "{\"t\":\"hello\",\"token\":\"x\",\"client\":\"short\"}",
        "{\"t\":\"chat\"}",
        "{\"t\":\"chat\",\"id\":0}",
        "{\"t\":\"chat\",\"id\":-1}",
        "{\"t\":\"chat\",\"id\":1.5}",
        "{\"t\":\"chat\",\"id\":18446744073709551616}",
        "{\"t\":\"chat\",\"id\":9007199254740993}",
        "{\"t\":\"ack\"}",
        "{\"t\":\"ack\",\"seq\":\"x\"}",
        "{\"t\":\"constructor\",\"id\":1}",
        "{\"t\":\"__proto__\",\"id\":1}",
        "{\"t\":\"invite\",\"id\":1,\"to\":\"\",\"seconds\":60}",
        "{\"t\":\"invite\",\"id\":1,\"to\":\"00000000-0000-0000-0000-000000000000\",\"seconds\":4294967296}",
        "{\"t\":\"join\",\"id\":1,\"lobby\":\"Ä\"}",
        "{\"t\":\"welcome\",\"seq\":1}",
        "{\"t\":\"call_ended\",\"seq\":1,\"call\":1}",
        "GET / HTTP/1.1\r\n\r\n",
        "42[\"invite\",{}]",
        "\u{202e}\u{7f}",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    junk.push(deep.clone());
    junk.push(format!("{{\"t\":\"share\",\"id\":1,\"call\":1,\"contacts\":{deep}}}"));
    junk.push("x".repeat(60_000));
    junk.push("x".repeat(80_000));
    junk.push(format!("{{\"t\":\"profile\",\"id\":1,\"tags\":[{}]}}", "\"a\",".repeat(10_000)));
    junk
}

/// S23: a thousand messages that are none, before and after hello, text and bytes: nobody else notices.
#[tokio::test]
async fn a_thousand_junk_messages_harm_nobody() {
    let mut server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let guest = server.guest("Mallory").await;
    let junk = junk();
    let mut sent = 0;
    for round in 0.. {
        for text in &junk {
            // Each on its own connection: most end it.
            let mut mallory =
                if round % 2 == 0 { Client::silent(server.at, &guest, "").await } else { Client::open(server.at, &guest).await };
            let frame = if round % 4 > 1 { Message::binary(text.clone().into_bytes()) } else { Message::text(text.clone()) };
            // A close may come while the rest is still being written.
            let _ = mallory.send_frame(frame.clone()).await;
            let _ = mallory.send_frame(frame).await;
            sent += 2;
            drop(mallory);
        }
        ann.ok("chat", json!({ "call": call, "text": format!("round {round}") })).await;
        bob.hears("chat").await;
        if sent >= 1_000 {
            break;
        }
    }
    bob.ok("hang_up", json!({ "call": call })).await;
    ann.hears("call_ended").await;
    assert!(ann.heard().iter().all(|kind| matches!(*kind, "invite_ended" | "call_started" | "call_ended")));
    server.assert_well();
    // The carrier's own junk: no WebSocket at all after the upgrade.
    let mut raw = TcpStream::connect(server.at).await.expect("it listens");
    let upgrade = "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    raw.write_all(upgrade.as_bytes()).await.expect("it reads");
    raw.write_all(&[0xff; 4_096]).await.expect("it reads");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), raw.read_to_end(&mut answer)).await.expect("it is closed");
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    ann.ok("profile", json!({ "gender": "female" })).await;
    server.assert_well();
}

/// The protocol, "Not understood": with a number it is refused and the connection lives on; without one it is closed.
#[tokio::test]
async fn what_is_not_understood_is_told_to_whoever_said_it() {
    let server = Server::start().await;
    let mut ann = server.in_lobby("Ann").await;
    for (command, fields, field) in [
        ("invite", json!({ "to": "nobody", "seconds": 60 }), "to"),
        ("invite", json!({ "to": ann.guest.user, "seconds": "60" }), "seconds"),
        ("invite", json!({ "to": ann.guest.user }), "seconds"),
        ("window", json!({ "size": -1 }), "size"),
        ("join", json!({ "lobby": "Ä" }), "lobby"),
        ("profile", json!({ "gender": "dragon" }), "gender"),
    ] {
        assert_eq!(ann.no(command, fields, "bad_message").await["field"], field);
    }
    ann.no("nonsense", json!({}), "bad_message").await;
    ann.no("invite", json!({ "to": ann.guest.user, "seconds": 59 }), "invalid_duration").await;
    ann.no("invite", json!({ "to": ann.guest.user, "seconds": 60 }), "invalid_target").await;
    ann.send(&json!({ "t": "join" })).await;
    assert_eq!(ann.ends().await, (Some("bad_message".into()), Some(4106)));

    let guest = server.guest("Bob").await;
    for (first, code) in
        [("{\"t\":\"join\",\"id\":1}", "no_hello"), ("no JSON", "bad_message"), ("{\"t\":\"hello\",\"token\":\"wrong\"}", "bad_token")]
    {
        let mut client = Client::silent(server.at, &guest, "").await;
        client.send_text(first).await;
        assert_eq!(client.ends().await.0.as_deref(), Some(code), "{first}");
    }
    let mut twice = Client::open(server.at, &guest).await;
    twice.send(&json!({ "t": "hello", "token": guest.token })).await;
    assert_eq!(twice.ends().await.0.as_deref(), Some("bad_message"));
}

/// CON 7: who does not read is closed, delays nobody, and may come back and read what was missed.
#[tokio::test]
async fn a_slow_reader_is_closed_delays_nobody_and_may_come_back() {
    let mut server = Server::with(&["calls.chat_max=4096", "connections.replay_messages=65536", "connections.replay_bytes=16MiB"]).await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    // Her second device opens a narrow socket and reads nothing after its welcome.
    let mut slow = Client::narrow(server.at, &ann.guest, &duologue_tests::drawn_client()).await;
    let (token, client) = (slow.guest.token.clone(), slow.client.clone());
    slow.send(&json!({ "t": "hello", "token": token, "client": client })).await;
    let welcome = slow.hears("welcome").await;
    slow.resume = welcome["resume"].as_str().expect("a token").into();

    let long = "\u{1f44b}".repeat(4_000);
    let mut lines = 0;
    while server.health().await["connections"]["graced"] == 0 {
        assert!(lines < 2_000, "32 MB and still not closed");
        for _ in 0..20 {
            lines += 1;
            bob.ok("chat", json!({ "call": call, "text": format!("{lines} {}", &long) })).await;
            assert!(ann.hears("chat").await["text"].as_str().expect("text").starts_with(&format!("{lines} ")), "nobody is delayed");
        }
    }
    let rss = server.health().await["memory"]["used_bytes"].as_u64().expect("bytes");
    assert!(rss < 300 << 20, "{rss} bytes for {lines} lines");

    let (code, number) = slow.ends().await;
    let seen = slow.seq;
    assert!(seen < lines, "it did not read all of them");
    // Whoever reads too late even for that is cut off without a word.
    assert!(code.is_none_or(|code| code == "slow_consumer"));
    assert!(number.is_none_or(|number| number == 4003));
    let mut back = slow.dropped().resume(server.at).await;
    assert_eq!(back.welcome["state"]["call"]["call"], call);
    assert_eq!(back.welcome["recovered"], true, "so much is kept here");
    for line in seen + 1..=lines {
        let chat = back.hears("chat").await;
        assert!(chat["text"].as_str().expect("text").starts_with(&format!("{line} ")), "exactly what was missed");
    }
    bob.ok("chat", json!({ "call": call, "text": "and you too" })).await;
    assert_eq!(back.hears("chat").await["text"], "and you too");
    server.assert_well();
}
