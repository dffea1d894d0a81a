//! The call that goes on, as this client knows it: who, until when, whether this connection is the seat, and whether the other one is
//! there. Instants are the server's. The exchange of offers and candidates is not here, but in `media`.

use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{CallStarted, CallState, Event, PeerLink};

/// The call that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    started: CallStarted,
    extensions_left: Option<u32>,
    peer_lost_until: Option<Millis>,
}

impl Call {
    /// Which.
    pub fn id(&self) -> CallId {
        self.started.call
    }

    /// As it was said, with the deadline, epoch and seat that hold now.
    pub fn started(&self) -> &CallStarted {
        &self.started
    }

    /// How often it may be extended, where that was said.
    pub fn extensions_left(&self) -> Option<u32> {
        self.extensions_left
    }

    /// Until when the other one may come back, if they are lost.
    pub fn peer_lost_until(&self) -> Option<Millis> {
        self.peer_lost_until
    }

    /// How long it goes on, at an instant of the server's clock.
    pub fn time_left(&self, server_time: Millis) -> Span {
        self.started.deadline.since(server_time)
    }

    pub(crate) fn of_state(state: &CallState) -> Call {
        Call { started: state.started.clone(), extensions_left: Some(state.extensions_left), peer_lost_until: state.peer_lost_until }
    }

    /// The call after an event: begun, changed, or none any more. Events of another call change nothing.
    pub(crate) fn after(call: &mut Option<Call>, event: &Event) {
        if let Event::CallStarted(started) = event {
            let known = call.take().filter(|call| call.id() == started.call);
            let extensions_left = known.as_ref().and_then(|call| call.extensions_left);
            let peer_lost_until = known.and_then(|call| call.peer_lost_until);
            *call = Some(Call { started: (**started).clone(), extensions_left, peer_lost_until });
            return;
        }
        if let Event::CallEnded(ended) = event {
            call.take_if(|call| call.id() == ended.call);
            return;
        }
        if let Some(call) = call {
            call.change(event);
        }
    }

    fn change(&mut self, event: &Event) {
        match event {
            Event::CallExtended { call, deadline, extensions_left, .. } if *call == self.id() => {
                self.started.deadline = *deadline;
                self.extensions_left = Some(*extensions_left);
            }
            Event::CallMoved { call } if *call == self.id() => self.started.here = false,
            Event::PeerLink { call, state } if *call == self.id() => {
                self.peer_lost_until = match state {
                    PeerLink::Back => None,
                    PeerLink::Reconnecting { until } => Some(*until),
                };
            }
            Event::Renegotiate { call, epoch } if *call == self.id() => self.started.epoch = *epoch,
            _ => {}
        }
    }
}
