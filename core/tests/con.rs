//! Connections and sessions (CON 1–8): who is let in, whose connection goes, and that a command is done once.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::input::{Address, Attach, Input, Intents, LinkEnd, Request};
use duologue_core::kit::ids::LinkId;
use duologue_core::kit::time::Span;
use duologue_core::output::{LinkEvent, Output, Reply};
use duologue_core::row::Row;
use duologue_core::rules::WhenFull;
use duologue_core::wire::{Closing, Done, Event, Reason};

// CON 1.

#[test]
fn con_1_an_unknown_token_is_bad() {
    story(|s| {
        let hello = Attach { session: session("nobody"), ..s.hello("ann") };
        assert_eq!(s.says_hello("ann", hello), Err((Closing::BadToken, None)));
        assert!(matches!(s.asks("nobody", Request::Me), Reply::Unauthorized(Closing::BadToken)));
    });
}

#[test]
fn con_1_a_session_past_its_end_is_expired_and_its_connections_close_at_that_end() {
    story(|s| {
        s.knows("ann");
        s.rows.sessions.insert(session("ann"), (user("ann"), BEGIN + HOUR));
        s.attach("ann");
        s.after(just_before(HOUR));
        assert_eq!(s.closed("ann"), None);
        s.after(millis(1));
        assert_eq!(s.closed("ann"), Some(Closing::ExpiredToken));
        let hello = s.hello("ann/2");
        assert_eq!(s.says_hello("ann/2", hello), Err((Closing::ExpiredToken, None)));
        assert!(matches!(s.asks("ann", Request::Me), Reply::Unauthorized(Closing::ExpiredToken)));
        assert_eq!(s.usage().links_live, 0);
    });
}

#[test]
fn con_1_a_guest_s_session_lasts_seven_days() {
    story(|s| {
        let guest =
            Request::Guest { user: user("gus"), session: session("gus"), name: " Gus\u{202e} ".into(), gender: Some("male".into()) };
        let Reply::Guest { user: card, expires } = s.asks("gus", guest) else { panic!("a guest") };
        assert_eq!((card.name.as_str(), card.gender.as_str(), expires), ("Gus", "male", BEGIN + Span::days(7)));
        s.attach("gus");
        s.after(Span::days(7));
        assert_eq!(s.closed("gus"), Some(Closing::ExpiredToken));
    });
}

#[test]
fn con_1_a_revoked_token_is_bad_and_its_connections_close() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("bob", window(20));
        s.after(secs(1));
        assert_eq!(s.asks("ann", Request::SignOut), Reply::Done);
        assert_eq!(s.closed("ann"), Some(Closing::BadToken));
        let hello = s.hello("ann");
        assert_eq!(s.says_hello("ann", hello), Err((Closing::BadToken, None)));
        s.after(secs(1));
        assert_eq!(s.sees("bob"), [""; 0]);
        s.restart();
        let hello = s.hello("ann");
        assert_eq!(s.says_hello("ann", hello), Err((Closing::BadToken, None)));
    });
}

// CON 2.

#[test]
fn con_2_the_third_connection_closes_the_oldest_really_s13() {
    // S13: over the limit the oldest socket was forgotten, not closed, and the counter drifted.
    story(|s| {
        s.attach("ann");
        s.after(secs(1));
        s.attach("ann/2");
        s.after(secs(1));
        s.attach("ann/3");
        assert_eq!(s.closed("ann"), Some(Closing::Superseded));
        assert!(!s.is_attached("ann") && s.is_attached("ann/2") && s.is_attached("ann/3"));
        assert_eq!(s.usage().links_live, 2);
    });
}

#[test]
fn con_2_one_in_its_grace_goes_before_live_ones_and_one_that_carries_a_call_last() {
    story(|s| {
        s.attach("ann");
        s.attach("ann/2");
        s.loses("ann/2");
        s.attach("ann/3");
        assert!(s.is_attached("ann") && !s.is_attached("ann/2"));
    });
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.attach("ann/2");
        s.attach("ann/3");
        assert!(s.is_attached("ann") && !s.is_attached("ann/2"));
        // Also before its own grace.
        s.loses("ann");
        s.attach("ann/4");
        assert!(s.is_attached("ann") && !s.is_attached("ann/3"));
    });
}

