//! Writing what the server says. Fields that the contract marks as optional are left out when empty; the others are always there,
//! an empty list as `[]`, so that a reader may rely on them. `seq` is with numbered events and with nothing else.

use super::encode_client::{candidates_fields, description_fields};
use super::parts::{call_fields, marked_card, notice_fields, pair_fields, peer_link_fields, welcome_fields};
use super::write::Writer;
use crate::kit::time::Span;
use crate::wire::{CallEnded, Closing, Done, Event, Reason, ServerMessage, View};
use alloc::vec::Vec;

/// Writes a message of the server.
pub fn encode_server(message: &ServerMessage) -> Vec<u8> {
    let mut w = Writer::new();
    w.object(|w| match message {
        ServerMessage::Closing { closing, retry_after, why } => closing_fields(w, *closing, *retry_after, why.as_deref()),
        ServerMessage::Event { seq, event } => {
            w.field("t", event_name(event));
            w.field("seq", seq);
            event_fields(w, event);
        }
        ServerMessage::No { re, reason } => {
            w.field("t", "no");
            w.field("re", re);
            reason_fields(w, reason);
        }
        ServerMessage::Ok { re, done } => {
            w.field("t", "ok");
            w.field("re", re);
            done_fields(w, done);
        }
        ServerMessage::Pong { now } => {
            w.field("t", "pong");
            w.field("now", now);
        }
        ServerMessage::View(view) => view_fields(w, view),
        ServerMessage::Welcome(welcome) => {
            w.field("t", "welcome");
            welcome_fields(w, welcome);
        }
    });
    w.finish()
}

fn closing_fields(w: &mut Writer, closing: Closing, retry_after: Option<Span>, why: Option<&str>) {
    w.field("t", "closing");
    w.field("code", closing.code());
    w.field("reconnect", &closing.reconnect());
    w.optional("retry_after_ms", &retry_after);
    w.unless_empty("why", why.unwrap_or_default());
}

/// Code and what goes with it, as in `no` and in problems over HTTP.
pub(super) fn reason_fields(w: &mut Writer, reason: &Reason) {
    w.field("code", reason.code());
    match reason {
        Reason::BadMessage { field, why } => {
            w.optional("field", &field.as_deref());
            w.unless_empty("why", why);
        }
        Reason::Cooldown { until } => w.field("cooldown_until", until),
        Reason::RateLimited { retry_after } | Reason::Unavailable { retry_after } => w.field("retry_after_ms", retry_after),
        Reason::Answered | Reason::Busy | Reason::Expired | Reason::InvalidDuration | Reason::InvalidTarget | Reason::NoAccess => {}
        Reason::NotInLobby | Reason::NotMember | Reason::NotYours | Reason::Offline | Reason::TooLarge | Reason::TooManyInvites => {}
        Reason::UnknownCall | Reason::UnknownCode | Reason::UnknownInvite | Reason::UnknownUser => {}
    }
}

fn done_fields(w: &mut Writer, done: &Done) {
    match done {
        Done::Call { call } => w.field("call", call),
        Done::Cards { cards, more } => {
            w.name("cards");
            w.list(|w| cards.iter().for_each(|(card, marks)| marked_card(w, card, marks)));
            w.field("more", more);
        }
        Done::Code { code, expires } => {
            w.field("code", code);
            w.field("expires", expires);
        }
        Done::Cooled { cooldown_until } => w.field("cooldown_until", cooldown_until),
        Done::Deadline { deadline } => w.field("deadline", deadline),
        Done::Empty => {}
        Done::Epoch { epoch } => w.field("epoch", epoch),
        Done::Expires { expires } => w.field("expires", expires),
        Done::Explained { rules } => w.field("rules", rules),
        Done::IceServers { servers, expires } => {
            w.field("servers", servers);
            w.field("expires", expires);
        }
        Done::Invited { invite, expires } => {
            w.field("invite", invite);
            w.field("expires", expires);
        }
        Done::Joined { lobby } => w.field("lobby", lobby),
        Done::Profile { user } => w.field("user", user),
        Done::Said { at } => w.field("at", at),
        Done::Signal { stale } => w.if_true("stale", *stale),
        Done::Uses { uses_left } => w.optional("uses_left", uses_left),
        Done::Waiting { since } => w.field("since", since),
        Done::Window { size } => w.field("size", size),
    }
}

