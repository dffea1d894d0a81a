//! CON 4: a lost link comes back, whole or not at all.

use crate::world::{World, config, line, long};
use duologue_core::input::{Input, LinkEnd};
use duologue_core::kit::ids::LinkId;
use duologue_core::kit::time::Span;
use duologue_core::output::Output;
use duologue_core::wire::{ClientMessage, Closing, Resume, binary};
use duologue_gateway::Config;
use duologue_transport::{ConnId, Form, Up};

#[test]
fn con_4_a_resume_gets_exactly_what_it_missed_with_the_old_numbers() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.numbered(ann.link, line(1));
    w.cut(ann.conn);
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
    w.hears(ann.conn);
    w.numbered(ann.link, line(2));
    w.numbered(ann.link, line(3));
    let (conn, attach) = w.resumes(&ann, 1);
    assert_eq!(attach.takes, Some(ann.link));
    w.numbered(ann.link, line(4));
    w.welcomed(ann.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq), (true, 1));
    assert_ne!(welcome.resume, ann.token);
    assert_eq!(w.hears_lines(conn), [(2, "2".into()), (3, "3".into()), (4, "4".into())]);
    w.numbered(ann.link, line(5));
    assert_eq!(w.hears_lines(conn), [(5, "5".into())]);
    assert!(w.inputs.is_empty());
}

#[test]
fn con_4_beyond_the_buffer_the_replay_is_lost_and_the_engine_is_told() {
    let mut w = World::new(Config { replay_messages: 3, ..config() });
    let ann = w.connected();
    w.cut(ann.conn);
    w.input();
    for number in 1..=4 {
        w.numbered(ann.link, line(number));
    }
    assert_eq!(w.gateway.usage().replay_bytes, 0);
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq), (false, 4));
    assert!(w.hears(conn).is_empty());
    assert_eq!(w.input(), Input::ReplayLost { link: ann.link });
    w.numbered(ann.link, line(5));
    assert_eq!(w.hears_lines(conn), [(5, "5".into())]);
}

#[test]
fn con_4_a_number_above_the_newest_is_not_recovered() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.numbered(ann.link, line(1));
    let (conn, attach) = w.resumes(&ann, 2);
    w.welcomed(ann.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq), (false, 1));
}

#[test]
fn sig_5_what_is_kept_for_a_reader_of_compact_descriptions_is_not_replayed_to_another() {
    let mut w = World::new(config());
    w.sdp = 1;
    let ann = w.connected();
    for (sdp, recovered) in [(1, true), (0, false), (0, true)] {
        w.sdp = sdp;
        let (conn, attach) = w.resumes(&ann, 0);
        w.welcomed(ann.link, attach.link);
        assert_eq!(w.welcome(conn).recovered, recovered);
        w.inputs.clear();
    }
}

#[test]
fn con_4_another_form_is_not_recovered() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.cut(ann.conn);
    w.input();
    let conn = duologue_transport::ConnId(900);
    w.gateway.handle_transport(w.now, Up::Opened { conn, address: 1, form: Form::Json, secret: [9; 32] });
    let hello = format!(r#"{{"t":"hello","token":"token","resume":{{"token":"{}","seq":0}}}}"#, ann.token);
    w.gateway.handle_transport(w.now, Up::Message { conn, bytes: hello.into_bytes().into() });
    let Some(duologue_gateway::Outward::Engine(Input::Attached(attach))) = w.gateway.poll_output() else { panic!("no attach") };
    let welcome = duologue_core::output::Welcomed { user: crate::world::card(1), last_id: 0, state: Default::default() };
    let event = duologue_core::output::LinkEvent::Welcomed { attach: attach.link, welcome: Box::new(welcome) };
    let output = Output::Event { to: ann.link, after: Default::default(), event };
    w.gateway.handle_released(w.now, output);
    let outwards: Vec<_> = std::iter::from_fn(|| w.gateway.poll_output()).collect();
    assert!(outwards.contains(&duologue_gateway::Outward::Engine(Input::ReplayLost { link: ann.link })));
}