#[test]
fn con_2_where_the_operator_chose_it_the_newcomer_is_refused() {
    story_with(
        |rules, _| rules.when_full = WhenFull::RefuseNew,
        |s| {
            s.attach("ann");
            s.attach("ann/2");
            let hello = s.hello("ann/3");
            let refused = s.says_hello("ann/3", hello).expect_err("full");
            assert_eq!(refused.0, Closing::AtCapacity);
            assert!(s.is_attached("ann") && s.is_attached("ann/2"));
        },
    );
}

#[test]
fn con_2_the_counter_equals_the_connections_after_any_sequence_s13() {
    story(|s| {
        let devices = ["ann", "ann/2", "ann/3"];
        for round in 0..6 {
            for step in 0..10 {
                let device = devices[(round * 7 + step * 5) % 3];
                match (round + step) % 4 {
                    0 | 1 => drop(s.attach(device)),
                    2 if s.is_attached(device) => s.loses(device),
                    3 if s.is_attached(device) => s.closes(device),
                    _ => s.after(secs(4)),
                }
                let attached = devices.iter().filter(|device| s.is_attached(device)).count();
                assert_eq!((s.usage().links_live + s.usage().links_graced) as usize, attached);
                assert!(attached <= 2);
            }
        }
    });
}

// CON 3.

#[test]
fn con_3_beyond_the_maximum_newcomers_are_refused_with_a_jittered_wait() {
    story_with(
        |_, limits| limits.links_max = 2,
        |s| {
            s.online(["ann", "bob"]);
            let mut waits = Vec::new();
            for _ in 0..8 {
                let hello = s.hello("cat");
                let Err((Closing::AtCapacity, Some(wait))) = s.says_hello("cat", hello) else { panic!("full") };
                assert!((1_000..=30_000).contains(&wait.0), "{wait:?}");
                waits.push(wait);
            }
            waits.sort_unstable();
            waits.dedup();
            assert!(waits.len() > 4, "jittered: {waits:?}");
            s.hears_nothing("ann");
            s.closes("bob");
            s.attach("cat");
        },
    );
}

#[test]
fn con_3_a_resume_is_never_refused() {
    story_with(
        |_, limits| limits.links_max = 2,
        |s| {
            s.online(["ann", "bob"]);
            s.loses("ann");
            s.resumes("ann");
            s.resumes("ann");
            // Nor where the server stops.
            s.input(Input::Drain { end_calls: false });
            s.loses("ann");
            s.resumes("ann");
            let hello = s.hello("cat");
            let Err((Closing::GoingAway, Some(_))) = s.says_hello("cat", hello) else { panic!("going away") };
        },
    );
}

#[test]
fn con_3_one_more_of_a_user_who_has_all_takes_the_place_of_their_own() {
    story_with(
        |_, limits| limits.links_max = 2,
        |s| {
            s.attach("ann");
            s.attach("ann/2");
            s.attach("ann/3");
            assert_eq!(s.usage().links_live, 2);
        },
    );
}

// CON 4.

#[test]
fn con_4_a_lost_link_is_hidden_for_the_grace() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.says("bob", window(20));
        s.after(secs(2));
        let views = s.views("bob");
        s.loses("ann");
        s.after(just_before(secs(10)));
        assert_eq!((s.views("bob"), s.sees("bob")), (views, vec!["ann".to_owned()]));
        assert_eq!(s.usage().available, 2);
        let state = s.resumes("ann");
        assert_eq!(state.lobby.as_deref(), Some("main"));
        s.after(MINUTE);
        assert_eq!(s.views("bob"), views);
    });
}

#[test]
fn con_4_what_was_said_meanwhile_is_said_to_the_lost_connection_too() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.loses("bob");
        s.rings("ann", "bob", 60);
        s.after(secs(9));
        s.resumes("bob");
        s.hears("bob", "rang ann 60 s until 20");
    });
}

#[test]
fn con_4_a_resume_takes_over_though_the_old_link_seems_alive_any_number_of_times() {
    story(|s| {
        s.online(["ann", "bob"]);
        let link = s.link("ann");
        for _ in 0..20 {
            let state = s.resumes("ann");
            assert_eq!(state.lobby.as_deref(), Some("main"));
            assert_eq!(s.link("ann"), link, "it is the same connection");
            s.after(millis(10));
        }
        assert_eq!(s.usage().links_live, 2);
    });
}

#[test]
fn con_4_beyond_the_grace_the_connection_is_no_more() {
    story(|s| {
        s.online(["ann"]);
        let old = s.link("ann");
        s.loses("ann");
        s.after(secs(10));
        assert!(!s.is_attached("ann"));
        let state = s.resumes("ann");
        assert_ne!(s.link("ann"), old, "a fresh connection");
        assert_eq!(state.lobby, None);
    });
}

