//! Identities. Users and clients are 128 random bits that come from outside; everything else is a counter that the core or a
//! driver gives out: knowing one gives no right to anything. Counters stay below 2^53, so that JSON numbers carry them.

use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest integer that every JSON reader keeps exactly: 2^53 − 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A person known to the system; shown as a lower-case UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(pub u128);

/// One page or process of a user: 128 random bits that it made for itself, 32 hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u128);

/// SHA-256 of a session token; the token itself never enters the core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenHash(pub [u8; 32]);

macro_rules! sixteen_bytes {
    ($($name:ident)*) => {$(
        /// In the binary form 16 bytes as they stand: a variable length would make 19 of most of them.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.to_be_bytes().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                <[u8; 16]>::deserialize(deserializer).map(|bytes| $name(u128::from_be_bytes(bytes)))
            }
        }
    )*};
}

sixteen_bytes! { UserId ClientId }

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);
    )*};
}

counters! {
    /// A call. Never given twice, also over restarts: epoch · 2^32 + n.
    CallId;
    /// An invite, numbered like a call.
    InviteId;
    /// A connection, which outlives its socket; given out by a gateway.
    LinkId;
    /// A pair that waits for both confirmations, numbered like a call.
    PairId;
    /// A question over HTTP; given out by the driver.
    RequestId;
    /// A wait for rows; given out by the engine.
    Ticket;
}

impl UserId {
    /// Reads a UUID of 8-4-4-4-12 hexadecimal digits, in either case.
    pub fn parse(text: &str) -> Option<UserId> {
        let bytes = text.as_bytes();
        if bytes.len() != 36 {
            return None;
        }
        let mut value: u128 = 0;
        for (i, byte) in bytes.iter().enumerate() {
            if matches!(i, 8 | 13 | 18 | 23) {
                if *byte != b'-' {
                    return None;
                }
            } else {
                value = value << 4 | u128::from((*byte as char).to_digit(16)?);
            }
        }
        Some(UserId(value))
    }
}

impl ClientId {
    /// Reads exactly 32 hexadecimal digits, in either case.
    pub fn parse(text: &str) -> Option<ClientId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(ClientId)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            v >> 80 & 0xffff,
            v >> 64 & 0xffff,
            v >> 48 & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Eight hexadecimal digits: enough to tell two apart in a failure, too few to guess a token from.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hash {:02x}{:02x}{:02x}{:02x}", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_uuid_is_read_in_upper_case_and_written_in_lower() {
        let id = UserId::parse("0123ABCD-4567-89ab-cdef-00112233445F").expect("a UUID");
        assert_eq!(id.to_string(), "0123abcd-4567-89ab-cdef-00112233445f");
        assert_eq!(UserId::parse("0123abcd456789abcdef00112233445f"), None);
        assert_eq!(UserId::parse("0123abcd-4567-89ab-cdef-00112233445g"), None);
    }
}
