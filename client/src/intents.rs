//! What this client wants whoever serves it: its lobby, its window, its ticket, the seat of its call. Set when the server has agreed,
//! ended when the user or the server ends it. A welcome that is not `recovered` may come from a server that has forgotten; what its
//! state misses is declared again, in the order in which one needs the other. A recovered one knows better than we do.

use crate::config::Config;
use crate::line::spread;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use duologue_core::kit::ids::CallId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{Command, Done, Event, Filter, State};

/// Something wanted for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Intent {
    /// To be in the lobby; in this order they are declared.
    Lobby,
    /// To have a window.
    Window,
    /// To be paired.
    Ticket,
    /// To be the connection of one's call.
    Seat,
}

impl Intent {
    /// Which intent a command is about.
    pub(crate) fn decided_by(command: &Command) -> Option<Intent> {
        match command {
            Command::Join { .. } | Command::Leave => Some(Intent::Lobby),
            Command::Window { .. } | Command::WindowClose => Some(Intent::Window),
            Command::Confirm { .. } | Command::Pair { .. } | Command::Unpair => Some(Intent::Ticket),
            Command::HangUp { .. } | Command::Rejoin { .. } => Some(Intent::Seat),
            Command::Accept { .. } | Command::Block { .. } | Command::Candidates(_) | Command::Chat { .. } => None,
            Command::Decline { .. } | Command::Description(_) | Command::Explain { .. } | Command::ExtendCall { .. } => None,
            Command::ExtendInvite { .. } | Command::IceServers { .. } | Command::Introduce { .. } | Command::Invite { .. } => None,
            Command::Profile(_) | Command::Read { .. } | Command::Redeem { .. } | Command::Reel { .. } => None,
            Command::Renegotiate { .. } | Command::Report { .. } | Command::Rescind { .. } | Command::Share { .. } => None,
            Command::Unblock { .. } => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Intents {
    lobby: Option<String>,
    window: Option<(u32, Filter)>,
    ticket: Option<(Filter, bool)>,
    seat: Option<CallId>,
    /// Refused for the moment: when to try again.
    again: BTreeMap<Intent, Millis>,
    /// How often in a row.
    refusals: BTreeMap<Intent, u32>,
    /// Waits drawn so far.
    draws: u64,
}

impl Intents {
    pub(crate) fn new(seat: Option<CallId>) -> Intents {
        Intents { seat, ..Intents::default() }
    }

    /// A command was done.
    pub(crate) fn done(&mut self, command: &Command, done: &Done) {
        if let Some(intent) = Intent::decided_by(command) {
            self.refusals.remove(&intent);
        }
        match (command, done) {
            (Command::Join { .. }, Done::Joined { lobby }) => self.lobby = Some(lobby.clone()),
            (Command::Leave, _) => self.out_of_lobby(),
            (Command::Window { size, filter }, _) => self.window = Some((*size, filter.clone())),
            (Command::WindowClose, _) => self.window = None,
            (Command::Pair { filter, confirm }, _) => self.ticket = Some((filter.clone(), *confirm)),
            (Command::Unpair, _) => self.ticket = None,
            _ => {}
        }
    }

    pub(crate) fn happened(&mut self, event: &Event) {
        match event {
            Event::CallEnded(ended) => self.unseat(ended.call),
            Event::CallMoved { call } => self.unseat(*call),
            Event::CallStarted(started) => {
                self.ticket = None;
                if started.here {
                    self.seat = Some(started.call);
                }
            }
            Event::Left { .. } => self.out_of_lobby(),
            Event::PairEnded { waiting: false, .. } => self.ticket = None,
            _ => {}
        }
    }

    fn out_of_lobby(&mut self) {
        self.lobby = None;
        self.window = None;
        self.ticket = None;
    }

    fn unseat(&mut self, call: CallId) {
        if self.seat == Some(call) {
            self.seat = None;
        }
    }

    /// The connection goes on as it was: what another device has ended meanwhile is not wanted here any more either.
    pub(crate) fn follow(&mut self, state: &State) {
        if state.lobby.is_none() && state.call.is_none() {
            self.lobby = None;
        }
        self.window = state.window.and_then(|size| self.window.take().or_else(|| Some((size, Filter::default()))));
        if state.ticket.is_none() && state.pair.is_none() {
            self.ticket = None;
        }
        self.again.clear();
    }

    /// What a state misses. What a state has and we did not know is wanted from here on.
    pub(crate) fn missing(&mut self, state: &State) -> Vec<Intent> {
        self.again.clear();
        if state.lobby.is_some() {
            self.lobby.clone_from(&state.lobby);
        }
        if let Some(size) = state.window {
            self.window.get_or_insert((size, Filter::default()));
        }
        if let Some(ticket) = &state.ticket {
            self.ticket = Some((ticket.filter.clone(), ticket.confirm));
        }
        let call = state.call.as_ref().map(|call| &call.started);
        let elsewhere = call.is_some_and(|call| !call.here && self.seat == Some(call.call));
        self.seat = call.filter(|call| call.here || self.seat == Some(call.call)).map(|call| call.call);
        let mut missing = Vec::new();
        if self.lobby.is_some() && state.lobby.is_none() {
            missing.push(Intent::Lobby);
        }
        if self.window.is_some() && state.window.is_none() {
            missing.push(Intent::Window);
        }
        if self.ticket.is_some() && state.ticket.is_none() && state.pair.is_none() && call.is_none() {
            missing.push(Intent::Ticket);
        }
        if elsewhere {
            missing.push(Intent::Seat);
        }
        missing
    }

    /// The command that declares an intent.
    pub(crate) fn command(&self, intent: Intent) -> Option<Command> {
        match intent {
            Intent::Lobby => self.lobby.clone().map(|lobby| Command::Join { lobby: Some(lobby) }),
            Intent::Window => self.window.clone().map(|(size, filter)| Command::Window { size, filter }),
            Intent::Ticket => self.ticket.clone().map(|(filter, confirm)| Command::Pair { filter, confirm }),
            Intent::Seat => self.seat.map(|call| Command::Rejoin { call }),
        }
    }

    pub(crate) fn give_up(&mut self, intent: Intent) {
        match intent {
            Intent::Lobby => self.out_of_lobby(),
            Intent::Window => self.window = None,
            Intent::Ticket => self.ticket = None,
            Intent::Seat => self.seat = None,
        }
    }

    /// Refused for now.
    /// What made the server refuse it made it refuse others too: they do not all come back in one moment.
    pub(crate) fn later(&mut self, intent: Intent, now: Millis, retry_after: Span, config: &Config) {
        self.draws += 1;
        let refusals = self.refusals.entry(intent).or_default();
        let at = now + retry_after.max(Span::millis(100)) + spread(config, *refusals, 0, self.draws);
        *refusals += 1;
        self.again.insert(intent, at);
    }

    pub(crate) fn next(&self) -> Option<Millis> {
        self.again.values().min().copied()
    }

    /// Takes one that may be tried again.
    pub(crate) fn take_due(&mut self, now: Millis) -> Option<Intent> {
        let intent = self.again.iter().find(|(_, at)| **at <= now).map(|(intent, _)| *intent)?;
        self.again.remove(&intent);
        Some(intent)
    }
}
