//! Reading what clients say. Every command is a line or two: its name, and its fields with their types. What it may hold beyond
//! its types is checked afterwards, for both forms alike. A command that cannot be read still gives its number where it has a
//! valid one, so that it is answered and nothing else happens; nonsense in `ack` is no fault, for an ack is a hint.

use super::fields::{Fields, Read, integer, look_at_surface, parse};
use super::tree::Value;
use crate::wire::check::{self, Malformed};
use crate::wire::{
    Candidate, Candidates, ClientMessage, Command, Description, Filter, Hello, Patch, ProfilePatch, Reason, Resume, SdpKind,
};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads a message of a client.
///
/// # Errors
/// `Malformed` – anything else; `is_json` is false also for JSON that is nested deeper than 16.
pub fn decode_client(text: &[u8]) -> Result<ClientMessage, Malformed> {
    let whole = |is_json, why| Malformed { is_json, is_hello: false, id: None, reason: not_a_message(why) };
    let Some(value) = parse(text) else {
        let (id, is_hello) = look_at_surface(text, number_and_hello).unwrap_or((None, false));
        return Err(Malformed { id, is_hello, ..whole(false, "JSON of at most 16 levels") });
    };
    let (id, is_hello) = number_and_hello(&value);
    let Value::Object(map) = value else { return Err(whole(true, "an object")) };
    let mut fields = Fields::new(map, "");
    let name = fields.optional_borrowed("t");
    let malformed = |reason| Malformed { is_json: true, is_hello, id, reason };
    let Some(name) = name.map_err(malformed)? else { return Err(malformed(fields.wrong("t", "is missing"))) };
    let message = match &*name {
        "ack" => Ok(ClientMessage::Ack { seq: fields.integer("seq").unwrap_or(0) }),
        "hello" => hello(fields).map(ClientMessage::Hello),
        "ping" => Ok(ClientMessage::Ping),
        name => command(name, fields).and_then(|command| {
            let id = id.ok_or(Reason::field("id", "an integer of 1 to 2^53 - 1, without fraction or exponent"))?;
            Ok(ClientMessage::Command { id, command })
        }),
    };
    check::check(message.map_err(malformed)?)
}

/// The number of a command, where it carries a valid one; and whether it is no command but a hello.
fn number_and_hello(message: &Value<'_>) -> (Option<u64>, bool) {
    let is_hello = message.get("t").is_some_and(|name| name.is_text("hello"));
    let id = message.get("id").and_then(integer).filter(|id| *id > 0 && !is_hello);
    (id, is_hello)
}

/// Reads a change of one's own profile, as `PATCH /v1/me` carries it.
///
/// # Errors
/// `Malformed` – `is_json` says whether it is 400 (not JSON) or 422 (a field, named).
pub fn decode_profile(text: &[u8]) -> Result<ProfilePatch, Malformed> {
    let malformed = |is_json, reason| Malformed { is_json, is_hello: false, id: None, reason };
    let value = parse(text).ok_or_else(|| malformed(false, not_a_message("JSON of at most 16 levels")))?;
    let Value::Object(map) = value else { return Err(malformed(true, not_a_message("an object"))) };
    let patch = profile(Fields::new(map, "")).map_err(|reason| malformed(true, reason))?;
    check::check_profile(&patch).map_err(|reason| malformed(true, reason))?;
    Ok(patch)
}

fn not_a_message(why: &'static str) -> Reason {
    Reason::BadMessage { field: None, why: Cow::Borrowed(why) }
}

fn hello(mut f: Fields) -> Read<Hello> {
    Ok(Hello {
        token: f.text("token")?,
        client: f.optional_client("client")?,
        resume: f.optional_object("resume", "resume.")?.map(resume).transpose()?,
        exclusive: f.flag("exclusive")?,
        sdp: f.optional_small("sdp")?.unwrap_or(0),
    })
}

fn resume(mut f: Fields) -> Read<Resume> {
    Ok(Resume { token: f.text("token")?, seq: f.integer("seq")?, window: f.optional_integer("window")? })
}

