//! One line of a description or one candidate, taken apart into a *template*, which many have in common, and *values*, which are
//! its own: fingerprints, names, passwords, addresses. A template says in marks what stood where:
//!
//! - `\u{1}` role class: a value, to be read elsewhere;
//! - `\u{1}` role `=` distance: a value of this role that the description has said before, so many values ago;
//! - `\u{2}` distance: a payload type, by its place in the list of the `m=` line, counted from the one said last. Browsers deal
//!   these numbers out differently from version to version; the order stays.
//!
//! Taking apart and putting together are inverse to each other for every line without these two characters. Neither knows how
//! templates and values are written.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

/// Begins a value.
pub(crate) const VALUE: char = '\u{1}';
/// Begins a payload type.
pub(crate) const PAYLOAD: char = '\u{2}';

/// What a value is to its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Address,
    CName,
    Direction,
    Fingerprint,
    Foundation,
    MediaAddress,
    MediaPort,
    Mid,
    Network,
    Password,
    Port,
    Priority,
    RelatedAddress,
    RelatedPort,
    Session,
    Setup,
    Ssrc,
    Stream,
    Track,
    Ufrag,
    Version,
}

impl Role {
    pub(crate) const ALL: [Role; 21] = [
        Role::Address,
        Role::CName,
        Role::Direction,
        Role::Fingerprint,
        Role::Foundation,
        Role::MediaAddress,
        Role::MediaPort,
        Role::Mid,
        Role::Network,
        Role::Password,
        Role::Port,
        Role::Priority,
        Role::RelatedAddress,
        Role::RelatedPort,
        Role::Session,
        Role::Setup,
        Role::Ssrc,
        Role::Stream,
        Role::Track,
        Role::Ufrag,
        Role::Version,
    ];

    pub(crate) fn letter(self) -> char {
        (b'A' + self as u8) as char
    }

    fn of(letter: char) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.letter() == letter)
    }

    /// Whether its repetitions are part of the template. Those of addresses and the like are not: a template of a candidate
    /// should say what kind of candidate it is, and not whose port it shares.
    pub(crate) fn is_fixed(self) -> bool {
        match self {
            Role::Address
            | Role::Direction
            | Role::Foundation
            | Role::MediaAddress
            | Role::MediaPort
            | Role::Network
            | Role::Port
            | Role::Priority
            | Role::RelatedAddress
            | Role::RelatedPort
            | Role::Setup
            | Role::Version => false,
            Role::CName
            | Role::Fingerprint
            | Role::Mid
            | Role::Password
            | Role::Session
            | Role::Ssrc
            | Role::Stream
            | Role::Track
            | Role::Ufrag => true,
        }
    }
}

/// How a value is spelt; a number with it is how many characters or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Decimal, to 16 bits.
    Decimal16,
    /// Decimal, to 32 bits.
    Decimal32,
    /// Decimal, to 64 bits.
    Decimal64,
    /// One of [`DIRECTIONS`].
    Direction,
    /// Pairs of hexadecimal digits, upper case, colons between.
    Fingerprint(u8),
    /// Hexadecimal digits, lower case.
    Hex(u8),
    /// As RFC 4291 and RFC 5952 have it, whole.
    Ip4,
    Ip6,
    /// One of [`SETUPS`].
    Setup,
    /// Decimal, and likely small.
    Small,
    Uuid,
    /// Characters of ICE (RFC 8839): letters, digits, `+`, `/`.
    Word(u8),
}

/// RFC 8866, 6.7.
pub(crate) const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];
/// RFC 4145, 4.
pub(crate) const SETUPS: [&str; 4] = ["actpass", "active", "passive", "holdconn"];

const SHORTEST: u32 = 33;
const LONGEST: usize = 90;

impl Class {
    fn mark(self, out: &mut String) {
        let (letter, count) = match self {
            Class::Decimal16 => ('p', None),
            Class::Decimal32 => ('d', None),
            Class::Decimal64 => ('D', None),
            Class::Direction => ('n', None),
            Class::Fingerprint(count) => ('h', Some(count)),
            Class::Hex(count) => ('x', Some(count)),
            Class::Ip4 => ('4', None),
            Class::Ip6 => ('6', None),
            Class::Setup => ('s', None),
            Class::Small => ('v', None),
            Class::Uuid => ('u', None),
            Class::Word(count) => ('w', Some(count)),
        };
        out.push(letter);
        out.extend(count.and_then(|count| char::from_u32(SHORTEST + u32::from(count))));
    }

