//! What the weather does, carried out: to links, to servers and their clocks, to the store; and how everything heals.

use super::{What, World};
use crate::checks::Verdict;
use crate::choices::Dice;
use crate::hit;
use crate::net::weather::Trouble;
use crate::net::{Fall, GROUPS};
use crate::server::{Inbound, Server};
use std::cmp::Reverse;

impl World {
    /// A trouble begins.
    pub(super) fn begins(&mut self, trouble: Trouble) -> Verdict {
        match trouble {
            Trouble::Clog { conn, until, up, down } => {
                hit!(self.marks, "weather: clog");
                let link = self.net.get_mut(conn);
                link.up_clogged_until = if up { until } else { link.up_clogged_until };
                link.down_clogged_until = if down { until } else { link.down_clogged_until };
            }
            Trouble::ClockJump { by_ms } => self.jumps(by_ms),
            Trouble::Crash { down_ms, in_a_write: false } => return self.crashes(self.front, Some(down_ms)),
            Trouble::Crash { down_ms, in_a_write: true } => {
                if let Some(server) = self.servers[self.front].as_mut() {
                    server.dies_in_a_write = Some(down_ms);
                }
            }
            Trouble::Drain { down_ms } => self.drains(down_ms),
            Trouble::HalfOpen { conn, notices_ms } => {
                hit!(self.marks, "weather: half-open");
                self.net.get_mut(conn).half_open = true;
                self.push(self.now + notices_ms, What::Falls(conn, Fall::Reset));
            }
            Trouble::MassReconnect { group, clean } => return self.everybody_reconnects(group, clean),
            Trouble::Nothing => {}
            Trouble::Partition { group, until } => {
                hit!(self.marks, "weather: partition");
                self.net.partition(group, until);
            }
            Trouble::SlowReader { conn, bytes_per_second } => {
                hit!(self.marks, "weather: slow reader");
                self.net.get_mut(conn).reads = Some(bytes_per_second);
            }
            Trouble::Stall { ms } => {
                hit!(self.marks, "weather: stall");
                if let Some(server) = self.servers[self.front].as_mut() {
                    server.stalled_until = self.now + ms;
                }
            }
            Trouble::StoreFails { until } => self.store_weather.fail(until),
            Trouble::StoreSlow { until, ms } => self.store_weather.slow(until, ms),
            Trouble::TwoOwners { old_lives_ms } => return self.two_owners(old_lives_ms),
        }
        Ok(())
    }

    /// The machine slept: its clock shows so much more at once.
    fn jumps(&mut self, by_ms: u64) {
        let front = self.front;
        let Some(server) = self.servers[front].as_mut() else { return };
        hit!(self.marks, "weather: clock jumps");
        server.clock.jump(by_ms);
        self.ahead_ms = server.clock.ahead_ms();
        self.people.iter_mut().flat_map(|person| &mut person.devices).for_each(|device| device.ear.forget_answers());
        self.wakes_again(front);
    }

    /// A process is killed between any two steps.
    pub(super) fn crashes(&mut self, node: usize, again_ms: Option<u64>) -> Verdict {
        let Some(server) = self.servers[node].as_ref() else { return Ok(()) };
        hit!(self.marks, "weather: crash");
        self.marks.hit("weather: crash with facts on their way", u64::from(server.commit.backlog() > 0));
        let life = server.life;
        self.killed(node, life, again_ms)
    }

    fn drains(&mut self, down_ms: u64) {
        let node = self.front;
        let Some(life) = self.servers[node].as_ref().map(|server| server.life) else { return };
        hit!(self.marks, "weather: drain");
        self.comes(node, Inbound::Drain);
        self.push(self.now + 5_000, What::Killed { node, life, again_ms: Some(down_ms) });
    }

    fn everybody_reconnects(&mut self, group: Option<u32>, clean: bool) -> Verdict {
        let here: Vec<(u64, crate::net::Device)> = self
            .net
            .open_ones()
            .filter(|(_, conn)| group.is_none_or(|group| conn.device.person % GROUPS == group))
            .map(|(id, conn)| (id, conn.device))
            .collect();
        self.marks.hit("weather: mass reconnect", u64::from(here.len() > 1));
        for (conn, device) in here {
            if clean {
                self.closes(device, true)?;
                if let Some(state) = self.people[device.person as usize].devices.get_mut(usize::from(device.index)) {
                    state.is_on = true;
                }
                self.push(self.now + 1, What::Connects(device));
            } else {
                self.breaks(conn);
            }
        }
        Ok(())
    }

