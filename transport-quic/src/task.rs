//! One connection's task: from its first stream to its end.
//!
//! While it is open, each turn writes what is ordered, then reads what came, up to a budget. How it ends decides what is done
//! last: the peer is through (wait shortly for its close, which says how it left), a close was ordered (write what is left, wait
//! until the peer has it, then close: a close overtakes what was written), or too much was ordered (close at once).

use crate::carrier::Shared;
use crate::line::{Line, Read, Stray};
use bytes::{Buf, Bytes};
use duologue_transport::framing::{self, Reader};
use duologue_transport::queue::{Order, Queue, Standing};
use duologue_transport::{ConnId, Form, Up};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::timeout;

/// How an open connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A close was ordered.
    Ordered,
    /// More was ordered than was agreed.
    Overflowed,
    /// Nothing comes from the peer any more, or nothing goes to it.
    Peer,
}

/// Bytes a read.
const READ_BYTES: usize = 4 * 1024;
/// Reads a turn, before others get theirs.
const READ_BUDGET: u32 = 16;
/// Orders are gathered up to this many bytes before they are written.
const WRITE_BYTES: usize = 8 * 1024;
/// What a peer is told that broke the protocol.
const BAD_MESSAGE: u16 = 4106;
/// What a connection is told that is ended for our own fault.
const INTERNAL: u16 = 4005;
/// As a peer that has left is answered.
const NORMAL: u16 = 1000;

struct Socket {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    conn: ConnId,
    line: Line,
    stray: Stray,
    reader: Reader,
    /// The peer broke the protocol: it was told, and nothing more is read.
    deaf: bool,
    /// Framed messages on their way out.
    out: Bytes,
    /// The code of the close that was reached among the orders.
    code: Option<u16>,
    /// Something was sent since `Writable` was last said.
    unsaid_writable: bool,
}

pub(crate) async fn run(shared: Arc<Shared>, line: Line, form: Form, address: u128) {
    let (conn, secret) = shared.host.next();
    let queue = shared.table.open(conn);
    shared.watch(conn, line.connection());
    shared.table.say(Up::Opened { conn, address, form, secret });
    let stray = line.stray();
    let mut socket = Socket {
        shared,
        queue,
        conn,
        line,
        stray,
        reader: Reader::default(),
        deaf: false,
        out: Bytes::new(),
        code: None,
        unsaid_writable: false,
    };
    let end = poll_fn(|cx| socket.poll_open(cx)).await;
    let clean = Box::pin(socket.finish(end)).await;
    socket.shared.forget(conn);
    socket.shared.table.end(conn, clean);
}

impl Socket {
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.queue.register(cx);
        match self.queue.standing() {
            Standing::Closing => return Poll::Ready(End::Ordered),
            Standing::Open => {}
            Standing::Overflowed => return Poll::Ready(End::Overflowed),
        }
        if let Poll::Ready(Err(())) = self.poll_write(cx) {
            return Poll::Ready(End::Peer);
        }
        if !self.deaf && self.stray.as_mut().poll(cx).is_ready() {
            self.break_off();
        }
        self.poll_read(cx)
    }

    /// Writes every order. Ready when nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        while self.code.is_none() {
            self.gather();
            if self.out.is_empty() {
                break;
            }
            while !self.out.is_empty() {
                let written = ready!(self.line.poll_write(cx, &self.out))?;
                self.out.advance(written);
            }
            self.out = Bytes::new();
        }
        if self.unsaid_writable && self.queue.standing() == Standing::Open {
            self.unsaid_writable = false;
            self.shared.table.say(Up::Writable { conn: self.conn });
        }
        Poll::Ready(Ok(()))
    }

    /// Takes orders until there is something to write.
    fn gather(&mut self) {
        if !self.out.is_empty() {
            return;
        }
        let mut gathered = Vec::new();
        while gathered.len() < WRITE_BYTES {
            match self.queue.next() {
                None => break,
                Some(Order::Ping) => self.line.ping(),
                Some(Order::Send(bytes)) => {
                    self.unsaid_writable = true;
                    framing::put(&mut gathered, &bytes);
                }
                Some(Order::Close(code)) => {
                    self.code = Some(code);
                    break;
                }
            }
        }
        self.out = gathered.into();
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..READ_BUDGET {
            if self.deaf || !self.queue.may_read() {
                return Poll::Pending;
            }
            let mut buffer = [0; READ_BYTES];
            match ready!(self.line.poll_read(cx, &mut buffer)) {
                Read::Bytes(length) => self.take(&buffer[..length]),
                Read::Over => return Poll::Ready(End::Peer),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take(&mut self, bytes: &[u8]) {
        self.reader.give(bytes);
        loop {
            match self.reader.take() {
                Ok(Some(bytes)) => self.shared.table.raise(&self.queue, Up::Message { conn: self.conn, bytes }),
                Ok(None) => return,
                Err(framing::TooLarge { .. }) => return self.break_off(),
            }
        }
    }

    /// The peer said what the protocol does not have. It will be told so; nothing more is heard from it.
    fn break_off(&mut self) {
        self.deaf = true;
        self.reader = Reader::default();
        self.line.stop(BAD_MESSAGE);
        self.shared.table.raise(&self.queue, Up::WrongFrame { conn: self.conn });
    }

    /// Whether the peer has left for good.
    async fn finish(&mut self, end: End) -> bool {
        let patience = self.shared.config.close_patience;
        match end {
            End::Ordered => {
                let _ = timeout(patience, async {
                    if poll_fn(|cx| self.poll_write(cx)).await.is_ok() {
                        self.line.finish().await;
                    }
                })
                .await;
                let code = self.code_ordered();
                self.line.close(code);
                let _ = timeout(patience, self.line.left()).await;
                false
            }
            End::Overflowed => {
                self.line.close(INTERNAL);
                false
            }
            End::Peer => {
                let left = timeout(patience, self.line.left()).await.unwrap_or(false);
                self.line.close(NORMAL);
                left
            }
        }
    }

    /// The code of the close that was ordered, also where what stood before it was never written.
    fn code_ordered(&mut self) -> u16 {
        while self.code.is_none() {
            match self.queue.next() {
                Some(Order::Close(code)) => self.code = Some(code),
                Some(Order::Ping | Order::Send(_)) => {}
                None => return INTERNAL,
            }
        }
        self.code.expect("just found")
    }
}
