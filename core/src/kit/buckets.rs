//! Token buckets in integers, on the caller's clock.

use crate::kit::time::{Millis, Span};

/// How often something may happen: `count` each `span`, `burst` at once. A `count` of 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    span: Span,
    burst: u32,
}

/// One bucket: when it will be full again. A bucket that is full needs no memory at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at_us: u64,
}

impl Rate {
    /// No limit.
    pub const OFF: Rate = Rate { count: 0, span: Span(1), burst: 0 };

    /// `count` each `span`, `burst` at once.
    pub const fn per(count: u32, span: Span, burst: u32) -> Rate {
        Rate { count, span, burst }
    }

    /// Whether this never refuses.
    pub const fn is_off(&self) -> bool {
        self.count == 0
    }

    fn piece_us(&self) -> u64 {
        (self.span.0 * 1_000 / u64::from(self.count.max(1))).max(1)
    }
}

impl Bucket {
    /// Takes one piece.
    ///
    /// # Errors
    /// How long to wait for the next piece; nothing was taken.
    pub fn take(&mut self, rate: &Rate, now: Millis) -> Result<(), Span> {
        self.take_many(rate, 1, now)
    }

    /// Takes so many pieces at once; more than a burst where it is full.
    ///
    /// # Errors
    /// How long to wait for so many; nothing was taken.
    pub fn take_many(&mut self, rate: &Rate, pieces: u32, now: Millis) -> Result<(), Span> {
        if rate.is_off() {
            return Ok(());
        }
        let now_us = now.0.saturating_mul(1_000);
        let debt_us = self.full_at_us.saturating_sub(now_us) + rate.piece_us() * u64::from(pieces);
        let most_us = rate.piece_us() * u64::from(rate.burst.max(pieces).max(1));
        if debt_us > most_us {
            return Err(Span((debt_us - most_us).div_ceil(1_000).max(1)));
        }
        self.full_at_us = now_us + debt_us;
        Ok(())
    }

    /// Whether it would allow a whole burst: then it need not be kept.
    pub fn is_full(&self, now: Millis) -> bool {
        self.full_at_us <= now.0.saturating_mul(1_000)
    }

    /// When it will be full, in microseconds since 1970, for digests.
    pub fn full_at_us(&self) -> u64 {
        self.full_at_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_steady_rate() {
        let rate = Rate::per(6, Span::mins(1), 6);
        let mut bucket = Bucket::default();
        let start = Millis(1_000_000);
        for _ in 0..6 {
            assert_eq!(bucket.take(&rate, start), Ok(()));
        }
        assert_eq!(bucket.take(&rate, start), Err(Span::secs(10)));
        assert_eq!(bucket.take(&rate, start + Span::secs(10)), Ok(()));
        assert!(!bucket.is_full(start + Span::secs(69)));
        assert!(bucket.is_full(start + Span::secs(70)));
    }

    #[test]
    fn many_at_once_wait_until_there_are_so_many() {
        let rate = Rate::per(60, Span::mins(1), 200);
        let (mut bucket, start) = (Bucket::default(), Millis(1_000_000));
        assert_eq!(bucket.take_many(&rate, 150, start), Ok(()));
        assert_eq!(bucket.take_many(&rate, 51, start), Err(Span::secs(1)));
        assert_eq!(bucket.take_many(&rate, 50, start), Ok(()));
        let full = start + Span::secs(200);
        assert_eq!(bucket.take_many(&rate, 201, full), Ok(()), "more than a burst needs a full one");
        assert_eq!(bucket.take_many(&rate, 0, full + Span::secs(1)), Ok(()));
    }
}
