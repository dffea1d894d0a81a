//! The world of a story: the engine, its rows, the people's devices and what they were told; and the laws of every step.

use super::told::{BEGIN, told};
use super::{client, invite, join, name, session, user};
use duologue_core::engine::{Due, Engine, Start, Usage};
use duologue_core::input::{Address, Attach, Input, Intents, LinkEnd, Request};
use duologue_core::kit::ids::{CallId, InviteId, LinkId, PairId, RequestId, Ticket, UserId};
use duologue_core::kit::random::Seed;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::{FactNo, LinkEvent, Output, Reply, Welcomed, WindowView};
use duologue_core::row::{Pair, PersonRow, Row};
use duologue_core::rules::Rules;
use duologue_core::wire::{Answer, Closing, Command, Done, Event, Marks, Reason, State, Totals};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::rows::Rows;

const SEED: Seed = Seed([3, 1, 4, 1]);

/// When the driver calls `handle_timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// At each deadline.
    Punctual,
    /// Never between two lines of the story.
    Lazy,
    /// At instants of its own, that nobody asked for.
    Restless,
}

/// A page of a person: "ann", or "ann/phone".
#[derive(Clone, Debug)]
struct Device {
    link: Option<LinkId>,
    next_number: u64,
}

/// What is known of a connection.
#[derive(Debug, Default)]
struct Link {
    user: Option<UserId>,
    inbox: VecDeque<Event>,
    window: Option<Mirror>,
    views: u32,
    closed: Option<(Closing, Option<Span>)>,
    is_forgotten: bool,
}

/// A window as its client has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mirror {
    pub size: u32,
    pub places: BTreeMap<u8, (UserId, Marks)>,
    pub available: u32,
}

#[derive(Debug)]
pub struct World {
    pub engine: Engine,
    pub driver: Driver,
    pub now: Millis,
    pub rows: Rows,
    pub rules: Rules,
    pub limits: Limits,
    /// Everything that was said, in order.
    pub transcript: Vec<Output>,
    /// Deadlines that fired, by name.
    pub fired: BTreeSet<&'static str>,
    /// The store answers only when it is told to.
    pub is_store_slow: bool,
    epoch: u32,
    facts: u64,
    devices: BTreeMap<String, Device>,
    links: BTreeMap<LinkId, Link>,
    next_link: u64,
    next_request: u64,
    answers: BTreeMap<(LinkId, u64), Vec<Answer>>,
    replies: BTreeMap<RequestId, Reply>,
    welcomes: BTreeMap<LinkId, (LinkId, Welcomed)>,
    loads: VecDeque<(Ticket, Vec<Row>)>,
    seated: BTreeSet<CallId>,
    /// Ids that were told to anybody, in order: what a stranger may try.
    pub rings: Vec<InviteId>,
    /// Who rang whom.
    pub between: BTreeMap<InviteId, (UserId, UserId)>,
    pub calls: Vec<CallId>,
    pub pairs: Vec<PairId>,
    /// Numbers said over connections that are still known.
    asked: BTreeSet<(LinkId, u64)>,
}

/// A deadline's name; no wildcard, so that a new one is thought of.
pub fn due_name(due: Due) -> &'static str {
    match due {
        Due::CallEnd(_) => "call_end",
        Due::Confirm(_) => "confirm",
        Due::Drain => "drain",
        Due::Flush => "flush",
        Due::ForgetPast => "forget_past",
        Due::ForgetUsers => "forget_users",
        Due::Grace(_) => "grace",
        Due::Load(_) => "load",
        Due::LookAgain => "look_again",
        Due::Ready => "ready",
        Due::Ring(_) => "ring",
        Due::Round => "round",
        Due::SeatGrace(..) => "seat_grace",
        Due::Session(_) => "session",
        Due::Shutdown => "shutdown",
        Due::Sweep => "sweep",
        Due::TicketSleep(_) => "ticket_sleep",
    }
}

fn person_of(device: &str) -> &str {
    device.split('/').next().expect("a split gives one at least")
}

