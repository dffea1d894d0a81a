//! What waits to be written (CON 7). The transport is given bytes while it has less than the limit outstanding; the rest waits
//! here, bounded by the same limit. Views never wait here: they are made when there is room, so that no event stands behind
//! one for long.

use alloc::collections::VecDeque;
use bytes::Bytes;
use duologue_core::kit::digest::Digest;

/// More would wait than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Messages on their way to one socket.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: VecDeque<Bytes>,
    bytes: usize,
    outstanding: usize,
}

impl Queue {
    /// Puts a message behind all others.
    ///
    /// # Errors
    /// `Full` – more than `limit` would wait.
    pub(crate) fn push(&mut self, message: Bytes, limit: usize) -> Result<(), Full> {
        if !self.goes_at_once(limit) && self.bytes + message.len() > limit {
            return Err(Full);
        }
        self.bytes += message.len();
        self.waiting.push_back(message);
        Ok(())
    }

    /// Whether the next message would go to the transport as it comes, whatever its size.
    pub(crate) fn goes_at_once(&self, limit: usize) -> bool {
        self.waiting.is_empty() && self.outstanding < limit
    }

    /// Puts a welcome or a replayed event behind all others: bounded by what is kept, not by the limit of what may wait.
    pub(crate) fn push_kept(&mut self, message: Bytes) {
        self.bytes += message.len();
        self.waiting.push_back(message);
    }

    /// Everything that waits, for a socket that is about to be closed.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Bytes> {
        self.bytes = 0;
        core::mem::take(&mut self.waiting).into_iter()
    }

    /// The next message for the transport, if it may have one.
    pub(crate) fn next(&mut self, limit: usize) -> Option<Bytes> {
        if self.outstanding >= limit {
            return None;
        }
        let message = self.waiting.pop_front()?;
        if self.waiting.is_empty() && self.waiting.capacity() > 8 {
            self.waiting = VecDeque::new();
        }
        self.bytes -= message.len();
        self.outstanding += message.len();
        Some(message)
    }

    /// Whether a view may go: nothing waits, and little is outstanding.
    pub(crate) fn has_room_for_view(&self, limit: usize) -> bool {
        self.waiting.is_empty() && self.outstanding <= limit / 4
    }

    /// A view went.
    pub(crate) fn sent_view(&mut self, bytes: usize) {
        self.outstanding += bytes;
    }

    /// Everything that the transport had is written.
    pub(crate) fn written(&mut self) {
        self.outstanding = 0;
    }

    /// The socket is gone, or a new one is there.
    pub(crate) fn clear(&mut self) {
        *self = Queue::default();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_right(&self) -> bool {
        self.bytes == self.waiting.iter().map(Bytes::len).sum::<usize>()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(self.waiting.len() as u64).number(self.bytes as u64).number(self.outstanding as u64);
    }
}
