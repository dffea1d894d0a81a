//! The contract of a transport, on loopback sockets, and what only a WebSocket can do wrong.

use bytes::Bytes;
use duologue_transport::contract::{Harness, Received};
use duologue_transport::{ConnId, Down, Form, Table, Up, contract_tests};
use duologue_transport_ws::{Config, Deflate, DeflateStream, Opening, Sockets};
use futures_util::{SinkExt, StreamExt};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};

/// Longer than anything that must come takes; a wait that ends here has failed.
const PATIENCE: Duration = Duration::from_secs(20);

struct Loopback {
    runtime: Runtime,
    listener: TcpListener,
    narrow: TcpListener,
    sockets: Arc<Sockets>,
    table: Arc<Table>,
    ups: Receiver<Up>,
    next: u64,
    /// What every connection agreed on.
    deflate: Option<Deflate>,
}

struct Client {
    ws: WebSocketStream<DeflateStream<TcpStream>>,
    text: bool,
}

impl Loopback {
    fn new() -> Loopback {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let (said, ups) = channel();
        let table = Table::new(512 * 1024, move |up| {
            let _ = said.send(up);
        });
        let sockets = Sockets::new(Config::default(), table.clone());
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let (listener, narrow) = runtime.block_on(async {
            let narrow = TcpSocket::new_v4().expect("a socket");
            narrow.set_send_buffer_size(4096).expect("a buffer");
            narrow.bind(any).expect("a port");
            (TcpListener::bind(any).await.expect("a port"), narrow.listen(16).expect("a listener"))
        });
        Loopback { runtime, listener, narrow, sockets, table, ups, next: 1, deflate: None }
    }

    fn deflated() -> Loopback {
        Loopback { deflate: Some(Deflate::LARGEST), ..Loopback::new() }
    }

    /// A raw connection to a served socket.
    fn connect(&mut self, form: Form, narrow: bool) -> TcpStream {
        let opening = Opening { conn: ConnId(self.next), address: 1, form, deflate: self.deflate, secret: [0; 32] };
        self.next += 1;
        let listener = if narrow { &self.narrow } else { &self.listener };
        self.runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket");
            if narrow {
                socket.set_recv_buffer_size(4096).expect("a buffer");
            }
            let near = socket.connect(listener.local_addr().expect("an address")).await.expect("a connection");
            let (far, _) = listener.accept().await.expect("a connection");
            tokio::spawn(self.sockets.serve(far, Vec::new(), opening, ()));
            near
        })
    }

    fn client(&mut self, form: Form, narrow: bool) -> Client {
        let stream = self.connect(form, narrow);
        let settings = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let stream = DeflateStream::new(stream, Vec::new(), self.deflate, usize::MAX / 2);
        let ws = self.runtime.block_on(WebSocketStream::from_raw_socket(stream, Role::Client, Some(settings)));
        Client { ws, text: form != Form::Postcard }
    }

    fn say(&self, peer: &mut Client, message: Message) {
        // A server that has closed takes nothing more: then what it said before is what counts.
        let _ = self.runtime.block_on(peer.ws.send(message));
    }

    fn wait<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, what).await }).expect("something must come")
    }
}

impl Client {
    fn kind(&self) -> OpCode {
        OpCode::Data(if self.text { Data::Text } else { Data::Binary })
    }
}

impl Harness for Loopback {
    type Peer = Client;

