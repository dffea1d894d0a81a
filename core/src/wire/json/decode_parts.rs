//! Reading the things that several messages carry: the mirror of `parts`.

use super::decode_client::filter;
use super::fields::{Fields, Read};
use super::tree::Value;
use crate::kit::time::{Millis, Span};
use crate::wire::{
    CallStarted, CallState, Card, IceServer, InviteState, Marks, Notice, PairState, PeerLink, Place, Rule, State, TicketState, Totals,
    Welcome,
};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub(super) fn card(mut f: Fields) -> Read<Card> {
    card_of(&mut f)
}

fn card_of(f: &mut Fields) -> Read<Card> {
    Ok(Card {
        user: f.user("user")?,
        name: text_or_empty(f, "name")?,
        gender: text_or_empty(f, "gender")?,
        selfie: text_or_empty(f, "selfie")?,
        video: text_or_empty(f, "video")?,
        tags: f.texts("tags")?,
    })
}

fn text_or_empty(f: &mut Fields, name: &'static str) -> Read<String> {
    Ok(f.optional_text(name)?.unwrap_or_default())
}

fn marks(mut f: Fields) -> Read<Marks> {
    Ok(Marks { cooldown_until: f.optional_at("cooldown_until")?, introduced_by: f.optional_text("introduced_by")? })
}

pub(super) fn marked_card(mut f: Fields) -> Read<(Card, Marks)> {
    let marks = f.optional_object("marks", "marks.")?.map(marks).transpose()?;
    Ok((card_of(&mut f)?, marks.unwrap_or_default()))
}

/// `[[place, card?, marks?],…]`; what stands behind these is of a later version.
pub(super) fn places(f: &mut Fields, name: &'static str) -> Read<Vec<Place>> {
    let mut places = Vec::new();
    for item in f.list(name)? {
        places.push(place(item).ok_or_else(|| f.wrong(name, "a place is [place, card?, marks?]"))?);
    }
    Ok(places)
}

fn place(item: Value<'_>) -> Option<Place> {
    let Value::Array(items) = item else { return None };
    let mut items = items.into_iter();
    let place = u8::try_from(items.next()?.as_u64()?).ok()?;
    let Some(who) = items.next() else { return Some((place, None)) };
    let Value::Object(map) = who else { return None };
    let card = card(Fields::new(map, "")).ok()?;
    let marks = match items.next() {
        Some(Value::Object(map)) => marks(Fields::new(map, "")).ok()?,
        Some(_) | None => Marks::default(),
    };
    Some((place, Some((Arc::new(card), marks))))
}

pub(super) fn totals(mut f: Fields) -> Read<Totals> {
    Ok(Totals { seconds: f.integer("seconds")?, calls: f.integer("calls")?, completed: f.integer("completed")? })
}

pub(super) fn rule(mut f: Fields) -> Read<Rule> {
    Ok(Rule { rule: f.text("rule")?, passes: f.flag("passes")?, until: f.optional_at("until")? })
}

pub(super) fn server(mut f: Fields) -> Read<IceServer> {
    Ok(IceServer { urls: f.texts("urls")?, username: f.optional_text("username")?, credential: f.optional_text("credential")? })
}

fn invite(mut f: Fields) -> Read<InviteState> {
    let out = f.has("to");
    let who = f.object(if out { "to" } else { "from" }, "from.")?;
    Ok(InviteState { invite: f.invite()?, out, card: Arc::new(card(who)?), seconds: f.small("seconds")?, expires: f.at("expires")? })
}

fn ticket(mut f: Fields) -> Read<TicketState> {
    let filter = f.optional_object("filter", "filter.")?.map(filter).transpose()?.unwrap_or_default();
    Ok(TicketState { since: f.at("since")?, filter, confirm: f.flag("confirm")? })
}

pub(super) fn pair(mut f: Fields) -> Read<PairState> {
    let with = Arc::new(card(f.object("with", "with.")?)?);
    Ok(PairState { pair: f.pair()?, with, seconds: f.small("seconds")?, expires: f.at("expires")? })
}

pub(super) fn started(f: &mut Fields) -> Read<CallStarted> {
    Ok(CallStarted {
        call: f.call()?,
        peer: Arc::new(card(f.object("peer", "peer.")?)?),
        seconds: f.small("seconds")?,
        started: f.at("started")?,
        deadline: f.at("deadline")?,
        now: f.at("now")?,
        initiator: f.flag("initiator")?,
        epoch: f.small("epoch")?,
        here: f.flag("here")?,
    })
}

fn call(mut f: Fields) -> Read<CallState> {
    let lost_until = |mut link: Fields| -> Read<Option<Millis>> {
        Ok(match peer_link(&mut link)? {
            PeerLink::Back => None,
            PeerLink::Reconnecting { until } => Some(until),
        })
    };
    let peer_lost_until = f.optional_object("peer_link", "peer_link.")?.map(lost_until).transpose()?.flatten();
    Ok(CallState { started: started(&mut f)?, extensions_left: f.small("extensions_left")?, peer_lost_until })
}

pub(super) fn peer_link(f: &mut Fields) -> Read<PeerLink> {
    match f.text("state")?.as_str() {
        "back" => Ok(PeerLink::Back),
        "reconnecting" => Ok(PeerLink::Reconnecting { until: f.at("until")? }),
        _ => Err(f.wrong("state", "unknown")),
    }
}

pub(super) fn notice(mut f: Fields) -> Read<Notice> {
    Ok(Notice {
        notification: f.integer("notification")?,
        kind: f.text("kind")?,
        about: f.optional_object("about", "about.")?.map(card).transpose()?.map(Arc::new),
        by: f.optional_text("by")?,
        at: f.at("at")?,
    })
}

fn state(mut f: Fields) -> Read<State> {
    Ok(State {
        lobby: f.optional_text("lobby")?,
        window: f.optional_small("window")?,
        invites: f.objects("invites", "invites.")?.into_iter().map(invite).collect::<Read<_>>()?,
        ticket: f.optional_object("ticket", "ticket.")?.map(ticket).transpose()?,
        pair: f.optional_object("pair", "pair.")?.map(pair).transpose()?,
        call: f.optional_object("call", "call.")?.map(call).transpose()?,
        unread: f.small("unread")?,
    })
}

pub(super) fn welcome(seq: u64, f: &mut Fields) -> Read<Welcome> {
    Ok(Welcome {
        user: Arc::new(card(f.object("user", "user.")?)?),
        resume: f.text("resume")?,
        recovered: f.flag("recovered")?,
        now: f.at("now")?,
        seq,
        last_id: f.integer("last_id")?,
        grace: Span(f.integer("grace_ms")?),
        media_base: text_or_empty(f, "media_base")?,
        state: state(f.object("state", "state.")?)?,
    })
}
