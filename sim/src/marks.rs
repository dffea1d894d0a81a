//! Marks: what a run has reached. Each rule branch, event, code and fault that can be seen from outside has a name; a law counts
//! how often it compared something, since an empty law finds nothing and looks fine. `swarm` prints in how many seeds each was
//! hit, and fails if one that is *usual* was hit in none.

use std::collections::BTreeMap;

/// How often a mark should be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    /// In some of a few dozen seeds, or the simulator has gone blind.
    Usual,
    /// In some of thousands.
    Rare,
}

/// Places of the table: several times as many as there are marks.
const PLACES: usize = 1_024;

/// How often each mark was hit. Hundreds are hit at every step, so a mark is found by where its name stands in the program; what
/// is read out is by name.
#[derive(Clone, Debug)]
pub struct Marks {
    places: Vec<Option<(&'static str, u64)>>,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks { places: vec![None; PLACES] }
    }
}

impl PartialEq for Marks {
    fn eq(&self, other: &Marks) -> bool {
        self.by_name() == other.by_name()
    }
}

impl Eq for Marks {}

/// Counts a mark: `hit!(marks, "call started")`.
#[macro_export]
macro_rules! hit {
    ($marks:expr, $name:expr) => {
        $marks.hit($name, 1)
    };
}

impl Marks {
    /// Counts it.
    pub fn hit(&mut self, name: &'static str, times: u64) {
        let mut at = (name.as_ptr() as usize).wrapping_mul(0x9e37_79b1) >> 4;
        for _ in 0..PLACES {
            let place = &mut self.places[at % PLACES];
            match place {
                Some((known, count)) if std::ptr::eq(*known, name) => {
                    *count += times;
                    return;
                }
                Some(_) => at += 1,
                None => {
                    *place = Some((name, times));
                    return;
                }
            }
        }
        unreachable!("fewer marks than places");
    }

    /// How often it was hit.
    pub fn count(&self, name: &str) -> u64 {
        self.places.iter().flatten().filter(|(known, _)| *known == name).map(|(_, count)| count).sum()
    }

    /// All that were hit, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.by_name().into_iter()
    }

    /// One name may stand at several places of the program.
    fn by_name(&self) -> BTreeMap<&'static str, u64> {
        let mut names = BTreeMap::new();
        for (name, count) in self.places.iter().flatten().filter(|(_, count)| *count > 0) {
            *names.entry(*name).or_default() += *count;
        }
        names
    }

    /// Expected marks that were not hit.
    pub fn missing(&self, often: Often) -> Vec<&'static str> {
        EXPECTED.iter().filter(|(name, expected)| *expected == often && self.count(name) == 0).map(|(name, _)| *name).collect()
    }
}

use Often::{Rare, Usual};

