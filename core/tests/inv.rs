//! Invites (INV 1–11): who may ring whom, for how long, and how a ring ends.

mod common;

use common::*;
use duologue_core::kit::ids::{CallId, InviteId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Done, Event, Reason};

fn expires(done: Done) -> Millis {
    match done {
        Done::Invited { expires, .. } | Done::Expires { expires } => expires,
        other => panic!("a ring has an end: {other:?}"),
    }
}

fn call_of(done: Done) -> CallId {
    match done {
        Done::Call { call } => call,
        other => panic!("a call: {other:?}"),
    }
}

const NO_RING: InviteId = InviteId(77);

// INV 1.

#[test]
fn inv_1_seconds_lie_between_60_and_1800() {
    story(|s| {
        s.online(["ann", "bob"]);
        for seconds in [0, 1, 59, 1_801, u32::MAX] {
            s.refused("ann", invite("bob", seconds), "invalid_duration");
        }
        s.hears_nothing("bob");
        let ring = s.rings("ann", "bob", 60);
        s.hears("bob", "rang ann 60 s until 20");
        s.says("ann", rescind(ring));
        s.after(HOUR);
        s.rings("ann", "bob", 1_800);
    });
}

#[test]
fn inv_1_refusals_come_in_the_order_of_the_rule() {
    story_with(
        |rules, _| {
            rules.rate_rings = duologue_core::kit::buckets::Rate::per(1, HOUR, 3);
        },
        |s| {
            s.online(["ann", "bob"]);
            s.refused("ann", invite("ann", 59), "invalid_duration");
            s.refused("ann", invite("ann", 60), "invalid_target");
            // Neither has cost a ring yet: the rate is judged third.
            for _ in 0..3 {
                s.refused("ann", invite("nobody", 60), "offline");
            }
            s.refused("ann", invite("ann", 60), "invalid_target");
            s.refused("ann", invite("nobody", 60), "rate_limited");
            s.refused("ann", invite("bob", 60), "rate_limited");
        },
    );
    // offline, cooldown, not_in_lobby, busy, too_many_invites: each hides the ones after it.
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        let ring = s.rings("bob", "ann", 60);
        s.says("ann", decline(ring));
        s.call("bob", "cat", 1_800);
        s.rings("ann", "dan", 60);
        s.refused("ann", invite("bob", 60), "cooldown");
        s.says("cat", leave());
        s.refused("ann", invite("cat", 60), "not_in_lobby");
        s.says("cat", join());
        s.refused("ann", invite("cat", 60), "busy");
        s.closes("bob");
        s.refused("ann", invite("bob", 60), "offline");
        s.refused("ann", invite("cat", 60), "too_many_invites");
    });
}

#[test]
fn inv_1_whoever_does_not_exist_is_offline_as_is_whoever_went_and_whoever_hides() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.knows("dan");
        s.closes("bob");
        s.says("cat", block("ann"));
        for whom in ["nobody", "dan", "bob", "cat"] {
            assert_eq!(s.refused("ann", invite(whom, 60), "offline"), Reason::Offline, "{whom}");
        }
        assert_eq!(s.refused("cat", invite("ann", 60), "offline"), Reason::Offline, "who blocks does not ring either");
    });
}

#[test]
fn inv_1_the_refusal_for_cooldown_says_when_it_ends() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        s.after(secs(3));
        s.says("bob", decline(ring));
        let until = told::BEGIN + secs(3) + DAY;
        assert_eq!(s.refused("ann", invite("bob", 60), "cooldown"), Reason::Cooldown { until });
    });
}

#[test]
fn inv_1_the_caller_need_not_be_in_the_lobby_but_the_callee_must() {
    story(|s| {
        s.online(["bob"]);
        s.attach("ann");
        s.refused("bob", invite("ann", 60), "not_in_lobby");
        let ring = s.rings("ann", "bob", 60);
        call_of(s.says("bob", accept(ring, 60)));
    });
}

// INV 2.

#[test]
fn inv_2_a_caller_has_one_invite_out() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.rings("ann", "bob", 60);
        s.refused("ann", invite("cat", 60), "too_many_invites");
        s.refused("ann", invite("bob", 60), "too_many_invites");
        s.after(secs(20));
        s.rings("ann", "cat", 60);
    });
}

