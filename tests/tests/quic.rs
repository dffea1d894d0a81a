//! What is different over QUIC and WebTransport: addresses that change, a server that is gone and says so, and those who wish ill.

use duologue_tests::quic::{Quic, client};
use duologue_tests::{Carrier, Client, Door, Server, drawn_client, http, until, within};
use quinn::{ConnectionError, Endpoint};
use rustix::process::Signal;
use serde_json::json;
use std::net::UdpSocket;
use std::time::Duration;
use tokio::time::Instant;

const BOTH: [Carrier; 2] = [Carrier::Quic, Carrier::WebTransport];

/// CON 4, 9: a phone changes from Wi-Fi to mobile in a call. Nobody hears of it and nothing is lost: it is the same connection.
#[tokio::test]
async fn another_address_in_mid_call_is_no_event() {
    let mut server = Server::start().await;
    for carrier in BOTH {
        let mut ann = server.in_lobby_over(carrier, "Ann").await;
        let mut bob = server.in_lobby_over(Carrier::WebSocket, "Bob").await;
        let call = ann.call(&mut bob, 300).await;
        bob.catch_up().await;
        let before = bob.heard().len();
        for round in 0..6 {
            ann.quic().rebind();
            // He speaks first, to an address where she no longer is, in half of the rounds.
            if round % 2 == 0 {
                bob.ok("chat", json!({ "call": call, "text": format!("his {round}") })).await;
                ann.ok("chat", json!({ "call": call, "text": format!("hers {round}") })).await;
            } else {
                ann.ok("chat", json!({ "call": call, "text": format!("hers {round}") })).await;
                bob.ok("chat", json!({ "call": call, "text": format!("his {round}") })).await;
            }
            assert_eq!(ann.hears("chat").await["text"], format!("his {round}"));
            assert_eq!(bob.hears("chat").await["text"], format!("hers {round}"));
        }
        bob.catch_up().await;
        assert_eq!(bob.heard()[before..], ["chat"; 6], "{carrier:?}");
        assert!(!bob.was_told("presence"), "{carrier:?}");
        assert_eq!(server.health().await["connections"]["graced"], 0);
        bob.ok("hang_up", json!({ "call": call })).await;
        assert_eq!(ann.hears("call_ended").await["why"], "hang_up");
        ann.leave().await;
        bob.leave().await;
    }
    server.assert_well();
}

/// CON 4, 6: a client that only listens is asked for a sign of life, and gives it without a word of its own.
#[tokio::test]
async fn a_quiet_client_is_alive() {
    let server = Server::with(&["connections.ping=200ms", "connections.dead=1s"]).await;
    let (mut ann, mut bob) = (server.in_lobby_over(Carrier::Quic, "Ann").await, server.in_lobby_over(Carrier::WebTransport, "Bob").await);
    // Three times as long as a dead one would be held.
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let live = &server.health().await["connections"]["live"];
        assert_eq!(live, &json!(2));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ann.call(&mut bob, 60).await;
}

/// CON 4: leaving is leaving, everything else begins the grace; and a resume gets what was missed.
#[tokio::test]
async fn a_broken_connection_is_resumed_and_one_that_was_left_is_gone() {
    let server = Server::start().await;
    for carrier in BOTH {
        let mut ann = server.in_lobby_over(carrier, "Ann").await;
        let mut bob = server.in_lobby_over(Carrier::WebSocket, "Bob").await;
        let call = ann.call(&mut bob, 300).await;
        let dropped = ann.drop_link();
        assert_eq!(bob.hears("peer_link").await["state"], "reconnecting");
        bob.ok("chat", json!({ "call": call, "text": "still there?" })).await;
        let mut ann = dropped.resume(Door { at: server.at, carrier }).await;
        assert_eq!(ann.welcome["recovered"], true);
        assert_eq!(ann.hears("chat").await["text"], "still there?");
        assert_eq!(bob.hears("peer_link").await["state"], "back");
        ann.leave().await;
        assert_eq!(bob.hears("call_ended").await["why"], "hang_up", "at once, without grace");
        bob.leave().await;
        until("nobody is left", || async { (server.health().await["connections"]["total"] == 0).then_some(()) }).await;
    }
}

