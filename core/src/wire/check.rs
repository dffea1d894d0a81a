//! What holds for every message of a client whatever its form: counters that JSON can carry, texts within their maxima, lists
//! within their counts. Types were checked by the reader of the form; ranges that a rule names (seconds, text of a chat line, names)
//! are the engine's, which has a code of its own for them. Both forms go through here, so that neither is a way around the other.

use super::{Candidates, ClientMessage, Command, Filter, Hello, Patch, ProfilePatch, Reason};
use crate::kit::ids::MAX_INTEGER;
use crate::kit::text;
use alloc::string::String;

/// Candidates in one message; the relay's own limit is lower and has its own code.
const CANDIDATES_MAX: usize = 1_024;
/// Genders in a filter.
const GENDERS_MAX: usize = 8;
/// Tags in a filter.
const TAGS_MAX: usize = 64;
/// Tags on a card.
const CARD_TAGS_MAX: usize = 8;
/// Contacts in a share (CALL 5).
const CONTACTS_MAX: usize = 10;
/// Characters of a report's reason.
const REASON_MAX: usize = 1_000;
/// Characters of an access code as typed.
const CODE_MAX: usize = 64;
/// Characters of a gender.
const GENDER_MAX: usize = 32;
/// Characters of an `sdpMid`.
const MID_MAX: usize = 256;

/// Why bytes are not a message of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Whether it is JSON at all (in the binary form: whether it is a message).
    pub is_json: bool,
    /// Whether it says `hello`.
    pub is_hello: bool,
    /// The command's number, where it carries a valid one: then it is answered by `no`, else the connection is closed.
    pub id: Option<u64>,
    /// `bad_message`, with the field and why.
    pub reason: Reason,
}

/// Checks a message that was read.
pub(super) fn check(message: ClientMessage) -> Result<ClientMessage, Malformed> {
    let found = match &message {
        ClientMessage::Ack { .. } | ClientMessage::Ping => Ok(()),
        ClientMessage::Command { id, command: _ } if *id == 0 || *id > MAX_INTEGER => Err(Reason::field("id", "from 1 to 2^53 - 1")),
        ClientMessage::Command { id: _, command } => check_command(command),
        ClientMessage::Hello(hello) => check_hello(hello),
    };
    let Err(reason) = found else { return Ok(message) };
    let id = match &message {
        ClientMessage::Command { id, .. } if (1..=MAX_INTEGER).contains(id) => Some(*id),
        _ => None,
    };
    Err(Malformed { is_json: true, is_hello: matches!(message, ClientMessage::Hello(_)), id, reason })
}

fn check_hello(hello: &Hello) -> Result<(), Reason> {
    let Some(resume) = &hello.resume else { return Ok(()) };
    counter("resume.seq", resume.seq)?;
    counter("resume.window", resume.window.unwrap_or(0))
}

fn check_command(command: &Command) -> Result<(), Reason> {
    match command {
        Command::Leave | Command::Unpair | Command::WindowClose => Ok(()),
        Command::Block { user: _ } | Command::Explain { user: _ } | Command::Unblock { user: _ } => Ok(()),
        Command::Introduce { target: _ } | Command::Invite { to: _, seconds: _ } => Ok(()),
        Command::Accept { invite, seconds: _ } => counter("invite", invite.0),
        Command::Decline { invite } | Command::ExtendInvite { invite } | Command::Rescind { invite } => counter("invite", invite.0),
        Command::Chat { call, text: _ } | Command::ExtendCall { call, seconds: _ } => counter("call", call.0),
        // The ranges of contacts are looked at after the call (CALL 3), by `flows::talk`.
        Command::HangUp { call } | Command::IceServers { call } | Command::Share { call, contacts: _ } => counter("call", call.0),
        Command::Rejoin { call } | Command::Renegotiate { call } => counter("call", call.0),
        Command::Description(description) => counter("call", description.call.0),
        Command::Candidates(candidates) => check_candidates(candidates),
        Command::Confirm { pair } => counter("pair", pair.0),
        Command::Read { notification } => counter("notification", *notification),
        Command::Join { lobby } => within("lobby", "1 to 32 of a-z 0-9 _ -", lobby.as_deref().is_none_or(text::is_lobby)),
        Command::Pair { filter, confirm: _ } | Command::Window { filter, size: _ } => check_filter(filter),
        Command::Reel { filter, limit: _, restart: _ } => check_filter(filter),
        Command::Profile(patch) => check_profile(patch),
        Command::Redeem { code } => within("code", "at most 64 characters", text::length(code) <= CODE_MAX),
        Command::Report { user: _, reason, call } => {
            check_reason(reason)?;
            counter("call", call.map_or(0, |call| call.0))
        }
    }
}

