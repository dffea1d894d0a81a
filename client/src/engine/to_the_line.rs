//! What the engine does with its line: connect, say hello, come back or end.

use super::Engine;
use crate::commands::Wanted;
use crate::intents::Intents;
use crate::line::{Due, Phase, Verdict};
use crate::seam::{End, Event, Failed, Output};
use crate::seen::Seen;
use crate::window::Window;
use duologue_core::kit::ids::ClientId;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{ClientMessage, Hello, Resume};

impl Engine {
    pub(super) fn open(&mut self) {
        if self.line.phase() == Phase::Off {
            self.connect();
        }
    }

    /// Nothing of what this client was is left but its user.
    pub(super) fn renew(&mut self, client: ClientId) {
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

    pub(super) fn connect(&mut self) {
        self.line.open(self.now, &self.config);
        self.out.push_back(Output::Connect { link: self.line.link() });
    }

    pub(super) fn greet(&mut self) {
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

    pub(super) fn closed(&mut self, code: Option<u16>) {
        let verdict = match self.line.phase() {
            Phase::Closing { verdict, .. } => verdict,
            Phase::Off | Phase::Waiting { .. } | Phase::Opening { .. } | Phase::Greeting { .. } | Phase::Live { .. } => {
                Verdict::of_code(code)
            }
        };
        self.gone(verdict);
    }

    /// There is no link any more.
    pub(super) fn gone(&mut self, verdict: Verdict) {
        self.pinged = None;
        match verdict {
            Verdict::Back { not_before } => {
                let at = self.line.lost(self.now, not_before, &self.config);
                self.tell(Event::Reconnecting { at });
            }
            Verdict::End(end) => self.end(end),
        }
    }

    pub(super) fn drop_link(&mut self) {
        self.out.push_back(Output::Close { link: self.line.link(), clean: false });
    }

    pub(super) fn leave(&mut self) {
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

    pub(super) fn end(&mut self, end: End) {
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

    pub(super) fn line_due(&mut self, at: Millis, due: Due) {
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

    pub(super) fn ping(&mut self) {
        self.pinged.get_or_insert(self.now);
        self.send(&ClientMessage::Ping);
    }

    pub(super) fn send(&mut self, message: &ClientMessage) {
        let bytes = self.config.form.encode(message);
        self.out.push_back(Output::Send { link: self.line.link(), bytes });
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }
}
