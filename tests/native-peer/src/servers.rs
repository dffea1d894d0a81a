//! What the STUN and TURN servers of a call give a peer connection: by which address others see its socket (a candidate "srflx"), and
//! an address at a relay (a candidate "relay"). Sans-IO like the connection itself: what is said to them leaves over the connection's
//! socket, and what came over it is shown to them first.
//!
//! One STUN and one TURN server are asked, over UDP. A machine behind a firewall that lets no UDP out would want TURN over TCP or TLS
//! beside it (`turn_client_proto::tcp`).

use duologue_client::wire::IceServer;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use str0m::Candidate;
use tokio::net::lookup_host;
use turn_client_proto::api::{Transmit, TurnClientApi, TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::prelude::DelayedTransmitBuild;
use turn_client_proto::stun::Instant as Ticks;
use turn_client_proto::stun::agent::{StunAgent, StunAgentPollRet};
use turn_client_proto::stun::types::attribute::XorMappedAddress;
use turn_client_proto::stun::types::message::{BINDING, Message, MessageWriteVec};
use turn_client_proto::stun::types::prelude::*;
use turn_client_proto::types::{TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

/// Where a server listens whose address says no port.
const PORT: u16 = 3478;

pub struct Servers {
    began: Instant,
    here: SocketAddr,
    stun: Option<Stun>,
    turn: Option<TurnClientUdp>,
    /// The address at the relay, once there is one.
    relayed: Option<SocketAddr>,
    /// Whom the relay is to let through.
    peers: Vec<SocketAddr>,
    found: Vec<Candidate>,
    sends: Vec<(Vec<u8>, SocketAddr)>,
}

/// One question to one server.
struct Stun {
    server: SocketAddr,
    agent: StunAgent,
}

/// What came over the socket from a server.
pub enum Came {
    /// From this peer, over the relay.
    Relayed(SocketAddr, Vec<u8>),
    /// An answer.
    Said,
    /// It is not from a server.
    Strange,
}

impl Servers {
    /// Those of a call (`ice_servers`), for a socket that is bound here.
    pub async fn of(list: &[IceServer], here: SocketAddr, now: Instant) -> Servers {
        let mut servers =
            Servers { began: now, here, stun: None, turn: None, relayed: None, peers: Vec::new(), found: Vec::new(), sends: Vec::new() };
        for entry in list {
            for url in &entry.urls {
                if let Some(place) = url.strip_prefix("stun:")
                    && let (None, Some(server)) = (&servers.stun, resolved(place).await)
                {
                    servers.ask(server);
                }
                let over_udp = url.strip_prefix("turn:").map(|rest| rest.split_once('?').unwrap_or((rest, "transport=udp")));
                if let (Some((place, "transport=udp")), Some(name), Some(password)) = (over_udp, &entry.username, &entry.credential)
                    && let (None, Some(server)) = (&servers.turn, resolved(place).await)
                {
                    let config = TurnConfig::new(TurnCredentials::new(name, password));
                    servers.turn = Some(TurnClientUdp::allocate(here, server, config));
                }
            }
        }
        servers
    }

    /// RFC 8489: a Binding request, answered by the address that it came from.
    fn ask(&mut self, server: SocketAddr) {
        let mut agent = StunAgent::builder(TransportType::Udp, self.here).build();
        let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
        if let Ok(request) = agent.send_request(request, server, Ticks::ZERO) {
            self.sends.push((request.data.as_ref().to_vec(), server));
            self.stun = Some(Stun { server, agent });
        }
    }

    /// Candidates that were found since; after all of them, none are to come.
    pub fn take_found(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.found)
    }

    /// Whether all is found that will be.
    pub fn is_done(&self) -> bool {
        self.stun.is_none() && (self.turn.is_none() || self.relayed.is_some()) && self.found.is_empty()
    }

    /// The address at the relay: what is to leave from there goes through [`Servers::relay`].
    pub fn relayed(&self) -> Option<SocketAddr> {
        self.relayed
    }

    /// Lets a peer through: the relay passes nothing on from whom it was not told of.
    pub fn expect(&mut self, peer: SocketAddr, now: Instant) {
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
            self.bind(peer, now);
        }
    }

    /// A channel has four bytes of head instead of thirty-six, and is a permission as well.
    fn bind(&mut self, peer: SocketAddr, now: Instant) {
        let ticks = self.ticks(now);
        if let Some(turn) = self.turn.as_mut().filter(|_| self.relayed.is_some()) {
            // Refused or impossible (another version of IP): this pair of candidates fails, others may not.
            let _ = turn.bind_channel(TransportType::Udp, peer, ticks);
        }
    }

    /// Sends to a peer from the address at the relay.
    pub fn relay(&mut self, peer: SocketAddr, data: &[u8], now: Instant) {
        let ticks = self.ticks(now);
        let Some(turn) = &mut self.turn else { return };
        // Before the permission is there the packet is lost, as it would be at the relay.
        if let Ok(Some(message)) = turn.send_to(TransportType::Udp, peer, data, ticks) {
            self.sends.push((message.data.build(), turn.remote_addr()));
        }
    }

    /// Looks at what came over the socket.
    pub fn takes(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) -> Came {
        let ticks = self.ticks(now);
        if let Some(stun) = self.stun.as_mut().filter(|stun| stun.server == from)
            && let Ok(message) = Message::from_bytes(bytes)
            && message.is_response()
            && message.method() == BINDING
            && stun.agent.handle_stun_message_with_time(&message, from, ticks)
        {
            let seen = message.attribute::<XorMappedAddress>().map(|seen| seen.addr(message.transaction_id()));
            self.stun = None;
            self.found.extend(seen.ok().and_then(|seen| Candidate::server_reflexive(seen, self.here, "udp").ok()));
            return Came::Said;
        }
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.remote_addr() == from) else { return Came::Strange };
        match turn.recv(Transmit::new(bytes, TransportType::Udp, from, self.here), ticks) {
            TurnRecvRet::PeerData(data) => Came::Relayed(data.peer, data.data().to_vec()),
            TurnRecvRet::Handled | TurnRecvRet::Ignored(_) | TurnRecvRet::PeerIcmp { .. } => Came::Said,
        }
    }

    /// Goes on, and says when to ask again.
    pub fn poll(&mut self, now: Instant) -> Option<Instant> {
        let stun = self.poll_stun(now);
        let turn = self.poll_turn(now);
        // What is due at once has been done, and is asked for a little later.
        [stun, turn].into_iter().flatten().min().map(|due| self.instant(due).max(now + Duration::from_millis(1)))
    }

    /// What is to be sent, each to its server.
    pub fn take_sends(&mut self) -> Vec<(Vec<u8>, SocketAddr)> {
        std::mem::take(&mut self.sends)
    }

    fn poll_stun(&mut self, now: Instant) -> Option<Ticks> {
        let ticks = self.ticks(now);
        let stun = self.stun.as_mut()?;
        let StunAgentPollRet::WaitUntil(due) = stun.agent.poll(ticks) else {
            // It did not answer.
            self.stun = None;
            return None;
        };
        while let Some(again) = stun.agent.poll_transmit(ticks) {
            self.sends.push((again.data.to_vec(), stun.server));
        }
        Some(due)
    }

    fn poll_turn(&mut self, now: Instant) -> Option<Ticks> {
        let ticks = self.ticks(now);
        let turn = self.turn.as_mut()?;
        let TurnPollRet::WaitUntil(due) = turn.poll(ticks) else {
            // Refused, or no answer.
            self.turn = None;
            return None;
        };
        while let Some(message) = turn.poll_transmit(ticks) {
            self.sends.push((message.data.as_ref().to_vec(), message.to));
        }
        let mut created = None;
        while let Some(event) = turn.poll_event() {
            if let TurnEvent::AllocationCreated(_, at) = event {
                created = Some(at);
            }
        }
        if let Some(at) = created {
            self.relayed = Some(at);
            self.found.extend(Candidate::relayed(at, self.here, "udp").ok());
            for peer in self.peers.clone() {
                self.bind(peer, now);
            }
            return Some(ticks);
        }
        Some(due)
    }

    fn ticks(&self, now: Instant) -> Ticks {
        Ticks::from_nanos(i64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(i64::MAX))
    }

    fn instant(&self, ticks: Ticks) -> Instant {
        self.began + Duration::from_nanos(u64::try_from(ticks.as_nanos()).unwrap_or_default())
    }
}

/// The first address of `host` or `host:port`.
async fn resolved(place: &str) -> Option<SocketAddr> {
    let has_port = place.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let place = if has_port { place.to_owned() } else { format!("{place}:{PORT}") };
    lookup_host(place).await.ok()?.next()
}
