//! The rows as they were written, kept a second time and never thinned: what once was durable is remembered, so that a message
//! can be held against the rows that it rests on, however late it leaves. Told is durable: no answer, no call, no cooldown is
//! said before its row is written.

use super::{Verdict, law};
use crate::failure::Failure;
use crate::marks::Marks;
use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::output::Reply;
use duologue_core::row::{HistoryRow, Pair, PersonRow, Row};
use duologue_core::rules::Rules;
use duologue_core::wire::{Done, Event, Totals};
use std::collections::{BTreeMap, BTreeSet};

const RELEASED: &str = "law: released is durable";

/// How somebody hides somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hiding {
    Block,
    Report,
}

/// Everything that was ever written.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    /// The epoch of the newest owner: an older one cannot know what was written since.
    pub owner: u32,
    pub persons: BTreeMap<UserId, PersonRow>,
    pub sessions: BTreeMap<TokenHash, UserId>,
    pub cooldowns: BTreeMap<Pair, Millis>,
    /// Who hides whom, by block or by report.
    pub hidden: BTreeSet<(UserId, UserId, Hiding)>,
    /// Pairs of which one ever hid the other, the lower id first.
    pub ever_hidden: BTreeSet<(UserId, UserId)>,
    /// The newest row of each call that is not gone.
    pub calls: BTreeMap<CallId, HistoryRow>,
    started: BTreeSet<CallId>,
    ended: BTreeSet<CallId>,
    deadlines: BTreeMap<CallId, Millis>,
    chat: BTreeSet<(CallId, UserId, Millis)>,
    answers: BTreeSet<(UserId, ClientId, u64)>,
    answering: BTreeSet<(UserId, ClientId)>,
    tickets: BTreeSet<(UserId, Millis)>,
    live: BTreeMap<UserId, CallId>,
}

impl Durable {
    /// A row was written.
    pub(crate) fn apply(&mut self, row: &Row, marks: &mut Marks) -> Verdict {
        match row {
            Row::Answer(row) => {
                self.answers.insert((row.user, row.client, row.number));
                self.answering.insert((row.user, row.client));
            }
            Row::AnswersGone { .. } => {}
            Row::Block { by, of, .. } => {
                self.hidden.insert((*by, *of, Hiding::Block));
                self.ever_hidden.insert((*by.min(of), *by.max(of)));
            }
            Row::BlockGone { by, of } => {
                self.hidden.remove(&(*by, *of, Hiding::Block));
            }
            Row::Call(row) => return self.apply_call(row, marks),
            Row::CallGone { call } => {
                self.ended.insert(*call);
                if let Some(row) = self.calls.remove(call) {
                    self.release_members(&row);
                }
            }
            Row::Chat { call, line, .. } => {
                self.chat.insert((*call, line.from, line.at));
            }
            Row::Cooldown { pair, until } => {
                let kept = self.cooldowns.entry(*pair).or_default();
                *kept = (*kept).max(*until);
            }
            Row::Person(row) => {
                self.persons.insert(row.user, (**row).clone());
            }
            Row::Report(row) => {
                self.hidden.insert((row.by, row.of, Hiding::Report));
                self.ever_hidden.insert((row.by.min(row.of), row.by.max(row.of)));
            }
            Row::Session { hash, user, .. } => {
                self.sessions.insert(*hash, *user);
            }
            Row::SessionGone { hash } => {
                self.sessions.remove(hash);
            }
            Row::Ticket(row) => {
                self.tickets.insert((row.user, row.since));
            }
            Row::TicketGone { .. } => {}
        }
        Ok(())
    }

    /// CALL 10 over the rows, whoever wrote them.
    fn apply_call(&mut self, row: &HistoryRow, marks: &mut Marks) -> Verdict {
        let latest = self.deadlines.entry(row.call).or_default();
        *latest = (*latest).max(row.deadline);
        self.started.insert(row.call);
        if row.ended.is_some() {
            self.ended.insert(row.call);
            self.release_members(row);
        } else {
            for user in row.members {
                let before = self.live.insert(user, row.call);
                law(marks, "law: one call a user", before.is_none_or(|call| call == row.call), || {
                    format!("{user} is in {:?} and in {:?}, by the rows", before, row.call)
                })?;
            }
        }
        self.calls.insert(row.call, row.clone());
        Ok(())
    }

