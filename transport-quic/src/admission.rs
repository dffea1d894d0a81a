//! Who may begin to open a connection: so many at a time, so many of one address. Nothing is kept of an address that has not shown
//! that it is one while many are on their way.

use crate::Config;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is answered to a first packet.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Go on; the place is free again when this is dropped.
    Accept(Place),
    /// Not now.
    Refuse,
    /// Show that the address is yours, and come again.
    Retry,
}

#[derive(Debug, Default)]
struct Counts {
    all: u32,
    by_block: BTreeMap<u128, u32>,
}

/// The places of connections that are being opened.
#[derive(Debug)]
pub(crate) struct Admission {
    config: Config,
    counts: Mutex<Counts>,
}

/// One place.
#[derive(Debug)]
pub(crate) struct Place {
    admission: Arc<Admission>,
    block: u128,
}

impl Admission {
    pub(crate) fn new(config: Config) -> Arc<Admission> {
        Arc::new(Admission { config, counts: Mutex::default() })
    }

    /// Whether an address may begin; `validated` if it has shown that it is one.
    pub(crate) fn ask(self: &Arc<Self>, address: IpAddr, validated: bool) -> Answer {
        let block = block(address);
        let mut counts = self.counts();
        let here = counts.by_block.get(&block).copied().unwrap_or(0);
        let crowded = here >= self.config.openings_per_address;
        if !validated && (crowded || counts.all >= self.config.retry_from) {
            // An address that may be a lie must not take the places of whom it belongs to.
            return Answer::Retry;
        }
        if crowded || counts.all >= self.config.openings_max {
            return Answer::Refuse;
        }
        counts.all += 1;
        *counts.by_block.entry(block).or_default() += 1;
        Answer::Accept(Place { admission: self.clone(), block })
    }

    /// How many are being opened.
    pub(crate) fn len(&self) -> u32 {
        self.counts().all
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.all -= 1;
        let here = counts.by_block.get_mut(&self.block).expect("counted when it came");
        *here -= 1;
        if *here == 0 {
            counts.by_block.remove(&self.block);
        }
    }
}

/// An address as the vocabulary has it: IPv4 mapped into IPv6.
pub(crate) fn wide(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

/// What counts as one address: an IPv6 customer has a whole /64.
fn block(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Arc<Admission> {
        Admission::new(Config { openings_max: 4, openings_per_address: 2, retry_from: 3, ..Config::default() })
    }

    fn at(address: &str) -> IpAddr {
        address.parse().expect("an address")
    }

    #[test]
    fn a_block_has_its_places_and_gets_them_back() {
        let admission = admission();
        let first = admission.ask(at("2001:db8::1"), true);
        let second = admission.ask(at("2001:db8::2"), true);
        assert!(matches!((&first, &second), (Answer::Accept(_), Answer::Accept(_))));
        assert!(matches!(admission.ask(at("2001:db8::3"), true), Answer::Refuse));
        assert!(matches!(admission.ask(at("2001:db8::3"), false), Answer::Retry), "it may be a lie");
        assert!(matches!(admission.ask(at("2001:db8:0:1::3"), true), Answer::Accept(_)), "another block");
        drop(first);
        assert!(matches!(admission.ask(at("2001:db8::3"), true), Answer::Accept(_)));
        drop(second);
        assert_eq!(admission.len(), 0);
    }

    #[test]
    fn many_at_once_must_show_their_address_and_all_have_an_end() {
        let admission = admission();
        let held: Vec<Answer> = (1..=3).map(|n| admission.ask(at(&format!("192.0.2.{n}")), false)).collect();
        assert!(held.iter().all(|answer| matches!(answer, Answer::Accept(_))));
        assert!(matches!(admission.ask(at("192.0.2.4"), false), Answer::Retry));
        let fourth = admission.ask(at("192.0.2.4"), true);
        assert!(matches!(fourth, Answer::Accept(_)));
        assert!(matches!(admission.ask(at("192.0.2.5"), true), Answer::Refuse));
        assert_eq!(admission.len(), 4);
    }
}
