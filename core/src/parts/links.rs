//! Links: which connections there are, whose they are, whether they have a socket, and when their session ends. A connection here
//! is an id that is there or lost: no bytes, no pings, no numbers.

use super::{BySlot, Slot};
use crate::input::Address;
use crate::kit::arena::Arena;
use crate::kit::digest::Digest;
use crate::kit::ids::{ClientId, LinkId, TokenHash};
use crate::kit::random::Seed;
use crate::kit::time::Millis;
use alloc::collections::BTreeSet;
use smallvec::SmallVec;

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

/// The same in fewer bytes: there is one for every connection of a realm.
#[derive(Debug)]
struct Kept {
    /// Means nothing without `has_client`.
    client: ClientId,
    address: Address,
    session: TokenHash,
    /// The end of the session; `NEVER` before it was said.
    ends: Millis,
    user: Slot,
    has_client: bool,
    is_lost: bool,
}

const NEVER: Millis = Millis(u64::MAX);

impl Kept {
    fn client(&self) -> Option<ClientId> {
        self.has_client.then_some(self.client)
    }
}

#[derive(Debug)]
pub struct Links {
    all: Arena<LinkId, Kept>,
    /// Of each user, in the order in which they attached.
    of: BySlot<SmallVec<[LinkId; 2]>>,
    /// Connections by the end of their session.
    ends: BTreeSet<(Millis, LinkId)>,
    /// The first of `ends`, so that a look at it costs nothing.
    first_end: Option<(Millis, LinkId)>,
    lost: u32,
}

impl Links {
    pub fn new(seed: &Seed) -> Links {
        Links { all: Arena::new(seed), of: BySlot::default(), ends: BTreeSet::new(), first_end: None, lost: 0 }
    }

    fn kept(&self, link: LinkId) -> Option<&Kept> {
        self.all.get(self.all.find(&link)?)
    }

    fn kept_mut(&mut self, link: LinkId) -> &mut Kept {
        let slot = self.all.find(&link).expect("checked by the caller");
        self.all.get_mut(slot).expect("both know it")
    }

    pub fn get(&self, link: LinkId) -> Option<Link> {
        self.kept(link).map(|kept| Link {
            user: kept.user,
            client: kept.client(),
            session: kept.session,
            address: kept.address,
            is_lost: kept.is_lost,
        })
    }

    pub fn user(&self, link: LinkId) -> Option<Slot> {
        self.kept(link).map(|kept| kept.user)
    }

    /// Whose it is, and which of their clients.
    pub fn who(&self, link: LinkId) -> Option<(Slot, Option<ClientId>)> {
        self.kept(link).map(|kept| (kept.user, kept.client()))
    }

    /// Connections of a user, oldest first, lost ones too.
    pub fn of(&self, user: Slot) -> &[LinkId] {
        self.of.get(user).as_slice()
    }

    /// Connected, perhaps in the grace (INV 11).
    pub fn is_present(&self, user: Slot) -> bool {
        !self.of(user).is_empty()
    }

    /// At least one connection has a socket.
    pub fn is_live(&self, user: Slot) -> bool {
        self.of(user).iter().any(|link| self.is_there(*link))
    }

    /// This connection has a socket.
    pub fn is_there(&self, link: LinkId) -> bool {
        self.kept(link).is_some_and(|kept| !kept.is_lost)
    }

    /// The user's oldest connection with a socket, else the oldest.
    pub fn best(&self, user: Slot) -> Option<LinkId> {
        let links = self.of(user);
        links.iter().copied().find(|link| self.is_there(*link)).or(links.first().copied())
    }

    /// The user's connection of this client.
    pub fn of_client(&self, user: Slot, client: ClientId) -> Option<LinkId> {
        self.of(user).iter().copied().find(|link| self.kept(*link).is_some_and(|kept| kept.client() == Some(client)))
    }

    pub fn count(&self) -> u32 {
        self.all.len() as u32
    }

    pub fn count_lost(&self) -> u32 {
        self.lost
    }

    pub fn attach(&mut self, id: LinkId, link: Link) {
        assert!(!link.is_lost, "whoever attaches is there");
        let Link { user, client, session, address, is_lost } = link;
        let (client, has_client) = (client.unwrap_or(ClientId(0)), client.is_some());
        self.all.insert(id, Kept { client, address, session, ends: NEVER, user, has_client, is_lost });
        self.of.get_mut(user).push(id);
    }

    /// A hello goes on with this connection; gives whether it was lost.
    pub fn take_over(&mut self, id: LinkId, session: TokenHash, client: Option<ClientId>, address: Address) -> bool {
        let link = self.kept_mut(id);
        let was_lost = core::mem::replace(&mut link.is_lost, false);
        link.session = session;
        if let Some(client) = client {
            (link.client, link.has_client) = (client, true);
        }
        link.address = address;
        self.lost -= u32::from(was_lost);
        was_lost
    }

    pub fn lose(&mut self, id: LinkId) {
        let link = self.kept_mut(id);
        assert!(!link.is_lost, "a connection is lost once");
        link.is_lost = true;
        self.lost += 1;
    }

    pub fn remove(&mut self, id: LinkId) -> Option<Link> {
        let link = self.get(id)?;
        let slot = self.all.find(&id).expect("just seen");
        let kept = self.all.remove(slot).expect("just seen");
        self.lost -= u32::from(link.is_lost);
        let of = self.of.get_mut(link.user);
        of.retain(|other| *other != id);
        of.shrink_to_fit();
        self.ends.remove(&(kept.ends, id));
        self.first_end = self.ends.first().copied();
        Some(link)
    }

    /// Its session ends then.
    pub fn end_at(&mut self, id: LinkId, ends: Millis) {
        let before = core::mem::replace(&mut self.kept_mut(id).ends, ends);
        if before != ends {
            self.ends.remove(&(before, id));
            self.ends.insert((ends, id));
            self.first_end = self.ends.first().copied();
        }
    }

    /// The connection whose session ends next.
    pub fn next_end(&self) -> Option<(Millis, LinkId)> {
        self.first_end
    }

    pub fn digest(&self, user: Slot, into: &mut Digest) {
        for id in self.of(user) {
            let link = self.kept(*id).expect("both know it");
            into.number(id.0).number(u64::from(link.is_lost)).wide(link.client().map_or(0, |c| c.0)).bytes(&link.session.0);
            into.number(link.ends.0);
        }
    }

    /// What must hold of it alone.
    pub fn check(&self, users: impl Iterator<Item = Slot>) {
        let (mut all, mut lost) = (0, 0);
        for user in users {
            for id in self.of(user) {
                let link = self.kept(*id).expect("a listed connection exists");
                assert_eq!(link.user, user, "a connection is listed at its user");
                assert!(self.ends.contains(&(link.ends, *id)), "CON 1: each connection's session has its end");
                all += 1;
                lost += u32::from(link.is_lost);
            }
        }
        assert_eq!(all, self.all.len(), "CON 2: the counter equals the connections");
        assert_eq!(all, self.ends.len(), "each end has its connection");
        assert_eq!(lost, self.lost, "the counter of the lost equals the lost");
    }
}