    fn of(letter: char, rest: &mut core::str::Chars<'_>) -> Option<Class> {
        let mut count = || Some((rest.next()? as u32).checked_sub(SHORTEST)?).filter(|count| (1..=LONGEST as u32).contains(count));
        Some(match letter {
            'p' => Class::Decimal16,
            'd' => Class::Decimal32,
            'D' => Class::Decimal64,
            'n' => Class::Direction,
            'h' => Class::Fingerprint(count()? as u8),
            'x' => Class::Hex(count()? as u8),
            '4' => Class::Ip4,
            '6' => Class::Ip6,
            's' => Class::Setup,
            'v' => Class::Small,
            'u' => Class::Uuid,
            'w' => Class::Word(count()? as u8),
            _ => return None,
        })
    }

    /// How the value of a role is spelt, if it is one: what many have in common is part of the template.
    fn by(role: Role, text: &str) -> Option<Class> {
        let number = decimal(text);
        match role {
            Role::Address | Role::RelatedAddress => ip(text).filter(|_| !["0.0.0.0", "127.0.0.1", "::"].contains(&text)),
            Role::Direction => DIRECTIONS.contains(&text).then_some(Class::Direction),
            Role::Fingerprint => is_fingerprint(text).then(|| Class::Fingerprint((text.len() / 3 + 1) as u8)),
            Role::Foundation => match number {
                Some(number) if number < 100 => Some(Class::Small),
                Some(number) if number <= u64::from(u32::MAX) => Some(Class::Decimal32),
                _ => word(text, 8),
            },
            Role::MediaAddress => ip(text),
            Role::MediaPort => number.filter(|number| *number < 65_536).map(|_| Class::Decimal16),
            Role::Mid => (text.len() == 3 && number.is_none() && word(text, 1).is_some() && !text.bytes().all(|b| b.is_ascii_lowercase()))
                .then_some(Class::Word(3)),
            Role::Network => number.filter(|number| *number < 1_000).map(|_| Class::Small),
            Role::Password | Role::Ufrag => word(text, 1),
            Role::Port | Role::RelatedPort => {
                number.filter(|number| ![0, 9].contains(number) && *number < 65_536).map(|_| Class::Decimal16)
            }
            Role::Priority | Role::Ssrc => number.filter(|number| *number <= u64::from(u32::MAX)).map(|_| Class::Decimal32),
            Role::Session => number.map(|_| Class::Decimal64),
            Role::Setup => SETUPS.contains(&text).then_some(Class::Setup),
            Role::CName | Role::Stream | Role::Track if is_uuid(text) => Some(Class::Uuid),
            Role::CName | Role::Stream | Role::Track => word(text, 16),
            Role::Version => match number? {
                0..=60_000 => Some(Class::Small),
                number => (number <= u64::from(u32::MAX)).then_some(Class::Decimal32),
            },
        }
    }
}

/// A value of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub role: Role,
    pub class: Class,
    pub text: String,
}

/// What a description has said so far, as far as later lines refer to it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// By role, in the order in which they were said.
    values: [Vec<Value>; Role::ALL.len()],
    payloads: Vec<String>,
    payload: usize,
}

impl Default for Said {
    fn default() -> Said {
        Said { values: core::array::from_fn(|_| Vec::new()), payloads: Vec::new(), payload: 0 }
    }
}

impl Said {
    /// The values of a role, in the order in which they were said.
    pub(crate) fn values(&self, role: Role) -> &[Value] {
        &self.values[role as usize]
    }

    /// Takes over what another description has said of a role.
    pub(crate) fn follow(&mut self, other: &Said, role: Role) {
        self.values[role as usize] = other.values[role as usize].clone();
    }

    fn begin_section(&mut self, line: &str) {
        if line.starts_with("m=") {
            self.payloads = line.split(' ').skip(3).map(String::from).collect();
            self.payload = 0;
        }
    }

