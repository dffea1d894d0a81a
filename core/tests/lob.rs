//! Lobby and windows (LOB 1–4, 6, 7): who is available, and whom a viewer sees.

mod common;

use common::*;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Done, Patch, ProfilePatch};
use std::collections::BTreeMap;

fn people(s: &mut World, n: usize) -> Vec<String> {
    let names: Vec<String> = (0..n).map(|i| format!("p{i:03}")).collect();
    for name in &names {
        s.attach(name);
        s.says(name, join());
    }
    names
}

/// The marked end of a cooldown of somebody in a window.
fn cooldown(s: &World, viewer: &str, shown: &str) -> Option<Millis> {
    let mirror = s.window(viewer).expect("open");
    let (_, marks) = mirror.places.values().find(|(who, _)| *who == user(shown)).expect("shown");
    marks.cooldown_until
}

// LOB 1.

#[test]
fn lob_1_join_makes_available_and_leave_a_call_and_the_end_of_grace_end_it_s7() {
    // S7: a ghost stayed available.
    story(|s| {
        s.attach("ann");
        assert_eq!(s.usage().available, 0);
        assert_eq!(s.says("ann", join()), Done::Joined { lobby: "main".into() });
        assert_eq!(s.usage().available, 1);
        s.says("ann", leave());
        assert_eq!(s.usage().available, 0);
        s.online(["bob"]);
        s.says("ann", join());
        let call = s.call("ann", "bob", 60);
        assert_eq!(s.usage().available, 0);
        s.says("ann", hang_up(call));
        assert_eq!(s.usage().available, 2);
        s.loses("ann");
        s.after(just_before(secs(10)));
        assert_eq!(s.usage().available, 2);
        s.after(millis(1));
        assert_eq!(s.usage().available, 1);
    });
}

#[test]
fn lob_1_the_lobby_belongs_to_the_user_whichever_connection_joined() {
    story(|s| {
        s.online(["ann"]);
        assert_eq!(s.attach("ann/2").lobby.as_deref(), Some("main"));
        s.closes("ann");
        assert_eq!(s.usage().available, 1);
        s.says("ann/2", window(5));
        s.closes("ann/2");
        assert_eq!(s.usage().available, 0);
        assert_eq!(s.attach("ann").lobby, None);
    });
}

#[test]
fn lob_1_join_in_a_call_takes_effect_at_its_end() {
    story(|s| {
        s.online(["bob", "cat"]);
        s.attach("ann");
        s.says("cat", window(5));
        let call = s.call("ann", "bob", 60);
        s.says("ann", join());
        s.after(secs(2));
        assert_eq!(s.sees("cat"), [""; 0]);
        s.says("bob", hang_up(call));
        s.after(secs(2));
        assert_eq!(s.sees("cat"), ["ann", "bob"]);
    });
}

#[test]
fn lob_1_one_lobby_at_a_time_and_people_of_another_one_are_not_seen() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(5));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob"]);
        assert_eq!(s.says("bob", join_named("blue")), Done::Joined { lobby: "blue".into() });
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.says("ann", join_named("blue"));
        assert!(s.window("ann").is_none(), "a window is of a lobby");
        s.says("ann", window(5));
        assert_eq!(s.sees("ann"), ["bob"]);
    });
}

// LOB 2.

#[test]
fn lob_2_a_window_is_open_to_those_in_the_lobby_only() {
    story(|s| {
        s.attach("ann");
        s.refused("ann", window(5), "not_in_lobby");
        s.says("ann", join());
        s.says("ann", window(5));
        assert!(s.window("ann").is_some());
        s.says("ann", leave());
        assert!(s.window("ann").is_none());
        s.says("ann", join());
        assert!(s.window("ann").is_none(), "it is opened again by whoever wants it");
    });
}

#[test]
fn lob_2_a_window_has_20_places_at_most_50_s20() {
    // S20: lists without a limit.
    story(|s| {
        s.online(["ann"]);
        assert_eq!(s.says("ann", window(0)), Done::Window { size: 20 });
        assert_eq!(s.says("ann", window(u32::MAX)), Done::Window { size: 50 });
        assert_eq!(s.says("ann", window(51)), Done::Window { size: 50 });
        people(s, 60);
        s.after(secs(2));
        assert_eq!(s.sees("ann").len(), 50);
        assert_eq!(s.says("ann", window(7)), Done::Window { size: 7 });
        assert_eq!(s.sees("ann").len(), 7, "a second one replaces the first");
        s.says("ann", window_close());
        assert!(s.window("ann").is_none());
        let views = s.views("ann");
        s.says("p000", leave());
        s.after(secs(2));
        assert_eq!(s.views("ann"), views);
    });
}

