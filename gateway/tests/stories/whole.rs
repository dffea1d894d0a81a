//! The gateway with a real engine behind it: two people from hello to the end of a call, with a cut in the middle. Nothing is
//! written anywhere: what the engine says is released at once.

use crate::world::{config, read, sha256};
use duologue_core::engine::{Engine, Start};
use duologue_core::input::{Address, Input, Request};
use duologue_core::kit::ids::{RequestId, TokenHash, UserId};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::Output;
use duologue_core::rules::Rules;
use duologue_core::wire::{
    ClientMessage, Command, Description, Done, Event, Filter, Hello, Resume, SdpKind, ServerMessage, View, Welcome, binary,
};
use duologue_gateway::{Gateway, Outward};
use duologue_transport::{ConnId, Down, Form, Up};
use std::collections::BTreeMap;

struct Whole {
    engine: Engine,
    gateway: Gateway,
    now: Millis,
    heard: BTreeMap<ConnId, Vec<ServerMessage>>,
    conns: u64,
    number: u64,
}

impl Whole {
    fn new() -> Whole {
        let now = Millis(1_700_000_000_000);
        let start = Start { epoch: 1, rows: vec![] };
        let engine = Engine::new(Limits::default(), Rules::default(), Seed([1, 2, 3, 4]), start, now);
        let gateway = Gateway::new(config(), 1 << 32);
        Whole { engine, gateway, now, heard: BTreeMap::new(), conns: 0, number: 0 }
    }

    fn turn(&mut self) {
        loop {
            while let Some(output) = self.engine.poll_output() {
                match output {
                    Output::Load { ticket, .. } => self.input(&Input::Loaded { ticket, rows: vec![] }),
                    output => self.gateway.handle_released(self.now, output),
                }
            }
            self.gateway.check();
            let Some(outward) = self.gateway.poll_output() else { return };
            match outward {
                Outward::Engine(input) => self.input(&input),
                Outward::Down(Down::Send { conn, bytes }) => {
                    self.heard.entry(conn).or_default().push(read(&bytes));
                    self.gateway.handle_transport(self.now, Up::Writable { conn });
                }
                Outward::Down(Down::Close { .. } | Down::Ping { .. }) => {}
            }
        }
    }

    fn input(&mut self, input: &Input) {
        self.engine.handle_input(self.now, input).expect("there is room");
    }

    fn after(&mut self, span: Span) {
        self.now = self.now + span;
        self.engine.handle_timeout(self.now);
        self.gateway.handle_timeout(self.now);
        self.turn();
    }

    fn up(&mut self, up: Up) {
        self.gateway.handle_transport(self.now, up);
        self.turn();
    }

    fn guest(&mut self, user: u128, token: &str) {
        let session = TokenHash(sha256(token.as_bytes()));
        let request = Request::Guest { user: UserId(user), session, name: token.into(), gender: None };
        self.input(&Input::Request { id: RequestId(user as u64), who: None, address: Address(1), request });
        self.turn();
    }

    fn hello(&mut self, token: &str, resume: Option<Resume>) -> (ConnId, Welcome) {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.up(Up::Opened { conn, address: 1, form: Form::Postcard, secret: sha256(&self.conns.to_le_bytes()) });
        self.say(conn, &ClientMessage::Hello(Hello { token: token.into(), client: None, resume, exclusive: false, sdp: 0 }));
        match self.heard.get_mut(&conn).map(|heard| heard.remove(0)) {
            Some(ServerMessage::Welcome(welcome)) => (conn, *welcome),
            other => panic!("not a welcome: {other:?}"),
        }
    }

    fn say(&mut self, conn: ConnId, message: &ClientMessage) {
        self.up(Up::Message { conn, bytes: binary::encode_client(message).into() });
    }

