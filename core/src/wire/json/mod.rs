//! The JSON form, which is the normative one (`docs/protocol.md`): a mapping of its own, since field names, absent fields and
//! checks are part of the contract and must not hang on the shape of our types.

mod decode_client;
mod encode_server;
mod fields;
mod write;

pub use decode_client::{Malformed, decode_client};
pub use encode_server::{card, encode_server};
