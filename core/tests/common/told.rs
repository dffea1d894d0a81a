//! What people are told, in a line each: so that a story can say it. Instants are seconds since the story's beginning.

use super::name;
use duologue_core::kit::time::Millis;
use duologue_core::wire::{Card, Event, PeerLink};

/// When every story begins.
pub const BEGIN: Millis = Millis(1_700_000_000_000);

/// An instant in seconds since the beginning.
pub fn at(instant: Millis) -> String {
    let span = instant.since(BEGIN).0;
    if span.is_multiple_of(1_000) { format!("{}", span / 1_000) } else { format!("{}.{:03}", span / 1_000, span % 1_000) }
}

fn who(card: &Card) -> String {
    name(card.user)
}

/// An event in a line.
pub fn told(event: &Event) -> String {
    match event {
        Event::CallEnded(e) => format!("call_ended {} {} s", e.why.code(), e.seconds),
        Event::CallExtended { deadline, extensions_left, .. } => format!("call_extended to {}, {extensions_left} left", at(*deadline)),
        Event::CallMoved { .. } => "call_moved".into(),
        Event::CallStarted(e) => {
            let role = if e.initiator { "offers" } else { "answers" };
            let place = if e.here { "here" } else { "elsewhere" };
            format!("call_started {} {} s, {role}, {place}", who(&e.peer), e.seconds)
        }
        Event::Candidates(_) => "candidates".into(),
        Event::Chat { from, text, .. } => format!("chat {}: {text}", name(*from)),
        Event::Description(_) => "description".into(),
        Event::ExtendAsked { seconds, until, .. } => format!("extend_asked {seconds} s until {}", at(*until)),
        Event::InviteEnded { why, cooldown_until: None, .. } => format!("invite_ended {}", why.code()),
        Event::InviteEnded { why, cooldown_until: Some(until), .. } => format!("invite_ended {}, cooled to {}", why.code(), at(*until)),
        Event::InviteExtended { expires, .. } => format!("invite_extended to {}", at(*expires)),
        Event::Left { lobby, why } => format!("left {lobby} {}", why.code()),
        Event::Notified(notice) => format!("notified {}", notice.kind),
        Event::PairEnded { why, waiting, .. } => format!("pair_ended {}, {}", why.code(), if *waiting { "waiting" } else { "out" }),
        Event::Paired(pair) => format!("paired {} until {}", who(&pair.with), at(pair.expires)),
        Event::PeerLink { state: PeerLink::Back, .. } => "peer_link back".into(),
        Event::PeerLink { state: PeerLink::Reconnecting { until }, .. } => format!("peer_link reconnecting until {}", at(*until)),
        Event::Rang { from, seconds, expires, .. } => format!("rang {} {seconds} s until {}", who(from), at(*expires)),
        Event::Renegotiate { epoch, .. } => format!("renegotiate {epoch}"),
        Event::Shared { contacts, .. } => {
            let contacts: Vec<String> = contacts.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("shared {}", contacts.join(" "))
        }
    }
}
