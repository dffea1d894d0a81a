//! Numbers of events and what is kept of them for a resume (CON 4). Events are numbered 1, 2, 3 …, whether there is a socket
//! or not; the newest are kept as they were written, until they are acknowledged or their bound is passed: then the oldest goes.
//! Once one goes that no socket was ever given, no resume can be whole any more, and all are freed.

use alloc::collections::VecDeque;
use bytes::Bytes;
use duologue_core::kit::digest::Digest;

/// The numbered events of one link.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    newest: u64,
    /// The kept ones end with `newest`.
    kept: VecDeque<Bytes>,
    bytes: usize,
    /// The newest number that a socket was given, while there is none.
    lost_at: Option<u64>,
    /// A resume cannot be whole until the next welcome.
    gone: bool,
}

impl Sequence {
    /// The newest number given out.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// The number that the next event gets.
    pub(crate) fn next(&self) -> u64 {
        self.newest + 1
    }

    /// Keeps the next event, as written under its number.
    pub(crate) fn keep(&mut self, message: Bytes, messages: usize, bytes: usize) {
        self.newest += 1;
        if self.gone {
            return;
        }
        self.bytes += message.len();
        self.kept.push_back(message);
        while self.kept.len() > messages || self.bytes > bytes {
            let number = self.oldest();
            self.drop_oldest();
            if self.lost_at.is_some_and(|lost_at| number > lost_at) {
                return self.free();
            }
        }
    }

    /// The client has seen everything up to here; nonsense is ignored.
    pub(crate) fn acknowledge(&mut self, seq: u64) {
        while !self.kept.is_empty() && self.oldest() <= seq.min(self.newest) {
            self.drop_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    /// The socket is gone.
    pub(crate) fn lose(&mut self) {
        self.lost_at = Some(self.newest);
    }

    /// What is kept is not the whole of what happened: no resume can be whole until the next welcome.
    pub(crate) fn spoil(&mut self) {
        self.free();
        self.gone = true;
    }

    /// Whether everything after `seq` is kept.
    pub(crate) fn can_replay(&self, seq: u64) -> bool {
        !self.gone && seq <= self.newest && self.oldest() <= seq + 1
    }

    /// Everything after `seq`, in order; a socket is there again.
    pub(crate) fn replay(&mut self, seq: u64) -> impl Iterator<Item = Bytes> {
        debug_assert!(self.can_replay(seq));
        self.lost_at = None;
        let skipped = (seq + 1 - self.oldest()) as usize;
        self.kept.iter().skip(skipped).cloned().collect::<alloc::vec::Vec<_>>().into_iter()
    }

    /// Nothing is kept; numbers go on; a socket is there again.
    pub(crate) fn restart(&mut self) {
        self.lost_at = None;
        self.free();
    }

    /// Gives the memory back. Without a socket, and with events that none was given, no resume can be whole.
    pub(crate) fn free(&mut self) {
        self.kept = VecDeque::new();
        self.bytes = 0;
        self.gone = self.lost_at.is_some_and(|lost_at| self.newest > lost_at);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn messages(&self) -> usize {
        self.kept.len()
    }

    fn oldest(&self) -> u64 {
        self.newest + 1 - self.kept.len() as u64
    }

    fn drop_oldest(&mut self) {
        let message = self.kept.pop_front().expect("asked for only while there is one");
        self.bytes -= message.len();
    }

    pub(crate) fn is_right(&self) -> bool {
        let sum = self.kept.iter().map(Bytes::len).sum::<usize>();
        sum == self.bytes && self.kept.len() as u64 <= self.newest && (!self.gone || self.kept.is_empty())
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(self.newest).number(self.kept.len() as u64).number(self.bytes as u64);
        digest.maybe(self.lost_at).number(u64::from(self.gone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sequence: &mut Sequence, count: usize) {
        for _ in 0..count {
            sequence.keep(Bytes::from_static(b"1234"), 4, 1_000);
        }
    }

    #[test]
    fn con_4_what_was_sent_before_the_loss_may_leave_what_came_after_may_not() {
        let mut sequence = Sequence::default();
        kept(&mut sequence, 10);
        sequence.lose();
        kept(&mut sequence, 3);
        assert!(sequence.can_replay(10));
        assert!(!sequence.can_replay(8));
        assert_eq!(sequence.replay(10).count(), 3);
        sequence.lose();
        kept(&mut sequence, 5);
        assert!(!sequence.can_replay(13));
        assert_eq!(sequence.bytes(), 0);
        sequence.restart();
        kept(&mut sequence, 1);
        assert!(sequence.can_replay(18));
        assert_eq!(sequence.newest(), 19);
    }

    #[test]
    fn an_acknowledgement_frees_and_nonsense_does_not_hurt() {
        let mut sequence = Sequence::default();
        kept(&mut sequence, 3);
        sequence.acknowledge(2);
        assert_eq!(sequence.messages(), 1);
        sequence.acknowledge(u64::MAX);
        assert_eq!(sequence.messages(), 0);
        assert!(sequence.can_replay(3));
        assert!(!sequence.can_replay(2));
        assert!(!sequence.can_replay(4));
    }
}
