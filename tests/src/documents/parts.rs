//! What several messages and answers carry: cards, calls, instants. Both documents have these parts.

use super::schema::*;
use duologue_core::kit::ids::MAX_INTEGER;
use duologue_core::wire::{Closing, Presence, Why};
use serde_json::{Map, Value, json};

const TAG: &str = "^[a-z0-9:_-]{1,32}$";
/// The name of a lobby.
pub(super) const LOBBY: &str = "^[a-z0-9_-]{1,32}$";
/// What a picture is named by.
pub(super) const REFERENCE: &str = "^[A-Za-z0-9._/-]{1,64}$";

/// Tags, in a filter or on a card.
pub(super) fn tags(most: usize) -> Schema {
    list_of(shaped(TAG), Some(most))
}

/// Texts by their names.
pub(super) fn contacts() -> Schema {
    json!({ "type": "object", "minProperties": 1, "maxProperties": 10, "propertyNames": { "minLength": 1, "maxLength": 32 },
        "additionalProperties": { "type": "string", "maxLength": 256 } })
}

/// The same where it is said: how many and how long is looked at after the call.
pub(super) fn contacts_said() -> Schema {
    json!({ "type": "object", "additionalProperties": { "type": "string" },
        "description": "1 to 10 entries, keys of 1 to 32 characters, values of at most 256; looked at after the call." })
}

/// Why something ended: each use has its own words, of [`Why::ALL`].
pub(super) fn why(whys: &[Why]) -> Schema {
    one_of(&whys.iter().map(|why| why.code()).collect::<Vec<_>>())
}

/// The words of presence.
pub(super) fn presence() -> Schema {
    one_of(&Presence::ALL.map(Presence::code))
}

/// The codes of `closing`.
pub(super) fn closings() -> Schema {
    one_of(&Closing::ALL.map(Closing::code))
}

fn card_fields() -> Vec<Field> {
    vec![
        must("user", part("user"), ""),
        may("name", text(), "1 to 40 characters"),
        may("gender", text(), "one of the operator's `profile.genders`"),
        may("selfie", text(), "a reference, resolved against `media_base`"),
        may("video", text(), "a reference, resolved against `media_base`"),
        may("tags", list_of(text(), None), "at most 8"),
    ]
}

/// How a call stands.
pub(super) fn call_fields() -> Vec<Field> {
    vec![
        must("call", part("id"), ""),
        must("peer", part("card"), "the other one"),
        must("seconds", small(0), "as agreed at first (INV 5)"),
        must("started", instant(), ""),
        must("deadline", instant(), "the end that holds (CALL 1)"),
        must("now", instant(), "for the offset of clocks"),
        must("initiator", flag(), "whether you make the offer"),
        must("epoch", small(1), "of the signalling (SIG 1)"),
        must("here", flag(), "whether this connection is the seat (CALL 11)"),
    ]
}

/// A pair that waits for both.
pub(super) fn pair_fields() -> Vec<Field> {
    vec![
        must("pair", part("id"), ""),
        must("with", part("card"), "who was found"),
        must("seconds", small(0), "how long the call would be"),
        must("expires", instant(), "until when to confirm (PAIR 4)"),
    ]
}

/// Whether the other one is there, behind these fields.
pub(super) fn peer_link(before: impl Fn() -> Vec<Field>) -> Schema {
    let (mut back, mut lost) = (before(), before());
    back.push(must("state", only("back"), "they are there again"));
    lost.push(must("state", only("reconnecting"), "their link is lost (CALL 6)"));
    lost.push(must("until", instant(), "the call ends then unless they are back"));
    json!({ "oneOf": [object(back), object(lost)] })
}

/// Of an offer or answer.
pub(super) fn description_fields() -> Vec<Field> {
    vec![
        must("call", part("id"), ""),
        must("epoch", small(0), "under which epoch of the signalling"),
        must("kind", one_of(&["answer", "offer"]), ""),
        must("sdp", text(), "plain, or compact behind `~1.` where both sides read it (SIG 5)"),
    ]
}

/// Of a batch of candidates.
pub(super) fn candidates_fields(done: Field, candidate: &str, most: Option<usize>) -> Vec<Field> {
    vec![
        must("call", part("id"), ""),
        must("epoch", small(0), "under which epoch of the signalling"),
        must("from", small(0), "the index of the first one, per side and epoch (SIG 2)"),
        must("candidates", list_of(part(candidate), most), ""),
        done,
    ]
}

