//! A relay (RFC 8656), as a member of a call has it: asked for, allowed to hear a peer, sent over. The library knows the protocol;
//! here is what carries it, and what the server's refusals say.

use super::address::{Address, Carrier};
use super::fault::{Fault, Said};
use super::line::Line;
use super::{PATIENCE, instant, since};
use crate::clock;
use duologue_core::kit::time::Span;
use rustls::RootCertStore;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use turn_client_proto::api::{Transmit, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::prelude::DelayedTransmitBuild;
use turn_client_proto::stun::types::attribute::ErrorCode;
use turn_client_proto::stun::types::message::{Message, MessageClass};
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

turn_client_proto::impl_client!(Client, (Udp, TurnClientUdp), (Tcp, TurnClientTcp));

const ALLOCATES: &str = "a relay was asked for";
const PERMITS: &str = "a relay was to hear another one";
const BINDS: &str = "a channel to another relay was asked for";

/// Name and password.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) name: String,
    pub(super) password: String,
}

/// A relay that was given.
pub(super) struct Relay {
    /// Where others reach it.
    pub(super) at: SocketAddr,
    way: Way,
}

/// To the server, and what is spoken on it.
struct Way {
    begun: Span,
    line: Line,
    client: Client,
    heard: Heard,
}

/// What the server has said.
#[derive(Default)]
struct Heard {
    anything: bool,
    /// The last refusal, but for the first one, which only asks who one is.
    refused: Option<Said>,
    was_asked_who: bool,
    /// It gave what was asked for without knowing who one is.
    is_open: bool,
}

/// What happened of it.
enum Happened {
    Came(Vec<u8>),
    Event(TurnEvent),
    Nothing,
}

impl Relay {
    /// Asks for one.
    pub(super) fn allocate(address: &Address, to: SocketAddr, credential: &Credential, roots: &RootCertStore) -> Result<Relay, Fault> {
        let line = Line::open(address, to, roots)?;
        let mut config = TurnConfig::new(TurnCredentials::new(&credential.name, &credential.password));
        config.set_request_retransmits(Duration::from_millis(500), PATIENCE, 4, PATIENCE);
        let client = match address.carrier {
            Carrier::Udp => Client::Udp(TurnClientUdp::allocate(line.here, line.there, config)),
            Carrier::Tcp | Carrier::Tls => Client::Tcp(TurnClientTcp::allocate(line.here, line.there, config)),
        };
        let mut way = Way { begun: clock::boottime(), line, client, heard: Heard::default() };
        let at = way.until(ALLOCATES, None, |event| match event {
            TurnEvent::AllocationCreated(_, at) => Some(Ok(at)),
            TurnEvent::AllocationCreateFailed(_) => Some(Err(())),
            _ => None,
        })?;
        Ok(Relay { at, way })
    }

    /// Lets this address send to it, and be sent to.
    pub(super) fn permit(&mut self, peer: IpAddr) -> Result<(), Fault> {
        let now = self.way.now();
        let asked = self.way.client.create_permission(TransportType::Udp, peer, now);
        asked.map_err(|_| Fault::Stopped(PERMITS))?;
        self.way.until(PERMITS, Some(peer), |event| match event {
            TurnEvent::PermissionCreated(..) => Some(Ok(())),
            TurnEvent::PermissionCreateFailed(..) => Some(Err(())),
            _ => None,
        })
    }

    /// From now on what goes to and comes from this peer has a head of four bytes only.
    pub(super) fn bind(&mut self, peer: SocketAddr) -> Result<(), Fault> {
        let now = self.way.now();
        let asked = self.way.client.bind_channel(TransportType::Udp, peer, now);
        asked.map_err(|_| Fault::Stopped(BINDS))?;
        self.way.until(BINDS, Some(peer.ip()), |event| match event {
            TurnEvent::ChannelCreated(..) => Some(Ok(())),
            TurnEvent::ChannelCreateFailed(..) => Some(Err(())),
            _ => None,
        })
    }