    fn open(&mut self, form: Form) -> Client {
        self.client(form, false)
    }
    fn open_narrow(&mut self, form: Form) -> Client {
        self.client(form, true)
    }
    fn send(&mut self, peer: &mut Client, message: &[u8]) {
        let frame = Frame::message(message.to_vec(), peer.kind(), true);
        self.say(peer, Message::Frame(frame));
    }
    fn send_in_pieces(&mut self, peer: &mut Client, message: &[u8]) {
        let pieces: Vec<&[u8]> = message.chunks(message.len().div_ceil(3)).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let kind = if at == 0 { peer.kind() } else { OpCode::Data(Data::Continue) };
            self.say(peer, Message::Frame(Frame::message(piece.to_vec(), kind, at + 1 == pieces.len())));
        }
    }
    fn send_wrong_kind(&mut self, peer: &mut Client) -> bool {
        let wrong = if peer.text { Message::binary(b"{}".to_vec()) } else { Message::text("{}") };
        self.say(peer, wrong);
        true
    }
    fn ping(&mut self, peer: &mut Client) {
        self.say(peer, Message::Ping(Bytes::new()));
    }
    fn close(&mut self, peer: &mut Client, code: u16) {
        self.say(peer, Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: "".into() })));
    }
    fn vanish(&mut self, peer: Client) {
        drop(peer);
    }
    fn receive(&mut self, peer: &mut Client) -> Received {
        self.wait(async {
            loop {
                match peer.ws.next().await {
                    Some(Ok(Message::Text(text))) => return Received::Message(text.into()),
                    Some(Ok(Message::Binary(bytes))) => return Received::Message(bytes),
                    Some(Ok(Message::Ping(_))) => {
                        peer.ws.flush().await.expect("a pong");
                        return Received::Ping;
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let _ = peer.ws.flush().await;
                        return Received::End(frame.map(|frame| frame.code.into()));
                    }
                    Some(Ok(Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Err(_)) | None => return Received::End(None),
                }
            }
        })
    }
    fn next_up(&mut self) -> Up {
        let up = self.ups.recv_timeout(PATIENCE).expect("something must be said");
        self.table.taken(&up);
        up
    }
    fn down(&mut self, down: Down) {
        self.table.down(down);
    }
}

contract_tests!(Loopback::new());

mod deflated {
    use super::*;
    contract_tests!(Loopback::deflated());
}

fn frame(head: &[u8], payload: &[u8]) -> Vec<u8> {
    [head, &[0; 4], payload].concat()
}

/// What a raw client reads until the end.
fn heard(h: &Loopback, mut raw: TcpStream, sent: &[u8]) -> Vec<u8> {
    h.wait(async {
        raw.write_all(sent).await.expect("sent");
        let mut all = Vec::new();
        let _ = raw.read_to_end(&mut all).await;
        all
    })
}

#[test]
fn a_broken_frame_is_answered_with_its_code_and_is_a_loss() {
    let cases: [(&str, Vec<u8>, u16); 9] = [
        ("text that is none", frame(&[0x81, 0x82], b"\xff\xfe"), 1007),
        ("unmasked", vec![0x81, 0x02, b'{', b'}'], 1002),
        ("reserved bits", frame(&[0xb1, 0x82], b"{}"), 1002),
        ("an unknown kind", frame(&[0x85, 0x81], b"x"), 1002),
        ("a ping in pieces", frame(&[0x09, 0x81], b"x"), 1002),
        ("a continuation of nothing", frame(&[0x80, 0x81], b"x"), 1002),
        ("a length of 2^62", frame(&[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0], b"x"), 1009),
        ("a length of 2^63", frame(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], b"x"), 1009),
        ("a close of one byte", frame(&[0x88, 0x81], b"x"), 1002),
    ];
    let mut h = Loopback::new();
    broken(&mut h, &cases);
    h.deflate = Some(Deflate::LARGEST);
    broken(&mut h, &cases[..2]);
    broken(&mut h, &cases[3..]);
    broken(
        &mut h,
        &[
            ("a deflated ping", frame(&[0xc9, 0x81], b"x"), 1002),
            ("a deflated continuation", frame(&[0xc0, 0x81], b"x"), 1002),
            ("a deflated continuation of a deflated message", [frame(&[0x41, 0x81], b"x"), frame(&[0xc0, 0x81], b"x")].concat(), 1002),
            ("a message within a deflated one", [frame(&[0x41, 0x81], b"x"), frame(&[0x81, 0x81], b"x")].concat(), 1002),
            ("more reserved bits", frame(&[0xe1, 0x81], &[0]), 1002),
            ("not masked", vec![0xc1, 0x01, 0x00], 1002),
            ("nothing that inflates", frame(&[0xc1, 0x81], &[0x07]), 1007),
            ("deflated text that is none", frame(&[0xc1, 0x84], &[0xfa, 0xff, 0x0f, 0x00]), 1007),
            ("a deflated length of 2^62", frame(&[0xc1, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0], b"x"), 1009),
            ("a bomb", frame(&[0xc1, 0xfe, 0x01, 0xf5], &bomb()), 1009),
        ],
    );
    assert!(h.table.is_empty());
}

