//! Which rings, which pair and which call a client believes to be open. An engine that takes the realm over knows none of them (rings are
//! not durable), so whoever stays connected has to be told that they ended.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{CallId, InviteId, PairId};
use duologue_core::wire::{Command, Done, Event, State, Why};

/// More than any rule lets be open; the oldest is forgotten.
const RINGS_MAX: usize = 64;

/// What a client believes to be open.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    /// True where one is the caller.
    rings: BTreeMap<InviteId, bool>,
    pair: Option<PairId>,
    call: Option<CallId>,
}

impl Rings {
    /// A welcome tells everything.
    pub(crate) fn welcomed(&mut self, state: &State) {
        self.rings = state.invites.iter().map(|ring| (ring.invite, ring.out)).collect();
        self.pair = state.pair.as_ref().map(|pair| pair.pair);
        self.call = state.call.as_ref().map(|call| call.started.call);
    }

    /// An event was numbered.
    pub(crate) fn hears(&mut self, event: &Event) {
        match event {
            Event::InviteEnded { invite, .. } => drop(self.rings.remove(invite)),
            Event::Rang { invite, .. } => self.add(*invite, false),
            Event::CallStarted(started) => (self.pair, self.call) = (None, Some(started.call)),
            Event::PairEnded { .. } => self.pair = None,
            Event::CallEnded(ended) => self.call = self.call.filter(|call| *call != ended.call),
            Event::Paired(pair) => self.pair = Some(pair.pair),
            Event::CallExtended { .. }
            | Event::CallMoved { .. }
            | Event::Candidates(_)
            | Event::Chat { .. }
            | Event::Description(_)
            | Event::ExtendAsked { .. }
            | Event::InviteExtended { .. }
            | Event::Left { .. }
            | Event::Notified(_)
            | Event::PeerLink { .. }
            | Event::Renegotiate { .. }
            | Event::Shared { .. } => {}
        }
    }

    /// A command was done.
    pub(crate) fn did(&mut self, command: &Command, done: &Done) {
        match (command, done) {
            (Command::Invite { .. }, Done::Invited { invite, .. }) => self.add(*invite, true),
            (Command::Accept { invite, .. } | Command::Decline { invite } | Command::Rescind { invite }, _) => {
                self.rings.remove(invite);
            }
            (Command::Unpair, _) => self.pair = None,
            _ => {}
        }
    }

    /// Whether a new engine says that the call is over: how it ended only the engine knew that is gone.
    pub(crate) fn has_lost_its_call(&self, state: &State) -> bool {
        self.call.is_some() && self.call != state.call.as_ref().map(|call| call.started.call)
    }

    /// A new engine says what is open: gives the ends that nobody told of.
    pub(crate) fn compare(&mut self, state: &State) -> Vec<Event> {
        let mut ends: Vec<Event> = Vec::new();
        for (invite, out) in &self.rings {
            if !state.invites.iter().any(|ring| ring.invite == *invite) {
                let why = if *out { Why::CalleeLost } else { Why::CallerLost };
                ends.push(Event::InviteEnded { invite: *invite, why, cooldown_until: None });
            }
        }
        if let Some(pair) = self.pair.filter(|pair| state.pair.as_ref().is_none_or(|open| open.pair != *pair)) {
            ends.push(Event::PairEnded { pair, why: Why::Timeout, waiting: state.ticket.is_some() });
        }
        self.welcomed(state);
        ends
    }

    fn add(&mut self, invite: InviteId, out: bool) {
        self.rings.insert(invite, out);
        if self.rings.len() > RINGS_MAX {
            self.rings.pop_first();
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        for (invite, out) in &self.rings {
            digest.number(invite.0).number(u64::from(*out));
        }
        digest.maybe(self.pair.map(|pair| pair.0)).maybe(self.call.map(|call| call.0));
    }
}
