//! Messages on a stream (QUIC, WebTransport): each is its length as a variable-length integer (RFC 9000, section 16), then that many bytes of postcard.
//! A stream has no message borders of its own, so the reader keeps what is not whole yet, never more than one message and what
//! was read together with it.

use alloc::vec::Vec;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The largest message, in bytes (`docs/protocol.md`).
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;

/// The stream says that a message is larger than any may be: to be closed with `bad_message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The length it claims.
    pub claimed: u64,
}

/// Writes one message with its length before it.
///
/// # Panics
/// If the message is larger than any may be.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 4);
    put(&mut out, message);
    out
}

/// As [`frame`], behind what is there.
///
/// # Panics
/// As [`frame`].
pub fn put(out: &mut Vec<u8>, message: &[u8]) {
    assert!(message.len() <= MESSAGE_MAX_BYTES, "a message has at most 64 KiB");
    match message.len() {
        length @ 0..=0x3f => out.put_u8(length as u8),
        length @ 0x40..=0x3fff => out.put_u16(0x4000 | length as u16),
        length => out.put_u32(0x8000_0000 | length as u32),
    }
    out.put_slice(message);
}

/// Takes a stream's bytes as they come and gives whole messages.
#[derive(Debug, Default)]
pub struct Reader {
    kept: BytesMut,
}

impl Reader {
    /// More bytes of the stream. Take all messages before giving more: then no more than one unfinished message is kept.
    pub fn give(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// The next whole message, if it is there.
    ///
    /// # Errors
    /// `TooLarge` – said as soon as the length is known, before any of it is kept.
    pub fn take(&mut self) -> Result<Option<Bytes>, TooLarge> {
        let Some((length, prefix)) = self.length() else { return Ok(None) };
        if length > MESSAGE_MAX_BYTES as u64 {
            return Err(TooLarge { claimed: length });
        }
        let length = length as usize;
        if self.kept.len() < prefix + length {
            return Ok(None);
        }
        self.kept.advance(prefix);
        let message = self.kept.split_to(length).freeze();
        if self.kept.is_empty() {
            // An idle connection keeps no buffer.
            self.kept = BytesMut::new();
        }
        Ok(Some(message))
    }

    /// The next message's length, and how many bytes say it. The two highest bits of the first byte tell: 1, 2, 4 or 8.
    fn length(&self) -> Option<(u64, usize)> {
        let first = *self.kept.first()?;
        let prefix = 1usize << (first >> 6);
        let bytes = self.kept.get(..prefix)?;
        let start = u64::from(first & 0x3f);
        Some((bytes[1..].iter().fold(start, |value, byte| value << 8 | u64::from(*byte)), prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_lengths_of_rfc_9000_appendix_a_are_read() {
        for (bytes, length) in [(&[0x25][..], 37), (&[0x7b, 0xbd], 15_293), (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333)] {
            let mut reader = Reader::default();
            reader.give(bytes);
            assert_eq!(reader.length(), Some((length, bytes.len())));
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
        let mut reader = Reader::default();
        reader.give(&[0x80, 0x01, 0x00, 0x01]);
        assert_eq!(reader.take(), Err(TooLarge { claimed: 65_537 }));
    }

    proptest! {
        #[test]
        fn messages_come_whole_however_the_stream_is_cut(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8),
            cuts in proptest::collection::vec(1usize..200, 1..40),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message| frame(message)).collect();
            let (mut reader, mut got, mut at) = (Reader::default(), Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                if at == stream.len() {
                    break;
                }
                let end = (at + cut).min(stream.len());
                reader.give(&stream[at..end]);
                at = end;
                while let Some(message) = reader.take().expect("none is too large") {
                    got.push(message.to_vec());
                }
            }
            prop_assert_eq!(got, messages);
        }
    }
}
