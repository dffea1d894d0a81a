//! The engine of a realm: its methods and no rules. An input first runs every deadline up to and at its instant, each at its own,
//! in order; then the input. Each is a turn: a flow, then `visible::settle`, then the desk gives out what was said. Rules stand in
//! `flows`, data in `parts`; dispatch is one exhaustive match, an arm a line.

use crate::desk::Desk;
pub use crate::due::Due;
pub use crate::flows::sweep::Swept;
use crate::flows::{
    Halt, Me, Outcome, account, answer, attach, call, found, invite, lobby, memory, pairing, profile, reel, safety, seat, sweep, talk,
    visible, window,
};
use crate::input::{Attach, Input, Level, Request};
use crate::kit::digest::Digest;
use crate::kit::ids::{CallId, LinkId, RequestId, Ticket};
use crate::kit::random::Seed;
use crate::kit::time::{Millis, Span};
use crate::limits::Limits;
use crate::output::{Deadline, FactNo, Key, Output, Refused, Reply};
use crate::parts::answered::Seen;
use crate::parts::parked::Found;
use crate::parts::{Parts, Slot};
use crate::row::{AnswerRow, Row};
use crate::rules::Rules;
use crate::wire::{Answer, Closing, Command, Done, Reason, Why};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// How long an input waits for its rows.
const LOAD_WAIT: Span = Span::secs(10);
/// When it is worth trying again after that.
const LOAD_RETRY: Span = Span::secs(2);
/// A hello comes back within its grace, and not together with all others that waited.
const LOAD_RETRY_SPREAD: Span = Span::secs(3);

/// What an engine starts from: its epoch, and the rows of live calls and tickets with their people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Taken by every start of an engine, one more than the last.
    pub epoch: u32,
    /// As the store has them.
    pub rows: Vec<Row>,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// People in memory; at most `users_max`.
    pub users: u32,
    /// People with a connection, live or in its grace.
    pub users_connected: u32,
    /// Connections that have a socket.
    pub links_live: u32,
    /// Connections that lost theirs and may be resumed (CON 4). With the live ones at most `links_max`.
    pub links_graced: u32,
    /// Live calls; each has two users (CALL 10).
    pub calls: u32,
    /// Rings that are open.
    pub invites: u32,
    /// Wishes to be paired that are open (PAIR).
    pub tickets: u32,
    /// Users in a lobby and free.
    pub available: u32,
    /// Sessions in memory.
    pub sessions: u32,
    /// Look-ups of people who were in memory, since the engine began.
    pub user_hits: u64,
    /// Look-ups of people whose rows had to be loaded.
    pub user_misses: u64,
    /// Look-ups of sessions that were in memory, since the engine began.
    pub session_hits: u64,
    /// Look-ups of sessions whose rows had to be loaded, also of such as do not exist.
    pub session_misses: u64,
    /// Inputs that wait for rows; at most `parked_max`.
    pub parked: u32,
    /// Pairs under cooldown in memory.
    pub cooldowns: u32,
    /// How often a `now` came that was earlier than the latest one, and was taken for it: a driver's fault.
    pub clamped: u64,
    /// Sweeps so far (MEM 2).
    pub sweeps: u64,
    /// What the last one did away with.
    pub swept: Swept,
}

/// One realm: everybody who can meet, and the rules between them. A plain value; moved, kept and dropped as one likes.
#[derive(Debug)]
pub struct Engine {
    parts: Parts,
    desk: Desk,
    clamped: u64,
    user_hits: u64,
    user_misses: u64,
    sweeps: u64,
    swept: Swept,
    /// What deadlines cleaned since the last sweep.
    cleaned: Swept,
    /// The deadline that runs at this moment: whom to blame if it panics.
    firing: Option<Due>,
}

impl Engine {
    /// Starts from rows. Calls go on: their members have the recovery span from `now` to come back (CALL 12).
    ///
    /// # Panics
    /// If the rules make no sense (see [`Rules::check`]), or `limits.outbox` has no room for what they let one turn say.
    pub fn new(limits: Limits, rules: Rules, seed: Seed, start: Start, now: Millis) -> Engine {
        Engine::without(limits, rules, seed, start, now, |_| false)
    }

