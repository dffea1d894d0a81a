//! Reading what the server says, for clients in Rust. More may be added to the protocol at any time, so what is not known harms
//! nothing: unknown fields stay behind, and a message of an unknown type, or with an unknown word in it, still gives what a client
//! must not lose of it: its number, which command it answers, whether to come back.

use super::decode_event::{event, view};
use super::decode_parts::{card, marked_card, rule, server, welcome};
use super::fields::{Fields, Read, parse};
use super::tree::Value;
use crate::kit::ids::{CallId, InviteId};
use crate::kit::time::{Millis, Span};
use crate::wire::{Closing, Done, Reason, ServerMessage};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Why a text is not a message that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotUnderstood {
    /// No message of this protocol at all.
    Malformed,
    /// Of a newer server, or wrong in a field.
    Unknown {
        /// The event's number: it counts as seen.
        seq: Option<u64>,
        /// The command that it answers: it is not open any more.
        re: Option<u64>,
        /// The connection closes; whether to come back.
        reconnect: Option<bool>,
    },
}

/// Reads a message of the server. An `ok` does not say which command it answers: without a field of its own it is `Done::Empty`
/// (also for a signal that was relayed, and for a `redeem` of a code without a count).
///
/// # Errors
/// `Malformed` – no JSON object with a `t`. `Unknown` – a type, a code or a field that is not known here.
pub fn decode_server(text: &[u8]) -> Result<ServerMessage, NotUnderstood> {
    let Some(Value::Object(map)) = parse(text) else { return Err(NotUnderstood::Malformed) };
    let mut f = Fields::new(map, "");
    let Ok(name) = f.borrowed("t") else { return Err(NotUnderstood::Malformed) };
    let seq = f.optional_integer("seq").unwrap_or(None);
    let re = f.optional_integer("re").unwrap_or(None);
    let reconnect = f.take("reconnect").as_ref().and_then(Value::as_bool).filter(|_| name == "closing");
    let unknown = NotUnderstood::Unknown { seq: seq.filter(|_| name != "welcome"), re, reconnect };
    let message = match &*name {
        "closing" => closing(&mut f),
        "no" => number(re).and_then(|re| Ok(ServerMessage::No { re, reason: reason(&mut f)? })),
        "ok" => number(re).and_then(|re| Ok(ServerMessage::Ok { re, done: done(&mut f)? })),
        "pong" => f.at("now").map(|now| ServerMessage::Pong { now }),
        "presence" | "window" | "window_delta" => view(&name, &mut f).map(ServerMessage::View),
        "welcome" => number(seq).and_then(|seq| Ok(ServerMessage::Welcome(Box::new(welcome(seq, &mut f)?)))),
        name => number(seq).and_then(|seq| Ok(ServerMessage::Event { seq, event: event(name, f)? })),
    };
    message.map_err(|_| unknown)
}

fn number(number: Option<u64>) -> Read<u64> {
    number.ok_or(Reason::field("seq", "is missing"))
}

fn closing(f: &mut Fields) -> Read<ServerMessage> {
    let code = f.text("code")?;
    let closing = Closing::from_code(&code).ok_or_else(|| f.wrong("code", "unknown"))?;
    Ok(ServerMessage::Closing { closing, retry_after: f.optional_span("retry_after_ms")?, why: f.optional_text("why")? })
}

fn reason(f: &mut Fields) -> Read<Reason> {
    Ok(match f.text("code")?.as_str() {
        "answered" => Reason::Answered,
        "bad_message" => Reason::BadMessage {
            field: f.optional_text("field")?.map(Cow::Owned),
            why: f.optional_text("why")?.map_or(Cow::Borrowed(""), Cow::Owned),
        },
        "busy" => Reason::Busy,
        "cooldown" => Reason::Cooldown { until: f.at("cooldown_until")? },
        "expired" => Reason::Expired,
        "invalid_duration" => Reason::InvalidDuration,
        "invalid_target" => Reason::InvalidTarget,
        "no_access" => Reason::NoAccess,
        "not_in_lobby" => Reason::NotInLobby,
        "not_member" => Reason::NotMember,
        "not_yours" => Reason::NotYours,
        "offline" => Reason::Offline,
        "rate_limited" => Reason::RateLimited { retry_after: retry_after(f)? },
        "too_large" => Reason::TooLarge,
        "too_many_invites" => Reason::TooManyInvites,
        "unavailable" => Reason::Unavailable { retry_after: retry_after(f)? },
        "unknown_call" => Reason::UnknownCall,
        "unknown_code" => Reason::UnknownCode,
        "unknown_invite" => Reason::UnknownInvite,
        "unknown_user" => Reason::UnknownUser,
        _ => return Err(f.wrong("code", "unknown")),
    })
}

fn retry_after(f: &mut Fields) -> Read<Span> {
    Ok(f.optional_span("retry_after_ms")?.unwrap_or_default())
}

/// By the field that only one answer has; the longer ones first.
fn done(f: &mut Fields) -> Read<Done> {
    if f.has("cards") {
        let mut cards = Vec::new();
        for item in f.objects("cards", "cards.")? {
            let (card, marks) = marked_card(item)?;
            cards.push((Arc::new(card), marks));
        }
        return Ok(Done::Cards { cards, more: f.flag("more")? });
    }
    if f.has("servers") {
        let servers = f.objects("servers", "servers.")?.into_iter().map(server).collect::<Read<_>>()?;
        return Ok(Done::IceServers { servers, expires: f.at("expires")? });
    }
    if f.has("rules") {
        return Ok(Done::Explained { rules: f.objects("rules", "rules.")?.into_iter().map(rule).collect::<Read<_>>()? });
    }
    if f.has("invite") {
        return Ok(Done::Invited { invite: f.integer("invite").map(InviteId)?, expires: f.at("expires")? });
    }
    if f.has("code") {
        return Ok(Done::Code { code: f.text("code")?, expires: f.at("expires")? });
    }
    if f.has("user") {
        return Ok(Done::Profile { user: Arc::new(card(f.object("user", "user.")?)?) });
    }
    if f.has("lobby") {
        return Ok(Done::Joined { lobby: f.text("lobby")? });
    }
    if f.has("epoch") {
        return Ok(Done::Epoch { epoch: f.small("epoch")? });
    }
    if f.has("size") {
        return Ok(Done::Window { size: f.small("size")? });
    }
    if f.has("uses_left") {
        return Ok(Done::Uses { uses_left: f.optional_small("uses_left")? });
    }
    if f.flag("stale")? {
        return Ok(Done::Signal { stale: true });
    }
    Ok(match first_integer(f, ["call", "cooldown_until", "deadline", "expires", "at", "since"])? {
        Some(("call", call)) => Done::Call { call: CallId(call) },
        Some(("cooldown_until", at)) => Done::Cooled { cooldown_until: Millis(at) },
        Some(("deadline", at)) => Done::Deadline { deadline: Millis(at) },
        Some(("expires", at)) => Done::Expires { expires: Millis(at) },
        Some(("at", at)) => Done::Said { at: Millis(at) },
        Some((_, since)) => Done::Waiting { since: Millis(since) },
        None => Done::Empty,
    })
}

fn first_integer<const N: usize>(f: &mut Fields, names: [&'static str; N]) -> Read<Option<(&'static str, u64)>> {
    for name in names {
        if let Some(value) = f.optional_integer(name)? {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}
