//! Everything that a run depends on, drawn from its seed before it begins, and printed in full when it fails. Limits and spans
//! are drawn too (a replay buffer of three, grace longer than the ring): that is where the corners are, without test code in the
//! core. What is drawn for one thing does not depend on what is drawn for another, so that fewer people or a kind switched off
//! leaves everything else as it was.

use crate::choices::{Dice, Op};
use crate::swarm::Swarm;
use duologue_core::commit;
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::time::Span;
use duologue_core::limits::Limits;
use duologue_core::rules::{Rules, WhenFull};
use duologue_gateway::RelayLimits;
use std::collections::BTreeSet;
use std::fmt;

/// When the driver of a server takes its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// At every deadline and at every message, to the millisecond.
    Punctual,
    /// Only every so many milliseconds, everything that came meanwhile at once.
    Batching(u64),
    /// At every message, but late for deadlines by so many milliseconds.
    Lazy(u64),
}

/// How a server's clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPlan {
    /// Milliseconds that it gains in a million; may be negative.
    pub drift_ppm: i64,
    /// It is read in steps of so many milliseconds.
    pub step_ms: u64,
}

/// What a gateway is told, as far as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayPlan {
    /// CON 10.
    pub hello: Span,
    /// CON 6.
    pub ping: Span,
    /// CON 6.
    pub dead: Span,
    /// CON 4.
    pub replay_messages: u32,
    /// CON 4.
    pub replay_bytes: u32,
    /// CON 7.
    pub out_bytes: u32,
    /// CON 4, 7.
    pub total_bytes: u64,
    /// CON 10.
    pub waiting_max: u32,
    /// RATE.
    pub commands: Rate,
    /// SIG 2, 4.
    pub relay: RelayLimits,
}

/// People who are there only now and then: the span of a run is cut into as many parts as there are visits, and each person comes
/// once in each part, at an instant of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visits {
    /// How many of each person.
    pub count: u64,
    /// How long all of a person's visits last, in minutes.
    pub minutes: u64,
}

impl Visits {
    /// Until when a person is away, if they are: the beginning of their next visit, or the end of time.
    pub(crate) fn away_until(&self, seed: u64, person: u32, span_ms: u64, now: u64) -> Option<u64> {
        let part = span_ms / self.count.max(1);
        let length = (self.minutes * 60_000 / self.count.max(1)).min(part);
        for visit in now / part.max(1)..self.count {
            let begin = part * visit + Dice::of(seed, "visit", u64::from(person), visit).upto(part - length);
            if now < begin {
                return Some(begin);
            }
            if now < begin + length {
                return None;
            }
        }
        Some(u64::MAX)
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where all draws come from.
    pub seed: u64,
    /// Steady use for so many minutes, not drawn.
    pub steady_minutes: Option<u64>,
    /// Whether people come and go as a whole.
    pub visits: Option<Visits>,
    /// Operations at most.
    pub size: u64,
    /// Of these only some, in a story that was shrunk.
    pub keep: Option<BTreeSet<Op>>,
    /// For how long people and weather act, in milliseconds; then everything heals and comes to rest.
    pub span_ms: u64,
    /// How many people.
    pub people: u32,
    /// How many of a hundred of them are hostile.
    pub hostile_percent: u32,
    /// How many of a hundred were known before the run; the others sign up during it.
    pub known_percent: u32,
    /// The mean pause between two acts of a person, in milliseconds.
    pub pause_ms: u64,
    /// Which kinds of acts and weather there are, and how heavy each is.
    pub swarm: Swarm,
    /// The policy numbers.
    pub rules: Rules,
    /// The capacities.
    pub limits: Limits,
    /// The gateway's.
    pub gateway: GatewayPlan,
    /// Commit's.
    pub commit: commit::Config,
    /// When servers take their turns.
    pub driver: Driver,
    /// How their clocks go.
    pub clock: ClockPlan,
    /// The most that a message needs from one end to the other, in milliseconds.
    pub latency_ms: u64,
    /// The most that the store needs, in milliseconds.
    pub store_ms: u64,
    /// How many of a hundred store operations go wrong while the store is in trouble.
    pub store_percent: u32,
    /// Whether laws are checked at all.
    pub laws: bool,
    /// After how many turns of a server the expensive ones are.
    pub deep_every: u64,
    /// Whether an engine and a gateway that are never called for a deadline run beside the real ones.
    pub shadow: bool,
}

impl Plan {
    /// A small world with everything in it, drawn from a seed.
    pub fn drawn(seed: u64) -> Plan {
        let mut dice = Dice::of(seed, "plan", 0, 0);
        let people = if dice.percent(60) { dice.between(2, 8) } else { dice.between(9, 40) } as u32;
        let is_long = dice.percent(25);
        let rules = draw_rules(seed);
        Plan {
            seed,
            steady_minutes: None,
            visits: None,
            size: 2_500,
            keep: None,
            span_ms: if is_long { dice.span(3_600_000, 30 * 3_600_000) } else { dice.span(60_000, 1_800_000) },
            people,
            hostile_percent: *dice.pick(&[0, 0, 20, 40, 60]).unwrap_or(&0),
            known_percent: *dice.pick(&[100, 80, 0]).unwrap_or(&100),
            pause_ms: if is_long { dice.span(60_000, 1_200_000) } else { dice.span(300, 30_000) },
            swarm: Swarm::drawn(seed),
            limits: draw_limits(seed, people),
            gateway: draw_gateway(seed, &rules),
            rules,
            commit: draw_commit(seed),
            driver: match dice.upto(5) {
                0 => Driver::Batching(dice.span(2, 400)),
                1 => Driver::Lazy(dice.span(5, 3_000)),
                _ => Driver::Punctual,
            },
            clock: ClockPlan {
                drift_ppm: *dice.pick(&[0, 0, 0, 200, -200, 50_000]).unwrap_or(&0),
                step_ms: *dice.pick(&[1, 1, 1, 16]).unwrap_or(&1),
            },
            latency_ms: dice.span(1, 400),
            store_ms: dice.span(1, 300),
            store_percent: *dice.pick(&[5, 20, 60, 100]).unwrap_or(&20),
            laws: true,
            deep_every: 64,
            shadow: true,
        }
    }

