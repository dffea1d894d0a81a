//! One engine, watched from outside: laws over its inputs and outputs in the order in which it took and gave them. It knows who
//! has a connection, who rings whom, who is in which call and until when, all from what the engine itself said; it decides
//! nothing. What windows show is in [`super::windows`].

use super::durable::{Durable, Hiding};
use super::reels::{Asked, Reels};
use super::windows::Windows;
use super::{Verdict, law};
use crate::failure::{Failure, Kind};
use crate::hit;
use crate::marks::{self, Marks};
use duologue_core::engine::{Engine, Usage};
use duologue_core::input::{Attach, Input, LinkEnd};
use duologue_core::kit::ids::{CallId, ClientId, InviteId, LinkId, RequestId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::limits::Limits;
use duologue_core::output::{LinkEvent, Output, Welcomed};
use duologue_core::row::{HistoryRow, Pair, Row};
use duologue_core::rules::Rules;
use duologue_core::wire::{Answer, CallStarted, Command, Done, Event, Why};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A command is answered, or its link closed, within this; longer than any trouble of the store, and than a load's own deadline.
const ANSWER_WITHIN: Span = Span::mins(3);
/// LOB 5: the most cards of one answer.
const REEL_MAX: u32 = 50;

/// A connection as the engine let it in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub user: UserId,
    pub client: Option<ClientId>,
    lost: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct Ring {
    from: UserId,
    to: UserId,
    expires: Millis,
    caller_waits: bool,
    callee_waits: bool,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    members: [UserId; 2],
    deadline: Millis,
}

/// Until when a pair cools, and until when it did before the step that recorded this.
#[derive(Clone, Copy, Debug, Default)]
struct Cooled {
    until: Millis,
    step: u64,
    before: Millis,
}

/// What is known of one engine.
#[derive(Debug)]
pub(crate) struct Watch {
    rules: Rules,
    limits: Limits,
    now: Millis,
    step: u64,
    links: BTreeMap<LinkId, Seen>,
    attaching: BTreeMap<LinkId, Attach>,
    lost: BTreeSet<(Millis, LinkId)>,
    commands: BTreeMap<(LinkId, u64), (Millis, Option<Command>)>,
    waiting: BTreeSet<(Millis, LinkId, u64)>,
    /// Said `ok` by the engine and not yet released, in order: whose number each is. A resume may give a connection another client
    /// before what the one before it asked is written.
    unreleased: BTreeMap<LinkId, VecDeque<(u64, Option<ClientId>)>>,
    requests: BTreeMap<RequestId, Millis>,
    highest: BTreeMap<(UserId, Option<ClientId>, LinkId), u64>,
    rings: BTreeMap<InviteId, Ring>,
    ring_ends: BTreeSet<(Millis, InviteId)>,
    calls: BTreeMap<CallId, Live>,
    /// The same calls by their members.
    calling: BTreeSet<(UserId, CallId)>,
    call_ends: BTreeSet<(Millis, CallId)>,
    cooled: BTreeMap<Pair, Cooled>,
    owed: Vec<(Pair, Millis, &'static str)>,
    accepting: Option<(UserId, InviteId)>,
    /// Ended in this step: what is said of them in it comes after the fact.
    just_ended: Vec<(CallId, Live)>,
    pub windows: Windows,
    reels: Reels,
}

impl Watch {
    /// An engine begins with these rows.
    pub(crate) fn new(rules: &Rules, limits: Limits, epoch: u32, rows: &[Row], now: Millis) -> Watch {
        let mut watch = Watch {
            rules: rules.clone(),
            limits,
            now,
            step: 0,
            links: BTreeMap::new(),
            attaching: BTreeMap::new(),
            lost: BTreeSet::new(),
            commands: BTreeMap::new(),
            waiting: BTreeSet::new(),
            unreleased: BTreeMap::new(),
            requests: BTreeMap::new(),
            highest: BTreeMap::new(),
            rings: BTreeMap::new(),
            ring_ends: BTreeSet::new(),
            calls: BTreeMap::new(),
            calling: BTreeSet::new(),
            call_ends: BTreeSet::new(),
            cooled: BTreeMap::new(),
            owed: Vec::new(),
            accepting: None,
            just_ended: Vec::new(),
            reels: Reels::new(limits.reel_max),
            windows: Windows::new(rules, epoch, now),
        };
        for row in rows {
            if let Row::Call(row) = row
                && row.ended.is_none()
            {
                watch.begin_call(row);
            }
        }
        watch
    }

    /// The engine is about to be given this.
    pub(crate) fn input(&mut self, now: Millis, input: &Input) {
        self.step += 1;
        self.now = self.now.max(now);
        self.accepting = None;
        self.just_ended.clear();
        match input {
            Input::Attached(attach) => {
                self.attaching.insert(attach.link, attach.clone());
            }
            // A link that the engine has forgotten is about to be closed; what still comes over it needs no answer.
            Input::Command { link, .. } if !self.links.contains_key(link) => {}
            Input::Command { link, number, command } => {
                if let (Ok(Command::Accept { invite, .. }), Some(seen)) = (command, self.links.get(link)) {
                    self.accepting = Some((seen.user, *invite));
                }
                if let Some((at, _)) = self.commands.insert((*link, *number), (self.now, command.clone().ok())) {
                    self.waiting.remove(&(at, *link, *number));
                }
                self.waiting.insert((self.now, *link, *number));
            }
            Input::Detached { link, why } => {
                self.attaching.remove(link);
                if let Some(seen) = self.links.get_mut(link) {
                    let within = if *why == LinkEnd::Left { Span(0) } else { self.rules.grace };
                    let mut decided = self.now + within;
                    if let Some(before) = seen.lost {
                        self.lost.remove(&(before, *link));
                        decided = decided.min(before);
                    }
                    seen.lost = Some(decided);
                    self.lost.insert((decided, *link));
                }
            }
            Input::Request { id, .. } => {
                self.requests.insert(*id, self.now);
            }
            Input::Drain { .. }
            | Input::Loaded { .. }
            | Input::MemoryLevel(_)
            | Input::ReplayLost { .. }
            | Input::StoreDown
            | Input::StoreUp => {}
        }
    }

    /// A deadline may run now.
    pub(crate) fn timeout(&mut self, now: Millis) {
        self.step += 1;
        self.now = self.now.max(now);
        self.accepting = None;
        self.just_ended.clear();
    }

    /// The engine said this.
    pub(crate) fn output(&mut self, output: &Output, durable: &Durable, marks: &mut Marks) -> Verdict {
        match output {
            Output::Event { to, event, .. } => match event {
                LinkEvent::Answered { number, answer } => self.answered(*to, *number, answer, durable, marks),
                LinkEvent::Closing { closing, .. } => {
                    hit!(marks, marks::closing(closing.code()));
                    Ok(())
                }
                LinkEvent::Numbered(event) => self.event(*to, event, durable, marks),
                LinkEvent::Welcomed { attach, welcome } => self.welcomed(*to, *attach, welcome, marks),
            },
            Output::Fact(row) => self.fact(row, durable, marks),
            Output::Forget { link } => {
                self.forget(*link, marks);
                Ok(())
            }
            Output::Load { .. } => Ok(()),
            Output::Reply { to, .. } => {
                let known = self.requests.remove(to).is_some();
                law(marks, "law: one answer a number", known, || format!("{to:?} was answered and not asked"))
            }
            Output::Seats { call, seats, .. } => self.seats(*call, seats, marks),
            Output::Unseat { .. } => Ok(()),
            Output::View { to, view } => self.windows.view(*to, view, self.now, durable, marks),
        }
    }

    /// Everything that this input or deadline caused was said.
    pub(crate) fn after(&mut self, marks: &mut Marks) -> Verdict {
        for (pair, until, why) in std::mem::take(&mut self.owed) {
            let cooled = self.cooled.get(&pair).is_some_and(|cooled| cooled.until >= until);
            law(marks, "law: a lost call cools", cooled, || format!("{why}: {pair:?} has no cooldown until {until:?}"))?;
        }
        if let Some((expires, invite)) = self.ring_ends.first() {
            law(marks, "law: rings end in time", *expires > self.now, || {
                format!("{invite:?} should have ended at {expires:?}, and it is {:?}: {:?}", self.now, self.rings[invite])
            })?;
        }
        if let Some((deadline, call)) = self.call_ends.first() {
            law(marks, "law: calls end in time", *deadline > self.now, || {
                format!("{call:?} should have ended at {deadline:?}, and it is {:?}", self.now)
            })?;
        }
        if let Some((decided, link)) = self.lost.first() {
            marks.hit("law: lost links are decided", 1);
            if *decided + Span::secs(1) < self.now {
                let what = format!("{link:?} was to be decided at {decided:?}, and it is {:?}", self.now);
                return Err(Failure::liveness("law: lost links are decided", what));
            }
        }
        if let Some((asked, link, number)) = self.waiting.first() {
            marks.hit("law: commands are answered", 1);
            if *asked + ANSWER_WITHIN < self.now {
                let what = format!("number {number} of {link:?} ({:?}) waits since {asked:?}", self.commands[&(*link, *number)].1);
                return Err(Failure::liveness("law: commands are answered", what));
            }
        }
        Ok(())
    }

    /// Every deadline has run and everything was said: the next deadline is later.
    pub(crate) fn progress(&self, engine: &Engine, marks: &mut Marks) -> Verdict {
        let due = engine.poll_timeout();
        marks.hit("law: progress", 1);
        if due.is_some_and(|due| due.at <= self.now) {
            return Err(Failure::liveness("law: progress", format!("drained at {:?}, and still due: {due:?}", self.now)));
        }
        Ok(())
    }

    /// Nothing is larger than its limit.
    pub(crate) fn bounds(&self, usage: &Usage, marks: &mut Marks) -> Verdict {
        let bounds = [
            ("links", usage.links_live + usage.links_graced, self.limits.links_max),
            ("people", usage.users, self.limits.users_max),
            ("sessions", usage.sessions, self.limits.sessions_max),
            ("cooldowns", usage.cooldowns, self.limits.cooldowns_max),
            ("parked inputs", usage.parked, self.limits.parked_max),
        ];
        marks.hit("law: bounds hold", 1);
        for (what, used, most) in bounds {
            if used > most {
                return Err(Failure { kind: Kind::Limit, law: "law: bounds hold", what: format!("{used} {what}, and at most {most}") });
            }
        }
        Ok(())
    }

    /// A connection as the engine let it in.
    pub(crate) fn link(&self, link: LinkId) -> Option<Seen> {
        self.links.get(&link).copied()
    }

    /// The two of an invite, while it is known.
    pub(crate) fn pair_of(&self, invite: InviteId) -> Option<Pair> {
        self.rings.get(&invite).map(|ring| Pair::of(ring.from, ring.to))
    }

    /// Links that were let in and not forgotten, with their users.
    pub(crate) fn links(&self) -> impl Iterator<Item = (LinkId, Seen)> + '_ {
        self.links.iter().map(|(id, seen)| (*id, *seen))
    }

    /// In words, what still waits.
    pub(crate) fn waits(&self) -> Vec<String> {
        let commands = self.waiting.iter().map(|(at, link, number)| format!("number {number} of {link:?} since {at:?}"));
        let requests = self.requests.iter().map(|(id, at)| format!("{id:?} since {at:?}"));
        commands.chain(requests).collect()
    }

    fn welcomed(&mut self, to: LinkId, attach: LinkId, welcome: &Welcomed, marks: &mut Marks) -> Verdict {
        let user = welcome.user.user;
        let attached = self.attaching.remove(&attach);
        if let Some(before) = self.links.get(&to) {
            law(marks, "law: nobody shown without a link", before.user == user, || {
                format!("{to:?} is {}'s, and {user} took it over", before.user)
            })?;
            if let Some(at) = before.lost {
                self.lost.remove(&(at, to));
            }
        }
        let client = attached.as_ref().and_then(|attach| attach.client).or(self.links.get(&to).and_then(|seen| seen.client));
        self.links.insert(to, Seen { user, client, lost: None });
        // Lower than before where the person had left memory without a fact: the numbers may be used again.
        self.highest.insert(key(user, client, to), welcome.last_id);
        self.windows.arrives(to, user, welcome, attached.map(|attach| attach.intents), self.now);
        let call = self.call_of(user);
        let told = welcome.state.call.as_ref().map(|call| call.started.call);
        law(marks, "law: one call a user", call == told, || format!("{user} is welcomed to {told:?} and is in {call:?}"))
    }

    /// An `ok` leaves: the client whose number it is.
    pub(crate) fn released_ok(&mut self, link: LinkId, number: u64) -> Option<ClientId> {
        let unreleased = self.unreleased.get_mut(&link)?;
        let at = unreleased.iter().position(|(other, _)| *other == number)?;
        let (_, client) = unreleased.drain(..=at).next_back()?;
        if unreleased.is_empty() {
            self.unreleased.remove(&link);
        }
        client
    }

    fn forget(&mut self, link: LinkId, _marks: &mut Marks) {
        self.attaching.remove(&link);
        self.unreleased.remove(&link);
        self.reels.forget(link);
        let Some(seen) = self.links.remove(&link) else { return };
        if let Some(at) = seen.lost {
            self.lost.remove(&(at, link));
        }
        let numbers: Vec<u64> = self.commands.range((link, 0)..=(link, u64::MAX)).map(|((_, number), _)| *number).collect();
        for number in numbers {
            let (at, _) = self.commands.remove(&(link, number)).expect("just listed");
            self.waiting.remove(&(at, link, number));
        }
        self.windows.goes(link, seen.user, self.now);
        if !self.windows.is_connected(seen.user) {
            self.side_told_of_all(seen.user);
        }
    }

    /// The call that somebody is in; where they are in two, the older one.
    fn call_of(&self, user: UserId) -> Option<CallId> {
        self.calling.range((user, CallId(0))..=(user, CallId(u64::MAX))).next().map(|(_, call)| *call)
    }

    fn no_longer_calling(&mut self, live: Live, call: CallId) {
        for user in live.members {
            self.calling.remove(&(user, call));
        }
    }

    /// A call that is live, or was until just now.
    fn live(&self, call: CallId) -> Option<Live> {
        let just = || self.just_ended.iter().find(|(ended, _)| *ended == call).map(|(_, live)| *live);
        self.calls.get(&call).copied().or_else(just)
    }

    fn fact(&mut self, row: &Row, durable: &Durable, marks: &mut Marks) -> Verdict {
        match row {
            Row::Cooldown { pair, until } => {
                let kept = self.cooled.entry(*pair).or_default();
                if kept.step != self.step {
                    (kept.step, kept.before) = (self.step, kept.until);
                }
                kept.until = kept.until.max(*until);
                Ok(())
            }
            Row::Call(row) => match self.calls.get(&row.call).copied() {
                None if row.ended.is_none() => self.call_begins(row, durable, marks),
                None => Ok(()),
                Some(live) => self.call_changes(row, live, marks),
            },
            Row::CallGone { call } => {
                if let Some(live) = self.calls.remove(call) {
                    self.no_longer_calling(live, *call);
                    self.just_ended.push((*call, live));
                    self.call_ends.remove(&(live.deadline, *call));
                    self.windows.call_over(live.members, self.now);
                }
                Ok(())
            }
            Row::Block { by, of, .. } => {
                self.windows.hide(*by, *of, Hiding::Block, self.now);
                Ok(())
            }
            Row::Report(row) => {
                self.windows.hide(row.by, row.of, Hiding::Report, self.now);
                Ok(())
            }
            Row::BlockGone { by, of } => {
                self.windows.unhide(*by, *of, self.now);
                Ok(())
            }
            Row::Person(row) => {
                self.windows.profile(row, self.now);
                Ok(())
            }
            Row::AnswersGone { user, client } => {
                // A client that is forgotten may use its numbers again.
                self.highest.remove(&key(*user, Some(*client), LinkId(0)));
                Ok(())
            }
            Row::Answer(_) | Row::Chat { .. } | Row::Session { .. } | Row::SessionGone { .. } | Row::Ticket(_) | Row::TicketGone { .. } => {
                Ok(())
            }
        }
    }

    fn call_begins(&mut self, row: &HistoryRow, durable: &Durable, marks: &mut Marks) -> Verdict {
        let pair = Pair::of(row.members[0], row.members[1]);
        for user in row.members {
            let other = self.call_of(user);
            law(marks, "law: one call a user", other.is_none(), || format!("{user} enters {:?} and is in {other:?}", row.call))?;
        }
        let until = self.cooldown(pair, durable);
        law(marks, "law: no call inside a cooldown", until <= row.started, || {
            format!("{pair:?} is called together at {:?} and is cooling until {until:?}", row.started)
        })?;
        law(marks, "law: no call inside a cooldown", !self.windows.is_hidden(pair.low(), pair.high(), durable), || {
            format!("{pair:?} is called together, and one hides the other")
        })?;
        // Deadlines run before the input that brought them on, so another pair may be called together in this step.
        if let Some((user, invite)) = self.accepting.filter(|(user, _)| row.members.contains(user)) {
            let ring = self.rings.get(&invite);
            let holds = ring.is_some_and(|ring| ring.to == user && Pair::of(ring.from, ring.to) == pair && ring.expires > self.now);
            law(marks, "law: only the callee is in the call", holds, || {
                format!("{user} accepted {invite:?} ({ring:?}) and {pair:?} is called together at {:?}", self.now)
            })?;
        }
        let deadline = row.started + Span::secs(row.agreed.into());
        law(marks, "law: calls end in time", row.deadline == deadline, || format!("{row:?} ends at another time than agreed"))?;
        self.owed.push((pair, row.started + self.rules.cooldown_call, "CALL 7"));
        self.begin_call(row);
        Ok(())
    }

    fn begin_call(&mut self, row: &HistoryRow) {
        self.calls.insert(row.call, Live { members: row.members, deadline: row.deadline });
        self.calling.extend(row.members.map(|user| (user, row.call)));
        self.call_ends.insert((row.deadline, row.call));
        self.windows.call_on(row.members, row.started.max(self.now));
    }

    fn call_changes(&mut self, row: &HistoryRow, live: Live, marks: &mut Marks) -> Verdict {
        if let Some((at, why)) = row.ended {
            hit!(marks, marks::ended(why.code()));
            marks.hit("call completed", u64::from(at.since(row.started) >= self.rules.completed));
            marks.hit("call lasted to its deadline", u64::from(why == Why::Deadline));
            let in_time = at <= row.deadline && (why != Why::Deadline || at == row.deadline);
            self.calls.remove(&row.call);
            self.no_longer_calling(live, row.call);
            self.just_ended.push((row.call, live));
            self.call_ends.remove(&(live.deadline, row.call));
            self.windows.call_over(live.members, self.now);
            return law(marks, "law: calls end in time", in_time, || {
                format!("{:?} ended at {at:?} ({why:?}), due at {:?}", row.call, row.deadline)
            });
        }
        marks.hit("call extended", u64::from(row.deadline > live.deadline));
        self.call_ends.remove(&(live.deadline, row.call));
        self.call_ends.insert((row.deadline, row.call));
        self.calls.insert(row.call, Live { deadline: row.deadline, ..live });
        law(marks, "law: calls end in time", row.deadline >= live.deadline, || format!("{:?} was shortened", row.call))
    }

    fn seats(&mut self, call: CallId, seats: &[Option<LinkId>; 2], marks: &mut Marks) -> Verdict {
        let Some(live) = self.live(call) else {
            return law(marks, "law: relay only in a call", false, || format!("seats of {call:?}, which is not live"));
        };
        for link in seats.iter().flatten() {
            let user = self.links.get(link).map(|seen| seen.user);
            let holds = user.is_none_or(|user| live.members.contains(&user));
            law(marks, "law: relay only in a call", holds, || format!("{user:?} has a seat in {call:?} of {:?}", live.members))?;
        }
        Ok(())
    }

    fn answered(&mut self, to: LinkId, number: u64, answer: &Answer, durable: &Durable, marks: &mut Marks) -> Verdict {
        let Some((at, command)) = self.commands.remove(&(to, number)) else {
            return law(marks, "law: one answer a number", false, || {
                format!("{number} of {to:?} is answered {answer:?}, and was not asked")
            });
        };
        marks.hit("law: one answer a number", 1);
        self.waiting.remove(&(at, to, number));
        let Some(seen) = self.links.get(&to).copied() else { return Ok(()) };
        let key = key(seen.user, seen.client, to);
        let is_new = number > self.highest.get(&key).copied().unwrap_or(0);
        let done = match answer {
            Err(reason) => {
                hit!(marks, marks::refusal(reason.code()));
                if reason.code() != "rate_limited" && command.as_ref().is_none_or(|command| command.signal().is_none()) {
                    let highest = self.highest.entry(key).or_default();
                    *highest = (*highest).max(number);
                }
                return Ok(());
            }
            Ok(done) => done,
        };
        self.unreleased.entry(to).or_default().push_back((number, seen.client));
        if command.as_ref().is_some_and(|command| command.signal().is_none()) {
            self.highest.insert(key, number.max(self.highest.get(&key).copied().unwrap_or(0)));
        }
        match command {
            Some(command) if is_new => self.done((to, seen.user), &command, done, durable, marks),
            _ => Ok(()),
        }
    }

    /// A command had its effect.
    fn done(&mut self, (link, user): (LinkId, UserId), command: &Command, done: &Done, durable: &Durable, marks: &mut Marks) -> Verdict {
        match (command, done) {
            (Command::Join { .. }, Done::Joined { lobby }) => {
                if self.windows.lobby(user).is_some_and(|before| before != lobby) {
                    self.side_told_of_all(user);
                }
                self.windows.joined(user, lobby, self.now);
            }
            // The rings of a caller who is in no lobby go on (INV 1).
            (Command::Leave, _) if self.windows.lobby(user).is_some() => {
                self.side_told_of_all(user);
                self.windows.left(user, self.now);
            }
            (Command::Block { user: other } | Command::Report { user: other, .. }, _) => {
                let from_them = self.rings.iter().filter(|(_, ring)| ring.from == *other && ring.to == user);
                let rings: Vec<InviteId> = from_them.map(|(id, _)| *id).collect();
                rings.into_iter().for_each(|invite| self.side_told(invite, user));
            }
            (Command::Window { filter, .. }, Done::Window { size }) => self.windows.opens(link, user, *size, filter, self.now),
            (Command::Reel { limit, filter, restart }, Done::Cards { cards, more }) => {
                for (card, _) in cards {
                    self.windows.may_show(user, card.user, durable, marks)?;
                }
                let limit = (*limit).min(REEL_MAX) as usize;
                let asked = Asked { link, viewer: user, limit, filter, restart: *restart };
                return self.reels.shows(&asked, (cards, *more), (&self.windows, durable), marks);
            }
            (Command::WindowClose, _) => self.windows.closes(link),
            (Command::Invite { to, .. }, Done::Call { .. }) => {
                marks.hit("call crossed", 1);
                let crossed: Vec<InviteId> =
                    self.rings.iter().filter(|(_, ring)| ring.from == *to && ring.to == user).map(|(id, _)| *id).collect();
                crossed.into_iter().for_each(|invite| self.side_told(invite, user));
            }
            (Command::Invite { to, .. }, Done::Invited { invite, expires }) => {
                let ring = Ring { from: user, to: *to, expires: *expires, caller_waits: true, callee_waits: true };
                self.rings.insert(*invite, ring);
                self.ring_ends.insert((*expires, *invite));
                return law(marks, "law: rings end in time", *expires == self.now + self.rules.ring, || {
                    format!("{invite:?} rings from {:?} to {expires:?}", self.now)
                });
            }
            (Command::ExtendInvite { invite }, Done::Expires { expires }) => self.moved(*invite, *expires),
            (Command::Accept { invite, .. }, _) => {
                let ring = self.rings.get(invite).copied();
                self.side_told(*invite, user);
                return law(marks, "law: only the callee is in the call", ring.is_some_and(|ring| ring.to == user), || {
                    format!("{user} accepted {invite:?}: {ring:?}")
                });
            }
            (Command::Decline { invite } | Command::Rescind { invite }, Done::Cooled { cooldown_until }) => {
                let ring = self.rings.get(invite).copied();
                self.side_told(*invite, user);
                let is_callee = matches!(command, Command::Decline { .. });
                let holds = ring.is_some_and(|ring| user == if is_callee { ring.to } else { ring.from });
                law(marks, "law: only the callee is in the call", holds, || format!("{user} ended {invite:?} of others: {ring:?}"))?;
                let ring = ring.expect("just seen");
                self.owed.push((Pair::of(ring.from, ring.to), *cooldown_until, "INV 8"));
            }
            _ => {}
        }
        Ok(())
    }

    fn event(&mut self, to: LinkId, event: &Event, durable: &Durable, marks: &mut Marks) -> Verdict {
        let Some(user) = self.links.get(&to).map(|seen| seen.user) else {
            return law(marks, "law: one answer a number", false, || format!("{event:?} to {to:?}, who was never welcomed"));
        };
        match event {
            Event::Rang { invite, from, expires, .. } => {
                let pair = Pair::of(from.user, user);
                let until = self.cooldown(pair, durable);
                law(marks, "law: no ring inside a cooldown", until <= self.now, || {
                    format!("{} rings {user} at {:?} and they are cooling until {until:?}", from.user, self.now)
                })?;
                law(marks, "law: no ring inside a cooldown", !self.windows.is_hidden(from.user, user, durable), || {
                    format!("{} rings {user}, and one hides the other", from.user)
                })?;
                let calling = [from.user, user].into_iter().find(|user| self.windows.is_calling(*user));
                law(marks, "law: no ring inside a call", calling.is_none(), || {
                    format!("{} rings {user}, and {calling:?} is in a call", from.user)
                })?;
                let ring = Ring { from: from.user, to: user, expires: *expires, caller_waits: true, callee_waits: true };
                if self.rings.insert(*invite, ring).is_none() {
                    self.ring_ends.insert((*expires, *invite));
                }
            }
            Event::InviteExtended { invite, expires } => self.moved(*invite, *expires),
            Event::InviteEnded { invite, why, cooldown_until } => {
                return self.invite_ended(user, *invite, *why, *cooldown_until, durable, marks);
            }
            Event::CallStarted(started) => return self.told_of_call(user, started, marks),
            Event::Left { why, .. } => {
                hit!(marks, marks::ended(why.code()));
                self.windows.left(user, self.now);
            }
            Event::PairEnded { why, .. } => hit!(marks, marks::ended(why.code())),
            Event::Paired(_) => hit!(marks, "paired"),
            Event::CallEnded(ended) => hit!(marks, marks::ended(ended.why.code())),
            Event::Chat { call, from, .. } => {
                let live = self.live(*call);
                let holds = live.is_some_and(|live| live.members.contains(&user) && live.members.contains(from));
                return law(marks, "law: relay only in a call", holds, || format!("{from} chats to {user} in {call:?}: {live:?}"));
            }
            Event::Shared { call, .. }
            | Event::ExtendAsked { call, .. }
            | Event::PeerLink { call, .. }
            | Event::Renegotiate { call, .. } => {
                let live = self.live(*call);
                let holds = live.is_some_and(|live| live.members.contains(&user));
                return law(marks, "law: relay only in a call", holds, || format!("{event:?} to {user}: {live:?}"));
            }
            Event::CallExtended { .. } | Event::CallMoved { .. } | Event::Candidates(_) | Event::Description(_) | Event::Notified(_) => {}
        }
        Ok(())
    }

    fn told_of_call(&mut self, user: UserId, started: &CallStarted, marks: &mut Marks) -> Verdict {
        let live = self.calls.get(&started.call).copied();
        let holds = live.is_some_and(|live| {
            live.members.contains(&user) && live.members.contains(&started.peer.user) && live.deadline == started.deadline
        });
        law(marks, "law: one call a user", holds, || format!("{user} is told of {started:?}, and live is {live:?}"))
    }

    fn invite_ended(
        &mut self,
        user: UserId,
        invite: InviteId,
        why: Why,
        cooldown: Option<Millis>,
        durable: &Durable,
        marks: &mut Marks,
    ) -> Verdict {
        hit!(marks, marks::ended(why.code()));
        let Some(ring) = self.rings.get(&invite).copied() else { return Ok(()) };
        let pair = Pair::of(ring.from, ring.to);
        let is_hidden = self.windows.is_hidden(ring.from, ring.to, durable);
        if why == Why::Expired && (user == ring.from || !is_hidden) {
            law(marks, "law: rings end in time", ring.expires <= self.now, || {
                format!("{invite:?} is told to {user} as expired at {:?}, and ends at {:?}", self.now, ring.expires)
            })?;
        }
        if matches!(why, Why::CallerLost) || (why == Why::Rescinded && user == ring.to) {
            let until = cooldown.unwrap_or_default();
            law(marks, "law: a lost call cools", cooldown.is_some(), || format!("{invite:?} ended ({why:?}) and cools nothing"))?;
            self.owed.push((pair, until, "INV 8"));
        } else if let Some(until) = cooldown {
            self.owed.push((pair, until, "told"));
        }
        self.side_told(invite, user);
        Ok(())
    }

    fn moved(&mut self, invite: InviteId, expires: Millis) {
        if let Some(ring) = self.rings.get_mut(&invite) {
            self.ring_ends.remove(&(ring.expires, invite));
            ring.expires = expires;
            self.ring_ends.insert((expires, invite));
        }
    }

    /// Somebody's own command ended their rings: its `ok` says so.
    fn side_told_of_all(&mut self, user: UserId) {
        let rings: Vec<InviteId> = self.rings.iter().filter(|(_, ring)| ring.from == user || ring.to == user).map(|(id, _)| *id).collect();
        rings.into_iter().for_each(|invite| self.side_told(invite, user));
    }

    /// One of the two knows that it is over.
    fn side_told(&mut self, invite: InviteId, user: UserId) {
        let Some(ring) = self.rings.get_mut(&invite) else { return };
        ring.caller_waits &= user != ring.from;
        ring.callee_waits &= user != ring.to;
        if !ring.caller_waits && !ring.callee_waits {
            self.ring_ends.remove(&(ring.expires, invite));
            self.rings.remove(&invite);
        }
    }

    /// Until when a pair was cooling before this step.
    fn cooldown(&self, pair: Pair, durable: &Durable) -> Millis {
        let written = durable.cooldowns.get(&pair).filter(|_| self.windows.owns(durable)).copied().unwrap_or_default();
        let here = self.cooled.get(&pair).map_or(Millis(0), |cooled| if cooled.step == self.step { cooled.before } else { cooled.until });
        written.max(here)
    }
}

/// Whose numbers count up: a client's over all its connections, or a connection's own.
fn key(user: UserId, client: Option<ClientId>, link: LinkId) -> (UserId, Option<ClientId>, LinkId) {
    if client.is_some() { (user, client, LinkId(0)) } else { (user, None, link) }
}
