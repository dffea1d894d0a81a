//! The signaling of one's call: what the server relays goes into a negotiation, what the negotiation says becomes commands, and what
//! is left, what a peer connection should do, is told to the application, which answers with what the peer connection did. There is
//! a negotiation exactly while this connection has the seat of a call.

use crate::tongue::Tongue;
use alloc::vec::Vec;
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{CallStarted, Command, Event, Reason};
use duologue_signaling::compact::Unreadable;
use duologue_signaling::{Negotiation, NegotiationInput, NegotiationOutput};

#[derive(Clone, Debug, Default)]
pub(crate) struct Media {
    negotiation: Option<Negotiation>,
    tongue: Tongue,
    /// A signal was refused for the moment: when to start again.
    again: Option<Millis>,
}

/// What the negotiation wants.
pub(crate) enum Wish {
    /// From the server.
    Command(Command),
    /// From the peer connection.
    Peer(NegotiationOutput),
}

impl Media {
    /// One that speaks this version of compact descriptions, if it is the one that there is.
    pub(crate) fn new(sdp: u32) -> Media {
        Media { tongue: Tongue::new(sdp), ..Media::default() }
    }

    /// The call under negotiation and its epoch.
    pub(crate) fn call(&self) -> Option<(CallId, u32)> {
        self.negotiation.as_ref().map(|negotiation| (negotiation.call(), negotiation.epoch()))
    }

    /// A call has started, or stands in a welcome.
    pub(crate) fn seated(&mut self, call: &CallStarted) {
        if !call.here {
            return self.end_if(call.call);
        }
        let known = self.negotiation.take().filter(|negotiation| negotiation.call() == call.call);
        let is_under_way = known.as_ref().is_some_and(|negotiation| negotiation.epoch() >= call.epoch);
        let mut negotiation = known.unwrap_or_else(|| Negotiation::new(call.call));
        if !is_under_way {
            self.again = None;
            negotiation.handle_input(NegotiationInput::Started { initiator: call.initiator, epoch: call.epoch });
        }
        self.negotiation = Some(negotiation);
    }

    pub(crate) fn end(&mut self) {
        self.negotiation = None;
        self.again = None;
        self.tongue.forget();
    }

    fn end_if(&mut self, call: CallId) {
        if self.call().is_some_and(|(present, _)| present == call) {
            self.end();
        }
    }

    /// Takes an event of the server; whether it was of the signaling alone, and nothing for the application.
    pub(crate) fn takes(&mut self, event: &Event) -> bool {
        match event {
            Event::CallEnded(ended) => self.end_if(ended.call),
            Event::CallMoved { call } => self.end_if(*call),
            Event::CallStarted(call) => self.seated(call),
            Event::Candidates(candidates) => {
                let present = self.call();
                if present == Some((candidates.call, candidates.epoch)) {
                    match self.tongue.hear_candidates(present, (**candidates).clone()) {
                        Ok(candidates) => self.peer(NegotiationInput::RemoteCandidates(candidates)),
                        Err(Unreadable) => self.peer(NegotiationInput::Failed { epoch: candidates.epoch }),
                    }
                }
                return true;
            }
            Event::Description(description) => {
                let present = self.call();
                if present == Some((description.call, description.epoch)) {
                    match self.tongue.hear_description(present, (**description).clone()) {
                        Ok(description) => self.peer(NegotiationInput::RemoteDescription(description)),
                        Err(Unreadable) => self.peer(NegotiationInput::Failed { epoch: description.epoch }),
                    }
                }
                return true;
            }
            Event::Renegotiate { call, epoch } => self.renegotiate(*call, *epoch),
            _ => {}
        }
        false
    }

    pub(crate) fn renegotiate(&mut self, call: CallId, epoch: u32) {
        self.again = None;
        self.input(call, NegotiationInput::Renegotiate { epoch });
    }

    /// What the application's peer connection did.
    pub(crate) fn peer(&mut self, input: NegotiationInput) {
        if let Some(negotiation) = &mut self.negotiation {
            negotiation.handle_input(input);
        }
    }

    fn input(&mut self, call: CallId, input: NegotiationInput) {
        if self.call().is_some_and(|(present, _)| present == call) {
            self.peer(input);
        }
    }

    /// Everything that is wished for now, in order.
    pub(crate) fn wishes(&mut self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        let Some(negotiation) = &mut self.negotiation else { return wishes };
        let (call, epoch) = (negotiation.call(), negotiation.epoch());
        while let Some(output) = negotiation.poll_output() {
            wishes.push(match output {
                NegotiationOutput::AskRenegotiate => Wish::Command(Command::Renegotiate { call }),
                NegotiationOutput::SendCandidates(candidates) => {
                    Wish::Command(Command::Candidates(self.tongue.say_candidates(Some((call, epoch)), candidates)))
                }
                NegotiationOutput::SendDescription(description) => {
                    Wish::Command(Command::Description(self.tongue.say_description(Some((call, epoch)), description)))
                }
                NegotiationOutput::AddCandidate(_)
                | NegotiationOutput::AddDone
                | NegotiationOutput::MakeAnswer
                | NegotiationOutput::MakeOffer { .. }
                | NegotiationOutput::Renew { .. }
                | NegotiationOutput::Rollback
                | NegotiationOutput::SetRemote(_) => Wish::Peer(output),
            });
        }
        wishes
    }

    /// A signal was refused. What follows it would leave a gap: if it was for the moment, all starts again later. Whether the
    /// application is to know.
    pub(crate) fn refused(&mut self, now: Millis, reason: &Reason) -> bool {
        match reason {
            Reason::RateLimited { retry_after } | Reason::Unavailable { retry_after } => {
                let at = now + (*retry_after).max(Span::millis(100));
                self.again = self.again.max(self.call().map(|_| at));
                false
            }
            // The other one does not read what is compact: the two begin again in plain words.
            Reason::BadMessage { .. } if self.tongue.has_spoken() => {
                if self.tongue.go_plain() {
                    self.again = self.again.max(self.call().map(|_| now));
                }
                false
            }
            // The call is over, or its seat elsewhere: told by an event of its own.
            Reason::NotMember | Reason::NotYours | Reason::UnknownCall => false,
            _ => true,
        }
    }

    pub(crate) fn next(&self) -> Option<Millis> {
        self.again
    }

    /// Takes the wish to start again, once it is time.
    pub(crate) fn take_due(&mut self, now: Millis) -> Option<Command> {
        self.again.take_if(|at| *at <= now)?;
        self.call().map(|(call, _)| Command::Renegotiate { call })
    }
}
