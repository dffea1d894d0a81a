//! Where others reach this machine: the addresses of its interfaces that a phone beside it can use, the likeliest first, and what it
//! is called. What the system lists is judged by one function that asks nobody.

use rustls::pki_types::DnsName;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// How interfaces are named that lead to containers and virtual machines on this machine, and to nobody else.
const INSIDE: [&str; 13] =
    ["br-", "bridge", "cali", "cni", "docker", "flannel", "lxc", "lxdbr", "podman", "vboxnet", "veth", "virbr", "vmnet"];

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    interface: String,
    address: IpAddr,
    is_tunnel: bool,
}

/// What an address is likely to be worth to somebody in the same room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Of the network at home or at work.
    Private,
    /// Of another one of version 4.
    Other,
    /// Of version 6, which is harder to type and not everywhere.
    Six,
    /// The other end is somewhere else.
    Tunnel,
}

/// The addresses at which other devices reach what listens on `listened`, the likeliest first. Whoever listens on one address is
/// reached there; whoever listens on all of them is asked which are those.
///
/// # Errors
/// The system does not tell its interfaces.
pub fn addresses(listened: IpAddr) -> io::Result<Vec<IpAddr>> {
    if listened.is_loopback() {
        return Ok(Vec::new());
    }
    if !listened.is_unspecified() {
        return Ok(vec![listened]);
    }
    let found: Vec<Found> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|it| it.oper_status != if_addrs::IfOperStatus::Down)
        .map(|it| Found { address: it.ip(), is_tunnel: it.is_p2p(), interface: it.name })
        .collect();
    Ok(choose(&found, outward(), listened.is_ipv6()))
}

/// What this machine is called in its network: its name, and that name as `mDNS` has it where it is a single word.
pub fn names() -> Vec<String> {
    let system = rustix::system::uname();
    let name = system.nodename().to_str().unwrap_or_default().to_ascii_lowercase();
    if DnsName::try_from(name.as_str()).is_err() || name == "localhost" {
        return Vec::new();
    }
    if name.contains('.') { vec![name] } else { vec![format!("{name}.local"), name] }
}

/// The address of this machine that leads away from it. A UDP socket that is connected has one, and no packet is sent for it.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address that is nobody's (RFC 5737): only the way there is asked for.
    socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

fn choose(found: &[Found], outward: Option<IpAddr>, with_six: bool) -> Vec<IpAddr> {
    let mut ranked: Vec<(Worth, bool, IpAddr)> = found
        .iter()
        .filter(|it| with_six || it.address.is_ipv4())
        .filter_map(|it| Some((worth(it)?, Some(it.address) != outward, it.address)))
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().map(|(_, _, address)| address).collect()
}

/// None for an address that no other device can use.
fn worth(found: &Found) -> Option<Worth> {
    let (near, private) = match found.address {
        IpAddr::V4(four) => (four.is_link_local(), four.is_private()),
        IpAddr::V6(six) => (six.is_unicast_link_local(), false),
    };
    let inside = INSIDE.iter().any(|name| found.interface.starts_with(name));
    match found.address {
        address if address.is_loopback() || address.is_unspecified() || near || inside => None,
        _ if found.is_tunnel => Some(Worth::Tunnel),
        IpAddr::V6(_) => Some(Worth::Six),
        IpAddr::V4(_) if private => Some(Worth::Private),
        IpAddr::V4(_) => Some(Worth::Other),
    }
}

/// The loopback address of the same version, where all are listened on: what one opens on this machine itself.
pub fn here(listened: IpAddr) -> IpAddr {
    match listened {
        IpAddr::V4(four) if four.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(six) if six.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(all: &[(&str, &str)]) -> Vec<Found> {
        let one = |(interface, address): &(&str, &str)| Found {
            interface: interface.to_string(),
            address: address.parse().expect("an address"),
            is_tunnel: interface.starts_with("tun"),
        };
        all.iter().map(one).collect()
    }

    fn chosen(all: &[(&str, &str)], outward: Option<&str>, with_six: bool) -> Vec<String> {
        let outward = outward.map(|address| address.parse().expect("an address"));
        choose(&found(all), outward, with_six).iter().map(ToString::to_string).collect()
    }

    const LAPTOP: [(&str, &str); 11] = [
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("tun0", "10.8.0.6"),
        ("eth1", "198.51.100.7"),
        ("docker0", "172.17.0.1"),
        ("br-5f3e", "172.18.0.1"),
        ("eth0", "169.254.7.7"),
        ("wlan0", "fe80::1"),
        ("wlan0", "fd00::20"),
        ("wlan0", "192.168.1.20"),
        ("eth2", "10.1.2.3"),
    ];

    #[test]
    fn what_a_phone_can_reach_is_listed_the_likeliest_first() {
        assert_eq!(chosen(&LAPTOP, Some("192.168.1.20"), false), ["192.168.1.20", "10.1.2.3", "198.51.100.7", "10.8.0.6"]);
        assert_eq!(chosen(&LAPTOP, Some("10.1.2.3"), false)[0], "10.1.2.3", "the way out of the machine is the likeliest");
        assert_eq!(chosen(&LAPTOP, Some("10.8.0.6"), false)[0], "10.1.2.3", "unless it is a tunnel");
        assert_eq!(chosen(&LAPTOP, None, true), ["10.1.2.3", "192.168.1.20", "198.51.100.7", "fd00::20", "10.8.0.6"]);
        assert!(chosen(&LAPTOP[..2], None, true).is_empty());
    }

    #[test]
    fn who_listens_on_one_address_is_reached_there() {
        let of = |listened: &str| addresses(listened.parse().expect("an address")).expect("no interface is asked");
        assert_eq!(of("192.0.2.7"), [IpAddr::from([192, 0, 2, 7])]);
        assert!(of("127.0.0.1").is_empty() && of("::1").is_empty());
        assert_eq!(here(Ipv4Addr::UNSPECIFIED.into()), Ipv4Addr::LOCALHOST);
        assert_eq!(here(IpAddr::from([192, 0, 2, 7])), IpAddr::from([192, 0, 2, 7]));
    }

    #[test]
    fn this_machine_is_asked() {
        let all = addresses(Ipv4Addr::UNSPECIFIED.into()).expect("it tells");
        assert!(all.iter().all(|address| address.is_ipv4() && !address.is_loopback()), "{all:?}");
        assert!(names().iter().all(|name| rustls::pki_types::ServerName::try_from(name.as_str()).is_ok()), "{:?}", names());
    }
}