impl World {
    pub fn new(rules: Rules, limits: Limits, driver: Driver) -> World {
        let start = Start { epoch: 1, rows: Vec::new() };
        World {
            engine: Engine::new(limits, rules.clone(), SEED, start, BEGIN),
            driver,
            now: BEGIN,
            rows: Rows::default(),
            rules,
            limits,
            transcript: Vec::new(),
            fired: BTreeSet::new(),
            is_store_slow: false,
            epoch: 1,
            facts: 0,
            devices: BTreeMap::new(),
            links: BTreeMap::new(),
            next_link: 0,
            next_request: 0,
            answers: BTreeMap::new(),
            replies: BTreeMap::new(),
            welcomes: BTreeMap::new(),
            loads: VecDeque::new(),
            seated: BTreeSet::new(),
            rings: Vec::new(),
            between: BTreeMap::new(),
            calls: Vec::new(),
            pairs: Vec::new(),
            asked: BTreeSet::new(),
        }
    }

    // People and their devices.

    /// A person known to the store, who signed in for 30 days.
    pub fn knows(&mut self, who: &str) {
        self.knows_as(who, "", &[]);
    }

    /// The same with a gender and tags.
    pub fn knows_as(&mut self, who: &str, gender: &str, tags: &[&str]) {
        let row = PersonRow {
            user: user(who),
            name: who.into(),
            gender: gender.into(),
            selfie: String::new(),
            video: String::new(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            created: BEGIN,
            totals: Totals::default(),
        };
        self.rows.people.insert(row.user, row);
        self.rows.sessions.insert(session(who), (user(who), BEGIN + Span::days(30)));
    }

    /// A device's hello, as a fresh connection.
    pub fn hello(&mut self, device: &str) -> Attach {
        let person = person_of(device);
        if !self.rows.people.contains_key(&user(person)) {
            self.knows(person);
        }
        self.next_link += 1;
        Attach {
            link: LinkId(self.next_link),
            takes: None,
            session: session(person),
            client: Some(client(device)),
            address: Address(0xffff_c000_0201),
            exclusive: false,
            intents: Intents::default(),
        }
    }

    /// Says a hello, whatever comes of it.
    pub fn offers_hello(&mut self, device: &str, hello: Attach) {
        let next_number = self.devices.get(device).map_or(1, |known| known.next_number);
        self.devices.insert(device.into(), Device { link: Some(hello.link), next_number });
        self.links.entry(hello.link).or_default().user = Some(user(person_of(device)));
        self.input(Input::Attached(hello));
    }

    /// Says a hello.
    ///
    /// # Errors
    /// Why it was refused, and when it is worth coming back.
    #[track_caller]
    pub fn says_hello(&mut self, device: &str, hello: Attach) -> Result<State, (Closing, Option<Span>)> {
        let link = hello.link;
        self.offers_hello(device, hello);
        match (self.welcomes.get(&link), self.links[&link].closed) {
            (Some((_, welcomed)), _) => Ok(welcomed.state.clone()),
            (None, Some(closed)) => {
                self.devices.get_mut(device).expect("just said hello").link = None;
                Err(closed)
            }
            (None, None) => panic!("{device} was neither welcomed nor refused"),
        }
    }

    /// A device connects, in no lobby if its person was in none.
    #[track_caller]
    pub fn attach(&mut self, device: &str) -> State {
        let hello = self.hello(device);
        self.says_hello(device, hello).unwrap_or_else(|why| panic!("{device} is welcome: {why:?}"))
    }

    /// People connect and join the lobby.
    #[track_caller]
    pub fn online<const N: usize>(&mut self, devices: [&str; N]) {
        for device in devices {
            self.attach(device);
            self.says(device, join());
        }
    }

    /// The connection loses its socket.
    #[track_caller]
    pub fn loses(&mut self, device: &str) {
        let link = self.link(device);
        self.input(Input::Detached { link, why: LinkEnd::Lost });
    }

    /// The client closes it with code 1000.
    #[track_caller]
    pub fn closes(&mut self, device: &str) {
        let link = self.link(device);
        self.input(Input::Detached { link, why: LinkEnd::Left });
    }

    /// Resumes the device's connection by its token.
    #[track_caller]
    pub fn resumes(&mut self, device: &str) -> State {
        let hello = Attach { takes: Some(self.link(device)), ..self.hello(device) };
        self.says_hello(device, hello).unwrap_or_else(|why| panic!("{device} resumes: {why:?}"))
    }

    #[track_caller]
    pub fn link(&self, device: &str) -> LinkId {
        let known = self.devices.get(device).unwrap_or_else(|| panic!("{device} has said hello"));
        known.link.unwrap_or_else(|| panic!("{device} has a connection"))
    }

    /// Whether the device has a connection that the engine knows.
    pub fn is_attached(&self, device: &str) -> bool {
        let link = self.devices.get(device).and_then(|known| known.link);
        link.is_some_and(|link| !self.links[&link].is_forgotten && self.welcomes.values().any(|(to, _)| *to == link))
    }

    /// Why the device's connection was closed.
    #[track_caller]
    pub fn closed(&self, device: &str) -> Option<Closing> {
        self.links[&self.link(device)].closed.map(|(closing, _)| closing)
    }

    /// When it is worth coming back after that.
    #[track_caller]
    pub fn retry_after(&self, device: &str) -> Option<Span> {
        self.links[&self.link(device)].closed.and_then(|(_, retry_after)| retry_after)
    }

    /// What the device was last welcomed with.
    #[track_caller]
    pub fn last_id(&self, device: &str) -> u64 {
        let link = self.link(device);
        let newest = self.welcomes.iter().rev().find(|(_, (to, _))| *to == link);
        newest.unwrap_or_else(|| panic!("{device} was welcomed")).1.1.last_id
    }

    // What is said.

    /// A number that the device has not used.
    #[track_caller]
    pub fn next_number(&mut self, device: &str) -> u64 {
        let known = self.devices.get_mut(device).unwrap_or_else(|| panic!("{device} has said hello"));
        known.next_number += 1;
        known.next_number - 1
    }

    /// Says a command under a number; gives the answers to it so far.
    #[track_caller]
    pub fn says_numbered(&mut self, device: &str, number: u64, command: Result<Command, Reason>) -> Option<Answer> {
        let link = self.link(device);
        let before = self.answers.get(&(link, number)).map_or(0, Vec::len);
        if !self.links[&link].is_forgotten {
            self.asked.insert((link, number));
        }
        self.input(Input::Command { link, number, command });
        let answers = self.answers.get(&(link, number)).map_or(&[][..], Vec::as_slice);
        assert!(answers.len() <= before + 1, "one answer to one command: {answers:?}");
        answers.get(before).cloned()
    }

    #[track_caller]
    pub fn tries(&mut self, device: &str, command: Command) -> Answer {
        let number = self.next_number(device);
        let answer = self.says_numbered(device, number, Ok(command.clone()));
        answer.unwrap_or_else(|| panic!("{device} is answered: {command:?}"))
    }

    /// Says a command that is done.
    #[track_caller]
    pub fn says(&mut self, device: &str, command: Command) -> Done {
        let answer = self.tries(device, command.clone());
        answer.unwrap_or_else(|reason| panic!("{device} may {command:?}: {reason:?}"))
    }

    /// Says a command that is refused with this code; the reason is given for a closer look.
    #[track_caller]
    pub fn refused(&mut self, device: &str, command: Command, code: &str) -> Reason {
        match self.tries(device, command.clone()) {
            Ok(done) => panic!("{device} may not {command:?}: {done:?}"),
            Err(reason) => {
                assert_eq!(reason.code(), code, "{device} says {command:?}");
                reason
            }
        }
    }

    /// Asks over HTTP.
    #[track_caller]
    pub fn asks(&mut self, who: &str, request: Request) -> Reply {
        let id = self.requests(who, request);
        self.replies.get(&id).cloned().unwrap_or_else(|| panic!("{who} gets a reply"))
    }

    pub fn requests(&mut self, who: &str, request: Request) -> RequestId {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.input(Input::Request { id, who: Some(session(who)), address: Address(0xffff_c000_0201), request });
        id
    }

    pub fn reply(&self, id: RequestId) -> Option<&Reply> {
        self.replies.get(&id)
    }

    /// One rings another, on all of whose devices that are named like the person and "…/2" it is heard.
    #[track_caller]
    pub fn rings(&mut self, caller: &str, callee: &str, seconds: u32) -> InviteId {
        match self.says(caller, invite(callee, seconds)) {
            Done::Invited { invite, .. } => invite,
            other => panic!("{caller} rings {callee}: {other:?}"),
        }
    }

    /// Two are in a call of so many seconds, and have heard all of it.
    #[track_caller]
    pub fn call(&mut self, caller: &str, callee: &str, seconds: u32) -> CallId {
        let ring = self.rings(caller, person_of(callee), seconds);
        let call = match self.says(callee, super::accept(ring, seconds)) {
            Done::Call { call } => call,
            other => panic!("{callee} accepts: {other:?}"),
        };
        for who in [caller, callee] {
            self.skips(who);
        }
        call
    }

    // What is heard.

    /// The next event that the device has not heard yet.
    #[track_caller]
    pub fn next_event(&mut self, device: &str) -> Option<Event> {
        let link = self.link(device);
        self.links.get_mut(&link).expect("known").inbox.pop_front()
    }

    /// The next event is told so.
    #[track_caller]
    pub fn hears(&mut self, device: &str, wanted: &str) -> Event {
        match self.next_event(device) {
            Some(event) => {
                assert_eq!(told(&event), wanted, "{device} hears");
                event
            }
            None => panic!("{device} hears nothing, where {wanted:?} is to be heard"),
        }
    }

    /// There is nothing more to hear.
    #[track_caller]
    pub fn hears_nothing(&mut self, device: &str) {
        let heard: Vec<String> = self.links[&self.link(device)].inbox.iter().map(told).collect();
        assert!(heard.is_empty(), "{device} hears {heard:?}");
    }

    /// Everything that is left to hear.
    #[track_caller]
    pub fn hears_all(&mut self, device: &str) -> Vec<Event> {
        let link = self.link(device);
        std::mem::take(&mut self.links.get_mut(&link).expect("known").inbox).into()
    }

    /// What is left to hear does not matter.
    #[track_caller]
    pub fn skips(&mut self, device: &str) {
        let link = self.link(device);
        self.links.get_mut(&link).expect("known").inbox.clear();
    }

    /// The window as the device has it.
    #[track_caller]
    pub fn window(&self, device: &str) -> Option<&Mirror> {
        self.links[&self.link(device)].window.as_ref()
    }

    /// The names in it, sorted.
    #[track_caller]
    pub fn sees(&self, device: &str) -> Vec<String> {
        let mirror = self.window(device).unwrap_or_else(|| panic!("{device} has a window"));
        let mut names: Vec<String> = mirror.places.values().map(|(user, _)| name(*user)).collect();
        names.sort_unstable();
        names
    }

    /// How many views the device was sent.
    #[track_caller]
    pub fn views(&self, device: &str) -> u32 {
        self.links[&self.link(device)].views
    }

    pub fn usage(&self) -> Usage {
        self.engine.usage()
    }

    /// What the store has counted up for a person.
    pub fn totals(&self, who: &str) -> Totals {
        self.rows.people[&user(who)].totals
    }

    // Time, the store, the process.

    /// Time passes.
    #[track_caller]
    pub fn after(&mut self, span: Span) {
        let until = self.now + span;
        match self.driver {
            Driver::Lazy => {}
            Driver::Punctual => {
                while let Some(due) = self.engine.poll_timeout().filter(|due| due.at <= until) {
                    self.now = due.at;
                    self.settle();
                }
            }
            Driver::Restless => {
                for part in 1..4 {
                    self.now = until - Span(span.0 / 5 * (4 - part));
                    self.engine.handle_timeout(self.now);
                    self.settle();
                }
            }
        }
        self.now = until;
        self.settle();
    }

    /// Time passes until this many milliseconds after the beginning.
    #[track_caller]
    pub fn until(&mut self, since_begin: Span) {
        let span = (BEGIN + since_begin).since(self.now);
        self.after(span);
    }

    #[track_caller]
    pub fn input(&mut self, input: Input) {
        let mut offered = 0;
        while self.engine.handle_input(self.now, &input).is_err() {
            offered += 1;
            assert!(offered < 10_000, "promise 3: a drained engine takes an input");
            assert!(self.drain() > 0, "promise 3: refused only where outputs wait");
        }
        self.settle();
    }

    /// Everything that is due now is done, everything said is heard, everything asked of the store is answered.
    #[track_caller]
    pub fn settle(&mut self) {
        for _ in 0..100_000 {
            self.drain();
            self.engine.check();
            if !self.is_store_slow
                && let Some((ticket, rows)) = self.loads.pop_front()
            {
                while self.engine.handle_input(self.now, &Input::Loaded { ticket, rows: rows.clone() }).is_err() {
                    assert!(self.drain() > 0, "promise 3: refused only where outputs wait");
                }
                continue;
            }
            match self.engine.poll_timeout() {
                Some(due) if due.at <= self.now => {
                    self.fired.insert(due_name(due.why));
                    self.engine.handle_timeout(self.now);
                }
                Some(_) | None => return,
            }
        }
        panic!("promise 5: what is due comes to an end");
    }

    /// The store gives one answer that it owes.
    #[track_caller]
    pub fn store_answers_one(&mut self) {
        if let Some((ticket, rows)) = self.loads.pop_front() {
            self.input(Input::Loaded { ticket, rows });
        }
    }

    /// The store gives all the answers that it owes, and is quick from now on.
    #[track_caller]
    pub fn store_answers(&mut self) {
        self.is_store_slow = false;
        self.settle();
    }

    /// How many answers the store owes.
    pub fn owed(&self) -> usize {
        self.loads.len()
    }

    /// The process dies and a new one starts from the rows at once: everybody has to attach again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.restart_after(Span(0));
    }

