//! Everything random, and hashing: what the core must not make itself comes from here, from the operating system's generator.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use duologue_core::kit::ids::{TokenHash, UserId};
use duologue_core::kit::random::Seed;
use sha2::{Digest, Sha256};

/// Length of a session token as text: 256 bits in base64url.
const TOKEN_LENGTH: usize = 43;

/// Random bytes.
///
/// # Panics
/// If the operating system gives none: going on could not be right.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A new session token.
pub fn token() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random::<32>())
}

/// What the realm keeps of a token; none where it cannot be one.
pub fn hash(token: &str) -> Option<TokenHash> {
    let fine = token.len() == TOKEN_LENGTH && token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    fine.then(|| TokenHash(sha256(token.as_bytes())))
}

/// A new user's id: a random UUID (RFC 9562, version 4).
pub fn user() -> UserId {
    let random = u128::from_be_bytes(random());
    UserId(random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62)
}

/// A realm's seed.
pub fn seed() -> Seed {
    Seed(std::array::from_fn(|_| u64::from_ne_bytes(random())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_tokens_and_ids_are_uuids_of_version_4() {
        let token = token();
        assert!(hash(&token).is_some() && hash(&token[1..]).is_none() && hash(&format!("{} ", &token[1..])).is_none());
        let id = user().to_string();
        assert_eq!((&id[14..15], "89ab".contains(&id[19..20])), ("4", true), "{id}");
        assert_ne!(user(), user());
    }
}
