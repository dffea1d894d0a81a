use super::*;
use crate::clock::Clock;
use crate::config::{Settings, Sources};
use crate::secrets;
use bytes::Bytes;
use duologue_core::input::Input;
use duologue_core::kit::ids::LinkId;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Closing, Command};
use duologue_store::{Memory, Slow, Store};
use duologue_transport::{ConnId, Down, Form};
use serde_json::{Value, json};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than anything that must come takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    driver: Driver,
    downs: Receiver<Down>,
    realm: JoinHandle<Ending>,
    runtime: tokio::runtime::Runtime,
}

/// What a realm runs with, on a store that takes its time: an instant one proves nothing. And what it says to connections.
fn parts() -> (Parts, Receiver<Down>) {
    let settings = Settings::load(&Sources::default()).expect("defaults");
    let mut store = Slow::new(Memory::new(), Duration::from_millis(3));
    let taken = store.take().expect("a fresh store");
    let (said, downs) = channel();
    let parts = Parts {
        rules: settings.rules(),
        limits: settings.limits(),
        gateway: settings.gateway(secrets::sha256),
        commit: duologue_core::commit::Config::default(),
        clock: Clock::start(Millis::default(), false).expect("a new realm believes"),
        store: Box::new(store),
        taken,
        down: Box::new(move |down| {
            let _ = said.send(down);
        }),
        taken_up: Box::new(|_| {}),
        people_written: Box::new(|_| {}),
    };
    (parts, downs)
}

impl World {
    fn new() -> World {
        let (driver, (parts, downs)) = (Driver::new(), parts());
        let realm = driver.run(parts).expect("a thread");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        World { driver, downs, realm, runtime }
    }

    fn ask(&self, who: Option<&str>, request: Request) -> Reply {
        let who = who.map(|token| secrets::hash(token).expect("a token"));
        self.runtime.block_on(self.driver.ask(who, Address(1), request)).expect("an answer")
    }

    fn guest(&self) -> String {
        let token = secrets::token();
        let session = secrets::hash(&token).expect("a token");
        let reply = self.ask(None, Request::Guest { user: secrets::user(), session, name: "Mia".into(), gender: None });
        assert!(matches!(reply, Reply::Guest { .. }), "{reply:?}");
        token
    }

    fn say(&self, conn: u64, message: &Value) {
        self.driver.up(Up::Message { conn: ConnId(conn), bytes: Bytes::from(message.to_string()) });
    }

    fn open(&self, conn: u64, token: &str) {
        self.driver.up(Up::Opened { conn: ConnId(conn), address: 1, form: Form::Json, secret: [conn as u8; 32] });
        self.say(conn, &json!({ "t": "hello", "token": token }));
        assert_eq!(self.hears(conn)["t"], "welcome");
    }

    /// The next message to a connection.
    fn hears(&self, conn: u64) -> Value {
        match self.downs.recv_timeout(PATIENCE).expect("something must be said") {
            Down::Send { conn: ConnId(to), bytes } if to == conn => {
                self.driver.up(Up::Writable { conn: ConnId(conn) });
                serde_json::from_slice(&bytes).expect("JSON")
            }
            other => panic!("not for {conn}: {other:?}"),
        }
    }
}

#[test]
fn a_hello_reaches_the_engine_and_is_welcomed() {
    let world = World::new();
    let token = world.guest();
    world.open(1, &token);
    world.say(1, &json!({ "t": "join", "id": 1 }));
    assert_eq!(world.hears(1), json!({ "t": "ok", "re": 1, "lobby": "main" }));
    let snapshot = world.runtime.block_on(world.driver.look()).expect("alive");
    assert_eq!((snapshot.engine.links_live, snapshot.engine.available, snapshot.gateway.connections), (1, 1, 1));
}

#[test]
fn a_panic_of_the_core_is_survived_by_links_and_facts() {
    let world = World::new();
    let token = world.guest();
    world.open(1, &token);
    world.driver.inbox.put(Inbound::Panic(None));
    world.say(1, &json!({ "t": "join", "id": 1 }));
    assert_eq!(world.hears(1)["re"], 1, "the link was attached again, without a word to its client");
    assert!(matches!(world.ask(Some(&token), Request::Me), Reply::Me { .. }), "what was acknowledged is there");
    let snapshot = world.runtime.block_on(world.driver.look()).expect("alive");
    assert_eq!((snapshot.turns.panics, snapshot.engine.links_live), (1, 1));
}

/// The realm once stood still for ever: it waited for a batch whose end lay behind the panic in what it had taken in one turn.
#[test]
fn a_panic_before_the_end_of_a_batch_in_the_same_turn_is_survived() {
    let (parts, _downs) = parts();
    let (tells, told) = channel();
    std::thread::spawn(move || {
        let driver = Driver::new();
        let mut realm = Realm::new(parts, driver.inbox.clone()).expect("a store");
        let (answer, answered) = oneshot::channel();
        let request = Request::Guest {
            user: secrets::user(),
            session: secrets::hash(&secrets::token()).expect("a token"),
            name: "Mia".into(),
            gender: None,
        };
        driver.inbox.put(Inbound::Ask(Box::new(Ask { who: None, address: Address(1), request, answer })));
        realm.turn(&mut Vec::new()).expect("it goes on");
        let mut turn = vec![Inbound::Panic(None)];
        driver.inbox.take(&mut turn, 1, Some(PATIENCE));
        assert!(matches!(turn[1], Inbound::Stored(_)), "{turn:?}");
        driver.inbox.give_back(turn);
        realm.turn(&mut Vec::new()).expect("it goes on");
        tells.send(answered.blocking_recv()).expect("somebody waits");
    });
    let reply = told.recv_timeout(PATIENCE).expect("it goes on").expect("an answer");
    assert!(matches!(reply, Reply::Guest { .. }), "what was durable is said: {reply:?}");
}

