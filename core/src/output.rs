//! Everything that an engine says, in one order. The facts of an input come before its events; an event names the fact that
//! it has to wait for, so that whoever releases it (`commit`) needs to know nothing else.

use crate::kit::ids::{CallId, LinkId, RequestId, Ticket, TokenHash, UserId};
use crate::kit::time::{Millis, Span};
use crate::row::{HistoryRow, Row};
use crate::wire::{Answer, Card, Closing, Event, Place, Presence, Reason, State, Totals};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// The how-manieth fact since the engine began: what names it must wait until that fact is durable. 0 is none: it waits for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactNo(pub u64);

/// Out of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// To a connection, lost ones too; in order with everything else said to it.
    Event {
        /// Whom.
        to: LinkId,
        /// Not before this fact is durable.
        after: FactNo,
        /// What.
        event: LinkEvent,
    },
    /// A row to be durable. Numbered 1, 2, 3 … by its place among all facts of this engine.
    Fact(Row),
    /// After the last event of a connection: it is no more.
    Forget {
        /// Which.
        link: LinkId,
    },
    /// Rows are wanted, once every fact recorded before is durable.
    Load {
        /// Which wait.
        ticket: Ticket,
        /// Not before this fact is durable.
        after: FactNo,
        /// Which rows.
        key: Key,
    },
    /// The answer to a request.
    Reply {
        /// Which.
        to: RequestId,
        /// Not before this fact is durable.
        after: FactNo,
        /// What.
        reply: Reply,
    },
    /// Opens, moves and renumbers the relay of a call, in order with the events to its links.
    Seats {
        /// Which call.
        call: CallId,
        /// Not before this fact is durable.
        after: FactNo,
        /// Of the signaling.
        epoch: u32,
        /// The caller's (or lower user's) and the other's connection.
        seats: [Option<LinkId>; 2],
        /// Until when the call goes, for those who make credentials.
        deadline: Millis,
    },
    /// The call is over: nothing is relayed any more.
    Unseat {
        /// Which call.
        call: CallId,
        /// Not before this fact is durable.
        after: FactNo,
        /// Who sat there.
        seats: [Option<LinkId>; 2],
    },
    /// Waits for nothing; the newest wins.
    View {
        /// Whom.
        to: LinkId,
        /// What.
        view: WindowView,
    },
}

/// What is said to a connection and must not be missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The answer to a command.
    Answered {
        /// Its number.
        number: u64,
        /// What.
        answer: Answer,
    },
    /// The engine closes it; `Forget` follows, at once or after the grace.
    Closing {
        /// Why.
        closing: Closing,
        /// When it is worth coming back.
        retry_after: Option<Span>,
    },
    /// Gets the connection's next number.
    Numbered(Event),
    /// The hello `attach` was let in, and from here on is this connection: a new one (`to` equals `attach`) or one taken over.
    Welcomed {
        /// The id that came with the `Attached`.
        attach: LinkId,
        /// What the engine knows of the welcome; the link adds resume token, number, time.
        welcome: Box<Welcomed>,
    },
}

/// The engine's part of a welcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcomed {
    /// Own card.
    pub user: Arc<Card>,
    /// The highest command number seen of this client.
    pub last_id: u64,
    /// Everything that is the case.
    pub state: State,
}

/// A change of what a connection looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WindowView {
    /// Changed places, each once; and the count where it changed.
    Changes {
        /// New contents of places.
        set: Vec<Place>,
        /// All users in the lobby and free.
        available: u32,
    },
    /// The window is closed, or sleeps during a call: what was pending of it is dropped.
    Closed,
    /// A window begins, or begins afresh.
    Opened {
        /// How many places.
        size: u32,
        /// Those that are not empty.
        places: Vec<Place>,
        /// All users in the lobby and free.
        available: u32,
    },
    /// What somebody does whom one watches outside a window.
    Presence {
        /// Who.
        user: UserId,
        /// What.
        state: Presence,
    },
}

/// Which rows a `Load` wants. Loads of one key merge.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Ended calls of a user, newest first, with chat: `limit` + 1 of them, to know whether there are more.
    History {
        /// Whose.
        user: UserId,
        /// Only with a lower id.
        before: Option<CallId>,
        /// How many.
        limit: u32,
    },
    /// A person with cooldowns, hidden pairs and kept answers.
    Person(UserId),
    /// Whether the two had a call: its newest row, if any.
    Together(UserId, UserId),
    /// A session by its token's hash, and all that `Person` gives for its user.
    Session(TokenHash),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done, nothing to add.
    Done,
    /// A new guest.
    Guest {
        /// Own card.
        user: Arc<Card>,
        /// End of the session.
        expires: Millis,
    },
    /// Ended calls, newest first.
    History {
        /// At most as many as asked for; with the peer's card as it is now.
        calls: Vec<(HistoryRow, Arc<Card>)>,
        /// Whether there are older ones.
        more: bool,
    },
    /// Own card and totals.
    Me {
        /// Own card.
        user: Arc<Card>,
        /// What all one's calls add up to (CALL 8).
        totals: Totals,
        /// End of the session.
        expires: Millis,
    },
    /// Refused by a rule, or not now: nothing was changed.
    No(Reason),
    /// No session, or one that is over: `bad_token`, `expired_token`, `banned`.
    Unauthorized(Closing),
}

/// What the engine wants to be called for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When, in realm time; it may be past.
    pub at: Millis,
    /// What for, to be counted by whoever wonders why it wakes.
    pub why: crate::due::Due,
}

/// There was no room for what the input may say: nothing was changed. Drain the outputs and offer it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Refused;
