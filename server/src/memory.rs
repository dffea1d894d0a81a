//! How much memory the process has, against its budget (MEM 1): OK below 78 %, WARNING from there, CRITICAL from 88 %.

use duologue_core::input::Level;
use std::fs;

/// As health says it.
pub fn name(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::Ok => "ok",
        Level::Warning => "warning",
    }
}

/// The process's memory.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    budget: u64,
    page: u64,
}

impl Memory {
    /// With a budget in bytes.
    pub fn new(budget: u64) -> Memory {
        Memory { budget, page: rustix::param::page_size() as u64 }
    }

    /// In bytes.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Resident bytes now, and what that means. Read from `statm`, which costs microseconds.
    pub fn level(&self) -> (u64, Level) {
        let used = resident_pages().unwrap_or(0) * self.page;
        (used, judge(used, self.budget))
    }
}

fn resident_pages() -> Option<u64> {
    fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}

fn judge(used: u64, budget: u64) -> Level {
    let percent = used.saturating_mul(100) / budget.max(1);
    match percent {
        0..78 => Level::Ok,
        78..88 => Level::Warning,
        _ => Level::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_are_those_of_the_rules() {
        let mb = 1 << 20;
        assert_eq!(
            [399, 400, 450, 451, 512, 9_999].map(|used| judge(used * mb, 512 * mb)),
            [Level::Ok, Level::Warning, Level::Warning, Level::Critical, Level::Critical, Level::Critical]
        );
        assert!(Memory::new(512 << 20).level().0 > 0);
    }
}
