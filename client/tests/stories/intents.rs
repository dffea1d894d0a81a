//! What is wanted for good, and servers that forgot it.

use crate::script::{CLIENT, Story, call_started, story};
use duologue_client::{Config, Event, Intent};
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{self, CallState, Command, Done, Filter, Reason, State, Why};

fn join() -> Command {
    Command::Join { lobby: Some("main".into()) }
}

fn window() -> Command {
    Command::Window { size: 3, filter: Filter::default() }
}

fn pair() -> Command {
    Command::Pair { filter: Filter::default(), confirm: true }
}

fn call_state(call: u64, here: bool) -> State {
    let call = CallState { started: call_started(call, here), extensions_left: 3, peer_lost_until: None };
    State { call: Some(call), ..State::default() }
}

#[test]
fn a_server_that_forgot_is_told_lobby_window_and_ticket_in_this_order() {
    story(|s| {
        s.in_the_lobby().asks(3, pair()).sent(3, pair()).ok(3, Done::Waiting { since: Millis(1) }).whatever_told();
        s.comes_back();
        s.welcome(|welcome| welcome.last_id = 3).sent(4, join()).sent(5, window()).sent(6, pair());
    });
}

#[test]
fn nothing_is_declared_that_the_state_has() {
    story(|s| {
        s.in_the_lobby().comes_back();
        s.welcome(|welcome| (welcome.state.lobby, welcome.state.window) = (Some("main".into()), Some(3))).sent_nothing();
    });
}

#[test]
fn nothing_is_declared_after_a_recovered_resume() {
    story(|s| {
        s.in_the_lobby().comes_back();
        s.welcome(|welcome| welcome.recovered = true).sent_nothing();
        s.comes_back();
        s.welcome(|_| {}).sent_nothing();
    });
}

#[test]
fn what_the_user_or_the_server_ended_is_not_declared() {
    story(|s| {
        s.in_the_lobby().asks(3, Command::Leave).sent(3, Command::Leave).ok(3, Done::Empty).comes_back();
        s.welcome(|_| {}).sent_nothing();
    });
    story(|s| {
        s.in_the_lobby().event(1, wire::Event::Left { lobby: "main".into(), why: Why::Away }).comes_back();
        s.welcome(|_| {}).sent_nothing();
    });
    story(|s| {
        s.in_the_lobby().asks(3, Command::WindowClose).sent(3, Command::WindowClose).ok(3, Done::Empty).comes_back();
        s.welcome(|_| {}).sent(4, join());
    });
}

#[test]
fn a_leave_on_its_way_is_not_crossed_by_a_join() {
    story(|s| {
        s.in_the_lobby().asks(3, Command::Leave).sent(3, Command::Leave).comes_back();
        s.welcome(|_| {}).sent(3, Command::Leave).sent_nothing();
    });
}

#[test]
fn a_command_that_needs_the_lobby_waits_for_it_after_a_restart() {
    story(|s| {
        s.in_the_lobby().asks(9, pair()).sent(3, pair()).comes_back();
        s.welcome(|_| {}).sent(3, pair()).sent(4, join()).sent(5, window()).whatever_told();
        s.no(3, Reason::NotInLobby).told_nothing().sent(6, pair());
        s.ok(4, Done::Joined { lobby: "main".into() }).ok(6, Done::Waiting { since: Millis(1) });
        s.told_answer(9, Ok(Done::Waiting { since: Millis(1) }));
    });
}

#[test]
fn a_declaration_that_was_refused_for_the_moment_is_made_again() {
    story(|s| {
        s.in_the_lobby().comes_back();
        s.welcome(|welcome| welcome.state.window = Some(3)).sent(3, join()).whatever_told();
        s.no(3, Reason::Unavailable { retry_after: Span::secs(2) }).after(Span::millis(1_999)).sent_nothing();
        s.after(Span::millis(501)).sent(4, join()).no(4, Reason::NoAccess);
        s.told(Event::GivenUp { intent: Intent::Lobby, reason: Reason::NoAccess });
    });
}

