//! Rows out of their tables. A load is one read transaction, so that all of its rows are of one moment.

use super::form::{call_id, client_id, from_done, from_json, hash, number, time, user, user_id, whole, why};
use duologue_core::kit::ids::{CallId, TokenHash, UserId};
use duologue_core::output::Key;
use duologue_core::row::{AnswerRow, ChatLine, HistoryRow, Pair, PersonRow, ReportRow, Row, TicketRow};
use duologue_core::wire::Totals;
use rusqlite::{Connection, OptionalExtension, Params, Result};
use std::collections::BTreeSet;

const CALL: &str = "call, first, second, agreed, started, deadline, extensions, epoch, ended, why";
const PERSON: &str = "user, name, gender, selfie, video, tags, created, seconds, calls, completed";
const TICKET: &str = "user, since, lobby, filter, confirm";

/// The rows of a key.
pub(super) fn load(connection: &mut Connection, key: &Key) -> Result<Vec<Row>> {
    let transaction = connection.transaction()?;
    match key {
        Key::History { user, before, limit } => history(&transaction, *user, *before, *limit),
        Key::Person(user) => person(&transaction, *user),
        Key::Session(hash) => session(&transaction, *hash),
        Key::Together(a, b) => together(&transaction, *a, *b),
    }
}

/// What an engine starts from.
pub(super) fn live(connection: &Connection) -> Result<Vec<Row>> {
    let users = "select user from in_call union select user from ticket";
    let mut rows = all(connection, &format!("select {PERSON} from person where user in ({users}) order by user"), (), read_person)?;
    let calls = format!("select {CALL} from call where call in (select call from in_call) order by call");
    rows.extend(all(connection, &calls, (), |row| read_call(row).map(boxed_call))?);
    rows.extend(all(connection, &format!("select {TICKET} from ticket order by user"), (), read_ticket)?);
    Ok(rows)
}

