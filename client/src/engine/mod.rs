//! The engine: its methods, and which owner each input goes to. What is done with the line, with the server's messages and with
//! commands stands in a file each.

mod from_the_server;
mod to_the_line;
mod wanted;

use crate::call::Call;
use crate::clock::Clock;
use crate::commands::{Asker, Commands};
use crate::config::Config;
use crate::intents::Intents;
use crate::line::Line;
use crate::media::Media;
use crate::seam::{Input, Output};
use crate::seen::Seen;
use crate::window::Window;
use alloc::collections::VecDeque;
use alloc::string::String;
use duologue_core::kit::time::Millis;
use duologue_core::wire::ClientMessage;

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
        let media = Media::new(if config.negotiate { config.sdp } else { 0 });
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
            media,
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
