//! Everything that can happen to an engine. An input is a value: it can be recorded, fuzzed, repeated and shrunk.

use crate::kit::ids::{CallId, ClientId, LinkId, RequestId, Ticket, TokenHash, UserId};
use crate::row::Row;
use crate::wire::{Command, Filter, ProfilePatch, Reason};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Into the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A hello that wants to become a connection. Answered by `Welcomed` or `Closing`, perhaps after a `Load`.
    Attached(Attach),
    /// A command of a connection.
    Command {
        /// Whose.
        link: LinkId,
        /// Its client's number.
        number: u64,
        /// `Err` where the link understood the number but not the rest, or it came too fast: answered in order all the same.
        command: Result<Command, Reason>,
    },
    /// A connection has no socket any more.
    Detached {
        /// Which; also one whose `Attached` still waits.
        link: LinkId,
        /// How it went.
        why: LinkEnd,
    },
    /// The server stops: connections are told by the gateway; nothing new is let in.
    Drain {
        /// Whether calls end with `shutdown` (by default they survive: CALL 12).
        end_calls: bool,
    },
    /// Rows that a `Load` asked for.
    Loaded {
        /// Which.
        ticket: Ticket,
        /// All of them.
        rows: Vec<Row>,
    },
    /// How full the budget of memory is, as the driver has judged it (MEM 1). Said again while it is critical.
    MemoryLevel(Level),
    /// A resumed connection could not be replayed: the call of its seat starts its signaling again.
    ReplayLost {
        /// Which.
        link: LinkId,
    },
    /// A question over HTTP, answered by one `Reply`.
    Request {
        /// Which.
        id: RequestId,
        /// The bearer token's hash.
        who: Option<TokenHash>,
        /// Where it came from.
        address: Address,
        /// What is wanted.
        request: Request,
    },
    /// The store takes no facts; what would record one is refused before anything changes.
    StoreDown,
    /// The store takes facts again.
    StoreUp,
}

/// A connection that wants to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attach {
    /// The new connection's id.
    pub link: LinkId,
    /// The connection that its resume token names, or, after a new owner, itself.
    pub takes: Option<LinkId>,
    /// SHA-256 of the token.
    pub session: TokenHash,
    /// The page or process.
    pub client: Option<ClientId>,
    /// Where it came from.
    pub address: Address,
    /// Close all others (CON 8).
    pub exclusive: bool,
    /// What to declare again to a new owner of the realm; empty for a fresh hello.
    pub intents: Intents,
}

/// What a connection wants whoever owns the realm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intents {
    /// The lobby that it joined (LOB 1).
    pub lobby: Option<String>,
    /// Its window: how many places, and whom it shows (LOB 2).
    pub window: Option<(u32, Filter)>,
    /// Its call: the seat is taken again.
    pub seat: Option<CallId>,
}

/// How a connection lost its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkEnd {
    /// The client closed it with code 1000: gone at once.
    Left,
    /// Any other way: the grace begins.
    Lost,
}

/// How full the budget of memory is (MEM 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Below 78 %.
    #[default]
    Ok = 0,
    /// From 78 %.
    Warning = 1,
    /// From 88 %.
    Critical = 2,
}

/// A client's IP address as 128 bits (IPv4 mapped into IPv6, RFC 4291).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub u128);

impl Address {
    /// What limits are counted by: a whole IPv4 address, the /64 of an IPv6 one (RATE).
    pub fn block(self) -> Address {
        if self.0 >> 32 == 0xffff { self } else { Address(self.0 >> 64 << 64) }
    }
}

/// A question over HTTP. Secrets (token, user id) were made by the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `POST /v1/blocks`: hides the two from each other (SAFE 4). Answered by `Done`.
    Block(UserId),
    /// `POST /v1/guests`: makes a new person and a session (CON 1). Answered by `Guest`.
    Guest {
        /// The new user's id.
        user: UserId,
        /// SHA-256 of the new token.
        session: TokenHash,
        /// As it came; 1 to 40 characters once it is cleaned, else `bad_message`.
        name: String,
        /// One of the operator's, or absent.
        gender: Option<String>,
    },
    /// `GET /v1/history`: one's ended calls (CALL 8). Answered by `History`, after a `Load`.
    History {
        /// Only calls with a lower id.
        before: Option<CallId>,
        /// How many, 1 to 100; a promise of the driver.
        limit: u32,
    },
    /// `GET /v1/me`. Answered by `Me`.
    Me,
    /// `PATCH /v1/me`: changes one's own card. Answered by `Me`, as it is then.
    Profile(Box<ProfilePatch>),
    /// `POST /v1/reports`: tells the operator about somebody (SAFE 1). Answered by `Done`.
    Report {
        /// Whom.
        user: UserId,
        /// In the reporter's words; at most 1,000 characters.
        reason: String,
        /// About which call.
        call: Option<CallId>,
    },
    /// `DELETE /v1/session`: revokes the token that it came with; its connections are closed with `bad_token`. Answered by `Done`.
    SignOut,
    /// `DELETE /v1/blocks/{user}`: takes a block back, also one that never was. Answered by `Done`.
    Unblock(UserId),
}
