//! Durable facts (DUR): a process that dies at any instant, started again on the same rows, knows all that it ever acknowledged.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::input::Request;
use duologue_core::kit::ids::{CallId, InviteId};
use duologue_core::kit::time::Span;
use duologue_core::output::{Output, Reply};
use duologue_core::wire::{Done, Totals, Why};

#[test]
fn dur_an_engine_from_the_rows_has_the_durable_digest_of_the_one_that_ran() {
    // `restart` compares them each time.
    story(|s| {
        s.restart();
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        s.restart();
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        s.says("cat", pair_with(&["male"], &["lang:en"], true));
        s.restart();
        s.online(["ann", "bob", "dan", "eve"]);
        let call = s.call("ann", "bob", 60);
        s.restart();
        s.attach("ann");
        s.attach("bob");
        s.says("ann", rejoin(call));
        s.says("bob", rejoin(call));
        s.says("ann", extend_call(call, 60));
        s.says("bob", extend_call(call, 60));
        s.says("ann", named("Anna"));
        s.restart();
        s.attach("ann");
        s.says("ann", hang_up(call));
        s.restart();
        s.after(Span::mins(2));
        s.restart();
    });
}

#[test]
fn dur_everything_acknowledged_is_there_again() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", chat(call, "hello"));
        s.after(secs(60));
        s.says("ann", report("bob"));
        s.says("ann", block("cat"));
        s.says("ann", named("Anna"));
        let ring = s.rings("dan", "ann", 60);
        s.says("ann", decline(ring));
        s.says("dan", pair());
        s.restart_after(secs(5));
        s.online(["bob", "cat"]);
        assert_eq!(s.attach("dan").ticket.expect("kept").since, BEGIN + secs(60));
        s.says("dan", join());
        s.online(["ann"]);
        s.refused("bob", invite("ann", 60), "offline");
        s.refused("cat", invite("ann", 60), "offline");
        s.refused("dan", invite("ann", 60), "cooldown");
        let Reply::Me { user, totals, .. } = s.asks("ann", Request::Me) else { panic!("me") };
        assert_eq!((user.name.as_str(), totals), ("Anna", Totals { seconds: 60, calls: 1, completed: 1 }));
        let Reply::History { calls, .. } = s.asks("ann", Request::History { before: None, limit: 20 }) else { panic!("history") };
        assert_eq!((calls[0].0.call, calls[0].0.chat.len(), calls[0].0.ended), (call, 1, Some((BEGIN + secs(60), Why::Deadline))));
    });
}

#[test]
fn dur_rings_places_and_links_are_not_facts() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(5));
        let ring = s.rings("ann", "bob", 60);
        s.restart();
        let state = s.attach("ann");
        assert_eq!((state.lobby, state.window, state.invites.len()), (None, None, 0));
        s.online(["bob"]);
        s.refused("bob", accept(ring, 60), "unknown_invite");
        assert!(s.rows.cooldowns.is_empty());
    });
}

#[test]
fn dur_a_wish_taken_back_does_not_come_back() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair());
        s.says("ann", unpair());
        s.says("ann", block("bob"));
        s.says("ann", unblock("bob"));
        s.restart();
        assert_eq!(s.attach("ann").ticket, None);
        s.says("ann", join());
        s.online(["bob"]);
        s.rings("ann", "bob", 60);
    });
}

#[test]
fn dur_ids_of_invites_and_calls_are_never_given_twice_over_restarts() {
    story(|s| {
        let mut rings: Vec<InviteId> = Vec::new();
        let mut calls: Vec<CallId> = Vec::new();
        for (caller, callee) in [("ann", "bob"), ("cat", "dan"), ("eve", "fay")] {
            s.online([caller, callee]);
            let ring = s.rings(caller, callee, 60);
            rings.push(ring);
            let Done::Call { call } = s.says(callee, accept(ring, 60)) else { panic!("a call") };
            calls.push(call);
            s.restart();
        }
        assert!(rings.is_sorted() && calls.is_sorted());
        assert!(rings.iter().zip(&rings[1..]).all(|(a, b)| a != b) && calls.iter().zip(&calls[1..]).all(|(a, b)| a != b));
        assert!(calls.iter().all(|call| call.0 < 1 << 53));
    });
}