fn check_candidates(candidates: &Candidates) -> Result<(), Reason> {
    counter("call", candidates.call.0)?;
    within("candidates", "too many in one message", candidates.candidates.len() <= CANDIDATES_MAX)?;
    let mid_fits = |mid: &Option<String>| mid.as_deref().is_none_or(|mid| text::length(mid) <= MID_MAX);
    within("candidates.mid", "at most 256 characters", candidates.candidates.iter().all(|c| mid_fits(&c.mid)))
}

fn check_filter(filter: &Filter) -> Result<(), Reason> {
    within("filter.genders", "at most 8", filter.genders.len() <= GENDERS_MAX)?;
    let is_gender = |gender: &String| (1..=GENDER_MAX).contains(&text::length(gender));
    within("filter.genders", "each of 1 to 32 characters", filter.genders.iter().all(is_gender))?;
    within("filter.tags", "at most 64", filter.tags.len() <= TAGS_MAX)?;
    within("filter.tags", "each 1 to 32 of a-z 0-9 : _ -", filter.tags.iter().all(|tag| text::is_tag(tag)))
}

/// SAFE 1: the reporter's words.
///
/// # Errors
/// `bad_message`, which names the field.
pub fn check_reason(reason: &str) -> Result<(), Reason> {
    within("reason", "at most 1000 characters", text::length(reason) <= REASON_MAX)
}

/// CALL 5: what is shared.
///
/// # Errors
/// `bad_message`, which names what is wrong.
pub fn check_contacts(contacts: &[(String, String)]) -> Result<(), Reason> {
    within("contacts", "1 to 10 entries", (1..=CONTACTS_MAX).contains(&contacts.len()))?;
    within("contacts", "keys of 1 to 32 characters", contacts.iter().all(|(key, _)| (1..=32).contains(&text::length(key))))?;
    within("contacts", "values of at most 256 characters", contacts.iter().all(|(_, value)| text::length(value) <= 256))?;
    let is_first = |(i, (key, _)): (usize, &(String, String))| contacts[..i].iter().all(|(earlier, _)| earlier != key);
    within("contacts", "each key once", contacts.iter().enumerate().all(is_first))
}

/// Name and gender are the operator's and the engine's to judge; a reference or tag of a wrong shape is wrong everywhere.
pub(super) fn check_profile(patch: &ProfilePatch) -> Result<(), Reason> {
    const REFERENCE: &str = "1 to 64 of A-Z a-z 0-9 . _ / -";
    within("selfie", REFERENCE, fits(&patch.selfie, |reference| text::is_reference(reference)))?;
    within("video", REFERENCE, fits(&patch.video, |reference| text::is_reference(reference)))?;
    within("tags", "at most 8", fits(&patch.tags, |tags| tags.len() <= CARD_TAGS_MAX))?;
    within("tags", "each 1 to 32 of a-z 0-9 : _ -", fits(&patch.tags, |tags| tags.iter().all(|tag| text::is_tag(tag))))
}

fn fits<T>(patch: &Patch<T>, holds: impl Fn(&T) -> bool) -> bool {
    match patch {
        Patch::Clear | Patch::Keep => true,
        Patch::Set(value) => holds(value),
    }
}

fn counter(field: &'static str, value: u64) -> Result<(), Reason> {
    within(field, "an integer of at most 2^53 - 1", value <= MAX_INTEGER)
}

fn within(field: &'static str, why: &'static str, holds: bool) -> Result<(), Reason> {
    if holds { Ok(()) } else { Err(Reason::field(field, why)) }
}
