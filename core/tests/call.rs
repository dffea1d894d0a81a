//! Calls (CALL 1–12): their clock, what is said in them, how they end, and what is left of them.

mod common;

use common::told::BEGIN;
use common::*;
use duologue_core::input::{Attach, Input, Intents, Request};
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::Span;
use duologue_core::output::{LinkEvent, Output, Reply};
use duologue_core::wire::{Command, Done, Event, PeerLink, Reason, Totals, Why};

const NO_CALL: CallId = CallId(77);

/// Everything that may be said of a call.
fn of_call(call: CallId) -> Vec<duologue_core::wire::Command> {
    vec![
        chat(call, "hi"),
        share(call, "mail", "a@example.org"),
        extend_call(call, 60),
        hang_up(call),
        ice_servers(call),
        rejoin(call),
        renegotiate(call),
        offer(call),
        candidates(call),
    ]
}

// CALL 1.

#[test]
fn call_1_a_call_ends_at_its_deadline_with_both_clients_silent_s6() {
    // S6: no clock ever ended a call.
    story(|s| {
        s.online(["ann", "bob"]);
        s.after(secs(7));
        let ring = s.rings("ann", "bob", 60);
        s.skips("bob");
        s.says("bob", accept(ring, 120));
        let Event::CallStarted(started) = s.hears("bob", "call_started ann 90 s, answers, here") else { unreachable!() };
        assert_eq!((started.started, started.deadline, started.now), (BEGIN + secs(7), BEGIN + secs(97), BEGIN + secs(7)));
        s.skips("ann");
        s.after(just_before(secs(90)));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "call_ended deadline 90 s");
        s.hears("bob", "call_ended deadline 90 s");
        s.after(DAY);
        s.hears_nothing("ann");
    });
}

#[test]
fn call_1_the_state_tells_the_deadline_and_the_present_time() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 90);
        s.after(secs(30));
        let state = s.attach("ann/2").call.expect("the call");
        assert_eq!((state.started.call, state.started.seconds, state.started.here), (call, 90, false));
        assert_eq!((state.started.deadline, state.started.now), (BEGIN + secs(90), BEGIN + secs(30)));
        assert_eq!((state.extensions_left, state.peer_lost_until), (3, None));
    });
}

// CALL 2.

#[test]
fn call_2_both_agree_to_extend_by_half_of_what_they_said() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(10));
        assert_eq!(s.says("ann", extend_call(call, 61)), Done::Deadline { deadline: BEGIN + secs(60) });
        s.hears("bob", "extend_asked 61 s until 40");
        s.hears_nothing("ann");
        s.after(just_before(secs(30)));
        assert_eq!(s.says("bob", extend_call(call, 120)), Done::Deadline { deadline: BEGIN + secs(150) });
        s.hears("ann", "call_extended to 150, 2 left");
        s.hears("bob", "call_extended to 150, 2 left");
        s.until(just_before(secs(150)));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "call_ended deadline 150 s");
    });
}

#[test]
fn call_2_after_30_s_the_other_s_wish_is_a_question_of_its_own() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 120);
        s.says("ann", extend_call(call, 60));
        s.after(secs(30));
        assert_eq!(s.says("bob", extend_call(call, 60)), Done::Deadline { deadline: BEGIN + secs(120) });
        s.hears("ann", "extend_asked 60 s until 60");
        s.says("ann", extend_call(call, 60));
        s.hears("ann", "call_extended to 180, 2 left");
    });
}

#[test]
fn call_2_nobody_extends_alone() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann", "bob", 60);
        s.says("ann", extend_call(call, 60));
        s.says("ann", extend_call(call, 60));
        s.says("ann/2", extend_call(call, 60));
        s.after(secs(60));
        s.skips("ann");
        assert_eq!(s.usage().calls, 0);
    });
}

#[test]
fn call_2_three_times_at_most_and_within_the_range() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        for seconds in [0, 59, 1_801, u32::MAX] {
            s.refused("ann", extend_call(call, seconds), "invalid_duration");
        }
        for left in [2, 1, 0] {
            s.says("bob", extend_call(call, 60));
            s.says("ann", extend_call(call, 60));
            let deadline = 60 + 60 * (3 - left);
            s.hears("bob", &format!("call_extended to {deadline}, {left} left"));
        }
        s.refused("ann", extend_call(call, 60), "invalid_duration");
        s.refused("bob", extend_call(call, 60), "invalid_duration");
    });
}

