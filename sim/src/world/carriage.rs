//! What travels: bytes on links, operations to the store, and what a server's turn leaves behind.

use super::{What, World};
use crate::checks::{Verdict, law};
use crate::hit;
use crate::net::{Device, Fall, Rise, SOCKET_BYTES};
use crate::people::device::decode;
use crate::server::{Inbound, Leaves};
use bytes::Bytes;
use duologue_core::commit::{Stop, StoreOp};
use duologue_core::wire::ServerMessage;
use duologue_store::Fate;
use duologue_transport::{ConnId, Down, Up};

impl World {
    /// All that a turn left.
    pub(super) fn carries_away(&mut self, node: usize) -> Verdict {
        let leaves = std::mem::take(&mut self.leaves);
        for leaving in leaves {
            match leaving {
                Leaves::Dies(stop) => self.stops(node, &stop)?,
                Leaves::Down(down) => self.goes_down(down),
                Leaves::Reply(id, reply) => self.replied(id, &reply),
                Leaves::Stored { number, is_load } => self.stores(node, number, is_load),
            }
        }
        self.says_writable(node);
        let writing = self.servers[node].as_mut().filter(|server| server.commit.backlog() > 0);
        match writing.and_then(|server| server.dies_in_a_write.take()) {
            Some(down_ms) => self.crashes(node, Some(down_ms)),
            None => Ok(()),
        }
    }

    fn goes_down(&mut self, down: Down) {
        match down {
            Down::Send { conn, bytes } => self.sends_down(conn.0, Fall::Message(bytes)),
            Down::Ping { conn } => self.sends_down(conn.0, Fall::Ping),
            Down::Close { conn, code, last } => {
                self.sends_down(conn.0, Fall::Close { code, last });
                self.net.get_mut(conn.0).server_open = false;
            }
        }
    }

    fn sends_down(&mut self, conn: u64, fall: Fall) {
        let link = self.net.get(conn);
        if !link.server_open || link.half_open {
            return;
        }
        let bytes = match &fall {
            Fall::Message(bytes) => bytes.len() as u64,
            Fall::Close { .. } | Fall::Ping | Fall::Reset => 0,
        };
        let at = self.net.arrival_down(conn, self.now, bytes);
        self.net.get_mut(conn).waiting_bytes += bytes;
        self.push(at, What::Falls(conn, fall));
    }

    /// Says to the gateway which sockets have taken all that they were given. A half-open one takes what its buffer holds.
    fn says_writable(&mut self, node: usize) {
        let Some(server) = self.servers[node].as_mut() else { return };
        let touched = server.take_touched();
        for conn in touched {
            let link = self.net.get_mut(conn);
            if link.server_open && link.waiting_bytes <= SOCKET_BYTES && !link.half_open {
                server.inbox.push_back(Inbound::Up(Up::Writable { conn: ConnId(conn) }));
            } else {
                link.owes_writable = true;
            }
        }
    }

    /// Something arrives at a server.
    pub(super) fn arrives(&mut self, conn: u64, rise: Rise) -> Verdict {
        if let Some(until) = self.net.blocked_until(conn, self.now, true) {
            self.puts_off(until, What::Arrives(conn, rise));
            return Ok(());
        }
        let link = self.net.get(conn);
        let (node, life, form, address) = (link.node, link.life, link.form, link.address);
        let is_live = self.servers[node].as_ref().is_some_and(|server| server.life == life && !server.dead);
        if !is_live || link.half_open || !link.server_open {
            return Ok(());
        }
        let conn_id = ConnId(conn);
        let up = match rise {
            Rise::Closed { clean } => {
                self.net.get_mut(conn).server_open = false;
                Up::Closed { conn: conn_id, clean }
            }
            Rise::Heard => Up::Heard { conn: conn_id },
            Rise::Message(bytes) => Up::Message { conn: conn_id, bytes },
            Rise::Opened => Up::Opened { conn: conn_id, address, form, secret: self.net.secret(conn) },
            Rise::WrongFrame => Up::WrongFrame { conn: conn_id },
        };
        self.comes(node, Inbound::Up(up));
        Ok(())
    }

