//! A new engine has the realm: links stay, and it is told what they want.

use crate::world::{World, card, config, line};
use duologue_core::input::Input;
use duologue_core::kit::ids::{CallId, InviteId, PairId};
use duologue_core::kit::time::Millis;
use duologue_core::output::WindowView;
use duologue_core::wire::{CallEnded, CallStarted, CallState, Closing, Command, Done, Event, Filter, PairState, ServerMessage, State, Why};

fn call(id: u64) -> CallStarted {
    let (started, deadline, now) = (Millis(0), Millis(60_000), Millis(0));
    CallStarted { call: CallId(id), peer: card(2), seconds: 60, started, deadline, now, initiator: true, epoch: 1, here: true }
}

#[test]
fn every_link_is_attached_again_with_what_it_wants_and_then_its_unanswered_commands() {
    let mut w = World::new(config());
    let ann = w.connected();
    let gone = w.connected();
    w.cut(gone.conn);
    w.command(ann.conn, 1, Command::Join { lobby: None });
    w.command(ann.conn, 2, Command::Window { size: 20, filter: Filter::default() });
    w.answered(ann.link, 1, Ok(Done::Joined { lobby: "main".into() }));
    w.answered(ann.link, 2, Ok(Done::Window { size: 20 }));
    w.seats(9, 1, [ann.link, gone.link]);
    w.command(ann.conn, 3, Command::HangUp { call: CallId(9) });
    w.command(ann.conn, 4, Command::Leave);
    w.inputs.clear();
    w.gateway.reattach(w.now);
    w.drain();
    let attach = w.attached();
    assert_eq!((attach.link, attach.takes), (ann.link, Some(ann.link)));
    assert_eq!(attach.intents.lobby.as_deref(), Some("main"));
    assert_eq!(attach.intents.window, Some((20, Filter::default())));
    assert_eq!(attach.intents.seat, Some(CallId(9)));
    assert_eq!(w.gateway.usage().links, 1, "who was lost comes back as to a restarted server");
    w.command(ann.conn, 5, Command::Leave);
    assert!(w.inputs.is_empty(), "nothing before it is let in");
    w.hears(ann.conn);
    w.welcomed_with(ann.link, ann.link, State { lobby: Some("main".into()), ..State::default() });
    assert!(w.hears(ann.conn).is_empty(), "its client hears nothing of it");
    for number in 3..=5 {
        let Input::Command { number: given, .. } = w.input() else { panic!("not a command") };
        assert_eq!(given, number);
    }
}

#[test]
fn clients_notice_rings_that_ended_and_nothing_else() {
    let mut w = World::new(config());
    let ann = w.connected();
    let rang = Event::Rang { invite: InviteId(3), from: card(2), seconds: 60, expires: Millis(0) };
    w.numbered(ann.link, rang);
    w.view(ann.link, WindowView::Opened { size: 1, places: vec![], available: 1 });
    w.hears(ann.conn);
    w.gateway.reattach(w.now);
    w.drain();
    w.inputs.clear();
    w.welcomed(ann.link, ann.link);
    let ended = Event::InviteEnded { invite: InviteId(3), why: Why::CallerLost, cooldown_until: None };
    assert_eq!(w.hears(ann.conn), [ServerMessage::Event { seq: 2, event: ended }]);
}

#[test]
fn clients_notice_a_pair_that_ended_and_a_lobby_that_would_not_have_them() {
    let mut w = World::new(config());
    let ann = w.connected();
    let pair = PairState { pair: PairId(4), with: card(2), seconds: 180, expires: Millis(0) };
    let (conn, attach) = w.resumes(&ann, 0);
    let state = State { lobby: Some("main".into()), pair: Some(pair), ..State::default() };
    w.welcomed_with(ann.link, attach.link, state);
    w.hears(conn);
    w.gateway.reattach(w.now);
    w.drain();
    assert_eq!(w.attached().intents.lobby.as_deref(), Some("main"));
    w.welcomed(ann.link, ann.link);
    let ended = Event::PairEnded { pair: PairId(4), why: Why::Timeout, waiting: false };
    let left = Event::Left { lobby: "main".into(), why: Why::Operator };
    let events = [ended, left].into_iter().zip(1..).map(|(event, seq)| ServerMessage::Event { seq, event });
    assert_eq!(w.hears(conn), events.collect::<Vec<_>>());
}

#[test]
fn a_link_lost_before_the_new_engine_knows_it_is_gone() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.gateway.reattach(w.now);
    w.drain();
    w.cut(ann.conn);
    assert_eq!(w.gateway.usage().links, 0);
}

#[test]
fn a_hello_on_its_way_is_asked_again_once() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    w.inputs.clear();
    w.gateway.reattach(w.now);
    w.drain();
    let attach = w.attached();
    assert!(w.inputs.is_empty());
    w.welcomed(attach.link, attach.link);
    assert!(!w.welcome(conn).recovered);
}

/// An engine that had to start without live calls. How the call ended only the one before it knew, so its members read the state.
#[test]
fn who_was_in_a_call_that_is_no_more_is_sent_to_read_the_state() {
    let mut w = World::new(config());
    let (ann, bob) = (w.connected(), w.connected());
    w.numbered(ann.link, Event::CallStarted(Box::new(call(9))));
    w.numbered(ann.link, line(1));
    w.hears(ann.conn);
    w.gateway.reattach(w.now);
    w.drain();
    w.welcomed(ann.link, ann.link);
    w.welcomed(bob.link, bob.link);
    assert_eq!((w.closing_of(ann.conn), w.closing_of(bob.conn)), (Some(Closing::Internal), None));
    w.inputs.clear();
    let (conn, attach) = w.resumes(&ann, 1);
    w.welcomed(ann.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq, welcome.state.call), (false, 2, None));
}

#[test]
fn a_call_that_ended_before_or_goes_on_is_nothing_to_read() {
    for goes_on in [true, false] {
        let mut w = World::new(config());
        let ann = w.connected();
        w.numbered(ann.link, Event::CallStarted(Box::new(call(9))));
        if !goes_on {
            let (seconds, totals, cooldown_until) = (1, Default::default(), Millis(1));
            w.numbered(
                ann.link,
                Event::CallEnded(Box::new(CallEnded { call: CallId(9), why: Why::HangUp, seconds, cooldown_until, totals })),
            );
        }
        w.gateway.reattach(w.now);
        w.drain();
        let state = CallState { started: call(9), extensions_left: 3, peer_lost_until: None };
        w.welcomed_with(ann.link, ann.link, State { call: goes_on.then_some(state), ..State::default() });
        assert_eq!(w.closing_of(ann.conn), None);
    }
}
