//! One file per thing that users do; the only place where parts meet. A flow reads like its rule: check – decide – change – tell.
//! An upper flow calls a lower one, never the other way; a test reads the `use` lines against this list, lowest first.
//!
//! Order: `ring`, `found`, `draw`, `visible`, `memory`, `profile`, `restore`, `call`, `seat`, `talk`, `answer`, `pairing`, `lobby`, `reel`, `window`, `invite`, `session`, `safety`, `attach`, `sweep`, `account`.

pub mod account;
pub mod answer;
pub mod attach;
pub mod call;
pub mod draw;
pub mod found;
pub mod invite;
pub mod lobby;
pub mod memory;
pub mod pairing;
pub mod profile;
pub mod reel;
pub mod restore;
pub mod ring;
pub mod safety;
pub mod seat;
pub mod session;
pub mod sweep;
pub mod talk;
pub mod visible;
pub mod window;

use crate::desk::Desk;
use crate::kit::ids::LinkId;
use crate::kit::time::{Millis, Span};
use crate::output::Key;
use crate::parts::{Parts, Slot};
use crate::row::{Pair, Row};
use crate::wire::{Done, Reason};

/// Why a flow ends without having done anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It needs rows first: the whole input runs again when they are there.
    Load(Key),
    /// Refused.
    No(Reason),
}

impl From<Reason> for Halt {
    fn from(reason: Reason) -> Halt {
        Halt::No(reason)
    }
}

/// What a command of a connection, or the same over HTTP, comes to.
pub type Outcome = Result<Done, Halt>;

/// Who commands, from where. Over HTTP there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Me {
    pub user: Slot,
    pub link: Option<LinkId>,
}

/// The pair of two users in memory.
pub fn pair(parts: &Parts, a: Slot, b: Slot) -> Pair {
    Pair::of(parts.people.id(a), parts.people.id(b))
}

/// Sets a cooldown between the two, counted from `from`; gives the end that holds.
pub fn cool(parts: &mut Parts, desk: &mut Desk, a: Slot, b: Slot, from: Millis, span: Span) -> Millis {
    let pair = pair(parts, a, b);
    let until = parts.cooldowns.extend(pair, from + span);
    desk.record(Row::Cooldown { pair, until });
    desk.remark(a, b);
    until
}

/// Whether there is room for one more pair under cooldown, beside one for each open ring: whatever ends a ring finds its room.
pub fn has_room_to_cool(parts: &Parts) -> bool {
    parts.cooldowns.has_room(parts.invites.count() + 1)
}

/// Whether something that will set a cooldown may begin.
///
/// # Errors
/// `Unavailable` – there is no room for one more pair.
pub fn may_cool(parts: &Parts, desk: &Desk) -> Result<(), Reason> {
    if has_room_to_cool(parts) { Ok(()) } else { Err(Reason::Unavailable { retry_after: desk.rules.sweep }) }
}