// CALL 3.

#[test]
fn call_3_only_members_do_anything_in_a_call_s5() {
    // S5: signals and room entry checked no membership.
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let call = s.call("ann", "bob", 60);
        for command in of_call(call) {
            s.refused("eve", command, "not_member");
        }
        for who in ["ann", "bob", "eve"] {
            s.hears_nothing(who);
        }
        assert_eq!(s.usage().calls, 1);
    });
}

#[test]
fn call_3_nobody_else_ends_a_call_s6() {
    // S6: anyone could end a call.
    story(|s| {
        s.online(["ann", "bob", "eve"]);
        let call = s.call("ann", "bob", 60);
        s.refused("eve", hang_up(call), "not_member");
        s.after(secs(10));
        s.says("ann", hang_up(call));
        s.refused("eve", hang_up(call), "not_member");
    });
}

#[test]
fn call_3_a_call_never_given_out_is_unknown() {
    story(|s| {
        s.online(["ann"]);
        for command in of_call(NO_CALL) {
            s.refused("ann", command, "unknown_call");
        }
    });
}

#[test]
fn call_3_nothing_is_relayed_after_the_end_s25() {
    // S25: chat and signals went on after the end.
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(10));
        s.says("ann", hang_up(call));
        s.skips("bob");
        s.skips("ann");
        for command in of_call(call) {
            if matches!(command, duologue_core::wire::Command::HangUp { .. }) {
                s.says("bob", command);
            } else {
                s.refused("bob", command, "unknown_call");
            }
        }
        s.hears_nothing("ann");
        s.hears_nothing("bob");
        assert!(s.rows.chat.is_empty());
    });
}

#[test]
fn call_3_the_relay_opens_before_call_started_is_told_and_closes_before_call_ended() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        let from = s.transcript.len();
        let Done::Call { call } = s.says("bob", accept(ring, 60)) else { panic!("a call") };
        s.says("ann", hang_up(call));
        let said = &s.transcript[from..];
        let place = |wanted: &dyn Fn(&Output) -> bool| said.iter().position(wanted).expect("said");
        let seats = place(
            &|o| matches!(o, Output::Seats { epoch: 1, seats: [Some(a), Some(b)], .. } if (*a, *b) == (s.link("ann"), s.link("bob"))),
        );
        let told = |o: &Output, end: bool| match o {
            Output::Event { event: LinkEvent::Numbered(Event::CallEnded(_)), .. } => end,
            Output::Event { event: LinkEvent::Numbered(Event::CallStarted(_)), .. } => !end,
            _ => false,
        };
        let (started, ended) = (place(&|o| told(o, false)), place(&|o| told(o, true)));
        let unseat = place(&|o| matches!(o, Output::Unseat { .. }));
        assert!(seats < started && started < unseat && unseat < ended, "{seats} {started} {unseat} {ended}");
    });
}

#[test]
fn call_3_a_member_s_connection_without_the_seat_sends_no_signals() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        let call = s.call("ann", "bob", 60);
        s.refused("bob/2", offer(call), "not_yours");
        s.refused("bob/2", candidates(call), "not_yours");
        s.refused("bob/2", renegotiate(call), "not_yours");
        s.says("bob/2", chat(call, "from my phone"));
        s.says("bob/2", share(call, "mail", "b@example.org"));
        s.says("bob/2", extend_call(call, 60));
        s.says("bob/2", hang_up(call));
    });
}

// CALL 4.

#[test]
fn call_4_a_line_of_chat_reaches_all_connections_of_both_but_the_one_that_sent_it() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.attach("bob/2");
        let call = s.call("ann", "bob", 60);
        s.skips("ann/2");
        s.skips("bob/2");
        s.after(secs(3));
        assert_eq!(s.says("ann", chat(call, "hello")), Done::Said { at: BEGIN + secs(3) });
        for device in ["ann/2", "bob", "bob/2"] {
            s.hears(device, "chat ann: hello");
        }
        s.hears_nothing("ann");
    });
}