    /// Takes a line apart. It must not contain the marks.
    pub(crate) fn split(&mut self, line: &str) -> (String, Vec<Value>) {
        let mut parts = Parts { said: self, template: String::with_capacity(line.len()), values: Vec::new() };
        parts.line(line);
        let (template, values) = (parts.template, parts.values);
        self.begin_section(line);
        (template, values)
    }

    /// Puts a line together; `read` gives each value that the template asks for, in order. `None` where the template makes no
    /// sense, or the line would have more than `most` bytes.
    pub(crate) fn join(
        &mut self,
        template: &str,
        most: usize,
        read: &mut dyn FnMut(&Said, Role, Class) -> Option<String>,
    ) -> Option<String> {
        let (mut line, mut rest) = (String::with_capacity(template.len()), template.chars());
        while let Some(letter) = rest.next() {
            match letter {
                VALUE => {
                    let (role, kind) = (Role::of(rest.next()?)?, rest.next()?);
                    if kind == '=' {
                        let back = (rest.next()? as u32).checked_sub(SHORTEST)? as usize;
                        let values = &self.values[role as usize];
                        line.push_str(&values.get(values.len().checked_sub(back + 1)?)?.text);
                    } else {
                        let class = Class::of(kind, &mut rest)?;
                        let text = read(self, role, class)?;
                        line.push_str(&text);
                        self.say(Value { role, class, text });
                    }
                }
                PAYLOAD => {
                    let (mark, step) = (rest.next()?, rest.next()? as usize);
                    let place = (self.payload + step).checked_sub(MIDDLE)?;
                    line.push_str(self.payloads.get(place)?);
                    if mark == '!' {
                        self.payload = place + 1;
                    }
                }
                other => line.push(other),
            }
            if line.len() > most {
                return None;
            }
        }
        self.begin_section(&line);
        Some(line)
    }

    fn say(&mut self, value: Value) {
        if value.role.is_fixed() || matches!(value.role, Role::Direction | Role::Setup) {
            self.values[value.role as usize].push(value);
        }
    }
}

/// The step of a payload type that is the next one.
const MIDDLE: usize = 80;

/// A line on its way apart.
struct Parts<'a> {
    said: &'a mut Said,
    template: String,
    values: Vec<Value>,
}

