//! The table of messages: every one that a client may say and a server may say, with its fields. The names come from the code: a
//! message that the code has and this table has not does not compile or fails a test, and the other way round.

use super::parts::{
    LOBBY, REFERENCE, call_fields, candidates_fields, closings, contacts, contacts_said, description_fields, pair_fields, peer_link,
    presence, tags, why,
};
use super::schema::*;
use duologue_core::kit::ids::MAX_INTEGER;
use duologue_core::wire::{Done, Event, View, Why};
use serde_json::json;

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its name in the document.
    pub name: String,
    /// `t`.
    pub kind: &'static str,
    /// For people.
    pub words: &'static str,
    /// What it is.
    pub schema: Schema,
}

fn message(name: impl Into<String>, kind: &'static str, words: &'static str, fields: impl IntoIterator<Item = Field>) -> Message {
    let fields = std::iter::once(must("t", only(kind), "")).chain(fields);
    Message { name: name.into(), kind, words, schema: object(fields) }
}

/// A command and what answers it.
#[derive(Clone, Debug)]
pub struct Command {
    /// What is said.
    pub message: Message,
    /// The names of the `ok` that may answer it.
    pub answers: Vec<&'static str>,
}

fn call() -> Field {
    must("call", part("id"), "which")
}

fn invite() -> Field {
    must("invite", part("id"), "which")
}

fn seconds(words: &str) -> Field {
    must("seconds", small(0), words)
}

fn user(words: &str) -> Field {
    must("user", part("user"), words)
}

fn filter(words: &str) -> Field {
    asked("filter", part("filter"), words)
}

/// The fields of a change of one's own card: what is absent stays, `null` clears.
pub(super) fn profile_fields() -> Vec<Field> {
    vec![
        asked("name", text(), "1 to 40 characters; cannot be cleared"),
        asked("gender", text(), "one of the operator's `profile.genders`"),
        asked("selfie", shaped(REFERENCE), "a reference, never a URL"),
        asked("video", shaped(REFERENCE), "a reference, never a URL"),
        asked("tags", tags(8), ""),
    ]
}

fn command(kind: &'static str, answers: &[&'static str], words: &'static str, fields: impl IntoIterator<Item = Field>) -> Command {
    let id = must("id", integer(1, MAX_INTEGER), "counted up by the client; what the answer names as `re` (CON 5)");
    Command { message: message(kind, kind, words, std::iter::once(id).chain(fields)), answers: answers.to_vec() }
}

