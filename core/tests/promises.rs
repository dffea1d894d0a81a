//! The eight promises of an engine (`docs/architecture`, "Promises"), each as a test of its own; the stories hold them too, at
//! every step.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::engine::{Due, Engine, Start};
use duologue_core::input::{Attach, Input, Level, LinkEnd};
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::ids::{CallId, InviteId, LinkId, PairId, Ticket};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::Output;
use duologue_core::rules::Rules;
use duologue_core::wire::Command;

/// A busy hour: rings, calls, windows, losses, pairs.
fn busy(s: &mut World) {
    let people = ["ann", "bob", "cat", "dan", "eve", "fay"];
    s.online(people);
    for who in people {
        s.says(who, window(3));
    }
    for round in 0..60_usize {
        let (a, b) = (people[round % 6], people[(round * 5 + 1) % 6]);
        if s.is_attached(a) && s.is_attached(b) && a != b {
            if let Ok(duologue_core::wire::Done::Invited { invite, .. }) = s.tries(a, invite(b, 60)) {
                let _ = if round % 3 == 0 { s.tries(b, decline(invite)) } else { s.tries(b, accept(invite, 61)) };
            }
            let _ = s.tries(a, pair());
        }
        match round % 4 {
            0 => s.loses(people[(round + 3) % 6]),
            1 => drop(s.attach(people[(round + 2) % 6])),
            _ => {}
        }
        s.after(Span::millis(7_777));
    }
    s.after(Span::mins(3));
    assert!(s.rows.calls.len() >= 5, "calls: {}", s.rows.calls.len());
}

/// Rules under which the same people meet again soon.
fn lively() -> Rules {
    let (cooldown_call, cooldown_decline) = (secs(20), secs(15));
    Rules { cooldown_call, cooldown_decline, rate_rings: Rate::OFF, rate_rings_address: Rate::OFF, ..Rules::default() }
}

fn run(driver: Driver) -> World {
    let mut world = World::new(lively(), Limits::default(), driver);
    busy(&mut world);
    world.the_end();
    world
}

#[test]
fn promise_1_pure_the_same_inputs_give_the_same_outputs_and_state() {
    let (one, two) = (run(Driver::Punctual), run(Driver::Punctual));
    assert_eq!(one.transcript, two.transcript);
    assert_eq!(one.engine.state_digest(), two.engine.state_digest());
    assert!(one.transcript.len() > 200, "it was a busy hour: {}", one.transcript.len());
}

#[test]
fn promise_1_another_seed_changes_draws_and_no_rule() {
    let new = |seed| Engine::new(Limits::default(), Rules::default(), Seed(seed), Start { epoch: 1, rows: vec![] }, BEGIN);
    assert_eq!(new([1; 4]).durable_digest(), new([2; 4]).durable_digest());
}

/// No configuration makes an engine that refuses every input for want of room: what a turn may say fits with the largest numbers.
#[test]
fn promise_3_the_outbox_has_room_for_a_turn_under_the_largest_rules() {
    let rules = Rules { per_user: 16, invites_in: 64, invites_out: 16, ..Rules::default() };
    assert_eq!(rules.check(), Ok(()));
    for beyond in
        [Rules { per_user: 17, ..rules.clone() }, Rules { invites_in: 65, ..rules.clone() }, Rules { invites_out: 17, ..rules.clone() }]
    {
        assert!(beyond.check().is_err(), "these are the largest");
    }
    let start = Start { epoch: 1, rows: vec![] };
    let mut engine = Engine::new(Limits::for_links(1), rules, Seed([1; 4]), start, BEGIN);
    assert_eq!(engine.handle_input(BEGIN, &Input::StoreUp), Ok(()));
}

#[test]
fn promise_2_late_or_early_does_not_matter() {
    let worlds = [Driver::Punctual, Driver::Lazy, Driver::Restless].map(run);
    same(&worlds[0], &worlds[1]);
    same(&worlds[0], &worlds[2]);
}

