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

/// What a client wants; each is answered once, by `ok` or `no`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// INV 5, 6.
    Accept {
        /// Which.
        invite: InviteId,
        /// One's own length.
        seconds: u32,
    },
    /// SAFE 4.
    Block {
        /// Whom.
        user: UserId,
    },
    /// SIG 1, 2.
    Candidates(Candidates),
    /// CALL 4.
    Chat {
        /// Where.
        call: CallId,
        /// Before cleaning.
        text: String,
    },
    /// PAIR 4.
    Confirm {
        /// Which.
        pair: PairId,
    },
    /// INV 8.
    Decline {
        /// Which.
        invite: InviteId,
    },
    /// SIG 1, 4.
    Description(Description),
    /// PAIR 5.
    Explain {
        /// The other one.
        user: UserId,
    },
    /// CALL 2.
    ExtendCall {
        /// Which.
        call: CallId,
        /// By how much.
        seconds: u32,
    },
    /// INV 3.
    ExtendInvite {
        /// Which.
        invite: InviteId,
    },
    /// CALL 6.
    HangUp {
        /// Which.
        call: CallId,
    },
    /// SIG 6.
    IceServers {
        /// For which call.
        call: CallId,
    },
    /// INT 1.
    Introduce {
        /// To whom the code leads.
        target: UserId,
    },
    /// INV 1.
    Invite {
        /// Whom.
        to: UserId,
        /// The caller's length.
        seconds: u32,
    },
    /// LOB 1.
    Join {
        /// Its name; "main" if absent.
        lobby: Option<String>,
    },
    /// LOB 1.
    Leave,
    /// PAIR 1.
    Pair {
        /// Who would be right.
        filter: Filter,
        /// Whether both are asked before the call.
        confirm: bool,
    },
    /// Own card.
    Profile(Box<ProfilePatch>),
    /// INT 3.
    Read {
        /// Which.
        notification: u64,
    },
    /// ACC 2.
    Redeem {
        /// The code.
        code: String,
    },
    /// LOB 5.
    Reel {
        /// How many cards.
        limit: u32,
        /// Whom.
        filter: Filter,
        /// Begin anew.
        restart: bool,
    },
    /// CALL 11.
    Rejoin {
        /// Which.
        call: CallId,
    },
    /// SIG 1.
    Renegotiate {
        /// Which.
        call: CallId,
    },
    /// SAFE 1.
    Report {
        /// Whom.
        user: UserId,
        /// Why, in one's own words.
        reason: String,
        /// About which call.
        call: Option<CallId>,
    },
    /// INV 8.
    Rescind {
        /// Which.
        invite: InviteId,
    },
    /// CALL 5.
    Share {
        /// Where.
        call: CallId,
        /// 1..10 entries, keys to 32, values to 256 characters.
        contacts: Vec<(String, String)>,
    },
    /// SAFE 4.
    Unblock {
        /// Whom.
        user: UserId,
    },
    /// Takes the ticket back, or refuses an open pair.
    Unpair,
    /// LOB 2.
    Window {
        /// How many places.
        size: u32,
        /// Whom.
        filter: Filter,
    },
    /// Closes the window.
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
