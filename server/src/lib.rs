//! The duologue server.

pub mod config;
