//! The JSON form, which is the normative one (`docs/protocol.md`): a mapping of its own, since field names, absent fields and
//! checks are part of the contract and must not hang on the shape of our types.
//!
//! Reading goes through a tree of its own, because duplicates, unknown fields and `null` have a meaning here; writing
//! goes straight to bytes. What the server says is written by hand and read by the Rust client, what clients say the other way
//! round, and the round trips are tested against each other and against golden vectors.
//!
//! ```
//! use duologue_core::wire::{ClientMessage, Command, json};
//!
//! let read = json::decode_client(br#"{"t":"join","id":7,"lobby":"main","of a later version":1}"#);
//! assert_eq!(read, Ok(ClientMessage::Command { id: 7, command: Command::Join { lobby: Some("main".into()) } }));
//! ```

mod decode_client;
mod decode_event;
mod decode_parts;
mod decode_server;
mod encode_client;
mod encode_server;
mod fields;
mod http;
mod parts;
mod tree;
mod write;

pub use super::check::Malformed;
pub use decode_client::{decode_client, decode_profile};
pub use decode_server::{NotUnderstood, decode_server};
pub use encode_client::encode_client;
pub use encode_server::encode_server;
pub use http::{Access, card, guest, history, me, problem, problem_closing, totals};
