//! Values: said before, or bit for bit. A value that a side has said earlier in the call costs about nothing when it comes in the
//! order in which it came then; addresses, ports and the like are found by how recently they were said.

use super::coder::{Chance, Coder, Small};
use super::library::Library;
use super::line::{Class, DIRECTIONS, LETTERS, Role, SETUPS, Said, Value, decimal, ip4, ip4_text, ip6, ip6_text};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const ROLES: usize = Role::ALL.len();

/// How many values of a kind are kept.
const KEPT: usize = 64;

/// What a side has said of those roles whose repetitions are no part of the template, the newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    addresses: Vec<(Class, String)>,
    foundations: Vec<(Class, String)>,
    networks: Vec<(Class, String)>,
    ports: Vec<(Class, String)>,
    priorities: Vec<(Class, String)>,
}

impl Recent {
    fn of(&mut self, role: Role) -> Option<&mut Vec<(Class, String)>> {
        match role {
            Role::Address | Role::MediaAddress | Role::RelatedAddress => Some(&mut self.addresses),
            Role::Foundation => Some(&mut self.foundations),
            Role::Network => Some(&mut self.networks),
            Role::MediaPort | Role::Port | Role::RelatedPort => Some(&mut self.ports),
            Role::Priority => Some(&mut self.priorities),
            Role::CName
            | Role::Direction
            | Role::Fingerprint
            | Role::Mid
            | Role::Password
            | Role::Session
            | Role::Setup
            | Role::Ssrc
            | Role::Stream
            | Role::Track
            | Role::Ufrag
            | Role::Version => None,
        }
    }
}

/// What a side's descriptions said, of one role: what is likely said again, in this order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before {
    values: [Vec<Value>; ROLES],
    next: [usize; ROLES],
    /// The last number of `Version`.
    version: Option<u32>,
}

impl Before {
    /// `said`: the newest first.
    pub(crate) fn new<'a>(said: impl Iterator<Item = &'a Said>, version: Option<u32>) -> Before {
        let mut before = Before { version, ..Before::default() };
        for said in said {
            for role in Role::ALL {
                let values = &mut before.values[role as usize];
                let is_choice = matches!(role, Role::Direction | Role::Setup);
                if is_choice && !values.is_empty() {
                    continue;
                }
                for value in said.values(role) {
                    if values.len() < KEPT && (is_choice || !values.contains(value)) {
                        values.push(value.clone());
                    }
                }
            }
        }
        before
    }
}

/// What is learned of values.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    again: [Chance; ROLES],
    /// A new name has a new password.
    password: Chance,
    is_renewed: bool,
    elsewhere: Chance,
    skipped: Small,
    recent: [Chance; ROLES],
    back: [Small; ROLES],
    listed: Chance,
    list: Small,
    number: [Small; 3],
    version: [Chance; 2],
    uuid4: Chance,
    high: [Chance; 2],
    usual: [Chance; ROLES],
    same: [Chance; 2],
    is_track: Chance,
}

impl Values {
    pub(crate) fn new() -> Values {
        let mut again = [Chance::new(58_000, 1); ROLES];
        again[Role::Ufrag as usize] = Chance::new(44_000, 1);
        Values {
            again,
            password: Chance::new(1_500, 8),
            is_renewed: false,
            elsewhere: Chance::new(8_000, 2),
            skipped: Small::new(),
            recent: [Chance::new(24_000, 1); ROLES],
            back: core::array::from_fn(|_| Small::new()),
            listed: Chance::new(60_000, 3),
            list: Small::new(),
            number: core::array::from_fn(|_| Small::new()),
            version: [Chance::new(50_000, 1), Chance::new(50_000, 1)],
            uuid4: Chance::new(65_000, 20),
            high: [Chance::new(60_000, 4), Chance::new(60_000, 8)],
            usual: [Chance::new(56_000, 2); ROLES],
            same: [Chance::new(60_000, 1), Chance::new(44_000, 0)],
            is_track: Chance::new(4_000, 4),
        }
    }

