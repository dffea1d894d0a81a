//! The contract of a transport, as tests that every transport runs against itself (feature `contract`).
//!
//! A transport implements [`Harness`] in its own tests, over whatever carries it (loopback sockets, a virtual link), and calls
//! [`contract_tests!`](crate::contract_tests). The suite plays both ends: it opens peers and speaks as they do, and it hears
//! [`Up`] and says [`Down`] as a gateway does. Every wait is for something that must come, so nothing here sleeps; a wait
//! that is in vain is the harness's to end, with a panic.

use crate::{ConnId, Down, Form, Up};
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;

/// The largest message that every carrier takes, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;

/// What a peer hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// The connection is over, with the close code if one came.
    End(Option<u16>),
    /// A whole message.
    Message(Bytes),
    /// It was asked for a sign of life (the harness's peer answers by itself).
    Ping,
}

/// Both ends of a transport under test. Every method that waits panics after a patience of its own.
pub trait Harness {
    /// The far end of a connection.
    type Peer;

    /// What the carrier speaks; the first is used where the form does not matter.
    const FORMS: &'static [Form] = &[Form::Json, Form::Postcard];
    /// Whether `Heard` may also come when the peer did not mean to say anything (it acknowledges what it was sent).
    const HEARS_ACKNOWLEDGEMENTS: bool = false;

    /// Opens a connection that speaks `form`.
    fn open(&mut self, form: Form) -> Self::Peer;
    /// Opens one whose carrier holds only little that its peer has not read (small socket buffers), so that a peer that does
    /// not read is soon noticed.
    fn open_narrow(&mut self, form: Form) -> Self::Peer;
    /// The peer sends a whole message of the right kind.
    fn send(&mut self, peer: &mut Self::Peer, message: &[u8]);
    /// The peer sends a message in several pieces, where the carrier has them.
    fn send_in_pieces(&mut self, peer: &mut Self::Peer, message: &[u8]);
    /// The peer sends a frame of the wrong kind; false where the carrier has no kinds.
    fn send_wrong_kind(&mut self, peer: &mut Self::Peer) -> bool;
    /// The peer gives a sign of life without a message.
    fn ping(&mut self, peer: &mut Self::Peer);
    /// The peer closes with a code and waits for nothing.
    fn close(&mut self, peer: &mut Self::Peer, code: u16);
    /// The peer vanishes without a word.
    fn vanish(&mut self, peer: Self::Peer);
    /// Waits for what the peer hears next.
    fn receive(&mut self, peer: &mut Self::Peer) -> Received;
    /// Waits for what the transport says next.
    fn next_up(&mut self) -> Up;
    /// Tells the transport something.
    fn down(&mut self, down: Down);
}

/// Opens a connection and waits until it is announced.
fn opened<H: Harness>(h: &mut H, form: Form) -> (H::Peer, ConnId) {
    let peer = h.open(form);
    let conn = announced(h, form);
    (peer, conn)
}

/// Opens one whose form does not matter.
fn any<H: Harness>(h: &mut H) -> (H::Peer, ConnId) {
    opened(h, H::FORMS[0])
}

fn announced<H: Harness>(h: &mut H, wanted: Form) -> ConnId {
    match next(h) {
        Up::Opened { conn, form, .. } => {
            assert_eq!(form, wanted, "the form that was agreed on");
            conn
        }
        other => panic!("the first word is Opened, not {other:?}"),
    }
}

/// The next word that somebody meant.
fn next<H: Harness>(h: &mut H) -> Up {
    loop {
        match h.next_up() {
            Up::Heard { .. } if H::HEARS_ACKNOWLEDGEMENTS => {}
            other => return other,
        }
    }
}

/// The next word that is not `Writable`: those come when they can.
fn next_word<H: Harness>(h: &mut H) -> Up {
    loop {
        match next(h) {
            Up::Writable { .. } => {}
            other => return other,
        }
    }
}

fn say<H: Harness>(h: &mut H, conn: ConnId, text: &[u8]) {
    h.down(Down::Send { conn, bytes: Bytes::copy_from_slice(text) });
}

fn numbered(n: u32) -> Vec<u8> {
    let mut text = b"{\"n\":".to_vec();
    text.extend_from_slice(alloc::format!("{n}").as_bytes());
    text.push(b'}');
    text
}

/// What was said first is heard first, on both sides.
pub fn order_is_kept<H: Harness>(h: &mut H) {
    let (mut peer, conn) = any(h);
    for n in 0..200 {
        h.send(&mut peer, &numbered(n));
    }
    for n in 0..200 {
        assert_eq!(next_word(h), Up::Message { conn, bytes: numbered(n).into() });
    }
    for n in 0..200 {
        say(h, conn, &numbered(n));
    }
    for n in 0..200 {
        assert_eq!(h.receive(&mut peer), Received::Message(numbered(n).into()));
    }
}