    fn release_members(&mut self, row: &HistoryRow) {
        for user in row.members {
            if self.live.get(&user) == Some(&row.call) {
                self.live.remove(&user);
            }
        }
    }

    /// A numbered event leaves for `user`.
    pub(crate) fn event(&self, user: UserId, event: &Event, chat_is_kept: bool, marks: &mut Marks) -> Verdict {
        match event {
            Event::CallStarted(started) => {
                law(marks, RELEASED, self.started.contains(&started.call), || format!("{:?} was said to {user}, unwritten", started.call))
            }
            Event::CallEnded(ended) => {
                law(marks, RELEASED, self.ended.contains(&ended.call), || {
                    format!("the end of {:?} was said to {user}, unwritten", ended.call)
                })?;
                let pair = self.members(ended.call);
                law(marks, RELEASED, pair.is_none_or(|pair| self.is_cooled(pair, ended.cooldown_until)), || {
                    format!("the cooldown of {:?} until {:?} was said to {user}, unwritten", ended.call, ended.cooldown_until)
                })
            }
            Event::CallExtended { call, deadline, .. } => self.deadline(*call, *deadline, marks),
            Event::Chat { call, from, at, .. } if chat_is_kept => {
                law(marks, RELEASED, self.chat.contains(&(*call, *from, *at)), || format!("a line in {call:?} was said, unwritten"))
            }
            _ => Ok(()),
        }
    }

    /// A command's `ok` leaves.
    pub(crate) fn done(
        &self,
        user: UserId,
        client: Option<ClientId>,
        number: u64,
        done: &Done,
        chat_is_kept: bool,
        marks: &mut Marks,
    ) -> Verdict {
        match done {
            Done::Call { call } => {
                law(marks, RELEASED, self.started.contains(call), || format!("{call:?} was answered to {user}, unwritten"))?;
            }
            Done::Cooled { .. } => {}
            Done::Said { .. } if chat_is_kept => {}
            Done::Waiting { since } => {
                return law(marks, RELEASED, self.tickets.contains(&(user, *since)), || {
                    format!("a ticket of {user} was answered, unwritten")
                });
            }
            _ => return Ok(()),
        }
        let Some(client) = client else { return Ok(()) };
        law(marks, RELEASED, self.answers.contains(&(user, client, number)), || {
            format!("{done:?} was answered to {number} of {user}, and the answer is not written (CON 5)")
        })
    }

    /// The pair's cooldown was told.
    pub(crate) fn cooled(&self, pair: Pair, until: Millis, marks: &mut Marks) -> Verdict {
        law(marks, RELEASED, self.is_cooled(pair, until), || format!("the cooldown of {pair:?} until {until:?} was said, unwritten"))
    }

    /// A reply over HTTP leaves.
    pub(crate) fn reply(&self, reply: &Reply, marks: &mut Marks) -> Verdict {
        let Reply::Guest { user, .. } = reply else { return Ok(()) };
        let is_there = self.persons.contains_key(&user.user) && self.sessions.values().any(|known| *known == user.user);
        law(marks, RELEASED, is_there, || format!("guest {} was told of their account, unwritten", user.user))
    }

    fn deadline(&self, call: CallId, deadline: Millis, marks: &mut Marks) -> Verdict {
        let written = self.deadlines.get(&call).copied().unwrap_or_default();
        law(marks, RELEASED, written >= deadline, || format!("{call:?} was extended to {deadline:?} and only {written:?} is written"))
    }

    fn is_cooled(&self, pair: Pair, until: Millis) -> bool {
        self.cooldowns.get(&pair).is_some_and(|written| *written >= until)
    }

    fn members(&self, call: CallId) -> Option<Pair> {
        self.calls.get(&call).map(|row| Pair::of(row.members[0], row.members[1]))
    }

