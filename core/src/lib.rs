//! The rules of Duologue as deterministic state machines: no socket, no clock, no thread, no randomness.
#![no_std]

extern crate alloc;

mod check;
pub mod commit;
mod desk;
mod due;
pub mod engine;
mod flows;
pub mod input;
pub mod kit;
pub mod limits;
pub mod output;
mod parts;
pub mod row;
pub mod rules;
pub mod wire;
