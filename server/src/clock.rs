//! Realm time: the wall clock once, at start, then only CLOCK_BOOTTIME, which goes on while the machine sleeps and never steps.
//! One bad wall clock would be believed for ever, since deadlines are realm time in memory and in rows: so it is judged against
//! the last commit before anything starts. The only file of the server that reads a clock.

use duologue_core::kit::time::{Millis, Span};
use rustix::time::{ClockId, clock_gettime};

/// How far behind the last commit a wall clock may be: a clock that was set right.
const BEHIND_MOST: Span = Span::hours(1);
/// How far ahead of it: a server that was switched off for as long.
const AHEAD_MOST: Span = Span::days(30);

/// Why the wall clock is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock says {}, the last commit was at {}: {}", date(.wall), date(.last), .what)]
pub struct Unbelievable {
    wall: Millis,
    last: Millis,
    what: &'static str,
}

/// The realm's time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Realm time at boot: what CLOCK_BOOTTIME is added to.
    boot: Millis,
}

impl Clock {
    /// Starts from the wall clock, never below the time of the last commit.
    ///
    /// # Errors
    /// `Unbelievable` – more than an hour behind the last commit or thirty days ahead of it, unless `accept`.
    pub fn start(last: Millis, accept: bool) -> Result<Clock, Unbelievable> {
        let wall = wall();
        if !accept {
            judge(wall, last)?;
        }
        Ok(Clock { boot: wall.max(last) - boottime() })
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.boot + boottime()
    }
}

/// A new realm has no last commit, and believes what it is told.
fn judge(wall: Millis, last: Millis) -> Result<(), Unbelievable> {
    let what = if last == Millis::default() {
        return Ok(());
    } else if wall + BEHIND_MOST < last {
        "more than an hour behind"
    } else if wall > last + AHEAD_MOST {
        "more than 30 days ahead"
    } else {
        return Ok(());
    };
    Err(Unbelievable { wall, last, what })
}

/// How long ago this machine started, or any other point that stays; for spans.
pub fn boottime() -> Span {
    let time = clock_gettime(ClockId::Boottime);
    Span(u64::try_from(time.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
}

/// The wall clock, for what others judge by theirs.
pub fn wall() -> Millis {
    let time = clock_gettime(ClockId::Realtime);
    Millis(u64::try_from(time.tv_sec).unwrap_or(0) * 1_000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000)
}

/// `2026-02-28 23:59:59 UTC`, by the civil calendar.
fn date(at: &Millis) -> String {
    let (days, seconds) = (at.0 / 86_400_000, at.0 / 1_000 % 86_400);
    // Years begin in March, so that the day that comes every four years is the last of one.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_far_from_the_last_commit_is_not_believed() {
        let last = Millis(1_800_000_000_000);
        assert!(judge(last - Span::mins(59), last).is_ok() && judge(last + Span::days(29), last).is_ok());
        assert!(judge(Millis(1), Millis::default()).is_ok(), "a new realm");
        let behind = judge(last - Span::hours(2), last).expect_err("an hour behind");
        assert_eq!(
            behind.to_string(),
            "the clock says 2027-01-15 06:00:00 UTC, the last commit was at 2027-01-15 08:00:00 UTC: more than an hour behind"
        );
        assert!(judge(last + Span::days(31), last).is_err());
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (at, text) in
            [(0, "1970-01-01 00:00:00 UTC"), (951_782_400_000, "2000-02-29 00:00:00 UTC"), (1_767_225_599_000, "2025-12-31 23:59:59 UTC")]
        {
            assert_eq!(date(&Millis(at)), text);
        }
    }

    #[test]
    fn realm_time_is_never_below_the_last_commit() {
        let future = wall() + Span::mins(30);
        let clock = Clock::start(future, false).expect("half an hour is believed");
        assert!(clock.now() >= future);
    }
}
