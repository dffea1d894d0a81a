//! The byte stream beneath tungstenite: what the peer deflated is read from it plain, what is written to it plain goes out deflated.
//! It also knows where messages begin and end, which tungstenite does not tell, and how large they were.
//!
//! A connection keeps nothing here while it is idle: what was read but not wanted yet, or written but not taken by the carrier, is
//! on the heap until it is gone. The buffers in between are the thread's.

use crate::deflate::Deflater;
use crate::inflate::{Fault, Inflater};
use crate::offer::Deflate;
use bytes::{Buf, Bytes};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Read at a time, at most.
const READ_BYTES: usize = 8 * 1024;
/// A thread's buffer that grew beyond this is given back.
const SPARE_BYTES: usize = 128 * 1024;

thread_local! {
    static READ: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static MADE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's buffer, empty.
fn lend<T>(buffer: &'static std::thread::LocalKey<Cell<Vec<u8>>>, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut bytes = buffer.take();
    bytes.clear();
    let done = work(&mut bytes);
    if bytes.capacity() <= SPARE_BYTES {
        buffer.set(bytes);
    }
    done
}

/// Bytes that wait: on the heap, and nothing there while nothing waits.
#[derive(Debug, Default)]
struct Waiting(Option<Box<Bytes>>);

impl Waiting {
    fn from(bytes: Bytes) -> Waiting {
        Waiting((!bytes.is_empty()).then(|| Box::new(bytes)))
    }

    fn copy(bytes: &[u8]) -> Waiting {
        if bytes.is_empty() { Waiting(None) } else { Waiting::from(Bytes::copy_from_slice(bytes)) }
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |bytes| bytes)
    }

    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// So many are gone from the front.
    fn advance(&mut self, count: usize) {
        let Some(bytes) = &mut self.0 else { return assert_eq!(count, 0, "nothing waits") };
        bytes.advance(count);
        if bytes.is_empty() {
            self.0 = None;
        }
    }
}

/// A carrier with permessage-deflate in it, for a WebSocket of either role. Where deflate was not agreed on, bytes go through as they are.
#[derive(Debug)]
pub struct DeflateStream<S> {
    carrier: S,
    inflater: Inflater,
    deflater: Deflater,
    /// Read from the carrier and not looked at.
    raw: Waiting,
    /// To be read from here.
    plain: Waiting,
    /// To be written to the carrier.
    out: Waiting,
    /// What is wrong with the peer, until it is told.
    fault: Option<Fault>,
    /// It was told: what follows is bytes without meaning.
    broken: bool,
    /// The most bytes that went one way at once, or in one frame.
    largest: usize,
}

impl<S> DeflateStream<S> {
    /// A stream past its HTTP upgrade, what was read beyond it, and what was agreed on in it. A message that inflates to more than
    /// `message_max_bytes` is an error of kind `Other`, of which [`close_code`] tells the code.
    pub fn new(carrier: S, read_ahead: Vec<u8>, agreed: Option<Deflate>, message_max_bytes: usize) -> DeflateStream<S> {
        DeflateStream {
            carrier,
            inflater: Inflater::new(agreed.is_some(), message_max_bytes),
            deflater: Deflater::new(agreed),
            raw: Waiting::from(read_ahead.into()),
            plain: Waiting::default(),
            out: Waiting::default(),
            fault: None,
            broken: false,
            largest: 0,
        }
    }

    /// What is beneath.
    pub fn carrier(&self) -> &S {
        &self.carrier
    }

    /// Whether everything that was read and written so far was whole messages, and nothing waits.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.inflater.is_between_messages() && self.raw.is_empty() && self.plain.is_empty() && self.out.is_empty()
    }

    /// The most bytes that went one way at once, or in one frame: as much as whoever is above has made room for.
    pub(crate) fn largest(&self) -> usize {
        self.largest
    }

    /// Whoever is above gives its room back.
    pub(crate) fn forget_largest(&mut self) {
        self.largest = 0;
    }
}

/// With which code a connection is closed over this error of a [`DeflateStream`] (RFC 6455, section 7.4.1), if it is the peer's fault.
pub fn close_code(error: &io::Error) -> Option<u16> {
    error.get_ref()?.downcast_ref::<Fault>().map(|fault| fault.0)
}