#[test]
fn inv_2_a_callee_has_at_most_eight_in() {
    story(|s| {
        s.online(["zoe"]);
        let callers = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];
        for caller in callers {
            s.attach(caller);
            s.rings(caller, "zoe", 60);
        }
        s.attach("a9");
        s.refused("a9", invite("zoe", 60), "too_many_invites");
        // Out and in are counted apart.
        s.online(["yan"]);
        s.rings("zoe", "yan", 60);
    });
}

// INV 3.

#[test]
fn inv_3_a_ring_ends_by_itself_after_20_s_without_cooldown_s3() {
    // S3: the announced time to live was only text.
    story(|s| {
        s.online(["ann", "bob"]);
        assert_eq!(expires(s.says("ann", invite("bob", 300))), told::BEGIN + secs(20));
        s.hears("bob", "rang ann 300 s until 20");
        s.after(just_before(secs(20)));
        s.hears_nothing("bob");
        s.after(millis(1));
        s.hears("ann", "invite_ended expired");
        s.hears("bob", "invite_ended expired");
        s.rings("ann", "bob", 300);
    });
}

#[test]
fn inv_3_an_accept_read_at_its_end_or_later_is_expired() {
    for late in [secs(20), secs(21), secs(79)] {
        story(|s| {
            s.online(["ann", "bob"]);
            let ring = s.rings("ann", "bob", 300);
            s.after(late);
            s.refused("bob", accept(ring, 300), "expired");
            s.refused("bob", decline(ring), "expired");
            s.refused("ann", rescind(ring), "expired");
            s.refused("ann", extend_invite(ring), "expired");
            assert_eq!(s.usage().calls, 0);
        });
    }
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.after(just_before(secs(20)));
        s.says("bob", accept(ring, 300));
    });
}

#[test]
fn inv_3_the_end_of_a_ring_is_known_for_a_minute_then_it_is_unknown() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.after(just_before(secs(80)));
        s.refused("bob", accept(ring, 300), "expired");
        s.after(millis(1));
        s.refused("bob", accept(ring, 300), "unknown_invite");
    });
}

#[test]
fn inv_3_the_caller_extends_by_20_s_up_to_five_minutes_and_the_callee_is_told() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.hears("bob", "rang ann 300 s until 20");
        for step in 2..=15 {
            assert_eq!(expires(s.says("ann", extend_invite(ring))), told::BEGIN + secs(20 * step));
            s.hears("bob", &format!("invite_extended to {}", 20 * step));
        }
        s.refused("ann", extend_invite(ring), "invalid_duration");
        s.hears_nothing("bob");
        s.hears_nothing("ann");
        s.after(just_before(Span::mins(5)));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "invite_ended expired");
    });
}

#[test]
fn inv_3_a_ring_is_extended_only_while_its_callee_has_fewer_than_four_in() {
    story(|s| {
        s.online(["zoe"]);
        for caller in ["a1", "a2", "a3"] {
            s.attach(caller);
        }
        let first = s.rings("a1", "zoe", 60);
        s.rings("a2", "zoe", 60);
        s.rings("a3", "zoe", 60);
        s.says("a1", extend_invite(first));
        s.attach("a4");
        let fourth = s.rings("a4", "zoe", 60);
        s.refused("a1", extend_invite(first), "too_many_invites");
        s.refused("a4", extend_invite(fourth), "too_many_invites");
        s.says("a4", rescind(fourth));
        s.says("a1", extend_invite(first));
    });
}

#[test]
fn inv_3_a_ring_whose_caller_is_lost_when_it_ends_counts_as_rescinded_s24() {
    // S24: a dead caller's invite could be accepted; here it ends at its end, and the pair is cooled.
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("ann", "bob", 300);
        s.hears("bob", "rang ann 300 s until 20");
        s.after(secs(15));
        s.loses("ann");
        s.after(secs(5));
        s.hears("bob", "invite_ended rescinded, cooled to 3620");
        s.resumes("ann");
        s.hears("ann", "invite_ended rescinded");
        s.refused("ann", invite("bob", 300), "cooldown");
    });
}

