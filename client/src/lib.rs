//! A client of Duologue, as an engine without sockets and drivers around it.
//!
//! [`Engine`] keeps what a client of timed one-to-one calls must keep: its connection (hello, resume, backoff, liveness), its
//! commands (numbered, sent again until they are answered, each with one effect), what it wants whoever serves it (lobby, window,
//! ticket, seat: declared again when a server has forgotten), the window as its user sees it, its call with the server's clock.
//! Real programs and the simulated people of `sim` run this same engine, so it reads no clock and no randomness: instants come in
//! with inputs, the seed with the configuration, and the same inputs give the same outputs.
//!
//! The driver's part is small: open a socket on `Connect`, write what is to be sent, report what arrives, call at `poll_timeout`.
//!
//! ```
//! use duologue_client::{Config, Engine, Input, Output};
//! use duologue_core::kit::ids::ClientId;
//! use duologue_core::kit::time::Millis;
//!
//! let mut engine = Engine::new(Config::new("a session's token", ClientId(0x5eed), 1));
//! engine.handle_input(Millis(0), Input::Open);
//! assert_eq!(engine.poll_output(), Some(Output::Connect { link: 1 }));
//! engine.handle_input(Millis(20), Input::Connected { link: 1 });
//! let Some(Output::Send { bytes, .. }) = engine.poll_output() else { panic!("says hello") };
//! assert!(bytes.starts_with(br#"{"t":"hello","token":"a session's token","client":"#));
//! ```
//!
//! With the features `ws` and `quic` there is `Client`, which does all that on Tokio, over a WebSocket or QUIC.
#![no_std]

extern crate alloc;
#[cfg(any(feature = "http", feature = "quic"))]
extern crate std;

mod call;
mod clock;
mod codec;
mod commands;
mod config;
#[cfg(any(feature = "quic", feature = "ws"))]
mod driver;
mod engine;
mod intents;
mod line;
mod media;
#[cfg(all(feature = "tls", any(feature = "http", feature = "ws")))]
mod roots;
mod seam;
mod seen;
#[cfg(feature = "http")]
mod server;
mod tongue;
mod window;

pub use call::Call;
pub use codec::Form;
pub use config::Config;
#[cfg(any(feature = "quic", feature = "ws"))]
pub use driver::{Client, ConnectError, Handle};
pub use duologue_core::kit::{ids, time};
pub use duologue_core::wire;
pub use duologue_signaling::compact::VERSION as COMPACT;
pub use duologue_signaling::{NegotiationInput, NegotiationOutput};
pub use engine::Engine;
pub use intents::Intent;
#[cfg(all(feature = "tls", any(feature = "http", feature = "ws")))]
pub use roots::{Roots, RootsError};
pub use seam::{Answered, End, Event, Failed, Input, Output, WindowChange};
#[cfg(feature = "http")]
pub use server::{Guest, HttpError, Server};
pub use window::Window;