    pub(super) fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Result<(), Fault> {
        let now = self.way.now();
        let message = self.way.client.send_to(TransportType::Udp, peer, data, now).map_err(|_| Fault::Stopped(PERMITS))?;
        match message {
            Some(message) => self.way.line.send(&message.data.build()),
            None => Ok(()),
        }
    }

    /// Whether this came within so long.
    pub(super) fn hears(&mut self, data: &[u8], within: Duration) -> Result<bool, Fault> {
        let begun = clock::boottime();
        while since(begun) < within {
            if let Happened::Came(came) = self.way.turn()?
                && came == data
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// As a courtesy: it would be given up in ten minutes anyway.
    pub(super) fn give_back(mut self) {
        let now = self.way.now();
        if self.way.client.delete(now).is_ok() {
            let _ = self.way.say();
        }
    }
}

impl Way {
    fn now(&self) -> turn_client_proto::stun::Instant {
        instant(self.begun)
    }

    /// Goes on until it is known what came of it.
    fn until<T>(
        &mut self,
        doing: &'static str,
        peer: Option<IpAddr>,
        outcome: impl Fn(TurnEvent) -> Option<Result<T, ()>>,
    ) -> Result<T, Fault> {
        let begun = clock::boottime();
        self.heard.refused = None;
        loop {
            let happened = self.turn()?;
            // Whoever does not believe the credential asks once more who one is, and the library would wait for something better.
            let is_refused = self.heard.refused.as_ref().is_some_and(|said| said.code == 401);
            match happened {
                Happened::Event(event) => match outcome(event) {
                    Some(Ok(done)) => return Ok(done),
                    Some(Err(())) => return Err(self.fault(doing, peer)),
                    None => {}
                },
                Happened::Came(_) | Happened::Nothing => {}
            }
            if is_refused || since(begun) > PATIENCE {
                return Err(self.fault(doing, peer));
            }
        }
    }

    /// Why nothing came of it.
    fn fault(&mut self, doing: &'static str, peer: Option<IpAddr>) -> Fault {
        match self.heard.refused.take() {
            Some(said) => Fault::said(said, doing, peer),
            None if !self.heard.anything => Fault::Silence,
            None if self.heard.is_open => Fault::Open,
            None if !self.heard.was_asked_who => Fault::Strange,
            None => Fault::Stopped(doing),
        }
    }

    /// One turn: what is due is sent, and what came is taken.
    fn turn(&mut self) -> Result<Happened, Fault> {
        let is_closed = matches!(self.client.poll(self.now()), TurnPollRet::Closed);
        self.say()?;
        if let Some(event) = self.client.poll_event() {
            return Ok(Happened::Event(event));
        }
        if is_closed {
            return Err(self.fault(ALLOCATES, None));
        }
        let Some(message) = self.line.next()? else { return Ok(Happened::Nothing) };
        self.heard.note(&message);
        let (transport, from, to) = (self.client.transport(), self.line.there, self.line.here);
        match self.client.recv(Transmit::new(message, transport, from, to), self.now()) {
            TurnRecvRet::PeerData(came) => Ok(Happened::Came(came.data().to_vec())),
            TurnRecvRet::Handled | TurnRecvRet::Ignored(_) | TurnRecvRet::PeerIcmp { .. } => Ok(Happened::Nothing),
        }
    }

    fn say(&mut self) -> Result<(), Fault> {
        while let Some(message) = self.client.poll_transmit(self.now()) {
            self.line.send(message.data.as_ref())?;
        }
        Ok(())
    }
}

impl Heard {
    fn note(&mut self, bytes: &[u8]) {
        self.anything = true;
        let Ok(message) = Message::from_bytes(bytes) else { return };
        if message.class() == MessageClass::Success {
            self.is_open |= !self.was_asked_who;
        }
        let Ok(error) = message.attribute::<ErrorCode>() else { return };
        match error.code() {
            401 if !self.was_asked_who => self.was_asked_who = true,
            // Only asks for the same once more.
            ErrorCode::STALE_NONCE => {}
            code => self.refused = Some(Said { code, reason: error.reason().into() }),
        }
    }
}