/// 501 bytes that inflate to half a megabyte of zeros.
fn bomb() -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut bytes = Vec::with_capacity(4_096);
    Compress::new(Compression::best(), false).compress_vec(&[0; 500_000], &mut bytes, FlushCompress::Sync).expect("room");
    bytes.truncate(bytes.len() - 4);
    assert_eq!(bytes.len(), 501);
    bytes
}

fn broken(h: &mut Loopback, cases: &[(&str, Vec<u8>, u16)]) {
    for (name, bytes, code) in cases {
        let raw = h.connect(Form::Json, false);
        let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
        let got = heard(h, raw, bytes);
        assert_eq!(h.next_up(), Up::Closed { conn, clean: false }, "{name}");
        assert_eq!(got, [&[0x88, 0x02], &code.to_be_bytes()[..]].concat(), "{name}");
    }
    assert!(h.table.is_empty());
}

/// The welcome is the first thing that a server says: it carries a secret beside text that others chose.
#[test]
fn the_first_message_is_not_deflated_and_the_next_is() {
    let mut h = Loopback::deflated();
    let raw = h.connect(Form::Json, false);
    let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
    let text = vec![b'x'; 5_000];
    for _ in 0..2 {
        h.down(Down::Send { conn, bytes: text.clone().into() });
    }
    h.down(Down::Close { conn, code: 4002, last: None });
    let got = heard(&h, raw, &frame(&[0x88, 0x82], &4002u16.to_be_bytes()));
    let first = [&[0x81, 126, 0x13, 0x88], &text[..]].concat();
    assert!(got.starts_with(&first));
    assert_eq!(got[first.len()], 0xc1);
    assert!(got.len() < first.len() + 100, "{}", got.len());
}

