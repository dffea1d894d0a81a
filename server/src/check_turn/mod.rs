//! `duologue check-turn`: whether the STUN and TURN servers of the configuration would carry a call. Of a STUN server it asks how it
//! sees this machine; of a TURN server two relays, with credentials as two members of a call have them, and sends from each to the
//! other, in both forms that browsers use (indications and channels). What a server that is down, a wrong secret or a closed port
//! would do to calls is known before there are any.

mod address;
mod binding;
mod fault;
mod line;
mod relay;

use crate::clock;
use crate::ice::Configured;
use address::{Address, Service};
use duologue_core::kit::ids::UserId;
use duologue_core::kit::time::{Millis, Span};
use duologue_gateway::IceServers;
use fault::Fault;
use line::Line;
use relay::{Credential, Relay};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;
use turn_client_proto::stun::Instant;

/// How long a server may take for each thing that it is asked.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a wait looks at the clock.
const LOOK: Duration = Duration::from_millis(20);
/// How often something is sent from relay to relay before it counts as lost, and how long each may take.
const ATTEMPTS: u32 = 4;
const ATTEMPT: Duration = Duration::from_secs(1);
/// As large as datagrams of media become.
const MEDIA_BYTES: usize = 1_200;
/// How long a credential is good: for a member of a call that ends at once, and one that no clock is too far ahead for.
const SHORT: Span = Span::secs(60);
const LONG: Span = Span::days(1);

/// Whom TLS is believed: those whom browsers believe, and whoever signed what stands in this file.
///
/// # Errors
/// One line: the file, and what is wrong with it.
pub fn roots(trust: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = trust {
        let wrong = |what: &dyn std::fmt::Display| format!("--trust {}: {what}", path.display());
        let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let certificates = certificates.map_err(|error| wrong(&error))?;
        if certificates.is_empty() {
            return Err(wrong(&"no certificate stands in it"));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| wrong(&error))?;
        }
    }
    Ok(roots)
}

/// Checks all of them, one after the other, and says of each what works or what is wrong. Whether all work.
///
/// # Errors
/// As writing has them.
pub fn check(servers: &Configured, roots: &RootCertStore, now: Millis, out: &mut impl Write) -> io::Result<bool> {
    let mut all = true;
    for url in servers.stun.iter().chain(&servers.turn) {
        match check_one(url, servers, roots, now) {
            Ok(works) => writeln!(out, "ok      {url}: {works}")?,
            Err(fault) => {
                all = false;
                writeln!(out, "FAILED  {url}: {fault}")?;
            }
        }
    }
    Ok(all)
}

/// The sentence that says what works.
fn check_one(url: &str, servers: &Configured, roots: &RootCertStore, now: Millis) -> Result<String, Fault> {
    let address = Address::read(url)?;
    let places: Vec<SocketAddr> = (&*address.host, address.port).to_socket_addrs().map_err(Fault::Name)?.collect();
    let mut outcome = Err(Fault::Name(io::ErrorKind::NotFound.into()));
    // A name may have addresses that this machine has no way to; browsers go on to the next one, too.
    for to in places {
        outcome = match address.service {
            Service::Stun => Line::open(&address, to, roots)
                .and_then(binding::ask)
                .map(|(seen, took)| format!("it sees this machine at {seen}, {}", trip(took))),
            Service::Turn => check_relays(&address, to, servers, roots, now),
        };
        if !matches!(outcome, Err(Fault::Reach(_) | Fault::Silence)) {
            break;
        }
    }
    outcome
}

fn check_relays(address: &Address, to: SocketAddr, servers: &Configured, roots: &RootCertStore, now: Millis) -> Result<String, Fault> {
    let ask = |member, span| Relay::allocate(address, to, &credential(servers, member, now + span), roots);
    let first = match ask(1, SHORT) {
        Err(Fault::Unauthorized) if ask(1, LONG).map(Relay::give_back).is_ok() => Err(Fault::Clock),
        other => other,
    };
    let mut first = first?;
    let mut second = match ask(2, SHORT) {
        Ok(second) => second,
        Err(fault) => {
            first.give_back();
            return Err(fault);
        }
    };
    let passed = pass_both_ways(&mut first, &mut second);
    let works = passed.map(|took| format!("data pass both ways between its relays {} and {}, {}", first.at, second.at, trip(took)));
    first.give_back();
    second.give_back();
    works
}

/// As a member of a call that ends then has it.
fn credential(servers: &Configured, member: u128, expires: Millis) -> Credential {
    let given = servers.servers(UserId(member), expires).into_iter().find_map(|server| server.username.zip(server.credential));
    let (name, password) = given.unwrap_or_default();
    Credential { name, password }
}

/// In indications, then over channels, whose round trip is given: this is how media go.
fn pass_both_ways(first: &mut Relay, second: &mut Relay) -> Result<Duration, Fault> {
    first.permit(second.at.ip())?;
    second.permit(first.at.ip())?;
    pass(first, second, 1)?;
    pass(second, first, 2)?;
    first.bind(second.at)?;
    second.bind(first.at)?;
    Ok(pass(first, second, 3)? + pass(second, first, 4)?)
}

/// From one relay to another, a datagram of this mark; if it is lost it is sent again. How long it took.
fn pass(from: &mut Relay, to: &mut Relay, mark: u8) -> Result<Duration, Fault> {
    let data = [mark; MEDIA_BYTES];
    for _ in 0..ATTEMPTS {
        let begun = clock::boottime();
        from.send(to.at, &data)?;
        if to.hears(&data, ATTEMPT)? {
            return Ok(since(begun));
        }
    }
    Err(Fault::Lost)
}

fn trip(took: Duration) -> String {
    match took.as_millis() {
        0 => "round trip under 1 ms".into(),
        millis => format!("round trip {millis} ms"),
    }
}

fn since(begun: Span) -> Duration {
    Duration::from_millis(clock::boottime().0.saturating_sub(begun.0))
}

/// The library's clock, which began then.
fn instant(begun: Span) -> Instant {
    Instant::from_nanos(i64::try_from(since(begun).as_nanos()).unwrap_or(i64::MAX))
}
