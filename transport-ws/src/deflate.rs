//! What goes out: a byte stream in which data frames become deflated ones (RFC 7692) where that is worth it: from 1,024 bytes on, and
//! if it makes them smaller. Nothing is kept from message to message; the zlib states are the thread's.
//!
//! The first message is never deflated. The first thing that a server says is its welcome, and a client its hello: they carry secrets
//! beside text that others chose, and their length would tell of the one through the other.

use crate::frame::{Head, Knife, Piece, RSV1};
use crate::inflate::TAIL;
use crate::offer::Deflate;
use flate2::{Compress, Compression, FlushCompress};
use std::cell::RefCell;

/// Shorter messages win little.
const WORTH_BYTES: u64 = 1_024;
const LEVEL: u32 = 6;

/// The way out of one connection.
#[derive(Debug)]
pub(crate) struct Deflater {
    /// As agreed; where not, everything goes through.
    agreed: Option<Deflate>,
    knife: Knife,
    /// The frame that is coming, where it is to be deflated, and its payload.
    frame: Option<Box<(Head, Vec<u8>)>>,
    /// The first message has begun.
    begun: bool,
}

impl Deflater {
    pub(crate) fn new(agreed: Option<Deflate>) -> Deflater {
        Deflater { agreed, knife: Knife::default(), frame: None, begun: false }
    }

    /// Takes all of the input and adds to the output.
    pub(crate) fn take(&mut self, mut input: &[u8], out: &mut Vec<u8>) {
        while let Some(piece) = self.knife.next(&mut input) {
            match (piece, &mut self.frame) {
                (Piece::Head(head), _) => self.begin(head, out),
                (Piece::Body(body), Some(frame)) => frame.1.extend_from_slice(body),
                (Piece::Body(body), None) => out.extend_from_slice(body),
                (Piece::End, _) => self.end(out),
            }
        }
    }

