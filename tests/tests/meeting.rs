//! Two people meet: through every door of the protocol, from the first page to the history.

use duologue_tests::{Carrier, Client, Server, http};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A small description with what real ones are made of: line ends, a tab, text beyond ASCII.
fn sdp(mark: &str) -> String {
    format!("v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\na=mark:{mark}\tß👋\"\\\r\n")
}

fn candidate(number: u64) -> Value {
    json!({ "candidate": format!("candidate:{number} 1 udp 2122260223 192.0.2.7 {} typ host", 50_000 + number), "mid": "0", "line": 0 })
}

/// INV 1, 5; CALL 1, 3, 4, 5, 6, 7, 8, 9; SIG 1, 2, 3, 5. S10: both members' history has its row, under one unique id.
async fn two_people_meet_talk_and_part(hers: Carrier, his: Carrier) {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.in_lobby_over(hers, "Ann").await, server.in_lobby_over(his, "Bob").await);

    // They see each other.
    bob.ok("window", json!({ "size": 20 })).await;
    let window = bob.hears("window").await;
    assert_eq!(window["places"][0][1]["user"], ann.guest.user.as_str(), "{window}");
    assert_eq!(window["available"], 2);

    // She asks for five minutes, he has two: they agree on the middle.
    let ring = ann.ok("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await;
    let rang = bob.hears("rang").await;
    assert_eq!((&rang["invite"], &rang["expires"], &rang["from"]["name"]), (&ring["invite"], &ring["expires"], &json!("Ann")));
    let accepted = bob.ok("accept", json!({ "invite": ring["invite"], "seconds": 120 })).await;
    assert_eq!(ann.hears("invite_ended").await["why"], "accepted");
    let (started, his) = (ann.hears("call_started").await, bob.hears("call_started").await);
    let call = started["call"].clone();
    assert_eq!(call, accepted["call"]);
    assert_eq!(
        (&started["seconds"], &started["initiator"], &started["here"], &started["epoch"]),
        (&json!(210), &json!(true), &json!(true), &json!(1))
    );
    assert_eq!((&his["initiator"], &his["deadline"]), (&json!(false), &started["deadline"]));
    assert_eq!(started["deadline"].as_u64(), started["started"].as_u64().map(|at| at + 210_000));

    // Descriptions byte for byte, before the candidates whatever the order in which they were sent.
    ann.ok("candidates", json!({ "call": call, "epoch": 1, "from": 0, "candidates": [candidate(0), candidate(1)] })).await;
    ann.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": sdp("offer") })).await;
    let rest: Vec<Value> = (2..30).map(candidate).collect();
    ann.ok("candidates", json!({ "call": call, "epoch": 1, "from": 2, "candidates": rest, "done": true })).await;
    let offer = bob.hears("description").await;
    assert_eq!((&offer["kind"], offer["sdp"].as_str()), (&json!("offer"), Some(sdp("offer").as_str())));
    let mut got = Vec::new();
    loop {
        let batch = bob.hears("candidates").await;
        assert!(batch["seq"].as_u64() > offer["seq"].as_u64(), "a description goes before its candidates");
        assert_eq!(batch["from"], json!(got.len()));
        got.extend(batch["candidates"].as_array().expect("a list").clone());
        if batch["done"] == true {
            break;
        }
    }
    assert_eq!(got, (0..30).map(candidate).collect::<Vec<Value>>());
    bob.ok("description", json!({ "call": call, "epoch": 1, "kind": "answer", "sdp": sdp("answer") })).await;
    assert_eq!(ann.hears("description").await["sdp"].as_str(), Some(sdp("answer").as_str()));
    let old = bob.ok("description", json!({ "call": call, "epoch": 7, "kind": "answer", "sdp": sdp("late") })).await;
    assert_eq!(old["stale"], true, "of another epoch");

    // Chat is text; contacts wait for both.
    ann.ok("chat", json!({ "call": call, "text": "<b>hi</b>\u{202e} Bob" })).await;
    assert_eq!(bob.hears("chat").await["text"], "<b>hi</b> Bob");
    bob.ok("chat", json!({ "call": call, "text": "hi Ann" })).await;
    assert_eq!(ann.hears("chat").await["text"], "hi Ann");
    ann.ok("share", json!({ "call": call, "contacts": { "mail": "ann@example.org" } })).await;
    bob.ok("chat", json!({ "call": call, "text": "and you?" })).await;
    assert!(!bob.heard().contains(&"shared"), "one alone is not announced");
    bob.ok("share", json!({ "call": call, "contacts": { "mail": "bob@example.org" } })).await;
    assert_eq!(bob.hears("shared").await["contacts"]["mail"], "ann@example.org");
    assert_eq!(ann.hears("shared").await["contacts"]["mail"], "bob@example.org");

    // More time takes two.
    let asked = ann.ok("extend_call", json!({ "call": call, "seconds": 120 })).await;
    assert_eq!(asked["deadline"], started["deadline"]);
    bob.hears("extend_asked").await;
    let later = bob.ok("extend_call", json!({ "call": call, "seconds": 60 })).await;
    assert_eq!(later["deadline"].as_u64(), started["deadline"].as_u64().map(|at| at + 90_000));
    assert_eq!(ann.hears("call_extended").await["deadline"], later["deadline"]);

    // The end, once, the same for both; and no second time today.
    bob.ok("hang_up", json!({ "call": call })).await;
    let (hers, his) = (ann.hears("call_ended").await, bob.hears("call_ended").await);
    assert_eq!((&hers["why"], &hers["seconds"], &hers["totals"]), (&his["why"], &his["seconds"], &his["totals"]));
    assert_eq!(hers["why"], "hang_up");
    assert_eq!(hers["cooldown_until"].as_u64(), started["started"].as_u64().map(|at| at + 86_400_000));
    let refused = ann.no("invite", json!({ "to": bob.guest.user, "seconds": 60 }), "cooldown").await;
    assert_eq!(refused["cooldown_until"], hers["cooldown_until"]);
    let again = bob.hears("window").await;
    assert_eq!(again["places"][0][2]["cooldown_until"], hers["cooldown_until"], "back in the lobby: {again}");

    // The history of both, and totals that are its sum.
    for (me, peer) in [(&ann.guest, &bob.guest), (&bob.guest, &ann.guest)] {
        let history = server.history(me).await;
        let [row] = history.as_slice() else { panic!("one call: {history:?}") };
        assert_eq!(
            (&row["call"], row["peer"]["user"].as_str(), &row["agreed"], &row["why"]),
            (&call, Some(peer.user.as_str()), &json!(210), &json!("hang_up"))
        );
        assert_eq!(row["seconds"], hers["seconds"]);
        let texts: Vec<&str> = row["chat"].as_array().expect("lines").iter().map(|line| line["text"].as_str().expect("text")).collect();
        assert_eq!(texts, ["<b>hi</b> Bob", "hi Ann", "and you?"]);
        assert_eq!(server.totals(me).await, hers["totals"]);
    }
    assert_eq!(hers["totals"]["calls"], 1);
}

