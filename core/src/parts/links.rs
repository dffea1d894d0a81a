//! Links: which connections there are, whose they are, and whether they have a socket. A connection here is an id that is there
//! or lost: no bytes, no pings, no numbers.

use super::{BySlot, Slot};
use crate::input::Address;
use crate::kit::digest::Digest;
use crate::kit::ids::{ClientId, LinkId, TokenHash};
use crate::kit::random::Seed;
use crate::kit::table::Table;
use alloc::vec::Vec;

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub user: Slot,
    pub client: Option<ClientId>,
    pub session: TokenHash,
    pub address: Address,
    /// No socket at the moment: in its grace.
    pub is_lost: bool,
}

#[derive(Debug)]
pub struct Links {
    by_id: Table<LinkId, Link>,
    /// Of each user, in the order in which they attached.
    of: BySlot<Vec<LinkId>>,
    lost: u32,
}

impl Links {
    pub fn new(seed: &Seed) -> Links {
        Links { by_id: Table::new(seed), of: BySlot::default(), lost: 0 }
    }

    pub fn get(&self, link: LinkId) -> Option<Link> {
        self.by_id.get(&link).copied()
    }

    pub fn user(&self, link: LinkId) -> Option<Slot> {
        self.by_id.get(&link).map(|l| l.user)
    }

    /// Connections of a user, oldest first, lost ones too.
    pub fn of(&self, user: Slot) -> &[LinkId] {
        self.of.get(user)
    }

    /// Connected, perhaps in the grace (INV 11).
    pub fn is_present(&self, user: Slot) -> bool {
        !self.of.get(user).is_empty()
    }

    /// At least one connection has a socket.
    pub fn is_live(&self, user: Slot) -> bool {
        self.of.get(user).iter().any(|link| self.is_there(*link))
    }

    /// This connection has a socket.
    pub fn is_there(&self, link: LinkId) -> bool {
        self.by_id.get(&link).is_some_and(|l| !l.is_lost)
    }

    /// The user's oldest connection with a socket, else the oldest.
    pub fn best(&self, user: Slot) -> Option<LinkId> {
        let links = self.of.get(user);
        links.iter().copied().find(|link| self.is_there(*link)).or(links.first().copied())
    }

    /// The user's connection of this client.
    pub fn of_client(&self, user: Slot, client: ClientId) -> Option<LinkId> {
        self.of.get(user).iter().copied().find(|link| self.by_id.get(link).is_some_and(|l| l.client == Some(client)))
    }

    pub fn count(&self) -> u32 {
        self.by_id.len() as u32
    }

    pub fn count_lost(&self) -> u32 {
        self.lost
    }

    pub fn attach(&mut self, id: LinkId, link: Link) {
        assert!(!link.is_lost, "whoever attaches is there");
        let before = self.by_id.insert(id, link);
        assert!(before.is_none(), "a connection attaches once");
        self.of.get_mut(link.user).push(id);
    }

    /// A hello goes on with this connection; gives whether it was lost.
    pub fn take_over(&mut self, id: LinkId, session: TokenHash, client: Option<ClientId>, address: Address) -> bool {
        let link = self.by_id.get_mut(&id).expect("checked by the caller");
        let was_lost = core::mem::replace(&mut link.is_lost, false);
        self.lost -= u32::from(was_lost);
        link.session = session;
        link.client = client.or(link.client);
        link.address = address;
        was_lost
    }

    pub fn lose(&mut self, id: LinkId) {
        let link = self.by_id.get_mut(&id).expect("checked by the caller");
        assert!(!link.is_lost, "a connection is lost once");
        link.is_lost = true;
        self.lost += 1;
    }

    pub fn remove(&mut self, id: LinkId) -> Option<Link> {
        let link = self.by_id.remove(&id)?;
        self.lost -= u32::from(link.is_lost);
        self.of.get_mut(link.user).retain(|other| *other != id);
        Some(link)
    }

    pub fn digest(&self, user: Slot, into: &mut Digest) {
        for id in self.of.get(user) {
            let link = self.by_id.get(id).expect("both know it");
            into.number(id.0).number(u64::from(link.is_lost)).wide(link.client.map_or(0, |c| c.0)).bytes(&link.session.0);
        }
    }

    /// What must hold of it alone.
    pub fn check(&self, users: impl Iterator<Item = Slot>) {
        let (mut all, mut lost) = (0, 0);
        for user in users {
            for id in self.of.get(user) {
                let link = self.by_id.get(id).expect("a listed connection exists");
                assert_eq!(link.user, user, "a connection is listed at its user");
                all += 1;
                lost += u32::from(link.is_lost);
            }
        }
        assert_eq!(all, self.by_id.len(), "CON 2: the counter equals the connections");
        assert_eq!(lost, self.lost, "the counter of the lost equals the lost");
    }
}