    #[track_caller]
    pub fn restart_after(&mut self, gone: Span) {
        let before = self.engine.durable_digest();
        self.now = self.now + gone;
        self.epoch += 1;
        let start = Start { epoch: self.epoch, rows: self.rows.start() };
        self.engine = Engine::new(self.limits, self.rules.clone(), SEED, start, self.now);
        assert_eq!(before, self.engine.durable_digest(), "an engine loaded from the rows is the one that ran");
        self.facts = 0;
        self.loads.clear();
        self.seated.clear();
        self.answers.clear();
        self.asked.clear();
        for link in self.links.values_mut() {
            link.is_forgotten = true;
            link.window = None;
        }
        for device in self.devices.values_mut() {
            device.link = None;
        }
        self.settle();
    }

    /// Numbers that were said and not answered, though their connection is still known.
    pub fn unanswered(&self) -> Vec<(LinkId, u64)> {
        self.asked.iter().copied().filter(|asked| !self.answers.contains_key(asked)).collect()
    }

    /// Connections that the engine has not forgotten, by person.
    pub fn open_links(&self) -> Vec<(LinkId, UserId)> {
        let known = self.links.iter().filter(|(link, known)| !known.is_forgotten && self.welcomes.values().any(|(to, _)| to == *link));
        known.map(|(link, known)| (*link, known.user.expect("said hello"))).collect()
    }