#[test]
fn con_4_a_foreign_or_unknown_resume_is_a_fresh_connection() {
    story(|s| {
        s.online(["ann"]);
        let takes = Some(s.link("ann"));
        let hello = Attach { takes, ..s.hello("eve") };
        s.says_hello("eve", hello).expect("welcome");
        assert_ne!(s.link("eve"), s.link("ann"));
        assert!(s.is_attached("ann") && s.closed("ann").is_none());
        let hello = Attach { takes: Some(LinkId(9_999)), ..s.hello("eve/2") };
        s.says_hello("eve/2", hello).expect("welcome");
        assert_eq!(s.usage().links_live, 3);
    });
}

#[test]
fn con_4_5_a_resume_that_names_another_connection_s_client_takes_both_over() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann/2", "bob", 300);
        let (first, second) = (s.link("ann"), s.link("ann/2"));
        let hello = Attach { takes: Some(first), client: Some(client("ann/2")), ..s.hello("ann") };
        let state = s.says_hello("ann", hello).expect("welcome");
        assert_eq!((s.link("ann"), s.closed("ann/2")), (first, Some(Closing::Superseded)));
        assert_ne!(first, second);
        assert!(state.call.is_some_and(|known| known.started.call == call && known.started.here), "its seat moved along");
        assert_eq!(s.usage().links_live, 2);
        // One client, one row of numbers: what was said over either connection is answered, not done again.
        assert_eq!(s.last_id("ann"), 1);
        let answer = s.says_numbered("ann", 1, Ok(leave()));
        assert!(matches!(answer, Some(Ok(Done::Invited { .. }))), "{answer:?}");
    });
}

#[test]
fn con_4_the_client_of_another_live_connection_takes_that_one_over() {
    story(|s| {
        s.online(["ann"]);
        let old = s.link("ann");
        s.attach("ann");
        assert_eq!((s.link("ann"), s.usage().links_live), (old, 1));
        s.loses("ann");
        s.after(secs(5));
        s.attach("ann");
        assert_eq!((s.link("ann"), s.usage().links_live), (old, 1));
        // Never that of another user.
        let hello = Attach { client: Some(client("ann")), ..s.hello("eve") };
        s.says_hello("eve", hello).expect("welcome");
        assert_eq!(s.usage().links_live, 2);
    });
}

#[test]
fn con_4_a_link_that_left_is_gone_at_once() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.closes("ann");
        assert_eq!((s.usage().links_live, s.usage().links_graced, s.usage().available), (1, 0, 1));
    });
}

#[test]
fn con_4_a_hello_that_hung_up_while_it_waited_is_forgotten() {
    story(|s| {
        s.is_store_slow = true;
        let hello = s.hello("ann");
        let link = hello.link;
        s.offers_hello("ann", hello);
        s.input(Input::Detached { link, why: LinkEnd::Lost });
        assert_eq!((s.usage().parked, s.owed()), (0, 1));
        s.store_answers();
        assert!(!s.is_attached("ann"));
        assert_eq!(s.usage().links_live, 0);
        s.attach("ann");
    });
}

#[test]
fn con_4_a_new_owner_is_told_what_the_connection_wants() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.restart();
        for device in ["ann", "bob"] {
            let intents = Intents { lobby: Some("main".into()), window: Some((5, filter(&[], &[]))), seat: None };
            let hello = Attach { intents, ..s.hello(device) };
            let state = s.says_hello(device, hello).expect("welcome");
            assert_eq!((state.lobby.as_deref(), state.window), (Some("main"), Some(5)));
        }
        s.after(secs(1));
        assert_eq!(s.sees("ann"), ["bob"]);
    });
}

// CON 5.

#[test]
fn con_5_a_number_said_twice_has_one_effect_and_one_answer() {
    story(|s| {
        s.online(["ann", "bob"]);
        let number = s.next_number("ann");
        let first = s.says_numbered("ann", number, Ok(invite("bob", 60)));
        s.hears("bob", "rang ann 60 s until 20");
        s.after(secs(5));
        assert_eq!(s.says_numbered("ann", number, Ok(invite("bob", 60))), first);
        // The number counts, not what is said under it.
        assert_eq!(s.says_numbered("ann", number, Ok(leave())), first);
        s.hears_nothing("bob");
        s.after(MINUTE);
        assert_eq!(s.says_numbered("ann", number, Ok(invite("bob", 60))), first);
        assert_eq!(s.usage().invites, 0);
    });
}

