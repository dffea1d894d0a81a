//! Memory (MEM 2, 4, 5): the sweep, the store that is down, loads that merge, and bounds.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::input::{Input, Level, Request};
use duologue_core::kit::time::Span;
use duologue_core::output::{Output, Reply};
use duologue_core::row::Row;
use duologue_core::wire::{Closing, Command, Patch, ProfilePatch, Reason};
use std::collections::BTreeSet;

// MEM 2.

#[test]
fn mem_2_every_five_minutes_a_sweep_does_what_timers_do_not_and_reports() {
    story_with(
        |rules, _| rules.cooldown_decline = MINUTE,
        |s| {
            s.online(["ann", "bob"]);
            let ring = s.rings("ann", "bob", 60);
            s.says("bob", decline(ring));
            s.knows("cat");
            s.rows.sessions.insert(session("cat"), (user("cat"), BEGIN + secs(30)));
            s.attach("cat");
            s.after(Span::mins(5));
            let usage = s.usage();
            assert_eq!((usage.sweeps, usage.swept.cooldowns, usage.swept.sessions, usage.cooldowns), (1, 1, 1, 0));
            assert!(usage.swept.buckets >= 1);
            assert!(usage.swept.kinds().iter().map(|(_, count)| count).sum::<u32>() >= 3);
            s.after(Span::mins(5));
            assert_eq!((s.usage().sweeps, s.usage().swept.cooldowns), (2, 0));
        },
    );
}

#[test]
fn mem_2_a_sweep_never_touches_what_is_still_needed() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.says("cat", window(5));
        let ring = s.rings("ann", "cat", 60);
        s.says("cat", decline(ring));
        s.call("ann", "bob", 1_800);
        s.says("cat", pair());
        s.after(Span::mins(6));
        let usage = s.usage();
        assert_eq!((usage.sweeps, usage.calls, usage.tickets, usage.links_live, usage.cooldowns), (1, 1, 1, 3, 2));
    });
}

// MEM 3.

#[test]
fn mem_3_at_critical_the_caches_shrink_to_half_at_once_and_nothing_that_is_needed_goes() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let call = s.call("ann", "bob", 600);
        s.says("cat", pair());
        for gone in ["d1", "d2", "d3", "d4"] {
            s.attach(gone);
            s.closes(gone);
            s.after(secs(1));
        }
        assert_eq!((s.usage().users, s.usage().sessions), (7, 7));
        s.input(Input::MemoryLevel(Level::Warning));
        assert_eq!((s.usage().users, s.usage().sweeps), (7, 0));
        s.input(Input::MemoryLevel(Level::Critical));
        let usage = s.usage();
        assert_eq!((usage.users, usage.sessions, usage.sweeps, usage.swept.shed), (5, 3, 1, 6));
        assert_eq!((usage.calls, usage.tickets, usage.links_live), (1, 1, 3));
        // Who was here longest ago has left; who comes back is read again.
        s.attach("d1");
        assert_eq!(s.usage().user_misses, 8);
        s.says("ann", hang_up(call));
    });
}

#[test]
fn mem_3_critical_after_the_sweep_newcomers_are_refused_and_nobody_else_notices() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.input(Input::MemoryLevel(Level::Critical));
        s.attach("cat");
        s.input(Input::MemoryLevel(Level::Critical));
        let hello = s.hello("dan");
        let Err((Closing::AtCapacity, Some(retry))) = s.says_hello("dan", hello) else { panic!("a newcomer") };
        assert!((secs(1)..=secs(30)).contains(&retry));
        let guest = Request::Guest { user: user("gus"), session: session("gus"), name: "Gus".into(), gender: None };
        assert!(matches!(s.asks("gus", guest.clone()), Reply::No(Reason::Unavailable { .. })));
        s.loses("ann");
        s.resumes("ann");
        s.call("ann", "bob", 60);
        s.input(Input::MemoryLevel(Level::Warning));
        s.attach("dan");
        assert!(matches!(s.asks("gus", guest), Reply::Guest { .. }));
        // One look above the line is not two.
        s.input(Input::MemoryLevel(Level::Critical));
        s.attach("eve");
    });
}

// MEM 4.

#[test]
fn mem_4_while_the_store_is_down_what_would_record_a_fact_is_refused_before_anything_changes() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        let call = s.call("ann", "bob", 600);
        let ring = s.rings("cat", "dan", 60);
        s.skips("dan");
        s.after(secs(1));
        s.input(Input::StoreDown);
        let refused: [(&str, Command); 11] = [
            ("dan", accept(ring, 60)),
            ("dan", decline(ring)),
            ("cat", rescind(ring)),
            ("cat", leave()),
            ("cat", pair()),
            ("ann", hang_up(call)),
            ("ann", chat(call, "hi")),
            ("ann", block("bob")),
            ("dan", named("Daniel")),
            ("dan", invite("cat", 60)),
            ("ann", report("bob")),
        ];
        let facts = |s: &World| s.transcript.iter().filter(|output| matches!(output, Output::Fact(_))).count();
        let before = facts(s);
        for (who, command) in refused {
            let Reason::Unavailable { retry_after } = s.refused(who, command, "unavailable") else { panic!("unavailable") };
            assert!(retry_after.0 > 0);
        }
        assert_eq!(facts(s), before, "nothing was recorded");
        for who in ["ann", "bob", "cat", "dan"] {
            s.hears_nothing(who);
        }
        assert_eq!((s.usage().calls, s.usage().invites, s.usage().tickets), (1, 1, 0));
        s.input(Input::StoreUp);
        s.says("dan", accept(ring, 60));
    });
}