#[test]
fn con_4_a_resume_takes_over_a_link_that_seems_alive_any_number_of_times() {
    let mut w = World::new(config());
    let mut ann = w.connected();
    for number in 1..=5 {
        w.numbered(ann.link, line(number));
        let (conn, attach) = w.resumes(&ann, number - 1);
        w.welcomed(ann.link, attach.link);
        assert_eq!(w.closing_of(ann.conn), Some(Closing::Superseded));
        let welcome = w.welcome(conn);
        assert!(welcome.recovered);
        assert_eq!(w.hears_lines(conn), [(number, number.to_string())]);
        // The transport says in the end that the old one is closed: nobody minds.
        w.cut(ann.conn);
        (ann.conn, ann.token) = (conn, welcome.resume);
    }
    assert!(w.inputs.is_empty());
}

#[test]
fn con_4_the_token_before_stays_good_until_something_newer_is_acknowledged() {
    let mut w = World::new(config());
    let ann = w.connected();
    // The welcome of the first resume never arrives; nor does that of the second, with the same token.
    for _ in 0..3 {
        let (conn, attach) = w.resumes(&ann, 0);
        assert_eq!(attach.takes, Some(ann.link));
        w.welcomed(ann.link, attach.link);
        assert!(w.welcome(conn).recovered);
        w.cut(conn);
        w.input();
    }
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    w.say(conn, &ClientMessage::Ack { seq: 0 });
    let (conn, attach) = w.resumes(&ann, 0);
    assert_eq!(attach.takes, Some(ann.link), "0 acknowledges nothing that was sent after the welcome");
    w.welcomed(ann.link, attach.link);
    let newest = w.welcome(conn).resume;
    w.numbered(ann.link, line(1));
    w.say(conn, &ClientMessage::Ack { seq: 1 });
    let (_, attach) = w.resumes(&ann, 1);
    assert_eq!(attach.takes, None, "a used token is no error and names nothing");
    let renewed = crate::world::Client { token: newest, ..ann.clone() };
    let (_, attach) = w.resumes(&renewed, 1);
    assert_eq!(attach.takes, Some(ann.link));
}

#[test]
fn a_connection_taken_over_by_its_client_without_a_token_is_not_recovered() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.numbered(ann.link, line(1));
    let conn = w.open();
    w.hello(conn, None);
    let attach = w.attached();
    w.welcomed(ann.link, attach.link);
    assert_eq!(w.closing_of(ann.conn), Some(Closing::Superseded));
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq), (false, 1));
    assert_eq!(w.input(), Input::ReplayLost { link: ann.link });
    assert_eq!(w.gateway.usage().links, 1);
}

#[test]
fn a_foreign_token_is_a_fresh_connection_and_hurts_nobody() {
    let mut w = World::new(config());
    let ann = w.connected();
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(attach.link, attach.link);
    assert!(!w.welcome(conn).recovered);
    assert_eq!(w.closing_of(ann.conn), None);
    w.numbered(ann.link, line(1));
    assert_eq!(w.hears_lines(ann.conn), [(1, "1".into())]);
    assert!(w.inputs.is_empty());
}

#[test]
fn a_taken_over_link_that_loses_its_old_socket_meanwhile_is_asked_for_again() {
    let mut w = World::new(config());
    let ann = w.connected();
    let (conn, attach) = w.resumes(&ann, 0);
    // The engine has given the link to the new socket and takes this for its loss.
    w.cut(ann.conn);
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
    w.welcomed(ann.link, attach.link);
    assert!(w.hears(conn).is_empty());
    let again = w.attached();
    assert_eq!(again.takes, Some(ann.link));
    assert_ne!(again.link, attach.link);
    w.welcomed(ann.link, again.link);
    assert!(w.welcome(conn).recovered);
    assert!(w.inputs.is_empty());
}

