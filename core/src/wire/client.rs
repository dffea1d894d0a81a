//! What clients say.

use crate::kit::ids::{CallId, ClientId, InviteId, PairId, UserId};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientMessage {
    /// Opens a connection.
    Hello(Hello),
    /// A command with its client's own number, from 1.
    Command {
        /// The number.
        id: u64,
        /// What is wanted.
        command: Command,
    },
    /// Everything up to this `seq` was seen; a hint.
    Ack {
        /// The newest number seen.
        seq: u64,
    },
    /// Measures the clock.
    Ping,
}

/// The first message of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The session's token, as it was given.
    pub token: String,
    /// The page or process.
    pub client: Option<ClientId>,
    /// The connection to go on with.
    pub resume: Option<Resume>,
    /// Closes every other connection of the user (CON 8).
    pub exclusive: bool,
    /// Version of the compact descriptions that the client reads; 0 is none.
    pub sdp: u32,
}

/// Which connection a client wants to go on with, and what it has seen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The resume token of the newest welcome, or of the one before.
    pub token: String,
    /// The highest event number seen.
    pub seq: u64,
    /// The version of the window as last seen.
    pub window: Option<u64>,
}

/// What a client wants; each is answered once, by `ok` ([`Done`](super::Done)) or `no` ([`Reason`](super::Reason)). What records a fact
/// may also be `Unavailable`, and changes nothing then (DUR); a number that was answered before has no further effect (CON 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Answers a ring with yes (INV 4, 5, 6). Done: `Call`; the call lasts floor((theirs + one's own) / 2) seconds. No: `UnknownInvite`,
    /// `NotYours`, `Expired`, `Answered`, in this order; `InvalidDuration`, `Offline`, `Busy`.
    Accept {
        /// Which.
        invite: InviteId,
        /// One's own length, in seconds, from `seconds_min` to `seconds_max` of the rules.
        seconds: u32,
    },
    /// Hides the two from each other, both ways, unannounced (SAFE 4). Done: `Empty`. No: `InvalidTarget`, `Unavailable`.
    Block {
        /// Whom.
        user: UserId,
    },
    /// ICE candidates for the peer (SIG 1, 2). A relay carries them where the connection has the seat; without one the engine only
    /// refuses: `UnknownCall`, `NotMember`, `NotYours`.
    Candidates(Candidates),
    /// A line of text to the other member (CALL 4). Done: `Said`. No: `RateLimited`; `UnknownCall`, `NotMember`; `BadMessage` where nothing
    /// of it is left, or too much.
    Chat {
        /// Where.
        call: CallId,
        /// As it came; 1 to `chat_max` characters once it is cleaned.
        text: String,
    },
    /// Says yes to a pair (PAIR 4). Done: `Empty`; when both have, the call starts. No: `UnknownInvite`, `NotYours`.
    Confirm {
        /// Which.
        pair: PairId,
    },
    /// The callee says no, which has its price (INV 8). Done: `Cooled`. No: as `Accept`, but for what is of a call.
    Decline {
        /// Which.
        invite: InviteId,
    },
    /// An offer or answer for the peer (SIG 1, 3, 4); carried and refused as `Candidates`.
    Description(Description),
    /// Which rules stand between the two (PAIR 5). Not yet: `UnknownUser`.
    Explain {
        /// The other one.
        user: UserId,
    },
    /// Asks for more time, or agrees to what the other asked (CALL 2). Done: `Deadline`, the end that holds. No: `UnknownCall`,
    /// `NotMember`, `InvalidDuration`.
    ExtendCall {
        /// Which.
        call: CallId,
        /// By how many seconds, in the same range as an invite's.
        seconds: u32,
    },
    /// The caller lets it ring longer (INV 3). Done: `Expires`. No: as `Decline`; `InvalidDuration`, `TooManyInvites`.
    ExtendInvite {
        /// Which.
        invite: InviteId,
    },
    /// Ends the call (CALL 6). Done: `Empty`, also where it had ended. No: `UnknownCall`, `NotMember`.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// Servers for this call, with credentials (SIG 6). Done: `IceServers`, whose list a gateway fills. No: `UnknownCall`, `NotMember`,
    /// `TooLarge` where it was asked too often.
    IceServers {
        /// For which call.
        call: CallId,
    },
    /// A code that leads a newcomer to somebody (INT 1). Not yet: `UnknownUser`.
    Introduce {
        /// To whom the code leads.
        target: UserId,
    },
    /// Rings somebody (INV 1, 2). Done: `Invited`; `Call` where they were ringing oneself (INV 7). No, checked in this order:
    /// `InvalidDuration`, `InvalidTarget`, `RateLimited`, `Offline`, `Cooldown`, `NotInLobby`, `Busy`, `TooManyInvites`.
    Invite {
        /// Whom.
        to: UserId,
        /// The caller's length, in seconds, from `seconds_min` to `seconds_max` of the rules.
        seconds: u32,
    },
    /// Becomes available in a lobby (LOB 1), for the user, whichever connection says it. Done: `Joined`. No: `Unavailable`.
    Join {
        /// Its name; "main" if absent.
        lobby: Option<String>,
    },
    /// Ends one's place in the lobby, and with it windows, ticket and rings (LOB 1). Done: `Empty`, also where there was none.
    Leave,
    /// Wishes to be paired with somebody who fits (PAIR 1); again, it replaces the filter and keeps the wait. Done: `Waiting`. No:
    /// `NotInLobby`, `Busy`, `Unavailable`.
    Pair {
        /// Who would be right.
        filter: Filter,
        /// Whether both are asked before the call.
        confirm: bool,
    },
    /// Changes one's own card. Done: `Profile`. No: `BadMessage` with the field; `Unavailable`.
    Profile(Box<ProfilePatch>),
    /// A notification was read (INT 3). Not yet: `Empty`.
    Read {
        /// Which.
        notification: u64,
    },
    /// Uses an access code (ACC 2). Not yet: `UnknownCode`.
    Redeem {
        /// The code.
        code: String,
    },
    /// Draws cards, nobody twice before everybody came (LOB 5). Done: `Cards`. No: `NotInLobby`, `RateLimited` (LOB 8).
    Reel {
        /// How many cards, from 1; more than `window_max` is cut to that.
        limit: u32,
        /// Whom.
        filter: Filter,
        /// Begin anew.
        restart: bool,
    },
    /// Takes the seat to this connection (CALL 11). Done: `Empty`; `CallStarted` follows. No: `UnknownCall`, `NotMember`.
    Rejoin {
        /// Which.
        call: CallId,
    },
    /// The seat wants the signalling to start again (SIG 1). Done: `Epoch`. No: `UnknownCall`, `NotMember`, `NotYours`.
    Renegotiate {
        /// Which.
        call: CallId,
    },
    /// Tells the operator about somebody, once, and hides the two like a block (SAFE 1). Done: `Empty`, perhaps after a `Load`. No:
    /// `InvalidTarget`, `RateLimited`, `UnknownCall`, `Unavailable`.
    Report {
        /// Whom.
        user: UserId,
        /// Why, in one's own words; at most 1,000 characters.
        reason: String,
        /// About which call.
        call: Option<CallId>,
    },
    /// The caller takes the ring back (INV 8). Done: `Cooled`. No: as `Decline`.
    Rescind {
        /// Which.
        invite: InviteId,
    },
    /// Gives contacts, which are told once both did (CALL 5). Done: `Empty`. No: `UnknownCall`, `NotMember`, `RateLimited`.
    Share {
        /// Where.
        call: CallId,
        /// 1..10 entries, keys to 32, values to 256 characters.
        contacts: Vec<(String, String)>,
    },
    /// Takes a block back (SAFE 4). Done: `Empty`, also where there was none. No: `Unavailable`.
    Unblock {
        /// Whom.
        user: UserId,
    },
    /// Takes the ticket back, or refuses an open pair (PAIR 4). Done: `Empty`, always.
    Unpair,
    /// Opens a live list of cards in numbered places, one a connection (LOB 2). Done: `Window`; a view follows. No: `NotInLobby`,
    /// `RateLimited` (LOB 8).
    Window {
        /// How many places; 0 where it was not said, and then `window_size`. More than `window_max` is cut to that.
        size: u32,
        /// Whom.
        filter: Filter,
    },
    /// Closes the window. Done: `Empty`, always.
    WindowClose,
}