#[tokio::test]
async fn two_people_meet_over_websocket() {
    two_people_meet_talk_and_part(Carrier::WebSocket, Carrier::WebSocket).await;
}

#[tokio::test]
async fn two_people_meet_over_quic() {
    two_people_meet_talk_and_part(Carrier::Quic, Carrier::Quic).await;
}

#[tokio::test]
async fn two_people_meet_over_webtransport() {
    two_people_meet_talk_and_part(Carrier::WebTransport, Carrier::WebTransport).await;
}

#[tokio::test]
async fn two_people_meet_over_different_carriers() {
    two_people_meet_talk_and_part(Carrier::Quic, Carrier::WebSocket).await;
    two_people_meet_talk_and_part(Carrier::WebSocket, Carrier::WebTransport).await;
    two_people_meet_talk_and_part(Carrier::WebTransport, Carrier::Quic).await;
}

/// CALL 1 (S6): the server's clock ends a call with both silent. CALL 8: totals are the sum over the history.
#[tokio::test]
async fn the_clock_ends_a_call_and_the_totals_are_its_sum() {
    let server = Server::with(&["invites.seconds_min=1", "calls.completed=1s", "cooldowns.call=1ms"]).await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    for _ in 0..2 {
        let call = ann.call(&mut bob, 1).await;
        let ended = ann.hears("call_ended").await;
        assert_eq!((&ended["call"], &ended["why"], &ended["seconds"]), (&json!(call), &json!("deadline"), &json!(1)));
        bob.hears("call_ended").await;
    }
    let totals = json!({ "seconds": 2, "calls": 2, "completed": 2 });
    for guest in [&ann.guest, &bob.guest] {
        assert_eq!(server.totals(guest).await, totals);
        let history = server.history(guest).await;
        assert_eq!(history.iter().map(|row| row["seconds"].as_u64().expect("seconds")).sum::<u64>(), 2);
        assert_ne!(history[0]["call"], history[1]["call"]);
    }
}

