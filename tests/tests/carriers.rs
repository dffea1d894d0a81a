//! The whole story of two strangers, told by the Rust client for every pair of what it speaks: JSON and the binary form over WebSocket,
//! and QUIC. What a carrier does differently is nothing that a program notices.
//!
//! Deflated WebSockets are the browsers' (`tests/browser`), and so is WebTransport; raw clients tell it of the server's side
//! (`meeting.rs`).

use duologue_client::ids::{CallId, ClientId};
use duologue_client::time::{Millis, Span};
use duologue_client::wire::{CallEnded, CallStarted, Candidate, Event as Happened, PeerLink, SdpKind, Why};
use duologue_client::{Client, Config, Event, Form, NegotiationInput, NegotiationOutput, Server as Door};
use duologue_tests::{Guest, Server, Way, within};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// What one speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Binary,
    Json,
    Quic,
}

const ALL: [Speech; 3] = [Speech::Binary, Speech::Json, Speech::Quic];

/// Somebody with a program, and the way of their messages.
struct Person {
    client: Client,
    guest: Guest,
    way: Way,
    happened: VecDeque<Happened>,
    welcomes: Vec<bool>,
    /// What the other one's peer connection said: descriptions and candidates.
    heard: Vec<String>,
}

impl Person {
    /// From the first request to the lobby, with a window.
    async fn come(server: &Server, speech: Speech, name: &str) -> Person {
        let door = Door::at(&format!("http://{}", server.at)).expect("an address");
        let made = within("a guest", door.guest(name)).await.expect("made");
        let (way, url) = match speech {
            Speech::Binary | Speech::Json => {
                let way = Way::tcp(server.at).await;
                let url = format!("ws://{}/v1/ws", way.at);
                (way, url)
            }
            Speech::Quic => {
                let url = within("an answer", door.quic()).await.expect("told").expect("QUIC is spoken");
                let (place, certificate) = url.trim_start_matches("quic://").split_once('?').expect("a certificate");
                let way = Way::udp(place.parse::<SocketAddr>().expect("an address")).await;
                let url = format!("quic://{}?{certificate}", way.at);
                (way, url)
            }
        };
        let form = if speech == Speech::Json { Form::Json } else { Form::Binary };
        let config = Config {
            form,
            backoff_first: Span::millis(50),
            backoff_max: Span::millis(200),
            quiet: Span::secs(1),
            pong_within: Span::secs(2),
            ..Config::new(made.token.clone(), ClientId(made.user.0), 7)
        };
        let client = within("a welcome", Client::connect_with(&url, config)).await.expect("welcomed");
        client.join().await.expect("joined");
        client.watch(20).await.expect("watched");
        let guest = Guest { user: made.user.to_string(), token: made.token, name: name.into() };
        Person { client, guest, way, happened: VecDeque::new(), welcomes: Vec::new(), heard: Vec::new() }
    }

    /// One event; what the exchange wants is done at once.
    async fn takes(&mut self) {
        let name = &self.guest.name;
        match self.client.next().await.unwrap_or_else(|| panic!("{name}'s client has ended")) {
            Event::Happened(event) => self.happened.push_back(event),
            Event::Peer(output) => self.negotiates(output).await,
            Event::Welcomed(welcome) => self.welcomes.push(welcome.recovered),
            Event::GivenUp { .. } | Event::Ended(_) | Event::SignalRefused(_) => panic!("{name} has no such day"),
            _ => {}
        }
    }

