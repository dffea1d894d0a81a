//! The scripted server: one link at a time, every message through its real form.

use duologue_client::{Answered, Config, Engine, Event, Failed, Form, Input, NegotiationOutput, Output};
use duologue_core::kit::ids::{CallId, ClientId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::*;
use std::collections::VecDeque;
use std::sync::Arc;

pub const CLIENT: ClientId = ClientId(0xc11e);
/// How much the server's clock is ahead of the client's.
pub const AHEAD: u64 = 1_760_000_000_000;

pub struct Story {
    pub engine: Engine,
    pub now: Millis,
    form: Form,
    link: Option<u32>,
    asked_for: Option<u32>,
    sent: VecDeque<ClientMessage>,
    events: VecDeque<Event>,
    closed: Vec<(u32, bool)>,
}

/// Tells a story in both forms, to a client that is welcomed and has nothing.
pub fn story(tell: impl Fn(&mut Story)) {
    story_of(|_| {}, tell);
}

/// The same, of a client that was started otherwise.
pub fn story_of(set: impl Fn(&mut Config), tell: impl Fn(&mut Story)) {
    for form in [Form::Json, Form::Binary] {
        let mut config = Config { form, ..Config::new("token", CLIENT, 7) };
        set(&mut config);
        let mut s = Story::new(config);
        s.opens();
        s.welcome(|_| {});
        s.events.clear();
        tell(&mut s);
        assert_eq!(s.sent, [], "everything that was sent is part of the story");
    }
}

pub fn card(user: u128) -> Arc<Card> {
    let (name, empty) = (format!("user {user}"), String::new);
    Arc::new(Card { user: UserId(user), name, gender: empty(), selfie: empty(), video: empty(), tags: vec![] })
}

pub fn call_started(call: u64, here: bool) -> CallStarted {
    let started = Millis(AHEAD);
    CallStarted {
        call: CallId(call),
        peer: card(2),
        seconds: 300,
        started,
        deadline: started + Span::secs(300),
        now: started,
        initiator: true,
        epoch: 1,
        here,
    }
}

impl Story {
    pub fn new(config: Config) -> Story {
        let form = config.form;
        let (sent, events) = (VecDeque::new(), VecDeque::new());
        Story { engine: Engine::new(config), now: Millis(0), form, link: None, asked_for: None, sent, events, closed: vec![] }
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Close { link, clean } => {
                    self.closed.push((link, clean));
                    self.link.take_if(|open| *open == link);
                    self.asked_for.take_if(|asked| *asked == link);
                }
                Output::Connect { link } => self.asked_for = Some(link),
                Output::Event(event) => self.events.push_back(event),
                Output::Send { link, bytes } if Some(link) == self.link => {
                    let message = match self.form {
                        Form::Binary => binary::decode_client(&bytes),
                        Form::Json => json::decode_client(&bytes),
                    };
                    self.sent.push_back(message.expect("a client says only what a server understands"));
                }
                Output::Send { .. } => {}
            }
        }
        assert!(self.engine.poll_timeout().is_none_or(|at| at > self.now || self.asked_for.is_some()), "progress");
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.engine.handle_input(self.now, input);
        self.drain();
    }

    /// Time passes as a punctual driver sees it: deadline by deadline.
    pub fn after(&mut self, span: Span) -> &mut Story {
        let until = self.now + span;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
        self
    }

    /// Time passes and nobody looks: a machine that sleeps.
    pub fn sleeps(&mut self, span: Span) -> &mut Story {
        self.now = self.now + span;
        self
    }

    /// Opens the client, and its link at once.
    pub fn opens(&mut self) -> Hello {
        self.input(Input::Open);
        self.connects()
    }

    /// The link that was asked for is open; the client says hello.
    pub fn connects(&mut self) -> Hello {
        let link = self.asked_for.take().expect("the client wants a link");
        self.link = Some(link);
        self.input(Input::Connected { link });
        match self.sent.pop_front() {
            Some(ClientMessage::Hello(hello)) => hello,
            other => panic!("says hello first, not {other:?}"),
        }
    }

    /// Whether the client wants a link.
    pub fn wants_a_link(&self) -> bool {
        self.asked_for.is_some()
    }

    /// Waits until the client wants a link: how long that was.
    pub fn waits_for_a_link(&mut self) -> Span {
        let since = self.now;
        while self.asked_for.is_none() {
            self.now = self.engine.poll_timeout().expect("wants one some time");
            self.engine.handle_timeout(self.now);
            self.drain();
        }
        self.now.since(since)
    }

    /// The link ends with this code, or without any.
    pub fn loses(&mut self, code: Option<u16>) -> &mut Story {
        let link = self.link.take().or(self.asked_for.take()).expect("there is a link");
        self.input(Input::Closed { link, code });
        self
    }

    /// Loses the link and opens the next one.
    pub fn comes_back(&mut self) -> Hello {
        self.loses(None);
        self.waits_for_a_link();
        self.connects()
    }

    pub fn says(&mut self, message: ServerMessage) -> &mut Story {
        let link = self.link.expect("there is a link");
        let bytes = match self.form {
            Form::Binary => binary::encode_server(&message),
            Form::Json => json::encode_server(&message),
        };
        self.input(Input::Received { link, bytes: &bytes });
        self
    }

    /// A welcome, not recovered and empty unless changed.
    pub fn welcome(&mut self, change: impl FnOnce(&mut Welcome)) -> &mut Story {
        let mut welcome = Welcome {
            user: card(1),
            resume: format!("resume at {}", self.now.0),
            recovered: false,
            now: Millis(AHEAD + self.now.0),
            seq: 0,
            last_id: 0,
            grace: Span::secs(10),
            media_base: String::new(),
            state: State::default(),
        };
        change(&mut welcome);
        self.says(ServerMessage::Welcome(Box::new(welcome)))
    }

    pub fn event(&mut self, seq: u64, event: duologue_core::wire::Event) -> &mut Story {
        self.says(ServerMessage::Event { seq, event })
    }

    pub fn ok(&mut self, re: u64, done: Done) -> &mut Story {
        self.says(ServerMessage::Ok { re, done })
    }

    pub fn no(&mut self, re: u64, reason: Reason) -> &mut Story {
        self.says(ServerMessage::No { re, reason })
    }

    pub fn view(&mut self, view: View) -> &mut Story {
        self.says(ServerMessage::View(view))
    }

    pub fn asks(&mut self, ask: u64, command: Command) -> &mut Story {
        self.input(Input::Command { ask, command });
        self
    }

    /// The next message that the client has sent is this command under this number.
    #[track_caller]
    pub fn sent(&mut self, id: u64, command: Command) -> &mut Story {
        assert_eq!(self.sent.pop_front(), Some(ClientMessage::Command { id, command }));
        self
    }

    #[track_caller]
    pub fn sent_ack(&mut self, seq: u64) -> &mut Story {
        assert_eq!(self.sent.pop_front(), Some(ClientMessage::Ack { seq }));
        self
    }

    #[track_caller]
    pub fn sent_ping(&mut self) -> &mut Story {
        assert_eq!(self.sent.pop_front(), Some(ClientMessage::Ping));
        self
    }

    #[track_caller]
    pub fn sent_nothing(&mut self) -> &mut Story {
        assert_eq!(self.sent, []);
        self
    }

    #[track_caller]
    pub fn told(&mut self, event: Event) -> &mut Story {
        assert_eq!(self.events.pop_front(), Some(event));
        self
    }

    #[track_caller]
    pub fn told_answer(&mut self, ask: u64, answer: Result<Done, Failed>) -> &mut Story {
        self.told(Event::Answered(Answered { ask, answer }))
    }

    #[track_caller]
    pub fn told_nothing(&mut self) -> &mut Story {
        assert_eq!(self.events, []);
        self
    }

    /// What was told so far is no part of the story.
    pub fn whatever_told(&mut self) -> &mut Story {
        self.events.clear();
        self
    }

    /// Joined, with a window of three places at version 1; two commands were used.
    pub fn in_the_lobby(&mut self) -> &mut Story {
        self.asks(1, Command::Join { lobby: None }).sent(1, Command::Join { lobby: None });
        self.ok(1, Done::Joined { lobby: "main".into() });
        let window = Command::Window { size: 3, filter: Filter::default() };
        self.asks(2, window.clone()).sent(2, window);
        self.ok(2, Done::Window { size: 3 });
        let places = vec![(0, Some((card(10), Marks::default())))];
        self.view(View::Window { version: 1, size: 3, places, available: 2 });
        self.whatever_told()
    }

    /// In a call of five minutes, its seat here; one event was used.
    pub fn in_a_call(&mut self, call: u64) -> &mut Story {
        let started = duologue_core::wire::Event::CallStarted(Box::new(call_started(call, true)));
        self.event(1, started).after(Span::secs(5)).sent_ack(1);
        self.whatever_told()
    }

    /// The next message that the client has sent.
    #[track_caller]
    pub fn sends(&mut self) -> ClientMessage {
        self.sent.pop_front().expect("something was sent")
    }

    /// Everything sent since, for a story that plays the server itself.
    pub fn take_sent(&mut self) -> Vec<ClientMessage> {
        self.sent.drain(..).collect()
    }

    /// Everything that a peer connection is told to do, other events aside.
    pub fn take_peer_outputs(&mut self) -> Vec<NegotiationOutput> {
        let peer = |event| if let Event::Peer(output) = event { Some(output) } else { None };
        self.events.drain(..).filter_map(peer).collect()
    }

    pub fn closed_links(&self) -> &[(u32, bool)] {
        &self.closed
    }
}
