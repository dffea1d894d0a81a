//! The half of Duologue that faces the sockets, still without a socket: one [`Gateway`] for a process.
//!
//! It stands between a transport ([`duologue_transport`]: bytes and ids) and an engine (`duologue_core`: rules). It owns
//!
//! - the **sockets** before `welcome`: the one message that each may say, how many wait, for how long (CON 10);
//! - the **links**, one for a connection, which outlive their sockets: sequence numbers, replay and resume tokens (CON 4),
//!   liveness (CON 6), queues with events ahead of views (CON 7), the window as last sent, and what to tell a new engine;
//! - the **relays** of live calls (SIG): no signal enters the engine while one of them has a seat for it.
//!
//! It knows no rule about people: who may do what is the engine's. It reads no clock and draws nothing: time comes in with every
//! call, the only randomness is the `secret` of an opened connection. It survives its engine: [`Gateway::reattach`].
//!
//! ```text
//! handle_transport(now, Up) ─┐                      ┌─ poll_output() → Down(..)    to the transport
//! handle_released(now, Output) ─▶ Gateway (a value) ─┤                  Engine(..)  to the engine
//! handle_timeout(now) ───────┘                      └─ poll_timeout() → when to call next
//! ```
//!
//! Like the engine, it first runs every deadline up to and at `now`, in order, and then what came: a driver that calls
//! `handle_timeout` late or never reaches the same state.
#![no_std]

extern crate alloc;

mod budget;
mod check;
mod commands;
mod config;
mod encode;
mod gateway;
mod link;
mod opening;
mod rates;
mod released;
mod seats;
mod sockets;
mod tokens;

pub use config::{Config, IceServers, NoIceServers};
pub use duologue_signaling::RelayLimits;
pub use gateway::{Gateway, Outward, Usage};
