//! Pairing (PAIR 1, 2, 4): who is paired with whom, and what becomes of the wait.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::engine::Due;
use duologue_core::input::Input;
use duologue_core::kit::ids::PairId;
use duologue_core::wire::{Done, Event, Patch, ProfilePatch, Reason};

fn pair_of(event: Option<Event>) -> PairId {
    match event {
        Some(Event::Paired(pair)) => pair.pair,
        other => panic!("a pair: {other:?}"),
    }
}

/// Two are asked; the pair's id.
fn asked(s: &mut World, a: &str, b: &str) -> PairId {
    let pair = pair_of(s.next_event(a));
    assert_eq!(pair_of(s.next_event(b)), pair);
    pair
}

// PAIR 1.

#[test]
fn pair_1_two_tickets_are_paired_only_if_each_accepts_the_other() {
    story(|s| {
        s.knows_as("fay", "female", &["go"]);
        s.knows_as("max", "male", &["go"]);
        s.knows_as("moe", "male", &[]);
        s.online(["fay", "max", "moe"]);
        s.says("fay", pair_with(&["male"], &["go"], false));
        s.says("moe", pair_with(&["female"], &[], false));
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0, "fay does not accept moe");
        s.says("max", pair_with(&["male"], &[], false));
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0, "max does not accept fay");
        s.says("max", pair_with(&["female"], &["go"], false));
        s.after(secs(1));
        s.hears("fay", "call_started max 180 s, offers, here");
        s.hears("max", "call_started fay 180 s, answers, here");
        assert_eq!(s.usage().tickets, 1);
    });
}

#[test]
fn pair_1_nobody_is_paired_inside_a_cooldown_nor_with_themself() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        s.says("ann", rescind(ring));
        s.says("ann", pair());
        s.says("bob", pair());
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0);
        s.until(just_before(HOUR));
        assert_eq!(s.usage().calls, 0);
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1, "when it ends the next round finds them");
    });
}

/// A round costs a look at everybody who waits; a crowd that fits nobody must not cost one four times a second.
#[test]
fn pair_1_a_crowd_that_waits_is_looked_at_once() {
    story(|s| {
        let crowd = ["max", "moe", "mik", "mat"];
        for name in crowd {
            s.knows_as(name, "male", &[]);
            s.online([name]);
            s.says(name, pair_with(&["female"], &[], false));
        }
        s.after(secs(1));
        let next = s.engine.poll_timeout().map(|deadline| deadline.why);
        assert!(!matches!(next, Some(Due::Round | Due::LookAgain)), "nobody is new: {next:?}");
        s.knows_as("fay", "female", &[]);
        s.online(["fay"]);
        s.says("fay", pair());
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1);
    });
}

#[test]
fn pair_1_whatever_lets_two_fit_later_pairs_them() {
    let two = |s: &mut World| {
        s.online(["ann", "bob"]);
        s.says("ann", pair_with(&["female"], &[], false));
        s.says("bob", pair());
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0);
    };
    // A card.
    story(|s| {
        two(s);
        s.says("bob", profile(ProfilePatch { gender: Patch::Set("female".into()), ..ProfilePatch::default() }));
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1);
    });
    // A filter.
    story(|s| {
        two(s);
        s.says("ann", pair());
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1);
    });
    // A block that is taken back.
    story(|s| {
        two(s);
        s.says("bob", block("ann"));
        s.says("ann", pair());
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0);
        s.says("bob", unblock("ann"));
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1);
    });
}

#[test]
fn pair_1_a_cooldown_that_begins_while_both_are_asked_keeps_them_apart() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        let pair = asked(s, "ann", "bob");
        s.says("ann", confirm(pair));
        let ring = s.rings("ann", "bob", 60);
        s.says("bob", decline(ring));
        assert!(s.tries("bob", confirm(pair)).is_err());
        s.after(secs(11));
        assert_eq!(s.usage().calls, 0);
    });
}

