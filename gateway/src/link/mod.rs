//! One connection, also while it has no socket. Each file here owns one of its concerns and knows none of the others.

mod liveness;
mod queue;
mod rings;
mod sequence;
mod unanswered;
mod views;

pub(crate) use liveness::{Liveness, Silence};
pub(crate) use queue::{Full, Queue};
pub(crate) use rings::Rings;
pub(crate) use sequence::Sequence;
pub(crate) use unanswered::Unanswered;
pub(crate) use views::Views;

use crate::tokens::Pair;
use duologue_core::input::{Address, Attach, Intents};
use duologue_core::kit::digest::Digest;
use duologue_core::kit::ids::{ClientId, LinkId, TokenHash, UserId};
use duologue_transport::{ConnId, Form};

/// Whose connection it is, and from where: what an engine that has never heard of it must be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub user: UserId,
    pub session: TokenHash,
    pub client: Option<ClientId>,
    pub address: Address,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub who: Who,
    /// Its socket, unless it is lost.
    pub conn: Option<ConnId>,
    /// What its newest socket speaks; kept events are in this form.
    pub form: Form,
    /// The version of compact descriptions that its client reads; kept signals are for that one (SIG 5).
    pub sdp: u32,
    /// Whether the present engine has let it in.
    pub known: bool,
    /// The how-manieth input to the engine said that its socket is gone; 0 if none did.
    pub detached: u64,
    pub tokens: Pair,
    /// The event number that the newest welcome said: an acknowledgement above it proves that the welcome was read.
    pub welcomed_at: u64,
    pub sequence: Sequence,
    pub queue: Queue,
    /// Bytes of signals that wait in a relay until its socket reads on.
    pub signal_bytes: u32,
    pub views: Views,
    pub unanswered: Unanswered,
    /// What it wants whoever owns the realm.
    pub intents: Intents,
    /// What a new engine does not know to be open.
    pub rings: Rings,
}

impl Link {
    /// Bytes that wait or are kept for it.
    pub(crate) fn bytes(&self) -> u64 {
        (self.queue.bytes() + self.sequence.bytes()) as u64 + u64::from(self.signal_bytes)
    }

    /// What a new engine is told.
    pub(crate) fn attach(&self, link: LinkId) -> Attach {
        Attach {
            link,
            takes: Some(link),
            session: self.who.session,
            client: self.who.client,
            address: self.who.address,
            exclusive: false,
            intents: self.intents.clone(),
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.wide(self.who.user.0).maybe(self.conn.map(|conn| conn.0)).number(u64::from(self.known)).number(self.welcomed_at);
        self.sequence.digest(digest);
        self.queue.digest(digest);
        self.views.digest(digest);
        self.unanswered.digest(digest);
        self.rings.digest(digest);
        digest.maybe(self.intents.seat.map(|call| call.0)).bytes(self.intents.lobby.as_deref().unwrap_or_default().as_bytes());
    }
}
