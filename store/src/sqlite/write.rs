//! Rows into their tables, within the batch's transaction. What a row says is the whole of it, so every write is an upsert by the
//! row's key.

use super::form::{client, done, json, user, whole};
use crate::{ANSWERS_PER_CLIENT, CLIENTS_PER_USER};
use duologue_core::kit::ids::{CallId, ClientId, UserId};
use duologue_core::row::{AnswerRow, HistoryRow, PersonRow, ReportRow, Row, TicketRow};
use rusqlite::{Connection, Params, Result, params};
use std::collections::BTreeSet;

/// Writes all rows in order; answers are trimmed at the end.
pub(super) fn rows(connection: &Connection, rows: &[Row]) -> Result<()> {
    let mut writer = Writer { connection, answering: BTreeSet::new(), newcomers: BTreeSet::new() };
    rows.iter().try_for_each(|row| writer.row(row))?;
    writer.trim()
}

struct Writer<'a> {
    connection: &'a Connection,
    /// Whose answers grew.
    answering: BTreeSet<(UserId, ClientId)>,
    /// Who has a client more.
    newcomers: BTreeSet<UserId>,
}

impl Writer<'_> {
    fn run(&self, sql: &str, values: impl Params) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute(values).map(drop)
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        match row {
            Row::Answer(row) => self.answer(row),
            Row::AnswersGone { user: whose, client: of } => {
                self.run("delete from answer where user = ?1 and client = ?2", (user(*whose), client(*of)))
            }
            Row::Block { by, of, at } => self.run(
                "insert into block (by_user, of_user, at) values (?1, ?2, ?3)
                 on conflict (by_user, of_user) do update set at = excluded.at",
                (user(*by), user(*of), whole(at.0)?),
            ),
            Row::BlockGone { by, of } => self.run("delete from block where by_user = ?1 and of_user = ?2", (user(*by), user(*of))),
            Row::Call(row) => self.call(row),
            Row::CallGone { call } => self.call_gone(*call),
            Row::Chat { call, index, line } => self.run(
                "insert into chat (call, line, sender, text, at) values (?1, ?2, ?3, ?4, ?5)
                 on conflict (call, line) do update set sender = excluded.sender, text = excluded.text, at = excluded.at",
                (whole(call.0)?, index, user(line.from), &line.text, whole(line.at.0)?),
            ),
            Row::Cooldown { pair, until } => self.run(
                "insert into cooldown (low, high, until) values (?1, ?2, ?3)
                 on conflict (low, high) do update set until = excluded.until where excluded.until > until",
                (user(pair.low()), user(pair.high()), whole(until.0)?),
            ),
            Row::Person(row) => self.person(row),
            Row::Report(row) => self.report(row),
            Row::Session { hash, user: whose, expires } => self.run(
                "insert into session (hash, user, expires) values (?1, ?2, ?3)
                 on conflict (hash) do update set user = excluded.user, expires = excluded.expires",
                (hash.0, user(*whose), whole(expires.0)?),
            ),
            Row::SessionGone { hash } => self.run("delete from session where hash = ?1", [hash.0]),
            Row::Ticket(row) => self.ticket(row),
            Row::TicketGone { user: whose } => self.run("delete from ticket where user = ?1", [user(*whose)]),
        }
    }

    fn answer(&mut self, row: &AnswerRow) -> Result<()> {
        if self.answering.insert((row.user, row.client)) {
            let mut known = self.connection.prepare_cached("select 1 from answer where user = ?1 and client = ?2 limit 1")?;
            if !known.exists((user(row.user), client(row.client)))? {
                self.newcomers.insert(row.user);
            }
        }
        self.run(
            "insert into answer (user, client, number, done, at) values (?1, ?2, ?3, ?4, ?5)
             on conflict (user, client, number) do update set done = excluded.done, at = excluded.at",
            (user(row.user), client(row.client), whole(row.number)?, done(&row.done), whole(row.at.0)?),
        )
    }

    fn trim(&self) -> Result<()> {
        for (whose, of) in &self.answering {
            self.run(
                "delete from answer where user = ?1 and client = ?2 and number <=
                 (select number from answer where user = ?1 and client = ?2 order by number desc limit 1 offset ?3)",
                (user(*whose), client(*of), ANSWERS_PER_CLIENT),
            )?;
        }
        for whose in &self.newcomers {
            self.run(
                "delete from answer where user = ?1 and client in
                 (select client from answer where user = ?1 group by client order by max(at) desc, client desc limit -1 offset ?2)",
                (user(*whose), CLIENTS_PER_USER),
            )?;
        }
        Ok(())
    }

    fn call(&self, row: &HistoryRow) -> Result<()> {
        let call = whole(row.call.0)?;
        let [first, second] = row.members.map(user);
        let (ended, why) = match row.ended {
            Some((at, why)) => (Some(whole(at.0)?), Some(why.code())),
            None => (None, None),
        };
        self.run(
            "insert into call (call, first, second, agreed, started, deadline, extensions, epoch, ended, why)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             on conflict (call) do update set first = excluded.first, second = excluded.second, agreed = excluded.agreed,
             started = excluded.started, deadline = excluded.deadline, extensions = excluded.extensions, epoch = excluded.epoch,
             ended = excluded.ended, why = excluded.why",
            params![call, first, second, row.agreed, whole(row.started.0)?, whole(row.deadline.0)?, row.extensions, row.epoch, ended, why],
        )?;
        self.run("delete from in_call where call = ?1", [call])?;
        if row.ended.is_none() {
            for member in [first, second] {
                self.run("insert into in_call (user, call) values (?1, ?2)", (member, call))?;
            }
        }
        Ok(())
    }

    fn call_gone(&self, call: CallId) -> Result<()> {
        let call = whole(call.0)?;
        self.run("delete from in_call where call = ?1", [call])?;
        self.run("delete from chat where call = ?1", [call])?;
        self.run("delete from call where call = ?1", [call])
    }

    fn person(&self, row: &PersonRow) -> Result<()> {
        let PersonRow { user: who, name, gender, selfie, video, tags, created, totals } = row;
        self.run(
            "insert into person (user, name, gender, selfie, video, tags, created, seconds, calls, completed)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             on conflict (user) do update set name = excluded.name, gender = excluded.gender, selfie = excluded.selfie,
             video = excluded.video, tags = excluded.tags, created = excluded.created, seconds = excluded.seconds,
             calls = excluded.calls, completed = excluded.completed",
            params![
                user(*who),
                name,
                gender,
                selfie,
                video,
                json(tags),
                whole(created.0)?,
                whole(totals.seconds)?,
                whole(totals.calls)?,
                whole(totals.completed)?
            ],
        )
    }

    fn report(&self, row: &ReportRow) -> Result<()> {
        let call = row.call.map(|call| whole(call.0)).transpose()?;
        self.run(
            "insert into report (by_user, of_user, reason, call, at) values (?1, ?2, ?3, ?4, ?5)
             on conflict (by_user, of_user) do update set reason = excluded.reason, call = excluded.call, at = excluded.at",
            (user(row.by), user(row.of), &row.reason, call, whole(row.at.0)?),
        )
    }

    fn ticket(&self, row: &TicketRow) -> Result<()> {
        self.run(
            "insert into ticket (user, since, lobby, filter, confirm) values (?1, ?2, ?3, ?4, ?5)
             on conflict (user) do update set since = excluded.since, lobby = excluded.lobby, filter = excluded.filter,
             confirm = excluded.confirm",
            (user(row.user), whole(row.since.0)?, &row.lobby, json(&row.filter), row.confirm),
        )
    }
}
