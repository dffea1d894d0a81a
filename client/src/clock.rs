//! The server's clock as seen from here: an offset to the caller's clock, from questions with a known round trip (the hello and its
//! welcome, a ping and its pong). The shortest round trip is believed, until it is old, for clocks drift, or until a newer one proves
//! it wrong: a machine that slept has another offset than before. An instant that the server has said is never still to come.

use duologue_core::kit::time::{Millis, Span};

/// A measurement older than this gives way to any newer one.
const BELIEVED_FOR: Span = Span::mins(10);

#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    best: Option<Measured>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    ahead_ms: i64,
    round_trip: Span,
    at: Millis,
}

impl Clock {
    /// The server read its clock somewhere between `asked` and `now`; the middle is the best guess.
    pub(crate) fn measured(&mut self, asked: Millis, now: Millis, server: Millis) {
        let round_trip = now.since(asked);
        let possible = difference(server, now)..=difference(server, asked);
        let believed = self
            .best
            .is_some_and(|best| best.round_trip < round_trip && now.since(best.at) < BELIEVED_FOR && possible.contains(&best.ahead_ms));
        if !believed {
            let ahead_ms = difference(server + Span(round_trip.0 / 2), now);
            self.best = Some(Measured { ahead_ms, round_trip, at: now });
        }
        self.said(now, server);
    }

    /// The server said an instant of its own, at some time before.
    pub(crate) fn said(&mut self, now: Millis, server: Millis) {
        let Some(best) = &mut self.best else { return };
        best.ahead_ms = best.ahead_ms.max(difference(server, now));
    }

    /// What the server's clock shows.
    pub(crate) fn server_time(&self, now: Millis) -> Option<Millis> {
        self.best.map(|best| Millis(now.0.saturating_add_signed(best.ahead_ms)))
    }
}

fn difference(later: Millis, earlier: Millis) -> i64 {
    i64::try_from(i128::from(later.0) - i128::from(earlier.0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_is_believed_and_a_said_instant_is_past() {
        let mut clock = Clock::default();
        assert_eq!(clock.server_time(Millis(5)), None);
        clock.measured(Millis(1_000), Millis(1_100), Millis(50_050));
        assert_eq!(clock.server_time(Millis(1_100)), Some(Millis(50_100)));
        clock.measured(Millis(2_000), Millis(4_000), Millis(52_900));
        assert_eq!(clock.server_time(Millis(4_000)), Some(Millis(53_000)));
        clock.said(Millis(5_000), Millis(54_200));
        assert_eq!(clock.server_time(Millis(5_000)), Some(Millis(54_200)));
        clock.measured(Millis(700_000), Millis(701_000), Millis(800_000));
        assert_eq!(clock.server_time(Millis(701_000)), Some(Millis(800_500)));
    }
}