    /// A second server takes the realm while the first believes that it is its own.
    fn two_owners(&mut self, old_lives_ms: u64) -> Verdict {
        let old = self.front;
        let new = 1 - old;
        let Some(life) = self.servers[old].as_ref().map(|server| server.life) else { return Ok(()) };
        if self.servers[new].is_some() {
            return Ok(());
        }
        hit!(self.marks, "weather: two owners");
        self.front = new;
        self.push(self.now + old_lives_ms, What::Killed { node: old, life, again_ms: None });
        self.starts(new)
    }

    /// A server starts from the rows.
    pub(super) fn starts(&mut self, node: usize) -> Verdict {
        if self.servers[node].is_some() {
            return Ok(());
        }
        self.lives += 1;
        let server = Server::start(&self.plan, &self.memory, self.lives, self.ahead_ms, self.now);
        self.story.note(self.now, || format!("server {node} starts with epoch {}", server.epoch));
        self.marks.hit("call survived a restart", u64::from(self.lives > 1 && server.engine.usage().calls > 0));
        self.durable.owner = server.epoch;
        self.ahead_ms = server.clock.ahead_ms();
        self.servers[node] = Some(server);
        self.compares_rows()?;
        self.wakes_again(node);
        Ok(())
    }

    /// A process is gone; what it had on its way to the store may still arrive there.
    pub(super) fn killed(&mut self, node: usize, life: u32, again_ms: Option<u64>) -> Verdict {
        if self.servers[node].as_ref().is_none_or(|server| server.life != life) {
            return Ok(());
        }
        let Some(server) = self.servers[node].take() else { return Ok(()) };
        self.story.note(self.now, || format!("server {node} dies"));
        self.inputs += server.inputs;
        let mut dice = Dice::of(self.plan.seed, "ghost", u64::from(life), 0);
        let pending: Vec<u64> = server.store.pending().map(|(number, _)| number).collect();
        self.ghosts.push(server.store);
        for number in pending {
            if dice.percent(50) {
                self.push(self.now + dice.span(1, 20_000), What::Ghost(self.ghosts.len() - 1, number));
            }
        }
        let broken: Vec<u64> = self.net.open_ones().filter(|(_, conn)| conn.node == node && conn.life == life).map(|(id, _)| id).collect();
        for conn in broken {
            self.net.get_mut(conn).server_open = false;
            let at = self.net.arrival_down(conn, self.now, 0);
            self.push(at, What::Falls(conn, Fall::Reset));
        }
        self.requests.clear();
        if let Some(ms) = again_ms {
            self.push(self.now + ms, What::Starts(node));
        }
        Ok(())
    }

    /// What a dead server had on its way arrives at the database; another owner's rows it must not touch.
    pub(super) fn ghost(&mut self, ghost: usize, number: u64) -> Verdict {
        let mut store = std::mem::replace(&mut self.ghosts[ghost], duologue_store::Delayed::new(self.memory.clone()));
        let verdict = self.written(&mut store, number, |store| store.carry_out(number));
        self.ghosts[ghost] = store;
        verdict
    }

    /// Everything that lasts ends, one server has the realm, and whoever wants to be there comes back.
    pub(super) fn heals(&mut self) -> Verdict {
        self.is_read_at_once();
        self.net.heal(self.now);
        self.store_weather.heal();
        for node in 0..self.servers.len() {
            if node != self.front {
                let life = self.servers[node].as_ref().map_or(0, |server| server.life);
                self.killed(node, life, None)?;
            } else if let Some(server) = self.servers[node].as_mut() {
                server.stalled_until = 0;
                server.dies_in_a_write = None;
                self.wakes_again(node);
            }
        }
        if self.servers[self.front].is_none() {
            self.starts(self.front)?;
        }
        self.everybody_answers()
    }

    /// Who reads slowly reads all that waits in their sockets.
    fn is_read_at_once(&mut self) {
        let soon = self.now + self.plan.latency_ms;
        let mut queue = std::mem::take(&mut self.queue).into_vec();
        for Reverse(entry) in &mut queue {
            if let What::Falls(conn, _) = entry.what
                && self.net.get(conn).reads.is_some()
            {
                entry.at = entry.at.min(soon);
            }
        }
        self.queue = queue.into();
        self.net.is_read_by(soon);
    }
}
