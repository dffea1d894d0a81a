//! The engine: its methods, and which owner each input and message goes to. What a welcome means stands here, because it is where
//! the owners meet: numbers go on, what was open is sent again, what the server has forgotten is declared again, in this order.

use crate::call::Call;
use crate::clock::Clock;
use crate::commands::{Asker, Commands, Wanted};
use crate::config::Config;
use crate::intents::{Intent, Intents};
use crate::line::{Due, Line, Phase, Verdict};
use crate::media::{Media, Wish};
use crate::seam::{Answered, End, Event, Failed, Input, Output, WindowChange};
use crate::seen::{Order, Seen};
use crate::window::{Applied, Window};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use duologue_core::kit::ids::ClientId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::json::NotUnderstood;
use duologue_core::wire::{self, ClientMessage, Command, Done, Hello, MESSAGE_MAX_BYTES, Reason, Resume, ServerMessage, View, Welcome};
use duologue_signaling::NegotiationOutput;

/// One client of one user.
#[derive(Clone, Debug)]
pub struct Engine {
    config: Config,
    now: Millis,
    line: Line,
    /// The newest resume token.
    resume: Option<String>,
    was_welcomed: bool,
    seen: Seen,
    commands: Commands,
    intents: Intents,
    window: Option<Window>,
    call: Option<Call>,
    media: Media,
    clock: Clock,
    /// A ping without its pong.
    pinged: Option<Millis>,
    out: VecDeque<Output>,
}

impl Engine {
    /// A client that has not connected yet: the first input is `Open`.
    pub fn new(config: Config) -> Engine {
        Engine {
            now: Millis(0),
            line: Line::new(),
            resume: None,
            was_welcomed: false,
            seen: Seen::default(),
            commands: Commands::default(),
            intents: Intents::new(config.seat),
            window: None,
            call: None,
            media: Media::default(),
            clock: Clock::default(),
            pinged: None,
            out: VecDeque::new(),
            config,
        }
    }

    /// Takes an input, at an instant of the caller's clock that never goes back. Deadlines that have passed go first.
    pub fn handle_input(&mut self, now: Millis, input: Input<'_>) {
        self.handle_timeout(now);
        match input {
            Input::Closed { link, code } if self.line.has_link(link) => self.closed(code),
            Input::Command { ask, command } => self.want(ask, command),
            Input::Connected { link } if self.line.has_link(link) => self.greet(),
            Input::Heard { link } if self.line.has_link(link) => self.line.hear(self.now),
            Input::Leave => self.leave(),
            Input::MeasureClock if self.line.is_live() => self.ping(),
            Input::Online => self.line.hurry(self.now),
            Input::Open => self.open(),
            Input::Peer(input) => self.media.peer(input),
            Input::Received { link, bytes } if self.line.has_link(link) => self.received(bytes),
            Input::Renew { client } => self.renew(client),
            Input::Closed { .. } | Input::Connected { .. } | Input::Heard { .. } | Input::MeasureClock | Input::Received { .. } => {}
        }
        self.negotiate();
        self.handle_timeout(now);
    }

