//! What comes in: a byte stream in which deflated messages (RFC 7692) become plain ones of one frame each. All else goes through as it
//! came, broken frames too: those are tungstenite's to refuse.
//!
//! A deflated message is kept until it is whole, since the zlib state is the thread's and no connection's. Both its bytes and what
//! they inflate to are bounded, and nothing beyond the bound is ever built. At most one inflated message is made a turn: whoever
//! sends a hundred in one packet waits until each is taken.

use crate::frame::{CONTINUATION, Head, Knife, Piece, RSV1};
use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;
use std::fmt;

/// What a sender takes off the end of every message, and a receiver puts back (RFC 7692, section 7.2).
pub(crate) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Deflate streams within one message. One is usual; a block marked as final ends one, and something may follow.
const STREAMS_MOST: u32 = 8;
/// Inflated at a time.
const CHUNK_BYTES: usize = 8 * 1024;

/// The peer broke the protocol: with this code the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) u16);

impl Fault {
    /// A frame that may not stand where it stands.
    const ORDER: Fault = Fault(1002);
    /// Nothing that could be inflated.
    const JUNK: Fault = Fault(1007);
    /// Too much, deflated or inflated.
    const SIZE: Fault = Fault(1009);
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer broke the protocol ({})", self.0)
    }
}

impl std::error::Error for Fault {}

/// The way in of one connection.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// Whether deflated messages were agreed on; where not, everything goes through.
    agreed: bool,
    /// The largest message, inflated.
    message_max_bytes: usize,
    knife: Knife,
    /// The frame that is coming.
    frame: Head,
    /// It belongs to the deflated message, and is kept.
    kept: bool,
    /// The deflated message that is coming, without masks, and the frame that began it.
    message: Option<Box<(Head, Vec<u8>)>>,
    /// A plain message in several frames has begun and not ended.
    plain_open: bool,
}

impl Inflater {
    pub(crate) fn new(agreed: bool, message_max_bytes: usize) -> Inflater {
        let (knife, frame) = (Knife::default(), Head::default());
        Inflater { agreed, message_max_bytes, knife, frame, kept: false, message: None, plain_open: false }
    }

