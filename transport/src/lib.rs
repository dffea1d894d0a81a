//! The vocabulary between a transport and whoever drives it: ids and bytes, no rules. A transport (WebSocket, QUIC,
//! WebTransport, the simulator's virtual link) says [`Up`] and obeys [`Down`]; nothing in here knows what a message means.
#![no_std]

extern crate alloc;

#[cfg(feature = "table")]
extern crate std;

#[cfg(feature = "contract")]
pub mod contract;
pub mod framing;
#[cfg(feature = "table")]
pub mod queue;
#[cfg(feature = "table")]
mod table;

#[cfg(feature = "table")]
pub use table::Table;

use bytes::Bytes;

/// One socket (or its like) from its opening to its close; given out by whoever opens it, never twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// Which encoding of messages a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// JSON in text frames, `duologue.v1.json`.
    Json,
    /// postcard in binary frames or length-prefixed on a stream, `duologue.v1.postcard`.
    Postcard,
    /// Only unknown sub-protocols were offered: to be closed with `unsupported`, in JSON.
    Unknown,
}

/// What a transport tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Up {
    /// A connection is there; nothing was said on it yet.
    Opened {
        /// Which.
        conn: ConnId,
        /// The client's IP address, IPv4 mapped into IPv6.
        address: u128,
        /// What it speaks.
        form: Form,
        /// 256 random bits, from which its resume tokens are made.
        secret: [u8; 32],
    },
    /// A whole message.
    Message {
        /// From whom.
        conn: ConnId,
        /// As it came.
        bytes: Bytes,
    },
    /// A frame of the wrong kind (binary on JSON, text on postcard), or a message over the size limit.
    WrongFrame {
        /// From whom.
        conn: ConnId,
    },
    /// A sign of life without a message (ping, pong).
    Heard {
        /// From whom.
        conn: ConnId,
    },
    /// Everything handed over was written to the socket's buffer: more may be sent.
    Writable {
        /// Which.
        conn: ConnId,
    },
    /// It is no more.
    Closed {
        /// Which.
        conn: ConnId,
        /// The client closed it with code 1000 (0 on a QUIC connection of its own).
        clean: bool,
    },
}

/// What a transport is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// Send one message. It answers with `Writable` once everything sent so far has left its own queue.
    Send {
        /// To whom.
        conn: ConnId,
        /// As it is to go out.
        bytes: Bytes,
    },
    /// Ask for a sign of life.
    Ping {
        /// Whom.
        conn: ConnId,
    },
    /// Send this last message, then close with this code; nothing follows but `Closed`.
    Close {
        /// Which.
        conn: ConnId,
        /// WebSocket close code or QUIC application error code.
        code: u16,
        /// A last message, if any.
        last: Option<Bytes>,
    },
}
