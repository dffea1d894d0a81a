//! Company for whoever is alone in a lobby: made-up people who come, are seen, ring, accept, chat, hang up and go.
//!
//! [`Company`] decides what they do and when, and nothing else. It hears what each one's client engine says, and gives out what
//! each one wants: to come, to say a command, to go. It knows no socket, clock or generator: instants come in with inputs, the seed
//! with the configuration, and the same inputs give the same outputs. Whoever drives it gives each of them a session and a
//! [`duologue_client::Engine`], so that for the server they are guests like others.
//!
//! They keep three promises. They are honest: [`TAG`] stands on their cards, and in a call their first line says so. They are no
//! nuisance: of all of them one rings at a time, after a pause, and whoever does not want to talk is left alone for long. And they
//! are bounded: who they are stands in a roster of fixed length.
//!
//! ```
//! use duologue_company::{Company, Config, Output};
//! use duologue_core::kit::time::{Millis, Span};
//!
//! let mut company = Company::new(Config { people: 3, pause: Span::secs(45), seconds: (60, 1_800), genders: Vec::new(), seed: 1 }, Millis(0));
//! company.handle_timeout(Millis(3_000));
//! let coming = core::iter::from_fn(|| company.poll_output()).filter(|output| matches!(output, Output::Come { .. }));
//! assert_eq!(coming.count(), 3);
//! ```
#![no_std]

extern crate alloc;

mod company;
mod dice;
mod person;
mod seam;
mod talk;
mod words;

pub use company::Company;
pub use seam::{Config, Input, Member, Output};
pub use words::TAG;