/// Everything that a client says with a number, in the order of the alphabet.
pub fn commands() -> Vec<Command> {
    let done = asked("done", flag(), "no more will come");
    vec![
        command("accept", &["ok_call"], "Answers a ring with yes (INV 4, 5)", [invite(), seconds("your own length")]),
        command("block", &["ok"], "Hides the two of you from each other (SAFE 4)", [user("whom")]),
        command("candidates", &["ok_signal"], "ICE candidates, as they come (SIG 2)", candidates_fields(done, "candidate", Some(1_024))),
        command("chat", &["ok_said"], "A line of text (CALL 4)", [call(), must("text", text(), "1 to `calls.chat_max` characters")]),
        command("confirm", &["ok"], "Says yes to a pair (PAIR 4)", [must("pair", part("id"), "which")]),
        command("decline", &["ok_cooled"], "The callee says no (INV 8)", [invite()]),
        command("description", &["ok_signal"], "An offer or answer for the peer (SIG 1, 3)", description_fields()),
        command("explain", &["ok_explained"], "Why the two of you would not meet; not served yet", [user("whom")]),
        command("extend_call", &["ok_deadline"], "Asks for more time, or agrees to it (CALL 2)", [call(), seconds("by how much")]),
        command("extend_invite", &["ok_expires"], "Lets it ring longer (INV 3)", [invite()]),
        command("hang_up", &["ok"], "Ends the call (CALL 6)", [call()]),
        command("ice_servers", &["ok_ice_servers"], "STUN and TURN servers for this call (SIG 6)", [call()]),
        command("introduce", &["ok_code"], "Not served yet", [must("target", part("user"), "")]),
        command(
            "invite",
            &["ok_invited", "ok_call"],
            "Rings somebody (INV 1); `call` alone where they were ringing you (INV 7)",
            [must("to", part("user"), "whom"), seconds("how long you would like to talk")],
        ),
        command("join", &["ok_joined"], "Makes you available in a lobby (LOB 1)", [asked("lobby", shaped(LOBBY), "`main` if absent")]),
        command("leave", &["ok"], "Ends your place in the lobby (LOB 1)", []),
        command(
            "pair",
            &["ok_waiting"],
            "Wishes to be paired with somebody who fits (PAIR 1)",
            [filter("whom you would like"), asked("confirm", flag(), "ask both before the call")],
        ),
        command("profile", &["ok_profile"], "Changes your own card: what is absent stays, `null` clears", profile_fields()),
        command("read", &["ok"], "Not served yet", [must("notification", part("id"), "")]),
        command("redeem", &["ok_uses"], "Not served yet", [must("code", text_of(0, 64), "")]),
        command(
            "reel",
            &["ok_cards"],
            "Draws cards at random, nobody twice before everybody came (LOB 5)",
            [
                must("limit", small(1), "how many; more than `window.max` is cut"),
                filter("only those whom it accepts"),
                asked("restart", flag(), "forget what was shown"),
            ],
        ),
        command("rejoin", &["ok"], "Takes the seat of the call to this connection (CALL 11)", [call()]),
        command("renegotiate", &["ok_epoch"], "The seat asks for a new epoch (SIG 1)", [call()]),
        command(
            "report",
            &["ok"],
            "Tells the operator about somebody, and hides the two of you like a block (SAFE 1)",
            [user("whom"), must("reason", text_of(0, 1_000), ""), asked("call", part("id"), "about which")],
        ),
        command("rescind", &["ok_cooled"], "The caller takes a ring back (INV 8)", [invite()]),
        command("share", &["ok"], "Gives contacts; told once both did (CALL 5)", [call(), must("contacts", contacts_said(), "")]),
        command("unblock", &["ok"], "Takes a block back (SAFE 4)", [user("whom")]),
        command("unpair", &["ok"], "Takes the wish to be paired back (PAIR 1)", []),
        command(
            "window",
            &["ok_window"],
            "Opens a live list of cards in numbered places (LOB 2)",
            [asked("size", small(1), "`window.size` if absent; above `window.max` it is cut"), filter("whom to show")],
        ),
        command("window_close", &["ok"], "Closes it", []),
    ]
}

/// What a client says without a number.
pub fn beside_commands() -> Vec<Message> {
    vec![
        message("ack", "ack", "Every event up to `seq` was read: the server may forget it. A hint (CON 4)", [must("seq", large(), "")]),
        message(
            "hello",
            "hello",
            "The first message, within `connections.hello` (CON 10)",
            [
                must("token", text(), "of `POST /v1/guests`"),
                asked("client", part("client"), "whose numbers the commands have (CON 5)"),
                asked("resume", part("resume"), "goes on with an earlier connection (CON 4)"),
                asked("exclusive", flag(), "closes every other connection of the user (CON 8)"),
                asked("sdp", small(0), "the version of compact descriptions that is read (SIG 5)"),
            ],
        ),
        message("ping", "ping", "Answered by `pong`: for measuring the clock", []),
    ]
}

