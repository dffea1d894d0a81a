//! What the person sees and may do: a value that is told what happens (events, answers, keys, what the engine shows) and says which
//! commands it wants. It has no terminal, socket or clock; `draw` shows it.

use crate::words;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use duologue_client::ids::{CallId, InviteId};
use duologue_client::time::{Millis, Span};
use duologue_client::wire::{CallEnded, Card, Command, Done, Event as Happened, Filter, InviteState, PeerLink, Welcome, Why};
use duologue_client::{Call, Engine, Event, Failed, Window};
use std::collections::VecDeque;

/// News that are kept.
const NEWS_MAX: usize = 100;
/// Characters of a line of chat, as the server takes them at most.
const CHAT_MAX: usize = 500;
/// Lengths of a call that one may choose.
const MINUTES: std::ops::RangeInclusive<u32> = 1..=30;

/// What the engine shows at an instant.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub is_connected: bool,
    /// On the driver's clock.
    pub own_time: Millis,
    pub server_time: Option<Millis>,
    pub window: Window,
    pub call: Option<Call>,
}

impl Shown {
    pub fn of(engine: &Engine, now: Millis) -> Shown {
        Shown {
            is_connected: engine.is_connected(),
            own_time: now,
            server_time: engine.server_time(now),
            window: engine.window().cloned().unwrap_or_default(),
            call: engine.call().cloned(),
        }
    }
}

/// A ring, theirs or one's own.
#[derive(Clone, Debug)]
pub struct Ring {
    /// None of one's own that the server has not answered yet.
    pub invite: Option<InviteId>,
    pub name: String,
    pub seconds: u32,
    pub expires: Millis,
}

/// A line of chat; one's own has no instant until the server has it.
#[derive(Clone, Debug)]
pub struct Line {
    pub is_own: bool,
    pub text: String,
    pub at: Option<Millis>,
}

/// What the person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    Say(Command),
    Leave,
}

#[derive(Debug)]
pub struct App {
    pub name: String,
    pub carrier: String,
    pub shown: Shown,
    /// When the next attempt to connect begins, on the driver's clock.
    pub tried_again_at: Option<Millis>,
    pub is_in_lobby: bool,
    /// The chosen place.
    pub place: usize,
    pub minutes: u32,
    pub rings: Vec<Ring>,
    pub own_ring: Option<Ring>,
    pub waits_since: Option<Millis>,
    pub chat: Vec<Line>,
    chat_of: Option<CallId>,
    pub input: String,
    /// More time that the other one asked for, in seconds.
    pub more_asked: Option<u32>,
    /// One asked for more, and heard nothing of it yet.
    asks_more: bool,
    pub news: VecDeque<String>,
    /// Something rang since it was last asked.
    rang: bool,
}

impl App {
    pub fn new(name: &str, carrier: &str, minutes: u32) -> App {
        App {
            name: name.into(),
            carrier: carrier.into(),
            shown: Shown::default(),
            tried_again_at: None,
            is_in_lobby: false,
            place: 0,
            minutes: minutes.clamp(*MINUTES.start(), *MINUTES.end()),
            rings: Vec::new(),
            own_ring: None,
            waits_since: None,
            chat: Vec::new(),
            chat_of: None,
            input: String::new(),
            more_asked: None,
            asks_more: false,
            news: VecDeque::new(),
            rang: false,
        }
    }

    /// The server's time, as well as it is known.
    pub fn now(&self) -> Millis {
        self.shown.server_time.unwrap_or_default()
    }

    /// Whether something rang since this was last asked.
    pub fn takes_bell(&mut self) -> bool {
        std::mem::take(&mut self.rang)
    }

    fn tell(&mut self, what: impl Into<String>) {
        if self.news.len() == NEWS_MAX {
            self.news.pop_front();
        }
        self.news.push_back(what.into());
    }

