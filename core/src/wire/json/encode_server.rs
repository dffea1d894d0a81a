//! Writing what the server says.

use crate::wire::{Card, ServerMessage};
use alloc::vec::Vec;

/// Writes a message of the server.
pub fn encode_server(_message: &ServerMessage) -> Vec<u8> {
    Vec::new()
}

/// Writes a card alone, for HTTP.
pub fn card(_card: &Card) -> Vec<u8> {
    Vec::new()
}
