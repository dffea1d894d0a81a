//! The company: who is here and who comes next, the one ring that they have out, the one who looks for somebody by a ticket.

use crate::dice::Dice;
use crate::person::{Person, Stay, wish};
use crate::seam::{Config, Input, Member, Output};
use crate::words::{PERSONAS, TAG};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use duologue_client::{Answered, Event};
use duologue_core::kit::ids::{InviteId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::{self, Command, Done, Filter, Patch, ProfilePatch, Why};

/// All who are to come at the start have come by then.
const FIRST: Span = Span::millis(2_000);
/// How long after somebody went another one comes.
const NEXT: (Span, Span) = (Span::secs(4), Span::secs(20));
/// How long somebody looks for whom the system finds, before another one does.
const LOOKS: (Span, Span) = (Span::secs(20), Span::secs(40));
const WINDOW: u32 = 20;
/// Pauses for which somebody who did not want to talk is left alone.
const LEFT_ALONE: u64 = 8;
/// Somebody real who is alone here is first rung after a pause that is shorter by this.
const GREETED_SOONER: u64 = 4;
/// Of how many real people it is remembered that they were greeted, or are to be left alone.
const REMEMBERED: usize = 256;

/// A ring of one of them.
#[derive(Clone, Copy, Debug)]
struct Ringing {
    member: Member,
    to: UserId,
    ask: u64,
    /// Once the server has said it.
    invite: Option<InviteId>,
}

/// All of the made-up people of a server.
#[derive(Clone, Debug)]
pub struct Company {
    config: Config,
    dice: Dice,
    now: Millis,
    roster: Vec<Person>,
    last_member: u64,
    last_ask: u64,
    ringing: Option<Ringing>,
    ring_at: Millis,
    /// Who was alone here once, the last ones.
    greeted: VecDeque<UserId>,
    /// Whom not to ring before when.
    left_alone: BTreeMap<UserId, Millis>,
    looking: Option<Member>,
    look_at: Millis,
    is_closed: bool,
    out: VecDeque<Output>,
}

impl Company {
    /// Nobody is here yet; the first ones come at once.
    pub fn new(config: Config, now: Millis) -> Company {
        let mut dice = Dice::new(config.seed);
        let first = config.people as usize;
        let mut company = Company {
            now,
            roster: Vec::new(),
            last_member: 0,
            last_ask: 0,
            ringing: None,
            ring_at: now + dice.about(config.pause),
            greeted: VecDeque::new(),
            left_alone: BTreeMap::new(),
            looking: None,
            look_at: now + FIRST + Span::secs(1),
            is_closed: false,
            out: VecDeque::new(),
            dice,
            config,
        };
        // Half as many again are at home, so that others come when somebody goes.
        for place in 0..first + first / 2 + 1 {
            let mut person = company.somebody();
            if place < first {
                person.stay = Stay::Coming { at: now + company.dice.span(Span(0), FIRST) };
            }
            company.roster.push(person);
        }
        company
    }

    /// Takes what happened, at an instant that never goes back.
    pub fn handle_input(&mut self, now: Millis, input: Input<'_>) {
        self.handle_timeout(now);
        let (Input::Refused { member } | Input::Sees { member, .. } | Input::Told { member, .. }) = input;
        let Some(place) = self.place(member).filter(|_| !self.is_closed) else { return };
        match input {
            Input::Refused { .. } => {
                let at = self.now + self.dice.span(NEXT.0, NEXT.1);
                self.roster[place].go_home();
                self.roster[place].stay = Stay::Coming { at };
            }
            Input::Sees { places, .. } => {
                self.roster[place].look(places);
                self.greet();
            }
            Input::Told { event, .. } => self.told(place, event),
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.now = self.now.max(now);
        if self.is_closed {
            return;
        }
        for place in 0..self.roster.len() {
            self.person_due(place);
        }
        if self.ring_at <= self.now {
            self.ring();
        }
        if self.look_at <= self.now {
            self.look();
        }
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When `handle_timeout` wants to be called; the present while an output waits, none once it is closed.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if !self.out.is_empty() {
            return Some(self.now);
        }
        if self.is_closed {
            return None;
        }
        self.roster.iter().filter_map(Person::next).chain([self.ring_at, self.look_at]).min()
    }

    /// Everybody hangs up and goes; nobody comes any more.
    pub fn close(&mut self) {
        if self.is_closed {
            return;
        }
        for place in 0..self.roster.len() {
            let member = self.roster[place].member;
            if let Some(call) = self.roster[place].talk().map(crate::talk::Talk::call) {
                self.say(member, Command::HangUp { call });
            }
            if matches!(self.roster[place].stay, Stay::Arriving | Stay::Here { .. }) {
                self.out.push_back(Output::Leave { member });
            }
            self.roster[place].go_home();
        }
        self.is_closed = true;
    }

    /// How many are here.
    pub fn here(&self) -> usize {
        self.roster.iter().filter(|person| person.is_here()).count()
    }

    fn place(&self, member: Member) -> Option<usize> {
        self.roster.iter().position(|person| person.member == member)
    }

    /// A new person, of a name that nobody of the roster has while there are such.
    fn somebody(&mut self) -> Person {
        self.last_member += 1;
        let is_free = |name: &str| self.roster.iter().all(|person| person.persona.name != name);
        let free: Vec<_> = PERSONAS.iter().filter(|persona| is_free(persona.name)).collect();
        let persona = if free.is_empty() { &PERSONAS[self.dice.index(PERSONAS.len())] } else { free[self.dice.index(free.len())] };
        Person::new(Member(self.last_member), persona)
    }

    fn say(&mut self, member: Member, command: Command) -> u64 {
        self.last_ask += 1;
        self.out.push_back(Output::Say { member, ask: self.last_ask, command });
        self.last_ask
    }

    fn told(&mut self, place: usize, event: &Event) {
        let now = self.now;
        let member = self.roster[place].member;
        if !matches!(self.roster[place].stay, Stay::Arriving | Stay::Here { .. }) {
            return;
        }
        match event {
            Event::Answered(answered) => self.answered(place, answered),
            Event::Ended(_) => self.gone(place),
            Event::Happened(event) => self.happened(place, event),
            Event::Welcomed(welcome) => match self.roster[place].stay {
                Stay::Arriving => {
                    self.roster[place].arrive(now, &mut self.dice);
                    self.come_in(place);
                }
                _ if welcome.recovered => {}
                _ => {
                    self.roster[place].follow(now, welcome, &mut self.dice);
                    self.ringing.take_if(|ringing| ringing.member == member);
                }
            },
            Event::GivenUp { .. } => self.leave(place),
            Event::Peer(_) | Event::Presence { .. } | Event::Reconnecting { .. } | Event::SignalRefused(_) | Event::Window(_) => {}
        }
    }

    /// First the card says what one is, then one is seen.
    fn come_in(&mut self, place: usize) {
        let (member, persona) = (self.roster[place].member, self.roster[place].persona);
        let tags = Patch::Set(vec![TAG.to_string(), persona.likes.0.to_string()]);
        self.say(member, Command::Profile(Box::new(ProfilePatch { tags, ..ProfilePatch::default() })));
        self.roster[place].joining = Some(self.say(member, Command::Join { lobby: None }));
        self.say(member, Command::Window { size: WINDOW, filter: Filter::default() });
    }

    fn answered(&mut self, place: usize, answered: &Answered) {
        let member = self.roster[place].member;
        if self.roster[place].joining == Some(answered.ask) {
            self.roster[place].joining = None;
            if answered.answer.is_err() {
                self.leave(place);
            }
            return;
        }
        let Some(ringing) = self.ringing.filter(|ringing| (ringing.member, ringing.ask) == (member, answered.ask)) else { return };
        match &answered.answer {
            Ok(Done::Invited { invite, .. }) => self.ringing = Some(Ringing { invite: Some(*invite), ..ringing }),
            Ok(_) => self.ringing_over(None),
            Err(_) => self.ringing_over(Some(1)),
        }
    }

    fn happened(&mut self, place: usize, event: &wire::Event) {
        let (now, member, dice) = (self.now, self.roster[place].member, &mut self.dice);
        let person = &mut self.roster[place];
        match event {
            wire::Event::CallEnded(_) => {
                person.call_ended(now, dice);
                self.ring_at = self.ring_at.max(now + self.dice.about(self.config.pause));
            }
            wire::Event::CallExtended { deadline, now: server, .. } => {
                if let Some(talk) = person.talk_mut() {
                    talk.ends_in(now, deadline.since(*server));
                }
            }
            wire::Event::CallStarted(started) => {
                person.call_started(now, started, dice);
                if self.ringing.is_some_and(|ringing| ringing.member == member) {
                    self.ringing_over(None);
                }
                self.looking.take_if(|looking| *looking == member);
            }
            wire::Event::Chat { text, .. } => {
                if let Some(talk) = person.talk_mut() {
                    talk.hears(now, text, dice);
                }
            }
            wire::Event::ExtendAsked { seconds, .. } => {
                if let Some(talk) = person.talk_mut() {
                    talk.asked_for_more(now, *seconds, dice);
                }
            }
            wire::Event::InviteEnded { invite, why, .. } => {
                person.ring_ended(*invite);
                if self.ringing.is_some_and(|ringing| ringing.member == member && ringing.invite == Some(*invite)) {
                    self.ringing_over(match why {
                        Why::Accepted => None,
                        Why::Declined | Why::Expired => Some(LEFT_ALONE),
                        _ => Some(1),
                    });
                }
            }
            wire::Event::Left { .. } => self.leave(place),
            wire::Event::Rang { invite, from, .. } => person.rung(now, *invite, from.user, dice),
            // The negotiation of media is left alone: there is none.
            wire::Event::CallMoved { .. } | wire::Event::Candidates(_) | wire::Event::Description(_) | wire::Event::Renegotiate { .. } => {}
            wire::Event::InviteExtended { .. } | wire::Event::Notified(_) | wire::Event::PairEnded { .. } => {}
            wire::Event::Paired(_) | wire::Event::PeerLink { .. } | wire::Event::Shared { .. } => {}
        }
    }

    fn person_due(&mut self, place: usize) {
        let now = self.now;
        while self.roster[place].next().is_some_and(|at| at <= now) {
            let person = &mut self.roster[place];
            if let Stay::Coming { .. } = person.stay {
                person.stay = Stay::Arriving;
                let (member, name, gender) = (person.member, person.persona.name, person.persona.gender);
                let gender = self.config.genders.iter().any(|known| known == gender).then_some(gender);
                self.out.push_back(Output::Come { member, name, gender });
            } else if let Some(command) = person.take_due(now, self.config.seconds, &mut self.dice) {
                let member = person.member;
                self.say(member, command);
            } else if person.wants_to_go(now) {
                self.leave(place);
            }
        }
    }

    /// Goes, and somebody else comes.
    fn leave(&mut self, place: usize) {
        let member = self.roster[place].member;
        self.out.push_back(Output::Leave { member });
        self.gone(place);
    }

    /// Has gone.
    fn gone(&mut self, place: usize) {
        let member = self.roster[place].member;
        if self.ringing.is_some_and(|ringing| ringing.member == member) {
            self.ringing_over(Some(1));
        }
        self.looking.take_if(|looking| *looking == member);
        self.roster[place].go_home();
        if self.roster[place].has_met {
            self.out.push_back(Output::Part { member });
            self.roster[place] = self.somebody();
        }
        let at_home: Vec<usize> = (0..self.roster.len()).filter(|other| self.roster[*other].stay == Stay::Home).collect();
        // Not the same one, if there is another.
        let others: Vec<usize> = at_home.iter().copied().filter(|other| *other != place).collect();
        let next = if others.is_empty() { place } else { others[self.dice.index(others.len())] };
        self.roster[next].stay = Stay::Coming { at: self.now + self.dice.span(NEXT.0, NEXT.1) };
    }

    /// Whoever comes and is alone is rung soon, once: a lobby in which nothing happens seems dead.
    fn greet(&mut self) {
        let mut seen = self.roster.iter().flat_map(|person| person.sees().iter().copied());
        let Some(user) = seen.next() else { return };
        if seen.any(|other| other != user) || self.greeted.contains(&user) {
            return;
        }
        if self.greeted.len() == REMEMBERED {
            self.greeted.pop_front();
        }
        self.greeted.push_back(user);
        let soon = self.now + self.dice.about(Span(self.config.pause.0 / GREETED_SOONER));
        self.ring_at = self.ring_at.min(soon);
    }

    /// One of those who see somebody real rings them, if it is time and nobody else of us does.
    fn ring(&mut self) {
        self.ring_at = self.now + self.dice.about(self.config.pause);
        self.left_alone.retain(|_, until| *until > self.now);
        if self.ringing.is_some() {
            return;
        }
        let is_rung = |user: UserId| self.roster.iter().any(|person| person.is_rung_by(user));
        let may = |user: &UserId| !self.left_alone.contains_key(user) && !is_rung(*user);
        let free = self.roster.iter().filter(|person| person.is_free());
        let pairs: Vec<(Member, UserId)> =
            free.flat_map(|person| person.sees().iter().copied().filter(may).map(|user| (person.member, user))).collect();
        if pairs.is_empty() {
            return;
        }
        let (member, to) = self.dice.one(&pairs);
        let ask = self.say_invite(member, to);
        self.ringing = Some(Ringing { member, to, ask, invite: None });
    }

    fn say_invite(&mut self, member: Member, to: UserId) -> u64 {
        let seconds = wish(self.config.seconds, &mut self.dice);
        self.say(member, Command::Invite { to, seconds })
    }

    /// The ring is over; whom it was for is left alone for so many pauses.
    fn ringing_over(&mut self, pauses: Option<u64>) {
        let Some(ringing) = self.ringing.take() else { return };
        self.ring_at = self.now + self.dice.about(self.config.pause);
        if let Some(pauses) = pauses
            && self.left_alone.len() < REMEMBERED
        {
            self.left_alone.insert(ringing.to, self.now + Span(self.config.pause.0.saturating_mul(pauses)));
        }
    }

    /// One at a time looks for somebody, so that a lone person who does is found; two would find each other.
    fn look(&mut self) {
        self.look_at = self.now + self.dice.span(LOOKS.0, LOOKS.1);
        if let Some(member) = self.looking.take() {
            self.say(member, Command::Unpair);
        }
        let free: Vec<Member> =
            self.roster.iter().filter(|person| person.is_free() && !person.has_met).map(|person| person.member).collect();
        if !free.is_empty() {
            let member = self.dice.one(&free);
            self.say(member, Command::Pair { filter: Filter::default(), confirm: false });
            self.looking = Some(member);
        }
    }
}
