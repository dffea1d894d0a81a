//! People: what they want, what they do by themselves, how they answer, and those among them who do not play fair. A person
//! knows only what their devices were told, and gossip: ids that anybody has seen, which the hostile use against others.

pub(crate) mod acts;
pub(crate) mod answers;
pub(crate) mod device;
pub(crate) mod hostile;
pub(crate) mod sdk;

use crate::choices::Dice;
use bytes::Bytes;
use device::DeviceState;
use duologue_core::input::Request;
use duologue_core::kit::ids::{CallId, InviteId, PairId, TokenHash, UserId};
use duologue_core::wire::Command;
use sha2::{Digest as _, Sha256};

/// What a person does to the world.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Asks the client engine of a device.
    Ask { device: u8, command: Box<Command> },
    /// Comes back to a thought later.
    After { ms: u64, device: u8, thought: Thought },
    /// Closes a link, cleanly (code 1000) or not.
    Close { device: u8, clean: bool },
    /// Opens a link after so many milliseconds.
    Connect { device: u8, after_ms: u64 },
    /// Cuts the link: both sides notice.
    Drop { device: u8 },
    /// Asks something over HTTP.
    Http(Request),
    /// Does not read what comes.
    ReadSlowly { device: u8, bytes_per_second: u64 },
    /// Sends a message.
    Send { device: u8, bytes: Bytes },
    /// Does nothing for a long time.
    Sleep { ms: u64 },
    /// Sends a frame of the wrong kind.
    WrongFrame { device: u8 },
}

/// What somebody means to do after a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thought {
    Answer(InviteId),
    Confirm(PairId),
    ExtendToo(CallId),
    HangUp(CallId),
    Offer(CallId),
}

/// Ids that anybody has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gossip {
    pub users: Vec<UserId>,
    pub invites: Vec<InviteId>,
    pub calls: Vec<CallId>,
    pub pairs: Vec<PairId>,
    pub resumes: Vec<String>,
}

/// How many ids of each kind are remembered, the newest.
const GOSSIP_MAX: usize = 48;

impl Gossip {
    pub(crate) fn hear<T: PartialEq>(list: &mut Vec<T>, item: T) {
        if !list.contains(&item) {
            list.push(item);
            if list.len() > GOSSIP_MAX {
                list.remove(0);
            }
        }
    }
}

/// What somebody tends to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Does everything now and then.
    Calm,
    /// Rings the same few people again and again.
    Faithful,
    /// Whatever would hurt.
    Hostile,
    /// Is away for hours, then there for minutes.
    Night,
}

/// One person.
#[derive(Debug)]
pub(crate) struct Person {
    pub index: u32,
    pub seed: u64,
    /// Has or will have.
    id: UserId,
    pub user: Option<UserId>,
    pub token: String,
    pub habit: Habit,
    pub address: u128,
    /// Operations so far.
    pub counter: u32,
    pub devices: Vec<DeviceState>,
    /// Draws for answers.
    pub answers: u64,
}

impl Person {
    pub(crate) fn new(seed: u64, index: u32, people: u32, hostile_percent: u32) -> Person {
        let mut dice = Dice::of(seed, "person", u64::from(index), 0);
        let token = format!("{:032x}{:032x}", dice.wide(), dice.wide());
        let habit = match dice.upto(99) as u32 {
            roll if roll < hostile_percent => Habit::Hostile,
            roll if roll % 7 == 0 => Habit::Night,
            roll if roll % 5 == 0 => Habit::Faithful,
            _ => Habit::Calm,
        };
        // Some share an address, as people behind one router do.
        let house = if dice.percent(20) { index / 3 } else { index + people };
        let address = 0xffff_0a00_0000 + u128::from(house);
        let mut device = DeviceState::new(seed, index, 0);
        if habit != Habit::Hostile {
            device.may_run_sdk(&token, seed, index);
        }
        let id = UserId(Dice::of(seed, "user", u64::from(index), 0).wide());
        Person { index, seed, id, user: None, token, habit, address, counter: 0, devices: vec![device], answers: 0 }
    }

    /// SHA-256 of the token, as the core knows it.
    pub(crate) fn session(&self) -> TokenHash {
        TokenHash(sha256(self.token.as_bytes()))
    }

    /// The id that this person has or will have.
    pub(crate) fn id(&self) -> UserId {
        self.id
    }

    pub(crate) fn name(&self) -> String {
        format!("p{}", self.index)
    }

    /// Dice for one answer.
    pub(crate) fn answer_dice(&mut self) -> Dice {
        self.answers += 1;
        Dice::of(self.seed, "answer", u64::from(self.index), self.answers)
    }

    pub(crate) fn is_hostile(&self) -> bool {
        self.habit == Habit::Hostile
    }
}

/// SHA-256 (FIPS 180-4).
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
