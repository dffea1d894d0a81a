//! `--with-people`: made-up people as others meet them, from outside the process.

use duologue_tests::{Client, Server, http, until, within};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Her window until it is as wished.
async fn window_until(client: &mut Client, wish: impl Fn(&BTreeMap<u64, Value>) -> bool) -> BTreeMap<u64, Value> {
    let mut cards = BTreeMap::new();
    within("a window as wished", async {
        while !wish(&cards) {
            let message = client.next().await.expect("the connection lives");
            let (whole, places) = (message["t"] == "window", if message["t"] == "window" { &message["places"] } else { &message["set"] });
            if whole {
                cards.clear();
            }
            for entry in places.as_array().into_iter().flatten() {
                let place = entry[0].as_u64().expect("a place");
                match entry.get(1).filter(|card| card.is_object()) {
                    Some(card) => cards.insert(place, card.clone()),
                    None => cards.remove(&place),
                };
            }
        }
    })
    .await;
    cards
}

fn is_made_up(card: &Value) -> bool {
    card["tags"].as_array().is_some_and(|tags| tags.contains(&json!("made-up")))
}

/// Reads the chat until somebody says this.
async fn hears_line(client: &mut Client, part: &str) {
    while !client.hears("chat").await["text"].as_str().expect("text").contains(part) {}
}

#[tokio::test]
async fn a_lone_client_finds_a_lobby_that_lives_within_five_seconds() {
    let began = Instant::now();
    let server = Server::in_company(12, &["company.pause=10m"]).await;
    let mut ann = server.in_lobby("Ann").await;
    ann.ok("window", json!({})).await;
    let cards = window_until(&mut ann, |cards| cards.len() >= 5).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(cards.values().all(is_made_up), "all cards say what they are: {cards:?}");

    // They count as connections, and it is said how many they are.
    let health = until("all are here", || async {
        let health = server.health().await;
        (health["connections"]["made_up"] == 12).then_some(health)
    })
    .await;
    assert_eq!((&health["connections"]["users"], &health["connections"]["live"]), (&json!(13), &json!(13)));
    let metrics = http::get(server.at, "/metrics", None).await;
    assert!(metrics.as_str().expect("text").contains("\nduologue_made_up 12\n"));

    // She rings one of them: accepted after a moment, for a length that is agreed on.
    let him = cards.values().next().expect("a card")["user"].clone();
    ann.ok("invite", json!({ "to": him, "seconds": 600 })).await;
    assert_eq!(ann.hears("invite_ended").await["why"], "accepted");
    let started = ann.hears("call_started").await;
    assert!((360..=450).contains(&started["seconds"].as_u64().expect("seconds")), "{started}");
    assert_eq!(started["peer"]["user"], him);

    // An offer is answered by nothing, a line by a line; the first one says what they are.
    let call = started["call"].clone();
    ann.ok("description", json!({ "call": call, "epoch": 1, "kind": "offer", "sdp": "v=0\r\n" })).await;
    hears_line(&mut ann, "made up").await;
    ann.ok("chat", json!({ "call": call, "text": "What is your name?" })).await;
    hears_line(&mut ann, "you are Ann").await;
    ann.ok("extend_call", json!({ "call": call, "seconds": 60 })).await;
    ann.hears("call_extended").await;
    ann.ok("hang_up", json!({ "call": call })).await;
    assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
    assert!(!ann.heard().contains(&"description") && !ann.heard().contains(&"rang"), "{:?}", ann.heard());
}

#[tokio::test]
async fn who_waits_is_rung_by_one_and_after_a_no_by_nobody_for_a_while() {
    let server = Server::in_company(6, &["company.pause=500ms"]).await;
    let mut ann = server.in_lobby("Ann").await;
    let rang = ann.hears("rang").await;
    assert!(is_made_up(&rang["from"]), "{rang}");
    let declined = Instant::now();
    ann.ok("decline", json!({ "invite": rang["invite"] })).await;
    let again = ann.hears("rang").await;
    assert!(declined.elapsed() >= Duration::from_secs(4), "eight pauses: {:?}", declined.elapsed());
    assert_ne!(again["from"]["user"], rang["from"]["user"]);
    ann.ok("accept", json!({ "invite": again["invite"], "seconds": 60 })).await;
    let call = ann.hears("call_started").await["call"].clone();
    hears_line(&mut ann, "made up").await;
    // Whoever says goodbye is hung up on.
    ann.ok("chat", json!({ "call": call, "text": "bye" })).await;
    assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
}

#[tokio::test]
async fn who_looks_for_somebody_is_found() {
    let server = Server::in_company(3, &["company.pause=10m"]).await;
    let mut ann = server.in_lobby("Ann").await;
    ann.ok("pair", json!({})).await;
    let started = ann.hears("call_started").await;
    assert!(is_made_up(&started["peer"]), "{started}");
}

#[tokio::test]
async fn at_a_stop_they_hang_up_and_the_process_ends_soon() {
    let server = Server::in_company(40, &["company.pause=10m"]).await;
    let mut ann = server.in_lobby("Ann").await;
    ann.ok("window", json!({})).await;
    let cards = window_until(&mut ann, |cards| cards.len() >= 3).await;
    ann.ok("invite", json!({ "to": cards.values().next().expect("a card")["user"], "seconds": 60 })).await;
    ann.hears("call_started").await;
    let hears = async {
        assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
        let (code, _) = ann.ends().await;
        assert_eq!(code.as_deref(), Some("going_away"));
    };
    let ((ended, left), ()) = tokio::join!(server.terminate(), hears);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(3), "{ended:?}");
    assert!(!ended.errors.iter().any(|line| line.contains("panicked")), "{ended:?}");
    // On the same data again, others come.
    let server = left.restart().await;
    let mut ann = server.in_lobby("Ann").await;
    ann.ok("window", json!({})).await;
    window_until(&mut ann, |cards| cards.len() >= 3).await;
}
