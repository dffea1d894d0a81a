//! What benchmarks have in common.

pub mod signals;
