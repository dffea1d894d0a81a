//! The rows of a realm in maps: what a store keeps, the plain way. Each row is written whole under its key; looking up gives what
//! `output::Key` asks for.

use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::{AnswerRow, ChatLine, HistoryRow, Pair, PersonRow, ReportRow, Row, TicketRow};
use duologue_core::wire::Totals;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub answers: BTreeMap<(UserId, ClientId, u64), AnswerRow>,
    pub blocks: BTreeMap<(UserId, UserId), Millis>,
    pub calls: BTreeMap<CallId, HistoryRow>,
    pub chat: BTreeMap<(CallId, u32), ChatLine>,
    pub cooldowns: BTreeMap<Pair, Millis>,
    pub people: BTreeMap<UserId, PersonRow>,
    pub reports: BTreeMap<(UserId, UserId), ReportRow>,
    pub sessions: BTreeMap<TokenHash, (UserId, Millis)>,
    pub tickets: BTreeMap<UserId, TicketRow>,
    /// Ids of calls ever given, with their members.
    ever: BTreeMap<CallId, [UserId; 2]>,
    /// What ended calls of at least the counted length added up to, by user.
    sums: BTreeMap<UserId, Totals>,
}

impl Rows {
    /// Writes a row, and refuses what a database would: two live calls of one user (CALL 10), a call inside a cooldown.
    pub fn write(&mut self, row: &Row) {
        match row.clone() {
            Row::Answer(row) => {
                let before = self.answers.insert((row.user, row.client, row.number), *row.clone());
                assert!(before.is_none_or(|before| before == *row), "CON 5: a number has one answer");
            }
            Row::AnswersGone { user, client } => self.answers.retain(|(u, c, _), _| (*u, *c) != (user, client)),
            Row::Block { by, of, at } => {
                self.blocks.insert((by, of), at);
            }
            Row::BlockGone { by, of } => {
                self.blocks.remove(&(by, of));
            }
            Row::Call(row) => self.write_call(*row),
            Row::CallGone { call } => {
                let gone = self.calls.remove(&call);
                assert!(gone.is_some_and(|row| row.ended.is_none()), "only a live call was too short");
                self.chat.retain(|(of, _), _| *of != call);
            }
            Row::Chat { call, index, line } => {
                assert!(self.calls.get(&call).is_some_and(|call| call.ended.is_none()), "CALL 3: nothing is said after the end");
                let before = self.chat.insert((call, index), line);
                assert!(before.is_none(), "a line of chat is written once: {call:?} {index}");
            }
            Row::Cooldown { pair, until } => {
                let held = self.cooldowns.entry(pair).or_insert(until);
                assert!(until >= *held, "a cooldown is never shortened: {pair:?}");
                *held = until;
            }
            Row::Person(row) => {
                self.people.insert(row.user, *row);
            }
            Row::Report(row) => {
                self.reports.insert((row.by, row.of), *row);
            }
            Row::Session { hash, user, expires } => {
                self.sessions.insert(hash, (user, expires));
            }
            Row::SessionGone { hash } => {
                self.sessions.remove(&hash);
            }
            Row::Ticket(row) => {
                self.tickets.insert(row.user, *row);
            }
            Row::TicketGone { user } => {
                self.tickets.remove(&user);
            }
        }
    }

    fn write_call(&mut self, row: HistoryRow) {
        let [a, b] = row.members;
        match self.calls.get(&row.call) {
            None => {
                let before = self.ever.insert(row.call, row.members);
                assert!(before.is_none(), "an id of a call is given once: {:?}", row.call);
                let live = |call: &&HistoryRow| call.ended.is_none() && (call.members.contains(&a) || call.members.contains(&b));
                assert_eq!(self.calls.values().find(live), None, "CALL 10: a user is in at most one call");
                let until = self.cooldowns.get(&Pair::of(a, b)).copied().unwrap_or_default();
                assert!(until <= row.started, "CALL 7: no call inside a cooldown: {row:?}");
                assert!(!self.is_hidden(a, b), "LOB 3: no call between those who are hidden from each other");
            }
            Some(before) => {
                assert!(before.ended.is_none(), "a call ends once: {row:?}");
                assert_eq!((before.members, before.started, before.agreed), (row.members, row.started, row.agreed), "these stay");
                assert!(before.deadline <= row.deadline && before.epoch <= row.epoch, "a call is never shortened: {row:?}");
            }
        }
        if let Some((ended, _)) = row.ended {
            assert!(ended <= row.deadline, "CALL 1: no call outlives its deadline: {row:?}");
            for member in row.members {
                let sum = self.sums.entry(member).or_default();
                sum.seconds += ended.since(row.started).as_secs();
                sum.calls += 1;
                sum.completed += u64::from(ended.since(row.started).as_secs() >= 30);
            }
        }
        self.calls.insert(row.call, row);
    }