#[test]
fn mem_4_what_records_nothing_goes_on_while_the_store_is_down() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let call = s.call("ann", "bob", 600);
        s.input(Input::StoreDown);
        s.online(["dan"]);
        s.says("dan", window(5));
        s.says("cat", invite("dan", 60));
        s.says("dan", leave());
        s.says("ann", renegotiate(call));
        s.says("ann", share(call, "mail", "x"));
        s.says("ann", extend_call(call, 60));
        s.says("ann", ice_servers(call));
        s.says("cat", unpair());
        s.says("cat", unblock("bob"));
        s.loses("ann");
        s.resumes("ann");
    });
}

#[test]
fn mem_4_deadlines_go_on_while_the_store_is_down() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        s.call("ann", "bob", 60);
        s.rings("cat", "dan", 60);
        s.skips("dan");
        s.input(Input::StoreDown);
        s.loses("cat");
        s.after(secs(60));
        s.hears("ann", "call_ended deadline 60 s");
        s.hears("dan", "invite_ended caller_lost, cooled to 3610");
        assert_eq!(s.totals("ann").calls, 1, "recorded for when it is up again");
    });
}

#[test]
fn mem_4_rows_that_do_not_come_are_waited_for_ten_seconds() {
    story(|s| {
        s.is_store_slow = true;
        let hello = s.hello("ann");
        s.offers_hello("ann", hello);
        let asked = s.requests("ann", Request::Me);
        let crowd: Vec<String> = (0..20).map(|n| format!("a{n}")).collect();
        for device in &crowd {
            let hello = s.hello(device);
            s.offers_hello(device, hello);
        }
        s.after(just_before(secs(10)));
        assert_eq!((s.closed("ann"), s.reply(asked)), (None, None));
        s.after(millis(1));
        assert_eq!(s.closed("ann"), Some(Closing::AtCapacity));
        // They come back within their grace, and not in one moment.
        let waits: BTreeSet<Span> = crowd.iter().filter_map(|device| s.retry_after(device)).collect();
        assert!(waits.len() > 15 && waits.iter().all(|wait| (secs(1)..=secs(4)).contains(wait)), "{waits:?}");
        assert!(matches!(s.reply(asked), Some(Reply::No(Reason::Unavailable { .. }))));
        assert_eq!(s.usage().parked, 0);
        // An answer that comes after all changes nothing.
        s.store_answers();
        assert_eq!(s.usage().links_live, 0);
        s.attach("ann");
    });
}

// MEM 5.

#[test]
fn mem_5_concurrent_misses_for_one_key_make_one_load_and_block_nobody() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.knows("cat");
        s.is_store_slow = true;
        let hellos = [s.hello("cat"), s.hello("cat/2")];
        for (device, hello) in ["cat", "cat/2"].into_iter().zip(hellos) {
            s.offers_hello(device, hello);
        }
        let asked = s.requests("cat", Request::Me);
        assert_eq!((s.owed(), s.usage().parked), (1, 3));
        s.rings("ann", "bob", 60);
        s.store_answers();
        assert!(s.is_attached("cat") && s.is_attached("cat/2"));
        assert!(matches!(s.reply(asked), Some(Reply::Me { .. })));
        assert_eq!(s.usage().parked, 0);
    });
}

#[test]
fn mem_5_a_load_waits_for_the_facts_before_it() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        s.says("ann", rescind(ring));
        s.attach("cat");
        let facts = s.transcript.iter().filter(|output| matches!(output, Output::Fact(_))).count() as u64;
        let load = s.transcript.iter().rfind(|output| matches!(output, Output::Load { .. }));
        assert!(matches!(load, Some(Output::Load { after, .. }) if after.0 == facts), "{load:?}");
    });
}

#[test]
fn mem_5_after_the_wait_the_whole_check_repeats() {
    // What was true before the rows came is trusted no more.
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.after(secs(60));
        s.after(Span::mins(2));
        s.is_store_slow = true;
        let number = s.next_number("ann");
        assert_eq!(s.says_numbered("ann", number, Ok(report("bob"))), None);
        s.input(Input::StoreDown);
        s.store_answers();
        let answer = s.says_numbered("ann", number, Ok(report("bob")));
        assert!(matches!(answer, Some(Err(Reason::Unavailable { .. }))), "{answer:?}");
        assert!(s.rows.reports.is_empty());
    });
}

