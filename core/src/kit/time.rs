//! Realm time: milliseconds since 1970 that never go back, and spans of it. The core reads no clock; instants come in with inputs.

use core::ops::{Add, Sub};
use serde::{Deserialize, Serialize};

/// An instant of realm time: milliseconds since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub u64);

impl Millis {
    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Millis) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// So many milliseconds.
    pub const fn millis(n: u64) -> Span {
        Span(n)
    }
    /// `n` seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * 1_000)
    }
    /// `n` minutes.
    pub const fn mins(n: u64) -> Span {
        Span(n * 60_000)
    }
    /// `n` hours.
    pub const fn hours(n: u64) -> Span {
        Span(n * 3_600_000)
    }
    /// `n` days.
    pub const fn days(n: u64) -> Span {
        Span(n * 86_400_000)
    }
    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add<Span> for Millis {
    type Output = Millis;
    fn add(self, span: Span) -> Millis {
        Millis(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Millis {
    type Output = Millis;
    fn sub(self, span: Span) -> Millis {
        Millis(self.0.saturating_sub(span.0))
    }
}
