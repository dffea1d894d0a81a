//! Which events were seen: each once, in order. The server keeps what is not acknowledged; an acknowledgement is a hint and is sent
//! when enough has come or some time has passed, so that a chatty call does not double its messages.

use crate::config::Config;
use duologue_core::kit::time::Millis;

#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    seq: u64,
    acked: u64,
    /// When the first one since the last acknowledgement came.
    since: Option<Millis>,
}

/// What the number of an event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The next one.
    Next,
    /// Seen before.
    Double,
    /// Something before it was never said.
    Gap,
}

impl Seen {
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn see(&mut self, now: Millis, seq: u64) -> Order {
        if seq <= self.seq {
            return Order::Double;
        }
        if seq > self.seq + 1 {
            return Order::Gap;
        }
        self.seq = seq;
        self.since.get_or_insert(now);
        Order::Next
    }

    /// A connection begins anew at this number.
    pub(crate) fn begin(&mut self, seq: u64) {
        *self = Seen { seq, acked: seq, since: None };
    }

    pub(crate) fn ack_at(&self, config: &Config) -> Option<Millis> {
        let first = self.since?;
        Some(if self.seq - self.acked >= config.ack_every { first } else { first + config.ack_within })
    }

    /// Takes the number to acknowledge.
    pub(crate) fn take_ack(&mut self) -> u64 {
        self.acked = self.seq;
        self.since = None;
        self.seq
    }
}