    /// What a peer connection would, with a text of its own.
    async fn negotiates(&mut self, output: NegotiationOutput) {
        let epoch = 1;
        let kind = match output {
            NegotiationOutput::MakeAnswer => SdpKind::Answer,
            NegotiationOutput::MakeOffer { .. } => SdpKind::Offer,
            NegotiationOutput::SetRemote(description) => {
                self.heard.push(description.sdp);
                return self.client.peer(NegotiationInput::RemoteSet { epoch }).await;
            }
            NegotiationOutput::AddCandidate(told) => return self.heard.push(told.candidate),
            NegotiationOutput::AddDone => return self.heard.push("done".into()),
            NegotiationOutput::Renew { epoch } => return assert_eq!(epoch, 1, "the exchange is made once"),
            other => panic!("{other:?}"),
        };
        self.client.peer(NegotiationInput::Made { epoch, kind, sdp: self.sdp() }).await;
        let candidate = Candidate { candidate: self.candidate(), mid: Some("0".into()), line: Some(0) };
        self.client.peer(NegotiationInput::LocalCandidate { epoch, candidate }).await;
        self.client.peer(NegotiationInput::LocalDone { epoch }).await;
    }

    fn sdp(&self) -> String {
        format!("v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns={}\tß👋\"\\\r\n", self.guest.name)
    }

    fn candidate(&self) -> String {
        format!("candidate:1 1 udp 2122260223 192.0.2.7 5{:04} typ host", self.guest.name.len())
    }

    /// Waits for this among what has happened and what will; what was not asked for stays.
    async fn hears<T>(&mut self, what: &str, is_it: impl Fn(&Happened) -> Option<T>) -> T {
        let what = format!("{} hears {what}", self.guest.name);
        within(&what, async {
            let mut looked = 0;
            loop {
                while looked < self.happened.len() {
                    if let Some(found) = is_it(&self.happened[looked]) {
                        self.happened.remove(looked);
                        return found;
                    }
                    looked += 1;
                }
                self.takes().await;
            }
        })
        .await
    }

    async fn hears_started(&mut self) -> CallStarted {
        self.hears("that the call has started", |event| match event {
            Happened::CallStarted(started) => Some((**started).clone()),
            _ => None,
        })
        .await
    }

    async fn hears_line(&mut self, line: &str) {
        let said = |event: &Happened| matches!(event, Happened::Chat { text, .. } if text == line).then_some(());
        self.hears(&format!("{line:?}"), said).await;
    }

    async fn hears_end(&mut self) -> CallEnded {
        self.hears("that the call has ended", |event| match event {
            Happened::CallEnded(ended) => Some((**ended).clone()),
            _ => None,
        })
        .await
    }

    /// Waits until all of the other one's side of the exchange is there.
    async fn hears_signals(&mut self, other: &[String]) {
        let what = format!("{} hears the other's description and candidates", self.guest.name);
        within(&what, async {
            while self.heard.len() < other.len() {
                self.takes().await;
            }
        })
        .await;
        assert_eq!(self.heard, other);
    }

    /// Waits until the window shows somebody of this name; until when they may not meet, if so.
    async fn sees(&mut self, other: &str, is_it: impl Fn(Option<Millis>) -> bool) {
        let what = format!("{} sees {other} in the window", self.guest.name);
        within(&what, async {
            loop {
                let name = other.to_owned();
                let shown = self.client.look(move |engine, _| {
                    let places = engine.window().map(|window| window.places().to_vec()).unwrap_or_default();
                    places.into_iter().flatten().find(|(card, _)| card.name == name).map(|(_, marks)| marks.cooldown_until)
                });
                if shown.await.flatten().is_some_and(&is_it) {
                    return;
                }
                self.takes().await;
            }
        })
        .await;
    }
}