    /// Puts something into a server's inbox and wakes it as its driver would.
    pub(super) fn comes(&mut self, node: usize, inbound: Inbound) {
        if let Some(server) = self.servers[node].as_mut() {
            server.inbox.push_back(inbound);
            self.wakes_again(node);
        }
    }

    /// Something arrives at a client.
    pub(super) fn falls(&mut self, conn: u64, fall: Fall) -> Verdict {
        if let Some(until) = self.net.blocked_until(conn, self.now, false) {
            self.puts_off(until, What::Falls(conn, fall));
            return Ok(());
        }
        if let Fall::Message(bytes) = &fall {
            self.has_read(conn, bytes.len() as u64);
        }
        let link = self.net.get(conn);
        let device = link.device;
        if !link.client_open || (link.half_open && !matches!(fall, Fall::Reset)) {
            return Ok(());
        }
        match fall {
            Fall::Close { code, last } => {
                self.net.get_mut(conn).client_open = false;
                if let Some(bytes) = last {
                    self.hears(conn, device, &bytes)?;
                }
                self.story.note(self.now, || format!("p{}: link {conn} is closed with {code}", device.person));
                self.loses(device, conn, Some(code))
            }
            Fall::Message(bytes) => self.hears(conn, device, &bytes),
            Fall::Ping => {
                self.rises(conn, Rise::Heard);
                let link = self.people[device.person as usize].devices[usize::from(device.index)].sdk.as_ref().and_then(|sdk| sdk.link);
                link.map_or(Ok(()), |link| self.sdk(device, duologue_client::Input::Heard { link }))
            }
            Fall::Reset => {
                self.net.get_mut(conn).client_open = false;
                self.story.note(self.now, || format!("p{}: link {conn} broke", device.person));
                self.loses(device, conn, None)
            }
        }
    }

    fn has_read(&mut self, conn: u64, bytes: u64) {
        let link = self.net.get_mut(conn);
        link.waiting_bytes = link.waiting_bytes.saturating_sub(bytes);
        if link.owes_writable && link.waiting_bytes <= SOCKET_BYTES && link.server_open && !link.half_open {
            link.owes_writable = false;
            let (node, life) = (link.node, link.life);
            if self.servers[node].as_ref().is_some_and(|server| server.life == life) {
                self.comes(node, Inbound::Up(Up::Writable { conn: ConnId(conn) }));
            }
        }
    }

    /// A client hears a message: the laws of the wire, then the client's own understanding, then the person's answer.
    fn hears(&mut self, conn: u64, device: Device, bytes: &Bytes) -> Verdict {
        let form = self.net.get(conn).form;
        let Some(message) = decode(form, bytes) else {
            let text = String::from_utf8_lossy(bytes).into_owned();
            return law(&mut self.marks, "law: seq without gap", false, || format!("p{} cannot read {text:?}", device.person));
        };
        self.story.note(self.now, || format!("p{} hears {}", device.person, short(&message)));
        let is_current = self.people[device.person as usize].devices[usize::from(device.index)].conn == Some(conn);
        if !is_current {
            return Ok(());
        }
        let manners = self.manners();
        let person = &mut self.people[device.person as usize];
        let (who, is_hostile) = (person.id(), person.is_hostile());
        let state = &mut person.devices[usize::from(device.index)];
        // Clocks drift by a twentieth at most.
        state.ear.seen(self.now, self.plan.rules.answers_for.0 * 9 / 10);
        let verdict = state.ear.hears(who, &message, &mut self.marks);
        if !is_hostile && self.plan.laws {
            verdict?;
        }
        let mut deeds = state.hears(&message, &mut self.gossip);
        let is_sdk = state.sdk.is_some();
        if is_sdk {
            // It resumes, sends again and acknowledges by itself.
            deeds.clear();
        }
        let link = state.sdk.as_ref().and_then(|sdk| sdk.link);
        if state.pending.len() > 200 {
            state.pending.clear();
        }
        if let ServerMessage::Event { event, .. } = &message {
            deeds.extend(crate::people::answers::to_event(person, device.index, event, &manners));
        }
        if let Some(link) = link {
            self.sdk(device, duologue_client::Input::Received { link, bytes })?;
        }
        self.carry_out(device.person, deeds).map(drop)
    }

