//! A digest of state: 128 bits of SipHash under a fixed key, fed with integers and bytes in a fixed order, the same on every
//! platform. It tells two runs apart; it protects nothing.

use core::hash::Hasher;
use siphasher::sip128::{Hasher128, SipHasher13};

/// Collects what a state is made of.
#[derive(Clone)]
pub struct Digest(SipHasher13);

impl Default for Digest {
    fn default() -> Digest {
        Digest(SipHasher13::new_with_keys(0x6475_6f6c_6f67_7565, 1))
    }
}

impl Digest {
    /// One integer.
    pub fn number(&mut self, value: u64) -> &mut Digest {
        self.0.write(&value.to_le_bytes());
        self
    }
    /// One 128-bit integer.
    pub fn wide(&mut self, value: u128) -> &mut Digest {
        self.0.write(&value.to_le_bytes());
        self
    }
    /// A text or other bytes, with their length.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Digest {
        self.number(value.len() as u64);
        self.0.write(value);
        self
    }
    /// An integer that may be absent.
    pub fn maybe(&mut self, value: Option<u64>) -> &mut Digest {
        match value {
            None => self.number(0),
            Some(value) => self.number(1).number(value),
        }
    }
    /// The digest of all that was given.
    pub fn finish(&self) -> u128 {
        self.0.finish128().as_u128()
    }
}
