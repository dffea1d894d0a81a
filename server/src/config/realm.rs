//! From keys to the numbers that the machines take: rules and limits of the realm.

use super::{Settings, Value};
use crate::certificates::Source;
use crate::ice::Configured;
use duologue_core::limits::Limits;
use duologue_core::rules::{Rules, WhenFull};
use duologue_core::wire::MESSAGE_MAX_BYTES;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

impl Settings {
    /// The realm's rules.
    pub fn rules(&self) -> Rules {
        Rules {
            grace: self.span("connections.grace"),
            per_user: self.count("connections.per_user"),
            when_full: match self.text("connections.when_full") {
                Some("refuse_new") => WhenFull::RefuseNew,
                _ => WhenFull::CloseOldest,
            },
            answers: self.count("connections.answers"),
            answers_for: self.span("connections.answers_for"),
            coalesce: self.span("presence.coalesce"),
            forget: self.span("presence.forget"),
            window_size: self.count("window.size"),
            window_max: self.count("window.max"),
            exposure: self.count("window.exposure"),
            exposure_after: self.span("window.exposure_after"),
            seconds_min: self.count("invites.seconds_min"),
            seconds_max: self.count("invites.seconds_max"),
            ring: self.span("invites.ring"),
            ring_extend: self.span("invites.extend"),
            ring_max: self.span("invites.ring_max"),
            invites_out: self.count("invites.out"),
            invites_in: self.count("invites.in"),
            away_after: self.count("invites.away_after"),
            recovery: self.span("calls.recovery"),
            counted: self.span("calls.counted"),
            completed: self.span("calls.completed"),
            extensions: self.count("calls.extensions"),
            extend_window: self.span("calls.extend_window"),
            chat_max: self.count("calls.chat_max"),
            chat_keep: self.flag("calls.chat_keep"),
            cooldown_call: self.span("cooldowns.call"),
            cooldown_decline: self.span("cooldowns.decline"),
            cooldown_rescind: self.span("cooldowns.rescind"),
            pair_seconds: self.count("pairing.seconds"),
            pair_confirm: self.span("pairing.confirm"),
            pair_round: self.span("pairing.round"),
            ice_per_call: self.count("turn.per_call"),
            session_guest: self.span("sessions.guest"),
            genders: self.texts("profile.genders").to_vec(),
            report_needs_call: self.flag("safety.report_needs_call"),
            rate_chat: self.rate("rates.chat"),
            rate_rings: self.rate("rates.rings"),
            rate_rings_address: self.rate("rates.rings_address"),
            rate_guests: self.rate("rates.guests"),
            rate_api: self.rate("rates.api"),
            rate_sign_in: self.rate("rates.sign_in"),
            rate_reports: self.rate("rates.reports"),
            rate_cards: self.rate("window.cards"),
            exempt: self.networks("rates.exempt").iter().map(range).collect(),
            sweep: self.span("memory.sweep"),
            ..Rules::default()
        }
    }

    /// The company of so many made-up people.
    pub fn company(&self, people: u32, seed: u64) -> duologue_company::Config {
        duologue_company::Config {
            people,
            pause: self.span("company.pause"),
            seconds: (self.count("invites.seconds_min"), self.count("invites.seconds_max")),
            genders: self.texts("profile.genders").to_vec(),
            seed,
        }
    }

    /// STUN and TURN servers (SIG 6).
    pub fn ice_servers(&self) -> Configured {
        Configured {
            stun: self.texts("stun.urls").to_vec(),
            turn: self.texts("turn.urls").to_vec(),
            secret: self.text("turn.secret").unwrap_or_default().to_string(),
        }
    }

    /// CON 10: so many connections may have said nothing yet.
    pub fn waiting_max(&self) -> u32 {
        (self.count("connections.max") / 10).max(8)
    }

    /// What the gateway does with connections.
    pub fn gateway(&self, sha256: fn(&[u8]) -> [u8; 32]) -> duologue_gateway::Config {
        let relay = duologue_gateway::RelayLimits {
            batch: self.count("signaling.batch"),
            batch_wait: self.span("signaling.batch_wait"),
            description_max_bytes: self.bytes("signaling.description_max"),
            candidate_max_bytes: self.bytes("signaling.candidate_max"),
            ..duologue_gateway::RelayLimits::default()
        };
        let ice = self.ice_servers();
        duologue_gateway::Config {
            hello: self.span("connections.hello"),
            ping: self.span("connections.ping"),
            dead: self.span("connections.dead"),
            grace: self.span("connections.grace"),
            replay_messages: self.count("connections.replay_messages"),
            replay_bytes: self.bytes("connections.replay_bytes"),
            out_bytes: self.bytes("connections.out_bytes"),
            total_bytes: self.size("memory.budget") / 10,
            waiting_max: self.waiting_max(),
            commands: self.rate("rates.commands"),
            media_base: self.text("media.base_url").unwrap_or_default().to_string(),
            relay,
            ice: Arc::new(ice),
            ..duologue_gateway::Config::new(sha256)
        }
    }

    /// What may wait for a connection's buffer: what the gateway gives at most before it waits, and a large message beyond it.
    pub fn queue_max_bytes(&self) -> usize {
        let given = self.size("connections.out_bytes") * 2 + self.size("connections.replay_bytes");
        (given as usize + 2 * MESSAGE_MAX_BYTES).max(512 * 1024)
    }

    /// Whether QUIC is spoken, and the UDP port where it is not that of `listen`.
    pub fn quic_listen(&self) -> Option<Option<SocketAddr>> {
        let port = match self.value("quic.listen") {
            Value::Listen(address) => Some(*address),
            _ => None,
        };
        self.flag("quic.enabled").then_some(port)
    }

    /// The bounds of QUIC.
    pub fn quic(&self) -> duologue_transport_quic::Config {
        let span = |name| Duration::from_millis(self.span(name).0);
        crate::quic::config(span("connections.hello"), span("connections.ping"), span("connections.dead"))
    }

    /// The operator's certificate and its key, if both are said.
    pub fn certificate(&self) -> Option<Source> {
        let (certificate, key) = (self.text("tls.certificate")?, self.text("tls.key")?);
        Some(Source::Files { certificate: certificate.into(), key: key.into() })
    }

    /// How often the memory's level is judged, and how it stands is told.
    pub fn judge(&self) -> (Duration, Duration) {
        let span = |key| Duration::from_millis(self.span(key).0);
        (span("memory.judge"), span("memory.sweep"))
    }

    fn bytes(&self, name: &str) -> u32 {
        u32::try_from(self.size(name)).expect("no range of a part of a connection goes beyond 32 bits")
    }

    /// The realm's capacities.
    pub fn limits(&self) -> Limits {
        Limits { reel_max: self.count("reel.memory"), ..Limits::for_links(self.count("connections.max")) }
    }
}

/// An address as the core has it: IPv4 mapped into IPv6.
pub fn wide(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

/// First and last address of a network.
fn range(network: &IpNet) -> (u128, u128) {
    match network {
        IpNet::V4(v4) => (wide(v4.network().into()), wide(v4.broadcast().into())),
        IpNet::V6(v6) => (wide(v6.network().into()), wide(v6.broadcast().into())),
    }
}