impl Parts<'_> {
    fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("o=") {
            self.plain("o=");
            let roles = [None, Some(Role::Session), Some(Role::Version), None, None, Some(Role::Address)];
            self.words(rest, |at, _| roles.get(at).copied().flatten());
        } else if let Some(rest) = line.strip_prefix("m=") {
            self.plain("m=");
            self.words(rest, |at, _| (at == 1).then_some(Role::MediaPort));
        } else if let Some(rest) = line.strip_prefix("c=") {
            self.plain("c=");
            self.words(rest, |at, _| (at == 2).then_some(Role::MediaAddress));
        } else if let Some((name, rest)) = line.split_once(':') {
            self.plain(name);
            self.plain(":");
            self.attribute(name.strip_prefix("a=").unwrap_or(name), rest);
        } else if let Some(rest) = line.strip_prefix("a=") {
            self.plain("a=");
            self.value(Role::Direction, rest);
        } else {
            self.plain(line);
        }
    }

    fn attribute(&mut self, name: &str, rest: &str) {
        match name {
            "candidate" => self.candidate(rest),
            "fingerprint" => self.words(rest, |at, _| (at == 1).then_some(Role::Fingerprint)),
            "fmtp" | "rtcp-fb" | "rtpmap" => self.codec(rest),
            "group" => self.words(rest, |at, _| (at > 0).then_some(Role::Mid)),
            "ice-pwd" => self.value(Role::Password, rest),
            "ice-ufrag" => self.value(Role::Ufrag, rest),
            "mid" => self.value(Role::Mid, rest),
            "msid" => self.words(rest, |at, _| Some(if at == 0 { Role::Stream } else { Role::Track })),
            "msid-semantic" => self.words(rest, |at, _| (at > 0).then_some(Role::Stream)),
            "rtcp" => self.words(rest, |at, _| match at {
                0 => Some(Role::MediaPort),
                3 => Some(Role::MediaAddress),
                _ => None,
            }),
            "setup" => self.value(Role::Setup, rest),
            "ssrc" => self.ssrc(rest),
            "ssrc-group" => self.words(rest, |at, _| (at > 0).then_some(Role::Ssrc)),
            _ => self.plain(rest),
        }
    }

    fn candidate(&mut self, rest: &str) {
        self.words(rest, |at, before| match (at, before) {
            (0, _) => Some(Role::Foundation),
            (3, _) => Some(Role::Priority),
            (4, _) => Some(Role::Address),
            (5, _) => Some(Role::Port),
            (_, "raddr") => Some(Role::RelatedAddress),
            (_, "rport") => Some(Role::RelatedPort),
            (_, "ufrag") => Some(Role::Ufrag),
            (_, "network-id") => Some(Role::Network),
            _ => None,
        });
    }

    fn ssrc(&mut self, rest: &str) {
        let Some((ssrc, rest)) = rest.split_once(' ') else { return self.value(Role::Ssrc, rest) };
        self.value(Role::Ssrc, ssrc);
        self.plain(" ");
        let Some((name, rest)) = rest.split_once(':') else { return self.plain(rest) };
        self.plain(name);
        self.plain(":");
        match name {
            "cname" => self.value(Role::CName, rest),
            "label" => self.value(Role::Track, rest),
            "mslabel" => self.value(Role::Stream, rest),
            "msid" => self.words(rest, |at, _| Some(if at == 0 { Role::Stream } else { Role::Track })),
            _ => self.plain(rest),
        }
    }

    /// `PAYLOAD`, and what follows it: `apt=PAYLOAD` and `PAYLOAD/PAYLOAD` name others.
    fn codec(&mut self, rest: &str) {
        let (payload, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        self.payload(payload, true);
        if let Some(other) = rest.strip_prefix(" apt=") {
            self.plain(" apt=");
            self.payload(other, false);
        } else if rest.contains('/') && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/' || byte == b' ') {
            self.plain(" ");
            for (at, other) in rest[1..].split('/').enumerate() {
                self.plain(if at > 0 { "/" } else { "" });
                self.payload(other, false);
            }
        } else {
            self.plain(rest);
        }
    }

    fn payload(&mut self, text: &str, moves: bool) {
        let place = self.said.payloads.iter().position(|payload| payload == text);
        let step = place.map(|place| place + MIDDLE).and_then(|place| place.checked_sub(self.said.payload));
        match (place, step.filter(|step| (33..127).contains(step))) {
            (Some(place), Some(step)) => {
                self.template.push(PAYLOAD);
                self.template.push(if moves { '!' } else { '?' });
                self.template.push(step as u8 as char);
                if moves {
                    self.said.payload = place + 1;
                }
            }
            _ => self.plain(text),
        }
    }

    /// Words between single spaces; `role` is asked with the place of each and the word before it.
    fn words(&mut self, rest: &str, role: impl Fn(usize, &str) -> Option<Role>) {
        let mut before = "";
        for (at, word) in rest.split(' ').enumerate() {
            self.plain(if at > 0 { " " } else { "" });
            match role(at, before) {
                Some(role) => self.value(role, word),
                None => self.plain(word),
            }
            before = word;
        }
    }

    fn value(&mut self, role: Role, text: &str) {
        // Firefox has braces around its ids, mDNS names are ids with an ending, and webrtc-rs has ids of eight digits.
        if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'))
            && is_uuid(inner)
        {
            self.plain("{");
            self.one(role, Class::Uuid, inner);
            self.plain("}");
        } else if let Some(inner) = text.strip_suffix(".local")
            && is_uuid(inner)
        {
            self.one(role, Class::Uuid, inner);
            self.plain(".local");
        } else if let Some((head, tail)) = text.rsplit_once('-')
            && matches!(role, Role::Stream | Role::Track)
            && !is_uuid(text)
            && word(tail, 8) == Some(Class::Hex(8))
        {
            self.plain(head);
            self.plain("-");
            self.one(role, Class::Hex(8), tail);
        } else {
            match Class::by(role, text) {
                Some(class) => self.one(role, class, text),
                None => self.plain(text),
            }
        }
    }

    fn one(&mut self, role: Role, class: Class, text: &str) {
        let known = self.said.values[role as usize].iter().rev().take(LONGEST).position(|value| value.text == text && value.class == class);
        self.template.push(VALUE);
        self.template.push(role.letter());
        if let Some(back) = known.filter(|_| role.is_fixed()) {
            self.template.push('=');
            self.template.extend(char::from_u32(SHORTEST + back as u32));
        } else {
            class.mark(&mut self.template);
            let value = Value { role, class, text: text.to_string() };
            self.said.say(value.clone());
            self.values.push(value);
        }
    }

    fn plain(&mut self, text: &str) {
        self.template.push_str(text);
    }
}

