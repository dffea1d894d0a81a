//! What goes into the engine and what comes out of it. All of it are values: they can be recorded, compared and repeated. A link is
//! one socket's life, numbered by the engine; what a driver still reports of an earlier one is ignored.

use crate::intents::Intent;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use duologue_core::kit::ids::{ClientId, UserId};
use duologue_core::kit::time::Millis;
use duologue_core::wire::{self, Closing, Command, Done, Presence, Reason, Welcome};
use duologue_signaling::{NegotiationInput, NegotiationOutput};

/// Into the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A link has ended or never came to be; `code` is the WebSocket close code or the QUIC application error, where there is one.
    Closed {
        /// Which.
        link: u32,
        /// How.
        code: Option<u16>,
    },
    /// The application wants something. Its answer is `Event::Answered` with the same `ask`, exactly once.
    Command {
        /// The application's own mark for it.
        ask: u64,
        /// What is wanted.
        command: Command,
    },
    /// A link is open.
    Connected {
        /// Which.
        link: u32,
    },
    /// A sign of life that is no message (a WebSocket ping).
    Heard {
        /// Which.
        link: u32,
    },
    /// The application leaves: the link is closed for good, without grace.
    Leave,
    /// Ask for the server's time; the answer makes `server_time` better.
    MeasureClock,
    /// The network seems to be there again: a wait is cut short.
    Online,
    /// Connect, at the beginning or after an end.
    Open,
    /// What the application's peer connection did; see `Event::Peer`.
    Peer(NegotiationInput),
    /// A message has arrived.
    Received {
        /// Which.
        link: u32,
        /// The message.
        bytes: &'a [u8],
    },
    /// As `Open` after an end, as a process of its own: for one that was taken over by a copy of itself.
    Renew {
        /// Drawn anew.
        client: ClientId,
    },
}

/// Out of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Close this link; nothing that it still says is wanted.
    Close {
        /// Which.
        link: u32,
        /// With code 1000 (QUIC: 0), which says that one is gone; else by dropping it, which begins the grace.
        clean: bool,
    },
    /// Open a link, now; answered by `Connected` or `Closed`.
    Connect {
        /// Its number.
        link: u32,
    },
    /// For the application.
    Event(Event),
    /// Send one message.
    Send {
        /// Over which link.
        link: u32,
        /// The message.
        bytes: Vec<u8>,
    },
}

/// What the application is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command's outcome.
    Answered(Answered),
    /// Over, until `Open` or `Renew`: the client does not come back by itself.
    Ended(End),
    /// Something wanted for good was refused when it was declared again; it is given up.
    GivenUp {
        /// What.
        intent: Intent,
        /// Why.
        reason: Reason,
    },
    /// Something that must not be missed has happened, once and in order.
    Happened(wire::Event),
    /// What the application's peer connection is to do, in order, while this connection has the seat of a call. It says what it did
    /// with `Input::Peer`. Not told where `Config::negotiate` is off.
    Peer(NegotiationOutput),
    /// What somebody does whom one watches outside a window.
    Presence {
        /// Who.
        user: UserId,
        /// What.
        state: Presence,
    },
    /// There is no connection; it is tried again then, on the caller's clock.
    Reconnecting {
        /// When.
        at: Millis,
    },
    /// A description or candidates were refused and will be again (`too_large`): this call has no media as it is.
    SignalRefused(Reason),
    /// Connected. If `recovered`, everything missed follows; else `state` is what counts.
    Welcomed(Box<Welcome>),
    /// The window looks different: see `Engine::window`.
    Window(WindowChange),
}

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The application's own mark.
    pub ask: u64,
    /// What came of it.
    pub answer: Result<Done, Failed>,
}

/// Why a command came to nothing, or nobody knows what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The client ended before there was an answer; it may have had its effect.
    Ended,
    /// The server refused it, for this reason.
    Refused(Reason),
    /// More commands wait than may; it was not sent.
    TooMany,
    /// The server answered with what this version does not know.
    Unknown,
}

/// Why a client does not come back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it and said not to come back.
    Closed(Closing),
    /// As `Closed`, with a code that this version does not know.
    ClosedOtherwise,
    /// The application left.
    Left,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Ended => f.write_str("the client ended before there was an answer"),
            Failed::Refused(reason) => f.write_str(reason.code()),
            Failed::TooMany => f.write_str("too many commands wait"),
            Failed::Unknown => f.write_str("answered in words of a later version"),
        }
    }
}

impl core::error::Error for Failed {}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Closed(closing) => f.write_str(closing.code()),
            End::ClosedOtherwise => f.write_str("something that this version does not know"),
            End::Left => f.write_str("nothing: the client left"),
        }
    }
}

/// How the window changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowChange {
    /// There is none any more, or it sleeps during a call.
    Closed,
    /// These places have changed.
    Places(Vec<u8>),
    /// It is a new one, or fresh as a whole.
    Whole,
}