#[test]
fn con_5_across_resumes_and_fresh_connections_of_the_client() {
    story(|s| {
        s.online(["ann", "bob"]);
        let number = s.next_number("ann");
        let first = s.says_numbered("ann", number, Ok(invite("bob", 60)));
        s.loses("ann");
        s.resumes("ann");
        assert_eq!(s.last_id("ann"), number);
        assert_eq!(s.says_numbered("ann", number, Ok(invite("bob", 60))), first);
        s.closes("ann");
        s.attach("ann");
        assert_eq!(s.last_id("ann"), number);
        assert_eq!(s.says_numbered("ann", number, Ok(invite("bob", 60))), first);
        assert_eq!(s.usage().invites, 0);
        // Another page counts for itself.
        s.attach("ann/2");
        assert_eq!(s.last_id("ann/2"), 0);
    });
}

#[test]
fn con_5_across_restarts_where_it_made_facts_and_anew_where_it_made_none() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let ring = s.rings("bob", "ann", 60);
        let made_facts = s.next_number("ann");
        let first = s.says_numbered("ann", made_facts, Ok(accept(ring, 60)));
        s.restart();
        s.attach("ann");
        assert_eq!(s.last_id("ann"), made_facts);
        assert_eq!(s.says_numbered("ann", made_facts, Ok(accept(ring, 60))), first);
        assert_eq!(s.rows.calls.len(), 1);
        let made_none = s.next_number("ann");
        s.says_numbered("ann", made_none, Ok(join()));
        s.restart();
        s.attach("ann");
        assert_eq!(s.says_numbered("ann", made_none, Ok(join())), Some(Ok(Done::Joined { lobby: "main".into() })));
    });
}

#[test]
fn con_5_the_answer_is_stored_in_the_turn_of_its_facts() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("bob", "ann", 60);
        let from = s.transcript.len();
        s.says("ann", decline(ring));
        let said = &s.transcript[from..];
        let facts = said.iter().take_while(|output| matches!(output, Output::Fact(_))).count();
        assert!(said[..facts].iter().any(|output| matches!(output, Output::Fact(Row::Answer(_)))));
        assert!(said[..facts].iter().any(|output| matches!(output, Output::Fact(Row::Cooldown { .. }))));
        assert!(!said[facts..].iter().any(|output| matches!(output, Output::Fact(_))));
    });
}

#[test]
fn con_5_a_refusal_uses_its_number_up_but_too_fast_does_not() {
    story(|s| {
        s.online(["ann", "bob"]);
        let number = s.next_number("ann");
        let refused = s.says_numbered("ann", number, Ok(invite("nobody", 60)));
        assert_eq!(refused, Some(Err(Reason::Offline)));
        assert_eq!(s.says_numbered("ann", number, Ok(invite("bob", 60))), refused);
        let number = s.next_number("ann");
        let too_fast = Reason::RateLimited { retry_after: secs(1) };
        assert_eq!(s.says_numbered("ann", number, Err(too_fast.clone())), Some(Err(too_fast)));
        assert!(matches!(s.says_numbered("ann", number, Ok(invite("bob", 60))), Some(Ok(_))));
        // What was not understood is answered in order, and used up.
        let number = s.next_number("ann");
        let unreadable = Reason::field("seconds", "an integer");
        assert_eq!(s.says_numbered("ann", number, Err(unreadable.clone())), Some(Err(unreadable.clone())));
        assert_eq!(s.says_numbered("ann", number, Ok(leave())), Some(Err(unreadable)));
    });
}

#[test]
fn con_5_the_last_64_answers_are_kept_and_a_lower_number_is_answered() {
    story(|s| {
        s.attach("ann");
        for number in 1..=65 {
            s.says_numbered("ann", number, Ok(join()));
        }
        assert_eq!(s.says_numbered("ann", 1, Ok(leave())), Some(Err(Reason::Answered)));
        assert!(matches!(s.says_numbered("ann", 2, Ok(leave())), Some(Ok(Done::Joined { .. }))));
        // Gaps are allowed; what lies in them is passed.
        s.says_numbered("ann", 1_000, Ok(join()));
        assert_eq!(s.says_numbered("ann", 500, Ok(leave())), Some(Err(Reason::Answered)));
        assert_eq!(s.usage().available, 1);
    });
}

