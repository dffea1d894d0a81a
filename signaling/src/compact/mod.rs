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
mod carried;
mod coder;
mod description;
mod letters;
mod library;
mod line;
mod media;
mod value;

pub use carried::{Carried, MARK, as_it_is};
pub use library::Library;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use candidate::Trickle;
use coder::{Reader, Writer};
use description::Memory;
use duologue_core::wire::Candidate;

/// The version of the built-in library, as `hello.sdp` says it.
pub const VERSION: u32 = 1;
/// Bytes of a description, in UTF-8, that are written or read.
pub const DESCRIPTION_MAX: usize = 32 * 1024;
/// Bytes of a candidate and of its `mid`, each.
pub const CANDIDATE_MAX: usize = 1024;

/// The first byte of a description that is not told: what follows. What is told begins with a lower one.
const PLAIN: u8 = 0xfe;
const DEFLATED: u8 = 0xff;
/// The chance of being told, of 65,536: the first bytes from 0xfa on are left for others.
const IS_TOLD: u32 = 0xfa00;

/// Why something was not read: it was not written by such a codec, or something before it was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// One side's end of one epoch of a call.
#[derive(Clone, Debug)]
pub struct Codec {
    library: Arc<Library>,
    own: Memory,
    own_trickle: Trickle,
    peer: Memory,
    peer_trickle: Trickle,
}

impl Codec {
    /// One that has said and heard nothing.
    pub fn new(library: Arc<Library>) -> Codec {
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
        let mut own = self.own.clone();
        let told = description::write(&self.library, &mut own, &self.peer, text, DESCRIPTION_MAX);
        let is_short = |bytes: &[u8]| (bytes.len() + 3) * 4 / 3 < text.len();
        if let Some(told) = told.filter(|told| is_short(told)) {
            self.own = own;
            return Some(told);
        }
        description::remember(&self.library, &mut self.own, text, DESCRIPTION_MAX);
        let deflated = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
        Some(if is_short(&deflated) { [&[DEFLATED], &deflated[..]].concat() } else { [&[PLAIN], text.as_bytes()].concat() })
    }

    /// Reads a description that the other end has written.
    ///
    /// # Errors
    /// `Unreadable` – it makes no sense, has more than [`DESCRIPTION_MAX`] bytes, or rests on something that was lost.
    pub fn read_description(&mut self, bytes: &[u8]) -> Result<String, Unreadable> {
        match bytes.split_first() {
            Some((&PLAIN, rest)) => self.read_plain(rest.to_vec()),
            Some((&DEFLATED, rest)) => {
                self.read_plain(miniz_oxide::inflate::decompress_to_vec_with_limit(rest, DESCRIPTION_MAX).map_err(|_| Unreadable)?)
            }
            _ => description::read(&self.library, &mut self.peer, &self.own, bytes, DESCRIPTION_MAX).ok_or(Unreadable),
        }
    }

    fn read_plain(&mut self, bytes: Vec<u8>) -> Result<String, Unreadable> {
        let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= DESCRIPTION_MAX).ok_or(Unreadable)?;
        description::remember(&self.library, &mut self.peer, &text, DESCRIPTION_MAX);
        Ok(text)
    }

    /// Writes a candidate; `None` where its text or `mid` has more than [`CANDIDATE_MAX`] bytes.
    pub fn write_candidate(&mut self, candidate: &Candidate) -> Option<Vec<u8>> {
        if candidate.candidate.len() > CANDIDATE_MAX || candidate.mid.as_ref().is_some_and(|mid| mid.len() > CANDIDATE_MAX) {
            return None;
        }
        let mut writer = Writer::new();
        candidate::candidate(&mut writer, &self.library, &mut self.own, &mut self.own_trickle, candidate, CANDIDATE_MAX)?;
        Some(writer.finish())
    }

    /// Reads a candidate that the other end has written.
    ///
    /// # Errors
    /// `Unreadable` – it makes no sense. The epoch is lost then.
    pub fn read_candidate(&mut self, bytes: &[u8]) -> Result<Candidate, Unreadable> {
        let nothing = Candidate { candidate: String::new(), mid: None, line: None };
        let mut reader = Reader::new(bytes);
        candidate::candidate(&mut reader, &self.library, &mut self.peer, &mut self.peer_trickle, &nothing, CANDIDATE_MAX).ok_or(Unreadable)
    }

    /// The `sdp` that carries a description to someone with the same library. One that is too long for this is carried as it is.
    pub fn carry_description(&mut self, text: &str) -> String {
        match self.write_description(text) {
            Some(bytes) if bytes.first() != Some(&PLAIN) => carried::compact(self.library.version(), &bytes),
            _ => as_it_is(text),
        }
    }

    /// The description that an `sdp` carries.
    ///
    /// # Errors
    /// `Unreadable` – as [`Codec::read_description`], or of another library.
    pub fn open_description(&mut self, sdp: &str) -> Result<String, Unreadable> {
        match Carried::open(sdp, self.library.version()).ok_or(Unreadable)? {
            Ok(bytes) => self.read_description(&bytes),
            Err(text) => self.read_plain(text.as_bytes().to_vec()),
        }
    }

    /// The candidate that carries one to someone with the same library: its `mid` and `line` are in its text.
    pub fn carry_candidate(&mut self, candidate: &Candidate) -> Candidate {
        match self.write_candidate(candidate) {
            Some(bytes) => Candidate { candidate: carried::compact(self.library.version(), &bytes), mid: None, line: None },
            None => Candidate { candidate: as_it_is(&candidate.candidate), ..candidate.clone() },
        }
    }

    /// The candidate that one carries.
    ///
    /// # Errors
    /// `Unreadable` – as [`Codec::read_candidate`], or of another library.
    pub fn open_candidate(&mut self, carried: Candidate) -> Result<Candidate, Unreadable> {
        match Carried::open(&carried.candidate, self.library.version()).ok_or(Unreadable)? {
            Ok(bytes) => self.read_candidate(&bytes),
            Err(text) => Ok(Candidate { candidate: text.into(), ..carried }),
        }
    }
}
