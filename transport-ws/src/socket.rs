//! One connection's task: from the upgraded stream to its end.
//!
//! While it is open, each turn writes what is ordered (all of it into the buffer, then one flush), then reads what came, up to
//! a budget, and gives back what a large message made the library hold. How it ends decides what is said and done last: the peer closed (answer it), a close was ordered (flush it, wait
//! for the answer), the peer broke the protocol (say which way, drain), or the carrier broke (nothing). The library drops TCP
//! on a protocol error without a word, and unread bytes turn a close into a reset: hence the explicit frame and the draining.

use crate::sockets::{Opening, Sockets};
use crate::stream::{DeflateStream, close_code};
use bytes::Bytes;
use duologue_transport::queue::{Order, Queue, Standing};
use duologue_transport::{Form, Up};
use futures_util::{FutureExt, Sink, Stream};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame, Utf8Bytes};
use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};

/// How an open connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The carrier is gone, or the queue overflowed.
    Broken,
    /// The peer sent something that is no WebSocket: this code is said.
    Fault(u16),
    /// A close was ordered.
    Ordered,
    /// The peer closed.
    Peer { clean: bool },
}

/// What a turn came to.
enum Turned {
    End(End),
    /// Nothing is going on, and the library holds more memory than an idle connection should.
    Idle,
}

/// Messages a turn, before others get theirs.
const READ_BUDGET: u32 = 32;
/// The library's buffers keep the size of the largest message. Once more than this went through at once, they are made anew.
const SPARE_BYTES: usize = 256;
/// The library's read buffer, which stands for every idle connection. What is read from the carrier at once does not depend on it.
const READ_BUFFER_BYTES: usize = 128;

fn settings(message_max_bytes: usize) -> WebSocketConfig {
    // The write buffer is empty while nothing is sent, and up to this many bytes are one write.
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(8 * 1024)
        .max_write_buffer_size(256 * 1024)
        .max_message_size(Some(message_max_bytes))
        .max_frame_size(Some(message_max_bytes))
}

pub(crate) async fn run<S, G>(sockets: Arc<Sockets>, queue: Arc<Queue>, stream: S, read_ahead: Vec<u8>, opening: Opening, silence: G)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    G: Send + Unpin + 'static,
{
    let Opening { conn, address, form, deflate, secret } = opening;
    let message_max_bytes = sockets.config().message_max_bytes;
    let ws = web_socket(DeflateStream::new(stream, read_ahead, deflate, message_max_bytes), message_max_bytes);
    sockets.table().say(Up::Opened { conn, address, form, secret });
    let opening = Known { conn, form };
    let mut socket = Socket { sockets, queue, ws, opening, silence: Some(silence), unsaid_writable: false, unflushed: false };
    let end = loop {
        match poll_fn(|cx| socket.poll_open(cx)).await {
            Turned::End(end) => break end,
            Turned::Idle => socket.ws = web_socket(socket.ws.into_inner(), message_max_bytes),
        }
    };
    socket.silence = None;
    let patience = socket.sockets.config().close_patience;
    if end != End::Ordered {
        socket.sockets.table().end(conn, end == End::Peer { clean: true });
    }
    // A close that takes too long is given up: what is left is dropped with the stream. On the heap, since it would otherwise
    // stand in every connection's task for all its life.
    let _ = Box::pin(tokio::time::timeout(patience, socket.finish(end))).await;
    if end == End::Ordered {
        socket.sockets.table().end(conn, false);
    }
}

/// A WebSocket past its handshake.
fn web_socket<S: AsyncRead + AsyncWrite + Unpin>(stream: DeflateStream<S>, message_max_bytes: usize) -> WebSocketStream<DeflateStream<S>> {
    let made = WebSocketStream::from_raw_socket(stream, Role::Server, Some(settings(message_max_bytes)));
    made.now_or_never().expect("without a handshake there is nothing to wait for")
}

struct Known {
    conn: duologue_transport::ConnId,
    form: Form,
}

struct Socket<S, G> {
    sockets: Arc<Sockets>,
    queue: Arc<Queue>,
    ws: WebSocketStream<DeflateStream<S>>,
    opening: Known,
    /// Until the client's first word.
    silence: Option<G>,
    /// Something was sent since `Writable` was last said.
    unsaid_writable: bool,
    /// Something was put into the library's buffer since it was last flushed.
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, G: Unpin> Socket<S, G> {
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Turned> {
        self.queue.register(cx);
        match self.queue.standing() {
            Standing::Closing => return Poll::Ready(Turned::End(End::Ordered)),
            Standing::Open => {}
            Standing::Overflowed => return Poll::Ready(Turned::End(End::Broken)),
        }
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            return Poll::Ready(Turned::End(End::Broken));
        }
        self.poll_read(cx)
    }

