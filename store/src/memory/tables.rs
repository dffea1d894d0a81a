//! The tables of [`Memory`](super::Memory). Every look-up costs what it gives: pairs stand under both of their users.

use crate::{ANSWERS_PER_CLIENT, CLIENTS_PER_USER, Pruned, SESSIONS_KEPT};
use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::Key;
use duologue_core::row::{AnswerRow, ChatLine, HistoryRow, Pair, PersonRow, ReportRow, Row, TicketRow};
use std::collections::{BTreeMap, BTreeSet};

/// Lowest and highest of what may stand second in a key.
const USERS: [UserId; 2] = [UserId(0), UserId(u128::MAX)];
const CALLS: [CallId; 2] = [CallId(0), CallId(u64::MAX)];

#[derive(Clone, Debug, Default)]
pub(super) struct Tables {
    persons: BTreeMap<UserId, PersonRow>,
    sessions: BTreeMap<TokenHash, (UserId, Millis)>,
    /// Under both orders of the pair.
    cooldowns: BTreeMap<(UserId, UserId), Millis>,
    blocks: BTreeMap<(UserId, UserId), Millis>,
    blocks_of: BTreeSet<(UserId, UserId)>,
    reports: BTreeMap<(UserId, UserId), ReportRow>,
    reports_of: BTreeSet<(UserId, UserId)>,
    calls: BTreeMap<CallId, HistoryRow>,
    calls_of: BTreeSet<(UserId, CallId)>,
    in_call: BTreeMap<UserId, CallId>,
    chat: BTreeMap<(CallId, u32), ChatLine>,
    answers: BTreeMap<(UserId, ClientId), BTreeMap<u64, AnswerRow>>,
    tickets: BTreeMap<UserId, TicketRow>,
}

impl Tables {
    /// What the database would refuse of these rows: a user in two live calls (CALL 10).
    pub(super) fn check(&self, rows: &[Row]) -> Result<(), String> {
        // What the rows so far made of `in_call`, and the members of the calls that they opened.
        let mut changed: BTreeMap<UserId, Option<CallId>> = BTreeMap::new();
        let mut opened: BTreeMap<CallId, [UserId; 2]> = BTreeMap::new();
        for row in rows {
            let (call, members) = match row {
                Row::Call(row) => (row.call, row.ended.is_none().then_some(row.members)),
                Row::CallGone { call } => (*call, None),
                _ => continue,
            };
            let in_call = |changed: &BTreeMap<_, _>, user| match changed.get(&user) {
                Some(now) => *now,
                None => self.in_call.get(&user).copied(),
            };
            let before = opened.get(&call).or_else(|| self.calls.get(&call).map(|row| &row.members)).copied();
            for user in before.into_iter().flatten() {
                if in_call(&changed, user) == Some(call) {
                    changed.insert(user, None);
                }
            }
            for user in members.into_iter().flatten() {
                if in_call(&changed, user).is_some() {
                    return Err(format!("in_call: {user} is in a call already"));
                }
                changed.insert(user, Some(call));
            }
            if let Some(members) = members {
                opened.insert(call, members);
            }
        }
        Ok(())
    }

    /// Checked before. Answers are trimmed at the end, so that the order of rows within a batch does not matter to them.
    pub(super) fn apply(&mut self, rows: &[Row]) {
        let mut answering = BTreeSet::new();
        for row in rows {
            if let Row::Answer(row) = row {
                answering.insert((row.user, row.client));
            }
            self.apply_one(row);
        }
        for key in &answering {
            self.trim_answers(*key);
        }
        for (user, _) in answering {
            self.trim_clients(user);
        }
    }

