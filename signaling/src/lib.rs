//! Offers, answers and candidates (SIG), without sockets. Two machines that never meet:
//!
//! - [`Relay`] stands on the server, one for a live call: it carries what one seat says to the other, in order, once, in batches,
//!   within limits, and only under the call's present epoch;
//! - [`Negotiation`] stands on a client, one for a call: the polite-peer exchange of the W3C's WebRTC 1.0 ("perfect
//!   negotiation"), told as inputs and outputs, so that browsers, native peers and simulated people run the same one.
//!
//! Neither reads SDP, a clock or randomness. Both take the time that their driver gives them, if any, and are polled.
#![no_std]

extern crate alloc;

mod candidates;
pub mod compact;
mod negotiation;
mod relay;

pub use negotiation::{Negotiation, NegotiationInput, NegotiationOutput};
pub use relay::{Relay, RelayLimits, Side};