/// CON 4: a browser closes with 0 what a page leaves open, also one that crashed. That is a loss.
#[tokio::test]
async fn a_session_that_a_browser_closed_by_itself_is_lost_and_not_left() {
    let server = Server::start().await;
    let mut ann = server.in_lobby_over(Carrier::WebTransport, "Ann").await;
    let mut bob = server.in_lobby_over(Carrier::WebSocket, "Bob").await;
    ann.call(&mut bob, 300).await;
    let dropped = ann.dropped();
    ann.quic().forget();
    assert_eq!(bob.hears("peer_link").await["state"], "reconnecting");
    let ann = dropped.resume(Door { at: server.at, carrier: Carrier::WebTransport }).await;
    assert_eq!(ann.welcome["recovered"], true);
    assert_eq!(bob.hears("peer_link").await["state"], "back");
}

fn free_udp_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.local_addr().expect("an address").port()
}

/// A client learns from the next process that its connection is no more: at its next packet, long before it would be idle.
#[tokio::test]
async fn a_killed_server_is_noticed_by_a_stateless_reset() {
    let port = format!("quic.listen=127.0.0.1:{}", free_udp_port());
    let server = Server::with(&[&port]).await;
    let mut ann = server.in_lobby_over(Carrier::Quic, "Ann").await;
    let mut bob = server.in_lobby_over(Carrier::WebTransport, "Bob").await;
    let call = ann.call(&mut bob, 300).await;
    let server = server.kill().await.restart().await;
    let restarted = Instant::now();
    assert_eq!(within("the end of a connection", ann.quic().connection.closed()).await, ConnectionError::Reset);
    // The library of this client closes what is lost, and keeps that as the reason.
    within("the end of a session", bob.quic().connection.closed()).await;
    // Their keep-alives come every two seconds.
    assert!(restarted.elapsed() < Duration::from_secs(8), "{:?}", restarted.elapsed());
    let mut ann = ann.dropped().resume(Door { at: server.at, carrier: Carrier::Quic }).await;
    assert_eq!((&ann.welcome["recovered"], &ann.welcome["state"]["call"]["call"]), (&json!(false), &json!(call)));
    ann.ok("rejoin", json!({ "call": call })).await;
}

/// CON 7: who does not read is closed with the code of it, and delays nobody.
#[tokio::test]
async fn a_slow_reader_is_told_so_by_the_code() {
    for carrier in BOTH {
        let mut server = Server::with(&["calls.chat_max=4096"]).await;
        let mut ann = server.in_lobby_over(carrier, "Ann").await;
        let mut bob = server.in_lobby_over(Carrier::WebSocket, "Bob").await;
        let call = ann.call(&mut bob, 300).await;
        let quic = within("a connection", Quic::connect(server.at, carrier == Carrier::WebTransport, true)).await.expect("let in");
        let mut slow = Client::over_quic(quic, &ann.guest, &drawn_client());
        let (token, page) = (slow.guest.token.clone(), slow.client.clone());
        slow.send(&json!({ "t": "hello", "token": token, "client": page })).await;
        slow.hears("welcome").await;
        let long = "\u{1f44b}".repeat(4_000);
        let mut lines = 0;
        while server.health().await["connections"]["graced"] == 0 {
            assert!(lines < 2_000, "32 MB and still not closed");
            for _ in 0..10 {
                lines += 1;
                bob.ok("chat", json!({ "call": call, "text": format!("{lines} {long}") })).await;
                assert!(ann.hears("chat").await["text"].as_str().expect("text").starts_with(&format!("{lines} ")), "nobody is delayed");
            }
        }
        assert_eq!(within("an end", slow.quic().code()).await, Some(4003), "{carrier:?}");
        server.assert_well();
    }
}