    /// Says a command and gives its answer; what else is heard stays.
    fn does(&mut self, conn: ConnId, command: Command) -> Done {
        self.number += 1;
        self.say(conn, &ClientMessage::Command { id: self.number, command });
        let heard = self.heard.get_mut(&conn).expect("something is heard");
        let place = heard.iter().position(|message| matches!(message, ServerMessage::Ok { re, .. } if *re == self.number));
        match heard.remove(place.unwrap_or_else(|| panic!("not done: {heard:?}"))) {
            ServerMessage::Ok { done, .. } => done,
            other => panic!("not done: {other:?}"),
        }
    }

    fn hears(&mut self, conn: ConnId) -> Vec<ServerMessage> {
        self.heard.remove(&conn).unwrap_or_default()
    }

    fn hears_event(&mut self, conn: ConnId, is_it: impl Fn(&Event) -> bool) -> Event {
        let heard = self.hears(conn);
        let event = heard.iter().find_map(|message| match message {
            ServerMessage::Event { event, .. } if is_it(event) => Some(event.clone()),
            _ => None,
        });
        event.unwrap_or_else(|| panic!("not heard: {heard:?}"))
    }
}

#[test]
fn two_people_meet_ring_signal_are_cut_resume_and_hang_up() {
    let mut w = Whole::new();
    w.guest(1, "ann");
    w.guest(2, "bob");
    let (ann, _) = w.hello("ann", None);
    let (bob, welcome_of_bob) = w.hello("bob", None);
    for conn in [ann, bob] {
        w.does(conn, Command::Join { lobby: None });
        w.does(conn, Command::Window { size: 20, filter: Filter::default() });
    }
    w.after(Span::secs(1));
    let sees_bob = w.hears(ann).into_iter().any(|message| match message {
        ServerMessage::View(View::Window { places: set, .. } | View::WindowDelta { set, .. }) => {
            set.iter().any(|(_, place)| place.as_ref().is_some_and(|(card, _)| card.user == UserId(2)))
        }
        _ => false,
    });
    assert!(sees_bob);

    w.does(ann, Command::Invite { to: UserId(2), seconds: 60 });
    let Event::Rang { invite, .. } = w.hears_event(bob, |event| matches!(event, Event::Rang { .. })) else { unreachable!() };
    let Done::Call { call } = w.does(bob, Command::Accept { invite, seconds: 120 }) else { panic!("no call") };
    w.hears_event(ann, |event| matches!(event, Event::CallStarted(started) if started.initiator && started.seconds == 90));
    w.hears_event(bob, |event| matches!(event, Event::CallStarted(started) if !started.initiator && started.here));

    let offer = Description { call, epoch: 1, kind: SdpKind::Offer, sdp: "v=0".into() };
    assert_eq!(w.does(ann, Command::Description(offer.clone())), Done::Signal { stale: false });
    w.hears_event(bob, |event| *event == Event::Description(Box::new(offer.clone())));

    // Bob is cut; what is said meanwhile waits for him.
    w.up(Up::Closed { conn: bob, clean: false });
    w.hears_event(ann, |event| matches!(event, Event::PeerLink { .. }));
    let again = Description { sdp: "v=1".into(), ..offer };
    w.does(ann, Command::Description(again.clone()));
    w.after(Span::secs(5));
    let (bob, welcome) = w.hello("bob", Some(Resume { token: welcome_of_bob.resume, seq: 3, window: None }));
    assert!(welcome.recovered);
    assert_eq!(welcome.state.call.map(|call| call.started.here), Some(true));
    w.hears_event(bob, |event| *event == Event::Description(Box::new(again.clone())));
    let answer = Description { kind: SdpKind::Answer, ..again };
    w.does(bob, Command::Description(answer.clone()));
    w.hears_event(ann, |event| *event == Event::Description(Box::new(answer.clone())));

    assert_eq!(w.gateway.usage().relays, 1);
    w.does(bob, Command::HangUp { call });
    w.hears_event(ann, |event| matches!(event, Event::CallEnded(ended) if ended.seconds == 5));
    assert_eq!(w.gateway.usage().relays, 0);
    w.after(Span::secs(60));
    w.after(Span::secs(60));
    assert_eq!(w.gateway.usage().links, 0, "silent for too long, and then forgotten");
}