#[test]
fn pair_1_a_ticket_is_wanted_in_the_lobby_and_out_of_a_call() {
    story(|s| {
        s.attach("ann");
        s.refused("ann", pair(), "not_in_lobby");
        s.says("ann", join());
        s.online(["bob"]);
        s.call("ann", "bob", 60);
        s.refused("ann", pair(), "busy");
    });
}

#[test]
fn pair_1_said_again_it_replaces_the_filter_and_keeps_the_wait() {
    story(|s| {
        s.knows_as("fay", "female", &[]);
        s.online(["ann", "fay"]);
        s.after(secs(3));
        assert_eq!(s.says("ann", pair_with(&["male"], &[], false)), Done::Waiting { since: BEGIN + secs(3) });
        s.says("fay", pair());
        s.after(secs(3));
        assert_eq!(s.usage().calls, 0);
        let state = s.attach("ann/2").ticket.expect("a ticket");
        assert_eq!((state.since, state.filter, state.confirm), (BEGIN + secs(3), filter(&["male"], &[]), false));
        assert_eq!(s.says("ann", pair_with(&["female"], &[], false)), Done::Waiting { since: BEGIN + secs(3) });
        s.after(secs(1));
        assert_eq!(s.usage().calls, 1);
    });
}

/// Found by the simulator (seed 21092): with the ticket the lobby was forgotten beneath its owner, its number given to the next one,
/// and whoever was there shown in the window.
fn comes_back_to_side(between: impl Fn(&mut World)) {
    story(|s| {
        s.attach("ann");
        s.says("ann", join_named("side"));
        s.says("ann", pair());
        s.restart();
        s.attach("ann");
        between(s);
        s.says("ann", join_named("side"));
        s.attach("bob");
        s.says("bob", join_named("room"));
        s.says("ann", window(5));
        assert_eq!(s.sees("ann"), [""; 0]);
    });
}

#[test]
fn pair_1_a_ticket_kept_over_a_restart_ends_with_another_lobby() {
    comes_back_to_side(|s| {
        s.says("ann", join_named("main"));
        assert_eq!(s.attach("ann/2").ticket, None);
    });
}

#[test]
fn pair_1_a_ticket_kept_over_a_restart_goes_on_in_its_lobby() {
    comes_back_to_side(|s| {
        s.says("ann", join_named("side"));
        assert!(s.attach("ann/2").ticket.is_some());
        s.says("ann", join_named("main"));
    });
}

#[test]
fn pair_1_a_wait_survives_a_restart() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.after(secs(3));
        s.says("ann", pair_with(&[], &[], true));
        s.after(secs(30));
        s.restart_after(secs(5));
        let state = s.attach("ann").ticket.expect("kept");
        assert_eq!((state.since, state.confirm), (BEGIN + secs(3), true));
        s.says("ann", join());
        s.online(["bob"]);
        s.says("bob", pair());
        s.after(secs(1));
        asked(s, "ann", "bob");
    });
}

#[test]
fn pair_1_a_ticket_sleeps_while_its_user_is_not_connected_and_ends_after_60_s_of_that() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair());
        s.closes("ann");
        s.says("bob", pair());
        s.after(just_before(MINUTE));
        assert_eq!((s.usage().calls, s.usage().tickets), (0, 2));
        let state = s.attach("ann");
        assert_eq!(state.ticket.expect("kept").since, BEGIN);
        s.says("ann", join());
        s.after(secs(1));
        s.hears("ann", "call_started bob 180 s, offers, here");
    });
    story(|s| {
        s.online(["ann"]);
        s.says("ann", pair());
        s.closes("ann");
        s.after(MINUTE);
        assert_eq!((s.usage().tickets, s.rows.tickets.len()), (0, 0));
        assert_eq!(s.attach("ann").ticket, None);
    });
}