    /// Does what is due at an instant of the caller's clock. Early, late or often makes no difference but that of the lateness.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.now = self.now.max(now);
        while let Some((at, due)) = self.line.next(&self.config).filter(|(at, _)| *at <= self.now) {
            self.line_due(at, due);
        }
        if self.line.is_live() {
            if self.seen.ack_at(&self.config).is_some_and(|at| at <= self.now) {
                let seq = self.seen.take_ack();
                self.send(&ClientMessage::Ack { seq });
            }
            while let Some(intent) = self.intents.take_due(self.now) {
                self.declare(intent);
            }
            if let Some(command) = self.media.take_due(self.now) {
                self.commands.want(Asker::Signal, command);
            }
            self.send_what_waits();
        }
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` wants to be called at the latest; the present while an output waits.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if !self.out.is_empty() {
            return Some(self.now);
        }
        let line = self.line.next(&self.config).map(|(at, _)| at);
        if !self.line.is_live() {
            return line;
        }
        line.into_iter().chain(self.seen.ack_at(&self.config)).chain(self.intents.next()).chain(self.media.next()).min()
    }

    /// Whether the client is welcomed and nothing has broken since.
    pub fn is_connected(&self) -> bool {
        self.line.is_live()
    }

    /// The window as its user sees it, if there is one.
    pub fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// The call that goes on.
    pub fn call(&self) -> Option<&Call> {
        self.call.as_ref()
    }

    /// What the server's clock shows, once it was measured.
    pub fn server_time(&self, now: Millis) -> Option<Millis> {
        self.clock.server_time(now)
    }

    /// The number of the highest event seen.
    pub fn seq(&self) -> u64 {
        self.seen.seq()
    }

    /// Commands without an answer, those not yet sent included.
    pub fn unanswered(&self) -> usize {
        self.commands.len()
    }

    /// What messages are written in.
    pub fn form(&self) -> crate::Form {
        self.config.form
    }
}

/// The line.
impl Engine {
    fn open(&mut self) {
        if self.line.phase() == Phase::Off {
            self.connect();
        }
    }

    /// Nothing of what this client was is left but its user.
    fn renew(&mut self, client: ClientId) {
        if self.line.phase() != Phase::Off {
            return;
        }
        self.config.client = client;
        self.resume = None;
        self.seen = Seen::default();
        self.commands.renew();
        self.intents = Intents::default();
        self.connect();
    }

    fn connect(&mut self) {
        self.line.open(self.now, &self.config);
        self.out.push_back(Output::Connect { link: self.line.link() });
    }

    fn greet(&mut self) {
        if !matches!(self.line.phase(), Phase::Opening { .. }) {
            return;
        }
        self.line.greet(self.now, &self.config);
        let window = self.window.as_ref().and_then(Window::version);
        let resume = self.resume.clone().map(|token| Resume { token, seq: self.seen.seq(), window });
        let hello = Hello {
            token: self.config.token.clone(),
            client: Some(self.config.client),
            resume,
            exclusive: self.config.exclusive && !self.was_welcomed,
            sdp: self.config.sdp,
        };
        self.send(&ClientMessage::Hello(hello));
    }

    fn closed(&mut self, code: Option<u16>) {
        let verdict = match self.line.phase() {
            Phase::Closing { verdict, .. } => verdict,
            Phase::Off | Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Live { .. } => {
                Verdict::of_code(code)
            }
        };
        self.gone(verdict);
    }

    /// There is no link any more.
    fn gone(&mut self, verdict: Verdict) {
        self.pinged = None;
        match verdict {
            Verdict::Back { not_before } => {
                let at = self.line.lost(self.now, not_before, &self.config);
                self.tell(Event::Reconnecting { at });
            }
            Verdict::End(end) => self.end(end),
        }
    }

    fn drop_link(&mut self) {
        self.out.push_back(Output::Close { link: self.line.link(), clean: false });
    }

    fn leave(&mut self) {
        let link = self.line.link();
        match self.line.phase() {
            Phase::Off => return,
            Phase::Waiting { .. } => {}
            Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Live { .. } | Phase::Closing { .. } => {
                self.out.push_back(Output::Close { link, clean: true });
            }
        }
        self.end(End::Left);
    }

    fn end(&mut self, end: End) {
        self.line.off();
        self.resume = None;
        self.was_welcomed = false;
        self.call = None;
        self.media.end();
        self.intents = Intents::default();
        self.pinged = None;
        self.close_window();
        for Wanted { asker, command: _ } in self.commands.give_up() {
            self.answer(asker, Err(Failed::Ended));
        }
        self.tell(Event::Ended(end));
    }

    fn line_due(&mut self, at: Millis, due: Due) {
        match due {
            Due::Connect => self.connect(),
            Due::Drop => {
                let verdict = match self.line.phase() {
                    Phase::Closing { verdict, .. } => verdict,
                    _ => Verdict::LOST,
                };
                self.drop_link();
                self.gone(verdict);
            }
            // A caller that slept asks now and waits from now on: what arrived meanwhile is still to be read.
            Due::Probe => {
                debug_assert!(at <= self.now);
                self.line.probe(self.now);
                self.ping();
            }
        }
    }

    fn ping(&mut self) {
        self.pinged.get_or_insert(self.now);
        self.send(&ClientMessage::Ping);
    }

    fn send(&mut self, message: &ClientMessage) {
        let bytes = self.config.form.encode(message);
        self.out.push_back(Output::Send { link: self.line.link(), bytes });
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}

/// Messages of the server.
impl Engine {
    fn received(&mut self, bytes: &[u8]) {
        self.line.hear(self.now);
        if matches!(self.line.phase(), Phase::Opening { .. } | Phase::Closing { .. }) {
            return;
        }
        match self.config.form.decode(bytes) {
            Ok(message) => self.heard(message),
            Err(NotUnderstood::Unknown { seq, re, reconnect }) => self.heard_something(seq, re, reconnect),
            // Whatever it was: if it was an event, its number will be missed.
            Err(NotUnderstood::Malformed) => {}
        }
    }

    fn heard(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Closing { closing, retry_after, why: _ } => {
                self.line.closing(self.now, Verdict::of(closing, retry_after), &self.config);
            }
            ServerMessage::Welcome(welcome) => self.welcomed(welcome),
            _ if !self.line.is_live() => {}
            ServerMessage::Event { seq, event } => {
                if self.is_next(seq) {
                    self.happened(event);
                }
            }
            ServerMessage::No { re, reason } => self.settle(re, Err(Failed::Refused(reason))),
            ServerMessage::Ok { re, done } => self.settle(re, Ok(done)),
            ServerMessage::Pong { now } => {
                if let Some(asked) = self.pinged.take() {
                    self.clock.measured(asked, self.now, now);
                }
            }
            ServerMessage::View(view) => self.viewed(view),
        }
    }

    /// A message of a newer server: what must not be lost of it.
    fn heard_something(&mut self, seq: Option<u64>, re: Option<u64>, reconnect: Option<bool>) {
        if let Some(reconnect) = reconnect {
            let verdict = if reconnect { Verdict::LOST } else { Verdict::End(End::ClosedOtherwise) };
            self.line.closing(self.now, verdict, &self.config);
        } else if self.line.is_live() {
            if let Some(re) = re {
                self.settle(re, Err(Failed::Unknown));
            }
            if let Some(seq) = seq {
                let _ = self.is_next(seq);
            }
        }
    }

    /// Whether an event is the next one. After a gap the link is given up: a resume brings what is missing.
    fn is_next(&mut self, seq: u64) -> bool {
        match self.seen.see(self.now, seq) {
            Order::Next => true,
            Order::Double => false,
            Order::Gap => {
                self.drop_link();
                self.gone(Verdict::LOST);
                false
            }
        }
    }

    fn welcomed(&mut self, welcome: Box<Welcome>) {
        let Phase::Greeting { since, .. } = self.line.phase() else { return };
        self.line.welcomed(self.now);
        self.was_welcomed = true;
        self.resume = Some(welcome.resume.clone());
        self.clock.measured(since, self.now, welcome.now);
        for (id, command) in self.commands.welcomed(welcome.last_id) {
            self.send(&ClientMessage::Command { id, command });
        }
        if welcome.recovered {
            self.intents.follow(&welcome.state);
        } else {
            self.seen.begin(welcome.seq);
            self.call = welcome.state.call.as_ref().map(Call::of_state);
            self.seat();
            if self.commands.leaves() {
                self.intents.give_up(Intent::Lobby);
            }
            for intent in self.intents.missing(&welcome.state) {
                if !self.commands.decides(intent) {
                    self.declare(intent);
                }
            }
        }
        let has_window = welcome.state.window.is_some();
        self.tell(Event::Welcomed(welcome));
        if !has_window && self.intents.command(Intent::Window).is_none() && !self.commands.decides(Intent::Window) {
            self.close_window();
        } else if !has_window {
            self.window.iter_mut().for_each(Window::doubt);
        }
    }

    /// The negotiation is that of the call that a welcome's state has.
    fn seat(&mut self) {
        match &self.call {
            Some(call) if self.config.negotiate => self.media.seated(call.started()),
            Some(_) | None => self.media.end(),
        }
    }

    fn happened(&mut self, event: wire::Event) {
        self.intents.happened(&event);
        Call::after(&mut self.call, &event);
        if self.config.negotiate && self.media.takes(&event) {
            return;
        }
        match &event {
            wire::Event::CallStarted(started) => {
                self.clock.said(self.now, started.now);
                self.close_window();
            }
            wire::Event::CallExtended { now, .. } => self.clock.said(self.now, *now),
            wire::Event::Left { .. } => self.close_window(),
            _ => {}
        }
        self.tell(Event::Happened(event));
    }

    fn viewed(&mut self, view: View) {
        match view {
            View::Presence { user, state } => self.tell(Event::Presence { user, state }),
            View::Window { version, size, places, available } => {
                let change = self.window.get_or_insert_default().show(version, size, places, available);
                self.tell(Event::Window(change));
            }
            View::WindowDelta { version, set, available } => {
                let Some(window) = &mut self.window else { return };
                match window.apply(version, set, available) {
                    Applied::Changed(places) => self.tell(Event::Window(WindowChange::Places(places))),
                    Applied::Gap => self.declare(Intent::Window),
                    Applied::Ignored => {}
                }
            }
        }
    }

    fn close_window(&mut self) {
        if self.window.take().is_some() {
            self.tell(Event::Window(WindowChange::Closed));
        }
    }
}

/// Commands and their answers.
impl Engine {
    fn want(&mut self, ask: u64, command: Command) {
        let failed = if self.line.phase() == Phase::Off {
            Failed::Ended
        } else if self.commands.len() >= self.config.commands_max {
            Failed::TooMany
        } else {
            return self.commands.want(Asker::App(ask), command);
        };
        self.answer(Asker::App(ask), Err(failed));
    }

    /// Asks for what is wanted, unless that is under way.
    fn declare(&mut self, intent: Intent) {
        if self.commands.declares(intent) {
            return;
        }
        if let Some(command) = self.intents.command(intent) {
            self.commands.want(Asker::Own(intent), command);
        }
    }

    /// What the negotiation wants after whatever has happened.
    fn negotiate(&mut self) {
        for wish in self.media.wishes() {
            match wish {
                Wish::Command(command) => self.commands.want(Asker::Signal, command),
                Wish::Peer(output) => {
                    if matches!(output, NegotiationOutput::Renew { .. }) {
                        self.commands.forget_signals(self.media.call());
                    }
                    self.tell(Event::Peer(output));
                }
            }
        }
        if self.media.call().is_none() {
            self.commands.forget_signals(None);
        }
    }

    fn send_what_waits(&mut self) {
        while self.line.is_live() {
            let Some((id, command)) = self.commands.number_next() else { return };
            let bytes = self.config.form.encode(&ClientMessage::Command { id, command });
            if bytes.len() > MESSAGE_MAX_BYTES {
                self.settle(id, Err(Failed::Refused(Reason::TooLarge)));
            } else {
                self.out.push_back(Output::Send { link: self.line.link(), bytes });
            }
        }
    }

    fn settle(&mut self, number: u64, answer: Result<Done, Failed>) {
        let Some(Wanted { asker, command }) = self.commands.answered(number) else { return };
        match &answer {
            Ok(done) => self.done(&command, done),
            Err(Failed::Refused(Reason::NotInLobby)) if self.waits_for_lobby(&command) => return self.commands.want(asker, command),
            Err(_) => {}
        }
        self.answer(asker, answer);
    }

    /// Sent again to a server that has forgotten the lobby, before the lobby could be declared: it has had no effect, and is sent
    /// once more behind the lobby, under a new number.
    fn waits_for_lobby(&self, command: &Command) -> bool {
        matches!(command, Command::Pair { .. } | Command::Reel { .. } | Command::Window { .. }) && self.commands.declares(Intent::Lobby)
    }

    fn done(&mut self, command: &Command, done: &Done) {
        self.intents.done(command, done);
        match (command, done) {
            (Command::Leave | Command::WindowClose, _) => self.close_window(),
            (Command::Renegotiate { call }, Done::Epoch { epoch }) => {
                Call::after(&mut self.call, &wire::Event::Renegotiate { call: *call, epoch: *epoch });
                self.media.renegotiate(*call, *epoch);
            }
            _ => {}
        }
    }

    fn answer(&mut self, asker: Asker, answer: Result<Done, Failed>) {
        match (asker, answer) {
            (Asker::App(ask), answer) => self.tell(Event::Answered(Answered { ask, answer })),
            (Asker::Own(intent), Err(Failed::Refused(reason))) => self.refused(intent, reason),
            (Asker::Signal, Err(Failed::Refused(reason))) => {
                if self.media.refused(self.now, &reason) {
                    self.tell(Event::SignalRefused(reason));
                }
            }
            (Asker::Own(_) | Asker::Signal, Ok(_) | Err(Failed::Ended | Failed::TooMany | Failed::Unknown)) => {}
        }
    }

    /// What was declared again was refused: for the moment, or for good.
    fn refused(&mut self, intent: Intent, reason: Reason) {
        match reason {
            Reason::RateLimited { retry_after } | Reason::Unavailable { retry_after } => self.intents.later(intent, self.now, retry_after),
            // The answer is lost, not the wish; what it came to will show.
            Reason::Answered => self.intents.later(intent, self.now, Span::secs(1)),
            reason => {
                self.intents.give_up(intent);
                self.tell(Event::GivenUp { intent, reason });
                if intent == Intent::Window || intent == Intent::Lobby {
                    self.close_window();
                }
            }
        }
    }
}
