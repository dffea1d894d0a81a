//! Losing the link and coming back: with what was seen, in order, each once.

use crate::script::{CLIENT, card, story};
use duologue_client::{Event, Input};
use duologue_core::kit::ids::InviteId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{self, Command, View};

fn rang(invite: u64) -> wire::Event {
    wire::Event::Rang { invite: InviteId(invite), from: card(2), seconds: 300, expires: Millis(20_000) }
}

#[test]
fn a_client_resumes_with_its_newest_token_its_last_event_and_its_window() {
    story(|s| {
        s.in_the_lobby().event(1, rang(1)).event(2, rang(2));
        let hello = s.comes_back();
        assert_eq!(hello.client, Some(CLIENT));
        let resume = hello.resume.expect("it was welcomed before");
        assert_eq!((resume.token.as_str(), resume.seq, resume.window), ("resume at 0", 2, Some(1)));
        s.whatever_told().welcome(|welcome| {
            (welcome.recovered, welcome.seq, welcome.resume) = (true, 2, "the next".into());
            (welcome.state.lobby, welcome.state.window) = (Some("main".into()), Some(3));
        });
        s.whatever_told().event(3, rang(3)).told(Event::Happened(rang(3)));
        let resume = s.comes_back().resume.expect("it was welcomed before");
        assert_eq!((resume.token.as_str(), resume.seq), ("the next", 3));
    });
}

#[test]
fn an_event_said_twice_is_told_once() {
    story(|s| {
        s.event(1, rang(1)).event(1, rang(1)).told(Event::Happened(rang(1))).told_nothing();
    });
}

#[test]
fn a_gap_in_the_events_drops_the_link_and_resumes() {
    story(|s| {
        s.event(1, rang(1)).told(Event::Happened(rang(1)));
        s.event(3, rang(3));
        assert_eq!(s.closed_links(), [(1, false)]);
        s.waits_for_a_link();
        let resume = s.connects().resume.expect("it was welcomed before");
        assert_eq!(resume.seq, 1);
        s.whatever_told().welcome(|welcome| (welcome.recovered, welcome.seq) = (true, 1));
        s.whatever_told().event(2, rang(2)).event(3, rang(3)).told(Event::Happened(rang(2))).told(Event::Happened(rang(3)));
        s.after(Span::secs(5)).sent_ack(3);
    });
}

#[test]
fn a_connection_that_is_not_recovered_counts_from_its_welcome() {
    story(|s| {
        s.event(1, rang(1)).comes_back();
        s.whatever_told().welcome(|welcome| welcome.seq = 40);
        s.whatever_told().event(41, rang(2)).told(Event::Happened(rang(2)));
        let resume = s.comes_back().resume.expect("it was welcomed before");
        assert_eq!(resume.seq, 41);
    });
}

#[test]
fn events_are_acknowledged_after_a_while_and_many_at_once() {
    story(|s| {
        s.event(1, rang(1)).after(Span::millis(4_999)).sent_nothing();
        s.after(Span::millis(1)).sent_ack(1).after(Span::secs(30)).sent_nothing();
        for seq in 2..33 {
            s.event(seq, rang(seq)).sent_nothing();
        }
        s.event(33, rang(33)).sent_ack(33);
    });
}

#[test]
fn what_an_old_link_still_says_is_not_heard() {
    story(|s| {
        s.comes_back();
        s.welcome(|welcome| welcome.recovered = true).whatever_told();
        s.input(Input::Received { link: 1, bytes: br#"{"t":"call_moved","seq":1,"call":1}"# });
        s.input(Input::Closed { link: 1, code: Some(4101) });
        s.told_nothing();
        assert!(s.engine.is_connected());
    });
}

#[test]
fn a_server_without_life_is_asked_and_then_left() {
    story(|s| {
        s.after(Span::secs(44)).sent_nothing();
        s.input(Input::Heard { link: 1 });
        s.after(Span::secs(44)).sent_nothing().after(Span::secs(1)).sent_ping();
        s.says(wire::ServerMessage::Pong { now: Millis(1) }).after(Span::secs(44)).sent_nothing();
        s.after(Span::secs(1)).sent_ping().after(Span::secs(10));
        assert_eq!(s.closed_links(), [(1, false)]);
        assert!(!s.engine.is_connected());
    });
}

#[test]
fn a_machine_that_slept_asks_first_and_believes_what_it_finds() {
    story(|s| {
        s.sleeps(Span::hours(3)).event(1, rang(1)).sent_ping();
        s.told(Event::Happened(rang(1)));
        assert!(s.engine.is_connected());
        s.after(Span::secs(5)).sent_ack(1);
    });
}

#[test]
fn a_presence_is_told_and_not_counted() {
    story(|s| {
        let user = card(2).user;
        s.view(View::Presence { user, state: wire::Presence::InCall });
        s.told(Event::Presence { user, state: wire::Presence::InCall });
        assert_eq!(s.engine.seq(), 0);
        s.asks(1, Command::Leave).sent(1, Command::Leave);
    });
}