#[test]
fn pair_1_while_the_store_is_down_tickets_keep_their_place() {
    // Two left the pool, then the room could not be stored: both in limbo.
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair());
        s.says("bob", pair());
        s.input(Input::StoreDown);
        s.after(secs(30));
        assert_eq!((s.usage().calls, s.usage().tickets), (0, 2));
        assert!(matches!(s.refused("ann", unpair(), "unavailable"), Reason::Unavailable { .. }));
        s.input(Input::StoreUp);
        s.after(secs(1));
        assert_eq!((s.usage().calls, s.usage().tickets), (1, 0));
    });
}

#[test]
fn pair_1_leaving_the_lobby_or_signing_out_ends_the_ticket() {
    // Logged-out people stayed in the queue.
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair());
        s.says("ann", leave());
        s.says("ann", join());
        s.says("bob", pair());
        s.after(secs(5));
        assert_eq!((s.usage().calls, s.usage().tickets), (0, 1));
        s.says("bob", unpair());
        assert_eq!((s.usage().tickets, s.rows.tickets.len()), (0, 0));
        s.says("bob", unpair());
    });
}

#[test]
fn pair_1_tickets_of_two_lobbies_do_not_meet() {
    story(|s| {
        s.online(["ann"]);
        s.attach("bob");
        s.says("bob", join_named("blue"));
        s.says("ann", pair());
        s.says("bob", pair());
        s.after(secs(5));
        assert_eq!(s.usage().calls, 0);
    });
}

// PAIR 2.

#[test]
fn pair_2_the_longest_wait_comes_first_and_both_waits_count() {
    story(|s| {
        // All wait for somebody who does not come; when they take anybody, they are paired in the order of their wait.
        let names = ["p4", "p1", "p5", "p2", "p0", "p3"];
        s.online(names);
        for name in names {
            s.says(name, pair_with(&["male"], &[], false));
            s.after(secs(1));
        }
        for name in names.iter().rev() {
            s.says(name, pair());
        }
        s.after(secs(1));
        for pair in names.chunks(2) {
            assert_eq!(s.rows.live_call(user(pair[0])), s.rows.live_call(user(pair[1])), "{pair:?}");
            assert!(s.rows.live_call(user(pair[0])).is_some());
        }
    });
}

#[test]
fn pair_2_with_equal_filters_nobody_is_passed_over() {
    story(|s| {
        s.online(["ann"]);
        s.says("ann", pair());
        s.after(secs(10));
        for newcomers in [["bob", "cat"], ["dan", "eve"]] {
            s.online(newcomers);
            s.says(newcomers[1], pair());
            s.says(newcomers[0], pair());
            s.after(secs(1));
        }
        assert_eq!(s.usage().tickets, 1);
        assert_eq!(s.rows.live_call(user("ann")), s.rows.live_call(user("bob")), "bob and cat came at once: the lower id is first");
        assert_eq!(s.rows.live_call(user("cat")), s.rows.live_call(user("dan")), "who was left over comes first in the next round");
    });
}

// PAIR 4.

#[test]
fn pair_4_a_pair_becomes_a_call_of_180_s_at_once() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.says("bob/2", pair());
        s.says("ann", pair());
        s.after(millis(250));
        // SIG 3: the lower id offers; CALL 11: the seat is where `pair` was said.
        s.hears("ann", "call_started bob 180 s, offers, here");
        s.hears("bob", "call_started ann 180 s, answers, elsewhere");
        s.hears("bob/2", "call_started ann 180 s, answers, here");
        assert_eq!(s.usage().tickets, 0);
        assert!(s.rows.tickets.is_empty());
    });
}