#[test]
fn a_core_that_panics_again_and_again_ends_the_process() {
    let world = World::new();
    for _ in 0..10 {
        world.driver.inbox.put(Inbound::Panic(None));
    }
    let Ending::Stopped(why) = world.realm.join().expect("an ending") else { panic!("it drained") };
    assert!(why.contains("panicked 10 times"), "{why}");
    assert_eq!(world.runtime.block_on(world.driver.look()).err(), Some(Ended));
}

/// The first command that does it is answered `unavailable`; the second one of a session ends the session.
#[test]
fn a_session_that_makes_the_core_panic_twice_is_ended() {
    let world = World::new();
    let token = world.guest();
    world.open(1, &token);
    let first_link = LinkId((1 << 32) + 1);
    let panics = |number| {
        let input = Input::Command { link: first_link, number, command: Ok(Command::Leave) };
        world.driver.inbox.put(Inbound::Panic(Some(input)));
    };
    panics(1);
    world.say(1, &json!({ "t": "leave", "id": 1 }));
    let refused = world.hears(1);
    assert_eq!((&refused["re"], &refused["code"]), (&json!(1), &json!("unavailable")));
    panics(2);
    let Down::Close { conn, code, .. } = world.downs.recv_timeout(PATIENCE).expect("a close") else { panic!("a close") };
    assert_eq!((conn, code), (ConnId(1), Closing::BadToken.number()));
    world.driver.up(Up::Closed { conn, clean: false });
    assert_eq!(world.ask(Some(&token), Request::Me), Reply::Unauthorized(Closing::BadToken));
}

/// From the third panic in a minute on no call goes on: each is ended, and stays ended.
#[test]
fn three_panics_in_a_minute_end_live_calls() {
    let world = World::new();
    let tokens = [world.guest(), world.guest()];
    for (conn, token) in [1, 2].into_iter().zip(&tokens) {
        world.open(conn, token);
        world.say(conn, &json!({ "t": "join", "id": 1 }));
        assert_eq!(world.hears(conn)["t"], "ok");
    }
    let Reply::Me { user, .. } = world.ask(Some(&tokens[1]), Request::Me) else { panic!("signed in") };
    let to = format!("{:032x}", user.user.0);
    let to = [&to[..8], &to[8..12], &to[12..16], &to[16..20], &to[20..]].join("-");
    world.say(1, &json!({ "t": "invite", "id": 2, "to": to, "seconds": 60 }));
    let invite = world.hears(1)["invite"].clone();
    assert_eq!(world.hears(2)["t"], "rang");
    world.say(2, &json!({ "t": "accept", "id": 2, "invite": invite, "seconds": 60 }));
    let live = |world: &World| world.runtime.block_on(world.driver.look()).expect("alive").engine.calls;
    while live(&world) == 0 {
        std::thread::yield_now();
    }
    for panics in 1..=3 {
        world.driver.inbox.put(Inbound::Panic(None));
        assert_eq!(live(&world), u32::from(panics < 3), "after {panics}");
    }
    // Those in it are sent to read the state anew.
    let mut closes: Vec<(ConnId, u16)> = std::iter::from_fn(|| world.downs.recv_timeout(PATIENCE).ok())
        .filter_map(|down| if let Down::Close { conn, code, .. } = down { Some((conn, code)) } else { None })
        .take(2)
        .collect();
    closes.sort_unstable();
    assert_eq!(closes, [1, 2].map(|conn| (ConnId(conn), Closing::Internal.number())));
}

/// MEM 3: what the judge of the memory says reaches the engine, and newcomers.
#[test]
fn mem_3_critical_twice_in_a_row_refuses_newcomers_until_it_is_over() {
    let world = World::new();
    let token = world.guest();
    world.open(1, &token);
    for _ in 0..2 {
        world.driver.memory(Level::Critical);
    }
    world.driver.up(Up::Opened { conn: ConnId(2), address: 1, form: Form::Json, secret: [2; 32] });
    world.say(2, &json!({ "t": "hello", "token": token }));
    let Down::Close { conn, code, .. } = world.downs.recv_timeout(PATIENCE).expect("a close") else { panic!("a close") };
    assert_eq!((conn, code), (ConnId(2), Closing::AtCapacity.number()));
    world.say(1, &json!({ "t": "join", "id": 1 }));
    assert_eq!(world.hears(1)["t"], "ok");
    world.driver.memory(Level::Ok);
    world.open(3, &token);
}

#[test]
fn a_drain_tells_everybody_and_ends_when_they_are_gone() {
    let world = World::new();
    let token = world.guest();
    world.open(1, &token);
    world.driver.drain();
    let Down::Close { conn, code, last } = world.downs.recv_timeout(PATIENCE).expect("a close") else { panic!("a close") };
    assert_eq!((conn, code), (ConnId(1), Closing::GoingAway.number()));
    let last: Value = serde_json::from_slice(&last.expect("a last word")).expect("JSON");
    assert_eq!((&last["t"], &last["code"]), (&json!("closing"), &json!("going_away")));
    world.driver.up(Up::Closed { conn, clean: false });
    assert_eq!(world.realm.join().expect("an ending"), Ending::Drained);
}