#[test]
fn call_4_control_and_bidi_characters_go_and_nothing_else_changes() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", chat(call, " <b>a\u{0}\u{1b}\u{7f}\u{85}&amp;\nb\u{202e}\u{2066}\u{61c}\u{200f}\t</b>\u{200d}é "));
        s.hears("bob", "chat ann:  <b>a&amp;\nb</b>\u{200d}é ");
    });
}

#[test]
fn call_4_a_line_has_1_to_500_unicode_scalar_values_after_cleaning() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        for text in ["", "\u{202e}\u{7}", &"x".repeat(501)] {
            let reason = s.refused("ann", chat(call, text), "bad_message");
            assert!(matches!(reason, Reason::BadMessage { field: Some(field), .. } if field == "text"));
        }
        s.hears_nothing("bob");
        let long = "🦀".repeat(500) + "\u{7}";
        s.says("ann", chat(call, &long));
        s.hears("bob", &format!("chat ann: {}", "🦀".repeat(500)));
    });
}

#[test]
fn call_4_chat_is_kept_with_the_history_unless_the_operator_turns_it_off() {
    for keep in [true, false] {
        story_with(
            |rules, _| rules.chat_keep = keep,
            |s| {
                s.online(["ann", "bob"]);
                let call = s.call("ann", "bob", 60);
                s.says("ann", chat(call, "hello"));
                s.says("bob", chat(call, "you"));
                s.hears("ann", "chat bob: you");
                s.after(secs(60));
                let Reply::History { calls, more } = s.asks("ann", Request::History { before: None, limit: 20 }) else { panic!("history") };
                let said: Vec<(String, String)> = calls[0].0.chat.iter().map(|line| (name(line.from), line.text.clone())).collect();
                let wanted = [("ann".to_owned(), "hello".to_owned()), ("bob".into(), "you".into())];
                assert_eq!(said, if keep { wanted.to_vec() } else { vec![] });
                assert!(!more);
            },
        );
    }
}

#[test]
fn call_4_chat_goes_on_after_a_restart_and_overwrites_nothing() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 120);
        for line in ["one", "two", "three"] {
            s.says("ann", chat(call, line));
        }
        s.restart_after(secs(1));
        s.attach("ann");
        s.attach("bob");
        s.says("ann", rejoin(call));
        s.says("bob", chat(call, "four"));
        assert_eq!(s.rows.chat.values().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["one", "two", "three", "four"]);
    });
}

// CALL 5.

#[test]
fn call_5_contacts_are_exchanged_only_if_both_share() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", share(call, "mail", "ann@example.org"));
        s.hears_nothing("ann");
        s.hears_nothing("bob");
        s.after(secs(30));
        s.says("bob", share(call, "phone", "123"));
        s.hears("ann", "shared phone=123");
        s.hears("bob", "shared mail=ann@example.org");
    });
}

#[test]
fn call_5_what_is_shared_is_looked_at_after_the_call() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let call = s.call("ann", "bob", 60);
        let nothing = || Command::Share { call, contacts: Vec::new() };
        s.refused("cat", nothing(), "not_member");
        s.refused("ann", nothing(), "bad_message");
    });
}

#[test]
fn call_5_a_share_is_cleaned_told_once_and_limited_as_chat_is() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("bob", share(call, "phone", "123"));
        for _ in 0..3 {
            s.says("ann", share(call, "mail", "ann\u{1}@\u{202e}example.org"));
        }
        let told = s.hears_all("bob");
        let [Event::Shared { contacts, .. }] = &told[..] else { panic!("once: {told:?}") };
        assert_eq!(contacts[..], [("mail".into(), "ann@example.org".into())]);
        for n in 3..10 {
            s.says("ann", share(call, "mail", &n.to_string()));
        }
        s.refused("ann", share(call, "mail", "more"), "rate_limited");
        assert_eq!(s.hears_all("bob").len(), 7);
    });
}