    /// CALL 8: totals are the sum over the history.
    pub(crate) fn totals(&self, rules: &Rules, marks: &mut Marks) -> Verdict {
        let mut sums: BTreeMap<UserId, Totals> = BTreeMap::new();
        for row in self.calls.values() {
            let Some((ended, _)) = row.ended else { continue };
            let length = ended.since(row.started);
            if length < rules.counted {
                continue;
            }
            for user in row.members {
                let sum = sums.entry(user).or_default();
                sum.seconds += length.as_secs();
                sum.calls += 1;
                sum.completed += u64::from(length >= rules.completed);
            }
        }
        for (user, sum) in sums {
            let Some(person) = self.persons.get(&user) else {
                return Err(Failure::safety("law: totals are the sum", format!("{user} has a history and no row")));
            };
            law(marks, "law: totals are the sum", person.totals == sum, || {
                format!("{user} has {:?}, and their history adds up to {sum:?}", person.totals)
            })?;
        }
        Ok(())
    }

    /// The same rows in the store itself.
    pub(crate) fn compare(&self, rows: &[Row], marks: &mut Marks) -> Verdict {
        for row in rows {
            let holds = match row {
                Row::Call(row) => self.calls.get(&row.call).is_some_and(|kept| kept.ended == row.ended && kept.deadline == row.deadline),
                Row::Cooldown { pair, until } => self.cooldowns.get(pair) == Some(until),
                Row::Person(row) => self.persons.get(&row.user) == Some(row),
                _ => true,
            };
            law(marks, "law: told is durable", holds, || format!("the store has {row:?}, which was never written so"))?;
        }
        let calls = rows.iter().filter(|row| matches!(row, Row::Call(_))).count();
        law(marks, "law: told is durable", calls == self.calls.len(), || {
            format!("{calls} calls are in the store, and {} were written", self.calls.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_core::wire::Why;

    fn call(id: u64, members: [u128; 2]) -> Row {
        Row::Call(Box::new(HistoryRow {
            call: CallId(id),
            members: members.map(UserId),
            agreed: 60,
            started: Millis(1_000),
            deadline: Millis(61_000),
            extensions: 0,
            epoch: 1,
            ended: None,
            chat: Vec::new(),
        }))
    }

    #[test]
    fn what_is_said_before_it_is_written_is_found() {
        let (mut durable, mut marks) = (Durable::default(), Marks::default());
        let extended = Event::CallExtended { call: CallId(1), deadline: Millis(61_000), now: Millis(2_000), extensions_left: 1 };
        let said = |durable: &Durable, marks: &mut Marks| durable.event(UserId(1), &extended, true, marks);
        assert!(said(&durable, &mut marks).is_err());
        assert_eq!(durable.apply(&call(1, [1, 2]), &mut marks), Ok(()));
        assert_eq!(said(&durable, &mut marks), Ok(()));
    }

    #[test]
    fn two_live_calls_of_one_user_are_found_in_the_rows() {
        let (mut durable, mut marks) = (Durable::default(), Marks::default());
        assert_eq!(durable.apply(&call(1, [1, 2]), &mut marks), Ok(()));
        assert!(durable.apply(&call(2, [2, 3]), &mut marks).is_err_and(|failure| failure.law == "law: one call a user"));
    }

    #[test]
    fn totals_that_are_not_the_sum_are_found() {
        let (mut durable, mut marks) = (Durable::default(), Marks::default());
        let Row::Call(mut row) = call(1, [1, 2]) else { unreachable!("a call") };
        row.ended = Some((Millis(41_000), Why::HangUp));
        assert_eq!(durable.apply(&Row::Call(row), &mut marks), Ok(()));
        for (user, seconds) in [(1, 40), (2, 39)] {
            let totals = Totals { seconds, calls: 1, completed: 1 };
            let empty = String::new();
            let row = PersonRow {
                user: UserId(user),
                name: "p".into(),
                gender: empty.clone(),
                selfie: empty.clone(),
                video: empty,
                tags: vec![],
                created: Millis(0),
                totals,
            };
            assert_eq!(durable.apply(&Row::Person(Box::new(row)), &mut marks), Ok(()));
        }
        assert!(durable.totals(&Rules::default(), &mut marks).is_err_and(|failure| failure.what.contains("39")));
    }
}