#[test]
fn a_takeover_whose_socket_has_gone_leaves_the_link_lost() {
    let mut w = World::new(config());
    let ann = w.connected();
    let (conn, attach) = w.resumes(&ann, 0);
    w.cut(conn);
    assert_eq!(w.input(), Input::Detached { link: attach.link, why: LinkEnd::Lost });
    w.welcomed(ann.link, attach.link);
    assert_eq!(w.closing_of(ann.conn), Some(Closing::Superseded));
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
    // It may still come back, with the token that it has.
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    assert!(w.welcome(conn).recovered);
}

/// A hello that the engine has not answered: its socket, and the link that it is to begin or to take over by.
fn says_hello(w: &mut World) -> (ConnId, LinkId) {
    let conn = w.open();
    w.hello(conn, None);
    (conn, w.attached().link)
}

fn is_cut(w: &mut World, (conn, link): (ConnId, LinkId)) {
    w.cut(conn);
    assert_eq!(w.input(), Input::Detached { link, why: LinkEnd::Lost });
}

/// The engine gave the connection to the last hello and was told of a loss since: it is asked again, and the hello let in.
fn is_asked_for_again(w: &mut World, begun: LinkId, (conn, takes): (ConnId, LinkId)) {
    w.welcomed(begun, takes);
    assert!(w.hears(conn).is_empty());
    let again = w.attached();
    assert_eq!(again.takes, Some(begun));
    w.welcomed(begun, again.link);
    assert!(!w.welcome(conn).recovered);
}

/// Three hellos of one client while the store is slow: the engine makes them one connection before any welcome is told.
#[test]
fn a_hello_that_takes_over_one_whose_socket_has_gone_is_asked_for_again() {
    let mut w = World::new(config());
    let (first, begun) = says_hello(&mut w);
    is_cut(&mut w, (first, begun));
    let second = says_hello(&mut w);
    is_cut(&mut w, second);
    let third = says_hello(&mut w);
    w.welcomed(begun, begun);
    w.welcomed(begun, second.1);
    // The engine takes this for the loss of the third's socket.
    assert_eq!(w.input(), Input::Detached { link: begun, why: LinkEnd::Lost });
    is_asked_for_again(&mut w, begun, third);
}

#[test]
fn a_hello_that_takes_over_one_whose_socket_goes_meanwhile_is_asked_for_again() {
    let mut w = World::new(config());
    let (first, begun) = says_hello(&mut w);
    let second = says_hello(&mut w);
    is_cut(&mut w, (first, begun));
    w.welcomed(begun, begun);
    is_asked_for_again(&mut w, begun, second);
}

#[test]
fn a_forgotten_link_is_gone_with_its_tokens() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.cut(ann.conn);
    w.input();
    w.release(Output::Forget { link: ann.link });
    assert_eq!(w.gateway.usage().links, 0);
    let (_, attach) = w.resumes(&ann, 0);
    assert_eq!(attach.takes, None);
}

#[test]
fn a_clean_close_is_a_leave() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.up(Up::Closed { conn: ann.conn, clean: true });
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Left });
}

#[test]
fn con_4_over_all_links_the_largest_buffer_goes_first() {
    let mut w = World::new(Config { total_bytes: 10_000, ..config() });
    let (ann, bob) = (w.connected(), w.connected());
    for client in [&ann, &bob] {
        w.cut(client.conn);
        w.input();
    }
    w.numbered(ann.link, long(6_000));
    w.numbered(bob.link, long(3_000));
    w.numbered(bob.link, long(2_000));
    assert!(w.gateway.usage().replay_bytes < 10_000);
    for (client, recovered) in [(&ann, false), (&bob, true)] {
        let (conn, attach) = w.resumes(client, 0);
        w.welcomed(client.link, attach.link);
        assert_eq!(w.welcome(conn).recovered, recovered);
        w.inputs.clear();
    }
}

