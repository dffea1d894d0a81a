//! What an operator may set about connections. The defaults are those of `docs/protocol.md`, "The process".

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use duologue_core::kit::buckets::Rate;
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::IceServer;
use duologue_signaling::RelayLimits;

/// Makes the list of STUN and TURN servers for a member of a call (SIG 6). The engine has counted and says until when.
pub trait IceServers: Send + Sync {
    /// Servers with credentials that are good until `expires`.
    fn servers(&self, user: UserId, expires: Millis) -> Vec<IceServer>;
}

/// No STUN and no TURN: calls within one network.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIceServers;

impl IceServers for NoIceServers {
    fn servers(&self, _user: UserId, _expires: Millis) -> Vec<IceServer> {
        Vec::new()
    }
}

/// What a gateway is told at its start.
#[derive(Clone)]
pub struct Config {
    /// CON 10: how long a connection may say nothing at first. `connections.hello`
    pub hello: Span,
    /// CON 6: how long a client may be silent before it is pinged. `connections.ping`
    pub ping: Span,
    /// CON 6: how long a client may be silent. `connections.dead`
    pub dead: Span,
    /// What `welcome.grace_ms` says; the grace itself is the engine's. `connections.grace`
    pub grace: Span,
    /// CON 4: events kept for a resume, a connection. `connections.replay_messages`
    pub replay_messages: u32,
    /// CON 4: their bytes. `connections.replay_bytes`
    pub replay_bytes: u32,
    /// CON 7: bytes that the transport has of a connection before the rest waits here, and also the most that waits here.
    /// `connections.out_bytes`
    pub out_bytes: u32,
    /// CON 4, 7: bytes that wait or are kept over all connections; beyond it the largest pays. A tenth of the memory budget.
    pub total_bytes: u64,
    /// CON 10: connections that have not said `hello`; one more is refused. A tenth of `connections.max`, at least 8.
    pub waiting_max: u32,
    /// CON 10: the same, an address (IPv6: a /64).
    pub waiting_per_address: u32,
    /// RATE: messages a user. `rates.commands`
    pub commands: Rate,
    /// CON 5: commands of a connection without an answer; one more is `rate_limited`.
    pub unanswered_max: u32,
    /// What references are resolved against. `media.base_url`
    pub media_base: String,
    /// SIG 2, 4: how candidates are batched, and what signals may weigh.
    pub relay: RelayLimits,
    /// SHA-256 (FIPS 180-4), which comes from outside like everything about secrets.
    pub sha256: fn(&[u8]) -> [u8; 32],
    /// SIG 6: who makes the list of STUN and TURN servers; by default nobody does.
    pub ice: Arc<dyn IceServers>,
}

impl Config {
    /// The defaults, for 1,200 connections and 512 MB.
    pub fn new(sha256: fn(&[u8]) -> [u8; 32]) -> Config {
        Config {
            hello: Span::secs(10),
            ping: Span::secs(25),
            dead: Span::secs(60),
            grace: Span::secs(10),
            replay_messages: 128,
            replay_bytes: 64 * 1024,
            out_bytes: 64 * 1024,
            total_bytes: 51 << 20,
            waiting_max: 120,
            waiting_per_address: 32,
            commands: Rate::per(30, Span::secs(1), 60),
            unanswered_max: 64,
            media_base: String::new(),
            relay: RelayLimits::default(),
            sha256,
            ice: Arc::new(NoIceServers),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("media_base", &self.media_base).field("relay", &self.relay).finish_non_exhaustive()
    }
}
