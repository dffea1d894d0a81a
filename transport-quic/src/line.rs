//! One connection's stream, be it raw QUIC or inside a WebTransport session: reading, writing, closing with a code, and noticing
//! what the protocol does not have (a second stream, a datagram).

use futures_util::future::{Either, select};
use quinn::{Connection, ConnectionError, VarInt};
use std::future::pending;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use web_transport_quinn::{Session, SessionError, WebTransportError};

/// What a peer says with its close when it leaves for good, in a WebTransport session as on a WebSocket. There a browser closes with 0
/// whatever a page leaves open, also one that crashed.
const NORMAL: u16 = 1000;
/// And on a connection of its own.
const RAW_LEFT: u32 = 0;

pub(crate) enum Line {
    Raw { connection: Connection, send: quinn::SendStream, recv: quinn::RecvStream },
    Web { session: Box<Session>, send: web_transport_quinn::SendStream, recv: web_transport_quinn::RecvStream },
}

/// What a read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    /// Nothing will come any more: the stream or the connection is over.
    Over,
}

/// The other side opened a second stream or sent a datagram. Pending for ever where the connection ends first.
pub(crate) type Stray = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Line {
    pub(crate) fn connection(&self) -> &Connection {
        match self {
            Line::Raw { connection, .. } => connection,
            Line::Web { session, .. } => session,
        }
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Read> {
        let read = match self {
            Line::Raw { recv, .. } => recv.poll_read(cx, buffer).map(|read| read.unwrap_or(0)),
            Line::Web { recv, .. } => {
                let mut buffer = ReadBuf::new(buffer);
                Pin::new(recv).poll_read(cx, &mut buffer).map(|read| read.map_or(0, |()| buffer.filled().len()))
            }
        };
        read.map(|length| if length == 0 { Read::Over } else { Read::Bytes(length) })
    }

    /// How much was taken; an error where nothing will be taken any more.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, ()>> {
        match self {
            Line::Raw { send, .. } => Pin::new(send).poll_write(cx, bytes).map_err(|_| ()),
            Line::Web { send, .. } => Pin::new(send).poll_write(cx, bytes).map_err(|_| ()),
        }
    }

    /// Lets the peer send nothing more.
    pub(crate) fn stop(&mut self, code: u16) {
        // A stream that is over need not be stopped.
        match self {
            Line::Raw { recv, .. } => drop(recv.stop(VarInt::from_u32(code.into()))),
            Line::Web { recv, .. } => drop(recv.stop(code.into())),
        }
    }

    /// Says that this was all, and waits until the peer has it.
    pub(crate) async fn finish(&mut self) {
        match self {
            Line::Raw { send, .. } => {
                if send.finish().is_ok() {
                    let _ = send.stopped().await;
                }
            }
            Line::Web { send, .. } => {
                if send.finish().is_ok() {
                    let _ = send.stopped().await;
                }
            }
        }
    }

    /// Closes with a code of the protocol.
    pub(crate) fn close(&self, code: u16) {
        match self {
            Line::Raw { connection, .. } => {
                let code = if code == NORMAL { RAW_LEFT } else { code.into() };
                connection.close(VarInt::from_u32(code), b"");
            }
            Line::Web { session, .. } => session.close(code.into(), b""),
        }
    }

    /// Waits for the end of the connection: whether the peer left for good.
    pub(crate) async fn left(&self) -> bool {
        match self {
            Line::Raw { connection, .. } => match connection.closed().await {
                ConnectionError::ApplicationClosed(close) => close.error_code == VarInt::from_u32(RAW_LEFT),
                _ => false,
            },
            Line::Web { session, .. } => match session.closed().await {
                SessionError::WebTransportError(WebTransportError::Closed(code, _)) => code == u32::from(NORMAL),
                _ => false,
            },
        }
    }

    /// Makes the peer acknowledge something. The library has no way to send a PING; a MAX_DATA that says nothing new is one.
    pub(crate) fn ping(&self) {
        let connection = self.connection();
        connection.set_receive_window((crate::tuning::WINDOW - 1).into());
        connection.set_receive_window(crate::tuning::WINDOW.into());
    }

    pub(crate) fn stray(&self) -> Stray {
        match self {
            Line::Raw { connection, .. } => {
                let connection = connection.clone();
                Box::pin(async move {
                    first(async { connection.accept_bi().await.is_ok() }, async { connection.accept_uni().await.is_ok() }, async {
                        connection.read_datagram().await.is_ok()
                    })
                    .await;
                })
            }
            Line::Web { session, .. } => {
                let session = session.clone();
                Box::pin(async move {
                    first(async { session.accept_bi().await.is_ok() }, async { session.accept_uni().await.is_ok() }, async {
                        session.read_datagram().await.is_ok()
                    })
                    .await;
                })
            }
        }
    }
}

/// Waits for one of them to be true; for ever where the first that comes is not.
async fn first(a: impl Future<Output = bool>, b: impl Future<Output = bool>, c: impl Future<Output = bool>) {
    let (a, b, c) = (pin!(a), pin!(b), pin!(c));
    let is_there = match select(select(a, b), c).await {
        Either::Left((Either::Left((is_there, _)) | Either::Right((is_there, _)), _)) | Either::Right((is_there, _)) => is_there,
    };
    if !is_there {
        pending::<()>().await;
    }
}

/// How much of the peer's frames was understood: when it grows, the peer is alive. Only frames count that passed decryption.
pub(crate) fn life(connection: &Connection) -> u64 {
    let frames = connection.stats().frame_rx;
    frames.acks + frames.ping + frames.stream + frames.path_challenge + frames.path_response + frames.max_data + frames.max_stream_data
}