#[test]
fn con_6_only_what_comes_from_the_client_is_life() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.after(Span::secs(20));
    w.numbered(ann.link, line(1));
    w.after(Span::millis(4_999));
    assert!(w.pinged.is_empty());
    w.after(Span::millis(1));
    assert_eq!(w.pinged, [ann.conn]);
    w.up(Up::Heard { conn: ann.conn });
    w.after(Span::secs(25));
    assert_eq!(w.pinged.len(), 2);
    w.after(Span::millis(34_999));
    assert_eq!((w.pinged.len(), w.closing_of(ann.conn)), (2, None));
    w.after(Span::millis(1));
    assert_eq!(w.closing_of(ann.conn), Some(Closing::Timeout));
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    assert!(w.welcome(conn).recovered);
    assert_eq!(w.hears_lines(conn), [(1, "1".into())]);
}

/// A machine that slept: pongs and hellos wait in its sockets.
#[test]
fn con_6_after_a_stall_nobody_is_dead_who_was_not_asked() {
    let mut w = World::new(config());
    let (ann, bob, late) = (w.connected(), w.connected(), w.open());
    w.after(Span::secs(5));
    w.up(Up::Heard { conn: bob.conn });
    let stalled = Span::mins(10);
    w.now = w.now + stalled;
    w.gateway.handle_stall(w.now, stalled);
    w.gateway.handle_timeout(w.now);
    w.drain();
    assert_eq!(w.pinged, [ann.conn, bob.conn]);
    assert_eq!([ann.conn, bob.conn, late].map(|conn| w.closing_of(conn)), [None; 3]);
    w.hello(late, None);
    assert!(matches!(w.input(), Input::Attached(_)), "what waited unread is read");
    w.up(Up::Heard { conn: bob.conn });
    w.after(Span::millis(34_999));
    assert_eq!(w.closing_of(ann.conn), None);
    w.after(Span::millis(1));
    assert_eq!((w.closing_of(ann.conn), w.closing_of(bob.conn)), (Some(Closing::Timeout), None));
}

#[test]
fn con_6_a_short_delay_of_the_driver_changes_nothing() {
    let run = |stall: bool| {
        let mut w = World::new(config());
        let ann = w.connected();
        w.now = w.now + Span::secs(27);
        if stall {
            w.gateway.handle_stall(w.now, Span::secs(2));
        }
        w.gateway.handle_timeout(w.now);
        w.drain();
        w.after(Span::secs(33));
        (w.closing_of(ann.conn), w.gateway.state_digest())
    };
    assert_eq!(run(true), run(false));
    assert_eq!(run(true).0, Some(Closing::Timeout));
}

/// A hello that the store keeps waiting: what was said meanwhile came when it came.
#[test]
fn con_6_what_was_held_until_the_welcome_is_no_life_at_the_welcome() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let attach = w.attached();
    w.say(conn, &ClientMessage::Ping);
    w.after(Span::secs(20));
    w.welcomed(attach.link, attach.link);
    w.after(Span::millis(39_999));
    assert_eq!(w.closing_of(conn), None);
    w.after(Span::millis(1));
    assert_eq!(w.closing_of(conn), Some(Closing::Timeout));
}

#[test]
fn a_late_driver_reaches_the_same_state() {
    let run = |steps: &[u64]| {
        let mut w = World::new(config());
        let ann = w.connected();
        let bytes = binary::encode_client(&ClientMessage::Ping);
        for step in steps {
            w.now = w.now + Span::millis(*step);
            w.gateway.handle_timeout(w.now);
        }
        w.up(Up::Message { conn: ann.conn, bytes: bytes.into() });
        w.hello(ann.conn, Some(Resume { token: String::new(), seq: 0, window: None }));
        w.gateway.state_digest()
    };
    assert_eq!(run(&[30_000]), run(&[10_000, 15_000, 1, 4_999]));
}