    /// As [`Engine::new`], but some of the live calls end with `shutdown` before anything else happens: those that made an engine
    /// before this one panic.
    ///
    /// # Panics
    /// As [`Engine::new`].
    pub fn without(limits: Limits, rules: Rules, seed: Seed, start: Start, now: Millis, is_ended: impl Fn(CallId) -> bool) -> Engine {
        assert_eq!(rules.check(), Ok(()), "rules are checked by whoever reads them");
        let mut parts = Parts::new(&limits, &seed);
        let mut desk = Desk::new(limits, rules, seed, start.epoch, now);
        assert!(desk.has_room(), "limits.outbox holds what one turn may say, or every input is refused for ever");
        crate::flows::restore::restore(&mut parts, &mut desk, &start.rows);
        desk.timers.set(Due::Sweep, now + desk.rules.sweep);
        let ended: Vec<CallId> = parts.calls.all().map(|call| call.id).filter(|id| is_ended(*id)).collect();
        for id in ended {
            call::end(&mut parts, &mut desk, id, [Why::Shutdown; 2], now);
        }
        let mut engine = Engine {
            parts,
            desk,
            clamped: 0,
            user_hits: 0,
            user_misses: 0,
            sweeps: 0,
            swept: Swept::default(),
            cleaned: Swept::default(),
            firing: None,
        };
        engine.end_turn();
        engine
    }

    /// First runs every deadline up to and at `now`, each at its own instant, in order; then the input. What it says is polled. A
    /// `now` earlier than the latest one is taken for that.
    ///
    /// # Errors
    /// `Refused` – no room for what it may say: the input has had no effect (deadlines may have run). Drain, and offer it again. An
    /// engine that is drained after each input never refuses.
    pub fn handle_input(&mut self, now: Millis, input: &Input) -> Result<(), Refused> {
        let now = self.clamp(now);
        self.run_due(now);
        if !self.desk.has_room() {
            return Err(Refused);
        }
        self.desk.now = now;
        self.dispatch(input);
        self.end_turn();
        Ok(())
    }

    /// Runs every deadline up to and at `now`, as far as there is room for what they say; drained and called again, the rest. Called
    /// late, or never between inputs, it changes nothing of what comes out.
    pub fn handle_timeout(&mut self, now: Millis) {
        let now = self.clamp(now);
        self.run_due(now);
        if self.next_at() > now {
            self.desk.now = now;
        }
    }

