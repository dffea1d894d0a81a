//! The way to a server: UDP, TCP or TLS, whole messages in and out.

use super::address::{Address, Carrier};
use super::fault::Fault;
use super::{LOOK, PATIENCE};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;

/// The largest message: 4 bytes of head and a length of 16 bits.
const MESSAGE_BYTES: usize = 4 + 65_535;
const STUN_HEAD_BYTES: usize = 20;
const CHANNEL_HEAD_BYTES: usize = 4;

/// A way to a server that is open.
pub(super) struct Line {
    pub(super) here: SocketAddr,
    pub(super) there: SocketAddr,
    socket: Socket,
    /// What of a stream was read and is no whole message yet.
    read: Vec<u8>,
}

enum Socket {
    Datagrams(UdpSocket),
    Stream(Box<dyn Stream>),
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Line {
    pub(super) fn open(address: &Address, there: SocketAddr, roots: &RootCertStore) -> Result<Line, Fault> {
        let (here, socket) = match address.carrier {
            Carrier::Udp => {
                let any: SocketAddr = if there.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
                let socket = UdpSocket::bind(any).map_err(Fault::Reach)?;
                socket.connect(there).and_then(|()| socket.set_read_timeout(Some(LOOK))).map_err(Fault::Reach)?;
                (socket.local_addr(), Socket::Datagrams(socket))
            }
            Carrier::Tcp => {
                let stream = tcp(there).map_err(Fault::Reach)?;
                stream.set_read_timeout(Some(LOOK)).map_err(Fault::Reach)?;
                (stream.local_addr(), Socket::Stream(Box::new(stream)))
            }
            Carrier::Tls => {
                let stream = tcp(there).map_err(Fault::Reach)?;
                let here = stream.local_addr();
                let tls = tls(&address.host, stream, roots).map_err(Fault::Tls)?;
                tls.sock.set_read_timeout(Some(LOOK)).map_err(Fault::Reach)?;
                (here, Socket::Stream(Box::new(tls)))
            }
        };
        Ok(Line { here: here.map_err(Fault::Reach)?, there, socket, read: Vec::new() })
    }

    pub(super) fn is_stream(&self) -> bool {
        matches!(self.socket, Socket::Stream(_))
    }

    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), Fault> {
        match &mut self.socket {
            Socket::Datagrams(socket) => socket.send(message).map(drop),
            Socket::Stream(stream) => stream.write_all(message).and_then(|()| stream.flush()),
        }
        .map_err(Fault::Reach)
    }

    /// The next message; none where none came for a moment.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(message) = self.take() {
            return Ok(Some(message));
        }
        let mut bytes = [0; MESSAGE_BYTES];
        let (count, is_stream) = match &mut self.socket {
            Socket::Datagrams(socket) => (socket.recv(&mut bytes), false),
            Socket::Stream(stream) => (stream.read(&mut bytes), true),
        };
        match count {
            Ok(0) if is_stream => Err(Fault::Reach(ErrorKind::UnexpectedEof.into())),
            Ok(count) if is_stream => {
                self.read.extend_from_slice(&bytes[..count]);
                Ok(self.take())
            }
            Ok(count) => Ok(Some(bytes[..count].to_vec())),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(Fault::Reach(error)),
        }
    }

    /// The first whole message of what a stream gave: of STUN, or of a channel, which is padded to 4 bytes (RFC 8656, 12.5).
    fn take(&mut self) -> Option<Vec<u8>> {
        let length = usize::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?));
        let is_channel = self.read[0] >> 6 == 1;
        let whole = if is_channel { CHANNEL_HEAD_BYTES + length.next_multiple_of(4) } else { STUN_HEAD_BYTES + length };
        (self.read.len() >= whole).then(|| self.read.drain(..whole).collect())
    }
}

fn tcp(there: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&there, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn tls(host: &str, stream: TcpStream, roots: &RootCertStore) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let config = config.with_root_certificates(roots.clone()).with_no_client_auth();
    let mut tls = StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    tls.flush()?;
    Ok(tls)
}
