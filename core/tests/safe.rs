//! Trust and safety (SAFE 1, 4): reports and blocks.

mod common;

use common::*;
use duologue_core::input::Request;
use duologue_core::output::Reply;
use duologue_core::wire::{Done, Event, Reason};

// SAFE 1.

#[test]
fn safe_1_a_report_needs_a_call_the_two_had() {
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        s.refused("eve", report("bob"), "unknown_call");
        s.refused("eve", report("nobody"), "unknown_call");
        s.refused("eve", report("eve"), "invalid_target");
        s.call("ann", "bob", 60);
        s.after(secs(60));
        s.says("ann", report("bob"));
        s.refused("eve", report("bob"), "unknown_call");
        // Long after, and after a restart.
        s.after(DAY);
        s.restart();
        s.online(["bob"]);
        s.says("bob", report("ann"));
        assert_eq!(s.rows.reports.len(), 2);
    });
}

#[test]
fn safe_1_where_the_operator_wants_it_a_report_needs_no_call() {
    story_with(
        |rules, _| rules.report_needs_call = false,
        |s| {
            s.online(["ann", "bob"]);
            s.says("ann", report("bob"));
            assert_eq!(s.rows.reports.len(), 1);
        },
    );
}

#[test]
fn safe_1_a_report_is_counted_once_and_hides_both_from_each_other() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("bob", window(5));
        s.call("ann", "bob", 60);
        s.after(secs(61));
        assert_eq!(s.sees("bob"), ["ann"]);
        assert_eq!(s.says("ann", report("bob")), Done::Empty);
        assert_eq!(s.says("ann", report("bob")), Done::Empty);
        assert_eq!(s.rows.reports.len(), 1);
        s.after(secs(1));
        assert_eq!(s.sees("bob"), [""; 0]);
        s.after(DAY);
        s.refused("ann", invite("bob", 60), "offline");
        s.refused("bob", invite("ann", 60), "offline");
        // A block taken back does not take the report back.
        s.says("ann", block("bob"));
        s.says("ann", unblock("bob"));
        s.refused("ann", invite("bob", 60), "offline");
    });
}

#[test]
fn safe_1_a_report_in_the_call_ends_it() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.after(secs(12));
        s.says("bob", report("ann"));
        s.hears("bob", "call_ended blocked 12 s");
        s.hears("ann", "call_ended hang_up 12 s");
        assert_eq!(s.usage().calls, 0);
    });
}

#[test]
fn safe_1_a_report_of_a_call_that_was_too_short_to_count_is_a_report() {
    // What is done in three seconds can be bad enough.
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(3));
        s.says("bob", hang_up(call));
        s.after(secs(10));
        s.says("ann", report("bob"));
        assert_eq!(s.rows.reports.len(), 1);
    });
}

// SAFE 4.

#[test]
fn safe_4_a_block_is_never_announced() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", block("bob"));
        s.says("ann", block("bob"));
        s.hears_nothing("bob");
        assert_eq!(s.rows.blocks.len(), 1);
        // Nobody can read it off: the same code as for somebody who is not there.
        assert_eq!(s.refused("bob", invite("ann", 60), "offline"), Reason::Offline);
        s.refused("ann", block("ann"), "invalid_target");
        s.says("ann", block("nobody"));
        s.says("ann", unblock("nobody"));
        s.says("ann", unblock("nobody"));
    });
}

#[test]
fn safe_4_a_ring_between_the_two_ends_for_the_callee_at_once_and_for_the_caller_when_it_would_have() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        let ring = s.rings("ann", "bob", 60);
        s.skips("bob");
        s.skips("bob/2");
        s.after(secs(5));
        s.says("bob", block("ann"));
        s.hears("bob/2", "invite_ended expired");
        s.refused("bob", accept(ring, 60), "expired");
        s.refused("bob", decline(ring), "expired");
        assert!(s.attach("bob/2").invites.is_empty());
        assert_eq!(s.attach("ann/2").invites.len(), 1);
        s.says("ann", extend_invite(ring));
        s.skips("bob");
        s.until(just_before(secs(40)));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "invite_ended expired");
        s.hears_nothing("bob");
        s.hears_nothing("bob/2");
        assert!(s.rows.cooldowns.is_empty());
    });
}

#[test]
fn safe_4_the_caller_who_blocks_hears_the_ring_end_when_it_would_have() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("ann", "bob", 60);
        s.skips("bob");
        s.says("ann", block("bob"));
        s.hears("bob", "invite_ended expired");
        s.after(secs(20));
        s.hears("ann", "invite_ended expired");
    });
}