    /// After a read that found nothing more: whether the library's buffers grew, and are empty. They are if all that was read was
    /// whole messages, for those were taken out, and if what was to be written (a pong, perhaps) is flushed.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Turned> {
        let stream = self.ws.get_mut();
        if stream.largest() <= SPARE_BYTES || !stream.is_between_messages() {
            return Poll::Pending;
        }
        if ready!(Pin::new(&mut self.ws).poll_flush(cx)).is_err() {
            return Poll::Ready(Turned::End(End::Broken));
        }
        self.ws.get_mut().forget_largest();
        Poll::Ready(Turned::Idle)
    }

    /// Puts every order into the buffer and flushes once. Ready when nothing is left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let text = self.opening.form != Form::Postcard;
        loop {
            ready!(Pin::new(&mut self.ws).poll_ready(cx))?;
            let Some(order) = self.queue.next() else { break };
            let message = match order {
                Order::Close(code) => Message::Close(Some(CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::default() })),
                Order::Ping => Message::Ping(Bytes::new()),
                Order::Send(bytes) => {
                    self.unsaid_writable = true;
                    // A frame made here: a text message of ours is not checked again for being text.
                    Message::Frame(Frame::message(bytes, OpCode::Data(if text { Data::Text } else { Data::Binary }), true))
                }
            };
            self.unflushed = true;
            Pin::new(&mut self.ws).start_send(message)?;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.ws).poll_flush(cx))?;
            self.unflushed = false;
        }
        if self.unsaid_writable && self.queue.standing() == Standing::Open {
            self.unsaid_writable = false;
            self.sockets.table().say(Up::Writable { conn: self.opening.conn });
        }
        Poll::Ready(Ok(()))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Turned> {
        let conn = self.opening.conn;
        let mut heard = false;
        for _ in 0..READ_BUDGET {
            if !self.queue.may_read() {
                self.say_heard(heard);
                return Poll::Pending;
            }
            let message = match Pin::new(&mut self.ws).poll_next(cx) {
                Poll::Pending => {
                    self.say_heard(heard);
                    return self.poll_idle(cx);
                }
                Poll::Ready(None) => return Poll::Ready(Turned::End(End::Broken)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Turned::End(fault(&error))),
                Poll::Ready(Some(Ok(message))) => message,
            };
            match (message, self.opening.form) {
                (Message::Ping(_) | Message::Pong(_), _) => heard = true,
                (Message::Close(frame), _) => {
                    let clean = frame.is_some_and(|frame| frame.code == CloseCode::Normal);
                    return Poll::Ready(Turned::End(End::Peer { clean }));
                }
                (Message::Text(text), Form::Json | Form::Unknown) => self.raise(Up::Message { conn, bytes: text.into() }),
                (Message::Binary(bytes), Form::Postcard) => self.raise(Up::Message { conn, bytes }),
                (Message::Text(_), Form::Postcard) | (Message::Binary(_), Form::Json | Form::Unknown) | (Message::Frame(_), _) => {
                    self.raise(Up::WrongFrame { conn });
                }
            }
        }
        self.say_heard(heard);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn raise(&mut self, up: Up) {
        self.sockets.table().raise(&self.queue, up);
        self.silence = None;
    }

    /// Once a turn, however many pings came: a sign of life is one.
    fn say_heard(&mut self, heard: bool) {
        if heard {
            self.raise(Up::Heard { conn: self.opening.conn });
        }
    }

    async fn finish(&mut self, end: End) {
        match end {
            End::Broken => return,
            End::Fault(code) => {
                let close = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::default() };
                let sent = self.ws.close(Some(close)).await.is_ok() && self.ws.get_mut().shutdown().await.is_ok();
                if sent {
                    self.drain().await;
                }
                return;
            }
            // Whatever still comes is read and dropped, so that the peer's answer is found behind it.
            End::Ordered => poll_fn(|cx| self.poll_farewell(cx)).await,
            End::Peer { .. } => while poll_fn(|cx| Pin::new(&mut self.ws).poll_next(cx)).await.is_some_and(|message| message.is_ok()) {},
        }
        let _ = self.ws.get_mut().shutdown().await;
    }

    /// Writes what is left with the close behind it, and reads until the peer has answered it.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            return Poll::Ready(());
        }
        for _ in 0..READ_BUDGET {
            match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads and drops raw bytes until the peer is through: a socket closed over unread bytes resets, and the close is lost.
    async fn drain(&mut self) {
        let mut rest = vec![0; 1024];
        while matches!(self.ws.get_mut().read(&mut rest).await, Ok(read) if read > 0) {}
    }
}

/// What a read error means for the peer (RFC 6455, section 7.4.1).
fn fault(error: &Error) -> End {
    match error {
        Error::Io(error) => close_code(error).map_or(End::Broken, End::Fault),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::ConnectionClosed | Error::AlreadyClosed => End::Broken,
        Error::Capacity(_) => End::Fault(1009),
        Error::Utf8(_) => End::Fault(1007),
        _ => End::Fault(1002),
    }
}
