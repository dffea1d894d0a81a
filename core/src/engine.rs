//! Engine (sketch: signatures only; the rules follow).

use crate::input::Input;
use crate::kit::ids::*;
use crate::kit::random::Seed;
use crate::kit::time::Millis;
use crate::limits::Limits;
use crate::output::{Deadline, Output, Refused};
use crate::row::Row;
use crate::rules::Rules;
use alloc::vec::Vec;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Due {
    /// Outputs wait to be drained.
    Drain,
    /// A ring ends.
    Ring(InviteId),
}

/// What an engine starts from: its epoch, and the rows of live calls with their members, tickets and bans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Taken by every start of an engine, one more than the last.
    pub epoch: u32,
    /// As the store has them.
    pub rows: Vec<Row>,
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// People in memory.
    pub users: u32,
    /// Connections, live.
    pub links_live: u32,
    /// Connections in their grace.
    pub links_graced: u32,
    /// Live calls.
    pub calls: u32,
    /// Open invites.
    pub invites: u32,
    /// Open tickets.
    pub tickets: u32,
    /// Users in a lobby and free.
    pub available: u32,
    /// Sessions in memory.
    pub sessions: u32,
    /// Look-ups of people that were in memory, and that were not.
    pub user_hits: u64,
    /// As it says.
    pub user_misses: u64,
    /// Look-ups of sessions that were in memory.
    pub session_hits: u64,
    /// As it says.
    pub session_misses: u64,
    /// Inputs that wait for rows.
    pub parked: u32,
    /// Pairs under cooldown in memory.
    pub cooldowns: u32,
    /// How often an earlier `now` was clamped.
    pub clamped: u64,
}

/// The realm.
#[derive(Debug)]
pub struct Engine {
    now: Millis,
}

impl Engine {
    /// Starts from rows.
    pub fn new(_limits: Limits, _rules: Rules, _seed: Seed, _start: Start, now: Millis) -> Engine {
        Engine { now }
    }
    /// First runs every deadline up to and at `now`, each at its own instant; then the input.
    ///
    /// # Errors
    /// `Refused` – no room for what it may say; drain and offer it again. Deadlines may have run.
    pub fn handle_input(&mut self, now: Millis, _input: &Input) -> Result<(), Refused> {
        self.now = now;
        Ok(())
    }
    /// Runs every deadline up to and at `now`.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.now = now;
    }
    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }
    /// When it wants to be called; `now` while outputs wait.
    pub fn poll_timeout(&self) -> Option<Deadline> {
        None
    }
    /// Of the whole state.
    pub fn state_digest(&self) -> u128 {
        0
    }
    /// Of what is durable: an engine loaded from the rows has the same.
    pub fn durable_digest(&self) -> u128 {
        0
    }
    /// How much of everything there is.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }
}