    fn begin(&mut self, head: Head, out: &mut Vec<u8>) {
        let worth = head.begins() && head.fin && head.reserved == 0 && head.len >= WORTH_BYTES;
        let deflates = self.agreed.is_some() && self.begun && worth;
        self.begun |= head.begins();
        if deflates {
            self.frame = Some(Box::new((head, Vec::new())));
        } else {
            head.write(out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        let (Some(frame), Some(agreed)) = (self.frame.take(), self.agreed) else { return };
        let (head, mut payload) = *frame;
        head.turn_mask(&mut payload);
        let deflated = deflate(&payload, agreed).filter(|deflated| deflated.len() < payload.len());
        let reserved = if deflated.is_some() { RSV1 } else { 0 };
        let payload = deflated.unwrap_or(payload);
        Head { reserved, len: payload.len() as u64, ..head }.write_frame(&payload, out);
    }
}

thread_local! {
    /// One for each size of window, from 2^9 on; all but the largest are rare.
    static ZLIB: RefCell<[Option<Compress>; 7]> = const { RefCell::new([const { None }; 7]) };
}

/// A whole message, its tail taken off; none if it would become much larger.
fn deflate(plain: &[u8], agreed: Deflate) -> Option<Vec<u8>> {
    ZLIB.with_borrow_mut(|states| {
        let bits = agreed.window_bits();
        let state = &mut states[usize::from(bits - 9)];
        let state = state.get_or_insert_with(|| Compress::new_with_window_bits(Compression::new(LEVEL), false, bits));
        state.reset();
        // Larger than anything deflate makes of it, with room to spare: so a flush is always a whole one.
        let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 64);
        state.compress_vec(plain, &mut out, FlushCompress::Sync).ok()?;
        let whole = state.total_in() == plain.len() as u64 && out.len() < out.capacity() && out.ends_with(&TAIL);
        out.truncate(out.len().saturating_sub(TAIL.len()));
        whole.then_some(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inflate::Inflater;
    use flate2::{Decompress, FlushDecompress};
    use proptest::prelude::*;

    const AGREED: Deflate = Deflate::LARGEST;
    const MASK: Option<[u8; 4]> = Some([0x37, 0xfa, 0x21, 0x3d]);

    fn frame(opcode: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let head = Head { fin: true, reserved: 0, opcode, mask, len: payload.len() as u64 };
        let mut out = Vec::new();
        head.write_frame(payload, &mut out);
        out
    }

    fn sent(agreed: Option<Deflate>, frames: &[Vec<u8>], size: usize) -> Vec<u8> {
        let mut deflater = Deflater::new(agreed);
        let mut out = Vec::new();
        for piece in frames.concat().chunks(size) {
            deflater.take(piece, &mut out);
        }
        out
    }

    /// What a peer reads of it, each mask taken for one that changes nothing.
    fn received(bytes: &[u8]) -> Vec<(Head, Vec<u8>)> {
        let (mut inflater, mut input, mut plain) = (Inflater::new(true, 1 << 20), bytes, Vec::new());
        while !input.is_empty() {
            inflater.take(&mut input, &mut plain).expect("what was deflated here is understood");
        }
        let (mut knife, mut input, mut frames) = (Knife::default(), &plain[..], Vec::new());
        while let Some(piece) = knife.next(&mut input) {
            match piece {
                Piece::Head(head) => frames.push((head, Vec::new())),
                Piece::Body(body) => frames.last_mut().expect("begun").1.extend_from_slice(body),
                Piece::End => {
                    let (head, payload) = frames.last_mut().expect("begun");
                    head.turn_mask(payload);
                    head.mask = None;
                }
            }
        }
        frames
    }

    fn text(len: usize) -> Vec<u8> {
        b"the quick brown fox jumps over the lazy dog, ".iter().copied().cycle().take(len).collect()
    }

    #[test]
    fn messages_are_deflated_from_1024_bytes_on_and_the_first_one_never() {
        let frames = [frame(1, None, &text(5_000)), frame(1, None, &text(1_023)), frame(2, None, &text(1_024)), frame(9, None, b"ping")];
        let out = sent(Some(AGREED), &frames, 1 << 20);
        let plain = [&frames[0][..], &frames[1][..]].concat();
        assert!(out.starts_with(&plain), "the first and the short one are as they were");
        let third = &out[plain.len()..];
        assert_eq!(third[0], 0x80 | RSV1 | 2);
        assert!(third.len() < 200 && third.ends_with(&frames[3]), "{}", third.len());
        assert_eq!(received(&out).iter().map(|(_, payload)| payload.len()).collect::<Vec<_>>(), [5_000, 1_023, 1_024, 4]);
        assert_eq!(sent(None, &frames, 7), frames.concat(), "not agreed on: as it came");
    }

    #[test]
    fn what_does_not_become_smaller_goes_plain() {
        let noise: Vec<u8> = (0u32..2_000).map(|i| (i.wrapping_mul(2_654_435_761).rotate_left(i % 31) >> 24) as u8).collect();
        let frames = [frame(2, MASK, b""), frame(2, MASK, &noise)];
        assert_eq!(sent(Some(AGREED), &frames, 100), frames.concat());
    }

    #[test]
    fn a_small_window_is_kept_to() {
        let far: Vec<u8> = [text(600), (0..=255).collect::<Vec<u8>>().repeat(9), text(600)].concat();
        for bits in 9..=15 {
            let agreed = Deflate::with_window_bits(bits).expect("a size of a window");
            let mut bytes = deflate(&far, agreed).expect("it becomes smaller");
            bytes.extend(TAIL);
            let mut plain = Vec::with_capacity(far.len() + 1);
            let mut inflater = Decompress::new_with_window_bits(false, bits);
            inflater.decompress_vec(&bytes, &mut plain, FlushDecompress::Sync).expect("a window of this size is enough");
            assert_eq!(plain, far, "2^{bits}");
        }
    }

    proptest! {
        #[test]
        fn what_goes_out_comes_in_the_same(
            payloads in prop::collection::vec((1u8..=2, 0usize..4_000, any::<u8>()), 1..6), mask in any::<Option<[u8; 4]>>(), size in 1usize..5_000,
        ) {
            let payloads: Vec<(u8, Vec<u8>)> = payloads.into_iter().map(|(kind, len, salt)| {
                (kind, text(len).into_iter().enumerate().map(|(i, b)| if i % 7 == 0 { b ^ salt } else { b }).collect())
            }).collect();
            let frames: Vec<Vec<u8>> = payloads.iter().map(|(kind, payload)| frame(*kind, mask, payload)).collect();
            let got: Vec<(u8, Vec<u8>)> = received(&sent(Some(AGREED), &frames, size)).into_iter().map(|(head, payload)| (head.opcode, payload)).collect();
            prop_assert_eq!(got, payloads);
        }
    }
}
