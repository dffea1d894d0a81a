//! Presence (PRE 1–6): who is told of a change, when, and that nobody is shown who is not there.

mod common;

use common::*;
use duologue_core::kit::time::Span;
use duologue_core::output::Output;

/// Views of all connections since a place in the transcript.
fn views(s: &World, from: usize) -> usize {
    s.transcript[from..].iter().filter(|output| matches!(output, Output::View { .. })).count()
}

#[test]
fn pre_1_a_change_is_told_to_its_watchers_only_s14() {
    // S14: every change went to everybody.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.attach("dan");
        s.attach("eve");
        s.says("eve", join_named("other"));
        s.says("eve", window(20));
        s.says("ann", window(20));
        s.says("bob", window_of(20, &["female"], &[]));
        s.after(secs(5));
        let from = s.transcript.len();
        s.says("cat", leave());
        s.after(secs(5));
        let told: Vec<_> =
            s.transcript[from..].iter().filter(|output| !matches!(output, Output::Event { to, .. } if *to == s.link("cat"))).collect();
        assert!(told.iter().all(|output| matches!(output, Output::View { to, .. } if *to == s.link("ann"))), "{told:?}");
        assert_eq!(told.len(), 1);
    });
}

#[test]
fn pre_1_what_a_change_costs_does_not_grow_with_the_number_of_people_online() {
    let told = |crowd: usize| {
        let mut s = World::new(Default::default(), Default::default(), Driver::Punctual);
        s.online(["ann", "bob"]);
        s.says("ann", window(5));
        for n in 0..crowd {
            s.attach(&format!("c{n}"));
        }
        s.after(secs(5));
        let from = s.transcript.len();
        s.says("bob", leave());
        s.says("bob", join());
        s.after(secs(5));
        s.transcript.len() - from
    };
    assert_eq!(told(0), told(100));
}

#[test]
fn pre_1_the_count_of_the_available_never_causes_a_delta() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window_of(20, &["female"], &[]));
        s.after(secs(5));
        let views_before = s.views("ann");
        for device in ["c1", "c2", "c3"] {
            s.online([device]);
        }
        s.after(secs(5));
        assert_eq!(s.views("ann"), views_before);
        // It rides on what leaves anyway.
        s.knows_as("fay", "female", &[]);
        s.online(["fay"]);
        s.after(secs(1));
        assert_eq!((s.views("ann"), s.window("ann").expect("open").available), (views_before + 1, 6));
    });
}

#[test]
fn pre_2_changes_are_coalesced_to_one_delta_a_second_and_the_last_state_arrives_s15() {
    // S15: the debounce dropped the last state.
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(20));
        s.after(secs(10));
        let before = s.views("ann");
        for _ in 0..50 {
            s.says("bob", leave());
            s.after(millis(50));
            s.says("bob", join());
            s.after(millis(50));
        }
        s.says("bob", leave());
        assert!(s.views("ann") - before <= 6, "five seconds: {}", s.views("ann") - before);
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.says("bob", join());
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob"]);
    });
}

#[test]
fn pre_2_of_a_thousand_changes_in_a_second_each_watcher_gets_one_delta() {
    story(|s| {
        s.online(["ann"]);
        s.says("ann", window(50));
        let people: Vec<String> = (0..30).map(|n| format!("p{n}")).collect();
        for person in &people {
            s.attach(person);
        }
        s.after(secs(2));
        let from = s.transcript.len();
        for _ in 0..3 {
            for person in &people {
                s.says(person, join());
            }
            s.after(millis(100));
            for person in &people {
                s.says(person, leave());
            }
            s.after(millis(100));
        }
        s.after(secs(3));
        assert!(views(s, from) <= 2, "{}", views(s, from));
        assert_eq!(s.sees("ann"), [""; 0]);
    });
}

#[test]
fn pre_3_what_is_said_already_is_not_said_again() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(20));
        s.after(secs(5));
        let before = s.views("ann");
        for _ in 0..5 {
            s.says("bob", join());
            s.loses("bob");
            s.resumes("bob");
            s.after(secs(2));
        }
        assert_eq!(s.views("ann"), before);
    });
}

#[test]
fn pre_4_nobody_offline_is_shown_as_available_s9() {
    // S9: an offline person was announced as available.
    story(|s| {
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        s.says("ann", window(20));
        s.after(secs(2));
        assert_eq!(s.sees("ann"), ["bob", "cat", "dan", "eve"]);
        s.closes("bob");
        s.says("cat", leave());
        s.loses("dan");
        s.attach("eve/2");
        s.closes("eve");
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["dan", "eve"], "dan's loss is hidden yet, eve has another connection");
        s.after(secs(10));
        assert_eq!(s.sees("ann"), ["eve"]);
        assert_eq!(s.window("ann").expect("open").available, 2);
    });
}

#[test]
fn pre_4_a_call_that_ends_announces_nobody_who_left_meanwhile() {
    // "Both set available after one had left" cannot be.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("cat", window(20));
        let call = s.call("ann", "bob", 60);
        s.attach("bob/2");
        s.says("bob/2", leave());
        s.says("ann", hang_up(call));
        s.closes("ann");
        s.after(secs(2));
        assert_eq!(s.sees("cat"), [""; 0]);
    });
}

#[test]
fn pre_5_after_a_silent_death_every_watcher_is_right_within_grace_and_a_second_s7() {
    // S7: after a lost link the clean-up never ran.
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(20));
        s.after(secs(3));
        s.loses("bob");
        s.after(secs(11));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.refused("ann", invite("bob", 60), "offline");
    });
}

#[test]
fn pre_5_after_a_restart_everybody_is_absent_until_they_attach_again() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.restart();
        assert_eq!((s.usage().links_live, s.usage().available), (0, 0));
        s.online(["ann"]);
        s.says("ann", window(20));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.refused("ann", invite("bob", 60), "offline");
        s.attach("bob");
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0], "back, and not in the lobby yet");
        s.says("bob", join());
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob"]);
    });
}

#[test]
fn pre_6_a_user_offline_for_an_hour_leaves_memory_and_comes_back_whole() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("bob", block("cat"));
        let ring = s.rings("ann", "bob", 60);
        s.says("bob", decline(ring));
        s.says("bob", named("Robert"));
        s.closes("bob");
        s.after(just_before(HOUR));
        assert_eq!(s.usage().users, 3);
        s.after(millis(1));
        assert_eq!(s.usage().users, 2);
        s.online(["bob"]);
        s.refused("ann", invite("bob", 60), "cooldown");
        s.refused("bob", invite("ann", 60), "cooldown");
        s.refused("cat", invite("bob", 60), "offline");
        assert_eq!(s.rows.people[&user("bob")].name, "Robert");
    });
}

#[test]
fn pre_6_nobody_in_a_call_or_waiting_leaves_memory() {
    story_with(
        |rules, _| {
            rules.forget = secs(5);
            rules.recovery = MINUTE;
        },
        |s| {
            s.online(["ann", "bob", "cat"]);
            s.says("cat", pair());
            s.call("ann", "bob", 600);
            s.restart();
            s.after(secs(30));
            assert_eq!((s.usage().users, s.usage().calls, s.usage().tickets), (3, 1, 1));
            s.after(Span::mins(2));
            assert_eq!((s.usage().users, s.usage().calls, s.usage().tickets), (0, 0, 0));
        },
    );
}
