//! Why a command was refused and why a connection is closed: stable codes that clients may branch on.

use crate::kit::time::{Millis, Span};
use alloc::borrow::Cow;
use serde::{Deserialize, Serialize};

/// Why a command was refused (`no`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// The number was answered before and the answer is no longer kept; or the invite ended otherwise than by expiry.
    Answered,
    /// Not understood: which field, and why, for developers.
    BadMessage {
        /// The field at fault, where there is one.
        field: Option<Cow<'static, str>>,
        /// A sentence for developers.
        why: Cow<'static, str>,
    },
    /// Either of the two is in a call.
    Busy,
    /// The two may not invite or be paired with each other yet.
    Cooldown {
        /// When they may again.
        until: Millis,
    },
    /// The invite or pair ended by itself.
    Expired,
    /// A length outside the rule's range.
    InvalidDuration,
    /// Oneself.
    InvalidTarget,
    /// An access code is needed first.
    NoAccess,
    /// The callee (or oneself, where the command needs it) is not in the lobby.
    NotInLobby,
    /// Never a member of this call.
    NotMember,
    /// Known, but not one's own to act on.
    NotYours,
    /// Not connected, or to be treated so.
    Offline,
    /// Too often.
    RateLimited {
        /// When it is worth trying again.
        retry_after: Span,
    },
    /// More or larger than a limit.
    TooLarge,
    /// The callee has as many rings as they may, or oneself.
    TooManyInvites,
    /// The store is down or busy beyond its bound.
    Unavailable {
        /// When it is worth trying again.
        retry_after: Span,
    },
    /// No such call, or it is over.
    UnknownCall,
    /// No such code.
    UnknownCode,
    /// No such invite (or pair), or it was over long ago.
    UnknownInvite,
    /// No such user.
    UnknownUser,
}

impl Reason {
    /// A malformed field.
    pub const fn field(field: &'static str, why: &'static str) -> Reason {
        Reason::BadMessage { field: Some(Cow::Borrowed(field)), why: Cow::Borrowed(why) }
    }

    /// The code on the wire.
    pub const fn code(&self) -> &'static str {
        match self {
            Reason::Answered => "answered",
            Reason::BadMessage { .. } => "bad_message",
            Reason::Busy => "busy",
            Reason::Cooldown { .. } => "cooldown",
            Reason::Expired => "expired",
            Reason::InvalidDuration => "invalid_duration",
            Reason::InvalidTarget => "invalid_target",
            Reason::NoAccess => "no_access",
            Reason::NotInLobby => "not_in_lobby",
            Reason::NotMember => "not_member",
            Reason::NotYours => "not_yours",
            Reason::Offline => "offline",
            Reason::RateLimited { .. } => "rate_limited",
            Reason::TooLarge => "too_large",
            Reason::TooManyInvites => "too_many_invites",
            Reason::Unavailable { .. } => "unavailable",
            Reason::UnknownCall => "unknown_call",
            Reason::UnknownCode => "unknown_code",
            Reason::UnknownInvite => "unknown_invite",
            Reason::UnknownUser => "unknown_user",
        }
    }
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Closing {
    /// The realm has as many connections as it may.
    AtCapacity,
    /// Something that is not a message.
    BadMessage,
    /// The token is unknown, malformed or revoked.
    BadToken,
    /// The user or the address is banned.
    Banned,
    /// The token's time is over.
    ExpiredToken,
    /// The server stops, or starts anew.
    GoingAway,
    /// The server failed; nothing that was acknowledged is lost.
    Internal,
    /// No `hello` in time, or something else first.
    NoHello,
    /// `exclusive` on another connection.
    SignedInElsewhere,
    /// The client did not read.
    SlowConsumer,
    /// Another connection took this one's place.
    Superseded,
    /// Nothing came from the client for too long.
    Timeout,
    /// None of the offered sub-protocols is spoken here.
    Unsupported,
}

impl Closing {
    /// Every closing there is.
    pub const ALL: [Closing; 13] = [
        Closing::AtCapacity,
        Closing::BadMessage,
        Closing::BadToken,
        Closing::Banned,
        Closing::ExpiredToken,
        Closing::GoingAway,
        Closing::Internal,
        Closing::NoHello,
        Closing::SignedInElsewhere,
        Closing::SlowConsumer,
        Closing::Superseded,
        Closing::Timeout,
        Closing::Unsupported,
    ];

    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Closing::AtCapacity => "at_capacity",
            Closing::BadMessage => "bad_message",
            Closing::BadToken => "bad_token",
            Closing::Banned => "banned",
            Closing::ExpiredToken => "expired_token",
            Closing::GoingAway => "going_away",
            Closing::Internal => "internal",
            Closing::NoHello => "no_hello",
            Closing::SignedInElsewhere => "signed_in_elsewhere",
            Closing::SlowConsumer => "slow_consumer",
            Closing::Superseded => "superseded",
            Closing::Timeout => "timeout",
            Closing::Unsupported => "unsupported",
        }
    }

    /// The closing of this code.
    pub fn from_code(code: &str) -> Option<Closing> {
        Closing::ALL.into_iter().find(|closing| closing.code() == code)
    }

    /// The closing of this WebSocket close code.
    pub fn from_number(number: u16) -> Option<Closing> {
        Closing::ALL.into_iter().find(|closing| closing.number() == number)
    }

    /// The WebSocket close code, which is also the QUIC application error code.
    pub const fn number(self) -> u16 {
        match self {
            Closing::AtCapacity => 4001,
            Closing::GoingAway => 4002,
            Closing::SlowConsumer => 4003,
            Closing::Timeout => 4004,
            Closing::Internal => 4005,
            Closing::NoHello => 4006,
            Closing::Superseded => 4101,
            Closing::SignedInElsewhere => 4102,
            Closing::BadToken => 4103,
            Closing::ExpiredToken => 4104,
            Closing::Banned => 4105,
            Closing::BadMessage => 4106,
            Closing::Unsupported => 4108,
        }
    }

    /// Whether the client should come back. A connection closed with "no" has no grace.
    pub const fn reconnect(self) -> bool {
        self.number() < 4100
    }
}
