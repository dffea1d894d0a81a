//! One side's candidates of one epoch: which came, which went, where the end was. Indexes count the candidates that this side
//! sent; what was sent before is dropped, a gap is refused, and the end is a mark between two of them, so that what leaves in
//! batches, joined in order, is what came. It knows neither limits of its own nor time.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use duologue_core::kit::digest::Digest;
use duologue_core::wire::Candidate;

/// What waits to be sent: a candidate, or the end of candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Candidate(Candidate),
    Done,
}

/// One batch as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub from: u32,
    pub candidates: Vec<Candidate>,
    pub done: bool,
}

/// One side's candidates of one epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    /// Index of the next candidate to come.
    next: u32,
    /// Index of the next candidate to go.
    sent: u32,
    /// Where the last end of candidates stands.
    done_at: Option<u32>,
    items: VecDeque<Item>,
}

impl Pending {
    /// How many came.
    pub(crate) fn came(&self) -> u32 {
        self.next
    }

    /// How many of `candidates`, the first of which has index `from`, came before; `None` where some are missing in between.
    pub(crate) fn known(&self, from: u32, candidates: &[Candidate]) -> Option<usize> {
        let known = self.next.checked_sub(from)?;
        Some((known as usize).min(candidates.len()))
    }

    /// Takes what did not come before.
    pub(crate) fn push(&mut self, from: u32, candidates: Vec<Candidate>, done: bool) {
        let known = self.known(from, &candidates).expect("the relay refuses gaps first");
        let end = u64::from(from) + candidates.len() as u64;
        for candidate in candidates.into_iter().skip(known) {
            self.items.push_back(Item::Candidate(candidate));
            self.next += 1;
        }
        if done && end == u64::from(self.next) && self.done_at != Some(self.next) {
            self.done_at = Some(self.next);
            self.items.push_back(Item::Done);
        }
        assert!(self.sent <= self.next);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether a batch of `most`, or one that ends with the end of candidates, is complete: it has nothing to wait for.
    pub(crate) fn is_complete(&self, most: usize) -> bool {
        self.items.len() >= most || self.items.back() == Some(&Item::Done)
    }

    /// Cuts the next batch: at most `most` candidates, at most `most_bytes` (but one candidate at least), and none beyond an end of
    /// candidates.
    pub(crate) fn cut(&mut self, most: usize, most_bytes: u32, weight: fn(&Candidate) -> u32) -> Option<Cut> {
        if self.items.is_empty() {
            return None;
        }
        let mut cut = Cut { from: self.sent, candidates: Vec::new(), done: false };
        let mut bytes = 0u32;
        while cut.candidates.len() < most.max(1) {
            if let Some(Item::Candidate(next)) = self.items.front() {
                bytes = bytes.saturating_add(weight(next));
                if bytes > most_bytes && !cut.candidates.is_empty() {
                    break;
                }
            }
            match self.items.pop_front() {
                Some(Item::Candidate(candidate)) => cut.candidates.push(candidate),
                Some(Item::Done) => {
                    cut.done = true;
                    break;
                }
                None => break,
            }
        }
        if !cut.done && self.items.front() == Some(&Item::Done) {
            self.items.pop_front();
            cut.done = true;
        }
        self.sent += cut.candidates.len() as u32;
        assert!(self.sent <= self.next);
        Some(cut)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.number(u64::from(self.next)).number(u64::from(self.sent)).maybe(self.done_at.map(u64::from));
        digest.number(self.items.len() as u64);
    }
}
