//! Either form of the messages, behind one pair of functions.

use alloc::vec::Vec;
use duologue_core::wire::json::NotUnderstood;
use duologue_core::wire::{ClientMessage, ServerMessage, binary, json};

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// postcard, in binary frames.
    Binary,
    /// JSON, in text frames.
    Json,
}

impl Form {
    /// The WebSocket sub-protocol.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Form::Binary => "duologue.v1.postcard",
            Form::Json => "duologue.v1.json",
        }
    }

    pub(crate) fn encode(self, message: &ClientMessage) -> Vec<u8> {
        match self {
            Form::Binary => binary::encode_client(message),
            Form::Json => json::encode_client(message),
        }
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> Result<ServerMessage, NotUnderstood> {
        match self {
            Form::Binary => binary::decode_server(bytes).map_err(|_| NotUnderstood::Malformed),
            Form::Json => json::decode_server(bytes),
        }
    }
}