fn all<T>(connection: &Connection, sql: &str, values: impl Params, read: impl FnMut(&rusqlite::Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(values, read)?.collect()
}

fn session(connection: &Connection, wanted: TokenHash) -> Result<Vec<Row>> {
    let found = connection
        .prepare_cached("select hash, user, expires from session where hash = ?1")?
        .query_row([wanted.0], |row| Ok((hash(row, 0)?, user_id(row, 1)?, time(row, 2)?)))
        .optional()?;
    let Some((hash, user, expires)) = found else { return Ok(Vec::new()) };
    let mut rows = vec![Row::Session { hash, user, expires }];
    rows.extend(person(connection, user)?);
    Ok(rows)
}

fn person(connection: &Connection, who: UserId) -> Result<Vec<Row>> {
    let id = [user(who)];
    let mut rows = all(connection, &format!("select {PERSON} from person where user = ?1"), id, read_person)?;
    if rows.is_empty() {
        return Ok(rows);
    }
    rows.extend(all(
        connection,
        "select low, high, until from cooldown where low = ?1 and until > (select time from realm) union all
         select low, high, until from cooldown where high = ?1 and until > (select time from realm) order by low, high",
        id,
        |row| Ok(Row::Cooldown { pair: Pair::of(user_id(row, 0)?, user_id(row, 1)?), until: time(row, 2)? }),
    )?);
    rows.extend(all(
        connection,
        "select by_user, of_user, at from block where by_user = ?1 union
         select by_user, of_user, at from block where of_user = ?1 order by by_user, of_user",
        id,
        |row| Ok(Row::Block { by: user_id(row, 0)?, of: user_id(row, 1)?, at: time(row, 2)? }),
    )?);
    rows.extend(all(
        connection,
        "select by_user, of_user, reason, call, at from report where by_user = ?1 union
         select by_user, of_user, reason, call, at from report where of_user = ?1 order by by_user, of_user",
        id,
        read_report,
    )?);
    rows.extend(all(
        connection,
        "select user, client, number, done, at from answer where user = ?1 order by client, number",
        id,
        read_answer,
    )?);
    rows.extend(all(connection, &format!("select {TICKET} from ticket where user = ?1"), id, read_ticket)?);
    let call = format!("select {CALL} from call where call = (select call from in_call where user = ?1)");
    rows.extend(all(connection, &call, id, |row| read_call(row).map(boxed_call))?);
    Ok(rows)
}

fn history(connection: &Connection, who: UserId, before: Option<CallId>, limit: u32) -> Result<Vec<Row>> {
    // Each half walks its own index from the newest on; neither reads more than is wanted.
    let half = |member: &str| {
        format!(
            "select * from (select {CALL} from call where {member} = ?1 and call < ?2 and ended is not null order by call desc limit ?3)"
        )
    };
    let sql = format!("{} union all {} order by call desc limit ?3", half("first"), half("second"));
    let before = before.map_or(i64::MAX, |call| i64::try_from(call.0).unwrap_or(i64::MAX));
    let mut calls = all(connection, &sql, (user(who), before, i64::from(limit) + 1), read_call)?;
    for call in &mut calls {
        let lines = "select sender, text, at from chat where call = ?1 order by line";
        call.chat = all(connection, lines, [whole(call.call.0)?], |row| {
            Ok(ChatLine { from: user_id(row, 0)?, text: row.get(1)?, at: time(row, 2)? })
        })?;
    }
    let peers: BTreeSet<UserId> = calls.iter().flat_map(|call| call.members).filter(|member| *member != who).collect();
    let mut rows: Vec<Row> = calls.into_iter().map(boxed_call).collect();
    for peer in peers {
        rows.extend(all(connection, &format!("select {PERSON} from person where user = ?1"), [user(peer)], read_person)?);
    }
    Ok(rows)
}

fn together(connection: &Connection, a: UserId, b: UserId) -> Result<Vec<Row>> {
    let sql = format!(
        "select {CALL} from call where first = ?1 and second = ?2 union all
         select {CALL} from call where first = ?2 and second = ?1 order by call desc limit 1"
    );
    all(connection, &sql, (user(a), user(b)), |row| read_call(row).map(boxed_call))
}

fn read_person(row: &rusqlite::Row<'_>) -> Result<Row> {
    Ok(Row::Person(Box::new(PersonRow {
        user: user_id(row, 0)?,
        name: row.get(1)?,
        gender: row.get(2)?,
        selfie: row.get(3)?,
        video: row.get(4)?,
        tags: from_json(row, 5)?,
        created: time(row, 6)?,
        totals: Totals { seconds: number(row, 7)?, calls: number(row, 8)?, completed: number(row, 9)? },
    })))
}

fn read_call(row: &rusqlite::Row<'_>) -> Result<HistoryRow> {
    Ok(HistoryRow {
        call: call_id(row, 0)?,
        members: [user_id(row, 1)?, user_id(row, 2)?],
        agreed: row.get(3)?,
        started: time(row, 4)?,
        deadline: time(row, 5)?,
        extensions: row.get(6)?,
        epoch: row.get(7)?,
        ended: match row.get::<_, Option<i64>>(8)? {
            Some(_) => Some((time(row, 8)?, why(row, 9)?)),
            None => None,
        },
        chat: Vec::new(),
    })
}

fn boxed_call(call: HistoryRow) -> Row {
    Row::Call(Box::new(call))
}

fn read_report(row: &rusqlite::Row<'_>) -> Result<Row> {
    let call = match row.get::<_, Option<i64>>(3)? {
        Some(_) => Some(call_id(row, 3)?),
        None => None,
    };
    let at = time(row, 4)?;
    Ok(Row::Report(Box::new(ReportRow { by: user_id(row, 0)?, of: user_id(row, 1)?, reason: row.get(2)?, call, at })))
}

fn read_answer(row: &rusqlite::Row<'_>) -> Result<Row> {
    Ok(Row::Answer(Box::new(AnswerRow {
        user: user_id(row, 0)?,
        client: client_id(row, 1)?,
        number: number(row, 2)?,
        done: from_done(row, 3)?,
        at: time(row, 4)?,
    })))
}

fn read_ticket(row: &rusqlite::Row<'_>) -> Result<Row> {
    Ok(Row::Ticket(Box::new(TicketRow {
        user: user_id(row, 0)?,
        since: time(row, 1)?,
        lobby: row.get(2)?,
        filter: from_json(row, 3)?,
        confirm: row.get(4)?,
    })))
}
