//! Laws that need no model: what must hold whatever the rules decided. Each names itself and marks that it compared something.
//!
//! - [`durable`]: the rows as written, and whether what is said rests on them;
//! - [`watch`]: one engine, from its inputs and outputs alone;
//! - [`windows`]: what windows show, against who may be shown;
//! - [`ear`]: what one client was told, on the wire;
//! - [`rest`]: what may still be there when everything has healed and come to rest.

pub(crate) mod durable;
pub(crate) mod ear;
pub(crate) mod reels;
pub(crate) mod rest;
pub(crate) mod shadow;
pub(crate) mod watch;
pub(crate) mod windows;

use crate::failure::Failure;
use crate::marks::Marks;

/// What a law says.
pub(crate) type Verdict = Result<(), Failure>;

/// A comparison of a law: counted, and a failure if it does not hold.
pub(crate) fn law(marks: &mut Marks, name: &'static str, holds: bool, what: impl FnOnce() -> String) -> Verdict {
    marks.hit(name, 1);
    if holds { Ok(()) } else { Err(Failure::safety(name, what())) }
}