#[test]
fn safe_4_a_muted_ring_answers_its_caller_as_any_other() {
    // What a caller may do with a ring does not tell whether it is heard.
    let tries = |is_blocked: bool| {
        let mut s = World::new(Default::default(), Default::default(), Driver::Punctual);
        s.online(["zoe", "a1", "a2", "a3", "a4"]);
        for caller in ["a1", "a2", "a3"] {
            s.rings(caller, "zoe", 60);
        }
        let ring = s.rings("a4", "zoe", 60);
        if is_blocked {
            s.says("zoe", block("a4"));
        }
        (s.tries("a4", extend_invite(ring)), s.tries("a4", invite("a1", 60)), s.tries("a4", rescind(ring)))
    };
    assert_eq!(tries(true), tries(false));
}

/// What a caller hears of three rings in a row to somebody who answers none: the last is one that a block ended, or is not.
#[test]
fn safe_4_inv_10_a_patient_caller_cannot_tell_a_block_from_silence() {
    let hears = |is_blocked: bool, is_lost: bool| {
        let mut s = World::new(Default::default(), Default::default(), Driver::Punctual);
        s.online(["zoe", "ann"]);
        for n in 1..=3 {
            // She is there, but does not answer: she does not become `away`.
            s.says("zoe", join());
            s.rings("ann", "zoe", 60);
            s.after(secs(5));
            if is_blocked && n == 3 {
                s.says("zoe", block("ann"));
            }
            if is_lost && n == 3 {
                s.after(secs(10));
                s.loses("ann");
            }
            s.after(secs(20));
        }
        let heard = s.hears_all("ann");
        assert!(heard.iter().any(|event| matches!(event, Event::InviteEnded { cooldown_until: Some(_), .. })) || is_lost);
        // The callee is told nothing more of a ring that was over for her.
        let ends = s.hears_all("zoe").iter().filter(|event| matches!(event, Event::InviteEnded { .. })).count();
        assert_eq!(ends, 3);
        (heard, s.is_attached("ann"))
    };
    for is_lost in [false, true] {
        assert_eq!(hears(true, is_lost), hears(false, is_lost), "lost: {is_lost}");
    }
}

#[test]
fn safe_4_a_ring_that_a_block_ended_is_not_crossed_after_the_block_was_taken_back() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("ann", "bob", 60);
        s.says("bob", block("ann"));
        s.says("bob", unblock("ann"));
        s.rings("bob", "ann", 60);
        assert_eq!(s.usage().calls, 0, "for bob it was over: this is a ring of his own");
        s.hears("ann", "rang bob 60 s until 20");
    });
}

#[test]
fn safe_4_a_blocked_caller_cannot_read_it_off_when_they_block_back_or_unblock() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("bob", block("ann"));
        s.says("ann", block("bob"));
        s.says("ann", unblock("bob"));
        s.refused("ann", invite("bob", 60), "offline");
        s.says("bob", unblock("ann"));
        s.rings("ann", "bob", 60);
    });
}

#[test]
fn safe_4_a_block_in_a_call_ends_it_with_hang_up_for_the_other() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.call("ann", "bob", 60);
        s.skips("ann/2");
        s.after(secs(40));
        s.says("bob", block("ann"));
        s.hears("bob", "call_ended blocked 40 s");
        for device in ["ann", "ann/2"] {
            let Event::CallEnded(ended) = s.hears(device, "call_ended hang_up 40 s") else { unreachable!() };
            assert_eq!(ended.totals.seconds, 40);
        }
        // The history does not tell either.
        assert!(s.rows.calls.values().all(|call| call.ended.is_some_and(|(_, why)| why == duologue_core::wire::Why::HangUp)));
    });
}

#[test]
fn safe_4_over_http_too() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        assert_eq!(s.asks("bob", Request::Block(user("ann"))), Reply::Done);
        s.hears("ann", "call_ended hang_up 0 s");
        assert_eq!(s.asks("bob", Request::Unblock(user("ann"))), Reply::Done);
        assert!(s.rows.blocks.is_empty());
        let report = |reason: String| Request::Report { user: user("ann"), reason, call: None };
        assert!(matches!(s.asks("bob", report("x".repeat(1_001))), Reply::No(Reason::BadMessage { .. })));
        assert!(matches!(s.asks("bob", report("x".repeat(1_000))), Reply::Done));
        assert_eq!(s.asks("bob", Request::Block(user("bob"))), Reply::No(Reason::InvalidTarget));
    });
}

#[test]
fn safe_4_whoever_blocks_somebody_out_of_memory_is_hidden_when_they_come() {
    story(|s| {
        s.online(["ann"]);
        s.knows("bob");
        s.says("ann", window(5));
        s.says("ann", block("bob"));
        s.online(["bob"]);
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.refused("bob", invite("ann", 60), "offline");
        s.says("ann", unblock("bob"));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob"]);
    });
}