#[test]
fn promise_2_an_input_first_runs_every_deadline_up_to_and_at_its_instant() {
    // The accept is read at the very instant at which the ring ends, with nobody having called `handle_timeout`.
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Lazy);
    s.online(["ann", "bob"]);
    let ring = s.rings("ann", "bob", 60);
    s.now = BEGIN + secs(20);
    s.refused("bob", accept(ring, 60), "expired");
    // And a much later one runs all of them, each at its own instant.
    s.call("ann", "bob", 60);
    s.now = BEGIN + HOUR;
    s.says("ann", leave());
    assert_eq!(s.totals("ann").seconds, 60);
}

#[test]
fn promise_3_refused_has_no_effect_and_a_drained_engine_takes_it() {
    let mut limits = Limits { outbox: 400, ..Limits::default() };
    let mut s = World::new(Rules::default(), limits, Driver::Punctual);
    s.online(["ann", "bob"]);
    let link = s.link("ann");
    let mut number = 1_000;
    let mut join = || {
        number += 1;
        Input::Command { link, number, command: Ok(Command::Join { lobby: None }) }
    };
    // Nobody drains.
    while s.engine.handle_input(s.now, &join()).is_ok() {}
    let refused = join();
    let before = s.engine.state_digest();
    assert!(s.engine.handle_input(s.now, &refused).is_err());
    assert!(s.engine.handle_input(s.now, &refused).is_err());
    assert_eq!(before, s.engine.state_digest(), "refused twice, changed nothing");
    s.input(refused);
    assert_eq!(s.says_numbered("ann", number, Ok(leave())), Some(Ok(duologue_core::wire::Done::Joined { lobby: "main".into() })));
    limits.outbox = 16_384;
    assert_eq!(limits, Limits::default());
}

#[test]
fn promise_3_deadlines_wait_for_room_too_and_lose_nothing() {
    let tell = |outbox: u32| {
        let mut s = World::new(lively(), Limits { outbox, ..Limits::default() }, Driver::Lazy);
        busy(&mut s);
        s.the_end();
        s
    };
    same(&tell(16_384), &tell(300));
}

#[test]
fn promise_4_nothing_grows_beyond_its_limit() {
    let limits = Limits {
        links_max: 8,
        users_max: 9,
        sessions_max: 6,
        cooldowns_max: 5,
        clients_per_user: 2,
        parked_max: 3,
        buckets_max: 16,
        lobbies_max: 3,
        reel_max: 4,
        outbox: 300,
        remembered_max: 4,
    };
    let mut s = World::new(Rules::default(), limits, Driver::Punctual);
    for n in 0..60_usize {
        let device = format!("p{}/{}", n % 15, n % 4);
        let hello = s.hello(&device);
        if s.says_hello(&device, hello).is_ok() {
            let _ = s.tries(&device, join_named(["a", "b", "c", "d"][n % 4]));
            let _ = s.tries(&device, window(2));
            let _ = s.tries(&device, pair());
            if let Ok(duologue_core::wire::Done::Invited { invite, .. }) = s.tries(&device, invite(&format!("p{}", (n + 1) % 15), 60)) {
                let other = format!("p{}/{}", (n + 1) % 15, (n + 1) % 4);
                if s.is_attached(&other) {
                    let _ = s.tries(&other, decline(invite));
                }
            }
        }
        s.after(secs(3));
        let usage = s.usage();
        assert!(usage.links_live + usage.links_graced <= 8);
        assert!(usage.users <= 9, "{usage:?}");
        assert!(usage.sessions <= 6 && usage.parked <= 3);
        assert!(usage.cooldowns <= 5, "{usage:?}");
    }
    assert!(s.usage().users >= 4);
}

#[test]
fn promise_5_progress_while_an_output_waits_the_deadline_is_now() {
    // After `handle_timeout` and a full drain it lies ahead: `World::settle` asserts that at every step of every story.
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    s.online(["ann", "bob"]);
    let link = s.link("ann");
    s.now = BEGIN + secs(7);
    let said = s.engine.handle_input(s.now, &Input::Command { link, number: 99, command: Ok(leave()) });
    assert!(said.is_ok());
    let due = s.engine.poll_timeout().expect("outputs wait");
    assert_eq!((due.at, due.why), (s.now, Due::Drain));
    while s.engine.poll_output().is_some() {}
    assert!(s.engine.poll_timeout().is_none_or(|due| due.at > s.now));
}

