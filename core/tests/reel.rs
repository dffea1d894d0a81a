//! The reel and the budget of cards (LOB 5, 6, 8): everybody once before anybody twice, and nobody reads the whole realm at once.

mod common;

use common::*;
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::time::Span;
use duologue_core::limits::Limits;
use duologue_core::rules::Rules;
use duologue_core::wire::{Card, Command, Done, Filter, Marks, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn without_budget(rules: &mut Rules, _: &mut Limits) {
    rules.rate_cards = Rate::OFF;
}

fn people(s: &mut World, from: usize, n: usize) -> BTreeSet<String> {
    let names: BTreeSet<String> = (from..from + n).map(|i| format!("p{i:03}")).collect();
    for name in &names {
        s.attach(name);
        s.says(name, join());
    }
    names
}

fn cards(done: Done) -> (Vec<(Arc<Card>, Marks)>, bool) {
    match done {
        Done::Cards { cards, more } => (cards, more),
        other => panic!("not cards: {other:?}"),
    }
}

/// The names on the next cards, and whether there are more.
fn next(s: &mut World, viewer: &str, command: Command) -> (Vec<String>, bool) {
    let (cards, more) = cards(s.says(viewer, command));
    (cards.into_iter().map(|(card, _)| name(card.user)).collect(), more)
}

fn restarted(limit: u32) -> Command {
    Command::Reel { limit, filter: Filter::default(), restart: true }
}

fn of(limit: u32, genders: &[&str], tags: &[&str]) -> Command {
    Command::Reel { limit, filter: filter(genders, tags), restart: false }
}

#[test]
fn lob_5_nobody_comes_twice_before_everybody_came() {
    story_with(without_budget, |s| {
        s.online(["ann"]);
        let all = people(s, 0, 23);
        let mut seen = BTreeSet::new();
        for turn in 0..5 {
            let (names, more) = next(s, "ann", reel(5));
            assert_eq!((names.len(), more), if turn < 4 { (5, true) } else { (3, false) });
            for name in names {
                assert!(seen.insert(name), "nobody twice");
            }
        }
        assert_eq!(seen, all, "and never the viewer");
        let (newcomer, more) = (people(s, 50, 1), next(s, "ann", reel(5)));
        assert_eq!((newcomer, false), (more.0.into_iter().collect(), more.1), "who came meanwhile was not seen");
        let (again, more) = next(s, "ann", reel(50));
        assert_eq!((again.len(), more), (24, false), "all were seen: it begins anew");
    });
}

#[test]
fn lob_5_restart_begins_anew_and_a_connection_ends_its_reel() {
    story_with(without_budget, |s| {
        s.online(["ann"]);
        people(s, 0, 4);
        assert_eq!(next(s, "ann", reel(3)).0.len(), 3);
        let (names, more) = next(s, "ann", restarted(50));
        assert_eq!((names.len(), more), (4, false));
        assert_eq!(next(s, "ann", restarted(3)).0.len(), 3);
        s.attach("ann/2");
        assert_eq!(next(s, "ann/2", reel(50)).0.len(), 4, "each connection has its own");
        s.closes("ann");
        s.attach("ann");
        assert_eq!(next(s, "ann", reel(50)).0.len(), 4, "a new connection has seen nobody");
    });
}

#[test]
fn lob_5_its_memory_is_bounded() {
    let bound = |rules: &mut Rules, limits: &mut Limits| {
        without_budget(rules, limits);
        limits.reel_max = 3;
    };
    story_with(bound, |s| {
        s.online(["ann"]);
        people(s, 0, 10);
        let mut last = Vec::new();
        for _ in 0..20 {
            let (names, more) = next(s, "ann", reel(1));
            assert!(more && !last.contains(&names[0]), "the last three do not come again: {last:?}, {names:?}");
            last.push(names[0].clone());
            last = last.split_off(last.len().saturating_sub(3));
        }
    });
}

#[test]
fn lob_5_everybody_has_the_same_chance() {
    // χ² over 10^5 draws, five of 20 at a time: 19 degrees of freedom, beyond 43.8 less than once in a thousand.
    let rules = Rules { rate_cards: Rate::OFF, ..Rules::default() };
    let mut s = World::new(rules, Limits::default(), Driver::Punctual);
    s.online(["ann"]);
    people(&mut s, 0, 20);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..20_000 {
        let (names, more) = next(&mut s, "ann", restarted(5));
        assert!(more && names.len() == 5);
        names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        s.after(millis(1));
    }
    let squares: f64 = counts.values().map(|count| (f64::from(*count) - 5_000.0).powi(2) / 5_000.0).sum();
    assert_eq!(counts.len(), 20);
    assert!(squares < 43.8, "χ² is {squares}: {counts:?}");
}

#[test]
fn lob_3_5_the_reel_shows_only_whom_a_window_may() {
    story_with(without_budget, |s| {
        s.online(["ann", "bob", "cat", "dan", "eve"]);
        s.says("bob", block("ann"));
        s.says("ann", block("cat"));
        let call = s.call("dan", "eve", 60);
        s.attach("fay");
        assert_eq!(next(s, "ann", reel(50)), (vec![], false));
        s.says("dan", hang_up(call));
        assert_eq!(next(s, "ann", reel(50)).0.into_iter().collect::<BTreeSet<_>>(), ["dan", "eve"].map(String::from).into());
        s.refused("fay", reel(5), "not_in_lobby");
        assert_eq!(next(s, "ann", reel(u32::MAX)).0.len(), 2, "more than 50 is cut");
    });
}

#[test]
fn lob_4_5_a_card_under_cooldown_is_marked() {
    story_with(without_budget, |s| {
        s.online(["ann", "bob"]);
        let call = s.call("ann", "bob", 60);
        s.says("ann", hang_up(call));
        let (shown, _) = cards(s.says("ann", reel(5)));
        assert!(shown[0].1.cooldown_until.is_some());
    });
}

#[test]
fn lob_6_a_filter_holds_for_the_reel() {
    story_with(without_budget, |s| {
        s.online(["ann"]);
        s.knows_as("bob", "male", &["lang:en", "chess"]);
        s.knows_as("cat", "female", &["lang:en"]);
        s.knows_as("dan", "male", &["chess"]);
        s.online(["bob", "cat", "dan"]);
        assert_eq!(next(s, "ann", of(5, &["male"], &["lang:en"])), (vec!["bob".into()], false));
        assert_eq!(next(s, "ann", of(5, &["female"], &[])), (vec!["cat".into()], false));
        assert_eq!(next(s, "ann", of(5, &["none of those"], &[])), (vec![], false));
        assert_eq!(next(s, "ann", of(5, &["female"], &[])), (vec!["cat".into()], false), "all of these were seen");
        assert_eq!(next(s, "ann", of(5, &[], &[])), (vec!["dan".into()], false), "the others were seen, by whatever filter");
    });
}

#[test]
fn lob_8_cards_asked_for_are_budgeted() {
    story(|s| {
        s.online(["ann"]);
        people(s, 0, 60);
        for _ in 0..4 {
            assert_eq!(next(s, "ann", restarted(50)).0.len(), 50);
        }
        let wait = s.refused("ann", restarted(50), "rate_limited");
        assert_eq!(wait, Reason::RateLimited { retry_after: Span::secs(50) });
        s.refused("ann", window(20), "rate_limited");
        assert!(s.window("ann").is_none());
        s.after(just_before(secs(20)));
        s.refused("ann", window(20), "rate_limited");
        s.after(millis(1));
        assert_eq!(s.says("ann", window(20)), Done::Window { size: 20 });
        s.refused("ann", reel(1), "rate_limited");
        let call = s.call("ann", "p000", 60);
        s.says("ann", hang_up(call));
        assert_eq!(s.sees("ann").len(), 20, "the window after a call costs nothing");
    });
}

#[test]
fn lob_8_what_is_refused_was_not_shown() {
    let tight = |rules: &mut Rules, _: &mut Limits| rules.rate_cards = Rate::per(60, Span::mins(1), 3);
    story_with(tight, |s| {
        s.online(["ann"]);
        let all = people(s, 0, 6);
        let (first, _) = next(s, "ann", reel(3));
        s.refused("ann", reel(3), "rate_limited");
        s.after(secs(3));
        let (second, more) = next(s, "ann", reel(3));
        assert!(!more);
        assert_eq!(first.into_iter().chain(second).collect::<BTreeSet<_>>(), all);
    });
}

#[test]
fn lob_8_the_same_window_opened_again_shows_the_same_and_costs_nothing() {
    let tight = |rules: &mut Rules, _: &mut Limits| rules.rate_cards = Rate::per(1, Span::hours(1), 11);
    story_with(tight, |s| {
        s.online(["ann"]);
        people(s, 0, 90);
        s.says("ann", window(5));
        let shown = s.sees("ann");
        for again in [window_close(), window(5)] {
            s.says("ann", again);
            s.after(secs(1));
        }
        assert_eq!(s.sees("ann"), shown);
        s.says("ann", window(5));
        assert_eq!(s.sees("ann"), shown, "one that replaces it, too");
        s.closes("ann");
        s.online(["ann"]);
        s.says("ann", window(5));
        assert_eq!(s.sees("ann"), shown, "and after a reload");
        s.says("ann", window(4));
        s.refused("ann", window(3), "rate_limited");
        s.says("ann", window(5));
        let left = shown[0].clone();
        s.says("ann", window_close());
        s.says(&left, leave());
        s.says("ann", window(5));
        let now: BTreeSet<_> = s.sees("ann").into_iter().collect();
        assert_eq!(now.len(), 5);
        assert!(!now.contains(&left), "whoever may not be shown any more is not");
        assert_eq!(shown.iter().filter(|name| now.contains(*name)).count(), 4);
    });
}

#[test]
fn lob_8_after_30_s_the_same_window_is_drawn_anew() {
    story(|s| {
        s.online(["ann"]);
        people(s, 0, 90);
        s.says("ann", window(5));
        let shown = s.sees("ann");
        s.after(just_before(secs(30)));
        s.says("ann", window(5));
        assert_eq!(s.sees("ann"), shown);
        s.says("ann", window_close());
        s.after(millis(1));
        s.says("ann", window(5));
        assert_ne!(s.sees("ann"), shown);
    });
}