#[test]
fn call_5_a_share_that_nobody_answered_ends_with_the_call() {
    story_with(
        |rules, _| rules.cooldown_call = secs(61),
        |s| {
            s.online(["ann", "bob"]);
            let call = s.call("ann", "bob", 60);
            s.says("ann", share(call, "mail", "ann@example.org"));
            s.after(secs(61));
            let call = s.call("ann", "bob", 60);
            s.says("bob", share(call, "phone", "123"));
            s.hears_nothing("ann");
            s.hears_nothing("bob");
        },
    );
}

// CALL 6.

#[test]
fn call_6_either_hangs_up_and_twice_has_one_effect_s25() {
    // S25: ending twice counted twice.
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(40));
        s.says("bob", hang_up(call));
        s.hears("ann", "call_ended hang_up 40 s");
        s.hears("bob", "call_ended hang_up 40 s");
        // Both at once, and again.
        s.says("ann", hang_up(call));
        s.says("bob", hang_up(call));
        s.after(just_before(secs(60)));
        s.says("bob", hang_up(call));
        s.hears_nothing("ann");
        s.hears_nothing("bob");
        assert_eq!(s.totals("ann"), Totals { seconds: 40, calls: 1, completed: 1 });
        s.after(millis(1));
        s.refused("ann", hang_up(call), "unknown_call");
    });
}

#[test]
fn call_6_after_both_hung_up_at_once_both_can_meet_somebody_again() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", hang_up(call));
        s.says("bob", hang_up(call));
        s.call("ann", "cat", 60);
        s.call("bob", "dan", 60);
    });
}

#[test]
fn call_6_a_lost_member_is_told_of_and_after_the_grace_the_call_ends() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("bob/2");
        s.call("ann", "bob", 600);
        s.skips("bob/2");
        s.after(secs(100));
        s.loses("ann");
        s.hears("bob", "peer_link reconnecting until 110");
        s.hears("bob/2", "peer_link reconnecting until 110");
        s.after(just_before(secs(10)));
        s.hears_nothing("bob");
        s.after(millis(1));
        s.hears("bob", "call_ended peer_lost 110 s");
        s.hears("bob/2", "call_ended peer_lost 110 s");
    });
}

#[test]
fn call_6_who_comes_back_in_the_grace_goes_on() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 600);
        for _ in 0..3 {
            s.loses("ann");
            s.after(just_before(secs(10)));
            let state = s.resumes("ann").call.expect("the call");
            assert!(state.started.here);
            assert!(matches!(s.next_event("bob"), Some(Event::PeerLink { state: PeerLink::Reconnecting { .. }, .. })));
            s.hears("bob", "peer_link back");
        }
        s.after(MINUTE);
        s.says("ann", hang_up(call));
    });
}

#[test]
fn call_6_both_lost_ends_once() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 600);
        s.after(secs(50));
        s.loses("ann");
        s.after(secs(5));
        s.loses("bob");
        s.after(MINUTE);
        assert_eq!(s.totals("bob"), Totals { seconds: 60, calls: 1, completed: 1 });
        assert_eq!(s.usage().links_graced, 0);
    });
}

#[test]
fn call_6_the_operator_may_end_calls_with_shutdown() {
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        s.call("ann", "bob", 60);
        s.call("cat", "dan", 60);
        s.after(secs(6));
        s.input(Input::Drain { end_calls: true });
        for who in ["ann", "bob", "cat", "dan"] {
            s.hears(who, "call_ended shutdown 6 s");
        }
        assert_eq!(s.usage().calls, 0);
    });
}

// CALL 7.

