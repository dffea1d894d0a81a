//! When to come back, and when not to.

use crate::script::{CLIENT, Story, story};
use duologue_client::{Config, End, Event, Input};
use duologue_core::kit::time::Span;
use duologue_core::wire::{Closing, ServerMessage};

#[test]
fn waits_are_spread_doubled_and_bounded() {
    for seed in 0..50 {
        let mut s = Story::new(Config::new("token", CLIENT, seed));
        s.input(Input::Open);
        for losses in 0..12_u32 {
            let longest = Span::millis(500 << losses).min(Span::secs(30));
            let waited = s.loses(None).waits_for_a_link();
            assert!(waited <= longest, "{waited:?} after {losses} losses");
        }
    }
    let first = |seed| {
        let mut s = Story::new(Config::new("token", CLIENT, seed));
        s.input(Input::Open);
        s.loses(None).waits_for_a_link()
    };
    let waits: std::collections::BTreeSet<Span> = (0..100).map(first).collect();
    assert!(waits.len() > 80, "a crowd does not come back in one moment");
    assert_eq!(first(3), first(3), "the same seed waits the same");
}

#[test]
fn a_connection_that_held_makes_the_next_loss_a_first_one() {
    story(|s| {
        for _ in 0..6 {
            s.loses(None).waits_for_a_link();
        }
        s.connects();
        s.welcome(|welcome| welcome.recovered = true).after(Span::secs(10));
        assert!(s.loses(None).waits_for_a_link() <= Span::millis(500));
    });
}

#[test]
fn a_server_that_names_a_time_is_not_asked_before_it() {
    story(|s| {
        let (closing, retry_after) = (Closing::AtCapacity, Some(Span::secs(7)));
        s.says(ServerMessage::Closing { closing, retry_after, why: None }).loses(Some(closing.number()));
        let waited = s.waits_for_a_link();
        assert!(waited >= Span::secs(7) && waited <= Span::millis(7_500), "{waited:?}");
    });
}

#[test]
fn every_closing_says_whether_to_come_back_by_message_or_by_code() {
    for closing in Closing::ALL {
        for by_message in [true, false] {
            story(|s| {
                if by_message {
                    s.says(ServerMessage::Closing { closing, retry_after: None, why: None }).told_nothing();
                }
                s.loses(if by_message { None } else { Some(closing.number()) });
                if closing.reconnect() {
                    s.waits_for_a_link();
                } else {
                    s.told(Event::Ended(End::Closed(closing))).after(Span::hours(1));
                    assert!(!s.wants_a_link());
                }
            });
        }
    }
}

#[test]
fn a_server_that_says_it_closes_and_does_not_is_left() {
    story(|s| {
        s.says(ServerMessage::Closing { closing: Closing::GoingAway, retry_after: None, why: None });
        s.after(Span::secs(9)).told_nothing();
        s.waits_for_a_link();
        assert_eq!(s.closed_links(), [(1, false)]);
    });
}

#[test]
fn an_unknown_code_from_a_newer_server_is_obeyed() {
    let mut s = Story::new(Config::new("token", CLIENT, 7));
    s.opens();
    s.welcome(|_| {}).whatever_told();
    s.input(Input::Received { link: 1, bytes: br#"{"t":"closing","code":"sold","reconnect":false}"# });
    s.loses(Some(4109)).told(Event::Ended(End::ClosedOtherwise));
}

#[test]
fn a_link_that_does_not_open_and_a_welcome_that_does_not_come_are_given_up() {
    let mut s = Story::new(Config::new("token", CLIENT, 7));
    s.input(Input::Open);
    s.after(Span::secs(15));
    assert_eq!(s.closed_links(), [(1, false)]);
    s.waits_for_a_link();
    s.connects();
    s.after(Span::secs(15));
    assert_eq!(s.closed_links(), [(1, false), (2, false)]);
}

#[test]
fn a_network_that_is_there_again_cuts_the_wait_short() {
    story(|s| {
        for _ in 0..8 {
            s.loses(None).waits_for_a_link();
        }
        s.loses(None);
        assert!(!s.wants_a_link());
        s.input(Input::Online);
        assert!(s.wants_a_link());
    });
}