#[test]
fn promise_6_an_earlier_now_is_clamped_and_counted() {
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    s.online(["ann", "bob"]);
    s.after(secs(100));
    s.rings("ann", "bob", 60);
    s.hears("bob", "rang ann 60 s until 120");
    s.now = BEGIN + secs(50);
    s.engine.handle_timeout(s.now);
    s.says("ann", window(5));
    assert_eq!(s.usage().clamped, 2);
    s.now = BEGIN + secs(120);
    s.settle();
    s.hears("ann", "invite_ended expired");
}

#[test]
fn promise_7_polls_with_nothing_to_do_change_nothing() {
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    s.online(["ann", "bob"]);
    s.says("ann", window(5));
    s.after(secs(10));
    s.engine.handle_timeout(s.now);
    let (digest, due) = (s.engine.state_digest(), s.engine.poll_timeout());
    for _ in 0..1_000 {
        s.engine.handle_timeout(s.now);
        assert_eq!(s.engine.poll_output(), None);
    }
    assert_eq!((digest, due), (s.engine.state_digest(), s.engine.poll_timeout()));
}

#[test]
fn promise_7_an_idle_realm_wakes_for_its_sweep_only() {
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    let names: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
    for name in &names {
        s.attach(name);
        s.says(name, join());
        s.says(name, window(10));
    }
    s.after(Span::mins(6));
    s.fired.clear();
    s.after(Span::mins(30));
    assert_eq!(s.fired.iter().copied().collect::<Vec<_>>(), ["sweep"]);
}

#[test]
fn promise_8_no_panic_from_outside_whatever_comes_in_whatever_order() {
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    let nobody = LinkId(99);
    let all = [
        Input::Detached { link: nobody, why: LinkEnd::Left },
        Input::Detached { link: nobody, why: LinkEnd::Lost },
        Input::Command { link: nobody, number: 1, command: Ok(Command::Leave) },
        Input::Command { link: nobody, number: u64::MAX, command: Ok(hang_up(CallId(u64::MAX))) },
        Input::Command { link: nobody, number: 0, command: Ok(accept(InviteId(0), u32::MAX)) },
        Input::Command { link: nobody, number: 7, command: Ok(confirm(PairId(u64::MAX))) },
        Input::Loaded { ticket: Ticket(12), rows: vec![] },
        Input::Loaded { ticket: Ticket(0), rows: vec![] },
        Input::MemoryLevel(Level::Critical),
        Input::MemoryLevel(Level::Critical),
        Input::MemoryLevel(Level::Ok),
        Input::ReplayLost { link: nobody },
        Input::StoreUp,
        Input::StoreDown,
        Input::StoreDown,
        Input::StoreUp,
        Input::Drain { end_calls: true },
        Input::Drain { end_calls: false },
    ];
    for round in 0..all.len() {
        for n in 0..all.len() {
            s.input(all[(round * n + n) % all.len()].clone());
        }
    }
    assert!(!s.transcript.iter().any(|output| matches!(output, Output::Event { .. })), "nobody is there to be told");
    // The largest instant too.
    s.now = Millis(u64::MAX / 1_000);
    s.engine.handle_timeout(BEGIN + Span::days(10));
    s.now = BEGIN + Span::days(10);
    s.settle();
}

#[test]
fn promise_8_extreme_numbers_are_answered() {
    let mut s = World::new(Rules::default(), Limits::default(), Driver::Punctual);
    s.online(["ann", "bob"]);
    let call = s.call("ann", "bob", 1_800);
    for number in [u64::MAX, u64::MAX - 1] {
        s.says_numbered("ann", number, Ok(hang_up(CallId(u64::MAX))));
    }
    for id in [0, 1, u64::MAX] {
        for command in [hang_up(CallId(id)), chat(CallId(id), ""), extend_call(CallId(id), u32::MAX), rejoin(CallId(id))] {
            s.says_numbered("bob", id / 2 + 17, Ok(command));
        }
    }
    assert_eq!(s.rows.live_call(user("ann")).map(|row| row.call), Some(call));
    let hello = Attach { takes: Some(LinkId(u64::MAX)), ..s.hello("ann/2") };
    s.says_hello("ann/2", hello).expect("welcome");
}