#[test]
fn call_7_the_cooldown_of_a_day_counts_from_the_start_and_no_way_out_escapes_it_s8() {
    // S8: a call dropped before 5 s set no cooldown (four known escapes).
    type Escape = (&'static str, fn(&mut World, CallId));
    let escapes: [Escape; 8] = [
        ("hangs up at once", |s, call| drop(s.says("ann", hang_up(call)))),
        ("hangs up after 4 s", |s, call| {
            s.after(secs(4));
            s.says("bob", hang_up(call));
        }),
        ("closes the page", |s, _| s.closes("ann")),
        ("loses the network", |s, _| {
            s.loses("bob");
            s.after(secs(10));
        }),
        ("signs out", |s, _| drop(s.asks("ann", Request::SignOut))),
        ("signs in elsewhere", |s, _| {
            let hello = Attach { exclusive: true, ..s.hello("ann/2") };
            s.says_hello("ann/2", hello).expect("welcome");
            s.closes("ann/2");
        }),
        ("the process dies", |s, _| {
            s.restart();
            s.after(MINUTE);
        }),
        ("the operator ends it", |s, _| s.input(Input::Drain { end_calls: true })),
    ];
    for (how, escape) in escapes {
        story(|s| {
            s.online(["ann", "bob"]);
            s.after(secs(5));
            let call = s.call("ann", "bob", 60);
            escape(s, call);
            s.after(secs(2));
            assert_eq!(s.usage().calls, 0, "{how}");
            let until = BEGIN + secs(5) + DAY;
            assert_eq!(s.rows.cooldowns.values().collect::<Vec<_>>(), [&until], "{how}: from the start, never moved");
        });
    }
}

#[test]
fn call_7_the_cooldown_is_written_in_the_transaction_that_starts_the_call() {
    story(|s| {
        s.online(["ann", "bob"]);
        let ring = s.rings("ann", "bob", 60);
        let from = s.transcript.len();
        s.says("bob", accept(ring, 60));
        let said: Vec<&Output> = s.transcript[from..].iter().collect();
        let facts = said.iter().filter(|output| matches!(output, Output::Fact(_))).count();
        assert!(said[..facts].iter().any(|o| matches!(o, Output::Fact(duologue_core::row::Row::Call(_)))));
        assert!(said[..facts].iter().any(|o| matches!(o, Output::Fact(duologue_core::row::Row::Cooldown { .. }))));
    });
}

#[test]
fn call_7_the_end_tells_the_cooldown() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(2));
        s.says("ann", hang_up(call));
        let Event::CallEnded(ended) = s.hears("bob", "call_ended hang_up 2 s") else { unreachable!() };
        assert_eq!(ended.cooldown_until, BEGIN + DAY);
        s.until(just_before(DAY));
        s.refused("bob", invite("ann", 60), "cooldown");
        s.after(millis(1));
        s.rings("bob", "ann", 60);
    });
}

// CALL 8.

#[test]
fn call_8_a_call_of_5_s_counts_and_one_of_30_s_is_completed() {
    for (lasts, totals) in [
        (4_999, Totals::default()),
        (5_000, Totals { seconds: 5, calls: 1, completed: 0 }),
        (29_999, Totals { seconds: 29, calls: 1, completed: 0 }),
        (30_000, Totals { seconds: 30, calls: 1, completed: 1 }),
    ] {
        story(|s| {
            s.online(["ann", "bob"]);
            let call = s.call("ann", "bob", 60);
            s.after(millis(lasts));
            s.says("ann", hang_up(call));
            for who in ["ann", "bob"] {
                let Some(Event::CallEnded(ended)) = s.next_event(who) else { panic!("the end") };
                assert_eq!((ended.seconds, ended.totals), (lasts / 1_000, totals));
                assert_eq!(s.totals(who), totals);
            }
        });
    }
}

#[test]
fn call_8_the_history_of_both_has_the_call_under_one_id_s10() {
    // S10: both members' rows shared a key, one was lost; ids collided in a millisecond.
    story(|s| {
        s.online(["ann", "bob", "cat", "dan"]);
        let one = s.call("ann", "bob", 60);
        let two = s.call("cat", "dan", 60);
        assert_ne!(one, two);
        s.after(secs(60));
        for (who, peer, call) in [("ann", "bob", one), ("bob", "ann", one), ("cat", "dan", two), ("dan", "cat", two)] {
            let Reply::History { calls, more } = s.asks(who, Request::History { before: None, limit: 20 }) else { panic!("history") };
            assert_eq!((calls.len(), more), (1, false));
            assert_eq!((calls[0].0.call, calls[0].1.user), (call, user(peer)));
            assert_eq!(calls[0].0.ended, Some((BEGIN + secs(60), Why::Deadline)));
        }
    });
}

