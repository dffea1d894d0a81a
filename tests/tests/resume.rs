//! Coming back: exactly what was missed, once, in order; or the full state. Never something between.

use duologue_tests::{Client, Server, drawn_client, until};
use serde_json::{Value, json};

/// Waits until so many connections are in their grace.
async fn graced(server: &Server, many: u64) {
    until("the loss is noticed", || async { (server.health().await["connections"]["graced"] == many).then_some(()) }).await;
}

/// CON 4: lines, signals and the end of a ring that came meanwhile are read after the resume, with their numbers, once.
#[tokio::test]
async fn a_resume_brings_exactly_what_was_missed() {
    let server = Server::start().await;
    let (mut ann, bob, call) = server.in_call(300).await;
    let mut away = bob.drop_link();
    for round in 0..5 {
        graced(&server, 1).await;
        assert_eq!(ann.hears("peer_link").await["state"], "reconnecting");
        let mut missed: Vec<Value> = Vec::new();
        for line in 0..3 {
            let text = format!("{round}.{line}");
            ann.ok("chat", json!({ "call": call, "text": text })).await;
            missed.push(json!(text));
        }
        let sdp = format!("v=0\r\n{round}");
        ann.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": sdp })).await;
        let mut bob = away.resume(server.at).await;
        assert_eq!((&bob.welcome["recovered"], &bob.welcome["seq"]), (&json!(true), &json!(away.seq)));
        assert_eq!(bob.welcome["state"]["call"]["here"], true);
        let mut got = Vec::new();
        for _ in 0..3 {
            let line = bob.next().await.expect("a missed line");
            got.push(line["text"].clone());
        }
        assert_eq!(got, missed);
        assert_eq!(bob.next().await.expect("the description")["sdp"], sdp.as_str());
        bob.send(&json!({ "t": "ping" })).await;
        assert_eq!(bob.next().await.expect("an answer")["t"], "pong", "and nothing else");
        assert_eq!(ann.hears("peer_link").await["state"], "back");
        away = bob.drop_link();
    }
}

/// CON 4: a resume takes over while the old link seems alive, any number of times, also from 0 on. An acknowledged event is
/// forgotten: from before it there is no replay.
#[tokio::test]
async fn a_resume_takes_over_a_link_that_seems_alive() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let heard: Vec<Value> = bob.events.clone();
    for _ in 0..3 {
        let mut from_zero = bob.dropped();
        from_zero.seq = 0;
        let mut again = from_zero.resume(server.at).await;
        assert_eq!(bob.ends().await, (Some("superseded".into()), Some(4101)));
        assert_eq!((&again.welcome["recovered"], &again.welcome["seq"]), (&json!(true), &json!(0)));
        for event in &heard {
            assert_eq!(&again.next().await.expect("an old event"), event);
        }
        bob = again;
    }
    ann.ok("chat", json!({ "call": call, "text": "still you?" })).await;
    bob.hears("chat").await;
    bob.send(&json!({ "t": "ack", "seq": bob.seq })).await;
    bob.catch_up().await;
    let mut forgotten = bob.dropped();
    forgotten.seq = 0;
    let again = forgotten.resume(server.at).await;
    assert_eq!((&again.welcome["recovered"], &again.welcome["seq"]), (&json!(false), &json!(bob.seq)));
    assert_eq!(again.welcome["state"]["call"]["here"], true, "seat and call are kept all the same");
    assert!(!ann.heard().contains(&"peer_link"), "she never noticed");
}

/// "Opening": a page with a `client` that is in use (a duplicated tab) takes that connection over, with seat and numbers.
#[tokio::test]
async fn a_page_with_the_same_client_takes_the_connection_over() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let mut copy = Client::hello(server.at, &bob.guest, &bob.client, 1, json!({})).await;
    assert_eq!(bob.ends().await, (Some("superseded".into()), Some(4101)));
    assert_eq!((&copy.welcome["recovered"], &copy.welcome["seq"]), (&json!(false), &json!(bob.seq)));
    assert_eq!((&copy.welcome["last_id"], &copy.welcome["state"]["call"]["here"]), (&json!(bob.next - 1), &json!(true)));
    copy.next = bob.next;
    copy.ok("chat", json!({ "call": call, "text": "the copy" })).await;
    assert_eq!(ann.hears("chat").await["text"], "the copy");
    assert!(!ann.heard().contains(&"peer_link"), "she never noticed");
}

/// CON 5: a number said again has the same answer and no second effect; a lower one whose answer is not kept is `answered`.
#[tokio::test]
async fn a_number_said_again_happens_once() {
    let server = Server::with(&["connections.answers=4"]).await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let first = bob.next;
    let answers = [
        bob.ok("chat", json!({ "call": call, "text": "once" })).await,
        bob.no("chat", json!({ "call": call, "text": "" }), "bad_message").await,
    ];
    for _ in 0..2 {
        let away = bob.drop_link();
        bob = away.resume(server.at).await;
        assert_eq!(bob.welcome["last_id"], away.next - 1);
        for (id, answer) in (first..).zip(&answers) {
            bob.say_as(id, "chat", json!({ "call": call, "text": if id == first { "once" } else { "" } })).await;
            assert_eq!(&bob.answer(id).await, answer);
        }
    }
    assert_eq!(ann.hears("chat").await["text"], "once");
    bob.ok("chat", json!({ "call": call, "text": "twice" })).await;
    assert_eq!(ann.hears("chat").await["text"], "twice", "and not the first one again");
    for number in 0..6 {
        bob.ok("chat", json!({ "call": call, "text": format!("more {number}") })).await;
    }
    bob.say_as(first, "chat", json!({ "call": call, "text": "once" })).await;
    let late = bob.answer(first).await;
    assert_eq!(late["code"], "answered");
}

