//! The WebSocket carrier (RFC 6455): bytes and ids, no rules.
//!
//! It takes a byte stream on which the HTTP upgrade was already answered (by whatever HTTP server there is) and turns it into
//! [`Up`](duologue_transport::Up) words, and [`Down`](duologue_transport::Down) words into frames. One task a connection; a
//! connection that says nothing costs its stream, a read buffer of one KiB and about a hundred bytes of queue.
//!
//! * [`handshake`] decides what the upgrade request is answered: origin, sub-protocol, compression, key.
//! * [`Sockets`] holds the bounds and the table of connections, which other transports may share.
//! * [`Sockets::serve`] is the task of one connection.
//! * [`DeflateStream`] is permessage-deflate (RFC 7692), beneath the library, for both roles.
//!
//! What it promises stands in `duologue_transport::contract` and is tested there: order, whole messages, bounded queues both
//! ways, a close that arrives and does not wait for ever. What it does not know: what a message means, who a user is, TLS
//! (the stream may be one), and the time of day.

mod deflate;
mod frame;
pub mod handshake;
mod inflate;
mod offer;
mod socket;
mod sockets;
mod stream;

pub use offer::Deflate;
pub use sockets::{Config, Opening, Sockets};
pub use stream::{DeflateStream, close_code};
