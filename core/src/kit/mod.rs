//! Tools without domain words: time, ids, timers, tables, randomness, digests, text, buckets.

pub mod arena;
pub mod bag;
pub mod buckets;
pub mod digest;
pub mod ids;
pub mod random;
pub mod slots;
pub mod table;
pub mod text;
pub mod time;
pub mod timers;
pub mod warm;