#[test]
fn lob_2_if_at_most_size_may_be_shown_all_are_and_else_exactly_size() {
    story(|s| {
        let names = people(s, 30);
        for (viewer, size) in [("p000", 10), ("p001", 29), ("p002", 30), ("p003", 50)] {
            s.says(viewer, window(size));
            assert_eq!(s.sees(viewer).len(), 29.min(size as usize), "at once");
        }
        let mut gone = 0;
        for name in &names[10..25] {
            s.says(name, leave());
            gone += 1;
            s.after(secs(1));
            for (viewer, size) in [("p000", 10), ("p001", 29), ("p002", 30), ("p003", 50)] {
                assert_eq!(s.sees(viewer).len(), (29 - gone).min(size), "{viewer} a second after {gone} left");
            }
        }
        for name in &names[10..25] {
            s.says(name, join());
        }
        s.after(secs(1));
        for (viewer, size) in [("p000", 10), ("p001", 29), ("p002", 30), ("p003", 50)] {
            assert_eq!(s.sees(viewer).len(), 29.min(size), "{viewer} a second after all came back");
        }
    });
}

#[test]
fn lob_2_everybody_who_is_free_is_seen_though_the_lobby_is_calm() {
    // Without exposure a calm lobby of more than 21 people shows a newcomer to nobody.
    story(|s| {
        let names = people(s, 40);
        for name in &names {
            s.says(name, window(5));
        }
        s.after(secs(30));
        for newcomer in ["n1", "n2", "n3"] {
            s.online([newcomer]);
            s.after(secs(1));
            let seen = names.iter().filter(|name| s.sees(name).contains(&newcomer.to_owned())).count();
            assert!(seen >= 1, "{newcomer} is seen by {seen}");
            s.after(secs(20));
        }
        // After a call too.
        let call = s.call("n1", "n2", 60);
        s.after(secs(30));
        s.says("n1", hang_up(call));
        s.after(secs(1));
        for name in ["n1", "n2"] {
            assert!(names.iter().any(|viewer| s.sees(viewer).contains(&name.to_owned())), "{name} is seen again");
        }
    });
}

#[test]
fn lob_2_a_newcomer_takes_the_place_shown_longest_if_it_was_shown_for_20_s_and_does_not_ring() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(1));
        assert_eq!(s.sees("ann"), ["bob"]);
        s.after(just_before(secs(20)));
        s.online(["cat"]);
        s.after(secs(2));
        assert_eq!(s.sees("ann"), ["bob"], "not yet for 20 s");
        s.rings("ann", "bob", 60);
        s.online(["dan"]);
        s.after(secs(2));
        assert_eq!(s.sees("ann"), ["bob"], "it rings");
        s.after(MINUTE);
        s.online(["eve"]);
        s.after(secs(2));
        assert_eq!(s.sees("ann"), ["eve"]);
    });
}

#[test]
fn lob_2_a_window_sleeps_during_a_call_and_comes_fresh_after_it() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("ann", window(5));
        let call = s.call("ann", "bob", 60);
        assert!(s.window("ann").is_none());
        s.says("bob", window(7));
        assert!(s.window("bob").is_none(), "in a call it opens after it");
        assert_eq!(s.attach("ann/2").window, None);
        let views = s.views("ann");
        s.online(["dan"]);
        s.says("cat", leave());
        s.after(secs(5));
        assert_eq!(s.views("ann"), views);
        s.says("ann", hang_up(call));
        assert!(s.sees("ann").contains(&"dan".to_owned()));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob", "dan"]);
        assert_eq!(s.sees("bob"), ["ann", "dan"]);
    });
}

#[test]
fn lob_2_a_second_after_the_last_change_the_client_s_window_is_what_it_may_see() {
    story(|s| {
        let names = people(s, 12);
        for name in &names[..4] {
            s.says(name, window(50));
        }
        for round in 0..40_usize {
            let name = &names[(round * 7) % 12];
            match round % 5 {
                0 => drop(s.says(name, leave())),
                1 => s.loses(name),
                2 => drop(s.resumes(name)),
                3 => drop(s.says(name, join())),
                _ => s.after(millis(300)),
            }
            if !s.is_attached(name) {
                s.attach(name);
            }
        }
        s.after(secs(11));
        let there: Vec<String> = names.iter().filter(|name| s.is_attached(name)).cloned().collect();
        for viewer in names[..4].iter().filter(|viewer| s.is_attached(viewer)) {
            if s.window(viewer).is_some() {
                let others = s.usage().available as usize - 1;
                assert_eq!(s.sees(viewer).len(), others, "{viewer} sees all of {there:?}");
            }
        }
    });
}

#[test]
fn lob_2_places_are_shared_out_evenly() {
    story(|s| {
        let names = people(s, 60);
        for name in &names {
            s.says(name, window(6));
        }
        s.after(secs(5));
        let mut shown: BTreeMap<String, usize> = names.iter().map(|name| (name.clone(), 0)).collect();
        for name in &names {
            for other in s.sees(name) {
                *shown.get_mut(&other).expect("known") += 1;
            }
        }
        let (least, most) = (shown.values().min().expect("some"), shown.values().max().expect("some"));
        assert!(*least >= 1 && *most <= 20, "of 6 on average: {least} to {most}");
    });
}

// LOB 3.

