//! The clock of a server: realm time, which never goes back. True time is the simulator's own, in milliseconds from the begin
//! of the run; a server's clock may drift, be read in coarse steps, and jump forward (a machine that slept). It answers both
//! ways: what it shows, and when it will show something.

use crate::plan::ClockPlan;
use duologue_core::kit::time::Millis;

/// Realm time at the begin of every run: 2026-01-01T00:00Z, and a bit.
pub const BEGIN: u64 = 1_767_225_600_123;

/// One server's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    plan: ClockPlan,
    ahead_ms: u64,
}

impl Clock {
    /// A clock that shows the true time at first.
    pub fn new(plan: ClockPlan, ahead_ms: u64) -> Clock {
        Clock { plan, ahead_ms }
    }

    /// What it shows.
    pub fn read(&self, true_ms: u64) -> Millis {
        let gained = i128::from(true_ms) * i128::from(self.plan.drift_ppm) / 1_000_000;
        let shown = (i128::from(true_ms) + gained).max(0) as u64;
        Millis(BEGIN + self.ahead_ms + shown - shown % self.plan.step_ms.max(1))
    }

    /// The first true instant, not before `from`, at which it shows at least `at`.
    pub fn when(&self, at: Millis, from: u64) -> u64 {
        let Some(wanted) = at.0.checked_sub(BEGIN + self.ahead_ms) else { return from };
        let wanted = wanted.div_ceil(self.plan.step_ms.max(1)) * self.plan.step_ms.max(1);
        let guess = i128::from(wanted) * 1_000_000 / i128::from(1_000_000 + self.plan.drift_ppm);
        let mut true_ms = (guess.max(0) as u64).saturating_sub(1).max(from);
        while self.read(true_ms) < at {
            true_ms += 1;
        }
        true_ms
    }

    /// The machine slept.
    pub fn jump(&mut self, by_ms: u64) {
        self.ahead_ms += by_ms;
    }

    /// How far it has jumped, for the next start of the same machine.
    pub fn ahead_ms(&self) -> u64 {
        self.ahead_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_says_when_it_will_show_what() {
        for drift_ppm in [0, 200, -200, 50_000] {
            for step_ms in [1, 16] {
                let mut clock = Clock::new(ClockPlan { drift_ppm, step_ms }, 0);
                clock.jump(90_000);
                for true_ms in (0..5_000).chain(40_000_000..40_000_200) {
                    let shown = clock.read(true_ms);
                    assert!(clock.read(true_ms + 1) >= shown);
                    let when = clock.when(shown, 0);
                    assert!(when <= true_ms && clock.read(when) >= shown, "{when} {true_ms}");
                    assert!(when == 0 || clock.read(when - 1) < shown, "{when} is the first");
                }
            }
        }
    }
}
