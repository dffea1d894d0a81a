//! The rows that outlive a process (`docs/rules.md`, DUR). Each is keyed by its own ids, so that writing it twice is writing it
//! once; what a row says is the whole of it, never a difference. The rows are the state: nothing is replayed.

use crate::kit::ids::{CallId, ClientId, TokenHash, UserId};
use crate::kit::time::Millis;
use crate::wire::{Done, Filter, Totals, Why};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// One durable row, or the end of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The answer to a command that made facts. Key: user, client, number.
    Answer(Box<AnswerRow>),
    /// Answers of a client are no longer kept. Key: user, client.
    AnswersGone {
        /// Whose.
        user: UserId,
        /// Of which client.
        client: ClientId,
    },
    /// One blocks another. Key: by, of.
    Block {
        /// Who did it.
        by: UserId,
        /// Whom.
        of: UserId,
        /// When.
        at: Millis,
    },
    /// The end of a block. Key: by, of.
    BlockGone {
        /// Who had done it.
        by: UserId,
        /// Whom.
        of: UserId,
    },
    /// A call: live while `ended` is none, history afterwards. Key: call.
    Call(Box<HistoryRow>),
    /// A call that was too short to be counted. Key: call.
    CallGone {
        /// Which.
        call: CallId,
    },
    /// A line of chat. Key: call, index.
    Chat {
        /// Where.
        call: CallId,
        /// In order; not every number is given.
        index: u32,
        /// What.
        line: ChatLine,
    },
    /// Until when two cannot invite each other; the later of two rows holds. Key: the pair, lower id first.
    Cooldown {
        /// The lower id first.
        pair: Pair,
        /// Its end.
        until: Millis,
    },
    /// A user. Key: user.
    Person(Box<PersonRow>),
    /// A report, counted once per reporter and reported. Key: by, of.
    Report(Box<ReportRow>),
    /// A sign-in. Key: hash.
    Session {
        /// SHA-256 of the token.
        hash: TokenHash,
        /// Whose.
        user: UserId,
        /// Its end.
        expires: Millis,
    },
    /// Revoked or over. Key: hash.
    SessionGone {
        /// SHA-256 of the token.
        hash: TokenHash,
    },
    /// A wish to be paired. Key: user.
    Ticket(Box<TicketRow>),
    /// Its end. Key: user.
    TicketGone {
        /// Whose.
        user: UserId,
    },
}

impl Row {
    /// Whom it is about; a session's end and a call too short name nobody.
    pub fn users(&self) -> [Option<UserId>; 2] {
        match self {
            Row::Answer(answer) => [Some(answer.user), None],
            Row::AnswersGone { user, .. } | Row::Session { user, .. } | Row::TicketGone { user } => [Some(*user), None],
            Row::Block { by, of, .. } | Row::BlockGone { by, of } => [Some(*by), Some(*of)],
            Row::Call(call) => call.members.map(Some),
            Row::CallGone { .. } | Row::SessionGone { .. } => [None, None],
            Row::Chat { line, .. } => [Some(line.from), None],
            Row::Cooldown { pair, .. } => [Some(pair.low()), Some(pair.high())],
            Row::Person(person) => [Some(person.user), None],
            Row::Report(report) => [Some(report.by), Some(report.of)],
            Row::Ticket(ticket) => [Some(ticket.user), None],
        }
    }
}

/// Two users, the lower id first: a cooldown belongs to the unordered pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    low: UserId,
    high: UserId,
}

impl Pair {
    /// The pair of two different users.
    ///
    /// # Panics
    /// If they are one user.
    pub fn of(a: UserId, b: UserId) -> Pair {
        assert!(a != b, "a pair is two people");
        Pair { low: a.min(b), high: a.max(b) }
    }
    /// The lower id.
    pub fn low(self) -> UserId {
        self.low
    }
    /// The higher id.
    pub fn high(self) -> UserId {
        self.high
    }
    /// The one who is not `user`.
    pub fn other(self, user: UserId) -> UserId {
        if user == self.low { self.high } else { self.low }
    }
}

/// A user as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Who.
    pub user: UserId,
    /// Of the card.
    pub name: String,
    /// Of the card, or empty.
    pub gender: String,
    /// Of the card, or empty.
    pub selfie: String,
    /// Of the card, or empty.
    pub video: String,
    /// Of the card.
    pub tags: Vec<String>,
    /// Since when known.
    pub created: Millis,
    /// The sum over the history, written with each call.
    pub totals: Totals,
}

/// A call as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// Which.
    pub call: CallId,
    /// The one who makes the offer first.
    pub members: [UserId; 2],
    /// As agreed at first.
    pub agreed: u32,
    /// Start.
    pub started: Millis,
    /// The end that holds.
    pub deadline: Millis,
    /// How often it was extended.
    pub extensions: u32,
    /// Of the signaling; a restart goes on above it.
    pub epoch: u32,
    /// When and why it ended; none while it lives.
    pub ended: Option<(Millis, Why)>,
    /// What was said; only where a `Load` of the history brings it.
    pub chat: Vec<ChatLine>,
}

/// A line of chat as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatLine {
    /// Whose.
    pub from: UserId,
    /// Cleaned.
    pub text: String,
    /// When.
    pub at: Millis,
}

/// An answer as kept: only of commands that made facts, which are never refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerRow {
    /// Whose.
    pub user: UserId,
    /// Of which client.
    pub client: ClientId,
    /// The command's number.
    pub number: u64,
    /// What was answered.
    pub done: Done,
    /// When; answers are dropped some time after the client was last seen.
    pub at: Millis,
}

/// A report as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    /// Who did it.
    pub by: UserId,
    /// Whom.
    pub of: UserId,
    /// In the reporter's words.
    pub reason: String,
    /// About which call.
    pub call: Option<CallId>,
    /// When.
    pub at: Millis,
}

/// A ticket as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRow {
    /// Whose.
    pub user: UserId,
    /// Waiting since.
    pub since: Millis,
    /// In which lobby.
    pub lobby: String,
    /// Whom.
    pub filter: Filter,
    /// Whether both are asked.
    pub confirm: bool,
}
