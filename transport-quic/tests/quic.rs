//! What only QUIC can do, and do wrong.

mod loopback;

use duologue_transport::contract::{Harness, Received};
use duologue_transport::framing::frame;
use duologue_transport::{Down, Form, Up};
use duologue_transport_quic::{ALPN, Config};
use loopback::{Loopback, PATIENCE, Peer, Streams, config, message};
use quinn::{ConnectionError, VarInt};
use std::net::UdpSocket;
use std::time::Duration;
use tokio::time::Instant;
use web_transport_quinn::http::{HeaderName, HeaderValue, StatusCode};
use web_transport_quinn::{ClientError, ConnectError, Session, proto};

fn opened(h: &mut Loopback) -> (Peer, duologue_transport::ConnId) {
    let peer = h.open(Form::Postcard);
    let Up::Opened { conn, address, form, .. } = next(h) else { panic!("opened first") };
    assert_eq!((address, form), (0xffff_7f00_0001, Form::Postcard));
    (peer, conn)
}

/// The next word that is neither `Heard` nor `Writable`.
fn next(h: &mut Loopback) -> Up {
    loop {
        match h.next_up() {
            Up::Heard { .. } | Up::Writable { .. } => {}
            other => return other,
        }
    }
}

/// Asks until it is so, for what nothing tells.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A client's address changes: the same connection goes on, nobody hears of it, and nothing is lost.
#[test]
fn another_address_is_the_same_connection() {
    for mut h in [Loopback::raw(), Loopback::web()] {
        let (mut peer, conn) = opened(&mut h);
        for round in 0..5u8 {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
            peer.wait(async { peer.endpoint.rebind(socket) }).expect("another socket");
            let text = [b'a' + round; 3_000];
            h.send(&mut peer, &text);
            assert_eq!(next(&mut h), message(conn, &text));
            h.down(Down::Send { conn, bytes: text.to_vec().into() });
            assert_eq!(h.receive(&mut peer), Received::Message(text.to_vec().into()));
        }
    }
}

/// A client learns of a server that is no more from the next server at the same port, at once.
#[test]
fn a_restarted_server_resets_what_it_does_not_know() {
    let mut h = Loopback::with(Config { idle: Duration::from_secs(60), ..config() });
    let (peer, _) = opened(&mut h);
    let at = h.at;
    let Loopback { runtime, carrier, table, .. } = h;
    // As by kill -9: nothing is said any more, and the port is free.
    runtime.shutdown_timeout(PATIENCE);
    std::mem::forget(table);
    drop(carrier);
    let mut socket = None;
    until("the port is free", || UdpSocket::bind(at).is_ok());
    socket.get_or_insert_with(|| UdpSocket::bind(at).expect("free"));
    let _next = Loopback::at(config(), socket.expect("bound"));
    let began = Instant::now();
    // The client's own keep-alive tells it, a second after the last packet.
    assert_eq!(peer.wait(peer.connection.closed()), ConnectionError::Reset);
    assert!(began.elapsed() < Duration::from_secs(10), "long before the connection would be idle");
}