/// An object whose one field decides between two shapes.
fn invite_state() -> Schema {
    let with = |who| {
        object([
            must("invite", part("id"), ""),
            must(who, part("card"), ""),
            must("seconds", small(0), "as the caller wished"),
            must("expires", instant(), "until when it rings (INV 3)"),
        ])
    };
    json!({ "oneOf": [with("from"), with("to")], "description": "`from`: somebody rings you; `to`: you ring" })
}

/// The parts that messages are made of.
pub(super) fn of_messages() -> Map<String, Value> {
    let mut parts = shared();
    let mut marked = card_fields();
    marked.push(may("marks", part("marks"), ""));
    let mut call = call_fields();
    call.extend([
        must("extensions_left", small(0), "how often it may still be extended (CALL 2)"),
        must("peer_link", nullable(part("peer_link")), "`null` while the other one is there"),
    ]);
    let candidate = |wrap: fn(&'static str, Schema, &str) -> Field| {
        object([
            must("candidate", text(), "as `RTCIceCandidate.candidate`, or compact behind `~1.`"),
            wrap("mid", text_of(0, 256), "`sdpMid`"),
            wrap("line", small(0), "`sdpMLineIndex`"),
        ])
    };
    let place = integer(0, 255);
    let more = [
        ("candidate", candidate(asked)),
        ("heard_candidate", candidate(may)),
        ("card_with_marks", object(marked)),
        ("client", told(shaped("^[0-9a-fA-F]{32}$"), "a page or process: 128 random bits that it draws once")),
        (
            "filter",
            object([
                asked("genders", list_of(text_of(1, 32), Some(8)), "any of these; empty accepts everybody"),
                asked("tags", tags(64), "all of these"),
            ]),
        ),
        ("held_filter", object([may("genders", list_of(text_of(1, 32), Some(8)), "any of these"), may("tags", tags(64), "all of these")])),
        (
            "ice_server",
            object([
                must("urls", list_of(text(), None), "`stun:`, `turn:` or `turns:`"),
                may("username", text(), "an expiry and the user"),
                may("credential", text(), "good for this call only (SIG 6)"),
            ]),
        ),
        ("invite_state", invite_state()),
        (
            "marks",
            told(
                object([
                    may("cooldown_until", instant(), "not to be invited before (CALL 7, INV 8)"),
                    may("introduced_by", text(), "the name of who introduced you"),
                ]),
                "what a card means to you",
            ),
        ),
        ("call_state", object(call)),
        ("pair_state", object(pair_fields())),
        ("peer_link", peer_link(Vec::new)),
        (
            "place",
            json!({ "type": "array", "items": [place, part("card"), part("marks")], "minItems": 1,
                "description": "`[place, card, marks?]`, counted from 0; `[place]` alone is empty" }),
        ),
        (
            "resume",
            object([
                must("token", text(), "of the newest welcome (CON 4)"),
                must("seq", large(), "the highest event that was read"),
                asked("window", large(), "the `version` of the window as last seen"),
            ]),
        ),
        ("rule", object([must("rule", text(), ""), must("passes", flag(), ""), may("until", instant(), "")])),
        (
            "state",
            object([
                must("lobby", nullable(text()), "where you are available"),
                must("window", nullable(small(0)), "how many places your window has"),
                must("invites", list_of(part("invite_state"), None), "every open ring, in and out"),
                must("ticket", nullable(part("ticket_state")), "your wish to be paired"),
                must("pair", nullable(part("pair_state")), "a pair to confirm"),
                must("call", nullable(part("call_state")), ""),
                must("unread", small(0), "notifications"),
            ]),
        ),
        (
            "ticket_state",
            object([
                must("since", instant(), "when the wait began"),
                must("filter", part("held_filter"), ""),
                must("confirm", flag(), "whether both are asked first"),
            ]),
        ),
    ];
    parts.extend(more.map(|(name, schema)| (name.to_string(), schema)));
    parts
}

/// The parts of both documents.
pub(super) fn shared() -> Map<String, Value> {
    let parts = [
        ("card", told(object(card_fields()), "what others see of a person; what is empty is absent")),
        ("id", told(integer(0, MAX_INTEGER), "of a call, invite, pair or notification: never given twice, and no right to anything")),
        ("instant", told(integer(0, MAX_INTEGER), "milliseconds since 1970 on the server's clock")),
        (
            "totals",
            told(
                object([
                    must("seconds", large(), "in all calls of at least `calls.counted`"),
                    must("calls", large(), "of at least `calls.counted`"),
                    must("completed", large(), "of at least `calls.completed`"),
                ]),
                "what all calls add up to (CALL 8)",
            ),
        ),
        (
            "user",
            told(
                shaped("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"),
                "a person: a UUID; either case is read, lower case is written",
            ),
        ),
    ];
    parts.into_iter().map(|(name, schema)| (name.to_string(), schema)).collect()
}
