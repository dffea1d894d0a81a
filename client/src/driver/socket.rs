//! A socket, whatever it is: an address says which, and each opens, gives what comes, sends and closes.

#[cfg(feature = "quic")]
use super::quic;
#[cfg(feature = "ws")]
use super::websocket;
use crate::Form;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What came over a socket.
pub(super) enum Came {
    Life,
    Message(Vec<u8>),
    End(Option<u16>),
}

/// Where a socket leads to.
#[derive(Clone)]
pub(super) enum Address {
    #[cfg(feature = "quic")]
    Quic(quic::Address),
    #[cfg(feature = "ws")]
    WebSocket(Box<websocket::Target>),
}

pub(super) enum Socket {
    #[cfg(feature = "quic")]
    Quic(Box<quic::Socket>),
    #[cfg(feature = "ws")]
    WebSocket(Box<websocket::Socket>),
}

/// Nothing came of it, or nothing more is taken; what the other side said about it comes as `Came::End`.
pub(super) struct Broken;

impl Address {
    /// Reads it; the error says what is wrong. QUIC has one form, which is set.
    pub(super) fn parse(url: &str, form: &mut Form) -> Result<Address, String> {
        let (scheme, _) = url.split_once("://").unwrap_or(("", url));
        match scheme {
            #[cfg(feature = "quic")]
            "quic" => {
                *form = Form::Binary;
                quic::Address::parse(url).map(Address::Quic)
            }
            #[cfg(feature = "ws")]
            "ws" | "wss" => websocket::Target::parse(url, *form).map(|target| Address::WebSocket(target.into())),
            _ => Err(format!("{url}: this client speaks {}", Address::schemes())),
        }
    }

    /// What is believed of a server over TLS; QUIC names its certificates in the address.
    #[cfg(all(feature = "tls", feature = "ws"))]
    pub(super) fn trust(&mut self, roots: &crate::Roots) {
        match self {
            #[cfg(feature = "quic")]
            Address::Quic(_) => {}
            Address::WebSocket(target) => target.trust(roots),
        }
    }

    fn schemes() -> &'static str {
        match (cfg!(feature = "quic"), cfg!(feature = "ws")) {
            (true, true) => "ws://, wss:// and quic://",
            (true, false) => "quic://",
            (false, _) => "ws:// and wss://",
        }
    }

    pub(super) async fn open(self) -> Result<Socket, Broken> {
        match self {
            #[cfg(feature = "quic")]
            Address::Quic(address) => quic::Socket::open(address).await.map(|socket| Socket::Quic(Box::new(socket))),
            #[cfg(feature = "ws")]
            Address::WebSocket(target) => websocket::Socket::open(*target).await.map(Socket::WebSocket),
        }
    }
}

impl Socket {
    /// The next thing that comes; ends once. It may be dropped and asked again.
    pub(super) async fn next(&mut self) -> Came {
        match self {
            #[cfg(feature = "quic")]
            Socket::Quic(socket) => socket.next().await,
            #[cfg(feature = "ws")]
            Socket::WebSocket(socket) => socket.next().await,
        }
    }

    pub(super) async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Broken> {
        match self {
            #[cfg(feature = "quic")]
            Socket::Quic(socket) => socket.send(bytes).await,
            #[cfg(feature = "ws")]
            Socket::WebSocket(socket) => socket.send(bytes).await,
        }
    }

    /// Says that one is gone, and waits shortly for the answer, so that it arrives before the socket goes.
    pub(super) async fn close(self) {
        match self {
            #[cfg(feature = "quic")]
            Socket::Quic(socket) => socket.close().await,
            #[cfg(feature = "ws")]
            Socket::WebSocket(socket) => socket.close().await,
        }
    }

    /// Goes on from another address of this machine, where that can be done without another socket.
    #[cfg(feature = "quic")]
    pub(super) fn rebind(&self) {
        match self {
            Socket::Quic(socket) => socket.rebind(),
            #[cfg(feature = "ws")]
            Socket::WebSocket(_) => {}
        }
    }
}