/// A native client has one stream, a browser one in its session; there are no datagrams.
#[test]
fn more_streams_and_datagrams_break_the_protocol() {
    type Stray = fn(&Peer);
    let strays: [(&str, Stray); 3] = [
        ("a second stream", |peer| {
            peer.wait(async {
                match &peer.streams {
                    Streams::Raw(..) => {
                        let (mut send, _) = peer.connection.open_bi().await.expect("a stream");
                        send.write_all(b"x").await.expect("sent");
                    }
                    Streams::Web(session, ..) => {
                        let (mut send, _) = session.open_bi().await.expect("a stream");
                        send.write_all(b"x").await.expect("sent");
                    }
                }
            });
        }),
        ("a one-way stream", |peer| {
            peer.wait(async {
                match &peer.streams {
                    Streams::Raw(..) => peer.connection.open_uni().await.expect("a stream").write_all(b"x").await.expect("sent"),
                    Streams::Web(session, ..) => session.open_uni().await.expect("a stream").write_all(b"x").await.expect("sent"),
                }
            });
        }),
        ("a datagram", |peer| match &peer.streams {
            Streams::Raw(..) => peer.connection.send_datagram(b"x".as_slice().into()).expect("sent"),
            Streams::Web(session, ..) => session.send_datagram(b"x".as_slice().into()).expect("sent"),
        }),
    ];
    for mut h in [Loopback::raw(), Loopback::web()] {
        let (mut other, bystander) = opened(&mut h);
        for (name, stray) in strays {
            let (mut peer, conn) = opened(&mut h);
            stray(&peer);
            assert_eq!(next(&mut h), Up::WrongFrame { conn }, "{name}");
            h.down(Down::Close { conn, code: 4106, last: Some(b"why".as_slice().into()) });
            assert_eq!(h.receive(&mut peer), Received::Message(b"why".as_slice().into()));
            assert_eq!(h.receive(&mut peer), Received::End(Some(4106)));
            assert_eq!(next(&mut h), Up::Closed { conn, clean: false });
        }
        h.send(&mut other, b"still here");
        assert_eq!(next(&mut h), message(bystander, b"still here"));
    }
}

/// CON 10: whoever opens nothing is not waited for, and has its place no longer.
#[test]
fn a_connection_without_a_stream_is_told_no_hello() {
    let h = Loopback::with(Config { opening_patience: Duration::from_millis(300), ..config() });
    let (runtime, _endpoint, connection) = h.connect(h.client(ALPN, false)).expect("connected");
    let end = runtime.block_on(async { tokio::time::timeout(PATIENCE, connection.closed()).await }).expect("an end");
    assert!(matches!(end, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(4006)));
    until("its place is free", || h.carrier.usage().openings == 0 && h.carrier.usage().failed == 1);
}

/// Under load an address shows that it is one before anything is kept of it; honest clients come through all the same.
#[test]
fn under_load_addresses_are_validated() {
    let mut h = Loopback::with(Config { retry_from: 1, ..config() });
    let (_first, _) = opened(&mut h);
    assert_eq!(h.carrier.usage().retried, 0);
    let (_runtime, _endpoint, _slow) = h.connect(h.client(ALPN, false)).expect("connected, without a stream");
    let (_second, _) = opened(&mut h);
    assert_eq!((h.carrier.usage().retried, h.carrier.usage().openings), (1, 1));
}

/// One address has so many connections on their way at a time; others are not hindered by it.
#[test]
fn an_address_has_its_places() {
    let h = Loopback::with(Config { openings_per_address: 2, ..config() });
    let _held: Vec<_> = (0..2).map(|_| h.connect(h.client(ALPN, false)).expect("connected, without a stream")).collect();
    match h.connect(h.client(ALPN, false)) {
        Err(ConnectionError::ConnectionClosed(close)) => assert_eq!(close.error_code, quinn::TransportErrorCode::CONNECTION_REFUSED),
        other => panic!("refused: {:?}", other.map(|_| ())),
    }
    assert_eq!((h.carrier.usage().retried, h.carrier.usage().refused), (1, 1), "refused once it had shown its address");
}

#[test]
fn another_protocol_is_not_spoken() {
    let h = Loopback::raw();
    match h.connect(h.client(b"http/1.1", false)) {
        Err(ConnectionError::ConnectionClosed(close)) => assert_eq!(close.error_code, quinn::TransportErrorCode::crypto(120)),
        other => panic!("refused: {:?}", other.map(|_| ())),
    }
}

/// A page without the binary form asks for the other one, in the same frames.
#[test]
fn a_page_may_ask_for_json() {
    let mut h = Loopback::web();
    let mut peer = h.open(Form::Json);
    let Up::Opened { conn, form: Form::Json, .. } = next(&mut h) else { panic!("opened, in JSON") };
    h.send(&mut peer, b"{}");
    assert_eq!(next(&mut h), message(conn, b"{}"));
}

