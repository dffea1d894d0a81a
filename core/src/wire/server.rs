//! What the server says.

use super::{Candidates, Closing, Description, Filter, Reason};
use crate::kit::ids::{CallId, InviteId, PairId, UserId};
use crate::kit::time::{Millis, Span};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A message of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerMessage {
    /// The connection is over.
    Closing {
        /// Why.
        closing: Closing,
        /// When it is worth coming back.
        retry_after: Option<Span>,
        /// A sentence for developers.
        why: Option<String>,
    },
    /// What must not be missed.
    Event {
        /// 1, 2, 3 … for each connection.
        seq: u64,
        /// What happened.
        event: Event,
    },
    /// A command was refused.
    No {
        /// Its number.
        re: u64,
        /// Why.
        reason: Reason,
    },
    /// A command was done.
    Ok {
        /// Its number.
        re: u64,
        /// With what.
        done: Done,
    },
    /// The server's clock.
    Pong {
        /// Its time.
        now: Millis,
    },
    /// What only matters in its newest form.
    View(View),
    /// The answer to `hello`.
    Welcome(Box<Welcome>),
}

/// The part of a profile that others see; the same for every viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Who.
    pub user: UserId,
    /// 1..40 characters; empty only for an erased person.
    pub name: CardText,
    /// One of the operator's genders, or empty.
    pub gender: CardText,
    /// A reference, or empty.
    pub selfie: CardText,
    /// A reference, or empty.
    pub video: CardText,
    /// At most 8.
    pub tags: Vec<String>,
}

/// A text of a card.
pub type CardText = String;

/// What a card means to one viewer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Under cooldown until then (LOB 4).
    pub cooldown_until: Option<Millis>,
    /// Who introduced them to the viewer.
    pub introduced_by: Option<String>,
}

/// What a call added up to, for oneself. Always the sum over one's history (CALL 8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Talked, in seconds.
    pub seconds: u64,
    /// Calls of at least the counted length.
    pub calls: u64,
    /// Calls of at least the completed length.
    pub completed: u64,
}

/// What a command's `ok` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// `accept`, and `invite` that crossed another.
    Call {
        /// The new call.
        call: CallId,
    },
    /// `reel`.
    Cards {
        /// Drawn.
        cards: Vec<(Arc<Card>, Marks)>,
        /// Whether there are unseen ones.
        more: bool,
    },
    /// `introduce`.
    Code {
        /// The code.
        code: String,
        /// Its end.
        expires: Millis,
    },
    /// `decline`, `rescind`.
    Cooled {
        /// Until then the two cannot invite each other.
        cooldown_until: Millis,
    },
    /// `extend_call`: the end as it is now.
    Deadline {
        /// The end.
        deadline: Millis,
    },
    /// Nothing to add.
    Empty,
    /// `renegotiate`.
    Epoch {
        /// The new one.
        epoch: u32,
    },
    /// `extend_invite`.
    Expires {
        /// The ring's new end.
        expires: Millis,
    },
    /// `explain`.
    Explained {
        /// Every rule between the two.
        rules: Vec<Rule>,
    },
    /// `ice_servers`: the engine counts and gives `expires`, the gateway's configuration the rest (SIG 6).
    IceServers {
        /// As `RTCIceServer`; the gateway puts them in.
        servers: Vec<IceServer>,
        /// Of the credentials.
        expires: Millis,
    },
    /// `invite`.
    Invited {
        /// The ring.
        invite: InviteId,
        /// Its end.
        expires: Millis,
    },
    /// `join`.
    Joined {
        /// Its name.
        lobby: String,
    },
    /// `profile`.
    Profile {
        /// Own card.
        user: Arc<Card>,
    },
    /// `chat`.
    Said {
        /// On the server's clock.
        at: Millis,
    },
    /// A signal.
    Signal {
        /// It was of another epoch and not relayed.
        stale: bool,
    },
    /// `redeem`.
    Uses {
        /// What is left of the code.
        uses_left: Option<u32>,
    },
    /// `pair`.
    Waiting {
        /// Since when.
        since: Millis,
    },
    /// `window`; a `window` view follows.
    Window {
        /// As opened.
        size: u32,
    },
}

/// The answer to a command.
pub type Answer = Result<Done, Reason>;

/// One rule between two people, and whether it lets them meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub rule: String,
    /// Whether it is no obstacle now.
    pub passes: bool,
    /// When it will pass by itself.
    pub until: Option<Millis>,
}

/// A STUN or TURN server, as RTCIceServer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:` or `turn:` URLs.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: Option<String>,
    /// For TURN.
    pub credential: Option<String>,
}

/// The answer to `hello`: who one is and how everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Own card.
    pub user: Arc<Card>,
    /// Resume token; made by the gateway.
    pub resume: String,
    /// Whether the missed events follow.
    pub recovered: bool,
    /// The server's time.
    pub now: Millis,
    /// The newest event number, or the client's own if recovered.
    pub seq: u64,
    /// The highest command number seen of this client.
    pub last_id: u64,
    /// The grace in milliseconds.
    pub grace: Span,
    /// What references are resolved against.
    pub media_base: String,
    /// Everything that is the case.
    pub state: State,
}

