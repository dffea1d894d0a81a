//! The rules of Duologue as deterministic state machines: no socket, no clock, no thread, no randomness.
#![no_std]

extern crate alloc;

pub mod commit;
pub mod engine;
pub mod input;
pub mod kit;
pub mod limits;
pub mod output;
pub mod row;
pub mod rules;
pub mod wire;
