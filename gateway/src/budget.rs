//! Bytes over all links (CON 4, 7): how much each has waiting or kept, the sum, and who has most.

use alloc::collections::{BTreeMap, BTreeSet};
use duologue_core::kit::ids::LinkId;

/// What every link holds.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    of: BTreeMap<LinkId, u64>,
    ranked: BTreeSet<(u64, LinkId)>,
    total: u64,
}

impl Budget {
    /// A link holds this much from now on.
    pub(crate) fn note(&mut self, link: LinkId, bytes: u64) {
        let before = if bytes == 0 { self.of.remove(&link) } else { self.of.insert(link, bytes) }.unwrap_or(0);
        if before == bytes {
            return;
        }
        self.ranked.remove(&(before, link));
        if bytes > 0 {
            self.ranked.insert((bytes, link));
        }
        self.total = self.total - before + bytes;
        debug_assert_eq!(self.of.len(), self.ranked.len());
    }

    /// What a link holds.
    pub(crate) fn of(&self, link: LinkId) -> u64 {
        self.of.get(&link).copied().unwrap_or(0)
    }

    /// Over all links.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Who holds most; the youngest of equals.
    pub(crate) fn largest(&self) -> Option<LinkId> {
        self.ranked.last().map(|(_, link)| *link)
    }
}