/// Everything that is the case for a user, complete at every welcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Joined lobby.
    pub lobby: Option<String>,
    /// How many places this connection's window has; none where it has none, or after a restart.
    pub window: Option<u32>,
    /// In and out.
    pub invites: Vec<InviteState>,
    /// The wish to be paired.
    pub ticket: Option<TicketState>,
    /// A pair to confirm.
    pub pair: Option<PairState>,
    /// The live call.
    pub call: Option<CallState>,
    /// How many notifications are unread.
    pub unread: u32,
}

/// An open invite as its two sides see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteState {
    /// Which.
    pub invite: InviteId,
    /// True where one is the caller; `card` is then the callee.
    pub out: bool,
    /// The other one.
    pub card: Arc<Card>,
    /// The caller's length.
    pub seconds: u32,
    /// The ring's end.
    pub expires: Millis,
}

/// A ticket as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketState {
    /// Waiting since.
    pub since: Millis,
    /// Whom.
    pub filter: Filter,
    /// Whether both are asked.
    pub confirm: bool,
}

/// A pair that waits for confirmations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairState {
    /// Which.
    pub pair: PairId,
    /// The other one.
    pub with: Arc<Card>,
    /// The call's length.
    pub seconds: u32,
    /// When it ends by itself.
    pub expires: Millis,
}

/// A call that has started, as one connection of a member sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStarted {
    /// Which.
    pub call: CallId,
    /// The other member.
    pub peer: Arc<Card>,
    /// In seconds, as agreed at first; extensions move `deadline` only (CALL 2).
    pub seconds: u32,
    /// Start.
    pub started: Millis,
    /// The end that holds.
    pub deadline: Millis,
    /// The server's time when it was said.
    pub now: Millis,
    /// Makes the offer (SIG 3).
    pub initiator: bool,
    /// Of the signaling (SIG 1).
    pub epoch: u32,
    /// This connection is the seat (CALL 11).
    pub here: bool,
}

/// A live call in `welcome.state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallState {
    /// As `call_started`.
    pub started: CallStarted,
    /// How often it may be extended.
    pub extensions_left: u32,
    /// Until when the other one may come back, if they are lost.
    pub peer_lost_until: Option<Millis>,
}

/// A call that has ended, as a member sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnded {
    /// Which.
    pub call: CallId,
    /// Why.
    pub why: Why,
    /// Its real length in seconds, rounded down.
    pub seconds: u64,
    /// Until when the two do not meet again (CALL 7).
    pub cooldown_until: Millis,
    /// Own.
    pub totals: Totals,
}

/// The other member's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerLink {
    /// There again.
    Back,
    /// Lost; the call ends then.
    Reconnecting {
        /// When.
        until: Millis,
    },
}

/// Why an invite, a pair, a call or a place in the lobby ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Why {
    /// The callee accepted.
    Accepted,
    /// Another device of the callee answered.
    AnsweredElsewhere,
    /// Two rings in a row unanswered (INV 10).
    Away,
    /// By ban.
    Banned,
    /// Told to the one who blocked or reported.
    Blocked,
    /// One of the two got into another call.
    Busy,
    /// The callee is gone.
    CalleeLost,
    /// The caller is gone.
    CallerLost,
    /// The call's time is over.
    Deadline,
    /// The callee said no.
    Declined,
    /// The ring's time is over.
    Expired,
    /// Either member.
    HangUp,
    /// The operator.
    Operator,
    /// The other member did not come back in the grace.
    PeerLost,
    /// The other one said no to the pair.
    Refused,
    /// The caller took it back.
    Rescinded,
    /// The server.
    Shutdown,
    /// Not confirmed in time.
    Timeout,
}

impl Why {
    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Why::Accepted => "accepted",
            Why::AnsweredElsewhere => "answered_elsewhere",
            Why::Away => "away",
            Why::Banned => "banned",
            Why::Blocked => "blocked",
            Why::Busy => "busy",
            Why::CalleeLost => "callee_lost",
            Why::CallerLost => "caller_lost",
            Why::Deadline => "deadline",
            Why::Declined => "declined",
            Why::Expired => "expired",
            Why::HangUp => "hang_up",
            Why::Operator => "operator",
            Why::PeerLost => "peer_lost",
            Why::Refused => "refused",
            Why::Rescinded => "rescinded",
            Why::Shutdown => "shutdown",
            Why::Timeout => "timeout",
        }
    }

    /// The reason of this word.
    pub fn from_code(code: &str) -> Option<Why> {
        Why::ALL.into_iter().find(|why| why.code() == code)
    }

    /// Every reason there is.
    pub const ALL: [Why; 18] = [
        Why::Accepted,
        Why::AnsweredElsewhere,
        Why::Away,
        Why::Banned,
        Why::Blocked,
        Why::Busy,
        Why::CalleeLost,
        Why::CallerLost,
        Why::Deadline,
        Why::Declined,
        Why::Expired,
        Why::HangUp,
        Why::Operator,
        Why::PeerLost,
        Why::Refused,
        Why::Rescinded,
        Why::Shutdown,
        Why::Timeout,
    ];
}

