//! What is sent, over and over: a picture, frames of VP8 from an IVF file, and a sound, packets of Opus from an Ogg file. The
//! picture's first frame stands alone (a key frame), so whoever lost the picture gets it again from there.

use std::time::Duration;

/// `clip.mjs` made it.
const PICTURE: &[u8] = include_bytes!("../clip.ivf");
const IVF_HEAD_BYTES: usize = 32;
const IVF_FRAME_HEAD_BYTES: usize = 12;
/// The clock of video over RTP.
const PICTURE_RATE: u32 = 90_000;

/// `tone.mjs` made it.
const SOUND: &[u8] = include_bytes!("../tone.opus");
const OGG_HEAD_BYTES: usize = 27;
/// Head and tags of an Ogg file of Opus are a packet each (RFC 7845).
const OPUS_HEADS: usize = 2;
/// The clock of Opus over RTP, and how much of it a packet has: 20 ms.
const SOUND_RATE: u32 = 48_000;
const SOUND_TICKS: u32 = 960;

/// The frames, and which is next.
#[derive(Debug)]
pub struct Clip {
    frames: Vec<&'static [u8]>,
    /// Ticks a second, and how many a frame lasts.
    rate: u32,
    ticks: u32,
    next: usize,
    sent: u64,
}

impl Clip {
    /// The whole file is read; it is part of the program, so it is right. So is that of the sound.
    pub fn picture() -> Clip {
        let number = |at: usize| u32::from_le_bytes(PICTURE[at..at + 4].try_into().expect("4 bytes"));
        assert_eq!(&PICTURE[..4], b"DKIF");
        let ticks = PICTURE_RATE * number(20) / number(16);
        let (mut frames, mut at) = (Vec::new(), IVF_HEAD_BYTES);
        while at < PICTURE.len() {
            let (from, length) = (at + IVF_FRAME_HEAD_BYTES, number(at) as usize);
            frames.push(&PICTURE[from..from + length]);
            at = from + length;
        }
        Clip::new(frames, PICTURE_RATE, ticks)
    }

    pub fn sound() -> Clip {
        let (mut packets, mut at) = (Vec::new(), 0);
        while at < SOUND.len() {
            assert_eq!(&SOUND[at..at + 4], b"OggS");
            let lacing = at + OGG_HEAD_BYTES;
            let mut from = lacing + usize::from(SOUND[lacing - 1]);
            let mut end = from;
            for length in &SOUND[lacing..from] {
                end += usize::from(*length);
                // A packet goes on while its pieces are full; the maker ends each within its page.
                if *length < u8::MAX {
                    packets.push(&SOUND[from..end]);
                    from = end;
                }
            }
            at = end;
        }
        Clip::new(packets.split_off(OPUS_HEADS), SOUND_RATE, SOUND_TICKS)
    }

    fn new(frames: Vec<&'static [u8]>, rate: u32, ticks: u32) -> Clip {
        assert!(!frames.is_empty());
        Clip { frames, rate, ticks, next: 0, sent: 0 }
    }

    /// How long a frame lasts.
    pub fn pace(&self) -> Duration {
        Duration::from_secs(1) * self.ticks / self.rate
    }

    /// The next frame, with its instant on the clock of RTP.
    pub fn next(&mut self) -> (u64, &'static [u8]) {
        let at = self.sent * u64::from(self.ticks);
        let frame = self.frames[self.next];
        self.next = (self.next + 1) % self.frames.len();
        self.sent += 1;
        (at, frame)
    }

    /// The picture was lost: the next frame is one that stands alone.
    pub fn begin_again(&mut self) {
        self.next = 0;
    }

    /// How many were given.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_begins_with_the_only_key_frame_and_comes_round() {
        let mut clip = Clip::picture();
        // The first bit of a VP8 frame is 0 for a key frame (RFC 6386, 9.1).
        let keys: Vec<bool> = (0..clip.frames.len()).map(|_| clip.next().1[0] & 1 == 0).collect();
        assert_eq!(keys.iter().position(|is_key| *is_key), Some(0));
        assert_eq!(keys.iter().filter(|is_key| **is_key).count(), 1);
        let (at, frame) = clip.next();
        assert_eq!((at, frame), (u64::try_from(clip.frames.len()).expect("few") * 6_000, clip.frames[0]));
        clip.begin_again();
        assert_eq!(clip.next().1, clip.frames[0]);
    }

    #[test]
    fn the_sound_is_a_second_of_opus_in_packets_of_20_ms() {
        let mut clip = Clip::sound();
        assert_eq!((clip.frames.len(), clip.pace()), (50, Duration::from_millis(20)));
        for _ in 0..50 {
            let head = clip.next().1[0];
            // Hybrid and CELT, full band, of 20 ms; one channel, one frame (RFC 6716, 3.1).
            assert!([15, 31].contains(&(head >> 3)), "{head}");
            assert_eq!(head & 0b111, 0);
        }
        assert_eq!(clip.next().0, 48_000);
    }
}
