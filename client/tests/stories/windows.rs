//! The window as its user sees it (LOB 2): after any run of losses and gaps it equals the server's.

use crate::script::{call_started, card, story};
use duologue_client::{Event, WindowChange};
use duologue_core::kit::time::Span;
use duologue_core::wire::{self, Command, Done, Filter, Marks, Place, View};

fn shows(place: u8, user: u128) -> Place {
    (place, Some((card(user), Marks::default())))
}

fn users(s: &crate::script::Story) -> Vec<Option<u128>> {
    let places = s.engine.window().map(|window| window.places()).unwrap_or_default();
    places.iter().map(|place| place.as_ref().map(|(card, _)| card.user.0)).collect()
}

fn window() -> Command {
    Command::Window { size: 3, filter: Filter::default() }
}

#[test]
fn places_stay_where_they_are_and_change_one_by_one() {
    story(|s| {
        s.in_the_lobby();
        assert_eq!(users(s), [Some(10), None, None]);
        s.view(View::WindowDelta { version: 2, set: vec![shows(2, 12), (0, None)], available: Some(5) });
        s.told(Event::Window(WindowChange::Places(vec![2, 0])));
        assert_eq!(users(s), [None, None, Some(12)]);
        assert_eq!(s.engine.window().map(|window| window.available()), Some(5));
        s.view(View::WindowDelta { version: 2, set: vec![shows(1, 11)], available: None }).told_nothing();
    });
}

#[test]
fn a_gap_in_the_versions_asks_for_the_window_once() {
    story(|s| {
        s.in_the_lobby();
        s.view(View::WindowDelta { version: 3, set: vec![shows(1, 11)], available: None }).sent(3, window());
        s.view(View::WindowDelta { version: 4, set: vec![shows(2, 12)], available: None }).sent_nothing();
        assert_eq!(users(s), [Some(10), None, None]);
        s.ok(3, Done::Window { size: 3 });
        s.view(View::Window { version: 5, size: 3, places: vec![shows(1, 11), shows(2, 12)], available: 4 });
        s.told(Event::Window(WindowChange::Whole));
        assert_eq!(users(s), [None, Some(11), Some(12)]);
        s.view(View::WindowDelta { version: 6, set: vec![(1, None)], available: None });
        assert_eq!(users(s), [None, None, Some(12)]);
    });
}

#[test]
fn after_a_gap_a_resume_asks_for_a_whole_window() {
    story(|s| {
        s.in_the_lobby();
        s.view(View::WindowDelta { version: 3, set: vec![], available: None }).sent(3, window());
        let resume = s.comes_back().resume.expect("it was welcomed before");
        assert_eq!(resume.window, None);
        s.welcome(|welcome| {
            welcome.recovered = true;
            (welcome.state.lobby, welcome.state.window) = (Some("main".into()), Some(3));
        });
        s.sent(3, window());
    });
}

#[test]
fn a_window_stays_visible_while_it_is_declared_again() {
    story(|s| {
        s.in_the_lobby().comes_back();
        s.welcome(|_| {}).sent(3, Command::Join { lobby: Some("main".into()) }).sent(4, window());
        assert_eq!(users(s), [Some(10), None, None]);
        s.view(View::WindowDelta { version: 2, set: vec![(0, None)], available: None }).sent_nothing();
        assert_eq!(users(s), [Some(10), None, None], "a delta of another window changes nothing");
        s.view(View::Window { version: 1, size: 3, places: vec![], available: 1 });
        assert_eq!(users(s), [None, None, None]);
    });
}

#[test]
fn a_window_sleeps_during_a_call_and_comes_fresh_after_it() {
    story(|s| {
        s.in_the_lobby().event(1, wire::Event::CallStarted(Box::new(call_started(7, true))));
        s.told(Event::Window(WindowChange::Closed));
        assert_eq!(s.engine.window(), None);
        s.event(2, wire::Event::CallEnded(Box::new(crate::calls::ended(7)))).whatever_told();
        s.view(View::Window { version: 2, size: 3, places: vec![shows(0, 11)], available: 2 });
        s.told(Event::Window(WindowChange::Whole)).after(Span::secs(5)).sent_ack(2);
    });
}

#[test]
fn a_place_outside_the_window_is_not_shown() {
    story(|s| {
        s.in_the_lobby().view(View::WindowDelta { version: 2, set: vec![shows(200, 11), shows(1, 12)], available: None });
        s.told(Event::Window(WindowChange::Places(vec![1])));
        assert_eq!(users(s), [Some(10), Some(12), None]);
    });
}
