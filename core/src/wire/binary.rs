//! The binary form: postcard of the wire types, frozen by golden vectors (`tests/vectors/`).

use super::{ClientMessage, ServerMessage};
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
/// `NotUnderstood` – truncated, unknown variant, or bytes left over.
pub fn decode_client(bytes: &[u8]) -> Result<ClientMessage, NotUnderstood> {
    whole(postcard::take_from_bytes(bytes))
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