    /// One value; `is` counts for a writer only.
    pub(crate) fn value<C: Coder>(
        &mut self,
        coder: &mut C,
        about: &mut About<'_>,
        said: &Said,
        role: Role,
        class: Class,
        is: &str,
    ) -> Option<String> {
        if role == Role::Version {
            return self.version(coder, about, class, is);
        }
        match role {
            Role::Direction => return self.choice(coder, about, said, role, &DIRECTIONS, is),
            Role::Setup => return self.choice(coder, about, said, role, &SETUPS, is),
            Role::MediaAddress if class == Class::Ip4 && coder.decide(&mut self.usual[role as usize], is == "0.0.0.0") => {
                return Some("0.0.0.0".into());
            }
            Role::MediaPort if coder.decide(&mut self.usual[role as usize], is == "9") => return Some("9".into()),
            _ => {}
        }
        if about.recent.of(role).is_some() {
            return self.recent(coder, about, role, class, is);
        }
        let values = &about.before.values[role as usize];
        let next = about.before.next[role as usize];
        let mut places = (next..values.len()).filter(|place| values[*place].class == class);
        if let Some(likely) = places.next() {
            let is_renewed = role == Role::Password && self.is_renewed;
            let again = if is_renewed { &mut self.password } else { &mut self.again[role as usize] };
            let mut place = coder.decide(again, values[likely].text == is).then_some(likely);
            if role == Role::Ufrag {
                self.is_renewed = place.is_none();
            }
            if place.is_none() {
                let mut others = values.iter().enumerate().filter(|(at, value)| *at != likely && value.class == class);
                let found = others.clone().position(|(_, value)| value.text == is);
                let count = others.clone().count();
                if count > 0 && coder.decide(&mut self.elsewhere, found.is_some()) {
                    let number = coder.small(&mut self.skipped, found.unwrap_or_default() as u32) as usize;
                    place = Some(others.nth(number)?.0);
                }
            }
            if let Some(place) = place {
                about.before.next[role as usize] = place + 1;
                return Some(values[place].text.clone());
            }
        }
        if role == Role::CName
            && let Some(track) = said.values(Role::Track).last().filter(|track| track.class == class)
            && coder.decide(&mut self.is_track, track.text == is)
        {
            return Some(track.text.clone());
        }
        self.anew(coder, role, class, is)
    }

    /// One of few: as this side said at this place before, else as it said last.
    fn choice<C: Coder>(&mut self, coder: &mut C, about: &About<'_>, said: &Said, role: Role, all: &[&str; 4], is: &str) -> Option<String> {
        let values = said.values(role);
        let before = about.before.values[role as usize].get(values.len()).or(values.last());
        let likely = before.map_or(all[0], |value| value.text.as_str());
        let chance = &mut self.same[usize::from(role == Role::Setup)];
        if coder.decide(chance, is == likely) {
            return Some(likely.to_string());
        }
        let others = all.iter().filter(|one| **one != likely);
        let place = others.clone().position(|one| *one == is).unwrap_or_default();
        others.map(|one| one.to_string()).nth(coder.one_of(3, place))
    }

    fn version<C: Coder>(&mut self, coder: &mut C, about: &mut About<'_>, class: Class, is: &str) -> Option<String> {
        let number = is.parse::<u32>().unwrap_or_default();
        if class != Class::Small {
            let likely = about.before.version.map_or(0, |version| version.wrapping_add(1));
            let number =
                if coder.decide(&mut self.version[0], number == likely) { likely } else { coder.random(32, u64::from(number)) as u32 };
            return Some(number.to_string());
        }
        let likely = about.before.version.map_or(2, |version| version.wrapping_add(1));
        if coder.decide(&mut self.version[0], number == likely) {
            return Some(likely.to_string());
        }
        let other = about.before.version.unwrap_or(0);
        if coder.decide(&mut self.version[1], number == other) {
            return Some(other.to_string());
        }
        Some(coder.small(&mut self.number[0], number).to_string())
    }

    fn recent<C: Coder>(&mut self, coder: &mut C, about: &mut About<'_>, role: Role, class: Class, is: &str) -> Option<String> {
        let known = about.recent.of(role)?;
        let mut same = known.iter().enumerate().filter(|(_, known)| known.0 == class);
        let back = same.clone().position(|(_, known)| known.1 == is);
        let count = same.clone().count();
        let text = if count > 0 && coder.decide(&mut self.recent[role as usize], back.is_some()) {
            let back = coder.small(&mut self.back[role as usize], back.unwrap_or_default() as u32) as usize;
            let place = same.nth(back)?.0;
            known.remove(place).1
        } else {
            drop(same);
            let text = self.anew_recent(coder, about, role, class, is)?;
            let known = about.recent.of(role)?;
            known.retain(|known| known.1 != text);
            text
        };
        let known = about.recent.of(role)?;
        known.insert(0, (class, text.clone()));
        known.truncate(KEPT);
        Some(text)
    }

