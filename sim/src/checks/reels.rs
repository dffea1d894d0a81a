//! What reels show, against whom they may show and have shown (LOB 5): nobody twice before everybody came.

use super::durable::Durable;
use super::windows::Windows;
use super::{Verdict, law};
use crate::marks::Marks;
use duologue_core::kit::ids::{LinkId, UserId};
use duologue_core::wire::{Card, Filter, Marks as CardMarks};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

const LAW: &str = "law: a reel repeats nobody";

/// Whom each connection's reel has shown lately, oldest first.
#[derive(Debug)]
pub(crate) struct Reels {
    by_link: BTreeMap<LinkId, VecDeque<UserId>>,
    max: usize,
}

/// What was asked of a reel.
pub(crate) struct Asked<'a> {
    pub link: LinkId,
    pub viewer: UserId,
    pub limit: usize,
    pub filter: &'a Filter,
    pub restart: bool,
}

impl Reels {
    pub(crate) fn new(max: u32) -> Reels {
        Reels { by_link: BTreeMap::new(), max: max as usize }
    }

    pub(crate) fn forget(&mut self, link: LinkId) {
        self.by_link.remove(&link);
    }

    /// A reel has answered.
    pub(crate) fn shows(
        &mut self,
        asked: &Asked<'_>,
        (cards, more): (&[(Arc<Card>, CardMarks)], bool),
        (windows, durable): (&Windows, &Durable),
        marks: &mut Marks,
    ) -> Verdict {
        let Some(may) = windows.whom_a_reel_may_show(asked.viewer, asked.filter, durable) else { return Ok(()) };
        let shown = self.by_link.entry(asked.link).or_default();
        if asked.restart {
            shown.clear();
        }
        let mut unseen: Vec<UserId> = may.iter().copied().filter(|user| !shown.contains(user)).collect();
        if unseen.is_empty() {
            shown.retain(|user| !may.contains(user));
            unseen = may;
        }
        let holds = cards.len() == unseen.len().min(asked.limit)
            && more == (unseen.len() > asked.limit)
            && cards
                .iter()
                .enumerate()
                .all(|(at, (card, _))| unseen.contains(&card.user) && cards[..at].iter().all(|(before, _)| before.user != card.user));
        law(marks, LAW, holds, || format!("of {unseen:?} the reel of {} shows {cards:?}, more {more}", asked.viewer))?;
        for (card, _) in cards {
            shown.push_back(card.user);
            if shown.len() > self.max {
                shown.pop_front();
            }
        }
        Ok(())
    }
}
