//! How values stand in columns: ids as big-endian bytes, integers within SQLite's 63 bits, lists as JSON, an answer as a version
//! byte and postcard.

use duologue_core::kit::ids::{CallId, ClientId, TokenHash, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Done, Why};
use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use std::fmt;

/// The form of `Done` that this version writes: postcard of the wire type of protocol 1.
const DONE_FORM: u8 = 1;

/// What is wrong with a value.
#[derive(Debug)]
struct Wrong(&'static str);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl std::error::Error for Wrong {}

/// Into a column of integers.
pub(super) fn whole(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::ToSqlConversionFailure(Box::new(Wrong("an integer beyond 63 bits"))))
}

pub(super) fn user(user: UserId) -> [u8; 16] {
    user.0.to_be_bytes()
}

pub(super) fn client(client: ClientId) -> [u8; 16] {
    client.0.to_be_bytes()
}

pub(super) fn done(done: &Done) -> Vec<u8> {
    let mut bytes = vec![DONE_FORM];
    bytes.extend(postcard::to_allocvec(done).expect("wire types hold nothing that postcard cannot write"));
    bytes
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("lists of texts")
}

fn unreadable(column: usize, kind: Type, why: &'static str) -> Error {
    Error::FromSqlConversionFailure(column, kind, Box::new(Wrong(why)))
}

pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column, Type::Integer, "a negative integer"))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Millis> {
    number(row, column).map(Millis)
}

pub(super) fn call_id(row: &Row<'_>, column: usize) -> Result<CallId> {
    number(row, column).map(CallId)
}

pub(super) fn user_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    row.get::<_, [u8; 16]>(column).map(|bytes| UserId(u128::from_be_bytes(bytes)))
}

pub(super) fn client_id(row: &Row<'_>, column: usize) -> Result<ClientId> {
    row.get::<_, [u8; 16]>(column).map(|bytes| ClientId(u128::from_be_bytes(bytes)))
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> Result<TokenHash> {
    row.get(column).map(TokenHash)
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|_| unreadable(column, Type::Text, "not the JSON that stands here"))
}

pub(super) fn why(row: &Row<'_>, column: usize) -> Result<Why> {
    let code = row.get_ref(column)?.as_str()?;
    let found = Why::ALL.into_iter().find(|why| why.code() == code);
    found.ok_or_else(|| unreadable(column, Type::Text, "an unknown reason"))
}

/// An answer in a form of another version comes back empty: what it carried is lost, but its number stays used (CON 5).
pub(super) fn from_done(row: &Row<'_>, column: usize) -> Result<Done> {
    let bytes = row.get_ref(column)?.as_blob()?;
    let read = match bytes {
        [DONE_FORM, rest @ ..] => postcard::from_bytes(rest).ok(),
        _ => None,
    };
    Ok(read.unwrap_or(Done::Empty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn an_answer_in_a_form_of_another_version_keeps_its_number_used() {
        let connection = Connection::open_in_memory().expect("in memory");
        let read = |bytes: &[u8]| connection.query_row("select ?1", [bytes], |row| from_done(row, 0)).expect("read");
        let said = Done::Joined { lobby: "main".into() };
        assert_eq!(read(&done(&said)), said);
        let mut later = done(&said);
        later[0] = 2;
        assert_eq!(read(&later), Done::Empty);
        assert_eq!(read(&[]), Done::Empty);
        assert_eq!(read(&[1, 255]), Done::Empty);
    }
}