/// After a large message the library's buffers are made anew. Whatever comes at that moment, in whatever pieces, is not lost.
#[test]
fn nothing_is_lost_while_buffers_shrink() {
    let mut h = Loopback::deflated();
    let raw = h.connect(Form::Json, false);
    let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
    const CLOSE_4002: [u8; 4] = [0x88, 2, 0x0f, 0xa2];
    let mut bytes = Vec::new();
    let mut wanted = Vec::new();
    for n in 0..300usize {
        let text = format!("{n} {}", "x".repeat([0, 3, 700, 1_100, 9_000][n % 5]));
        match n % 3 {
            // In two frames, with a ping between them.
            0 => {
                let (one, two) = text.split_at(1);
                bytes.extend(frame(&[0x01, 0x81], one.as_bytes()));
                bytes.extend(frame(&[0x89, 0x80], b""));
                bytes.extend(frame(&[&[0x80, 0xfe][..], &(two.len() as u16).to_be_bytes()].concat(), two.as_bytes()));
            }
            _ => bytes.extend(frame(&[&[0x81, 0xfe][..], &(text.len() as u16).to_be_bytes()].concat(), text.as_bytes())),
        }
        wanted.push(text);
    }
    let sizes = [1, 5, 1_024, 13, 2_000, 1, 700, 6_000];
    let mut pieces = Vec::new();
    let mut rest = &bytes[..];
    for size in sizes.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, more) = rest.split_at(size.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = more;
    }
    let (mut reader, mut writer) = {
        raw.set_nodelay(true).expect("an option of a socket");
        raw.into_split()
    };
    let writing = h.runtime.spawn(async move {
        for piece in pieces {
            writer.write_all(&piece).await.expect("sent");
        }
        writer
    });
    let reading = h.runtime.spawn(async move {
        let mut all = Vec::new();
        while !all.ends_with(&CLOSE_4002) {
            assert!(reader.read_buf(&mut all).await.expect("read") > 0, "the close comes before the end");
        }
        all
    });
    let mut answered = 0;
    for text in &wanted {
        let came = loop {
            match h.next_up() {
                Up::Message { bytes, .. } => break bytes,
                Up::Heard { .. } | Up::Writable { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(came == text.as_bytes(), "{:.9}", String::from_utf8_lossy(&came));
        answered += 1;
        h.down(Down::Send { conn, bytes: Bytes::from(format!("{answered}")) });
    }
    let writer = h.wait(writing).expect("all was sent");
    h.down(Down::Close { conn, code: 4002, last: None });
    let all = h.wait(reading).expect("all was read");
    drop(writer);
    let answers: Vec<u8> =
        (1..=wanted.len()).map(|n| n.to_string()).flat_map(|text| [&[0x81, text.len() as u8], text.as_bytes()].concat()).collect();
    let pongs = all.windows(2).filter(|pair| *pair == [0x8a, 0x00]).count();
    let mut without = all.clone();
    while let Some(at) = without.windows(2).position(|pair| pair == [0x8a, 0x00]) {
        without.drain(at..at + 2);
    }
    assert!(pongs > 0);
    assert_eq!(without, [&answers[..], &CLOSE_4002].concat());
}

#[test]
fn a_close_without_a_code_is_a_loss_and_is_answered() {
    let mut h = Loopback::new();
    let raw = h.connect(Form::Json, false);
    let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
    assert_eq!(heard(&h, raw, &frame(&[0x88, 0x80], b"")), [0x88, 0x00]);
    assert_eq!(h.next_up(), Up::Closed { conn, clean: false });
}

#[test]
fn whoever_sends_without_waiting_for_writable_loses_the_connection() {
    let mut h = Loopback::new();
    let _slow = h.open_narrow(Form::Json);
    let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
    for _ in 0..20 {
        h.down(Down::Send { conn, bytes: vec![b'x'; 60_000].into() });
    }
    assert_eq!(h.next_up(), Up::Closed { conn, clean: false });
}

#[test]
fn a_peer_whose_messages_nobody_takes_is_not_read() {
    let mut h = Loopback::new();
    let mut peer = h.open(Form::Json);
    let Up::Opened { conn, .. } = h.next_up() else { panic!("opened first") };
    for _ in 0..4 {
        h.send(&mut peer, &vec![b'x'; 20_000]);
    }
    let first = h.ups.recv_timeout(PATIENCE).expect("a message");
    let second = h.ups.recv_timeout(PATIENCE).expect("a message");
    // What is ordered while reading stands still is done all the same, and nothing more was read before it.
    h.down(Down::Send { conn, bytes: Bytes::from_static(b"hello") });
    assert_eq!(h.receive(&mut peer), Received::Message(Bytes::from_static(b"hello")));
    assert_eq!(h.ups.recv_timeout(PATIENCE), Ok(Up::Writable { conn }));
    for up in [first, second] {
        assert!(matches!(up, Up::Message { .. }));
        h.table.taken(&up);
    }
    for _ in 0..2 {
        assert!(matches!(h.next_up(), Up::Message { .. }));
    }
}

/// An idle connection costs its task: what is needed only at its beginning and end is not in it.
#[test]
fn the_task_of_a_connection_is_small() {
    let h = Loopback::new();
    let far = h.runtime.block_on(async {
        let _near = TcpStream::connect(h.listener.local_addr().expect("an address")).await.expect("a connection");
        h.listener.accept().await.expect("a connection").0
    });
    let opening = Opening { conn: ConnId(99), address: 1, form: Form::Json, deflate: None, secret: [0; 32] };
    let task = h.sockets.serve(far, Vec::new(), opening, ());
    assert!(size_of_val(&task) <= 720, "{} bytes", size_of_val(&task));
}