#[test]
fn dur_deadlines_that_passed_meanwhile_have_passed() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        s.call("ann", "bob", 60);
        s.call("cat", "dan", 1_800);
        s.says("eve", pair());
        s.restart_after(Span::mins(10));
        assert_eq!(s.usage().calls, 1);
        let ended: Vec<_> = s.rows.calls.values().filter_map(|call| call.ended).collect();
        assert_eq!(ended, [(BEGIN + secs(60), Why::Deadline)]);
        assert_eq!(s.attach("ann").call, None);
        assert!(s.attach("cat").call.is_some());
        s.after(Span::mins(2));
        // Nobody sat down in the second call within 60 s of ready, nor came for the ticket.
        assert_eq!((s.usage().calls, s.usage().tickets), (0, 0));
        let ended: Vec<_> = s.rows.calls.values().filter_map(|call| call.ended).collect();
        assert_eq!(ended[1], (BEGIN + secs(660), Why::PeerLost));
    });
}

#[test]
fn dur_a_process_that_dies_between_two_words_of_a_story_loses_nothing() {
    // The same story, and the process dies after its nth line.
    let lines: [fn(&mut World, &mut Memory); 8] = [
        |s, m| m.ring = Some(s.rings("ann", "bob", 60)),
        |s, m| {
            if let (Some(ring), Ok(Done::Call { call })) = (m.ring, s.tries("bob", accept(m.ring.expect("rang"), 60))) {
                assert!(ring.0 < call.0);
                m.call = Some(call);
            }
        },
        |s, m| {
            if let Some(call) = m.call {
                s.says("ann", chat(call, "hello"));
                m.lines += 1;
            }
        },
        |s, _| s.after(secs(31)),
        |s, m| {
            if let Some(call) = m.call {
                s.says("bob", hang_up(call));
                m.ended = true;
            }
        },
        |s, m| {
            s.says("ann", block("cat"));
            m.blocks += 1;
        },
        |s, m| {
            s.says("cat", pair());
            m.tickets += 1;
        },
        |s, _| s.after(secs(1)),
    ];
    for dies_after in 0..lines.len() {
        story(|s| {
            let mut memory = Memory::default();
            s.online(["ann", "bob", "cat"]);
            for (n, line) in lines.iter().enumerate() {
                line(s, &mut memory);
                if n == dies_after {
                    s.restart_after(millis(10));
                    for device in ["ann", "bob", "cat"] {
                        s.attach(device);
                        s.says(device, join());
                    }
                    if let Some(call) = memory.call.filter(|_| !memory.ended) {
                        s.says("ann", rejoin(call));
                        s.says("bob", rejoin(call));
                    }
                }
            }
            assert_eq!(s.rows.calls.len(), usize::from(memory.call.is_some()));
            assert_eq!((s.rows.chat.len(), s.rows.blocks.len(), s.rows.tickets.len()), (memory.lines, memory.blocks, memory.tickets));
            assert_eq!(s.totals("ann").completed, u64::from(memory.ended));
        });
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Memory {
    ring: Option<InviteId>,
    call: Option<CallId>,
    ended: bool,
    lines: usize,
    blocks: usize,
    tickets: usize,
}

#[test]
fn dur_no_event_leaves_before_the_facts_of_its_turn() {
    // Each event names the last fact of its own turn; one that made none waits for nothing but, if it is a welcome or a reply, for
    // the last fact of a turn that was about its user. So others' facts that are not written yet keep nobody from coming back.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let ring = s.rings("ann", "bob", 60);
        let from = s.transcript.len();
        s.says("bob", accept(ring, 60));
        let facts_before = s.transcript[..from].iter().filter(|output| matches!(output, Output::Fact(_))).count() as u64;
        let said = &s.transcript[from..];
        let facts = said.iter().filter(|output| matches!(output, Output::Fact(_))).count() as u64;
        let newest = facts_before + facts;
        for output in said {
            match output {
                Output::Event { after, .. } | Output::Seats { after, .. } => assert_eq!(after.0, newest, "{output:?}"),
                Output::Fact(_) | Output::View { .. } => {}
                other => panic!("not said here: {other:?}"),
            }
        }
        let from = s.transcript.len();
        s.says("cat", window(5));
        s.says("cat", leave());
        s.says("cat", join());
        for output in &s.transcript[from..] {
            if let Output::Event { after, .. } = output {
                assert_eq!(after.0, 0, "a join waits for no disk: {output:?}");
            }
        }
        for (name, about) in [("cat", 0), ("ann", newest)] {
            let from = s.transcript.len();
            s.attach(&format!("{name}/2"));
            let welcome = s.transcript[from..].iter().find(|output| matches!(output, Output::Event { .. }));
            assert!(matches!(welcome, Some(Output::Event { after, .. }) if after.0 == about), "{name}: {about}, {welcome:?}");
        }
    });
}