    /// Whether every message that began has ended, and went on whole.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.knife.is_between_frames() && self.message.is_none() && !self.plain_open
    }

    /// The payload of the frame that goes through at present, in bytes.
    pub(crate) fn frame_bytes(&self) -> usize {
        if self.kept { 0 } else { usize::try_from(self.frame.len).unwrap_or(usize::MAX) }
    }

    /// Takes from the front of the input and adds to the output: all that goes through, up to the end of one inflated message.
    ///
    /// # Errors
    /// `Fault` – nothing can be made of what follows. What was added before it is good.
    pub(crate) fn take(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        while let Some(piece) = self.knife.next(input) {
            match piece {
                Piece::Head(head) => self.begin(head, out)?,
                Piece::Body(body) => match &mut self.message {
                    Some(message) if self.kept => message.1.extend_from_slice(body),
                    Some(_) | None => out.extend_from_slice(body),
                },
                Piece::End if self.kept => {
                    if self.keep(out)? {
                        return Ok(());
                    }
                }
                Piece::End => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, head: Head, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.frame = head;
        self.kept = match &self.message {
            None => self.agreed && head.begins() && head.reserved == RSV1 && !self.plain_open,
            Some(_) if head.is_control() => false,
            Some(_) if head.opcode == CONTINUATION && head.reserved == 0 => true,
            Some(_) => return Err(Fault::ORDER),
        };
        if self.kept {
            let message = self.message.get_or_insert_with(|| Box::new((head, Vec::new())));
            // What cannot be made smaller is a little longer deflated.
            let most = self.message_max_bytes + self.message_max_bytes / 8 + 64;
            return if (message.1.len() as u64).saturating_add(head.len) > most as u64 { Err(Fault::SIZE) } else { Ok(()) };
        }
        if !head.is_control() {
            self.plain_open = !head.fin;
        }
        head.write(out);
        Ok(())
    }

    /// A frame of the deflated message is there: its mask comes off, and if it was the last, the message is inflated.
    fn keep(&mut self, out: &mut Vec<u8>) -> Result<bool, Fault> {
        self.kept = false;
        let message = self.message.as_mut().expect("a kept frame belongs to one");
        let from = message.1.len() - usize::try_from(self.frame.len).expect("it is in memory");
        self.frame.turn_mask(&mut message.1[from..]);
        if !self.frame.fin {
            return Ok(false);
        }
        let (head, mut deflated) = *self.message.take().expect("looked at just now");
        deflated.extend_from_slice(&TAIL);
        let plain = inflate(&deflated, self.message_max_bytes)?;
        // Masked where it was, with a mask that changes nothing.
        Head { fin: true, reserved: 0, mask: head.mask.map(|_| [0; 4]), len: plain.len() as u64, ..head }.write(out);
        out.extend_from_slice(&plain);
        Ok(true)
    }
}

struct Zlib {
    state: Decompress,
    chunk: [u8; CHUNK_BYTES],
}

thread_local! {
    static ZLIB: RefCell<Box<Zlib>> = RefCell::new(Box::new(Zlib { state: Decompress::new(false), chunk: [0; CHUNK_BYTES] }));
}

/// Inflates a whole message, its tail put back.
fn inflate(mut deflated: &[u8], max_bytes: usize) -> Result<Vec<u8>, Fault> {
    ZLIB.with_borrow_mut(|zlib| {
        let Zlib { state, chunk } = &mut **zlib;
        let mut plain = Vec::new();
        let mut streams = 0;
        state.reset(false);
        loop {
            let (read, made) = (state.total_in(), state.total_out());
            let status = state.decompress(deflated, chunk, FlushDecompress::None).map_err(|_| Fault::JUNK)?;
            let (read, made) = ((state.total_in() - read) as usize, (state.total_out() - made) as usize);
            deflated = &deflated[read..];
            if made > max_bytes - plain.len() {
                return Err(Fault::SIZE);
            }
            plain.extend_from_slice(&chunk[..made]);
            match status {
                Status::StreamEnd if streams == STREAMS_MOST => return Err(Fault::JUNK),
                Status::StreamEnd => {
                    streams += 1;
                    state.reset(false);
                }
                Status::BufError | Status::Ok => {}
            }
            if deflated.is_empty() && made < CHUNK_BYTES || (read, made) == (0, 0) {
                return Ok(plain);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::*;

    const MAX: usize = 64 * 1024;
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// All of it at once.
    fn taken(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        taken_in(&mut Inflater::new(true, MAX), &mut bytes.chunks(bytes.len().max(1)))
    }

    /// Piece by piece, as they come.
    fn taken_in(inflater: &mut Inflater, pieces: &mut dyn Iterator<Item = &[u8]>) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        for mut piece in pieces {
            while !piece.is_empty() {
                inflater.take(&mut piece, &mut out)?;
            }
        }
        Ok(out)
    }

    fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let head = Head { fin: first & 0x80 != 0, reserved: first & 0x70, opcode: first & 0x0f, mask, len: payload.len() as u64 };
        let mut out = Vec::new();
        head.write_frame(payload, &mut out);
        out
    }

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(plain.len() * 2 + 64);
        Compress::new(Compression::new(6), false).compress_vec(plain, &mut out, FlushCompress::Sync).expect("room enough");
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }

    #[test]
    fn the_examples_of_rfc_7692_become_hello() {
        let hello = frame(0x81, None, b"Hello");
        let examples: [(&str, &[u8]); 6] = [
            ("7.2.3.1, one frame", &[0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            ("7.2.3.1, two frames", &[0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00]),
            ("7.2.3.3, not compressed", &[0xc1, 0x0b, 0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]),
            ("7.2.3.4, marked as final", &[0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
            ("7.2.3.5, two blocks", &[0xc1, 0x0d, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]),
            ("masked", &frame(0xc1, Some(MASK), &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])),
        ];
        for (name, bytes) in examples {
            let wanted = if name == "masked" { frame(0x81, Some([0; 4]), b"Hello") } else { hello.clone() };
            assert_eq!(taken(bytes), Ok(wanted), "{name}");
        }
        // 7.2.3.2 looks back into the message before, which was agreed not to be.
        assert_eq!(taken(&[0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00]), Err(Fault::JUNK));
        // 7.2.3.6, and nothing at all.
        assert_eq!(taken(&[0xc1, 0x01, 0x00]), Ok(frame(0x81, None, b"")));
        assert_eq!(taken(&[0xc1, 0x00]), Ok(frame(0x81, None, b"")));
    }

    #[test]
    fn control_frames_between_the_pieces_of_a_message_do_not_wait_for_its_end() {
        let bytes = deflated(b"a message in three pieces");
        let ping = frame(0x89, Some(MASK), b"ping");
        let pieces = [
            frame(0x42, Some([1, 2, 3, 4]), &bytes[..5]),
            ping.clone(),
            frame(0x00, Some([5, 6, 7, 8]), &bytes[5..6]),
            frame(0x00, Some(MASK), b""),
            ping.clone(),
            frame(0x80, Some([9, 9, 9, 9]), &bytes[6..]),
            frame(0x82, Some(MASK), b"plain"),
        ];
        let out = taken(&pieces.concat()).expect("all is well");
        let wanted = [ping.clone(), ping, frame(0x82, Some([0; 4]), b"a message in three pieces"), pieces[6].clone()];
        assert_eq!(out, wanted.concat());
    }

    #[test]
    fn what_may_not_stand_in_a_deflated_message_is_a_fault() {
        let first = frame(0x41, Some(MASK), &[0xf2]);
        for wrong in [0xc0, 0x81, 0xc1, 0xa0, 0x83] {
            assert_eq!(taken(&[first.clone(), frame(wrong, Some(MASK), b"x")].concat()), Err(Fault::ORDER), "{wrong:x}");
        }
    }

    #[test]
    fn what_is_not_ours_to_judge_goes_through_as_it_came() {
        for first in [0xc9, 0xc8, 0xc0, 0xb1, 0xf1, 0x8b, 0x83, 0x09] {
            let bytes = frame(first, Some(MASK), b"some");
            assert_eq!(taken(&bytes), Ok(bytes), "{first:x}");
        }
        // A deflated message within a plain one.
        let bytes = [frame(0x01, Some(MASK), b"begin"), frame(0xc1, Some(MASK), &[0])].concat();
        assert_eq!(taken(&bytes), Ok(bytes));
        // And any, where it was not agreed on.
        let bytes = frame(0xc1, Some(MASK), &[0]);
        assert_eq!(taken_in(&mut Inflater::new(false, MAX), &mut bytes.chunks(3)), Ok(bytes.clone()));
    }

    #[test]
    fn a_bomb_is_not_built() {
        for (plain, result) in [(MAX, true), (MAX + 1, false), (5_000_000, false)] {
            let bytes = deflated(&vec![b' '; plain]);
            let told = taken(&frame(0xc2, Some(MASK), &bytes));
            let wanted = if result { Ok(MAX + 14) } else { Err(Fault::SIZE) };
            assert_eq!(told.map(|out| out.len()), wanted, "{plain} from {}", bytes.len());
        }
        // Many in one packet: one is made, the others wait as they are.
        let bomb = frame(0xc2, Some(MASK), &deflated(&vec![b' '; MAX]));
        let many = bomb.repeat(10);
        let mut input = &many[..];
        let mut out = Vec::new();
        assert_eq!(Inflater::new(true, MAX).take(&mut input, &mut out), Ok(()));
        assert_eq!((input.len(), out.len()), (bomb.len() * 9, MAX + 14));
    }

    #[test]
    fn more_than_could_be_a_message_is_refused_by_its_head() {
        let long = Head { fin: true, reserved: RSV1, opcode: 1, mask: Some(MASK), len: 1 << 62 };
        let mut bytes = Vec::new();
        long.write(&mut bytes);
        assert_eq!(taken(&bytes), Err(Fault::SIZE));
        Head { len: u64::MAX, ..long }.write(&mut bytes);
        assert_eq!(taken(&bytes[14..]), Err(Fault::SIZE));
        // In pieces that are each small.
        let mut bytes = frame(0x41, None, &[0; 40_000]);
        bytes.extend(frame(0x00, None, &[0; 40_000]));
        assert_eq!(taken(&bytes), Err(Fault::SIZE));
        // Streams of nothing, which cost time and no room.
        assert_eq!(taken(&frame(0xc1, None, &[0x03, 0x00].repeat(20_000))), Err(Fault::JUNK));
    }

    fn any_frame() -> impl Strategy<Value = Vec<u8>> {
        let payload = prop::collection::vec(any::<u8>(), 0..300);
        let mask = any::<Option<[u8; 4]>>();
        let whole = (payload.clone(), mask, any::<bool>(), 1u8..=2, 1usize..5).prop_map(|(plain, mask, deflate, opcode, pieces)| {
            let bytes = if deflate { deflated(&plain) } else { plain };
            let size = bytes.len().div_ceil(pieces).max(1);
            let parts: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(size).collect() };
            let mut out = Vec::new();
            for (at, part) in parts.iter().enumerate() {
                let fin = if at + 1 == parts.len() { 0x80 } else { 0 };
                let kind = if at == 0 { opcode | if deflate { RSV1 } else { 0 } } else { CONTINUATION };
                out.extend(frame(fin | kind, mask, part));
                if at % 2 == 1 {
                    out.extend(frame(0x8a, mask, b"pong"));
                }
            }
            out
        });
        let junk = prop::collection::vec(any::<u8>(), 0..40);
        prop_oneof![20 => whole, 1 => junk]
    }

    proptest! {
        #[test]
        fn any_split_of_the_stream_gives_the_same(frames in prop::collection::vec(any_frame(), 0..8), size in 1usize..60) {
            let bytes = frames.concat();
            let mut split = Inflater::new(true, MAX);
            prop_assert_eq!(taken_in(&mut split, &mut bytes.chunks(size)), taken(&bytes));
        }

        #[test]
        fn junk_does_no_harm(payload in prop::collection::vec(any::<u8>(), 0..600), bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = taken(&bytes);
            if let Ok(out) = taken(&frame(0xc2, None, &payload)) {
                prop_assert!(out.len() <= MAX + 14);
            }
        }
    }
}