#[test]
fn inv_3_a_ring_of_a_lost_caller_counts_as_unanswered_for_nobody() {
    story(|s| {
        s.online(["bob"]);
        for caller in ["ann", "cat", "dan"] {
            s.attach(caller);
            s.rings(caller, "bob", 60);
            s.after(secs(15));
            s.loses(caller);
            s.after(secs(5));
        }
        s.skips("bob");
        s.after(MINUTE);
        s.hears_nothing("bob");
        assert_eq!(s.usage().available, 1, "INV 10 takes nobody out for rings that were taken back");
    });
}

// INV 4.

#[test]
fn inv_4_only_the_callee_accepts_s1() {
    // S1: anyone who knew an invite's id could accept it.
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let ring = s.rings("ann", "bob", 300);
        s.hears("bob", "rang ann 300 s until 20");
        s.refused("eve", accept(ring, 300), "not_yours");
        s.refused("ann", accept(ring, 300), "not_yours");
        assert_eq!(s.usage().calls, 0);
        s.hears_nothing("ann");
        s.hears_nothing("bob");
        s.says("bob", accept(ring, 300));
    });
}

#[test]
fn inv_4_only_the_callee_declines_s2() {
    // S2: any socket could decline for others and so set a cooldown of 24 h.
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let ring = s.rings("ann", "bob", 300);
        s.refused("eve", decline(ring), "not_yours");
        s.refused("ann", decline(ring), "not_yours");
        assert!(s.rows.cooldowns.is_empty());
        s.hears_nothing("ann");
        s.says("bob", decline(ring));
    });
}

#[test]
fn inv_4_only_the_caller_extends_s4() {
    // S4: anyone could extend anyone's ring.
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let ring = s.rings("ann", "bob", 300);
        s.refused("eve", extend_invite(ring), "not_yours");
        s.refused("bob", extend_invite(ring), "not_yours");
        s.after(secs(20));
        s.hears("ann", "invite_ended expired");
    });
}

#[test]
fn inv_4_only_the_caller_rescinds() {
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let ring = s.rings("ann", "bob", 300);
        s.refused("eve", rescind(ring), "not_yours");
        s.refused("bob", rescind(ring), "not_yours");
        assert!(s.rows.cooldowns.is_empty());
        s.says("ann", rescind(ring));
    });
}

#[test]
fn inv_4_an_invite_never_given_out_is_unknown_and_one_that_ended_is_still_not_yours() {
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        for command in [accept(NO_RING, 300), decline(NO_RING), rescind(NO_RING), extend_invite(NO_RING)] {
            s.refused("eve", command, "unknown_invite");
        }
        let ring = s.rings("ann", "bob", 300);
        s.says("bob", decline(ring));
        for command in [accept(ring, 300), decline(ring), rescind(ring), extend_invite(ring)] {
            s.refused("eve", command, "not_yours");
        }
        // The invite comes before the ranges.
        s.refused("eve", accept(ring, 1), "not_yours");
        s.refused("bob", accept(ring, 1), "answered");
    });
}

// INV 5.

#[test]
fn inv_5_the_call_lasts_half_of_what_both_said_rounded_down() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.skips("bob");
        s.says("bob", accept(ring, 61));
        s.hears("ann", "invite_ended accepted");
        s.hears("ann", "call_started bob 180 s, offers, here");
        s.hears("bob", "call_started ann 180 s, answers, here");
    });
}

#[test]
fn inv_5_the_callee_s_seconds_are_within_the_same_range() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        for seconds in [0, 59, 1_801, u32::MAX] {
            s.refused("bob", accept(ring, seconds), "invalid_duration");
        }
        s.hears_nothing("ann");
        s.says("bob", accept(ring, 1_800));
    });
}

// INV 6.

#[test]
fn inv_6_of_two_racing_accepts_one_makes_a_call_s1() {
    // S1: two callers could both be accepted.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let from_ann = s.rings("ann", "bob", 300);
        let from_cat = s.rings("cat", "bob", 300);
        s.says("bob", accept(from_ann, 300));
        s.refused("bob", accept(from_cat, 300), "answered");
        s.hears("cat", "invite_ended busy");
        s.hears_nothing("cat");
        assert_eq!(s.usage().calls, 1);
    });
}