/// An offer or answer (RFC 8829), byte-exactly as the browser made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// For which call.
    pub call: CallId,
    /// Under which epoch.
    pub epoch: u32,
    /// What it is.
    pub kind: SdpKind,
    /// The text.
    pub sdp: String,
}

/// Kind of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SdpKind {
    /// The answer.
    Answer,
    /// The offer.
    Offer,
}

/// A batch of trickled ICE candidates (RFC 8838).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidates {
    /// For which call.
    pub call: CallId,
    /// Under which epoch.
    pub epoch: u32,
    /// Running index of the first, per side and epoch.
    pub from: u32,
    /// In order.
    pub candidates: Vec<Candidate>,
    /// No more will come.
    pub done: bool,
}

/// One ICE candidate, as in RTCIceCandidateInit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The candidate attribute's value.
    pub candidate: String,
    /// `sdpMid`.
    pub mid: Option<String>,
    /// `sdpMLineIndex`.
    pub line: Option<u32>,
}

/// Whom a window, a reel or a ticket accepts. Empty is everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Filter {
    /// Any of these; at most 8.
    pub genders: Vec<String>,
    /// All of these; at most 64.
    pub tags: Vec<String>,
}

/// What a profile command does to one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Patch<T> {
    /// `null`: the field is emptied.
    Clear,
    /// Absent: it stays as it is.
    #[default]
    Keep,
    /// A new value.
    Set(T),
}

/// A change of one's own profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfilePatch {
    /// Before cleaning.
    pub name: Patch<String>,
    /// One of the operator's.
    pub gender: Patch<String>,
    /// A reference.
    pub selfie: Patch<String>,
    /// A reference.
    pub video: Patch<String>,
    /// At most 8.
    pub tags: Patch<Vec<String>>,
}

impl Command {
    /// The call that a signal belongs to, if this is one (`description`, `candidates`).
    pub fn signal(&self) -> Option<CallId> {
        match self {
            Command::Description(d) => Some(d.call),
            Command::Candidates(c) => Some(c.call),
            _ => None,
        }
    }
}
