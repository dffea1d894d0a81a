//! The head of a frame (RFC 6455, section 5.2), and a knife that cuts a byte stream into frames, however the bytes are split on their
//! way. It judges nothing: what is no frame that the standard knows is for others to refuse.

/// The longest head: two bytes, a length of eight, a mask of four.
const HEAD_MAX_BYTES: usize = 14;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
const RESERVED: u8 = 0x70;

/// The reserved bit that says "this message is deflated" (RFC 7692, section 6).
pub(crate) const RSV1: u8 = 0x40;
/// The kind of a frame that goes on with a message.
pub(crate) const CONTINUATION: u8 = 0;

/// What stands before a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The last frame of its message.
    pub(crate) fin: bool,
    /// The three reserved bits, in their place.
    pub(crate) reserved: u8,
    /// The kind.
    pub(crate) opcode: u8,
    /// With what the payload is masked.
    pub(crate) mask: Option<[u8; 4]>,
    /// Bytes of payload.
    pub(crate) len: u64,
}

impl Head {
    /// The head at the beginning of these bytes; none if they end within it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Head> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (len, rest) = match second & !MASKED {
            126 => rest.split_first_chunk().map(|(len, rest)| (u64::from(u16::from_be_bytes(*len)), rest))?,
            127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), rest))?,
            len => (u64::from(len), rest),
        };
        let mask = if second & MASKED == 0 { None } else { Some(*rest.first_chunk()?) };
        Some(Head { fin: first & FIN != 0, reserved: first & RESERVED, opcode: first & 0x0f, mask, len })
    }

    /// Writes it, its length in the shortest form.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(if self.fin { FIN } else { 0 } | self.reserved | self.opcode);
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len @ 0..=125), _) => out.push(masked | len),
            (_, Ok(len)) => {
                out.push(masked | 126);
                out.extend_from_slice(&len.to_be_bytes());
            }
            (_, Err(_)) => {
                out.push(masked | 127);
                out.extend_from_slice(&self.len.to_be_bytes());
            }
        }
        out.extend(self.mask.into_iter().flatten());
    }

    /// Writes a whole frame: this, and the payload under its mask.
    pub(crate) fn write_frame(&self, payload: &[u8], out: &mut Vec<u8>) {
        self.write(out);
        let from = out.len();
        out.extend_from_slice(payload);
        self.turn_mask(&mut out[from..]);
    }

    /// Close, ping, pong and their like: they may stand between the frames of a message.
    pub(crate) fn is_control(&self) -> bool {
        self.opcode >= 8
    }

    /// Whether it begins a message: text or binary.
    pub(crate) fn begins(&self) -> bool {
        matches!(self.opcode, 1 | 2)
    }

    /// Masks a whole payload, or takes its mask off.
    pub(crate) fn turn_mask(&self, payload: &mut [u8]) {
        let Some(mask) = self.mask else { return };
        for (byte, key) in payload.iter_mut().zip(mask.into_iter().cycle()) {
            *byte ^= key;
        }
    }
}

/// A piece of the stream, in order: one head, any number of bodies, one end a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Body(&'a [u8]),
    End,
    Head(Head),
}

/// Where in the stream one is. A head that has come only in part is kept here.
#[derive(Debug, Default)]
pub(crate) struct Knife {
    head: [u8; HEAD_MAX_BYTES],
    have: u8,
    /// What is left of the frame's payload; none between frames.
    left: Option<u64>,
}

impl Knife {
    /// The next piece, taken off the front of the input; none where the input ends.
    pub(crate) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        match self.left {
            None => self.head(input).map(Piece::Head),
            Some(0) => {
                self.left = None;
                Some(Piece::End)
            }
            Some(_) if input.is_empty() => None,
            Some(left) => {
                let count = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                let (body, rest) = input.split_at(count);
                *input = rest;
                self.left = Some(left - count as u64);
                Some(Piece::Body(body))
            }
        }
    }

    fn head(&mut self, input: &mut &[u8]) -> Option<Head> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.head[usize::from(self.have)] = byte;
            self.have += 1;
            if let Some(head) = Head::parse(&self.head[..usize::from(self.have)]) {
                self.have = 0;
                self.left = Some(head.len);
                return Some(head);
            }
        }
        None
    }

    /// Whether nothing of a frame has come that did not come whole.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.have == 0 && self.left.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [u64; 8] = [0, 1, 125, 126, 65_535, 65_536, 1 << 62, u64::MAX];

    #[test]
    fn a_head_is_read_as_it_was_written_and_only_when_it_is_whole() {
        for len in LENGTHS {
            for mask in [None, Some([1, 2, 3, 4])] {
                let head = Head { fin: len % 2 == 0, reserved: RSV1, opcode: 2, mask, len };
                let mut bytes = Vec::new();
                head.write(&mut bytes);
                assert!(bytes.len() <= HEAD_MAX_BYTES);
                for cut in 0..bytes.len() {
                    assert_eq!(Head::parse(&bytes[..cut]), None, "{len}");
                }
                assert_eq!(Head::parse(&bytes), Some(head));
            }
        }
    }

    #[test]
    fn frames_are_cut_the_same_byte_by_byte() {
        // A masked text of two bytes, an empty ping, and half a head.
        let bytes = [0x81, 0x82, 9, 9, 9, 9, 1, 2, 0x89, 0x00, 0x82];
        let mut knife = Knife::default();
        let mut bodies = Vec::new();
        let (mut heads, mut ends) = (0, 0);
        for byte in bytes {
            let mut input: &[u8] = &[byte];
            while let Some(piece) = knife.next(&mut input) {
                match piece {
                    Piece::Body(body) => bodies.extend_from_slice(body),
                    Piece::End => ends += 1,
                    Piece::Head(_) => heads += 1,
                }
            }
        }
        assert_eq!((heads, ends, bodies), (2, 2, vec![1, 2]));
        assert!(!knife.is_between_frames());
    }
}
