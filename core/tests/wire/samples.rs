//! One message of every kind, with and without what is optional: what the golden vectors are written from. A new variant does not
//! compile until it is named here, and does not pass until there is a sample of it.

use duologue_core::kit::ids::{CallId, ClientId, InviteId, MAX_INTEGER, PairId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::*;
use std::borrow::Cow;
use std::sync::Arc;

pub const ANN: UserId = UserId(0x0190_0000_0000_7000_8000_0000_0000_000a);
pub const BOB: UserId = UserId(0x0190_0000_0000_7000_8000_0000_0000_000b);
const NOW: Millis = Millis(1_760_000_000_000);
const CALL: CallId = CallId((1 << 32) + 7);
const INVITE: InviteId = InviteId((1 << 32) + 3);
const PAIR: PairId = PairId((1 << 32) + 5);

fn text(text: &str) -> String {
    text.to_owned()
}

pub fn bob() -> Arc<Card> {
    Arc::new(Card {
        user: BOB,
        name: text("Bob"),
        gender: text("male"),
        selfie: text("s/b.jpg"),
        video: text("v/b"),
        tags: vec![text("lang:en")],
    })
}

pub fn bare() -> Arc<Card> {
    Arc::new(Card { user: ANN, name: text("Ann \"é\" \\"), gender: text(""), selfie: text(""), video: text(""), tags: vec![] })
}

fn marks() -> Marks {
    Marks { cooldown_until: Some(NOW), introduced_by: Some(text("Cleo")) }
}

fn filter() -> Filter {
    Filter { genders: vec![text("female"), text("other")], tags: vec![text("lang:en"), text("topic:chess")] }
}

fn contacts() -> Vec<(String, String)> {
    vec![(text("mail"), text("ann@example.org")), (text("tel"), text(""))]
}

fn description(kind: SdpKind) -> Description {
    Description { call: CALL, epoch: 2, kind, sdp: text("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n") }
}

fn candidates() -> Candidates {
    let full = Candidate { candidate: text("candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host"), mid: Some(text("0")), line: Some(0) };
    Candidates {
        call: CALL,
        epoch: 2,
        from: 3,
        candidates: vec![full, Candidate { candidate: text(""), mid: None, line: None }],
        done: true,
    }
}

pub fn commands() -> Vec<(&'static str, Command)> {
    let patch =
        ProfilePatch { name: Patch::Set(text("Ann")), selfie: Patch::Clear, tags: Patch::Set(vec![text("lang:en")]), ..Default::default() };
    vec![
        ("accept", Command::Accept { invite: INVITE, seconds: 300 }),
        ("block", Command::Block { user: BOB }),
        ("candidates", Command::Candidates(candidates())),
        ("candidates_none", Command::Candidates(Candidates { candidates: vec![], done: false, ..candidates() })),
        ("chat", Command::Chat { call: CALL, text: text("hi\n\"<b>\" \u{1f600} \u{1}") }),
        ("confirm", Command::Confirm { pair: PAIR }),
        ("decline", Command::Decline { invite: INVITE }),
        ("description_offer", Command::Description(description(SdpKind::Offer))),
        ("description_answer", Command::Description(description(SdpKind::Answer))),
        ("explain", Command::Explain { user: BOB }),
        ("extend_call", Command::ExtendCall { call: CALL, seconds: 120 }),
        ("extend_invite", Command::ExtendInvite { invite: INVITE }),
        ("hang_up", Command::HangUp { call: CALL }),
        ("ice_servers", Command::IceServers { call: CALL }),
        ("introduce", Command::Introduce { target: BOB }),
        ("invite", Command::Invite { to: BOB, seconds: u32::MAX }),
        ("join", Command::Join { lobby: Some(text("main")) }),
        ("join_default", Command::Join { lobby: None }),
        ("leave", Command::Leave),
        ("pair", Command::Pair { filter: filter(), confirm: true }),
        ("pair_anybody", Command::Pair { filter: Filter::default(), confirm: false }),
        ("profile", Command::Profile(Box::new(patch))),
        ("read", Command::Read { notification: 9 }),
        ("redeem", Command::Redeem { code: text("ABCDEFGH23") }),
        ("reel", Command::Reel { limit: 10, filter: filter(), restart: true }),
        ("rejoin", Command::Rejoin { call: CALL }),
        ("renegotiate", Command::Renegotiate { call: CALL }),
        ("report", Command::Report { user: BOB, reason: text("rude"), call: Some(CALL) }),
        ("report_without_call", Command::Report { user: BOB, reason: text(""), call: None }),
        ("rescind", Command::Rescind { invite: INVITE }),
        ("share", Command::Share { call: CALL, contacts: contacts() }),
        ("unblock", Command::Unblock { user: BOB }),
        ("unpair", Command::Unpair),
        ("window", Command::Window { size: 12, filter: filter() }),
        ("window_default", Command::Window { size: 0, filter: Filter::default() }),
        ("window_close", Command::WindowClose),
    ]
}

pub fn client() -> Vec<(String, ClientMessage)> {
    let bare = Hello { token: text("t0ken"), client: None, resume: None, exclusive: false, sdp: 0 };
    let full = Hello {
        client: Some(ClientId(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)),
        resume: Some(Resume { token: text("r"), seq: 41, window: Some(17) }),
        exclusive: true,
        sdp: 7,
        ..bare.clone()
    };
    let windowless = Hello { resume: Some(Resume { token: text("r"), seq: 0, window: None }), ..bare.clone() };
    let mut all = vec![
        (text("hello"), ClientMessage::Hello(bare)),
        (text("hello_full"), ClientMessage::Hello(full)),
        (text("hello_resume"), ClientMessage::Hello(windowless)),
        (text("ack"), ClientMessage::Ack { seq: 41 }),
        (text("ping"), ClientMessage::Ping),
    ];
    for (i, (name, command)) in commands().into_iter().enumerate() {
        let id = if i == 0 { MAX_INTEGER } else { i as u64 };
        all.push((name.to_owned(), ClientMessage::Command { id, command }));
    }
    all
}

fn call_started() -> CallStarted {
    let (started, deadline) = (NOW, Millis(NOW.0 + 300_000));
    CallStarted { call: CALL, peer: bob(), seconds: 300, started, deadline, now: NOW, initiator: true, epoch: 1, here: true }
}

fn notice() -> Notice {
    Notice { notification: 4, kind: text("introduced"), about: Some(bob()), by: Some(text("Cleo")), at: NOW }
}

fn pair_state() -> PairState {
    PairState { pair: PAIR, with: bob(), seconds: 180, expires: NOW }
}

pub fn events() -> Vec<Event> {
    let totals = Totals { seconds: 754, calls: 3, completed: 2 };
    vec![
        Event::CallEnded(Box::new(CallEnded { call: CALL, why: Why::HangUp, seconds: 61, cooldown_until: NOW, totals })),
        Event::CallExtended { call: CALL, deadline: NOW, now: NOW, extensions_left: 2 },
        Event::CallMoved { call: CALL },
        Event::CallStarted(Box::new(call_started())),
        Event::Candidates(Box::new(candidates())),
        Event::Chat { call: CALL, from: BOB, text: text("hi"), at: NOW },
        Event::Description(Box::new(description(SdpKind::Answer))),
        Event::ExtendAsked { call: CALL, seconds: 120, until: NOW },
        Event::InviteEnded { invite: INVITE, why: Why::Declined, cooldown_until: Some(NOW) },
        Event::InviteEnded { invite: INVITE, why: Why::Accepted, cooldown_until: None },
        Event::InviteExtended { invite: INVITE, expires: NOW },
        Event::Left { lobby: text("main"), why: Why::Away },
        Event::Notified(Box::new(notice())),
        Event::Notified(Box::new(Notice { about: None, by: None, kind: text("access_unlocked"), ..notice() })),
        Event::PairEnded { pair: PAIR, why: Why::Timeout, waiting: false },
        Event::Paired(Box::new(pair_state())),
        Event::PeerLink { call: CALL, state: PeerLink::Reconnecting { until: NOW } },
        Event::PeerLink { call: CALL, state: PeerLink::Back },
        Event::Rang { invite: INVITE, from: bob(), seconds: 300, expires: NOW },
        Event::Renegotiate { call: CALL, epoch: 2 },
        Event::Shared { call: CALL, contacts: contacts() },
    ]
}

pub fn dones() -> Vec<(&'static str, Done)> {
    let turn =
        IceServer { urls: vec![text("turn:t.example:3478")], username: Some(text("1760000060:7")), credential: Some(text("c2VjcmV0")) };
    let stun = IceServer { urls: vec![text("stun:s.example:3478")], username: None, credential: None };
    let cooled = Rule { rule: text("cooldown"), passes: false, until: Some(NOW) };
    vec![
        ("call", Done::Call { call: CALL }),
        ("cards", Done::Cards { cards: vec![(bob(), marks()), (bare(), Marks::default())], more: true }),
        ("cards_none", Done::Cards { cards: vec![], more: false }),
        ("code", Done::Code { code: text("ABCDEFGH23"), expires: NOW }),
        ("cooled", Done::Cooled { cooldown_until: NOW }),
        ("deadline", Done::Deadline { deadline: NOW }),
        ("empty", Done::Empty),
        ("epoch", Done::Epoch { epoch: 2 }),
        ("expires", Done::Expires { expires: NOW }),
        ("explained", Done::Explained { rules: vec![cooled, Rule { rule: text("busy"), passes: true, until: None }] }),
        ("ice_servers", Done::IceServers { servers: vec![stun, turn], expires: NOW }),
        ("invited", Done::Invited { invite: INVITE, expires: NOW }),
        ("joined", Done::Joined { lobby: text("main") }),
        ("profile", Done::Profile { user: bob() }),
        ("said", Done::Said { at: NOW }),
        ("signal", Done::Signal { stale: false }),
        ("signal_stale", Done::Signal { stale: true }),
        ("uses", Done::Uses { uses_left: Some(3) }),
        ("uses_uncounted", Done::Uses { uses_left: None }),
        ("waiting", Done::Waiting { since: NOW }),
        ("window", Done::Window { size: 20 }),
    ]
}

pub fn reasons() -> Vec<Reason> {
    let retry_after = Span::millis(1_500);
    vec![
        Reason::Answered,
        Reason::BadMessage { field: Some(Cow::Borrowed("seconds")), why: Cow::Borrowed("is missing") },
        Reason::BadMessage { field: None, why: Cow::Borrowed("an object") },
        Reason::Busy,
        Reason::Cooldown { until: NOW },
        Reason::Expired,
        Reason::InvalidDuration,
        Reason::InvalidTarget,
        Reason::NoAccess,
        Reason::NotInLobby,
        Reason::NotMember,
        Reason::NotYours,
        Reason::Offline,
        Reason::RateLimited { retry_after },
        Reason::TooLarge,
        Reason::TooManyInvites,
        Reason::Unavailable { retry_after },
        Reason::UnknownCall,
        Reason::UnknownCode,
        Reason::UnknownInvite,
        Reason::UnknownUser,
    ]
}

pub fn full_state() -> State {
    let invite = |out| InviteState { invite: INVITE, out, card: bob(), seconds: 300, expires: NOW };
    State {
        lobby: Some(text("main")),
        window: Some(20),
        invites: vec![invite(true), invite(false)],
        ticket: Some(TicketState { since: NOW, filter: filter(), confirm: true }),
        pair: Some(pair_state()),
        call: Some(CallState { started: CallStarted { here: false, ..call_started() }, extensions_left: 3, peer_lost_until: Some(NOW) }),
        unread: 2,
    }
}

pub fn welcome(state: State) -> ServerMessage {
    ServerMessage::Welcome(Box::new(Welcome {
        user: bare(),
        resume: text("r2"),
        recovered: false,
        now: NOW,
        seq: 0,
        last_id: 12,
        grace: Span::secs(10),
        media_base: text("https://media.example/"),
        state,
    }))
}

pub fn server() -> Vec<(String, ServerMessage)> {
    let mut all = vec![];
    for closing in Closing::ALL {
        all.push((format!("closing_{}", closing.code()), ServerMessage::Closing { closing, retry_after: None, why: None }));
    }
    let why = Some(text("the field seconds"));
    all.push((text("closing_later"), ServerMessage::Closing { closing: Closing::AtCapacity, retry_after: Some(Span::secs(3)), why }));
    for (i, event) in events().into_iter().enumerate() {
        all.push((format!("event_{i}"), ServerMessage::Event { seq: i as u64 + 1, event }));
    }
    for reason in reasons() {
        all.push((format!("no_{}", reason.code()), ServerMessage::No { re: 5, reason }));
    }
    for (name, done) in dones() {
        all.push((format!("ok_{name}"), ServerMessage::Ok { re: 5, done }));
    }
    all.push((text("pong"), ServerMessage::Pong { now: NOW }));
    for state in Presence::ALL {
        all.push((format!("presence_{}", state.code()), ServerMessage::View(View::Presence { user: BOB, state })));
    }
    let places = vec![(0, Some((bob(), Marks::default()))), (7, Some((bare(), marks())))];
    let set = vec![(3, None), (7, Some((bob(), marks())))];
    all.push((text("window"), ServerMessage::View(View::Window { version: 17, size: 20, places, available: 40 })));
    all.push((text("window_empty"), ServerMessage::View(View::Window { version: 1, size: 20, places: vec![], available: 1 })));
    all.push((text("window_delta"), ServerMessage::View(View::WindowDelta { version: 18, set, available: Some(41) })));
    let emptied = View::WindowDelta { version: 19, set: vec![(3, None)], available: None };
    all.push((text("window_delta_emptied"), ServerMessage::View(emptied)));
    all.push((text("welcome"), welcome(State::default())));
    all.push((text("welcome_full"), welcome(full_state())));
    let mut call_only = State { call: full_state().call, ..State::default() };
    call_only.call.as_mut().expect("a call").peer_lost_until = None;
    all.push((text("welcome_in_call"), welcome(call_only)));
    all
}

/// What kind a message is; without a wildcard, so that a new variant must be named.
fn command_kind(command: &Command) -> u32 {
    match command {
        Command::Accept { .. } => 0,
        Command::Block { .. } => 1,
        Command::Candidates(_) => 2,
        Command::Chat { .. } => 3,
        Command::Confirm { .. } => 4,
        Command::Decline { .. } => 5,
        Command::Description(_) => 6,
        Command::Explain { .. } => 7,
        Command::ExtendCall { .. } => 8,
        Command::ExtendInvite { .. } => 9,
        Command::HangUp { .. } => 10,
        Command::IceServers { .. } => 11,
        Command::Introduce { .. } => 12,
        Command::Invite { .. } => 13,
        Command::Join { .. } => 14,
        Command::Leave => 15,
        Command::Pair { .. } => 16,
        Command::Profile(_) => 17,
        Command::Read { .. } => 18,
        Command::Redeem { .. } => 19,
        Command::Reel { .. } => 20,
        Command::Rejoin { .. } => 21,
        Command::Renegotiate { .. } => 22,
        Command::Report { .. } => 23,
        Command::Rescind { .. } => 24,
        Command::Share { .. } => 25,
        Command::Unblock { .. } => 26,
        Command::Unpair => 27,
        Command::Window { .. } => 28,
        Command::WindowClose => 29,
    }
}

fn event_kind(event: &Event) -> u32 {
    match event {
        Event::CallEnded(_) => 0,
        Event::CallExtended { .. } => 1,
        Event::CallMoved { .. } => 2,
        Event::CallStarted(_) => 3,
        Event::Candidates(_) => 4,
        Event::Chat { .. } => 5,
        Event::Description(_) => 6,
        Event::ExtendAsked { .. } => 7,
        Event::InviteEnded { .. } => 8,
        Event::InviteExtended { .. } => 9,
        Event::Left { .. } => 10,
        Event::Notified(_) => 11,
        Event::PairEnded { .. } => 12,
        Event::Paired(_) => 13,
        Event::PeerLink { .. } => 14,
        Event::Rang { .. } => 15,
        Event::Renegotiate { .. } => 16,
        Event::Shared { .. } => 17,
    }
}

fn done_kind(done: &Done) -> u32 {
    match done {
        Done::Call { .. } => 0,
        Done::Cards { .. } => 1,
        Done::Code { .. } => 2,
        Done::Cooled { .. } => 3,
        Done::Deadline { .. } => 4,
        Done::Empty => 5,
        Done::Epoch { .. } => 6,
        Done::Expires { .. } => 7,
        Done::Explained { .. } => 8,
        Done::IceServers { .. } => 9,
        Done::Invited { .. } => 10,
        Done::Joined { .. } => 11,
        Done::Profile { .. } => 12,
        Done::Said { .. } => 13,
        Done::Signal { .. } => 14,
        Done::Uses { .. } => 15,
        Done::Waiting { .. } => 16,
        Done::Window { .. } => 17,
    }
}

/// The kinds seen must be 0, 1, 2 … without a hole; the postcard index of a kind is its place in this order.
fn without_holes(kinds: impl Iterator<Item = u32>, how_many: u32) {
    let seen: std::collections::BTreeSet<u32> = kinds.collect();
    assert_eq!(seen, (0..how_many).collect(), "a sample of every kind");
}

#[test]
fn there_is_a_sample_of_every_kind() {
    without_holes(commands().iter().map(|(_, command)| command_kind(command)), 30);
    without_holes(events().iter().map(event_kind), 18);
    without_holes(dones().iter().map(|(_, done)| done_kind(done)), 18);
    let codes: std::collections::BTreeSet<_> = reasons().iter().map(Reason::code).collect();
    assert_eq!(codes.len(), 20, "a sample of every reason");
}