    /// A client sends something.
    pub(super) fn rises(&mut self, conn: u64, rise: Rise) {
        if self.net.get(conn).client_open {
            let at = self.net.arrival_up(conn, self.now);
            self.push(at, What::Arrives(conn, rise));
        }
    }

    /// An operation goes to the store.
    fn stores(&mut self, node: usize, number: u64, is_load: bool) {
        let Some(life) = self.servers[node].as_ref().map(|server| server.life) else { return };
        let course = self.store_weather.course(self.now, is_load, &mut self.marks);
        if matches!(course.fate, Fate::Done | Fate::AnswerLost | Fate::Doubled) {
            self.push(course.carried_out, What::StoreDoes { node, life, number });
        }
        self.push(course.answered, What::StoreSays { node, life, number, fate: course.fate });
        if let Some(late) = course.late {
            self.push(late, What::StoreSays { node, life, number, fate: course.fate });
        }
    }

    pub(super) fn store_does(&mut self, node: usize, life: u32, number: u64) -> Verdict {
        let Some(server) = self.servers[node].as_mut().filter(|server| server.life == life) else { return Ok(()) };
        let mut store = std::mem::replace(&mut server.store, duologue_store::Delayed::new(self.memory.clone()));
        let verdict = self.written(&mut store, number, |store| store.carry_out(number));
        if let Some(server) = self.servers[node].as_mut() {
            server.store = store;
        }
        verdict
    }

    pub(super) fn store_says(&mut self, node: usize, life: u32, number: u64, fate: Fate) -> Verdict {
        let Some(server) = self.servers[node].as_mut().filter(|server| server.life == life) else { return Ok(()) };
        let mut store = std::mem::replace(&mut server.store, duologue_store::Delayed::new(self.memory.clone()));
        let answers = self.written(&mut store, number, |store| store.complete(number, fate));
        if let Some(server) = self.servers[node].as_mut() {
            server.store = store;
        }
        for answer in answers? {
            self.comes(node, Inbound::Stored(answer));
        }
        Ok(())
    }

    /// Does something at the database and notes what became durable by it, and who wrote it.
    pub(super) fn written<T>(
        &mut self,
        store: &mut duologue_store::Delayed,
        number: u64,
        does: impl FnOnce(&mut duologue_store::Delayed) -> T,
    ) -> Result<T, crate::failure::Failure> {
        let batch = store.pending().find(|(pending, _)| *pending == number).and_then(|(_, op)| match op {
            StoreOp::Write(batch) => Some(batch.clone()),
            StoreOp::Load { .. } | StoreOp::Position => None,
        });
        let standing = |world: &World| duologue_store::Store::standing(&mut world.memory.clone()).unwrap_or_default();
        let before = standing(self);
        let result = does(store);
        let after = standing(self);
        let Some(batch) = batch.filter(|_| before != after) else { return Ok(result) };
        law(&mut self.marks, "law: only the owner commits", before.epoch == batch.epoch, || {
            format!("the owner of epoch {} wrote in epoch {}", batch.epoch, before.epoch)
        })?;
        law(&mut self.marks, "law: only the owner commits", batch.position == before.position + 1 && batch.time >= before.time, || {
            format!("{:?} was written after {before:?}", (batch.position, batch.time))
        })?;
        for row in &batch.rows {
            self.durable.apply(row, &mut self.marks)?;
        }
        self.story.note(self.now, || format!("store: {} rows at position {} of epoch {}", batch.rows.len(), batch.position, batch.epoch));
        Ok(result)
    }

    /// A server found that it must not go on.
    fn stops(&mut self, node: usize, stop: &Stop) -> Verdict {
        self.story.note(self.now, || format!("server {node} stops: {stop:?}"));
        match stop {
            Stop::Fenced { .. } => {
                hit!(self.marks, "an owner was fenced");
                let life = self.servers[node].as_ref().map_or(0, |server| server.life);
                self.killed(node, life, None)
            }
            Stop::Refused { why } => {
                law(&mut self.marks, "law: released is durable", false, || format!("the database refuses the rows: {why}"))
            }
        }
    }
}

/// A message in few words.
fn short(message: &ServerMessage) -> String {
    match message {
        ServerMessage::Welcome(welcome) => format!("welcome at {} (recovered {}), {:?}", welcome.seq, welcome.recovered, welcome.state),
        other => format!("{other:?}"),
    }
}
