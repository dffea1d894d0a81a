//! Hellos, welcomes and refusals.

use crate::world::{World, config};
use bytes::Bytes;
use duologue_core::input::{Input, LinkEnd};
use duologue_core::kit::time::Span;
use duologue_core::wire::{ClientMessage, Closing, Command, Resume, ServerMessage};
use duologue_gateway::Config;
use duologue_transport::{ConnId, Up};

#[test]
fn a_hello_is_asked_for_and_welcomed() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let attach = w.attached();
    assert_eq!((attach.takes, attach.exclusive), (None, false));
    assert_eq!(attach.session.0, crate::world::sha256(b"token"));
    w.welcomed(attach.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq, welcome.grace), (false, 0, Span::secs(10)));
    assert_eq!(welcome.now, w.now);
    assert_eq!(welcome.media_base, "https://media.example/");
    assert_eq!(welcome.resume.len(), 64);
    assert!(w.inputs.is_empty());
}

#[test]
fn con_10_who_says_nothing_is_closed_after_the_hello_time() {
    let mut w = World::new(config());
    let conn = w.open();
    w.after(Span::millis(9_999));
    assert_eq!(w.closing_of(conn), None);
    w.after(Span::millis(1));
    assert_eq!(w.closing_of(conn), Some(Closing::NoHello));
    assert!(w.inputs.is_empty());
}

#[test]
fn con_10_a_first_message_that_is_no_hello_or_no_message() {
    let mut w = World::new(config());
    let conn = w.open();
    w.say(conn, &ClientMessage::Ping);
    assert_eq!(w.closing_of(conn), Some(Closing::NoHello));
    let conn = w.open();
    w.up(Up::Message { conn, bytes: Bytes::from_static(b"\xff\xff\xff") });
    assert_eq!(w.closing_of(conn), Some(Closing::BadMessage));
    let conn = w.open();
    w.up(Up::Message { conn, bytes: vec![0; 4 * 1024 + 1].into() });
    assert_eq!(w.closing_of(conn), Some(Closing::BadMessage));
    let conn = w.open();
    w.up(Up::WrongFrame { conn });
    assert_eq!(w.closing_of(conn), Some(Closing::BadMessage));
    assert!(w.inputs.is_empty());
}

#[test]
fn a_second_hello_is_a_bad_message_and_ends_the_connection_without_grace() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.hello(ann.conn, None);
    assert_eq!(w.closing_of(ann.conn), Some(Closing::BadMessage));
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Left });
}

#[test]
fn con_10_too_many_waiting_hellos_are_refused_in_all_and_by_address() {
    let mut w = World::new(Config { waiting_max: 8, waiting_per_address: 3, ..config() });
    let first: Vec<ConnId> = (0..3).map(|_| w.open_from(1)).collect();
    let fourth = w.open_from(1);
    let (code, last) = w.closed.remove(&fourth).expect("refused");
    assert_eq!(code, 4001);
    let ServerMessage::Closing { closing: Closing::AtCapacity, retry_after: Some(Span(ms)), .. } = last else { panic!("{last:?}") };
    assert!((1_000..=30_000).contains(&ms));
    for address in 2..7 {
        let conn = w.open_from(address << 64);
        assert_eq!(w.closing_of(conn), None);
    }
    let ninth = w.open_from(9 << 64);
    assert_eq!(w.closing_of(ninth), Some(Closing::AtCapacity));
    // Whoever says hello, or goes, makes room.
    w.hello(first[0], None);
    w.cut(first[1]);
    for _ in 0..2 {
        let conn = w.open_from(1);
        assert_eq!(w.closing_of(conn), None);
    }
}

