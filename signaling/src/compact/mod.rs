//! Descriptions and candidates in few bytes (SIG 5), byte for byte the same when they are read again, whatever is in them.
//!
//! An offer of a browser is five thousand bytes of which some hundred and thirty are its own: a fingerprint, names, passwords,
//! numbers drawn at random. The rest it has in common with every other offer of such a browser, which both ends know from a
//! [`Library`]; or with what the two said earlier in this call. So a description is told as "the skeleton 17, with these values",
//! by an arithmetic coder to which a "yes, as expected" costs next to nothing. What cannot be told so is deflated (RFC 1951),
//! and what that does not shorten stays as it is.
//!
//! A [`Codec`] is one side's end of one epoch of a call: what it writes must be read by the other end in the same order, each
//! once, as the relay delivers it (SIG 1, 2). If something was lost nevertheless, reading says so.
//!
//! Nothing that comes in can make it panic, nor take more than [`DESCRIPTION_MAX`] bytes, nor work that grows faster than them.

mod candidate;
mod coder;
mod description;
mod letters;
mod library;
mod line;
mod value;

pub use library::Library;

use alloc::string::String;
use alloc::vec::Vec;
use candidate::Trickle;
use coder::{Reader, Writer};
use description::Memory;
use duologue_core::wire::Candidate;

/// Bytes of a description, in UTF-8, that are written or read.
pub const DESCRIPTION_MAX: usize = 32 * 1024;
/// Bytes of a candidate and of its `mid`, each.
pub const CANDIDATE_MAX: usize = 1024;

/// The first byte of a description: what follows.
const PLAIN: u8 = 0;
const DEFLATED: u8 = 1;
const TOLD: u8 = 2;
/// Told against what was said before; two bytes of a sum of the text follow.
const TOLD_IN_CALL: u8 = 3;

/// Why something was not read: it was not written by such a codec, or something before it was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// One side's end of one epoch of a call.
#[derive(Clone, Debug)]
pub struct Codec<'a> {
    library: &'a Library,
    own: Memory,
    own_trickle: Trickle,
    peer: Memory,
    peer_trickle: Trickle,
}

impl<'a> Codec<'a> {
    /// One that has said and heard nothing.
    pub fn new(library: &'a Library) -> Codec<'a> {
        Codec {
            library,
            own: Memory::default(),
            own_trickle: Trickle::default(),
            peer: Memory::default(),
            peer_trickle: Trickle::default(),
        }
    }

    /// Writes a description; `None` where it has more than [`DESCRIPTION_MAX`] bytes.
    pub fn write_description(&mut self, text: &str) -> Option<Vec<u8>> {
        if text.len() > DESCRIPTION_MAX {
            return None;
        }
        let is_first = self.own.is_empty() && self.peer.is_empty();
        let mut own = self.own.clone();
        let told = description::write(self.library, &mut own, &self.peer, text, DESCRIPTION_MAX).map(|told| {
            let mut out = Vec::with_capacity(told.len() + 3);
            out.push(if is_first { TOLD } else { TOLD_IN_CALL });
            if !is_first {
                out.extend_from_slice(&sum(text).to_be_bytes());
            }
            out.extend_from_slice(&told);
            out
        });
        if let Some(told) = told
            && told.len() <= text.len()
        {
            self.own = own;
            return Some(told);
        }
        description::remember(self.library, &mut self.own, text, DESCRIPTION_MAX);
        let deflated = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
        let (kind, rest) = if deflated.len() < text.len() { (DEFLATED, &deflated[..]) } else { (PLAIN, text.as_bytes()) };
        let mut out = alloc::vec![kind];
        out.extend_from_slice(rest);
        Some(out)
    }

    /// Reads a description that the other end has written.
    ///
    /// # Errors
    /// `Unreadable` – it makes no sense, has more than [`DESCRIPTION_MAX`] bytes, or rests on something that was lost.
    pub fn read_description(&mut self, bytes: &[u8]) -> Result<String, Unreadable> {
        let (kind, rest) = bytes.split_first().ok_or(Unreadable)?;
        match *kind {
            TOLD | TOLD_IN_CALL => {
                let (expected, rest) = if *kind == TOLD { (None, rest) } else { rest.split_first_chunk().map(|(sum, rest)| (Some(*sum), rest)).ok_or(Unreadable)? };
                let mut peer = self.peer.clone();
                let text = description::read(self.library, &mut peer, &self.own, rest, DESCRIPTION_MAX).ok_or(Unreadable)?;
                if expected.is_some_and(|expected| expected != sum(&text).to_be_bytes()) {
                    return Err(Unreadable);
                }
                self.peer = peer;
                Ok(text)
            }
            PLAIN | DEFLATED => {
                let text = if *kind == PLAIN {
                    rest.to_vec()
                } else {
                    miniz_oxide::inflate::decompress_to_vec_with_limit(rest, DESCRIPTION_MAX).map_err(|_| Unreadable)?
                };
                let text = String::from_utf8(text).ok().filter(|text| text.len() <= DESCRIPTION_MAX).ok_or(Unreadable)?;
                description::remember(self.library, &mut self.peer, &text, DESCRIPTION_MAX);
                Ok(text)
            }
            _ => Err(Unreadable),
        }
    }

    /// Writes a candidate; `None` where its text or `mid` has more than [`CANDIDATE_MAX`] bytes.
    pub fn write_candidate(&mut self, candidate: &Candidate) -> Option<Vec<u8>> {
        if candidate.candidate.len() > CANDIDATE_MAX || candidate.mid.as_ref().is_some_and(|mid| mid.len() > CANDIDATE_MAX) {
            return None;
        }
        let mut writer = Writer::new();
        candidate::candidate(&mut writer, self.library, &mut self.own, &mut self.own_trickle, candidate, CANDIDATE_MAX)?;
        Some(writer.finish())
    }

    /// Reads a candidate that the other end has written.
    ///
    /// # Errors
    /// `Unreadable` – it makes no sense. The epoch is lost then.
    pub fn read_candidate(&mut self, bytes: &[u8]) -> Result<Candidate, Unreadable> {
        let nothing = Candidate { candidate: String::new(), mid: None, line: None };
        let mut reader = Reader::new(bytes);
        candidate::candidate(&mut reader, self.library, &mut self.peer, &mut self.peer_trickle, &nothing, CANDIDATE_MAX).ok_or(Unreadable)
    }
}

/// 16 bits that a text with another content is unlikely to have (FNV-1a, folded).
fn sum(text: &str) -> u16 {
    let sum = text.bytes().fold(0x811c_9dc5u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (sum >> 16 ^ sum) as u16
}
