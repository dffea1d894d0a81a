//! Commands: numbered once, sent again until answered, one answer each (CON 5).

use crate::script::{CLIENT, Story, story};
use duologue_client::{Config, End, Event, Failed, Input};
use duologue_core::kit::ids::{CallId, ClientId};
use duologue_core::kit::time::Span;
use duologue_core::wire::{Command, Description, Done, Reason, SdpKind};

fn chat(call: u64) -> Command {
    Command::Chat { call: CallId(call), text: "hi".into() }
}

#[test]
fn a_command_that_was_not_answered_is_sent_again_under_its_number() {
    story(|s| {
        s.asks(7, chat(1)).sent(1, chat(1)).asks(8, chat(2)).sent(2, chat(2));
        s.ok(2, Done::Empty).told_answer(8, Ok(Done::Empty));
        s.comes_back();
        s.whatever_told().welcome(|welcome| (welcome.recovered, welcome.last_id) = (true, 2));
        s.whatever_told().sent(1, chat(1)).ok(1, Done::Empty).told_answer(7, Ok(Done::Empty));
        s.asks(9, chat(3)).sent(3, chat(3));
    });
}

#[test]
fn a_second_answer_to_one_number_is_not_told() {
    story(|s| {
        s.asks(7, chat(1)).sent(1, chat(1)).ok(1, Done::Empty).no(1, Reason::Busy);
        s.told_answer(7, Ok(Done::Empty)).told_nothing();
    });
}

#[test]
fn what_is_wanted_without_a_link_is_sent_after_the_welcome_in_order() {
    story(|s| {
        s.loses(None).asks(1, chat(1)).asks(2, chat(2)).sent_nothing();
        s.waits_for_a_link();
        s.connects();
        s.asks(3, chat(3)).sent_nothing();
        s.welcome(|welcome| welcome.recovered = true).sent(1, chat(1)).sent(2, chat(2)).sent(3, chat(3));
    });
}

#[test]
fn numbers_go_on_above_those_that_the_server_has_seen_of_this_client() {
    let mut s = Story::new(Config::new("token", CLIENT, 7));
    s.opens();
    s.asks(1, chat(1)).sent_nothing();
    s.welcome(|welcome| welcome.last_id = 90).sent(91, chat(1));
}

#[test]
fn no_more_than_sixty_four_are_unanswered_at_a_time() {
    story(|s| {
        for ask in 1..=64 {
            s.asks(ask, chat(ask)).sent(ask, chat(ask));
        }
        s.asks(65, chat(65)).sent_nothing();
        s.ok(3, Done::Empty).sent(65, chat(65));
        s.whatever_told();
        for ask in 66..=257 {
            s.asks(ask, chat(ask));
        }
        s.told_nothing().asks(258, chat(258)).told_answer(258, Err(Failed::TooMany));
    });
}

#[test]
fn a_refusal_is_the_answer() {
    story(|s| {
        s.asks(1, chat(1)).sent(1, chat(1)).no(1, Reason::RateLimited { retry_after: Span::secs(1) });
        let limited = Reason::RateLimited { retry_after: Span::secs(1) };
        s.told_answer(1, Err(Failed::Refused(limited))).after(Span::secs(5)).sent_nothing();
    });
}

#[test]
fn a_message_that_no_carrier_takes_is_refused_here() {
    story(|s| {
        let description = Description { call: CallId(1), epoch: 1, kind: SdpKind::Offer, sdp: "x".repeat(70_000) };
        s.asks(1, Command::Description(description)).sent_nothing().told_answer(1, Err(Failed::Refused(Reason::TooLarge)));
        assert!(s.engine.is_connected());
    });
}

#[test]
fn leaving_closes_for_good_and_tells_what_was_never_answered() {
    story(|s| {
        s.asks(1, chat(1)).sent(1, chat(1)).input(Input::Leave);
        s.told_answer(1, Err(Failed::Ended)).told(Event::Ended(End::Left));
        assert_eq!(s.closed_links(), [(1, true)]);
        assert_eq!(s.engine.poll_timeout(), None);
        s.asks(2, chat(2)).told_answer(2, Err(Failed::Ended));
        let hello = s.opens();
        assert_eq!((hello.client, hello.resume), (Some(CLIENT), None));
        s.welcome(|welcome| welcome.last_id = 1).asks(3, chat(3)).sent(2, chat(3));
    });
}

#[test]
fn one_that_was_taken_over_begins_anew_as_another_client() {
    story(|s| {
        s.asks(1, chat(1)).sent(1, chat(1)).loses(Some(4101)).whatever_told();
        s.input(Input::Renew { client: ClientId(9) });
        let hello = s.connects();
        assert_eq!((hello.client, hello.resume), (Some(ClientId(9)), None));
        s.welcome(|_| {}).asks(2, chat(2)).sent(1, chat(2));
    });
}