    fn apply_one(&mut self, row: &Row) {
        match row.clone() {
            Row::Answer(row) => {
                self.answers.entry((row.user, row.client)).or_default().insert(row.number, *row);
            }
            Row::AnswersGone { user, client } => {
                self.answers.remove(&(user, client));
            }
            Row::Block { by, of, at } => {
                self.blocks.insert((by, of), at);
                self.blocks_of.insert((of, by));
            }
            Row::BlockGone { by, of } => {
                self.blocks.remove(&(by, of));
                self.blocks_of.remove(&(of, by));
            }
            Row::Call(row) => self.put_call(HistoryRow { chat: Vec::new(), ..*row }),
            Row::CallGone { call } => {
                self.take_call(call);
                let lines: Vec<_> = self.chat.range((call, 0)..=(call, u32::MAX)).map(|(key, _)| *key).collect();
                lines.iter().for_each(|key| drop(self.chat.remove(key)));
            }
            Row::Chat { call, index, line } => {
                self.chat.insert((call, index), line);
            }
            Row::Cooldown { pair, until } => {
                for key in [(pair.low(), pair.high()), (pair.high(), pair.low())] {
                    let kept = self.cooldowns.entry(key).or_insert(until);
                    *kept = until.max(*kept);
                }
            }
            Row::Person(row) => {
                self.persons.insert(row.user, *row);
            }
            Row::Report(row) => {
                self.reports_of.insert((row.of, row.by));
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

    fn put_call(&mut self, row: HistoryRow) {
        self.take_call(row.call);
        for user in row.members {
            self.calls_of.insert((user, row.call));
            if row.ended.is_none() {
                self.in_call.insert(user, row.call);
            }
        }
        self.calls.insert(row.call, row);
    }

    fn take_call(&mut self, call: CallId) {
        let Some(row) = self.calls.remove(&call) else { return };
        for user in row.members {
            self.calls_of.remove(&(user, call));
            if self.in_call.get(&user) == Some(&call) {
                self.in_call.remove(&user);
            }
        }
    }

    fn trim_answers(&mut self, key: (UserId, ClientId)) {
        if let Some(kept) = self.answers.get_mut(&key) {
            while kept.len() > ANSWERS_PER_CLIENT as usize {
                kept.pop_first();
            }
        }
    }

    fn trim_clients(&mut self, user: UserId) {
        let clients = self.answers.range((user, ClientId(0))..=(user, ClientId(u128::MAX)));
        let newest = |kept: &BTreeMap<u64, AnswerRow>| kept.values().map(|row| row.at).max().unwrap_or_default();
        let mut clients: Vec<(Millis, ClientId)> = clients.map(|((_, client), kept)| (newest(kept), *client)).collect();
        clients.sort();
        for (_, client) in clients.iter().rev().skip(CLIENTS_PER_USER as usize) {
            self.answers.remove(&(user, *client));
        }
    }

    pub(super) fn prune(&mut self, now: Millis, most: usize) -> Pruned {
        let over = |(hash, (_, expires)): (&TokenHash, &(UserId, Millis))| (*expires + SESSIONS_KEPT <= now).then_some(*hash);
        let sessions: Vec<_> = self.sessions.iter().filter_map(over).take(most).collect();
        for hash in &sessions {
            self.sessions.remove(hash);
        }
        let over = |((a, b), until): (&(UserId, UserId), &Millis)| (a < b && *until <= now).then_some((*a, *b));
        let cooldowns: Vec<_> = self.cooldowns.iter().filter_map(over).take(most).collect();
        for (a, b) in &cooldowns {
            self.cooldowns.remove(&(*a, *b));
            self.cooldowns.remove(&(*b, *a));
        }
        Pruned { cooldowns: cooldowns.len() as u32, sessions: sessions.len() as u32 }
    }

    pub(super) fn drop_cooldowns(&mut self, now: Millis) {
        self.cooldowns.retain(|_, until| *until > now);
    }

    /// What an engine starts from.
    pub(super) fn live(&self) -> Vec<Row> {
        let users: BTreeSet<UserId> = self.in_call.keys().chain(self.tickets.keys()).copied().collect();
        let calls: BTreeSet<CallId> = self.in_call.values().copied().collect();
        let mut rows = self.persons_of(users);
        rows.extend(calls.iter().map(|call| Row::Call(Box::new(self.calls[call].clone()))));
        rows.extend(self.tickets.values().map(|row| Row::Ticket(Box::new(row.clone()))));
        rows
    }

    pub(super) fn load(&self, key: &Key, now: Millis) -> Vec<Row> {
        match key {
            Key::History { user, before, limit } => self.history(*user, *before, *limit),
            Key::Person(user) => self.person(*user, now),
            Key::Session(hash) => {
                let Some((user, expires)) = self.sessions.get(hash) else { return Vec::new() };
                let mut rows = vec![Row::Session { hash: *hash, user: *user, expires: *expires }];
                rows.extend(self.person(*user, now));
                rows
            }
            Key::Together(a, b) => {
                let mut calls = self.calls_of.range((*a, CALLS[0])..=(*a, CALLS[1])).rev().map(|(_, call)| &self.calls[call]);
                let newest = calls.find(|row| row.members == [*a, *b] || row.members == [*b, *a]);
                newest.map(|row| Row::Call(Box::new(row.clone()))).into_iter().collect()
            }
        }
    }

    fn person(&self, user: UserId, now: Millis) -> Vec<Row> {
        let Some(person) = self.persons.get(&user) else { return Vec::new() };
        let span = (user, USERS[0])..=(user, USERS[1]);
        let mut rows = vec![Row::Person(Box::new(person.clone()))];
        let cooldowns = self.cooldowns.range(span.clone()).filter(|(_, until)| **until > now);
        let mut pairs: Vec<_> = cooldowns.map(|((a, b), until)| (Pair::of(*a, *b), *until)).collect();
        pairs.sort();
        rows.extend(pairs.into_iter().map(|(pair, until)| Row::Cooldown { pair, until }));
        let both = |by: Vec<(UserId, UserId)>, of: &BTreeSet<(UserId, UserId)>| {
            by.into_iter().chain(of.range(span.clone()).map(|(of, by)| (*by, *of))).collect::<BTreeSet<_>>()
        };
        let blocks = both(self.blocks.range(span.clone()).map(|(key, _)| *key).collect(), &self.blocks_of);
        rows.extend(blocks.into_iter().map(|(by, of)| Row::Block { by, of, at: self.blocks[&(by, of)] }));
        let reports = both(self.reports.range(span.clone()).map(|(key, _)| *key).collect(), &self.reports_of);
        rows.extend(reports.iter().map(|key| Row::Report(Box::new(self.reports[key].clone()))));
        let answers = self.answers.range((user, ClientId(0))..=(user, ClientId(u128::MAX)));
        rows.extend(answers.flat_map(|(_, kept)| kept.values()).map(|row| Row::Answer(Box::new(row.clone()))));
        rows.extend(self.tickets.get(&user).map(|row| Row::Ticket(Box::new(row.clone()))));
        rows.extend(self.in_call.get(&user).map(|call| Row::Call(Box::new(self.calls[call].clone()))));
        rows
    }

    fn history(&self, user: UserId, before: Option<CallId>, limit: u32) -> Vec<Row> {
        let calls = self.calls_of.range((user, CALLS[0])..(user, before.unwrap_or(CALLS[1]))).rev();
        let ended = calls.map(|(_, call)| &self.calls[call]).filter(|row| row.ended.is_some());
        let calls: Vec<HistoryRow> = ended.take(limit as usize + 1).map(|row| self.with_chat(row)).collect();
        let peers = calls.iter().flat_map(|row| row.members).filter(|member| *member != user).collect();
        calls.into_iter().map(|row| Row::Call(Box::new(row))).chain(self.persons_of(peers)).collect()
    }

    fn with_chat(&self, row: &HistoryRow) -> HistoryRow {
        let chat = self.chat.range((row.call, 0)..=(row.call, u32::MAX)).map(|(_, line)| line.clone()).collect();
        HistoryRow { chat, ..row.clone() }
    }

    fn persons_of(&self, users: BTreeSet<UserId>) -> Vec<Row> {
        users.iter().filter_map(|user| self.persons.get(user)).map(|row| Row::Person(Box::new(row.clone()))).collect()
    }

    pub(super) fn all(&self) -> Vec<Row> {
        let mut rows = self.persons_of(self.persons.keys().copied().collect());
        rows.extend(self.sessions.iter().map(|(hash, (user, expires))| Row::Session { hash: *hash, user: *user, expires: *expires }));
        let pairs = self.cooldowns.iter().filter(|((a, b), _)| a < b);
        rows.extend(pairs.map(|((a, b), until)| Row::Cooldown { pair: Pair::of(*a, *b), until: *until }));
        rows.extend(self.blocks.iter().map(|((by, of), at)| Row::Block { by: *by, of: *of, at: *at }));
        rows.extend(self.reports.values().map(|row| Row::Report(Box::new(row.clone()))));
        rows.extend(self.calls.values().map(|row| Row::Call(Box::new(row.clone()))));
        rows.extend(self.chat.iter().map(|((call, index), line)| Row::Chat { call: *call, index: *index, line: line.clone() }));
        rows.extend(self.answers.values().flat_map(|kept| kept.values()).map(|row| Row::Answer(Box::new(row.clone()))));
        rows.extend(self.tickets.values().map(|row| Row::Ticket(Box::new(row.clone()))));
        rows
    }
}