/// What a swarm must reach. Codes, events and answers are named as on the wire.
pub const EXPECTED: &[(&str, Often)] = &[
    // Laws: each counts its comparisons.
    ("law: one call a user", Usual),
    ("law: relay only in a call", Usual),
    ("law: no ring inside a cooldown", Usual),
    ("law: no call inside a cooldown", Usual),
    ("law: no ring inside a call", Usual),
    ("law: only the callee is in the call", Usual),
    ("law: nobody shown without a link", Usual),
    ("law: windows hold whom they may", Usual),
    ("law: a reel repeats nobody", Usual),
    ("law: windows forget", Usual),
    ("law: client and server see one window", Usual),
    ("law: released is durable", Usual),
    ("law: told is durable", Usual),
    ("law: seq without gap", Usual),
    ("law: one answer a number", Usual),
    ("law: the same number, the same answer", Usual),
    ("law: bounds hold", Usual),
    ("law: durable digest", Usual),
    ("law: totals are the sum", Usual),
    ("law: rings end in time", Usual),
    ("law: calls end in time", Usual),
    ("law: progress", Usual),
    ("law: lazy and punctual agree", Usual),
    ("law: only life keeps a link", Usual),
    ("law: only the owner commits", Usual),
    ("law: a lost call cools", Usual),
    ("law: failed loads are asked again", Usual),
    ("law: lost links are decided", Usual),
    ("law: one outcome a question", Usual),
    ("law: nobody is closed by a fault", Usual),
    ("law: commands are answered", Usual),
    ("law: quiet at the end", Usual),
    // What people do and what comes of it.
    ("call completed", Usual),
    ("call crossed", Usual),
    ("call extended", Usual),
    ("call survived a restart", Usual),
    ("call lasted to its deadline", Usual),
    ("paired", Usual),
    ("resume: recovered", Usual),
    ("resume: not recovered", Usual),
    ("resume: after a restart", Usual),
    ("hostile: another's token", Usual),
    ("hostile: junk", Usual),
    ("hostile: not theirs", Usual),
    ("hostile: second hello", Usual),
    ("command said again", Usual),
    ("an hour passed", Usual),
    // Weather.
    ("weather: clog", Usual),
    ("weather: partition", Usual),
    ("weather: mass reconnect", Usual),
    ("weather: half-open", Usual),
    ("weather: slow reader", Usual),
    ("weather: stall", Usual),
    ("weather: clock jumps", Usual),
    ("weather: crash", Usual),
    ("weather: crash with facts on their way", Usual),
    ("weather: drain", Usual),
    ("weather: two owners", Usual),
    ("an owner was fenced", Usual),
    ("store: failing", Usual),
    ("store: slow", Usual),
    ("store: answer lost, written", Usual),
    ("store: answer lost, not written", Usual),
    ("store: answer doubled", Usual),
    ("store: written after a time-out", Usual),
    ("store: load failed", Usual),
    // Events.
    ("event call_ended", Usual),
    ("event call_extended", Usual),
    ("event call_moved", Usual),
    ("event call_started", Usual),
    ("event candidates", Usual),
    ("event chat", Usual),
    ("event description", Usual),
    ("event extend_asked", Usual),
    ("event invite_ended", Usual),
    ("event invite_extended", Usual),
    ("event left", Usual),
    ("event notified", Rare),
    ("event pair_ended", Usual),
    ("event paired", Usual),
    ("event peer_link", Usual),
    ("event rang", Usual),
    ("event renegotiate", Usual),
    ("event shared", Usual),
    ("view presence", Rare),
    ("view window", Usual),
    ("view window_delta", Usual),
    // Refusals.
    ("no answered", Usual),
    ("no bad_message", Usual),
    ("no busy", Usual),
    ("no cooldown", Usual),
    ("no expired", Usual),
    ("no invalid_duration", Usual),
    ("no invalid_target", Usual),
    ("no no_access", Rare),
    ("no not_in_lobby", Usual),
    ("no not_member", Usual),
    ("no not_yours", Usual),
    ("no offline", Usual),
    ("no rate_limited", Usual),
    ("no too_large", Rare),
    ("no too_many_invites", Usual),
    ("no unavailable", Usual),
    ("no unknown_call", Usual),
    ("no unknown_code", Rare),
    ("no unknown_invite", Usual),
    ("no unknown_user", Rare),
    // Why something ended.
    ("why accepted", Usual),
    ("why answered_elsewhere", Usual),
    ("why away", Usual),
    ("why banned", Rare),
    ("why blocked", Usual),
    ("why busy", Usual),
    ("why callee_lost", Usual),
    ("why caller_lost", Usual),
    ("why deadline", Usual),
    ("why declined", Usual),
    ("why expired", Usual),
    ("why hang_up", Usual),
    ("why operator", Rare),
    ("why peer_lost", Usual),
    ("why refused", Usual),
    ("why rescinded", Usual),
    ("why shutdown", Rare),
    ("why timeout", Usual),
    // Why a connection was closed.
    ("closing at_capacity", Usual),
    ("closing bad_message", Usual),
    ("closing bad_token", Usual),
    ("closing banned", Rare),
    ("closing expired_token", Rare),
    ("closing going_away", Usual),
    ("closing internal", Rare),
    ("closing no_hello", Usual),
    ("closing signed_in_elsewhere", Usual),
    ("closing slow_consumer", Usual),
    ("closing superseded", Usual),
    ("closing timeout", Usual),
    ("closing unsupported", Usual),
];

/// The mark of a refusal.
pub fn refusal(code: &'static str) -> &'static str {
    named("no ", code)
}

/// The mark of an end.
pub fn ended(code: &'static str) -> &'static str {
    named("why ", code)
}

/// The mark of a closing.
pub fn closing(code: &'static str) -> &'static str {
    named("closing ", code)
}

fn named(prefix: &str, code: &'static str) -> &'static str {
    EXPECTED.iter().map(|(name, _)| *name).find(|name| name.strip_prefix(prefix) == Some(code)).unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_core::wire::{Closing, Why};

    #[test]
    fn every_end_and_closing_of_the_protocol_has_a_mark() {
        for why in Why::ALL {
            assert!(ended(why.code()).starts_with("why "), "{}", why.code());
        }
        for code in Closing::ALL {
            assert!(closing(code.code()).starts_with("closing "), "{}", code.code());
        }
    }

    #[test]
    fn no_mark_is_listed_twice() {
        let mut names: Vec<_> = EXPECTED.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.windows(2).for_each(|two| assert_ne!(two[0], two[1]));
    }
}