    /// The window that a connection has.
    pub fn mirror(&self, link: LinkId) -> Option<&Mirror> {
        self.links[&link].window.as_ref()
    }

    /// The device's connection, if it ever said hello.
    pub fn link_of(&self, device: &str) -> Option<LinkId> {
        self.devices.get(device).and_then(|known| known.link)
    }

    /// Nothing is left hanging at the end of a story.
    #[track_caller]
    pub fn the_end(&mut self) {
        // Each driver has told the engine the time at instants of its own; now all know the same.
        self.engine.handle_timeout(self.now);
        self.settle();
        for (user, person) in &self.rows.people {
            assert_eq!(person.totals, self.rows.sum(*user), "CALL 8: totals equal the sum over the history: {user}");
        }
    }

    // The laws of everything that is said.

    fn drain(&mut self) -> usize {
        let mut said = 0;
        while let Some(output) = self.engine.poll_output() {
            said += 1;
            self.hear(&output);
            self.transcript.push(output);
        }
        said
    }

    fn hear(&mut self, output: &Output) {
        match output {
            Output::Event { to, after, event } => {
                self.rests_on(*after);
                self.hear_event(*to, event);
            }
            Output::Fact(row) => {
                self.facts += 1;
                self.rows.write(row);
            }
            Output::Forget { link } => {
                let known = self.links.get_mut(link).expect("a connection that said hello");
                assert!(!known.is_forgotten, "a connection is forgotten once");
                known.is_forgotten = true;
                known.window = None;
                self.asked.retain(|(of, _)| of != link);
            }
            Output::Load { ticket, after, key } => {
                self.rests_on(*after);
                // Read now and perhaps told later: no older row may overwrite newer state.
                self.loads.push_back((*ticket, self.rows.look_up(key)));
            }
            Output::Reply { to, after, reply } => {
                self.rests_on(*after);
                let before = self.replies.insert(*to, reply.clone());
                assert_eq!(before, None, "a request is replied to once");
            }
            Output::Seats { call, after, seats, .. } => {
                self.rests_on(*after);
                for seat in seats.iter().flatten() {
                    assert!(!self.links[seat].is_forgotten, "CALL 11: a seat is a connection: {seat:?}");
                }
                self.seated.insert(*call);
            }
            Output::Unseat { call, after, .. } => {
                self.rests_on(*after);
                // After a restart a call may end before anybody sat in it again.
                assert!(self.seated.remove(call) || self.epoch > 1, "CALL 3: a call ends once");
            }
            Output::View { to, view } => self.hear_view(*to, view),
        }
    }