/// CON 4, 5; LOB 1, 4; INV 1, 5; SIG 1 to 3; CALL 1, 3, 4, 6, 8.
async fn two_strangers(hers: Speech, his: Speech) {
    let server = Server::with(&["connections.ping=500ms", "connections.dead=2s"]).await;
    let (mut ann, mut bob) = (Person::come(&server, hers, "Ann").await, Person::come(&server, his, "Bobby").await);
    ann.sees("Bobby", |cooldown| cooldown.is_none()).await;
    bob.sees("Ann", |cooldown| cooldown.is_none()).await;

    // She asks for five minutes, he has two: they agree on the middle.
    let peer = ann.client.free().await[0].user;
    let invite = ann.client.invite(peer, 300).await.expect("rung").expect("a ring");
    let rang = bob.hears("a ring", |event| match event {
        Happened::Rang { invite, from, seconds, .. } => Some((*invite, from.name.clone(), *seconds)),
        _ => None,
    });
    assert_eq!(rang.await, (invite, "Ann".to_string(), 300));
    let call: CallId = bob.client.accept(invite, 120).await.expect("accepted");
    let (started, his_started) = (ann.hears_started().await, bob.hears_started().await);
    assert_eq!((started.call, started.seconds, started.deadline, started.initiator), (call, 210, started.started + Span::secs(210), true));
    assert_eq!((his_started.call, his_started.deadline, his_started.initiator), (call, started.deadline, false));

    let (offer, answer) = ([ann.sdp(), ann.candidate(), "done".into()], [bob.sdp(), bob.candidate(), "done".into()]);
    tokio::join!(ann.hears_signals(&answer), bob.hears_signals(&offer));

    ann.client.chat(call, "hello").await.expect("said");
    bob.hears_line("hello").await;
    bob.client.chat(call, "hello to you").await.expect("said");
    ann.hears_line("hello to you").await;

    // Her network is gone for a while. He is told, and what he says meanwhile she hears when she is back.
    ann.way.cut().await;
    let link = |wanted: bool| {
        move |event: &Happened| match event {
            Happened::PeerLink { state, .. } => (matches!(state, PeerLink::Back) == wanted).then_some(()),
            _ => None,
        }
    };
    bob.hears("that she is gone", link(false)).await;
    bob.client.chat(call, "still there?").await.expect("said");
    ann.way.mend().await;
    within("her line is taken", ann.client.chat(call, "yes")).await.expect("said");
    ann.hears_line("still there?").await;
    bob.hears("that she is back", link(true)).await;
    bob.hears_line("yes").await;
    assert_eq!((ann.welcomes.first(), ann.welcomes.last()), (Some(&false), Some(&true)), "it was a resume");
    assert!(ann.welcomes.len() > 1);
    assert_eq!(bob.welcomes, [false]);

    // The end, once, the same for both; both are in the lobby again, and may not meet a second time today.
    bob.client.hang_up(call).await.expect("hung up");
    let (ended, his_ended) = (ann.hears_end().await, bob.hears_end().await);
    assert_eq!((ended.call, ended.why, ended.cooldown_until), (call, Why::HangUp, started.started + Span::days(1)));
    assert_eq!(his_ended, ended);
    ann.sees("Bobby", |cooldown| cooldown == Some(ended.cooldown_until)).await;
    bob.sees("Ann", |cooldown| cooldown == Some(ended.cooldown_until)).await;
    assert!(ann.client.free().await.is_empty());

    for (me, peer) in [(&ann.guest, &bob.guest), (&bob.guest, &ann.guest)] {
        let history = server.history(me).await;
        let [row] = history.as_slice() else { panic!("one call: {history:?}") };
        assert_eq!((row["call"].as_u64(), row["peer"]["user"].as_str()), (Some(call.0), Some(peer.user.as_str())));
        assert_eq!((row["agreed"].as_u64(), row["seconds"].as_u64()), (Some(210), Some(ended.seconds)));
        let lines: Vec<&str> = row["chat"].as_array().expect("lines").iter().map(|line| line["text"].as_str().expect("text")).collect();
        assert_eq!(lines, ["hello", "hello to you", "still there?", "yes"]);
    }
    within("goodbye", async { tokio::join!(ann.client.leave(), bob.client.leave()) }).await;
}

async fn meets_everybody(hers: Speech) {
    for his in ALL {
        eprintln!("{hers:?} meets {his:?}");
        two_strangers(hers, his).await;
    }
}

#[tokio::test]
async fn json_over_a_websocket_meets_everybody() {
    meets_everybody(Speech::Json).await;
}

#[tokio::test]
async fn the_binary_form_over_a_websocket_meets_everybody() {
    meets_everybody(Speech::Binary).await;
}

#[tokio::test]
async fn quic_meets_everybody() {
    meets_everybody(Speech::Quic).await;
}