/// INV 7: crossed invites are consent. The one whose invite crossed is told the call alone.
#[tokio::test]
async fn two_who_ring_each_other_at_once_are_in_one_call() {
    let server = Server::start().await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    let (hers, his) = (
        ann.say("invite", json!({ "to": bob.guest.user, "seconds": 300 })).await,
        bob.say("invite", json!({ "to": ann.guest.user, "seconds": 100 })).await,
    );
    let answers = [ann.answer(hers).await, bob.answer(his).await];
    assert_eq!(answers.iter().filter(|answer| answer["invite"].is_u64()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["call"].is_u64()).count(), 1, "{answers:?}");
    let (one, other) = (ann.hears("call_started").await, bob.hears("call_started").await);
    assert_eq!((&one["call"], &one["seconds"]), (&other["call"], &json!(200)));
    assert_ne!(one["initiator"], other["initiator"]);
}

/// PAIR 1, 4: two who let themselves be paired.
#[tokio::test]
async fn two_who_wish_for_somebody_are_paired() {
    let server = Server::with(&["pairing.round=10ms"]).await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    ann.ok("pair", json!({ "confirm": true })).await;
    bob.ok("pair", json!({})).await;
    let (hers, his) = (ann.hears("paired").await, bob.hears("paired").await);
    assert_eq!((&hers["pair"], &hers["with"]["user"]), (&his["pair"], &json!(bob.guest.user)));
    ann.ok("confirm", json!({ "pair": hers["pair"] })).await;
    bob.ok("confirm", json!({ "pair": his["pair"] })).await;
    let started = ann.hears("call_started").await;
    assert_eq!((&started["seconds"], &bob.hears("call_started").await["call"]), (&json!(180), &started["call"]));
}

/// CALL 6 (S25): both hang up at once, and again: one end, counted once. CALL 3: nothing is relayed after it.
#[tokio::test]
async fn a_call_ends_once_and_nothing_follows_it() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let (one, other) = (ann.say("hang_up", json!({ "call": call })).await, bob.say("hang_up", json!({ "call": call })).await);
    assert_eq!((&ann.answer(one).await["t"], &bob.answer(other).await["t"]), (&json!("ok"), &json!("ok")));
    ann.ok("hang_up", json!({ "call": call })).await;
    for (command, mut fields) in [
        ("chat", json!({ "text": "still there?" })),
        ("share", json!({ "contacts": { "mail": "a@example.org" } })),
        ("description", json!({ "epoch": 1, "kind": "offer", "sdp": "v=0\r\n" })),
        ("candidates", json!({ "epoch": 1, "from": 0, "candidates": [] })),
        ("extend_call", json!({ "seconds": 60 })),
        ("rejoin", json!({})),
        ("renegotiate", json!({})),
        ("ice_servers", json!({})),
    ] {
        fields["call"] = call.into();
        ann.no(command, fields, "unknown_call").await;
    }
    for client in [&mut ann, &mut bob] {
        client.ok("leave", json!({})).await;
        assert_eq!(client.heard().iter().filter(|kind| **kind == "call_ended").count(), 1);
        assert_eq!(client.heard().last(), Some(&"call_ended"), "nothing follows the end");
        assert_eq!(server.totals(&client.guest).await["calls"], 1);
    }
}