/// The name of the `ok` that carries this.
pub fn ok_name(done: &Done) -> &'static str {
    match done {
        Done::Call { .. } => "ok_call",
        Done::Cards { .. } => "ok_cards",
        Done::Code { .. } => "ok_code",
        Done::Cooled { .. } => "ok_cooled",
        Done::Deadline { .. } => "ok_deadline",
        Done::Empty => "ok",
        Done::Epoch { .. } => "ok_epoch",
        Done::Expires { .. } => "ok_expires",
        Done::Explained { .. } => "ok_explained",
        Done::IceServers { .. } => "ok_ice_servers",
        Done::Invited { .. } => "ok_invited",
        Done::Joined { .. } => "ok_joined",
        Done::Profile { .. } => "ok_profile",
        Done::Said { .. } => "ok_said",
        Done::Signal { .. } => "ok_signal",
        Done::Uses { .. } => "ok_uses",
        Done::Waiting { .. } => "ok_waiting",
        Done::Window { .. } => "ok_window",
    }
}

fn ok(name: &'static str, words: &'static str, fields: impl IntoIterator<Item = Field>) -> Message {
    message(name, "ok", words, std::iter::once(must("re", integer(1, MAX_INTEGER), "the command's `id`")).chain(fields))
}

/// The answers to commands that were done.
pub fn answers() -> Vec<Message> {
    let expires = |words| must("expires", instant(), words);
    vec![
        ok("ok", "Done, nothing to add", []),
        ok("ok_call", "A call has begun", [call()]),
        ok(
            "ok_cards",
            "Drawn cards",
            [
                must("cards", list_of(part("card_with_marks"), None), ""),
                must("more", flag(), "whether there are people who were not shown"),
            ],
        ),
        ok("ok_code", "A code", [must("code", text(), ""), expires("")]),
        ok("ok_cooled", "The two may not meet for a while", [must("cooldown_until", instant(), "")]),
        ok("ok_deadline", "The end of the call that holds", [must("deadline", instant(), "")]),
        ok("ok_epoch", "The new epoch", [must("epoch", small(1), "")]),
        ok("ok_expires", "Until when it rings", [expires("")]),
        ok("ok_explained", "What each rule says", [must("rules", list_of(part("rule"), None), "")]),
        ok(
            "ok_ice_servers",
            "Servers for `RTCPeerConnection`",
            [must("servers", list_of(part("ice_server"), None), ""), expires("of the credentials")],
        ),
        ok("ok_invited", "It rings", [invite(), expires("until when")]),
        ok("ok_joined", "You are available", [must("lobby", text(), "")]),
        ok("ok_profile", "Your own card", [must("user", part("card"), "")]),
        ok("ok_said", "When it was said", [must("at", instant(), "")]),
        ok("ok_signal", "Taken", [may("stale", only(true), "of an epoch that is over: not relayed")]),
        ok("ok_uses", "What is left of the code", [may("uses_left", small(0), "")]),
        ok("ok_waiting", "You wait", [must("since", instant(), "")]),
        ok("ok_window", "It is open, and a view follows", [must("size", small(1), "")]),
    ]
}

/// Codes of `no` that say more than themselves, in `no` and in problems over HTTP; all others carry nothing.
pub(super) fn refusals(of: impl Fn(Vec<Field>) -> Schema) -> Schema {
    let plain = [
        "answered",
        "busy",
        "expired",
        "invalid_duration",
        "invalid_target",
        "no_access",
        "not_in_lobby",
        "not_member",
        "not_yours",
        "offline",
        "too_large",
        "too_many_invites",
        "unknown_call",
        "unknown_code",
        "unknown_invite",
        "unknown_user",
    ];
    let later = || must("retry_after_ms", large(), "when it is worth trying again");
    json!({ "oneOf": [
        of(vec![
            must("code", only("bad_message"), ""),
            may("field", text(), "where it was"),
            may("why", text(), "for developers"),
        ]),
        of(vec![must("code", only("cooldown"), ""), must("cooldown_until", instant(), "")]),
        of(vec![must("code", one_of(&["rate_limited", "unavailable"]), ""), later()]),
        of(vec![must("code", one_of(&plain), "")]),
    ] })
}

