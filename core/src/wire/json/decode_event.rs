//! Reading events and views: a line or a few for each, by its name.

use super::decode_client::{candidates, description};
use super::decode_parts::{card, notice, pair, peer_link, places, started, totals};
use super::fields::{Fields, Read};
use crate::wire::{CallEnded, Event, Presence, Reason, View, Why};
use alloc::boxed::Box;
use alloc::sync::Arc;

pub(super) fn event(name: &str, mut f: Fields) -> Read<Event> {
    Ok(match name {
        "call_ended" => Event::CallEnded(Box::new(ended(f)?)),
        "call_extended" => Event::CallExtended {
            call: f.call()?,
            deadline: f.at("deadline")?,
            now: f.at("now")?,
            extensions_left: f.small("extensions_left")?,
        },
        "call_moved" => Event::CallMoved { call: f.call()? },
        "call_started" => Event::CallStarted(Box::new(started(&mut f)?)),
        "candidates" => Event::Candidates(Box::new(candidates(f)?)),
        "chat" => Event::Chat { call: f.call()?, from: f.user("from")?, text: f.text("text")?, at: f.at("at")? },
        "description" => Event::Description(Box::new(description(f)?)),
        "extend_asked" => Event::ExtendAsked { call: f.call()?, seconds: f.small("seconds")?, until: f.at("until")? },
        "invite_ended" => Event::InviteEnded { invite: f.invite()?, why: why(&mut f)?, cooldown_until: f.optional_at("cooldown_until")? },
        "invite_extended" => Event::InviteExtended { invite: f.invite()?, expires: f.at("expires")? },
        "left" => Event::Left { lobby: f.text("lobby")?, why: why(&mut f)? },
        "notified" => Event::Notified(Box::new(notice(f)?)),
        "pair_ended" => Event::PairEnded { pair: f.pair()?, why: why(&mut f)?, waiting: f.flag("waiting")? },
        "paired" => Event::Paired(Box::new(pair(f)?)),
        "peer_link" => Event::PeerLink { call: f.call()?, state: peer_link(&mut f)? },
        "rang" => Event::Rang {
            invite: f.invite()?,
            from: Arc::new(card(f.object("from", "from.")?)?),
            seconds: f.small("seconds")?,
            expires: f.at("expires")?,
        },
        "renegotiate" => Event::Renegotiate { call: f.call()?, epoch: f.small("epoch")? },
        "shared" => Event::Shared { call: f.call()?, contacts: f.entries("contacts")? },
        _ => return Err(Reason::field("t", "unknown")),
    })
}

pub(super) fn view(name: &str, f: &mut Fields) -> Read<View> {
    Ok(match name {
        "presence" => {
            let user = f.user("user")?;
            let code = f.text("state")?;
            let state = Presence::from_code(&code).ok_or_else(|| f.wrong("state", "unknown"))?;
            View::Presence { user, state }
        }
        "window" => View::Window {
            version: f.integer("version")?,
            size: f.small("size")?,
            places: places(f, "places")?,
            available: f.small("available")?,
        },
        _ => View::WindowDelta { version: f.integer("version")?, set: places(f, "set")?, available: f.optional_small("available")? },
    })
}

fn ended(mut f: Fields) -> Read<CallEnded> {
    Ok(CallEnded {
        call: f.call()?,
        why: why(&mut f)?,
        seconds: f.integer("seconds")?,
        cooldown_until: f.at("cooldown_until")?,
        totals: totals(f.object("totals", "totals.")?)?,
    })
}

fn why(f: &mut Fields) -> Read<Why> {
    let code = f.text("why")?;
    Why::from_code(&code).ok_or_else(|| f.wrong("why", "unknown"))
}