/// CALL 7 (S8): a call of no length, left in each way there is, sets the cooldown all the same.
#[tokio::test]
async fn no_way_out_of_a_call_escapes_its_cooldown() {
    let server = Server::with(&["calls.counted=20s", "connections.grace=50ms"]).await;
    for way in ["hang_up", "leave", "drop", "close"] {
        let (mut ann, bob, call) = server.in_call(300).await;
        let user = bob.guest.user.clone();
        let guest = bob.guest.clone();
        match way {
            "hang_up" => drop(ann.ok("hang_up", json!({ "call": call })).await),
            "leave" => bob.leave().await,
            "drop" => drop(bob.drop_link()),
            _ => drop(bob),
        }
        assert!(ann.hears("call_ended").await["cooldown_until"].is_u64());
        assert_eq!(server.history(&ann.guest).await, Vec::<Value>::new(), "too short to be history");
        let mut bob = Client::open(server.at, &guest).await;
        bob.ok("join", json!({})).await;
        ann.no("invite", json!({ "to": user, "seconds": 60 }), "cooldown").await;
        bob.no("invite", json!({ "to": ann.guest.user, "seconds": 60 }), "cooldown").await;
    }
}

/// LOB 2 (S20): no list is without a limit.
#[tokio::test]
async fn every_list_has_its_limit() {
    let server = Server::start().await;
    let mut people = Vec::new();
    for number in 0..60 {
        people.push(server.in_lobby(&format!("Guest {number}")).await);
    }
    let mut ann = server.in_lobby("Ann").await;
    assert_eq!(ann.ok("window", json!({ "size": 4_000_000_000_u32 })).await["size"], 50);
    let window = ann.hears("window").await;
    assert_eq!((window["places"].as_array().map(Vec::len), &window["available"]), (Some(50), &json!(61)));
    for limit in ["0", "101", "x"] {
        let answer = http::ask(server.at, "GET", &format!("/v1/history?limit={limit}"), Some(&ann.guest.token), None).await;
        assert_eq!((answer.status, &answer.body["field"]), (422, &json!("limit")));
    }
}

/// PRE 1 (S14): whoever watches nobody hears of nobody, however many come and go.
#[tokio::test]
async fn who_does_not_look_is_not_told() {
    let server = Server::start().await;
    let mut ann = server.in_lobby("Ann").await;
    for number in 0..20 {
        server.in_lobby(&format!("Guest {number}")).await.leave().await;
    }
    // Everything that was said to her before this answer has come.
    ann.send(&json!({ "t": "ping" })).await;
    assert_eq!(ann.next().await.expect("an answer")["t"], "pong");
}

/// PRE 2 (S15): changes are collected, and the last state always arrives. PRE 4 (S9): nobody offline is shown as available.
#[tokio::test]
async fn the_last_state_of_a_window_always_arrives() {
    let server = Server::with(&["presence.coalesce=200ms"]).await;
    let (mut ann, mut bob) = (server.in_lobby("Ann").await, server.in_lobby("Bob").await);
    ann.ok("window", json!({})).await;
    assert_eq!(ann.hears("window").await["places"][0][1]["user"], bob.guest.user.as_str());
    for _ in 0..30 {
        bob.ok("leave", json!({})).await;
        bob.ok("join", json!({})).await;
    }
    let gone = bob.guest.user.clone();
    bob.leave().await;
    let mut cat = server.in_lobby("Cat").await;
    let (mut places, mut deltas) = (BTreeMap::from([(0, gone)]), 0);
    while !places.values().eq([&cat.guest.user]) {
        let delta = ann.hears("window_delta").await;
        deltas += 1;
        for entry in delta["set"].as_array().expect("a list") {
            let place = entry[0].as_u64().expect("a place");
            match entry[1]["user"].as_str() {
                Some(user) => places.insert(place, user.to_string()),
                None => places.remove(&place),
            };
        }
    }
    assert!(deltas <= 30, "sixty changes and two came as {deltas} deltas");
    cat.ok("leave", json!({})).await;
    while !places.is_empty() {
        for entry in ann.hears("window_delta").await["set"].as_array().expect("a list") {
            assert!(entry[1].is_null(), "nobody is there any more: {entry}");
            places.remove(&entry[0].as_u64().expect("a place"));
        }
    }
}