fn command(name: &str, mut f: Fields) -> Read<Command> {
    Ok(match name {
        "accept" => Command::Accept { invite: f.invite()?, seconds: f.small("seconds")? },
        "block" => Command::Block { user: f.user("user")? },
        "candidates" => Command::Candidates(candidates(f)?),
        "chat" => Command::Chat { call: f.call()?, text: f.text("text")? },
        "confirm" => Command::Confirm { pair: f.pair()? },
        "decline" => Command::Decline { invite: f.invite()? },
        "description" => Command::Description(description(f)?),
        "explain" => Command::Explain { user: f.user("user")? },
        "extend_call" => Command::ExtendCall { call: f.call()?, seconds: f.small("seconds")? },
        "extend_invite" => Command::ExtendInvite { invite: f.invite()? },
        "hang_up" => Command::HangUp { call: f.call()? },
        "ice_servers" => Command::IceServers { call: f.call()? },
        "introduce" => Command::Introduce { target: f.user("target")? },
        "invite" => Command::Invite { to: f.user("to")?, seconds: f.small("seconds")? },
        "join" => Command::Join { lobby: f.optional_text("lobby")? },
        "leave" => Command::Leave,
        "pair" => Command::Pair { filter: optional_filter(&mut f)?, confirm: f.flag("confirm")? },
        "profile" => Command::Profile(Box::new(profile(f)?)),
        "read" => Command::Read { notification: f.integer("notification")? },
        "redeem" => Command::Redeem { code: f.text("code")? },
        "reel" => {
            let limit = f.small("limit").and_then(|limit| positive(limit, "limit"))?;
            Command::Reel { limit, filter: optional_filter(&mut f)?, restart: f.flag("restart")? }
        }
        "rejoin" => Command::Rejoin { call: f.call()? },
        "renegotiate" => Command::Renegotiate { call: f.call()? },
        "report" => {
            let (user, reason) = (f.user("user")?, f.text("reason")?);
            Command::Report { user, reason, call: if f.has("call") { Some(f.call()?) } else { None } }
        }
        "rescind" => Command::Rescind { invite: f.invite()? },
        "share" => Command::Share { call: f.call()?, contacts: f.entries("contacts")? },
        "unblock" => Command::Unblock { user: f.user("user")? },
        "unpair" => Command::Unpair,
        "window" => {
            let size = f.optional_small("size")?.map(|size| positive(size, "size")).transpose()?;
            Command::Window { size: size.unwrap_or(0), filter: optional_filter(&mut f)? }
        }
        "window_close" => Command::WindowClose,
        _ => return Err(Reason::field("t", "no such command")),
    })
}

/// 0 says "absent" in the binary form, so nobody may say it in words.
fn positive(value: u32, field: &'static str) -> Read<u32> {
    if value > 0 { Ok(value) } else { Err(Reason::field(field, "at least 1")) }
}

pub(super) fn description(mut f: Fields) -> Read<Description> {
    let (call, epoch) = (f.call()?, f.small("epoch")?);
    let kind = match f.text("kind")?.as_str() {
        "answer" => SdpKind::Answer,
        "offer" => SdpKind::Offer,
        _ => return Err(f.wrong("kind", "offer or answer")),
    };
    Ok(Description { call, epoch, kind, sdp: f.text("sdp")? })
}

pub(super) fn candidates(mut f: Fields) -> Read<Candidates> {
    let (call, epoch, from) = (f.call()?, f.small("epoch")?, f.small("from")?);
    let mut candidates = Vec::new();
    for item in f.objects("candidates", "candidates.")? {
        candidates.push(candidate(item)?);
    }
    Ok(Candidates { call, epoch, from, candidates, done: f.flag("done")? })
}

fn candidate(mut f: Fields) -> Read<Candidate> {
    Ok(Candidate { candidate: f.text("candidate")?, mid: f.optional_text("mid")?, line: f.optional_small("line")? })
}

fn optional_filter(f: &mut Fields) -> Read<Filter> {
    Ok(f.optional_object("filter", "filter.")?.map(filter).transpose()?.unwrap_or_default())
}

pub(super) fn filter(mut f: Fields) -> Read<Filter> {
    Ok(Filter { genders: f.texts("genders")?, tags: f.texts("tags")? })
}

fn profile(mut f: Fields) -> Read<ProfilePatch> {
    Ok(ProfilePatch {
        name: patch_text(&mut f, "name")?,
        gender: patch_text(&mut f, "gender")?,
        selfie: patch_text(&mut f, "selfie")?,
        video: patch_text(&mut f, "video")?,
        tags: if f.is_null("tags") { Patch::Clear } else { f.optional_texts("tags")?.map_or(Patch::Keep, Patch::Set) },
    })
}

fn patch_text(f: &mut Fields, name: &'static str) -> Read<Patch<String>> {
    Ok(if f.is_null(name) { Patch::Clear } else { f.optional_text(name)?.map_or(Patch::Keep, Patch::Set) })
}
