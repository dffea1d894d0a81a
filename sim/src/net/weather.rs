//! Lasting, correlated trouble. Independent losses average to calm weather and never make a partition; so trouble here has a
//! kind, a place and a length, and takes several people at once.

use super::{GROUPS, Net};
use crate::choices::Dice;

/// A trouble that begins now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Clog {
        conn: u64,
        until: u64,
        up: bool,
        down: bool,
    },
    ClockJump {
        by_ms: u64,
    },
    /// `in_a_write`: as soon as rows are on their way.
    Crash {
        down_ms: u64,
        in_a_write: bool,
    },
    Drain {
        down_ms: u64,
    },
    HalfOpen {
        conn: u64,
        notices_ms: u64,
    },
    MassReconnect {
        group: Option<u32>,
        clean: bool,
    },
    Nothing,
    Partition {
        group: u32,
        until: u64,
    },
    SlowReader {
        conn: u64,
        bytes_per_second: u64,
    },
    Stall {
        ms: u64,
    },
    StoreFails {
        until: u64,
    },
    StoreSlow {
        until: u64,
        ms: u64,
    },
    TwoOwners {
        old_lives_ms: u64,
    },
}

/// Draws what a kind of trouble means here and now.
pub(crate) fn draw(kind: &str, dice: &mut Dice, net: &Net, now: u64) -> Trouble {
    let conn = {
        let open: Vec<u64> = net.open_ones().map(|(id, _)| id).collect();
        dice.pick(&open).copied()
    };
    match (kind, conn) {
        ("clog", Some(conn)) => {
            let direction = dice.upto(2);
            Trouble::Clog { conn, until: now + dice.span(200, 60_000), up: direction != 0, down: direction != 1 }
        }
        ("clock_jump", _) => Trouble::ClockJump { by_ms: dice.span(100, 7_200_000) },
        ("crash", _) => Trouble::Crash { down_ms: dice.span(1, 30_000), in_a_write: dice.percent(50) },
        ("drain", _) => Trouble::Drain { down_ms: dice.span(1, 10_000) },
        ("half_open", Some(conn)) => Trouble::HalfOpen { conn, notices_ms: dice.span(100, 120_000) },
        ("mass_reconnect", _) => {
            let group = dice.percent(50).then(|| dice.upto(u64::from(GROUPS) - 1) as u32);
            Trouble::MassReconnect { group, clean: dice.percent(15) }
        }
        ("partition", _) => Trouble::Partition { group: dice.upto(u64::from(GROUPS) - 1) as u32, until: now + dice.span(500, 90_000) },
        ("slow_reader", Some(conn)) => Trouble::SlowReader { conn, bytes_per_second: dice.span(10, 5_000) },
        ("stall", _) => Trouble::Stall { ms: dice.span(20, 15_000) },
        ("store_fails", _) => Trouble::StoreFails { until: now + dice.span(100, 40_000) },
        ("store_slow", _) => Trouble::StoreSlow { until: now + dice.span(100, 40_000), ms: dice.span(50, 8_000) },
        ("two_owners", _) => Trouble::TwoOwners { old_lives_ms: dice.span(10, 30_000) },
        _ => Trouble::Nothing,
    }
}