#[test]
fn con_5_answers_are_kept_until_ten_minutes_after_the_client_was_last_seen() {
    story(|s| {
        s.attach("ann/2");
        s.attach("ann");
        s.says_numbered("ann", 7, Ok(join()));
        s.after(MINUTE);
        s.closes("ann");
        s.after(Span::mins(9));
        s.attach("ann");
        assert_eq!(s.last_id("ann"), 7);
        // While it is connected it is seen.
        s.after(HOUR);
        assert!(matches!(s.says_numbered("ann", 7, Ok(leave())), Some(Ok(Done::Joined { .. }))));
        s.closes("ann");
        s.after(Span::mins(20));
        s.attach("ann");
        assert_eq!(s.last_id("ann"), 0);
    });
}

/// When a client was last seen is not written: it may have been just before its server died.
#[test]
fn con_5_a_restart_keeps_answers_as_long_as_a_loss_would() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("bob", "ann", 60);
        let number = s.next_number("ann");
        let first = s.says_numbered("ann", number, Ok(decline(ring)));
        s.after(Span::mins(30));
        s.restart();
        s.asks("ann", Request::Me);
        s.after(Span::mins(9));
        s.attach("ann");
        assert_eq!(s.says_numbered("ann", number, Ok(decline(ring))), first);
    });
}

#[test]
fn con_5_of_five_clients_the_one_longest_unseen_is_forgotten_with_its_rows() {
    story(|s| {
        s.online(["bob"]);
        for device in ["ann/1", "ann/2", "ann/3", "ann/4"] {
            s.attach(device);
            s.says_numbered(device, 5, Ok(named(&format!("Ann on {device}"))));
            s.closes(device);
            s.after(secs(1));
        }
        assert_eq!(s.rows.answers.len(), 4);
        s.attach("ann/1");
        assert_eq!(s.last_id("ann/1"), 5);
        s.closes("ann/1");
        s.after(secs(1));
        s.attach("ann/5");
        s.says_numbered("ann/5", 5, Ok(named("Ann")));
        assert_eq!(s.rows.answers.len(), 4);
        s.closes("ann/5");
        s.attach("ann/1");
        s.attach("ann/2");
        assert_eq!((s.last_id("ann/1"), s.last_id("ann/2")), (5, 0));
    });
}

#[test]
fn con_5_a_connection_without_a_client_counts_for_itself() {
    story(|s| {
        let hello = Attach { client: None, ..s.hello("ann") };
        s.says_hello("ann", hello).expect("welcome");
        s.says_numbered("ann", 3, Ok(join()));
        let takes = Some(s.link("ann"));
        let hello = Attach { client: None, takes, ..s.hello("ann") };
        s.says_hello("ann", hello).expect("welcome");
        assert_eq!(s.last_id("ann"), 3);
        s.closes("ann");
        let hello = Attach { client: None, ..s.hello("ann") };
        s.says_hello("ann", hello).expect("welcome");
        assert_eq!(s.last_id("ann"), 0);
    });
}

#[test]
fn con_5_a_number_whose_rows_did_not_come_has_one_answer_too() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.is_store_slow = true;
        let number = s.next_number("ann");
        assert_eq!(s.says_numbered("ann", number, Ok(report("bob"))), None);
        s.after(secs(10));
        let answer = s.says_numbered("ann", number, Ok(report("bob")));
        assert!(matches!(answer, Some(Err(Reason::Unavailable { .. }))), "said again: {answer:?}");
    });
}

#[test]
fn con_5_a_number_that_waits_for_rows_is_answered_though_its_page_was_reloaded() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.after(secs(120));
        s.skips("ann");
        s.is_store_slow = true;
        let number = s.next_number("ann");
        assert_eq!(s.says_numbered("ann", number, Ok(report("bob"))), None);
        s.closes("ann");
        s.attach("ann");
        let answer = s.says_numbered("ann", number, Ok(report("bob")));
        s.store_answers();
        let again = s.says_numbered("ann", number, Ok(report("bob")));
        assert_eq!(answer.or(again), Some(Ok(Done::Empty)));
        assert_eq!(s.rows.reports.len(), 1);
    });
}

#[test]
fn con_5_the_answer_comes_before_every_event_that_its_command_causes() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        let from = s.transcript.len();
        s.says("bob", accept(ring, 60));
        let to_bob: Vec<&LinkEvent> = s.transcript[from..]
            .iter()
            .filter_map(|output| match output {
                Output::Event { to, event, .. } if *to == s.link("bob") => Some(event),
                _ => None,
            })
            .collect();
        assert!(matches!(to_bob[0], LinkEvent::Answered { answer: Ok(Done::Call { .. }), .. }), "{to_bob:?}");
        assert!(matches!(to_bob[1], LinkEvent::Numbered(Event::CallStarted(_))), "{to_bob:?}");
    });
}