#[test]
fn lob_3_nobody_sees_themself_nor_whom_a_block_hides_both_ways_at_once() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        for viewer in ["ann", "bob", "cat"] {
            s.says(viewer, window(5));
        }
        s.after(secs(2));
        assert_eq!(s.sees("ann"), ["bob", "cat"]);
        s.says("ann", block("bob"));
        s.after(secs(1));
        assert_eq!((s.sees("ann"), s.sees("bob"), s.sees("cat").len()), (vec!["cat".to_owned()], vec!["cat".to_owned()], 2));
        s.refused("bob", invite("ann", 60), "offline");
        // It holds after a restart, and when either comes back into memory.
        s.restart();
        s.online(["bob", "cat"]);
        s.says("bob", window(5));
        s.online(["ann"]);
        s.after(secs(1));
        assert_eq!(s.sees("bob"), ["cat"]);
        s.says("ann", unblock("bob"));
        s.after(secs(1));
        assert_eq!(s.sees("bob"), ["ann", "cat"]);
        s.rings("bob", "ann", 60);
    });
}

#[test]
fn lob_3_two_who_are_hidden_from_each_other_are_not_paired() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("bob", block("ann"));
        s.says("ann", pair());
        s.says("bob", pair());
        s.after(secs(5));
        s.hears_nothing("ann");
        s.says("cat", pair());
        s.after(secs(1));
        s.hears("ann", "call_started cat 180 s, offers, here");
    });
}

// LOB 4.

#[test]
fn lob_4_a_card_under_cooldown_is_shown_with_its_end_and_cannot_be_invited() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(5));
        s.says("bob", window(5));
        assert_eq!(cooldown(s, "ann", "bob"), None);
        let ring = s.rings("ann", "bob", 60);
        s.says("bob", decline(ring));
        s.after(secs(1));
        for (viewer, shown) in [("ann", "bob"), ("bob", "ann")] {
            assert_eq!(cooldown(s, viewer, shown), Some(told::BEGIN + DAY));
        }
        s.refused("ann", invite("bob", 60), "cooldown");
        // A fresh window knows it too, and so does one after a restart.
        s.says("ann", window(7));
        assert_eq!(cooldown(s, "ann", "bob"), Some(told::BEGIN + DAY));
        s.restart();
        s.online(["bob", "ann"]);
        s.says("ann", window(7));
        assert_eq!(cooldown(s, "ann", "bob"), Some(told::BEGIN + DAY));
    });
}

// LOB 6.

#[test]
fn lob_6_a_filter_takes_any_of_the_genders_and_all_of_the_tags() {
    story(|s| {
        s.knows_as("fay", "female", &["lang:en", "go"]);
        s.knows_as("fio", "female", &["lang:en"]);
        s.knows_as("max", "male", &["lang:en", "go"]);
        s.knows_as("oda", "other", &["go"]);
        s.online(["ann", "fay", "fio", "max", "oda"]);
        for (genders, tags, seen) in [
            (&["female"][..], &[][..], &["fay", "fio"][..]),
            (&["female", "other"], &[], &["fay", "fio", "oda"]),
            (&[], &["go"], &["fay", "max", "oda"]),
            (&[], &["go", "lang:en"], &["fay", "max"]),
            (&["male"], &["go", "lang:en"], &["max"]),
            (&["male"], &["lang:de"], &[]),
            (&["unheard-of"], &[], &[]),
            (&[], &[], &["fay", "fio", "max", "oda"]),
        ] {
            s.says("ann", window_of(20, genders, tags));
            assert_eq!(s.sees("ann"), seen, "{genders:?} {tags:?}");
        }
    });
}

#[test]
fn lob_6_who_changes_comes_into_windows_and_leaves_them() {
    story(|s| {
        s.knows_as("fay", "female", &[]);
        s.online(["ann", "fay"]);
        s.says("ann", window_of(5, &[], &["go"]));
        s.attach("bob");
        assert_eq!(s.sees("ann"), [""; 0]);
        let tags = |tags: &[&str]| {
            profile(ProfilePatch { tags: Patch::Set(tags.iter().map(|t| (*t).into()).collect()), ..ProfilePatch::default() })
        };
        s.says("fay", tags(&["go"]));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["fay"]);
        s.says("fay", tags(&[]));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), [""; 0]);
        s.says("ann", window_of(5, &["male"], &[]));
        s.says("fay", profile(ProfilePatch { gender: Patch::Set("male".into()), ..ProfilePatch::default() }));
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["fay"]);
    });
}

#[test]
fn lob_6_a_changed_card_is_shown_anew() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("ann", window(5));
        s.after(secs(2));
        let views = s.views("ann");
        s.says("bob", named("Robert"));
        s.says("bob", named("Robert"));
        s.after(secs(2));
        assert_eq!(s.views("ann"), views + 1);
    });
}

// LOB 7.

#[test]
fn lob_7_a_leave_costs_its_watchers() {
    story(|s| {
        let names = people(s, 50);
        for name in &names {
            s.says(name, window(4));
        }
        s.after(secs(10));
        let watchers = names.iter().filter(|name| s.sees(name).contains(&"p000".to_owned())).count();
        let from = s.transcript.len();
        s.closes("p000");
        s.after(secs(2));
        let views = s.transcript[from..].iter().filter(|o| matches!(o, duologue_core::output::Output::View { .. })).count();
        assert_eq!(views, watchers);
    });
}
