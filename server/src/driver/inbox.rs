//! The way to the driver's thread: a locked queue and a bell. Bounded by those who fill it: a connection's unread bytes, the
//! store's operations, the requests that HTTP lets in at a time.

use super::snapshot::Snapshot;
use duologue_core::input::{Address, Level, Request};
use duologue_core::kit::ids::TokenHash;
use duologue_core::output::Reply;
use duologue_store::Completion;
use duologue_transport::Up;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// What comes to the driver.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// A question over HTTP.
    Ask(Box<Ask>),
    /// The process stops: say it to everybody, let nobody in.
    Drain,
    /// How much of everything is there?
    Look(oneshot::Sender<Snapshot>),
    /// How full the budget of memory is.
    Memory(Level),
    /// An operation of the store has come to its end.
    Stored(Completion),
    /// A word of the transport.
    Up(Up),
    /// The core is to panic, as no input should make it; over this input, or over none.
    #[cfg(test)]
    Panic(Option<duologue_core::input::Input>),
}

/// A question over HTTP.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) who: Option<TokenHash>,
    pub(crate) address: Address,
    pub(crate) request: Request,
    pub(crate) answer: oneshot::Sender<Reply>,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Inbound>,
    /// The driver has ended: nothing is taken any more.
    closed: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

impl Inbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something in. After the end it is dropped, and with it whoever waits for its answer is told.
    pub(crate) fn put(&self, inbound: Inbound) {
        let mut waiting = self.waiting();
        if waiting.closed {
            return;
        }
        waiting.queue.push_back(inbound);
        let alone = waiting.queue.len() == 1;
        drop(waiting);
        if alone {
            self.bell.notify_one();
        }
    }

    /// Moves up to `most` into `taken`, waiting for the first for at most `patience` (for ever, if there is none).
    pub(crate) fn take(&self, taken: &mut Vec<Inbound>, most: usize, patience: Option<Duration>) {
        let mut waiting = self.waiting();
        if waiting.queue.is_empty() {
            waiting = match patience {
                Some(patience) => {
                    self.bell.wait_timeout_while(waiting, patience, |w| w.queue.is_empty()).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.bell.wait_while(waiting, |w| w.queue.is_empty()).unwrap_or_else(PoisonError::into_inner),
            };
        }
        let count = waiting.queue.len().min(most);
        taken.extend(waiting.queue.drain(..count));
        if waiting.queue.is_empty() && waiting.queue.capacity() > 4_096 {
            waiting.queue = VecDeque::new();
        }
    }

    /// Puts back what was taken, before everything else, in its order.
    pub(crate) fn give_back(&self, taken: Vec<Inbound>) {
        let mut waiting = self.waiting();
        for inbound in taken.into_iter().rev() {
            waiting.queue.push_front(inbound);
        }
    }

    /// Nothing is taken any more.
    pub(crate) fn close(&self) {
        let mut waiting = self.waiting();
        waiting.closed = true;
        waiting.queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_the_patience_ends() {
        let inbox = Inbox::default();
        let mut taken = Vec::new();
        inbox.take(&mut taken, 2, Some(Duration::from_millis(1)));
        assert!(taken.is_empty());
        for n in 0..3 {
            inbox.put(Inbound::Up(Up::Heard { conn: duologue_transport::ConnId(n) }));
        }
        inbox.take(&mut taken, 2, None);
        assert_eq!(format!("{taken:?}"), "[Up(Heard { conn: ConnId(0) }), Up(Heard { conn: ConnId(1) })]");
        inbox.close();
        inbox.put(Inbound::Drain);
        inbox.take(&mut taken, 2, Some(Duration::ZERO));
        assert_eq!(taken.len(), 2);
    }
}
