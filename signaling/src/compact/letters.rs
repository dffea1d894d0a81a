//! Text of which nothing better is known: letter by letter, guessed from a text that it resembles, else from the letter before.

use super::coder::{Chance, Coder};
use super::library::Library;
use alloc::string::String;
use alloc::vec::Vec;

/// What is learned of letters.
#[derive(Clone, Debug)]
pub(crate) struct Letters {
    guessed: [Chance; 6],
    /// By the letter before, and the bits of this one so far; made when first needed.
    letters: Vec<Chance>,
}

impl Letters {
    pub(crate) fn new() -> Letters {
        Letters {
            guessed: [
                Chance::new(40_000, 2),
                Chance::new(40_000, 2),
                Chance::new(50_000, 2),
                Chance::new(58_000, 4),
                Chance::new(62_000, 6),
                Chance::new(63_500, 8),
            ],
            letters: Vec::new(),
        }
    }

    /// A text without line feed, of at most `most` bytes, that may resemble `like`.
    pub(crate) fn line<C: Coder>(&mut self, coder: &mut C, library: &Library, like: &str, is: &str, most: usize) -> Option<String> {
        let (mut out, mut same): (Vec<u8>, usize) = (Vec::new(), 1);
        let (mut source, mut at): (&[u8], usize) = (like.as_bytes(), 0);
        loop {
            let is = is.as_bytes().get(out.len()).copied().unwrap_or(b'\n');
            let guess = source.get(at).copied().unwrap_or(b'\n');
            at += 1;
            let letter = if coder.decide(&mut self.guessed[same.min(5)], is == guess) {
                same += 1;
                guess
            } else {
                let letter = self.letter(coder, out.last().copied().unwrap_or(b'\n'), is);
                let two = out.len().checked_sub(2).map(|from| [out[from], out[from + 1], letter]);
                if let Some(place) = two.filter(|_| same == 0).and_then(|three| library.behind(three)) {
                    (source, at) = (library.text(), place);
                }
                same = 0;
                letter
            };
            if letter == b'\n' {
                return String::from_utf8(out).ok();
            }
            if out.len() == most {
                return None;
            }
            out.push(letter);
        }
    }

    fn letter<C: Coder>(&mut self, coder: &mut C, before: u8, is: u8) -> u8 {
        if self.letters.is_empty() {
            self.letters = alloc::vec![Chance::even(); 128 * 256];
        }
        let from = usize::from(before.min(127)) * 256;
        let mut node = 1;
        for bit in (0..8).rev() {
            let bit = coder.decide(&mut self.letters[from + node], is >> bit & 1 == 1);
            node = node * 2 + usize::from(bit);
        }
        node as u8
    }
}
