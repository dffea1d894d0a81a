//! Whose a token is: the session's user, in memory with all of their rows. CON 1; RATE.

use super::{Halt, invite};
use crate::desk::Desk;
use crate::input::Address;
use crate::kit::ids::TokenHash;
use crate::kit::time::{Millis, Span};
use crate::output::Key;
use crate::parts::parked::Found;
use crate::parts::rates::{Action, Whom};
use crate::parts::{Parts, Slot};
use crate::wire::Closing;

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// As a connection is told it.
    Closing(Closing),
    /// RATE: too many wrong ones came from the address.
    Guessing { retry_after: Span },
}

/// The user and the session's end; or why not. `Halt::Load` asks for the rows first.
pub fn user(
    parts: &mut Parts,
    desk: &Desk,
    hash: TokenHash,
    address: Address,
    found: Option<&Found>,
) -> Result<Result<(Slot, Millis), Denied>, Halt> {
    let key = Key::Session(hash);
    let Some(session) = parts.sessions.find(hash) else {
        if found.is_none_or(|found| found.key != key) {
            return Err(Halt::Load(key));
        }
        return Ok(Err(count_wrong(parts, desk, address)));
    };
    if session.expires <= desk.now {
        return Ok(Err(Denied::Closing(Closing::ExpiredToken)));
    }
    match parts.people.complete(session.user) {
        Some(user) => Ok(Ok((user, session.expires))),
        None if found.is_some_and(|found| matches!(found.key, Key::Person(_) | Key::Session(_))) => {
            Ok(Err(Denied::Closing(Closing::AtCapacity)))
        }
        None => Err(Halt::Load(Key::Person(session.user))),
    }
}

/// Wrong tokens are counted by address; whoever guesses too often learns nothing more.
fn count_wrong(parts: &mut Parts, desk: &Desk, address: Address) -> Denied {
    let bad = Denied::Closing(Closing::BadToken);
    if invite::is_exempt(desk, address) {
        return bad;
    }
    match parts.rates.take(Action::SignIn, Whom::Address(address.block()), &desk.rules.rate_sign_in, desk.now) {
        Ok(()) => bad,
        Err(retry_after) => Denied::Guessing { retry_after },
    }
}
