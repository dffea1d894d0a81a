//! One owner per kind of data. A part owns its data and its invariants, answers questions and performs changes; it knows no
//! other part. Parts meet in [`crate::flows`] only.

pub mod answered;
pub mod calls;
pub mod cooldowns;
pub mod draws;
pub mod hidden;
pub mod invites;
pub mod links;
pub mod lobbies;
pub mod parked;
pub mod people;
pub mod rates;
pub mod reels;
pub mod sessions;
pub mod tickets;
pub mod windows;

use crate::kit::random::Seed;
use crate::limits::Limits;

/// A user in memory: the 128-bit id stands once, everything else speaks of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// Which of the two: 0 is the one who makes the first offer (the caller).
pub type Side = usize;

/// Everything that stays.
#[derive(Debug)]
pub struct Parts {
    pub answered: answered::Answered,
    pub calls: calls::Calls,
    pub cooldowns: cooldowns::Cooldowns,
    pub draws: draws::Draws,
    pub hidden: hidden::Hidden,
    pub invites: invites::Invites,
    pub links: links::Links,
    pub lobbies: lobbies::Lobbies,
    pub parked: parked::Parked,
    pub people: people::People,
    pub rates: rates::Rates,
    pub reels: reels::Reels,
    pub sessions: sessions::Sessions,
    pub tickets: tickets::Tickets,
    pub windows: windows::Windows,
}

impl Parts {
    pub fn new(limits: &Limits, seed: &Seed) -> Parts {
        Parts {
            answered: answered::Answered::new(limits.clients_per_user),
            calls: calls::Calls::new(limits.remembered_max),
            cooldowns: cooldowns::Cooldowns::new(limits.cooldowns_max),
            draws: draws::Draws::default(),
            hidden: hidden::Hidden::default(),
            invites: invites::Invites::new(limits.remembered_max),
            links: links::Links::new(seed),
            lobbies: lobbies::Lobbies::new(limits.lobbies_max),
            parked: parked::Parked::new(limits.parked_max),
            people: people::People::new(seed),
            rates: rates::Rates::new(limits.buckets_max),
            reels: reels::Reels::new(limits.reel_max),
            sessions: sessions::Sessions::new(limits.sessions_max, seed),
            tickets: tickets::Tickets::default(),
            windows: windows::Windows::new(seed),
        }
    }

    /// In the lobby and free: derived, not stored, so that no two places can disagree.
    pub fn is_available(&self, user: Slot) -> bool {
        self.people.lobby(user).is_some() && self.is_free(user)
    }

    /// Connected (also in the grace) and in no call.
    pub fn is_free(&self, user: Slot) -> bool {
        self.links.is_present(user) && self.calls.of(user).is_none()
    }

    /// LOB 3: whether `viewer` may see `other` at all. One function for windows, pairing and invites.
    pub fn may_see(&self, viewer: Slot, other: Slot) -> bool {
        viewer != other && (self.hidden.is_empty() || !self.hidden.is_hidden(self.people.id(viewer), self.people.id(other)))
    }
}

/// A vector by slot that grows with the slots, for parts that keep something for nearly every user.
#[derive(Clone, Debug)]
pub struct BySlot<T>(alloc::vec::Vec<T>, T);

impl<T: Default + Clone> Default for BySlot<T> {
    fn default() -> BySlot<T> {
        BySlot(alloc::vec::Vec::new(), T::default())
    }
}

impl<T: Default + Clone> BySlot<T> {
    pub fn get(&self, slot: Slot) -> &T {
        self.0.get(slot.0 as usize).unwrap_or(&self.1)
    }
    pub fn get_mut(&mut self, slot: Slot) -> &mut T {
        if self.0.len() <= slot.0 as usize {
            self.0.resize(slot.0 as usize + 1, T::default());
        }
        &mut self.0[slot.0 as usize]
    }
    pub fn take(&mut self, slot: Slot) -> T {
        self.0.get_mut(slot.0 as usize).map(core::mem::take).unwrap_or_default()
    }
}
