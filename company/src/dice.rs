//! What is drawn: spans and choices, in a row, from the seed.

use duologue_core::kit::random::{Purpose, Seed, Stream};
use duologue_core::kit::time::Span;

#[derive(Clone, Debug)]
pub(crate) struct Dice(Stream);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(Seed([seed, 0, 0, 0]).stream(Purpose::Jitter, 0, 0))
    }

    /// Evenly between the two, both included.
    pub(crate) fn span(&mut self, least: Span, most: Span) -> Span {
        let width = u32::try_from(most.0.saturating_sub(least.0)).unwrap_or(u32::MAX - 1);
        Span(least.0 + u64::from(self.0.below(width + 1)))
    }

    /// Half of it to one and a half times as long, and never nothing.
    pub(crate) fn about(&mut self, span: Span) -> Span {
        self.span(Span(span.0 / 2), Span(span.0.saturating_mul(3) / 2)).max(Span(1))
    }

    /// One of so many.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        self.0.below(u32::try_from(count).expect("few")) as usize
    }

    /// One of these.
    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }
}
