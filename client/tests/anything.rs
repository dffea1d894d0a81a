//! Any inputs in any order, from a server that may say anything: the same inputs give the same outputs, there is always progress, and
//! every command is answered exactly once.

use duologue_client::{Config, Engine, Event, Form, Input, NegotiationInput, Output};
use duologue_core::kit::ids::{CallId, ClientId, InviteId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{self, *};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Closed(Option<u16>),
    Connected,
    Garbage(Vec<u8>),
    Leave,
    Online,
    Open,
    Passes(u64),
    Peer(NegotiationInput),
    Says(ServerMessage),
    Wants(Command),
}

fn card() -> Arc<Card> {
    let empty = String::new;
    Arc::new(Card { user: UserId(2), name: "Bob".into(), gender: empty(), selfie: empty(), video: empty(), tags: vec![] })
}

fn started(call: u64, epoch: u32, here: bool) -> CallStarted {
    let (call, at) = (CallId(call), Millis(5));
    CallStarted { call, peer: card(), seconds: 60, started: at, deadline: at, now: at, initiator: true, epoch, here }
}

fn state() -> impl Strategy<Value = State> {
    let call = (0..3_u64, 1..4_u32, any::<bool>()).prop_map(|(call, epoch, here)| CallState {
        started: started(call, epoch, here),
        extensions_left: 3,
        peer_lost_until: None,
    });
    let lobby = proptest::option::of(Just("main".to_owned()));
    (lobby, proptest::option::of(1..4_u32), proptest::option::of(call)).prop_map(|(lobby, window, call)| State {
        lobby,
        window,
        call,
        ..State::default()
    })
}

fn welcome() -> impl Strategy<Value = ServerMessage> {
    (any::<bool>(), 0..5_u64, 0..5_u64, state()).prop_map(|(recovered, seq, last_id, state)| {
        let (resume, media_base) = (format!("{seq}"), String::new());
        let (user, now, grace) = (card(), Millis(9), Span::secs(10));
        ServerMessage::Welcome(Box::new(Welcome { user, resume, recovered, now, seq, last_id, grace, media_base, state }))
    })
}

fn event() -> impl Strategy<Value = wire::Event> {
    prop_oneof![
        (0..3_u64, 1..4_u32, any::<bool>()).prop_map(|(call, epoch, here)| wire::Event::CallStarted(Box::new(started(call, epoch, here)))),
        (0..3_u64, 1..5_u32).prop_map(|(call, epoch)| wire::Event::Renegotiate { call: CallId(call), epoch }),
        (0..3_u64).prop_map(|call| wire::Event::CallMoved { call: CallId(call) }),
        Just(wire::Event::Left { lobby: "main".into(), why: Why::Away }),
        (0..3_u64, 1..4_u32, any::<bool>()).prop_map(|(call, epoch, offer)| {
            let kind = if offer { SdpKind::Offer } else { SdpKind::Answer };
            wire::Event::Description(Box::new(Description { call: CallId(call), epoch, kind, sdp: "v=0".into() }))
        }),
    ]
}

