//! The tables, and how older ones become these. `user_version` says which step of [`STEPS`] a file has reached; each step is
//! a transaction. A step that is released is never changed: a change is a further step.
//!
//! Rowid tables with indexes: they write two to four times faster here than `without rowid`. Ids of users and clients are 16 bytes,
//! big-endian, so that their order is that of the numbers; `lower(hex(user))` shows them.

use rusqlite::{Connection, TransactionBehavior};

/// The schema that this version writes.
pub const VERSION: i64 = STEPS.len() as i64;

const STEPS: [&str; 2] = [STEP_1, STEP_2];

const STEP_1: &str = "
create table realm (
    id integer primary key check (id = 1),
    epoch integer not null,
    position integer not null,
    time integer not null
) strict;
insert into realm values (1, 0, 0, 0);

create table person (
    user blob not null unique check (length(user) = 16),
    name text not null,
    gender text not null,
    selfie text not null,
    video text not null,
    tags text not null, -- JSON
    created integer not null,
    seconds integer not null,
    calls integer not null,
    completed integer not null
) strict;

create table session (
    hash blob not null unique check (length(hash) = 32),
    user blob not null,
    expires integer not null
) strict;

create table cooldown (
    low blob not null,
    high blob not null,
    until integer not null,
    unique (low, high),
    check (low < high)
) strict;
create index cooldown_high on cooldown (high);

create table block (
    by_user blob not null,
    of_user blob not null,
    at integer not null,
    unique (by_user, of_user)
) strict;
create index block_of on block (of_user);

create table report (
    by_user blob not null,
    of_user blob not null,
    reason text not null,
    call integer,
    at integer not null,
    unique (by_user, of_user)
) strict;
create index report_of on report (of_user);

create table call (
    call integer primary key,
    first blob not null,
    second blob not null,
    agreed integer not null,
    started integer not null,
    deadline integer not null,
    extensions integer not null,
    epoch integer not null,
    ended integer,
    why text,
    check ((ended is null) = (why is null))
) strict;
create index call_first on call (first, call);
create index call_second on call (second, call);

-- Nobody is in two live calls (CALL 10).
create table in_call (
    user blob not null unique,
    call integer not null
) strict;
create index in_call_call on in_call (call);

create table chat (
    call integer not null,
    line integer not null,
    sender blob not null,
    text text not null,
    at integer not null,
    unique (call, line)
) strict;

create table answer (
    user blob not null,
    client blob not null,
    number integer not null,
    done blob not null, -- a version byte, then postcard
    at integer not null,
    unique (user, client, number)
) strict;

create table ticket (
    user blob not null unique,
    since integer not null,
    lobby text not null,
    filter text not null, -- JSON
    confirm integer not null
) strict;
";

/// What is over is found without looking at everything.
const STEP_2: &str = "
create index session_expires on session (expires);
create index cooldown_until on cooldown (until);
";

/// Brings the schema up to [`VERSION`]; gives the file's own if that is newer.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    let found: i64 = connection.query_row("pragma user_version", (), |row| row.get(0))?;
    let Some(todo) = usize::try_from(found).ok().and_then(|found| STEPS.get(found..)) else { return Ok(Some(found)) };
    for (step, version) in todo.iter().zip(found + 1..) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(None)
}