/// The type of an event on the wire.
pub(super) fn event_name(event: &Event) -> &'static str {
    match event {
        Event::CallEnded(_) => "call_ended",
        Event::CallExtended { .. } => "call_extended",
        Event::CallMoved { .. } => "call_moved",
        Event::CallStarted(_) => "call_started",
        Event::Candidates(_) => "candidates",
        Event::Chat { .. } => "chat",
        Event::Description(_) => "description",
        Event::ExtendAsked { .. } => "extend_asked",
        Event::InviteEnded { .. } => "invite_ended",
        Event::InviteExtended { .. } => "invite_extended",
        Event::Left { .. } => "left",
        Event::Notified(_) => "notified",
        Event::PairEnded { .. } => "pair_ended",
        Event::Paired(_) => "paired",
        Event::PeerLink { .. } => "peer_link",
        Event::Rang { .. } => "rang",
        Event::Renegotiate { .. } => "renegotiate",
        Event::Shared { .. } => "shared",
    }
}

fn event_fields(w: &mut Writer, event: &Event) {
    match event {
        Event::CallEnded(ended) => ended_fields(w, ended),
        Event::CallExtended { call, deadline, now, extensions_left } => {
            w.field("call", call);
            w.field("deadline", deadline);
            w.field("now", now);
            w.field("extensions_left", extensions_left);
        }
        Event::CallMoved { call } => w.field("call", call),
        Event::CallStarted(call) => call_fields(w, call),
        Event::Candidates(candidates) => candidates_fields(w, candidates),
        Event::Chat { call, from, text, at } => {
            w.field("call", call);
            w.field("from", from);
            w.field("text", text);
            w.field("at", at);
        }
        Event::Description(description) => description_fields(w, description),
        Event::ExtendAsked { call, seconds, until } => {
            w.field("call", call);
            w.field("seconds", seconds);
            w.field("until", until);
        }
        Event::InviteEnded { invite, why, cooldown_until } => {
            w.field("invite", invite);
            w.field("why", why.code());
            w.optional("cooldown_until", cooldown_until);
        }
        Event::InviteExtended { invite, expires } => {
            w.field("invite", invite);
            w.field("expires", expires);
        }
        Event::Left { lobby, why } => {
            w.field("lobby", lobby);
            w.field("why", why.code());
        }
        Event::Notified(notice) => notice_fields(w, notice),
        Event::PairEnded { pair, why, waiting } => {
            w.field("pair", pair);
            w.field("why", why.code());
            w.field("waiting", waiting);
        }
        Event::Paired(pair) => pair_fields(w, pair),
        Event::PeerLink { call, state } => {
            w.field("call", call);
            peer_link_fields(w, *state);
        }
        Event::Rang { invite, from, seconds, expires } => {
            w.field("invite", invite);
            w.field("from", from);
            w.field("seconds", seconds);
            w.field("expires", expires);
        }
        Event::Renegotiate { call, epoch } => {
            w.field("call", call);
            w.field("epoch", epoch);
        }
        Event::Shared { call, contacts } => {
            w.field("call", call);
            w.entries("contacts", contacts);
        }
    }
}

fn ended_fields(w: &mut Writer, ended: &CallEnded) {
    w.field("call", &ended.call);
    w.field("why", ended.why.code());
    w.field("seconds", &ended.seconds);
    w.field("cooldown_until", &ended.cooldown_until);
    w.field("totals", &ended.totals);
}

fn view_fields(w: &mut Writer, view: &View) {
    match view {
        View::Presence { user, state } => {
            w.field("t", "presence");
            w.field("user", user);
            w.field("state", state.code());
        }
        View::Window { version, size, places, available } => {
            w.field("t", "window");
            w.field("version", version);
            w.field("size", size);
            w.field("places", places);
            w.field("available", available);
        }
        View::WindowDelta { version, set, available } => {
            w.field("t", "window_delta");
            w.field("version", version);
            w.field("set", set);
            w.optional("available", available);
        }
    }
}