fn message() -> impl Strategy<Value = ServerMessage> {
    let reason = prop_oneof![
        Just(Reason::NotInLobby),
        Just(Reason::RateLimited { retry_after: Span::millis(0) }),
        Just(Reason::Unavailable { retry_after: Span::secs(1) }),
        Just(Reason::Answered),
        Just(Reason::TooLarge),
    ];
    let done = prop_oneof![Just(Done::Empty), Just(Done::Joined { lobby: "main".into() }), Just(Done::Epoch { epoch: 3 })];
    let place = (0..5_u8, any::<bool>()).prop_map(|(place, filled)| (place, filled.then(|| (card(), Marks::default()))));
    let places = proptest::collection::vec(place, 0..3).boxed();
    let closing = proptest::sample::select(Closing::ALL.to_vec());
    prop_oneof![
        6 => welcome(),
        4 => (1..12_u64, event()).prop_map(|(seq, event)| ServerMessage::Event { seq, event }),
        4 => (1..12_u64, done).prop_map(|(re, done)| ServerMessage::Ok { re, done }),
        3 => (1..12_u64, reason).prop_map(|(re, reason)| ServerMessage::No { re, reason }),
        2 => (1..6_u64, places.clone()).prop_map(|(version, places)| ServerMessage::View(View::Window { version, size: 3, places, available: 3 })),
        2 => (1..6_u64, places).prop_map(|(version, set)| ServerMessage::View(View::WindowDelta { version, set, available: None })),
        1 => Just(ServerMessage::Pong { now: Millis(77) }),
        1 => closing.prop_map(|closing| ServerMessage::Closing { closing, retry_after: Some(Span::secs(1)), why: None }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let commands = vec![
        Command::Join { lobby: None },
        Command::Leave,
        Command::Window { size: 3, filter: Filter::default() },
        Command::WindowClose,
        Command::Pair { filter: Filter::default(), confirm: false },
        Command::Accept { invite: InviteId(1), seconds: 60 },
        Command::Renegotiate { call: CallId(1) },
    ];
    let peer = (1..4_u32, 0..4_u8).prop_map(|(epoch, what)| match what {
        0 => NegotiationInput::Made { epoch, kind: SdpKind::Offer, sdp: "v=0".into() },
        1 => NegotiationInput::RemoteSet { epoch },
        2 => NegotiationInput::Failed { epoch },
        _ => NegotiationInput::Needed { epoch },
    });
    prop_oneof![
        8 => message().prop_map(Step::Says),
        4 => proptest::sample::select(commands).prop_map(Step::Wants),
        4 => Just(Step::Connected),
        3 => (0..60_000_u64).prop_map(Step::Passes),
        2 => peer.prop_map(Step::Peer),
        1 => proptest::option::of(4_000..4_110_u16).prop_map(Step::Closed),
        1 => Just(Step::Open),
        1 => Just(Step::Online),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Step::Garbage),
        1 => Just(Step::Leave),
    ]
}

/// Runs the steps; returns all outputs.
fn run(form: Form, steps: &[Step]) -> Vec<Output> {
    let mut engine = Engine::new(Config { form, ..Config::new("token", ClientId(1), 7) });
    let (mut now, mut link, mut asks) = (Millis(0), 0, 0);
    let mut outputs = vec![];
    let mut take = |engine: &mut Engine, now: Millis, link: &mut u32| {
        while let Some(output) = engine.poll_output() {
            if let Output::Connect { link: next } = output {
                *link = next;
            }
            outputs.push(output);
        }
        assert!(engine.poll_timeout().is_none_or(|at| at > now), "progress at {now:?}: {engine:?}");
    };
    engine.handle_input(now, Input::Open);
    take(&mut engine, now, &mut link);
    for step in steps {
        match step.clone() {
            Step::Closed(code) => engine.handle_input(now, Input::Closed { link, code }),
            Step::Connected => engine.handle_input(now, Input::Connected { link }),
            Step::Garbage(bytes) => engine.handle_input(now, Input::Received { link, bytes: &bytes }),
            Step::Leave => engine.handle_input(now, Input::Leave),
            Step::Online => engine.handle_input(now, Input::Online),
            Step::Open => engine.handle_input(now, Input::Open),
            Step::Passes(ms) => {
                now = now + Span(ms);
                engine.handle_timeout(now);
            }
            Step::Peer(input) => engine.handle_input(now, Input::Peer(input)),
            Step::Says(message) => {
                let bytes = match form {
                    Form::Binary => binary::encode_server(&message),
                    Form::Json => json::encode_server(&message),
                };
                engine.handle_input(now, Input::Received { link, bytes: &bytes });
            }
            Step::Wants(command) => {
                asks += 1;
                engine.handle_input(now, Input::Command { ask: asks, command });
            }
        }
        take(&mut engine, now, &mut link);
    }
    engine.handle_input(now, Input::Leave);
    take(&mut engine, now, &mut link);
    assert_eq!((engine.unanswered(), engine.poll_timeout()), (0, None), "nothing is left after leaving");
    let mut answers = BTreeMap::<u64, u32>::new();
    for output in &outputs {
        if let Output::Event(Event::Answered(answered)) = output {
            *answers.entry(answered.ask).or_default() += 1;
        }
    }
    assert_eq!(answers, (1..=asks).map(|ask| (ask, 1)).collect(), "every command has one answer");
    outputs
}

/// What an application sees; bytes aside, which differ between the forms.
fn seen(outputs: Vec<Output>) -> Vec<Output> {
    let without_bytes = |output| if let Output::Send { link, .. } = output { Output::Send { link, bytes: vec![] } } else { output };
    outputs.into_iter().map(without_bytes).collect()
}

proptest! {
    #[test]
    fn whatever_happens_is_repeatable_and_the_same_in_both_forms(steps in proptest::collection::vec(step(), 0..60)) {
        let json = run(Form::Json, &steps);
        prop_assert_eq!(&json, &run(Form::Json, &steps));
        let steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::Garbage(_))).collect();
        prop_assert_eq!(seen(run(Form::Json, &steps)), seen(run(Form::Binary, &steps)));
    }
}
