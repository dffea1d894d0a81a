//! CON 5 and RATE: commands on their way to the engine and back.

use crate::world::{World, config, line};
use duologue_core::input::Input;
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::ids::{CallId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{ClientMessage, Closing, Command, Done, IceServer, Reason, ServerMessage};
use duologue_gateway::{Config, IceServers};
use duologue_transport::Up;
use std::sync::Arc;

#[test]
fn a_command_goes_to_the_engine_and_its_answer_comes_back() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.command(ann.conn, 7, Command::Leave);
    assert_eq!(w.input(), Input::Command { link: ann.link, number: 7, command: Ok(Command::Leave) });
    w.answered(ann.link, 7, Ok(Done::Empty));
    w.numbered(ann.link, line(1));
    let heard = w.hears(ann.conn);
    assert_eq!(heard[0], ServerMessage::Ok { re: 7, done: Done::Empty });
    assert!(matches!(heard[1], ServerMessage::Event { seq: 1, .. }));
}

#[test]
fn con_5_a_number_said_twice_is_done_once_and_answered_as_often_as_it_was_said() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.command(ann.conn, 1, Command::Leave);
    w.command(ann.conn, 1, Command::Leave);
    assert_eq!(w.inputs.len(), 1);
    w.answered(ann.link, 1, Ok(Done::Empty));
    w.answered(ann.link, 1, Ok(Done::Empty));
    assert_eq!(w.hears(ann.conn).len(), 2);
    // Said again after its answer, the engine answers from what it keeps.
    w.command(ann.conn, 1, Command::Leave);
    assert_eq!(w.inputs.len(), 2);
}

#[test]
fn con_5_an_answer_to_a_lost_link_is_not_replayed_and_one_that_comes_after_the_resume_is_heard() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.command(ann.conn, 1, Command::Leave);
    w.command(ann.conn, 2, Command::Leave);
    w.inputs.clear();
    w.cut(ann.conn);
    w.input();
    w.answered(ann.link, 1, Ok(Done::Empty));
    let (conn, attach) = w.resumes(&ann, 0);
    w.welcomed(ann.link, attach.link);
    w.welcome(conn);
    w.command(conn, 1, Command::Leave);
    w.command(conn, 2, Command::Leave);
    let Input::Command { number: 1, .. } = w.input() else { panic!("1 is asked again") };
    assert!(w.inputs.is_empty(), "2 is on its way");
    w.answered(ann.link, 2, Ok(Done::Empty));
    assert_eq!(w.hears(conn), [ServerMessage::Ok { re: 2, done: Done::Empty }]);
}

#[test]
fn con_5_more_than_64_unanswered_are_rate_limited_in_order() {
    let mut w = World::new(Config { commands: Rate::OFF, ..config() });
    let ann = w.connected();
    for number in 1..=66 {
        w.command(ann.conn, number, Command::Leave);
    }
    for number in 1..=66 {
        let Input::Command { number: given, command, .. } = w.input() else { panic!("not a command") };
        assert_eq!(given, number);
        assert_eq!(command.is_ok(), number <= 64);
    }
    for number in 67..=200 {
        w.command(ann.conn, number, Command::Leave);
    }
    assert_eq!(w.inputs.len(), 62, "refusals on their way are bounded too");
    assert_eq!(w.hears(ann.conn).len(), 72);
    assert_eq!(w.closing_of(ann.conn), None);
}

#[test]
fn rate_commands_beyond_the_burst_are_refused_in_order_and_pings_ignored() {
    let mut w = World::new(Config { commands: Rate::per(1, Span::secs(1), 2), ..config() });
    let ann = w.connected();
    w.say(ann.conn, &ClientMessage::Ping);
    assert_eq!(w.hears(ann.conn), [ServerMessage::Pong { now: w.now }]);
    w.command(ann.conn, 1, Command::Leave);
    w.command(ann.conn, 2, Command::Leave);
    w.say(ann.conn, &ClientMessage::Ping);
    assert!(w.hears(ann.conn).is_empty());
    let Input::Command { command: Ok(_), .. } = w.input() else { panic!("the first goes") };
    let Input::Command { number: 2, command, .. } = w.input() else { panic!("the second too") };
    assert_eq!(command, Err(Reason::RateLimited { retry_after: Span::secs(1) }));
}

#[test]
fn rate_one_bucket_for_all_connections_of_a_user() {
    let mut w = World::new(Config { commands: Rate::per(1, Span::secs(1), 2), ..config() });
    let (here, there) = (w.connected(), w.connected());
    w.say(here.conn, &ClientMessage::Ping);
    w.say(there.conn, &ClientMessage::Ping);
    w.say(here.conn, &ClientMessage::Ping);
    assert_eq!((w.hears(here.conn).len(), w.hears(there.conn).len()), (1, 1));
}

#[test]
fn a_message_nobody_understands_ends_its_connection_and_no_other() {
    let mut w = World::new(config());
    let (ann, bob) = (w.connected(), w.connected());
    w.up(Up::Message { conn: ann.conn, bytes: vec![0xff; 20].into() });
    assert_eq!(w.closing_of(ann.conn), Some(Closing::BadMessage));
    w.command(bob.conn, 0, Command::Leave);
    assert_eq!(w.closing_of(bob.conn), Some(Closing::BadMessage), "an id is at least 1");
}

#[test]
fn what_happened_before_a_close_is_said_before_it() {
    let mut w = World::new(config());
    let ann = w.connected();
    w.stalled.insert(ann.conn);
    w.numbered(ann.link, crate::world::long(64 * 1024));
    w.numbered(ann.link, line(2));
    assert_eq!(w.hears(ann.conn).len(), 1);
    w.closing(ann.link, Closing::Banned);
    assert_eq!(w.hears_lines(ann.conn), [(2, "2".into())]);
    assert_eq!(w.closing_of(ann.conn), Some(Closing::Banned));
    assert!(w.inputs.is_empty(), "the engine knows");
}

#[test]
fn sig_6_the_gateway_fills_in_the_ice_servers() {
    struct Turn;
    impl IceServers for Turn {
        fn servers(&self, user: UserId, expires: Millis) -> Vec<IceServer> {
            let username = Some(format!("{}:{}", expires.0, user.0));
            vec![IceServer { urls: vec!["turn:turn.example".into()], username, credential: None }]
        }
    }
    let mut w = World::new(Config { ice: Arc::new(Turn), ..config() });
    let ann = w.connected();
    w.command(ann.conn, 1, Command::IceServers { call: CallId(1) });
    w.answered(ann.link, 1, Ok(Done::IceServers { servers: vec![], expires: Millis(5) }));
    let [ServerMessage::Ok { done: Done::IceServers { servers, expires: Millis(5) }, .. }] = &w.hears(ann.conn)[..] else {
        panic!("no servers")
    };
    assert_eq!(servers[0].username.as_deref(), Some("5:1"));
}