/// CON 4, 7: more than is kept is no replay but the whole state, and the call's signalling starts anew.
#[tokio::test]
async fn a_replay_that_is_lost_is_told_and_the_call_goes_on() {
    let server = Server::with(&["connections.replay_messages=4"]).await;
    let (mut ann, bob, call) = server.in_call(300).await;
    let away = bob.drop_link();
    graced(&server, 1).await;
    for line in 0..6 {
        ann.ok("chat", json!({ "call": call, "text": line.to_string() })).await;
    }
    let mut bob = away.resume(server.at).await;
    assert_eq!((&bob.welcome["recovered"], &bob.welcome["state"]["call"]["here"]), (&json!(false), &json!(true)));
    assert_eq!(bob.hears("renegotiate").await["epoch"], 2);
    assert_eq!(ann.hears("renegotiate").await["epoch"], 2);
    let stale = ann.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": "v=0\r\n" })).await;
    assert_eq!(stale["stale"], true);
}

/// "Resume": the window of the version last seen is not sent again; of another version it comes whole.
#[tokio::test]
async fn a_window_that_is_known_is_not_sent_again() {
    let server = Server::start().await;
    let mut ann = server.in_lobby("Ann").await;
    ann.ok("window", json!({ "size": 5 })).await;
    let window = ann.hears("window").await;
    let away = ann.drop_link();
    let version = window["version"].as_u64().expect("a number");
    let hello = |version: u64, token: &str| json!({ "resume": { "token": token, "seq": 0, "window": version } });
    let mut ann = Client::hello(server.at, &away.guest, &away.client, away.next, hello(version, &away.resume)).await;
    assert_eq!(ann.welcome["state"]["window"], 5);
    ann.send(&json!({ "t": "ping" })).await;
    assert_eq!(ann.next().await.expect("an answer")["t"], "pong", "no window");
    // What changed meanwhile comes as a change of it; to somebody who has seen another version, all of it comes.
    let away = ann.drop_link();
    let mut bob = server.in_lobby("Bob").await;
    bob.catch_up().await;
    let mut ann = Client::hello(server.at, &away.guest, &away.client, away.next, hello(version, &away.resume)).await;
    let change = ann.hears("window_delta").await;
    assert_eq!((&change["version"], &change["set"][0][1]["user"]), (&json!(version + 1), &json!(bob.guest.user)));
    let away = ann.drop_link();
    let mut ann = Client::hello(server.at, &away.guest, &away.client, away.next, hello(version, &away.resume)).await;
    let fresh = ann.hears("window").await;
    assert_eq!(fresh["places"][0][1]["user"], bob.guest.user.as_str());
    assert!(fresh["version"].as_u64() > Some(version + 1));
}

/// "Resume": a token that is used, foreign or unknown is no error, and gives nothing of what it names.
#[tokio::test]
async fn a_foreign_resume_token_opens_nothing() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let mallory = server.guest("Mallory").await;
    for token in [bob.resume.clone(), "0".repeat(64), String::new()] {
        let hello = json!({ "resume": { "token": token, "seq": 0 } });
        let mut thief = Client::hello(server.at, &mallory, &drawn_client(), 1, hello).await;
        assert_eq!((&thief.welcome["recovered"], &thief.welcome["state"]["call"]), (&json!(false), &Value::Null));
        thief.no("chat", json!({ "call": call, "text": "it is me, Bob" }), "not_member").await;
        thief.leave().await;
    }
    // Nor does the client's id of somebody else.
    let hello = Client::hello(server.at, &mallory, &bob.client, 1, json!({})).await;
    assert_eq!(hello.welcome["last_id"], 0);
    bob.ok("chat", json!({ "call": call, "text": "still here" })).await;
    assert_eq!(ann.hears("chat").await["text"], "still here");
    assert!(!ann.heard().contains(&"peer_link"));
}

/// CON 4, CALL 6: within the grace nobody but the peer notices; beyond it the call is over, and the state says so.
#[tokio::test]
async fn beyond_the_grace_everything_is_over() {
    let server = Server::with(&["connections.grace=100ms"]).await;
    let (mut ann, bob, call) = server.in_call(300).await;
    let away = bob.drop_link();
    assert_eq!(ann.hears("call_ended").await["why"], "peer_lost");
    let mut bob = away.resume(server.at).await;
    assert_eq!(
        (&bob.welcome["recovered"], &bob.welcome["state"]["call"], &bob.welcome["state"]["lobby"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    bob.ok("hang_up", json!({ "call": call })).await;
    assert_eq!(server.totals(&bob.guest).await["calls"], 1);
}

/// CON 8: `exclusive` closes the others, and the seat moves.
#[tokio::test]
async fn exclusive_closes_the_others() {
    let server = Server::start().await;
    let (mut ann, mut bob, call) = server.in_call(300).await;
    let mut here = Client::hello(server.at, &bob.guest, &drawn_client(), 1, json!({ "exclusive": true })).await;
    assert_eq!(bob.ends().await, (Some("signed_in_elsewhere".into()), Some(4102)));
    assert_eq!(here.welcome["state"]["call"]["call"], call);
    assert_eq!(here.welcome["state"]["call"]["here"], true);
    here.ok("chat", json!({ "call": call, "text": "here now" })).await;
    assert_eq!(ann.hears("chat").await["text"], "here now");
}
