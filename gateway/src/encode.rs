//! Messages to bytes and back, in the form that a connection speaks. Who is closed for `unsupported` is told so in JSON.

use bytes::Bytes;
use duologue_core::wire::{ClientMessage, ServerMessage, binary, json};
use duologue_transport::Form;

/// Writes a message, in exactly as many bytes as it has: it may be kept for long.
pub(crate) fn encode(form: Form, message: &ServerMessage) -> Bytes {
    let written = match form {
        Form::Json | Form::Unknown => json::encode_server(message),
        Form::Postcard => binary::encode_server(message),
    };
    written.into_boxed_slice().into()
}

/// Reads a message in the form that the connection speaks.
pub(crate) fn decode(form: Form, bytes: &[u8]) -> Result<ClientMessage, json::Malformed> {
    match form {
        Form::Json | Form::Unknown => json::decode_client(bytes),
        Form::Postcard => binary::decode_client(bytes),
    }
}
