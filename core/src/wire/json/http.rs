//! The bodies that HTTP answers with, from the same parts as the messages, so that a card is a card everywhere. Status codes,
//! headers and whatever the realm does not know (tokens) come from the server.

use super::encode_server::reason_fields;
use super::write::{Json, Writer};
use crate::kit::time::{Millis, Span};
use crate::row::{ChatLine, HistoryRow};
use crate::wire::{Card, Closing, Reason, Totals};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What a user may, as `/v1/me` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access<'a> {
    /// Whether lobby, windows, reel, tickets and invites are open to them.
    pub allowed: bool,
    /// A code of their own, once unlocked (ACC 2).
    pub code: Option<&'a str>,
    /// What is left of it.
    pub uses_left: Option<u32>,
}

impl Json for Access<'_> {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("allowed", &self.allowed);
            w.optional("code", &self.code);
            w.optional("uses_left", &self.uses_left);
        });
    }
}

/// A card alone.
pub fn card(card: &Card) -> Vec<u8> {
    value(card)
}

/// Totals alone.
pub fn totals(totals: &Totals) -> Vec<u8> {
    value(totals)
}

/// The answer to `GET` and `PATCH /v1/me`.
pub fn me(user: &Card, totals: &Totals, access: &Access<'_>, expires: Millis) -> Vec<u8> {
    object(|w| {
        w.field("user", user);
        w.field("totals", totals);
        w.field("access", access);
        w.field("expires", &expires);
    })
}

/// The answer to `POST /v1/guests`.
pub fn guest(user: &Card, token: &str, expires: Millis) -> Vec<u8> {
    object(|w| {
        w.field("user", user);
        w.field("token", token);
        w.field("expires", &expires);
    })
}

/// The answer to `GET /v1/history`: ended calls with the peer's card as it is now, newest first.
pub fn history(calls: &[(HistoryRow, Arc<Card>)], more: bool) -> Vec<u8> {
    object(|w| {
        w.name("calls");
        w.list(|w| calls.iter().for_each(|(call, peer)| w.object(|w| call_fields(w, call, peer))));
        w.field("more", &more);
    })
}

fn call_fields(w: &mut Writer, call: &HistoryRow, peer: &Card) {
    w.field("call", &call.call);
    w.field("peer", peer);
    w.field("started", &call.started);
    if let Some((ended, why)) = call.ended {
        w.field("ended", &ended);
        w.field("seconds", &ended.since(call.started).as_secs());
        w.field("why", why.code());
    }
    w.field("agreed", &call.agreed);
    w.field("chat", &call.chat);
}

impl Json for ChatLine {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("from", &self.from);
            w.field("text", &self.text);
            w.field("at", &self.at);
        });
    }
}

/// A refusal as `application/problem+json` (RFC 9457): `title` is the code in words for people, `code` the one to branch on.
pub fn problem(status: u16, title: &str, reason: &Reason) -> Vec<u8> {
    object(|w| {
        w.field("title", title);
        w.field("status", &u32::from(status));
        reason_fields(w, reason);
    })
}

/// A closed door as `application/problem+json`: `bad_token`, `expired_token`, `banned`, `at_capacity`.
pub fn problem_closing(status: u16, title: &str, closing: Closing, retry_after: Option<Span>) -> Vec<u8> {
    object(|w| {
        w.field("title", title);
        w.field("status", &u32::from(status));
        w.field("code", closing.code());
        w.optional("retry_after_ms", &retry_after);
    })
}

fn value(value: &impl Json) -> Vec<u8> {
    let mut w = Writer::new();
    value.json(&mut w);
    w.finish()
}

fn object(fields: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    w.object(fields);
    w.finish()
}