    /// Takes what the engine shows now. A ring whose time is over is gone, whether or not the server was heard.
    pub fn look(&mut self, shown: Shown) {
        self.shown = shown;
        if self.shown.is_connected {
            self.tried_again_at = None;
        }
        let now = self.now();
        self.rings.retain(|ring| ring.expires > now);
        self.own_ring.take_if(|ring| ring.invite.is_some() && ring.expires <= now);
    }

    /// Takes an event; what follows from it by itself.
    pub fn told(&mut self, event: Event) -> Option<Wish> {
        match event {
            Event::Welcomed(welcome) => return self.welcomed(*welcome),
            Event::Reconnecting { at } => {
                if self.tried_again_at.is_none() {
                    self.tell("The connection is lost. For a while nobody notices, and nothing is missed.");
                }
                self.tried_again_at = Some(at);
            }
            Event::Happened(happened) => self.happened(happened),
            Event::GivenUp { intent, reason } => {
                self.tell(format!("{intent:?} is given up: {}.", words::failed(&Failed::Refused(reason), self.now())))
            }
            Event::Answered(_) | Event::Ended(_) | Event::Peer(_) | Event::Presence { .. } | Event::SignalRefused(_) | Event::Window(_) => {
            }
        }
        None
    }

    fn welcomed(&mut self, welcome: Welcome) -> Option<Wish> {
        let is_first = self.news.is_empty();
        if welcome.recovered {
            self.tell("Connected again; nothing was missed.");
            return None;
        }
        if !is_first {
            self.tell("Connected again, to a server that was told everything anew.");
        }
        let state = welcome.state;
        let ring = |state: &InviteState| Ring {
            invite: Some(state.invite),
            name: state.card.name.clone(),
            seconds: state.seconds,
            expires: state.expires,
        };
        self.rings = state.invites.iter().filter(|invite| !invite.out).map(ring).collect();
        self.own_ring = state.invites.iter().find(|invite| invite.out).map(ring);
        if is_first {
            self.tell(format!("Welcome, {}. Ring somebody, or let m find you somebody.", welcome.user.name));
            return Some(Wish::Say(Command::Join { lobby: None }));
        }
        None
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Rang { invite, from, seconds, expires } => {
                self.rang = true;
                self.tell(format!("{} rings, for {}.", from.name, words::length(Span::secs(seconds.into()))));
                self.rings.push(Ring { invite: Some(invite), name: from.name.clone(), seconds, expires });
            }
            Happened::InviteEnded { invite, why, .. } => {
                if let Some(place) = self.rings.iter().position(|ring| ring.invite == Some(invite)) {
                    let ring = self.rings.remove(place);
                    self.tell(format!("{}'s ring ended: {}.", ring.name, words::why(why)));
                } else if let Some(ring) = self.own_ring.take_if(|ring| ring.invite == Some(invite))
                    && why != Why::Accepted
                {
                    self.tell(format!("Your ring to {} ended: {}.", ring.name, words::why(why)));
                }
            }
            Happened::InviteExtended { invite, expires } => {
                for ring in self.rings.iter_mut().chain(&mut self.own_ring).filter(|ring| ring.invite == Some(invite)) {
                    ring.expires = expires;
                }
            }
            Happened::CallStarted(call) => {
                self.rings.clear();
                self.own_ring = None;
                self.waits_since = None;
                if self.chat_of.replace(call.call) != Some(call.call) {
                    self.chat.clear();
                    self.input.clear();
                    self.more_asked = None;
                    self.rang = true;
                    self.tell(format!("A call with {}, for {}.", call.peer.name, words::length(call.deadline.since(call.started))));
                }
            }
            Happened::CallEnded(ended) => self.ended(&ended),
            Happened::Chat { text, at, from, .. } => {
                let is_own = self.shown.call.as_ref().is_some_and(|call| call.started().peer.user != from);
                self.chat.push(Line { is_own, text, at: Some(at) });
            }
            Happened::ExtendAsked { seconds, .. } => {
                self.more_asked = Some(seconds);
                self.rang = true;
            }
            Happened::CallExtended { .. } => {
                self.more_asked = None;
                self.asks_more = false;
                self.tell("More time for both.");
            }
            Happened::PeerLink { state, .. } => self.tell(match state {
                PeerLink::Back => "They are back.",
                PeerLink::Reconnecting { .. } => "Their connection is lost; they may come back.",
            }),
            Happened::Left { why, .. } => {
                self.is_in_lobby = false;
                self.tell(format!("You have left the lobby: {}. Press j to come back.", words::why(why)));
            }
            Happened::PairEnded { waiting, .. } if !waiting => self.waits_since = None,
            Happened::CallMoved { .. } => self.tell("The call goes on at another device of yours."),
            Happened::Candidates(_)
            | Happened::Description(_)
            | Happened::Notified(_)
            | Happened::PairEnded { .. }
            | Happened::Paired(_)
            | Happened::Renegotiate { .. }
            | Happened::Shared { .. } => {}
        }
    }

    fn ended(&mut self, ended: &CallEnded) {
        let CallEnded { why, seconds, cooldown_until, .. } = ended;
        let again = words::length(cooldown_until.since(self.now()));
        self.tell(format!(
            "The call is over after {}: {}. You two meet again in {again} at the earliest.",
            words::length(Span::secs(*seconds)),
            words::why(*why)
        ));
        self.input.clear();
        self.more_asked = None;
    }

    /// Takes the answer to a command; what follows from it by itself.
    pub fn answered(&mut self, command: &Command, answer: Result<Done, Failed>) -> Option<Wish> {
        match (command, answer) {
            (Command::Join { .. }, Ok(_)) => {
                self.is_in_lobby = true;
                return Some(Wish::Say(Command::Window { size: 20, filter: Filter::default() }));
            }
            (Command::Invite { .. }, Ok(Done::Invited { invite, expires })) => {
                if let Some(ring) = self.own_ring.as_mut().filter(|ring| ring.invite.is_none()) {
                    (ring.invite, ring.expires) = (Some(invite), expires);
                }
            }
            (Command::Pair { .. }, Ok(Done::Waiting { since })) => {
                self.waits_since = Some(since);
                self.tell("Waiting for somebody whom you have not met.");
            }
            (Command::Unpair, Ok(_)) => self.waits_since = None,
            (Command::Decline { invite }, Ok(_)) => self.rings.retain(|ring| ring.invite != Some(*invite)),
            (Command::Rescind { .. }, Ok(_)) => self.own_ring = None,
            (Command::Chat { text, .. }, Ok(Done::Said { at })) => {
                if let Some(line) = self.chat.iter_mut().find(|line| line.at.is_none() && line.text == *text) {
                    line.at = Some(at);
                }
            }
            (Command::ExtendCall { .. }, Ok(_)) if std::mem::take(&mut self.asks_more) => self.tell("They are asked for more time."),
            (_, Ok(_)) => {}
            (command, Err(failed)) => self.refused(command, &failed),
        }
        None
    }

    fn refused(&mut self, command: &Command, failed: &Failed) {
        let what = match command {
            Command::Invite { .. } => {
                self.own_ring = None;
                "Not rung"
            }
            Command::Accept { .. } => "Not taken",
            Command::Chat { text, .. } => {
                if let Some(place) = self.chat.iter().position(|line| line.at.is_none() && line.text == *text) {
                    self.chat.remove(place);
                }
                "Not said"
            }
            Command::ExtendCall { .. } => "No more time",
            Command::Pair { .. } => "Nobody is looked for",
            Command::Join { .. } => "Not in the lobby",
            _ => "Refused",
        };
        self.tell(format!("{what}: {}.", words::failed(failed, self.now())));
    }

    /// A key was pressed; the legend says which do something.
    pub fn key(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Some(Wish::Leave);
        }
        match self.shown.call.as_ref().map(Call::id) {
            Some(call) => self.key_in_call(call, key),
            None => self.key_in_lobby(key),
        }
    }

    fn key_in_lobby(&mut self, key: KeyEvent) -> Option<Wish> {
        let seconds = self.minutes * 60;
        match key.code {
            KeyCode::Up => self.choose(-1),
            KeyCode::Down => self.choose(1),
            KeyCode::Left => self.minutes = (self.minutes - 1).max(*MINUTES.start()),
            KeyCode::Right => self.minutes = (self.minutes + 1).min(*MINUTES.end()),
            KeyCode::Enter => return self.ring(),
            KeyCode::Char('a') => {
                let invite = self.rings.first()?.invite?;
                return Some(Wish::Say(Command::Accept { invite, seconds }));
            }
            KeyCode::Char('d') => {
                let invite = self.rings.first()?.invite?;
                return Some(Wish::Say(Command::Decline { invite }));
            }
            KeyCode::Esc => {
                let invite = self.own_ring.as_ref()?.invite?;
                return Some(Wish::Say(Command::Rescind { invite }));
            }
            KeyCode::Char('m') if self.waits_since.is_some() => return Some(Wish::Say(Command::Unpair)),
            KeyCode::Char('m') => return Some(Wish::Say(Command::Pair { filter: Filter::default(), confirm: false })),
            KeyCode::Char('j') if !self.is_in_lobby => return Some(Wish::Say(Command::Join { lobby: None })),
            KeyCode::Char('q') => return Some(Wish::Leave),
            _ => {}
        }
        None
    }

    fn key_in_call(&mut self, call: CallId, key: KeyEvent) -> Option<Wish> {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('x') if is_control => return Some(Wish::Say(Command::HangUp { call })),
            KeyCode::Char('e') if is_control => {
                self.asks_more = self.more_asked.is_none();
                let seconds = self.more_asked.unwrap_or(60);
                return Some(Wish::Say(Command::ExtendCall { call, seconds }));
            }
            KeyCode::Char('u') if is_control => self.input.clear(),
            KeyCode::Char(letter) if !is_control => self.write(letter),
            KeyCode::Backspace => drop(self.input.pop()),
            KeyCode::Enter => {
                // As the server cleans it, so that its answer is found again.
                let text = std::mem::take(&mut self.input).trim().to_owned();
                if !text.is_empty() {
                    self.chat.push(Line { is_own: true, text: text.clone(), at: None });
                    return Some(Wish::Say(Command::Chat { call, text }));
                }
            }
            _ => {}
        }
        None
    }

    /// Something was pasted: a line of chat, whatever its lines were.
    pub fn pasted(&mut self, text: &str) {
        if self.shown.call.is_some() {
            text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).for_each(|letter| self.write(letter));
        }
    }

    fn write(&mut self, letter: char) {
        if self.input.chars().count() < CHAT_MAX {
            self.input.push(letter);
        }
    }

    /// The next place in which somebody is, up or down.
    fn choose(&mut self, step: isize) {
        let places = self.shown.window.places();
        let mut place = self.place;
        while let Some(next) = place.checked_add_signed(step).filter(|next| *next < places.len()) {
            place = next;
            if places[place].is_some() {
                self.place = place;
                return;
            }
        }
    }

    fn ring(&mut self) -> Option<Wish> {
        let (seconds, place) = (self.minutes * 60, self.place);
        let Some((card, _)) = self.shown.window.places().get(place).cloned().flatten() else {
            self.tell("Nobody is in that place; choose somebody with the arrow keys.");
            return None;
        };
        if self.own_ring.is_some() {
            self.tell("One ring at a time; Esc takes it back.");
            return None;
        }
        let Card { user, name, .. } = (*card).clone();
        self.own_ring = Some(Ring { invite: None, name, seconds, expires: self.now() });
        Some(Wish::Say(Command::Invite { to: user, seconds }))
    }
}
