//! The binary form: postcard of the wire types, frozen by golden vectors (`tests/vectors/`). What a client says is checked as in
//! JSON: the form is no way around the contract.

use super::check::{self, Malformed};
use super::{ClientMessage, Reason, ServerMessage};
use crate::kit::ids::MAX_INTEGER;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The bytes do not hold exactly one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnderstood;

/// Writes a message of the server.
pub fn encode_server(message: &ServerMessage) -> Vec<u8> {
    postcard::to_allocvec(message).expect("wire types hold nothing that postcard cannot write")
}

/// Writes a message of a client.
pub fn encode_client(message: &ClientMessage) -> Vec<u8> {
    postcard::to_allocvec(message).expect("wire types hold nothing that postcard cannot write")
}

/// Reads a message of a client.
///
/// # Errors
/// `Malformed` – truncated, unknown variant, bytes left over (`is_json` is then false), or outside what the contract allows.
pub fn decode_client(bytes: &[u8]) -> Result<ClientMessage, Malformed> {
    match whole(postcard::take_from_bytes(bytes)) {
        Ok(message) => check::check(message),
        Err(NotUnderstood) => {
            let reason = Reason::BadMessage { field: None, why: Cow::Borrowed("one message of this version, whole") };
            let (is_hello, id) = beginning(bytes);
            Err(Malformed { is_json: id.is_some(), is_hello, id, reason })
        }
    }
}

/// Whether bytes that are no message begin like a hello, and the number of the command as which they begin.
fn beginning(bytes: &[u8]) -> (bool, Option<u64>) {
    const HELLO: u32 = 0;
    const COMMAND: u32 = 1;
    match postcard::take_from_bytes::<u32>(bytes) {
        Ok((HELLO, _)) => (true, None),
        Ok((COMMAND, rest)) => {
            let id = postcard::take_from_bytes::<u64>(rest).ok().map(|(id, _)| id);
            (false, id.filter(|id| (1..=MAX_INTEGER).contains(id)))
        }
        Ok(_) | Err(_) => (false, None),
    }
}

/// Reads a message of the server.
///
/// # Errors
/// `NotUnderstood` – truncated, unknown variant, or bytes left over.
pub fn decode_server(bytes: &[u8]) -> Result<ServerMessage, NotUnderstood> {
    whole(postcard::take_from_bytes(bytes))
}

fn whole<T>(read: postcard::Result<(T, &[u8])>) -> Result<T, NotUnderstood> {
    match read {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(NotUnderstood),
    }
}