/// A server that was slow to load refused them all in one moment.
#[test]
fn a_crowd_does_not_declare_again_in_one_moment() {
    let waited = |seed: u64, refusals: u64| {
        let mut s = Story::new(Config { quiet: Span::mins(10), ..Config::new("token", CLIENT, seed) });
        s.opens();
        s.welcome(|_| {}).asks(1, join()).sent(1, join()).ok(1, Done::Joined { lobby: "main".into() }).comes_back();
        s.welcome(|_| {});
        for n in 0..refusals {
            s.sent(2 + n, join()).no(2 + n, Reason::Unavailable { retry_after: Span::secs(2) });
            let at = s.engine.poll_timeout().expect("it tries again");
            if n + 1 == refusals {
                return at.since(s.now);
            }
            s.after(at.since(s.now));
        }
        unreachable!("it returns at the last refusal")
    };
    for refusals in [1, 3] {
        let waits: std::collections::BTreeSet<Span> = (0..100).map(|seed| waited(seed, refusals)).collect();
        let longest = Span::millis(2_000 + (500 << (refusals - 1)));
        assert!(waits.len() > 70, "{refusals}: {}", waits.len());
        assert!(waits.iter().all(|wait| (Span::secs(2)..=longest).contains(wait)), "{waits:?}");
        assert!(waits.last() > Some(&Span::millis(longest.0 - 100)), "the ceiling doubles: {waits:?}");
    }
}

#[test]
fn call_11_the_seat_that_was_here_is_taken_again() {
    story(|s| {
        s.in_a_call(7).comes_back();
        let rejoin = Command::Rejoin { call: CallId(7) };
        s.welcome(|welcome| welcome.state = call_state(7, false)).sent(1, rejoin).whatever_told();
        let started = wire::CallStarted { epoch: 2, ..call_started(7, true) };
        s.ok(1, Done::Empty).event(1, wire::Event::CallStarted(Box::new(started.clone())));
        s.told(Event::Happened(wire::Event::CallStarted(Box::new(started))));
        assert!(s.engine.call().is_some_and(|call| call.started().here));
    });
}

#[test]
fn a_seat_on_another_device_is_left_there() {
    story(|s| {
        s.in_a_call(7).event(2, wire::Event::CallMoved { call: CallId(7) }).comes_back();
        s.welcome(|welcome| welcome.state = call_state(7, false)).sent_nothing();
        assert!(s.engine.call().is_some_and(|call| !call.started().here));
    });
}

#[test]
fn a_process_that_starts_anew_takes_the_seat_that_it_had() {
    let mut s = Story::new(Config { seat: Some(CallId(7)), ..Config::new("token", CLIENT, 7) });
    s.opens();
    s.welcome(|welcome| (welcome.state, welcome.last_id) = (call_state(7, false), 30)).sent(31, Command::Rejoin { call: CallId(7) });
}

#[test]
fn a_ticket_ends_with_a_call_and_a_pair_that_is_over() {
    story(|s| {
        s.asks(1, pair()).sent(1, pair()).ok(1, Done::Waiting { since: Millis(1) }).in_a_call(7);
        s.event(2, wire::Event::CallEnded(Box::new(crate::calls::ended(7)))).comes_back();
        s.welcome(|_| {}).sent_nothing();
    });
    story(|s| {
        s.asks(1, pair()).sent(1, pair()).ok(1, Done::Waiting { since: Millis(1) });
        let ended = |waiting| wire::Event::PairEnded { pair: duologue_core::kit::ids::PairId(1), why: Why::Timeout, waiting };
        s.event(1, ended(true)).comes_back();
        s.welcome(|_| {}).sent(2, pair()).ok(2, Done::Waiting { since: Millis(1) });
        s.event(1, ended(false)).comes_back();
        s.welcome(|_| {}).sent_nothing();
    });
}

#[test]
fn exclusive_is_said_until_the_first_welcome_only() {
    let mut s = Story::new(Config { exclusive: true, ..Config::new("token", CLIENT, 7) });
    assert!(s.opens().exclusive);
    assert!(s.comes_back().exclusive);
    s.welcome(|_| {});
    assert!(!s.comes_back().exclusive);
}