    /// Many people in steady use under the default rules: what `run` measures.
    pub fn steady(seed: u64, people: u32, minutes: u64) -> Plan {
        let room = people.saturating_mul(2).saturating_add(200);
        let gateway = GatewayPlan { waiting_max: room, ..default_gateway() };
        Plan {
            seed,
            steady_minutes: Some(minutes),
            visits: None,
            size: u64::MAX,
            keep: None,
            span_ms: minutes * 60_000,
            people,
            hostile_percent: 1,
            known_percent: 95,
            pause_ms: 20_000,
            swarm: Swarm::steady(),
            rules: Rules::default(),
            limits: Limits { buckets_max: room * 8, ..Limits::for_links(room) },
            gateway,
            commit: commit::Config::default(),
            driver: Driver::Punctual,
            clock: ClockPlan { drift_ppm: 0, step_ms: 1 },
            latency_ms: 80,
            store_ms: 8,
            store_percent: 20,
            laws: true,
            deep_every: 400_000,
            shadow: false,
        }
    }

    /// The same, where everybody is there only in some visits.
    pub fn in_visits(mut self, visits: Visits) -> Plan {
        self.swarm.switch_off("night").unwrap_or_else(|_| unreachable!("there are nights"));
        Plan { visits: Some(visits), ..self }
    }

