//! A binary arithmetic coder. A yes that was likely costs a fraction of a bit, a random one costs one. Whoever describes a text
//! says each decision once, through [`Coder`]: the writer is told what is true and writes it, the reader is told nothing that
//! counts and answers what was written. So both directions are one piece of code, and cannot disagree.
//!
//! Integers only: the same on every machine, and in JavaScript.

use alloc::vec::Vec;

/// How likely a yes is, of 65,536, and how much it has learned: the more, the slower it changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chance {
    yes: u32,
    seen: u32,
}

const LEARNS: u32 = 24;
const LEAST: u32 = 48;

impl Chance {
    /// A chance that begins at `yes` of 65,536, held with the weight of `seen` decisions.
    pub(crate) const fn new(yes: u32, seen: u32) -> Chance {
        Chance { yes, seen }
    }

    /// One that knows nothing.
    pub(crate) const fn even() -> Chance {
        Chance::new(32_768, 0)
    }

    fn learn(&mut self, yes: bool) {
        let share = 65_536 / (self.seen + 2);
        if yes {
            self.yes += ((65_536 - self.yes) * share) >> 16;
        } else {
            self.yes -= (self.yes * share) >> 16;
        }
        self.yes = self.yes.clamp(LEAST, 65_536 - LEAST);
        self.seen = (self.seen + 1).min(LEARNS.max(self.seen));
    }
}

/// A direction: writing or reading.
pub(crate) trait Coder {
    /// One decision with its chance; `is` counts for a writer only.
    fn decide(&mut self, chance: &mut Chance, is: bool) -> bool {
        let yes = chance.yes;
        let bit = self.bit(yes, is);
        chance.learn(bit);
        bit
    }

    /// One decision, with the chance of a yes of 65,536.
    fn bit(&mut self, yes: u32, is: bool) -> bool;

    /// Whether this one reads.
    fn reads(&self) -> bool;

    /// `count` random bits, at most 64.
    fn random(&mut self, count: u32, value: u64) -> u64 {
        let mut out = 0;
        for at in (0..count).rev() {
            let bit = self.bit(32_768, (value >> at) & 1 == 1);
            out = (out << 1) | u64::from(bit);
        }
        out
    }

    /// One of `count` that are equally likely.
    fn one_of(&mut self, count: usize, value: usize) -> usize {
        let (mut low, mut high) = (0, count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let yes = (((middle - low) << 16) / (high - low)) as u32;
            if self.bit(yes.clamp(1, 65_535), value < middle) {
                high = middle;
            } else {
                low = middle;
            }
        }
        low
    }

    /// A number that is likely small (Exp-Golomb with chances that learn), below 2^16.
    fn small(&mut self, chances: &mut Small, value: u32) -> u32 {
        let bits = 31 - (value + 1).leading_zeros();
        let mut length = 0;
        while length < 16 && self.decide(&mut chances.longer[length as usize], bits > length) {
            length += 1;
        }
        if length == 0 {
            return 0;
        }
        let first = self.decide(&mut chances.first[length as usize], (value + 1) >> (length - 1) & 1 == 1);
        let rest = self.random(length - 1, u64::from(value + 1)) as u32;
        ((2 | u32::from(first)) << (length - 1) | rest) - 1
    }
}

/// What [`Coder::small`] learns.
#[derive(Clone, Debug)]
pub(crate) struct Small {
    longer: [Chance; 16],
    first: [Chance; 17],
}

impl Small {
    pub(crate) const fn new() -> Small {
        Small { longer: [Chance::even(); 16], first: [Chance::even(); 17] }
    }

    /// One that expects 1 or 2.
    pub(crate) const fn near_one() -> Small {
        let mut small = Small::new();
        small.longer[0] = Chance::new(60_000, 4);
        small.longer[1] = Chance::new(8_000, 4);
        small
    }
}

/// Writes.
#[derive(Debug)]
pub(crate) struct Writer {
    low: u32,
    high: u32,
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Writer {
        Writer { low: 0, high: u32::MAX, bytes: Vec::new() }
    }

    /// The fewest bytes that, followed by zeros, say what was written.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for count in 0..=4 {
            let unit = (1u64 << (32 - 8 * count)) - 1;
            let value = (u64::from(self.low) + unit) & !unit;
            if value <= u64::from(self.high) {
                self.bytes.extend_from_slice(&(value as u32).to_be_bytes()[..count as usize]);
                break;
            }
        }
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

impl Coder for Writer {
    fn bit(&mut self, yes: u32, is: bool) -> bool {
        let middle = middle(self.low, self.high, yes);
        if is {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.bytes.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = (self.high << 8) | 255;
        }
        is
    }

    fn reads(&self) -> bool {
        false
    }
}

/// Reads; beyond the end there are zeros.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    low: u32,
    high: u32,
    value: u32,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        let mut reader = Reader { low: 0, high: u32::MAX, value: 0, bytes, at: 0 };
        for _ in 0..4 {
            reader.shift();
        }
        reader
    }

    fn shift(&mut self) {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        self.value = (self.value << 8) | u32::from(byte);
    }
}

impl Coder for Reader<'_> {
    fn bit(&mut self, yes: u32, _is: bool) -> bool {
        let middle = middle(self.low, self.high, yes);
        let bit = self.value <= middle;
        if bit {
            self.high = middle;
        } else {
            self.low = middle + 1;
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.low <<= 8;
            self.high = (self.high << 8) | 255;
            self.shift();
        }
        bit
    }

    fn reads(&self) -> bool {
        true
    }
}

fn middle(low: u32, high: u32, yes: u32) -> u32 {
    let range = high - low;
    low + (range >> 16) * yes + (((range & 0xffff) * yes) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_written_is_read_and_likely_things_cost_next_to_nothing() {
        let mut writer = Writer::new();
        let (mut hit, mut small) = (Chance::new(65_000, 20), Small::new());
        for at in 0..1_000u32 {
            writer.decide(&mut hit, at % 500 != 3);
            writer.small(&mut small, at % 3);
        }
        writer.one_of(100, 77);
        writer.random(64, 0x0123_4567_89ab_cdef);
        let bytes = writer.finish();
        assert!(bytes.len() < 230, "{}", bytes.len());
        let mut reader = Reader::new(&bytes);
        let (mut hit, mut small) = (Chance::new(65_000, 20), Small::new());
        for at in 0..1_000u32 {
            assert_eq!(reader.decide(&mut hit, false), at % 500 != 3);
            assert_eq!(reader.small(&mut small, 0), at % 3);
        }
        assert_eq!(reader.one_of(100, 0), 77);
        assert_eq!(reader.random(64, 0), 0x0123_4567_89ab_cdef);
    }

    #[test]
    fn every_small_number_comes_back() {
        for value in [0, 1, 2, 3, 254, 255, 256, 65_533, 65_534] {
            let mut writer = Writer::new();
            writer.small(&mut Small::new(), value);
            assert_eq!(Reader::new(&writer.finish()).small(&mut Small::new(), 0), value);
        }
        assert_eq!(vec![0u8; 0], Writer::new().finish());
    }
}