#[test]
fn call_8_the_history_is_read_newest_first_in_pages() {
    story(|s| {
        s.online(["ann"]);
        let mut calls = Vec::new();
        for peer in ["bob", "cat", "dan"] {
            s.online([peer]);
            calls.push(s.call("ann", peer, 60));
            s.after(secs(60));
        }
        let Reply::History { calls: page, more } = s.asks("ann", Request::History { before: None, limit: 2 }) else { panic!("history") };
        assert_eq!(page.iter().map(|(row, _)| row.call).collect::<Vec<_>>(), [calls[2], calls[1]]);
        assert!(more);
        let before = Some(calls[1]);
        let Reply::History { calls: page, more } = s.asks("ann", Request::History { before, limit: 2 }) else { panic!("history") };
        assert_eq!(page.iter().map(|(row, _)| row.call).collect::<Vec<_>>(), [calls[0]]);
        assert!(!more);
    });
}

#[test]
fn call_8_a_call_too_short_to_count_leaves_no_history() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", chat(call, "oh"));
        s.after(secs(3));
        s.says("bob", hang_up(call));
        let Reply::History { calls, .. } = s.asks("ann", Request::History { before: None, limit: 20 }) else { panic!("history") };
        assert!(calls.is_empty());
    });
}

#[test]
fn call_8_totals_survive_a_restart_and_what_ends_while_the_store_answers() {
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        s.call("ann", "bob", 60);
        s.after(secs(60));
        s.call("ann", "cat", 60);
        s.after(secs(30));
        s.restart();
        // Ann's rows are read now, and told only after the call has ended.
        s.is_store_slow = true;
        let hello = s.hello("ann");
        s.offers_hello("ann", hello);
        s.after(secs(5));
        let hello = s.hello("cat");
        s.offers_hello("cat", hello);
        s.after(secs(1));
        s.store_answers_one();
        s.after(secs(24));
        s.store_answers();
        s.after(secs(10));
        let Reply::Me { totals, .. } = s.asks("ann", Request::Me) else { panic!("me") };
        assert_eq!(totals, s.totals("ann"));
        assert_eq!(totals, Totals { seconds: 120, calls: 2, completed: 2 });
    });
}

#[test]
fn call_8_older_rows_never_overwrite_totals_that_memory_knows() {
    story_with(
        |rules, _| rules.recovery = secs(5),
        |s| {
            s.online(["ann", "bob", "cat"]);
            s.call("ann", "bob", 60);
            s.after(secs(40));
            s.restart();
            s.is_store_slow = true;
            let hello = s.hello("ann");
            s.offers_hello("ann", hello);
            s.after(secs(6));
            assert_eq!(s.usage().calls, 0, "nobody came back in time");
            s.store_answers();
            let Reply::Me { totals, .. } = s.asks("ann", Request::Me) else { panic!("me") };
            assert_eq!(totals, Totals { seconds: 45, calls: 1, completed: 1 });
        },
    );
}

// CALL 9.

#[test]
fn call_9_after_the_call_both_are_where_they_were() {
    story(|s| {
        s.online(["bob", "cat"]);
        s.attach("ann");
        s.says("cat", window(20));
        s.after(secs(1));
        assert_eq!(s.sees("cat"), ["bob"]);
        let call = s.call("ann", "bob", 60);
        s.after(secs(1));
        assert_eq!(s.sees("cat"), [""; 0]);
        assert_eq!(s.usage().available, 1);
        s.says("ann", hang_up(call));
        s.after(secs(1));
        assert_eq!(s.sees("cat"), ["bob"]);
        s.refused("cat", invite("ann", 60), "not_in_lobby");
    });
}

// CALL 10.

#[test]
fn call_10_a_user_is_in_at_most_one_call_ever() {
    // The rows refuse a second one, as the database would.
    story(|s| {
        s.online(["ann", "bob", "cat"]);
        let to_ann = s.rings("cat", "ann", 60);
        s.call("ann", "bob", 60);
        s.refused("ann", accept(to_ann, 60), "answered");
        s.refused("ann", invite("cat", 60), "busy");
        s.refused("cat", invite("bob", 60), "busy");
        s.refused("ann", pair(), "busy");
        assert_eq!(s.usage().calls, 1);
    });
}

// CALL 11.

