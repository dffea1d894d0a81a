//! What clients and server say to each other, protocol version 1 (`docs/protocol.md`). The types derive plain serde for the
//! binary form (postcard); the JSON form, which is the normative one, is a mapping of its own in [`json`].

pub mod binary;
pub(crate) mod check;
mod client;
pub mod json;
mod reason;
mod server;

pub use client::{Candidate, Candidates, ClientMessage, Command, Description, Filter, Hello, Patch, ProfilePatch, Resume, SdpKind};
pub use reason::{Closing, Reason};
pub use server::{
    Answer, CallEnded, CallStarted, CallState, Card, CardText, Done, Event, IceServer, InviteState, Marks, Notice, PairState, PeerLink,
    Place, Presence, Rule, ServerMessage, State, TicketState, Totals, View, Welcome, Why,
};

/// The largest message on every carrier, in bytes, after inflation.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;
/// The largest message before `welcome`, in bytes.
pub const HELLO_MAX_BYTES: usize = 4 * 1024;