/// What the server says that is neither the answer to a command done, nor an event, nor a view.
pub fn beside_events() -> Vec<Message> {
    let no = |fields: Vec<Field>| {
        object([must("t", only("no"), ""), must("re", integer(1, MAX_INTEGER), "the command's `id`")].into_iter().chain(fields))
    };
    vec![
        message(
            "closing",
            "closing",
            "The last message of a connection, which is then closed",
            [
                must("code", closings(), ""),
                must("reconnect", flag(), "whether to come back"),
                may("retry_after_ms", large(), "not before"),
                may("why", text(), "for developers"),
            ],
        ),
        Message { name: "no".into(), kind: "no", words: "The command was refused", schema: refusals(no) },
        message("pong", "pong", "Answers `ping`", [must("now", instant(), "")]),
        message(
            "welcome",
            "welcome",
            "Answers `hello`: everything that is the case",
            [
                must("user", part("card"), "your own"),
                must("resume", text(), "the resume token of this connection (CON 4)"),
                must("recovered", flag(), "whether what was missed follows"),
                must("now", instant(), ""),
                must("seq", large(), "the next event is one more"),
                must("last_id", large(), "the highest command number seen of this client (CON 5)"),
                must("grace_ms", large(), "how long a lost link is hidden (CON 4)"),
                must("media_base", text(), "what references are resolved against"),
                must("state", part("state"), ""),
            ],
        ),
    ]
}

/// `t` of an event.
pub fn event_name(event: &Event) -> &'static str {
    match event {
        Event::CallEnded(_) => "call_ended",
        Event::CallExtended { .. } => "call_extended",
        Event::CallMoved { .. } => "call_moved",
        Event::CallStarted(_) => "call_started",
        Event::Candidates(_) => "candidates_heard",
        Event::Chat { .. } => "chat_heard",
        Event::Description(_) => "description_heard",
        Event::ExtendAsked { .. } => "extend_asked",
        Event::InviteEnded { .. } => "invite_ended",
        Event::InviteExtended { .. } => "invite_extended",
        Event::Left { .. } => "left",
        Event::Notified(_) => "notified",
        Event::PairEnded { .. } => "pair_ended",
        Event::Paired(_) => "paired",
        Event::PeerLink { .. } => "peer_link",
        Event::Rang { .. } => "rang",
        Event::Renegotiate { .. } => "renegotiate_heard",
        Event::Shared { .. } => "shared",
    }
}

fn event(kind: &'static str, words: &'static str, fields: impl IntoIterator<Item = Field>) -> Message {
    event_as(kind, kind, words, fields)
}

/// One whose name is also that of a command.
fn event_as(name: &'static str, kind: &'static str, words: &'static str, fields: impl IntoIterator<Item = Field>) -> Message {
    message(name, kind, words, std::iter::once(seq()).chain(fields))
}

fn seq() -> Field {
    must("seq", integer(1, MAX_INTEGER), "1, 2, 3 … of this connection, over all its resumes (CON 4)")
}

