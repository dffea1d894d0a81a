//! Named, stateless randomness: a draw is a function of the realm's seed, what it is for, and two numbers, so that a new draw
//! in one place shifts none elsewhere. Nothing in the core draws in any other way.

use core::hash::Hasher;
use siphasher::sip::SipHasher13;

/// The realm's seed: 256 random bits in production, drawn in the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u64; 4]);

/// What a draw is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// How long a refused newcomer waits.
    Jitter = 1,
    /// Which windows show a newcomer.
    Expose = 2,
    /// Who fills a free place.
    Fill = 3,
    /// Who comes next in a reel.
    Reel = 4,
}

impl Seed {
    /// A draw: uniform over 64 bits.
    pub fn pick(&self, purpose: Purpose, a: u64, b: u64) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        hasher.write(&(purpose as u64).to_le_bytes());
        hasher.write(&a.to_le_bytes());
        hasher.write(&b.to_le_bytes());
        hasher.finish()
    }

    /// A stream of draws from one point.
    pub fn stream(&self, purpose: Purpose, a: u64, b: u64) -> Stream {
        Stream(self.pick(purpose, a, b))
    }

    /// The keys of hash tables whose keys come from outside.
    pub fn table_keys(&self) -> (u64, u64) {
        (self.0[2], self.0[3])
    }
}

/// Draws in a row (SplitMix64).
#[derive(Clone, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which must not be 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "nothing is below 0");
        ((u128::from(self.draw()) * u128::from(bound)) >> 64) as u32
    }
}