    fn rests_on(&self, after: FactNo) {
        assert!(after.0 <= self.facts, "the facts of an input come before its events: {after:?}");
    }

    fn hear_event(&mut self, to: LinkId, event: &LinkEvent) {
        let known = self.links.get_mut(&to).expect("a connection that said hello");
        assert!(!known.is_forgotten, "nothing is said to a connection after it was forgotten: {event:?}");
        assert!(known.closed.is_none(), "nothing is said to a connection after it was closed: {event:?}");
        match event {
            LinkEvent::Answered { number, answer } => {
                if let Ok(Done::Invited { invite, .. }) = answer
                    && !self.rings.contains(invite)
                {
                    self.rings.push(*invite);
                }
                self.answers.entry((to, *number)).or_default().push(answer.clone());
            }
            LinkEvent::Closing { closing, retry_after } => {
                assert_eq!(retry_after.is_some(), matches!(closing, Closing::AtCapacity | Closing::GoingAway), "who may come back when");
                known.closed = Some((*closing, *retry_after));
            }
            LinkEvent::Numbered(event) => {
                known.inbox.push_back(event.clone());
                match event {
                    Event::CallStarted(started) if !self.calls.contains(&started.call) => self.calls.push(started.call),
                    Event::Paired(paired) if !self.pairs.contains(&paired.pair) => self.pairs.push(paired.pair),
                    _ => {}
                }
                if let (Event::Rang { invite, from, expires, .. }, Some(to)) = (event, known.user) {
                    self.between.insert(*invite, (from.user, to));
                    let started = *expires - self.rules.ring;
                    let until = self.rows.cooldowns.get(&Pair::of(from.user, to)).copied().unwrap_or_default();
                    assert!(until <= started, "INV 1: no ring inside a cooldown");
                    assert!(!self.rows.is_hidden(from.user, to), "LOB 3: nobody rings whom they do not see");
                }
            }
            LinkEvent::Welcomed { attach, welcome } => {
                assert_eq!(Some(welcome.user.user), known.user, "everybody is welcomed as themself");
                let before = self.welcomes.insert(*attach, (to, (**welcome).clone()));
                assert!(before.is_none(), "a hello is welcomed once");
                for device in self.devices.values_mut().filter(|device| device.link == Some(*attach)) {
                    device.link = Some(to);
                }
            }
        }
    }