/// What must not be missed.
pub fn events() -> Vec<Message> {
    let until_when = |words| must("expires", instant(), words);
    vec![
        event(
            "call_ended",
            "It is over (CALL 6)",
            [
                call(),
                must("why", why(&[Why::Banned, Why::Blocked, Why::Deadline, Why::HangUp, Why::PeerLost, Why::Shutdown]), ""),
                must("seconds", large(), "its real length, rounded down"),
                must("cooldown_until", instant(), "the two may not meet before (CALL 7)"),
                must("totals", part("totals"), "your own"),
            ],
        ),
        event(
            "call_extended",
            "Both agreed to more time (CALL 2)",
            [call(), must("deadline", instant(), ""), must("now", instant(), ""), must("extensions_left", small(0), "")],
        ),
        event("call_moved", "Another connection of yours took the seat (CALL 11)", [call()]),
        event("call_started", "A call has begun, or goes on here (CALL 1)", call_fields()),
        event_as(
            "candidates_heard",
            "candidates",
            "Candidates of the peer (SIG 2)",
            candidates_fields(may("done", flag(), "no more will come"), "heard_candidate", None),
        ),
        event_as(
            "chat_heard",
            "chat",
            "A line of the call (CALL 4)",
            [call(), must("from", part("user"), ""), must("text", text(), "to be shown as text"), must("at", instant(), "")],
        ),
        event_as("description_heard", "description", "An offer or answer of the peer (SIG 1, 3)", description_fields()),
        event("extend_asked", "The other would like more time (CALL 2)", [call(), seconds("by how much"), must("until", instant(), "")]),
        event(
            "invite_ended",
            "A ring is over (INV 9)",
            [
                invite(),
                must(
                    "why",
                    why(&[
                        Why::Accepted,
                        Why::AnsweredElsewhere,
                        Why::Busy,
                        Why::CalleeLost,
                        Why::CallerLost,
                        Why::Declined,
                        Why::Expired,
                        Why::Rescinded,
                    ]),
                    "",
                ),
                may("cooldown_until", instant(), "where the two may not meet for a while"),
            ],
        ),
        event("invite_extended", "It rings longer (INV 3)", [invite(), until_when("")]),
        event(
            "left",
            "You are out of the lobby without having said so (INV 10)",
            [must("lobby", text(), ""), must("why", why(&[Why::Away, Why::Operator]), "")],
        ),
        event(
            "notified",
            "Not sent yet",
            [
                must("notification", part("id"), ""),
                must("kind", text(), ""),
                may("about", part("card"), ""),
                may("by", text(), ""),
                must("at", instant(), ""),
            ],
        ),
        event(
            "pair_ended",
            "A pair came to nothing (PAIR 4)",
            [
                must("pair", part("id"), ""),
                must("why", why(&[Why::Busy, Why::Refused, Why::Timeout]), ""),
                must("waiting", flag(), "whether you are back in the queue"),
            ],
        ),
        event("paired", "Somebody was found: `confirm` it in time (PAIR 4)", pair_fields()),
        Message {
            name: "peer_link".into(),
            kind: "peer_link",
            words: "Whether the other one's link is lost (CALL 6)",
            schema: peer_link(|| vec![must("t", only("peer_link"), ""), seq(), call()]),
        },
        event(
            "rang",
            "Somebody rings you (INV 1)",
            [invite(), must("from", part("card"), ""), seconds("as they wish"), until_when("until when it rings (INV 3)")],
        ),
        event_as(
            "renegotiate_heard",
            "renegotiate",
            "Start the signalling again under this epoch (SIG 1)",
            [call(), must("epoch", small(1), "")],
        ),
        event("shared", "The other's contacts, now that both shared (CALL 5)", [call(), must("contacts", contacts(), "")]),
    ]
}

/// The name of a view.
pub fn view_name(view: &View) -> &'static str {
    match view {
        View::Presence { .. } => "presence",
        View::Window { .. } => "window_view",
        View::WindowDelta { .. } => "window_delta",
    }
}

/// What only matters in its newest form.
pub fn views() -> Vec<Message> {
    let version = || must("version", large(), "counts what this connection was sent; one more than the last, or there is a gap");
    vec![
        message(
            "presence",
            "presence",
            "What somebody does whom you watch outside a window; not sent yet",
            [user(""), must("state", presence(), "")],
        ),
        message(
            "window_view",
            "window",
            "The whole window (LOB 2)",
            [
                version(),
                must("size", small(0), "how many places it has"),
                must("places", list_of(part("place"), None), "those that are not named are empty"),
                must("available", small(0), "everybody in the lobby and free, yourself included"),
            ],
        ),
        message(
            "window_delta",
            "window_delta",
            "What has changed in the window (LOB 2)",
            [
                version(),
                must("set", list_of(part("place"), None), "each place once, with its whole content"),
                may("available", small(0), "where it changed"),
            ],
        ),
    ]
}
