//! Commands, whoever wants them, and what their answers mean.

use super::Engine;
use crate::call::Call;
use crate::commands::{Asker, Wanted};
use crate::intents::Intent;
use crate::line::Phase;
use crate::media::Wish;
use crate::seam::{Answered, Event, Failed, Output};
use duologue_core::kit::time::Span;
use duologue_core::wire::{self, ClientMessage, Command, Done, MESSAGE_MAX_BYTES, Reason};
use duologue_signaling::NegotiationOutput;

impl Engine {
    pub(super) fn want(&mut self, ask: u64, command: Command) {
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
    pub(super) fn declare(&mut self, intent: Intent) {
        if self.commands.declares(intent) {
            return;
        }
        if let Some(command) = self.intents.command(intent) {
            self.commands.want(Asker::Own(intent), command);
        }
    }

    /// What the negotiation wants after whatever has happened.
    pub(super) fn negotiate(&mut self) {
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

    pub(super) fn send_what_waits(&mut self) {
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

    pub(super) fn settle(&mut self, number: u64, answer: Result<Done, Failed>) {
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
    pub(super) fn waits_for_lobby(&self, command: &Command) -> bool {
        matches!(command, Command::Pair { .. } | Command::Reel { .. } | Command::Window { .. }) && self.commands.declares(Intent::Lobby)
    }

    pub(super) fn done(&mut self, command: &Command, done: &Done) {
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

    pub(super) fn answer(&mut self, asker: Asker, answer: Result<Done, Failed>) {
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
    pub(super) fn refused(&mut self, intent: Intent, reason: Reason) {
        match reason {
            Reason::RateLimited { retry_after } | Reason::Unavailable { retry_after } => {
                self.intents.later(intent, self.now, retry_after, &self.config);
            }
            // The answer is lost, not the wish; what it came to will show.
            Reason::Answered => self.intents.later(intent, self.now, Span::secs(1), &self.config),
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