#[test]
fn inv_6_all_other_rings_of_both_end_with_busy_in_and_out_s9() {
    // S9: invites to somebody who had left stayed.
    story(|s| {
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        let ring = s.rings("ann", "bob", 300);
        s.rings("bob", "cat", 300);
        s.rings("dan", "bob", 300);
        s.rings("eve", "ann", 300);
        s.skips("bob");
        s.skips("ann");
        s.skips("cat");
        s.says("bob", accept(ring, 300));
        s.hears("cat", "invite_ended busy");
        s.hears("dan", "invite_ended busy");
        s.hears("eve", "invite_ended busy");
        // Each ring's end is told to both sides, also to the device that accepted the other one.
        for who in ["ann", "bob"] {
            let mut heard = Vec::new();
            while let Some(event) = s.next_event(who) {
                heard.push(told::told(&event));
            }
            assert_eq!(heard.iter().filter(|line| *line == "invite_ended busy").count(), if who == "ann" { 1 } else { 2 }, "{heard:?}");
            assert!(heard.last().is_some_and(|line| line.starts_with("call_started")), "{heard:?}");
        }
        assert_eq!(s.usage().invites, 0);
        let until = told::BEGIN + DAY;
        assert_eq!(s.rows.cooldowns.values().collect::<Vec<_>>(), [&until], "busy cools nobody");
    });
}

#[test]
fn inv_6_whoever_left_cannot_be_accepted() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.closes("ann");
        s.refused("bob", accept(ring, 300), "answered");
        assert_eq!(s.usage().calls, 0);
    });
}

// INV 7.

#[test]
fn inv_7_crossed_invites_start_one_call_at_once_averaged() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("bob", "ann", 301);
        s.hears("ann", "rang bob 301 s until 20");
        call_of(s.says("ann", invite("bob", 60)));
        s.hears("bob", "invite_ended accepted");
        // SIG 3: the lower user id makes the offer, whoever rang first.
        s.hears("bob", "call_started ann 180 s, answers, here");
        s.hears("ann", "call_started bob 180 s, offers, here");
        s.hears_nothing("ann");
        assert_eq!((s.usage().calls, s.usage().invites), (1, 0));
    });
}

#[test]
fn inv_7_crossing_is_decided_before_too_many_invites() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.rings("ann", "cat", 60);
        s.rings("bob", "ann", 60);
        call_of(s.says("ann", invite("bob", 60)));
        s.skips("cat");
        assert_eq!(s.usage().invites, 0);
    });
}

// INV 8.

#[test]
fn inv_8_a_decline_cools_the_pair_for_a_day() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.hears("bob", "rang ann 300 s until 20");
        assert_eq!(s.says("bob", decline(ring)), Done::Cooled { cooldown_until: told::BEGIN + DAY });
        s.hears("ann", "invite_ended declined, cooled to 86400");
        s.hears_nothing("bob");
        s.after(just_before(DAY));
        s.refused("ann", invite("bob", 300), "cooldown");
        s.refused("bob", invite("ann", 300), "cooldown");
        s.after(millis(1));
        s.rings("ann", "bob", 300);
    });
}

#[test]
fn inv_8_taking_it_back_cools_the_pair_for_an_hour() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.skips("bob");
        assert_eq!(s.says("ann", rescind(ring)), Done::Cooled { cooldown_until: told::BEGIN + HOUR });
        s.hears("bob", "invite_ended rescinded, cooled to 3600");
        s.hears_nothing("ann");
        s.after(just_before(HOUR));
        s.refused("bob", invite("ann", 300), "cooldown");
        s.after(millis(1));
        s.rings("bob", "ann", 300);
    });
}

#[test]
fn inv_8_a_caller_who_leaves_the_lobby_while_ringing_has_taken_it_back() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.rings("ann", "bob", 300);
        s.skips("bob");
        s.says("ann", leave());
        s.hears("bob", "invite_ended rescinded, cooled to 3600");
        s.hears_nothing("ann");
        s.hears("ann/2", "invite_ended rescinded");
    });
}

