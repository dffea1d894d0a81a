//! Which kinds of acts and weather there are in a run, and how heavy each is. Uniform mixes hide faults, because operations undo
//! each other; so weights are drawn, and each kind is off in about a quarter of the runs; joining and ringing in fewer,
//! as without them there is little to undo.

use crate::choices::Dice;
use std::fmt;

/// What people do by themselves, with its weight in steady use.
pub const ACTS: &[(&str, u32)] = &[
    ("join", 30),
    ("leave", 6),
    ("window", 14),
    ("window_close", 1),
    ("reel", 3),
    ("pair", 6),
    ("unpair", 1),
    ("invite", 30),
    ("rescind", 2),
    ("extend_invite", 2),
    ("chat", 10),
    ("share", 1),
    ("extend_call", 2),
    ("hang_up", 8),
    ("ice_servers", 2),
    ("renegotiate", 1),
    ("rejoin", 1),
    ("signal", 10),
    ("report", 1),
    ("block", 1),
    ("unblock", 1),
    ("explain", 1),
    ("profile", 1),
    ("others", 3),
    ("said_again", 2),
    ("drop", 3),
    ("close", 1),
    ("reload", 1),
    ("second_device", 1),
    ("exclusive", 0),
    ("night", 1),
    ("http", 2),
];

/// What nobody does, with its weight in steady use.
pub const WEATHER: &[(&str, u32)] = &[
    ("clog", 8),
    ("partition", 2),
    ("mass_reconnect", 1),
    ("half_open", 8),
    ("slow_reader", 8),
    ("stall", 2),
    ("clock_jump", 0),
    ("crash", 0),
    ("drain", 0),
    ("two_owners", 0),
    ("store_fails", 1),
    ("store_slow", 1),
];

/// The weights of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarm {
    acts: Vec<u32>,
    weather: Vec<u32>,
    /// The mean pause between two troubles, in milliseconds; none: there are none.
    pub weather_pause_ms: Option<u64>,
}

impl Swarm {
    /// Steady use with now and then some trouble.
    pub fn steady() -> Swarm {
        let weights = |table: &[(&str, u32)]| table.iter().map(|(_, weight)| *weight).collect();
        Swarm { acts: weights(ACTS), weather: weights(WEATHER), weather_pause_ms: Some(60_000) }
    }

    /// Drawn from a seed. A run in six has no trouble at all, so that much gets done.
    pub fn drawn(seed: u64) -> Swarm {
        let draw = |purpose: &str, table: &[(&str, u32)]| {
            let weights = table.iter().enumerate().map(|(index, (name, weight))| {
                let mut dice = Dice::of(seed, purpose, index as u64, 0);
                let is_off = dice.percent(if matches!(*name, "join" | "invite") { 8 } else { 25 });
                if is_off { 0 } else { (*weight).max(2) * dice.between(1, 6) as u32 }
            });
            weights.collect()
        };
        let mut dice = Dice::of(seed, "swarm", 0, 0);
        let calm = dice.upto(5) == 0;
        Swarm { acts: draw("act", ACTS), weather: draw("weather", WEATHER), weather_pause_ms: (!calm).then(|| dice.span(2_000, 120_000)) }
    }

    /// What somebody does next.
    pub fn act(&self, dice: &mut Dice) -> &'static str {
        dice.weighted(&self.acts).map_or("nothing", |index| ACTS[index].0)
    }

    /// What happens next.
    pub fn trouble(&self, dice: &mut Dice) -> &'static str {
        dice.weighted(&self.weather).map_or("nothing", |index| WEATHER[index].0)
    }

    /// Switches a kind off.
    ///
    /// # Errors
    /// There is no such kind; names those that there are.
    pub fn switch_off(&mut self, kind: &str) -> Result<(), String> {
        if let Some(index) = ACTS.iter().position(|(name, _)| *name == kind) {
            self.acts[index] = 0;
        } else if let Some(index) = WEATHER.iter().position(|(name, _)| *name == kind) {
            self.weather[index] = 0;
        } else {
            let names: Vec<&str> = Swarm::kinds().collect();
            return Err(format!("there is no {kind:?}; there are: {}", names.join(", ")));
        }
        Ok(())
    }

    /// How heavy a kind is.
    pub fn weight_of(&self, kind: &str) -> u32 {
        self.weights().find(|(name, _)| *name == kind).map_or(0, |(_, weight)| weight)
    }

    /// Those that are off.
    pub fn off(&self) -> impl Iterator<Item = &'static str> {
        self.weights().filter(|(_, weight)| *weight == 0).map(|(name, _)| name)
    }

    /// Every kind there is.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        ACTS.iter().chain(WEATHER).map(|(name, _)| *name)
    }

    fn weights(&self) -> impl Iterator<Item = (&'static str, u32)> {
        ACTS.iter().chain(WEATHER).map(|(name, _)| *name).zip(self.acts.iter().chain(&self.weather).copied())
    }
}

impl fmt::Display for Swarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off: Vec<&str> = self.off().collect();
        match self.weather_pause_ms {
            None => write!(f, "fair weather")?,
            Some(pause) => write!(f, "trouble every {pause} ms")?,
        }
        write!(f, "; off: {}", if off.is_empty() { "nothing".into() } else { off.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_off_in_about_a_quarter_of_the_runs() {
        for kind in Swarm::kinds().filter(|kind| !matches!(*kind, "join" | "invite")) {
            let off = (0..400).filter(|seed| Swarm::drawn(*seed).weight_of(kind) == 0).count();
            assert!((60..140).contains(&off), "{kind} is off in {off} of 400");
        }
    }

    #[test]
    fn a_kind_that_does_not_exist_is_named() {
        let error = Swarm::steady().switch_off("dance").expect_err("nobody dances");
        assert!(error.contains("\"dance\"") && error.contains("mass_reconnect"), "{error}");
    }
}
