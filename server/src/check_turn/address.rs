//! Addresses of STUN and TURN servers as configurations and browsers have them (RFC 7064, 7065): `stun:host`,
//! `turn:host:3478?transport=udp`.

use super::fault::Fault;

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Stun,
    Turn,
}

/// What carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Tcp,
    Tls,
    Udp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) service: Service,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) carrier: Carrier,
}

impl Address {
    pub(super) fn read(url: &str) -> Result<Address, Fault> {
        let scheme = Fault::Address("it begins with stun:, stuns:, turn: or turns:");
        let Some((name, rest)) = url.split_once(':') else { return Err(scheme) };
        let (service, is_secure) = match name {
            "stun" => (Service::Stun, false),
            "stuns" => (Service::Stun, true),
            "turn" => (Service::Turn, false),
            "turns" => (Service::Turn, true),
            _ => return Err(scheme),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let carrier = match (service, is_secure, query) {
            (Service::Stun, _, "transport=udp" | "transport=tcp") => return Err(Fault::Address("a STUN server is host and port only")),
            (_, false, "" | "transport=udp") => Carrier::Udp,
            (_, false, "transport=tcp") => Carrier::Tcp,
            (_, true, "" | "transport=tcp") => Carrier::Tls,
            (_, true, "transport=udp") => return Err(Fault::Address("TURN over DTLS is not checked")),
            _ => return Err(Fault::Address("after ? stands transport=udp or transport=tcp")),
        };
        let (host, port) = match place.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| Fault::Address("the port is a number up to 65535"))?),
            None => (place, if is_secure { 5349 } else { 3478 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(Fault::Address("a host stands behind the colon"));
        }
        Ok(Address { service, host: host.into(), port, carrier })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sig_6_addresses_are_read_as_rfc_7064_and_7065_have_them() {
        for (url, service, host, port, carrier) in [
            ("turn:turn.example", Service::Turn, "turn.example", 3478, Carrier::Udp),
            ("turn:turn.example:99?transport=tcp", Service::Turn, "turn.example", 99, Carrier::Tcp),
            ("turn:[2001:db8::1]?transport=udp", Service::Turn, "2001:db8::1", 3478, Carrier::Udp),
            ("turn:[2001:db8::1]:5000", Service::Turn, "2001:db8::1", 5000, Carrier::Udp),
            ("turns:10.0.0.1", Service::Turn, "10.0.0.1", 5349, Carrier::Tls),
            ("turns:turn.example:443?transport=tcp", Service::Turn, "turn.example", 443, Carrier::Tls),
            ("stun:turn.example", Service::Stun, "turn.example", 3478, Carrier::Udp),
            ("stuns:turn.example", Service::Stun, "turn.example", 5349, Carrier::Tls),
        ] {
            assert_eq!(Address::read(url).expect(url), Address { service, host: host.into(), port, carrier }, "{url}");
        }
        for url in [
            "http://turn.example",
            "turn.example",
            "turn:",
            "turn::3478",
            "turn:a:b",
            "turn:a:70000",
            "turn:a?transport=sctp",
            "turns:a?transport=udp",
            "stun:a?transport=udp",
        ] {
            assert!(matches!(Address::read(url), Err(Fault::Address(_))), "{url}");
        }
    }
}
