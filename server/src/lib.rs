//! The duologue server: one process that holds the sockets, the realm and its rows.
//!
//! ```text
//!  transport-ws, -quic    ──Up──▶ ┌──────────────── driver: one thread ────────────────┐ ──StoreOp──▶ store threads (SQLite)
//!                         ◀─Down─ │ Gateway ◀─released─ Commit ◀─outputs─ Engine       │ ◀─Completion─
//!  HTTP (axum) ──Ask, Look──────▶ └─────────────────────────────────────────────────────┘
//! ```
//!
//! The machines in the driver know neither sockets nor clocks; everything here that does stands around them: [`listen`] and
//! [`http`] on the outside, [`clock`] and [`secrets`] as the only sources of time and randomness, [`config`] as the only reader
//! of settings, [`media`] as the keeper of pictures. [`serve`] puts it together for a process of its own, [`embed`] for a program
//! that has a server already.

pub mod banner;
pub mod certificates;
pub mod check_turn;
pub mod cli;
pub mod clock;
pub mod company;
pub mod config;
pub mod driver;
pub mod embed;
pub mod http;
pub mod ice;
pub mod listen;
pub mod log;
pub mod media;
pub mod memory;
pub mod qr;
pub mod quic;
pub mod reach;
mod realm;
pub mod secrets;
pub mod serve;