    /// The next output, in the order in which they must be handed on; none: nothing is to be said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.desk.next_output()
    }

    /// When `handle_timeout` wants to be called next, in realm time, and what for; the present while outputs wait. None: never, until
    /// something happens. In constant time.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        if !self.desk.is_drained() {
            return Some(Deadline { at: self.desk.now, why: Due::Drain });
        }
        self.next_due().map(|(at, why)| Deadline { at, why })
    }

    fn clamp(&mut self, now: Millis) -> Millis {
        self.clamped += u64::from(now < self.desk.now);
        now.max(self.desk.now)
    }

    /// The first deadline of all: of the desk's, of sessions, of windows.
    fn next_due(&self) -> Option<(Millis, Due)> {
        let mut next = self.desk.timers.first();
        let session = self.parts.links.next_end().map(|(at, link)| (at, Due::Session(link)));
        let flush = self.parts.windows.next_flush().map(|at| (at, Due::Flush));
        for other in [session, flush].into_iter().flatten() {
            if next.is_none_or(|next| other < next) {
                next = Some(other);
            }
        }
        next
    }

    /// When it is due; the end of time if there is none.
    fn next_at(&self) -> Millis {
        const NEVER: Millis = Millis(u64::MAX);
        let timers = self.desk.timers.first().map_or(NEVER, |(at, _)| at);
        let session = self.parts.links.next_end().map_or(NEVER, |(at, _)| at);
        timers.min(session).min(self.parts.windows.next_flush().unwrap_or(NEVER))
    }

    fn run_due(&mut self, now: Millis) {
        while self.next_at() <= now
            && self.desk.has_room()
            && let Some((at, due)) = self.next_due()
        {
            self.desk.now = at.max(self.desk.now);
            self.firing = Some(due);
            match due {
                Due::Flush => {
                    let windows = self.parts.windows.take_due(at);
                    visible::flush(&mut self.parts, &mut self.desk, &windows);
                }
                // The end of the connection takes its deadline with it.
                Due::Session(link) => attach::close(&mut self.parts, &mut self.desk, link, Closing::ExpiredToken),
                due => {
                    let taken = self.desk.timers.take_due(at);
                    assert_eq!(taken, Some((at, due)), "a deadline is taken when it fires");
                    self.fire(due);
                }
            }
            self.end_turn();
            self.firing = None;
        }
    }

    fn end_turn(&mut self) {
        pairing::renew(&mut self.parts, &mut self.desk);
        self.note_facts();
        visible::settle(&mut self.parts, &mut self.desk);
        self.desk.end_turn();
    }

    /// The facts of a turn are durable together: whoever they are about, and whose state changed with them, waits for the last one.
    fn note_facts(&mut self) {
        let Some(last) = self.desk.last_fact() else { return };
        let named = self.desk.turn_facts().flat_map(Row::users).flatten().filter_map(|user| self.parts.people.slot(user));
        let users: Vec<Slot> = named.chain(self.desk.changed()).collect();
        users.into_iter().for_each(|user| self.parts.people.has_fact(user, last));
    }

    fn fire(&mut self, due: Due) {
        let (parts, desk) = (&mut self.parts, &mut self.desk);
        match due {
            Due::CallEnd(id) => call::deadline(parts, desk, id),
            Due::Confirm(id) => found::timeout(parts, desk, id),
            Due::Drain | Due::Flush | Due::Session(_) => unreachable!("these are not in the timers"),
            Due::ForgetPast => self.forget_past(),
            Due::ForgetUsers => {
                let before = parts.people.count();
                memory::forget_users(parts, desk);
                self.cleaned.people += (before - parts.people.count()) as u32;
            }
            Due::Grace(link) => attach::remove(parts, desk, link),
            Due::Load(ticket) => self.give_up(ticket),
            Due::LookAgain => pairing::look_again(parts, desk),
            Due::Ready => self.run_ready(),
            Due::Ring(id) => {
                invite::expire(parts, desk, id);
                self.cleaned.invites += 1;
            }
            Due::Round => pairing::round(parts, desk),
            Due::SeatGrace(id, _) => call::peer_lost(parts, desk, id),
            Due::Shutdown => self.end_one_call(),
            Due::Sweep => self.sweep(0),
            Due::TicketSleep(user) => {
                pairing::give_up(parts, desk, user, None);
                memory::plan_forgetting(parts, desk);
            }
        }
    }

    fn forget_past(&mut self) {
        self.parts.invites.forget_past(self.desk.now);
        self.parts.calls.forget_past(self.desk.now);
        if let Some(at) = self.parts.invites.next_forget().into_iter().chain(self.parts.calls.next_forget()).min() {
            self.desk.timers.set(Due::ForgetPast, at);
        }
    }

    fn end_one_call(&mut self) {
        if let Some(id) = self.parts.calls.first() {
            let now = self.desk.now;
            call::end(&mut self.parts, &mut self.desk, id, [Why::Shutdown; 2], now);
            self.desk.timers.set(Due::Shutdown, now);
        }
    }

    fn dispatch(&mut self, input: &Input) {
        match input {
            Input::Attached(hello) => self.attached(hello, None),
            Input::Command { link, number, command } => self.command(*link, *number, command, None),
            Input::Detached { link, why } => attach::detached(&mut self.parts, &mut self.desk, *link, *why),
            Input::Drain { end_calls } => {
                self.desk.is_draining = true;
                if *end_calls {
                    self.desk.timers.set(Due::Shutdown, self.desk.now);
                }
            }
            Input::Loaded { ticket, rows } => self.loaded(*ticket, rows),
            Input::MemoryLevel(level) => self.judged(*level),
            Input::ReplayLost { link } => {
                if let Some(user) = self.parts.links.user(*link) {
                    seat::replay_lost(&mut self.parts, &mut self.desk, user, *link);
                }
            }
            Input::Request { id, who, address, request } => self.request(*id, (*who, *address), request, None),
            Input::StoreDown => self.desk.is_store_up = false,
            Input::StoreUp => self.desk.is_store_up = true,
        }
    }

    /// MEM 3: at CRITICAL a sweep at once, in which the caches shrink to half. If it is critical still when it is judged again,
    /// newcomers are refused until it is not.
    fn judged(&mut self, level: Level) {
        let before = core::mem::replace(&mut self.desk.memory, level);
        self.desk.is_crowded = level == Level::Critical && before == Level::Critical;
        if level == Level::Critical {
            let shed = memory::shed(&mut self.parts, &mut self.desk);
            self.sweep(shed);
        }
    }

    fn sweep(&mut self, shed: u32) {
        let Swept { people, invites, .. } = core::mem::take(&mut self.cleaned);
        self.swept = Swept { people, invites, shed, ..sweep::sweep(&mut self.parts, &mut self.desk) };
        self.sweeps += 1;
    }

    fn attached(&mut self, hello: &Attach, found: Option<&Found>) {
        match attach::attached(&mut self.parts, &mut self.desk, hello, found) {
            Ok(()) => self.user_hits += u64::from(found.is_none()),
            Err(Halt::Load(key)) => self.park(&key, Input::Attached(hello.clone())),
            Err(Halt::No(_)) => self.refuse(&Input::Attached(hello.clone())),
        }
    }

    fn request(
        &mut self,
        id: RequestId,
        who: (Option<crate::kit::ids::TokenHash>, crate::input::Address),
        request: &Request,
        found: Option<&Found>,
    ) {
        match account::request(&mut self.parts, &mut self.desk, who, request, found) {
            Ok((after, reply)) => self.desk.reply(id, after, reply),
            Err(Halt::No(reason)) => self.desk.reply(id, FactNo(0), Reply::No(reason)),
            Err(Halt::Load(key)) => self.park(&key, Input::Request { id, who: who.0, address: who.1, request: request.clone() }),
        }
    }

    /// CON 5: one effect and one answer a number; the answer stands before all that its flow tells.
    fn command(&mut self, link: LinkId, number: u64, command: &Result<Command, Reason>, found: Option<&Found>) {
        let Some((user, client)) = self.parts.links.who(link) else { return };
        let now = self.desk.now;
        let me = Me { user, link: Some(link) };
        if let Ok(command) = command
            && let Some(id) = command.signal()
        {
            let answer = seat::refuse_signal(&self.parts, user, link, id);
            let mark = self.desk.mark();
            self.desk.answer_at(mark, link, number, answer);
            return;
        }
        let key = attach::key_of(link, client);
        if found.is_none() {
            match self.parts.answered.look(user, key, number) {
                Seen::Answer(answer) => return self.desk.answer_again(link, number, answer),
                Seen::New => {}
                Seen::Old => return self.desk.answer_again(link, number, Err(Reason::Answered)),
                Seen::Pending => return,
            }
            if !matches!(command, Err(Reason::RateLimited { .. })) {
                self.parts.people.was_heard(user, now);
            }
        } else {
            self.parts.answered.ready(user, key, number);
        }
        let mark = self.desk.mark();
        let outcome = match command {
            Ok(command) => self.obey(me, command, found),
            Err(reason) => Err(Halt::No(reason.clone())),
        };
        let answer: Answer = match outcome {
            Ok(done) => Ok(done),
            Err(Halt::No(reason)) => Err(reason),
            Err(Halt::Load(key_wanted)) => {
                let gone = self.parts.answered.wait(user, key, number, now);
                self.forget_client(user, gone);
                return self.park(&key_wanted, Input::Command { link, number, command: command.clone() });
            }
        };
        self.remember(user, key, number, &answer);
        self.desk.answer_at(mark, link, number, answer);
    }

    /// Keeps an answer, and records it where the command made facts. A number that came too fast is not used up.
    fn remember(&mut self, user: Slot, key: crate::parts::answered::ClientKey, number: u64, answer: &Answer) {
        if matches!(answer, Err(Reason::RateLimited { .. })) {
            return;
        }
        let gone = self.parts.answered.remember(user, key, number, answer, self.desk.rules.answers, self.desk.now);
        self.forget_client(user, gone);
        if let (true, Some(client), Ok(done)) = (self.desk.recorded() > 0, key.client(), answer) {
            let user = self.parts.people.id(user);
            self.desk.record(Row::Answer(Box::new(AnswerRow { user, client, number, done: done.clone(), at: self.desk.now })));
        }
    }

    fn forget_client(&mut self, user: Slot, gone: Option<crate::kit::ids::ClientId>) {
        if let Some(client) = gone {
            let user = self.parts.people.id(user);
            self.desk.record(Row::AnswersGone { user, client });
        }
    }

    fn obey(&mut self, me: Me, command: &Command, found: Option<&Found>) -> Outcome {
        let (parts, desk) = (&mut self.parts, &mut self.desk);
        let link = me.link.expect("commands come over connections");
        let done = match command {
            Command::Accept { invite, seconds } => answer::accept(parts, desk, me, *invite, *seconds)?,
            Command::Block { user } => safety::block(parts, desk, me, *user)?,
            Command::Candidates(_) | Command::Description(_) => unreachable!("signals are refused before"),
            Command::Chat { call, text } => talk::chat(parts, desk, me, *call, text)?,
            Command::Confirm { pair } => pairing::confirm(parts, desk, me, *pair)?,
            Command::Decline { invite } => answer::decline(parts, desk, me, *invite)?,
            Command::ExtendCall { call, seconds } => talk::extend(parts, desk, me, *call, *seconds)?,
            Command::ExtendInvite { invite } => invite::extend(parts, desk, me, *invite)?,
            Command::HangUp { call } => call::hang_up(parts, desk, me.user, *call)?,
            Command::IceServers { call } => talk::ice_servers(parts, desk, me, *call)?,
            Command::Invite { to, seconds } => invite::invite(parts, desk, me, *to, *seconds)?,
            Command::Join { lobby } => lobby::join(parts, desk, me, lobby.as_deref())?,
            Command::Leave => lobby::leave(parts, desk, me)?,
            Command::Pair { filter, confirm } => pairing::wish(parts, desk, me, filter, *confirm)?,
            Command::Profile(patch) => profile::edit(parts, desk, me, patch)?,
            Command::Reel { limit, filter, restart } => reel::next(parts, desk, me, *limit, filter, *restart)?,
            Command::Rejoin { call } => seat::rejoin(parts, desk, me.user, link, *call)?,
            Command::Renegotiate { call } => seat::renegotiate(parts, desk, me.user, link, *call)?,
            Command::Report { user, reason, call } => safety::report(parts, desk, me, *user, (reason, *call), found)?,
            Command::Rescind { invite } => invite::rescind(parts, desk, me, *invite)?,
            Command::Share { call, contacts } => talk::share(parts, desk, me, *call, contacts)?,
            Command::Unblock { user } => safety::unblock(parts, desk, me, *user)?,
            Command::Unpair => pairing::unwish(parts, desk, me)?,
            Command::Window { size, filter } => window::open(parts, desk, me, *size, filter)?,
            Command::WindowClose => window::close(parts, desk, me),
            // Not served at this stage: what each names does not exist here.
            Command::Explain { .. } | Command::Introduce { .. } => return Err(Reason::UnknownUser.into()),
            Command::Read { .. } => Done::Empty,
            Command::Redeem { .. } => return Err(Reason::UnknownCode.into()),
        };
        Ok(done)
    }

    fn park(&mut self, key: &Key, input: Input) {
        if !self.parts.parked.has_room() {
            return self.refuse(&input);
        }
        if matches!(key, Key::Session(_) | Key::Person(_)) {
            self.user_misses += 1;
        }
        if let Some(ticket) = self.parts.parked.park(key, input) {
            self.desk.timers.set(Due::Load(ticket), self.desk.now + LOAD_WAIT);
            self.desk.put(Output::Load { ticket, after: FactNo(0), key: key.clone() });
        }
    }

    fn loaded(&mut self, ticket: Ticket, rows: &[Row]) {
        let Some(key) = self.parts.parked.key(ticket) else { return };
        if matches!(key, Key::Person(_) | Key::Session(_)) {
            memory::absorb(&mut self.parts, &mut self.desk, rows);
        }
        self.desk.timers.cancel(Due::Load(ticket));
        self.parts.parked.found(ticket, rows.to_vec());
        self.desk.timers.set(Due::Ready, self.desk.now);
    }

    /// One parked input runs again, from its first check.
    fn run_ready(&mut self) {
        let Some((input, found)) = self.parts.parked.next_ready() else { return };
        if self.parts.parked.is_ready() {
            self.desk.timers.set(Due::Ready, self.desk.now);
        }
        match &input {
            Input::Attached(hello) => self.attached(hello, Some(&found)),
            Input::Command { link, number, command } => self.command(*link, *number, command, Some(&found)),
            Input::Request { id, who, address, request } => self.request(*id, (*who, *address), request, Some(&found)),
            Input::Detached { .. }
            | Input::Drain { .. }
            | Input::Loaded { .. }
            | Input::MemoryLevel(_)
            | Input::ReplayLost { .. }
            | Input::StoreDown
            | Input::StoreUp => {
                unreachable!("these wait for no rows")
            }
        }
    }

    /// The rows did not come: one of those that waited is refused, the next one at once.
    fn give_up(&mut self, ticket: Ticket) {
        if let Some(input) = self.parts.parked.give_up(ticket) {
            self.refuse(&input);
            self.desk.timers.set(Due::Load(ticket), self.desk.now);
        }
    }

    fn refuse(&mut self, input: &Input) {
        let reason = Reason::Unavailable { retry_after: LOAD_RETRY };
        match input {
            Input::Attached(hello) => {
                attach::refuse(&mut self.desk, hello.link, Closing::AtCapacity, LOAD_RETRY_SPREAD);
            }
            Input::Command { link, number, .. } => {
                if let Some(known) = self.parts.links.get(*link) {
                    let key = attach::key_of(*link, known.client);
                    self.parts.answered.ready(known.user, key, *number);
                    let answer = Err(reason);
                    self.remember(known.user, key, *number, &answer);
                    let mark = self.desk.mark();
                    self.desk.answer_at(mark, *link, *number, answer);
                }
            }
            Input::Request { id, .. } => self.desk.reply(*id, FactNo(0), Reply::No(reason)),
            Input::Detached { .. }
            | Input::Drain { .. }
            | Input::Loaded { .. }
            | Input::MemoryLevel(_)
            | Input::ReplayLost { .. }
            | Input::StoreDown
            | Input::StoreUp => {}
        }
    }

    /// Of the whole state: equal in two runs of the same inputs, on every platform.
    pub fn state_digest(&self) -> u128 {
        let mut digest = Digest::default();
        digest.number(self.desk.now.0);
        let (epoch, ids, facts) = self.desk.counters();
        digest.number(u64::from(epoch)).number(ids).number(facts);
        for user in self.parts.people.all() {
            self.parts.people.digest(user, &mut digest);
            self.parts.links.digest(user, &mut digest);
            self.parts.answered.digest(user, &mut digest);
        }
        let parts = &self.parts;
        parts.calls.digest(&mut digest);
        parts.cooldowns.digest(&mut digest);
        parts.hidden.digest(&mut digest);
        parts.invites.digest(&mut digest);
        parts.lobbies.digest(&mut digest);
        parts.parked.digest(&mut digest);
        parts.draws.digest(&mut digest);
        parts.rates.digest(&mut digest);
        parts.reels.digest(&mut digest);
        parts.sessions.digest(&mut digest);
        parts.tickets.digest(&mut digest);
        parts.windows.digest(&mut digest);
        // The ends of sessions are told by the links.
        for (at, _) in self.desk.timers.iter() {
            digest.number(at.0);
        }
        digest.finish()
    }

    /// Of what is durable among the things an engine starts from, live calls and tickets with their people: an engine loaded from
    /// the rows has the same.
    pub fn durable_digest(&self) -> u128 {
        let mut digest = Digest::default();
        self.parts.calls.durable_digest(&mut digest);
        self.parts.tickets.durable_digest(&mut digest);
        for user in self.parts.calls.all().flat_map(|call| call.users).chain(self.parts.tickets.all().map(|wish| wish.user)) {
            self.parts.people.durable_digest(user, &mut digest);
        }
        digest.finish()
    }

    /// How much of everything there is.
    pub fn usage(&self) -> Usage {
        let parts = &self.parts;
        Usage {
            users: parts.people.count() as u32,
            users_connected: (parts.people.count() - parts.people.count_offline()) as u32,
            links_live: parts.links.count() - parts.links.count_lost(),
            links_graced: parts.links.count_lost(),
            calls: parts.calls.count() as u32,
            invites: parts.invites.count() as u32,
            tickets: parts.tickets.count() as u32,
            available: parts.lobbies.count_all(),
            sessions: parts.sessions.count() as u32,
            user_hits: self.user_hits,
            user_misses: self.user_misses,
            session_hits: parts.sessions.hits,
            session_misses: parts.sessions.misses,
            parked: parts.parked.count(),
            cooldowns: parts.cooldowns.count() as u32,
            clamped: self.clamped,
            sweeps: self.sweeps,
            swept: self.swept,
        }
    }

    /// The deadline that was running when the engine panicked; none where it was the input itself, or nothing at all.
    pub fn firing(&self) -> Option<Due> {
        self.firing
    }

    /// How many sweeps there were, and what the last one did (MEM 2).
    pub fn last_sweep(&self) -> (u64, Swept) {
        (self.sweeps, self.swept)
    }

    /// What must hold, of each part and across them; for tests and the simulator.
    ///
    /// # Panics
    /// Where it does not: the engine is broken.
    pub fn check(&self) {
        crate::check::check(&self.parts, &self.desk);
    }
}
