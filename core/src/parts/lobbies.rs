//! Lobbies: who may be drawn, by lobby and gender. Dense vectors and each user's positions in them make a uniform draw, an
//! entry and a leave O(1). Whoever stands here is available; that is kept true by `flows::visible` alone.

use super::{BySlot, Slot};
use crate::kit::digest::Digest;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A lobby, by its place in the list of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LobbyNo(pub u32);

/// A gender by its place in the operator's list; the last is "none given".
pub type GenderNo = u8;

/// More than the operator's genders: 8 and "none given".
pub const GENDERS: usize = 9;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stand {
    lobby: u32,
    gender: GenderNo,
    in_all: u32,
    in_gender: u32,
}

#[derive(Debug, Default)]
struct Lobby {
    name: String,
    joined: u32,
    all: Vec<Slot>,
    by_gender: [Vec<Slot>; GENDERS],
}

#[derive(Debug)]
pub struct Lobbies {
    numbers: BTreeMap<String, LobbyNo>,
    lobbies: Vec<Lobby>,
    unused: Vec<LobbyNo>,
    stands: BySlot<Option<Stand>>,
    max: u32,
}

impl Lobbies {
    pub fn new(max: u32) -> Lobbies {
        Lobbies { numbers: BTreeMap::new(), lobbies: Vec::new(), unused: Vec::new(), stands: BySlot::default(), max: max.max(1) }
    }

    /// The lobby of this name, made if there is none; none if there are as many as may be. Whoever asks says `joined` before anybody
    /// says `left`: until then nothing holds it.
    pub fn number(&mut self, name: &str) -> Option<LobbyNo> {
        if let Some(no) = self.numbers.get(name) {
            return Some(*no);
        }
        if self.numbers.len() >= self.max as usize {
            return None;
        }
        let no = self.unused.pop().unwrap_or_else(|| {
            self.lobbies.push(Lobby::default());
            LobbyNo(self.lobbies.len() as u32 - 1)
        });
        self.lobbies[no.0 as usize].name = name.into();
        self.numbers.insert(name.into(), no);
        Some(no)
    }

    pub fn name(&self, no: LobbyNo) -> &str {
        &self.lobbies[no.0 as usize].name
    }

    /// One more user has joined it.
    pub fn joined(&mut self, no: LobbyNo) {
        self.lobbies[no.0 as usize].joined += 1;
    }

    /// One user has left it; a lobby that nobody has joined or stands in is forgotten.
    pub fn left(&mut self, no: LobbyNo) {
        self.lobbies[no.0 as usize].joined -= 1;
        self.forget_if_empty(no);
    }

    fn forget_if_empty(&mut self, no: LobbyNo) {
        let lobby = &mut self.lobbies[no.0 as usize];
        if lobby.joined == 0 && lobby.all.is_empty() {
            self.numbers.remove(&core::mem::take(&mut lobby.name));
            self.unused.push(no);
        }
    }

    /// Where a user may be drawn.
    pub fn of(&self, user: Slot) -> Option<LobbyNo> {
        self.stands.get(user).map(|stand| LobbyNo(stand.lobby))
    }

    /// As what gender they are drawn.
    pub fn gender(&self, user: Slot) -> Option<GenderNo> {
        self.stands.get(user).map(|stand| stand.gender)
    }

    /// How many may be drawn.
    pub fn count(&self, no: LobbyNo) -> u32 {
        self.lobbies[no.0 as usize].all.len() as u32
    }

    /// How many may be drawn in all lobbies.
    pub fn count_all(&self) -> u32 {
        self.lobbies.iter().map(|lobby| lobby.all.len() as u32).sum()
    }

    /// Those who may be drawn.
    pub fn all(&self, no: LobbyNo) -> &[Slot] {
        &self.lobbies[no.0 as usize].all
    }

    /// Those who may be drawn, of one gender.
    pub fn of_gender(&self, no: LobbyNo, gender: GenderNo) -> &[Slot] {
        &self.lobbies[no.0 as usize].by_gender[gender as usize]
    }

    pub fn enter(&mut self, user: Slot, no: LobbyNo, gender: GenderNo) {
        assert!(self.of(user).is_none(), "a user stands in one lobby");
        let lobby = &mut self.lobbies[no.0 as usize];
        let stand = Stand { lobby: no.0, gender, in_all: lobby.all.len() as u32, in_gender: lobby.by_gender[gender as usize].len() as u32 };
        lobby.all.push(user);
        lobby.by_gender[gender as usize].push(user);
        *self.stands.get_mut(user) = Some(stand);
    }

    pub fn leave(&mut self, user: Slot) {
        let stand = self.stands.take(user).expect("whoever leaves stands there");
        let lobby = &mut self.lobbies[stand.lobby as usize];
        lobby.all.swap_remove(stand.in_all as usize);
        if let Some(moved) = lobby.all.get(stand.in_all as usize) {
            self.stands.get_mut(*moved).as_mut().expect("both know it").in_all = stand.in_all;
        }
        let same = &mut lobby.by_gender[stand.gender as usize];
        same.swap_remove(stand.in_gender as usize);
        if let Some(moved) = same.get(stand.in_gender as usize) {
            self.stands.get_mut(*moved).as_mut().expect("both know it").in_gender = stand.in_gender;
        }
        self.forget_if_empty(LobbyNo(stand.lobby));
    }

    pub fn digest(&self, into: &mut Digest) {
        for lobby in &self.lobbies {
            into.bytes(lobby.name.as_bytes()).number(u64::from(lobby.joined));
            for user in &lobby.all {
                into.number(u64::from(user.0));
            }
        }
    }

    /// What must hold of it alone.
    pub fn check(&self) {
        assert_eq!(self.numbers.len() + self.unused.len(), self.lobbies.len(), "a lobby has a name or is unused");
        for no in &self.unused {
            let lobby = &self.lobbies[no.0 as usize];
            assert!(lobby.joined == 0 && lobby.all.is_empty(), "what is forgotten, nobody has joined");
        }
        for (no, lobby) in self.lobbies.iter().enumerate() {
            let by_gender: usize = lobby.by_gender.iter().map(Vec::len).sum();
            assert_eq!(by_gender, lobby.all.len(), "everybody has one gender");
            for (at, user) in lobby.all.iter().enumerate() {
                let stand = self.stands.get(*user).expect("whoever is listed stands there");
                assert_eq!((stand.lobby as usize, stand.in_all as usize), (no, at), "positions are true");
                assert_eq!(lobby.by_gender[stand.gender as usize][stand.in_gender as usize], *user, "positions are true");
            }
        }
    }
}