#[test]
fn con_10_3_a_resume_is_let_in_however_many_wait_and_a_newcomer_is_not() {
    let mut w = World::new(Config { waiting_max: 8, waiting_per_address: 3, ..config() });
    let (ann, bob) = (w.connected(), w.connected());
    w.cut(ann.conn);
    w.inputs.clear();
    for _ in 0..3 {
        w.open();
    }
    for n in 1..6 {
        w.open_from(n << 64);
    }
    let newcomer = w.open();
    assert_eq!(w.closing_of(newcomer), None, "it may say who it is");
    w.hello(newcomer, None);
    assert_eq!(w.closing_of(newcomer), Some(Closing::AtCapacity));
    let impostor = w.open();
    w.hello(impostor, Some(Resume { token: "unknown".into(), seq: 0, window: None }));
    assert_eq!(w.closing_of(impostor), Some(Closing::AtCapacity));
    assert!(w.inputs.is_empty(), "the engine was not asked");
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    assert!(w.welcome(conn).recovered);
    // As many as there are links may wait beyond the bound, and no more.
    let waiting: Vec<_> = (0..3).map(|_| w.open()).collect();
    assert_eq!(waiting.iter().map(|conn| w.closing_of(*conn)).collect::<Vec<_>>(), [None, None, Some(Closing::AtCapacity)]);
    assert_eq!(w.gateway.usage().waiting, 10);
    assert_eq!(w.closing_of(bob.conn), None);
}

#[test]
fn what_comes_between_hello_and_welcome_is_held_and_then_done_in_order() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let link = w.attached().link;
    w.command(conn, 1, Command::Join { lobby: None });
    w.command(conn, 2, Command::Leave);
    assert!(w.inputs.is_empty());
    w.welcomed(link, link);
    for number in [1, 2] {
        let Input::Command { number: given, .. } = w.input() else { panic!("not a command") };
        assert_eq!(given, number);
    }
}

#[test]
fn more_than_64_messages_between_hello_and_welcome_are_too_much() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let link = w.attached().link;
    for _ in 0..64 {
        w.say(conn, &ClientMessage::Ping);
    }
    assert_eq!(w.closing_of(conn), None);
    w.say(conn, &ClientMessage::Ping);
    assert_eq!(w.closing_of(conn), Some(Closing::BadMessage));
    assert_eq!(w.input(), Input::Detached { link, why: LinkEnd::Left });
}

#[test]
fn a_refused_hello_is_told_why() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let link = w.attached().link;
    w.closing(link, Closing::BadToken);
    assert_eq!(w.closing_of(conn), Some(Closing::BadToken));
    assert!(w.inputs.is_empty());
    assert_eq!(w.gateway.usage().links, 0);
}

#[test]
fn a_hello_whose_socket_goes_is_detached_at_once_and_its_welcome_is_nobodys() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, None);
    let link = w.attached().link;
    w.up(Up::Closed { conn, clean: true });
    assert_eq!(w.input(), Input::Detached { link, why: LinkEnd::Left });
    w.welcomed(link, link);
    assert!(w.inputs.is_empty());
    assert_eq!(w.gateway.usage().links, 0);
}

#[test]
fn an_unknown_resume_token_is_a_fresh_connection() {
    let mut w = World::new(config());
    let conn = w.open();
    w.hello(conn, Some(Resume { token: "nobody's".into(), seq: 9, window: Some(3) }));
    let attach = w.attached();
    assert_eq!(attach.takes, None);
    w.welcomed(attach.link, attach.link);
    let welcome = w.welcome(conn);
    assert_eq!((welcome.recovered, welcome.seq), (false, 0));
}

#[test]
fn a_server_that_stops_says_so_to_everybody_and_to_who_comes_after() {
    let mut w = World::new(config());
    let ann = w.connected();
    let waiting = w.open();
    w.stalled.insert(ann.conn);
    w.numbered(ann.link, crate::world::long(64 * 1024));
    w.numbered(ann.link, crate::world::line(2));
    assert_eq!(w.hears(ann.conn).len(), 1);
    w.gateway.close_all(w.now, Closing::GoingAway);
    w.drain();
    let late = w.open();
    assert_eq!(w.hears_lines(ann.conn), [(2, "2".into())], "what happened is said before");
    for conn in [ann.conn, waiting, late] {
        assert_eq!(w.closing_of(conn), Some(Closing::GoingAway));
    }
    assert_eq!(w.input(), Input::Detached { link: ann.link, why: LinkEnd::Lost });
}
