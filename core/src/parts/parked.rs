//! Parked: inputs that wait for rows. Waits for one key merge; when the rows are there, each input runs again from its first
//! check. Bounded, each with a deadline.

use crate::input::Input;
use crate::kit::digest::Digest;
use crate::kit::ids::{LinkId, Ticket};
use crate::output::Key;
use crate::row::Row;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Rows that were looked up, and by which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub key: Key,
    pub rows: Vec<Row>,
}

#[derive(Debug)]
pub struct Parked {
    waits: BTreeMap<Ticket, (Key, Vec<Input>)>,
    by_key: BTreeMap<Key, Ticket>,
    /// Whose rows are there: to be run again, one a turn.
    ready: VecDeque<(Input, Arc<Found>)>,
    count: u32,
    next: u64,
    max: u32,
}

impl Parked {
    pub fn new(max: u32) -> Parked {
        Parked { waits: BTreeMap::new(), by_key: BTreeMap::new(), ready: VecDeque::new(), count: 0, next: 0, max }
    }

    pub fn has_room(&self) -> bool {
        self.count < self.max
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// Parks an input; gives the ticket if rows are to be loaded for it, none if that is under way.
    pub fn park(&mut self, key: &Key, input: Input) -> Option<Ticket> {
        assert!(self.has_room(), "asked for by the engine");
        self.count += 1;
        if let Some(ticket) = self.by_key.get(key) {
            self.waits.get_mut(ticket).expect("both know it").1.push(input);
            return None;
        }
        self.next += 1;
        let ticket = Ticket(self.next);
        self.by_key.insert(key.clone(), ticket);
        self.waits.insert(ticket, (key.clone(), [input].into()));
        Some(ticket)
    }

    /// The key of a wait.
    pub fn key(&self, ticket: Ticket) -> Option<&Key> {
        self.waits.get(&ticket).map(|(key, _)| key)
    }

    /// The rows are there: what waited for them is ready.
    pub fn found(&mut self, ticket: Ticket, rows: Vec<Row>) {
        let Some((key, inputs)) = self.waits.remove(&ticket) else { return };
        self.by_key.remove(&key);
        let found = Arc::new(Found { key, rows });
        self.ready.extend(inputs.into_iter().map(|input| (input, found.clone())));
    }

    /// The next that is to be run again.
    pub fn next_ready(&mut self) -> Option<(Input, Arc<Found>)> {
        let next = self.ready.pop_front()?;
        self.count -= 1;
        Some(next)
    }

    /// Whether something is to be run again.
    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The rows do not come: takes one of those that waited for them.
    pub fn give_up(&mut self, ticket: Ticket) -> Option<Input> {
        let (key, inputs) = self.waits.get_mut(&ticket)?;
        let input = inputs.pop();
        if inputs.is_empty() {
            self.by_key.remove(key);
            self.waits.remove(&ticket);
        }
        self.count -= u32::from(input.is_some());
        input
    }

    /// Drops the hello of a connection that is gone; gives whether there was one.
    pub fn drop_hello(&mut self, link: LinkId) -> bool {
        self.drop_inputs(|input| matches!(input, Input::Attached(attach) if attach.link == link))
    }

    /// Drops the commands of a connection that is gone.
    pub fn drop_commands(&mut self, link: LinkId) {
        self.drop_inputs(|input| matches!(input, Input::Command { link: from, .. } if *from == link));
    }

    fn drop_inputs(&mut self, is_it: impl Fn(&Input) -> bool) -> bool {
        let before = self.count;
        for (_, inputs) in self.waits.values_mut() {
            let waited = inputs.len();
            inputs.retain(|input| !is_it(input));
            self.count -= (waited - inputs.len()) as u32;
        }
        let ready = self.ready.len();
        self.ready.retain(|(input, _)| !is_it(input));
        self.count -= (ready - self.ready.len()) as u32;
        self.count < before
    }

    pub fn digest(&self, into: &mut Digest) {
        for (ticket, (_, inputs)) in &self.waits {
            into.number(ticket.0).number(inputs.len() as u64);
        }
        into.number(self.ready.len() as u64);
    }
}
