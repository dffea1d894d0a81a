//! The picture that is sent: frames of VP8 from an IVF file, over and over. The first frame stands alone (a key frame), so whoever
//! lost the picture gets it again from there.

use std::time::Duration;

/// `clip.mjs` made it.
const CLIP: &[u8] = include_bytes!("../clip.ivf");
const HEAD_BYTES: usize = 32;
const FRAME_HEAD_BYTES: usize = 12;
/// The clock of video over RTP.
const RTP_RATE: u64 = 90_000;

/// The frames, and which is next.
#[derive(Debug)]
pub struct Clip {
    frames: Vec<&'static [u8]>,
    rate: u32,
    next: usize,
    sent: u64,
}

impl Clip {
    /// The whole file is read; it is part of the program, so it is right.
    pub fn new() -> Clip {
        let number = |at: usize| u32::from_le_bytes(CLIP[at..at + 4].try_into().expect("4 bytes"));
        assert_eq!(&CLIP[..4], b"DKIF");
        let rate = number(16) / number(20);
        let (mut frames, mut at) = (Vec::new(), HEAD_BYTES);
        while at < CLIP.len() {
            let (from, length) = (at + FRAME_HEAD_BYTES, number(at) as usize);
            frames.push(&CLIP[from..from + length]);
            at = from + length;
        }
        assert!(!frames.is_empty());
        Clip { frames, rate, next: 0, sent: 0 }
    }

    /// How long a frame is seen.
    pub fn pace(&self) -> Duration {
        Duration::from_secs(1) / self.rate
    }

    /// The next frame, with its instant on the clock of RTP.
    pub fn next(&mut self) -> (u64, &'static [u8]) {
        let at = self.sent * RTP_RATE / u64::from(self.rate);
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
    fn the_clip_begins_with_the_only_key_frame_and_comes_round() {
        let mut clip = Clip::new();
        // The first bit of a VP8 frame is 0 for a key frame (RFC 6386, 9.1).
        let keys: Vec<bool> = (0..clip.frames.len()).map(|_| clip.next().1[0] & 1 == 0).collect();
        assert_eq!(keys.iter().position(|is_key| *is_key), Some(0));
        assert_eq!(keys.iter().filter(|is_key| **is_key).count(), 1);
        let (at, frame) = clip.next();
        assert_eq!((at, frame), (u64::try_from(clip.frames.len()).expect("few") * 6_000, clip.frames[0]));
        clip.begin_again();
        assert_eq!(clip.next().1, clip.frames[0]);
    }
}
