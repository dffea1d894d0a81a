//! Reading what clients say.

use crate::wire::{ClientMessage, Reason};

/// Why a text is not a message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Whether it is JSON at all.
    pub is_json: bool,
    /// Whether it says `hello`.
    pub is_hello: bool,
    /// The command's number, where it carries a valid one: then it is answered by `no`, else the connection is closed.
    pub id: Option<u64>,
    /// `bad_message`, with the field and why.
    pub reason: Reason,
}

/// Reads a message of a client.
///
/// # Errors
/// `Malformed` – anything else.
pub fn decode_client(_text: &[u8]) -> Result<ClientMessage, Malformed> {
    Err(Malformed { is_json: false, is_hello: false, id: None, reason: Reason::field("", "sketch") })
}