    fn anew_recent<C: Coder>(&mut self, coder: &mut C, about: &About<'_>, role: Role, class: Class, is: &str) -> Option<String> {
        if role == Role::Priority {
            let list = about.library.priorities();
            let place = list.iter().position(|priority| priority == is);
            if coder.decide(&mut self.listed, place.is_some()) {
                let place = coder.small(&mut self.list, place.unwrap_or_default() as u32) as usize;
                return list.get(place).cloned();
            }
        }
        self.anew(coder, role, class, is)
    }

    /// Bit for bit.
    fn anew<C: Coder>(&mut self, coder: &mut C, role: Role, class: Class, is: &str) -> Option<String> {
        let number = || decimal(is).unwrap_or_default();
        Some(match class {
            Class::Decimal16 => {
                let high = coder.decide(&mut self.high[0], number() >= 32_768);
                (coder.random(15, number()) | u64::from(high) << 15).to_string()
            }
            Class::Decimal32 => coder.random(32, number()).to_string(),
            Class::Decimal64 => {
                let low = coder.decide(&mut self.high[1], number() >> 63 == 0);
                (coder.random(63, number()) | u64::from(!low) << 63).to_string()
            }
            Class::Fingerprint(count) => {
                let mut out = String::with_capacity(usize::from(count) * 3);
                for at in 0..usize::from(count) {
                    let byte = is.get(at * 3..at * 3 + 2).and_then(|two| u64::from_str_radix(two, 16).ok()).unwrap_or_default();
                    out.push_str(if at > 0 { ":" } else { "" });
                    out.push_str(&format!("{:02X}", coder.random(8, byte)));
                }
                out
            }
            Class::Hex(count) => {
                let digit = |at: usize| is.as_bytes().get(at).and_then(|byte| char::from(*byte).to_digit(16)).unwrap_or_default();
                (0..usize::from(count))
                    .map(|at| char::from_digit(coder.random(4, u64::from(digit(at))) as u32, 16).unwrap_or('0'))
                    .collect()
            }
            Class::Direction | Class::Setup => return None,
            Class::Ip4 => ip4_text(coder.random(32, u64::from(ip4(is).unwrap_or_default())) as u32),
            Class::Ip6 => {
                let bits = ip6(is).unwrap_or_default();
                let high = coder.random(64, (bits >> 64) as u64);
                ip6_text(u128::from(high) << 64 | u128::from(coder.random(64, bits as u64)))
            }
            Class::Small => {
                let number = number() as u32;
                coder.small(&mut self.number[if role == Role::Network { 1 } else { 2 }], number).to_string()
            }
            Class::Uuid => self.uuid(coder, is),
            Class::Word(count) => {
                let letter = |at: usize| {
                    let byte = is.as_bytes().get(at).copied().unwrap_or(b'A');
                    LETTERS.iter().position(|letter| *letter == byte).unwrap_or_default()
                };
                (0..usize::from(count)).map(|at| char::from(LETTERS[coder.random(6, letter(at) as u64) as usize & 63])).collect()
            }
        })
    }

    /// The random ones of RFC 9562 have six bits that are not.
    fn uuid<C: Coder>(&mut self, coder: &mut C, is: &str) -> String {
        let bits = is
            .bytes()
            .filter(|byte| *byte != b'-')
            .fold(0u128, |bits, byte| bits << 4 | u128::from(char::from(byte).to_digit(16).unwrap_or_default()));
        let is_random = coder.decide(&mut self.uuid4, (bits >> 76 & 15 == 4) && (bits >> 62 & 3 == 2));
        let mut out = u128::from(coder.random(48, (bits >> 80) as u64));
        out = out << 4 | if is_random { 4 } else { u128::from(coder.random(4, (bits >> 76) as u64)) };
        out = out << 12 | u128::from(coder.random(12, (bits >> 64) as u64));
        out = out << 2 | if is_random { 2 } else { u128::from(coder.random(2, (bits >> 62) as u64)) };
        out = out << 62 | u128::from(coder.random(62, bits as u64));
        let hex = format!("{out:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What values are told against.
#[derive(Debug)]
pub(crate) struct About<'a> {
    pub library: &'a Library,
    pub before: Before,
    pub recent: Recent,
}