/// What is no protocol is told by its code, and harms nobody else.
#[tokio::test]
async fn nonsense_is_told_by_its_code() {
    let mut server = Server::with(&["connections.hello=1s"]).await;
    let (mut ann, mut bob) = (server.in_lobby_over(Carrier::Quic, "Ann").await, server.in_lobby_over(Carrier::WebTransport, "Bob").await);
    let hello = |guest: &duologue_tests::Guest| json!({ "t": "hello", "token": guest.token, "client": drawn_client() });
    let long = |length: u32| [&(0x8000_0000 | length).to_be_bytes()[..], &vec![b'x'; length as usize]].concat();
    let first: [(&str, Vec<u8>, &str, u16); 5] = [
        ("bytes that are no message", b"\x05hello".to_vec(), "bad_message", 4106),
        ("no message at all", b"\x00".to_vec(), "bad_message", 4106),
        ("more than a hello may have", long(5_000), "bad_message", 4106),
        ("more than a message may have", long(65_537), "bad_message", 4106),
        ("a length of four exabytes", b"\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), "bad_message", 4106),
    ];
    for carrier in BOTH {
        let door = Door { at: server.at, carrier };
        for (name, bytes, code, number) in &first {
            let mut cat = Client::silent(door, &ann.guest, &drawn_client()).await;
            let _ = cat.quic().write(bytes).await;
            assert_eq!(cat.ends().await, (Some((*code).into()), Some(*number)), "{name} over {carrier:?}");
        }
        let mut cat = Client::silent(door, &ann.guest, &drawn_client()).await;
        cat.send(&json!({ "t": "ping" })).await;
        assert_eq!(cat.ends().await, (Some("no_hello".into()), Some(4006)));
        let mut cat = Client::silent(door, &ann.guest, &drawn_client()).await;
        cat.quic().write(b"\x05he").await;
        assert_eq!(cat.ends().await, (Some("no_hello".into()), Some(4006)), "a message that never ends, over {carrier:?}");

        let mallory = server.guest("Mallory").await;
        for (name, bytes) in [("a second hello", None), ("a message that is too large", Some(long(65_537)))] {
            let mut client = Client::open(door, &mallory).await;
            match bytes {
                None => client.send(&hello(&mallory)).await,
                Some(bytes) => drop(client.quic().write(&bytes).await),
            }
            assert_eq!(client.ends().await, (Some("bad_message".into()), Some(4106)), "{name} over {carrier:?}");
        }
    }
    let mallory = server.guest("Mallory").await;
    for stray in 0..3 {
        let mut client = Client::open(Door { at: server.at, carrier: Carrier::Quic }, &mallory).await;
        let connection = client.quic().connection.clone();
        match stray {
            0 => connection.open_bi().await.expect("a stream").0.write_all(b"x").await.expect("sent"),
            1 => connection.open_uni().await.expect("a stream").write_all(b"x").await.expect("sent"),
            _ => connection.send_datagram(b"x".as_slice().into()).expect("sent"),
        }
        assert_eq!(client.ends().await, (Some("bad_message".into()), Some(4106)), "stray {stray}");
    }
    // A connection without a stream, and one in another language.
    let (at, config) = client(server.at, b"duologue/1", false).await;
    let endpoint = Endpoint::client("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let silent = endpoint.connect_with(config, at, "localhost").expect("it begins").await.expect("let in");
    match within("an end", silent.closed()).await {
        ConnectionError::ApplicationClosed(close) => assert_eq!(u64::from(close.error_code), 4006),
        other => panic!("{other}"),
    }
    let (at, config) = client(server.at, b"http/1.1", false).await;
    assert!(endpoint.connect_with(config, at, "localhost").expect("it begins").await.is_err());

    ann.call(&mut bob, 60).await;
    server.assert_well();
}

/// SIGTERM over QUIC: everybody is told, with message and code, and the process ends in time.
#[tokio::test]
async fn terminated_it_says_going_away() {
    let server = Server::start().await;
    let mut ann = server.in_lobby_over(Carrier::Quic, "Ann").await;
    let mut bob = server.in_lobby_over(Carrier::WebTransport, "Bob").await;
    let (ended, killed) = server.terminate().await;
    assert_eq!(ended.code, Some(0), "{:?}", ended.errors);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.ends().await, (Some("going_away".into()), Some(4002)));
    }
    let server = killed.restart().await;
    let back = ann.dropped().resume(Door { at: server.at, carrier: Carrier::Quic }).await;
    assert_eq!(back.welcome["user"]["user"], ann.guest.user.as_str());
}

/// SIGHUP: another certificate counts from the next handshake on; who is there stays.
#[tokio::test]
async fn another_certificate_drops_nobody() {
    let mut server = Server::start().await;
    let mut ann = server.in_lobby_over(Carrier::Quic, "Ann").await;
    let before = http::get(server.at, "/v1/quic", None).await;
    let path = server.folder.path().join("development-certificate.pem");
    let text = std::fs::read_to_string(&path).expect("there");
    let (_, pem) = text.split_once('\n').expect("a first line");
    std::fs::write(&path, format!("good until 1\n{pem}")).expect("written");
    server.signal(Signal::HUP);
    until("another certificate", || async {
        (http::get(server.at, "/v1/quic", None).await["certificate_sha256"] != before["certificate_sha256"]).then_some(())
    })
    .await;
    let mut bob = server.in_lobby_over(Carrier::WebTransport, "Bob").await;
    ann.call(&mut bob, 60).await;
    server.assert_well();
}

#[tokio::test]
async fn without_quic_nothing_speaks_of_it() {
    let server = Server::with(&["quic.enabled=false"]).await;
    assert_eq!(http::ask(server.at, "GET", "/v1/quic", None, None).await.status, 404);
    assert!(!server.folder.path().join("quic-keys").exists());
}