#[test]
fn pair_4_with_confirm_the_call_starts_after_both_confirmed() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair_asking());
        s.says("bob", pair());
        s.after(secs(1));
        let Some(Event::Paired(paired)) = s.next_event("bob") else { panic!("asked") };
        assert_eq!((paired.with.user, paired.seconds), (user("ann"), 180));
        let pair = pair_of(s.next_event("ann"));
        let seen = s.attach("bob/2").pair.expect("in the state too");
        assert_eq!((seen.pair, seen.with.user, seen.expires), (pair, user("ann"), paired.expires));
        s.says("ann", confirm(pair));
        assert_eq!(s.usage().calls, 0);
        s.says("ann", confirm(pair));
        assert_eq!(s.usage().calls, 0, "twice is not both");
        s.says("bob/2", confirm(pair));
        s.hears("ann", "call_started bob 180 s, offers, here");
        s.hears("bob/2", "call_started ann 180 s, answers, here");
        assert_eq!((s.usage().tickets, s.rows.tickets.len()), (0, 0));
    });
}

#[test]
fn pair_4_who_does_not_confirm_in_10_s_is_out_and_the_other_is_back_in_the_queue() {
    // The partner leaves in the countdown: told, keeps the wait, paired again without asking.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(millis(250));
        let pair = asked(s, "ann", "bob");
        s.says("ann", confirm(pair));
        s.after(just_before(secs(10)));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "pair_ended timeout, waiting");
        s.hears("bob", "pair_ended timeout, out");
        assert!(s.tries("bob", confirm(pair)).is_err());
        s.says("cat", pair_asking());
        s.after(secs(1));
        asked(s, "ann", "cat");
        assert_eq!(s.attach("ann/2").ticket.expect("kept").since, BEGIN);
    });
}

#[test]
fn pair_4_unpair_refuses_an_open_pair_too() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        asked(s, "ann", "bob");
        s.skips("bob/2");
        s.says("bob", unpair());
        s.hears("ann", "pair_ended refused, waiting");
        s.hears("bob/2", "pair_ended refused, out");
        s.hears_nothing("bob");
        assert_eq!(s.usage().tickets, 1);
    });
}

#[test]
fn pair_4_whoever_goes_away_while_asked_leaves_the_other_waiting() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        asked(s, "ann", "bob");
        s.closes("bob");
        s.hears("ann", "pair_ended refused, waiting");
        s.says("cat", pair_asking());
        s.after(secs(1));
        asked(s, "ann", "cat");
    });
}

#[test]
fn pair_4_whoever_gets_into_another_call_leaves_the_other_waiting() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        let pair = asked(s, "ann", "bob");
        s.says("ann", confirm(pair));
        s.call("cat", "bob", 60);
        s.hears("ann", "pair_ended busy, waiting");
        assert!(s.tries("bob", confirm(pair)).is_err());
        assert_eq!(s.usage().calls, 1);
    });
}

#[test]
fn pair_4_a_pair_is_confirmed_by_its_two_only() {
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        let pair = asked(s, "ann", "bob");
        s.refused("eve", confirm(pair), "not_yours");
        s.refused("eve", confirm(PairId(77)), "unknown_invite");
        s.says("ann", confirm(pair));
        s.refused("eve", confirm(pair), "not_yours");
        assert_eq!(s.usage().calls, 0);
    });
}

#[test]
fn pair_4_a_block_ends_an_open_pair() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair_asking());
        s.says("bob", pair_asking());
        s.after(secs(1));
        let pair = asked(s, "ann", "bob");
        s.says("ann", confirm(pair));
        s.says("bob", block("ann"));
        assert!(matches!(s.next_event("ann"), Some(Event::PairEnded { waiting: true, .. })));
        assert!(s.tries("bob", confirm(pair)).is_err());
        s.after(secs(5));
        assert_eq!((s.usage().calls, s.usage().tickets), (0, 2));
    });
}

#[test]
fn pair_4_a_pair_found_in_the_grace_is_a_pair() {
    // INV 11: whoever is in the grace is present.
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", pair());
        s.loses("ann");
        s.says("bob", pair());
        s.after(secs(1));
        s.hears("bob", "call_started ann 180 s, answers, here");
        s.hears("bob", "peer_link reconnecting until 10");
        s.resumes("ann");
        s.hears("bob", "peer_link back");
        s.hears("ann", "call_started bob 180 s, offers, here");
    });
}