/// A decimal number as one writes it.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hex(byte),
        })
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_fingerprint(text: &str) -> bool {
    let is_shaped = text.len() % 3 == 2 && text.len() / 3 < LONGEST;
    is_shaped
        && text.bytes().enumerate().all(|(at, byte)| match at % 3 {
            2 => byte == b':',
            _ => byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte),
        })
}

fn word(text: &str, least: usize) -> Option<Class> {
    if !(least..=LONGEST).contains(&text.len()) {
        return None;
    }
    if text.len() >= 8 && text.bytes().all(is_hex) {
        return Some(Class::Hex(text.len() as u8));
    }
    text.bytes().all(|byte| LETTERS.contains(&byte)).then_some(Class::Word(text.len() as u8))
}

/// The characters of [`Class::Word`].
pub(crate) const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn ip(text: &str) -> Option<Class> {
    let four = ip4(text).map(ip4_text);
    if four.as_deref() == Some(text) {
        return Some(Class::Ip4);
    }
    let six = ip6(text).map(ip6_text);
    (six.as_deref() == Some(text)).then_some(Class::Ip6)
}

pub(crate) fn ip4(text: &str) -> Option<u32> {
    let mut bits = 0;
    let mut count = 0;
    for part in text.split('.') {
        bits = (bits << 8) | u32::try_from(decimal(part)?).ok().filter(|part| *part < 256)?;
        count += 1;
        if count > 4 {
            return None;
        }
    }
    (count == 4).then_some(bits)
}

pub(crate) fn ip4_text(bits: u32) -> String {
    let [a, b, c, d] = bits.to_be_bytes();
    format!("{a}.{b}.{c}.{d}")
}

pub(crate) fn ip6(text: &str) -> Option<u128> {
    let (head, tail) = text.split_once("::").unwrap_or((text, ""));
    let groups = |part: &str| -> Option<Vec<u16>> {
        if part.is_empty() {
            return Some(Vec::new());
        }
        part.split(':')
            .map(|group| if group.len() > 4 || !group.bytes().all(is_hex) { None } else { u16::from_str_radix(group, 16).ok() })
            .collect()
    };
    let (head, tail) = (groups(head)?, groups(tail)?);
    let zeros = 8usize.checked_sub(head.len() + tail.len())?;
    if text.contains("::") != (zeros > 0) {
        return None;
    }
    let all = head.into_iter().chain(core::iter::repeat_n(0, zeros)).chain(tail);
    Some(all.fold(0, |bits, group| (bits << 16) | u128::from(group)))
}

/// As RFC 5952 has it: the first of the longest runs of zeros, of two or more, is left out.
pub(crate) fn ip6_text(bits: u128) -> String {
    let groups: Vec<u16> = (0..8).rev().map(|at| (bits >> (16 * at)) as u16).collect();
    let (mut best, mut best_length) = (8, 1);
    for from in 0..8 {
        let length = groups[from..].iter().take_while(|group| **group == 0).count();
        if length > best_length {
            (best, best_length) = (from, length);
        }
    }
    let mut out = String::new();
    let mut at = 0;
    while at < 8 {
        if at == best {
            out.push_str("::");
            at += best_length;
        } else {
            if !out.is_empty() && !out.ends_with(':') {
                out.push(':');
            }
            let _ = write!(out, "{:x}", groups[at]);
            at += 1;
        }
    }
    out
}