#[test]
fn inv_8_a_caller_lost_beyond_the_grace_has_taken_it_back() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.rings("ann", "bob", 300);
        s.skips("bob");
        s.loses("ann");
        s.after(just_before(secs(10)));
        s.hears_nothing("bob");
        s.after(millis(1));
        s.hears("bob", "invite_ended caller_lost, cooled to 3610");
    });
}

#[test]
fn inv_8_a_caller_who_closes_the_last_connection_has_taken_it_back_at_once() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.rings("ann", "bob", 300);
        s.skips("bob");
        s.closes("ann");
        s.hears_nothing("bob");
        s.closes("ann/2");
        s.hears("bob", "invite_ended caller_lost, cooled to 3600");
    });
}

#[test]
fn inv_8_a_callee_who_goes_away_cools_nobody() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.rings("ann", "bob", 300);
        s.skips("bob/2");
        s.says("bob", leave());
        s.hears("ann", "invite_ended callee_lost");
        s.hears("bob/2", "invite_ended callee_lost");
        s.says("bob", join());
        s.rings("ann", "bob", 300);
        s.closes("bob");
        s.hears_nothing("ann");
        s.loses("bob/2");
        s.after(secs(10));
        s.hears("ann", "invite_ended callee_lost");
        assert!(s.rows.cooldowns.is_empty());
    });
}

#[test]
fn inv_8_a_cooldown_is_never_shortened() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.says("bob", decline(ring));
        // A call that ends, a block, a restart: nothing moves it (the rows check every write).
        s.says("ann", block("bob"));
        s.says("ann", unblock("bob"));
        s.restart();
        s.online(["ann", "bob"]);
        let until = told::BEGIN + DAY;
        assert_eq!(s.refused("ann", invite("bob", 300), "cooldown"), Reason::Cooldown { until });
    });
}

// INV 9.

#[test]
fn inv_9_all_devices_ring_and_the_first_answer_wins() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.attach("ann/2");
        let ring = s.rings("ann", "bob", 300);
        s.hears("bob", "rang ann 300 s until 20");
        s.hears("bob/2", "rang ann 300 s until 20");
        s.hears_nothing("ann/2");
        s.says("bob/2", accept(ring, 300));
        s.hears("bob", "invite_ended answered_elsewhere");
        s.hears("bob", "call_started ann 300 s, answers, elsewhere");
        s.hears("bob/2", "call_started ann 300 s, answers, here");
        for device in ["ann", "ann/2"] {
            s.hears(device, "invite_ended accepted");
        }
        s.hears("ann", "call_started bob 300 s, offers, here");
        s.hears("ann/2", "call_started bob 300 s, offers, elsewhere");
        s.refused("bob", decline(ring), "answered");
        s.refused("bob", accept(ring, 300), "answered");
        for device in ["ann", "ann/2", "bob", "bob/2"] {
            s.hears_nothing(device);
        }
    });
}

#[test]
fn inv_9_a_decline_on_one_device_silences_the_others() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.attach("ann/2");
        let ring = s.rings("ann", "bob", 300);
        s.skips("bob");
        s.says("bob/2", decline(ring));
        s.hears("bob", "invite_ended answered_elsewhere");
        s.hears("ann", "invite_ended declined, cooled to 86400");
        s.hears("ann/2", "invite_ended declined, cooled to 86400");
        s.refused("bob", accept(ring, 300), "answered");
        assert_eq!(s.usage().calls, 0);
    });
}

#[test]
fn inv_9_a_device_that_comes_while_it_rings_finds_the_ring_in_its_state() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        let state = s.attach("bob/2");
        assert_eq!(state.invites.len(), 1);
        let seen = &state.invites[0];
        assert_eq!(
            (seen.invite, seen.out, seen.card.user, seen.seconds, seen.expires),
            (ring, false, user("ann"), 300, told::BEGIN + secs(20))
        );
        let own = s.attach("ann/2");
        assert_eq!((own.invites[0].out, own.invites[0].card.user), (true, user("bob")));
        s.hears_nothing("bob/2");
        s.says("bob/2", accept(ring, 300));
        s.hears("bob/2", "call_started ann 300 s, answers, here");
    });
}