    /// The line that repeats this run, as far as it was not drawn from its seed alone.
    pub fn again(&self) -> String {
        if let Some(minutes) = self.steady_minutes {
            let visits = self.visits.map(|visits| format!(" --visits {} --online {}", visits.count, visits.minutes)).unwrap_or_default();
            return format!("duologue-sim run --users {} --minutes {minutes} --seed {}{visits}", self.people, self.seed);
        }
        let (drawn, mut line) = (Plan::drawn(self.seed), format!("duologue-sim again {}", self.seed));
        if self.size != drawn.size {
            line += &format!(" --size {}", self.size);
        }
        if self.people != drawn.people {
            line += &format!(" --people {}", self.people);
        }
        let off: Vec<&str> = self.swarm.off().filter(|kind| drawn.swarm.weight_of(kind) > 0).collect();
        if !off.is_empty() {
            line += &format!(" --off {}", off.join(","));
        }
        if let Some(keep) = &self.keep {
            let ops: Vec<String> = keep.iter().map(Op::to_string).collect();
            line += &format!(" --keep {}", if ops.is_empty() { "none".into() } else { ops.join(",") });
        }
        line
    }
}

fn default_gateway() -> GatewayPlan {
    GatewayPlan {
        hello: Span::secs(10),
        ping: Span::secs(25),
        dead: Span::secs(60),
        replay_messages: 128,
        replay_bytes: 64 * 1024,
        out_bytes: 64 * 1024,
        total_bytes: 51 << 20,
        waiting_max: 120,
        commands: Rate::per(30, Span::secs(1), 60),
        relay: RelayLimits::default(),
    }
}

fn draw_gateway(seed: u64, rules: &Rules) -> GatewayPlan {
    let mut dice = Dice::of(seed, "plan", 1, 0);
    let ping = dice.span(500, 30_000);
    let mut plan = GatewayPlan { ping: Span(ping), dead: Span(ping * 2 + dice.span(500, 40_000)), ..default_gateway() };
    if dice.percent(40) {
        plan.replay_messages = dice.between(1, 8) as u32;
    }
    if dice.percent(20) {
        plan.replay_bytes = dice.span(400, 8_000) as u32;
    }
    if dice.percent(30) {
        plan.out_bytes = dice.span(2_000, 16_000) as u32;
    }
    if dice.percent(20) {
        plan.total_bytes = dice.span(20_000, 200_000);
    }
    if dice.percent(20) {
        plan.waiting_max = dice.between(2, 8) as u32;
    }
    if dice.percent(25) {
        plan.commands = Rate::per(dice.between(2, 10) as u32, Span::secs(1), dice.between(3, 20) as u32);
    }
    plan.hello = Span(dice.span(2_000, 12_000).max(plan.hello.0.min(rules.grace.0)));
    plan
}

fn draw_commit(seed: u64) -> commit::Config {
    let mut dice = Dice::of(seed, "plan", 2, 0);
    let mut config = commit::Config::default();
    if dice.percent(40) {
        config.batch_rows = dice.between(1, 8) as u32;
    }
    if dice.percent(25) {
        config.backlog_rows = dice.between(4, 40) as u32;
    }
    config.retry_first = Span(dice.span(10, 1_000));
    config
}

fn draw_limits(seed: u64, people: u32) -> Limits {
    let mut dice = Dice::of(seed, "plan", 3, 0);
    let mut limits = Limits::for_links(people * 2 + 40);
    limits.outbox = 2_048;
    if dice.percent(30) {
        limits.links_max = dice.between(2, u64::from(people) + 2) as u32;
    }
    if dice.percent(30) {
        limits.users_max = limits.links_max + dice.between(2, 6) as u32;
    }
    if dice.percent(30) {
        limits.sessions_max = limits.links_max + dice.between(2, 6) as u32;
    }
    if dice.percent(25) {
        limits.cooldowns_max = dice.between(4, 40) as u32;
    }
    if dice.percent(25) {
        limits.parked_max = dice.between(2, 10) as u32;
    }
    if dice.percent(25) {
        limits.buckets_max = dice.between(8, 40) as u32;
    }
    if dice.percent(25) {
        limits.lobbies_max = dice.between(1, 4) as u32;
    }
    if dice.percent(40) {
        limits.reel_max = dice.between(1, 4) as u32;
    }
    if dice.percent(25) {
        limits.remembered_max = dice.between(1, 20) as u32;
    }
    limits
}

fn draw_rules(seed: u64) -> Rules {
    let mut dice = Dice::of(seed, "plan", 4, 0);
    let mut rules = Rules::default();
    let mut often = |percent, draw: &mut dyn FnMut(&mut Dice)| {
        if dice.percent(percent) {
            draw(&mut dice);
        }
    };
    often(50, &mut |dice| rules.grace = Span(dice.span(500, 60_000)));
    often(30, &mut |dice| rules.per_user = dice.between(1, 4) as u32);
    often(25, &mut |_| rules.when_full = WhenFull::RefuseNew);
    often(40, &mut |dice| rules.answers = dice.between(1, 5) as u32);
    often(30, &mut |dice| rules.answers_for = Span(dice.span(20_000, 600_000)));
    often(30, &mut |dice| rules.coalesce = Span(dice.span(50, 3_000)));
    often(40, &mut |dice| rules.forget = Span(dice.span(5_000, 3_600_000)));
    often(50, &mut |dice| rules.window_size = dice.between(1, 6) as u32);
    often(30, &mut |dice| rules.window_max = rules.window_size.max(dice.between(1, 50) as u32));
    often(40, &mut |dice| rules.exposure = dice.between(0, 3) as u32);
    often(40, &mut |dice| rules.exposure_after = Span(dice.span(100, 20_000)));
    often(50, &mut |dice| (rules.seconds_min, rules.seconds_max) = (dice.between(1, 60) as u32, dice.between(60, 1_800) as u32));
    often(40, &mut |dice| rules.ring = Span(dice.span(500, 60_000)));
    often(40, &mut |dice| rules.ring_extend = Span(dice.span(500, 30_000)));
    often(40, &mut |dice| rules.ring_max = Span(rules.ring.0 + dice.span(500, 120_000)));
    rules.ring_max = rules.ring_max.max(rules.ring);
    often(30, &mut |dice| rules.invites_out = dice.between(1, 3) as u32);
    often(40, &mut |dice| rules.invites_in = dice.between(1, 4) as u32);
    often(30, &mut |dice| rules.away_after = dice.between(1, 3) as u32);
    often(40, &mut |dice| rules.recovery = Span(dice.span(2_000, 60_000)));
    often(20, &mut |dice| rules.counted = Span(dice.span(1, 5_000)));
    often(30, &mut |dice| rules.extensions = dice.between(0, 2) as u32);
    often(30, &mut |dice| rules.extend_window = Span(dice.span(500, 30_000)));
    often(20, &mut |_| rules.chat_keep = false);
    often(50, &mut |dice| rules.cooldown_call = Span(dice.span(1_000, 86_400_000)));
    often(50, &mut |dice| rules.cooldown_decline = Span(dice.span(1_000, 86_400_000)));
    often(50, &mut |dice| rules.cooldown_rescind = Span(dice.span(1_000, 3_600_000)));
    often(50, &mut |dice| rules.pair_seconds = dice.between(1, 180) as u32);
    often(40, &mut |dice| rules.pair_confirm = Span(dice.span(500, 20_000)));
    often(30, &mut |dice| rules.pair_round = Span(dice.span(1, 5_000)));
    often(30, &mut |dice| rules.ticket_sleep = Span(dice.span(500, 60_000)));
    often(15, &mut |dice| rules.session_guest = Span(dice.span(600_000, 86_400_000)));
    often(20, &mut |_| rules.report_needs_call = false);
    often(60, &mut |_| rules.rate_rings = Rate::per(1_000, Span::mins(1), 1_000));
    often(60, &mut |_| rules.rate_rings_address = Rate::per(1_000, Span::mins(1), 1_000));
    often(70, &mut |_| rules.rate_cards = Rate::per(1_000, Span::mins(1), 1_000));
    often(60, &mut |_| rules.rate_guests = Rate::per(1_000, Span::mins(1), 1_000));
    often(60, &mut |_| rules.rate_sign_in = Rate::per(1_000, Span::mins(1), 1_000));
    debug_assert_eq!(rules.check(), Ok(()), "drawn rules make sense");
    rules
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = if self.size == u64::MAX { "no end".into() } else { format!("{} operations", self.size) };
        writeln!(f, "seed {}, {size}, {} s, {} people", self.seed, self.span_ms / 1_000, self.people)?;
        writeln!(
            f,
            "  {} % hostile, {} % known before, an act every {} ms; driver {:?}, {:?}",
            self.hostile_percent, self.known_percent, self.pause_ms, self.driver, self.clock
        )?;
        writeln!(f, "  latency to {} ms, store to {} ms, in trouble {} %", self.latency_ms, self.store_ms, self.store_percent)?;
        writeln!(f, "  swarm: {}", self.swarm)?;
        writeln!(f, "  {:?}", self.rules)?;
        writeln!(f, "  {:?}", self.limits)?;
        writeln!(f, "  {:?}", self.gateway)?;
        writeln!(f, "  {:?}", self.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_rules_make_sense_for_every_seed() {
        for seed in 0..2_000 {
            assert_eq!(draw_rules(seed).check(), Ok(()), "seed {seed}");
        }
    }

    #[test]
    fn everybody_is_there_for_as_long_as_their_visits_last() {
        let (visits, span) = (Visits { count: 2, minutes: 30 }, 24 * 3_600_000);
        for person in 0..50 {
            let (mut now, mut here, mut begins) = (0, 0, 0);
            while now < span {
                match visits.away_until(7, person, span, now) {
                    Some(next) => (now, begins) = (next, begins + u32::from(next < span)),
                    None => (now, here) = (now + 1_000, here + 1_000),
                }
            }
            assert_eq!((begins, here / 60_000), (2, 30), "person {person}");
        }
    }

    #[test]
    fn the_line_that_repeats_a_run_says_what_was_changed() {
        let mut plan = Plan::drawn(7);
        assert_eq!(plan.again(), "duologue-sim again 7");
        plan.size = 12;
        plan.keep = Some([Op { actor: 1, count: 2 }].into());
        assert_eq!(plan.again(), "duologue-sim again 7 --size 12 --keep 1.2");
    }
}
