//! The payload types of an `m=` line, told against another list: an answer keeps some of the offer's, a newer browser deals them
//! out a little differently.

use super::coder::{Chance, Coder};
use super::line::decimal;
use alloc::vec::Vec;

/// The template of an `m=` line: what comes before the list, and the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Media<'a> {
    pub head: &'a str,
    pub payloads: Vec<u8>,
}

impl<'a> Media<'a> {
    /// `None` where it is no such line.
    pub(crate) fn of(template: &'a str) -> Option<Media<'a>> {
        if !template.starts_with("m=") {
            return None;
        }
        let (end, _) = template.match_indices(' ').nth(2)?;
        let (head, list) = template.split_at(end);
        let number = |word: &str| decimal(word).filter(|number| *number < 128).map(|number| number as u8);
        let payloads: Option<Vec<u8>> = list[1..].split(' ').map(number).collect();
        Some(Media { head, payloads: payloads? })
    }
}

/// What is learned of lists.
#[derive(Clone, Debug)]
pub(crate) struct Payloads {
    first: Chance,
    new: [Chance; 2],
    kept: [Chance; 2],
    next: Chance,
}

impl Default for Payloads {
    fn default() -> Payloads {
        Payloads {
            first: Chance::new(50_000, 1),
            new: [Chance::new(2_000, 2), Chance::new(30_000, 1)],
            kept: [Chance::new(60_000, 1), Chance::new(16_000, 1)],
            next: Chance::new(40_000, 1),
        }
    }
}

impl Payloads {
    /// A list; `likes`: one or two that it may resemble.
    pub(crate) fn list<C: Coder>(&mut self, coder: &mut C, likes: &[&[u8]], is: &[u8], most: usize) -> Option<Vec<u8>> {
        let common = |like: &&[u8]| is.iter().filter(|payload| like.contains(payload)).count();
        let is_first = likes.len() < 2 || common(&likes[0]) >= common(&likes[1]);
        let is_first = likes.len() < 2 || coder.decide(&mut self.first, is_first);
        let like = likes.get(usize::from(!is_first)).copied().unwrap_or_default();
        let (mut out, mut at): (Vec<u8>, usize) = (Vec::new(), 0);
        let (mut was_new, mut was_kept) = (false, true);
        loop {
            let rest = is.get(out.len()..).unwrap_or_default();
            let is_new = rest.first().is_some_and(|payload| !like[at..].contains(payload));
            was_new = coder.decide(&mut self.new[usize::from(was_new)], is_new);
            if was_new {
                let next = out.last().map_or(96, |last| (last + 1) & 127);
                let payload = rest.first().copied().unwrap_or_default();
                let is_next = coder.decide(&mut self.next, payload == next);
                out.push(if is_next { next } else { coder.random(7, u64::from(payload)) as u8 });
            } else if let Some(payload) = like.get(at) {
                was_kept = coder.decide(&mut self.kept[usize::from(!was_kept)], rest.first() == Some(payload));
                if was_kept {
                    out.push(*payload);
                }
                at += 1;
            } else {
                return Some(out);
            }
            if out.len() * 2 > most {
                return None;
            }
        }
    }
}
