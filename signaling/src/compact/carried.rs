//! How compact bytes travel in the `sdp` of a description and in the `candidate` of a candidate, in both forms of the protocol: as
//! `~`, the library's version, `.`, and the bytes in base64url (RFC 4648, 5, without padding). `~0.` means that a text follows as
//! it is, which only one that begins with `~` itself needs. Everything else is the text.
//!
//! The relay looks no further than this: who reads which version decides what may pass (SIG 5).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Begins what is no plain text.
pub const MARK: char = '~';
/// Before a text that begins with the mark itself.
const AS_IT_IS: &str = "~0.";

/// What stands in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    /// A text.
    Text(&'a str),
    /// Something compact.
    Compact {
        /// Of the library.
        version: u32,
        /// In base64url.
        bytes: &'a str,
    },
}

impl<'a> Carried<'a> {
    /// What a client that speaks compactly means by a field.
    ///
    /// # Errors
    /// `Unreadable` – it begins with the mark, and no version follows.
    pub fn of(field: &'a str) -> Result<Carried<'a>, super::Unreadable> {
        let Some(rest) = field.strip_prefix(MARK) else { return Ok(Carried::Text(field)) };
        let (version, bytes) = rest.split_once('.').ok_or(super::Unreadable)?;
        match super::line::decimal(version) {
            Some(0) => Ok(Carried::Text(bytes)),
            Some(version) => Ok(Carried::Compact { version: u32::try_from(version).map_err(|_| super::Unreadable)?, bytes }),
            None => Err(super::Unreadable),
        }
    }

    /// The bytes of something compact of this version, or the text.
    pub(crate) fn open(field: &'a str, version: u32) -> Option<Result<Vec<u8>, &'a str>> {
        match Carried::of(field).ok()? {
            Carried::Text(text) => Some(Err(text)),
            Carried::Compact { version: other, bytes } if other == version => URL_SAFE_NO_PAD.decode(bytes).ok().map(Ok),
            Carried::Compact { .. } => None,
        }
    }
}

/// A field that carries a text as it is, to someone who speaks compactly.
pub fn as_it_is(text: &str) -> String {
    if text.starts_with(MARK) { [AS_IT_IS, text].concat() } else { text.to_string() }
}

/// A field that carries bytes.
pub(crate) fn compact(version: u32, bytes: &[u8]) -> String {
    [&MARK.to_string(), &version.to_string(), ".", &URL_SAFE_NO_PAD.encode(bytes)].concat()
}