#[test]
fn call_11_the_seats_are_where_the_invite_and_the_accept_came_from() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.attach("bob/2");
        let ring = s.rings("ann/2", "bob", 60);
        s.says("bob/2", accept(ring, 60));
        for (device, place) in [("ann", "elsewhere"), ("ann/2", "here")] {
            s.hears(device, "invite_ended accepted");
            s.hears(device, &format!("call_started bob 60 s, offers, {place}"));
        }
    });
}

#[test]
fn call_11_rejoin_moves_the_seat_and_both_sides_begin_their_signaling_again() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann", "bob", 60);
        s.skips("ann/2");
        s.says("ann/2", rejoin(call));
        let Event::CallStarted(started) = s.hears("ann/2", "call_started bob 60 s, offers, here") else { unreachable!() };
        assert_eq!(started.epoch, 2);
        s.hears("ann", "call_moved");
        s.hears("bob", "renegotiate 2");
        s.refused("ann", renegotiate(call), "not_yours");
        // By the seat itself: the present epoch again, and nothing for the peer.
        s.says("ann/2", rejoin(call));
        let Event::CallStarted(started) = s.hears("ann/2", "call_started bob 60 s, offers, here") else { unreachable!() };
        assert_eq!(started.epoch, 2);
        s.hears_nothing("bob");
        // And back.
        s.says("ann", rejoin(call));
        s.hears("ann/2", "call_moved");
        s.hears("bob", "renegotiate 3");
    });
}

#[test]
fn call_11_the_grace_begins_when_the_seat_is_lost_whatever_other_connections_there_are() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.call("ann", "bob", 60);
        s.loses("ann/2");
        s.hears_nothing("bob");
        s.resumes("ann/2");
        s.loses("ann");
        s.hears("bob", "peer_link reconnecting until 10");
        s.after(secs(10));
        s.hears("bob", "call_ended peer_lost 10 s");
    });
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann", "bob", 60);
        s.loses("ann");
        s.skips("bob");
        s.says("ann/2", rejoin(call));
        s.hears("bob", "peer_link back");
        s.hears("bob", "renegotiate 2");
        s.after(secs(30));
        s.hears_nothing("bob");
    });
}

#[test]
fn call_11_a_seat_taken_by_a_connection_that_is_lost_is_in_its_grace() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann", "bob", 60);
        s.loses("ann/2");
        s.after(secs(4));
        s.says("ann/2", rejoin(call));
        s.hears("bob", "peer_link reconnecting until 10");
        s.hears("bob", "renegotiate 2");
        s.resumes("ann/2");
        s.hears("bob", "peer_link back");
    });
}

#[test]
fn call_11_a_seat_closed_on_purpose_ends_the_call() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.after(secs(20));
        s.closes("ann");
        s.hears("bob", "call_ended hang_up 20 s");
    });
}

#[test]
fn call_11_a_seat_closed_on_purpose_begins_the_grace_where_another_connection_is_alive() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        let call = s.call("ann", "bob", 60);
        s.after(secs(20));
        s.closes("ann");
        s.hears("bob", "peer_link reconnecting until 30");
        s.says("ann/2", rejoin(call));
        s.hears("bob", "peer_link back");
        s.hears("bob", "renegotiate 2");
        s.after(secs(20));
        s.hears_nothing("bob");
    });
    story(|s| {
        s.online(["ann", "bob"]);
        s.attach("ann/2");
        s.loses("ann/2");
        s.call("ann", "bob", 60);
        s.closes("ann");
        s.hears("bob", "call_ended hang_up 0 s");
    });
}

#[test]
fn call_11_renegotiate_gives_the_next_epoch_to_the_one_who_asked_and_to_the_peer() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        assert_eq!(s.says("bob", renegotiate(call)), Done::Epoch { epoch: 2 });
        s.hears("ann", "renegotiate 2");
        s.hears_nothing("bob");
        let link = s.link("ann");
        s.input(Input::ReplayLost { link });
        s.hears("ann", "renegotiate 3");
        s.hears("bob", "renegotiate 3");
        assert!(matches!(s.transcript.iter().rfind(|o| matches!(o, Output::Seats { .. })), Some(Output::Seats { epoch: 3, .. })));
    });
}

