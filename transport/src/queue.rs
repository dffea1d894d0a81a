//! What waits between the rest of the server and one connection's task: orders on their way down, and how much on its way up
//! nobody has taken yet. A locked deque and a waker cost about a hundred bytes where a channel costs seventeen hundred.
//!
//! Both ways are bounded. Down: whoever sends more than was agreed loses the connection, since `Writable` told when to stop.
//! Up: the task stops reading, and TCP tells the peer.

use alloc::collections::VecDeque;
use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Context;
use futures_util::task::AtomicWaker;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a connection's task is told to do.
#[derive(Debug)]
pub enum Order {
    /// Close with this code; nothing follows.
    Close(u16),
    /// Ask for a sign of life.
    Ping,
    /// Send this message.
    Send(Bytes),
}

#[derive(Debug, Default)]
struct Orders {
    queue: VecDeque<Order>,
    bytes: usize,
    /// A close was ordered: nothing may follow.
    closing: bool,
    /// More was sent than was agreed.
    overflowed: bool,
}

/// How a connection stands with its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A close was ordered.
    Closing,
    /// It goes on.
    Open,
    /// More was sent than was agreed.
    Overflowed,
}

/// The two directions of one connection.
#[derive(Debug, Default)]
pub struct Queue {
    orders: Mutex<Orders>,
    unread_bytes: AtomicUsize,
    waker: AtomicWaker,
}

/// What a message costs beside its bytes, while it waits.
const OVERHEAD_BYTES: usize = 64;
/// More than this untaken, and nothing more is read from the connection: one large message, or a few hundred small ones.
const UNREAD_MAX_BYTES: usize = 32 * 1024;

impl Queue {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, bytes: Bytes, most_bytes: usize) {
        let mut orders = self.orders();
        if orders.closing || orders.overflowed {
            return;
        }
        orders.bytes += bytes.len();
        orders.overflowed = orders.bytes > most_bytes;
        orders.queue.push_back(Order::Send(bytes));
        drop(orders);
        self.waker.wake();
    }

    pub(crate) fn ping(&self) {
        let mut orders = self.orders();
        if orders.closing || matches!(orders.queue.back(), Some(Order::Ping)) {
            return;
        }
        orders.queue.push_back(Order::Ping);
        drop(orders);
        self.waker.wake();
    }

    pub(crate) fn close(&self, code: u16, last: Option<Bytes>) {
        let mut orders = self.orders();
        if orders.closing {
            return;
        }
        orders.closing = true;
        orders.queue.extend(last.map(Order::Send));
        orders.queue.push_back(Order::Close(code));
        drop(orders);
        self.waker.wake();
    }

    /// The next order; an empty queue holds nothing.
    pub fn next(&self) -> Option<Order> {
        let mut orders = self.orders();
        let order = orders.queue.pop_front();
        match &order {
            Some(Order::Send(bytes)) => orders.bytes = orders.bytes.saturating_sub(bytes.len()),
            Some(Order::Close(_) | Order::Ping) => {}
            None => orders.queue = VecDeque::new(),
        }
        order
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        let orders = self.orders();
        match (orders.overflowed, orders.closing) {
            (true, _) => Standing::Overflowed,
            (false, true) => Standing::Closing,
            (false, false) => Standing::Open,
        }
    }

    /// Wakes this task when there is something to do.
    pub fn register(&self, cx: &Context<'_>) {
        self.waker.register(cx.waker());
    }

    /// A message of this length goes up.
    pub(crate) fn raised(&self, bytes: usize) {
        self.unread_bytes.fetch_add(bytes + OVERHEAD_BYTES, Ordering::AcqRel);
    }

    /// It was taken: perhaps reading goes on.
    pub(crate) fn taken(&self, bytes: usize) {
        let cost = bytes + OVERHEAD_BYTES;
        let before = self.unread_bytes.fetch_sub(cost, Ordering::AcqRel);
        if before >= UNREAD_MAX_BYTES && before - cost < UNREAD_MAX_BYTES {
            self.waker.wake();
        }
    }

    /// Whether more may be read from the client: not while much of what it said waits to be taken.
    pub fn may_read(&self) -> bool {
        self.unread_bytes.load(Ordering::Acquire) < UNREAD_MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn nothing_follows_a_close_and_too_much_is_noticed() {
        let queue = Queue::default();
        queue.send(Bytes::from_static(b"12345"), 8);
        assert_eq!(queue.standing(), Standing::Open);
        queue.close(4001, Some(Bytes::from_static(b"last")));
        queue.send(Bytes::from_static(b"late"), 8);
        queue.ping();
        let orders: Vec<String> = core::iter::from_fn(|| queue.next()).map(|order| format!("{order:?}")).collect();
        assert_eq!(orders, ["Send(b\"12345\")", "Send(b\"last\")", "Close(4001)"]);

        let queue = Queue::default();
        queue.send(Bytes::from_static(b"12345"), 8);
        queue.send(Bytes::from_static(b"6789"), 8);
        assert_eq!(queue.standing(), Standing::Overflowed);
    }

    #[test]
    fn reading_stops_while_nobody_takes() {
        let queue = Queue::default();
        queue.raised(40_000);
        assert!(!queue.may_read());
        queue.taken(40_000);
        assert!(queue.may_read());
    }
}