    pub fn is_hidden(&self, a: UserId, b: UserId) -> bool {
        [(a, b), (b, a)].iter().any(|pair| self.blocks.contains_key(pair) || self.reports.contains_key(pair))
    }

    /// CALL 8: the sum over the history, kept here beside the engine.
    pub fn sum(&self, user: UserId) -> Totals {
        self.sums.get(&user).copied().unwrap_or_default()
    }

    /// The live call of a user.
    pub fn live_call(&self, user: UserId) -> Option<&HistoryRow> {
        self.calls.values().find(|call| call.ended.is_none() && call.members.contains(&user))
    }

    /// What an engine starts from.
    pub fn start(&self) -> Vec<Row> {
        let live = self.calls.values().filter(|call| call.ended.is_none());
        let mut people: Vec<UserId> = live.clone().flat_map(|call| call.members).chain(self.tickets.keys().copied()).collect();
        people.sort_unstable();
        people.dedup();
        let people = people.iter().map(|user| Row::Person(Box::new(self.people[user].clone())));
        let calls = live.map(|call| Row::Call(Box::new(call.clone())));
        people.chain(calls).chain(self.tickets.values().map(|ticket| Row::Ticket(Box::new(ticket.clone())))).collect()
    }

    fn with_chat(&self, call: &HistoryRow) -> Row {
        let chat = self.chat.range((call.call, 0)..=(call.call, u32::MAX)).map(|(_, line)| line.clone()).collect();
        Row::Call(Box::new(HistoryRow { chat, ..call.clone() }))
    }

    /// What a `Load` gives.
    pub fn look_up(&self, key: &Key) -> Vec<Row> {
        match key {
            Key::History { user, before, limit } => {
                let fits = |call: &&HistoryRow| {
                    call.ended.is_some() && call.members.contains(user) && before.is_none_or(|before| call.call < before)
                };
                let calls: Vec<&HistoryRow> = self.calls.values().rev().filter(fits).take(*limit as usize + 1).collect();
                let peers = calls.iter().flat_map(|call| call.members).filter_map(|member| self.people.get(&member));
                let peers: Vec<Row> = peers.map(|person| Row::Person(Box::new(person.clone()))).collect();
                calls.into_iter().map(|call| self.with_chat(call)).chain(peers).collect()
            }
            Key::Person(user) => self.person(*user),
            Key::Session(hash) => match self.sessions.get(hash) {
                None => Vec::new(),
                Some((user, expires)) => {
                    let session = Row::Session { hash: *hash, user: *user, expires: *expires };
                    [session].into_iter().chain(self.person(*user)).collect()
                }
            },
            Key::Together(a, b) => {
                let both = |call: &&HistoryRow| call.members.contains(a) && call.members.contains(b);
                self.calls.values().rfind(both).map(|call| Row::Call(Box::new(call.clone()))).into_iter().collect()
            }
        }
    }

    fn person(&self, user: UserId) -> Vec<Row> {
        let mut rows: Vec<Row> = self.people.get(&user).map(|person| Row::Person(Box::new(person.clone()))).into_iter().collect();
        let is_of = |pair: &Pair| pair.low() == user || pair.high() == user;
        rows.extend(self.cooldowns.iter().filter(|(p, _)| is_of(p)).map(|(pair, until)| Row::Cooldown { pair: *pair, until: *until }));
        let blocks = self.blocks.iter().filter(|((by, of), _)| *by == user || *of == user);
        rows.extend(blocks.map(|((by, of), at)| Row::Block { by: *by, of: *of, at: *at }));
        let reports = self.reports.values().filter(|report| report.by == user || report.of == user);
        rows.extend(reports.map(|report| Row::Report(Box::new(report.clone()))));
        let answers = self.answers.values().filter(|answer| answer.user == user);
        rows.extend(answers.map(|answer| Row::Answer(Box::new(answer.clone()))));
        rows
    }
}
