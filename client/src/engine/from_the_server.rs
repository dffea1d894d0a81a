//! What each message of the server means. What a welcome means stands here, because it is where the owners meet: numbers go on, what
//! was open is sent again, what the server has forgotten is declared again, in this order.

use super::Engine;
use crate::call::Call;
use crate::intents::Intent;
use crate::line::{Phase, Verdict};
use crate::seam::{End, Event, Failed, WindowChange};
use crate::seen::Order;
use crate::window::{Applied, Window};
use alloc::boxed::Box;
use duologue_core::wire::json::NotUnderstood;
use duologue_core::wire::{self, ClientMessage, ServerMessage, View, Welcome};

impl Engine {
    pub(super) fn received(&mut self, bytes: &[u8]) {
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

    pub(super) fn heard(&mut self, message: ServerMessage) {
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
    pub(super) fn heard_something(&mut self, seq: Option<u64>, re: Option<u64>, reconnect: Option<bool>) {
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
    pub(super) fn is_next(&mut self, seq: u64) -> bool {
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

    pub(super) fn welcomed(&mut self, welcome: Box<Welcome>) {
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
    pub(super) fn seat(&mut self) {
        match &self.call {
            Some(call) if self.config.negotiate => self.media.seated(call.started()),
            Some(_) | None => self.media.end(),
        }
    }

    pub(super) fn happened(&mut self, event: wire::Event) {
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

    pub(super) fn viewed(&mut self, view: View) {
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

    pub(super) fn close_window(&mut self) {
        if self.window.take().is_some() {
            self.tell(Event::Window(WindowChange::Closed));
        }
    }
}