// INV 10.

#[test]
fn inv_10_two_rings_in_a_row_unanswered_take_the_callee_out() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.rings("ann", "bob", 300);
        s.after(secs(20));
        assert_eq!(s.usage().available, 3);
        s.rings("cat", "bob", 300);
        s.skips("bob");
        s.after(secs(20));
        s.hears("bob", "invite_ended expired");
        s.hears("bob", "left main away");
        assert_eq!(s.usage().available, 2);
        s.refused("ann", invite("bob", 300), "not_in_lobby");
        s.says("bob", join());
        s.rings("ann", "bob", 300);
    });
}

#[test]
fn inv_10_a_command_in_between_shows_that_somebody_is_there() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        for caller in ["ann", "cat"] {
            s.rings(caller, "bob", 300);
            s.after(secs(10));
            s.says("bob", window(5));
            s.after(secs(10));
        }
        assert_eq!(s.usage().available, 3);
        s.rings("ann", "bob", 300);
        s.after(secs(20));
        assert_eq!(s.usage().available, 3, "one since the last command");
    });
}

#[test]
fn inv_10_only_an_expired_ring_is_an_unanswered_one() {
    story(|s| {
        s.online(["bob"]);
        for caller in ["ann", "cat", "dan"] {
            s.attach(caller);
            let ring = s.rings(caller, "bob", 300);
            s.says(caller, rescind(ring));
        }
        for caller in ["eve", "fay", "gus"] {
            s.attach(caller);
            s.rings(caller, "bob", 300);
            s.closes(caller);
        }
        s.after(MINUTE);
        assert_eq!(s.usage().available, 1);
    });
}

#[test]
fn inv_10_the_third_unanswered_ring_within_an_hour_cools_the_pair_for_an_hour() {
    story(|s| {
        s.online(["ann", "bob"]);
        for _ in 0..2 {
            s.rings("ann", "bob", 300);
            s.after(secs(20));
            s.hears("ann", "invite_ended expired");
            s.says("bob", join());
        }
        s.rings("ann", "bob", 300);
        s.after(secs(20));
        s.hears("ann", "invite_ended expired, cooled to 3660");
        s.hears_nothing("ann");
        s.refused("ann", invite("bob", 300), "cooldown");
    });
    story(|s| {
        s.online(["ann", "bob"]);
        for _ in 0..4 {
            s.rings("ann", "bob", 300);
            s.after(Span::mins(31));
            s.hears("ann", "invite_ended expired");
            s.says("bob", join());
        }
    });
}

// INV 11.

#[test]
fn inv_11_a_callee_in_the_grace_may_be_rung_and_finds_the_ring() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.loses("bob");
        let ring = s.rings("ann", "bob", 300);
        s.after(secs(5));
        let state = s.resumes("bob");
        assert_eq!(state.invites[0].invite, ring);
        s.hears("bob", "rang ann 300 s until 20");
        s.says("bob", accept(ring, 300));
    });
}

#[test]
fn inv_11_a_caller_in_the_grace_may_be_accepted_and_the_callee_is_told_at_once() {
    // The caller loses the network, the callee answers: nobody is left in a dead call.
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.skips("bob");
        s.after(secs(2));
        s.loses("ann");
        s.after(secs(3));
        s.says("bob", accept(ring, 300));
        s.hears("bob", "call_started ann 300 s, answers, here");
        s.hears("bob", "peer_link reconnecting until 12");
        s.after(secs(7));
        s.hears("bob", "call_ended peer_lost 7 s");
        assert_eq!(s.usage().calls, 0);
    });
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 300);
        s.loses("ann");
        s.says("bob", accept(ring, 300));
        s.skips("bob");
        let state = s.resumes("ann");
        assert!(state.call.is_some_and(|call| call.started.here));
        s.hears("bob", "peer_link back");
        assert!(matches!(s.next_event("ann"), Some(Event::InviteEnded { .. })));
        s.hears("ann", "call_started bob 300 s, offers, here");
    });
}