    fn hear_view(&mut self, to: LinkId, view: &WindowView) {
        let known = self.links.get_mut(&to).expect("a connection that said hello");
        assert!(!known.is_forgotten, "nothing is shown to a connection after it was forgotten");
        known.views += 1;
        let places = match view {
            WindowView::Changes { set, available } => {
                let mirror = known.window.as_mut().expect("changes follow a window");
                mirror.available = *available;
                set
            }
            WindowView::Closed => {
                known.window = None;
                return;
            }
            WindowView::Opened { size, places, available } => {
                known.window = Some(Mirror { size: *size, places: BTreeMap::new(), available: *available });
                places
            }
            WindowView::Presence { .. } => return,
        };
        let mirror = known.window.as_mut().expect("just looked at");
        let mut named = BTreeSet::new();
        for (place, content) in places {
            assert!(u32::from(*place) < mirror.size && named.insert(*place), "each place of the window at most once");
            match content {
                None => mirror.places.remove(place),
                Some((card, marks)) => mirror.places.insert(*place, (card.user, marks.clone())),
            };
        }
        let shown: BTreeSet<UserId> = mirror.places.values().map(|(user, _)| *user).collect();
        assert_eq!(shown.len(), mirror.places.len(), "nobody is in two places");
        assert!(known.user.is_none_or(|me| !shown.contains(&me)), "LOB 3: nobody sees themself");
        assert!(shown.len() < mirror.available as usize, "LOB 2: who is shown is available, and so is who looks");
    }
}