// CON 6, 7, 10 are the gateway's: what reaches the engine is a loss.

#[test]
fn con_6_a_link_found_dead_is_a_loss_like_any_other() {
    story(|s| {
        s.online(["ann"]);
        s.loses("ann");
        // A second report of the same loss changes nothing.
        s.after(secs(5));
        s.loses("ann");
        s.after(secs(5));
        assert!(!s.is_attached("ann"));
    });
}

// CON 8.

#[test]
fn con_8_exclusive_closes_every_other_connection() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.loses("ann/2");
        let hello = Attach { exclusive: true, ..s.hello("ann/3") };
        let state = s.says_hello("ann/3", hello).expect("welcome");
        assert_eq!(state.lobby.as_deref(), Some("main"), "the lobby belongs to the user");
        assert!(!s.is_attached("ann") && !s.is_attached("ann/2"));
        assert_eq!(s.closed("ann"), Some(Closing::SignedInElsewhere));
        assert_eq!((s.usage().links_live, s.usage().available), (2, 2));
    });
}

#[test]
fn con_8_exclusive_takes_the_room_of_all_the_others() {
    story_with(
        |rules, _| rules.when_full = WhenFull::RefuseNew,
        |s| {
            s.online(["ann"]);
            s.attach("ann/2");
            let hello = Attach { exclusive: true, ..s.hello("ann/3") };
            s.says_hello("ann/3", hello).expect("welcome");
        },
    );
    story(|s| {
        s.online(["ann"]);
        s.attach("ann/2");
        let hello = Attach { exclusive: true, ..s.hello("ann/3") };
        s.says_hello("ann/3", hello).expect("welcome");
        for other in ["ann", "ann/2"] {
            assert_eq!(s.closed(other), Some(Closing::SignedInElsewhere), "{other}");
        }
    });
}

#[test]
fn con_8_its_seat_moves_to_the_new_one() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        let hello = Attach { exclusive: true, ..s.hello("ann/2") };
        let state = s.says_hello("ann/2", hello).expect("welcome");
        let seen = state.call.expect("the call");
        assert_eq!((seen.started.here, seen.started.epoch), (true, 2));
        assert_eq!(s.closed("ann"), Some(Closing::SignedInElsewhere));
        s.hears("bob", "renegotiate 2");
        s.after(secs(30));
        s.hears_nothing("bob");
        s.says("ann/2", hang_up(call));
    });
}

#[test]
fn con_8_the_new_one_may_be_the_resumed_one() {
    story(|s| {
        s.online(["ann"]);
        s.attach("ann/2");
        let takes = Some(s.link("ann"));
        let hello = Attach { exclusive: true, takes, ..s.hello("ann") };
        s.says_hello("ann", hello).expect("welcome");
        assert!(s.is_attached("ann") && !s.is_attached("ann/2"));
    });
}

// RATE of sign-ins belongs to hellos.

#[test]
fn con_1_whoever_guesses_tokens_too_often_learns_nothing_more() {
    story(|s| {
        let guess = |s: &mut World, n: u32, address: u128| {
            let guessed = session(&format!("guess{n}"));
            let hello = Attach { session: guessed, address: Address(address), ..s.hello("eve") };
            s.says_hello("eve", hello).expect_err("a guess").0
        };
        for n in 0..6 {
            assert_eq!(guess(s, n, 0xffff_0000_0001), Closing::BadToken);
        }
        assert_ne!(guess(s, 6, 0xffff_0000_0001), Closing::BadToken);
        assert_eq!(guess(s, 7, 0xffff_0000_0002), Closing::BadToken, "another address");
    });
}

#[test]
fn con_1_over_http_guessing_is_too_often() {
    story(|s| {
        for n in 0..6 {
            assert!(matches!(s.asks(&format!("guess{n}"), Request::Me), Reply::Unauthorized(Closing::BadToken)));
        }
        assert!(matches!(s.asks("guess6", Request::Me), Reply::No(Reason::RateLimited { .. })));
        s.online(["ann"]);
        assert!(matches!(s.asks("ann", Request::Me), Reply::Me { .. }), "who has a token is not kept out");
    });
}
