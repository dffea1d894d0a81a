//! The QUIC carrier (RFC 9000): bytes and ids, no rules. Native clients speak ALPN `duologue/1`, browsers WebTransport over `h3`,
//! both on one UDP port; messages are [framed](duologue_transport::framing) on the first bidirectional stream that the client opens.
//!
//! * [`Carrier`] holds the port: it lets connections in, in order and in bounds ([`Config`]), and looks after signs of life.
//! * One task a connection stands between its streams and its queue in the shared [`Table`](duologue_transport::Table).
//! * A connection is its connection ids, not its address: a client whose address changes goes on as if nothing had happened.
//!
//! What it promises stands in `duologue_transport::contract` and is tested there. What it does not know: what a message means, who a
//! user is, where certificates come from (a resolver is asked, so they may change at any time).

mod admission;
mod carrier;
mod line;
mod opening;
mod task;
mod tuning;

pub use carrier::{Carrier, Host, Parts, Usage};
pub use tuning::{ALPN, Config, Keys};