/// A message is whole, whatever its length and in how many pieces it came, up to and with 64 KiB.
pub fn messages_are_whole<H: Harness>(h: &mut H) {
    let (mut peer, conn) = any(h);
    for length in [1, 2, 125, 126, 127, 1_023, 1_024, 1_025, 16_384, MESSAGE_MAX_BYTES - 1, MESSAGE_MAX_BYTES] {
        let text = vec![b'x'; length];
        h.send(&mut peer, &text);
        assert_eq!(next_word(h), Up::Message { conn, bytes: text.clone().into() });
        h.send_in_pieces(&mut peer, &text);
        assert_eq!(next_word(h), Up::Message { conn, bytes: text.clone().into() });
        say(h, conn, &text);
        assert_eq!(h.receive(&mut peer), Received::Message(text.into()));
    }
}

/// Bytes that are no text pass where the form is binary.
pub fn binary_is_binary<H: Harness>(h: &mut H) {
    let (mut peer, conn) = opened(h, Form::Postcard);
    let every: Vec<u8> = (0..=255).collect();
    h.send(&mut peer, &every);
    assert_eq!(next_word(h), Up::Message { conn, bytes: every.clone().into() });
    say(h, conn, &every);
    assert_eq!(h.receive(&mut peer), Received::Message(every.into()));
}

/// A close code and the last message before it arrive, the message first, and both after what was said before.
pub fn a_last_message_comes_before_the_close<H: Harness>(h: &mut H) {
    for code in [1000, 4001, 4103, 4108] {
        let (mut peer, conn) = any(h);
        say(h, conn, b"first");
        h.down(Down::Close { conn, code, last: Some(Bytes::from_static(b"last")) });
        assert_eq!(h.receive(&mut peer), Received::Message(Bytes::from_static(b"first")));
        assert_eq!(h.receive(&mut peer), Received::Message(Bytes::from_static(b"last")));
        assert_eq!(h.receive(&mut peer), Received::End(Some(code)));
        assert_eq!(next_word(h), Up::Closed { conn, clean: false });
    }
    let (mut peer, conn) = any(h);
    h.down(Down::Close { conn, code: 4002, last: None });
    assert_eq!(h.receive(&mut peer), Received::End(Some(4002)));
    assert_eq!(next_word(h), Up::Closed { conn, clean: false });
}

/// Only a peer that closed with 1000 has left; every other end is a loss.
pub fn only_a_thousand_is_clean<H: Harness>(h: &mut H) {
    for code in [1000, 1001, 4000] {
        let (mut peer, conn) = any(h);
        h.send(&mut peer, b"before");
        h.close(&mut peer, code);
        assert_eq!(next_word(h), Up::Message { conn, bytes: Bytes::from_static(b"before") });
        assert_eq!(next_word(h), Up::Closed { conn, clean: code == 1000 }, "code {code}");
    }
    let (peer, conn) = any(h);
    h.vanish(peer);
    assert_eq!(next_word(h), Up::Closed { conn, clean: false });
}

/// After what was sent has left the queue, `Writable` says so; without anything sent nothing is said.
pub fn writable_follows_what_was_sent<H: Harness>(h: &mut H) {
    let (mut peer, conn) = any(h);
    h.send(&mut peer, b"nothing was sent yet");
    assert_eq!(next(h), Up::Message { conn, bytes: Bytes::from_static(b"nothing was sent yet") });
    for round in 0..5 {
        say(h, conn, &numbered(round));
        assert_eq!(next(h), Up::Writable { conn });
        assert_eq!(h.receive(&mut peer), Received::Message(numbered(round).into()));
    }
}

/// Signs of life are heard without a message, on both sides.
pub fn a_ping_is_heard<H: Harness>(h: &mut H) {
    let (mut peer, conn) = any(h);
    h.ping(&mut peer);
    assert_eq!(h.next_up(), Up::Heard { conn });
    h.down(Down::Ping { conn });
    assert_eq!(h.receive(&mut peer), Received::Ping);
    assert_eq!(h.next_up(), Up::Heard { conn });
}

/// A frame of the wrong kind is told, harms nobody else, and the connection can still be told why it is closed.
pub fn a_frame_of_the_wrong_kind_is_told<H: Harness>(h: &mut H) {
    let (mut other, bystander) = any(h);
    for form in H::FORMS {
        let (mut peer, conn) = opened(h, *form);
        if !h.send_wrong_kind(&mut peer) {
            return;
        }
        assert_eq!(next_word(h), Up::WrongFrame { conn });
        h.down(Down::Close { conn, code: 4106, last: Some(Bytes::from_static(b"why")) });
        assert_eq!(h.receive(&mut peer), Received::Message(Bytes::from_static(b"why")));
        assert_eq!(h.receive(&mut peer), Received::End(Some(4106)));
        assert_eq!(next_word(h), Up::Closed { conn, clean: false });
        h.send(&mut other, b"still here");
        assert_eq!(next_word(h), Up::Message { conn: bystander, bytes: Bytes::from_static(b"still here") });
    }
}

