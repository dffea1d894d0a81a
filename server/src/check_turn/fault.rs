//! What can be wrong with a STUN or TURN server, and what whoever runs it may do about it. Names of options are coturn's.

use super::PATIENCE;
use std::io;
use std::net::IpAddr;

/// An answer that is an error (RFC 8489, 14.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// Why a server is of no use for calls.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("no address of a STUN or TURN server: {0}")]
    Address(&'static str),
    #[error(
        "it refuses a credential that is good for a minute, and takes one that is good for a day: its clock is ahead of this machine's. Let both keep time (NTP)"
    )]
    Clock,
    #[error(
        "its relays may not send to {0} (403), where its relays are: two who both need one do not reach each other. Take {0} out of `denied-peer-ip`, or say `allowed-peer-ip={0}` (an address of loopback wants `allow-loopback-peers`)"
    )]
    Denied(IpAddr),
    #[error(
        "it has no relay to give ({} {}). Are `min-port` to `max-port` too few, or `total-quota`, `user-quota` and `bps-capacity` too small?",
        .0.code,
        .0.reason
    )]
    Full(Said),
    #[error(
        "it gives relays, but nothing of what goes from one to the other arrives. Are the UDP ports from `min-port` to `max-port` (49152 to 65535) open in its firewall? Behind a NAT: does `external-ip` say the address that others see?"
    )]
    Lost,
    #[error("the name has no address: {0}")]
    Name(io::Error),
    #[error("it relays no UDP ({} {}). Is `no-udp-relay` set?", .0.code, .0.reason)]
    NoUdp(Said),
    #[error("it asks for no credential: everybody may use it as a relay. Set `use-auth-secret` and `static-auth-secret`")]
    Open,
    #[error("it says {} {}, where {doing}", .said.code, .said.reason)]
    Other { said: Said, doing: &'static str },
    #[error("it cannot be reached: {0}. Is the port open, and does the server listen there?")]
    Reach(io::Error),
    #[error("it said nothing for {} s. Is the port open, and does the server listen there?", PATIENCE.as_secs())]
    Silence,
    #[error("it answered first, and then no more, where {0}")]
    Stopped(&'static str),
    #[error("it answers, but not as a TURN server does. Is it another one's port?")]
    Strange,
    #[error(
        "no TLS came of it: {0}. Is the certificate one that browsers trust, for this name and not expired? One of your own: --trust FILE.pem"
    )]
    Tls(io::Error),
    #[error("it refused the credential (401). Is `static-auth-secret` the same as `turn.secret`, and is `use-auth-secret` set?")]
    Unauthorized,
}

impl Fault {
    /// What an answer to this means.
    pub(super) fn said(said: Said, doing: &'static str, peer: Option<IpAddr>) -> Fault {
        match (said.code, peer) {
            (401, _) => Fault::Unauthorized,
            (403, Some(peer)) => Fault::Denied(peer),
            (442, _) => Fault::NoUdp(said),
            (486 | 508, _) => Fault::Full(said),
            _ => Fault::Other { said, doing },
        }
    }
}
