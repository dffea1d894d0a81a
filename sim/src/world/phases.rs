//! The course of a run. First everybody acts; then everything heals, and people only answer until nothing may wait any more; then
//! everybody leaves, and nothing may be left. Each border is a place to look at everything.

use super::{What, World};
use crate::checks::{Verdict, law};
use crate::failure::Failure;
use crate::hit;
use crate::server::{Around, Server, settling_ms};

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// People and weather do what they do.
    Acting,
    /// Everything has healed; people only answer.
    Settling,
    /// Everybody leaves.
    Leaving,
    /// Nobody is there.
    Over,
}

impl World {
    pub(super) fn enters(&mut self, phase: Phase) -> Verdict {
        if phase <= self.phase {
            return Ok(());
        }
        // A sweep that is being written just now is no finding; one that is never written is.
        let is_writing = self.servers.iter().flatten().any(|server| server.commit.backlog() > 0);
        if phase >= Phase::Leaving && is_writing && self.patience > 0 {
            self.patience -= 1;
            self.push(self.now + 5_000, What::Phase(phase));
            return Ok(());
        }
        self.patience = 3;
        self.phase = phase;
        self.story.note(self.now, || format!("-- {phase:?}"));
        if self.now >= 3_600_000 {
            hit!(self.marks, "an hour passed");
        }
        let rest = settling_ms(&self.plan) + self.plan.latency_ms * 8;
        match phase {
            Phase::Acting => Ok(()),
            Phase::Settling => {
                self.push(self.now + rest, What::Phase(Phase::Leaving));
                self.silent_from = self.now + rest - 20_000;
                self.heals()
            }
            Phase::Leaving => {
                self.push(self.now + rest, What::Phase(Phase::Over));
                self.looks_quiet()?;
                self.everybody_leaves()
            }
            Phase::Over => {
                self.each_server(|server, around| {
                    server.look_deep(server.clock.read(around.true_ms), around)?;
                    server.is_empty(around.marks)
                })?;
                self.compares_rows()
            }
        }
    }

    /// In the quiet: nothing waits, client and server see the same, an engine from the rows is the same.
    fn looks_quiet(&mut self) -> Verdict {
        self.each_server(|server, around| {
            server.look_deep(server.clock.read(around.true_ms), around)?;
            server.is_quiet(around.marks)
        })?;
        if !self.plan.laws {
            return Ok(());
        }
        for person in self.people.iter().filter(|person| !person.is_hostile()) {
            for device in person.devices.iter().filter(|device| device.is_ready()) {
                self.marks.hit("law: quiet at the end", 1);
                if let Some(waiting) = device.sdk.as_ref().map(|sdk| sdk.waiting()).filter(|waiting| *waiting > 0) {
                    let what = format!("the client engine of {} waits for {waiting} outcomes", person.id());
                    return Err(Failure::liveness("law: quiet at the end", what));
                }
                if let Some((number, command)) = device.pending.first_key_value() {
                    let what = format!("{} waits for the answer to {number}, {command:?}", person.id());
                    return Err(Failure::liveness("law: quiet at the end", what));
                }
            }
        }
        self.compares_windows()?;
        self.compares_rows()
    }

    /// What every client sees is what its server thinks that it sees.
    fn compares_windows(&mut self) -> Verdict {
        let Some(server) = self.servers[self.front].as_ref() else { return Ok(()) };
        for person in self.people.iter().filter(|person| !person.is_hostile()) {
            let seen: Vec<_> = person.devices.iter().filter(|device| device.is_ready()).map(|device| &device.ear.window).collect();
            let links = server.watch.links().filter(|(_, seen)| seen.user == person.id());
            for (link, _) in links {
                let Some(shown) = server.watch.windows.shown(link) else { continue };
                law(&mut self.marks, "law: client and server see one window", seen.contains(&shown) || seen.is_empty(), || {
                    format!("{} sees {seen:?}, and their server shows {shown:?} on {link:?}", person.id())
                })?;
            }
        }
        Ok(())
    }

    /// The rows in the store are those that were written.
    pub(super) fn compares_rows(&mut self) -> Verdict {
        if self.plan.laws { self.durable.compare(&self.memory.rows(), &mut self.marks) } else { Ok(()) }
    }

    /// Something with each server, where there are laws.
    fn each_server(&mut self, look: impl Fn(&mut Server, &mut Around<'_>) -> Verdict) -> Verdict {
        let nodes = if self.plan.laws { self.servers.len() } else { 0 };
        (0..nodes).try_for_each(|node| self.at_server(node, &look))
    }
}