/// An unread notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its id.
    pub notification: u64,
    /// `introduced`, `report_decided`, `access_unlocked`.
    pub kind: String,
    /// Whom it is about.
    pub about: Option<Arc<Card>>,
    /// Whose doing.
    pub by: Option<String>,
    /// When.
    pub at: Millis,
}

/// What must not be missed: numbered by the link, kept and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The call is over (CALL 6): to all connections of both.
    CallEnded(Box<CallEnded>),
    /// Both agreed to more time (CALL 2): to all connections of both.
    CallExtended {
        /// Which.
        call: CallId,
        /// The new end.
        deadline: Millis,
        /// The server's time.
        now: Millis,
        /// How often it may be extended.
        extensions_left: u32,
    },
    /// Another connection of this user took the seat (CALL 11): to the one that lost it.
    CallMoved {
        /// Which.
        call: CallId,
    },
    /// A call has begun, or goes on here after `rejoin` (CALL 1, 11): to all connections of both. It comes before everything else
    /// of the call.
    CallStarted(Box<CallStarted>),
    /// Relayed from the peer.
    Candidates(Box<Candidates>),
    /// A line of chat (CALL 4): to all connections of both but the one that sent it.
    Chat {
        /// Where.
        call: CallId,
        /// Whose.
        from: UserId,
        /// Cleaned.
        text: String,
        /// On the server's clock.
        at: Millis,
    },
    /// Relayed from the peer.
    Description(Box<Description>),
    /// The other one would like more time (CALL 2): to all connections of the one who is asked.
    ExtendAsked {
        /// Which.
        call: CallId,
        /// By how much.
        seconds: u32,
        /// How long the question stands.
        until: Millis,
    },
    /// A ring is over (INV 3 to 10): once to each connection of both, but for the one whose command ended it.
    InviteEnded {
        /// Which.
        invite: InviteId,
        /// Why.
        why: Why,
        /// Where the end sets one.
        cooldown_until: Option<Millis>,
    },
    /// A ring goes on longer (INV 3): to all connections of the callee.
    InviteExtended {
        /// Which.
        invite: InviteId,
        /// The new end.
        expires: Millis,
    },
    /// Out of the lobby, not by oneself (INV 10).
    Left {
        /// Which.
        lobby: String,
        /// Why.
        why: Why,
    },
    /// Something to read (INT 3). Not yet.
    Notified(Box<Notice>),
    /// A pair that waited for confirmations came to nothing (PAIR 4).
    PairEnded {
        /// Which.
        pair: PairId,
        /// Why.
        why: Why,
        /// Whether one is back in the queue.
        waiting: bool,
    },
    /// Somebody was found, and both are asked (PAIR 4): to all connections of both.
    Paired(Box<PairState>),
    /// The other member's link is lost, or there again (CALL 6).
    PeerLink {
        /// Which call.
        call: CallId,
        /// How it is.
        state: PeerLink,
    },
    /// Somebody rings (INV 1, 9): to all connections of the callee.
    Rang {
        /// Which.
        invite: InviteId,
        /// Who.
        from: Arc<Card>,
        /// The caller's length.
        seconds: u32,
        /// The ring's end.
        expires: Millis,
    },
    /// Start the signaling again under this epoch (SIG 1): to seats.
    Renegotiate {
        /// Which.
        call: CallId,
        /// The new one.
        epoch: u32,
    },
    /// Both shared: the other one's contacts (CALL 5).
    Shared {
        /// Where.
        call: CallId,
        /// As given.
        contacts: Vec<(String, String)>,
    },
}

/// One place of a window: its number, and who is there with their marks.
pub type Place = (u8, Option<(Arc<Card>, Marks)>);

/// What a user is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Presence {
    /// In the lobby and free.
    Available,
    /// In a call.
    InCall,
    /// Not connected.
    Offline,
    /// Connected.
    Online,
}

impl Presence {
    /// The word on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Presence::Available => "available",
            Presence::InCall => "in_call",
            Presence::Offline => "offline",
            Presence::Online => "online",
        }
    }

    /// The state of this word.
    pub fn from_code(code: &str) -> Option<Presence> {
        Presence::ALL.into_iter().find(|presence| presence.code() == code)
    }

    /// Every state there is.
    pub const ALL: [Presence; 4] = [Presence::Available, Presence::InCall, Presence::Offline, Presence::Online];
}

/// What only matters in its newest form: not numbered, not replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// What somebody does whom one watches outside a window.
    Presence {
        /// Who.
        user: UserId,
        /// What.
        state: Presence,
    },
    /// A whole window.
    Window {
        /// What this connection was sent, counted; given by the link.
        version: u64,
        /// Of the window.
        size: u32,
        /// Those that are not empty.
        places: Vec<Place>,
        /// All users in the lobby and free.
        available: u32,
    },
    /// Changes of it.
    WindowDelta {
        /// Exactly one more.
        version: u64,
        /// Each place at most once.
        set: Vec<Place>,
        /// Where it changed.
        available: Option<u32>,
    },
}