// CALL 12.

#[test]
fn call_12_a_call_survives_a_restart_and_its_clock_goes_on() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 120);
        s.after(secs(30));
        s.restart_after(secs(10));
        let state = s.attach("ann");
        let seen = state.call.expect("the call is kept");
        assert_eq!((seen.started.call, seen.started.here, seen.started.deadline), (call, false, BEGIN + secs(120)));
        assert_eq!(seen.peer_lost_until, Some(BEGIN + secs(100)));
        assert_eq!((state.lobby, state.window), (None, None));
        s.says("ann", rejoin(call));
        s.hears("ann", "call_started bob 120 s, offers, here");
        s.after(secs(20));
        s.attach("bob");
        s.says("bob", rejoin(call));
        s.hears("ann", "peer_link back");
        assert!(matches!(s.next_event("ann"), Some(Event::Renegotiate { .. })));
        s.until(secs(120));
        s.hears("ann", "call_ended deadline 120 s");
    });
}

#[test]
fn call_12_who_does_not_come_back_within_60_s_of_ready_is_lost() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 600);
        s.after(secs(30));
        s.restart_after(secs(10));
        s.attach("ann");
        s.says("ann", rejoin(call));
        s.skips("ann");
        s.after(just_before(MINUTE));
        s.hears_nothing("ann");
        s.after(millis(1));
        s.hears("ann", "call_ended peer_lost 100 s");
    });
}

#[test]
fn call_12_an_attached_member_without_rejoin_is_not_back() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 600);
        s.restart();
        s.attach("ann");
        s.attach("bob");
        s.says("ann", rejoin(call));
        s.skips("ann");
        s.after(MINUTE);
        s.hears("ann", "call_ended peer_lost 60 s");
    });
}

#[test]
fn call_12_a_connection_that_declares_its_seat_to_a_new_owner_has_it_again() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 600);
        s.restart();
        for device in ["ann", "bob"] {
            let intents = Intents { seat: Some(call), ..Intents::default() };
            let hello = Attach { intents, ..s.hello(device) };
            let state = s.says_hello(device, hello).expect("welcome");
            assert!(state.call.expect("the call").started.here);
        }
        s.hears("ann", "peer_link back");
        s.after(MINUTE);
        s.says("bob", hang_up(call));
    });
}

#[test]
fn call_12_a_deadline_that_passed_meanwhile_ended_the_call_at_that_deadline() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 120);
        s.after(secs(30));
        s.restart_after(HOUR);
        assert_eq!(s.usage().calls, 0);
        assert_eq!(s.totals("bob"), Totals { seconds: 120, calls: 1, completed: 1 });
        assert_eq!(s.rows.calls.values().next().and_then(|row| row.ended), Some((BEGIN + secs(120), Why::Deadline)));
    });
}

#[test]
fn call_12_an_extension_survives_a_restart() {
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", extend_call(call, 60));
        s.says("bob", extend_call(call, 60));
        s.restart();
        let seen = s.attach("ann").call.expect("the call");
        assert_eq!((seen.started.seconds, seen.started.deadline, seen.extensions_left), (60, BEGIN + secs(120), 2));
    });
}

#[test]
fn call_12_a_shutdown_ends_no_call() {
    story(|s| {
        s.online(["ann", "bob"]);
        s.call("ann", "bob", 60);
        s.input(Input::Drain { end_calls: false });
        s.after(Span::millis(500));
        s.hears_nothing("ann");
        s.restart();
        assert!(s.attach("ann").call.is_some());
    });
}

#[test]
fn call_12_no_epoch_of_before_the_restart_is_given_again() {
    // SIG 1: what was sent under an epoch of before is stale, and told apart.
    story(|s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 600);
        let Done::Epoch { epoch: before } = s.says("bob", renegotiate(call)) else { panic!("an epoch") };
        s.restart();
        s.attach("ann");
        s.says("ann", rejoin(call));
        let Some(Event::CallStarted(started)) = s.next_event("ann") else { panic!("the call") };
        assert!(started.epoch > before, "{} after {before}", started.epoch);
    });
}
