//! Who waits for which fact. An output waits for the fact that it names and for whatever waits before it in a *lane* that it
//! is in: events of one connection, seats of one call, a welcome and the views after it. What has nothing to wait for passes at
//! once; the rest leaves in the order of facts, and within one fact in the order in which it came. As the wait of a lane only
//! grows, that keeps every lane in order.
//!
//! It knows neither rows nor the store: only how many facts are durable.

use crate::kit::digest::Digest;
use crate::kit::ids::{CallId, LinkId};
use crate::output::{LinkEvent, Output};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::mem;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The newest durable fact's number.
    durable: u64,
    /// Of each lane in which something waits: the fact that its last one waits for.
    lanes: BTreeMap<Lane, u64>,
    waiting: BTreeMap<u64, Vec<Output>>,
}

/// In what outputs must not overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    /// Relays open, move and end in order.
    Call(CallId),
    /// Everything said to a connection, and what opens or ends around it.
    Link(LinkId),
    /// A view waits for no event but the welcome: before that nobody knows its connection.
    Welcome(LinkId),
}

impl Order {
    /// The newest durable fact's number.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// Gives it back if it waits for nothing.
    pub(super) fn admit(&mut self, output: Output) -> Option<Output> {
        let lanes = lanes(&output);
        let before = lanes.iter().flatten().filter_map(|lane| self.lanes.get(lane));
        let wait = before.copied().fold(after(&output), u64::max);
        if wait <= self.durable {
            return Some(output);
        }
        for lane in lanes.into_iter().flatten() {
            self.lanes.insert(lane, wait);
        }
        self.waiting.entry(wait).or_default().push(output);
        None
    }

    /// So many more facts are durable; gives what need not wait any longer, in order.
    pub(super) fn advance(&mut self, facts: u64) -> impl Iterator<Item = Output> + use<> {
        self.durable += facts;
        let later = self.waiting.split_off(&(self.durable + 1));
        let ready = mem::replace(&mut self.waiting, later);
        for lane in ready.values().flatten().flat_map(lanes).flatten() {
            if self.lanes.get(&lane).is_some_and(|wait| *wait <= self.durable) {
                self.lanes.remove(&lane);
            }
        }
        assert!(!self.waiting.is_empty() || self.lanes.is_empty(), "a lane outlives what waited in it");
        ready.into_values().flatten()
    }

    /// What waits for a fact after this one is dropped; nothing is admitted any more.
    pub(super) fn forget_after(&mut self, fact: u64) {
        self.waiting.split_off(&(fact + 1));
        self.lanes.clear();
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.number(self.durable);
        for (wait, outputs) in &self.waiting {
            digest.number(*wait);
            for lane in outputs.iter().flat_map(lanes).flatten() {
                let (kind, id) = match lane {
                    Lane::Call(call) => (1, call.0),
                    Lane::Link(link) => (2, link.0),
                    Lane::Welcome(link) => (3, link.0),
                };
                digest.number(kind).number(id);
            }
        }
    }
}

/// The number of the fact that it names; 0 is none.
pub(super) fn after(output: &Output) -> u64 {
    match output {
        Output::Event { after, .. }
        | Output::Load { after, .. }
        | Output::Reply { after, .. }
        | Output::Seats { after, .. }
        | Output::Unseat { after, .. } => after.0,
        Output::Fact(_) | Output::Forget { .. } | Output::View { .. } => 0,
    }
}

fn lanes(output: &Output) -> [Option<Lane>; 3] {
    match output {
        Output::Event { to, event: LinkEvent::Welcomed { attach, .. }, .. } => {
            [Some(Lane::Link(*to)), Some(Lane::Link(*attach)), Some(Lane::Welcome(*to))]
        }
        Output::Event { to, .. } | Output::Forget { link: to } => [Some(Lane::Link(*to)), None, None],
        Output::Seats { call, seats: [a, b], .. } | Output::Unseat { call, seats: [a, b], .. } => {
            [Some(Lane::Call(*call)), a.map(Lane::Link), b.map(Lane::Link)]
        }
        Output::View { to, .. } => [Some(Lane::Welcome(*to)), None, None],
        Output::Fact(_) | Output::Load { .. } | Output::Reply { .. } => [None, None, None],
    }
}