impl<S: AsyncRead + Unpin> DeflateStream<S> {
    /// Looks at what is raw, or else at what the carrier gives; what comes of it is put where it is to be read.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        if !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            return Poll::Ready(Ok(self.fill(raw.bytes(), buf)));
        }
        lend(&READ, |bytes| {
            bytes.reserve(READ_BYTES);
            let mut read = ReadBuf::uninit(bytes.spare_capacity_mut());
            ready!(Pin::new(&mut self.carrier).poll_read(cx, &mut read))?;
            if !read.filled().is_empty() {
                self.fill(read.filled(), buf);
            }
            Poll::Ready(Ok(read.filled().len()))
        })
    }

    fn fill(&mut self, mut raw: &[u8], buf: &mut ReadBuf<'_>) -> usize {
        let count = raw.len();
        lend(&MADE, |plain| {
            self.fault = self.inflater.take(&mut raw, plain).err();
            self.largest = self.largest.max(plain.len()).max(self.inflater.frame_bytes());
            let now = plain.len().min(buf.remaining());
            buf.put_slice(&plain[..now]);
            self.plain = Waiting::copy(&plain[now..]);
        });
        self.raw = Waiting::copy(raw);
        count
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for DeflateStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        while buf.filled().len() == before && buf.remaining() > 0 {
            if !this.plain.is_empty() {
                let now = this.plain.bytes();
                let count = now.len().min(buf.remaining());
                buf.put_slice(&now[..count]);
                this.plain.advance(count);
            } else if let Some(fault) = this.fault.take() {
                this.broken = true;
                this.raw = Waiting::default();
                return Poll::Ready(Err(io::Error::other(fault)));
            } else if this.broken {
                return Pin::new(&mut this.carrier).poll_read(cx, buf);
            } else if ready!(this.poll_fill(cx, buf))? == 0 {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> DeflateStream<S> {
    /// Writes what waits.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            let count = ready!(Pin::new(&mut self.carrier).poll_write(cx, self.out.bytes()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.out.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for DeflateStream<S> {
    /// Takes all of it or none: what the carrier does not take at once waits here.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, plain: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        this.largest = this.largest.max(plain.len());
        lend(&MADE, |made| {
            this.deflater.take(plain, made);
            let mut left = &made[..];
            while !left.is_empty() {
                match Pin::new(&mut this.carrier).poll_write(cx, left) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(count)) => left = &left[count..],
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
            }
            this.out = Waiting::copy(left);
            Poll::Ready(Ok(plain.len()))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.carrier).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_out(cx))?;
        Pin::new(&mut this.carrier).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Head;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const MAX: usize = 64 * 1024;

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Head { fin: true, opcode: 2, len: payload.len() as u64, ..Head::default() }.write(&mut out);
        out.extend_from_slice(payload);
        out
    }

    /// Through a carrier that takes and gives only so many bytes at a time.
    #[tokio::test]
    async fn frames_come_through_a_narrow_carrier_as_they_were_and_deflated_on_it() {
        let frames: Vec<u8> = (0..20u8).flat_map(|n| frame(&[n; 3_000])).collect();
        for size in [1, 7, 512, 1 << 20] {
            let (near, far) = duplex(size);
            let mut near = DeflateStream::new(near, Vec::new(), Some(Deflate::LARGEST), MAX);
            let mut far = DeflateStream::new(far, Vec::new(), Some(Deflate::LARGEST), MAX);
            let sent = frames.clone();
            let writer = tokio::spawn(async move {
                for piece in sent.chunks(1_700) {
                    near.write_all(piece).await.expect("it is taken");
                }
                near.flush().await.expect("it is out");
                assert!(near.is_between_messages() && near.largest() == 1_700);
            });
            let mut got = Vec::new();
            far.read_to_end(&mut got).await.expect("all is well");
            writer.await.expect("all was written");
            assert!(got == frames, "{size}");
            assert!(far.is_between_messages());
        }
    }

    #[tokio::test]
    async fn a_fault_is_told_once_after_what_was_good_and_the_rest_is_only_drained() {
        let (mut near, far) = duplex(1 << 10);
        let good = frame(b"good");
        let bytes = [&good[..], &[0xc2, 0x01, 0x07], b"anything"].concat();
        let (ahead, later) = bytes.split_at(2);
        near.write_all(later).await.expect("room");
        drop(near);
        let mut far = DeflateStream::new(far, ahead.to_vec(), Some(Deflate::LARGEST), MAX);
        let mut got = Vec::new();
        let error = far.read_to_end(&mut got).await.expect_err("7 is the head of no block");
        assert_eq!((close_code(&error), got), (Some(1007), good));
        assert!(far.read_to_end(&mut Vec::new()).await.is_ok(), "told once");
    }
}