/// One byte more than 64 KiB is no message: the connection is lost or told as `WrongFrame`, and nobody else notices.
pub fn more_than_a_message_is_none<H: Harness>(h: &mut H) {
    let (mut other, bystander) = any(h);
    for in_pieces in [false, true] {
        let (mut peer, conn) = any(h);
        let long = vec![b'x'; MESSAGE_MAX_BYTES + 1];
        if in_pieces {
            h.send_in_pieces(&mut peer, &long);
        } else {
            h.send(&mut peer, &long);
        }
        match next_word(h) {
            Up::WrongFrame { conn: which } => {
                assert_eq!(which, conn);
                h.down(Down::Close { conn, code: 4106, last: None });
                assert_eq!(h.receive(&mut peer), Received::End(Some(4106)));
                assert_eq!(next_word(h), Up::Closed { conn, clean: false });
            }
            end => {
                assert_eq!(end, Up::Closed { conn, clean: false });
                assert_eq!(h.receive(&mut peer), Received::End(Some(1009)));
            }
        }
        h.send(&mut other, b"still here");
        assert_eq!(next_word(h), Up::Message { conn: bystander, bytes: Bytes::from_static(b"still here") });
    }
}

/// A peer that does not read holds up nobody else, is not announced as writable meanwhile, and gets everything once it reads.
pub fn a_peer_that_does_not_read_blocks_nobody<H: Harness>(h: &mut H) {
    let mut slow = h.open_narrow(H::FORMS[0]);
    let stuck = announced(h, H::FORMS[0]);
    let (mut quick, conn) = any(h);
    let piece = vec![b's'; 48 * 1024];
    for _ in 0..8 {
        say(h, stuck, &piece);
    }
    for n in 0..50 {
        h.send(&mut quick, &numbered(n));
        assert_eq!(next_word(h), Up::Message { conn, bytes: numbered(n).into() });
        say(h, conn, &numbered(n));
        assert_eq!(h.receive(&mut quick), Received::Message(numbered(n).into()));
        assert_eq!(next(h), Up::Writable { conn }, "only who reads is writable");
    }
    for _ in 0..8 {
        assert_eq!(h.receive(&mut slow), Received::Message(piece.clone().into()));
    }
    assert_eq!(next(h), Up::Writable { conn: stuck });
}

/// A peer that neither reads nor answers is closed all the same, within a bounded time.
pub fn a_close_does_not_wait_for_ever<H: Harness>(h: &mut H) {
    let slow = h.open_narrow(H::FORMS[0]);
    let stuck = announced(h, H::FORMS[0]);
    let piece = vec![b's'; 48 * 1024];
    for _ in 0..8 {
        say(h, stuck, &piece);
    }
    h.down(Down::Close { conn: stuck, code: 4003, last: Some(Bytes::from_static(b"last")) });
    assert_eq!(next_word(h), Up::Closed { conn: stuck, clean: false });
    drop(slow);
}

/// What is told to a connection that is gone, or never was, is forgotten.
pub fn the_dead_are_told_nothing<H: Harness>(h: &mut H) {
    let (peer, conn) = any(h);
    h.vanish(peer);
    assert_eq!(next_word(h), Up::Closed { conn, clean: false });
    for gone in [conn, ConnId(u64::MAX)] {
        say(h, gone, b"anybody?");
        h.down(Down::Ping { conn: gone });
        h.down(Down::Close { conn: gone, code: 4005, last: None });
    }
    let (mut peer, conn) = any(h);
    h.send(&mut peer, b"the next one");
    assert_eq!(next_word(h), Up::Message { conn, bytes: Bytes::from_static(b"the next one") });
}

/// Makes one `#[test]` of every article of the contract. `$make` is an expression that gives a fresh [`Harness`].
#[macro_export]
macro_rules! contract_tests {
    ($make:expr) => {
        $crate::contract_tests!(@each $make;
            order_is_kept, messages_are_whole, binary_is_binary, a_last_message_comes_before_the_close, only_a_thousand_is_clean,
            writable_follows_what_was_sent, a_ping_is_heard, a_frame_of_the_wrong_kind_is_told, more_than_a_message_is_none,
            a_peer_that_does_not_read_blocks_nobody, a_close_does_not_wait_for_ever, the_dead_are_told_nothing);
    };
    (@each $make:expr; $($name:ident),*) => {$(
        #[test]
        fn $name() {
            $crate::contract::$name(&mut $make);
        }
    )*};
}