/// A new certificate counts from the next handshake on, and drops nobody.
#[test]
fn a_new_certificate_drops_nobody() {
    for mut h in [Loopback::raw(), Loopback::web()] {
        let (mut old, conn) = opened(&mut h);
        let stale = h.client(ALPN, false);
        h.certificates.renew();
        assert!(h.connect(stale).is_err(), "who knows only the old one does not believe the new one");
        let (mut new, other) = opened(&mut h);
        for (peer, conn) in [(&mut old, conn), (&mut new, other)] {
            h.send(peer, b"here");
            assert_eq!(next(&mut h), message(conn, b"here"));
        }
    }
}

#[test]
fn a_page_of_another_origin_and_another_path_are_refused() {
    let h = Loopback::web();
    for (path, origin, status) in [
        ("/v1/wt", Some("https://evil.example"), StatusCode::FORBIDDEN),
        ("/v1/ws", None, StatusCode::NOT_FOUND),
        ("/", Some("https://fine.example"), StatusCode::NOT_FOUND),
    ] {
        let (runtime, _endpoint, connection) = h.connect(h.client(b"h3", false)).expect("connected");
        let mut request = h.request(path);
        if let Some(origin) = origin {
            request = request.with_header(HeaderName::from_static("origin"), HeaderValue::from_static(origin));
        }
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, Session::connect(connection, request)).await });
        match answer.expect("an answer") {
            Err(ClientError::HttpError(ConnectError::ProtoError(proto::ConnectError::WrongStatus(got)))) => {
                assert_eq!(got, Some(status), "{path} {origin:?}");
            }
            other => panic!("refused with {status}: {:?}", other.map(|_| ())),
        }
    }
    assert!(h.table.is_empty());
}

#[test]
fn whoever_sends_without_waiting_for_writable_loses_the_connection() {
    let mut h = Loopback::raw();
    let peer = h.open_narrow(Form::Postcard);
    let Up::Opened { conn, .. } = next(&mut h) else { panic!("opened first") };
    for _ in 0..20 {
        h.down(Down::Send { conn, bytes: vec![b'x'; 60_000].into() });
    }
    assert_eq!(next(&mut h), Up::Closed { conn, clean: false });
    assert_eq!(peer.code(), Some(4005));
}

#[test]
fn a_peer_whose_messages_nobody_takes_is_not_read() {
    let mut h = Loopback::raw();
    let (mut peer, conn) = opened(&mut h);
    for _ in 0..4 {
        h.send(&mut peer, &vec![b'x'; 20_000]);
    }
    let untaken = |h: &Loopback| loop {
        match h.ups.recv_timeout(PATIENCE).expect("a word") {
            Up::Message { bytes, .. } if bytes.is_empty() => {}
            up @ Up::Message { .. } => return up,
            Up::Heard { .. } | Up::Writable { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    let (first, second) = (untaken(&h), untaken(&h));
    // What is ordered while reading stands still is done all the same, and nothing more was read before it.
    h.down(Down::Send { conn, bytes: b"hello".as_slice().into() });
    assert_eq!(h.receive(&mut peer), Received::Message(b"hello".as_slice().into()));
    loop {
        match h.ups.recv_timeout(PATIENCE).expect("a word") {
            Up::Heard { .. } => {}
            other => break assert_eq!(other, Up::Writable { conn }),
        }
    }
    for up in [first, second] {
        h.table.taken(&up);
    }
    for _ in 0..2 {
        assert!(matches!(next(&mut h), Up::Message { .. }));
    }
}

/// A stream that is finished is not yet a goodbye.
#[test]
fn a_stream_that_ends_without_a_close_is_a_loss() {
    let mut h = Loopback::raw();
    let (mut peer, conn) = opened(&mut h);
    peer.write(&frame(b"the last"));
    let Streams::Raw(send, _) = &mut peer.streams else { panic!("raw") };
    send.finish().expect("not finished");
    assert_eq!(next(&mut h), message(conn, b"the last"));
    assert_eq!(next(&mut h), Up::Closed { conn, clean: false });
}