#[test]
fn mem_5_the_connected_are_pinned_and_the_one_longest_gone_makes_room() {
    story_with(
        |_, limits| limits.users_max = 3,
        |s| {
            s.attach("ann");
            s.attach("bob");
            s.attach("cat");
            let hello = s.hello("dan");
            assert_eq!(s.says_hello("dan", hello).expect_err("full").0, Closing::AtCapacity);
            s.closes("bob");
            s.after(secs(1));
            s.closes("cat");
            s.attach("dan");
            assert_eq!(s.usage().users, 3);
            let misses = s.usage().user_misses;
            s.attach("cat");
            assert_eq!(s.usage().user_misses, misses, "cat was gone for the shorter time");
        },
    );
}

#[test]
fn mem_5_sessions_are_bounded_and_the_least_recently_used_leaves() {
    story_with(
        |_, limits| limits.sessions_max = 2,
        |s| {
            for device in ["ann", "bob", "cat", "dan"] {
                s.attach(device);
                assert!(s.usage().sessions <= 2);
            }
            assert!(matches!(s.asks("ann", Request::Me), Reply::Me { .. }));
            assert!(matches!(s.asks("ann", Request::Me), Reply::Me { .. }));
        },
    );
}

#[test]
fn mem_5_what_would_need_one_more_cooldown_is_unavailable() {
    story_with(
        |_, limits| limits.cooldowns_max = 1,
        |s| {
            s.online(["ann", "bob", "cat"]);
            let ring = s.rings("ann", "bob", 60);
            s.says("bob", decline(ring));
            // Whatever ends a ring may need its room, so a ring that could not find it does not begin.
            s.refused("ann", invite("cat", 60), "unavailable");
            s.hears_nothing("cat");
            assert_eq!(s.usage().invites, 0);
        },
    );
}

#[test]
fn mem_5_inputs_that_wait_are_bounded() {
    story_with(
        |_, limits| limits.parked_max = 2,
        |s| {
            s.is_store_slow = true;
            for device in ["ann", "bob", "cat"] {
                let hello = s.hello(device);
                s.offers_hello(device, hello);
            }
            assert_eq!(s.closed("cat"), Some(Closing::AtCapacity));
            s.store_answers();
            assert!(s.is_attached("ann") && s.is_attached("bob"));
        },
    );
}

#[test]
fn mem_5_lobbies_are_bounded_and_empty_ones_are_forgotten() {
    story_with(
        |_, limits| limits.lobbies_max = 2,
        |s| {
            s.online(["ann"]);
            s.attach("bob");
            s.says("bob", join_named("blue"));
            s.refused("ann", join_named("red"), "unavailable");
            assert_eq!(s.usage().available, 2, "nothing changed");
            s.says("bob", leave());
            s.says("ann", join_named("red"));
        },
    );
}

// Cards.

#[test]
fn a_card_is_checked_and_has_at_most_512_bytes() {
    story(|s| {
        s.attach("ann");
        let set = |texts: &str| Patch::Set(texts.to_owned());
        let wrong = [
            ("name", ProfilePatch { name: set("\u{202e} \u{7}"), ..ProfilePatch::default() }),
            ("name", ProfilePatch { name: set(&"x".repeat(41)), ..ProfilePatch::default() }),
            ("name", ProfilePatch { name: Patch::Clear, ..ProfilePatch::default() }),
            ("gender", ProfilePatch { gender: set("robot"), ..ProfilePatch::default() }),
            ("selfie", ProfilePatch { selfie: set("https://evil.example/x"), ..ProfilePatch::default() }),
            ("video", ProfilePatch { video: set(&"x".repeat(65)), ..ProfilePatch::default() }),
            ("tags", ProfilePatch { tags: Patch::Set(vec!["a".into(); 9]), ..ProfilePatch::default() }),
            ("tags", ProfilePatch { tags: Patch::Set(vec!["Upper".into()]), ..ProfilePatch::default() }),
        ];
        for (wanted, patch) in wrong {
            let reason = s.refused("ann", profile(patch), "bad_message");
            assert!(matches!(&reason, Reason::BadMessage { field: Some(field), .. } if field == wanted), "{reason:?}");
        }
        let tags = (0..8).map(|n| format!("{n}{}", "t".repeat(31))).collect();
        let large = ProfilePatch {
            name: set(&"🦀".repeat(40)),
            selfie: set(&"s".repeat(64)),
            video: set(&"v".repeat(64)),
            tags: Patch::Set(tags),
            ..ProfilePatch::default()
        };
        s.refused("ann", profile(large), "bad_message");
        assert!(!s.transcript.iter().any(|output| matches!(output, Output::Fact(Row::Person(_)))));
        let clear = ProfilePatch { gender: Patch::Clear, selfie: set("a/b.jpg"), name: set("\u{202e}Mia\n "), ..ProfilePatch::default() };
        s.says("ann", profile(clear));
        let row = &s.rows.people[&user("ann")];
        assert_eq!((row.name.as_str(), row.selfie.as_str()), ("Mia", "a/b.jpg"));
    });
}
