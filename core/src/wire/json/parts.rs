//! How the things that several messages carry look in JSON: cards and their marks, invites, calls, tickets, notices. A card is the
//! same bytes for every viewer. Inside `welcome.state` lobby, window, ticket, pair, call and `peer_link` are `null` where they are not.

use super::write::{Json, Writer};
use crate::wire::{
    CallStarted, CallState, Card, IceServer, InviteState, Marks, Notice, PairState, PeerLink, Place, Rule, State, TicketState, Totals,
    Welcome,
};

impl Json for Card {
    fn json(&self, w: &mut Writer) {
        w.object(|w| card_fields(w, self));
    }
}

pub(super) fn card_fields(w: &mut Writer, card: &Card) {
    w.field("user", &card.user);
    w.unless_empty("name", &card.name);
    w.unless_empty("gender", &card.gender);
    w.unless_empty("selfie", &card.selfie);
    w.unless_empty("video", &card.video);
    w.unless_none("tags", &card.tags);
}

impl Json for Marks {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.optional("cooldown_until", &self.cooldown_until);
            w.optional("introduced_by", &self.introduced_by);
        });
    }
}

/// A card with what it means to the viewer beside its own fields, as in the `ok` of `reel`.
pub(super) fn marked_card(w: &mut Writer, card: &Card, marks: &Marks) {
    w.object(|w| {
        card_fields(w, card);
        if *marks != Marks::default() {
            w.field("marks", marks);
        }
    });
}

/// `[place, card, marks?]`, or `[place]` where it is empty.
impl Json for Place {
    fn json(&self, w: &mut Writer) {
        let (place, content) = self;
        w.list(|w| {
            place.json(w);
            let Some((card, marks)) = content else { return };
            card.json(w);
            if *marks != Marks::default() {
                marks.json(w);
            }
        });
    }
}

impl Json for Totals {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("seconds", &self.seconds);
            w.field("calls", &self.calls);
            w.field("completed", &self.completed);
        });
    }
}

impl Json for Rule {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("rule", &self.rule);
            w.field("passes", &self.passes);
            w.optional("until", &self.until);
        });
    }
}

impl Json for IceServer {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("urls", &self.urls);
            w.optional("username", &self.username);
            w.optional("credential", &self.credential);
        });
    }
}

impl Json for InviteState {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("invite", &self.invite);
            w.field(if self.out { "to" } else { "from" }, &self.card);
            w.field("seconds", &self.seconds);
            w.field("expires", &self.expires);
        });
    }
}

impl Json for TicketState {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.field("since", &self.since);
            w.field("filter", &self.filter);
            w.field("confirm", &self.confirm);
        });
    }
}

impl Json for PairState {
    fn json(&self, w: &mut Writer) {
        w.object(|w| pair_fields(w, self));
    }
}

pub(super) fn pair_fields(w: &mut Writer, pair: &PairState) {
    w.field("pair", &pair.pair);
    w.field("with", &pair.with);
    w.field("seconds", &pair.seconds);
    w.field("expires", &pair.expires);
}

pub(super) fn call_fields(w: &mut Writer, call: &CallStarted) {
    w.field("call", &call.call);
    w.field("peer", &call.peer);
    w.field("seconds", &call.seconds);
    w.field("started", &call.started);
    w.field("deadline", &call.deadline);
    w.field("now", &call.now);
    w.field("initiator", &call.initiator);
    w.field("epoch", &call.epoch);
    w.field("here", &call.here);
}

impl Json for CallState {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            call_fields(w, &self.started);
            w.field("extensions_left", &self.extensions_left);
            w.nullable("peer_link", &self.peer_lost_until.map(|until| PeerLink::Reconnecting { until }));
        });
    }
}

impl Json for PeerLink {
    fn json(&self, w: &mut Writer) {
        w.object(|w| peer_link_fields(w, *self));
    }
}

pub(super) fn peer_link_fields(w: &mut Writer, link: PeerLink) {
    match link {
        PeerLink::Back => w.field("state", "back"),
        PeerLink::Reconnecting { until } => {
            w.field("state", "reconnecting");
            w.field("until", &until);
        }
    }
}

impl Json for Notice {
    fn json(&self, w: &mut Writer) {
        w.object(|w| notice_fields(w, self));
    }
}

pub(super) fn notice_fields(w: &mut Writer, notice: &Notice) {
    w.field("notification", &notice.notification);
    w.field("kind", &notice.kind);
    w.optional("about", &notice.about);
    w.optional("by", &notice.by);
    w.field("at", &notice.at);
}

impl Json for State {
    fn json(&self, w: &mut Writer) {
        w.object(|w| {
            w.nullable("lobby", &self.lobby);
            w.nullable("window", &self.window);
            w.field("invites", &self.invites);
            w.nullable("ticket", &self.ticket);
            w.nullable("pair", &self.pair);
            w.nullable("call", &self.call);
            w.field("unread", &self.unread);
        });
    }
}

pub(super) fn welcome_fields(w: &mut Writer, welcome: &Welcome) {
    w.field("user", &welcome.user);
    w.field("resume", &welcome.resume);
    w.field("recovered", &welcome.recovered);
    w.field("now", &welcome.now);
    w.field("seq", &welcome.seq);
    w.field("last_id", &welcome.last_id);
    w.field("grace_ms", &welcome.grace);
    w.field("media_base", &welcome.media_base);
    w.field("state", &welcome.state);
}
